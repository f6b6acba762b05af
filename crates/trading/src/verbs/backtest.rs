//! `backtest`: signals of one's own, or an artifact's, after costs.

use std::fs::File;
use std::path::{Path, PathBuf};

use clap::{ArgMatches, Args};
use specialist_cli::{Common, Terminal, print};
use specialist_core::quoting::{Fault, Quoted, Wrong};
use specialist_core::{Dialect, Predict, Severity};
use specialist_engine::recipe::parse;
use specialist_engine::{Effort, Error, Job, Place, artifact};

use specialist_tabular::read::seconds;
use specialist_tabular::write::{Cells, table};

use super::{again, bars, desk, dialect, folder, open, parsed, usage};
use crate::Trading;
use crate::backtest::{History, Signal, equity_table, events, fills_too_early, trades_table};
use crate::bars::{Asset, Market, day, now};
use crate::baselines::{bars_of, baselines};
use crate::faults::faults;
use crate::money::interval;
use crate::performance as perf;
use crate::tables::Settings;

#[derive(Debug, Args)]
pub(super) struct BacktestArgs {
    /// Signals of your own: a CSV file with the columns time, asset, weight, and perhaps fill
    #[arg(long, value_name = "FILE", conflicts_with = "artifact")]
    signals: Option<PathBuf>,
    /// The artifact whose forecasts are traded on its sealed bars
    #[arg(long, value_name = "DIR")]
    artifact: Option<PathBuf>,
    /// The model to use; by default the one that the verdict ships
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Write the account's value at every bar beside the benchmark's, as CSV or Parquet
    #[arg(long, value_name = "FILE")]
    equity: Option<PathBuf>,
}

pub(super) fn backtest(matches: &ArgMatches, common: &Common, terminal: &Terminal) -> Result<u8, Error> {
    let args: BacktestArgs = parsed(matches);
    let Some(file) = &args.signals else {
        if args.artifact.is_none() && !folder(None).exists() {
            return Err(usage("there is nothing to trade", "name --signals FILE, or --artifact DIR"));
        }
        return backtest_artifact(matches, &args, common, terminal);
    };
    let (market, settings) = bars(matches, common)?;
    refuse_faults(&market)?;
    let wishes = read_signals(file, &market, dialect(matches)?)?;
    // Weights of one's own are traded as they are, unless a recipe says otherwise.
    let account = crate::backtest::Account { short: true, ..Default::default() };
    let settings = settings.unwrap_or_else(|| Settings { account, ..Settings::default() });
    let beyond = wishes
        .iter()
        .filter(|w| w.weight < 0.0 && !settings.account.short || w.weight.abs() > settings.account.leverage);
    let beyond = beyond.count();
    if beyond > 0 {
        terminal.say(&format!("warning: {beyond} weight(s) are beyond what the account may hold and are cut to it"));
    }
    let history = events(&market.assets, &wishes, &settings.account, &settings.costs).daily();
    let end = history.time.last().copied().unwrap_or(0);
    let gone =
        market.assets.iter().enumerate().filter(|(a, asset)| {
            wishes.iter().any(|w| w.asset == *a) && asset.bars.last().is_some_and(|b| b.time < end)
        });
    for (_, asset) in gone {
        let last = asset.bars.last().map_or(0, |b| b.time);
        terminal.say(&format!(
            "warning: {} has no bar after {}: what is held of it then is sold {:.0} % below its last price (`delisting` of the account)",
            asset.name,
            day(last),
            100.0 * settings.account.delisting
        ));
    }
    let mut held: Vec<usize> = wishes.iter().map(|w| w.asset).collect();
    held.sort_unstable();
    held.dedup();
    let whole = 1.0 / held.len() as f64;
    let start = wishes[0].time;
    let parts: Vec<Signal> = held.iter().map(|&asset| Signal { time: start, asset, weight: whole }).collect();
    let benchmark = events(&market.assets, &parts, &settings.account, &settings.costs).daily();
    let told = Told { history: &history, benchmark: &benchmark, assets: &market.assets, settings: &settings };
    told.tell(args.equity.as_deref(), common, terminal)
}

/// Bars that `check` would stop on are not traded either.
pub(super) fn refuse_faults(market: &Market) -> Result<(), Error> {
    let leaks = faults(market, now()).into_iter().find(|r| r.severity == Severity::Leak);
    leaks.map_or(Ok(()), |r| {
        Err(Error::Core(specialist_core::Error::Data {
            what: format!("{}: {} ({})", r.name, r.message, r.rows.join(", ")),
            hint: "mend the bars; `trading check` shows everything that is wrong with them".into(),
        }))
    })
}

/// What an account came to, beside holding the same assets.
struct Told<'a> {
    history: &'a History,
    benchmark: &'a History,
    assets: &'a [Asset],
    settings: &'a Settings,
}

