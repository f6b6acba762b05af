//! Numbers of one table, or of one site, that lie where those of another never do: another unit, most of all.

use specialist_core::bootstrap::quantile;
use specialist_core::{Dataset, Feature, FeatureKind, KeyRole};
use specialist_report::{Finding, Severity};

use super::input::{Input, finding, ok};

/// Fewer values than this say nothing about a range.
const FEWEST: usize = 20;
/// Fewer different values than this are a scale.
const DIFFERENT: usize = 5;
/// Medians that are so many times each other are in two units: percent and fractions, mg/dl and mmol/l (18 for glucose, 88
/// for creatinine). Less apart, the populations may be.
const UNITS: f64 = 8.0;
/// Spreads that differ by less than this share are one.
const ALIKE: f64 = 0.25;

/// Where most of the values of a part of the rows lie.
struct Part {
    what: String,
    low: f64,
    median: f64,
    high: f64,
}

pub(super) fn find(input: &Input<'_>) -> Option<Finding> {
    let name = "unlike-ranges";
    let train = input.target.select(&input.split.train);
    let tables = [("the source", input.source), ("the target", Some(&train))];
    let sites = tables.iter().any(|(_, d)| d.is_some_and(|d| d.key(KeyRole::Site).is_some()));
    if input.source.is_none() && !sites {
        return None;
    }
    let (mut units, mut apart) = (Vec::new(), Vec::new());
    // Columns of the files: what a domain makes of them (a rank, days since a high) has no unit that could differ.
    let of_files = |f: &&Feature| f.kind == FeatureKind::Number && input.recipe.columns.contains_key(&f.name);
    for feature in train.features.iter().filter(of_files) {
        let mut parts = Vec::new();
        for (table, data) in tables.iter().filter_map(|(t, d)| Some((t, (*d)?))) {
            let Ok(column) = data.feature(&feature.name) else { continue };
            parts.extend(part((*table).into(), (0..data.rows()).map(|r| data.records()[[r, column]])));
            parts.extend(by_site(data, column, table));
        }
        let lowest = parts.iter().min_by(|a, b| a.high.total_cmp(&b.high));
        let highest = parts.iter().max_by(|a, b| a.low.total_cmp(&b.low));
        let (Some(a), Some(b)) = (lowest, highest) else { continue };
        if a.high >= b.low {
            continue;
        }
        let told = format!(
            "`{}`: {} {:.3} to {:.3}, {} {:.3} to {:.3}",
            feature.name, a.what, a.low, a.high, b.what, b.low, b.high
        );
        let times = if a.low > 0.0 { b.median / a.median } else { f64::NAN };
        // Another unit multiplies all values alike, and leaves their spread on the scale of logarithms as it is. The sick and
        // the well differ in that too.
        let spread = |p: &Part| (p.high / p.low).ln();
        let alike = (spread(a) - spread(b)).abs() < ALIKE * spread(a).max(spread(b));
        if times >= UNITS && alike {
            units.push(format!("{told} (about {times:.0} times as much)"));
        } else {
            apart.push(told);
        }
    }
    Some(match (units.is_empty(), apart.is_empty()) {
        (true, true) => ok(name, "the numbers of all tables lie in about the same ranges"),
        (false, _) => {
            let also = if apart.is_empty() { String::new() } else { format!(". Apart as well: {}", apart.join("; ")) };
            let message = format!(
                "nine in ten values lie in ranges that do not meet and are as wide on a scale of logarithms, {}: two units? Bring them into one{also}",
                units.join("; ")
            );
            finding(name, Severity::Leak, message, Vec::new())
        }
        (true, false) => finding(
            name,
            Severity::Warning,
            format!(
                "nine in ten values lie in ranges that do not meet, {}: two units, or two populations?",
                apart.join("; ")
            ),
            Vec::new(),
        ),
    })
}

/// The parts of a column by site, in one pass over the rows.
fn by_site(data: &Dataset, column: usize, table: &str) -> Vec<Part> {
    let Some(site) = data.key(KeyRole::Site) else { return Vec::new() };
    let mut values = vec![Vec::new(); site.levels.len()];
    for (row, &code) in site.codes.iter().enumerate() {
        if let Some(of) = values.get_mut(code as usize) {
            of.push(data.records()[[row, column]]);
        }
    }
    let named = site.levels.iter().zip(values);
    named.filter_map(|(l, v)| part(format!("{} {l} of {table}", site.name), v.into_iter())).collect()
}

/// Where nine in ten values lie; `None` for too few, or too few different ones.
fn part(what: String, values: impl Iterator<Item = f64>) -> Option<Part> {
    let mut values: Vec<f64> = values.filter(|v| !v.is_nan()).collect();
    values.sort_by(f64::total_cmp);
    let different = 1 + values.windows(2).filter(|w| w[0] != w[1]).count();
    (values.len() >= FEWEST && different >= DIFFERENT).then(|| Part {
        what,
        low: quantile(&values, 0.05),
        median: quantile(&values, 0.5),
        high: quantile(&values, 0.95),
    })
}
