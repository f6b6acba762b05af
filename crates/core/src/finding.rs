//! What a check of the data found.

use serde::{Deserialize, Serialize};

/// How much a finding matters.
///
/// ```
/// use specialist_core::Severity;
/// assert!(Severity::Ok < Severity::Warning && Severity::Warning < Severity::Leak);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Looked for, not found.
    Ok,
    /// Worth knowing; stops nothing.
    Warning,
    /// Stops training unless the recipe waives it by name.
    Leak,
}

/// What one check found.
///
/// ```
/// use specialist_core::{Finding, Severity};
/// let mut found = Finding::new("duplicate-rows", Severity::Leak, "one row is in both files", vec!["a.csv:7".into()]);
/// assert!(found.stops());
/// found.waived = true;
/// assert!(!found.stops());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The check's name, as a waiver spells it.
    pub name: String,
    /// How much it matters.
    pub severity: Severity,
    /// Whether the recipe waives it.
    pub waived: bool,
    /// What was found, in one sentence.
    pub message: String,
    /// Where: file and line of the first rows.
    pub rows: Vec<String>,
}

impl Finding {
    /// A finding that nobody has waived.
    #[must_use]
    pub fn new(name: &str, severity: Severity, message: impl Into<String>, rows: Vec<String>) -> Self {
        Self { name: name.into(), severity, waived: false, message: message.into(), rows }
    }

    /// Whether training must not go on.
    #[must_use]
    pub fn stops(&self) -> bool {
        self.severity == Severity::Leak && !self.waived
    }
}
