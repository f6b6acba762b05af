//! Reads source and target against the declared schema and makes the domain's features.

use std::path::Path;

use specialist_core::{
    Context, Dataset, Dialect, Domain, Estimand, FeatureStep, Finding, JudgedTables, Judgement, KeyRole, Labels,
    Population, SplitKeys, Tables, TablesInput,
};
use specialist_report::DataRow;
use specialist_tabular::read::{Options, ReadReport, read_all};

use crate::Error;
use crate::embeddings::Embeddings;
use crate::place::Place;
use crate::recipe::{Recipe, RecipeError};
use crate::split;
use crate::waivers::FINDINGS;

/// The rows of a run.
pub struct Loaded {
    /// Rows of the broad population, unless a model was brought instead.
    pub source: Option<Dataset>,
    /// Rows to specialise on.
    pub target: Dataset,
    /// What reading found.
    pub reports: Vec<ReadReport>,
    /// What the domain found, where it made the tables itself.
    pub own: Vec<Finding>,
    /// How text columns became numbers, where there are any.
    pub(crate) embeddings: Option<Embeddings>,
    /// How what is predicted of them is judged.
    pub judgement: Box<dyn Judgement>,
}

impl Loaded {
    /// A line a table.
    #[must_use]
    pub fn rows(&self) -> Vec<DataRow> {
        let names = if self.source.is_some() { &["source", "target"][..] } else { &["target"] };
        let sets = self.source.iter().chain([&self.target]);
        names
            .iter()
            .zip(sets)
            .zip(&self.reports)
            .map(|((name, set), report)| data_row(name, &report.input, set))
            .collect()
    }
}

pub(crate) fn data_row(name: &str, origin: &str, set: &Dataset) -> DataRow {
    // A path says more about a machine than about the data: the file's name is enough.
    let origin = Path::new(origin).file_name().map_or(origin.into(), |n| n.to_string_lossy().into_owned());
    DataRow { name: name.into(), origin, rows: set.rows(), events: set.events(), features: set.features.len() }
}

/// Reads what the recipe names.
///
/// # Errors
/// [`Error::Read`] with file, line and column; [`Error::Core`] when a label has one class only.
pub fn load(recipe: &Recipe, domain: &dyn Domain, place: &Place, ctx: &Context) -> Result<Loaded, Error> {
    if let Some((tables, judgement)) = made(recipe, domain, place, None)? {
        return labelled(recipe, tables, judgement);
    }
    let judgement = domain.judgement(&recipe.settings())?;
    Embeddings::check(recipe)?;
    let mut reports = Vec::new();
    type Cells = std::collections::BTreeMap<String, Vec<String>>;
    let mut table = |of: &str, data: &str, (filter, except): (&Cells, &Cells), most: usize, dialect: Dialect| {
        let input = place.input(data, domain)?;
        let options = Options { dialect, filter: filter.clone(), except: except.clone(), ..Options::default() };
        let mut schema = recipe.schema();
        if of == "source" {
            schema.columns.retain(|c| !recipe.columns[&c.name].only_target);
        }
        let (raw, report) = read_all(&input, &schema, &options)?;
        reports.push(report);
        let raw = drawn(raw, most, of, recipe, ctx)?;
        both_classes(&raw, &input.name())?;
        Ok::<Dataset, Error>(raw)
    };
    let (source, target) = (&recipe.source, &recipe.target);
    let source = match &source.data {
        Some(data) => Some(table("source", data, (&source.filter, &source.except), source.most, source.dialect()?)?),
        None => None,
    };
    let target = table("target", &target.data, (&target.filter, &target.except), target.most, target.dialect()?)?;
    every_class_occurs(source.as_ref(), &target, recipe)?;
    let (source, target) = (source.map(|s| in_order(s, recipe)), in_order(target, recipe));
    let mut embeddings = match (&source, recipe.text_columns().is_empty()) {
        // Of the rows that are trained on: what is held out or cut has no part in what texts become.
        (Some(source), false) => {
            let rows = split::source_train(recipe, source, &target, ctx)?;
            Embeddings::fit(recipe, Some(&source.select(&rows)), domain, place, ctx)?
        }
        (source, _) => Embeddings::fit(recipe, source.as_ref(), domain, place, ctx)?,
    };
    let mut features = |raw: Dataset| {
        let raw = match &mut embeddings {
            Some(embeddings) => embeddings.apply(&raw)?,
            None => raw,
        };
        features(raw, recipe, domain)
    };
    let source = source.map(&mut features).transpose()?;
    let target = features(target)?;
    if target.features.is_empty() && target.key(KeyRole::Text).is_none() {
        return Err(RecipeError::invalid("columns", "at least one column with role = \"feature\"").into());
    }
    Ok(Loaded { source, target, reports, own: Vec::new(), embeddings, judgement })
}

