//! How many labels it takes, and how much of a figure is the luck of one split.

use rand::seq::IndexedRandom;
use specialist_core::bootstrap::{mean_sd, quantile};
use specialist_core::evidence::{CurvePoint, Interval, LabelCurve};
use specialist_core::{Context, Panel};

use super::model::Classifier;
use super::search::Chosen;
use super::tunings::Tuning;
use super::{Bench, Made, Prepared, candidates};
use crate::error::Result;
use crate::{corpus, judge};

/// Draws of a budget for tunings of the encoder on the label curve.
const DEEP_DRAWS: usize = 1;

/// Candidates made anew from a few labels; tunings of the encoder with fewer draws.
pub(super) fn label_curve(
    bench: &Bench<'_>,
    chosen: &Chosen,
    made: &Made,
    prepared: &Prepared,
    ctx: &Context,
) -> Result<LabelCurve> {
    if bench.recipe.compare.repeats == 0 {
        return Ok(LabelCurve::default());
    }
    let ctx = &ctx.child("curve");
    let (recipe, start, sealed) = (bench.recipe, bench.start(), &prepared.sealed);
    let n = prepared.train.len();
    let mut budgets: Vec<usize> = recipe.compare.budgets.iter().map(|&b| if b == 0 { n } else { b.min(n) }).collect();
    budgets.sort_unstable();
    budgets.dedup();
    let deep: Vec<Tuning> = Tuning::ALL.into_iter().filter(|t| t.deep() && chosen.settings(*t).is_some()).collect();
    let mut names = vec!["generalist", "scratch", "head"];
    names.extend(deep.iter().map(|t| t.name()));
    let head = chosen.settings(Tuning::Head).cloned().unwrap_or_else(|| Tuning::Head.start());
    let final_f1 = |name: &str| {
        let i = made.names.iter().position(|x| x.0 == name)?;
        Some(bench.f1(&made.probabilities[i], sealed))
    };
    ctx.observer().begin("label curve", budgets.len() * recipe.compare.repeats);
    let mut points = Vec::new();
    for &budget in &budgets {
        let mut values: Vec<Vec<f64>> = vec![Vec::new(); names.len()];
        let repeats = if budget == n { 1 } else { recipe.compare.repeats };
        for repeat in 0..repeats {
            ctx.check()?;
            ctx.observer().step(None);
            let inner = ctx.child(&format!("{budget} {repeat}"));
            let rows: Vec<usize> = if budget == n {
                prepared.train.clone()
            } else {
                prepared.train.choose_multiple(&mut inner.rng("draw"), budget).copied().collect()
            };
            let part = bench.target.select(&rows);
            let mut judge = |i: usize, classifier: &Classifier| -> Result<()> {
                values[i].push(bench.f1(&bench.probabilities(classifier, sealed, &inner)?, sealed));
                Ok(())
            };
            judge(0, &Classifier::frozen(bench.generalist.clone()))?;
            judge(1, &Classifier::frozen(start.head(&part, chosen.scratch, None)))?;
            judge(2, &start.tune(Tuning::Head, &head, &part, &inner)?)?;
            for (i, tuning) in deep.iter().enumerate() {
                if budget == n {
                    values[3 + i].extend(final_f1(tuning.name()));
                } else if repeat < DEEP_DRAWS {
                    let settings = chosen.settings(*tuning).expect("it was filtered");
                    let classifier = start.tune(*tuning, settings, &part, &inner)?;
                    values[3 + i].push(bench.f1(&bench.probabilities(&classifier, sealed, &inner)?, sealed));
                }
            }
        }
        let interval =
            |v: &Vec<f64>| Interval { estimate: mean_sd(v).0, low: quantile(v, 0.025), high: quantile(v, 0.975) };
        points.push(CurvePoint {
            rows: budget,
            events: 0,
            values: names.iter().zip(&values).map(|(n, v)| ((*n).to_string(), interval(v))).collect(),
        });
    }
    ctx.observer().end();
    let mut crossings = judge::crossings(&points);
    if !deep.is_empty() {
        crossings.push(format!(
            "Tunings of the encoder are drawn {DEEP_DRAWS} times a budget, the others {} times.",
            recipe.compare.repeats
        ));
    }
    Ok(LabelCurve { points, repeats: recipe.compare.repeats, crossings })
}

/// Every candidate made and judged anew on other splits, with the settings that were found on the first.
pub(super) fn splits_panel(bench: &Bench<'_>, chosen: &Chosen, prepared: &Prepared, ctx: &Context) -> Result<Panel> {
    let (recipe, n) = (bench.recipe, bench.recipe.compare.splits);
    let (mut names, mut values): (Vec<String>, Vec<Vec<f64>>) = (Vec::new(), Vec::new());
    let mut ratio = 1.0;
    ctx.observer().begin("splits", n);
    for i in 0..n {
        ctx.check()?;
        let inner = ctx.child(&format!("split {i}"));
        let (train, sealed) =
            corpus::stratified(&prepared.target, &prepared.codes, recipe.split.test, &mut inner.rng("split"));
        let (train, _) = judge::without_copies(train, &sealed, &prepared.target, recipe.split.alike);
        ratio = sealed.len() as f64 / train.len() as f64;
        let made = candidates(bench, chosen, &train, &sealed, &inner)?;
        names = made.names.iter().map(|x| x.0.clone()).collect();
        values.resize(names.len(), Vec::new());
        for (v, p) in values.iter_mut().zip(&made.probabilities) {
            v.push(bench.f1(p, &sealed));
        }
        ctx.observer().step(None);
    }
    ctx.observer().end();
    let zero = names.iter().position(|x| x == "generalist").unwrap_or(0);
    let row = |(name, v): (&String, &Vec<f64>)| {
        let (mean, sd) = mean_sd(v);
        let gap: Vec<f64> = v.iter().zip(&values[zero]).map(|(a, b)| a - b).collect();
        let (gain, sd_gain) = mean_sd(&gap);
        // The splits share texts: the variance is corrected for it (Nadeau and Bengio 2003).
        let se = sd_gain * (1.0 / n as f64 + ratio).sqrt();
        let t = student_975(n.saturating_sub(1));
        let cell = if name == "generalist" || n < 2 {
            "–".to_string()
        } else {
            format!("{gain:+.4} ({:+.4} to {:+.4})", gain - t * se, gain + t * se)
        };
        vec![name.clone(), format!("{mean:.4} ± {sd:.4}"), cell]
    };
    Ok(Panel {
        title: format!("On {n} further splits"),
        note: "Every candidate made and judged anew on other random splits of the target, with the settings found on the first. Mean ± standard deviation of macro-F1, and the mean gain over the generalist with its 95 % interval (corrected resampled t).".into(),
        header: vec!["Candidate".into(), "macro-F1".into(), "gain over the generalist".into()],
        table: names.iter().zip(&values).map(row).collect(),
        ..Panel::default()
    })
}

/// The 97.5 % point of Student's t distribution: a table, then its expansion (Abramowitz and Stegun 1964, 26.7.5).
fn student_975(df: usize) -> f64 {
    const TABLE: [f64; 10] = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228];
    match df {
        0 => f64::NAN,
        1..=10 => TABLE[df - 1],
        _ => 1.959_964 + 2.372_27 / df as f64 + 2.822_5 / (df * df) as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn student_equals_scipy() {
        // scipy.stats.t.ppf(.975, df)
        for (df, t) in [(1, 12.706_2), (9, 2.262_2), (11, 2.201_0), (19, 2.093_0), (99, 1.984_2)] {
            assert!((student_975(df) - t).abs() < 3e-3, "{df}");
        }
    }
}
