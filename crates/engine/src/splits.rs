//! Beyond one parting: after the verdict the target is parted anew, many times, and every candidate is made and judged
//! again. What holds for one lucky parting does not hold here.

use specialist_core::bootstrap::{mean_sd, quantile};
use specialist_core::metric::{evaluate_model, order};
use specialist_core::{
    Candidate, Context, Dataset, Error, Estimand, FineTune, Metric, Panel, Predict, Pretrain, Scored, SplitKeys,
};
use specialist_tabular::{EstimatorSettings, Model, Rung, TuningPlan, plan};
use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::choose::lowest_of_folds;
use crate::recipe::Recipe;
use crate::stages::{Prepared, Tuned};

/// Metrics that are shown, the primary first.
const SHOWN: usize = 3;
const NAMES: [Candidate; 5] =
    [Candidate::Generalist, Candidate::Recalibrated, Candidate::Scratch, Candidate::Pooled, Candidate::Specialist];

/// What every parting makes its candidates with.
struct Maker<'a> {
    generalist: &'a Model,
    rungs: Vec<TuningPlan>,
    /// The specialist's rung.
    chosen: &'static dyn Rung,
    recalibration: TuningPlan,
    scratches: &'a [EstimatorSettings],
    pooled: Option<(&'a Dataset, &'a EstimatorSettings, f32)>,
    primary: &'a dyn Metric,
    keys: SplitKeys,
    folds: usize,
    repeats: usize,
}

/// The figures of all partings as a table; `None` where the recipe asks for no parting.
pub(crate) fn panel(
    recipe: &Recipe,
    prepared: &Prepared,
    tuned: &Tuned,
    metrics: &[Box<dyn Metric>],
    ctx: &Context,
) -> Result<Option<Panel>, crate::Error> {
    let n = recipe.compare.splits;
    if n == 0 {
        return Ok(None);
    }
    let ctx = &ctx.child("splits");
    let (keys, target, plans) = (recipe.split_keys()?, &prepared.loaded.target, &tuned.plans);
    let pooled = prepared.source_train.as_ref().zip(plans.pretrain.as_ref()).zip(plans.pooled_weight);
    let maker = Maker {
        generalist: tuned.candidates.get(Candidate::Generalist).expect("tune makes a generalist"),
        rungs: plans.rungs.iter().map(plan).collect(),
        chosen: plan(&plans.specialist).rung,
        recalibration: plan(&plans.recalibration),
        scratches: &plans.scratches,
        pooled: pooled.map(|((source, settings), weight)| (source, settings, weight as f32)),
        primary: metrics[0].as_ref(),
        keys,
        folds: recipe.tune.folds,
        repeats: recipe.tune.repeats,
    };
    let shown = &metrics[..metrics.len().min(SHOWN)];
    let budgets: Vec<Option<usize>> = recipe.compare.rows.iter().copied().map(Some).chain([None]).collect();
    ctx.observer().begin("splits", n);
    let found = ctx.map(n, |s| {
        let parted = keys.holdout(target, recipe.split.test, &mut ctx.rng(&format!("parting {s}")))?;
        let (train, test) = (target.select(&parted.train), target.select(&parted.test));
        let values = budgets.iter().map(|budget| {
            let inner = ctx.child(&format!("parting {s} of {budget:?}")).single();
            let part = part(&train, *budget, &inner)?;
            let candidates = maker.candidates(&part, &inner)?;
            let judge = |m: &Option<Model>| match m {
                Some(model) => judge(model, &test, shown),
                None => Ok(vec![f64::NAN; shown.len()]),
            };
            candidates.iter().map(judge).collect::<Result<Vec<_>, Error>>()
        });
        let values = values.collect::<Result<Vec<_>, Error>>();
        ctx.observer().step(None);
        Ok::<_, Error>((values?, train.rows(), test.rows()))
    });
    ctx.observer().end();
    let found = found.into_iter().collect::<Result<Vec<_>, _>>()?;
    ctx.check().map_err(crate::Error::from)?;
    Ok(Some(table(&found, &budgets, shown)))
}