/// The tables that the domain makes itself, if it does; `data` stands in for both populations' files.
pub(crate) fn made(
    recipe: &Recipe,
    domain: &dyn Domain,
    place: &Place,
    data: Option<&str>,
) -> Result<Option<JudgedTables>, Error> {
    let settings = recipe.settings();
    let source = recipe.source.data.as_deref();
    let input = TablesInput {
        source: source.map(|of_recipe| Population { data: data.unwrap_or(of_recipe), filter: &recipe.source.filter }),
        target: Population { data: data.unwrap_or(&recipe.target.data), filter: &recipe.target.filter },
        settings: &settings,
        folder: &place.folder,
        dialect: recipe.target.dialect()?,
        gap: recipe.gap()?,
    };
    let tables = domain.tables(&input)?;
    if tables.is_some() {
        let (source, target) = (&recipe.source, &recipe.target);
        for (key, is_there) in [
            ("source.except", !source.except.is_empty()),
            ("target.except", !target.except.is_empty()),
            ("source.most", source.most > 0),
            ("target.most", target.most > 0),
        ] {
            if is_there {
                let expected = format!("left out: the domain {} makes its tables itself", domain.name());
                return Err(RecipeError::invalid(key, expected).into());
            }
        }
    }
    Ok(tables)
}

/// At most so many rows, whole groups of them where they are kept together.
fn drawn(raw: Dataset, most: usize, of: &str, recipe: &Recipe, ctx: &Context) -> Result<Dataset, Error> {
    if most == 0 || raw.rows() <= most {
        return Ok(raw);
    }
    let keys = SplitKeys { group: recipe.split.group_on.is_some(), ..SplitKeys::default() };
    let share = most as f64 / raw.rows() as f64;
    let split = keys.holdout(&raw, share, &mut ctx.rng(&format!("at most {of}")))?;
    Ok(raw.select(&split.test))
}

/// The rows of `tables` whose label is known.
fn labelled(recipe: &Recipe, tables: Tables, judgement: Box<dyn Judgement>) -> Result<Loaded, Error> {
    let known = |data: &Dataset| (0..data.rows()).filter(|&r| data.labels().is_known(r)).collect::<Vec<_>>();
    let target = tables.target.select(&known(&tables.target));
    let source = tables.source.map(|s| s.select(&known(&s)));
    let names: Vec<&str> =
        FINDINGS.names().into_iter().chain(tables.findings.iter().map(|f| f.name.as_str())).collect();
    if let Some(waived) = recipe.check.waive.iter().find(|w| !names.contains(&w.as_str())) {
        return Err(RecipeError::choice("check.waive", waived, &names).into());
    }
    let of = |input: &String, data: &Dataset| {
        both_classes(data, input)?;
        let rows = data.rows();
        Ok::<_, Error>(ReadReport { input: input.clone(), read: rows, kept: rows, ..ReadReport::default() })
    };
    let mut reports = Vec::new();
    if let Some(source) = &source {
        reports.push(of(&tables.origins.0, source)?);
    }
    reports.push(of(&tables.origins.1, &target)?);
    Ok(Loaded { source, target, reports, own: tables.findings, embeddings: None, judgement })
}

/// The rows in order of time, where there is a time and a feature step that may look back.
fn in_order(raw: Dataset, recipe: &Recipe) -> Dataset {
    match &raw.time {
        _ if recipe.features == "as-is" => raw,
        Some(time) if !time.is_sorted() => {
            let mut order: Vec<usize> = (0..raw.rows()).collect();
            order.sort_by_key(|&r| time[r]);
            raw.select(&order)
        }
        _ => raw,
    }
}

/// The recipe's feature step on all rows.
fn features(raw: Dataset, recipe: &Recipe, domain: &dyn Domain) -> Result<Dataset, Error> {
    if recipe.features == "as-is" {
        return Ok(raw);
    }
    Ok(step(recipe, domain)?.apply(raw)?)
}

