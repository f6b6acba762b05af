//! How good predictions are. Every metric takes row weights, so that a bootstrap
//! replicate is the same rows with other weights and nothing is copied or sorted again.

/// A metric without settings: its docs and type, its name, what a good value looks like, what it judges, and its value.
macro_rules! metric {
    ($(#[$doc:meta])* $type:ident, $name:literal, $goal:expr, $judges:pat, $value:expr) => {
        $(#[$doc])*
        pub struct $type;

        impl Metric for $type {
            fn name(&self) -> &str {
                $name
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

mod classes;
mod numbers;
mod survival;

pub use classes::{Accuracy, ClassBrier, ClassLogLoss, MacroF1, MacroRocAuc, TopTwo, WeightedRocAuc};
pub use numbers::{Mae, Pinball, R2, Rmse, ShareBelow};
pub use survival::{CIndex, HazardSlope, HorizonAuc, HorizonBrier, IntegratedBrier, ObservedExpected, UnoC};

use crate::survival::Baseline;
use crate::{Dataset, Error, Estimand, Followed, Outputs, Predict, fit_affine, logit};

/// The code of the positive of two classes.
const POSITIVE: u32 = 1;

/// Rows with labels, predictions and weights, ready to be judged.
///
/// All slices have one entry a row; `order` holds the rows by falling prediction.
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

    /// What a good value looks like.
    fn goal(&self) -> Goal;

    /// The value on these rows with these weights; `NaN` where it is not defined (one class only).
    fn value(&self, scored: &Scored<'_>) -> f64;

    /// Whether it judges predictions of `estimand`; those of classes' probabilities, unless it says otherwise.
    fn judges(&self, estimand: Estimand) -> bool {
        estimand == Estimand::Probability
    }

    /// Figures below this are money or counts and are printed without decimals.
    fn decimals(&self) -> usize {
        3
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
    Ok(metric.value(&Scored { rows, outputs: &outputs, order: &order, weight: &weight, baseline }))
}

/// The metric called `name`, if it is one of this module's.
#[must_use]
pub fn by_name(name: &str) -> Option<Box<dyn Metric>> {
    Some(match name {
        "roc-auc" => Box::new(RocAuc),
        "average-precision" => Box::new(AveragePrecision),
        "log-loss" => Box::new(LogLoss),
        "brier" => Box::new(Brier),
        "calibration-intercept" => Box::new(CalibrationIntercept),
        "calibration-slope" => Box::new(CalibrationSlope),
        "rmse" => Box::new(Rmse),
        "mae" => Box::new(Mae),
        "r2" => Box::new(R2),
        "c-index" => Box::new(CIndex),
        "uno-c" => Box::new(UnoC),
        "auc-at-horizon" => Box::new(HorizonAuc),
        "brier-at-horizon" => Box::new(HorizonBrier),
        "integrated-brier" => Box::new(IntegratedBrier),
        "observed-expected" => Box::new(ObservedExpected),
        _ => {
            let level = |prefix| name.strip_prefix(prefix)?.parse().ok().filter(|q| (0.0..=1.0).contains(q));
            match (level("pinball-"), level("share-below-")) {
                (Some(q), _) => Box::new(Pinball::at(q)),
                (_, Some(q)) => Box::new(ShareBelow::at(q)),
                _ => Box::new(PrecisionAt::new(name.strip_prefix("precision-at-")?.parse().ok().filter(|k| *k > 0)?)),
            }
        }
    })
}

/// As [`by_name`], of predictions of `estimand`: some names stand for figures of two classes and of several.
#[must_use]
pub fn by_name_of(name: &str, estimand: Estimand) -> Option<Box<dyn Metric>> {
    if matches!(estimand, Estimand::Classes(_)) { by_name_of_classes(name) } else { by_name(name) }
}

fn by_name_of_classes(name: &str) -> Option<Box<dyn Metric>> {
    Some(match name {
        "log-loss" => Box::new(ClassLogLoss),
        "accuracy" => Box::new(Accuracy),
        "macro-f1" => Box::new(MacroF1),
        "macro-roc-auc" => Box::new(MacroRocAuc),
        "weighted-roc-auc" => Box::new(WeightedRocAuc),
        "brier" => Box::new(ClassBrier),
        "top-2-accuracy" => Box::new(TopTwo),
        _ => return None,
    })
}

/// What predictions of `estimand` are judged by where a domain says nothing else, the primary metric first.
#[must_use]
pub fn usual(estimand: Estimand) -> Vec<Box<dyn Metric>> {
    match estimand {
        Estimand::Probability => vec![Box::new(RocAuc), Box::new(LogLoss), Box::new(Brier)],
        Estimand::Classes(_) => vec![
            Box::new(ClassLogLoss),
            Box::new(MacroRocAuc),
            Box::new(WeightedRocAuc),
            Box::new(Accuracy),
            Box::new(MacroF1),
            Box::new(ClassBrier),
            Box::new(TopTwo),
        ],
        Estimand::Mean => vec![Box::new(R2), Box::new(Rmse), Box::new(Mae)],
        Estimand::Survival { .. } => vec![
            Box::new(CIndex),
            Box::new(IntegratedBrier),
            Box::new(HazardSlope),
            Box::new(ObservedExpected),
            Box::new(UnoC),
            Box::new(HorizonAuc),
            Box::new(HorizonBrier),
        ],
        Estimand::Quantile(q) => vec![Box::new(Pinball::at(q)), Box::new(ShareBelow::at(q))],
    }
}

/// Walks the rows by falling probability and calls `step(positives, negatives)` once per distinct
/// probability with the weights that it adds.
fn walk(s: &Scored<'_>, step: impl FnMut(f64, f64)) {
    walk_against(s, 0, POSITIVE, step);
}

/// As [`walk`], by the output at this place, for this class against the others.
fn walk_against(s: &Scored<'_>, output: usize, positive: u32, mut step: impl FnMut(f64, f64)) {
    let (class, rows) = (s.codes(), s.outputs.rows());
    let order = &s.order[output * rows..(output + 1) * rows];
    let predicted = |row: usize| s.outputs.row(row)[output];
    let (mut pos, mut neg) = (0.0, 0.0);
    for (i, &row) in order.iter().enumerate() {
        let row = row as usize;
        if class[row] == positive {
            pos += s.weight[row];
        } else {
            neg += s.weight[row];
        }
        let last = order.get(i + 1).is_none_or(|&next| predicted(next as usize) != predicted(row));
        if last {
            if pos + neg > 0.0 {
                step(pos, neg);
            }
            (pos, neg) = (0.0, 0.0);
        }
    }
}

/// The area under the ROC curve of this class against the others, by the output at this place, and the weight of its rows.
#[must_use]
pub fn area_against(s: &Scored<'_>, output: usize, positive: u32) -> (f64, f64) {
    let (mut positives, mut negatives, mut area) = (0.0, 0.0, 0.0);
    walk_against(s, output, positive, |pos, neg| {
        area += neg * (positives + pos / 2.0);
        positives += pos;
        negatives += neg;
    });
    (area / (positives * negatives), positives)
}

/// Area under the ROC curve; ties count one half (Mann–Whitney).
pub struct RocAuc;

impl Metric for RocAuc {
    fn name(&self) -> &str {
        "roc-auc"
    }
    fn goal(&self) -> Goal {
        Goal::Higher
    }
    fn value(&self, s: &Scored<'_>) -> f64 {
        area_against(s, 0, POSITIVE).0
    }
}

/// Average precision: Σ (recallᵢ − recallᵢ₋₁) · precisionᵢ, without interpolation.
pub struct AveragePrecision;

impl Metric for AveragePrecision {
    fn name(&self) -> &str {
        "average-precision"
    }
    fn goal(&self) -> Goal {
        Goal::Higher
    }
    fn value(&self, s: &Scored<'_>) -> f64 {
        let (mut hits, mut seen, mut sum) = (0.0, 0.0, 0.0);
        walk(s, |pos, neg| {
            hits += pos;
            seen += pos + neg;
            sum += pos * hits / seen;
        });
        sum / hits
    }
}

/// The mean of `loss(label, prediction)` over rows of these labels.
fn weighted_mean<L: Copy>(s: &Scored<'_>, label: &[L], loss: impl Fn(L, f64) -> f64) -> f64 {
    let (mut sum, mut total) = (0.0, 0.0);
    for ((&y, &p), &w) in label.iter().zip(s.predicted()).zip(s.weight) {
        if w > 0.0 {
            sum += w * loss(y, p);
            total += w;
        }
    }
    sum / total
}

/// Mean negative log likelihood; probabilities are first kept `1e-12` away from 0 and 1.
pub struct LogLoss;

impl Metric for LogLoss {
    fn name(&self) -> &str {
        "log-loss"
    }
    fn goal(&self) -> Goal {
        Goal::Lower
    }
    fn value(&self, s: &Scored<'_>) -> f64 {
        weighted_mean(s, s.codes(), |class, p| {
            let p = p.clamp(1e-12, 1.0 - 1e-12);
            if class == POSITIVE { -p.ln() } else { -(1.0 - p).ln() }
        })
    }
}

/// Mean squared distance of probability and label (Brier 1950).
pub struct Brier;

impl Metric for Brier {
    fn name(&self) -> &str {
        "brier"
    }
    fn goal(&self) -> Goal {
        Goal::Lower
    }
    fn value(&self, s: &Scored<'_>) -> f64 {
        weighted_mean(s, s.codes(), |class, p| (p - f64::from(class)).powi(2))
    }
}

/// Calibration in the large: the intercept of a logistic model of the label with the predicted
/// log-odds as offset (Cox 1958). 0 is ideal; negative: the predictions are too high.
pub struct CalibrationIntercept;

impl Metric for CalibrationIntercept {
    fn name(&self) -> &str {
        "calibration-intercept"
    }
    fn goal(&self) -> Goal {
        Goal::Near(0.0)
    }
    fn value(&self, s: &Scored<'_>) -> f64 {
        calibration(s, true).map_or(f64::NAN, |line| line.intercept)
    }
}

/// The slope of a logistic model of the label on the predicted log-odds (Cox 1958). 1 is ideal;
/// below 1: the predictions are too extreme.
pub struct CalibrationSlope;

impl Metric for CalibrationSlope {
    fn name(&self) -> &str {
        "calibration-slope"
    }
    fn goal(&self) -> Goal {
        Goal::Near(1.0)
    }
    fn value(&self, s: &Scored<'_>) -> f64 {
        calibration(s, false).map_or(f64::NAN, |line| line.slope)
    }
}

fn calibration(s: &Scored<'_>, slope_fixed: bool) -> Option<crate::Affine> {
    let margin: Vec<f64> = s.predicted().iter().map(|&p| logit(p)).collect();
    fit_affine(&margin, &s.rows.labels().responses(), s.weight, 0.0, slope_fixed)
}

/// The share of positives among the `k` rows with the highest probability. Rows tied at the border
/// count in proportion.
pub struct PrecisionAt {
    k: usize,
    name: String,
}

impl PrecisionAt {
    /// At this many rows, of which there is at least one.
    #[must_use]
    pub fn new(k: usize) -> Self {
        Self { k: k.max(1), name: format!("precision-at-{k}") }
    }
}

impl Metric for PrecisionAt {
    fn name(&self) -> &str {
        &self.name
    }
    fn goal(&self) -> Goal {
        Goal::Higher
    }
    fn value(&self, s: &Scored<'_>) -> f64 {
        let (mut left, mut hits) = (self.k as f64, 0.0);
        walk(s, |pos, neg| {
            let taken = left.min(pos + neg);
            hits += pos * taken / (pos + neg);
            left -= taken;
        });
        hits / (self.k as f64 - left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Feature, Labels};
    use ndarray::Array2;

    // Made by tests/reference/metrics.py (scikit-learn 1.8.0, statsmodels 0.14): 60 rows,
    // y = [(i*7) % 5 < 2], p = ((i*37 + 11) % 53 + 1) / 55 rounded to 2 digits (so that there are
    // ties), w = 1 + i % 3; from the seventh on y = (i*29) % 31 / 40.
    fn fixture() -> (Dataset, Vec<f64>, Vec<f64>) {
        let labels = Labels::binary((0..60).map(|i| (i * 7) % 5 < 2));
        let p = (0..60).map(|i| (f64::from((i * 37 + 11) % 53 + 1) / 55.0 * 100.0).round() / 100.0).collect();
        let w = (0..60).map(|i| f64::from(1 + i % 3)).collect();
        (Dataset::new(vec![Feature::number("x")], Array2::zeros((60, 1)), labels).unwrap(), p, w)
    }

    #[test]
    fn metrics_equal_scikit_learn() {
        let (rows, p, w) = fixture();
        let numbers: Vec<f64> = (0..60).map(|i| f64::from((i * 29) % 31) / 40.0).collect();
        let numbers = Dataset::new(rows.features.clone(), rows.records().clone(), numbers).unwrap();
        let ones = vec![1.0; 60];
        let (order, outputs) = (descending(&p), Outputs::from(p));
        for (k, (name, unweighted, weighted)) in REFERENCE.into_iter().enumerate() {
            let rows = if k < 6 { &rows } else { &numbers };
            let metric = by_name(name).unwrap();
            for (weight, expected) in [(&ones, unweighted), (&w, weighted)] {
                let value = metric.value(&Scored { rows, outputs: &outputs, order: &order, weight, baseline: None });
                assert!((value - expected).abs() < 1e-9, "{name}: {value} against {expected}");
            }
        }
    }

    include!("reference.rs");

    #[test]
    fn precision_shares_ties() {
        let rows =
            Dataset::new(vec![Feature::number("x")], Array2::zeros((4, 1)), Labels::binary([true, false, true, false]))
                .unwrap();
        assert_eq!(evaluate(&PrecisionAt::new(1), &rows, &[0.9, 0.5, 0.5, 0.1]), 1.0);
        assert_eq!(evaluate(&PrecisionAt::new(2), &rows, &[0.9, 0.5, 0.5, 0.1]), 0.75);
    }

    #[test]
    fn one_class_is_not_a_number() {
        let rows =
            Dataset::new(vec![Feature::number("x")], Array2::zeros((2, 1)), Labels::binary([true, true])).unwrap();
        assert!(evaluate(&RocAuc, &rows, &[0.9, 0.5]).is_nan());
    }
}
