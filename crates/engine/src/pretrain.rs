//! Makes the generalist: fits it on source rows, or takes a model that was trained elsewhere.

use std::collections::HashMap;
use std::path::Path;

use specialist_core::{
    Candidate, Context, Dataset, Estimand, Feature, FeatureKind, Metric, Predict, Pretrain, SplitKeys, metric,
    same_value,
};
use specialist_search::{Auto, StartingWith, Study};
use specialist_tabular::exchange::{self, Imported};
use specialist_tabular::{Base, Estimator, EstimatorSettings, Model, ModelError};

use crate::artifact::Artifact;
use crate::recipe::{Recipe, RecipeError, parse};
use crate::sources::{self, Moments};
use crate::{Error, Place};

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
    /// The study that found the settings, where there was one.
    pub study: Option<Study>,
    /// What there is to say of where it came from.
    pub note: String,
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
    let (settings, study) = if trials == 0 || !estimator.learns() {
        (estimator.defaults(), None)
    } else {
        search(recipe, estimator, source, primary, ctx)?
    };
    let model = settings.pretrain(source, &ctx.child("fit"))?;
    ctx.observer().step(None);
    ctx.observer().end();
    let trials = if study.is_some() || estimator.learns() { trials } else { 0 };
    Ok(Pretrained {
        model,
        settings: Some(settings).filter(|_| estimator.learns()),
        trials,
        study,
        note: String::new(),
    })
}

fn search(
    recipe: &Recipe,
    estimator: &'static dyn Estimator,
    source: &Dataset,
    primary: &dyn Metric,
    ctx: &Context,
) -> Result<(EstimatorSettings, Option<Study>), Error> {
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
    if let Some(path) = estimator.path(recipe.pretrain.trials, &train, ctx)? {
        let mut best = (f64::MIN, estimator.defaults());
        for (params, fit) in path {
            ctx.observer().step(None);
            let value = primary.goal().goodness(metric::evaluate_model(primary, &test, &fit)?);
            if value > best.0 {
                best = (value, estimator.settings(&params));
            }
        }
        return Ok((best.1, None));
    }
    let mut study = Study::maximise("pretrain", estimator.space(), ctx.seed());
    let sampler = StartingWith { points: vec![estimator.default_params()], then: &Auto::default() };
    // Asked in batches, so that a batch runs in parallel and the study is the same on any number of
    // threads.
    const BATCH: usize = 4;
    while study.trials().len() < recipe.pretrain.trials {
        ctx.check()?;
        let done = study.trials().len();
        while study.trials().len() < recipe.pretrain.trials.min(done + BATCH) && study.ask(&sampler)?.is_some() {}
        if study.trials().len() == done {
            break;
        }
        let goodness = ctx.map(study.trials().len() - done, |i| {
            let settings = estimator.settings(&study.trials()[done + i].params);
            let fit = settings.pretrain(&train, &ctx.child("trial").single())?;
            ctx.observer().step(None);
            let value = metric::evaluate_model(primary, &test, &fit)?;
            Ok::<f64, specialist_core::Error>(primary.goal().goodness(value))
        });
        for (i, g) in goodness.into_iter().enumerate() {
            match g {
                Ok(v) => study.tell(done + i, Ok(&[v]))?,
                Err(e) => study.tell(done + i, Err(&e.to_string()))?,
            }
        }
    }
    let settings = study.best().map_or_else(|| estimator.defaults(), |t| estimator.settings(&t.params));
    Ok((settings, Some(study)))
}

/// The model that the recipe brings instead of source rows.
///
/// # Errors
/// [`Error::Model`] when the file is cut short, altered, or made for other columns.
pub fn bring(path: &str, recipe: &Recipe, target: &Dataset, place: &Place) -> Result<Pretrained, Error> {
    let (model, note) = one(path, recipe, target, place)?;
    Ok(Pretrained { model, settings: None, trials: 0, study: None, note })
}

