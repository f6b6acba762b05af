//! Estimates of a survival curve and of the censoring behind it.

use serde::{Deserialize, Serialize};

use super::{latest_first, tied};
use crate::Followed;
use crate::discretion::between;

/// A right-continuous step function: `start` before the first time, then `value[i]` from `time[i]` on.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Steps {
    /// The value before the first step.
    pub start: f64,
    /// Where it steps, ascending.
    pub time: Vec<f64>,
    /// What it steps to.
    pub value: Vec<f64>,
}

impl Steps {
    /// The value at `t`.
    #[must_use]
    pub fn at(&self, t: f64) -> f64 {
        self.after(self.time.partition_point(|s| *s <= t))
    }

    /// The value just before `t`.
    #[must_use]
    pub fn before(&self, t: f64) -> f64 {
        self.after(self.time.partition_point(|s| *s < t))
    }

    fn after(&self, steps: usize) -> f64 {
        if steps == 0 { self.start } else { self.value[steps - 1] }
    }
}

/// The shape of a cumulative hazard: its share of the cumulative hazard at the horizon, where it is 1. With a model's
/// margin `m`, the log cumulative hazard at the horizon, survival to `t` is `exp(−shape(t) exp(m))`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Baseline {
    /// The horizon.
    pub horizon: f64,
    /// The shares.
    pub shape: Steps,
}

impl Baseline {
    /// Whether it is the shape of a cumulative hazard: what came from a file may be anything.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn check(&self) -> Result<(), String> {
        let Steps { start, time, value } = &self.shape;
        let rises = |v: &[f64]| v.windows(2).all(|w| w[0] <= w[1]);
        let all = || time.iter().chain(value).chain([start, &self.horizon]);
        let sound = time.len() == value.len() && self.horizon > 0.0 && *start >= 0.0 && rises(time) && rises(value);
        if sound && all().all(|v| v.is_finite()) { Ok(()) } else { Err("its baseline hazard is none".into()) }
    }

    /// The shape of a cumulative hazard, and the logarithm of what it comes to at `horizon`. `None` where nothing
    /// happens until then.
    #[must_use]
    pub fn of(mut hazard: Steps, horizon: f64) -> Option<(Self, f64)> {
        let level = hazard.at(horizon);
        if level.is_nan() || level <= 0.0 {
            return None;
        }
        let kept = hazard.time.partition_point(|t| *t <= horizon);
        hazard.time.truncate(kept);
        hazard.value.truncate(kept);
        hazard.value.iter_mut().for_each(|v| *v /= level);
        Some((Self { horizon, shape: hazard }, level.ln()))
    }

    /// The same with steps of at least `fewest` events each, so that none is the time of one row's event: events in a row
    /// are one step in their midst. `labels` are those that it was estimated from.
    #[must_use]
    pub fn discreet(mut self, labels: &[Followed], fewest: usize) -> Self {
        if fewest == 0 {
            return self;
        }
        let mut events: Vec<f64> =
            labels.iter().filter(|l| l.had_event() && l.time <= self.horizon).map(|l| l.time).collect();
        events.sort_unstable_by(f64::total_cmp);
        let until = |t: f64| events.partition_point(|e| *e <= t);
        let old = std::mem::take(&mut self.shape);
        self.shape.start = old.start;
        let (mut first, mut met) = (0, 0);
        for (i, (&t, &value)) in old.time.iter().zip(&old.value).enumerate() {
            // What is left at the end must be enough for a step, too.
            let (here, rest) = (until(t) - met, events.len() - until(t));
            if i + 1 < old.time.len() && (here < fewest || rest < fewest) {
                continue;
            }
            self.shape.time.push(between(old.time[first], t));
            self.shape.value.push(value);
            (first, met) = (i + 1, until(t));
        }
        self
    }

    /// The cumulative hazard with this margin.
    #[must_use]
    pub fn hazard(&self, margin: f64) -> Steps {
        let level = margin.exp();
        Steps { value: self.shape.value.iter().map(|v| v * level).collect(), ..self.shape.clone() }
    }

    /// Survival to `t` for a row with this margin; beyond the horizon what it is there.
    #[must_use]
    pub fn survival(&self, t: f64, margin: f64) -> f64 {
        (-self.shape.at(t.min(self.horizon)) * margin.exp()).exp()
    }
}

/// The Kaplan–Meier estimate with Greenwood's standard error.
#[derive(Debug, Clone, PartialEq)]
pub struct KaplanMeier {
    /// Survival; it steps at the times of events.
    pub survival: Steps,
    /// Greenwood's sum Σ d / (n (n − d)) at each step.
    greenwood: Vec<f64>,
    /// Rows at risk at each step, by weight.
    pub at_risk: Vec<f64>,
    /// The last time at which anybody was seen.
    pub last: f64,
}

