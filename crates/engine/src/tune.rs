//! The search: every rung of the ladder that the data allows, cross-validated inside the target's
//! train rows; and the same effort for scratch and pooled, so that no comparator is weaker than it
//! need be.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;
use specialist_core::bootstrap::mean_sd;
use specialist_core::evidence::{Interval, Z};
use specialist_core::{Candidate, Context, Dataset, Estimand, FineTune, Metric, Predict, Pretrain, metric};
use specialist_report::{BestTrial, Optimism, Tuning as Summary};
use specialist_search::{
    Direction, Params, PastStudy, Run, Sampler, Scope, Space, Sparing, StartingWith, State, Stop, Store, Study,
    Transfer, Trial, pruner_by_name, run, sampler_by_name,
};
use specialist_tabular::ladder::{Keep, TUNING};
use specialist_tabular::{EstimatorSettings, Model, Rung, TuningPlan, ladder_space, plan};

use crate::choose::lowest_of_folds;
use crate::folds::{Fold, Judge, Start, earlier, folds};
use crate::recipe::{Recipe, RecipeError};
use crate::{Error, Place, artifact, studies};

/// Weights of a target row against a source row that `pooled` tries.
const POOLED_WEIGHTS: [f64; 3] = [1.0, 4.0, 16.0];
/// `pooled` is searched on at most this many source rows.
const POOLED_ROWS: usize = 20_000;
/// The system attribute of a study that says which job it belongs to.
const JOB: &str = "specialist:job";

/// Where the studies are kept and how many work on them here.
#[derive(Clone, Default)]
pub struct Effort {
    /// Keeps them for other processes and for a later run; without it they are in memory.
    pub store: Option<Arc<dyn Store>>,
    /// What the studies' names start with.
    pub name: String,
    /// Trials that are evaluated at once in this process; by default as many as there are threads.
    pub workers: Option<usize>,
}

impl Effort {
    /// What the studies are made for, where somebody else may open them.
    fn job(&self, recipe: &Recipe, start: &Start<'_>) -> Result<String, Error> {
        if self.store.is_some() { fingerprint(recipe, start) } else { Ok(String::new()) }
    }
}

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
    /// The best tuning of every rung, the lowest first.
    pub rungs: Vec<TuningPlan>,
    /// The best few settings of scratch.
    pub scratches: Vec<EstimatorSettings>,
    /// The tunings that are averaged to the ensemble; empty where the recipe asks for none.
    pub ensemble: Vec<TuningPlan>,
    /// For the report.
    pub summary: Summary,
}

/// What a search needs beside the study.
struct Search<'a> {
    recipe: &'a Recipe,
    judge: &'a Judge<'a>,
    effort: &'a Effort,
    /// What the studies must have been made for.
    job: String,
}

