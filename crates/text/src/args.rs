//! What can be typed beside the verbs that every domain has.

use std::path::PathBuf;

use clap::Args;

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

/// Write a model to the folder of --output, for Python: a Hugging Face folder, or a `peft` adapter
#[derive(Debug, Args)]
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
