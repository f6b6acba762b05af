//! `signal`: what the latest bar says.

use std::path::PathBuf;

use clap::{ArgMatches, Args};
use specialist_cli::{Common, Terminal, print};
use specialist_core::Predict;
use specialist_engine::artifact::Artifact;
use specialist_engine::report::read_report;
use specialist_engine::{Error, Place};

use super::{desk, open, parsed, usage};
use crate::Trading;
use crate::bars::{day, instant, now};
use crate::baselines::{bars_of, baselines};
use crate::money::{NOT_SHOWN, SHOWN, claimed};
use crate::strategy::{signals, volatility_of};
use crate::tables::Settings;

#[derive(Debug, Args)]
pub(super) struct SignalArgs {
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

pub(super) fn signal(matches: &ArgMatches, common: &Common, _: &Terminal) -> Result<u8, Error> {
    let args: SignalArgs = parsed(matches);
    let domain = Trading;
    let (folder, mut scorer) = open(args.artifact, args.model.as_deref(), &domain)?;
    let asked = args.as_of.as_deref().map(|d| Settings::day(d, "--as-of")).transpose()?;
    let report = read_report(&Artifact::open(&folder)?)?;
    let money = if claimed(&report) { SHOWN } else { NOT_SHOWN };
    let verdict = report.evidence.verdict.outcome.word();
    let data = matches.get_one::<String>("data");
    let data =
        data.ok_or_else(|| usage("signal needs the latest bars", "trading signal --artifact DIR --data bars.csv"))?;
    if let Some(day) = &args.as_of {
        scorer.recipe.domain.insert("until".into(), day.clone().into());
    }
    scorer.recipe.domain.remove("from");
    let tables = scorer.tables(&Place::default().input(data, &domain)?, &domain)?;
    let (tables, judgement) =
        tables.ok_or_else(|| usage("the artifact was not made of bars", "make one with `trading run`"))?;
    let (rows, made) = (tables.target, &desk(&*judgement).made);
    let at = bars_of(made, &rows)?;
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
    let estimand = scorer.model.estimand();
    let predicted = scorer.model.predict(&rows.select(&last))?;
    let known: Vec<usize> = (0..rows.rows()).filter(|&r| rows.labels().is_known(r)).collect();
    let now_at: Vec<(usize, usize)> = last.iter().map(|&r| at[r]).collect();
    let mut forecast = Vec::new();
    let mut spread = f64::NAN;
    if made.settings.task.is_risk() {
        spread = baselines(made, &rows.select(&known), &rows.select(&last))?.spread;
        forecast = now_at.iter().zip(&predicted).map(|(at, p)| volatility_of(made, *at, *p, spread)).collect();
    }
    let mut wishes = signals(made, &now_at, &predicted, &forecast);
    let account = made.settings.account;
    wishes
        .iter_mut()
        .for_each(|w| w.weight = w.weight.clamp(if account.short { -account.leverage } else { 0.0 }, account.leverage));
    let word = serde_json::to_value(made.settings.task).expect("a word");
    let mut out = Vec::new();
    for (k, wish) in wishes.iter().enumerate() {
        let (name, p) = (&made.market.assets[wish.asset].name, predicted[k]);
        let year = forecast.get(k).map(|v| v * made.market.bars_per_year().sqrt());
        let range =
            year.map(|v| [v * (-1.96 * spread - spread * spread).exp(), v * (1.96 * spread - spread * spread).exp()]);
        out.push(serde_json::json!({
            "asset": name, "bar": instant(latest), "task": word, "horizon": made.settings.horizon, "model": scorer.name,
            (estimand.word()): p, "volatility": year, "volatility-95": range, "weight": wish.weight,
            "verdict": verdict, "money": money,
        }));
        if !common.json {
            let level = year.zip(range).map_or(String::new(), |(v, [low, high])| {
                format!(", volatility {:.1} % a year (95 %: {:.1} to {:.1})", 100.0 * v, 100.0 * low, 100.0 * high)
            });
            print(&format!(
                "{name} after the bar of {}: {} {p:.3} by the {}{level}; weight {:.2}, to be filled at the next bar",
                instant(latest),
                estimand.word(),
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