/// Searches on the target's train rows only.
///
/// # Errors
/// When no fold can be made, the store fails or belongs to another job, or the run is cancelled.
pub fn tune(
    recipe: &Recipe,
    start: &Start<'_>,
    primary: &dyn Metric,
    effort: &Effort,
    place: &Place,
    ctx: &Context,
) -> Result<Searched, Error> {
    let ctx = &ctx.child("tune");
    let Start { generalist, pooled, .. } = *start;
    let parts = folds(recipe, start, ctx, "folds")?;
    let judge = Judge { folds: &parts, primary, ctx };
    let search = Search { recipe, judge: &judge, effort, job: effort.job(recipe, start)? };
    ctx.observer().begin("tune", recipe.tune.trials + scratch_trials(recipe)?);
    let (ladder, scratch) = both_studies(&search, start, place)?;
    let pooled_weight = match pooled {
        Some((source, settings)) => Some(search_pooled(source, settings, &judge, ctx)?),
        None => None,
    };
    ctx.observer().end();
    // Trials that other programs added were not judged on these folds: they may guide the search, and
    // nothing is chosen by them.
    let k = judge.folds.len();
    let (ladder, foreign) = (judged_here(&ladder, k), foreign(&ladder, k) + foreign(&scratch, k));
    let scratch = judged_here(&scratch, k);
    let (mut chosen, mut reason) = choose(&ladder);
    let recalibrations = recalibrations(&ladder, &judge, generalist);
    if chosen.rung.recalibrates()
        && let Some(better) = recalibrations.iter().find(|p| p.rung == chosen.rung)
    {
        chosen = better.clone();
    }
    if foreign > 0 {
        reason += &format!(" {foreign} trials of other programs were not judged on these folds and are left out.");
    }
    let (rows, asked) = (start.train.informative(), recipe.rungs()?);
    let few: Vec<String> = asked
        .iter()
        .filter(|r| r.needs_events() > rows)
        .map(|r| format!("{} (needs {})", r.name(), r.needs_events()))
        .collect();
    if !few.is_empty() {
        reason += &format!(" Not tried, for the train rows hold {rows} informative ones: {}.", few.join(", "));
    }
    let recalibration = recalibrations.into_iter().next().unwrap_or_else(keep);
    let estimator = recipe.scratch_estimator()?;
    let scratch_settings = scratch.best().map_or_else(|| estimator.defaults(), |t| estimator.settings(&t.params));
    let mut summary = summarise(&ladder, &scratch, &chosen, reason, primary);
    // Windows of time cannot be drawn anew.
    if !recipe.split_keys()?.time {
        let parts = folds(recipe, start, ctx, "fresh folds")?;
        let fresh = Judge { folds: &parts, primary, ctx };
        summary.optimism = optimism(&ladder, &fresh, generalist, ctx);
    }
    summary.studies = [&ladder, &scratch].map(|s| studies::view(s, primary)).into();
    Ok(Searched {
        specialist: chosen,
        recalibration,
        scratch: scratch_settings,
        pooled_weight,
        ensemble: ensemble(&ladder, recipe.tune.ensemble),
        rungs: <dyn Rung>::all()
            .into_iter()
            .filter_map(|r| ladder.best_where(|t| rung(t) == r))
            .map(|t| plan(&t.params))
            .collect(),
        scratches: best_few(&scratch).iter().map(|t| estimator.settings(&t.params)).collect(),
        summary,
        studies: vec![ladder, scratch],
    })
}

/// Works on the studies of another process until they have their trials; returns how many this process
/// evaluated.
///
/// # Errors
/// As [`tune`].
pub fn join(
    recipe: &Recipe,
    start: &Start<'_>,
    primary: &dyn Metric,
    effort: &Effort,
    place: &Place,
    ctx: &Context,
) -> Result<usize, Error> {
    let ctx = &ctx.child("tune");
    let parts = folds(recipe, start, ctx, "folds")?;
    let judge = Judge { folds: &parts, primary, ctx };
    let search = Search { recipe, judge: &judge, effort, job: effort.job(recipe, start)? };
    ctx.observer().begin("tune", 0);
    let (ladder, scratch) = both_studies(&search, start, place)?;
    ctx.observer().end();
    let own = specialist_search::identity();
    let mine = |s: &Study| s.trials().iter().filter(|t| t.worker() == Some(own.as_str())).count();
    Ok(mine(&ladder) + mine(&scratch))
}

/// What a study was made for: the recipe but for the number of trials, the rows, the generalist.
fn fingerprint(recipe: &Recipe, start: &Start<'_>) -> Result<String, Error> {
    let mut recipe = recipe.clone();
    (recipe.tune.trials, recipe.tune.ensemble) = (0, 0);
    // What is judged afterwards does not change a trial, nor does where files lie.
    recipe.compare = crate::recipe::CompareSpec { metric: recipe.compare.metric, ..Default::default() };
    recipe.source.data = None;
    recipe.target.data = String::new();
    let model = start.generalist.to_json().unwrap_or_default();
    let mut parts = vec![recipe.render().into_bytes(), artifact::fingerprint(start.train).into_bytes(), model.into()];
    // What makes numbers of texts is in the rows; what makes none of them is nowhere else.
    if let Some(encoder) = start.train.encoder.as_ref().filter(|e| e.width() == 0) {
        parts.extend(encoder.files()?.into_iter().map(|(_, bytes)| artifact::digest(&bytes).into_bytes()));
    }
    Ok(artifact::digest(&parts.concat()))
}

