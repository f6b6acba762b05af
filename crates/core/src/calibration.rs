//! Recalibration: the straight line from one model's margin to the truth's, of several classes one a class.

use serde::{Deserialize, Serialize};

use crate::{Estimand, LossScale};

/// What is made of a model's margins, so that they say what happens here.
///
/// ```
/// use specialist_core::{Affine, Recalibrate, Scaling};
/// let mut row = [0.5];
/// Affine { intercept: 1.0, slope: 2.0 }.recalibrate(&mut row);
/// assert_eq!(row, [2.0]);
/// let mut row = [0.5, 1.0, 0.0];
/// Scaling { intercept: vec![0.0, 0.0, 1.0], slope: vec![2.0; 3] }.recalibrate(&mut row);
/// assert_eq!(row, [1.0, 2.0, 1.0]);
/// ```
pub trait Recalibrate: Send + Sync {
    /// One row's margins, in their place.
    fn recalibrate(&self, row: &mut [f64]);
}

impl Recalibrate for Affine {
    fn recalibrate(&self, row: &mut [f64]) {
        row.iter_mut().for_each(|m| *m = self.apply(*m));
    }
}

/// `intercept + slope × margin` of each of several classes. With the same slope for all it is temperature scaling (the
/// temperature is one over the slope) with a shift of the classes' shares, else vector scaling (Guo and others 2017).
///
/// ```
/// use specialist_core::{Recalibrate, Scaling};
/// let scaling = Scaling { intercept: vec![0.0, 1.0], slope: vec![2.0, 2.0] };
/// let mut row = [0.5, 0.25];
/// scaling.recalibrate(&mut row);
/// assert_eq!(row, [1.0, 1.5]);
/// assert_eq!(scaling.after(&Scaling::identity(2)), scaling);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scaling {
    /// Added to the class' margin.
    pub intercept: Vec<f64>,
    /// Multiplies the class' margin; always positive where a tuning made it.
    pub slope: Vec<f64>,
}

impl Scaling {
    /// The scaling that changes nothing.
    #[must_use]
    pub fn identity(classes: usize) -> Self {
        Self { intercept: vec![0.0; classes], slope: vec![1.0; classes] }
    }

    /// One class' line.
    #[must_use]
    pub fn line(&self, class: usize) -> Affine {
        Affine { intercept: self.intercept[class], slope: self.slope[class] }
    }

    /// This scaling of what `first` makes of the margins.
    #[must_use]
    pub fn after(&self, first: &Self) -> Self {
        let lines = (0..self.slope.len()).map(|k| self.line(k).after(first.line(k)));
        let (intercept, slope) = lines.map(|l| (l.intercept, l.slope)).unzip();
        Self { intercept, slope }
    }
}

impl Recalibrate for Scaling {
    fn recalibrate(&self, row: &mut [f64]) {
        // Margins are not centred first: two scalings in a row would then not be one.
        row.iter_mut().zip(&self.intercept).zip(&self.slope).for_each(|((m, b), s)| *m = b + s * *m);
    }
}

/// `intercept + slope × margin`.
///
/// ```
/// use specialist_core::Affine;
/// let line = Affine { intercept: 1.0, slope: 2.0 };
/// assert_eq!(line.apply(0.5), 2.0);
/// assert_eq!(line.after(Affine::IDENTITY), line);
/// ```
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

    /// This line of what `first` makes of a margin.
    #[must_use]
    pub fn after(&self, first: Self) -> Self {
        Self { intercept: self.apply(first.intercept), slope: self.slope * first.slope }
    }
}

/// Fits `logit P(y = 1) = intercept + slope × margin` by Newton's method, with a Gaussian prior of
/// precision `strength` around the line that changes nothing (0: maximum likelihood, as the
/// calibration intercept and slope of Cox 1958 are defined). With `slope_fixed` only the intercept
/// is free. `None` when the labels have one class or the fit does not settle.
///
/// ```
/// use specialist_core::fit_affine;
/// // Three of four had the event, and the model said even odds of all.
/// let line = fit_affine(&[0.0; 4], &[1.0, 1.0, 1.0, 0.0], &[1.0; 4], 0.0, true).expect("two classes");
/// assert!((line.intercept - 3f64.ln()).abs() < 1e-9);
/// ```
#[must_use]
pub fn fit_affine(margin: &[f64], label: &[f64], weight: &[f64], strength: f64, slope_fixed: bool) -> Option<Affine> {
    fit_line(Estimand::Probability, margin, label, weight, strength, slope_fixed)
}

