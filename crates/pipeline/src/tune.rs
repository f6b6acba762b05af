//! The search: every rung of the ladder that the data allows, cross-validated inside the target's
//! train rows; and the same effort for scratch and pooled, so that no comparator is weaker than it
//! need be.

use specialist_core::bootstrap::mean_sd;
use specialist_core::evidence::Interval;
use specialist_core::{Context, Dataset, FineTune, Metric, Predict, Pretrain, Tuning, metric};
use specialist_report::{BestTrial, Tuning as Summary};
use specialist_search::{Params, Sampler, Space, Study, Trial, Value, sampler_by_name};
use specialist_tabular::{EstimatorSettings, Model, Rung, TuningPlan, ladder_space, plan};

use crate::Error;
use crate::recipe::Recipe;

/// Trials that are asked for together: the study is the same on any number of threads.
const BATCH: usize = 8;
/// Weights of a target row against a source row that `pooled` tries.
const POOLED_WEIGHTS: [f64; 3] = [1.0, 4.0, 16.0];
/// `pooled` is searched on at most this many source rows.
const POOLED_ROWS: usize = 20_000;

/// What the search came to.
pub struct Searched {
    /// The specialist's study and scratch's.
    pub studies: Vec<Study>,
    /// The specialist's rung and settings.
    pub specialist: TuningPlan,
    /// The best recalibration.
    pub recalibration: TuningPlan,
    /// Scratch's settings.
    pub scratch: EstimatorSettings,
    /// The weight of a target row in `pooled`, where there are source rows.
    pub pooled_weight: Option<f64>,
    /// For the report.
    pub summary: Summary,
}

struct Fold {
    train: Dataset,
    test: Dataset,
}

/// Everything a trial is judged by.
struct Judge<'a> {
    folds: Vec<Fold>,
    primary: &'a dyn Metric,
    ctx: &'a Context,
}

impl Judge<'_> {
    /// Goodness of `fit` on each fold, for all of `n` trials, in parallel over trials and folds.
    fn values<M: Predict>(
        &self,
        n: usize,
        fit: impl Fn(usize, &Dataset, &Context) -> Result<M, specialist_core::Error> + Sync,
    ) -> Vec<Result<Vec<f64>, String>> {
        let k = self.folds.len();
        let inner = self.ctx.child("trial").single();
        let cells = self.ctx.map(n * k, |cell| {
            let (trial, fold) = (cell / k, &self.folds[cell % k]);
            let model = fit(trial, &fold.train, &inner)?;
            let value = metric::evaluate(self.primary, &fold.test, &model.probability(&fold.test)?);
            Ok::<f64, specialist_core::Error>(self.primary.goal().goodness(value))
        });
        let whole = |parts: &[Result<f64, specialist_core::Error>]| -> Result<Vec<f64>, String> {
            let parts: Vec<f64> = parts.iter().cloned().collect::<Result<_, _>>().map_err(|e| e.to_string())?;
            if parts.iter().any(|v| v.is_nan()) { Err("the metric is not defined on a fold".into()) } else { Ok(parts) }
        };
        cells.chunks(k).map(whole).collect()
    }
}

