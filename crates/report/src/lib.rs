//! What a run says, three times over: tables for the terminal, a self-contained HTML page, a model
//! card. All are drawn from one [`Report`], which is also the artifact's machine-readable record.

mod card;
mod chart;
mod html;
mod study;
mod terminal;

use serde::{Deserialize, Serialize};
use specialist_core::evidence::{Evidence, Interval};
use specialist_core::{Candidate, Panel};

pub use card::card;
pub use html::html;
pub use specialist_core::{Finding, Severity};
pub use terminal::{
    check_table, comparison, data_table, panel, study_importance, study_list, study_trials, trial_table, verdict,
};

/// Everything that is said about a run. It holds no row and no identifier, and no count of people
/// below [`SMALLEST_CELL`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The domain's name.
    pub domain: String,
    /// The program's version.
    pub version: String,
    /// The question the recipe asks.
    pub question: String,
    /// Seed of all random numbers.
    pub seed: u64,
    /// Whether the data is simulated.
    pub simulated: bool,
    /// The tables that were read.
    pub data: Vec<DataRow>,
    /// What the checks found.
    pub findings: Vec<Finding>,
    /// What the search found.
    pub tuning: Tuning,
    /// The comparison and the verdict.
    pub evidence: Evidence,
    /// Curves of every candidate.
    pub curves: Vec<Curves>,
    /// Mean absolute contribution of each feature to the shipped model's margin, largest first.
    pub effects: Vec<(String, f64)>,
    /// The domain's own evidence.
    pub panels: Vec<Panel>,
    /// The rendered recipe.
    pub recipe: String,
    /// Fewest rows behind a value that is written in models and report; 0 where nothing is merged or moved for that.
    #[serde(default)]
    pub fewest_rows: usize,
}

impl Report {
    /// What the artifact holds of single rows, in a sentence.
    #[must_use]
    pub fn of_rows(&self) -> String {
        match self.fewest_rows {
            0 => "Models hold what they learned from the rows: names of levels and sites (of texts: words), and thresholds that \
                  may be the cell of one row."
                .into(),
            n => format!(
                "No level and no site of fewer than {n} rows is named: they are (other). Thresholds, medians, knots and event \
                 times lie between rows. Levels that the recipe declares are named, and a model that was brought is as it was."
            ),
        }
    }
}

/// Counts of people below this are not shown.
pub const SMALLEST_CELL: usize = 10;

/// One table that was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataRow {
    /// `source`, `target`, `target train`, `sealed test`.
    pub name: String,
    /// Where from.
    pub origin: String,
    /// Its rows.
    pub rows: usize,
    /// Rows with the positive label.
    pub events: usize,
    /// Inputs of the model.
    pub features: usize,
}

impl DataRow {
    /// The events and their share; dashes where there are none to count, as with texts that are written.
    pub(crate) fn events(&self) -> (String, String) {
        if self.events == 0 {
            return ("–".into(), "–".into());
        }
        let share = 100.0 * self.events as f64 / self.rows.max(1) as f64;
        (number(self.events as f64, 0), format!("{share:.2} %"))
    }
}

/// What the search found.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Tuning {
    /// The rung that was chosen, with its settings.
    pub chosen: String,
    /// Why this one.
    pub reason: String,
    /// The metric of the cross-validation.
    pub metric: String,
    /// The best trial of every rung and of scratch.
    pub best: Vec<BestTrial>,
    /// How much better the best trial looks than it is.
    #[serde(default)]
    pub optimism: Option<Optimism>,
    /// The studies, for the page.
    #[serde(default)]
    pub studies: Vec<StudyView>,
}

impl Tuning {
    /// As [`Report::check`].
    ///
    /// # Errors
    /// What does not fit, in words.
    pub fn check(&self) -> Result<(), String> {
        for s in &self.studies {
            if s.trials.iter().any(|t| t.places.len() != s.params.len()) {
                return Err(format!("a trial of the study `{}` lacks a parameter", s.name));
            }
        }
        Ok(())
    }
}

/// How much better the best trial of a search looks than it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Optimism {
    /// The rung of the best trial.
    pub tuning: String,
    /// Goodness in the search's folds minus goodness in fresh ones, with a 95 % interval.
    pub gap: Interval,
    /// Trials that it was the best of.
    pub trials: usize,
}

