//! The recipe: one TOML file that says everything about a run. Flags override it; the rendered
//! recipe is saved with the artifact.

mod columns;
mod defaults;
mod error;
mod parse;
mod template;
mod text;

use std::collections::BTreeMap;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use specialist_core::{Column, ColumnKind, Dialect, Estimand, NumberStyle, Role, Schema, SplitKeys};
use specialist_tabular::{Estimator, RUNGS, Rung};

pub use columns::ColumnSpec;
use defaults::is_default;
pub use error::{RecipeError, nearest};
pub use parse::parse;
pub use template::template;
pub use text::read;

/// Everything about a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Recipe {
    /// The question the run answers, in one sentence.
    pub question: String,
    /// Every random number of the run follows from it.
    pub seed: u64,
    /// The domain's feature step: `as-is` takes the columns as they are.
    pub features: String,
    /// The broad population, or a model already trained on it.
    pub source: Source,
    /// The population to specialise on.
    pub target: Table,
    /// The columns, by name.
    #[schemars(with = "BTreeMap<String, ColumnSpec>")]
    pub columns: IndexMap<String, ColumnSpec>,
    /// What the domain needs to know where it makes the tables itself; the domain checks it.
    #[serde(skip_serializing_if = "toml::Table::is_empty")]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub domain: toml::Table,
    /// How text columns (role `feature`, kind `text`) become numbers.
    #[serde(skip_serializing_if = "is_default")]
    pub text: TextSpec,
    /// What the artifact may say of single rows.
    #[serde(skip_serializing_if = "is_default")]
    pub privacy: PrivacySpec,
    /// How target rows are parted into train rows and sealed test rows.
    pub split: SplitSpec,
    /// What the leakage and data checks may let pass.
    pub check: CheckSpec,
    /// How the generalist is made.
    pub pretrain: PretrainSpec,
    /// How the specialist is searched for.
    pub tune: TuneSpec,
    /// How the candidates are judged.
    pub compare: CompareSpec,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            question: String::new(),
            seed: 42,
            features: "as-is".into(),
            source: Source::default(),
            target: Table::default(),
            columns: IndexMap::new(),
            domain: toml::Table::new(),
            text: TextSpec::default(),
            privacy: PrivacySpec::default(),
            split: SplitSpec::default(),
            check: CheckSpec::default(),
            pretrain: PretrainSpec::default(),
            tune: TuneSpec::default(),
            compare: CompareSpec::default(),
        }
    }
}

/// Rows of the broad population, or a model that was trained on them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Source {
    /// A CSV or Parquet file, or `embedded:NAME`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// Instead of data: an XGBoost JSON or UBJSON model, a LightGBM text model, or an artifact folder
    /// of this program, whose generalist is taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Several of them: those that are of use for the target are averaged, the others left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<String>,
    /// Column → the cells a row must have one of.
    #[serde(rename = "where", skip_serializing_if = "BTreeMap::is_empty")]
    pub filter: BTreeMap<String, Vec<String>>,
    /// Column → the cells that a row must have none of.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub except: BTreeMap<String, Vec<String>>,
    /// At most so many rows, drawn at random, whole groups where `split.group_on` says so; 0: all.
    #[serde(skip_serializing_if = "is_default")]
    pub most: usize,
    /// Between the cells of a CSV file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
    /// Between whole and fraction of its numbers: `.` or `,`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimal: Option<char>,
    /// Between groups of digits: `.`, `,`, `'` or a space.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thousands: Option<char>,
    /// Lines before its header: titles, remarks.
    #[serde(skip_serializing_if = "is_default")]
    pub skip: usize,
}