/// Searches on the target's train rows only.
///
/// # Errors
/// When no fold can be made, or the run is cancelled.
pub fn tune(
    recipe: &Recipe,
    generalist: &Model,
    pooled: Option<(&Dataset, &EstimatorSettings)>,
    train: &Dataset,
    primary: &dyn Metric,
    ctx: &Context,
) -> Result<Searched, Error> {
    let ctx = &ctx.child("tune");
    let keys = recipe.split_keys()?;
    let events = train.events();
    let rarer = events.min(train.rows() - events);
    let k = recipe.tune.folds.min(rarer).max(2);
    let splits = keys.folds(train, k, recipe.tune.repeats, &mut ctx.rng("folds"))?;
    // Early windows of a time split may hold no event of one side: they can judge nothing.
    let judges = |rows: &[usize]| {
        let events = rows.iter().filter(|&&r| train.labels()[r] == 1.0).count();
        events > 0 && events < rows.len()
    };
    let usable = splits.iter().filter(|s| judges(&s.train) && judges(&s.test));
    let folds: Vec<Fold> =
        usable.map(|s| Fold { train: train.select(&s.train), test: train.select(&s.test) }).collect();
    if folds.is_empty() {
        return Err(specialist_core::Error::TooFew {
            what: "folds with both labels on both sides".into(),
            found: 0,
            needed: 1,
        }
        .into());
    }
    let judge = Judge { folds, primary, ctx };
    let sampler = sampler_by_name(&recipe.tune.sampler).expect("checked with the recipe");
    let trials = recipe.tune.trials;
    ctx.observer().begin("tune", 2 * trials);

    let space = ladder_space(generalist, rarer, &recipe.rungs()?);
    let mut ladder = Study::maximise("specialist", space.clone(), ctx.child("specialist").seed());
    // A grid counts on from the last trial: it takes no points but its own.
    let sampled = sampler.name() != "grid";
    if sampled {
        starting_points(&space).into_iter().for_each(|p| _ = ladder.enqueue(p));
    }
    let trials_of_ladder = trials.max(ladder.trials().len());
    search(&mut ladder, &*sampler, trials_of_ladder, &judge, |params, data, ctx| {
        plan(params).fine_tune(generalist, data, ctx)
    })?;

    let estimator = recipe.scratch_estimator()?;
    let mut scratch = Study::maximise("scratch", estimator.space(), ctx.child("scratch").seed());
    if sampled {
        scratch.enqueue(Params::default());
    }
    search(&mut scratch, &*sampler, trials, &judge, |params, data, ctx| {
        estimator.settings(params).pretrain(data, ctx)
    })?;

    let pooled_weight = match pooled {
        Some((source, settings)) => Some(search_pooled(source, settings, &judge, ctx)?),
        None => None,
    };
    ctx.observer().end();

    let (chosen, reason) = choose(&ladder);
    let recalibration = ladder.best_where(|t| rung(t).recalibrates()).map_or_else(keep, |t| plan(&t.params));
    let scratch_settings = scratch.best().map_or_else(|| estimator.defaults(), |t| estimator.settings(&t.params));
    let summary = summarise(&ladder, &scratch, &chosen, reason, primary);
    Ok(Searched {
        specialist: chosen,
        recalibration,
        scratch: scratch_settings,
        pooled_weight,
        summary,
        studies: vec![ladder, scratch],
    })
}

fn keep() -> TuningPlan {
    TuningPlan { rung: Rung::Keep, params: Params::default() }
}

fn rung(trial: &Trial) -> Rung {
    plan(&trial.params).rung
}

/// One point in the middle of every rung, so that each has a say however few trials there are.
fn starting_points(space: &Space) -> Vec<Params> {
    let Some(specialist_search::Domain::Categorical { levels }) = space.params().first().map(|p| &p.domain) else {
        return Vec::new();
    };
    let middle = |p: &specialist_search::Param| match &p.domain {
        specialist_search::Domain::Float { lo, hi, log: true } => Value::Float((lo * hi).sqrt()),
        specialist_search::Domain::Float { lo, hi, log: false } => Value::Float((lo + hi) / 2.0),
        specialist_search::Domain::Int { lo, hi, log: true } => Value::Int(((lo * hi) as f64).sqrt().round() as i64),
        specialist_search::Domain::Int { lo, hi, log: false } => Value::Int((lo + hi) / 2),
        specialist_search::Domain::Categorical { levels } => Value::Text(levels[0].clone()),
    };
    let point =
        |level: &String| space.choose(|p| if p.name == "tuning" { Value::Text(level.clone()) } else { middle(p) });
    levels.iter().map(point).collect()
}

fn search<M: Predict>(
    study: &mut Study,
    sampler: &dyn Sampler,
    trials: usize,
    judge: &Judge<'_>,
    fit: impl Fn(&Params, &Dataset, &Context) -> Result<M, specialist_core::Error> + Sync,
) -> Result<(), Error> {
    let mut done = 0;
    while done < trials {
        judge.ctx.check()?;
        // The first batch always runs: it holds a point of every rung.
        if done > 0 && judge.ctx.is_spent() {
            break;
        }
        while study.trials().len() < (done + BATCH).min(trials) {
            if study.ask(sampler).is_none() {
                break;
            }
        }
        let batch = study.trials()[done..study.trials().len().min(done + BATCH)].to_vec();
        if batch.is_empty() {
            break;
        }
        let values = judge.values(batch.len(), |i, data, ctx| fit(&batch[i].params, data, ctx));
        for (trial, value) in batch.iter().zip(values) {
            study.tell(trial.number, value);
            let best = study.best().and_then(Trial::value).map(|v| format!("best {:.4}", v.abs()));
            judge.ctx.observer().step(best.as_deref());
        }
        done += batch.len();
    }
    Ok(())
}

