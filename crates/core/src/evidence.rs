//! The paired comparison on sealed rows: plain types that are written to `evidence.json`, and the
//! arithmetic that fills them.

use serde::{Deserialize, Serialize};

use crate::bootstrap::{Bootstrap, Drawn, Method, mean_sd, quantile};
use crate::metric::{Goal, order};
use crate::survival::Baseline;
use crate::{Context, Dataset, Error, Metric, Outputs, Predict, Scored, Verdict};

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

/// A metric's name and its value with interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// The metric's name.
    pub metric: String,
    /// How many decimals to print.
    pub decimals: usize,
    /// Its value.
    #[serde(flatten)]
    pub interval: Interval,
}

/// One model that was judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// `generalist`, `recalibrated`, `scratch`, `pooled`, `ensemble`, `specialist`.
    pub name: String,
    /// What it is, in a few words: the tuning and its settings.
    pub what: String,
    /// Every metric, the primary first.
    pub figures: Vec<Figure>,
}

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

/// A point of the label curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Target rows used.
    pub rows: usize,
    /// Events among them.
    pub events: usize,
    /// Candidate name and the primary metric: mean over the repeats and the range of 95 % of them.
    pub values: Vec<(String, Interval)>,
}

/// What happens to the primary metric as the number of target labels grows.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LabelCurve {
    /// Budgets, ascending.
    pub points: Vec<CurvePoint>,
    /// How often each budget was drawn.
    pub repeats: usize,
    /// Sentences on where curves cross.
    pub crossings: Vec<String>,
}

/// Everything the verdict rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The primary metric's name.
    pub primary: String,
    /// Sealed rows judged on.
    pub rows: usize,
    /// Events among them.
    pub events: usize,
    /// Target rows trained on, and events among them.
    pub train: (usize, usize),
    /// How replicates were drawn, how many, and over how many independent units.
    pub bootstrap: (Method, usize, usize),
    /// The level of every interval.
    pub confidence: f64,
    /// Trials that the search looked at, over all candidates.
    pub trials: usize,
    /// How often the sealed rows were opened before this evidence was made: 0 the first time.
    pub opened_before: usize,
    /// The candidates.
    pub candidates: Vec<Candidate>,
    /// Paired differences in the primary metric.
    pub differences: Vec<Difference>,
    /// The label curve.
    pub label_curve: LabelCurve,
    /// The primary metric on source rows held out of pre-training, for generalist and specialist.
    pub source: Vec<Candidate>,
    /// The verdict.
    pub verdict: Verdict,
}

/// Predictions of one candidate on the sealed rows.
#[derive(Debug, Clone, Default)]
pub struct Prediction {
    /// The candidate's name.
    pub name: String,
    /// What it is.
    pub what: String,
    /// What it predicts of every sealed row.
    pub outputs: Outputs,
    /// For times: how risk comes about until the horizon.
    pub baseline: Option<Baseline>,
}

impl Prediction {
    /// What `model` predicts of `rows`.
    ///
    /// # Errors
    /// As [`Predict::predict`].
    pub fn of(name: &str, what: &str, model: &dyn Predict, rows: &Dataset) -> Result<Self, Error> {
        let outputs = model.predictions(rows)?;
        Ok(Self { name: name.into(), what: what.into(), outputs, baseline: model.baseline().cloned() })
    }

    /// The prediction of every row.
    ///
    /// # Panics
    /// Where a row has several: who asks has looked at the estimand.
    #[must_use]
    pub fn predicted(&self) -> &[f64] {
        self.outputs.single()
    }
}

/// Every metric of every candidate with its interval.
#[must_use]
pub fn judge(
    rows: &Dataset,
    predictions: &[Prediction],
    metrics: &[Box<dyn Metric>],
    bootstrap: &Bootstrap,
    confidence: f64,
    ctx: &Context,
) -> (Vec<Candidate>, Replicates) {
    let orders: Vec<Vec<u32>> = predictions.iter().map(|p| order(&p.outputs)).collect();
    let values = |weight: &[f64]| -> Vec<f64> {
        let scored = predictions.iter().zip(&orders).flat_map(|(p, order)| {
            let scored = Scored { rows, outputs: &p.outputs, order, weight, baseline: p.baseline.as_ref() };
            metrics.iter().map(move |m| m.value(&scored))
        });
        scored.collect()
    };
    let names: Vec<(&str, &str)> = predictions.iter().map(|p| (p.name.as_str(), p.what.as_str())).collect();
    let metrics: Vec<(&str, usize, Goal)> = metrics.iter().map(|m| (m.name(), m.decimals(), m.goal())).collect();
    judge_values(&names, &metrics, values, rows.rows(), bootstrap, confidence, ctx)
}

/// As [`judge`], for any figures: `names` are the candidates with what they are, `metrics` the figures with
/// their decimals and their goal, the primary first, and `values(weights)` gives them for rows with these weights,
/// candidate after candidate.
pub fn judge_values(
    names: &[(&str, &str)],
    metrics: &[(&str, usize, Goal)],
    values: impl Fn(&[f64]) -> Vec<f64> + Sync,
    rows: usize,
    bootstrap: &Bootstrap,
    confidence: f64,
    ctx: &Context,
) -> (Vec<Candidate>, Replicates) {
    let estimate = values(&vec![1.0; rows]);
    let drawn = bootstrap.replicate(ctx, &values);
    let figure = |i: usize, (metric, decimals, _): &(&str, usize, Goal)| Figure {
        metric: (*metric).into(),
        decimals: *decimals,
        interval: drawn.interval(estimate[i], confidence, |v: &Vec<f64>| v[i]),
    };
    let candidate = |(c, (name, what)): (usize, &(&str, &str))| Candidate {
        name: (*name).into(),
        what: (*what).into(),
        figures: metrics.iter().enumerate().map(|(m, metric)| figure(c * metrics.len() + m, metric)).collect(),
    };
    let candidates = names.iter().enumerate().map(candidate).collect();
    let goal = metrics[0].2;
    let good = |v: &[f64]| (0..names.len()).map(|c| goal.goodness(v[c * metrics.len()])).collect();
    let primary = Replicates { estimate: good(&estimate), drawn: drawn.map(|r| good(r)) };
    (candidates, primary)
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
        stats.iter().map(t).filter(|t| !t.is_nan()).fold(0.0, f64::max)
    };
    let maxima: Vec<f64> = (0..r.drawn.first().len()).map(largest).collect();
    // Where groups and days are drawn, groups give the shape and both give the width.
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
    fn wilson_equals_statsmodels() {
        // statsmodels 0.15.0: proportion_confint(8, 20, method="wilson") = (0.2188065, 0.6134185)
        let i = wilson(0.4, 20.0);
        assert!((i.low - 0.218_806_5).abs() < 1e-6 && (i.high - 0.613_418_5).abs() < 1e-6, "{i:?}");
    }

    #[test]
    fn equal_candidates_differ_by_nothing() {
        let r = Replicates { estimate: vec![0.5, 0.5], drawn: Drawn::of_rows(vec![vec![0.4, 0.4], vec![0.6, 0.6]]) };
        let d = &differences(&["a", "b"], &[(0, 1)], &r, 0.95)[0];
        assert_eq!((d.interval.low, d.interval.high), (0.0, 0.0));
    }
}
