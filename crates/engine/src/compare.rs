//! Opens the sealed rows, once, and judges every candidate on them.

use specialist_core::bootstrap::Bootstrap;
use specialist_core::evidence::{self, Evidence, JudgedCandidate, LabelCurve, Prediction};
use specialist_core::metric::evaluate_model;
use specialist_core::{
    Candidate, Context, Dataset, Estimand, FineTune, Metric, Pretrain, SplitKeys, VerdictRule, decide,
};
use specialist_tabular::{EstimatorSettings, Model, TuningPlan};

use crate::Error;
use crate::label_curve::{Drawn, curve};
use crate::recipe::Recipe;

/// The models that are judged, in the order of the tables.
pub struct Candidates {
    /// Name, what it is, the model.
    pub models: Vec<(Candidate, String, Model)>,
}

impl Candidates {
    /// The model of `candidate`.
    #[must_use]
    pub fn get(&self, candidate: Candidate) -> Option<&Model> {
        self.models.iter().find(|m| m.0 == candidate).map(|m| &m.2)
    }
}

/// How candidates are made again on fewer rows, for the label curve.
pub(crate) struct Remake<'a> {
    pub generalist: &'a Model,
    pub specialist: &'a TuningPlan,
    pub recalibration: &'a TuningPlan,
    pub scratch: &'a EstimatorSettings,
}

/// Rows that the comparison needs.
pub(crate) struct Rows<'a> {
    pub train: &'a Dataset,
    pub sealed: &'a Dataset,
    /// Source rows that nothing was trained on.
    pub source: Option<&'a Dataset>,
    /// What the field's simple methods say of the sealed rows.
    pub baselines: &'a [Prediction],
}

pub(crate) struct Judged {
    pub evidence: Evidence,
    pub predictions: Vec<Prediction>,
    pub bootstrap: Bootstrap,
}

/// Judges the candidates.
///
/// # Errors
/// When a model does not fit the rows, or the run is cancelled.
pub(crate) fn compare(
    recipe: &Recipe,
    candidates: &Candidates,
    remake: &Remake<'_>,
    rows: &Rows<'_>,
    metrics: &[Box<dyn Metric>],
    trials: usize,
    ctx: &Context,
) -> Result<Judged, Error> {
    let ctx = &ctx.child("compare");
    let keys = recipe.split_keys()?;
    let confidence = recipe.compare.confidence;
    let sealed = rows.sealed;
    let predict =
        |(name, what, model): &(Candidate, String, Model)| Ok(Prediction::of(name.name(), what, model, sealed)?);
    let mut predictions: Vec<Prediction> = candidates.models.iter().map(predict).collect::<Result<_, Error>>()?;
    let simple: Vec<&str> = rows.baselines.iter().map(|b| b.name.as_str()).collect();
    predictions.extend_from_slice(rows.baselines);
    let bootstrap = Bootstrap::new(sealed, keys, recipe.compare.bootstrap, ctx);
    let (mut judged, primary) = evidence::judge(sealed, &predictions, metrics, &bootstrap, confidence, ctx);
    ctx.check()?;
    // What cannot be told of these rows for any candidate (what cards cost, where there are no cards) is no column.
    let told = |m: usize| m == 0 || judged.iter().any(|c| !c.figures[m].interval.estimate.is_nan());
    let told: Vec<bool> = (0..metrics.len()).map(told).collect();
    for candidate in &mut judged {
        let mut keep = told.iter();
        candidate.figures.retain(|_| keep.next() == Some(&true));
    }

    let names: Vec<&str> = predictions.iter().map(|p| p.name.as_str()).collect();
    let pairs = pairs(&names, &simple);
    let differences = evidence::differences(&names, &pairs, &primary, confidence);

    let label_curve = label_curve(recipe, candidates, remake, rows, metrics[0].as_ref(), ctx)?;
    let source = forgetting(candidates, rows.source, &metrics[..1], recipe, ctx)?;
    let rule = VerdictRule { worthwhile: recipe.compare.worthwhile, fewest_events: recipe.compare.fewest_events };
    let verdict = decide(&rule, sealed.informative(), metrics[0].name(), &differences, &simple);
    let evidence = Evidence {
        primary: metrics[0].name().into(),
        rows: sealed.rows(),
        events: sealed.events(),
        train: (rows.train.rows(), rows.train.events()),
        bootstrap: (bootstrap.method(), bootstrap.replicates(), bootstrap.units()),
        confidence,
        trials,
        opened_before: 0,
        candidates: judged,
        differences,
        label_curve,
        source,
        verdict,
    };
    Ok(Judged { evidence, predictions, bootstrap })
}

/// Which candidates are compared: the specialist with every other, those that need no specialist with the generalist, and the
/// specialist with the `others`, by their places among `names`.
pub fn pairs(names: &[&str], others: &[&str]) -> Vec<(usize, usize)> {
    let place = |name: &str| names.iter().position(|n| *n == name);
    let of = |(a, b): (Candidate, Candidate)| (a.name(), b.name());
    [
        (Candidate::Specialist, Candidate::Generalist),
        (Candidate::Specialist, Candidate::Recalibrated),
        (Candidate::Specialist, Candidate::Scratch),
        (Candidate::Specialist, Candidate::Pooled),
        (Candidate::Specialist, Candidate::Ensemble),
        (Candidate::Recalibrated, Candidate::Generalist),
        (Candidate::Scratch, Candidate::Generalist),
        (Candidate::Pooled, Candidate::Generalist),
    ]
    .into_iter()
    .map(of)
    .chain(others.iter().map(|b| (Candidate::Specialist.name(), *b)))
    .filter_map(|(a, b)| Some((place(a)?, place(b)?)))
    .collect()
}

