//! One declared column and how its cells become numbers.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use specialist_core::{Column, ColumnKind, OnInvalid, Role};

use super::error::CellFault;
use super::{Cell, LINES_NAMED};

/// Cells outside the declared range or levels.
pub(super) struct Invalid {
    pub count: usize,
    pub lines: Vec<u64>,
}

/// A column while it is read. Levels and keys keep their code from chunk to chunk.
pub(super) struct CellColumn {
    pub column: Column,
    /// Its position in the header.
    pub place: usize,
    codes: HashMap<String, u32>,
    names: Vec<String>,
    pub invalid: Option<Invalid>,
}

impl CellColumn {
    pub(super) fn new(column: Column, place: usize) -> Self {
        let names = column.levels.clone();
        let codes = names.iter().enumerate().map(|(i, n)| (n.clone(), i as u32)).collect();
        Self { column, place, codes, names, invalid: None }
    }

    /// The levels by code: declared, or seen so far.
    pub(super) fn levels(&self) -> Vec<String> {
        self.names.clone()
    }

    /// A digest of every name seen so far, by code.
    pub(super) fn digests(&self) -> Vec<u64> {
        let hash = BuildHasherDefault::<DefaultHasher>::default();
        self.names.iter().map(|n| hash.hash_one(n)).collect()
    }

    /// The cell as a number: a value, a code, seconds, or 0 and 1 for the label; `NaN` is missing.
    pub(super) fn parse(&mut self, cell: Cell<'_>, line: u64) -> Result<f64, CellFault> {
        let cell = match cell {
            Cell::Text(t) => {
                let t = t.trim();
                if t.is_empty() || self.column.missing.iter().any(|m| m == t) { Cell::Missing } else { Cell::Text(t) }
            }
            Cell::Number(v) if v.is_nan() => Cell::Missing,
            other => other,
        };
        if cell == Cell::Missing {
            return self.missing();
        }
        match (self.column.role, self.column.kind) {
            (Role::Label, _) => self.label(cell),
            (Role::Event, _) => self.event(cell),
            (Role::Duration, _) => self.duration(cell, line),
            (Role::Group | Role::Site | Role::Key, _) => Ok(f64::from(with_text(cell, |t| self.code(t)))),
            (Role::Time, _) | (_, ColumnKind::Time) => time(cell),
            (_, ColumnKind::Category | ColumnKind::Text) => Ok(self.category(cell, line)),
            _ => self.number(cell, line),
        }
    }

    fn missing(&self) -> Result<f64, CellFault> {
        match self.column.role {
            Role::Feature | Role::Amount | Role::Label | Role::Duration | Role::Event => Ok(f64::NAN),
            role => Err(CellFault {
                expected: format!("empty, but a column with the role {role:?} needs a value in every row")
                    .to_lowercase(),
                hint: "fill the cell, leave the row out, or give the column the role \"ignore\"".into(),
            }),
        }
    }

    fn number(&mut self, cell: Cell<'_>, line: u64) -> Result<f64, CellFault> {
        let value = match cell {
            Cell::Number(v) => v,
            Cell::Text(t) => t.parse().map_err(|_| CellFault {
                expected: "a number is expected".into(),
                hint: format!("if the cell means \"missing\", add it to `missing` of [columns.{}]; if it is text, declare kind = \"category\"", self.column.name),
            })?,
            Cell::Missing => f64::NAN,
        };
        if !value.is_finite() {
            return Err(CellFault {
                expected: "a finite number is expected, this is NaN or infinite".into(),
                hint: format!("leave the cell empty, or add it to `missing` of [columns.{}]", self.column.name),
            });
        }
        if self.column.role == Role::Weight && value <= 0.0 {
            return Err(CellFault {
                expected: "a weight above 0 is expected".into(),
                hint: "leave the row out if it should not count".into(),
            });
        }
        let possible = self.column.min.is_none_or(|m| value >= m) && self.column.max.is_none_or(|m| value <= m);
        if possible {
            return Ok(value);
        }
        self.note_invalid(line);
        Ok(f64::NAN)
    }

    /// A time that somebody was followed for.
    fn duration(&mut self, cell: Cell<'_>, line: u64) -> Result<f64, CellFault> {
        let value = self.number(cell, line)?;
        if value <= 0.0 {
            return Err(CellFault {
                expected: "a time above 0 is expected: how long the row was followed".into(),
                hint: "leave out rows that were never followed; who had the event at once is followed for half a day"
                    .into(),
            });
        }
        Ok(value)
    }

    /// 0 for a row that is censored, 1 for the event, from 2 on for the competing causes.
    fn event(&mut self, cell: Cell<'_>) -> Result<f64, CellFault> {
        let competing = |t: &str| self.column.competing.iter().position(|c| c == t);
        if let Some(place) = with_text(cell, competing) {
            return Ok(2.0 + place as f64);
        }
        let name = self.column.name.clone();
        self.label(cell).map_err(|fault| CellFault {
            expected: format!("{}, or a competing cause", fault.expected),
            hint: format!(
                "name what means the event with `positive`, what means censored with `negative` and other causes with `competing` in [columns.{name}]"
            ),
        })
    }

