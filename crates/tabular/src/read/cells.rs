//! One declared column and how its cells become numbers.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use specialist_core::{Class, Column, ColumnKind, NumberStyle, OnInvalid, Role, canonical, same_value};

use super::error::CellFault;
use super::numbers::{advice, written};
use super::times::{self, TimeReader, Unit};
use super::{Cell, LINES_NAMED, ReadError};

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
    /// By canonical spelling.
    codes: HashMap<String, u32>,
    names: Vec<String>,
    /// The code of the label's negative level, where only the positive one is declared.
    negative: Option<u32>,
    /// By code of a cell of a label that tells several classes apart, the class.
    class_of: Vec<u32>,
    pub invalid: Option<Invalid>,
    /// Cells that spell their level otherwise than the first one, or the declaration, did.
    pub respelled: usize,
    style: NumberStyle,
    times: TimeReader,
    bare: BareTimes,
}

/// Bare numbers of a time column without a `format`: what they count is known when the column has been seen.
#[derive(Default)]
struct BareTimes {
    unit: Option<Unit>,
    /// Whether this chunk held numbers, and texts.
    numbers: bool,
    texts: bool,
}

impl CellColumn {
    pub(super) fn new(column: Column, place: usize, style: NumberStyle) -> Self {
        let in_class =
            |(k, class): (usize, &Class)| class.cells.iter().map(move |c| (c.clone(), k as u32)).collect::<Vec<_>>();
        let (cells, class_of): (Vec<String>, Vec<u32>) = column.classes.iter().enumerate().flat_map(in_class).unzip();
        let names = if cells.is_empty() { column.levels.clone() } else { cells };
        let codes = names.iter().enumerate().map(|(i, n)| (canonical(n).into_owned(), i as u32)).collect();
        let (times, bare) = (TimeReader::default(), BareTimes::default());
        Self { column, place, codes, names, negative: None, class_of, invalid: None, respelled: 0, style, times, bare }
    }

    /// Forgets the levels of a feature that has more than can be of use, before rows that need not have the codes of those
    /// before them: a file of any length is read in the same memory. Keys keep theirs, for features with memory.
    pub(super) fn forget(&mut self) {
        const MOST: usize = 50_000;
        let texts = self.column.role == Role::Label && self.column.kind == ColumnKind::Text;
        if (self.column.role == Role::Feature || texts) && self.column.levels.is_empty() && self.names.len() > MOST {
            self.names = Vec::new();
            self.codes = HashMap::new();
        }
    }

    /// The levels by code: declared, or seen so far.
    pub(super) fn levels(&self) -> Vec<String> {
        self.names.clone()
    }

    /// A digest of every name seen so far, by code; equal for all spellings of a name.
    pub(super) fn digests(&self) -> Vec<u64> {
        let hash = BuildHasherDefault::<DefaultHasher>::default();
        self.names.iter().map(|n| hash.hash_one(canonical(n).as_ref())).collect()
    }

    /// Whether the cell means "missing": it is empty, or one of the declared markers in any spelling.
    fn is_missing(&self, cell: Cell<'_>) -> bool {
        match cell {
            Cell::Missing => true,
            Cell::Number(v) if v.is_nan() => true,
            Cell::Text("") => true,
            _ if self.column.missing.is_empty() => false,
            cell => {
                let text = cell.text();
                let number = || self.style.parse(&text);
                // 99 and 99.00 are one marker where cells are numbers.
                let equal = |m: &String| {
                    same_value(m, &text)
                        || (self.column.kind == ColumnKind::Number
                            && m.parse::<f64>().is_ok_and(|m| number() == Some(m)))
                };
                self.column.missing.iter().any(equal)
            }
        }
    }

