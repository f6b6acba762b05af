//! How many pairs it takes.

use rand::seq::IndexedRandom;
use specialist_core::Context;
use specialist_core::bootstrap::{mean_sd, quantile};
use specialist_core::evidence::{CurvePoint, Interval, LabelCurve};

use super::search::{Tried, counts, from_nothing, values};
use super::{Bench, Prepared, Writer};
use crate::corpus::Document;
use crate::error::Result;
use crate::judge;
use crate::metrics::TextMetric;

/// The generalist, scratch and the rung `best`, made anew from a few of the target's pairs, with the rates
/// that were found on all of them. At the largest budget only the seed differs from draw to draw.
pub(super) fn label_curve(
    bench: &Bench<'_>,
    best: &Tried,
    scratch_rate: f64,
    generalist: f64,
    prepared: &Prepared,
    metrics: &[Box<dyn TextMetric>],
    ctx: &Context,
) -> Result<LabelCurve> {
    let ctx = &ctx.child("curve");
    let (compare, n) = (&bench.recipe.compare, prepared.train.len());
    if compare.repeats == 0 {
        return Ok(LabelCurve::default());
    }
    let texts: Vec<&str> = prepared.sealed.iter().map(|d| d.text.as_str()).collect();
    let judge = |writer: &Writer, ctx: &Context| -> Result<f64> {
        let counts = counts(&metrics[..1], &bench.write(writer, &texts, ctx)?, &prepared.sealed);
        Ok(values(&metrics[..1], &counts, &vec![1.0; texts.len()])[0])
    };
    let mut budgets: Vec<usize> = compare.budgets.iter().map(|&b| if b == 0 { n } else { b.min(n) }).collect();
    budgets.sort_unstable();
    budgets.dedup();
    ctx.observer().begin("label curve", budgets.len() * compare.repeats);
    let mut points = Vec::new();
    for &budget in &budgets {
        let (mut scratch, mut tuned) = (Vec::new(), Vec::new());
        for repeat in 0..compare.repeats {
            ctx.check()?;
            let inner = ctx.child(&format!("{budget} {repeat}"));
            let part: Vec<Document> = prepared.train.choose_multiple(&mut inner.rng("draw"), budget).cloned().collect();
            scratch.push(judge(&from_nothing(bench, &part, scratch_rate, &inner)?, &inner)?);
            tuned.push(judge(&bench.tune(best.tuning, best.rate, &part, &prepared.source, &inner)?, &inner)?);
            ctx.observer().step(None);
        }
        let interval =
            |v: &[f64]| Interval { estimate: mean_sd(v).0, low: quantile(v, 0.025), high: quantile(v, 0.975) };
        let values = vec![
            ("generalist".to_string(), Interval { estimate: generalist, low: generalist, high: generalist }),
            ("scratch".into(), interval(&scratch)),
            (best.tuning.name().into(), interval(&tuned)),
        ];
        points.push(CurvePoint { rows: budget, events: 0, values });
    }
    ctx.observer().end();
    let crossings = judge::crossings(&points);
    Ok(LabelCurve { points, repeats: compare.repeats, crossings })
}
