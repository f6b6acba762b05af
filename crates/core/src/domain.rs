//! What a domain is: its recipes, its data, its features, its tables. How it judges is a [`Judgement`].

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::{Dataset, Dialect, Error, Finding, JudgedBy, Judgement};

/// A runnable recipe that ships with a domain.
///
/// ```
/// use specialist_core::Recipe;
/// let recipe = Recipe { name: "credit", text: "name = \"credit\"\n" };
/// assert!(recipe.text.contains(recipe.name));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Recipe {
    /// What `--recipe NAME` takes.
    pub name: &'static str,
    /// The TOML text.
    pub text: &'static str,
}

/// Turns rows as they are read into rows as the model takes them, in one pass. A file that is
/// streamed is given chunk by chunk to the same step, which keeps what it must remember.
///
/// ```
/// use specialist_core::{Dataset, Error, Feature, FeatureStep, Labels};
/// struct SecondsToHours;
/// impl FeatureStep for SecondsToHours {
///     fn apply(&mut self, mut raw: Dataset) -> Result<Dataset, Error> {
///         raw.base.records.mapv_inplace(|seconds| seconds / 3600.0);
///         Ok(raw)
///     }
/// }
/// let raw = Dataset::new(vec![Feature::number("waited")], ndarray::array![[7200.0]], Labels::binary([true]))?;
/// assert_eq!(SecondsToHours.apply(raw)?.row(0)[0], 2.0);
/// # Ok::<(), Error>(())
/// ```
pub trait FeatureStep: Send {
    /// The features of `raw`, whose rows come in order of time when the data has a time column.
    ///
    /// # Errors
    /// When a column that the features need is not there, or the rows go back in time.
    fn apply(&mut self, raw: Dataset) -> Result<Dataset, Error>;

    /// What the step remembers of earlier rows, where it does: a file that begins without them is scored otherwise.
    fn memory(&self) -> Option<&'static str> {
        None
    }
}

/// The step that takes the columns as they are.
///
/// ```
/// use specialist_core::{Dataset, Feature, FeatureStep, Identity, Labels};
/// let raw = Dataset::new(vec![Feature::number("x")], ndarray::array![[2.0]], Labels::binary([true]))?;
/// assert_eq!(Identity.apply(raw)?.row(0)[0], 2.0);
/// # Ok::<(), specialist_core::Error>(())
/// ```
pub struct Identity;

impl FeatureStep for Identity {
    fn apply(&mut self, raw: Dataset) -> Result<Dataset, Error> {
        Ok(raw)
    }
}

/// Where a population's data is, as a recipe says it.
///
/// ```
/// use specialist_core::Population;
/// use std::collections::BTreeMap;
/// let filter = BTreeMap::from([("site".to_string(), vec!["north".to_string()])]);
/// let north = Population { data: "visits.csv", filter: &filter };
/// assert_eq!(north.filter["site"], ["north"]);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Population<'a> {
    /// A file, or `embedded:NAME`.
    pub data: &'a str,
    /// Column → the cells that a row must have one of.
    pub filter: &'a BTreeMap<String, Vec<String>>,
}

/// What a domain makes its tables from.
///
/// ```
/// use specialist_core::{Dialect, Population, TablesInput};
/// use std::{collections::BTreeMap, path::Path};
/// let all = BTreeMap::new();
/// let target = Population { data: "bars.csv", filter: &all };
/// let (folder, dialect) = (Path::new("data"), Dialect::default());
/// let input = TablesInput { source: None, target, settings: "", folder, dialect, gap: 86_400 };
/// assert!(input.folder.join(input.target.data).ends_with("data/bars.csv"));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct TablesInput<'a> {
    /// The broad population, unless a model was brought instead.
    pub source: Option<Population<'a>>,
    /// The population to specialise on.
    pub target: Population<'a>,
    /// The recipe's `[domain]` as TOML text.
    pub settings: &'a str,
    /// Where relative paths start.
    pub folder: &'a Path,
    /// How CSV files are written.
    pub dialect: Dialect,
    /// Seconds that the recipe's split leaves between train rows and sealed ones.
    pub gap: i64,
}

/// Tables that a domain made itself.
///
/// ```
/// use specialist_core::{Dataset, Feature, Labels, Tables};
/// let target = Dataset::new(vec![Feature::number("x")], ndarray::array![[1.0]], Labels::from(vec![f64::NAN]))?;
/// let origins = (String::new(), "bars.csv".to_string());
/// let tables = Tables { source: None, target, origins, findings: vec![] };
/// assert!(!tables.target.labels().is_known(0));
/// # Ok::<(), specialist_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Tables {
    /// Rows of the broad population.
    pub source: Option<Dataset>,
    /// Rows to specialise on; a label that is not known yet is `NaN`.
    pub target: Dataset,
    /// Names of the files, the source's first, for messages.
    pub origins: (String, String),
    /// What was found while reading, beside the findings of every run.
    pub findings: Vec<Finding>,
}

