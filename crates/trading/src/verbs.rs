//! The verbs that only trading has: `features`, `signal`, `backtest`, `validate`.

use std::path::{Path, PathBuf};

use clap::{ArgMatches, Args, FromArgMatches};
use specialist_cli::{Common, OwnVerb, Terminal, print};
use specialist_core::{Predict, Severity};
use specialist_pipeline::predict::Scorer;
use specialist_pipeline::recipe::parse;
use specialist_pipeline::report::read_report;
use specialist_pipeline::{Effort, Error, Job, Place, artifact};
use specialist_tabular::read::Input;

use crate::Trading;
use crate::backtest::{History, Signal, events, fills_too_early, trades_csv};
use crate::bars::{Market, day, now, read};
use crate::baselines::{bars_of, baselines};
use crate::faults::faults;
use crate::features::{Features, Standard};
use crate::labels::{REFERENCE, Task, realised};
use crate::money::{NOT_SHOWN, SHOWN, claimed, interval};
use crate::performance as perf;
use crate::strategy::{implied, signals};
use crate::tables::{Settings, cut};
use crate::{each, validate};

/// All of them.
#[must_use]
pub fn own() -> Vec<OwnVerb> {
    let verb = |command: clap::Command, run| OwnVerb { command, run };
    vec![
        verb(
            FeaturesArgs::augment_args(clap::Command::new("features"))
                .about("Write the features of every bar as CSV: what a model would have seen then"),
            write_features,
        ),
        verb(
            SignalArgs::augment_args(clap::Command::new("signal"))
                .about("The latest bar's forecast with its interval and the weight to hold; refuses stale data"),
            signal,
        ),
        verb(
            BacktestArgs::augment_args(clap::Command::new("backtest"))
                .about("Trade signals of your own, or an artifact's forecasts, on bars; write the trades as CSV"),
            backtest,
        ),
        verb(
            ValidateArgs::augment_args(clap::Command::new("validate"))
                .about("Judge an artifact's tuning by walk-forward on a schedule and by combinatorial purged folds"),
            validate_artifact,
        ),
        verb(
            clap::Command::new("each")
                .about("Run the recipe with every asset in turn as the target, all others as the source"),
            each_asset,
        ),
    ]
}

#[derive(Debug, Args)]
struct FeaturesArgs {}

#[derive(Debug, Args)]
struct SignalArgs {
    /// The artifact's folder
    #[arg(long, value_name = "DIR")]
    artifact: Option<PathBuf>,
    /// The model to use; by default the one that the verdict ships
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// The day to forecast on, and the last bar to use; by default today
    #[arg(long, value_name = "DAY")]
    as_of: Option<String>,
    /// The oldest that the latest bar may be
    #[arg(long, value_name = "DAYS", default_value_t = 4)]
    max_age: i64,
}

#[derive(Debug, Args)]
struct BacktestArgs {
    /// Signals of your own: a CSV file with the columns time, asset, weight, and perhaps fill
    #[arg(long, value_name = "FILE", conflicts_with = "artifact")]
    signals: Option<PathBuf>,
    /// The artifact whose forecasts are traded on its sealed bars
    #[arg(long, value_name = "DIR")]
    artifact: Option<PathBuf>,
    /// The model to use; by default the one that the verdict ships
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
}

#[derive(Debug, Args)]
struct ValidateArgs {
    /// The artifact's folder
    #[arg(long, value_name = "DIR")]
    artifact: Option<PathBuf>,
    /// Bars between two tunings
    #[arg(long, value_name = "BARS", default_value_t = 252)]
    every: usize,
    /// For the rolling window: its bars
    #[arg(long, value_name = "BARS", default_value_t = 1260)]
    window: usize,
    /// Groups of the combinatorial folds, of which two are judged at a time
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u64).range(3..=12))]
    groups: u64,
}

fn parsed<T: FromArgMatches>(matches: &ArgMatches) -> T {
    T::from_arg_matches(matches).unwrap_or_else(|e| e.exit())
}

fn usage(what: impl Into<String>, hint: impl Into<String>) -> Error {
    Error::Usage { what: what.into(), hint: hint.into() }
}

/// `--data`, or the embedded stocks.
fn input(matches: &ArgMatches) -> Result<Input, Error> {
    let name = matches.get_one::<String>("data").map_or("embedded:stocks", String::as_str);
    Place::default().input(name, &Trading::default())
}

