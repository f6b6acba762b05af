//! Every asset in turn as the target, all others as the source: is the default's one stock a lucky one?

use std::path::{Path, PathBuf};

use specialist_core::bootstrap::mean_sd;
use specialist_core::{Candidate, Domain, Panel};
use specialist_engine::recipe::{Recipe, parse};
use specialist_engine::{Effort, Error, Job, Place};
use specialist_report::Report;

use crate::Trading;
use crate::money::claimed;

/// The recipe called `name`, or in that file, and where its paths start.
///
/// # Errors
/// [`Error::Usage`] when there is none; the recipe's own.
pub fn recipe(name: &str, overrides: &[String]) -> Result<(Recipe, PathBuf), Error> {
    let domain = Trading;
    if let Some(shipped) = domain.recipes().iter().find(|r| r.name == name) {
        return Ok((parse(&format!("{name}.toml"), shipped.text, overrides)?, PathBuf::new()));
    }
    let names: Vec<&str> = domain.recipes().iter().map(|r| r.name).collect();
    let text = std::fs::read_to_string(name).map_err(|e| Error::Usage {
        what: format!("{name}: {e}"),
        hint: format!("give the path of a TOML file, or one of: {}", names.join(", ")),
    })?;
    let folder = Path::new(name).parent().map(Path::to_path_buf).unwrap_or_default();
    Ok((parse(name, &text, overrides)?, folder))
}

/// Runs `recipe` with `asset` as the target; nothing is written.
///
/// # Errors
/// The run's own.
pub fn one(recipe: &Recipe, folder: &Path, asset: &str, ctx: &specialist_core::Context) -> Result<Report, Error> {
    let mut recipe = recipe.clone();
    recipe.target.filter.insert("asset".into(), vec![asset.into()]);
    let domain = Trading;
    let place = Place { folder: folder.into() };
    let job = Job { recipe: &recipe, domain: &domain, place: &place, ctx, effort: Effort::default() };
    let prepared = job.prepare()?;
    let pretrained = job.pretrain(&prepared)?;
    let tuned = job.tune(&prepared, pretrained)?;
    Ok(job.compare(&prepared, &tuned)?.report)
}

/// The reports of all assets as one table.
#[must_use]
pub fn panel(reports: &[(String, Report)]) -> Panel {
    // The recalibrated generalist ranks as the generalist does.
    let all = reports[0].1.evidence.candidates.iter().map(|c| c.name.clone());
    let names: Vec<String> = all.filter(|n| *n != Candidate::Recalibrated).collect();
    let value = |r: &Report, name: &str| {
        let candidate = r.evidence.candidates.iter().find(|c| c.name == name);
        candidate.map_or(f64::NAN, |c| c.figures[0].interval.estimate)
    };
    let mut table: Vec<Vec<String>> = Vec::new();
    for (asset, r) in reports {
        let mut row = vec![asset.clone()];
        row.extend(names.iter().map(|n| format!("{:.3}", value(r, n))));
        row.push(r.evidence.verdict.outcome.word().into());
        row.push(if claimed(r) { "shown" } else { "no" }.into());
        table.push(row);
    }
    let over = |n: &str| mean_sd(&reports.iter().map(|(_, r)| value(r, n)).collect::<Vec<_>>());
    let mut row = vec!["mean ± sd".to_string()];
    row.extend(names.iter().map(|n| over(n)).map(|(m, sd)| format!("{m:.3} ± {sd:.3}")));
    row.extend([String::new(), format!("{} of {}", reports.iter().filter(|(_, r)| claimed(r)).count(), reports.len())]);
    table.push(row);
    let gains: Vec<f64> = reports
        .iter()
        .map(|(_, r)| value(r, Candidate::Specialist.name()) - value(r, Candidate::Generalist.name()))
        .collect();
    let ahead = gains.iter().filter(|g| **g > 0.0).count();
    let (mean, sd) = mean_sd(&gains);
    Panel {
        title: format!("Every asset in turn: {}", reports[0].1.evidence.primary),
        note: format!(
            "The specialist gains {mean:+.4} over the generalist in the mean, ± {sd:.4} from asset to asset, and is ahead for {ahead} of {}. \
             Assets move together, so their gains are not independent and no interval is given.",
            reports.len()
        ),
        header: [vec!["target".to_string()], names, vec!["verdict".into(), "money".into()]].concat(),
        table,
        ..Panel::default()
    }
}
