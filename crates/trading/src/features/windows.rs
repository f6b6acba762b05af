//! Statistics of a window of bars.

use crate::bars::Bar;

/// The last `n` values (all, where there are fewer).
pub(super) fn tail<T>(values: &[T], n: usize) -> &[T] {
    &values[values.len().saturating_sub(n)..]
}

/// The sum of `term` over positions below `n`, in four parts side by side: one long chain of additions would wait for
/// each before the next.
#[inline]
fn total(n: usize, term: impl Fn(usize) -> f64) -> f64 {
    let mut parts = [0.0; 4];
    let whole = n / 4 * 4;
    for i in (0..whole).step_by(4) {
        for (k, part) in parts.iter_mut().enumerate() {
            *part += term(i + k);
        }
    }
    parts.iter().sum::<f64>() + (whole..n).map(term).sum::<f64>()
}

/// The sum of values.
pub(super) fn sum(values: &[f64]) -> f64 {
    total(values.len(), |i| values[i])
}

/// Sum of products; the shorter ends it.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let n = a.len().min(b.len());
    let (a, b) = (&a[..n], &b[..n]);
    total(n, |i| a[i] * b[i])
}

/// Root of the mean square: realised volatility of log returns, per bar.
#[must_use]
pub fn rms(values: &[f64]) -> f64 {
    (dot(values, values) / values.len() as f64).sqrt()
}

/// Sample standard deviation.
pub(super) fn sd(values: &[f64]) -> f64 {
    let n = values.len();
    let mean = sum(values) / n as f64;
    (total(n, |i| (values[i] - mean) * (values[i] - mean)) / (n as f64 - 1.0)).sqrt()
}

/// Slope and correlation of `y` on `x`, which are of one length.
pub(super) fn beta(y: &[f64], x: &[f64]) -> (f64, f64) {
    let n = y.len().min(x.len());
    let (y, x) = (&y[y.len() - n..], &x[x.len() - n..]);
    let (my, mx) = (sum(y) / n as f64, sum(x) / n as f64);
    let xy = total(n, |i| (y[i] - my) * (x[i] - mx));
    let xx = total(n, |i| (x[i] - mx) * (x[i] - mx));
    let yy = total(n, |i| (y[i] - my) * (y[i] - my));
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
    let variance = |f: &dyn Fn(&Bar, &Bar) -> f64| {
        let mean = pairs().map(|(a, b)| f(a, b)).sum::<f64>() / n;
        pairs().map(|(a, b)| (f(a, b) - mean).powi(2)).sum::<f64>() / (n - 1.0)
    };
    let night = variance(&|a, b| (b.open / a.close).ln());
    let day = variance(&|_, b| (b.close / b.open).ln());
    let within =
        |b: &Bar| (b.high / b.close).ln() * (b.high / b.open).ln() + (b.low / b.close).ln() * (b.low / b.open).ln();
    let rogers_satchell = pairs().map(|(_, b)| within(b)).sum::<f64>() / n;
    let k = 0.34 / (1.34 + (n + 1.0) / (n - 1.0));
    (night + k * day + (1.0 - k) * rogers_satchell).max(0.0).sqrt()
}