/// The models that the recipe brings, those of use for the target averaged to one.
///
/// # Errors
/// As [`bring`].
pub fn bring_several(
    recipe: &Recipe,
    target: &Dataset,
    primary: Box<dyn Metric>,
    place: &Place,
    ctx: &Context,
) -> Result<Pretrained, Error> {
    let mut notes = Vec::new();
    let mut models = Vec::new();
    for path in &recipe.source.models {
        let (model, note) = one(path, recipe, target, place)?;
        let name = Path::new(path).file_stem().map_or(path.clone(), |n| n.to_string_lossy().into_owned());
        models.push((name, model));
        notes.extend((!note.is_empty()).then_some(note));
    }
    let selected = sources::select(models, target, recipe.split_keys()?, primary, ctx)?;
    notes.insert(0, selected.note);
    Ok(Pretrained { model: selected.model, settings: None, trials: 0, study: None, note: notes.join(" ") })
}

/// The levels that the brought models name, a list a column: merged for privacy they would hide nothing, and the models
/// would know them no more. A model that cannot be read names none; [`bring`] says why.
pub(crate) fn levels_brought(recipe: &Recipe, target: &Dataset, place: &Place) -> HashMap<String, Vec<String>> {
    let mut out: HashMap<String, Vec<String>> = HashMap::new();
    if target.features.iter().all(|f| f.kind == FeatureKind::Number) {
        return out;
    }
    for path in recipe.source.model.iter().chain(&recipe.source.models) {
        let path = place.path(path);
        let features = if path.is_dir() {
            Artifact::open(&path)
                .and_then(|a| a.model(Candidate::Generalist.name()))
                .map(|m| m.features().into_owned())
                .ok()
        } else {
            let import = |bytes: Vec<u8>| exchange::import(&bytes, target.estimand, &target.features).ok();
            std::fs::read(&path).ok().and_then(import).map(|imported| imported.forest.features)
        };
        for f in features.into_iter().flatten() {
            if let FeatureKind::Category { levels } = f.kind {
                out.entry(f.name).or_default().extend(levels);
            }
        }
    }
    out
}

/// A model that was trained elsewhere, and what its artifact says of the rows behind it.
fn one(path: &str, recipe: &Recipe, target: &Dataset, place: &Place) -> Result<(Model, String), Error> {
    let path = place.path(path);
    let mut notes = Vec::new();
    let model = if path.is_dir() {
        let artifact = Artifact::open(&path)?;
        same_classes(&artifact, recipe)?;
        artifact.model(Candidate::Generalist.name())?
    } else {
        let bytes = std::fs::read(&path).map_err(|_| Error::Usage {
            what: format!("{}: there is no such model file", path.display()),
            hint: "check the path; it is taken relative to the recipe's folder".into(),
        })?;
        let imported = exchange::import(&bytes, target.estimand, &target.features)
            .map_err(|error| Error::Model { file: path.display().to_string(), error })?;
        levels_declared(&imported, recipe)?;
        levels_agree(&imported, recipe, &path)?;
        levels_known(&imported.forest.features, target, &path)?;
        notes = imported.notes;
        Model::new(Base::Trees(imported.forest))
    };
    if !model.estimand().agrees(target.estimand) {
        let (has, asked) = (model.estimand().word(), target.estimand.word());
        let what = match (model.estimand(), target.estimand) {
            (Estimand::Survival { horizon: own }, Estimand::Survival { horizon }) => {
                format!("it predicts the risk until {own}, the labels ask for that until {horizon}")
            }
            _ => format!("it predicts a {has}, the labels ask for a {asked}"),
        };
        return Err(refused(&path, &specialist_core::Error::Mismatch(what)));
    }
    // Scoring one row tells at once whether the columns fit.
    model.margins(&target.select(&[0])).map_err(|e| refused(&path, &e))?;
    let moments = path.is_dir().then(|| Artifact::open(&path)?.read_json::<Option<Moments>>("moments.json"));
    let apart = moments.and_then(Result::ok).flatten().map(|m| m.apart(target)).unwrap_or_default();
    let told: Vec<String> = apart.iter().map(|(name, d)| format!("{name} ({d:+.1})")).collect();
    let file = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    if !told.is_empty() {
        notes.push(format!(
            "The rows behind {file} are of another population by {} (standard deviations).",
            told.join(", ")
        ));
    }
    Ok((model, notes.join(" ")))
}