/// The bars of `--data`, else of the recipe, else the embedded stocks, cut as the recipe says; and its settings.
fn bars(matches: &ArgMatches, common: &Common) -> Result<(Market, Option<Settings>), Error> {
    let Some(name) = &common.recipe else {
        if !common.set.is_empty() {
            return Err(usage("--set changes a recipe, and none is named", "name one with --recipe"));
        }
        return Ok((read(&input(matches)?, delimiter(matches))?, None));
    };
    let (recipe, folder) = each::recipe(name, &common.set)?;
    let settings = Settings::parse(&toml::to_string(&recipe.domain).expect("a table is TOML"))?;
    let own = if matches.get_one::<String>("data").is_some() {
        input(matches)?
    } else {
        Place { folder }.input(&recipe.target.data, &Trading::default())?
    };
    let mut market = read(&own, delimiter(matches))?;
    cut(&mut market, &settings)?;
    Ok((market, Some(settings)))
}

fn delimiter(matches: &ArgMatches) -> u8 {
    matches.get_one::<char>("delimiter").map_or(b',', |c| u8::try_from(*c).unwrap_or(b','))
}

fn folder(artifact: Option<PathBuf>) -> PathBuf {
    artifact.unwrap_or_else(|| Path::new("artifacts").join("trading-volatility"))
}

/// Writes `text` to `--output`, or to stdout.
fn deliver(text: &str, common: &Common, terminal: &Terminal, what: &str) -> Result<(), Error> {
    match &common.output {
        Some(path) => {
            artifact::replace_file(path, text.as_bytes())?;
            terminal.say(&format!("{what}: {}", path.display()));
            Ok(())
        }
        None => print(text.trim_end()),
    }
}

fn write_features(matches: &ArgMatches, common: &Common, terminal: &Terminal) -> Result<u8, Error> {
    let (market, _) = bars(matches, common)?;
    let rows = Standard.rows(&market);
    if rows.at.is_empty() {
        let needed = crate::features::WARM_UP;
        return Err(usage(format!("{}: no asset has {needed} bars in a row", market.file), "bring a longer history"));
    }
    let mut out = format!("time,asset,{}\n", rows.names.join(","));
    for (at, values) in rows.at.iter().zip(rows.values.chunks(rows.names.len())) {
        let asset = &market.assets[at.0];
        out.push_str(&format!("{},{}", day(asset.bars[at.1].time), asset.name));
        for v in values {
            if v.is_nan() { out.push(',') } else { out.push_str(&format!(",{v:.8}")) }
        }
        out.push('\n');
    }
    deliver(&out, common, terminal, &format!("{} rows of features", rows.at.len()))?;
    Ok(0)
}

/// An artifact with the recipe it was made by.
fn open(artifact: Option<PathBuf>, model: Option<&str>, domain: &Trading) -> Result<(PathBuf, Scorer), Error> {
    let folder = folder(artifact);
    let scorer = Scorer::open(&folder, model, domain)?;
    Ok((folder, scorer))
}