/// Rows of a population.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Table {
    /// A CSV or Parquet file, or `embedded:NAME`.
    pub data: String,
    /// Column → the cells a row must have one of.
    #[serde(rename = "where", skip_serializing_if = "BTreeMap::is_empty")]
    pub filter: BTreeMap<String, Vec<String>>,
    /// Column → the cells that a row must have none of.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub except: BTreeMap<String, Vec<String>>,
    /// At most so many rows, drawn at random, whole groups where `split.group_on` says so; 0: all.
    #[serde(skip_serializing_if = "is_default")]
    pub most: usize,
    /// Between the cells of a CSV file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
    /// Between whole and fraction of its numbers: `.` or `,`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimal: Option<char>,
    /// Between groups of digits: `.`, `,`, `'` or a space.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thousands: Option<char>,
    /// Lines before its header: titles, remarks.
    #[serde(skip_serializing_if = "is_default")]
    pub skip: usize,
}

impl Source {
    /// How its CSV file is written.
    ///
    /// # Errors
    /// [`RecipeError::Invalid`] when a mark is none, or one mark has two meanings.
    pub fn dialect(&self) -> Result<Dialect, RecipeError> {
        dialect("source", self.delimiter, self.decimal, self.thousands, self.skip)
    }
}

impl Table {
    /// How its CSV file is written.
    ///
    /// # Errors
    /// [`RecipeError::Invalid`] when a mark is none, or one mark has two meanings.
    pub fn dialect(&self) -> Result<Dialect, RecipeError> {
        dialect("target", self.delimiter, self.decimal, self.thousands, self.skip)
    }
}

/// A CSV dialect of what a recipe or the command line says; the defaults are those of RFC 4180 and of programs.
///
/// # Errors
/// [`RecipeError::Invalid`] when a mark is none, or one mark has two meanings.
pub fn dialect(
    table: &str,
    delimiter: Option<char>,
    decimal: Option<char>,
    thousands: Option<char>,
    skip: usize,
) -> Result<Dialect, RecipeError> {
    let key = |k: &str| format!("{table}.{k}");
    let mark = delimiter.unwrap_or(',');
    let Some(byte) = u8::try_from(mark).ok().filter(u8::is_ascii) else {
        return Err(RecipeError::invalid(&key("delimiter"), "one ASCII character"));
    };
    let decimal = decimal.unwrap_or('.');
    if !['.', ','].contains(&decimal) {
        return Err(RecipeError::invalid(&key("decimal"), "\".\" or \",\""));
    }
    // Every kind of space parts groups alike.
    let thousands = thousands.map(|c| {
        if c.is_whitespace() {
            ' '
        } else if c == '\u{2019}' {
            '\''
        } else {
            c
        }
    });
    if thousands.is_some_and(|t| !['.', ',', '\'', ' '].contains(&t) || t == decimal) {
        return Err(RecipeError::invalid(
            &key("thousands"),
            "\".\", \",\", \"'\" or a space, and another mark than `decimal`",
        ));
    }
    Ok(Dialect { delimiter: byte, numbers: NumberStyle { decimal, thousands }, skip })
}

/// How text columns become numbers; `transformer` needs a program built with `--features text`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TextSpec {
    /// The kind of encoder: `transformer`, or one that the program adds.
    #[serde(skip_serializing_if = "is_transformer")]
    pub encoder: String,
    /// A Hugging Face folder with a sentence encoder, such as the one that `text fetch minilm` names.
    pub backbone: String,
    /// The folder of a `peft` adapter of the encoder, which is folded into it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adapter: Option<String>,
    /// Numbers a column: principal components of the source rows' vectors; 0: the vectors as they are.
    pub components: usize,
    /// Tokens that are read of a text.
    pub longest: usize,
    /// Rows to train on whose text is at least this alike to a sealed one (Jaccard similarity of word pairs) are left out.
    #[serde(skip_serializing_if = "is_alike")]
    pub alike: f64,
}

/// Trials of a rung that trains a network.
const COSTLY: usize = 2;

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_costly_default(trials: &usize) -> bool {
    *trials == COSTLY
}

/// The kind of encoder that reads Hugging Face folders.
pub(crate) const TRANSFORMER: &str = "transformer";