/// Settings that are tried for scratch: as many as for the specialist, unless its training takes minutes.
fn scratch_trials(recipe: &Recipe) -> Result<usize, Error> {
    let costly = recipe.scratch_estimator()?.is_costly();
    Ok(if costly { recipe.tune.costly_trials } else { recipe.tune.trials })
}

/// The ladder's study and scratch's, with all their trials.
fn both_studies(search: &Search<'_>, start: &Start<'_>, place: &Place) -> Result<(Study, Study), Error> {
    let (recipe, generalist, train) = (search.recipe, start.generalist, start.train);
    let named = recipe.rungs()?;
    // A rung that was asked for and cannot be tried at all is a mistake; one for which there are too few rows is said with the choice.
    let fitting: Vec<&str> =
        <dyn Rung>::all().into_iter().filter(|r| r.fits(generalist, &train.features)).map(|r| r.name()).collect();
    if let Some(strange) = named.iter().find(|r| !fitting.contains(&r.name())) {
        let expected = format!(
            "rungs of what the generalist is ({}): {}; `{}` is of another",
            generalist.describe(),
            fitting.join(", "),
            strange.name()
        );
        return Err(RecipeError::invalid("tune.tunings", expected).into());
    }
    let space = ladder_space(generalist, &train.features, train.informative(), &named);
    let points = starting_points(&space);
    let ladder = search.study(
        Candidate::Specialist.name(),
        space,
        points,
        recipe.tune.trials,
        &past(recipe, place, Candidate::Specialist.name(), None)?,
        |p, fold, ctx| plan(p).fine_tune(fold.generalist.as_ref().unwrap_or(generalist), &fold.train, ctx),
    )?;
    let estimator = recipe.scratch_estimator()?;
    // The study that tuned the generalist knows something about the same settings on other rows.
    let known = start.study.filter(|s| *s.space() == estimator.space());
    let past = past(recipe, place, Candidate::Scratch.name(), known)?;
    let defaults = estimator.default_params();
    let trials = scratch_trials(recipe)?;
    let scratch =
        search.study(Candidate::Scratch.name(), estimator.space(), vec![defaults], trials, &past, |p, fold, ctx| {
            estimator.settings(p).pretrain(&fold.train, ctx)
        })?;
    Ok((ladder, scratch))
}

/// The earlier studies that the sampler `transfer` starts from: of the store that the recipe names those
/// whose name ends as this study's does, and `known`.
fn past(recipe: &Recipe, place: &Place, name: &str, known: Option<&Study>) -> Result<Vec<PastStudy>, Error> {
    let mut out: Vec<PastStudy> = known.map(PastStudy::of).into_iter().collect();
    if let Some(address) = &recipe.tune.transfer {
        let address = if address.contains(':') { address.clone() } else { place.path(address).display().to_string() };
        let store = studies::existing(&address)?;
        for record in store.studies()? {
            if record.name.rsplit('/').next() == Some(name) {
                out.push(PastStudy::of(&Study::open(Arc::clone(&store), &record.name, 0)?));
            }
        }
    }
    Ok(out)
}

