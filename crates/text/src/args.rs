//! What can be typed beside the verbs that every domain has.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Get weights and corpora into the cache ($SPECIALIST_CACHE, --cache DIR, or the user's cache)
#[derive(Debug, Args)]
pub struct Fetch {
    /// What to get; by default everything
    pub names: Vec<String>,
    /// Say what there is, where it goes, and how to get it by hand
    #[arg(long)]
    pub list: bool,
    /// A model of the Hugging Face hub: OWNER/NAME
    #[arg(long, value_name = "OWNER/NAME")]
    pub model: Vec<String>,
}

/// Say what each word of a text does for its label
#[derive(Debug, Args)]
pub struct Words {
    /// The artifact's folder
    #[arg(long, value_name = "DIR")]
    pub artifact: Option<PathBuf>,
    /// The model to use; by default the one that the verdict ships
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// The text
    pub text: String,
}

/// Write a classifier to the folder of --output, for Python: a Hugging Face folder, or a `peft` adapter
#[derive(Debug, Clone, Args)]
pub struct Save {
    /// The artifact's folder
    #[arg(long, value_name = "DIR")]
    pub artifact: Option<PathBuf>,
    /// The model to use; by default the one that the verdict ships
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// Only the low-rank change of the backbone, as `peft` opens it
    #[arg(long)]
    pub adapter: bool,
    /// With --adapter: what the backbone is called where the adapter will be used
    #[arg(long, value_name = "OWNER/NAME", requires = "adapter")]
    pub base: Option<String>,
}

/// Train a small model that translates and summarises, or go on with it
#[derive(Debug, Args)]
pub struct Generalist {
    /// Save the weights as int8, a quarter of the size
    #[arg(long)]
    pub int8: bool,
}

/// What to do with texts that are written.
#[derive(Debug, Args)]
pub struct Writing {
    /// What to do; without it, everything
    #[command(subcommand)]
    pub verb: Option<WritingVerb>,
    /// The pre-trained T5: a fetched one or a Hugging Face folder; overrides the recipe's
    #[arg(long, global = true, value_name = "NAME|DIR")]
    pub backbone: Option<String>,
}

/// What to do with a task.
#[derive(Debug, Clone, Subcommand)]
pub enum WritingVerb {
    /// Run everything: load, check, split, tune, compare, report
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
    /// Rewrite the texts of a file (--data)
    Predict {
        /// The artifact's folder
        #[arg(long, value_name = "DIR")]
        artifact: Option<PathBuf>,
        /// The model to use; by default the one that the verdict ships
        #[arg(long, value_name = "NAME")]
        model: Option<String>,
        /// The column of the texts; by default the one that the artifact was made with
        #[arg(long, value_name = "NAME")]
        column: Option<String>,
        /// A CSV, TSV, JSON or JSONL file
        #[arg(long, value_name = "FILE")]
        data: PathBuf,
    },
    /// Write a model to the folder of --output, for Python: a Hugging Face folder, or a `peft` adapter
    Save(Save),
    /// Print the recipe, or what it may hold
    Recipe {
        /// Print the JSON schema
        #[arg(long)]
        schema: bool,
    },
}
