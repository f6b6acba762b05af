//! Statistics of a window of bars.

use std::collections::VecDeque;

use crate::bars::Bar;

/// The last `n` values (all, where there are fewer).
pub(super) fn tail(values: &VecDeque<f64>, n: usize) -> impl Iterator<Item = f64> + Clone + '_ {
    values.range(values.len().saturating_sub(n)..).copied()
}

/// Root of the mean square: realised volatility of log returns, per bar.
#[must_use]
pub fn rms(values: impl Iterator<Item = f64>) -> f64 {
    let (n, sum) = values.fold((0.0, 0.0), |(n, s), x| (n + 1.0, s + x * x));
    (sum / n).sqrt()
}

/// Sample standard deviation.
pub(super) fn sd(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let (n, sum) = values.clone().fold((0.0, 0.0), |(n, s), x| (n + 1.0, s + x));
    let mean = sum / n;
    (values.map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0)).sqrt()
}

/// Slope and correlation of `y` on `x`.
pub(super) fn beta(y: impl Iterator<Item = f64> + Clone, x: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let n = y.clone().count() as f64;
    let (my, mx) = (y.clone().sum::<f64>() / n, x.clone().sum::<f64>() / n);
    let (mut xy, mut xx, mut yy) = (0.0, 0.0, 0.0);
    for (a, b) in y.zip(x) {
        xy += (a - my) * (b - mx);
        xx += (b - mx) * (b - mx);
        yy += (a - my) * (a - my);
    }
    if xx > 0.0 && yy > 0.0 { (xy / xx, xy / (xx * yy).sqrt()) } else { (0.0, 0.0) }
}

/// The exponentially weighted variance after one more return (RiskMetrics 1996); `seen` returns went into `before`,
/// of which the first 21 are averaged.
#[must_use]
pub fn ewma(before: f64, r: f64, seen: usize, decay: f64) -> f64 {
    const START: usize = 21;
    if seen <= START { before + (r * r - before) / seen.max(1) as f64 } else { decay * before + (1.0 - decay) * r * r }
}

/// Parkinson (1980): volatility per bar from high and low.
#[must_use]
pub fn parkinson<'a>(bars: impl Iterator<Item = &'a Bar>) -> f64 {
    let square = |b: &Bar| (b.high / b.low).ln().powi(2);
    let (n, sum) = bars.fold((0.0, 0.0), |(n, s), b| (n + 1.0, s + square(b)));
    (sum / n / (4.0 * 2f64.ln())).sqrt()
}

/// Garman and Klass (1980), without the step over night.
#[must_use]
pub fn garman_klass<'a>(bars: impl Iterator<Item = &'a Bar>) -> f64 {
    let part =
        |b: &Bar| 0.5 * (b.high / b.low).ln().powi(2) - (2.0 * 2f64.ln() - 1.0) * (b.close / b.open).ln().powi(2);
    let (n, sum) = bars.fold((0.0, 0.0), |(n, s), b| (n + 1.0, s + part(b)));
    (sum / n).max(0.0).sqrt()
}

/// Yang and Zhang (2000) over all but the first of `bars`, whose close starts the first night.
#[must_use]
pub fn yang_zhang<'a>(bars: &(impl Iterator<Item = &'a Bar> + Clone)) -> f64 {
    let pairs = || bars.clone().zip(bars.clone().skip(1));
    let n = pairs().count() as f64;
    let variance = |f: &dyn Fn(&Bar, &Bar) -> f64| sd(pairs().map(|(a, b)| f(a, b))).powi(2);
    let night = variance(&|a, b| (b.open / a.close).ln());
    let day = variance(&|_, b| (b.close / b.open).ln());
    let within =
        |b: &Bar| (b.high / b.close).ln() * (b.high / b.open).ln() + (b.low / b.close).ln() * (b.low / b.open).ln();
    let rogers_satchell = pairs().map(|(_, b)| within(b)).sum::<f64>() / n;
    let k = 0.34 / (1.34 + (n + 1.0) / (n - 1.0));
    (night + k * day + (1.0 - k) * rogers_satchell).max(0.0).sqrt()
}
