//! The models of a run.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A model of a run, by what it is made of. What the field's simple methods say beside them are baselines, which have names of their
/// own ([`crate::Domain::baselines`]).
///
/// ```
/// use specialist_core::Candidate;
/// let found = "the specialist".split(' ').filter_map(Candidate::named).collect::<Vec<_>>();
/// assert_eq!(found, [Candidate::Specialist]);
/// assert!("scratch".to_string() == Candidate::Scratch && Candidate::ALL[0].name() == "generalist");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Candidate {
    /// Trained on the broad population, or brought.
    Generalist,
    /// The generalist on the target's scale.
    Recalibrated,
    /// Fitted on the target alone.
    Scratch,
    /// Fitted on source and target rows together.
    Pooled,
    /// The mean of several tunings.
    Ensemble,
    /// The generalist, tuned.
    Specialist,
}

impl Candidate {
    /// All of them, in the order of tables.
    pub const ALL: [Self; 6] =
        [Self::Generalist, Self::Recalibrated, Self::Scratch, Self::Pooled, Self::Ensemble, Self::Specialist];

    /// Its name in files and tables, and what `--model` takes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Generalist => "generalist",
            Self::Recalibrated => "recalibrated",
            Self::Scratch => "scratch",
            Self::Pooled => "pooled",
            Self::Ensemble => "ensemble",
            Self::Specialist => "specialist",
        }
    }

    /// The one called so.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.name() == name)
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl PartialEq<Candidate> for str {
    fn eq(&self, other: &Candidate) -> bool {
        self == other.name()
    }
}

impl PartialEq<Candidate> for String {
    fn eq(&self, other: &Candidate) -> bool {
        *self == *other.name()
    }
}
