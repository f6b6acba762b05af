//! The normal distribution.

use std::f64::consts::{PI, SQRT_2};

/// Its distribution function.
pub fn cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z / SQRT_2)
}

/// Its density.
pub fn pdf(z: f64) -> f64 {
    (-0.5 * z * z).exp() / (2.0 * PI).sqrt()
}

/// Its quantile function (Acklam's rational approximation and one step of Halley's method).
pub fn quantile(p: f64) -> f64 {
    const A: [f64; 6] = [
        -39.69683028665376,
        220.9460984245205,
        -275.9285104469687,
        138.357_751_867_269,
        -30.66479806614716,
        2.506628277459239,
    ];
    const B: [f64; 5] =
        [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572];
    const C: [f64; 6] = [
        -0.007784894002430293,
        -0.3223964580411365,
        -2.400758277161838,
        -2.549732539343734,
        4.374664141464968,
        2.938163982698783,
    ];
    const D: [f64; 4] = [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416];
    let p = p.clamp(1e-300, 1.0 - 1e-16);
    let poly = |c: &[f64], x: f64| c.iter().fold(0.0, |a, b| a * x + b);
    let tail = |p: f64| {
        let q = (-2.0 * p.ln()).sqrt();
        poly(&C, q) / (poly(&D, q) * q + 1.0)
    };
    let x = if p < 0.02425 {
        tail(p)
    } else if p > 1.0 - 0.02425 {
        -tail(1.0 - p)
    } else {
        let q = p - 0.5;
        let r = q * q;
        poly(&A, r) * q / (poly(&B, r) * r + 1.0)
    };
    let e = (cdf(x) - p) * (2.0 * PI).sqrt() * (0.5 * x * x).exp();
    x - e / (1.0 + 0.5 * x * e)
}

/// The logarithm of `φ(z) + z·Φ(z)`, and its derivative: expected improvement in units of the standard
/// deviation, without underflow however small (Ament et al. 2023).
pub fn log_ei(z: f64) -> (f64, f64) {
    if z > -6.0 {
        let h = pdf(z) + z * cdf(z);
        return (h.ln(), cdf(z) / h);
    }
    // φ(z)/z² · (1 − 3/z² + 15/z⁴ − 105/z⁶ + 945/z⁸ − …), an asymptotic series.
    let w = 1.0 / (z * z);
    let series = 1.0 - w * (3.0 - w * (15.0 - w * (105.0 - w * (945.0 - w * 10_395.0))));
    let log = -0.5 * z * z - 0.5 * (2.0 * PI).ln() - 2.0 * (-z).ln() + series.ln();
    // Φ(z)/h by the same expansion of Φ.
    let phi = 1.0 - w * (1.0 - w * (3.0 - w * (15.0 - w * (105.0 - w * 945.0))));
    (log, phi * -z / series)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expected_improvement_has_no_underflow() {
        // mpmath, 14 digits: log(pdf(z) + z·cdf(z)).
        for (z, expected) in [
            (-40.0, -808.298_568_356_62),
            (-10.0, -55.553_122_036_122),
            (-5.0, -16.744_301_162_661),
            (-1.0, -2.485_121_025_712_6),
            (0.0, -0.918_938_533_204_67),
            (2.0, 0.697_383_545_788_23),
        ] {
            let (value, slope) = log_ei(z);
            assert!((value - expected).abs() < 2e-6 * expected.abs(), "{z}: {value}");
            let h = 1e-5;
            let numeric = (log_ei(z + h).0 - log_ei(z - h).0) / (2.0 * h);
            assert!((slope - numeric).abs() < 1e-4 * slope.abs(), "{z}: {slope} {numeric}");
        }
    }

    #[test]
    fn quantiles_undo_the_distribution() {
        for p in [1e-10, 0.01, 0.3, 0.5, 0.975, 1.0 - 1e-9] {
            assert!((cdf(quantile(p)) - p).abs() < 1e-12);
        }
        // scipy.stats.norm.ppf(0.975)
        assert!((quantile(0.975) - 1.959_963_984_540_054).abs() < 1e-12);
    }
}