/// The weight of target rows at which a pooled fit does best.
fn search_pooled(
    source: &Dataset,
    settings: &EstimatorSettings,
    judge: &Judge<'_>,
    ctx: &Context,
) -> Result<f64, Error> {
    let few: Vec<usize> = {
        let step = source.rows().div_ceil(POOLED_ROWS).max(1);
        (0..source.rows()).step_by(step).collect()
    };
    // Each source row of the part stands for `scale` rows of the whole.
    let scale = source.rows() as f64 / few.len() as f64;
    let source = source.select(&few);
    let values = judge.values(POOLED_WEIGHTS.len(), |i, data, ctx| {
        settings.pretrain(&source.pooled(data, (POOLED_WEIGHTS[i] / scale) as f32)?, ctx)
    });
    ctx.check()?;
    let mean = |v: &Result<Vec<f64>, String>| v.as_ref().map_or(f64::MIN, |p| p.iter().sum::<f64>() / p.len() as f64);
    let best = (0..values.len()).rev().max_by(|&a, &b| mean(&values[a]).total_cmp(&mean(&values[b])));
    Ok(POOLED_WEIGHTS[best.unwrap_or(0)])
}

/// The best trial, unless a lower rung does as well: the lowest rung whose best trial is within one
/// standard error of the best, the error being that of the paired difference over the folds.
fn choose(study: &Study) -> (TuningPlan, String) {
    let Some(best) = study.best() else {
        return (keep(), "No setting could be evaluated.".into());
    };
    for r in Rung::ALL.into_iter().filter(|r| *r < rung(best)) {
        let Some(lower) = study.best_where(|t| rung(t) == r) else { continue };
        let paired: Vec<f64> = best.parts().iter().zip(lower.parts()).map(|(a, b)| a - b).collect();
        let (mean, sd) = mean_sd(&paired);
        let error = sd / (paired.len() as f64).sqrt();
        if mean <= error {
            let reason = format!(
                "The best rung in cross-validation was {}; {} is lower on the ladder and within one standard error of the paired difference.",
                rung(best).name(),
                r.name()
            );
            return (plan(&lower.params), reason);
        }
    }
    (
        plan(&best.params),
        "It is the best in cross-validation, and every lower rung is behind by more than one standard error of the paired difference.".into(),
    )
}

fn summarise(ladder: &Study, scratch: &Study, chosen: &TuningPlan, reason: String, primary: &dyn Metric) -> Summary {
    // Goodness back to the metric's own scale; for metrics with an ideal value it stays a distance.
    let sign = primary.goal().goodness(1.0).signum();
    let row = |tuning: &str, study: &Study, keep: &dyn Fn(&Trial) -> bool| {
        let best = study.best_where(keep)?;
        let (mean, sd) = mean_sd(best.parts());
        let error = sd / (best.parts().len() as f64).sqrt();
        let mut settings = best.params.clone();
        settings.0.remove("tuning");
        Some(BestTrial {
            tuning: tuning.into(),
            settings: if settings.0.is_empty() { "–".into() } else { settings.to_string() },
            trials: study.trials().iter().filter(|t| keep(t)).count(),
            value: Interval { estimate: sign * mean, low: sign * mean - error, high: sign * mean + error },
        })
    };
    let rungs = Rung::ALL.into_iter().filter_map(|r| row(r.name(), ladder, &|t| rung(t) == r));
    let best = rungs.chain(row("scratch", scratch, &|_| true)).collect();
    let mut settings = chosen.params.clone();
    settings.0.remove("tuning");
    let settings = if settings.0.is_empty() { String::new() } else { format!(" ({settings})") };
    Summary { chosen: format!("{}{settings}", chosen.rung.name()), reason, metric: primary.name().into(), best }
}

#[cfg(test)]
mod tests {
    use super::*;
    use specialist_core::{Feature, metric::RocAuc};

    struct Constant;

    impl Predict for Constant {
        fn margin(&self, data: &Dataset) -> Result<Vec<f64>, specialist_core::Error> {
            Ok(data.records().column(0).to_vec())
        }
    }

    #[test]
    fn a_failed_trial_leaves_the_others_their_values() {
        let rows = |flip: f64| {
            let x = ndarray::Array2::from_shape_fn((10, 1), |(i, _)| i as f64);
            let y = (0..10).map(|i| if i < 5 { flip } else { 1.0 - flip }).collect();
            Dataset::new(vec![Feature::number("x")], x, y).unwrap()
        };
        let fold = |flip| Fold { train: rows(flip), test: rows(flip) };
        let ctx = Context::new(1, 2);
        let judge = Judge { folds: vec![fold(0.0), fold(1.0)], primary: &RocAuc, ctx: &ctx };
        let values = judge.values(3, |trial, _, _| match trial {
            0 => Err(specialist_core::Error::Mismatch("no".into())),
            _ => Ok(Constant),
        });
        assert!(values[0].is_err());
        assert_eq!(values[1..], [Ok(vec![1.0, 0.0]), Ok(vec![1.0, 0.0])]);
    }
}
