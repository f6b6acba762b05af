//! What a domain adds: its data, its features, its metrics and its own evidence.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::bootstrap::Bootstrap;
use crate::evidence::{Interval, Prediction};
use crate::{Context, Dataset, Dialect, Error, Estimand, Finding, Metric, Predict};

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

/// What a domain may look at to add evidence of its own.
///
/// ```
/// use specialist_core::{Context, Dataset, Feature, Labels, PanelInput, SplitKeys, bootstrap::Bootstrap};
/// let rows = Dataset::new(vec![Feature::number("x")], ndarray::Array2::zeros((20, 1)), Labels::binary([true; 20]))?;
/// let ctx = Context::new(1, 1);
/// let bootstrap = Bootstrap::new(&rows, SplitKeys::default(), 50, &ctx);
/// let input = PanelInput {
///     train: &rows, source: None, settings: "", rows: &rows, trials: 0, predictions: &[], models: &[],
///     bootstrap: &bootstrap, confidence: 0.95, ctx: &ctx,
/// };
/// assert_eq!(input.interval(|weight| weight.iter().sum::<f64>()).estimate, 20.0);
/// # Ok::<(), specialist_core::Error>(())
/// ```
pub struct PanelInput<'a> {
    /// The rows that were trained on.
    pub train: &'a Dataset,
    /// Source rows that the generalist was trained on, where it was.
    pub source: Option<&'a Dataset>,
    /// The recipe's `[domain]` as TOML text.
    pub settings: &'a str,
    /// The sealed rows.
    pub rows: &'a Dataset,
    /// Trials that the search looked at.
    pub trials: usize,
    /// Every candidate's predictions on them.
    pub predictions: &'a [Prediction],
    /// The candidates that are models, by name.
    pub models: &'a [(&'a str, &'a dyn Predict)],
    /// Replicates that respect groups and time.
    pub bootstrap: &'a Bootstrap,
    /// The level of every interval.
    pub confidence: f64,
    /// Threads and randomness.
    pub ctx: &'a Context,
}

impl PanelInput<'_> {
    /// `statistic(weights)` on all rows with its interval.
    pub fn interval(&self, statistic: impl Fn(&[f64]) -> f64 + Sync) -> Interval {
        self.bootstrap.interval(self.ctx, self.confidence, statistic)
    }
}

/// One line of a plot.
///
/// ```
/// use specialist_core::{Series, evidence::Interval};
/// let at = |estimate: f64| Interval { estimate, low: estimate - 0.1, high: estimate + 0.1 };
/// let calibration = Series { name: "specialist".into(), points: vec![(0.2, at(0.25)), (0.8, at(0.75))] };
/// assert!(calibration.points.iter().all(|(_, value)| value.low < value.high));
/// ```
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// Points with interval: x, value, low, high.
    pub points: Vec<(f64, Interval)>,
}

/// A domain's own piece of evidence: a table, a plot or both.
///
/// ```
/// use specialist_core::Panel;
/// let panel = Panel {
///     title: "Cost".into(),
///     header: vec!["candidate".into(), "cost".into()],
///     table: vec![vec!["specialist".into(), "1200".into()]],
///     ..Panel::default()
/// };
/// assert!(panel.series.is_empty() && panel.table[0].len() == panel.header.len());
/// ```
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct Panel {
    /// The heading.
    pub title: String,
    /// How to read it.
    pub note: String,
    /// The table's header and rows; may be empty.
    pub header: Vec<String>,
    /// Rows of cells.
    pub table: Vec<Vec<String>>,
    /// The numbers that a program reads of each row of the table, as they are and not as they are shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub numbers: Vec<Vec<f64>>,
    /// The plot's axes, x then y.
    pub axes: (String, String),
    /// The plot's lines; may be empty.
    pub series: Vec<Series>,
    /// Whether the y axis is logarithmic.
    #[serde(default)]
    pub log_y: bool,
    /// Whether the table's numbers are shaded by their size, red below 0 and green above.
    #[serde(default)]
    pub heat: bool,
    /// Whether the terminal shows the table too.
    #[serde(default)]
    pub printed: bool,
    /// A sentence that belongs beside the verdict.
    #[serde(default)]
    pub headline: Option<String>,
}

