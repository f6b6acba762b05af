//! What can be wrong with an artifact.

use thiserror::Error as ThisError;

/// An artifact that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
pub enum ArtifactError {
    /// There is no such folder, or it holds no manifest.
    #[error("{folder}: there is no artifact here")]
    Missing {
        /// The folder.
        folder: String,
    },
    /// A file is not what the manifest says.
    #[error("{file}: {what}")]
    Corrupt {
        /// The file.
        file: String,
        /// What is wrong with it.
        what: String,
    },
    /// A folder that is something else would be overwritten.
    #[error("{folder}: the folder is there and holds something that is not an artifact")]
    Occupied {
        /// The folder.
        folder: String,
    },
}

impl ArtifactError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Missing { .. } => "`run` makes one; --artifact names its folder".into(),
            Self::Corrupt { .. } => "do not use it: get the artifact again, or run its recipe again".into(),
            Self::Occupied { .. } => "name another folder with --output".into(),
        }
    }
}
