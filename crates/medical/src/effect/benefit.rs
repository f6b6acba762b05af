//! Who benefits: whether those that a model calls first gain more than the others.

use specialist_core::Context;
use specialist_core::evidence::{Interval, Z};
use statrs::distribution::{ContinuousCDF, StudentsT};

use rand::Rng;

const REPLICATES: usize = 500;

/// Areas under the targeting operator characteristic (Yadlowsky and others 2025): the mean, over every share of rows
/// with the highest `priority`, of their mean score less that of all; for `qini` each share counts by its size. Rows
/// of one priority share their mean score. 0 where the priority says nothing.
#[must_use]
pub fn targeting(score: &[f64], priority: &[f64], qini: bool) -> f64 {
    let n = score.len();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| priority[b].total_cmp(&priority[a]));
    let all = score.iter().sum::<f64>() / n as f64;
    let (mut sum, mut area) = (0.0, 0.0);
    let mut k = 0;
    for group in order.chunk_by(|&a, &b| priority[a] == priority[b]) {
        let mean = group.iter().map(|&r| score[r]).sum::<f64>() / group.len() as f64;
        for _ in group {
            (k, sum) = (k + 1, sum + mean);
            let share = if qini { k as f64 / n as f64 } else { 1.0 };
            area += share * (sum / k as f64 - all);
        }
    }
    area / n as f64
}

/// The area with its interval: the standard error is that of a bootstrap of halves.
#[must_use]
pub fn targeting_interval(score: &[f64], priority: &[f64], qini: bool, ctx: &Context) -> Interval {
    let n = score.len();
    let estimate = targeting(score, priority, qini);
    let mut rng = ctx.rng("halves");
    let mut rows: Vec<usize> = (0..n).collect();
    let half = n / 2;
    let mut drawn = Vec::with_capacity(REPLICATES);
    for _ in 0..REPLICATES {
        // A random half, without replacement: its spread about the whole is that of the whole about the truth.
        for i in 0..half {
            rows.swap(i, rng.random_range(i..n));
        }
        let pick = |x: &[f64]| rows[..half].iter().map(|&r| x[r]).collect::<Vec<_>>();
        drawn.push(targeting(&pick(score), &pick(priority), qini));
    }
    let error = specialist_core::bootstrap::mean_sd(&drawn).1;
    Interval { estimate, low: estimate - Z * error, high: estimate + Z * error }
}

/// A line through scores by least squares, with standard errors that hold for unequal variances (HC3; MacKinnon and
/// White 1985).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    /// The mean effect.
    pub mean: f64,
    /// Its standard error.
    pub mean_error: f64,
    /// How much the scores rise with the prediction: 1 where predicted effects are right, 0 where they say nothing.
    pub slope: f64,
    /// Its standard error.
    pub slope_error: f64,
    /// The two-sided probability of such a slope where there is none.
    pub p: f64,
}

/// The best linear predictor of the effect by a predicted one (Chernozhukov and others 2018).
#[must_use]
pub fn best_linear_predictor(score: &[f64], predicted: &[f64]) -> Line {
    let n = score.len() as f64;
    let centre = predicted.iter().sum::<f64>() / n;
    let x: Vec<f64> = predicted.iter().map(|p| p - centre).collect();
    let xx: f64 = x.iter().map(|v| v * v).sum();
    let mean = score.iter().sum::<f64>() / n;
    let slope = if xx > 0.0 { x.iter().zip(score).map(|(a, b)| a * b).sum::<f64>() / xx } else { 0.0 };
    let (mut of_mean, mut of_slope) = (0.0, 0.0);
    for (v, s) in x.iter().zip(score) {
        let leverage = 1.0 / n + if xx > 0.0 { v * v / xx } else { 0.0 };
        let square = ((s - mean - slope * v) / (1.0 - leverage)).powi(2);
        of_mean += square;
        of_slope += v * v * square;
    }
    let slope_error = if xx > 0.0 { of_slope.sqrt() / xx } else { f64::NAN };
    let t = StudentsT::new(0.0, 1.0, (n - 2.0).max(1.0)).expect("a valid distribution");
    let p = if slope_error > 0.0 { 2.0 * t.sf((slope / slope_error).abs()) } else { 1.0 };
    Line { mean, mean_error: of_mean.sqrt() / n, slope, slope_error, p }
}
