//! What can be typed.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use specialist_search::{PRUNERS, SAMPLERS};

/// Arguments before they are checked.
#[derive(Debug, Clone, Parser)]
#[command(version, disable_help_subcommand = true)]
pub struct Args {
    /// What to do; without a verb, the default recipe runs
    #[command(subcommand)]
    pub verb: Option<Verb>,

    /// What every program takes
    #[command(flatten)]
    pub common: Common,

    /// The target's data (run, check, …), or the rows to score or explain (predict, explain)
    #[arg(long, global = true, value_name = "FILE")]
    pub data: Option<String>,

    /// Between the cells of CSV files, where the recipe does not say it
    #[arg(long, global = true, value_name = "CHAR")]
    pub delimiter: Option<char>,

    /// Between whole and fraction of the numbers of CSV files, where the recipe does not say it
    #[arg(long, global = true, value_name = "CHAR")]
    pub decimal: Option<char>,

    /// Say more
    #[arg(long, short, global = true)]
    pub verbose: bool,
}

/// What every program takes.
#[derive(Debug, Clone, clap::Args)]
pub struct Common {
    /// A recipe file, or the name of one that ships with the program
    #[arg(long, global = true, value_name = "FILE|NAME")]
    pub recipe: Option<String>,

    /// Where to write: the artifact's folder, or the file that a verb makes
    #[arg(long, short, global = true, value_name = "PATH")]
    pub output: Option<PathBuf>,

    /// Seed of every random number; overrides the recipe's
    #[arg(long, global = true)]
    pub seed: Option<u64>,

    /// Threads to use; the result does not depend on it
    #[arg(long, global = true, value_name = "N")]
    pub threads: Option<usize>,

    /// Time after which searches make do with the trials they have; the result then depends on the machine
    #[arg(long, global = true, value_name = "SECONDS")]
    pub budget: Option<u64>,

    /// Override any key of the recipe
    #[arg(long, global = true, value_name = "KEY=VALUE")]
    pub set: Vec<String>,

    /// Print the result as JSON
    #[arg(long, global = true)]
    pub json: bool,

