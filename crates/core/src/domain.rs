//! What a domain adds: its data, its features, its metrics and its own evidence.

use std::borrow::Cow;

use crate::bootstrap::Bootstrap;
use crate::evidence::{Interval, Prediction};
use crate::{Context, Dataset, Error, Metric};

/// A runnable recipe that ships with a domain.
#[derive(Debug, Clone, Copy)]
pub struct Recipe {
    /// What `--recipe NAME` takes.
    pub name: &'static str,
    /// The TOML text.
    pub text: &'static str,
}

/// Turns rows as they are read into rows as the model takes them, in one pass. A file that is
/// streamed is given chunk by chunk to the same step, which keeps what it must remember.
pub trait FeatureStep: Send {
    /// The features of `raw`, whose rows come in order of time when the data has a time column.
    ///
    /// # Errors
    /// When a column that the features need is not there, or the rows go back in time.
    fn apply(&mut self, raw: Dataset) -> Result<Dataset, Error>;
}

/// The step that takes the columns as they are.
pub struct Identity;

impl FeatureStep for Identity {
    fn apply(&mut self, raw: Dataset) -> Result<Dataset, Error> {
        Ok(raw)
    }
}

/// What a domain may look at to add evidence of its own.
pub struct PanelInput<'a> {
    /// The sealed rows.
    pub rows: &'a Dataset,
    /// Every candidate's predictions on them.
    pub predictions: &'a [Prediction],
    /// Replicates that respect groups and time.
    pub bootstrap: &'a Bootstrap,
    /// The level of every interval.
    pub confidence: f64,
    /// Threads and randomness.
    pub ctx: &'a Context,
}

impl PanelInput<'_> {
    /// `statistic(weights)` on all rows and its percentile interval.
    pub fn interval(&self, statistic: impl Fn(&[f64]) -> f64 + Sync) -> Interval {
        let drawn = self.bootstrap.map(self.ctx, &statistic);
        let tail = (1.0 - self.confidence) / 2.0;
        Interval {
            estimate: statistic(&vec![1.0; self.rows.rows()]),
            low: crate::bootstrap::quantile(&drawn, tail),
            high: crate::bootstrap::quantile(&drawn, 1.0 - tail),
        }
    }
}

/// One line of a plot.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// Points with interval: x, value, low, high.
    pub points: Vec<(f64, Interval)>,
}

/// A domain's own piece of evidence: a table, a plot or both.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Panel {
    /// The heading.
    pub title: String,
    /// How to read it.
    pub note: String,
    /// The table's header and rows; may be empty.
    pub header: Vec<String>,
    /// Rows of cells.
    pub table: Vec<Vec<String>>,
    /// The plot's axes, x then y.
    pub axes: (String, String),
    /// The plot's lines; may be empty.
    pub series: Vec<Series>,
}

/// A domain: the adapter between one field's data and the shared pipeline.
///
/// ```
/// use specialist_core::{Domain, Metric, Recipe, metric};
/// struct Credit;
/// impl Domain for Credit {
///     fn name(&self) -> &'static str { "credit" }
///     fn about(&self) -> &'static str { "Credit scoring: will the loan be repaid?" }
///     fn recipes(&self) -> &'static [Recipe] { &[] }
///     fn metrics(&self) -> Vec<Box<dyn Metric>> { vec![Box::new(metric::RocAuc)] }
/// }
/// assert_eq!(Credit.metrics()[0].name(), "roc-auc");
/// ```
pub trait Domain: Send + Sync {
    /// The binary's name.
    fn name(&self) -> &'static str;

    /// One line for `--help`.
    fn about(&self) -> &'static str;

    /// The recipes that ship with it; the first runs when no recipe is named.
    fn recipes(&self) -> &'static [Recipe];

    /// What the candidates are judged by, the primary metric first.
    fn metrics(&self) -> Vec<Box<dyn Metric>>;

    /// The names of the embedded data sets (`embedded:NAME` in a recipe) with a line on each.
    fn data_names(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// An embedded data set as CSV text.
    fn data(&self, _name: &str) -> Option<Cow<'static, [u8]>> {
        None
    }

    /// The feature step called `name` in a recipe; labels become known `label_delay` seconds after
    /// the row's time.
    fn features(&self, name: &str, _label_delay: i64) -> Option<Box<dyn FeatureStep>> {
        (name == "as-is").then(|| Box::new(Identity) as Box<dyn FeatureStep>)
    }

    /// The domain's own evidence on the sealed rows.
    ///
    /// # Errors
    /// When a column that the evidence needs is not there.
    fn panels(&self, _input: &PanelInput<'_>) -> Result<Vec<Panel>, Error> {
        Ok(Vec::new())
    }
}
