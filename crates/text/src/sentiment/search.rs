//! How the specialist's tuning and settings are found inside the target's train texts.

use std::collections::BTreeMap;

use rand::seq::SliceRandom;
use specialist_core::Context;
use specialist_core::bootstrap::Bootstrap;
use specialist_search::{Auto, Params as Point, Space, StartingWith, Study};

use super::figures::figures;
use super::tunings::{Labelled, Tuning};
use super::{Bench, Prepared};
use crate::error::{Error, Result};
use crate::linear::{Softmax, TfIdf, softmax};
use crate::recipe::Recipe;

/// Folds on which tunings of the encoder are tried, and on which all tunings are compared with them.
const DEEP_FOLDS: usize = 2;

/// Probabilities by position in the train rows, of texts whose fold was predicted.
type OutOfFold = Vec<Option<Vec<f64>>>;

/// Fits on the first rows with a precision, and says the probabilities of the second.
type Baseline<'a> = dyn Fn(&[usize], f64, &[usize]) -> Vec<Vec<f64>> + 'a;

/// Settings that a search found, and how well they did out of fold.
pub(super) struct Found {
    pub(super) tuning: String,
    pub(super) settings: Point,
    pub(super) trials: usize,
    pub(super) probabilities: OutOfFold,
    pub(super) study: Option<Study>,
}

impl Found {
    /// The mean log loss out of fold of its best settings, and its standard error over groups of texts: the texts of one
    /// author are alike (Liang and Zeger 1986; each text its own group: the ordinary one).
    pub(super) fn loss(&self, texts: &Labelled) -> (f64, f64) {
        let of = |i: usize| Some((texts.groups[i], -self.probabilities[i].as_ref()?[texts.labels[i]].max(1e-12).ln()));
        let losses: Vec<(u32, f64)> = (0..texts.labels.len()).filter_map(of).collect();
        let n = losses.len() as f64;
        let mean = losses.iter().map(|l| l.1).sum::<f64>() / n;
        let mut away: BTreeMap<u32, f64> = BTreeMap::new();
        losses.iter().for_each(|(g, l)| *away.entry(*g).or_default() += l - mean);
        let groups = away.len() as f64;
        (mean, (away.values().map(|a| a * a).sum::<f64>() * groups / (groups - 1.0)).sqrt() / n)
    }
}

/// Train rows parted into folds, every label in each; the texts of a group stay together, as they do in the split, for a
/// rung that remembers an author must not be tried on that author.
fn folds(texts: &Labelled, folds: usize, ctx: &Context) -> Result<Vec<usize>> {
    let mut of_group: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    texts.groups.iter().enumerate().for_each(|(i, g)| of_group.entry(*g).or_default().push(i));
    if of_group.len() < folds {
        let n = of_group.len();
        return Err(Error::usage(
            format!("the texts to train on are of {n} groups, too few for {folds} folds"),
            format!("set tune.folds to {} or fewer, or label texts of more groups", n.max(2)),
        ));
    }
    let mut out = vec![0; texts.labels.len()];
    let classes = texts.labels.iter().max().map_or(0, |m| m + 1);
    let mut next = 0;
    for k in 0..classes {
        // A group goes by its first text's label.
        let of = |rows: &&Vec<usize>| texts.labels[rows[0]] == k;
        let mut groups: Vec<&Vec<usize>> = of_group.values().filter(of).collect();
        groups.shuffle(&mut ctx.rng(&format!("folds {k}")));
        for rows in groups {
            rows.iter().for_each(|&r| out[r] = next % folds);
            next += 1;
        }
    }
    Ok(out)
}