    /// Print the result only: no progress, no remarks
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub enum Verb {
    /// Run everything: load, check, split, pretrain, tune, compare, report
    Run {
        /// Exit with 1 unless the verdict is adopt
        #[arg(long)]
        gate: bool,
        /// How it searches
        #[command(flatten)]
        search: Search,
    },
    /// Write a commented recipe for a CSV file by looking at it
    Init {
        /// The source's file, with the same columns
        #[arg(long, value_name = "FILE")]
        source: Option<PathBuf>,
        /// The label's column
        #[arg(long, value_name = "COLUMN")]
        label: Option<String>,
        /// The cell that means the positive class, or the event
        #[arg(long, value_name = "CELL")]
        positive: Option<String>,
    },
    /// Look for leaks and faults in the data; train nothing
    Check,
    /// Make the generalist and write it
    Pretrain,
    /// Search the tunings and write every candidate; the sealed rows stay sealed
    Tune {
        /// How it searches
        #[command(flatten)]
        search: Search,
    },
    /// Look into the studies of a store or an artifact
    Study {
        /// What to do
        #[arg(value_enum)]
        what: StudyWhat,
        /// A SQLite file, `journal:FILE` or `postgresql://…`; by default the artifact's own studies
        #[arg(long, value_name = "STORE")]
        store: Option<String>,
        /// The artifact's folder
        #[arg(long, value_name = "DIR")]
        artifact: Option<PathBuf>,
        /// The study's name; by default the first one that `list` shows
        #[arg(long, value_name = "NAME")]
        study: Option<String>,
    },
    /// Open the sealed rows of a tuned artifact and judge its candidates
    Compare {
        /// The folder that `tune` wrote
        #[arg(long, value_name = "DIR")]
        artifact: Option<PathBuf>,
        /// Exit with 1 unless the verdict is adopt
        #[arg(long)]
        gate: bool,
    },
    /// Print an artifact's report and draw its page again
    Report {
        /// The artifact's folder
        #[arg(long, value_name = "DIR")]
        artifact: Option<PathBuf>,
    },
    /// Score rows, in constant memory
    Predict {
        /// The artifact's folder
        #[arg(long, value_name = "DIR")]
        artifact: Option<PathBuf>,
        /// The model to use; by default the one that the verdict ships
        #[arg(long, value_name = "NAME")]
        model: Option<String>,
        /// Earlier rows, for features that look back: read first, in order of time, and not scored
        #[arg(long, value_name = "FILE")]
        history: Vec<String>,
    },
    /// Check an artifact's files and score its probe rows again
    Verify {
        /// The artifact's folder
        #[arg(long, value_name = "DIR")]
        artifact: Option<PathBuf>,
    },
    /// Say what drives the score of single rows
    Explain {
        /// The artifact's folder
        #[arg(long, value_name = "DIR")]
        artifact: Option<PathBuf>,
        /// The model to use; by default the one that the verdict ships
        #[arg(long, value_name = "NAME")]
        model: Option<String>,
        /// Earlier rows, for features that look back: read first, in order of time, and not scored
        #[arg(long, value_name = "FILE")]
        history: Vec<String>,
        /// Lines of the file to explain (the header is line 1); by default the first three rows, of bars the latest
        #[arg(long, value_name = "LINE")]
        row: Vec<u64>,
        /// Of several classes the one to explain; by default each row's most probable
        #[arg(long, value_name = "NAME")]
        class: Option<String>,
    },
    /// Write a model of an artifact as XGBoost JSON
    Export {
        /// The artifact's folder
        #[arg(long, value_name = "DIR")]
        artifact: Option<PathBuf>,
        /// The model to use; by default the one that the verdict ships
        #[arg(long, value_name = "NAME")]
        model: Option<String>,
    },
    /// Print a recipe, the list of them, or what one may hold
    Recipe {
        /// What to print: show, list, schema, reference (what a recipe can name), or the name of a recipe
        #[arg(default_value = "show")]
        what: RecipeWhat,
    },
    /// Print an embedded data set as CSV, or the list of them
    Embedded {
        /// Its name
        name: Option<String>,
    },
    /// Print a completion script for a shell
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
}

/// How a search goes about it.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Search {
    /// Who suggests
    #[arg(long, value_name = "NAME", help = format!("Who suggests: {}, transfer", SAMPLERS.names().join(", ")))]
    pub sampler: Option<String>,
    /// Who ends trials early
    #[arg(long, value_name = "NAME", help = format!("Who ends trials early: {}", PRUNERS.names().join(", ")))]
    pub pruner: Option<String>,
    /// Settings to try for the specialist, and as many for scratch
    #[arg(long, value_name = "N")]
    pub trials: Option<usize>,
    /// Trials evaluated at once in this process; the study does not depend on it
    #[arg(long, value_name = "N", value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=256))]
    pub workers: Option<usize>,
    /// Keep the studies in a SQLite file, `journal:FILE` or `postgresql://…`, and go on with what is there
    #[arg(long, value_name = "STORE")]
    pub store: Option<String>,
    /// Work on the studies of a store until they have their trials, and write nothing else
    #[arg(long, value_name = "STORE", conflicts_with = "store")]
    pub join: Option<String>,
    /// What the studies are called in the store; by default the program and the recipe
    #[arg(long, value_name = "NAME")]
    pub study: Option<String>,
}

impl Args {
    /// How the search was asked for, if the verb searches.
    pub fn search(&self) -> Option<&Search> {
        match &self.verb {
            Some(Verb::Run { search, .. } | Verb::Tune { search }) => Some(search),
            _ => None,
        }
    }
}

/// What `study` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StudyWhat {
    /// The studies with their trials and best values
    List,
    /// Every trial of a study
    Show,
    /// The best trial
    Best,
    /// All trials as CSV
    Export,
    /// The share of each parameter in what makes trials good
    Importance,
}

/// What `recipe` prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecipeWhat {
    /// The recipe as it would run, with every default.
    Show,
    /// The recipes that ship with the program.
    List,
    /// The JSON schema of a recipe.
    Schema,
    /// What a recipe can name, as a page of Markdown: estimators, rungs, metrics, samplers, pruners, findings.
    Reference,
    /// The recipe of this name or in this file, as `show` with `--recipe`.
    Named(String),
}

impl From<&str> for RecipeWhat {
    fn from(word: &str) -> Self {
        match word {
            "show" => Self::Show,
            "list" => Self::List,
            "schema" => Self::Schema,
            "reference" => Self::Reference,
            name => Self::Named(name.into()),
        }
    }
}
