//! A parameter, and the values that were chosen.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::Domain;
use crate::value::Value;

/// A parameter; with `when`, it exists only where its parent took one of some values.
///
/// ```
/// use specialist_search::{Param, Space, Value};
/// let space = Space::new().categorical("model", ["linear", "trees"]).int("depth", 1, 8).when("model", ["trees"]);
/// let depth: &Param = space.param("depth").unwrap();
/// assert_eq!(depth.when, Some(("model".to_string(), vec![Value::from("trees")])));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// What it may be.
    #[serde(flatten)]
    pub domain: Domain,
    /// The categorical parent's name and the levels that make this one active.
    pub when: Option<(String, Vec<Value>)>,
}

/// The chosen values of the active parameters, by name.
///
/// ```
/// use specialist_search::{Params, Space};
/// let space = Space::new().float("x", 0.0, 2.0).categorical("kind", ["a", "b"]);
/// let point: Params = space.decode(&[0.5, 1.0]);
/// assert_eq!((point.float("x"), point.text("kind")), (1.0, "b"));
/// assert!(point.float("y").is_nan());
/// assert_eq!(point.to_string(), "kind=b, x=1");
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Params(pub BTreeMap<String, Value>);

impl Params {
    /// Whether `p` exists under the values chosen so far.
    #[must_use]
    pub fn activates(&self, p: &Param) -> bool {
        p.when.as_ref().is_none_or(|(parent, levels)| self.0.get(parent).is_some_and(|v| levels.contains(v)))
    }

    /// The value of `name`, if it was active.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The number called `name`; `NaN` where it is not active.
    #[must_use]
    pub fn float(&self, name: &str) -> f64 {
        self.get(name).and_then(Value::number).unwrap_or(f64::NAN)
    }

    /// The whole number called `name`; 0 where it is not active.
    #[must_use]
    pub fn int(&self, name: &str) -> i64 {
        self.get(name).and_then(Value::number).map_or(0, |v| v as i64)
    }

    /// The level called `name`; empty where it is not active.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        match self.get(name) {
            Some(Value::Text(v)) => v,
            _ => "",
        }
    }

    /// The switch called `name`; off where it is not active.
    #[must_use]
    pub fn bool(&self, name: &str) -> bool {
        self.get(name) == Some(&Value::Bool(true))
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
