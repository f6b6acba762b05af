//! How good predicted numbers are: means and quantiles.

use super::scored::{Goal, Metric, Scored, weighted_mean};
use crate::Estimand;

/// Root of the mean squared error, in the label's unit.
pub struct Rmse;

impl Metric for Rmse {
    fn judges(&self, estimand: Estimand) -> bool {
        estimand.is_number()
    }
    fn name(&self) -> &str {
        "rmse"
    }
    fn about(&self) -> &str {
        "Root of the mean squared error, in the label's unit."
    }
    fn goal(&self) -> Goal {
        Goal::Lower
    }
    fn value(&self, s: &Scored<'_>) -> f64 {
        weighted_mean(s, s.numbers(), |y, p| (y - p) * (y - p)).sqrt()
    }
    fn decimals(&self) -> usize {
        4
    }
}

/// Mean absolute error, in the label's unit.
pub struct Mae;

impl Metric for Mae {
    fn judges(&self, estimand: Estimand) -> bool {
        estimand.is_number()
    }
    fn name(&self) -> &str {
        "mae"
    }
    fn about(&self) -> &str {
        "Mean absolute error, in the label's unit."
    }
    fn goal(&self) -> Goal {
        Goal::Lower
    }
    fn value(&self, s: &Scored<'_>) -> f64 {
        weighted_mean(s, s.numbers(), |y, p| (y - p).abs())
    }
    fn decimals(&self) -> usize {
        4
    }
}

/// The share of the labels' variance that the predictions explain: 1 − squared error / variance about the
/// mean of the judged rows. Below 0 that mean would have been the better prediction.
pub struct R2;

impl Metric for R2 {
    fn judges(&self, estimand: Estimand) -> bool {
        estimand.is_number()
    }
    fn name(&self) -> &str {
        "r2"
    }
    fn about(&self) -> &str {
        "The share of the variance that is explained."
    }
    fn goal(&self) -> Goal {
        Goal::Higher
    }
    fn value(&self, s: &Scored<'_>) -> f64 {
        let mean = weighted_mean(s, s.numbers(), |y, _| y);
        1.0 - weighted_mean(s, s.numbers(), |y, p| (y - p) * (y - p))
            / weighted_mean(s, s.numbers(), |y, _| (y - mean) * (y - mean))
    }
}

/// The pinball loss of a quantile at this level (Koenker and Bassett 1978), in the label's unit.
pub struct Pinball {
    level: f64,
    name: String,
}

impl Pinball {
    /// Of the quantile at `level`, between 0 and 1.
    #[must_use]
    pub fn at(level: f64) -> Self {
        Self { level, name: format!("pinball-{level}") }
    }
}

impl Metric for Pinball {
    fn judges(&self, estimand: Estimand) -> bool {
        estimand.agrees(Estimand::Quantile(self.level))
    }
    fn name(&self) -> &str {
        &self.name
    }
    fn about(&self) -> &str {
        "Mean check (pinball) loss of a quantile."
    }
    fn goal(&self) -> Goal {
        Goal::Lower
    }
    fn value(&self, s: &Scored<'_>) -> f64 {
        weighted_mean(s, s.numbers(), |y, p| if y >= p { self.level * (y - p) } else { (1.0 - self.level) * (p - y) })
    }
    fn decimals(&self) -> usize {
        4
    }
}

/// The share of labels below their predicted quantile: the level itself is ideal.
pub struct ShareBelow {
    level: f64,
    name: String,
}

impl ShareBelow {
    /// Of the quantile at `level`, between 0 and 1.
    #[must_use]
    pub fn at(level: f64) -> Self {
        Self { level, name: format!("share-below-{level}") }
    }
}

impl Metric for ShareBelow {
    fn judges(&self, estimand: Estimand) -> bool {
        estimand.agrees(Estimand::Quantile(self.level))
    }
    fn name(&self) -> &str {
        &self.name
    }
    fn about(&self) -> &str {
        "The share of labels below the predicted quantile."
    }
    fn goal(&self) -> Goal {
        Goal::Near(self.level)
    }
    fn value(&self, s: &Scored<'_>) -> f64 {
        weighted_mean(s, s.numbers(), |y, p| f64::from(u8::from(y < p)))
    }
}
