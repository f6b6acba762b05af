//! Everything that can stop a run, with its exit code and what to do about it.

use specialist_report::Finding;
use specialist_tabular::ModelError;
use specialist_tabular::read::ReadError;
use thiserror::Error as ThisError;

use crate::artifact_error::ArtifactError;
use crate::recipe::RecipeError;

/// A run that did not reach its end.
#[derive(Debug, ThisError)]
pub enum Error {
    /// The recipe.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// A data file.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The rows or the settings.
    #[error("{0}")]
    Core(#[from] specialist_core::Error),
    /// A file with a model.
    #[error("{file}: {error}")]
    Model {
        /// Its path.
        file: String,
        /// What is wrong.
        error: ModelError,
    },
    /// A folder with an artifact.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// The checks found a leak.
    #[error("the data leaks or is wrong: {}", names(.0))]
    Leak(Vec<Finding>),
    /// A store of studies.
    #[error(transparent)]
    Store(#[from] specialist_search::StoreError),
    /// Something the user asked for is not there.
    #[error("{what}")]
    Usage {
        /// What.
        what: String,
        /// What to do.
        hint: String,
    },
    /// A file could not be written.
    #[error("{file}: {error}")]
    Write {
        /// Its path.
        file: String,
        /// The system's reason.
        error: std::io::Error,
    },
}

fn names(findings: &[Finding]) -> String {
    findings.iter().map(|f| f.name.as_str()).collect::<Vec<_>>().join(", ")
}

impl Error {
    /// The exit code: 2 usage or recipe, 3 bad data, 4 corrupt artifact or model file, 70 a bug.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Recipe(_) | Self::Usage { .. } => 2,
            Self::Read(e) if e.is_usage() => 2,
            Self::Read(_) | Self::Leak(_) => 3,
            Self::Core(specialist_core::Error::Setting { .. } | specialist_core::Error::Absent { .. }) => 2,
            // What a shell says of a program that SIGINT ended.
            Self::Core(specialist_core::Error::Cancelled) => 130,
            Self::Core(specialist_core::Error::Encoder { .. }) => 4,
            Self::Core(_) => 3,
            Self::Artifact(ArtifactError::Missing { .. } | ArtifactError::Occupied { .. }) => 2,
            Self::Store(e) if e.is_corrupt() => 4,
            Self::Store(_) => 2,
            Self::Model { .. } | Self::Artifact(_) => 4,
            Self::Write { .. } => 2,
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> String {
        use specialist_core::Error as Core;
        match self {
            Self::Recipe(e) => e.hint(),
            Self::Read(e) => e.hint(),
            Self::Usage { hint, .. } => hint.clone(),
            Self::Artifact(e) => e.hint(),
            Self::Model { error: ModelError::Unsupported { hint, .. }, .. } => hint.clone(),
            Self::Model { .. } => "train and save the model again; it must be whole, and made for these columns".into(),
            Self::Leak(_) => {
                "mend the data or the split; `waive` under [check] lets a finding pass by name, and the report says so"
                    .into()
            }
            Self::Store(e) => store_hint(e).into(),
            Self::Write { .. } => "check that the folder exists and may be written to".into(),
            Self::Core(Core::NoColumn { nearest: Some(n), .. }) => format!("did you mean `{n}`?"),
            Self::Core(Core::NoColumn { .. }) => {
                "declare the column under [columns], with the role that is needed".into()
            }
            Self::Core(Core::TooFew { .. }) => "label more rows, or make fewer folds and a smaller test share".into(),
            Self::Core(Core::Setting { .. }) => "change the setting in the recipe, or with --set KEY=VALUE".into(),
            Self::Core(Core::Mismatch(_)) => "use the columns that the model was trained with".into(),
            Self::Core(Core::Fit { .. }) => "look at the columns with `check`, or choose another estimator".into(),
            Self::Core(Core::Data { hint, .. } | Core::Absent { hint, .. } | Core::Encoder { hint, .. }) => {
                hint.clone()
            }
            Self::Core(Core::Cancelled) => {
                "nothing was written; start the run again: with --store it goes on where it was".into()
            }
        }
    }
}

fn store_hint(error: &specialist_search::StoreError) -> &'static str {
    use specialist_search::StoreError as Store;
    match error {
        Store::Foreign { .. } => "nothing in it was changed; name another --store, or a new file",
        Store::Corrupt { .. } => {
            "nothing in it was changed; take a copy from before the damage, or name another --store"
        }
        Store::NoStudy(_) => "`study list` shows the studies of the store",
        Store::Exists(_) => "choose another name, or delete the study first",
        Store::NoTrial(_) | Store::Finished(_) => "another worker has ended it; start the run again to go on",
        Store::Io { .. } => {
            "check that the place can be reached and written to and has room; then start the run again: finished trials are kept"
        }
    }
}
