//! The paired comparison on sealed rows: plain types that are written to `evidence.json`, and the
//! arithmetic that fills them.

use serde::{Deserialize, Serialize};

use crate::bootstrap::{Bootstrap, Method};
use crate::metric::{Goal, order};
use crate::survival::Baseline;
use crate::{Context, Dataset, Error, Metric, Outputs, Predict, Scored, Verdict};

pub use crate::difference::{Difference, Replicates, differences};
pub use crate::interval::{Interval, Z, nan_as_null, wilson};

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
pub struct JudgedCandidate {
    /// That of a [`crate::Candidate`], or of a baseline.
    pub name: String,
    /// What it is, in a few words: the tuning and its settings.
    pub what: String,
    /// Every metric, the primary first.
    pub figures: Vec<Figure>,
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
    pub candidates: Vec<JudgedCandidate>,
    /// Paired differences in the primary metric.
    pub differences: Vec<Difference>,
    /// The label curve.
    pub label_curve: LabelCurve,
    /// The primary metric on source rows held out of pre-training, for generalist and specialist.
    pub source: Vec<JudgedCandidate>,
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
) -> (Vec<JudgedCandidate>, Replicates) {
    // Sorted once: a replicate is the same rows with other weights.
    let orders: Vec<Vec<u32>> = predictions.iter().map(|p| order(&p.outputs)).collect();
    let counted = |p: &Prediction| metrics.iter().map(|m| m.counts(rows, &p.outputs)).collect::<Vec<_>>();
    let counts: Vec<Vec<Option<Outputs>>> = predictions.iter().map(counted).collect();
    let values = |weight: &[f64]| -> Vec<f64> {
        let scored = predictions.iter().zip(&orders).zip(&counts).flat_map(|((p, order), counts)| {
            let scored =
                Scored { rows, outputs: &p.outputs, order, weight, baseline: p.baseline.as_ref(), counts: None };
            metrics.iter().zip(counts).map(move |(m, counts)| m.value(&Scored { counts: counts.as_ref(), ..scored }))
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
) -> (Vec<JudgedCandidate>, Replicates) {
    let estimate = values(&vec![1.0; rows]);
    let drawn = bootstrap.replicate(ctx, &values);
    let figure = |i: usize, (metric, decimals, _): &(&str, usize, Goal)| Figure {
        metric: (*metric).into(),
        decimals: *decimals,
        interval: drawn.interval(estimate[i], confidence, |v: &Vec<f64>| v[i]),
    };
    let candidate = |(c, (name, what)): (usize, &(&str, &str))| JudgedCandidate {
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
