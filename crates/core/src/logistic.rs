//! Log-odds and probabilities.

/// The inverse of the logit: a log-odds margin to a probability in (0, 1).
///
/// ```
/// use specialist_core::sigmoid;
/// assert_eq!(sigmoid(0.0), 0.5);
/// assert!(sigmoid(-800.0) >= 0.0 && sigmoid(800.0) == 1.0);
/// ```
#[inline]
#[must_use]
pub fn sigmoid(margin: f64) -> f64 {
    if margin >= 0.0 {
        1.0 / (1.0 + (-margin).exp())
    } else {
        let e = margin.exp();
        e / (1.0 + e)
    }
}

/// The log-odds of a probability, which is first kept `1e-12` away from 0 and 1.
///
/// ```
/// use specialist_core::{logit, sigmoid};
/// assert!((logit(sigmoid(2.0)) - 2.0).abs() < 1e-9);
/// assert!(logit(1.0).is_finite());
/// ```
#[inline]
#[must_use]
pub fn logit(probability: f64) -> f64 {
    let p = probability.clamp(1e-12, 1.0 - 1e-12);
    (p / (1.0 - p)).ln()
}
