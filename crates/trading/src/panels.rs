//! The report's own part: money after costs, the curve of the account, skill over time, the search's toll.

use std::collections::BTreeMap;

use specialist_core::evidence::{Interval, Prediction};
use specialist_core::metric::{evaluate, usual};
use specialist_core::{Candidate, Context, Error, Panel, PanelInput, Series};

use crate::backtest::{Costs, History};
use crate::bars::{day, year};
use crate::baselines::{Baselines, bars_of};
use crate::labels::{REFERENCE, Task, log_return, realised};
use crate::money::{Edge, Money, NOT_SHOWN, SHOWN, Strategy, interval, money, strategy};
use crate::performance as perf;
use crate::tables::Made;

/// Points of a line: weekly is enough to see.
const EVERY: usize = 5;

/// Every panel.
///
/// # Errors
/// When rows and bars do not belong together.
pub fn panels(made: &Made, baselines: &Baselines, input: &PanelInput<'_>) -> Result<Vec<Panel>, Error> {
    let at = bars_of(made, input.rows)?;
    let ctx = &input.ctx.child("money");
    let money = money(made, baselines, input.predictions, &at, input.trials, input.confidence, ctx);
    let specialist =
        input.predictions.iter().find(|p| p.name == Candidate::Specialist).unwrap_or(&input.predictions[0]);
    let own = money.strategies.iter().find(|s| s.name == specialist.name).unwrap_or(&money.strategies[0]);
    let free = strategy(made, baselines, specialist, &at, &made.settings.costs.scaled(0.0));
    let mut out = vec![edge(&money, made), account(&money, input.confidence, ctx)];
    out.push(curve(&money, own, &free));
    out.push(drawdown(&money, own));
    if made.settings.task.is_risk() {
        out.push(levels(made, &money, &at, input));
    }
    out.push(rolling(input, specialist));
    out.push(months(made, &at, specialist));
    out.push(periods(made, own, &money.benchmark, &at));
    out.push(sensitivity(made, baselines, specialist, &at, &money, input.confidence, ctx));
    out.push(trades(made, &own.history));
    Ok(out)
}

