//! Logistic recalibration: the straight line from one model's log-odds to the truth's.

use serde::{Deserialize, Serialize};

use crate::sigmoid;

/// `intercept + slope × margin`, on the log-odds scale.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Affine {
    /// Added to the margin.
    pub intercept: f64,
    /// Multiplies the margin; always positive where a tuning made it.
    pub slope: f64,
}

impl Affine {
    /// The line that changes nothing.
    pub const IDENTITY: Self = Self { intercept: 0.0, slope: 1.0 };

    /// The recalibrated margin.
    #[must_use]
    pub fn apply(&self, margin: f64) -> f64 {
        self.intercept + self.slope * margin
    }
}

/// Fits `logit P(y = 1) = intercept + slope × margin` by Newton's method, with a Gaussian prior of
/// precision `strength` around the line that changes nothing (0: maximum likelihood, as the
/// calibration intercept and slope of Cox 1958 are defined). With `slope_fixed` only the intercept
/// is free. `None` when the labels have one class or the fit does not settle.
#[must_use]
pub fn fit_affine(margin: &[f64], label: &[f64], weight: &[f64], strength: f64, slope_fixed: bool) -> Option<Affine> {
    let at = |line| Normal::at(line, margin, label, weight, strength);
    let mut line = Affine::IDENTITY;
    let mut now = at(line);
    for _ in 0..50 {
        let (d0, d1) = now.step(slope_fixed)?;
        let moved = |length: f64| Affine { intercept: line.intercept - length * d0, slope: line.slope - length * d1 };
        let mut length = 1.0;
        let mut next = at(moved(length));
        while next.loss > now.loss + 1e-12 * now.loss.abs() && length > 1e-6 {
            length /= 2.0;
            next = at(moved(length));
        }
        line = moved(length);
        now = next;
        if line.intercept.abs() > 1e3 || line.slope.abs() > 1e3 {
            return None;
        }
        if d0.abs().max(d1.abs()) < 1e-9 {
            return Some(line);
        }
    }
    None
}

/// The penalised negative log likelihood with its gradient and Hessian.
struct Normal {
    loss: f64,
    gradient: [f64; 2],
    hessian: [f64; 3],
}

impl Normal {
    fn at(line: Affine, margin: &[f64], label: &[f64], weight: &[f64], strength: f64) -> Self {
        let (a, b) = (line.intercept, line.slope - 1.0);
        let mut out = Self {
            loss: 0.5 * strength * (a * a + b * b),
            gradient: [strength * a, strength * b],
            hessian: [strength, 0.0, strength],
        };
        for ((&m, &y), &w) in margin.iter().zip(label).zip(weight) {
            if w == 0.0 {
                continue;
            }
            let eta = line.apply(m);
            let p = sigmoid(eta);
            let (r, v) = (w * (p - y), w * p * (1.0 - p));
            out.loss += w * (eta.max(0.0) + (-eta.abs()).exp().ln_1p() - y * eta);
            out.gradient[0] += r;
            out.gradient[1] += r * m;
            out.hessian[0] += v;
            out.hessian[1] += v * m;
            out.hessian[2] += v * m * m;
        }
        out
    }

    /// The Newton step of intercept and slope; `None` where the curvature is singular.
    fn step(&self, slope_fixed: bool) -> Option<(f64, f64)> {
        let ([g0, g1], [h00, h01, h11]) = (self.gradient, self.hessian);
        let (d0, d1) = if slope_fixed {
            (g0 / h00, 0.0)
        } else {
            let det = h00 * h11 - h01 * h01;
            ((h11 * g0 - h01 * g1) / det, (h00 * g1 - h01 * g0) / det)
        };
        (d0.is_finite() && d1.is_finite()).then_some((d0, d1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_class_has_no_calibration() {
        assert_eq!(fit_affine(&[0.1, 0.4], &[1.0, 1.0], &[1.0, 1.0], 0.0, false), None);
    }

    #[test]
    fn a_strong_prior_changes_nothing() {
        let margin: Vec<f64> = (0..40).map(|i| f64::from(i) / 10.0 - 2.0).collect();
        let label: Vec<f64> = (0..40).map(|i| f64::from(u8::from(i % 3 == 0))).collect();
        let line = fit_affine(&margin, &label, &[1.0; 40], 1e9, false).unwrap();
        assert!(line.intercept.abs() < 1e-6 && (line.slope - 1.0).abs() < 1e-6);
    }
}
