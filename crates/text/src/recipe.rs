//! The recipe of a text run: one TOML file, flags override it, the rendered recipe is saved with the artifact.

use serde::{Deserialize, Serialize};
pub use specialist_pipeline::recipe::nearest;

use crate::error::{Error, Result};

/// Which of the three things is done with texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// A shorter text that says the same.
    Summarize,
    /// The same in another language.
    Translate,
}

impl Task {
    /// Its name in recipes and verbs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Summarize => "summarize",
            Self::Translate => "translate",
        }
    }
}

/// Everything about a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Recipe {
    /// The question the run answers, in one sentence.
    pub question: String,
    /// Every random number of the run follows from it.
    pub seed: u64,
    /// What is done with the texts.
    pub task: Task,
    /// The pre-trained model: the name of a fetched one, or a Hugging Face folder.
    pub backbone: String,
    /// The folder of a `peft` adapter of the backbone, which is folded into it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adapter: Option<String>,
    /// The broad population.
    pub source: Data,
    /// The population to specialise on.
    pub target: Data,
    /// What the columns of the files are called.
    pub columns: Columns,
    /// From which language into which (translate).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<String>,
    /// How target texts are parted.
    pub split: SplitSpec,
    /// How the specialist is searched for.
    pub tune: TuneSpec,
    /// How texts are written (summarize, translate).
    pub decode: DecodeSpec,
    /// How the candidates are judged.
    pub compare: CompareSpec,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            question: String::new(),
            seed: 42,
            task: Task::Translate,
            backbone: "artifacts/text-generalist".into(),
            adapter: None,
            source: Data::default(),
            target: Data::default(),
            columns: Columns::default(),
            languages: Vec::new(),
            split: SplitSpec::default(),
            tune: TuneSpec::default(),
            decode: DecodeSpec::default(),
            compare: CompareSpec::default(),
        }
    }
}

/// Texts of a population.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Data {
    /// Fetched corpora by name, or CSV, TSV, JSON or JSONL files.
    pub data: Vec<String>,
    /// Of a corpus with sections: the sections to take; empty: all (of the source: all but the target's).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sections: Vec<String>,
    /// At most this many texts, drawn at random by group; 0: all.
    #[serde(skip_serializing_if = "is_default")]
    pub most: usize,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// What the columns are called.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Columns {
    /// The text to read.
    pub text: String,
    /// Its label, or the text to write.
    pub label: String,
    /// What texts belong together (a document, a product): never on both sides of a split.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

impl Default for Columns {
    fn default() -> Self {
        Self { text: "text".into(), label: "label".into(), group: None }
    }
}

/// How target texts are parted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SplitSpec {
    /// The share of texts that are sealed for the test.
    pub test: f64,
    /// Train texts at least this alike to a sealed one (Jaccard similarity of word pairs) are left out.
    pub alike: f64,
}

impl Default for SplitSpec {
    fn default() -> Self {
        Self { test: 0.4, alike: 0.8 }
    }
}

/// How the specialist is searched for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TuneSpec {
    /// The tunings that may be tried; empty: all of the task's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tunings: Vec<String>,
    /// Rates tried for each tuning that trains the model.
    pub deep_trials: usize,
    /// Longest text in tokens; the rest is not read.
    pub longest: usize,
    /// Passes over the target's train texts, of tunings that train the encoder or a writing model.
    pub epochs: usize,
    /// Texts a step.
    pub batch: usize,
}

impl Default for TuneSpec {
    fn default() -> Self {
        Self { tunings: Vec::new(), deep_trials: 2, longest: 128, epochs: 4, batch: 16 }
    }
}

/// How texts are written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DecodeSpec {
    /// Most tokens to write.
    pub longest: usize,
    /// Candidates kept; 1 is greedy.
    pub beams: usize,
    /// Above 0 favours longer texts.
    pub length_penalty: f64,
    /// No run of this many tokens appears twice; 0 allows all.
    pub no_repeat: usize,
}

impl DecodeSpec {
    /// The same for the decoder.
    pub fn decoding(&self) -> specialist_neural::generate::Decoding {
        let Self { longest, beams, length_penalty, no_repeat } = *self;
        specialist_neural::generate::Decoding { longest, beams, length_penalty, no_repeat, sample: None }
    }
}

impl Default for DecodeSpec {
    fn default() -> Self {
        Self { longest: 64, beams: 1, length_penalty: 1.0, no_repeat: 3 }
    }
}

