//! The strategies side by side, and whether there is an edge in them: decided apart from the skill of the forecast.

use specialist_core::evidence::{Interval, Prediction};
use specialist_core::{Candidate, Context};

use crate::backtest::{Costs, History, Signal, events};
use crate::baselines::Baselines;
use crate::performance as perf;
use crate::strategy::{hold, signals, volatility_of};
use crate::tables::Made;

/// Replicates of the stationary bootstrap behind every interval here.
const REPLICATES: usize = 500;
/// Mean length of its blocks: a month of bars.
const BLOCK: f64 = 21.0;

/// One strategy after costs.
#[derive(Debug, Clone)]
pub struct Strategy {
    /// The candidate whose forecasts it follows.
    pub name: String,
    /// Its account.
    pub history: History,
    /// Returns from bar to bar.
    pub returns: Vec<f64>,
    /// Forecasts of volatility per bar that it follows; empty for other tasks.
    pub volatility: Vec<f64>,
    /// Its signals.
    pub signals: Vec<Signal>,
}

/// Every strategy and the benchmark.
#[derive(Debug, Clone)]
pub struct Money {
    /// One a candidate, in their order.
    pub strategies: Vec<Strategy>,
    /// Holding the target.
    pub benchmark: Strategy,
    /// The verdict about money.
    pub edge: Edge,
}

/// Whether the specialist's strategy earns what holding does not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Edge {
    /// Alpha per year beside the benchmark, after costs.
    pub alpha: Interval,
    /// Sharpe ratio per year of what is left beside the benchmark.
    pub appraisal: Interval,
    /// Probability that the true one is above 0.
    pub probabilistic: f64,
    /// The same above what the best of all trials would show without skill.
    pub deflated: f64,
    /// Trials that were counted.
    pub trials: usize,
    /// Hansen's p-value of the best strategy against the benchmark.
    pub superior: f64,
    /// White's p-value of the same.
    pub reality_check: f64,
    /// The capital at which slippage would eat the alpha; infinite where bars have no volume.
    pub capacity: f64,
    /// Probability of back-test overfitting among the strategies.
    pub overfitting: f64,
    /// Years of bars that it would take to show such a Sharpe ratio.
    pub track_record: f64,
}

impl Edge {
    /// An edge is claimed where the deflated Sharpe ratio is at least 95 %, Hansen's test rejects at 5 %, and alpha's
    /// interval lies above 0.
    #[must_use]
    pub fn shown(&self) -> bool {
        self.deflated >= 0.95 && self.superior <= 0.05 && self.alpha.low > 0.0
    }
}

/// What the report says where an edge is claimed.
pub const SHOWN: &str = "an edge is shown";
/// What it says where none is.
pub const NOT_SHOWN: &str = "no edge shown";

/// Whether a report claims an edge.
#[must_use]
pub fn claimed(report: &specialist_report::Report) -> bool {
    report.panels.iter().filter_map(|p| p.headline.as_ref()).any(|h| h.contains(SHOWN))
}

/// Trades every candidate's forecasts on the sealed bars `at`.
pub fn money(
    made: &Made,
    baselines: &Baselines,
    predictions: &[Prediction],
    at: &[(usize, usize)],
    trials: usize,
    confidence: f64,
    ctx: &Context,
) -> Money {
    let strategies: Vec<Strategy> =
        ctx.map(predictions.len(), |k| strategy(made, baselines, &predictions[k], at, &made.settings.costs));
    let searched = strategies.len() - baselines.all.len();
    let benchmark = holding(made, &strategies[0].signals);
    let edge = judge(&strategies, searched, &benchmark, trials, confidence, ctx);
    Money { strategies, benchmark, edge }
}

/// Holding the target from the first of `signals` on.
#[must_use]
pub fn holding(made: &Made, signals: &[Signal]) -> Strategy {
    run(made, "buy-and-hold", hold(made, signals), Vec::new(), &made.settings.costs)
}

/// The strategy of one candidate.
pub fn strategy(
    made: &Made,
    baselines: &Baselines,
    prediction: &Prediction,
    at: &[(usize, usize)],
    costs: &Costs,
) -> Strategy {
    let volatility = volatility(made, baselines, prediction, at);
    let wishes = signals(made, at, prediction.predicted(), &volatility);
    run(made, &prediction.name, wishes, volatility, costs)
}

/// The volatility that a candidate forecasts: a baseline's own figure, else the one its prediction stands for.
fn volatility(made: &Made, baselines: &Baselines, prediction: &Prediction, at: &[(usize, usize)]) -> Vec<f64> {
    if !made.settings.task.is_risk() {
        return Vec::new();
    }
    let own = baselines.all.iter().find(|b| b.name == prediction.name).and_then(|b| b.volatility.clone());
    own.unwrap_or_else(|| {
        at.iter().zip(prediction.predicted()).map(|(at, p)| volatility_of(made, *at, *p, baselines.spread)).collect()
    })
}

fn run(made: &Made, name: &str, signals: Vec<Signal>, volatility: Vec<f64>, costs: &Costs) -> Strategy {
    let assets: Vec<_> = made.targets.iter().map(|&a| made.market.assets[a].clone()).collect();
    let place = |a: usize| made.targets.iter().position(|t| *t == a).expect("signals are for targets");
    let own: Vec<Signal> = signals.iter().map(|s| Signal { asset: place(s.asset), ..*s }).collect();
    let history = events(&assets, &own, &made.settings.account, costs).daily();
    Strategy { name: name.into(), returns: history.returns(), history, volatility, signals }
}

/// Spells in the market below which a strategy that is mostly out of it has no interval.
const FEWEST_SPELLS: usize = 20;

