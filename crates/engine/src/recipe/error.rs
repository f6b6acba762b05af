//! What can be wrong with a recipe.

use thiserror::Error;

/// A recipe that cannot be run.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RecipeError {
    /// There is no such file, and no recipe of that name.
    #[error("{name}: there is no such recipe")]
    Missing {
        /// What was asked for.
        name: String,
        /// The recipes that ship with the domain.
        known: Vec<String>,
    },
    /// Not TOML, or a value of the wrong type.
    #[error("{file}{}: {reason}", at(.line))]
    Syntax {
        /// The recipe.
        file: String,
        /// Where, if known.
        line: Option<usize>,
        /// Why.
        reason: String,
    },
    /// A key that does not exist.
    #[error("{file}{}: unknown key `{key}`", at(.line))]
    UnknownKey {
        /// The recipe.
        file: String,
        /// Where, if known.
        line: Option<usize>,
        /// The key with its table.
        key: String,
        /// The closest key that exists.
        nearest: Option<String>,
        /// All keys of that table.
        known: Vec<String>,
    },
    /// A value outside its range.
    #[error("`{key}` must be {expected}")]
    Invalid {
        /// The key with its table.
        key: String,
        /// What it must be.
        expected: String,
        /// What to do.
        hint: Option<String>,
    },
}

fn at(line: &Option<usize>) -> String {
    line.map_or(String::new(), |l| format!(", line {l}"))
}

impl RecipeError {
    pub(crate) fn invalid(key: &str, expected: impl Into<String>) -> Self {
        Self::Invalid { key: key.into(), expected: expected.into(), hint: None }
    }

    pub(crate) fn choice(key: &str, found: &str, known: &[&str]) -> Self {
        let nearest = nearest(found, known.iter().copied());
        let hint = nearest.map(|n| format!("did you mean \"{n}\"?"));
        Self::Invalid { key: key.into(), expected: format!("one of {}", known.join(", ")), hint }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Missing { known, .. } if known.is_empty() => "check the path".into(),
            Self::Missing { known, .. } => format!("give the path of a TOML file, or one of: {}", known.join(", ")),
            Self::Syntax { .. } => {
                "`recipe schema` prints what a recipe may hold; `init` writes one for your file".into()
            }
            Self::UnknownKey { nearest: Some(n), .. } => format!("did you mean `{n}`?"),
            Self::UnknownKey { known, .. } => format!("the keys here are: {}", known.join(", ")),
            Self::Invalid { hint: Some(h), .. } => h.clone(),
            Self::Invalid { key, .. } => format!("change it in the recipe, or with --set {key}=VALUE"),
        }
    }
}

/// The name that `word` was probably meant to be.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let score = |k: &str| strsim::jaro_winkler(&word.to_lowercase(), k);
    let best = known.max_by(|a, b| score(a).total_cmp(&score(b)))?;
    (score(best) > 0.7).then(|| best.to_string())
}