impl Told<'_> {
    /// Prints the figures and writes the trades (`-o`) and the account (`--equity`).
    fn tell(&self, equity: Option<&Path>, common: &Common, terminal: &Terminal) -> Result<u8, Error> {
        let Self { history, benchmark, assets, settings } = *self;
        let returns = history.returns();
        let hold = benchmark.returns();
        if returns.len() < 2 {
            return Err(usage(
                "there are fewer than three bars after the first signal",
                "bring signals of earlier days",
            ));
        }
        let ctx = terminal.context(42);
        let year = history.periods();
        let sharpe = interval((&returns, &returns), |x, _| perf::sharpe(x, year), 0.95, &ctx);
        let alpha = interval((&returns, &hold), |x, b| perf::alpha_beta(x, b, year).0, 0.95, &ctx);
        let beta = perf::alpha_beta(&returns, &hold, year).1;
        let capacity = Some(history.capacity(alpha.estimate)).filter(|c| c.is_finite() && alpha.estimate > 0.0);
        let (first, last) = (history.equity[0], history.equity[history.equity.len() - 1]);
        if common.json {
            let value = serde_json::json!({
                "from": day(history.time[0]), "until": day(history.time[history.time.len() - 1]),
                "equity": [first, last], "return-a-year": perf::annual_return(&returns, year),
                "volatility-a-year": perf::annual_volatility(&returns, year),
                "sharpe": [sharpe.estimate, sharpe.low, sharpe.high], "sortino": perf::sortino(&returns, year),
                "calmar": perf::calmar(&returns, year), "max-drawdown": perf::max_drawdown(&returns),
                "turnover-a-year": history.turnover(), "costs": history.costs(), "interest": history.interest,
                "trades": history.trades.len(), "orders-cut": history.cut, "capacity": capacity,
                "alpha": [alpha.estimate, alpha.low, alpha.high], "beta": beta,
                "benchmark": {"return-a-year": perf::annual_return(&hold, year), "sharpe": perf::sharpe(&hold, year),
                    "max-drawdown": perf::max_drawdown(&hold)}, "account": settings.account, "costs-in-basis-points": settings.costs,
            });
            print(&serde_json::to_string_pretty(&value).expect("plain data"))?;
        } else {
            print(&format!(
                "{} to {}: {first:.2} became {last:.2}; holding the same in equal parts {:.2}\nalpha beside it {:.2} % a year ({:.2} to {:.2}), beta {beta:.2}\nreturn {:.2} % a year, volatility {:.2} %, Sharpe ratio {:.2} ({:.2} to {:.2}), largest fall {:.1} %\n\
             {} trades, turnover {:.1} a year, costs {:.2}, interest {:.2}",
                day(history.time[0]),
                day(history.time[history.time.len() - 1]),
                benchmark.equity[benchmark.equity.len() - 1],
                100.0 * alpha.estimate,
                100.0 * alpha.low,
                100.0 * alpha.high,
                100.0 * perf::annual_return(&returns, year),
                100.0 * perf::annual_volatility(&returns, year),
                sharpe.estimate,
                sharpe.low,
                sharpe.high,
                100.0 * perf::max_drawdown(&returns),
                history.trades.len(),
                history.turnover(),
                history.costs(),
                history.interest,
            ))?;
            let (c, a) = (&settings.costs, &settings.account);
            print(&format!(
                "rules: costs in basis points commission {}, half-spread {}, slippage {} for every percent of the bar's volume, \
             borrow {} and margin {} a year; capital {}, leverage up to {}, {}, weights left alone within {}, at most {} of a \
             bar's volume an order; cash earns nothing",
                c.commission,
                c.half_spread,
                c.slippage,
                c.borrow,
                c.margin,
                a.capital,
                a.leverage,
                if a.short { "long and short" } else { "long only" },
                a.band,
                a.participation,
            ))?;
        }
        if history.cut > 0 {
            terminal.say(&format!(
                "warning: {} order(s) asked for more than {} of their bar's volume; the rest of each lapsed",
                history.cut, settings.account.participation
            ));
        }
        if let (Some(capital), false) = (capacity, common.json) {
            print(&format!("capacity: were the alpha real, slippage would eat it at a capital of about {capital:.0}"))?;
        }
        let write = |path: &Path, what: &str, columns: &[(&str, Cells)]| {
            let wrong = |error| Error::Write { file: path.display().to_string(), error };
            artifact::replace_file(path, &table(path, columns).map_err(wrong)?)?;
            terminal.say(&format!("{what}: {}", path.display()));
            Ok::<(), Error>(())
        };
        if let Some(path) = &common.output {
            write(path, "trades", &trades_table(history, assets))?;
        }
        if let Some(path) = equity {
            write(path, "account", &equity_table(history, benchmark))?;
        }
        Ok(0)
    }
}