/// As [`fit_affine`], for any estimand. For numbers the prior has no unit: the intercept is counted in standard
/// deviations of `label − margin`, the slope turns about the mean margin and is counted likewise.
///
/// ```
/// use specialist_core::{Estimand, fit_line};
/// let line = fit_line(Estimand::Mean, &[0.0, 0.0], &[1.0, 3.0], &[1.0; 2], 0.0, true).expect("it settles");
/// assert!((line.intercept - 2.0).abs() < 1e-9);
/// ```
#[must_use]
pub fn fit_line(
    estimand: Estimand,
    margin: &[f64],
    label: &[f64],
    weight: &[f64],
    strength: f64,
    slope_fixed: bool,
) -> Option<Affine> {
    let mut unit = Unit::of(estimand, margin, label, weight);
    let mut line = settle(estimand, unit, margin, label, weight, strength, slope_fixed)?;
    if let Estimand::Quantile(_) = estimand {
        // The kernel is as wide as the line's own errors ask for, and these are known once there is a line.
        let mut errors: Vec<f64> = margin.iter().zip(label).map(|(m, y)| y - line.apply(*m)).collect();
        unit.kernel = LossScale::of(&mut errors, unit.scale).kernel;
        line = settle(estimand, unit, margin, label, weight, strength, slope_fixed)?;
    }
    Some(line)
}

fn settle(
    estimand: Estimand,
    unit: Unit,
    margin: &[f64],
    label: &[f64],
    weight: &[f64],
    strength: f64,
    slope_fixed: bool,
) -> Option<Affine> {
    let at = |p: [f64; 2]| Normal::at(estimand, unit, p, margin, label, weight, strength);
    let mut p = [0.0, 0.0];
    let mut now = at(p);
    for _ in 0..50 {
        let (d0, d1) = now.step(slope_fixed)?;
        let moved = |length: f64| [p[0] - length * d0, p[1] - length * d1];
        // A whole step may overshoot where predictions are too extreme: it is halved until the loss does not rise, but for rounding.
        let mut length = 1.0;
        let mut next = at(moved(length));
        while next.loss > now.loss + 1e-12 * now.loss.abs() && length > 1e-6 {
            length /= 2.0;
            next = at(moved(length));
        }
        p = moved(length);
        now = next;
        // Labels of one class, or that the margin parts, have no best line: it runs away.
        if p[0].abs() > 1e3 || p[1].abs() > 1e3 {
            return None;
        }
        if d0.abs().max(d1.abs()) < 1e-9 {
            return Some(unit.line(p));
        }
    }
    None
}

/// The units in which the two parameters are counted; all 1 for log-odds, which have a scale of their own.
#[derive(Clone, Copy)]
struct Unit {
    /// The margin about which the slope turns.
    center: f64,
    /// Standard deviation of label − margin.
    scale: f64,
    /// What one unit of the second parameter adds to the slope.
    turn: f64,
    /// How widely a check function is smoothed.
    kernel: f64,
}

impl Unit {
    fn of(estimand: Estimand, margin: &[f64], label: &[f64], weight: &[f64]) -> Self {
        if !estimand.is_number() {
            return Self { center: 0.0, scale: 1.0, turn: 1.0, kernel: 1.0 };
        }
        let total: f64 = weight.iter().sum();
        let moments = |value: &dyn Fn(usize) -> f64| {
            let mean = weight.iter().enumerate().map(|(i, w)| w * value(i)).sum::<f64>() / total;
            let square = weight.iter().enumerate().map(|(i, w)| w * (value(i) - mean).powi(2)).sum::<f64>() / total;
            (mean, square.sqrt())
        };
        let (center, spread) = moments(&|i| margin[i]);
        let scale = moments(&|i| label[i] - margin[i]).1.max(f64::MIN_POSITIVE);
        // A constant margin has no slope to fit.
        let turn = if spread > 0.0 { scale / spread } else { 0.0 };
        // The kernel is a first one, until there are errors of a line to go by.
        Self { center, scale, turn, kernel: 0.1 * scale }
    }

    fn line(self, p: [f64; 2]) -> Affine {
        let turned = self.turn * p[1];
        Affine { intercept: self.scale * p[0] - turned * self.center, slope: 1.0 + turned }
    }
}

