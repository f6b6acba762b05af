//! A declared column, as a recipe says it.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use specialist_core::{Class, ColumnKind, Limits, OnInvalid, Role};

use super::defaults::is_default;

/// A declared column.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ColumnSpec {
    /// What it is for.
    #[schemars(with = "String", extend("enum" = ["feature", "label", "duration", "event", "entry", "group", "time", "site", "id", "amount", "weight", "key", "ignore"]))]
    pub role: Role,
    /// How it is written.
    #[schemars(with = "String", extend("enum" = ["number", "category", "time", "text"]))]
    pub kind: ColumnKind,
    /// Its unit, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The smallest possible value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// The largest possible value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// The allowed levels, in code order; of a label that is not yes or no, its classes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<String>,
    /// Cells that mean "missing", beside the empty cell.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// For a time: how it is written, by a word (`seconds`, `milliseconds`, `microseconds`, `nanoseconds`, `yyyymmdd`,
    /// `yyyymmddhhmmss`, `spreadsheet-days`, `seconds-since-1960`,
    /// `milliseconds-since-1960`, `days-since-1960`, `days-since-1970`, `years`) or a pattern (`%d.%m.%Y`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// For a number: texts that are taken off its cells, such as `%` or `€`; the number stays as it is written.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub strip: Vec<String>,
    /// For a number: what a limit of detection such as `<0.5` stands for: `value` (.5), `half` (.25), `missing`.
    #[serde(skip_serializing_if = "is_default")]
    #[schemars(with = "String", extend("enum" = ["refuse", "value", "half", "missing"]))]
    pub limits: Limits,
    /// For the label or the event: the cells that mean positive.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub positive: Vec<String>,
    /// For the label: the cells that mean negative; alone, every other cell is positive.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub negative: Vec<String>,
    /// For the label: its classes in order, where it tells three or more apart, each with the cells that mean it
    /// (`{ none = ["-"], low = ["E", "F"], high = ["A"] }`). Where every cell is a class of its own, `levels` says so.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    #[schemars(with = "BTreeMap<String, Vec<String>>")]
    pub classes: IndexMap<String, Vec<String>>,
    /// For the event: the cells of causes after which it cannot happen any more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub competing: Vec<String>,
    /// For the duration: until when risk is predicted, in its unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub horizon: Option<f64>,
    /// For the duration: who was followed longer counts until then; by default the horizon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<f64>,
    /// The source does not have it: a predictor for the tuning `extension`.
    #[serde(skip_serializing_if = "is_default")]
    pub only_target: bool,
    /// What to do with a value outside `min`, `max` or `levels`.
    #[serde(skip_serializing_if = "is_default")]
    #[schemars(with = "String", extend("enum" = ["error", "missing"]))]
    pub on_invalid: OnInvalid,
    /// 1: the prediction may only rise with the value, -1: only fall.
    #[serde(skip_serializing_if = "is_default")]
    pub monotone: i8,
    /// For a number in a linear model: knots of its restricted cubic spline, from 3 to 7; 0: a line.
    #[serde(skip_serializing_if = "is_default")]
    pub knots: u8,
}

impl ColumnSpec {
    /// The classes of a label that is not yes or no, each with its cells; none for any other column.
    #[must_use]
    pub fn told_apart(&self) -> Vec<Class> {
        if self.role != Role::Label || !(self.positive.is_empty() && self.negative.is_empty()) {
            return Vec::new();
        }
        if !self.classes.is_empty() {
            return self
                .classes
                .iter()
                .map(|(name, cells)| Class { name: name.clone(), cells: cells.clone() })
                .collect();
        }
        // Two levels are a yes and a no, of which `positive` says which is which.
        let own = |level: &String| Class { name: level.clone(), cells: vec![level.clone()] };
        if self.levels.len() > 2 { self.levels.iter().map(own).collect() } else { Vec::new() }
    }
}