impl Search<'_> {
    /// The study called `name`: begun, or taken up where it was left, and brought to so many trials.
    fn study<M: Predict>(
        &self,
        name: &str,
        space: Space,
        points: Vec<Params>,
        trials: usize,
        past: &[PastStudy],
        fit: impl Fn(&Params, &Fold, &Context) -> Result<M, specialist_core::Error> + Sync,
    ) -> Result<Study, Error> {
        let (tune, ctx) = (&self.recipe.tune, self.judge.ctx);
        let seed = ctx.child(name).seed();
        let study = match &self.effort.store {
            Some(store) => self.shared(store, &format!("{}/{name}", self.effort.name), space, seed)?,
            None => Study::maximise(name, space, seed),
        };
        let sampler: Box<dyn Sampler> = match sampler_by_name(&tune.sampler) {
            Some(sampler) => sampler,
            None => Box::new(Transfer::new(past.to_vec())),
        };
        // A grid counts on from the last trial: it takes no points but its own.
        let points = if sampler.name() == "grid" { Vec::new() } else { points };
        let least = points.len().max(1);
        let pruner = pruner_by_name(&tune.pruner, self.judge.folds.len() as u64).expect("checked with the recipe");
        let ended = AtomicUsize::new(0);
        let told = |study: &Study, _: usize| {
            ended.fetch_add(1, Ordering::Relaxed);
            ctx.observer().step(Some(&progress(study)));
        };
        // A point of every rung is always tried, however small the budget.
        let cancelled = || ctx.check().is_err() || (ctx.is_spent() && ended.load(Ordering::Relaxed) >= least);
        // Rungs whose fits take minutes would take all of them.
        let costly = <dyn Rung>::all().into_iter().filter(|r| r.is_costly()).map(|r| r.name().to_string()).collect();
        let sampler = Sparing { parameter: TUNING, levels: costly, most: tune.costly_trials, of: &*sampler };
        let sampler = StartingWith { points, then: &sampler };
        let plan = Run {
            pruner: &*pruner,
            workers: self.effort.workers.unwrap_or_else(|| ctx.threads()),
            stop: Stop { trials: Some(trials.max(least)), cancelled: Some(&cancelled), ..Stop::default() },
            ..Run::new(&sampler, 0)
        };
        let study = Mutex::new(study.recorded_order(tune.concurrency));
        run(&study, &plan, |job| self.judge.trial(job, |fold, ctx| fit(job.params, fold, ctx)), &told)?;
        ctx.check()?;
        Ok(study.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    fn shared(&self, store: &Arc<dyn Store>, name: &str, space: Space, seed: u64) -> Result<Study, Error> {
        let study = Study::open_or_create(Arc::clone(store), name, space, &[Direction::Maximise], seed)?;
        let (store, id) = study.store();
        match store.study(name)?.system.get(JOB) {
            Some(job) if *job == json!(self.job) => {}
            Some(_) => {
                return Err(Error::Usage {
                    what: format!("the store's study `{name}` was made for another recipe, seed, data or generalist"),
                    hint: "go on with the same ones, or name another --store or --study".into(),
                });
            }
            None => {
                store.set_study_attribute(id, Scope::System, JOB, &json!(self.job))?;
                store.set_study_attribute(id, Scope::User, "metric", &json!(self.judge.primary.name()))?;
                store.set_study_attribute(id, Scope::System, "study:metric_names", &json!(["goodness"]))?;
            }
        }
        Ok(study)
    }
}

/// How the search stands, in a few words.
fn progress(study: &Study) -> String {
    let count = |state| study.trials().iter().filter(|t| t.state == state).count();
    let best = study.best().and_then(|t| Some((t.value()?, t)));
    let best = best.map_or_else(String::new, |(v, t)| {
        let tuning = t.params.text(TUNING);
        format!("best {:.4} {tuning} (trial {})", v.abs(), t.number)
    });
    let few = [("pruned", count(State::Pruned)), ("failed", count(State::Failed))];
    let few: Vec<String> = few.iter().filter(|(_, n)| *n > 0).map(|(w, n)| format!("{n} {w}")).collect();
    [best, few.join(", ")].into_iter().filter(|s| !s.is_empty()).collect::<Vec<_>>().join(", ")
}

/// The recalibrations that the search tried, best first, by a score that sees calibration.
///
/// A recalibration moves no row past another, so that metrics of ranking (ROC-AUC, average precision, concordance)
/// find all of them equal and would take the first, however wrong its probabilities are. What it is for decides what it is
/// fitted by: log loss for probabilities, the integrated Brier score for times.
fn recalibrations(ladder: &Study, judge: &Judge<'_>, generalist: &Model) -> Vec<TuningPlan> {
    let mut trials: Vec<&Trial> =
        ladder.trials().iter().filter(|t| t.value().is_some() && rung(t).recalibrates()).collect();
    let estimand = judge.folds.first().map(|f| f.train.estimand).unwrap_or_default();
    let proper = match estimand {
        Estimand::Probability | Estimand::Classes(_) => metric::by_name_of("log-loss", estimand),
        Estimand::Survival { .. } => metric::by_name("integrated-brier"),
        // Their metrics are of the number itself.
        Estimand::Mean | Estimand::Quantile(_) => None,
        // A text has no scale.
        Estimand::Text => None,
    };
    let Some(proper) = proper.filter(|p| p.name() != judge.primary.name()) else {
        trials.sort_by(|a, b| b.value().unwrap_or(f64::MIN).total_cmp(&a.value().unwrap_or(f64::MIN)));
        return trials.iter().map(|t| plan(&t.params)).collect();
    };
    let mut plans: Vec<TuningPlan> = trials.iter().map(|t| plan(&t.params)).collect();
    plans.extend(spread_recalibrations(ladder.space()));
    let by_loss = Judge { folds: judge.folds, primary: proper.as_ref(), ctx: judge.ctx };
    let values = by_loss.values(plans.len(), |i, fold, ctx| {
        plans[i].fine_tune(fold.generalist.as_ref().unwrap_or(generalist), &fold.train, ctx)
    });
    let mean = |v: &Result<Vec<f64>, String>| v.as_ref().map_or(f64::MIN, |p| p.iter().sum::<f64>() / p.len() as f64);
    let mut order: Vec<usize> = (0..plans.len()).collect();
    order.sort_by(|&a, &b| mean(&values[b]).total_cmp(&mean(&values[a])));
    order.into_iter().map(|i| plans[i].clone()).collect()
}

/// Recalibrations from the weakest to the firmest of every such rung in `space`: fits of one or two numbers are quick, and a
/// search that was led by ranks had no reason to look for them.
fn spread_recalibrations(space: &Space) -> Vec<TuningPlan> {
    const STEPS: usize = 5;
    let mut out = Vec::new();
    for point in starting_points(space).iter().map(plan).filter(|p| p.rung.recalibrates()) {
        for step in 0..STEPS {
            let code = step as f64 / (STEPS - 1) as f64;
            let level = point.params.get(TUNING).cloned();
            let params = space.choose(|p| match &level {
                Some(level) if p.name == TUNING => level.clone(),
                _ => p.domain.value(code),
            });
            out.push(plan(&params));
        }
    }
    out
}

/// How much better the best trial looks than it is: its gap on folds that the search never saw. The
/// folds share their rows with the old ones, so this is the optimism of having chosen the best of many,
/// not that of having fitted.
fn optimism(ladder: &Study, fresh: &Judge<'_>, generalist: &Model, ctx: &Context) -> Option<Optimism> {
    let best = ladder.best()?;
    let inner = ctx.child("trial").single();
    let plan = plan(&best.params);
    let values = ctx.map(fresh.folds.len(), |k| {
        fresh.one(&fresh.folds[k], &inner, |fold, ctx| {
            plan.fine_tune(fold.generalist.as_ref().unwrap_or(generalist), &fold.train, ctx)
        })
    });
    let again: Vec<f64> = values.into_iter().collect::<Result<_, _>>().ok()?;
    let (mean, sd) = mean_sd(&again);
    let (found, spread) = mean_sd(&best.folds());
    let error = |sd: f64, n: usize| sd / (n as f64).sqrt();
    let gap = found - mean;
    let half = Z * error(sd, again.len()).hypot(error(spread, best.folds().len()));
    Some(Optimism {
        tuning: rung(best).name().into(),
        gap: Interval { estimate: gap, low: gap - half, high: gap + half },
        trials: ladder.trials().len(),
    })
}

/// Whether a complete trial was evaluated by a program of ours on all `k` folds, within the space.
fn is_ours(study: &Study, t: &Trial, k: usize) -> bool {
    let mean = t.steps.values().next_back().copied();
    t.worker().is_some() && t.steps.len() == k && mean == t.value() && study.space().encode(&t.params).is_some()
}

fn foreign(study: &Study, k: usize) -> usize {
    study.trials().iter().filter(|t| t.value().is_some() && !is_ours(study, t, k)).count()
}

/// The study without complete trials that were not judged here.
fn judged_here(study: &Study, k: usize) -> Study {
    study.only(|t| t.value().is_none() || is_ours(study, t, k))
}

fn keep() -> TuningPlan {
    TuningPlan { rung: &Keep, params: Params::default() }
}

fn rung(trial: &Trial) -> &'static dyn Rung {
    plan(&trial.params).rung
}