/// The mean block for the bootstrap of `returns`: a month, and where the strategy is mostly out of the market the
/// mean distance between two spells in it, since resampled months would take one spell for many. `None` where there
/// are too few spells to say anything.
fn block(returns: &[f64]) -> Option<f64> {
    let moves = |r: &f64| *r != 0.0;
    let active = returns.iter().filter(|r| moves(r)).count();
    if 2 * active >= returns.len() {
        return Some(BLOCK);
    }
    let starts = returns.windows(2).filter(|w| !moves(&w[0]) && moves(&w[1])).count();
    let spells = starts + usize::from(returns.first().is_some_and(moves));
    (spells >= FEWEST_SPELLS).then(|| BLOCK.max(returns.len() as f64 / spells as f64))
}

/// A statistic of two series with an interval by the stationary bootstrap, the same resamples for both; its ends are
/// `NaN` where the first series moves too seldom to be resampled.
pub fn interval(
    pair: (&[f64], &[f64]),
    statistic: impl Fn(&[f64], &[f64]) -> f64,
    confidence: f64,
    ctx: &Context,
) -> Interval {
    let (a, b) = pair;
    let Some(block) = block(a) else {
        return Interval { estimate: statistic(a, b), low: f64::NAN, high: f64::NAN };
    };
    let mut rng = ctx.rng("stationary bootstrap");
    let (mut at, mut drawn) = (Vec::new(), Vec::with_capacity(REPLICATES));
    let (mut x, mut y) = (vec![0.0; a.len()], vec![0.0; b.len()]);
    for _ in 0..REPLICATES {
        perf::stationary(a.len(), block, &mut rng, &mut at);
        for (k, &i) in at.iter().enumerate() {
            (x[k], y[k]) = (a[i], b[i]);
        }
        drawn.push(statistic(&x, &y));
    }
    let tail = (1.0 - confidence) / 2.0;
    let quantile = |q| specialist_core::bootstrap::quantile(&drawn, q);
    Interval { estimate: statistic(a, b), low: quantile(tail), high: quantile(1.0 - tail) }
}

fn judge(
    strategies: &[Strategy],
    searched: usize,
    benchmark: &Strategy,
    trials: usize,
    confidence: f64,
    ctx: &Context,
) -> Edge {
    let hold = &benchmark.returns;
    let year = benchmark.history.periods();
    let beside: Vec<Vec<f64>> = strategies.iter().map(|s| perf::beside(&s.returns, hold)).collect();
    let at = strategies.iter().position(|s| s.name == Candidate::Specialist).unwrap_or(0);
    let own = &strategies[at].returns;
    let sharpes: Vec<f64> = beside.iter().map(|b| perf::sharpe_per_period(b)).collect();
    // How much the trials' Sharpe ratios vary (Bailey and López de Prado 2014 ask for the variance across the trials).
    // The search keeps losses of its trials and no returns, and its few winners may be one model under several names,
    // whose variance is 0 and would deflate nothing. So at least that of trials that know nothing and have nothing in
    // common, 1/(n − 1) (Lo 2002 at a Sharpe ratio of 0): what trials have in common makes the bar too high, not too low.
    let winners = specialist_core::bootstrap::mean_sd(&sharpes[..searched]).1.powi(2);
    let variance = winners.max(1.0 / (own.len() as f64 - 1.0).max(1.0));
    let trials = trials + strategies.len();
    let (skew, kurtosis) = perf::skew_kurtosis(&beside[at]);
    let alive: Vec<Vec<f64>> = beside.iter().filter(|b| perf::annual_volatility(b, year) > 1e-9).cloned().collect();
    Edge {
        alpha: interval((own, hold), |s, b| perf::alpha_beta(s, b, year).0, confidence, ctx),
        appraisal: interval((own, hold), |s, b| perf::sharpe(&perf::beside(s, b), year), confidence, ctx),
        probabilistic: perf::probabilistic_sharpe(sharpes[at], 0.0, own.len(), skew, kurtosis),
        deflated: perf::deflated_sharpe(&beside[at], trials, variance),
        trials,
        superior: perf::superior(&beside, BLOCK, 2 * REPLICATES, &mut ctx.rng("superior")),
        reality_check: perf::reality_check(&beside, BLOCK, 2 * REPLICATES, &mut ctx.rng("reality check")),
        capacity: strategies[at].history.capacity(perf::alpha_beta(own, hold, year).0),
        overfitting: perf::overfitting(&alive, 10).0,
        track_record: perf::minimum_track_record(&beside[at], 0.95) / year,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strategy_that_seldom_trades_has_a_wide_interval_or_none() {
        let ctx = Context::new(1, 1);
        // In the market for one month of every `every`: within a month all days go the same way.
        let returns = |every: usize| -> Vec<f64> {
            let day = |i: usize| {
                let month = i / 21;
                let side = if (month / every).is_multiple_of(3) { -0.01 } else { 0.01 };
                if month.is_multiple_of(every) { side + 0.001 * (i % 5) as f64 } else { 0.0 }
            };
            (0..2520).map(day).collect()
        };
        let sharpe = |r: &[f64]| interval((r, r), |x, _| perf::sharpe(x, 252.0), 0.95, &ctx);
        assert!(sharpe(&returns(12)).low.is_nan(), "ten spells are too few");
        let seldom = returns(4);
        assert_eq!(block(&seldom), Some(84.0), "thirty spells in 2,520 bars");
        assert!(sharpe(&seldom).low.is_finite());
        assert_eq!(block(&returns(1)), Some(BLOCK));
    }
}
