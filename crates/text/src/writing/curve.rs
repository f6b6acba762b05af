//! How many pairs it takes.

use rand::seq::IndexedRandom;
use specialist_core::Context;
use specialist_core::bootstrap::{mean_sd, quantile};
use specialist_core::evidence::{CurvePoint, Evidence, Interval, LabelCurve};

use super::search::{Tried, Tuning, counts, from_nothing, values};
use super::{Bench, Prepared, Writer};
use crate::corpus::Document;
use crate::error::Result;
use crate::judge;
use crate::metrics::TextMetric;

/// The generalist, scratch and the best rung that trains, made anew from a few of the target's pairs, with the rates
/// that were found on all of them. At the largest budget only the seed differs from draw to draw.
#[allow(clippy::too_many_arguments, reason = "everything that a run has come to by then")]
pub(super) fn label_curve(
    bench: &Bench<'_>,
    tried: &[Tried],
    chosen: usize,
    scratch_rate: f64,
    prepared: &Prepared,
    metrics: &[Box<dyn TextMetric>],
    evidence: &Evidence,
    ctx: &Context,
) -> Result<LabelCurve> {
    let ctx = &ctx.child("curve");
    let (compare, n) = (&bench.recipe.compare, prepared.train.len());
    let trains = |t: &&Tried| t.tuning != Tuning::Keep;
    let best = Some(&tried[chosen])
        .filter(trains)
        .or_else(|| tried.iter().filter(trains).max_by(|a, b| a.value.total_cmp(&b.value)));
    let Some(best) = best.filter(|_| compare.repeats > 0) else { return Ok(LabelCurve::default()) };
    let texts: Vec<&str> = prepared.sealed.iter().map(|d| d.text.as_str()).collect();
    let judge = |writer: &Writer, ctx: &Context| -> Result<f64> {
        let counts = counts(&metrics[..1], &bench.write(writer, &texts, ctx)?, &prepared.sealed);
        Ok(values(&metrics[..1], &counts, &vec![1.0; texts.len()])[0])
    };
    let zero = evidence.candidates.iter().find(|c| c.name == "generalist").map(|c| c.figures[0].interval);
    let zero = zero.expect("the generalist was judged").estimate;
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
            ("generalist".to_string(), Interval { estimate: zero, low: zero, high: zero }),
            ("scratch".into(), interval(&scratch)),
            (best.tuning.name().into(), interval(&tuned)),
        ];
        points.push(CurvePoint { rows: budget, events: 0, values });
    }
    ctx.observer().end();
    let crossings = judge::crossings(&points);
    Ok(LabelCurve { points, repeats: compare.repeats, crossings })
}