/// Kaplan and Meier (1958) with row weights.
#[must_use]
pub fn kaplan_meier(label: &[Followed], weight: &[f64]) -> KaplanMeier {
    let mut steps = Vec::new();
    let order = latest_first(label);
    let mut risk = 0.0;
    for group in tied(&order, label) {
        let sum = |keep: &dyn Fn(Followed) -> bool| -> f64 {
            group.iter().filter(|&&r| keep(label[r as usize])).map(|&r| weight[r as usize]).sum()
        };
        risk += sum(&|_| true);
        let events = sum(&Followed::had_event);
        if events > 0.0 {
            steps.push((label[group[0] as usize].time, events, risk));
        }
    }
    let seen = |r: &&u32| weight[**r as usize] > 0.0;
    let last = order.iter().find(seen).map_or(0.0, |&r| label[r as usize].time);
    steps.reverse();
    let (mut survival, mut sum) = (1.0, 0.0);
    let mut out = KaplanMeier {
        survival: Steps { start: 1.0, ..Steps::default() },
        greenwood: Vec::new(),
        at_risk: Vec::new(),
        last,
    };
    for (t, events, risk) in steps {
        survival *= 1.0 - events / risk;
        sum += events / (risk * (risk - events));
        out.survival.time.push(t);
        out.survival.value.push(survival);
        out.greenwood.push(sum);
        out.at_risk.push(risk);
    }
    out
}

impl KaplanMeier {
    /// Survival to `t`.
    #[must_use]
    pub fn at(&self, t: f64) -> f64 {
        self.survival.at(t)
    }

    fn greenwood_at(&self, t: f64) -> f64 {
        match self.survival.time.partition_point(|s| *s <= t) {
            0 => 0.0,
            n => self.greenwood[n - 1],
        }
    }

    /// Greenwood's standard error of survival at `t`.
    #[must_use]
    pub fn error(&self, t: f64) -> f64 {
        self.at(t) * self.greenwood_at(t).sqrt()
    }

    /// The interval of survival at `t` on the scale of log(−log), `z` standard errors wide on either side.
    #[must_use]
    pub fn interval(&self, t: f64, z: f64) -> (f64, f64) {
        let s = self.at(t);
        if s >= 1.0 || s <= 0.0 {
            return (s, s);
        }
        let half = z * self.greenwood_at(t).sqrt() / s.ln().abs();
        (s.powf(half.exp()), s.powf((-half).exp()))
    }

    /// The earliest time at which survival is one half or less.
    #[must_use]
    pub fn median(&self) -> Option<f64> {
        // Half of the rows by products of fractions: equal but for the last digits.
        let below = |v: &f64| *v <= 0.5 + 1e-12;
        self.survival.value.iter().position(below).map(|i| self.survival.time[i])
    }

    /// The mean time until the event or `horizon`, whichever is first, and its standard error (Irwin 1949; Klein and
    /// Moeschberger 2003, 4.5).
    #[must_use]
    pub fn restricted_mean(&self, horizon: f64) -> (f64, f64) {
        let n = self.survival.time.partition_point(|t| *t <= horizon);
        let edge = |i: usize| if i < n { self.survival.time[i] } else { horizon };
        // Area under the curve from each step to the horizon.
        let (mut mean, mut variance) = (0.0, 0.0);
        for i in (0..n).rev() {
            mean += self.survival.value[i] * (edge(i + 1) - edge(i));
            let before = if i == 0 { 0.0 } else { self.greenwood[i - 1] };
            let part = self.greenwood[i] - before;
            // Where all who are left have the event at once Greenwood's term is infinite, and the area behind it nothing.
            if part.is_finite() {
                variance += mean * mean * part;
            }
        }
        (mean + edge(0), variance.sqrt())
    }
}

/// The Nelson–Aalen estimate of the cumulative hazard and its standard error Σ d / n² at each step, with row weights.
#[must_use]
pub fn nelson_aalen(label: &[Followed], weight: &[f64]) -> (Steps, Vec<f64>) {
    let curve = kaplan_meier(label, weight);
    let (mut hazard, mut variance, mut before) = (0.0, 0.0, 1.0);
    let mut out = Steps { time: curve.survival.time.clone(), ..Steps::default() };
    let mut error = Vec::new();
    for (survival, risk) in curve.survival.value.iter().zip(&curve.at_risk) {
        // What the curve falls by is the share of those at risk that has the event.
        let step = 1.0 - survival / before;
        let step = if before > 0.0 { step } else { 0.0 };
        hazard += step;
        variance += step / risk;
        before = *survival;
        out.value.push(hazard);
        error.push(f64::sqrt(variance));
    }
    (out, error)
}

/// The Kaplan–Meier estimate of not yet being censored: at one time events come before censoring.
#[must_use]
pub fn censoring(label: &[Followed], weight: &[f64]) -> Steps {
    let order = latest_first(label);
    let mut steps = Vec::new();
    let mut later = 0.0;
    for group in tied(&order, label) {
        let sum = |event: bool| -> f64 {
            let rows = group.iter().filter(|&&r| label[r as usize].had_event() == event);
            rows.map(|&r| weight[r as usize]).sum()
        };
        let censored = sum(false);
        if censored > 0.0 {
            steps.push((label[group[0] as usize].time, censored, later + censored));
        }
        later += censored + sum(true);
    }
    steps.reverse();
    let mut out = Steps { start: 1.0, ..Steps::default() };
    let mut left = 1.0;
    for (t, censored, risk) in steps {
        left *= 1.0 - censored / risk;
        out.time.push(t);
        out.value.push(left);
    }
    out
}
