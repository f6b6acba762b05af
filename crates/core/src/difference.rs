//! Two candidates on the same rows, and all such pairs at once.

use serde::{Deserialize, Serialize};

use crate::bootstrap::Drawn;
use crate::interval::{Interval, nan_as_null};
use crate::summary::{mean_sd, quantile};

/// `candidate` minus `against` on the same rows, turned so that positive means better.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The one judged.
    pub candidate: String,
    /// The one it is judged against.
    pub against: String,
    /// Estimate and the interval that holds for all differences of the metric at once.
    #[serde(flatten)]
    pub interval: Interval,
    /// The smallest true difference that this test would find with a power of 80 %.
    #[serde(with = "nan_as_null")]
    pub smallest_detectable: f64,
}

/// The primary metric's goodness per candidate: on all rows, and in every replicate.
pub struct Replicates {
    /// One a candidate.
    pub estimate: Vec<f64>,
    /// One a candidate, in every replicate.
    pub drawn: Drawn<Vec<f64>>,
}

/// Paired differences for `pairs` of candidates (by position) with simultaneous intervals: every
/// difference is studentised by its bootstrap standard error, and the quantile of the largest
/// absolute value over all pairs is used for all of them (max-|t|; Westfall and Young 1993).
#[must_use]
pub fn differences(names: &[&str], pairs: &[(usize, usize)], r: &Replicates, confidence: f64) -> Vec<Difference> {
    struct Pair {
        estimate: f64,
        drawn: Vec<f64>,
        sd: f64,
        error: f64,
    }
    let stats: Vec<Pair> = pairs
        .iter()
        .map(|&(a, b)| {
            let of = |v: &Vec<f64>| v[a] - v[b];
            let drawn: Vec<f64> = r.drawn.first().iter().map(of).collect();
            Pair { estimate: r.estimate[a] - r.estimate[b], sd: mean_sd(&drawn).1, drawn, error: r.drawn.error(of) }
        })
        .collect();
    let largest = |b: usize| {
        let t = |p: &Pair| if p.sd > 0.0 { ((p.drawn[b] - p.estimate) / p.sd).abs() } else { 0.0 };
        // A replicate of one class only has no difference to tell of.
        stats.iter().map(t).filter(|t| !t.is_nan()).fold(0.0, f64::max)
    };
    let maxima: Vec<f64> = (0..r.drawn.first().len()).map(largest).collect();
    // One width for all, because several comparisons are read at once. Where groups and days are drawn, groups give the shape
    // and both give the width.
    let critical = quantile(&maxima, confidence) * r.drawn.student(confidence);
    let power_80 = 0.841_621_233_572_914_3; // the 80 % point of the standard normal distribution
    pairs
        .iter()
        .zip(&stats)
        .map(|(&(a, b), p)| Difference {
            candidate: names[a].into(),
            against: names[b].into(),
            interval: Interval {
                estimate: p.estimate,
                low: p.estimate - critical * p.error,
                high: p.estimate + critical * p.error,
            },
            // Candidates that never differ are the same model: nothing can be detected there.
            smallest_detectable: if p.error > 0.0 { (critical + power_80) * p.error } else { f64::NAN },
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Context;
    use rand::Rng;

    #[test]
    fn simultaneous_intervals_are_wider_than_single_ones() {
        let mut rng = Context::new(1, 1).rng("x");
        let mut noise = || (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0;
        let drawn: Vec<Vec<f64>> = (0..4000).map(|_| vec![noise(), noise(), noise(), 0.0]).collect();
        let r = Replicates { estimate: vec![0.0; 4], drawn: Drawn::of_rows(drawn) };
        let names = ["a", "b", "c", "zero"];
        let one = differences(&names, &[(0, 3)], &r, 0.95);
        let three = differences(&names, &[(0, 3), (1, 3), (2, 3)], &r, 0.95);
        // Standard normal: 1.960 for one, 2.388 for the maximum of three independent ones
        // (scipy.stats.norm.ppf((1 + .95 ** (1 / 3)) / 2)).
        assert!((one[0].interval.high - 1.960).abs() < 0.08, "{:?}", one[0]);
        assert!((three[0].interval.high - 2.388).abs() < 0.08, "{:?}", three[0]);
        // 1.960 + 0.842 = 2.802: the usual two-sided 80 % power constant.
        assert!((one[0].smallest_detectable - 2.802).abs() < 0.1);
    }

    #[test]
    fn equal_candidates_differ_by_nothing() {
        let r = Replicates { estimate: vec![0.5, 0.5], drawn: Drawn::of_rows(vec![vec![0.4, 0.4], vec![0.6, 0.6]]) };
        let d = &differences(&["a", "b"], &[(0, 1)], &r, 0.95)[0];
        assert_eq!((d.interval.low, d.interval.high), (0.0, 0.0));
    }
}
