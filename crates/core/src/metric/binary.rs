//! How good predicted probabilities of the positive of two classes are.

use super::scored::{Goal, Metric, Scored, weighted_mean};
use crate::{Affine, fit_affine, logit};

/// The code of the positive of two classes.
const POSITIVE: u32 = 1;

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

    fn about(&self) -> &str {
        "Area under the ROC curve."
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

    fn about(&self) -> &str {
        "Average precision: the area under the precision–recall curve."
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

/// Mean negative log likelihood; probabilities are first kept `1e-12` away from 0 and 1.
pub struct LogLoss;

impl Metric for LogLoss {
    fn name(&self) -> &str {
        "log-loss"
    }

    fn about(&self) -> &str {
        "Mean negative log likelihood."
    }
    fn goal(&self) -> Goal {
        Goal::Lower
    }
    fn value(&self, s: &Scored<'_>) -> f64 {
        weighted_mean(s, s.codes(), |class, p| {
            // Else one prediction that is certain and wrong would decide alone.
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

    fn about(&self) -> &str {
        "Mean squared distance of probability and label."
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

    fn about(&self) -> &str {
        "Calibration intercept: log-odds by which predictions are too low, 0 at best."
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

    fn about(&self) -> &str {
        "Calibration slope of the log-odds, 1 at best."
    }
    fn goal(&self) -> Goal {
        Goal::Near(1.0)
    }
    fn value(&self, s: &Scored<'_>) -> f64 {
        calibration(s, false).map_or(f64::NAN, |line| line.slope)
    }
}

fn calibration(s: &Scored<'_>, slope_fixed: bool) -> Option<Affine> {
    let margin: Vec<f64> = s.predicted().iter().map(|&p| logit(p)).collect();
    // No prior: maximum likelihood, as Cox defines both.
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

    fn about(&self) -> &str {
        "The share of events among the rows with the highest predictions."
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
        // Of fewer rows than `k` all count.
        hits / (self.k as f64 - left)
    }
}