/// The penalised loss with its gradient and Hessian.
struct Normal {
    loss: f64,
    gradient: [f64; 2],
    hessian: [f64; 3],
}

impl Normal {
    fn at(
        estimand: Estimand,
        unit: Unit,
        p: [f64; 2],
        margin: &[f64],
        label: &[f64],
        weight: &[f64],
        strength: f64,
    ) -> Self {
        let mut out = Self {
            loss: 0.5 * strength * (p[0] * p[0] + p[1] * p[1]),
            gradient: [strength * p[0], strength * p[1]],
            hessian: [strength, 0.0, strength],
        };
        let line = unit.line(p);
        let scale = LossScale { unit: unit.scale, kernel: unit.kernel };
        for ((&m, &y), &w) in margin.iter().zip(label).zip(weight) {
            if w == 0.0 {
                continue;
            }
            let x = [unit.scale, unit.turn * (m - unit.center)];
            let [loss, slope, curvature] = estimand.loss(line.apply(m), y, scale);
            let (r, v) = (w * slope, w * curvature);
            out.loss += w * loss;
            out.gradient[0] += r * x[0];
            out.gradient[1] += r * x[1];
            out.hessian[0] += v * x[0] * x[0];
            out.hessian[1] += v * x[0] * x[1];
            out.hessian[2] += v * x[1] * x[1];
        }
        out
    }

    /// The Newton step of both parameters; `None` where the curvature is singular.
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
    fn scalings_one_after_the_other_are_one() {
        let first = Scaling { intercept: vec![0.5, -1.0], slope: vec![2.0, 1.0] };
        let second = Scaling { intercept: vec![-0.25, 0.125], slope: vec![0.5, 3.0] };
        let (mut two, mut one) = ([0.75, -0.5], [0.75, -0.5]);
        first.recalibrate(&mut two);
        second.recalibrate(&mut two);
        second.after(&first).recalibrate(&mut one);
        assert_eq!(two, one);
        assert_eq!(second.after(&Scaling::identity(2)), second);
    }

    #[test]
    fn a_strong_prior_changes_nothing() {
        let margin: Vec<f64> = (0..40).map(|i| f64::from(i) / 10.0 - 2.0).collect();
        let label: Vec<f64> = (0..40).map(|i| f64::from(u8::from(i % 3 == 0))).collect();
        let line = fit_affine(&margin, &label, &[1.0; 40], 1e9, false).unwrap();
        assert!(line.intercept.abs() < 1e-6 && (line.slope - 1.0).abs() < 1e-6);
    }

    #[test]
    fn a_line_through_numbers_is_least_squares_and_its_prior_has_no_unit() {
        let margin: Vec<f64> = (0..50).map(|i| -4.0 + f64::from(i) / 25.0).collect();
        let label: Vec<f64> = margin.iter().enumerate().map(|(i, m)| 1.0 + 1.5 * m + [0.1, -0.1][i % 2]).collect();
        let free = fit_line(Estimand::Mean, &margin, &label, &[1.0; 50], 0.0, false).unwrap();
        // numpy.polyfit(margin, label, 1)
        assert!(
            (free.slope - 1.493_997_599_0).abs() < 1e-9 && (free.intercept - 0.981_872_749_1).abs() < 1e-9,
            "{free:?}"
        );
        let times = |v: &[f64]| v.iter().map(|x| 1000.0 * x).collect::<Vec<f64>>();
        let few = fit_line(Estimand::Mean, &margin, &label, &[1.0; 50], 20.0, false).unwrap();
        let many = fit_line(Estimand::Mean, &times(&margin), &times(&label), &[1.0; 50], 20.0, false).unwrap();
        assert!((few.slope - many.slope).abs() < 1e-9 && (1000.0 * few.intercept - many.intercept).abs() < 1e-6);
        assert!(few.slope > 1.0 && few.slope < free.slope, "{few:?}");
    }

    #[test]
    fn the_intercept_of_a_quantile_moves_to_it() {
        let label: Vec<f64> = (0..1000).map(f64::from).collect();
        let line = fit_line(Estimand::Quantile(0.25), &[0.0; 1000], &label, &[1.0; 1000], 0.0, true).unwrap();
        // The exact quantile is any number from 249 to 250.
        assert!((line.intercept - 249.5).abs() < 1.0, "{line:?}");
    }
}