fn signal(matches: &ArgMatches, common: &Common, _: &Terminal) -> Result<u8, Error> {
    let args: SignalArgs = parsed(matches);
    let domain = Trading::default();
    let (folder, mut scorer) = open(args.artifact, args.model.as_deref(), &domain)?;
    let asked = args.as_of.as_deref().map(|d| Settings::day(d, "--as-of")).transpose()?;
    let report = read_report(&folder, &artifact::manifest(&folder)?)?;
    let money = if claimed(&report) { SHOWN } else { NOT_SHOWN };
    let verdict = report.evidence.verdict.outcome.word();
    let data = matches.get_one::<String>("data");
    let data =
        data.ok_or_else(|| usage("signal needs the latest bars", "trading signal --artifact DIR --data bars.csv"))?;
    if let Some(day) = &args.as_of {
        scorer.recipe.domain.insert("until".into(), day.clone().into());
    }
    scorer.recipe.domain.remove("from");
    let rows = scorer.made(&Place::default().input(data, &domain)?, &domain)?;
    let rows = rows.ok_or_else(|| usage("the artifact was not made of bars", "make one with `trading run`"))?;
    let made = domain.made().expect("the rows were just made");
    let at = bars_of(&made, &rows)?;
    let time = rows.time.as_ref().expect("bars have a time");
    let latest = *time.last().expect("there is a row");
    let today = asked.unwrap_or_else(now);
    let age = (today - latest).div_euclid(86_400);
    if age > args.max_age {
        return Err(usage(
            format!("the latest bar is of {}, {age} days old; --max-age allows {}", day(latest), args.max_age),
            "bring newer bars; --as-of DAY forecasts from an earlier day",
        ));
    }
    let last: Vec<usize> = (0..rows.rows()).filter(|&r| time[r] == latest).collect();
    let probability = scorer.model.probability(&rows.select(&last))?;
    let known: Vec<usize> = (0..rows.rows()).filter(|&r| !rows.labels()[r].is_nan()).collect();
    let now_at: Vec<(usize, usize)> = last.iter().map(|&r| at[r]).collect();
    let mut forecast = Vec::new();
    let mut spread = f64::NAN;
    if made.settings.task == Task::Volatility {
        spread = baselines(&made, &rows.select(&known), &rows.select(&last))?.spread;
        let reference = |&(a, i): &(usize, usize)| realised(&made.market.assets[a].bars, i, REFERENCE).max(1e-6);
        forecast = now_at.iter().zip(&probability).map(|(at, p)| implied(*p, reference(at), spread)).collect();
    }
    let mut wishes = signals(&made, &now_at, &probability, &forecast)?;
    let account = made.settings.account;
    wishes
        .iter_mut()
        .for_each(|w| w.weight = w.weight.clamp(if account.short { -account.leverage } else { 0.0 }, account.leverage));
    let word = serde_json::to_value(made.settings.task).expect("a word");
    let mut out = Vec::new();
    for (k, wish) in wishes.iter().enumerate() {
        let (name, p) = (&made.market.assets[wish.asset].name, probability[k]);
        let year = forecast.get(k).map(|v| v * made.market.bars_per_year().sqrt());
        let range =
            year.map(|v| [v * (-1.96 * spread - spread * spread).exp(), v * (1.96 * spread - spread * spread).exp()]);
        out.push(serde_json::json!({
            "asset": name, "bar": day(latest), "task": word, "horizon": made.settings.horizon, "model": scorer.name,
            "probability": p, "volatility": year, "volatility-95": range, "weight": wish.weight,
            "verdict": verdict, "money": money,
        }));
        if !common.json {
            let level = year.zip(range).map_or(String::new(), |(v, [low, high])| {
                format!(", volatility {:.1} % a year (95 %: {:.1} to {:.1})", 100.0 * v, 100.0 * low, 100.0 * high)
            });
            print(&format!(
                "{name} after the bar of {}: probability {p:.3} by the {}{level}; weight {:.2}, to be filled at the next bar",
                day(latest),
                scorer.name,
                wish.weight
            ))?;
        }
    }
    if common.json {
        print(&serde_json::to_string_pretty(&out).expect("plain data"))?;
    } else {
        print(&format!("the artifact's verdict: {verdict}; its money after costs: {money}"))?;
    }
    Ok(0)
}

fn backtest(matches: &ArgMatches, common: &Common, terminal: &Terminal) -> Result<u8, Error> {
    let args: BacktestArgs = parsed(matches);
    let Some(file) = &args.signals else {
        if args.artifact.is_none() && !folder(None).exists() {
            return Err(usage("there is nothing to trade", "name --signals FILE, or --artifact DIR"));
        }
        return backtest_artifact(matches, args, common, terminal);
    };
    let (market, settings) = bars(matches, common)?;
    refuse_faults(&market)?;
    let wishes = read_signals(file, &market, delimiter(matches))?;
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
            "warning: {} has no bar after {}: what is held of it then stays at its last price",
            asset.name,
            day(last)
        ));
    }
    tell(&history, &settings, common, terminal, &trades_csv(&history, &market.assets))
}

/// Bars that `check` would stop on are not traded either.
fn refuse_faults(market: &Market) -> Result<(), Error> {
    let leaks = faults(market, now()).into_iter().find(|r| r.severity == Severity::Leak);
    leaks.map_or(Ok(()), |r| {
        Err(Error::Core(specialist_core::Error::Data {
            what: format!("{}: {} ({})", r.name, r.message, r.rows.join(", ")),
            hint: "mend the bars; `trading check` shows everything that is wrong with them".into(),
        }))
    })
}