/// So many rows of the train rows, or all.
fn part(train: &Dataset, budget: Option<usize>, ctx: &Context) -> Result<Dataset, Error> {
    let Some(rows) = budget.filter(|b| *b < train.rows()) else { return Ok(train.clone()) };
    let few = SplitKeys { stratify: true, ..SplitKeys::default() };
    let share = rows as f64 / train.rows() as f64;
    Ok(train.select(&few.holdout(train, share, &mut ctx.rng("part"))?.test))
}

fn judge(model: &Model, test: &Dataset, metrics: &[Box<dyn Metric>]) -> Result<Vec<f64>, Error> {
    let outputs = model.predictions(test)?;
    let (order, weight) = (order(&outputs), vec![1.0; test.rows()]);
    let scored = Scored {
        rows: test,
        outputs: &outputs,
        order: &order,
        weight: &weight,
        baseline: model.baseline(),
        counts: None,
    };
    Ok(metrics.iter().map(|m| m.value(&scored)).collect())
}

impl Maker<'_> {
    /// In the order of [`NAMES`]; none where a candidate cannot be made of these rows.
    fn candidates(&self, rows: &Dataset, ctx: &Context) -> Result<[Option<Model>; 5], Error> {
        let recalibrated = match rows.estimand {
            Estimand::Text => None,
            _ => self.recalibration.fine_tune(self.generalist, rows, ctx).ok(),
        };
        let pooled = match self.pooled {
            Some((source, settings, weight)) => Some(settings.pretrain(&source.pooled(rows, weight)?, ctx)?),
            None => None,
        };
        let specialist = self.specialist(rows, ctx)?.fine_tune(self.generalist, rows, ctx);
        // Where no tuning can be fitted to so few rows, what would ship is the generalist.
        let specialist = specialist.or_else(|e| match e {
            Error::Cancelled => Err(e),
            _ => Ok(self.generalist.clone()),
        })?;
        Ok([Some(self.generalist.clone()), recalibrated, self.scratch(rows, ctx)?, pooled, Some(specialist)])
    }

    /// Whether a rung is tried: of those that take minutes only the one that was chosen.
    fn affords(&self, plan: &TuningPlan) -> bool {
        !plan.rung.is_costly() || plan.rung == self.chosen
    }

    /// Goodness on each fold of `rows`, of the generalist's making by `fit`; empty where a fold cannot be judged.
    fn folds(
        &self,
        rows: &Dataset,
        ctx: &Context,
        fit: impl Fn(&Dataset) -> Result<Model, Error>,
    ) -> Result<Vec<f64>, Error> {
        let k = self.folds.min(rows.informative()).max(2);
        let Ok(splits) = self.keys.folds(rows, k, self.repeats, &mut ctx.rng("inner folds")) else {
            return Ok(Vec::new());
        };
        let mut out = Vec::with_capacity(splits.len());
        for s in &splits {
            ctx.check()?;
            let (train, test) = (rows.select(&s.train), rows.select(&s.test));
            // All folds or none: a mean over the folds that happened to work would favour whatever fails on the hard ones.
            let Ok(model) = fit(&train) else { return Ok(Vec::new()) };
            let value = evaluate_model(self.primary, &test, &model)?;
            if value.is_nan() {
                return Ok(Vec::new());
            }
            out.push(self.primary.goal().goodness(value));
        }
        Ok(out)
    }

    /// The lowest rung within one standard error of the best in cross-validation of these rows.
    fn specialist(&self, rows: &Dataset, ctx: &Context) -> Result<TuningPlan, Error> {
        let events = rows.informative();
        let (mut plans, mut judged) = (Vec::new(), Vec::new());
        for plan in self.rungs.iter().filter(|p| events >= p.rung.needs_events() && self.affords(p)) {
            let values = self.folds(rows, ctx, |train| plan.fine_tune(self.generalist, train, ctx))?;
            if !values.is_empty() {
                plans.push(plan);
                judged.push((plan.rung, values));
            }
        }
        let chosen = lowest_of_folds(&judged).map_or(&self.rungs[0], |(_, chosen)| plans[chosen]);
        Ok(chosen.clone())
    }

    /// Scratch with the settings that do best in cross-validation of these rows.
    fn scratch(&self, rows: &Dataset, ctx: &Context) -> Result<Option<Model>, Error> {
        let mut best = (f64::MIN, None);
        for settings in self.scratches {
            let values = self.folds(rows, ctx, |train| settings.pretrain(train, ctx))?;
            let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
            if best.1.is_none() || !values.is_empty() && mean > best.0 {
                best = (if values.is_empty() { f64::MIN } else { mean }, Some(settings));
            }
        }
        Ok(best.1.and_then(|s| s.pretrain(rows, ctx).ok()))
    }
}