fn text(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

fn percent(x: f64) -> String {
    format!("{:.1} %", 100.0 * x)
}

fn ranged(i: &Interval, scale: f64, unit: &str) -> String {
    if i.low.is_nan() {
        return format!("{:.2}{unit} (too few trades for an interval)", scale * i.estimate);
    }
    format!("{:.2}{unit} ({:.2} to {:.2})", scale * i.estimate, scale * i.low, scale * i.high)
}

/// The verdict about money.
fn edge(money: &Money, made: &Made) -> Panel {
    let Edge {
        alpha,
        appraisal,
        probabilistic,
        deflated,
        trials,
        superior,
        overfitting,
        track_record,
        reality_check,
        capacity,
    } = money.edge;
    let years = (money.benchmark.returns.len() as f64) / money.benchmark.history.periods();
    let word = if money.edge.shown() { SHOWN } else { NOT_SHOWN };
    let headline = format!(
        "MONEY: {word}. After costs the specialist's strategy has an alpha of {} a year beside holding, over {years:.1} years; \
         the probability that its Sharpe ratio is more than luck after {trials} trials is {:.0} % (deflated), and a strategy \
         without skill would look as good with p = {superior:.2} (Hansen). An edge is claimed from 95 % and p = .05 on.",
        ranged(&alpha, 100.0, " %"),
        100.0 * deflated,
    );
    let record = if track_record.is_finite() { format!("{track_record:.0} years") } else { "no length".into() };
    let capital = match capacity {
        c if c.is_infinite() => "not known: the bars have no volume, or nothing is slipped".into(),
        c if c <= 0.0 => "none: there is no alpha to eat".into(),
        c => format!("{c:.0}"),
    };
    let table = vec![
        text(&["alpha a year beside holding, after costs", &ranged(&alpha, 100.0, " %")]),
        text(&["Sharpe ratio of what is left beside holding", &ranged(&appraisal, 1.0, "")]),
        text(&["probabilistic Sharpe ratio (above 0)", &percent(probabilistic)]),
        vec![format!("deflated Sharpe ratio, {trials} trials counted"), percent(deflated)],
        text(&["superior predictive ability, p (Hansen 2005)", &format!("{superior:.3}")]),
        text(&["White's reality check, p (2000)", &format!("{reality_check:.3}")]),
        text(&["capital at which slippage would eat the alpha", &capital]),
        text(&["probability of back-test overfitting (CSCV, 10 blocks)", &percent(overfitting)]),
        text(&["track record that would show this Sharpe ratio", &record]),
    ];
    let survivors = if made
        .market
        .assets
        .iter()
        .all(|a| a.bars.last().map(|b| b.time) == made.market.assets[0].bars.last().map(|b| b.time))
    {
        " All assets are survivors: holding looks better here than it was."
    } else {
        ""
    };
    Panel {
        title: format!("Money after costs: {word}"),
        note: format!(
            "Forecast skill and money are two questions. What is left beside holding is the strategy's return less beta times \
             the return of holding the same asset. The deflated Sharpe ratio counts every trial of the search and every \
             strategy of this page; Hansen's test asks whether the best of them is better than luck.{survivors}"
        ),
        header: text(&["specialist's strategy", "on the sealed bars"]),
        table,
        headline: Some(headline),
        ..Panel::default()
    }
}

fn account(money: &Money, confidence: f64, ctx: &Context) -> Panel {
    let hold = &money.benchmark.returns;
    let periods = money.benchmark.history.periods();
    let row = |s: &Strategy| {
        let of = |f: fn(&[f64], f64) -> f64| interval((&s.returns, hold), |x, _| f(x, periods), confidence, ctx);
        let sharpe = of(perf::sharpe);
        let (alpha, beta) = perf::alpha_beta(&s.returns, hold, periods);
        vec![
            s.name.clone(),
            percent(perf::annual_return(&s.returns, periods)),
            percent(perf::annual_volatility(&s.returns, periods)),
            ranged(&sharpe, 1.0, ""),
            ranged(&of(perf::sortino), 1.0, ""),
            ranged(&of(perf::calmar), 1.0, ""),
            ranged(&of(|x, _| perf::max_drawdown(x)), 100.0, " %"),
            format!("{:.2}", beta),
            percent(alpha),
            format!("{:.1}", s.history.turnover()),
            percent((s.history.costs() + s.history.interest) / s.history.equity.first().copied().unwrap_or(1.0)),
        ]
    };
    Panel {
        title: "Strategies side by side".into(),
        note: format!(
            "Every candidate's forecasts traded by the same rule on the sealed bars: a signal known at a bar's end is filled \
             at the next bar. After costs; daily returns, {periods:.0} a year, against a rate of 0; {:.0} % intervals by the stationary bootstrap with blocks of a month.",
            100.0 * confidence
        ),
        header: text(&[
            "strategy",
            "return a year",
            "volatility",
            "Sharpe",
            "Sortino",
            "Calmar",
            "largest fall",
            "beta",
            "alpha",
            "turnover a year",
            "costs of capital",
        ]),
        table: money.strategies.iter().chain([&money.benchmark]).map(row).collect(),
        ..Panel::default()
    }
}

fn plain(value: f64) -> Interval {
    Interval { estimate: value, low: f64::NAN, high: f64::NAN }
}

fn years(time: i64) -> f64 {
    1970.0 + time as f64 / (365.25 * 86_400.0)
}

fn line(name: &str, history: &History, value: impl Fn(usize) -> f64) -> Series {
    let last = history.time.len().saturating_sub(1);
    let kept = (0..history.time.len()).filter(|i| i % EVERY == 0 || *i == last);
    Series { name: name.into(), points: kept.map(|i| (years(history.time[i]), plain(value(i)))).collect() }
}

fn curve(money: &Money, own: &Strategy, free: &Strategy) -> Panel {
    let grown = |name: &str, h: &History| line(name, h, |i| h.equity[i] / h.equity[0]);
    let hold = &money.benchmark.history;
    let mut series =
        vec![grown(Candidate::Specialist.name(), &own.history), grown("specialist before costs", &free.history)];
    if let Some(g) = money.strategies.iter().find(|s| s.name == Candidate::Generalist) {
        series.push(grown(Candidate::Generalist.name(), &g.history));
    }
    series.push(grown("buy-and-hold", hold));
    Panel {
        title: "What one unit of capital became".into(),
        note: "On the sealed bars, logarithmic.".into(),
        axes: ("year".into(), "value of the account".into()),
        series,
        log_y: true,
        ..Panel::default()
    }
}

fn drawdown(money: &Money, own: &Strategy) -> Panel {
    let falls = |name: &str, h: &History| {
        let mut peak = f64::MIN;
        let below: Vec<f64> = h
            .equity
            .iter()
            .map(|e| {
                peak = peak.max(*e);
                100.0 * (e / peak - 1.0)
            })
            .collect();
        line(name, h, |i| below[i])
    };
    Panel {
        title: "Falls from the peak".into(),
        note: "How far the account stood below its highest value, in percent.".into(),
        axes: ("year".into(), "percent below the peak".into()),
        series: vec![
            falls(Candidate::Specialist.name(), &own.history),
            falls("buy-and-hold", &money.benchmark.history),
        ],
        ..Panel::default()
    }
}

/// How well the forecasts hit the level of volatility.
fn levels(made: &Made, money: &Money, at: &[(usize, usize)], input: &PanelInput<'_>) -> Panel {
    let horizon = made.settings.horizon;
    let truth: Vec<f64> =
        at.iter().map(|&(a, i)| realised(&made.market.assets[a].bars, i + horizon, horizon).max(1e-5)).collect();
    let reference: Vec<f64> = at.iter().map(|&(a, i)| realised(&made.market.assets[a].bars, i, REFERENCE)).collect();
    let row = |s: &Strategy| {
        let ratio: Vec<f64> = truth.iter().zip(&s.volatility).map(|(t, f)| (t / f).powi(2)).collect();
        let qlike = |w: &[f64]| weighted(w, |r| ratio[r] - ratio[r].ln() - 1.0);
        let log = |r: usize| truth[r].ln();
        let r2 = |w: &[f64]| {
            let mean = weighted(w, log);
            // The forecast of the logarithm lies below that of the square's root.
            let bias = weighted(w, |r| log(r) - s.volatility[r].ln());
            let error = weighted(w, |r| (log(r) - s.volatility[r].ln() - bias).powi(2));
            1.0 - error / weighted(w, |r| (log(r) - mean).powi(2))
        };
        let cell = |i: Interval| format!("{:.3} ({:.3} to {:.3})", i.estimate, i.low, i.high);
        vec![s.name.clone(), cell(input.interval(qlike)), cell(input.interval(r2))]
    };
    let mut table: Vec<Vec<String>> = money.strategies.iter().map(row).collect();
    let naive = Strategy { volatility: reference, name: "the last 66 bars".into(), ..money.strategies[0].clone() };
    table.push(row(&naive));
    Panel {
        title: "The level of volatility".into(),
        note: format!(
            "Forecasts of realised volatility over the next {horizon} bars. QLIKE (Patton 2011): 0 is perfect, lower is better. \
             R² of the logarithm, out of sample, a constant bias removed. A candidate that says a probability stands for the \
             volatility at which a log-normal would have it, one that says a quantile for that of the normal distribution with it."
        ),
        header: text(&["forecast", "QLIKE", "R² of log volatility"]),
        table,
        ..Panel::default()
    }
}

fn weighted(weight: &[f64], value: impl Fn(usize) -> f64) -> f64 {
    let (mut sum, mut total) = (0.0, 0.0);
    for (r, w) in weight.iter().enumerate().filter(|(_, w)| **w > 0.0) {
        sum += w * value(r);
        total += w;
    }
    sum / total
}

/// Skill over time: the primary metric of the last 252 rows.
fn rolling(input: &PanelInput<'_>, specialist: &Prediction) -> Panel {
    const WINDOW: usize = 252;
    let time = input.rows.time.as_ref().expect("bars have a time");
    let metric = &usual(input.rows.estimand)[0];
    let of = |p: &Prediction| {
        let point = |end: usize| {
            let rows: Vec<usize> = (end - WINDOW..end).collect();
            let part: Vec<f64> = rows.iter().map(|&r| p.predicted()[r]).collect();
            (years(time[end - 1]), plain(evaluate(metric.as_ref(), &input.rows.select(&rows), &part)))
        };
        let ends = (WINDOW..=input.rows.rows()).step_by(4 * EVERY);
        Series { name: p.name.clone(), points: ends.map(point).filter(|p| p.1.estimate.is_finite()).collect() }
    };
    let generalist = input.predictions.iter().find(|p| p.name == Candidate::Generalist);
    Panel {
        title: "Skill over time".into(),
        note: format!(
            "{} of the last {WINDOW} sealed rows.{}",
            metric.name(),
            if input.rows.estimand.is_number() { "" } else { " One half is chance." }
        ),
        axes: ("year".into(), metric.name().into()),
        series: [Some(specialist), generalist].into_iter().flatten().map(of).collect(),
        ..Panel::default()
    }
}

/// The information coefficient of every month.
fn months(made: &Made, at: &[(usize, usize)], specialist: &Prediction) -> Panel {
    let horizon = made.settings.horizon;
    let outcome = |&(a, i): &(usize, usize)| {
        let bars = &made.market.assets[a].bars;
        match made.settings.task {
            Task::Volatility | Task::Realised => {
                (realised(bars, i + horizon, horizon) / realised(bars, i, REFERENCE)).ln()
            }
            // A tail's quantile ranks how far returns go, not where.
            Task::Quantile => {
                let moved = (bars[i + horizon].close / bars[i].close).ln().abs();
                if made.settings.quantile < 0.5 { -moved } else { moved }
            }
            _ => (i + 1..=(i + horizon).min(bars.len() - 1)).map(|j| log_return(bars, j)).sum(),
        }
    };
    let mut groups: BTreeMap<(i32, usize), (Vec<f64>, Vec<f64>)> = BTreeMap::new();
    for (p, at) in specialist.predicted().iter().zip(at) {
        let time = made.market.assets[at.0].bars[at.1].time;
        let group = groups.entry((year(time), crate::bars::month(time) as usize)).or_default();
        group.0.push(*p);
        group.1.push(outcome(at));
    }
    let all: Vec<(Vec<f64>, Vec<f64>)> = groups.values().cloned().collect();
    let found = perf::information(&all, true);
    let (mean, sd) = specialist_core::bootstrap::mean_sd(&found);
    let mut rows: BTreeMap<i32, Vec<String>> = BTreeMap::new();
    for ((y, m), group) in &groups {
        let row = rows.entry(*y).or_insert_with(|| vec![String::new(); 12]);
        if let Some(ic) = perf::information(std::slice::from_ref(group), true).first() {
            row[m - 1] = format!("{ic:.2}");
        }
    }
    let names = ["year", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    Panel {
        title: "Information coefficient by month".into(),
        note: format!(
            "Rank correlation of the specialist's forecast with what followed, within each month: mean {mean:.3}, ICIR (mean over standard deviation) {:.2}, over {} months.",
            mean / sd,
            found.len()
        ),
        header: text(&names),
        table: rows.into_iter().map(|(y, cells)| [vec![y.to_string()], cells].concat()).collect(),
        heat: true,
        ..Panel::default()
    }
}

/// By year and by regime.
fn periods(made: &Made, own: &Strategy, hold: &Strategy, at: &[(usize, usize)]) -> Panel {
    let time = &own.history.time[1..];
    let mut groups: Vec<(String, Vec<usize>)> = Vec::new();
    for (i, t) in time.iter().enumerate() {
        let name = year(*t).to_string();
        match groups.last_mut() {
            Some((last, rows)) if *last == name => rows.push(i),
            _ => groups.push((name, vec![i])),
        }
    }
    // Calm and wild by the reference volatility at the bar before the return.
    let state: BTreeMap<i64, f64> = at
        .iter()
        .map(|&(a, i)| (made.market.assets[a].bars[i].time, realised(&made.market.assets[a].bars, i, REFERENCE)))
        .collect();
    let all: Vec<f64> = state.values().copied().collect();
    let middle = specialist_core::bootstrap::quantile(&all, 0.5);
    let before = |i: usize| state.get(&own.history.time[i]).copied();
    for (name, wild) in [("calm half", false), ("wild half", true)] {
        let rows = (0..time.len()).filter(|&i| before(i).is_some_and(|v| (v > middle) == wild)).collect();
        groups.push((name.into(), rows));
    }
    let periods = own.history.periods();
    let row = |(name, rows): &(String, Vec<usize>)| {
        let part = |s: &Strategy| rows.iter().map(|&i| s.returns[i]).collect::<Vec<f64>>();
        let (a, b) = (part(own), part(hold));
        vec![
            name.clone(),
            rows.len().to_string(),
            percent(perf::annual_return(&a, periods)),
            percent(perf::annual_return(&b, periods)),
            format!("{:.2}", perf::sharpe(&a, periods)),
            format!("{:.2}", perf::sharpe(&b, periods)),
            percent(perf::max_drawdown(&a)),
            percent(perf::max_drawdown(&b)),
        ]
    };
    Panel {
        title: "By year and by regime".into(),
        note: "The halves are parted by the volatility of the 66 bars before.".into(),
        header: text(&["", "bars", "return a year", "holding", "Sharpe", "holding", "largest fall", "holding"]),
        table: groups.iter().filter(|g| g.1.len() > 20).map(row).collect(),
        ..Panel::default()
    }
}

fn sensitivity(
    made: &Made,
    baselines: &Baselines,
    specialist: &Prediction,
    at: &[(usize, usize)],
    money: &Money,
    confidence: f64,
    ctx: &Context,
) -> Panel {
    let hold = &money.benchmark.returns;
    let periods = money.benchmark.history.periods();
    let mut table = Vec::new();
    for times in [0.0, 0.5, 1.0, 2.0, 4.0] {
        let costs: Costs = made.settings.costs.scaled(times);
        let s = strategy(made, baselines, specialist, at, &costs);
        let alpha = interval((&s.returns, hold), |x, b| perf::alpha_beta(x, b, periods).0, confidence, ctx);
        table.push(vec![
            format!("{times} times"),
            percent(perf::annual_return(&s.returns, periods)),
            format!("{:.2}", perf::sharpe(&s.returns, periods)),
            ranged(&alpha, 100.0, " %"),
        ]);
    }
    Panel {
        title: "What if trading cost more".into(),
        note: "The specialist's strategy with all costs multiplied; holding is left at its own.".into(),
        header: text(&["costs", "return a year", "Sharpe", "alpha a year"]),
        table,
        ..Panel::default()
    }
}

fn trades(made: &Made, history: &History) -> Panel {
    const SHOWN: usize = 15;
    let row = |t: &crate::backtest::Trade| {
        vec![
            day(t.signal),
            day(t.time),
            made.market.assets[made.targets[t.asset]].name.clone(),
            format!("{:+.1}", t.units),
            format!("{:.3}", t.price),
            format!("{:.2}", t.cost),
        ]
    };
    Panel {
        title: "The last trades".into(),
        note: format!("{} trades in all; `trading backtest` writes them as CSV.", history.trades.len()),
        header: text(&["signal", "fill", "asset", "units", "price", "cost"]),
        table: history.trades.iter().rev().take(SHOWN).map(row).collect(),
        ..Panel::default()
    }
}
