//! A first recipe for a file nobody has described yet: a look at every row, and a reason for every decision.

mod cells;
pub(crate) mod names;
mod numbers;
mod outcome;
mod spec;
mod suggest;
mod suggestion;

use std::collections::{HashMap, HashSet};
use std::path::Path;

use specialist_core::{ColumnKind, Dialect, NumberStyle, Role, canonical};
use specialist_tabular::read::{ColumnProfile, Profile, profile};

use crate::Error;

use cells::{bare, is_marker};
pub use outcome::Named;
pub use suggestion::Suggestion;

/// What a look at a file suggests.
pub struct Sketch {
    /// How the target's file is written.
    pub dialect: Dialect,
    /// How the source's file is written, where there is one.
    pub source: Option<Dialect>,
    /// Every column of the target.
    pub columns: Vec<Suggestion>,
    /// Columns that only the source has, which are not read.
    pub only_source: Vec<String>,
    /// Rows that were looked at, the source's among them.
    pub rows: usize,
}

impl Sketch {
    /// Has the model read columns of free text, which are left out otherwise: it takes an encoder.
    pub fn read_texts(&mut self) {
        for c in self.columns.iter_mut().filter(|c| c.spec.role == Role::Ignore && c.spec.kind == ColumnKind::Text) {
            c.spec.role = Role::Feature;
            c.why = "free text, read by an encoder".into();
        }
    }
}

/// Looks at `path`, and at `source` where there is one, and suggests a schema; `named` is what the user knows.
///
/// # Errors
/// As reading does; [`Error::Usage`] when there is no column that could be the label, or none of its values is known
/// to be the positive one.
pub fn sketch(path: &Path, source: Option<&Path>, named: &Named) -> Result<Sketch, Error> {
    let mut target = profile(path)?;
    refuse_no_rows(path, &target)?;
    let source = source.map(|s| Ok::<_, Error>((s, profile(s)?))).transpose()?;
    target.dialect.numbers = number_style(&target, named.decimal);
    let mut rows = target.rows;
    let mut of_source = None;
    let (mut lacking, mut only_source) = (Vec::new(), Vec::new());
    if let Some((path, mut source)) = source {
        refuse_no_rows(path, &source)?;
        source.dialect.numbers = number_style(&source, None);
        of_source = Some(source.dialect);
        rows += source.rows;
        let names = |of: &Profile| of.columns.iter().map(|c| c.name.clone()).collect::<Vec<_>>();
        let (own, theirs) = (names(&target), names(&source));
        only_source = theirs.iter().filter(|n| !own.contains(n)).cloned().collect();
        lacking = own.into_iter().filter(|n| !theirs.contains(n)).collect();
        // A marker or a level may stand in one of the two files only. Files with numbers of different styles are not laid
        // together: their cells would not mean the same.
        if source.dialect.numbers == target.dialect.numbers {
            merge(&mut target, source);
        }
    }
    let mut columns = suggest::columns(&target, named, path)?;
    for column in columns.iter_mut().filter(|c| lacking.contains(&c.name) && c.spec.role != Role::Ignore) {
        if matches!(column.spec.role, Role::Label | Role::Event | Role::Duration) {
            let what =
                format!("the source has no column `{}`, which is the outcome in {}", column.name, path.display());
            let hint = "the two need the same outcome under the same name: rename a column, or name one that both have with --label";
            return Err(Error::Usage { what, hint: hint.into() });
        }
        column.spec.only_target = true;
        column.why.push_str("; the source does not have it");
    }
    Ok(Sketch { dialect: target.dialect, source: of_source, columns, only_source, rows })
}

fn merge(target: &mut Profile, source: Profile) {
    let style = target.dialect.numbers;
    let mut theirs: HashMap<String, ColumnProfile> = source.columns.into_iter().map(|c| (c.name.clone(), c)).collect();
    for column in &mut target.columns {
        let Some(other) = theirs.remove(&column.name) else { continue };
        let known: HashSet<_> = other.values.keys().map(|v| canonical(v)).collect();
        column.shared = Some(column.values.keys().filter(|v| !is_marker(v) && known.contains(&canonical(v))).count());
        let numeric = |c: &ColumnProfile| c.values.keys().any(|v| !is_marker(v) && style.parse(v).is_some());
        column.unlike = column.values.len() > 1 && other.values.len() > 1 && numeric(column) != numeric(&other);
        column.rows += other.rows;
        column.filled += other.filled;
        column.times &= other.times;
        column.unread = column.unread.take().or(other.unread);
        for (cell, count) in other.values {
            *column.values.entry(cell).or_default() += count;
        }
    }
}

