//! Which rung, at which rate: every one is tried on a part of the target's train texts.

use specialist_core::Context;
use specialist_core::bootstrap::Bootstrap;
use specialist_neural::{Device, Params};
use specialist_pipeline::choose::lowest_within_one_error;

use super::{Bench, Prepared, Writer};
use crate::corpus::{self, Document};
use crate::error::{Error, Result};
use crate::judge;
use crate::metrics::TextMetric;
use crate::recipe::Recipe;

/// Share of the target's train texts on which tunings are compared.
const VALIDATION: f64 = 0.25;

/// A rung.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tuning {
    /// The generalist as it is.
    Keep,
    /// A low-rank adapter.
    Lora,
    /// Half-way between the generalist and `full` (weight averaging).
    Averaged,
    /// All parameters, on as many general pairs as target pairs.
    Mixed,
    /// All parameters.
    Full,
}

impl Tuning {
    const ALL: [Self; 5] = [Self::Keep, Self::Lora, Self::Averaged, Self::Mixed, Self::Full];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Lora => "lora",
            Self::Averaged => "averaged",
            Self::Mixed => "mixed",
            Self::Full => "full",
        }
    }
}

/// Counts of every text for every metric.
pub(super) fn counts(
    metrics: &[Box<dyn TextMetric>],
    written: &[String],
    documents: &[Document],
) -> Vec<Vec<Vec<f64>>> {
    use rayon::prelude::*;
    let of =
        |m: &dyn TextMetric| written.par_iter().zip(documents).map(|(w, d)| m.counts(w, &d.answer)).collect::<Vec<_>>();
    metrics.iter().map(|m| of(m.as_ref())).collect()
}

/// Every metric from counts with weights.
pub(super) fn values(metrics: &[Box<dyn TextMetric>], counts: &[Vec<Vec<f64>>], weights: &[f64]) -> Vec<f64> {
    let value = |m: &dyn TextMetric, texts: &Vec<Vec<f64>>| {
        let mut sums = vec![0.0; texts.first().map_or(0, Vec::len)];
        for (t, &w) in texts.iter().zip(weights).filter(|(_, w)| **w != 0.0) {
            sums.iter_mut().zip(t).for_each(|(s, c)| *s += w * c);
        }
        m.value(&sums)
    };
    metrics.iter().zip(counts).map(|(m, c)| value(m.as_ref(), c)).collect()
}

/// A rung with its writer's rate, and how well it wrote on the validation texts.
pub(super) struct Tried {
    pub(super) tuning: Tuning,
    pub(super) rate: f64,
    pub(super) counts: Vec<Vec<Vec<f64>>>,
    pub(super) value: f64,
    pub(super) trials: usize,
    /// The group of each validation text.
    units: Vec<u32>,
}

impl Tried {
    /// The standard error of its value, by a bootstrap over the groups of the validation texts.
    pub(super) fn error(&self, metrics: &[Box<dyn TextMetric>], ctx: &Context) -> f64 {
        let value = |w: &[f64]| values(&metrics[..1], &self.counts[..1], w)[0];
        Bootstrap::clusters(&self.units, 200, ctx).replicate(ctx, value).error(|v| *v)
    }
}

/// The rungs that a recipe asks for.
pub(super) fn tunings(recipe: &Recipe) -> Result<Vec<Tuning>> {
    if recipe.tune.tunings.is_empty() {
        return Ok(Tuning::ALL.to_vec());
    }
    let known = || format!("there are: {}", Tuning::ALL.map(Tuning::name).join(", "));
    let named = |n: &String| {
        let found = Tuning::ALL.into_iter().find(|t| t.name() == n);
        found.ok_or_else(|| Error::usage(format!("there is no tuning `{n}`"), known()))
    };
    recipe.tune.tunings.iter().map(named).collect()
}