    /// The cell as a number: a value, a code, seconds, or 0 and 1 for the label; `NaN` is missing.
    pub(super) fn parse(&mut self, cell: Cell<'_>, line: u64) -> Result<f64, CellFault> {
        let cell = match cell {
            Cell::Text(t) => Cell::Text(t.trim()),
            other => other,
        };
        if self.is_missing(cell) {
            return self.missing();
        }
        match (self.column.role, self.column.kind) {
            (Role::Label, ColumnKind::Text) => Ok(f64::from(self.exact(&cell.text()))),
            (Role::Label, _) if !self.class_of.is_empty() => self.class(&cell.text()),
            (Role::Label, _) => self.label(&cell.text()),
            (Role::Event, _) => self.event(&cell.text()),
            (Role::Duration, _) => self.duration(cell, line),
            (Role::Entry, _) => self.entry(cell, line),
            (Role::Group | Role::Site | Role::Key, _) => Ok(f64::from(self.code(&cell.text()))),
            (Role::Time, _) | (_, ColumnKind::Time) => self.time(cell),
            (_, ColumnKind::Category) => Ok(self.category(&cell.text(), line)),
            // Texts are what they are: nothing about their spelling is taken off.
            (_, ColumnKind::Text) => Ok(f64::from(self.exact(&cell.text()))),
            _ => self.number(cell, line),
        }
    }

    /// Gives the bare numbers of a time column, all of a chunk, the unit that their sizes tell.
    pub(super) fn settle_times(&mut self, values: &mut [f64], file: &str) -> Result<(), ReadError> {
        let numbers = std::mem::take(&mut self.bare.numbers);
        let texts = std::mem::take(&mut self.bare.texts);
        if !numbers {
            return Ok(());
        }
        let refused = |what: String| ReadError::Column {
            file: file.into(),
            column: self.column.name.clone(),
            expected: what,
            hint: format!(
                "say how it is written with `format` in [columns.{}]: {}, or a pattern such as %d.%m.%Y",
                self.column.name,
                times::time_formats().join(", ")
            ),
        };
        if texts {
            return Err(refused("some cells are dates as texts and some are bare numbers".into()));
        }
        let known = || values.iter().copied().filter(|v| !v.is_nan());
        if known().next().is_none() {
            return Ok(());
        }
        let unit = match (times::unit_of(known()), self.bare.unit) {
            // A file of one day may be too short to tell what the file before it told.
            (Err(_), Some(unit)) if unit != Unit::Seconds => unit,
            (Ok(unit), before) if before.is_none_or(|b| b == unit) => unit,
            (Ok(_), _) => return Err(refused("times change their unit within the file".into())),
            (Err(what), _) => return Err(refused(format!("bare numbers that could be {what}"))),
        };
        self.bare.unit = Some(unit);
        for v in values.iter_mut().filter(|v| !v.is_nan()) {
            *v = times::to_seconds(*v, unit).ok_or_else(|| refused("a number is not a day of the calendar".into()))?;
        }
        Ok(())
    }