/// A row of units below the header, or of sums at the end, is no row.
fn refuse_no_rows(path: &Path, file: &Profile) -> Result<(), Error> {
    const FEWEST: usize = 20;
    // Columns that are counted from 0 are a matrix's; other numbers are a row that stands where the names should.
    let counted = file.columns.iter().enumerate().all(|(i, c)| c.name == i.to_string());
    let numbers = file.columns.iter().filter(|c| c.name.parse::<f64>().is_ok()).count();
    if !counted && numbers * 2 >= file.columns.len() && numbers > 1 {
        return Err(Error::Usage {
            what: format!("{}: the first line holds numbers where the columns' names are expected", path.display()),
            hint: "write the names of the columns as the first line".into(),
        });
    }
    if file.rows < FEWEST {
        return Ok(());
    }
    let style = number_style(file, None);
    let number = |cell: &str| bare(cell, style).is_some();
    // Columns of numbers but for one cell: at which end does it stand?
    let mut odd = [0usize; 2];
    let mut numeric = 0;
    for c in &file.columns {
        let texts: Vec<&String> = c.values.keys().filter(|v| !number(v) && !is_marker(v)).collect();
        if texts.len() > 1 || c.values.len() < 5 {
            continue;
        }
        numeric += 1;
        for (end, odd) in c.ends.iter().zip(&mut odd) {
            *odd += usize::from(texts.first().is_some_and(|t| *t == end && c.values[*t] == 1));
        }
    }
    let total = |cell: &str| {
        let cell = cell.to_lowercase();
        ["total", "totals", "sum", "summe", "gesamt", "somme", "total général", "grand total"].contains(&cell.as_str())
    };
    let (line, what) = if odd[0] > 0 && odd[0] * 2 >= numeric {
        ("the first line below the header", "units or remarks, and no values")
    } else if file.columns.iter().any(|c| total(&c.ends[1])) {
        ("the last line", "sums, and no row")
    } else {
        return Ok(());
    };
    Err(Error::Usage {
        what: format!("{}: {line} seems to hold {what}", path.display()),
        hint: "take that line out of the file, and call init again".into(),
    })
}

/// The style in which most columns are numbers; of equals, the one that is likelier with this delimiter.
fn number_style(file: &Profile, decimal: Option<char>) -> NumberStyle {
    let by_comma = file.dialect.delimiter == b',';
    let mut styles = NumberStyle::USUAL;
    // Where a comma parts cells, a comma inside a quoted number parts thousands.
    styles.sort_by_key(|s| (s.decimal == ',') == by_comma && *s != NumberStyle::default());
    let numeric = |style: NumberStyle| {
        let all = |c: &&ColumnProfile| {
            let mut values = c.values.keys().filter(|v| !is_marker(v)).peekable();
            values.peek().is_some() && values.all(|v| bare(v, style).is_some()) && !looks_grouped(c, style)
        };
        file.columns.iter().filter(all).count()
    };
    let mut best = (NumberStyle::default(), 0);
    for style in std::iter::once(NumberStyle::default()).chain(styles) {
        if decimal.is_some_and(|d| d != style.decimal) {
            continue;
        }
        let count = numeric(style);
        if count > best.1 {
            best = (style, count);
        }
    }
    best.0
}

/// Whether what `style` takes for the decimal mark parts thousands in this column: behind it stand three digits wherever it
/// stands, and the numbers without it are whole and below a thousand. (5,424 beside 100 and 250.)
fn looks_grouped(column: &ColumnProfile, style: NumberStyle) -> bool {
    const FEWEST: usize = 3;
    if style.thousands.is_some() {
        return false;
    }
    let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    let (mut marked, mut plain) = (0usize, 0usize);
    for value in column.values.keys().filter(|v| !is_marker(v)) {
        let value = value.trim_start_matches('-');
        match value.split_once(style.decimal) {
            Some((whole, rest)) if digits(whole) && digits(rest) && rest.len() == 3 && !whole.starts_with('0') => {
                marked += 1;
            }
            None if digits(value) && value.len() <= 3 => plain += 1,
            _ => return false,
        }
    }
    marked >= FEWEST && plain * 10 >= marked
}