/// Prints what an account came to and delivers its trades.
fn tell(
    history: &History,
    settings: &Settings,
    common: &Common,
    terminal: &Terminal,
    trades: &str,
) -> Result<u8, Error> {
    let returns = history.returns();
    if returns.len() < 2 {
        return Err(usage("there are fewer than three bars after the first signal", "bring signals of earlier days"));
    }
    let ctx = terminal.context(42);
    let sharpe = interval((&returns, &returns), |x, _| perf::sharpe(x), 0.95, &ctx);
    let (first, last) = (history.equity[0], history.equity[history.equity.len() - 1]);
    if common.json {
        let value = serde_json::json!({
            "from": day(history.time[0]), "until": day(history.time[history.time.len() - 1]),
            "equity": [first, last], "return-a-year": perf::annual_return(&returns),
            "volatility-a-year": perf::annual_volatility(&returns),
            "sharpe": [sharpe.estimate, sharpe.low, sharpe.high], "sortino": perf::sortino(&returns),
            "calmar": perf::calmar(&returns), "max-drawdown": perf::max_drawdown(&returns),
            "turnover-a-year": history.turnover(), "costs": history.costs(), "interest": history.interest,
            "trades": history.trades.len(), "account": settings.account, "costs-in-basis-points": settings.costs,
        });
        print(&serde_json::to_string_pretty(&value).expect("plain data"))?;
    } else {
        print(&format!(
            "{} to {}: {first:.2} became {last:.2}\nreturn {:.2} % a year, volatility {:.2} %, Sharpe ratio {:.2} ({:.2} to {:.2}), largest fall {:.1} %\n\
             {} trades, turnover {:.1} a year, costs {:.2}, interest {:.2}",
            day(history.time[0]),
            day(history.time[history.time.len() - 1]),
            100.0 * perf::annual_return(&returns),
            100.0 * perf::annual_volatility(&returns),
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
    if let Some(path) = &common.output {
        artifact::replace_file(path, trades.as_bytes())?;
        terminal.say(&format!("trades: {}", path.display()));
    }
    Ok(0)
}

/// Signals of a CSV file, in order of time. A column `fill` says when an order was filled where they come from: a
/// fill that is not later than its signal is refused.
fn read_signals(path: &Path, market: &Market, delimiter: u8) -> Result<Vec<Signal>, Error> {
    let name = path.display();
    let wrong = |line: u64, what: &str, hint: &str| {
        Error::Core(specialist_core::Error::Data { what: format!("{name}, line {line}: {what}"), hint: hint.into() })
    };
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .from_path(path)
        .map_err(|e| usage(format!("{name}: {e}"), "name a CSV file with the columns time, asset, weight"))?;
    let header = reader.headers().map_err(|e| wrong(1, &e.to_string(), "save the file as UTF-8"))?.clone();
    let place = |column: &str| header.iter().position(|h| h == column);
    let need = |column: &str| {
        place(column)
            .ok_or_else(|| wrong(1, &format!("there is no column `{column}`"), "the columns are time, asset, weight"))
    };
    let (time, asset, weight, fill) = (need("time")?, need("asset")?, need("weight")?, place("fill"));
    let (mut out, mut orders, mut lines) = (Vec::new(), Vec::new(), Vec::new());
    for (i, record) in reader.records().enumerate() {
        let line = i as u64 + 2;
        let record = record.map_err(|_| wrong(line, "the row is cut short or not UTF-8", "write the file again"))?;
        let cell = |c: usize| record.get(c).unwrap_or("").trim();
        let when = |c: usize, column: &str| {
            Settings::day(cell(c), column).map_err(|_| {
                wrong(line, &format!("`{column}` must be a day such as 2024-01-31"), "write days as year-month-day")
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

/// The job of an artifact's recipe, on its own data or on `--data`.
fn again(scorer: &mut Scorer, matches: &ArgMatches) {
    if let Some(data) = matches.get_one::<String>("data") {
        scorer.recipe.target.data.clone_from(data);
        if scorer.recipe.source.data.is_some() {
            scorer.recipe.source.data = Some(data.clone());
        }
    }
}

fn backtest_artifact(
    matches: &ArgMatches,
    args: BacktestArgs,
    common: &Common,
    terminal: &Terminal,
) -> Result<u8, Error> {
    let domain = Trading::default();
    let (_, mut scorer) = open(args.artifact, args.model.as_deref(), &domain)?;
    if common.recipe.is_some() {
        return Err(usage("an artifact has its own recipe", "leave out --recipe; --set changes single keys"));
    }
    scorer.recipe = parse("the artifact's recipe", &scorer.recipe.render(), &common.set)?;
    again(&mut scorer, matches);
    let ctx = terminal.context(scorer.recipe.seed);
    let place = Place::default();
    let job = Job { recipe: &scorer.recipe, domain: &domain, place: &place, ctx: &ctx, effort: Effort::default() };
    let prepared = job.prepare()?;
    let made = domain.made().expect("the rows were just made");
    let at = bars_of(&made, &prepared.sealed)?;
    let found = baselines(&made, &prepared.train, &prepared.sealed)?;
    let probability = scorer.model.probability(&prepared.sealed)?;
    let prediction =
        specialist_core::evidence::Prediction { name: scorer.name.clone(), what: String::new(), probability };
    let strategy = crate::money::strategy(&made, &found, &prediction, &at, &made.settings.costs)?;
    let assets: Vec<_> = made.targets.iter().map(|&a| made.market.assets[a].clone()).collect();
    tell(&strategy.history, &made.settings, common, terminal, &trades_csv(&strategy.history, &assets))
}

fn each_asset(matches: &ArgMatches, common: &Common, terminal: &Terminal) -> Result<u8, Error> {
    let mut overrides = common.set.clone();
    overrides.extend(common.seed.map(|s| format!("seed={s}")));
    if let Some(data) = matches.get_one::<String>("data") {
        overrides.extend(["source", "target"].map(|t| format!("{t}.data='{data}'")));
    }
    let (recipe, folder) = each::recipe(common.recipe.as_deref().unwrap_or("volatility"), &overrides)?;
    let place = Place { folder: folder.clone() };
    let market = read(&place.input(&recipe.target.data, &Trading::default())?, delimiter(matches))?;
    let mut reports = Vec::new();
    for asset in &market.assets {
        let report = each::one(&recipe, &folder, &asset.name, &terminal.context(recipe.seed))?;
        terminal.done(&asset.name, report.evidence.verdict.outcome.word());
        reports.push((asset.name.clone(), report));
    }
    let panel = each::panel(&reports);
    if common.json {
        print(&serde_json::to_string_pretty(&panel).expect("plain data"))?;
    } else {
        print(&specialist_report::panel(&panel, terminal.colour))?;
        print(&panel.note)?;
    }
    Ok(0)
}

fn validate_artifact(matches: &ArgMatches, common: &Common, terminal: &Terminal) -> Result<u8, Error> {
    let args: ValidateArgs = parsed(matches);
    let domain = Trading::default();
    let (folder, mut scorer) = open(args.artifact, Some("specialist"), &domain)?;
    again(&mut scorer, matches);
    let ctx = terminal.context(scorer.recipe.seed);
    let place = Place::default();
    let job = Job { recipe: &scorer.recipe, domain: &domain, place: &place, ctx: &ctx, effort: Effort::default() };
    let prepared = job.prepare()?;
    let tuned = job.resume(&prepared, &folder)?;
    let metrics = job.metrics();
    let subject = validate::Subject {
        generalist: tuned.candidates.get("generalist").expect("an artifact has a generalist"),
        tuning: specialist_tabular::plan(&tuned.plans.specialist),
        scratch: &tuned.plans.scratch,
        metric: metrics[0].as_ref(),
        gap: scorer.recipe.gap()?,
    };
    let walk = validate::walk_forward(&subject, &prepared.train, &prepared.sealed, args.every, args.window, &ctx)?;
    let folds = validate::combinatorial(&subject, &prepared.train, args.groups as usize, &ctx)?;
    let panels =
        [validate::walk_panel(&walk, metrics[0].name(), args.every), validate::fold_panel(&folds, metrics[0].name())];
    if common.json {
        print(&serde_json::to_string_pretty(&panels).expect("plain data"))?;
    } else {
        for panel in &panels {
            print(&specialist_report::panel(panel, terminal.colour))?;
            print(&panel.note)?;
        }
    }
    Ok(0)
}
