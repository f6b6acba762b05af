//! What the columns of a table are declared to be.

use serde::{Deserialize, Serialize};

/// What a column is for.
///
/// ```
/// use specialist_core::{Column, Role, Schema};
/// let label = Column { name: "died".into(), role: Role::Label, ..Column::default() };
/// let schema = Schema { columns: vec![label] };
/// assert!(schema.with_role(Role::Label).is_some() && schema.with_role(Role::Time).is_none());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// An input of the model.
    #[default]
    Feature,
    /// What is to be predicted.
    Label,
    /// How long the row was followed, until its event or until it was censored; together with `event` it is what is
    /// to be predicted.
    Duration,
    /// Whether the time of `duration` is that of the event.
    Event,
    /// From when on the row was followed, on the clock of `duration` (left truncation; the start of a start–stop table).
    /// Times then count from it; it is an input of the model too.
    Entry,
    /// Rows with the same value belong together (a patient, a card).
    Group,
    /// When the row happened.
    Time,
    /// Where the row comes from (a hospital, a branch).
    Site,
    /// Names the row; never an input.
    Id,
    /// What the row is worth, in money: for cost metrics. Also an input unless the kind says otherwise.
    Amount,
    /// A row weight.
    Weight,
    /// Read by the domain's own features (a terminal, a merchant), not by the model.
    Key,
    /// Not read.
    Ignore,
}

/// How a cell is written.
///
/// ```
/// use specialist_core::{Column, ColumnKind};
/// let sex = Column { name: "sex".into(), kind: ColumnKind::Category, ..Column::default() };
/// assert_ne!(sex.kind, Column::default().kind);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnKind {
    /// A decimal number.
    #[default]
    Number,
    /// One of a few levels.
    Category,
    /// A date, or a date and time (UTC unless it says otherwise), written as `format` says.
    Time,
    /// Any text that names a thing.
    Text,
}

/// What to do with a cell outside the declared range or levels.
///
/// ```
/// use specialist_core::{Column, OnInvalid};
/// let age = Column { name: "age".into(), max: Some(120.0), on_invalid: OnInvalid::Missing, ..Column::default() };
/// assert_ne!(age.on_invalid, OnInvalid::default());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnInvalid {
    /// Refuse the file.
    #[default]
    Error,
    /// Treat the cell as missing, count it and say so.
    Missing,
}

/// What a number stands for that is only known to lie beyond a limit (`<0.5`, `>100`).
///
/// ```
/// use specialist_core::{Column, Limits};
/// let troponin = Column { name: "troponin".into(), limits: Limits::Half, ..Column::default() };
/// assert_ne!(troponin.limits, Limits::default());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limits {
    /// Refuse the file.
    #[default]
    Refuse,
    /// The limit itself.
    Value,
    /// Half of the limit below it (Hornung & Reed 1990), the limit itself above it.
    Half,
    /// Missing.
    Missing,
}

/// One of several classes that a label tells apart.
///
/// ```
/// use specialist_core::{Class, Column, Role};
/// let low = Class { name: "hypothyroid".into(), cells: vec!["primary".into(), "secondary".into()] };
/// let label = Column { name: "diagnosis".into(), role: Role::Label, classes: vec![low], ..Column::default() };
/// assert_eq!(label.classes[0].cells.len(), 2);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Class {
    /// Its name.
    pub name: String,
    /// The cells that mean it.
    pub cells: Vec<String>,
}

/// One declared column.
///
/// ```
/// use specialist_core::{Column, Role};
/// let age = Column { name: "age".into(), unit: Some("years".into()), min: Some(0.0), max: Some(120.0), ..Column::default() };
/// assert!(age.role == Role::Feature && age.levels.is_empty());
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Column {
    /// The name in the header.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// How it is written.
    pub kind: ColumnKind,
    /// The unit, for people.
    pub unit: Option<String>,
    /// The smallest possible value.
    pub min: Option<f64>,
    /// The largest possible value.
    pub max: Option<f64>,
    /// The allowed levels, in code order; empty: taken from the training rows.
    pub levels: Vec<String>,
    /// Cells that mean "missing", beside the empty cell.
    pub missing: Vec<String>,
    /// For a time: how it is written, by a word (`seconds`, `milliseconds`, `yyyymmdd`, …) or a pattern (`%d.%m.%Y`);
    /// by default ISO 8601, or a bare number whose unit its size tells.
    pub format: Option<String>,
    /// For a number: texts that are taken off its cells (`%`, `€`, `mg/l`); the number stays as it is written.
    pub strip: Vec<String>,
    /// For a number: what a limit of detection (`<0.5`) stands for.
    pub limits: Limits,
    /// For the label or the event: the cells that mean the positive class.
    pub positive: Vec<String>,
    /// For the label: the cells that mean the negative class. With `positive` empty, every other
    /// cell is positive.
    pub negative: Vec<String>,
    /// For the label: its classes in the order of their codes, where it tells three or more apart; empty where it is yes or
    /// no.
    pub classes: Vec<Class>,
    /// For the event: the cells of causes after which it cannot happen any more.
    pub competing: Vec<String>,
    /// For the duration: until when risk is predicted.
    pub horizon: Option<f64>,
    /// For the duration: rows that were followed longer count until then; by default the horizon.
    pub until: Option<f64>,
    /// What to do with an impossible value.
    pub on_invalid: OnInvalid,
    /// +1: the prediction may only rise with the value, −1: only fall, 0: free.
    pub monotone: i8,
    /// For a number in a linear model: knots of its restricted cubic spline, from 3 to 7; 0: a line.
    pub knots: u8,
}

/// The declared columns of a table, in any order.
///
/// ```
/// use specialist_core::{Column, Role, Schema};
/// let of = |name: &str, role: Role| Column { name: name.into(), role, ..Column::default() };
/// let schema = Schema { columns: vec![of("age", Role::Feature), of("died", Role::Label)] };
/// assert_eq!(schema.column("died").map(|c| c.role), Some(Role::Label));
/// assert!(schema.column("sex").is_none());
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Schema {
    /// The columns.
    pub columns: Vec<Column>,
}

impl Schema {
    /// The column called `name`.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|c| c.name == name)
    }

    /// The first column with `role`.
    #[must_use]
    pub fn with_role(&self, role: Role) -> Option<&Column> {
        self.columns.iter().find(|c| c.role == role)
    }
}
