//! Cox's partial likelihood (1972) and the baseline hazard behind it.

use ndarray::{Array1, Array2, ArrayView2};
use serde::{Deserialize, Serialize};

use super::{Steps, latest_first, tied};
use crate::Followed;

/// What is done with events of one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ties {
    /// Efron (1977): each leaves in part before the next.
    #[default]
    Efron,
    /// Breslow (1974): all count as at risk for each.
    Breslow,
}

/// The log partial likelihood with its first derivative and the negative of its second, the information.
#[derive(Debug, Clone, PartialEq)]
pub struct PartialLikelihood {
    /// The logarithm.
    pub value: f64,
    /// By the coefficients.
    pub gradient: Array1<f64>,
    /// Minus the second derivative.
    pub information: Array2<f64>,
}

/// Rows in the order in which the partial likelihood is summed: stratum by stratum, the latest first.
fn by_stratum(label: &[Followed], strata: Option<&[u32]>) -> Vec<Vec<u32>> {
    let order = latest_first(label);
    let Some(strata) = strata else { return vec![order] };
    let count = strata.iter().max().map_or(0, |s| *s as usize + 1);
    let mut out = vec![Vec::new(); count];
    order.iter().for_each(|&r| out[strata[r as usize] as usize].push(r));
    out
}

/// The share of the tied events' own risk that has left when the `k`th of `d` is due.
fn left(ties: Ties, k: usize, d: usize) -> f64 {
    match ties {
        Ties::Efron => k as f64 / d as f64,
        Ties::Breslow => 0.0,
    }
}

/// The partial likelihood of rows `x` (rows × columns) with the linear predictor `eta` (offsets included), row weights
/// and, where given, a stratum a row (numbered from 0).
///
/// Weighted ties are taken as R's `survival` takes them: each of `d` tied events carries their mean weight.
#[must_use]
pub fn partial_likelihood(
    x: ArrayView2<'_, f64>,
    eta: &[f64],
    label: &[Followed],
    weight: &[f64],
    strata: Option<&[u32]>,
    ties: Ties,
) -> PartialLikelihood {
    let p = x.ncols();
    let mut out = PartialLikelihood { value: 0.0, gradient: Array1::zeros(p), information: Array2::zeros((p, p)) };
    // The largest predictor is taken out, so that no exponential overflows.
    let top = eta.iter().copied().fold(f64::MIN, f64::max);
    for order in by_stratum(label, strata) {
        let mut all = Moments::zero(p);
        for group in tied(&order, label) {
            let mut events = Moments::zero(p);
            let (mut count, mut mass) = (0, 0.0);
            for r in group.iter().map(|&r| r as usize).filter(|&r| weight[r] > 0.0) {
                let risk = weight[r] * (eta[r] - top).exp();
                all.add(risk, x.row(r));
                if label[r].had_event() {
                    events.add(risk, x.row(r));
                    count += 1;
                    mass += weight[r];
                    out.value += weight[r] * (eta[r] - top);
                    out.gradient.scaled_add(weight[r], &x.row(r));
                }
            }
            let each = mass / count.max(1) as f64;
            for k in 0..count {
                all.subtract(&events, left(ties, k, count), each, &mut out);
            }
        }
    }
    out
}

/// Sums of risk, risk × columns and risk × columns × columns over rows.
struct Moments {
    zero: f64,
    first: Array1<f64>,
    second: Array2<f64>,
}

impl Moments {
    fn zero(p: usize) -> Self {
        Self { zero: 0.0, first: Array1::zeros(p), second: Array2::zeros((p, p)) }
    }

    fn add(&mut self, risk: f64, row: ndarray::ArrayView1<'_, f64>) {
        self.zero += risk;
        self.first.scaled_add(risk, &row);
        for (mut to, &v) in self.second.rows_mut().into_iter().zip(row) {
            to.scaled_add(risk * v, &row);
        }
    }

    /// Takes one event's term off: the logarithm of the risk at its time, with the share `left` of the tied gone.
    fn subtract(&self, tied: &Self, left: f64, weight: f64, out: &mut PartialLikelihood) {
        let risk = self.zero - left * tied.zero;
        let mean = (&self.first - &(&tied.first * left)) / risk;
        out.value -= weight * risk.ln();
        out.gradient.scaled_add(-weight, &mean);
        out.information.scaled_add(weight / risk, &self.second);
        out.information.scaled_add(-weight * left / risk, &tied.second);
        for (mut to, &m) in out.information.rows_mut().into_iter().zip(&mean) {
            to.scaled_add(-weight * m, &mean);
        }
    }
}