/// The best settings of one way to fit, by the log loss out of fold: a proper score tells settings apart with fewer
/// texts than a count of right labels.
fn search(
    name: &str,
    space: &Space,
    start: &Point,
    trials: usize,
    labels: &[usize],
    mut out_of_fold: impl FnMut(&Point) -> Result<OutOfFold>,
    ctx: &Context,
) -> Result<Found> {
    let mut study = Study::maximise(name, space.clone(), ctx.child(name).seed());
    let auto = Auto::default();
    let sampler = StartingWith { points: vec![start.clone()], then: &auto };
    let mut best: Option<(f64, Point, OutOfFold)> = None;
    let trials = if space.params().is_empty() { 1 } else { trials.max(1) };
    for _ in 0..trials {
        ctx.check()?;
        if ctx.is_spent() && best.is_some() {
            break;
        }
        let Some(number) = study.ask(&sampler)? else { break };
        let settings = study.trials()[number].params.clone();
        let p = out_of_fold(&settings)?;
        let (seen, y): (Vec<Vec<f64>>, Vec<usize>) =
            p.iter().zip(labels).filter_map(|(p, &y)| Some((p.clone()?, y))).unzip();
        let f = figures(&seen, &y, &vec![1.0; y.len()]);
        let value = -f[2];
        study.tell(number, Ok(&[value]))?;
        ctx.observer().step(Some(&format!("{name} {:.3}", f[0])));
        if best.as_ref().is_none_or(|b| value > b.0) {
            best = Some((value, settings, p));
        }
    }
    let (_, settings, probabilities) = best.unwrap_or((f64::NAN, start.clone(), vec![None; labels.len()]));
    Ok(Found { tuning: name.into(), settings, trials: study.trials().len(), probabilities, study: Some(study) })
}

/// Fits on every fold's other rows with `fit` and predicts the fold.
fn cross(
    fold_of: &[usize],
    which: std::ops::Range<usize>,
    mut fit: impl FnMut(&[usize], &[usize], usize) -> Result<Vec<Vec<f64>>>,
) -> Result<OutOfFold> {
    let mut out = vec![None; fold_of.len()];
    for fold in which {
        let inside: Vec<usize> = (0..fold_of.len()).filter(|&i| fold_of[i] != fold).collect();
        let outside: Vec<usize> = (0..fold_of.len()).filter(|&i| fold_of[i] == fold).collect();
        for (i, p) in outside.iter().zip(fit(&inside, &outside, fold)?) {
            out[*i] = Some(p);
        }
    }
    Ok(out)
}

/// What the search came to.
pub(super) struct Chosen {
    pub(super) found: Vec<Found>,
    pub(super) scratch: f64,
    pub(super) pooled: f64,
    pub(super) tfidf: f64,
    pub(super) specialist: (Tuning, Point),
    pub(super) reason: String,
    pub(super) trials: usize,
}

impl Chosen {
    pub(super) fn settings(&self, tuning: Tuning) -> Option<&Point> {
        self.found.iter().find(|f| f.tuning == tuning.name()).map(|f| &f.settings)
    }
}

fn precision_space() -> (Space, Point) {
    let space = Space::new().log_float("precision", 0.01, 100.0);
    let start = space.choose(|_| specialist_search::Value::Float(1.0));
    (space, start)
}

/// The rungs that a recipe asks for.
pub(super) fn tunings(recipe: &Recipe) -> Result<Vec<Tuning>> {
    if recipe.tune.tunings.is_empty() {
        return Ok(vec![Tuning::Keep, Tuning::Slope, Tuning::Head, Tuning::Setfit, Tuning::Lora]);
    }
    let known = || format!("there are: {}", Tuning::ALL.map(Tuning::name).join(", "));
    let named = |n: &String| Tuning::named(n).ok_or_else(|| Error::usage(format!("there is no tuning `{n}`"), known()));
    recipe.tune.tunings.iter().map(named).collect()
}

