//! Censored times as if they were not: one value a row whose mean is the restricted mean survival time.

use specialist_core::Followed;
use specialist_core::survival::kaplan_meier;

/// Pseudo-observations of the restricted mean survival time until `horizon` (Andersen, Hansen and Klein 2004), by the
/// infinitesimal jackknife: the estimate on all rows plus each row's influence on it, in O(n log n).
#[must_use]
pub fn restricted_means(label: &[Followed], horizon: f64) -> Vec<f64> {
    let n = label.len() as f64;
    let curve = kaplan_meier(label, &vec![1.0; label.len()]);
    let mean = curve.restricted_mean(horizon).0;
    let times: Vec<f64> = curve.survival.time.iter().copied().filter(|t| *t <= horizon).collect();
    // Area under the curve from each event time to the horizon.
    let mut area = vec![0.0; times.len()];
    let mut sum = 0.0;
    for i in (0..times.len()).rev() {
        let next = times.get(i + 1).copied().unwrap_or(horizon);
        sum += curve.survival.value[i] * (next - times[i]);
        area[i] = sum;
    }
    // What a row at risk gains by surviving each event time, summed.
    let mut gains = Vec::with_capacity(times.len());
    let (mut gained, mut before) = (0.0, 1.0);
    for (i, value) in curve.survival.value.iter().take(times.len()).enumerate() {
        let hazard: f64 = if before > 0.0 { 1.0 - value / before } else { 0.0 };
        before = *value;
        gained += factor(area[i], hazard) * hazard * n / curve.at_risk[i];
        gains.push(gained);
    }
    let of = |l: &Followed| {
        let seen = times.partition_point(|t| *t <= l.time);
        let mut influence = if seen == 0 { 0.0 } else { gains[seen - 1] };
        if l.had_event() && l.time <= horizon && seen > 0 {
            let before = if seen == 1 { 1.0 } else { curve.survival.value[seen - 2] };
            let hazard = 1.0 - curve.survival.value[seen - 1] / before;
            influence -= factor(area[seen - 1], hazard) * n / curve.at_risk[seen - 1];
        }
        mean + influence
    };
    label.iter().map(of).collect()
}

/// The derivative of the area by a hazard: survival behind it shrinks by the factor one less the hazard.
fn factor(area: f64, hazard: f64) -> f64 {
    if hazard < 1.0 { area / (1.0 - hazard) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_the_jackknifes_to_the_order_of_one_over_n_and_average_to_the_estimate() {
        let n = 300;
        let time = |i: usize| 1.0 + ((i * 37) % 101) as f64 + i as f64 / 1000.0;
        let labels: Vec<Followed> = (0..n).map(|i| Followed::new(time(i), (i * 29) % 4 != 0)).collect();
        let horizon = 60.0;
        let found = restricted_means(&labels, horizon);
        let estimate = |rows: &[Followed]| kaplan_meier(rows, &vec![1.0; rows.len()]).restricted_mean(horizon).0;
        let whole = estimate(&labels);
        assert!((found.iter().sum::<f64>() / n as f64 - whole).abs() < 1e-9);
        for i in (0..n).step_by(17) {
            let mut rest = labels.clone();
            rest.remove(i);
            let jackknife = n as f64 * whole - (n - 1) as f64 * estimate(&rest);
            assert!((found[i] - jackknife).abs() < 0.6, "{} against {jackknife}", found[i]);
        }
        // Without censoring they are the times themselves.
        let times: Vec<Followed> = (0..n).map(|i| Followed::event(time(i))).collect();
        for (p, t) in restricted_means(&times, horizon).iter().zip(&times) {
            assert!((p - t.time.min(horizon)).abs() < 1e-9, "{p} against {t:?}");
        }
    }
}