/// A model knows classes by their codes only: those of an artifact must be the label's, in its order.
fn same_classes(artifact: &Artifact, recipe: &Recipe) -> Result<(), Error> {
    let (folder, text) = (artifact.folder(), artifact.read_text("recipe.toml")?);
    let theirs = parse(&folder.join("recipe.toml").display().to_string(), &text, &[])?.classes();
    let own = recipe.classes();
    if theirs.len() == own.len() && theirs.iter().zip(&own).all(|(a, b)| same_value(a, b)) {
        return Ok(());
    }
    let told = |classes: &[String]| if classes.is_empty() { "a yes and a no".into() } else { classes.join(", ") };
    Err(Error::Usage {
        what: format!("{}: it tells apart {}, the label {}", folder.display(), told(&theirs), told(&own)),
        hint: "declare the label's classes as the artifact's recipe does, in its order".into(),
    })
}

/// A model that knows categories by their codes only: which level has which code must be declared.
fn levels_declared(imported: &Imported, recipe: &Recipe) -> Result<(), Error> {
    let undeclared = |name: &&String| recipe.columns.get(*name).is_none_or(|c| c.levels.is_empty());
    let Some(name) = imported.without_levels.iter().find(undeclared) else { return Ok(()) };
    Err(RecipeError::Invalid {
        key: format!("columns.{name}.levels"),
        expected: "declared: the model knows this category by its codes only".into(),
        hint: Some("list the levels in the order the model was trained with (pandas categories: alphabetical)".into()),
    }
    .into())
}

/// Levels that the model stores are the truth: a recipe that lists them in another order contradicts it, and one of the two
/// is wrong.
fn levels_agree(imported: &Imported, recipe: &Recipe, path: &Path) -> Result<(), Error> {
    for f in &imported.forest.features {
        let FeatureKind::Category { levels: stored } = &f.kind else { continue };
        let Some(declared) = recipe.columns.get(&f.name).map(|c| &c.levels) else { continue };
        if declared.is_empty() || imported.without_levels.contains(&f.name) {
            continue;
        }
        let place = |l: &String| stored.iter().position(|s| same_value(s, l));
        let known: Vec<usize> = declared.iter().filter_map(place).collect();
        if !known.is_sorted() {
            return Err(RecipeError::Invalid {
                key: format!("columns.{}.levels", f.name),
                expected: format!("in the order that {} stores, or left out", path.display()),
                hint: Some("leave `levels` out: the model file says which level has which code".into()),
            }
            .into());
        }
    }
    Ok(())
}

/// A column of which the model knows no level at all is spelled in another way.
fn levels_known(features: &[Feature], target: &Dataset, path: &Path) -> Result<(), Error> {
    for f in features {
        let FeatureKind::Category { levels } = &f.kind else { continue };
        let observed = target.observed_levels(target.feature(&f.name)?);
        let known = |o: &&&str| levels.iter().any(|l| same_value(l, o));
        if !observed.is_empty() && observed.iter().filter(known).count() == 0 {
            let what = format!("it knows none of the levels of `{}` in the target's rows", f.name);
            let hint = "spell the levels as the rows did that the model was trained on".into();
            return Err(Error::Model {
                file: path.display().to_string(),
                error: ModelError::Unsupported { what, hint },
            });
        }
    }
    Ok(())
}

fn refused(path: &Path, e: &specialist_core::Error) -> Error {
    Error::Model { file: path.display().to_string(), error: specialist_tabular::ModelError::Format(e.to_string()) }
}