/// One point in the middle of every rung, so that each has a say however few trials there are.
fn starting_points(space: &Space) -> Vec<Params> {
    let Some(specialist_search::Domain::Categorical { levels, .. }) = space.params().first().map(|p| &p.domain) else {
        return Vec::new();
    };
    let point = |level: &specialist_search::Value| {
        space.choose(|p| if p.name == TUNING { level.clone() } else { p.domain.value(0.5) })
    };
    levels.iter().map(point).collect()
}

/// The weight of target rows at which a pooled fit does best.
fn search_pooled(
    source: &Dataset,
    settings: &EstimatorSettings,
    judge: &Judge<'_>,
    ctx: &Context,
) -> Result<f64, Error> {
    // Where every row counts the same there is nothing to search.
    if !settings.estimator.takes_weights() {
        return Ok(1.0);
    }
    let few: Vec<usize> = {
        let step = source.rows().div_ceil(POOLED_ROWS).max(1);
        (0..source.rows()).step_by(step).collect()
    };
    // Each source row of the part stands for `scale` rows of the whole.
    let scale = source.rows() as f64 / few.len() as f64;
    let source = source.select(&few);
    let values = judge.values(POOLED_WEIGHTS.len(), |i, fold, ctx| {
        let weight = (POOLED_WEIGHTS[i] / scale) as f32;
        match earlier(&source, fold.border) {
            Some(rows) => settings.pretrain(&source.select(&rows).pooled(&fold.train, weight)?, ctx),
            None => settings.pretrain(&source.pooled(&fold.train, weight)?, ctx),
        }
    });
    ctx.check()?;
    let mean = |v: &Result<Vec<f64>, String>| v.as_ref().map_or(f64::MIN, |p| p.iter().sum::<f64>() / p.len() as f64);
    let best = (0..values.len()).rev().max_by(|&a, &b| mean(&values[a]).total_cmp(&mean(&values[b])));
    Ok(POOLED_WEIGHTS[best.unwrap_or(0)])
}

