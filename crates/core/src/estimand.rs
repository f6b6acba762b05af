//! What is predicted of a row.

use serde::{Deserialize, Serialize};

use crate::survival::{is_event, log_hazard};
use crate::{logit, sigmoid};

/// Width of the kernel that smooths the check function, in units of the labels' spread.
const SMOOTHING: f64 = 0.1;

fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// What is predicted of a row; it says what labels are, and what a model's margin means.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Estimand {
    /// The probability of the positive label. Labels are 0 or 1, margins log-odds.
    #[default]
    Probability,
    /// The mean of a number. Labels are numbers, margins are in their unit.
    Mean,
    /// The risk of an event until `horizon`. Labels are times, censored ones negative ([`crate::survival`]); margins are
    /// log cumulative hazards at the horizon.
    Survival {
        /// Until when, in the unit of the times.
        horizon: f64,
    },
    /// The quantile of a number at this level, between 0 and 1. Labels are numbers, margins are in their unit.
    Quantile(f64),
}

impl Estimand {
    /// Whether a number is predicted and not the probability of something that happens.
    #[must_use]
    pub fn is_number(self) -> bool {
        matches!(self, Self::Mean | Self::Quantile(_))
    }

    /// Whether a row with this label had the event; never where labels are numbers.
    #[must_use]
    pub fn had_event(self, label: f64) -> bool {
        match self {
            Self::Probability => label == 1.0,
            Self::Survival { .. } => is_event(label),
            Self::Mean | Self::Quantile(_) => false,
        }
    }

    pub(crate) fn informative(self, rows: usize, events: usize) -> usize {
        match self {
            Self::Probability => events.min(rows - events),
            Self::Survival { .. } => events,
            Self::Mean => rows,
            Self::Quantile(q) => (rows as f64 * q.min(1.0 - q)) as usize,
        }
    }

    /// Whether both ask for the same; levels are compared in the precision of model files.
    #[must_use]
    pub fn agrees(self, other: Self) -> bool {
        match (self, other) {
            (Self::Quantile(a), Self::Quantile(b)) => (a - b).abs() < 1e-6,
            _ => self == other,
        }
    }

    /// The prediction that a margin stands for.
    #[must_use]
    pub fn response(self, margin: f64) -> f64 {
        match self {
            Self::Probability => sigmoid(margin),
            Self::Survival { .. } => -(-margin.exp()).exp_m1(),
            Self::Mean | Self::Quantile(_) => margin,
        }
    }

    /// The margin of a prediction.
    #[must_use]
    pub fn margin(self, response: f64) -> f64 {
        match self {
            Self::Probability => logit(response),
            Self::Survival { .. } => log_hazard(response),
            Self::Mean | Self::Quantile(_) => response,
        }
    }

    /// The loss of a margin for a label and its first two derivatives by the margin: the negative log likelihood of a
    /// Bernoulli or of a normal label with standard deviation `scale`; for a quantile the check function over `scale`,
    /// smoothed by a logistic kernel a tenth of `scale` wide so that Newton's method applies (Fernandes, Guerre and
    /// Horta 2021). `NaN` for times, whose likelihood is no sum over rows
    /// ([`crate::survival::partial_likelihood`]).
    #[must_use]
    pub fn loss(self, margin: f64, label: f64, scale: f64) -> [f64; 3] {
        match self {
            Self::Probability => {
                let p = sigmoid(margin);
                // log(1 + exp(margin)) − label × margin without overflow.
                [softplus(margin) - label * margin, p - label, p * (1.0 - p)]
            }
            Self::Survival { .. } => [f64::NAN; 3],
            Self::Mean => {
                let error = (margin - label) / scale;
                [0.5 * error * error, error / scale, 1.0 / (scale * scale)]
            }
            Self::Quantile(q) => {
                let width = SMOOTHING * scale;
                let above = (margin - label) / width;
                let p = sigmoid(above);
                let loss = SMOOTHING * (softplus(above) - q * above);
                [loss, (p - q) / scale, p * (1.0 - p) / (width * scale)]
            }
        }
    }

    /// What a prediction is called in tables and files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Probability => "probability",
            Self::Survival { .. } => "risk",
            Self::Mean => "mean",
            Self::Quantile(_) => "quantile",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivatives_are_those_of_the_loss() {
        for estimand in [Estimand::Probability, Estimand::Mean, Estimand::Quantile(0.1)] {
            for (margin, label) in [(0.3, 1.0), (-1.2, 0.0), (0.98, 1.0)] {
                let at = |m: f64| estimand.loss(m, label, 0.7);
                let h = 1e-5;
                let slope = (at(margin + h)[0] - at(margin - h)[0]) / (2.0 * h);
                let curvature = (at(margin + h)[1] - at(margin - h)[1]) / (2.0 * h);
                assert!((slope - at(margin)[1]).abs() < 1e-6 * (1.0 + slope.abs()), "{estimand:?}");
                assert!((curvature - at(margin)[2]).abs() < 1e-5 * (1.0 + curvature.abs()), "{estimand:?}");
            }
        }
    }

    #[test]
    fn far_from_the_kink_the_smoothed_loss_is_the_check_function() {
        let q = Estimand::Quantile(0.25);
        assert!((q.loss(0.0, 4.0, 1.0)[0] - 0.25 * 4.0).abs() < 1e-12);
        assert!((q.loss(4.0, 0.0, 1.0)[0] - 0.75 * 4.0).abs() < 1e-12);
    }
}
