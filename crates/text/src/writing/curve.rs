//! How many pairs it takes.

use rand::seq::IndexedRandom;
use specialist_core::Context;
use specialist_core::evidence::LabelCurve;
use specialist_pipeline::label_curve::{Drawn, curve};

use super::search::{Tried, counts, from_nothing, values};
use super::{Bench, Prepared, Writer};
use crate::corpus::Document;
use crate::error::{Error, Result};
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
    let draw = |at: usize, repeat: usize| -> Result<Option<Drawn>> {
        let budget = budgets[at];
        let inner = ctx.child(&format!("{budget} {repeat}"));
        let part: Vec<Document> = prepared.train.choose_multiple(&mut inner.rng("draw"), budget).cloned().collect();
        let scratch = judge(&from_nothing(bench, &part, scratch_rate, &inner)?, &inner)?;
        let tuned = judge(&bench.tune(best.tuning, best.rate, &part, &prepared.source, &inner)?, &inner)?;
        Ok(Some(Drawn { rows: budget, events: 0, values: vec![Some(generalist), Some(scratch), Some(tuned)] }))
    };
    let names = ["generalist", "scratch", best.tuning.name()];
    // One after the other: a training has threads enough of its own.
    let one = ctx.clone().single();
    curve::<Error>(&names, (budgets.len(), compare.repeats), metrics[0].goal(), &[(1, 0), (2, 0)], &one, draw)
}
