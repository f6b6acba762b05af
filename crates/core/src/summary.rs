//! Figures that sum up a list of numbers.

/// The `q`-quantile of `values` by linear interpolation (type 7); `NaN`s are left out first.
#[must_use]
pub fn quantile(values: &[f64], q: f64) -> f64 {
    let mut v: Vec<f64> = values.iter().copied().filter(|x| !x.is_nan()).collect();
    if v.is_empty() {
        return f64::NAN;
    }
    v.sort_by(f64::total_cmp);
    let at = q * (v.len() - 1) as f64;
    let (low, part) = (at.floor() as usize, at.fract());
    let high = (low + 1).min(v.len() - 1);
    v[low] + part * (v[high] - v[low])
}

/// Mean and sample standard deviation; `NaN`s are left out first.
#[must_use]
pub fn mean_sd(values: &[f64]) -> (f64, f64) {
    let v: Vec<f64> = values.iter().copied().filter(|x| !x.is_nan()).collect();
    let n = v.len() as f64;
    let mean = v.iter().sum::<f64>() / n;
    let var = v.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0);
    (mean, if v.len() > 1 { var.sqrt() } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_numpys() {
        // numpy.quantile([1, 2, 4, 8], [.1, .5, .9]) = 1.3, 3.0, 6.8
        for (q, expected) in [(0.1, 1.3), (0.5, 3.0), (0.9, 6.8)] {
            assert!((quantile(&[8.0, 1.0, f64::NAN, 4.0, 2.0], q) - expected).abs() < 1e-12);
        }
    }
}
