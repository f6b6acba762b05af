//! What may be chosen.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// One chosen value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// A level of a categorical parameter.
    Text(String),
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Int(v) => write!(f, "{v}"),
            Self::Float(v) if *v != 0.0 && !(1e-3..1e4).contains(&v.abs()) => write!(f, "{v:.3e}"),
            Self::Float(v) => write!(f, "{}", (v * 1e4).round() / 1e4),
            Self::Text(v) => f.write_str(v),
        }
    }
}

/// The values a parameter may take.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Domain {
    /// `lo ≤ x ≤ hi`; uniform in the logarithm with `log`.
    Float {
        /// Lower end.
        lo: f64,
        /// Upper end.
        hi: f64,
        /// Uniform in the logarithm.
        log: bool,
    },
    /// `lo ≤ i ≤ hi`; uniform in the logarithm with `log`.
    Int {
        /// Lower end.
        lo: i64,
        /// Upper end.
        hi: i64,
        /// Uniform in the logarithm.
        log: bool,
    },
    /// One of these.
    Categorical {
        /// The levels.
        levels: Vec<String>,
    },
}

/// A parameter; with `when`, it exists only where its parent took one of some values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// What it may be.
    #[serde(flatten)]
    pub domain: Domain,
    /// The categorical parent's name and the levels that make this one active.
    pub when: Option<(String, Vec<String>)>,
}

/// Why a space makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SpaceError {
    /// Two parameters of one name.
    #[error("parameter `{0}` is there twice")]
    Twice(String),
    /// An empty or reversed range, or a logarithm of nothing.
    #[error("parameter `{0}` has an empty range")]
    Empty(String),
    /// A condition on something that is not an earlier categorical parameter.
    #[error("parameter `{0}` depends on `{1}`, which is not an earlier categorical parameter with those levels")]
    Parent(String, String),
}

/// The parameters in the order they are chosen: a parent before what depends on it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Space {
    params: Vec<Param>,
}

impl Space {
    /// An empty space.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a number between `lo` and `hi`.
    #[must_use]
    pub fn float(self, name: &str, lo: f64, hi: f64) -> Self {
        self.with(name, Domain::Float { lo, hi, log: false })
    }

    /// Adds a number between `lo` and `hi`, uniform in its logarithm.
    #[must_use]
    pub fn log_float(self, name: &str, lo: f64, hi: f64) -> Self {
        self.with(name, Domain::Float { lo, hi, log: true })
    }

    /// Adds a whole number between `lo` and `hi`, both included.
    #[must_use]
    pub fn int(self, name: &str, lo: i64, hi: i64) -> Self {
        self.with(name, Domain::Int { lo, hi, log: false })
    }

    /// Adds a whole number between `lo` and `hi`, uniform in its logarithm.
    #[must_use]
    pub fn log_int(self, name: &str, lo: i64, hi: i64) -> Self {
        self.with(name, Domain::Int { lo, hi, log: true })
    }

    /// Adds a choice.
    #[must_use]
    pub fn categorical<S: Into<String>>(self, name: &str, levels: impl IntoIterator<Item = S>) -> Self {
        self.with(name, Domain::Categorical { levels: levels.into_iter().map(Into::into).collect() })
    }

    /// The parameter added last exists only where `parent` took one of `levels`.
    #[must_use]
    pub fn when(mut self, parent: &str, levels: &[&str]) -> Self {
        if let Some(last) = self.params.last_mut() {
            last.when = Some((parent.into(), levels.iter().map(ToString::to_string).collect()));
        }
        self
    }

    fn with(mut self, name: &str, domain: Domain) -> Self {
        self.params.push(Param { name: name.into(), domain, when: None });
        self
    }

    /// The parameters, parents first.
    #[must_use]
    pub fn params(&self) -> &[Param] {
        &self.params
    }

    /// # Errors
    /// [`SpaceError`] for a name used twice, an empty range or a condition on nothing.
    pub fn check(&self) -> Result<(), SpaceError> {
        for (i, p) in self.params.iter().enumerate() {
            let earlier = &self.params[..i];
            if earlier.iter().any(|q| q.name == p.name) {
                return Err(SpaceError::Twice(p.name.clone()));
            }
            let sound = match &p.domain {
                Domain::Float { lo, hi, log } => lo <= hi && hi.is_finite() && lo.is_finite() && (!log || *lo > 0.0),
                Domain::Int { lo, hi, log } => lo <= hi && (!log || *lo > 0),
                Domain::Categorical { levels } => !levels.is_empty(),
            };
            if !sound {
                return Err(SpaceError::Empty(p.name.clone()));
            }
            if let Some((parent, levels)) = &p.when {
                let has = |q: &Param| matches!(&q.domain, Domain::Categorical { levels: l } if levels.iter().all(|x| l.contains(x)));
                if !earlier.iter().any(|q| &q.name == parent && has(q)) {
                    return Err(SpaceError::Parent(p.name.clone(), parent.clone()));
                }
            }
        }
        Ok(())
    }

    /// Chooses every active parameter in order; `choose` is asked once for each.
    pub fn choose(&self, mut choose: impl FnMut(&Param) -> Value) -> Params {
        let mut out = Params::default();
        for p in &self.params {
            if out.activates(p) {
                let value = choose(p);
                out.0.insert(p.name.clone(), value);
            }
        }
        out
    }
}

/// The chosen values of the active parameters, by name.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Params(pub BTreeMap<String, Value>);

impl Params {
    /// Whether `p` exists under the values chosen so far.
    #[must_use]
    pub fn activates(&self, p: &Param) -> bool {
        p.when
            .as_ref()
            .is_none_or(|(parent, levels)| matches!(self.0.get(parent), Some(Value::Text(v)) if levels.contains(v)))
    }

    /// The value of `name`, if it was active.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The number called `name`; `NaN` where it is not active.
    #[must_use]
    pub fn float(&self, name: &str) -> f64 {
        match self.0.get(name) {
            Some(Value::Float(v)) => *v,
            Some(Value::Int(v)) => *v as f64,
            _ => f64::NAN,
        }
    }

    /// The whole number called `name`; 0 where it is not active.
    #[must_use]
    pub fn int(&self, name: &str) -> i64 {
        match self.0.get(name) {
            Some(Value::Int(v)) => *v,
            Some(Value::Float(v)) => *v as i64,
            _ => 0,
        }
    }

    /// The level called `name`; empty where it is not active.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        match self.0.get(name) {
            Some(Value::Text(v)) => v,
            _ => "",
        }
    }
}

impl std::fmt::Display for Params {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut first = true;
        for (name, value) in &self.0 {
            write!(f, "{}{name}={value}", if first { "" } else { ", " })?;
            first = false;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_space_is_checked() {
        assert_eq!(Space::new().float("x", 1.0, 0.0).check(), Err(SpaceError::Empty("x".into())));
        assert_eq!(Space::new().log_float("x", 0.0, 1.0).check(), Err(SpaceError::Empty("x".into())));
        assert_eq!(Space::new().int("x", 0, 1).int("x", 0, 1).check(), Err(SpaceError::Twice("x".into())));
        let orphan = Space::new().int("x", 0, 1).when("model", &["glm"]);
        assert_eq!(orphan.check(), Err(SpaceError::Parent("x".into(), "model".into())));
        let tree = Space::new().categorical("model", ["glm", "trees"]).int("depth", 1, 6).when("model", &["trees"]);
        assert_eq!(tree.check(), Ok(()));
    }
}
