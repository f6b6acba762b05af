//! One chosen value.

use serde::{Deserialize, Serialize};

/// One chosen value, as it stands in JSON.
///
/// ```
/// use specialist_search::Value;
/// assert_eq!(Value::from(3i64), Value::Int(3));
/// assert_eq!(Value::from("trees").number(), None);
/// assert_eq!(Value::Float(0.25).to_string(), "0.25");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// Nothing, as a level of a categorical parameter.
    Null,
    /// A switch.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// A word.
    Text(String),
}

impl Value {
    /// The number, if it is one.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Int(v) => Some(*v as f64),
            Self::Float(v) => Some(*v),
            _ => None,
        }
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Null => f.write_str("none"),
            Self::Bool(v) => write!(f, "{v}"),
            Self::Int(v) => write!(f, "{v}"),
            Self::Float(v) if *v != 0.0 && !(1e-3..1e4).contains(&v.abs()) => write!(f, "{v:.3e}"),
            Self::Float(v) => write!(f, "{}", (v * 1e4).round() / 1e4),
            Self::Text(v) => f.write_str(v),
        }
    }
}

macro_rules! from {
    ($($type:ty => $variant:ident),*) => {
        $(impl From<$type> for Value {
            fn from(v: $type) -> Self {
                Self::$variant(v.into())
            }
        })*
    };
}
from!(bool => Bool, i64 => Int, i32 => Int, u32 => Int, f64 => Float, &str => Text, String => Text, &String => Text);