fn is_transformer(kind: &str) -> bool {
    kind == TRANSFORMER
}

/// From this on two texts are one with another comma.
const ALIKE: f64 = 0.8;

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_alike(alike: &f64) -> bool {
    *alike == ALIKE
}

impl Default for TextSpec {
    fn default() -> Self {
        Self {
            encoder: TRANSFORMER.into(),
            backbone: "minilm".into(),
            adapter: None,
            components: 30,
            longest: 128,
            alike: ALIKE,
        }
    }
}

/// What the artifact may say of single rows.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PrivacySpec {
    /// Fewest rows behind a value that is written: levels of fewer become `(other)`, thresholds and quantiles lie between
    /// rows. 0: any value may be written. By default 10 in `medical`, elsewhere 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fewest_rows: Option<usize>,
}

/// How target rows are parted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SplitSpec {
    /// The share of rows that are sealed for the test.
    pub test: f64,
    /// The column with the role `group` whose rows stay on one side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_on: Option<String>,
    /// The column with the role `time`: the test rows are the latest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_on: Option<String>,
    /// Time left out before the test rows, and the delay after which a label is known: `12h`, `7d`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gap: Option<String>,
    /// Leave out source rows that are later than the target's train rows may be.
    #[serde(skip_serializing_if = "is_default")]
    pub cut_source: bool,
    /// The label column, to keep its share on both sides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stratify_on: Option<String>,
}

impl Default for SplitSpec {
    fn default() -> Self {
        Self { test: 0.4, group_on: None, time_on: None, gap: None, cut_source: false, stratify_on: None }
    }
}

/// What the checks may let pass.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CheckSpec {
    /// Findings, by name, that stop nothing; every waiver is printed in the report.
    pub waive: Vec<String>,
}

/// How the generalist is made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PretrainSpec {
    /// `boosted-trees`, `glm`, `linfa-logistic`, `linfa-tree`, `smartcore-logistic`, `smartcore-forest`; for times
    /// `glm` (Cox regression), `cox-elastic-net`, `boosted-trees` (Cox) and `boosted-aft`.
    pub estimator: String,
    /// Settings tried on source rows held out for it; 0 takes the estimator's defaults.
    pub trials: usize,
    /// Share of the source rows that pre-training never sees: what the specialist forgets is measured there.
    pub holdout: f64,
}

impl Default for PretrainSpec {
    fn default() -> Self {
        Self { estimator: "boosted-trees".into(), trials: 6, holdout: 0.2 }
    }
}

/// How the specialist is searched for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TuneSpec {
    /// The rungs that may be tried; empty: all that fit the generalist and the number of events.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tunings: Vec<String>,
    /// `auto`, `gp`, `tpe`, `random`, `sobol`, `grid`, or `transfer`, which starts from earlier studies.
    pub sampler: String,
    /// Ends a trial whose folds so far cannot win: `race`, `median`, `successive-halving`, `hyperband`,
    /// `patience`, or `none`.
    pub pruner: String,
    /// Settings tried for the specialist, and as many for scratch.
    pub trials: usize,
    /// Of them, at most this many for each rung that trains a network.
    #[serde(skip_serializing_if = "is_costly_default")]
    pub costly_trials: usize,
    /// Trials that may be under way at once, whoever works on them. The study depends on it, and not on
    /// the number of workers.
    pub concurrency: usize,
    /// For the sampler `transfer`: a store with studies of another target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transfer: Option<String>,
    /// Folds of the cross-validation inside the target's train rows.
    pub folds: usize,
    /// Repeats of the cross-validation.
    pub repeats: usize,
    /// The best tunings of this many rungs are averaged to one more candidate, the ensemble; below 2 there is none.
    #[serde(skip_serializing_if = "is_default")]
    pub ensemble: usize,
    /// Estimator of the scratch candidate; by default the generalist's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scratch: Option<String>,
}