/// How the candidates are judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CompareSpec {
    /// Bootstrap replicates over documents.
    pub bootstrap: usize,
    /// The level of every interval.
    pub confidence: f64,
    /// The smallest gain in the primary metric that would be worth a change; by default the task's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worthwhile: Option<f64>,
    /// Numbers of labelled target texts on the label curve; 0 stands for all.
    pub budgets: Vec<usize>,
    /// How often each budget is drawn.
    pub repeats: usize,
    /// Terms that must be kept or translated so: `source = target` (translate).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub glossary: Option<String>,
}

impl Default for CompareSpec {
    fn default() -> Self {
        Self {
            bootstrap: 2000,
            confidence: 0.95,
            worthwhile: None,
            budgets: vec![25, 50, 100, 200, 0],
            repeats: 10,
            glossary: None,
        }
    }
}

/// Reads a recipe; `overrides` are `key.path=value`.
pub fn parse(file: &str, text: &str, overrides: &[String]) -> Result<Recipe> {
    read::<Recipe>(file, text, overrides)?.checked()
}

/// Reads TOML into any recipe type.
pub fn read<T: serde::de::DeserializeOwned + schemars::JsonSchema>(
    file: &str,
    text: &str,
    overrides: &[String],
) -> Result<T> {
    Ok(specialist_pipeline::recipe::read(file, text, overrides).map_err(specialist_pipeline::Error::from)?)
}

/// The recipe of an artifact, which must be of `task`.
pub fn of_artifact(folder: &std::path::Path, task: Task) -> Result<Recipe> {
    use specialist_pipeline::artifact;
    artifact::manifest(folder)?;
    let text = String::from_utf8_lossy(&artifact::read(folder, "recipe.toml")?).into_owned();
    let recipe = parse("recipe.toml", &text, &[])?;
    if recipe.task != task {
        let name = recipe.task.name();
        let what = format!("{}: the artifact is of the task {name}", folder.display());
        return Err(Error::usage(what, format!("use `text {name} …`")));
    }
    Ok(recipe)
}

impl Recipe {
    fn checked(self) -> Result<Self> {
        let wrong = |key: &str, expected: &str| {
            Err(Error::usage(format!("`{key}` must be {expected}"), "change it in the recipe, or with --set KEY=VALUE"))
        };
        if !(self.split.test > 0.0 && self.split.test < 1.0) {
            return wrong("split.test", "above 0 and below 1");
        }
        if !(self.split.alike > 0.0 && self.split.alike <= 1.0) {
            return wrong("split.alike", "above 0 and at most 1");
        }
        if self.tune.longest < 4 || self.tune.batch == 0 || self.tune.epochs == 0 {
            return wrong("tune.longest, tune.batch, tune.epochs", "at least 4, 1 and 1");
        }
        if self.tune.deep_trials == 0 {
            return wrong("tune.deep_trials", "at least 1");
        }
        if !(self.compare.confidence > 0.5 && self.compare.confidence < 1.0) {
            return wrong("compare.confidence", "between 0.5 and 1, for example 0.95");
        }
        if self.compare.bootstrap < 100 {
            return wrong("compare.bootstrap", "at least 100");
        }
        let most = [
            ("tune.deep_trials", self.tune.deep_trials, 10_000),
            ("tune.epochs", self.tune.epochs, 10_000),
            ("tune.batch", self.tune.batch, 1_000_000),
            ("tune.longest", self.tune.longest, 1_000_000),
            ("compare.bootstrap", self.compare.bootstrap, 1_000_000),
            ("compare.repeats", self.compare.repeats, 10_000),
        ];
        if let Some((key, _, most)) = most.into_iter().find(|(_, value, most)| value > most) {
            return wrong(key, &format!("at most {most}"));
        }
        if self.target.data.is_empty() {
            return wrong("target.data", "at least one file or fetched corpus");
        }
        Ok(self)
    }

    /// The recipe as TOML text.
    pub fn render(&self) -> String {
        toml::to_string(self).expect("a recipe is plain data")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rendered_recipe_is_the_same_recipe() {
        let sets = ["tune.epochs=7".into(), "backbone=x".into()];
        let r = parse("r.toml", "[target]\ndata = [\"yelp\"]\n", &sets).unwrap();
        assert_eq!((r.tune.epochs, r.backbone.as_str()), (7, "x"));
        assert_eq!(parse("again", &r.render(), &[]).unwrap(), r);
    }
}
