//! `validate` and `each`: beyond one split and one asset.

use std::path::PathBuf;

use clap::{ArgMatches, Args};
use specialist_cli::{Common, Terminal, print};
use specialist_core::Candidate;
use specialist_engine::{Effort, Error, Job, Place};

use super::{again, dialect, open, parsed, written};
use crate::Trading;
use crate::bars::read_dated;
use crate::tables::Settings;
use crate::{each, validate};

#[derive(Debug, Args)]
pub(super) struct ValidateArgs {
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

pub(super) fn each_asset(matches: &ArgMatches, common: &Common, terminal: &Terminal) -> Result<u8, Error> {
    let mut overrides = common.set.clone();
    overrides.extend(common.seed.map(|s| format!("seed={s}")));
    if let Some(data) = matches.get_one::<String>("data") {
        let data = toml::Value::from(data.as_str());
        overrides.extend(["source", "target"].map(|t| format!("{t}.data={data}")));
    }
    let (recipe, folder) = each::recipe(common.recipe.as_deref().unwrap_or("volatility"), &overrides)?;
    let place = Place { folder: folder.clone() };
    let settings = Settings::parse(&toml::to_string(&recipe.domain).expect("a table is TOML"))?;
    let dialect = if written(matches) { dialect(matches)? } else { recipe.target.dialect()? };
    let input = place.input(&recipe.target.data, &Trading)?;
    let market = read_dated(&input, dialect, settings.date_format.as_deref())?;
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

pub(super) fn validate_artifact(matches: &ArgMatches, common: &Common, terminal: &Terminal) -> Result<u8, Error> {
    let args: ValidateArgs = parsed(matches);
    let domain = Trading;
    let (folder, mut scorer) = open(args.artifact, Some(Candidate::Specialist.name()), &domain)?;
    again(&mut scorer, matches);
    let ctx = terminal.context(scorer.recipe.seed);
    let place = Place::default();
    let job = Job { recipe: &scorer.recipe, domain: &domain, place: &place, ctx: &ctx, effort: Effort::default() };
    let prepared = job.prepare()?;
    let tuned = job.resume(&prepared, &folder)?;
    let metrics = job.metrics(&prepared.loaded);
    let subject = validate::Subject {
        generalist: tuned.candidates.get(Candidate::Generalist).expect("an artifact has a generalist"),
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
