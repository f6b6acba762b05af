//! What is predicted of a row.

use serde::{Deserialize, Serialize};

use crate::summary::mean_sd;
use crate::survival::log_hazard;
use crate::{Labels, logit, sigmoid};

/// In what an error is counted, and how widely the check function of a quantile is smoothed.
///
/// ```
/// use specialist_core::LossScale;
/// let mut errors: Vec<f64> = (0..100).map(|i| f64::from(i % 10)).collect();
/// let few = LossScale::of(&mut errors[..10].to_vec(), 1.0);
/// let many = LossScale::of(&mut errors, 1.0);
/// assert!(many.kernel < few.kernel);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LossScale {
    /// The unit of an error, so that a prior's precision has none; 1 for probabilities.
    pub unit: f64,
    /// Width of the logistic kernel, in the unit of the labels; of no meaning but for quantiles.
    pub kernel: f64,
}

impl LossScale {
    /// Log-odds have a scale of their own.
    pub const NONE: Self = Self { unit: 1.0, kernel: 1.0 };

    /// The width for labels that are `errors` away from what is predicted of them:
    /// `0.4 n^(-1/4) min(sd, IQR / 1.349)`, with Silverman's (1986) robust spread, of the *residuals*. The share of
    /// labels below the fitted quantile is wrong by `(π²/6) f'(q) width²` (Fernandes, Guerre and Horta 2021, theorem
    /// 1, for this kernel): with this width a fifth of the share's own standard error, whatever the rows and however good
    /// the fit. Their own rule shrinks as slowly as n^(-1/5) and is made for the quantile's mean squared error.
    #[must_use]
    pub fn of(errors: &mut Vec<f64>, unit: f64) -> Self {
        errors.retain(|e| e.is_finite());
        let n = errors.len().max(1) as f64;
        let (_, sd) = mean_sd(errors);
        errors.sort_by(f64::total_cmp);
        let at = |q: f64| errors[((n - 1.0) * q) as usize];
        let middle = if errors.is_empty() { 0.0 } else { (at(0.75) - at(0.25)) / 1.349 };
        // Half of the rows may be tied, or all.
        let spread = if middle > 0.0 { sd.min(middle) } else { sd };
        let kernel = 0.4 * n.powf(-0.25) * spread;
        Self { unit, kernel: if kernel > 0.0 { kernel } else { 0.1 * unit } }
    }
}

fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// What is predicted of a row; it says what labels are, and what a model's margin means.
///
/// ```
/// use specialist_core::{Estimand, Labels};
/// assert_eq!(Estimand::of(&Labels::from(vec![1.0, 2.5])), Estimand::Mean);
/// assert_eq!((Estimand::Mean.response(2.5), Estimand::Probability.response(0.0)), (2.5, 0.5));
/// let risk = Estimand::Survival { horizon: 5.0 };
/// assert!((risk.response(risk.margin(0.2)) - 0.2).abs() < 1e-9);
/// let mut row = [1.0; 4];
/// Estimand::Classes(4).respond(&mut row);
/// assert_eq!(row, [0.25; 4]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Estimand {
    /// The probability of the positive of two classes; margins are log-odds.
    #[default]
    Probability,
    /// The probabilities of so many classes, three or more. A row's margins are one a class, of which only the differences
    /// count: probabilities are their exponentials over the sum of these.
    Classes(usize),
    /// The mean of a number. Labels are numbers, margins are in their unit.
    Mean,
    /// The risk of an event until `horizon`. Labels are times ([`crate::Followed`]); margins are log cumulative hazards at the
    /// horizon.
    Survival {
        /// Until when, in the unit of the times.
        horizon: f64,
    },
    /// The quantile of a number at this level, between 0 and 1. Labels are numbers, margins are in their unit.
    Quantile(f64),
    /// A text. Labels are texts, and so is what a model gives ([`crate::Outputs::of_texts`]): there are no margins.
    Text,
}

impl Estimand {
    /// Whether a number is predicted and not the probability of something that happens.
    #[must_use]
    pub fn is_number(self) -> bool {
        matches!(self, Self::Mean | Self::Quantile(_))
    }

    /// What labels are the plainest answer to: the probability of the positive class of two, the mean of numbers, the risk
    /// of an event at all.
    #[must_use]
    pub fn of(labels: &Labels) -> Self {
        match labels {
            Labels::Classes { levels, .. } if levels.len() > 2 => Self::Classes(levels.len()),
            Labels::Classes { .. } => Self::Probability,
            Labels::Numbers(_) => Self::Mean,
            Labels::Texts(_) => Self::Text,
            Labels::Times { .. } => Self::Survival { horizon: f64::INFINITY },
        }
    }

    /// How many numbers a model gives of a row; none where it writes.
    #[must_use]
    pub fn width(self) -> usize {
        match self {
            Self::Classes(classes) => classes,
            Self::Text => 0,
            _ => 1,
        }
    }