/// Values of one parting by budget, candidate and metric; how many rows it trained on; how many it judged.
type Parting = (Vec<Vec<Vec<f64>>>, usize, usize);

fn table(found: &[Parting], budgets: &[Option<usize>], metrics: &[Box<dyn Metric>]) -> Panel {
    let mut rows = Vec::new();
    for (b, budget) in budgets.iter().enumerate() {
        let all = format!("all {}", found[0].1);
        let name = budget.map_or(all, |n| n.to_string());
        for (c, candidate) in NAMES.iter().enumerate() {
            let of = |c: usize, m: usize| found.iter().map(|f| f.0[b][c][m]).collect::<Vec<f64>>();
            if of(c, 0).iter().all(|v| v.is_nan()) {
                continue;
            }
            let mut row = vec![if c == 0 { name.clone() } else { String::new() }, candidate.to_string()];
            for (m, metric) in metrics.iter().enumerate() {
                let mut v = of(c, m);
                v.retain(|v| v.is_finite());
                let (d, (mean, sd)) = (metric.decimals(), mean_sd(&v));
                row.push(format!("{mean:.d$} ± {sd:.d$} ({:.d$} to {:.d$})", quantile(&v, 0.025), quantile(&v, 0.975)));
            }
            let goal = metrics[0].goal();
            let gains = of(c, 0).into_iter().zip(of(0, 0)).map(|(a, b)| goal.goodness(a) - goal.goodness(b));
            let gains: Vec<f64> = gains.filter(|g| g.is_finite()).collect();
            row.push(if c == 0 { "–".into() } else { gain(&gains, found[0].2 as f64 / found[0].1 as f64) });
            rows.push(row);
        }
    }
    let n = found.len();
    let mut header = vec!["target rows".to_string(), "candidate".into()];
    header.extend(metrics.iter().map(|m| m.name().to_string()));
    header.push(format!("gain in {}", metrics[0].name()));
    Panel {
        title: format!("{n} further partings of the target"),
        note: format!(
            "Mean ± standard deviation over {n} partings and the range of 95 % of them. In each the rung of the specialist and the settings of scratch are chosen by cross-validation among the best of the search. The gain is over the generalist on the same rows, with an interval for partings that share rows (Nadeau and Bengio 2003). Rows that were sealed for the verdict are trained on here, so this is beside it and no part of it."
        ),
        header,
        table: rows,
        printed: true,
        ..Panel::default()
    }
}

/// The mean gain with a 95 % interval: the variance is larger by the share of judged over trained rows, because partings
/// share rows.
fn gain(gains: &[f64], share: f64) -> String {
    let (mean, sd) = mean_sd(gains);
    let n = gains.len() as f64;
    let t = StudentsT::new(0.0, 1.0, (n - 1.0).max(1.0)).expect("a valid distribution").inverse_cdf(0.975);
    let half = t * sd * (1.0 / n + share).sqrt();
    format!("{mean:+.4} ({:+.4} to {:+.4})", mean - half, mean + half)
}
