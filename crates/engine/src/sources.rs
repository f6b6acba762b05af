//! Several generalists that travel without their rows: which of them are of use for the target, and how far its patients
//! or customers are from those that each was made of.

use serde::{Deserialize, Serialize};
use specialist_core::bootstrap::{Bootstrap, mean_sd};
use specialist_core::discretion::three_digits;
use specialist_core::evidence::{Prediction, differences, judge};
use specialist_core::{Context, Dataset, FeatureKind, FineTune, Metric, SplitKeys};
use specialist_search::{Params, Value};
use specialist_tabular::ladder::Slope;
use specialist_tabular::{Base, Model, TuningPlan};

use crate::Error;

/// Sums over at least this many rows stand for nobody.
const FEWEST: usize = 10;
const REPLICATES: usize = 1000;
/// How firmly each generalist's scale is kept while they are compared.
const STRENGTH: f64 = 10.0;
/// A standardised difference of means beyond this is another population.
const APART: f64 = 0.5;

/// What an artifact says of the rows its generalist was fitted on: sums, and no row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    /// How many rows.
    pub rows: usize,
    /// The share of events.
    pub prevalence: f64,
    /// Name, mean, standard deviation and share of missing cells of every number.
    pub numbers: Vec<(String, f64, f64, f64)>,
}

impl Moments {
    /// Of `data`; `None` where there are too few rows for sums that stand for nobody.
    #[must_use]
    pub fn of(data: &Dataset) -> Option<Self> {
        let few = |n: usize| n > 0 && n < FEWEST;
        let (n, events) = (data.rows(), data.events());
        if n < FEWEST || few(events) || few(n - events) {
            return None;
        }
        let number = |(c, f): (usize, &specialist_core::Feature)| {
            let seen: Vec<f64> = data.records().column(c).iter().copied().filter(|v| !v.is_nan()).collect();
            if f.kind != FeatureKind::Number || seen.len() < FEWEST || few(n - seen.len()) {
                return None;
            }
            let (mut mean, mut sd) = mean_sd(&seen);
            if data.fewest_rows > 0 {
                (mean, sd) = (three_digits(mean), three_digits(sd));
            }
            Some((f.name.clone(), mean, sd, 1.0 - seen.len() as f64 / n as f64))
        };
        let numbers = data.features.iter().enumerate().filter_map(number).collect();
        Some(Self { rows: n, prevalence: events as f64 / n as f64, numbers })
    }

    /// The numbers whose means lie far apart, with the standardised difference of `data`'s.
    #[must_use]
    pub fn apart(&self, data: &Dataset) -> Vec<(String, f64)> {
        let of = |(name, mean, sd, _): &(String, f64, f64, f64)| {
            let c = data.feature(name).ok()?;
            let seen: Vec<f64> = data.records().column(c).iter().copied().filter(|v| !v.is_nan()).collect();
            let (own, spread) = mean_sd(&seen);
            let unit = ((sd * sd + spread * spread) / 2.0).sqrt();
            let d = (own - mean) / unit;
            (d.abs() > APART && d.is_finite()).then(|| (name.clone(), d))
        };
        self.numbers.iter().filter_map(of).collect()
    }
}

/// The generalists that are kept, as one, and a sentence on each that is not.
pub(crate) struct Selected {
    pub model: Model,
    pub note: String,
}

/// Puts several generalists on the target's scale and leaves out those that are shown worse than the best of them on its
/// train rows: a hospital whose records say something else. The others are averaged.
///
/// # Errors
/// When none can be put on the target's scale.
pub(crate) fn select(
    models: Vec<(String, Model)>,
    train: &Dataset,
    keys: SplitKeys,
    primary: Box<dyn Metric>,
    ctx: &Context,
) -> Result<Selected, Error> {
    let ctx = &ctx.child("sources");
    let slope = TuningPlan {
        rung: &Slope,
        params: Params([("slope-strength".to_string(), Value::Float(STRENGTH))].into_iter().collect()),
    };
    let mut scaled = Vec::new();
    for (name, model) in models {
        let model = slope.fine_tune(&model, train, &ctx.child("scale"))?;
        scaled.push((name, model));
    }
    let predictions: Vec<Prediction> =
        scaled.iter().map(|(name, model)| Prediction::of(name, "", model, train)).collect::<Result<_, _>>()?;
    let bootstrap = Bootstrap::new(train, keys, REPLICATES, ctx);
    let name = primary.name().to_string();
    let (_, replicates) = judge(train, &predictions, &[primary], &bootstrap, 0.95, ctx);
    // Where the metric is not defined for a model, it is not the best, whatever `total_cmp` thinks of NaN.
    let defined = (0..scaled.len()).filter(|&k| !replicates.estimate[k].is_nan());
    let best = defined.max_by(|&a, &b| replicates.estimate[a].total_cmp(&replicates.estimate[b])).unwrap_or(0);
    let names: Vec<&str> = predictions.iter().map(|p| p.name.as_str()).collect();
    let pairs: Vec<(usize, usize)> = (0..scaled.len()).filter(|&k| k != best).map(|k| (k, best)).collect();
    let behind = differences(&names, &pairs, &replicates, 0.95);
    let out: Vec<(usize, String)> = pairs
        .iter()
        .zip(&behind)
        .filter(|(_, d)| d.interval.high < 0.0)
        .map(|((k, _), d)| {
            let i = d.interval;
            (
                *k,
                format!(
                    "{} ({:+.4} {name} against {}, {:+.4} to {:+.4})",
                    names[*k], i.estimate, d.against, i.low, i.high
                ),
            )
        })
        .collect();
    let kept: Vec<Model> =
        (0..scaled.len()).filter(|k| out.iter().all(|o| o.0 != *k)).map(|k| scaled[k].1.clone()).collect();
    let mut note = format!("{} of {} source models are averaged.", kept.len(), scaled.len());
    if !out.is_empty() {
        let told: Vec<String> = out.into_iter().map(|o| o.1).collect();
        note.push_str(&format!(" Left out, being shown worse on the target's train rows: {}.", told.join("; ")));
    }
    let model = match kept.len() {
        1 => kept.into_iter().next().expect("there is one"),
        _ => average(kept),
    };
    Ok(Selected { model, note })
}