fn step(recipe: &Recipe, domain: &dyn Domain) -> Result<Box<dyn FeatureStep>, Error> {
    domain.features(&recipe.features, recipe.gap()?).ok_or_else(|| {
        RecipeError::invalid("features", format!("a feature step of the domain {}, or \"as-is\"", domain.name())).into()
    })
}

/// What turns rows as they are read into a model's rows, chunk by chunk.
pub struct Steps {
    embeddings: Option<Embeddings>,
    domain: Box<dyn FeatureStep>,
}

impl Steps {
    /// The steps of an artifact.
    pub(crate) fn open(folder: &Path, recipe: &Recipe, domain: &dyn Domain) -> Result<Self, Error> {
        let ctx = Context::new(recipe.seed, 1);
        Ok(Self { embeddings: Embeddings::open(folder, recipe, &ctx)?, domain: step(recipe, domain)? })
    }

    /// The model's rows of `raw`.
    ///
    /// # Errors
    /// As [`FeatureStep::apply`].
    pub fn apply(&mut self, raw: Dataset) -> Result<Dataset, Error> {
        let raw = match &mut self.embeddings {
            Some(embeddings) => embeddings.apply(&raw)?,
            None => raw,
        };
        Ok(self.domain.apply(raw)?)
    }

    /// As [`FeatureStep::memory`].
    #[must_use]
    pub fn memory(&self) -> Option<&'static str> {
        self.domain.memory()
    }
}

/// A class that no row has is declared in vain, or misspelled; one that only the target's rows have, no generalist can know.
fn every_class_occurs(source: Option<&Dataset>, target: &Dataset, recipe: &Recipe) -> Result<(), Error> {
    let Labels::Classes { levels, .. } = target.labels() else { return Ok(()) };
    if levels.len() < 3 {
        return Ok(());
    }
    let has = |data: &Dataset, k: usize| data.labels().codes().iter().any(|c| *c as usize == k);
    let absent = |data: &Dataset| (0..levels.len()).filter(|&k| !has(data, k)).collect::<Vec<_>>();
    let (of_source, of_target) = (source.map_or(Vec::new(), absent), absent(target));
    let (missing, of) = match source {
        Some(_) if !of_source.is_empty() => (of_source, "the source has"),
        None if !of_target.is_empty() && recipe.source.model.is_none() && recipe.source.models.is_empty() => {
            (of_target, "the target has")
        }
        _ => return Ok(()),
    };
    let names: Vec<&str> = missing.iter().map(|&k| levels[k].as_str()).collect();
    Err(specialist_core::Error::Data {
        what: format!("{of} no row of the class {}: nothing can be learned of it there", names.join(", ")),
        hint: "take it out of the label's classes, or spell it as the files do".into(),
    }
    .into())
}

/// Fewest rows that are followed until the horizon.
const FEWEST_FOLLOWED: usize = 10;

fn both_classes(data: &Dataset, input: &str) -> Result<(), Error> {
    if let Estimand::Survival { horizon } = data.estimand {
        return followed(data, input, horizon);
    }
    if data.informative() == 0 {
        let rarer = if data.estimand.width() > 1 { "a second class" } else { "the rarer label" };
        let what = format!("rows of {rarer} in {input}, whose {} rows all have one label", data.rows());
        return Err(specialist_core::Error::TooFew { what, found: 0, needed: 1 }.into());
    }
    Ok(())
}

/// Whether there are events, and rows that are followed until the horizon.
fn followed(data: &Dataset, input: &str, horizon: f64) -> Result<(), Error> {
    let refuse = |what: String, hint: &str| Err(specialist_core::Error::Data { what, hint: hint.into() }.into());
    let n = data.rows();
    let events = data.events();
    if events < 2 {
        return refuse(
            format!(
                "{input}: {events} of {n} rows have an event until {horizon}: nothing can be learned from censored rows alone"
            ),
            "is the event column coded the other way round? `positive` names what means the event",
        );
    }
    let times = data.labels().times();
    let longest = times.iter().fold(0.0f64, |m, l| m.max(l.time));
    let until = times.iter().filter(|l| l.time >= horizon).count();
    if until < FEWEST_FOLLOWED {
        let places = specialist_core::survival::decimals(horizon);
        return refuse(
            format!(
                "{input}: {until} of {n} rows are followed until the horizon of {horizon} (the longest: {longest:.places$}); at least {FEWEST_FOLLOWED} are needed"
            ),
            "set an earlier `horizon` on the duration column, in the unit of its times",
        );
    }
    Ok(())
}