/// A domain: the adapter between one field's data and the shared pipeline.
///
/// ```
/// use specialist_core::{Domain, Metric, Recipe, metric};
/// struct Credit;
/// impl Domain for Credit {
///     fn name(&self) -> &'static str { "credit" }
///     fn about(&self) -> &'static str { "Credit scoring: will the loan be repaid?" }
///     fn recipes(&self) -> &'static [Recipe] { &[] }
///     fn metrics(&self) -> Vec<Box<dyn Metric>> { vec![Box::new(metric::RocAuc)] }
/// }
/// assert_eq!(Credit.metrics()[0].name(), "roc-auc");
/// ```
pub trait Domain: Send + Sync {
    /// The binary's name.
    fn name(&self) -> &'static str;

    /// One line for `--help`.
    fn about(&self) -> &'static str;

    /// The recipes that ship with it; the first runs when no recipe is named.
    fn recipes(&self) -> &'static [Recipe];

    /// What predicted probabilities are judged by, the primary metric first.
    fn metrics(&self) -> Vec<Box<dyn Metric>>;

    /// What predictions of `estimand` are judged by, the primary metric first; `settings` is the recipe's `[domain]` as TOML text.
    fn metrics_of(&self, estimand: Estimand, _settings: &str) -> Vec<Box<dyn Metric>> {
        if estimand == Estimand::Probability { self.metrics() } else { crate::metric::usual(estimand) }
    }

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

    /// Source and target rows, for a domain that makes them itself (bars of many assets become rows with
    /// features and a label); `None` where a row of a file is a row of the table.
    ///
    /// # Errors
    /// [`Error::Data`] or [`Error::Setting`] when the data or `[domain]` is not what it must be.
    fn tables(&self, _input: &TablesInput<'_>) -> Result<Option<Tables>, Error> {
        Ok(None)
    }

    /// Whether `[domain]` of a recipe is as it must be, for a domain that reads its tables as they are.
    ///
    /// # Errors
    /// [`Error::Setting`] with the key.
    fn check_settings(&self, settings: &str) -> Result<(), Error> {
        if settings.trim().is_empty() {
            return Ok(());
        }
        let expected = format!("left out: the domain {} has no such settings", self.name());
        Err(Error::Setting { setting: "domain".into(), expected })
    }

    /// What `[domain]` asks about the rows of one population by themselves (an effect in one trial), for a recipe without a
    /// source; none where a generalist is needed.
    ///
    /// # Errors
    /// When the rows are not as the settings say.
    fn alone(&self, _rows: &Dataset, _settings: &str, _ctx: &Context) -> Result<Vec<Panel>, Error> {
        Ok(Vec::new())
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

    /// Predictions on the sealed rows by methods of the field that take no source: what a specialist must
    /// beat to be worth its name. They are judged, and are no outcome of the verdict.
    ///
    /// # Errors
    /// When a method cannot be fitted on `train`.
    fn baselines(&self, _train: &Dataset, _sealed: &Dataset) -> Result<Vec<Prediction>, Error> {
        Ok(Vec::new())
    }

    /// What the domain looks for in the rows before anything is fitted: `source` and `train` are rows that are trained on.
    ///
    /// # Errors
    /// When the rows are of a kind that the domain cannot judge.
    fn findings(&self, _source: Option<&Dataset>, _train: &Dataset) -> Result<Vec<Finding>, Error> {
        Ok(Vec::new())
    }

    /// What to look at in each text that a model wrote of `rows`, and what the column of it is called where texts are written to
    /// a file; none where there is nothing to say.
    fn notes(&self, _rows: &Dataset, _written: &[String]) -> Option<(&'static str, Vec<String>)> {
        None
    }

    /// Sentences beside the explanation of one row: what the report's `panels` say of rows like it. `model` predicted
    /// `predicted`.
    fn beside(&self, _panels: &[Panel], _row: &Dataset, _model: &str, _predicted: f64) -> Vec<String> {
        Vec::new()
    }

    /// The domain's own evidence on the sealed rows.
    ///
    /// # Errors
    /// When a column that the evidence needs is not there.
    fn panels(&self, _input: &PanelInput<'_>) -> Result<Vec<Panel>, Error> {
        Ok(Vec::new())
    }
}
