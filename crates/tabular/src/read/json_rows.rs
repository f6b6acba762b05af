//! Rows of a JSON file: a list of objects, or one object a line (`.jsonl`, `.ndjson`).
//!
//! The whole file is read at once: which columns there are is known only behind the last row. What scores long files in
//! little memory is CSV or Parquet.

use std::collections::HashMap;
use std::path::Path;

use serde_json::{Map, Value};

use super::{Cell, ReadError, RowSink, Rows};

/// Whether the file's name says that it holds JSON.
pub(super) fn is_json(path: &Path) -> bool {
    let is = |e: &std::ffi::OsStr| ["json", "jsonl", "ndjson"].iter().any(|j| e.eq_ignore_ascii_case(j));
    path.extension().is_some_and(is)
}

/// The rows of a file.
pub(super) struct JsonRows {
    header: Vec<String>,
    /// Line of the file, or place in the list from 1; and the cells by place in the header.
    rows: Vec<(u64, Vec<Value>)>,
    next: usize,
}

impl JsonRows {
    pub(super) fn open(path: &Path) -> Result<Self, ReadError> {
        let file = path.display().to_string();
        let bytes = std::fs::read(path).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => ReadError::Missing { file: file.clone() },
            _ => ReadError::Io { file: file.clone(), reason: e.to_string() },
        })?;
        let text = std::str::from_utf8(&bytes).map_err(|e| ReadError::Encoding {
            file: file.clone(),
            line: Some(1 + bytes[..e.valid_up_to()].iter().filter(|&&b| b == b'\n').count() as u64),
            what: "not UTF-8",
        })?;
        Self::parse(&file, text.trim_start_matches('\u{feff}'))
    }

    fn parse(file: &str, text: &str) -> Result<Self, ReadError> {
        let wrong = |line: u64, what: String| ReadError::Json { file: file.into(), line, what };
        let objects: Vec<(u64, Map<String, Value>)> = if text.trim_start().starts_with('[') {
            let all: Vec<Map<String, Value>> = serde_json::from_str(text)
                .map_err(|e| wrong(e.line() as u64, "a list of objects is expected, one a row".into()))?;
            (1..).zip(all).collect()
        } else {
            let lines = (1..).zip(text.lines()).filter(|(_, l): &(u64, &str)| !l.trim().is_empty());
            let object = |(i, l): (u64, &str)| {
                let row = serde_json::from_str(l).map_err(|_| wrong(i, "one object a line is expected".into()))?;
                Ok((i, row))
            };
            lines.map(object).collect::<Result<_, ReadError>>()?
        };
        if objects.is_empty() {
            return Err(ReadError::Empty { file: file.into() });
        }
        let mut header: Vec<String> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut rows = Vec::with_capacity(objects.len());
        for (line, object) in objects {
            let mut cells = vec![Value::Null; header.len()];
            for (name, value) in object {
                if value.is_array() || value.is_object() {
                    return Err(wrong(line, format!("`{name}` is a list or an object, and no cell")));
                }
                let place = *places.entry(name.clone()).or_insert_with(|| {
                    header.push(name);
                    header.len() - 1
                });
                if place == cells.len() {
                    cells.push(value);
                } else {
                    cells[place] = value;
                }
            }
            rows.push((line, cells));
        }
        Ok(Self { header, rows, next: 0 })
    }
}

/// A number that 64 bits hold is one; a longer one keeps its digits, for it may be an id.
fn cell(value: Option<&Value>) -> Cell<'_> {
    match value {
        None | Some(Value::Null) => Cell::Missing,
        Some(Value::Bool(b)) => Cell::Boolean(*b),
        Some(Value::String(s)) => Cell::Text(s),
        Some(Value::Number(n)) => match (n.as_i64(), n.as_f64()) {
            (Some(whole), _) => Cell::Whole(whole),
            (None, Some(number)) => Cell::Number(number),
            (None, None) => Cell::Missing,
        },
        Some(Value::Array(_) | Value::Object(_)) => unreachable!("refused when it was read"),
    }
}

impl Rows for JsonRows {
    fn columns(&self) -> &[String] {
        &self.header
    }

    fn read(&mut self, limit: usize, row: &mut RowSink<'_>) -> Result<usize, ReadError> {
        let end = (self.next + limit).min(self.rows.len());
        for (line, cells) in &self.rows[self.next..end] {
            row(*line, &|place| cell(cells.get(place)))?;
        }
        let read = end - self.next;
        self.next = end;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Header, and each row's line and cells.
    type Told = (Vec<String>, Vec<(u64, String)>);

    fn cells(text: &str) -> Result<Told, ReadError> {
        let mut rows = JsonRows::parse("f.json", text)?;
        let header = rows.columns().to_vec();
        let mut out = Vec::new();
        rows.read(100, &mut |line, cell| {
            let told: Vec<String> = (0..header.len()).map(|i| cell(i).text().into_owned()).collect();
            out.push((line, told.join("|")));
            Ok(())
        })?;
        Ok((header, out))
    }

    #[test]
    fn a_list_and_lines_hold_the_same_rows() {
        let list = "[{\"a\": 1, \"b\": \"x\"},\n {\"b\": null, \"c\": true}, {\"a\": 2.5}]";
        let (header, rows) = cells(list).unwrap();
        assert_eq!(header, ["a", "b", "c"], "columns that come late are columns");
        assert_eq!(rows.iter().map(|r| r.0).collect::<Vec<_>>(), [1, 2, 3]);
        let lines = "{\"a\": 1, \"b\": \"x\"}\n\n{\"b\": null, \"c\": true}\r\n{\"a\": 2.5}\n";
        let (again, of_lines) = cells(lines).unwrap();
        assert_eq!(again, header);
        assert_eq!(of_lines.iter().map(|r| r.0).collect::<Vec<_>>(), [1, 3, 4], "lines are those of an editor");
        assert_eq!(rows.iter().map(|r| &r.1).collect::<Vec<_>>(), of_lines.iter().map(|r| &r.1).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_no_table_is_refused_with_its_line() {
        for (text, line) in [
            ("[{\"a\": 1},\n 7]", 2),
            ("{\"a\": 1}\n{\"a\": [1]}\n", 2),
            ("{\"a\": 1}\n{\"a\": {}}\n", 2),
            ("{\"a\": 1}\nnothing\n", 2),
            ("[{\"a\": 1}", 1),
        ] {
            match cells(text) {
                Err(ReadError::Json { line: l, .. }) => assert_eq!(l, line, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
        assert!(
            matches!(cells(""), Err(ReadError::Empty { .. })) && matches!(cells("[]"), Err(ReadError::Empty { .. }))
        );
    }
}