/// The mean of the models' margins. For times the baseline is the first one's: all were put on the target's scale.
pub(crate) fn average(models: Vec<Model>) -> Model {
    let baseline = models[0].baseline.clone();
    Model { baseline, ..Model::new(Base::Mean(models)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;
    use rand::Rng;
    use specialist_core::metric::LogLoss;
    use specialist_core::{Feature, Labels, Pretrain, sigmoid};
    use specialist_tabular::Estimator;
    use specialist_tabular::estimator::Regression;

    /// A hospital's patients; in a bad one two coefficients have the other sign.
    fn hospital(n: usize, bad: bool, level: f64, ctx: &Context) -> Dataset {
        let mut rng = ctx.rng("patients");
        let x = Array2::from_shape_simple_fn((n, 4), || (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0);
        let sign = if bad { -1.0 } else { 1.0 };
        let risk = |i: usize| sigmoid(level + sign * (0.9 * x[[i, 0]] - 0.7 * x[[i, 1]]) + 0.4 * x[[i, 2]]);
        let mut rng = ctx.rng("events");
        let y = Labels::binary((0..n).map(|i| rng.random::<f64>() < risk(i)).collect::<Vec<_>>());
        Dataset::new(["a", "b", "c", "d"].map(Feature::number).to_vec(), x, y).unwrap()
    }

    #[test]
    fn a_bad_hospital_is_left_out_and_good_ones_are_kept() {
        const RUNS: usize = 100;
        let ctx = Context::new(5, 2);
        let found = ctx.map(RUNS, |k| {
            let ctx = ctx.child(&k.to_string()).single();
            // Good ones differ in prevalence, which is no fault.
            let sources = [("a", false, -1.0), ("b", false, -0.3), ("c", false, -1.6), ("bad", true, -1.0)];
            let fit = |(name, bad, level): (&str, bool, f64)| {
                let rows = hospital(500, bad, level, &ctx.child(name));
                (name.to_string(), (&Regression as &dyn Estimator).defaults().pretrain(&rows, &ctx).unwrap())
            };
            let target = hospital(200, false, -0.8, &ctx.child("target"));
            let models = sources.into_iter().map(fit).collect();
            let found = select(models, &target, SplitKeys::default(), Box::new(LogLoss), &ctx).unwrap();
            let out = found.note.split_once("Left out").map_or("", |p| p.1);
            [out.contains("bad ("), !out.contains(" a ("), !out.contains(" b ("), !out.contains(" c (")]
        });
        let share = |k: usize| found.iter().filter(|f| f[k]).count() as f64 / RUNS as f64;
        assert!(share(0) >= 0.9, "{}", share(0));
        assert!((1..4).all(|k| share(k) >= 0.9), "{:?}", [share(1), share(2), share(3)]);
    }

    #[test]
    fn moments_tell_populations_apart_and_hide_few() {
        let ctx = Context::new(6, 1);
        let (here, mut there) = (hospital(200, false, -0.8, &ctx), hospital(200, false, -0.8, &ctx.child("x")));
        let moments = Moments::of(&here).unwrap();
        assert!(moments.apart(&there).is_empty());
        there.base.records.column_mut(1).mapv_inplace(|v| v + 2.0);
        let apart = moments.apart(&there);
        assert_eq!(apart.len(), 1);
        assert!(apart[0].0 == "b" && apart[0].1 > 1.5, "{apart:?}");
        assert!(Moments::of(&here.select(&[0, 1, 2])).is_none());
    }
}