pub(super) fn tune(bench: &Bench<'_>, train: &[usize], ctx: &Context) -> Result<Chosen> {
    let ctx = &ctx.child("tune");
    let (recipe, start) = (bench.recipe, bench.start());
    let labels: Vec<usize> = train.iter().map(|&r| bench.target.labels[r]).collect();
    let all = bench.target.select(train);
    let fold_of = folds(&all, recipe.tune.folds, ctx)?;
    let asked = tunings(recipe)?;
    let cheap = recipe.tune.trials;
    let deep = asked.iter().filter(|t| t.deep()).count() * recipe.tune.deep_trials;
    ctx.observer().begin("tune", asked.iter().filter(|t| !t.deep()).count() * cheap + deep + 3 * cheap);
    let mut found = Vec::new();
    for &tuning in &asked {
        let (folds, trials) = if tuning.deep() {
            (0..DEEP_FOLDS.min(recipe.tune.folds), recipe.tune.deep_trials)
        } else {
            (0..recipe.tune.folds, cheap)
        };
        let fit = |settings: &Point| {
            cross(&fold_of, folds.clone(), |inside, outside, fold| {
                let inner = ctx.child(&format!("{} fold {fold}", tuning.name()));
                let classifier = start.tune(tuning, settings, &all.select(inside), &inner)?;
                let outside = all.select(outside);
                classifier.probabilities(bench.encoder, &outside.ids, Some(&outside.base), &inner)
            })
        };
        found.push(search(tuning.name(), &tuning.space(), &tuning.start(), trials, &labels, fit, ctx)?);
    }
    let (space, first) = precision_space();
    let texts: Vec<&str> = train.iter().map(|&r| bench.texts[r]).collect();
    let baseline = |name: &str, fit: &Baseline<'_>| {
        let out_of_fold = |s: &Point| {
            cross(&fold_of, 0..recipe.tune.folds, |inside, outside, _| Ok(fit(inside, s.float("precision"), outside)))
        };
        search(name, &space, &first, cheap, &labels, out_of_fold, ctx)
    };
    let say = |head: Softmax, rows: &[usize]| -> Vec<Vec<f64>> {
        head.logits(&all.base.select(rows)).iter().map(|l| softmax(l)).collect()
    };
    let scratch = baseline("scratch", &|inside, precision, outside| {
        say(start.head(&all.select(inside), precision, None), outside)
    })?;
    let pooled = baseline("pooled", &|inside, precision, outside| {
        say(pooled_head(bench, &all.select(inside), precision), outside)
    })?;
    let tfidf = baseline("tf-idf", &|inside, precision, outside| {
        let of = |rows: &[usize]| rows.iter().map(|&i| texts[i]).collect::<Vec<_>>();
        let y: Vec<usize> = inside.iter().map(|&i| labels[i]).collect();
        tfidf_probabilities(&of(inside), &y, bench.classes, precision, &of(outside))
    })?;
    ctx.observer().end();
    let (specialist, reason) = choose(&asked, &found, &all, ctx);
    let trials = found.iter().chain([&scratch, &pooled, &tfidf]).map(|f| f.trials).sum();
    let precision = |f: &Found| f.settings.float("precision");
    let (s, p, t) = (precision(&scratch), precision(&pooled), precision(&tfidf));
    found.extend([scratch, pooled, tfidf]);
    let specialist_settings =
        found.iter().find(|f| f.tuning == specialist.name()).expect("it was tried").settings.clone();
    Ok(Chosen { found, scratch: s, pooled: p, tfidf: t, specialist: (specialist, specialist_settings), reason, trials })
}

pub(super) fn pooled_head(bench: &Bench<'_>, target: &Labelled, precision: f64) -> Softmax {
    let x = bench.source.base.and(&target.base);
    let y: Vec<usize> = bench.source.labels.iter().chain(&target.labels).copied().collect();
    Softmax::fit(&x, &y, &vec![1.0; y.len()], bench.classes, precision, None)
}

pub(super) fn tfidf_probabilities(
    train: &[&str],
    labels: &[usize],
    classes: usize,
    precision: f64,
    texts: &[&str],
) -> Vec<Vec<f64>> {
    let tfidf = TfIdf::fit(train);
    let model = Softmax::fit(&tfidf.rows(train), labels, &vec![1.0; labels.len()], classes, precision, None);
    model.logits(&tfidf.rows(texts)).iter().map(|l| softmax(l)).collect()
}

