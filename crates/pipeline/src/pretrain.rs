//! Makes the generalist: fits it on source rows, or takes a model that was trained elsewhere.

use std::path::Path;

use specialist_core::{Context, Dataset, Metric, Predict, Pretrain, SplitKeys, metric};
use specialist_search::{Random, Study};
use specialist_tabular::{Base, Estimator, EstimatorSettings, Forest, Model};

use crate::recipe::Recipe;
use crate::{Error, Place, artifact};

/// Settings are tried on at most this many source rows.
const SEARCH_ROWS: usize = 20_000;

/// The generalist and how it came about.
pub struct Pretrained {
    /// The model.
    pub model: Model,
    /// The settings it was fitted with, for `pooled` to use; none for a model from elsewhere.
    pub settings: Option<EstimatorSettings>,
    /// Trials it took.
    pub trials: usize,
}

/// Searches settings on a part of the source rows held out for it, then fits on all of them.
///
/// # Errors
/// When the rows are too few or the estimator fails on every setting.
pub fn pretrain(recipe: &Recipe, source: &Dataset, primary: &dyn Metric, ctx: &Context) -> Result<Pretrained, Error> {
    let estimator = recipe.estimator()?;
    let ctx = &ctx.child("pretrain");
    let trials = recipe.pretrain.trials;
    ctx.observer().begin("pretrain", trials + 1);
    let settings = if trials == 0 { estimator.defaults() } else { search(recipe, estimator, source, primary, ctx)? };
    let model = settings.pretrain(source, &ctx.child("fit"))?;
    ctx.observer().step(None);
    ctx.observer().end();
    Ok(Pretrained { model, settings: Some(settings), trials })
}

fn search(
    recipe: &Recipe,
    estimator: Estimator,
    source: &Dataset,
    primary: &dyn Metric,
    ctx: &Context,
) -> Result<EstimatorSettings, Error> {
    let keys = recipe.split_keys()?;
    let part = if source.rows() > SEARCH_ROWS {
        let few = SplitKeys { stratify: true, ..SplitKeys::default() };
        let share = SEARCH_ROWS as f64 / source.rows() as f64;
        &source.select(&few.holdout(source, share, &mut ctx.rng("part"))?.test)
    } else {
        source
    };
    let split = keys.holdout(part, 0.25, &mut ctx.rng("validation"))?;
    let (train, test) = (part.select(&split.train), part.select(&split.test));
    let mut study = Study::maximise("pretrain", estimator.space(), ctx.seed());
    study.enqueue(specialist_search::Params::default());
    while study.trials().len() < recipe.pretrain.trials && study.ask(&Random).is_some() {}
    let goodness = ctx.map(study.trials().len(), |i| {
        let settings = estimator.settings(&study.trials()[i].params);
        let fit = settings.pretrain(&train, &ctx.child("trial").single())?;
        ctx.observer().step(None);
        Ok::<f64, specialist_core::Error>(primary.goal().goodness(metric::evaluate(
            primary,
            &test,
            &fit.probability(&test)?,
        )))
    });
    for (i, g) in goodness.into_iter().enumerate() {
        study.tell(i, g.map(|g| vec![g]).map_err(|e| e.to_string()));
    }
    Ok(study.best().map_or_else(|| estimator.defaults(), |t| estimator.settings(&t.params)))
}

/// The model that the recipe brings instead of source rows.
///
/// # Errors
/// [`Error::Model`] when the file is cut short, altered, or made for other columns.
pub fn bring(path: &str, target: &Dataset, place: &Place) -> Result<Pretrained, Error> {
    let path = place.path(path);
    let model = if path.is_dir() {
        artifact::load_model(&path, "generalist")?
    } else {
        let bytes = std::fs::read(&path).map_err(|_| Error::Usage {
            what: format!("{}: there is no such model file", path.display()),
            hint: "check the path; it is taken relative to the recipe's folder".into(),
        })?;
        Model::new(Base::Trees(import(&path, &bytes, target)?))
    };
    // Scoring one row tells at once whether the columns fit.
    model.margin(&target.select(&[0])).map_err(|e| refused(&path, &e))?;
    Ok(Pretrained { model, settings: None, trials: 0 })
}

fn import(path: &Path, bytes: &[u8], target: &Dataset) -> Result<Forest, Error> {
    Forest::import(bytes, &target.features).map_err(|e| refused(path, &e))
}

fn refused(path: &Path, e: &specialist_core::Error) -> Error {
    Error::Model { file: path.display().to_string(), error: specialist_tabular::ModelError::Format(e.to_string()) }
}