/// The best trial, unless a lower rung does as well: the lowest rung whose best trial is within one
/// standard error of the best, the error being that of the paired difference over the folds.
fn choose(study: &Study) -> (TuningPlan, String) {
    let bests: Vec<&Trial> = <dyn Rung>::all().into_iter().filter_map(|r| study.best_where(|t| rung(t) == r)).collect();
    let judged: Vec<(&'static dyn Rung, Vec<f64>)> = bests.iter().map(|t| (rung(t), t.folds())).collect();
    let Some((best, chosen)) = lowest_of_folds(&judged) else {
        return (keep(), "No setting could be evaluated.".into());
    };
    let reason = if chosen == best {
        "It is the best in cross-validation, and every lower rung is behind by more than one standard error of the paired difference.".into()
    } else {
        format!(
            "The best rung in cross-validation was {}; {} is lower on the ladder and within one standard error of the paired difference.",
            judged[best].0.name(),
            judged[chosen].0.name()
        )
    };
    (plan(&bests[chosen].params), reason)
}

/// The best few trials.
fn best_few(study: &Study) -> Vec<&Trial> {
    const FEW: usize = 5;
    let mut best: Vec<&Trial> = study.trials().iter().filter(|t| t.value().is_some()).collect();
    best.sort_by(|a, b| b.value().unwrap_or(f64::MIN).total_cmp(&a.value().unwrap_or(f64::MIN)));
    best.truncate(FEW);
    best
}

/// The best tunings of the `size` rungs that do best in cross-validation; none where that is one rung or fewer.
fn ensemble(study: &Study, size: usize) -> Vec<TuningPlan> {
    let mut best: Vec<&Trial> =
        <dyn Rung>::all().into_iter().filter_map(|r| study.best_where(|t| rung(t) == r)).collect();
    best.sort_by(|a, b| b.value().unwrap_or(f64::MIN).total_cmp(&a.value().unwrap_or(f64::MIN)));
    best.truncate(size);
    if best.len() < 2 { Vec::new() } else { best.iter().map(|t| plan(&t.params)).collect() }
}

fn summarise(ladder: &Study, scratch: &Study, chosen: &TuningPlan, reason: String, primary: &dyn Metric) -> Summary {
    // Goodness back to the metric's own scale; for metrics with an ideal value it stays a distance.
    let sign = primary.goal().goodness(1.0).signum();
    let row = |tuning: &str, study: &Study, keep: &dyn Fn(&Trial) -> bool| {
        let best = study.best_where(keep)?;
        let (mean, sd) = mean_sd(&best.folds());
        let error = sd / (best.folds().len() as f64).sqrt();
        let mut settings = best.params.clone();
        settings.0.remove(TUNING);
        Some(BestTrial {
            tuning: tuning.into(),
            settings: if settings.0.is_empty() { "–".into() } else { settings.to_string() },
            trials: study.trials().iter().filter(|t| keep(t)).count(),
            value: Interval { estimate: sign * mean, low: sign * mean - error, high: sign * mean + error },
        })
    };
    let rungs = <dyn Rung>::all().into_iter().filter_map(|r| row(r.name(), ladder, &|t| rung(t) == r));
    let best = rungs.chain(row(Candidate::Scratch.name(), scratch, &|_| true)).collect();
    let mut settings = chosen.params.clone();
    settings.0.remove(TUNING);
    let settings = if settings.0.is_empty() { String::new() } else { format!(" ({settings})") };
    Summary {
        chosen: format!("{}{settings}", chosen.rung.name()),
        reason,
        metric: primary.name().into(),
        best,
        ..Summary::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_chosen_by_a_trial_that_was_not_judged_on_these_folds() {
        let mut study = Study::maximise("s", Space::new().float("decay", 0.8, 0.98), 0);
        let mut told = |decay: f64, steps: &[f64], value: f64| {
            let n = study.enqueue(Params([("decay".into(), decay.into())].into())).unwrap();
            steps.iter().enumerate().for_each(|(k, v)| study.report(n, k as u64 + 1, *v).unwrap());
            study.tell(n, Ok(&[value])).unwrap();
        };
        told(0.9, &[0.25, 0.5], 0.5);
        told(0.9, &[], 9.0);
        told(0.3, &[9.0, 9.0], 9.0);
        told(0.9, &[0.5, 0.5], 9.0);
        assert_eq!(foreign(&study, 2), 3);
        assert_eq!(judged_here(&study, 2).best().unwrap().number, 0);
    }
}