/// Tables that a domain made itself, with how what is predicted of them is judged.
pub type JudgedTables = (Tables, Box<dyn Judgement>);

/// A domain: the adapter between one field's data and the shared engine.
///
/// ```
/// use specialist_core::{Domain, Error, Estimand, JudgedBy, Judgement, Recipe, metric};
/// struct Credit;
/// impl Domain for Credit {
///     fn name(&self) -> &'static str { "credit" }
///     fn about(&self) -> &'static str { "Credit scoring: will the loan be repaid?" }
///     fn recipes(&self) -> &'static [Recipe] { &[] }
///     fn judgement(&self, settings: &str) -> Result<Box<dyn Judgement>, Error> {
///         self.no_settings(settings)?;
///         Ok(Box::new(JudgedBy(|| vec![Box::new(metric::LogLoss)])))
///     }
/// }
/// assert_eq!(Credit.judgement("")?.metrics(Estimand::Probability)[0].name(), "log-loss");
/// # Ok::<(), Error>(())
/// ```
pub trait Domain: Send + Sync {
    /// The binary's name.
    fn name(&self) -> &'static str;

    /// One line for `--help`.
    fn about(&self) -> &'static str;

    /// The recipes that ship with it; the first runs when no recipe is named.
    fn recipes(&self) -> &'static [Recipe];

    /// Fewest rows that must stand behind a value which a model or a report writes down, where a recipe does not say
    /// ([`Dataset::fewest_rows`]); 0 where any value may be written.
    fn fewest_rows(&self) -> usize {
        0
    }

    /// The names of the embedded data sets (`embedded:NAME` in a recipe) with a line on each.
    fn data_names(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// An embedded data set as CSV text.
    fn data(&self, _name: &str) -> Option<Cow<'static, [u8]>> {
        None
    }

    /// Whether free text is what its rows are about: `init` then reads such columns, and does not leave them out.
    fn reads_texts(&self) -> bool {
        false
    }

    /// The folder of what was fetched under `name`, for a domain whose program fetches; `None` where there is no such name.
    ///
    /// # Errors
    /// [`Error::Data`] when it is known and was not fetched, with the way to get it.
    fn fetched(&self, _name: &str) -> Result<Option<PathBuf>, Error> {
        Ok(None)
    }

    /// A fetched table (`fetched:NAME` in a recipe) as CSV text.
    ///
    /// # Errors
    /// As [`Domain::fetched`].
    fn fetched_table(&self, _name: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(None)
    }

    /// The feature step called `name` in a recipe; labels become known `label_delay` seconds after
    /// the row's time.
    fn features(&self, name: &str, _label_delay: i64) -> Option<Box<dyn FeatureStep>> {
        (name == "as-is").then(|| Box::new(Identity) as Box<dyn FeatureStep>)
    }

    /// Source and target rows with how they are judged, for a domain that makes them itself (bars of many assets become rows with
    /// features and a label); `None` where a row of a file is a row of the table.
    ///
    /// # Errors
    /// [`Error::Data`] or [`Error::Setting`] when the data or `[domain]` is not what it must be.
    fn tables(&self, _input: &TablesInput<'_>) -> Result<Option<JudgedTables>, Error> {
        Ok(None)
    }

    /// How the predictions of a run are judged, by the settings of its `[domain]` as TOML text: what they may be is checked here. For a
    /// run whose tables the domain makes itself, the judgement comes with them ([`Domain::tables`]).
    ///
    /// # Errors
    /// [`Error::Setting`] with the key.
    fn judgement(&self, settings: &str) -> Result<Box<dyn Judgement>, Error> {
        self.no_settings(settings)?;
        Ok(Box::new(JudgedBy::default()))
    }

    /// Refuses settings, for a domain that has none.
    ///
    /// # Errors
    /// [`Error::Setting`] when there are any.
    fn no_settings(&self, settings: &str) -> Result<(), Error> {
        if settings.trim().is_empty() {
            return Ok(());
        }
        let expected = format!("left out: the domain {} has no such settings", self.name());
        Err(Error::Setting { setting: "domain".into(), expected })
    }

    /// The JSON schema of `[domain]` of a recipe, for a domain that has such settings.
    fn settings_schema(&self) -> Option<String> {
        None
    }

    /// What the rows of [`Domain::tables`] are called where scores are written; `None` where a row is a line of a file.
    fn names(&self, _rows: &Dataset) -> Option<Vec<String>> {
        None
    }

    /// A first recipe for the file `data`, where the domain knows the form of its files; `None` where columns must be
    /// declared. Paths of the recipe are `written` so.
    ///
    /// # Errors
    /// When the file is not of that form.
    fn recipe_for(&self, _data: &Path, _written: &str) -> Result<Option<String>, Error> {
        Ok(None)
    }

    /// How many of the recipes, from the first, run when neither a verb nor a recipe is named.
    fn headline_runs(&self) -> usize {
        1
    }
}