/// Every rung's best rate, judged on a part of the train texts.
pub(super) fn tune(
    bench: &Bench<'_>,
    prepared: &Prepared,
    metrics: &[Box<dyn TextMetric>],
    ctx: &Context,
) -> Result<Vec<Tried>> {
    let ctx = &ctx.child("tune");
    let recipe = bench.recipe;
    let (inside, outside) = validation(&prepared.train, ctx);
    let texts: Vec<&str> = outside.iter().map(|d| d.text.as_str()).collect();
    let mut out: Vec<Tried> = Vec::new();
    for tuning in tunings(recipe)? {
        let rates = if tuning == Tuning::Keep { vec![0.0] } else { rates(recipe, 3e-4) };
        let mut best: Option<Tried> = None;
        for &rate in &rates {
            let inner = ctx.child(&format!("{} {rate}", tuning.name()));
            let writer = bench.tune(tuning, rate, &inside, &prepared.source, &inner)?;
            let counts = counts(metrics, &bench.write(&writer, &texts, ctx)?, &outside);
            let value = values(metrics, &counts, &vec![1.0; outside.len()])[0];
            if best.as_ref().is_none_or(|b| value > b.value) {
                let units = judge::groups(&outside);
                best = Some(Tried { tuning, rate, counts, value, trials: rates.len(), units });
            }
        }
        out.extend(best);
    }
    Ok(out)
}

/// The lowest rung within one standard error (paired bootstrap) of the best on the validation texts.
pub(super) fn choose(
    tried: &[Tried],
    metrics: &[Box<dyn TextMetric>],
    prepared: &Prepared,
    ctx: &Context,
) -> (usize, String) {
    let rungs: Vec<(usize, f64)> = tried.iter().enumerate().map(|(place, t)| (place, t.value)).collect();
    let bootstrap = Bootstrap::clusters(&tried[0].units, 200, ctx);
    let value = |t: &Tried, w: &[f64]| values(&metrics[..1], &t.counts[..1], w)[0];
    let error =
        |a: usize, b: usize| bootstrap.replicate(ctx, |w| value(&tried[a], w) - value(&tried[b], w)).error(|v| *v);
    let (best, chosen) = lowest_within_one_error(&rungs, error).expect("a rung was tried");
    let reason = format!(
        "The lowest rung within one standard error of the best ({}, {} {:.4} on {} of the {} train texts).",
        tried[best].tuning.name(),
        metrics[0].name(),
        tried[best].value,
        tried[best].counts[0].len(),
        prepared.train.len()
    );
    (chosen, reason)
}

/// The architecture of the backbone with random parameters, trained on the target alone, with as many rates tried as
/// for every tuning.
pub(super) fn scratch(
    bench: &Bench<'_>,
    prepared: &Prepared,
    metrics: &[Box<dyn TextMetric>],
    ctx: &Context,
) -> Result<(Writer, f64)> {
    let ctx = &ctx.child("scratch");
    let (inside, outside) = validation(&prepared.train, ctx);
    let texts: Vec<&str> = outside.iter().map(|d| d.text.as_str()).collect();
    let mut best = (f64::MIN, 0.0);
    for rate in rates(bench.recipe, 1e-3) {
        let counts = counts(metrics, &bench.write(&from_nothing(bench, &inside, rate, ctx)?, &texts, ctx)?, &outside);
        let value = values(metrics, &counts, &vec![1.0; outside.len()])[0];
        if value > best.0 {
            best = (value, rate);
        }
    }
    Ok((from_nothing(bench, &prepared.train, best.1, ctx)?, best.1))
}

/// A model with random parameters, trained on `documents`.
pub(super) fn from_nothing(bench: &Bench<'_>, documents: &[Document], rate: f64, ctx: &Context) -> Result<Writer> {
    let specs = specialist_neural::t5::specs(&bench.model.config);
    let mut params = Params::random(&specs, &mut ctx.rng("start"), &Device::flex());
    // From nothing it takes more passes.
    let epochs = 3 * bench.recipe.tune.epochs;
    bench.train(&mut params, &documents.iter().collect::<Vec<_>>(), rate, epochs, None, ctx)?;
    Ok(Writer { params, lora: None })
}

/// A few rates a factor of three apart, from the smallest.
pub(super) fn rates(recipe: &Recipe, smallest: f64) -> Vec<f64> {
    (0..recipe.tune.deep_trials.max(1)).map(|i| smallest * 3f64.powi(i as i32)).collect()
}

/// The train texts parted into those to train on and those to judge by.
fn validation(train: &[Document], ctx: &Context) -> (Vec<Document>, Vec<Document>) {
    let (inside, outside) = corpus::split(train, VALIDATION, &mut ctx.rng("validation"));
    let pick = |rows: &[usize]| rows.iter().map(|&r| train[r].clone()).collect::<Vec<Document>>();
    (pick(&inside), pick(&outside))
}
