//! What can be typed.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use specialist_cli::{Common, RecipeWhat};

use crate::recipe::Task;

/// Text: is a specialised transformer better than the general one?
#[derive(Debug, Parser)]
#[command(name = "text", bin_name = "text", version, disable_help_subcommand = true, after_help = AFTER)]
pub struct Args {
    /// What to do; without a verb, the default sentiment recipe runs
    #[command(subcommand)]
    pub verb: Option<Verb>,

    /// What every program takes
    #[command(flatten)]
    pub common: Common,

    /// The pre-trained model: a fetched one or a Hugging Face folder; overrides the recipe's
    #[arg(long, global = true, value_name = "NAME|DIR")]
    pub backbone: Option<String>,

    /// The folder of fetched weights and corpora; by default $SPECIALIST_CACHE or the user's cache
    #[arg(long, global = true, value_name = "DIR")]
    pub cache: Option<PathBuf>,
}

const AFTER: &str = "Examples:
  text fetch                                  get the encoder and the sentences into the cache
  text                                        run the default sentiment recipe, up to the verdict
  text sentiment run --recipe mine.toml       the same for your own texts
  text sentiment predict --artifact DIR --data new.csv --output labels.csv
  text sentiment run --adapter DIR            start from a backbone with an adapter of Python's peft
  text sentiment export --adapter -o FOLDER   give the change of the shipped model back to peft
  text pretrain                               train a small translating and summarising model
  text translate run --backbone DIR           specialise it, or a T5 of your own, and judge it

Exit codes: 0 ok, 1 verdict is not adopt (with --gate), 2 usage or recipe, 3 bad data, 4 corrupt artifact or model, 70 a bug";

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub enum Verb {
    /// Get weights and corpora into the cache
    Fetch {
        /// What to get; by default everything
        names: Vec<String>,
        /// Say what there is, where it goes, and how to get it by hand
        #[arg(long)]
        list: bool,
        /// A model of the Hugging Face hub: OWNER/NAME
        #[arg(long, value_name = "OWNER/NAME")]
        model: Vec<String>,
    },
    /// Which label does a text carry?
    Sentiment {
        /// What to do; without it, everything
        #[command(subcommand)]
        verb: Option<LabelVerb>,
    },
    /// Train a small model that translates and summarises, or go on with it
    Pretrain {
        /// Save the weights as int8, a quarter of the size
        #[arg(long)]
        int8: bool,
    },
    /// A shorter text that says the same
    Summarize {
        /// What to do; without it, everything
        #[command(subcommand)]
        verb: Option<TaskVerb>,
    },
    /// The same in another language
    Translate {
        /// What to do; without it, everything
        #[command(subcommand)]
        verb: Option<TaskVerb>,
    },
    /// Print an artifact's report
    Report {
        /// The artifact's folder
        #[arg(long, value_name = "DIR")]
        artifact: Option<PathBuf>,
    },
    /// Check an artifact's files against its manifest
    Verify {
        /// The artifact's folder
        #[arg(long, value_name = "DIR")]
        artifact: Option<PathBuf>,
    },
    /// Print a recipe, the list of them, or what one may hold
    Recipe {
        /// What to print: show, list, schema, or the name of a recipe
        #[arg(default_value = "show")]
        what: RecipeWhat,
    },
    /// Print a completion script for a shell
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
}

/// What to do with a task.
#[derive(Debug, Clone, Subcommand)]
pub enum TaskVerb {
    /// Run everything: load, check, split, pretrain, tune, compare, report
    Run {
        /// Exit with 1 unless the verdict is adopt
        #[arg(long)]
        gate: bool,
        /// A folder with a `peft` adapter of the backbone, which is folded into it; overrides the recipe's
        #[arg(long, value_name = "DIR")]
        adapter: Option<PathBuf>,
    },
    /// Look for faults and copies in the texts; train nothing
    Check,
    /// Label (or rewrite) the texts of a file
    Predict {
        /// The artifact's folder
        #[arg(long, value_name = "DIR")]
        artifact: Option<PathBuf>,
        /// The model to use; by default the one that the verdict ships
        #[arg(long, value_name = "NAME")]
        model: Option<String>,
        /// A CSV, TSV, JSON or JSONL file
        #[arg(long, value_name = "FILE")]
        data: PathBuf,
        /// The column of the texts; by default the one that the artifact was made with
        #[arg(long, value_name = "NAME")]
        column: Option<String>,
    },
    /// Write a model to the folder of --output, for Python: a Hugging Face folder, or a `peft` adapter
    Export {
        /// The artifact's folder
        #[arg(long, value_name = "DIR")]
        artifact: Option<PathBuf>,
        /// The model to use; by default the one that the verdict ships
        #[arg(long, value_name = "NAME")]
        model: Option<String>,
        /// Only the low-rank change of the backbone, as `peft` opens it
        #[arg(long)]
        adapter: bool,
        /// With --adapter: what the backbone is called where the adapter will be used
        #[arg(long, value_name = "OWNER/NAME", requires = "adapter")]
        base: Option<String>,
    },
}

/// What to do with labels.
#[derive(Debug, Clone, Subcommand)]
pub enum LabelVerb {
    /// What every task has
    #[command(flatten)]
    Task(TaskVerb),
    /// Say what each word of a text does for its label
    Explain {
        /// The artifact's folder
        #[arg(long, value_name = "DIR")]
        artifact: Option<PathBuf>,
        /// The model to use; by default the one that the verdict ships
        #[arg(long, value_name = "NAME")]
        model: Option<String>,
        /// The text
        text: String,
    },
}

/// The recipes that ship with the program: name, task, text.
pub const RECIPES: &[(&str, Task, &str)] = &[
    ("sentiment", Task::Sentiment, include_str!("../../../pipelines/text/sentiment.toml")),
    ("summarize", Task::Summarize, include_str!("../../../pipelines/text/summarize.toml")),
    ("translate", Task::Translate, include_str!("../../../pipelines/text/translate.toml")),
];

/// The recipe of `pretrain`.
pub const PRETRAIN: &str = include_str!("../../../pipelines/text/pretrain.toml");