    fn time(&mut self, cell: Cell<'_>) -> Result<f64, CellFault> {
        let declared = self.column.format.clone();
        let fault = || CellFault {
            expected: match &declared {
                Some(format) => format!("a time written as `{format}` is expected"),
                None => "a time is expected: 2024-05-31, 2024-05-31T14:03:00 (UTC), or a number that counts from 1970"
                    .into(),
            },
            hint: format!(
                "say how times are written with `format` in [columns.{}], for example format = \"%d.%m.%Y\"",
                self.column.name
            ),
        };
        match (cell, &declared) {
            // The file says itself that it is a time.
            (Cell::Time(t), _) => Ok(t),
            (cell, Some(format)) => times::declared(&cell.text(), format).ok_or_else(fault),
            (Cell::Number(v), None) => {
                self.bare.numbers = true;
                Ok(v)
            }
            (cell, None) => {
                let text = cell.text();
                if let Ok(v) = text.parse::<f64>() {
                    self.bare.numbers = true;
                    return if v.is_finite() { Ok(v) } else { Err(fault()) };
                }
                self.bare.texts = true;
                self.times.read(&text).ok_or_else(fault)
            }
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
            Cell::Number(v) | Cell::Time(v) => v,
            Cell::Whole(v) => v as f64,
            Cell::Boolean(v) => f64::from(u8::from(v)),
            Cell::Missing => f64::NAN,
            Cell::Text(t) => {
                let read = written(t, self.style, &self.column).and_then(|w| w.value(self.column.limits));
                match read {
                    // A limit of detection that counts as missing.
                    Some(v) if v.is_nan() && t.starts_with(['<', '>', '\u{2264}', '\u{2265}']) => return Ok(v),
                    Some(v) => v,
                    // 1 and TRUE are one value, in a column of numbers too.
                    None if matches!(canonical(t).as_ref(), "1" | "0") => f64::from(u8::from(canonical(t) == "1")),
                    None => {
                        return Err(CellFault {
                            expected: "a number is expected".into(),
                            hint: advice(t, self.style, &self.column),
                        });
                    }
                }
            }
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
        // Trees compare in single precision, and what is beyond it is no measurement.
        if value.abs() > f64::from(f32::MAX) {
            return Err(CellFault {
                expected: "a number up to 3.4e38 is expected".into(),
                hint: "write missing cells as empty ones, or name what stands for them with `missing`".into(),
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

    /// From when on somebody was followed.
    fn entry(&mut self, cell: Cell<'_>, line: u64) -> Result<f64, CellFault> {
        let value = self.number(cell, line)?;
        if value.is_nan() || value < 0.0 {
            return Err(CellFault {
                expected: "a time of 0 or above is expected: from when on the row was followed".into(),
                hint: "0 where it was followed from the start".into(),
            });
        }
        Ok(value)
    }

    /// 0 for a row that is censored, 1 for the event, from 2 on for the competing causes.
    fn event(&mut self, cell: &str) -> Result<f64, CellFault> {
        if let Some(place) = self.column.competing.iter().position(|c| same_value(c, cell)) {
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

    fn category(&mut self, cell: &str, line: u64) -> f64 {
        if self.column.levels.is_empty() {
            return f64::from(self.code(cell));
        }
        match self.known(cell) {
            Some(code) => f64::from(code),
            None => {
                self.note_invalid(line);
                f64::NAN
            }
        }
    }

    fn note_invalid(&mut self, line: u64) {
        let invalid = self.invalid.get_or_insert(Invalid { count: 0, lines: Vec::new() });
        invalid.count += 1;
        if invalid.lines.len() < LINES_NAMED {
            invalid.lines.push(line);
        }
    }

    /// The code of a level that has one, in whatever spelling.
    fn known(&mut self, text: &str) -> Option<u32> {
        let code = *self.codes.get(canonical(text).as_ref())?;
        self.respelled += usize::from(self.names[code as usize] != text);
        Some(code)
    }

    /// The code of a level, which is given one where it has none.
    fn code(&mut self, text: &str) -> u32 {
        self.known(text).unwrap_or_else(|| self.add(canonical(text).into_owned(), text))
    }

    /// As [`Self::code`], of texts that are told apart by every letter.
    fn exact(&mut self, text: &str) -> u32 {
        self.codes.get(text).copied().unwrap_or_else(|| self.add(text.into(), text))
    }

    fn add(&mut self, key: String, text: &str) -> u32 {
        let code = self.names.len() as u32;
        self.codes.insert(key, code);
        self.names.push(text.into());
        code
    }

    /// The class that the cell means.
    fn class(&mut self, cell: &str) -> Result<f64, CellFault> {
        if let Some(code) = self.known(cell) {
            return Ok(f64::from(self.class_of[code as usize]));
        }
        let Column { classes, on_invalid, name, .. } = &self.column;
        if *on_invalid == OnInvalid::Missing {
            return Ok(f64::NAN);
        }
        Err(CellFault {
            expected: format!("one of the {} declared classes is expected", classes.len()),
            hint: format!(
                "name it in `classes` or `levels` of [columns.{name}]; on_invalid = \"missing\" leaves rows of other classes out"
            ),
        })
    }

    /// Positive or negative as declared; without a declaration, the usual words for yes and no.
    fn label(&mut self, cell: &str) -> Result<f64, CellFault> {
        let Column { positive, negative, on_invalid, name, .. } = &self.column;
        let is = |list: &[String]| list.iter().any(|x| same_value(x, cell));
        let fault = |expected: &str| {
            Err(CellFault {
                expected: expected.into(),
                hint: format!(
                    "name the label's levels with `positive` and `negative` in [columns.{name}], and what means no label with `missing`"
                ),
            })
        };
        match (positive.is_empty(), negative.is_empty()) {
            _ if is(positive) => Ok(1.0),
            _ if is(negative) => Ok(0.0),
            (true, false) => Ok(1.0),
            (false, true) => {
                let third = fault("a third label; the label must have two classes");
                // The first other value is the negative one. Declared levels have codes already, the positive ones among them.
                let code = self.code(cell);
                if *self.negative.get_or_insert(code) == code { Ok(0.0) } else { third }
            }
            (true, true) => match canonical(cell).to_ascii_lowercase().as_str() {
                "1" | "t" | "yes" | "y" => Ok(1.0),
                "0" | "f" | "no" | "n" => Ok(0.0),
                _ => fault("a label of 0 or 1 is expected"),
            },
            (false, false) if *on_invalid == OnInvalid::Missing => Ok(f64::NAN),
            (false, false) => fault("neither a positive nor a negative label"),
        }
    }
}

impl<'a> Cell<'a> {
    /// What the cell would be in a file of texts: whole numbers without decimals, truth as `True` and `False`, times by ISO 8601.
    pub(super) fn text(self) -> Cow<'a, str> {
        match self {
            Self::Text(t) => Cow::Borrowed(t),
            Self::Number(v) => Cow::Owned(v.to_string()),
            Self::Whole(v) => Cow::Owned(v.to_string()),
            Self::Boolean(v) => Cow::Borrowed(if v { "True" } else { "False" }),
            Self::Time(t) => Cow::Owned(iso(t)),
            Self::Missing => Cow::Borrowed(""),
        }
    }
}

/// A time by ISO 8601: the date alone at midnight.
fn iso(seconds: f64) -> String {
    let nanos = ((seconds - seconds.floor()) * 1e9).round() as u32;
    let Some(t) = chrono::DateTime::from_timestamp(seconds.floor() as i64, nanos.min(999_999_999)) else {
        return seconds.to_string();
    };
    if seconds.rem_euclid(86_400.0) == 0.0 {
        t.format("%Y-%m-%d").to_string()
    } else {
        t.format("%Y-%m-%dT%H:%M:%S%.fZ").to_string()
    }
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

    fn column(column: Column) -> CellColumn {
        CellColumn::new(Column { name: "c".into(), ..column }, 0, NumberStyle::default())
    }

    /// What CSV and Parquet of pandas, R and SQL hold for 1 and 0, and for the code 2.
    const ONE: [Cell<'static>; 7] = [
        Cell::Text("1"),
        Cell::Text("1.0"),
        Cell::Text("True"),
        Cell::Text("TRUE"),
        Cell::Number(1.0),
        Cell::Whole(1),
        Cell::Boolean(true),
    ];
    const TWO: [Cell<'static>; 4] = [Cell::Text("2"), Cell::Text("2.0"), Cell::Number(2.0), Cell::Whole(2)];

    #[test]
    fn one_value_in_any_spelling_is_one_label_event_level_group_and_marker() {
        for role in [Role::Label, Role::Event] {
            let mut plain = column(Column { role, ..Column::default() });
            let mut named = column(Column { role, positive: vec!["1".into()], ..Column::default() });
            for cell in ONE {
                assert_eq!(plain.parse(cell, 2).ok(), Some(1.0), "{role:?} {cell:?}");
                assert_eq!(named.parse(cell, 2).ok(), Some(1.0), "{role:?} {cell:?}");
            }
        }
        let mut competing = column(Column { role: Role::Event, competing: vec!["2".into()], ..Column::default() });
        for cell in TWO {
            assert_eq!(competing.parse(cell, 2).ok(), Some(2.0), "{cell:?}");
        }
        for role in [Role::Feature, Role::Group, Role::Site, Role::Key] {
            let mut seen = column(Column { role, kind: ColumnKind::Category, ..Column::default() });
            for (cells, code) in [(&ONE[..], 0.0), (&TWO, 1.0)] {
                for cell in cells {
                    assert_eq!(seen.parse(*cell, 2).ok(), Some(code), "{role:?} {cell:?}");
                }
            }
            assert_eq!(seen.levels(), ["1", "2"]);
        }
        let declared = vec!["2".into(), "true".into()];
        let mut declared = column(Column { kind: ColumnKind::Category, levels: declared, ..Column::default() });
        assert!(ONE.iter().all(|c| declared.parse(*c, 2).ok() == Some(1.0)));
        assert!(TWO.iter().all(|c| declared.parse(*c, 2).ok() == Some(0.0)));
        for kind in [ColumnKind::Number, ColumnKind::Category] {
            let mut marked = column(Column { kind, missing: vec!["2".into()], ..Column::default() });
            assert!(TWO.iter().all(|c| marked.parse(*c, 2).is_ok_and(f64::is_nan)), "{kind:?}");
        }
    }

    #[test]
    fn ids_beyond_what_a_double_holds_stay_apart() {
        let mut groups = column(Column { role: Role::Group, ..Column::default() });
        assert_eq!(groups.parse(Cell::Whole(9_007_199_254_740_992), 2).ok(), Some(0.0));
        assert_eq!(groups.parse(Cell::Whole(9_007_199_254_740_993), 3).ok(), Some(1.0));
        assert_eq!(groups.parse(Cell::Text("9007199254740993"), 4).ok(), Some(1.0));
    }

    #[test]
    fn bare_numbers_wait_for_their_column() {
        let mut c = column(Column { role: Role::Time, kind: ColumnKind::Time, ..Column::default() });
        let mut values: Vec<f64> =
            ["20240131", "20240201"].iter().map(|t| c.parse(Cell::Text(t), 2).ok().unwrap()).collect();
        c.settle_times(&mut values, "f.csv").unwrap();
        assert_eq!(values, [1_706_659_200.0, 1_706_745_600.0]);
        assert_eq!(c.parse(Cell::Time(5.0), 2).ok(), Some(5.0));
        let mut mixed =
            vec![c.parse(Cell::Text("2024-01-31"), 2).ok().unwrap(), c.parse(Cell::Text("20240201"), 3).ok().unwrap()];
        assert!(c.settle_times(&mut mixed, "f.csv").is_err());
    }

    #[test]
    fn classes_are_told_by_their_cells_in_any_spelling() {
        let class = |name: &str, cells: &[&str]| Class {
            name: name.into(),
            cells: cells.iter().map(ToString::to_string).collect(),
        };
        let classes = vec![class("none", &["-", "0"]), class("high", &["A", "1"]), class("low", &["B"])];
        let declared = Column { role: Role::Label, classes, missing: vec!["?".into()], ..Column::default() };
        let mut strict = column(declared.clone());
        let codes = ["-", "A", "TRUE", "1.0", "B", "0"].map(|c| strict.parse(Cell::Text(c), 2).ok());
        assert_eq!(codes, [0.0, 1.0, 1.0, 1.0, 2.0, 0.0].map(Some));
        assert!(strict.parse(Cell::Text("?"), 2).is_ok_and(f64::is_nan));
        let fault = strict.parse(Cell::Text("C"), 2).unwrap_err();
        assert!(fault.expected.contains("3 declared classes") && !fault.hint.contains('C'), "{}", fault.hint);
        let mut lenient = column(Column { on_invalid: OnInvalid::Missing, ..declared });
        assert!(lenient.parse(Cell::Text("C"), 2).is_ok_and(f64::is_nan));
    }

    #[test]
    fn a_third_label_is_refused() {
        let column = Column { name: "y".into(), role: Role::Label, positive: vec!["bad".into()], ..Column::default() };
        let mut c = CellColumn::new(column, 0, NumberStyle::default());
        assert_eq!(c.parse(Cell::Text("bad"), 2).ok(), Some(1.0));
        assert_eq!(c.parse(Cell::Text("good"), 3).ok(), Some(0.0));
        assert!(c.parse(Cell::Text("so-so"), 4).is_err());
    }
}