impl Default for TuneSpec {
    fn default() -> Self {
        Self {
            tunings: Vec::new(),
            sampler: "auto".into(),
            pruner: "race".into(),
            trials: 40,
            costly_trials: COSTLY,
            concurrency: 8,
            transfer: None,
            folds: 5,
            repeats: 1,
            ensemble: 0,
            scratch: None,
        }
    }
}

/// How the candidates are judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CompareSpec {
    /// The primary metric; by default the domain's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric: Option<String>,
    /// Bootstrap replicates.
    pub bootstrap: usize,
    /// The level of every interval.
    pub confidence: f64,
    /// The smallest gain in the primary metric that would be worth a change.
    pub worthwhile: f64,
    /// Fewest sealed rows of the rarer label for any verdict.
    pub fewest_events: usize,
    /// Shares of the target's train rows on the label curve.
    pub budgets: Vec<f64>,
    /// How often each budget is drawn.
    pub repeats: usize,
    /// After the verdict the target is parted anew so often and every candidate judged again; 0: not at all.
    #[serde(skip_serializing_if = "is_default")]
    pub splits: usize,
    /// How many train rows each parting is judged with, beside all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<usize>,
}

impl Default for CompareSpec {
    fn default() -> Self {
        Self {
            metric: None,
            bootstrap: 2000,
            confidence: 0.95,
            worthwhile: 0.01,
            fewest_events: 10,
            budgets: vec![0.05, 0.1, 0.25, 0.5, 1.0],
            repeats: 10,
            splits: 0,
            rows: Vec::new(),
        }
    }
}

impl Recipe {
    /// What the declared label asks for; `None` where the domain makes the tables itself.
    #[must_use]
    pub fn asked(&self) -> Option<Estimand> {
        let of = |c: &ColumnSpec| match c.role {
            Role::Duration => Some(Estimand::Survival { horizon: c.horizon.unwrap_or(f64::INFINITY) }),
            Role::Label if c.kind == ColumnKind::Text => Some(Estimand::Text),
            Role::Label => match c.told_apart().len() {
                0 => Some(Estimand::Probability),
                classes => Some(Estimand::Classes(classes)),
            },
            _ => None,
        };
        self.columns.values().find_map(of)
    }

    /// The names of the label's classes, in the order of their codes; none where it is yes or no, or a time.
    #[must_use]
    pub fn classes(&self) -> Vec<String> {
        self.columns.values().flat_map(ColumnSpec::told_apart).map(|c| c.name).collect()
    }

    /// The declared columns.
    #[must_use]
    pub fn schema(&self) -> Schema {
        let column = |(name, c): (&String, &ColumnSpec)| Column {
            name: name.clone(),
            role: c.role,
            kind: c.kind,
            unit: c.unit.clone(),
            min: c.min,
            max: c.max,
            levels: c.levels.clone(),
            missing: c.missing.clone(),
            format: c.format.clone(),
            strip: c.strip.clone(),
            limits: c.limits,
            positive: c.positive.clone(),
            negative: c.negative.clone(),
            classes: c.told_apart(),
            competing: c.competing.clone(),
            horizon: c.horizon,
            until: c.until,
            on_invalid: c.on_invalid,
            monotone: c.monotone,
            knots: c.knots,
        };
        Schema { columns: self.columns.iter().map(column).collect() }
    }

    /// The features that are texts.
    pub(crate) fn text_columns(&self) -> Vec<&str> {
        let is_text = |c: &ColumnSpec| c.role == Role::Feature && c.kind == ColumnKind::Text;
        self.columns.iter().filter(|(_, c)| is_text(c)).map(|(name, _)| name.as_str()).collect()
    }

    /// What the split must respect.
    ///
    /// # Errors
    /// [`RecipeError::Invalid`] when `gap` is not a time.
    pub fn split_keys(&self) -> Result<SplitKeys, RecipeError> {
        Ok(SplitKeys {
            group: self.split.group_on.is_some(),
            time: self.split.time_on.is_some(),
            gap: self.gap()?,
            stratify: self.split.stratify_on.is_some(),
        })
    }

