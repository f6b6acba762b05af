//! What the checks look at, and how they say what they found.

use specialist_core::{Dataset, Split};
use specialist_report::{Finding, Severity};
use specialist_tabular::read::ReadReport;

use crate::recipe::Recipe;

/// At most this many rows are named.
pub(super) const NAMED: usize = 5;

/// What the checks look at.
pub struct Input<'a> {
    /// What the recipe says.
    pub recipe: &'a Recipe,
    /// Source rows, if there are any.
    pub source: Option<&'a Dataset>,
    /// All target rows.
    pub target: &'a Dataset,
    /// How they are parted.
    pub split: &'a Split,
    /// What reading found; the target's last.
    pub reports: &'a [ReadReport],
    /// What the domain found.
    pub own: &'a [Finding],
}

pub(super) fn finding(name: &str, severity: Severity, message: String, rows: Vec<String>) -> Finding {
    Finding::new(name, severity, message, rows)
}

pub(super) fn ok(name: &str, message: &str) -> Finding {
    finding(name, Severity::Ok, message.into(), Vec::new())
}

/// Where a row stands, for people: the last input is the target's.
pub(super) fn place(input: &Input<'_>, of_source: bool, line: u64) -> String {
    let report = if of_source { input.reports.first() } else { input.reports.last() };
    let file = report.map_or("", |r| r.input.rsplit('/').next().unwrap_or(""));
    format!("{file} line {line}")
}
