//! What can stop a run, with its exit code and what to do about it.

use specialist_neural::Error as Neural;
use thiserror::Error as ThisError;

/// A run that did not reach its end. No message holds a text.
#[derive(Debug, ThisError)]
pub enum Error {
    /// A model.
    #[error(transparent)]
    Neural(#[from] Neural),
    /// What the domains share: artifacts, files, studies.
    #[error(transparent)]
    Engine(#[from] specialist_engine::Error),
    /// A data file.
    #[error("{what}")]
    Data {
        /// File, line, what was found and what was expected.
        what: String,
        /// What to do.
        hint: String,
    },
    /// Weights or a corpus that were not fetched.
    #[error("{what} is not in the cache ({folder})")]
    NotFetched {
        /// What.
        what: String,
        /// Where it would be.
        folder: String,
        /// How to get it, by program and by hand.
        hint: String,
    },
    /// A client that fetches failed.
    #[error("`{command}` failed: {why}")]
    Client {
        /// The command line.
        command: String,
        /// Its last words.
        why: String,
    },
    /// Something the user asked for is not there.
    #[error("{what}")]
    Usage {
        /// What.
        what: String,
        /// What to do.
        hint: String,
    },
}

/// What this program's functions return.
pub type Result<T> = std::result::Result<T, Error>;

impl From<specialist_core::Error> for Error {
    fn from(e: specialist_core::Error) -> Self {
        Self::Engine(e.into())
    }
}

impl Error {
    pub(crate) fn usage(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { what: what.into(), hint: hint.into() }
    }

    pub(crate) fn data(place: impl std::fmt::Display, what: impl std::fmt::Display, hint: impl Into<String>) -> Self {
        Self::Data { what: format!("{place}: {what}"), hint: hint.into() }
    }

    pub(crate) fn write(file: &std::path::Path, error: std::io::Error) -> Self {
        Self::Engine(specialist_engine::Error::Write { file: file.display().to_string(), error })
    }

    /// The same for the engine.
    pub fn into_core(self) -> specialist_core::Error {
        use specialist_core::Error as Core;
        match self {
            Self::Neural(e) => e.into_core(),
            Self::Engine(specialist_engine::Error::Core(e)) => e,
            Self::NotFetched { .. } | Self::Usage { .. } => Core::Absent { what: self.to_string(), hint: self.hint() },
            other => Core::Data { what: other.to_string(), hint: other.hint() },
        }
    }

    /// The exit code: 2 usage or recipe, 3 bad data, 4 corrupt model or artifact.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Engine(e) => e.exit_code(),
            Self::Data { .. } => 3,
            Self::NotFetched { .. } | Self::Client { .. } | Self::Usage { .. } => 2,
            Self::Neural(Neural::Core(specialist_core::Error::Cancelled)) => 130,
            Self::Neural(Neural::Missing { .. } | Neural::Write { .. }) => 2,
            Self::Neural(Neural::Core(_) | Neural::Diverged { .. }) => 3,
            Self::Neural(_) => 4,
        }
    }

    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::Neural(e) => e.hint().into(),
            Self::Engine(e) => e.hint(),
            Self::Data { hint, .. } | Self::NotFetched { hint, .. } | Self::Usage { hint, .. } => hint.clone(),
            Self::Client { .. } => {
                "look at its message; without a network, `text fetch --list` says what to put where by hand".into()
            }
        }
    }
}