    /// `split.gap` in seconds.
    ///
    /// # Errors
    /// [`RecipeError::Invalid`] when it is not a time.
    pub fn gap(&self) -> Result<i64, RecipeError> {
        /// A thousand years: times plus or minus a gap stay far from the ends of their type.
        const LONGEST: i64 = 1000 * 366 * 86_400;
        let Some(text) = &self.split.gap else { return Ok(0) };
        let (number, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len()));
        let seconds = match unit {
            "s" => 1,
            "m" | "min" => 60,
            "h" => 3600,
            "d" => 86_400,
            "w" => 7 * 86_400,
            _ => 0,
        };
        match number.trim().parse::<i64>() {
            Ok(n) if seconds > 0 && (0..=LONGEST / seconds).contains(&n) => Ok(n * seconds),
            _ => Err(RecipeError::invalid(
                "split.gap",
                "a time such as \"12h\", \"7d\" or \"2w\", of at most a thousand years",
            )),
        }
    }

    /// The generalist's estimator.
    ///
    /// # Errors
    /// [`RecipeError::Invalid`] when there is none of that name.
    pub fn estimator(&self) -> Result<&'static dyn Estimator, RecipeError> {
        estimator("pretrain.estimator", &self.pretrain.estimator)
    }

    /// The scratch candidate's estimator.
    ///
    /// # Errors
    /// [`RecipeError::Invalid`] when there is none of that name.
    pub fn scratch_estimator(&self) -> Result<&'static dyn Estimator, RecipeError> {
        self.tune.scratch.as_ref().map_or_else(|| self.estimator(), |name| estimator("tune.scratch", name))
    }

    /// The rungs that may be tried.
    ///
    /// # Errors
    /// [`RecipeError::Invalid`] when there is none of that name.
    pub fn rungs(&self) -> Result<Vec<&'static dyn Rung>, RecipeError> {
        let rung =
            |name: &String| RUNGS.named(name).ok_or_else(|| RecipeError::choice("tune.tunings", name, &RUNGS.names()));
        self.tune.tunings.iter().map(rung).collect()
    }

    /// The recipe as an artifact keeps it: of a path that starts at the root of this machine the file's name is left, for
    /// the rest says who ran it where and nothing of what was run.
    #[must_use]
    pub fn portable(&self) -> String {
        let mut recipe = self.clone();
        let own = |path: &mut String| {
            let at = std::path::Path::new(path.as_str());
            if at.is_absolute() {
                *path = at.file_name().map_or(String::new(), |n| n.to_string_lossy().into_owned());
            }
        };
        own(&mut recipe.target.data);
        recipe.source.data.iter_mut().chain(&mut recipe.source.model).for_each(own);
        recipe.source.models.iter_mut().chain(&mut recipe.tune.transfer).for_each(own);
        own(&mut recipe.text.backbone);
        recipe.text.adapter.iter_mut().for_each(own);
        recipe.domain.iter_mut().for_each(|(_, value)| {
            if let toml::Value::String(text) = value {
                own(text);
            }
        });
        recipe.render()
    }

    /// `[domain]` as TOML text, as domains and encoders take it.
    #[must_use]
    pub fn settings(&self) -> String {
        toml::to_string(&self.domain).expect("a table is TOML")
    }

    /// The recipe as TOML text.
    #[must_use]
    pub fn render(&self) -> String {
        toml::to_string(self).expect("a recipe is plain data")
    }
}

fn estimator(key: &str, name: &str) -> Result<&'static dyn Estimator, RecipeError> {
    let known = <dyn Estimator>::for_recipes();
    let unknown = || RecipeError::choice(key, name, &known.iter().map(|e| e.name()).collect::<Vec<_>>());
    known.iter().find(|e| e.name() == name).copied().ok_or_else(unknown)
}
