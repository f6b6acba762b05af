//! A figure with its interval.

use serde::{Deserialize, Serialize};

/// An estimate with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The value on all rows.
    #[serde(with = "nan_as_null")]
    pub estimate: f64,
    /// The lower end.
    #[serde(with = "nan_as_null")]
    pub low: f64,
    /// The upper end.
    #[serde(with = "nan_as_null")]
    pub high: f64,
}

/// The 97.5 % point of the standard normal distribution: half the width of a 95 % interval in standard errors.
pub const Z: f64 = 1.959_963_984_540_054;

/// The score interval of a share of `n` rows at 95 % (Wilson 1927).
#[must_use]
pub fn wilson(share: f64, n: f64) -> Interval {
    let centre = share + Z * Z / (2.0 * n);
    let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    Interval { estimate: share, low: (centre - half) / scale, high: (centre + half) / scale }
}

/// JSON has no `NaN`: an undefined figure is written as `null`.
pub mod nan_as_null {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// # Errors
    /// The serializer's own.
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    pub fn serialize<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
        value.is_finite().then_some(*value).serialize(to)
    }

    /// # Errors
    /// The deserializer's own.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        Ok(Option::<f64>::deserialize(from)?.unwrap_or(f64::NAN))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_equals_statsmodels() {
        // statsmodels 0.15.0: proportion_confint(8, 20, method="wilson") = (0.2188065, 0.6134185)
        let i = wilson(0.4, 20.0);
        assert!((i.low - 0.218_806_5).abs() < 1e-6 && (i.high - 0.613_418_5).abs() < 1e-6, "{i:?}");
    }
}
