//! How a field judges what was predicted.

use std::any::Any;

use crate::bootstrap::Bootstrap;
use crate::evidence::{Interval, Prediction};
use crate::{Candidate, Context, Dataset, Error, Estimand, Finding, Metric, Panel, Predict, metric};

/// What a judgement may look at to add evidence of its own.
///
/// ```
/// use specialist_core::{Context, Dataset, Feature, Labels, PanelInput, SplitKeys, bootstrap::Bootstrap};
/// let rows = Dataset::new(vec![Feature::number("x")], ndarray::Array2::zeros((20, 1)), Labels::binary([true; 20]))?;
/// let ctx = Context::new(1, 1);
/// let bootstrap = Bootstrap::new(&rows, SplitKeys::default(), 50, &ctx);
/// let input = PanelInput {
///     train: &rows, source: None, rows: &rows, trials: 0, predictions: &[], models: &[],
///     bootstrap: &bootstrap, confidence: 0.95, ctx: &ctx,
/// };
/// assert_eq!(input.interval(|weight| weight.iter().sum::<f64>()).estimate, 20.0);
/// # Ok::<(), specialist_core::Error>(())
/// ```
pub struct PanelInput<'a> {
    /// The rows that were trained on.
    pub train: &'a Dataset,
    /// Source rows that the generalist was trained on, where it was.
    pub source: Option<&'a Dataset>,
    /// The sealed rows.
    pub rows: &'a Dataset,
    /// Trials that the search looked at.
    pub trials: usize,
    /// Every candidate's predictions on them.
    pub predictions: &'a [Prediction],
    /// The candidates that are models.
    pub models: &'a [(Candidate, &'a dyn Predict)],
    /// Replicates that respect groups and time.
    pub bootstrap: &'a Bootstrap,
    /// The level of every interval.
    pub confidence: f64,
    /// Threads and randomness.
    pub ctx: &'a Context,
}

impl PanelInput<'_> {
    /// `statistic(weights)` on all rows with its interval.
    pub fn interval(&self, statistic: impl Fn(&[f64]) -> f64 + Sync) -> Interval {
        self.bootstrap.interval(self.ctx, self.confidence, statistic)
    }
}

/// How a field judges predictions. It is made anew for every run, of the recipe's `[domain]` or with the tables that the domain makes
/// itself, and keeps what it needs of them: two runs in one process know nothing of each other.
///
/// ```
/// use specialist_core::metric::{AveragePrecision, usual};
/// use specialist_core::{Estimand, Judgement, Metric};
/// /// What is found among the first rows counts.
/// struct Desk;
/// impl Judgement for Desk {
///     fn metrics(&self, estimand: Estimand) -> Vec<Box<dyn Metric>> {
///         if estimand == Estimand::Probability { vec![Box::new(AveragePrecision)] } else { usual(estimand) }
///     }
///     fn as_any(&self) -> &dyn std::any::Any {
///         self
///     }
/// }
/// assert_eq!(Desk.metrics(Estimand::Probability)[0].name(), "average-precision");
/// ```
pub trait Judgement: Send + Sync + 'static {
    /// What predictions of `estimand` are judged by, the primary metric first.
    fn metrics(&self, estimand: Estimand) -> Vec<Box<dyn Metric>> {
        metric::usual(estimand)
    }

    /// What is looked for in the rows before anything is fitted: `source` and `train` are rows that are trained on.
    ///
    /// # Errors
    /// When the rows are of a kind that cannot be judged.
    fn findings(&self, _source: Option<&Dataset>, _train: &Dataset) -> Result<Vec<Finding>, Error> {
        Ok(Vec::new())
    }

    /// What is asked about the rows of one population by themselves (an effect in one trial), for a recipe without a source;
    /// none where a generalist is needed.
    ///
    /// # Errors
    /// When the rows are not as the settings say.
    fn alone(&self, _rows: &Dataset, _ctx: &Context) -> Result<Vec<Panel>, Error> {
        Ok(Vec::new())
    }

    /// Predictions on the sealed rows by methods of the field that take no source: what a specialist must beat to be worth its name.
    /// They are judged, and are no outcome of the verdict.
    ///
    /// # Errors
    /// When a method cannot be fitted on `train`.
    fn baselines(&self, _train: &Dataset, _sealed: &Dataset) -> Result<Vec<Prediction>, Error> {
        Ok(Vec::new())
    }

    /// The field's own evidence on the sealed rows.
    ///
    /// # Errors
    /// When a column that the evidence needs is not there.
    fn panels(&self, _input: &PanelInput<'_>) -> Result<Vec<Panel>, Error> {
        Ok(Vec::new())
    }

    /// Sentences beside the explanation of one row: what the report's `panels` say of rows like it. `model` predicted
    /// `predicted`.
    fn beside(&self, _panels: &[Panel], _row: &Dataset, _model: &str, _predicted: f64) -> Vec<String> {
        Vec::new()
    }

    /// What to look at in each text that a model wrote of `rows`, and what the column of it is called where texts are written to
    /// a file; none where there is nothing to say.
    fn notes(&self, _rows: &Dataset, _written: &[String]) -> Option<(&'static str, Vec<String>)> {
        None
    }

    /// Itself, for a program of the domain that needs what it keeps.
    fn as_any(&self) -> &dyn Any;
}

/// Judges two classes by metrics of its own, and everything else as usual.
///
/// ```
/// use specialist_core::{Estimand, JudgedBy, Judgement, metric};
/// let judgement = JudgedBy(|| vec![Box::new(metric::Brier)]);
/// assert_eq!(judgement.metrics(Estimand::Probability)[0].name(), "brier");
/// assert_eq!(judgement.metrics(Estimand::Mean)[0].name(), "r2");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct JudgedBy(pub fn() -> Vec<Box<dyn Metric>>);

impl Default for JudgedBy {
    /// As usual.
    fn default() -> Self {
        Self(|| metric::usual(Estimand::Probability))
    }
}

impl Judgement for JudgedBy {
    fn metrics(&self, estimand: Estimand) -> Vec<Box<dyn Metric>> {
        if estimand == Estimand::Probability { (self.0)() } else { metric::usual(estimand) }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