/// A study as the page draws it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StudyView {
    /// Its name.
    pub name: String,
    /// What its values are.
    pub metric: String,
    /// Which way is better.
    pub larger_is_better: bool,
    /// Its parameters.
    pub params: Vec<ParamView>,
    /// Its trials.
    pub trials: Vec<TrialView>,
    /// The share of each parameter in what makes trials good, largest first.
    pub importance: Vec<(String, f64)>,
}

/// A parameter of a study.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParamView {
    /// Its name.
    pub name: String,
    /// The value at place 0.
    pub low: String,
    /// The value at place 1.
    pub high: String,
    /// Its levels, if it is categorical.
    pub levels: Vec<String>,
}

/// A trial of a study.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrialView {
    /// Its number.
    pub number: usize,
    /// `complete`, `pruned`, `failed`, `running` or `waiting`.
    pub state: String,
    /// Its value, if it has one.
    pub value: Option<f64>,
    /// Where each parameter stands on its axis, from 0 to 1; none where it was not active.
    pub places: Vec<Option<f64>>,
    /// Values on the way, by step.
    pub steps: Vec<(u64, f64)>,
}

/// The best trial of a rung.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BestTrial {
    /// The rung, or `scratch`.
    pub tuning: String,
    /// Its settings.
    pub settings: String,
    /// How many settings were tried.
    pub trials: usize,
    /// Mean of the metric over the folds and one standard error either side.
    pub value: Interval,
}

/// A line of a list of studies.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StudyRow {
    /// The study's name.
    pub name: String,
    /// Its trials.
    pub trials: usize,
    /// Of them complete.
    pub complete: usize,
    /// Of them pruned.
    pub pruned: usize,
    /// Of them failed.
    pub failed: usize,
    /// Of them running or waiting.
    pub running: usize,
    /// Its best value.
    pub best: Option<f64>,
}

/// The curves of one candidate on the sealed rows; where labels are numbers, the calibration alone.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Curves {
    /// The candidate.
    pub name: String,
    /// The class against the rest, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// False positive rate, true positive rate.
    pub roc: Vec<(f64, f64)>,
    /// Recall, precision.
    pub precision_recall: Vec<(f64, f64)>,
    /// Mean prediction and what was observed, with interval, in bins of equal count.
    pub calibration: Vec<(f64, Interval)>,
    /// Share of negative and of positive rows per bin of probability, from 0 to 1.
    pub histogram: Vec<(f64, f64)>,
}

impl Report {
    /// Whether its parts fit together, so that they can be drawn: a file may say anything.
    ///
    /// # Errors
    /// What does not fit, in words.
    pub fn check(&self) -> Result<(), String> {
        const MOST_DECIMALS: usize = 12;
        let e = &self.evidence;
        let Some(first) = e.candidates.first() else { return Err("no candidate was judged".into()) };
        for c in e.candidates.iter().chain(&e.source) {
            if c.figures.is_empty() || c.figures.iter().any(|f| f.decimals > MOST_DECIMALS) {
                return Err(format!("the figures of `{}` cannot be shown", c.name));
            }
        }
        if e.candidates.iter().any(|c| c.figures.len() != first.figures.len()) {
            return Err("the candidates have different figures".into());
        }
        let points = &e.label_curve.points;
        if points.iter().any(|p| p.values.len() != points[0].values.len()) {
            return Err("the label curve's points are of different candidates".into());
        }
        self.tuning.check()?;
        for p in &self.panels {
            let rows = p.table.iter().all(|r| r.len() <= p.header.len());
            let numbers = p.numbers.is_empty() || p.numbers.len() == p.table.len();
            if !rows || !numbers {
                return Err(format!("the table \"{}\" has rows that its header does not name", p.title));
            }
        }
        Ok(())
    }

    /// The candidate that the verdict ships; the generalist where it ships none.
    #[must_use]
    pub fn shipped(&self) -> &'static str {
        self.evidence.verdict.outcome.ships().unwrap_or(Candidate::Generalist).name()
    }
}

/// A figure with its interval, to `decimals` digits.
pub(crate) fn figure(i: &Interval, decimals: usize) -> String {
    if i.estimate.is_nan() {
        return "–".into();
    }
    format!("{} ({} to {})", number(i.estimate, decimals), number(i.low, decimals), number(i.high, decimals))
}

/// A number with thousands separated where it has no decimals.
pub(crate) fn number(value: f64, decimals: usize) -> String {
    if value.is_nan() {
        return "–".into();
    }
    let text = format!("{value:.decimals$}");
    if decimals > 0 || value.abs() < 1e4 {
        return text;
    }
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |d| ("-", d));
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    format!("{sign}{out}")
}
