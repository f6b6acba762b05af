//! The verbs that only trading has: `features`, `signal`, `backtest`, `validate`, `each`.

mod backtest;
mod judge;
mod signal;

use std::path::{Path, PathBuf};

use clap::{ArgMatches, Args, FromArgMatches};
use specialist_cli::{Common, OwnVerb, Terminal, print};
use specialist_core::{Dialect, Judgement, Severity};
use specialist_engine::predict::Scorer;
use specialist_engine::{Error, Place, artifact};
use specialist_tabular::read::Input;

use crate::bars::{Market, instant, members, read, read_dated};
use crate::each;
use crate::features::{Features, Standard};
use crate::tables::{Settings, cut};
use crate::{Desk, Trading};
use backtest::{BacktestArgs, backtest};
use judge::{ValidateArgs, each_asset, validate_artifact};
use signal::{SignalArgs, signal};

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

fn parsed<T: FromArgMatches>(matches: &ArgMatches) -> T {
    T::from_arg_matches(matches).unwrap_or_else(|e| e.exit())
}

fn usage(what: impl Into<String>, hint: impl Into<String>) -> Error {
    Error::Usage { what: what.into(), hint: hint.into() }
}

/// `--data`, or the embedded stocks.
fn input(matches: &ArgMatches) -> Result<Input, Error> {
    let name = matches.get_one::<String>("data").map_or("embedded:stocks", String::as_str);
    Place::default().input(name, &Trading)
}

/// The bars of `--data`, else of the recipe, else the embedded stocks, cut as the recipe says; and its settings.
fn bars(matches: &ArgMatches, common: &Common) -> Result<(Market, Option<Settings>), Error> {
    let Some(name) = &common.recipe else {
        if !common.set.is_empty() {
            return Err(usage("--set changes a recipe, and none is named", "name one with --recipe"));
        }
        return Ok((read(&input(matches)?, dialect(matches)?)?, None));
    };
    let (recipe, folder) = each::recipe(name, &common.set)?;
    let settings = Settings::parse(&toml::to_string(&recipe.domain).expect("a table is TOML"))?;
    let own = if matches.get_one::<String>("data").is_some() {
        input(matches)?
    } else {
        Place { folder: folder.clone() }.input(&recipe.target.data, &Trading)?
    };
    let dialect = match written(matches) {
        true => dialect(matches)?,
        false => recipe.target.dialect()?,
    };
    let mut market = read_dated(&own, dialect, settings.date_format.as_deref())?;
    let clocks = cut(&mut market, &settings)?.into_iter().find(|f| f.severity == Severity::Leak);
    if let Some(f) = clocks {
        let what = format!("{}: {} ({})", f.name, f.message, f.rows.join(", "));
        let hint = "write times with their offset from UTC, or leave the session out".into();
        return Err(Error::Core(specialist_core::Error::Data { what, hint }));
    }
    if let Some(universe) = &settings.universe {
        members(&mut market, &folder.join(universe), dialect)?;
    }
    Ok((market, Some(settings)))
}

/// Whether the command line says how CSV files are written; else the recipe does.
fn written(matches: &ArgMatches) -> bool {
    ["delimiter", "decimal"].iter().any(|mark| matches.get_one::<char>(mark).is_some())
}

/// How CSV files are written, by the command line.
fn dialect(matches: &ArgMatches) -> Result<Dialect, Error> {
    let mark = |name| matches.get_one::<char>(name).copied();
    Ok(specialist_engine::recipe::dialect("bars", mark("delimiter"), mark("decimal"), None, 0)?)
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
        out.push_str(&format!("{},{}", instant(asset.bars[at.1].time), asset.name));
        for v in values {
            if v.is_nan() { out.push(',') } else { out.push_str(&format!(",{v:.8}")) }
        }
        out.push('\n');
    }
    deliver(&out, common, terminal, &format!("{} rows of features", rows.at.len()))?;
    Ok(0)
}

/// An artifact with the recipe it was made by.
/// The judgement of tables that were made of bars.
fn desk(judgement: &dyn Judgement) -> &Desk {
    judgement.as_any().downcast_ref().expect("the rows were just made of bars")
}

fn open(artifact: Option<PathBuf>, model: Option<&str>, domain: &Trading) -> Result<(PathBuf, Scorer), Error> {
    let folder = folder(artifact);
    let scorer = Scorer::open(&folder, model, domain)?;
    Ok((folder, scorer))
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
