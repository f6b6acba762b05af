//! What every metric is: a figure of merit for rows with labels, predictions and weights.

use crate::survival::Baseline;
use crate::{Dataset, Error, Estimand, Followed, Outputs, Predict};

/// A metric without settings: its docs and type, its name, what a good value looks like, what it judges, and its value.
macro_rules! metric {
    ($(#[doc = $doc:literal])* $type:ident, $name:literal, $goal:expr, $judges:pat, $value:expr) => {
        $(#[doc = $doc])*
        pub struct $type;

        impl Metric for $type {
            fn name(&self) -> &str {
                $name
            }
            fn about(&self) -> &str {
                concat!($($doc),*).trim()
            }
            fn goal(&self) -> Goal {
                $goal
            }
            fn judges(&self, estimand: Estimand) -> bool {
                matches!(estimand, $judges)
            }
            fn value(&self, s: &Scored<'_>) -> f64 {
                $value(s)
            }
        }
    };
}
pub(super) use metric;

/// Rows with labels, predictions and weights, ready to be judged.
///
/// All slices have one entry a row; `order` holds the rows by falling prediction.
///
/// ```
/// use specialist_core::metric::{Brier, order};
/// use specialist_core::{Dataset, Feature, Labels, Metric, Outputs, Scored};
/// let labels = Labels::binary([false, true]);
/// let rows = Dataset::new(vec![Feature::number("x")], ndarray::Array2::zeros((2, 1)), labels)?;
/// let outputs = Outputs::from(vec![0.5, 1.0]);
/// let (order, weight) = (order(&outputs), [3.0, 1.0]);
/// let scored = Scored { rows: &rows, outputs: &outputs, order: &order, weight: &weight, baseline: None, counts: None };
/// assert_eq!(Brier.value(&scored), 0.1875);
/// # Ok::<(), specialist_core::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct Scored<'a> {
    /// The rows themselves: amounts, times and keys for the metrics that need them.
    pub rows: &'a Dataset,
    /// The predictions: rows × classes, or one a row.
    pub outputs: &'a Outputs,
    /// Row positions by falling prediction, ties in row order; of several outputs the first's, then the second's, ….
    pub order: &'a [u32],
    /// Row weights.
    pub weight: &'a [f64],
    /// For times: how risk comes about until the horizon, where the predictions' model says it.
    pub baseline: Option<&'a Baseline>,
    /// What the metric counts of each row ([`Metric::counts`]), where it was counted before.
    pub counts: Option<&'a Outputs>,
}

impl Scored<'_> {
    /// The prediction of every row.
    ///
    /// # Panics
    /// Where a row has several: a metric judges what it says it judges.
    #[must_use]
    pub fn predicted(&self) -> &[f64] {
        self.outputs.single()
    }

    /// The class of every row, by its code: of two the second, 1, is the positive one.
    ///
    /// # Panics
    /// Where labels are no classes: a metric judges what it says it judges.
    #[must_use]
    pub fn codes(&self) -> &[u32] {
        self.rows.labels().codes()
    }

    /// The number of every row.
    ///
    /// # Panics
    /// As [`Scored::codes`].
    #[must_use]
    pub fn numbers(&self) -> &[f64] {
        self.rows.labels().numbers()
    }

    /// The time of every row.
    ///
    /// # Panics
    /// As [`Scored::codes`].
    #[must_use]
    pub fn times(&self) -> &[Followed] {
        self.rows.labels().times()
    }
}

/// As [`descending`], of every output, one after the other.
#[must_use]
pub fn order(outputs: &Outputs) -> Vec<u32> {
    (0..outputs.width()).flat_map(|k| descending(&outputs.column(k).collect::<Vec<_>>())).collect()
}

/// Row positions by falling prediction, ties in row order.
#[must_use]
pub fn descending(predicted: &[f64]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..predicted.len() as u32).collect();
    order.sort_by(|&a, &b| predicted[b as usize].total_cmp(&predicted[a as usize]));
    order
}

/// What a good value looks like.
///
/// ```
/// use specialist_core::Goal;
/// assert!(Goal::Lower.goodness(0.1) > Goal::Lower.goodness(0.2));
/// assert!(Goal::Near(1.0).goodness(1.1) > Goal::Near(1.0).goodness(0.5));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Goal {
    /// Larger is better.
    Higher,
    /// Smaller is better.
    Lower,
    /// Closer to this value is better.
    Near(f64),
}

