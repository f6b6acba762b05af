//! How good predicted risks are where times are censored. A prediction is the risk of an event until the horizon; rows
//! that were not followed so long are made up for by weights (inverse probability of censoring), whose distribution
//! is estimated on the judged rows.

use super::scored::{Goal, Metric, Scored, metric};
use crate::Estimand;
use crate::survival::{
    Baseline, Steps, censoring, cox_slope, dynamic_auc, harrell, kaplan_meier, log_hazard, ranks, uno,
};

/// Points of time over which the Brier score is integrated.
const GRID: usize = 20;

fn horizon(s: &Scored<'_>) -> f64 {
    match s.rows.estimand {
        Estimand::Survival { horizon } => horizon,
        _ => f64::NAN,
    }
}

metric!(
    /// Harrell's C: the share of comparable pairs in which the earlier event has the higher risk.
    CIndex,
    "c-index",
    Goal::Higher,
    Estimand::Survival { .. },
    |s: &Scored<'_>| harrell(s.times(), &ranks(s.predicted(), s.order), s.weight)
);

metric!(
    /// Uno's C until the horizon, which does not depend on how rows were censored.
    UnoC,
    "uno-c",
    Goal::Higher,
    Estimand::Survival { .. },
    |s: &Scored<'_>| {
        let uncensored = censoring(s.times(), s.weight);
        uno(s.times(), &ranks(s.predicted(), s.order), s.weight, &uncensored, horizon(s))
    }
);

metric!(
    /// The area under the cumulative/dynamic ROC curve at the horizon.
    HorizonAuc,
    "auc-at-horizon",
    Goal::Higher,
    Estimand::Survival { .. },
    |s: &Scored<'_>| {
        let uncensored = censoring(s.times(), s.weight);
        dynamic_auc(s.times(), s.predicted(), s.order, s.weight, &uncensored, horizon(s))
    }
);

metric!(
    /// The Brier score at the horizon, weighted against censoring (Graf and others 1999).
    HorizonBrier,
    "brier-at-horizon",
    Goal::Lower,
    Estimand::Survival { .. },
    |s: &Scored<'_>| brier(s, horizon(s), &censoring(s.times(), s.weight), |_| 1.0)
);

metric!(
    /// The Brier score as a mean over time until the horizon. `NaN` without the model's [`Baseline`].
    IntegratedBrier,
    "integrated-brier",
    Goal::Lower,
    Estimand::Survival { .. },
    |s: &Scored<'_>| {
        let Some(baseline) = s.baseline else { return f64::NAN };
        let horizon = horizon(s);
        let grid: Vec<f64> = (1..=GRID).map(|i| horizon * i as f64 / GRID as f64).collect();
        // At time 0 nobody had an event, and everybody knows it.
        let at_start = grid[0] * brier_at(s, grid[0], baseline) / 2.0;
        (at_start + integrated_brier(s, &grid, baseline) * (horizon - grid[0])) / horizon
    }
);

metric!(
    /// Observed events over expected ones at the horizon: one less Kaplan–Meier's survival over the mean risk. Above 1
    /// the risks are too low.
    ObservedExpected,
    "observed-expected",
    Goal::Near(1.0),
    Estimand::Survival { .. },
    |s: &Scored<'_>| {
        let observed = 1.0 - kaplan_meier(s.times(), s.weight).at(horizon(s));
        let (mut sum, mut total) = (0.0, 0.0);
        for (p, w) in s.predicted().iter().zip(s.weight) {
            (sum, total) = (sum + w * p, total + w);
        }
        observed * total / sum
    }
);

metric!(
    /// The slope of a Cox model on the predicted log cumulative hazard (van Houwelingen 2000). 1 is ideal; below 1 the
    /// risks are too extreme.
    HazardSlope,
    "calibration-slope",
    Goal::Near(1.0),
    Estimand::Survival { .. },
    |s: &Scored<'_>| {
        let margin: Vec<f64> = s.predicted().iter().map(|&p| log_hazard(p)).collect();
        cox_slope(&margin, s.times(), s.weight, 0.0).unwrap_or(f64::NAN)
    }
);

/// The Brier score at `t` of risks whose cumulative hazard there is the share `shape(t)` of that at the horizon.
fn brier(s: &Scored<'_>, t: f64, uncensored: &Steps, shape: impl Fn(f64) -> f64) -> f64 {
    // At the horizon everybody who is left is censored, and was there all along.
    let (share, left) = (shape(t), uncensored.before(t));
    let (mut sum, mut total) = (0.0, 0.0);
    for ((&label, &risk), &w) in s.times().iter().zip(s.predicted()).zip(s.weight) {
        if w == 0.0 {
            continue;
        }
        total += w;
        let survival = if share == 1.0 { 1.0 - risk } else { ((-risk).ln_1p() * share).exp() };
        if label.time <= t && label.had_event() {
            sum += w * survival * survival / uncensored.before(label.time);
        } else if label.time >= t {
            sum += w * (1.0 - survival).powi(2) / left;
        }
    }
    sum / total
}

fn brier_at(s: &Scored<'_>, t: f64, baseline: &Baseline) -> f64 {
    brier(s, t, &censoring(s.times(), s.weight), |t| baseline.shape.at(t))
}

/// The mean Brier score over `grid` by the trapezoidal rule.
fn integrated_brier(s: &Scored<'_>, grid: &[f64], baseline: &Baseline) -> f64 {
    let uncensored = censoring(s.times(), s.weight);
    let scores: Vec<f64> = grid.iter().map(|&t| brier(s, t, &uncensored, |t| baseline.shape.at(t))).collect();
    let area: f64 = grid.windows(2).zip(scores.windows(2)).map(|(t, b)| (t[1] - t[0]) * (b[0] + b[1]) / 2.0).sum();
    area / (grid[grid.len() - 1] - grid[0])
}