    fn category(&mut self, cell: Cell<'_>, line: u64) -> f64 {
        let declared = !self.column.levels.is_empty();
        let code = with_text(cell, |t| if declared { self.codes.get(t).copied() } else { Some(self.code(t)) });
        code.map_or_else(
            || {
                self.note_invalid(line);
                f64::NAN
            },
            f64::from,
        )
    }

    fn note_invalid(&mut self, line: u64) {
        let invalid = self.invalid.get_or_insert(Invalid { count: 0, lines: Vec::new() });
        invalid.count += 1;
        if invalid.lines.len() < LINES_NAMED {
            invalid.lines.push(line);
        }
    }

    fn code(&mut self, text: &str) -> u32 {
        if let Some(&code) = self.codes.get(text) {
            return code;
        }
        let code = self.names.len() as u32;
        self.codes.insert(text.into(), code);
        self.names.push(text.into());
        code
    }

    /// Positive or negative as declared; without a declaration, the usual words for yes and no.
    fn label(&mut self, cell: Cell<'_>) -> Result<f64, CellFault> {
        let positive = self.column.positive.clone();
        let negative = self.column.negative.clone();
        let (on_invalid, name) = (self.column.on_invalid, self.column.name.clone());
        with_text(cell, |t| {
            let is = |list: &[String]| list.iter().any(|x| x == t);
            let fault = |expected: &str| CellFault {
                expected: expected.into(),
                hint: format!(
                    "name the label's levels with `positive` and `negative` in [columns.{name}], and what means no label with `missing`"
                ),
            };
            match (positive.is_empty(), negative.is_empty()) {
                _ if is(&positive) => Ok(1.0),
                _ if is(&negative) => Ok(0.0),
                (true, false) => Ok(1.0),
                (false, true) => match self.code(t) {
                    0 => Ok(0.0),
                    _ => Err(fault("a third label; the label must have two classes")),
                },
                (true, true) => match t.to_ascii_lowercase().as_str() {
                    "1" | "true" | "t" | "yes" | "y" => Ok(1.0),
                    "0" | "false" | "f" | "no" | "n" => Ok(0.0),
                    _ => Err(fault("a label of 0 or 1 is expected")),
                },
                (false, false) if on_invalid == OnInvalid::Missing => Ok(f64::NAN),
                (false, false) => Err(fault("neither a positive nor a negative label")),
            }
        })
    }
}

/// The cell's text; a whole number is written without decimals.
fn with_text<T>(cell: Cell<'_>, mut use_it: impl FnMut(&str) -> T) -> T {
    match cell {
        Cell::Text(t) => use_it(t),
        Cell::Number(v) => use_it(&v.to_string()),
        Cell::Missing => use_it(""),
    }
}

fn time(cell: Cell<'_>) -> Result<f64, CellFault> {
    let seconds = match cell {
        Cell::Number(v) => Some(v),
        Cell::Text(t) => seconds(t),
        Cell::Missing => None,
    };
    seconds.ok_or_else(|| CellFault {
        expected: "a time is expected: 2024-05-31, 2024-05-31T14:03:00 (UTC), or seconds since 1970".into(),
        hint: "write the time in one of these forms".into(),
    })
}

/// Seconds since 1970-01-01 UTC of a time as cells write it; `None` where it is none.
#[must_use]
pub fn seconds(text: &str) -> Option<f64> {
    if let Ok(number) = text.parse::<f64>() {
        return number.is_finite().then_some(number);
    }
    if let Ok(t) = DateTime::parse_from_rfc3339(text) {
        return Some(t.timestamp() as f64);
    }
    for form in ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S%.f"] {
        if let Ok(t) = NaiveDateTime::parse_from_str(text, form) {
            return Some(t.and_utc().timestamp() as f64);
        }
    }
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(date.and_hms_opt(0, 0, 0)?.and_utc().timestamp() as f64)
}

/// What a column's values were declared to be.
pub(super) fn expected(column: &Column) -> String {
    let unit = column.unit.as_ref().map_or(String::new(), |u| format!(" {u}"));
    match (column.min, column.max) {
        _ if !column.levels.is_empty() => format!("one of the {} declared levels", column.levels.len()),
        (Some(a), Some(b)) => format!("{a} to {b}{unit}"),
        (Some(a), None) => format!("at least {a}{unit}"),
        (None, Some(b)) => format!("at most {b}{unit}"),
        (None, None) => "anything".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        assert_eq!(seconds("1970-01-02"), Some(86_400.0));
        assert_eq!(seconds("1970-01-01T00:01:00"), Some(60.0));
        assert_eq!(seconds("1970-01-01 01:00"), Some(3600.0));
        assert_eq!(seconds("1970-01-01T01:00:00+01:00"), Some(0.0));
        assert_eq!(seconds("172800"), Some(172_800.0));
        assert_eq!(seconds("02.01.1970"), None);
    }

    #[test]
    fn a_third_label_is_refused() {
        let column = Column { name: "y".into(), role: Role::Label, positive: vec!["bad".into()], ..Column::default() };
        let mut c = CellColumn::new(column, 0);
        assert_eq!(c.parse(Cell::Text("bad"), 2).ok(), Some(1.0));
        assert_eq!(c.parse(Cell::Text("good"), 3).ok(), Some(0.0));
        assert!(c.parse(Cell::Text("so-so"), 4).is_err());
    }
}
