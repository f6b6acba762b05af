//! A look at every row of a file that nobody has described yet, for `init`: what each column holds, in memory that
//! does not grow with rows.

use std::collections::HashMap;
use std::path::Path;

use specialist_core::Dialect;

use super::{Cell, Input, Options, ReadError, open_rows, sniff};

/// Distinct values that are kept a column.
const KEPT: usize = 10_000;
/// Distinct texts that are kept beyond: a marker for missing may stand in the last row only.
const ODD: usize = 1_000;

/// What a file holds.
#[derive(Debug, Clone)]
pub struct Profile {
    /// How it is written, but for its numbers.
    pub dialect: Dialect,
    /// Rows in the file.
    pub rows: usize,
    /// Its columns.
    pub columns: Vec<ColumnProfile>,
}

/// What a column holds.
#[derive(Debug, Clone, Default)]
pub struct ColumnProfile {
    /// Its name.
    pub name: String,
    /// Its type, where the file says that it is one that cannot be read.
    pub unread: Option<String>,
    /// Whether the file says that its cells are times.
    pub times: bool,
    /// Rows of the files that have the column.
    pub rows: usize,
    /// Cells that are not empty.
    pub filled: usize,
    /// Distinct cells, trimmed, and how often each occurs; texts beyond a limit of kept ones are left out.
    pub values: HashMap<String, usize>,
    /// Cells that had been filled when `values` reached its limit.
    kept_of: Option<usize>,
    /// The share of the filled cells that no other cell of the file repeats, among those looked at for it.
    pub distinct_share: f64,
    /// How many of its distinct cells another file has as well, once the two were laid together; `None` where the other has
    /// no such column.
    pub shared: Option<usize>,
    /// Whether one of two files holds numbers here and the other none.
    pub unlike: bool,
    /// The cell of the first row, and of the last.
    pub ends: [String; 2],
}

impl ColumnProfile {
    fn see(&mut self, cell: &str, first: bool) {
        if first {
            self.ends[0] = cell.into();
        }
        self.ends[1].clear();
        self.ends[1].push_str(cell);
        if cell.is_empty() {
            return;
        }
        self.filled += 1;
        if let Some(count) = self.values.get_mut(cell) {
            *count += 1;
            return;
        }
        if self.values.len() >= KEPT {
            self.kept_of.get_or_insert(self.filled - 1);
            if self.values.len() >= KEPT + ODD || cell.parse::<f64>().is_ok() {
                return;
            }
        }
        self.values.insert(cell.into(), 1);
    }
}

/// Looks at all rows of `path`.
///
/// # Errors
/// As reading does.
pub fn profile(path: &Path) -> Result<Profile, ReadError> {
    let dialect = sniff(path)?;
    let options = Options { dialect, ..Options::default() };
    let mut rows = open_rows(&Input::File(path.into()), &options)?;
    let mut columns: Vec<ColumnProfile> = rows
        .columns()
        .iter()
        .enumerate()
        .map(|(i, name)| ColumnProfile {
            name: name.clone(),
            unread: rows.unread(i).map(str::to_string),
            ..ColumnProfile::default()
        })
        .collect();
    let mut first = true;
    let seen = rows.read(usize::MAX, &mut |_, cell| {
        for (i, column) in columns.iter_mut().enumerate().filter(|(_, c)| c.unread.is_none()) {
            let cell = cell(i);
            column.times |= matches!(cell, Cell::Time(_));
            column.see(cell.text().trim(), first);
        }
        first = false;
        Ok(())
    })?;
    if seen == 0 {
        return Err(ReadError::NoRows { file: path.display().to_string() });
    }
    for column in &mut columns {
        let kept = column.values.len().min(KEPT);
        column.rows = seen;
        column.distinct_share = kept as f64 / column.kept_of.unwrap_or(column.filled).max(1) as f64;
    }
    Ok(Profile { dialect, rows: seen, columns })
}