/// The primary metric on source rows that no candidate was trained on.
fn forgetting(
    candidates: &Candidates,
    source: Option<&Dataset>,
    primary: &[Box<dyn Metric>],
    recipe: &Recipe,
    ctx: &Context,
) -> Result<Vec<JudgedCandidate>, Error> {
    const REPLICATES: usize = 200;
    let Some(source) = source.filter(|s| s.informative() > 0) else { return Ok(Vec::new()) };
    // A predictor that only the target has cannot be asked there.
    let knows = |name: &str| source.features.iter().any(|f| f.name == name);
    if candidates.get(Candidate::Specialist).is_some_and(|m| m.features().iter().any(|f| !knows(&f.name))) {
        return Ok(Vec::new());
    }
    let predict = |of: Candidate| -> Result<Option<Prediction>, Error> {
        let Some((_, what, model)) = candidates.models.iter().find(|m| m.0 == of) else { return Ok(None) };
        Ok(Some(Prediction::of(of.name(), what, model, source)?))
    };
    let predictions: Vec<Prediction> =
        [predict(Candidate::Generalist)?, predict(Candidate::Specialist)?].into_iter().flatten().collect();
    let bootstrap = Bootstrap::new(source, recipe.split_keys()?, REPLICATES, &ctx.child("source"));
    Ok(evidence::judge(source, &predictions, primary, &bootstrap, recipe.compare.confidence, ctx).0)
}

/// Refits specialist and scratch on parts of the train rows and judges them on the sealed rows.
fn label_curve(
    recipe: &Recipe,
    candidates: &Candidates,
    remake: &Remake<'_>,
    rows: &Rows<'_>,
    primary: &dyn Metric,
    ctx: &Context,
) -> Result<LabelCurve, Error> {
    let (train, sealed) = (rows.train, rows.sealed);
    let mut budgets = recipe.compare.budgets.clone();
    budgets.sort_by(f64::total_cmp);
    budgets.dedup();
    let repeats = recipe.compare.repeats.max(1);
    let generalist = evaluate_model(primary, sealed, remake.generalist)?;
    let recalibrates = train.estimand != Estimand::Text;
    let draw = |budget: usize, repeat: usize| {
        let share = budgets[budget];
        let inner = ctx.child(&format!("curve {}", budget * repeats + repeat)).single();
        if share >= 1.0 {
            // All rows made the candidates themselves; made anew, a training's own chance would part the curve's end from the table.
            if repeat > 0 {
                return Ok(None);
            }
            let of = |c: Candidate| candidates.get(c).map(|m| evaluate_model(primary, sealed, m)).transpose();
            let mut values = vec![Some(generalist), of(Candidate::Specialist)?, of(Candidate::Scratch)?];
            if recalibrates {
                values.insert(1, of(Candidate::Recalibrated)?);
            }
            return Ok(Some(Drawn { rows: train.rows(), events: train.events(), values }));
        }
        // Few labels are those of few patients or cards, not a few of each: rows of a group are drawn together.
        let group = recipe.split.group_on.is_some();
        let few = SplitKeys { stratify: true, group, ..SplitKeys::default() };
        let part = match few.holdout(train, share, &mut ctx.rng(&format!("budget {share} {repeat}"))) {
            Ok(split) => train.select(&split.test),
            // So small a share of so few rows is no budget: the curve begins later.
            Err(specialist_core::Error::TooFew { .. }) => return Ok(None),
            Err(e) => return Err(e),
        };
        let part = &part;
        let (events, rarer) = (part.events(), part.informative());
        if rarer < 2 {
            return Ok(None);
        }
        let judge = |model: Result<Model, specialist_core::Error>| {
            let model = model.or_else(|e| {
                if matches!(e, specialist_core::Error::Cancelled) { Err(e) } else { Ok(remake.generalist.clone()) }
            })?;
            evaluate_model(primary, sealed, &model)
        };
        let recalibrated = match recalibrates {
            true => judge(remake.recalibration.fine_tune(remake.generalist, part, &inner))?,
            false => generalist,
        };
        let specialist = if remake.specialist.rung.is_costly() && repeat > 0 {
            None
        } else if rarer >= remake.specialist.rung.needs_events() {
            Some(judge(remake.specialist.fine_tune(remake.generalist, part, &inner))?)
        } else {
            Some(recalibrated)
        };
        let scratch = if remake.scratch.estimator.is_costly() && repeat > 0 {
            None
        } else {
            let made = remake.scratch.pretrain(part, &inner).ok();
            Some(made.map(|m| judge(Ok(m))).transpose()?.unwrap_or(f64::NAN))
        };
        let mut values = vec![Some(generalist), specialist, scratch];
        if recalibrates {
            values.insert(1, Some(recalibrated));
        }
        Ok(Some(Drawn { rows: part.rows(), events, values }))
    };
    let mut names = vec![Candidate::Generalist, Candidate::Specialist, Candidate::Scratch];
    if recalibrates {
        names.insert(1, Candidate::Recalibrated);
    }
    let (specialist, scratch) = (names.len() - 2, names.len() - 1);
    let pairs = [(scratch, 0), (scratch, specialist), (specialist, 0)];
    let names: Vec<&str> = names.into_iter().map(Candidate::name).collect();
    Ok(curve(&names, (budgets.len(), repeats), primary.goal(), &pairs, ctx, draw)?)
}

/// What a tuning is, for a table.
pub(crate) fn describe(plan: &TuningPlan) -> String {
    let mut settings = plan.params.clone();
    settings.0.remove("tuning");
    if settings.0.is_empty() { plan.rung.name().into() } else { format!("{} ({settings})", plan.rung.name()) }
}