/// The cumulative baseline hazard for the linear predictor `eta`: Breslow's, or Efron's where events are tied.
///
/// `prior` is a cumulative hazard that is expected, and how many events it is worth until the end of the rows: the
/// estimate is the posterior mean under a gamma process about it (Kalbfleisch 1978), so that few rows stay close to it.
#[must_use]
pub fn baseline(eta: &[f64], label: &[Followed], weight: &[f64], ties: Ties, prior: Option<(&Steps, f64)>) -> Steps {
    let order = latest_first(label);
    // Time, risk of all at it, and of the events what they weigh, how many they are and their own risk.
    let mut at: Vec<(f64, f64, f64, usize, f64)> = Vec::new();
    let mut risk = 0.0;
    for group in tied(&order, label) {
        let (mut mass, mut count, mut own) = (0.0, 0, 0.0);
        for r in group.iter().map(|&r| r as usize).filter(|&r| weight[r] > 0.0) {
            let part = weight[r] * eta[r].exp();
            risk += part;
            if label[r].had_event() {
                (mass, count, own) = (mass + weight[r], count + 1, own + part);
            }
        }
        at.push((label[group[0] as usize].time, risk, mass, count, own));
    }
    at.reverse();
    let end = at.last().map_or(0.0, |a| a.0);
    let expected = prior.map(|(steps, events)| (steps, events / steps.at(end).max(1e-12)));
    let firm = expected.map_or(0.0, |e| e.1);
    let mut steps: Vec<(f64, f64)> = Vec::new();
    for &(t, risk, mass, count, own) in at.iter().filter(|a| a.3 > 0) {
        let each = mass / count as f64;
        let rise = (0..count).map(|k| each / (risk + firm - left(ties, k, count) * own)).sum();
        steps.push((t, rise));
    }
    if let Some((prior, firm)) = expected {
        let mut before = prior.start;
        for (t, value) in prior.time.iter().zip(&prior.value) {
            let next = at.partition_point(|a| a.0 < *t);
            let risk = at.get(next).map_or(0.0, |a| a.1);
            steps.push((*t, firm * (value - before) / (risk + firm)));
            before = *value;
        }
        steps.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    let mut out = Steps::default();
    let mut sum = 0.0;
    for (t, rise) in steps {
        sum += rise;
        if out.time.last() == Some(&t) {
            *out.value.last_mut().expect("there is a time") = sum;
        } else {
            out.time.push(t);
            out.value.push(sum);
        }
    }
    out
}

/// The slope of a Cox model on `margin` alone, with the prior precision `strength` about 1: the calibration slope of
/// a survival model (van Houwelingen 2000). `None` where it cannot be estimated.
#[must_use]
pub fn cox_slope(margin: &[f64], label: &[Followed], weight: &[f64], strength: f64) -> Option<f64> {
    const ITERATIONS: usize = 50;
    let x = ArrayView2::from_shape((margin.len(), 1), margin).ok()?;
    let mut slope = 1.0;
    let at = |slope: f64| {
        let eta: Vec<f64> = margin.iter().map(|m| slope * m).collect();
        let fit = partial_likelihood(x, &eta, label, weight, None, Ties::Efron);
        (fit.value - 0.5 * strength * (slope - 1.0).powi(2), fit)
    };
    let (mut value, mut fit) = at(slope);
    for _ in 0..ITERATIONS {
        let curvature = fit.information[[0, 0]] + strength;
        if curvature.is_nan() || curvature <= 1e-12 {
            return None;
        }
        let mut step = (fit.gradient[0] - strength * (slope - 1.0)) / curvature;
        let (mut next, mut then) = (slope + step, at(slope + step));
        // A whole step may overshoot: it is halved until the likelihood does not fall, but for rounding.
        while then.0 < value - 1e-12 * value.abs() && step.abs() > 1e-8 {
            step /= 2.0;
            (next, then) = (slope + step, at(slope + step));
        }
        let settled = (next - slope).abs() < 1e-9 * (1.0 + slope.abs());
        (slope, (value, fit)) = (next, then);
        if settled {
            // Margins that put every event in order have no best slope: it runs away.
            return Some(slope).filter(|s| s.is_finite() && s.abs() < 1e3);
        }
    }
    None
}