    pub(crate) fn informative(self, rows: usize, events: usize, most_frequent: usize) -> usize {
        match self {
            // As for two classes: the rows that are not of the most frequent one.
            Self::Classes(_) => rows - most_frequent,
            Self::Probability => events.min(rows - events),
            Self::Survival { .. } => events,
            Self::Mean | Self::Text => rows,
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

    /// The predictions that a row's margins stand for, in their place.
    pub fn respond(self, row: &mut [f64]) {
        if !matches!(self, Self::Classes(_)) {
            row.iter_mut().for_each(|m| *m = self.response(*m));
            return;
        }
        // The largest margin is taken out, so that no exponential overflows.
        let top = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        row.iter_mut().for_each(|m| *m = (*m - top).exp());
        let sum: f64 = row.iter().sum();
        row.iter_mut().for_each(|p| *p /= sum);
    }

    /// The prediction that a margin stands for; `NaN` for several classes, of which one margin says nothing, and for texts.
    #[must_use]
    pub fn response(self, margin: f64) -> f64 {
        match self {
            Self::Classes(_) | Self::Text => f64::NAN,
            Self::Probability => sigmoid(margin),
            Self::Survival { .. } => -(-margin.exp()).exp_m1(),
            Self::Mean | Self::Quantile(_) => margin,
        }
    }

    /// The margin of a prediction; of a class' probability its logarithm.
    #[must_use]
    pub fn margin(self, response: f64) -> f64 {
        match self {
            Self::Classes(_) => response.max(1e-12).ln(),
            Self::Probability => logit(response),
            Self::Survival { .. } => log_hazard(response),
            Self::Mean | Self::Quantile(_) => response,
            Self::Text => f64::NAN,
        }
    }

    /// The loss of a margin for a label and its first two derivatives by the margin: the negative log likelihood of a
    /// Bernoulli or of a normal label with standard deviation `scale.unit`; for a quantile the check function over
    /// `scale.unit`, smoothed by a logistic kernel so that Newton's method applies (Fernandes, Guerre and
    /// Horta 2021). `NaN` for times, whose likelihood is no sum over rows
    /// ([`crate::survival::partial_likelihood`]), for several classes, whose is no function of one margin, and for texts.
    #[must_use]
    pub fn loss(self, margin: f64, label: f64, scale: LossScale) -> [f64; 3] {
        match self {
            Self::Probability => {
                let p = sigmoid(margin);
                // log(1 + exp(margin)) − label × margin without overflow.
                [softplus(margin) - label * margin, p - label, p * (1.0 - p)]
            }
            Self::Survival { .. } | Self::Classes(_) | Self::Text => [f64::NAN; 3],
            Self::Mean => {
                let error = (margin - label) / scale.unit;
                [0.5 * error * error, error / scale.unit, 1.0 / (scale.unit * scale.unit)]
            }
            Self::Quantile(q) => {
                let LossScale { unit, kernel } = scale;
                let above = (margin - label) / kernel;
                let p = sigmoid(above);
                let loss = kernel / unit * (softplus(above) - q * above);
                [loss, (p - q) / unit, p * (1.0 - p) / (kernel * unit)]
            }
        }
    }

    /// What is asked for, in words.
    #[must_use]
    pub fn asked(self) -> String {
        match self {
            Self::Probability => "the probability of a yes".into(),
            Self::Classes(k) => format!("the probabilities of {k} classes"),
            Self::Mean => "the mean of a number".into(),
            Self::Survival { horizon } => format!("the risk until {horizon}"),
            Self::Quantile(q) => format!("the quantile of a number at {q}"),
            Self::Text => "a text that is written".into(),
        }
    }

    /// What a prediction is called in tables and files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Probability | Self::Classes(_) => "probability",
            Self::Survival { .. } => "risk",
            Self::Mean => "mean",
            Self::Quantile(_) => "quantile",
            Self::Text => "text",
        }
    }
}

impl Labels {
    /// The labels that these are the [`Labels::responses`] of: of a probability two classes, else numbers.
    #[must_use]
    pub fn of_responses(estimand: Estimand, responses: Vec<f64>) -> Self {
        if estimand != Estimand::Probability {
            return Self::Numbers(responses);
        }
        let code = |y: &f64| if y.is_nan() { Self::UNKNOWN } else { u32::from(*y > 0.5) };
        Self::Classes { codes: responses.iter().map(code).collect(), levels: ["0", "1"].map(String::from).to_vec() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivatives_are_those_of_the_loss() {
        for estimand in [Estimand::Probability, Estimand::Mean, Estimand::Quantile(0.1)] {
            for (margin, label) in [(0.3, 1.0), (-1.2, 0.0), (0.98, 1.0)] {
                let at = |m: f64| estimand.loss(m, label, LossScale { unit: 0.7, kernel: 0.1 });
                let h = 1e-5;
                let slope = (at(margin + h)[0] - at(margin - h)[0]) / (2.0 * h);
                let curvature = (at(margin + h)[1] - at(margin - h)[1]) / (2.0 * h);
                assert!((slope - at(margin)[1]).abs() < 1e-6 * (1.0 + slope.abs()), "{estimand:?}");
                assert!((curvature - at(margin)[2]).abs() < 1e-5 * (1.0 + curvature.abs()), "{estimand:?}");
            }
        }
    }

    #[test]
    fn classes_are_the_softmax_of_their_margins() {
        // scipy.special.softmax([1, 2, 0.5]) = 0.23122390, 0.62853172, 0.14024438
        let mut row = [1001.0, 1002.0, 1000.5];
        Estimand::Classes(3).respond(&mut row);
        for (p, expected) in row.iter().zip([0.231_223_90, 0.628_531_72, 0.140_244_38]) {
            assert!((p - expected).abs() < 1e-8, "{row:?}");
        }
        let mut one = [0.3];
        Estimand::Probability.respond(&mut one);
        assert_eq!(one, [sigmoid(0.3)]);
    }

    #[test]
    fn far_from_the_kink_the_smoothed_loss_is_the_check_function() {
        let q = Estimand::Quantile(0.25);
        let scale = LossScale { unit: 1.0, kernel: 0.1 };
        assert!((q.loss(0.0, 4.0, scale)[0] - 0.25 * 4.0).abs() < 1e-12);
        assert!((q.loss(4.0, 0.0, scale)[0] - 0.75 * 4.0).abs() < 1e-12);
    }
}
