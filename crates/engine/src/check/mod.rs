//! Leakage and data faults, with the rows that show them. A leak stops training unless the recipe
//! waives it by name.
//!
//! The checks look at the features of sealed rows to compare them with train rows; they never look
//! at a sealed label.

pub(crate) mod columns;
pub mod copies;
mod duplicates;
mod immortal;
mod input;
mod ranges;

pub use input::Input;
use input::{NAMED, finding, ok, place};

use std::collections::HashSet;

use specialist_core::bootstrap::quantile;
use specialist_core::survival::decimals;
use specialist_core::{Estimand, Key, KeyRole, Registry, Role, canonical};
use specialist_report::{Finding, Severity};
use specialist_tabular::read::ReadReport;

/// A check: what it is called and what it looks at. What it finds has a name in [`FINDINGS`](crate::waivers::FINDINGS).
pub struct Check {
    /// Its name.
    pub name: &'static str,
    /// Looks; one that found nothing says so.
    pub run: fn(&Input<'_>) -> Vec<Finding>,
}

/// Every check, in the order of the report. A program adds its own, and what they find to
/// [`FINDINGS`](crate::waivers::FINDINGS).
pub static CHECKS: Registry<Check> = Registry::new(
    &[
        &Check { name: "impossible-values", run: |i| vec![impossible(i)] },
        &Check { name: "duplicates", run: duplicates::find },
        &Check { name: "group-overlap", run: |i| vec![group_overlap(i)] },
        &Check { name: "time-order", run: |i| vec![time_order(i)] },
        &Check { name: "columns", run: columns::find },
        &Check { name: "undeclared-column", run: |i| vec![undeclared(i)] },
        &Check { name: "unseen-levels", run: |i| vec![unseen_levels(i)] },
        &Check { name: "spellings", run: |i| vec![spellings(i)] },
        &Check { name: "unlabelled-rows", run: |i| vec![unlabelled(i)] },
        &Check { name: "time-units", run: |i| time_units(i).into_iter().collect() },
        &Check { name: "late-entry", run: |i| late_entry(i).into_iter().collect() },
        &Check { name: "immortal-time", run: |i| immortal::find(i).into_iter().collect() },
        &Check { name: "unlike-ranges", run: |i| ranges::find(i).into_iter().collect() },
    ],
    |c| c.name,
);

/// Runs every check; those that found nothing say so.
#[must_use]
pub fn check(input: &Input<'_>) -> Vec<Finding> {
    let mut out: Vec<Finding> = CHECKS.all().into_iter().flat_map(|c| (c.run)(input)).collect();
    out.extend_from_slice(input.own);
    for f in &mut out {
        f.waived = f.severity == Severity::Leak && input.recipe.check.waive.contains(&f.name);
    }
    out
}

fn impossible(input: &Input<'_>) -> Finding {
    let name = "impossible-values";
    let mut severity = Severity::Ok;
    let (mut told, mut rows) = (Vec::new(), Vec::new());
    for report in input.reports {
        let file = report.input.rsplit('/').next().unwrap_or("");
        for i in &report.invalid {
            severity = severity.max(if i.refused { Severity::Leak } else { Severity::Warning });
            let done = if i.refused { "" } else { ", treated as missing" };
            told.push(format!("{} cell(s) of `{}` in {file} are not {}{done}", i.count, i.column, i.expected));
            rows.extend(i.lines.iter().take(NAMED).map(|l| format!("{file} line {l}")));
        }
    }
    if told.is_empty() {
        return ok(name, "every value is within its declared range and levels");
    }
    let mut message = told.join("; ");
    if severity == Severity::Leak {
        message.push_str("; on_invalid = \"missing\" would treat them as missing");
    }
    finding(name, severity, message, rows)
}

fn group_overlap(input: &Input<'_>) -> Finding {
    let name = "group-overlap";
    let Some(group) = input.target.key(KeyRole::Group) else {
        return ok(name, "no column has the role group");
    };
    let tested: HashSet<u32> = input.split.test.iter().map(|&r| group.codes[r]).collect();
    let shared: Vec<usize> = input.split.train.iter().copied().filter(|&r| tested.contains(&group.codes[r])).collect();
    if let Some(finding) = shared_with_source(input, group, &tested) {
        return finding;
    }
    if shared.is_empty() {
        return ok(name, "no group has rows on both sides of the split, nor in the source and sealed");
    }
    let groups: HashSet<u32> = shared.iter().map(|&r| group.codes[r]).collect();
    let message = format!(
        "{} group(s) of `{}` have rows on both sides of the split ({} train rows)",
        groups.len(),
        group.name,
        shared.len()
    );
    if input.recipe.split.time_on.is_some() {
        let message = format!(
            "{message}; that is how a split by time meets known customers, group_on beside time_on would test new ones"
        );
        return finding(name, Severity::Warning, message, Vec::new());
    }
    let rows = shared.iter().take(NAMED).map(|&r| place(input, false, input.target.lines[r])).collect();
    finding(name, Severity::Leak, format!("{message}; set group_on"), rows)
}

/// Groups that are sealed and also in the source, where the generalist meets them.
fn shared_with_source(input: &Input<'_>, group: &Key, tested: &HashSet<u32>) -> Option<Finding> {
    let source = input.source?;
    let of_source = source.key(KeyRole::Group)?;
    let digest = |key: &Key, code: u32| key.digests.get(code as usize).copied();
    let sealed: HashSet<u64> = tested.iter().filter_map(|&c| digest(group, c)).collect();
    let met = |r: &usize| digest(of_source, of_source.codes[*r]).is_some_and(|d| sealed.contains(&d));
    let rows: Vec<usize> = (0..source.rows()).filter(met).collect();
    if rows.is_empty() {
        return None;
    }
    let severity = if input.recipe.split.time_on.is_some() { Severity::Warning } else { Severity::Leak };
    let message =
        format!("{} source row(s) belong to a `{}` that is also among the sealed rows", rows.len(), group.name);
    let named = rows.iter().take(NAMED).map(|&r| place(input, true, source.lines[r])).collect();
    Some(finding("group-overlap", severity, message, named))
}

/// Levels of the target's categories that the source never showed a model. Levels count that occur, not those that
/// are declared.
fn unseen_levels(input: &Input<'_>) -> Finding {
    let name = "unseen-levels";
    let Some(source) = input.source else { return ok(name, "there are no source rows to compare with") };
    let (mut told, mut strange) = (Vec::new(), Vec::new());
    for (c, f) in input.target.features.iter().enumerate() {
        let Ok(theirs) = source.feature(&f.name) else { continue };
        let (own, known) = (input.target.observed_levels(c), source.observed_levels(theirs));
        let known: HashSet<_> = known.iter().map(|l| canonical(l)).collect();
        let new = own.iter().filter(|l| !known.contains(&canonical(l))).count();
        if new > 0 && new == own.len() && !known.is_empty() {
            strange.push(format!("`{}`", f.name));
        } else if new > 0 {
            told.push(format!("{new} of the {} levels of `{}`", own.len(), f.name));
        }
    }
    if !strange.is_empty() {
        let message = format!(
            "the source has none of the target's levels of {}: it is spelled in another way there, or another column. Spell the levels alike, or give it the role ignore",
            strange.join(", ")
        );
        return finding(name, Severity::Leak, message, Vec::new());
    }
    if told.is_empty() {
        return ok(name, "every level of the target's categories is in the source");
    }
    let message = format!(
        "not in the source, so that the generalist knows nothing of them: {}; is one side spelled differently?",
        told.join(", ")
    );
    finding(name, Severity::Warning, message, Vec::new())
}

/// Values that are written in several ways and were taken as one.
fn spellings(input: &Input<'_>) -> Finding {
    let name = "spellings";
    let mut told = Vec::new();
    for report in input.reports {
        let file = report.input.rsplit('/').next().unwrap_or("");
        told.extend(report.respelled.iter().map(|(column, n)| format!("{n} cell(s) of `{column}` in {file}")));
    }
    if told.is_empty() {
        return ok(name, "every level is written in one way");
    }
    let message =
        format!("taken as the level that they are another spelling of (1.0 for 1, TRUE for True): {}", told.join(", "));
    finding(name, Severity::Warning, message, Vec::new())
}

fn unlabelled(input: &Input<'_>) -> Finding {
    let name = "unlabelled-rows";
    let dropped = input.reports.iter().filter(|r| r.unlabelled > 0);
    let told: Vec<String> =
        dropped.map(|r| format!("{} in {}", r.unlabelled, r.input.rsplit('/').next().unwrap_or(""))).collect();
    if told.is_empty() {
        return ok(name, "every row carries a label");
    }
    finding(name, Severity::Warning, format!("rows without a label were left out: {}", told.join(", ")), Vec::new())
}

/// Times of one table, or of one site, that are many times those of another are in another unit.
fn time_units(input: &Input<'_>) -> Option<Finding> {
    const APART: f64 = 8.0;
    const FEWEST: usize = 20;
    let name = "time-units";
    if !matches!(input.target.estimand, Estimand::Survival { .. }) {
        return None;
    }
    let tables = if input.source.is_some() { ["the source", "the target"] } else { ["the target", ""] };
    let half = |(report, table): (&ReadReport, &str)| report.half_followed.map(|m| (table.to_string(), m));
    let mut medians: Vec<(String, f64)> = input.reports.iter().zip(tables).filter_map(half).collect();
    let mut note = |what: String, times: Vec<f64>| {
        if times.len() >= FEWEST {
            medians.push((what, quantile(&times, 0.5)));
        }
    };
    let train = input.target.select(&input.split.train);
    for (table, data) in [("the source", input.source), ("the target", Some(&train))] {
        let Some(data) = data else { continue };
        let times: Vec<f64> = data.labels().times().iter().map(|l| l.time).collect();
        if let Some(site) = data.key(KeyRole::Site) {
            for (code, level) in site.levels.iter().enumerate() {
                let of = (0..times.len()).filter(|&r| site.codes[r] as usize == code).map(|r| times[r]).collect();
                note(format!("{} {level} of {table}", site.name), of);
            }
        }
    }
    let by = |a: &&(String, f64), b: &&(String, f64)| a.1.total_cmp(&b.1);
    let (shortest, longest) = (medians.iter().min_by(by)?, medians.iter().max_by(by)?);
    if longest.1 < APART * shortest.1 {
        return Some(ok(name, "times of all tables are of one order"));
    }
    let message = format!(
        "half of the rows of {} are followed {:.places$} or longer, of {} {:.places$}: days beside months or years?",
        longest.0,
        longest.1,
        shortest.0,
        shortest.1,
        places = decimals(shortest.1)
    );
    Some(finding(name, Severity::Leak, message, Vec::new()))
}

/// Rows that were not followed from 0.
fn late_entry(input: &Input<'_>) -> Option<Finding> {
    let name = "late-entry";
    let Estimand::Survival { horizon } = input.target.estimand else { return None };
    let (mut told, mut found) = (Vec::new(), false);
    for report in input.reports {
        let Some([late, joined, overlapping, afterwards]) = report.late else { continue };
        found = true;
        let file = report.input.rsplit('/').next().unwrap_or("");
        if late + joined > 0 {
            told.push(format!("{late} of {} rows of {file} are followed from later than 0", report.kept));
        }
        for (n, what) in [
            (joined, "go on in another row of their group"),
            (overlapping, "groups have rows that overlap in time: they are taken as rows of several"),
            (afterwards, "begin after an event of their group: they are taken as rows at risk anew"),
        ] {
            if n > 0 {
                told.push(format!("{n} {what}"));
            }
        }
    }
    if !found {
        return None;
    }
    if told.is_empty() {
        return Some(ok(name, "every row is followed from 0"));
    }
    let message =
        format!("{}; times count from a row's entry: the risk is that of the next {horizon} after it", told.join("; "));
    Some(finding(name, Severity::Warning, message, Vec::new()))
}

fn time_order(input: &Input<'_>) -> Finding {
    let name = "time-order";
    let Some(time) = &input.target.time else {
        return ok(name, "no column has the role time");
    };
    let first = input.split.test.iter().map(|&r| time[r]).min().unwrap_or(i64::MAX);
    let late: Vec<usize> = input.split.train.iter().copied().filter(|&r| time[r] >= first).collect();
    if !late.is_empty() {
        let message = format!("{} train row(s) are not earlier than the first sealed row; set time_on", late.len());
        let rows = late.iter().take(NAMED).map(|&r| place(input, false, input.target.lines[r])).collect();
        return finding(name, Severity::Leak, message, rows);
    }
    let gap = input.recipe.gap().unwrap_or(0);
    if let Some((source, times)) = input.source.and_then(|s| s.time.as_ref().map(|t| (s, t))) {
        let late: Vec<usize> = (0..source.rows()).filter(|&r| times[r] >= first - gap).collect();
        if !late.is_empty() {
            let message = format!(
                "{} source row(s) are later than the target's train rows may be: the generalist would know the future; cut_source under [split] leaves them out",
                late.len()
            );
            let rows = late.iter().take(NAMED).map(|&r| place(input, true, source.lines[r])).collect();
            return finding(name, Severity::Leak, message, rows);
        }
    }
    ok(name, "every row that is trained on is earlier than every sealed row")
}

fn undeclared(input: &Input<'_>) -> Finding {
    let name = "undeclared-column";
    if input.recipe.columns.is_empty() {
        return ok(name, "the domain reads the tables itself, and says which columns it left unread");
    }
    let mut columns: Vec<&str> = input.reports.iter().flat_map(|r| r.undeclared.iter().map(String::as_str)).collect();
    columns.sort_unstable();
    columns.dedup();
    if columns.is_empty() {
        return ok(name, "every column of the files is declared");
    }
    let ignored = input.recipe.columns.values().filter(|c| c.role == Role::Ignore).count();
    let message = format!("not declared and not read, beside {ignored} ignored: {}", columns.join(", "));
    finding(name, Severity::Warning, message, Vec::new())
}