/// Signals of a CSV file, in order of time. A column `fill` says when an order was filled where they come from: a
/// fill that is not later than its signal is refused.
pub(super) fn read_signals(path: &Path, market: &Market, dialect: Dialect) -> Result<Vec<Signal>, Error> {
    let name = path.display();
    let wrong = |line: u64, what: &str, hint: &str| {
        Error::Core(specialist_core::Error::Data { what: format!("{name}, line {line}: {what}"), hint: hint.into() })
    };
    let file = File::open(path)
        .map_err(|e| usage(format!("{name}: {e}"), "name a CSV file with the columns time, asset, weight"))?;
    let delimiter = dialect.delimiter;
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(Quoted::new(file, delimiter));
    let misquoted = |e: &csv::Error| match e.kind() {
        csv::ErrorKind::Io(e) => Fault::of(e).map(|f| wrong(f.lines_before + 1, f.what.sentence(), Wrong::HINT)),
        _ => None,
    };
    let header = reader.headers();
    let header = header
        .map_err(|e| misquoted(&e).unwrap_or_else(|| wrong(1, &e.to_string(), "save the file as UTF-8")))?
        .clone();
    let place = |column: &str| header.iter().position(|h| h == column);
    let need = |column: &str| {
        place(column)
            .ok_or_else(|| wrong(1, &format!("there is no column `{column}`"), "the columns are time, asset, weight"))
    };
    let (time, asset, weight, fill) = (need("time")?, need("asset")?, need("weight")?, place("fill"));
    let (mut out, mut orders, mut lines) = (Vec::new(), Vec::new(), Vec::new());
    for (i, record) in reader.records().enumerate() {
        let line = i as u64 + 2;
        let record = record.map_err(|e| {
            misquoted(&e).unwrap_or_else(|| wrong(line, "the row is cut short or not UTF-8", "write the file again"))
        })?;
        let cell = |c: usize| record.get(c).unwrap_or("").trim();
        let when = |c: usize, column: &str| {
            seconds(cell(c)).map(|t| t as i64).ok_or_else(|| {
                wrong(
                    line,
                    &format!("`{column}` must be a day or a time such as 2024-01-31 or 2024-01-31T15:30:00"),
                    "write days as year-month-day",
                )
            })
        };
        let known = market.find(cell(asset));
        let position =
            known.ok_or_else(|| wrong(line, "there are no bars of this asset", "spell it as the bars do"))?;
        let share: f64 = cell(weight).parse().ok().filter(|w: &f64| w.is_finite()).ok_or_else(|| {
            wrong(line, "`weight` must be a number", "1 is all of the equity, 0 none, negative is short")
        })?;
        let at = when(time, "time")?;
        if let Some(c) = fill {
            orders.push((at, when(c, "fill")?));
        }
        lines.push(line);
        out.push(Signal { time: at, asset: position, weight: share });
    }
    let early = fills_too_early(&orders);
    if !early.is_empty() {
        let named: Vec<String> = early.iter().take(5).map(|&i| lines[i].to_string()).collect();
        return Err(wrong(
            lines[early[0]],
            &format!(
                "{} order(s) are filled on the bar of their own signal or before it (lines {})",
                early.len(),
                named.join(", ")
            ),
            "a signal that needs a bar's close can be filled at the next bar at the earliest; leave out `fill` and it will be",
        ));
    }
    let mut seen = std::collections::HashMap::new();
    for (i, s) in out.iter().enumerate() {
        if let Some(first) = seen.insert((s.time, s.asset), i) {
            let what = format!("a second signal for one asset and time (the first is in line {})", lines[first]);
            return Err(wrong(lines[i], &what, "keep one signal an asset and time"));
        }
    }
    if out.is_empty() {
        return Err(wrong(1, "there is a header but no signal", "write a row a signal"));
    }
    out.sort_by_key(|s| s.time);
    Ok(out)
}

pub(super) fn backtest_artifact(
    matches: &ArgMatches,
    args: &BacktestArgs,
    common: &Common,
    terminal: &Terminal,
) -> Result<u8, Error> {
    let domain = Trading;
    let (_, mut scorer) = open(args.artifact.clone(), args.model.as_deref(), &domain)?;
    if common.recipe.is_some() {
        return Err(usage("an artifact has its own recipe", "leave out --recipe; --set changes single keys"));
    }
    scorer.recipe = parse("the artifact's recipe", &scorer.recipe.render(), &common.set)?;
    again(&mut scorer, matches);
    let ctx = terminal.context(scorer.recipe.seed);
    let place = Place::default();
    let job = Job { recipe: &scorer.recipe, domain: &domain, place: &place, ctx: &ctx, effort: Effort::default() };
    let prepared = job.prepare()?;
    let made = &desk(&*prepared.loaded.judgement).made;
    let at = bars_of(made, &prepared.sealed)?;
    let found = baselines(made, &prepared.train, &prepared.sealed)?;
    let predicted = scorer.model.predict(&prepared.sealed)?;
    let prediction = specialist_core::evidence::Prediction {
        name: scorer.name.clone(),
        outputs: predicted.into(),
        ..Default::default()
    };
    let strategy = crate::money::strategy(made, &found, &prediction, &at, &made.settings.costs);
    let assets: Vec<_> = made.targets.iter().map(|&a| made.market.assets[a].clone()).collect();
    let benchmark = crate::money::holding(made, &strategy.signals);
    let told =
        Told { history: &strategy.history, benchmark: &benchmark.history, assets: &assets, settings: &made.settings };
    told.tell(args.equity.as_deref(), common, terminal)
}