/// The lowest rung within one standard error (paired bootstrap over groups of texts) of the best out of fold, on the folds
/// that every rung was tried on.
fn choose(asked: &[Tuning], found: &[Found], texts: &Labelled, ctx: &Context) -> (Tuning, String) {
    let common: Vec<usize> =
        (0..texts.labels.len()).filter(|&i| found.iter().all(|f| f.probabilities[i].is_some())).collect();
    let y: Vec<usize> = common.iter().map(|&i| texts.labels[i]).collect();
    let p: Vec<Vec<Vec<f64>>> = found
        .iter()
        .map(|f| common.iter().map(|&i| f.probabilities[i].clone().expect("it is common")).collect())
        .collect();
    let units: Vec<u32> = common.iter().map(|&i| texts.groups[i]).collect();
    let bootstrap = Bootstrap::clusters(&units, 200, ctx);
    let ones = vec![1.0; y.len()];
    let value = |i: usize, w: &[f64]| -figures(&p[i], &y, w)[2];
    let estimates: Vec<f64> = (0..found.len()).map(|i| value(i, &ones)).collect();
    let best = (0..found.len()).fold(0, |b, i| if estimates[i] > estimates[b] { i } else { b });
    for i in 0..found.len() {
        let drawn = bootstrap.replicate(ctx, |w| value(best, w) - value(i, w));
        let se = drawn.error(|v| *v);
        if estimates[best] - estimates[i] <= se {
            let reason = format!(
                "The lowest rung within one standard error of the best ({}, log loss {:.4} on {} train texts out of fold).",
                asked[best].name(),
                -estimates[best],
                y.len()
            );
            return (asked[i], reason);
        }
    }
    unreachable!("the best is within an error of itself")
}

/// The head on the source, its precision cross-validated there.
pub(super) fn pretrain(recipe: &Recipe, source: &Labelled, prepared: &Prepared, ctx: &Context) -> Result<Softmax> {
    let ctx = &ctx.child("pretrain");
    let (space, first) = precision_space();
    let fold_of = folds(source, recipe.tune.folds, ctx)?;
    let classes = prepared.labels.len();
    let fit = |rows: &[usize], precision: f64| {
        let part = source.select(rows);
        Softmax::fit(&part.base, &part.labels, &part.ones(), classes, precision, None)
    };
    let found = search(
        "pretrain",
        &space,
        &first,
        recipe.tune.trials.min(8),
        &source.labels,
        |s| {
            cross(&fold_of, 0..2, |inside, outside, _| {
                let head = fit(inside, s.float("precision"));
                Ok(head.logits(&source.base.select(outside)).iter().map(|l| softmax(l)).collect())
            })
        },
        ctx,
    )?;
    Ok(fit(&(0..source.labels.len()).collect::<Vec<_>>(), found.settings.float("precision")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linear::Dense;

    fn texts(groups: Vec<u32>) -> Labelled {
        let n = groups.len();
        let base = Dense { values: vec![0.0; n], width: 1 };
        Labelled { ids: vec![Vec::new(); n], labels: (0..n).map(|i| i % 3).collect(), groups, base }
    }

    #[test]
    fn an_author_is_in_one_fold() {
        let ctx = Context::new(1, 1);
        let of_authors = texts((0..120).map(|i| i / 4).collect());
        let folds_of = folds(&of_authors, 5, &ctx).unwrap();
        assert!(folds_of.chunks(4).all(|author| author.iter().all(|f| *f == author[0])));
        assert!((0..5).all(|f| folds_of.iter().filter(|g| **g == f).count() == 24));
        assert!(folds(&texts(vec![0, 0, 1, 1, 1, 2]), 5, &ctx).is_err(), "three authors make no five folds");
    }

    #[test]
    fn the_error_of_a_loss_is_over_authors() {
        // The texts of one author are equally hard: 120 of them tell as much as 30.
        let p = |i: usize| Some(vec![if (i / 4).is_multiple_of(2) { 0.9 } else { 0.2 }; 3]);
        let found = Found {
            tuning: String::new(),
            settings: precision_space().1,
            trials: 0,
            probabilities: (0..120).map(p).collect(),
            study: None,
        };
        let (mean, alone) = found.loss(&texts((0..120).collect()));
        let (same, grouped) = found.loss(&texts((0..120).map(|i| i / 4).collect()));
        // numpy: x = -log([.9, .2] * 15); x.mean(), x.std(ddof=1) / 30 ** .5; and each four times, / 120 ** .5.
        assert!((mean - 0.857_399_214_045_96).abs() < 1e-9 && mean == same, "{mean}");
        assert!((grouped - 0.139_650_1).abs() < 1e-6 && (alone - 0.068_939_3).abs() < 1e-6, "{grouped} {alone}");
    }
}
