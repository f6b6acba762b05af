//! What can be wrong with data and settings before or while a model is fitted.

use thiserror::Error as ThisError;

/// A fault in data or settings, told without any cell's content.
///
/// ```
/// use specialist_core::Error;
/// let error = Error::NoColumn { column: "age".into(), nearest: Some("Age".into()) };
/// assert_eq!(error.to_string(), "column `age` is not in the data; did you mean `Age`?");
/// ```
#[derive(Debug, Clone, PartialEq, ThisError)]
pub enum Error {
    /// The rows are too few, or of one class only, for what was asked.
    #[error("{what}: {found} found, at least {needed} needed")]
    TooFew {
        /// What was counted.
        what: String,
        /// How many there are.
        found: usize,
        /// How many there must be.
        needed: usize,
    },
    /// A column that a setting or a model names is not in the data.
    #[error("column `{column}` is not in the data{}", near(.nearest))]
    NoColumn {
        /// The name that was asked for.
        column: String,
        /// The column whose name is closest, if any is close.
        nearest: Option<String>,
    },
    /// A setting is outside its range.
    #[error("setting `{setting}` must be {expected}")]
    Setting {
        /// The setting's name as the user writes it.
        setting: String,
        /// What it must be.
        expected: String,
    },
    /// Model and data do not fit each other.
    #[error("the model does not fit the data: {0}")]
    Mismatch(String),
    /// An estimator could not finish.
    #[error("{estimator} could not be fitted: {reason}")]
    Fit {
        /// The estimator's name.
        estimator: &'static str,
        /// Its own reason.
        reason: String,
    },
    /// Data that a domain reads itself is not what it must be.
    #[error("{what}")]
    Data {
        /// What is wrong, with file and line.
        what: String,
        /// What to do.
        hint: String,
    },
    /// What must be fetched before it can be used is not there.
    #[error("{what}")]
    Absent {
        /// What, and where it would be.
        what: String,
        /// How to get it.
        hint: String,
    },
    /// An encoder whose files cannot be used.
    #[error("{what}")]
    Encoder {
        /// What is wrong with it.
        what: String,
        /// What to do.
        hint: String,
    },
    /// The run was cancelled, by the user or by the time budget.
    #[error("cancelled before it was done")]
    Cancelled,
}

fn near(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or(String::new(), |n| format!("; did you mean `{n}`?"))
}