impl Goal {
    /// The value turned so that larger is better.
    #[must_use]
    pub fn goodness(self, value: f64) -> f64 {
        match self {
            Self::Higher => value,
            Self::Lower => -value,
            Self::Near(ideal) => -(value - ideal).abs(),
        }
    }
}

/// One figure of merit for predictions.
///
/// ```
/// use specialist_core::{Dataset, Feature, Labels, Metric, Scored, metric};
/// let labels = Labels::binary([false, false, true, true]);
/// let rows = Dataset::new(vec![Feature::number("x")], ndarray::Array2::zeros((4, 1)), labels)?;
/// let probability = [0.1, 0.4, 0.35, 0.8];
/// let value = metric::evaluate(&metric::RocAuc, &rows, &probability);
/// assert_eq!(value, 0.75);
/// # Ok::<(), specialist_core::Error>(())
/// ```
pub trait Metric: Send + Sync {
    /// Its name in tables and files, e.g. `roc-auc`.
    fn name(&self) -> &str;

    /// What it is, in a line.
    fn about(&self) -> &str {
        ""
    }

    /// What a good value looks like.
    fn goal(&self) -> Goal;

    /// The value on these rows with these weights; `NaN` where it is not defined (one class only).
    fn value(&self, scored: &Scored<'_>) -> f64;

    /// What it counts of each row, for a figure that is made of sums over rows and slow to count: they are counted once, and
    /// every replicate of a bootstrap adds them anew.
    fn counts(&self, _rows: &Dataset, _outputs: &Outputs) -> Option<Outputs> {
        None
    }

    /// Whether it judges predictions of `estimand`; those of classes' probabilities, unless it says otherwise.
    fn judges(&self, estimand: Estimand) -> bool {
        estimand == Estimand::Probability
    }

    /// Figures below this are money or counts and are printed without decimals.
    fn decimals(&self) -> usize {
        3
    }
}

impl<M: Metric + ?Sized + Sync> Metric for &M {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn about(&self) -> &str {
        (**self).about()
    }

    fn goal(&self) -> Goal {
        (**self).goal()
    }

    fn value(&self, scored: &Scored<'_>) -> f64 {
        (**self).value(scored)
    }

    fn counts(&self, rows: &Dataset, outputs: &Outputs) -> Option<Outputs> {
        (**self).counts(rows, outputs)
    }

    fn judges(&self, estimand: Estimand) -> bool {
        (**self).judges(estimand)
    }

    fn decimals(&self) -> usize {
        (**self).decimals()
    }
}

/// `metric` on all rows of `rows` with weight one.
#[must_use]
pub fn evaluate(metric: &dyn Metric, rows: &Dataset, predicted: &[f64]) -> f64 {
    let (order, outputs) = (descending(predicted), Outputs::from(predicted.to_vec()));
    metric.value(&Scored {
        rows,
        outputs: &outputs,
        order: &order,
        weight: &vec![1.0; predicted.len()],
        baseline: None,
        counts: None,
    })
}

/// As [`evaluate`], of what `model` predicts.
///
/// # Errors
/// As [`Predict::predict`].
pub fn evaluate_model(metric: &dyn Metric, rows: &Dataset, model: &dyn Predict) -> Result<f64, Error> {
    let outputs = model.predictions(rows)?;
    let (order, weight) = (order(&outputs), vec![1.0; rows.rows()]);
    let baseline = model.baseline();
    Ok(metric.value(&Scored { rows, outputs: &outputs, order: &order, weight: &weight, baseline, counts: None }))
}

/// The mean of `loss(label, prediction)` over rows of these labels.
pub(super) fn weighted_mean<L: Copy>(s: &Scored<'_>, label: &[L], loss: impl Fn(L, f64) -> f64) -> f64 {
    let (mut sum, mut total) = (0.0, 0.0);
    for ((&y, &p), &w) in label.iter().zip(s.predicted()).zip(s.weight) {
        // A row that a replicate left out counts nothing even where its loss is infinite or not known.
        if w > 0.0 {
            sum += w * loss(y, p);
            total += w;
        }
    }
    sum / total
}
