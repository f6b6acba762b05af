//! CSV, read strictly: one width, one encoding, one name a column. Polars' own CSV reader accepts
//! and misreads too many polluted files for data that decisions rest on.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufRead, BufReader, Cursor};
use std::path::Path;

use super::{Cell, ReadError, RowSink, Rows};

pub(super) struct CsvRows {
    name: String,
    csv: csv::Reader<Box<dyn BufRead>>,
    header: Vec<String>,
    record: csv::StringRecord,
    /// 1 where lines end with CR LF: there `csv` counts a line only when the next one is read.
    late: u64,
}

impl CsvRows {
    pub(super) fn open(path: &Path, delimiter: u8) -> Result<Self, ReadError> {
        let name = path.display().to_string();
        let file = File::open(path).map_err(|e| io(&name, &e))?;
        if file.metadata().is_ok_and(|m| m.is_dir()) {
            return Err(ReadError::Io {
                file: name,
                reason: "this is a folder, a CSV or Parquet file is expected".into(),
            });
        }
        Self::new(name, Box::new(BufReader::with_capacity(1 << 18, file)), delimiter)
    }

    pub(super) fn embedded(name: &str, text: Cow<'static, [u8]>, delimiter: u8) -> Result<Self, ReadError> {
        Self::new(name.into(), Box::new(Cursor::new(text)), delimiter)
    }

    fn new(name: String, mut text: Box<dyn BufRead>, delimiter: u8) -> Result<Self, ReadError> {
        let start = text.fill_buf().map_err(|e| io(&name, &e))?;
        let encoding = |what| ReadError::Encoding { file: name.clone(), line: None, what };
        match start {
            [] => return Err(ReadError::Empty { file: name }),
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => return Err(encoding("UTF-16")),
            [b'P', b'A', b'R', b'1', ..] => return Err(encoding("a Parquet file, whose name must end in .parquet")),
            [0x1f, 0x8b, ..] => return Err(encoding("compressed by gzip")),
            _ if start.contains(&0) => return Err(encoding("binary")),
            _ => {}
        }
        let first = start.iter().position(|&b| b == b'\n').unwrap_or(0);
        let late = u64::from(first > 0 && start[first - 1] == b'\r');
        if start.starts_with(&[0xef, 0xbb, 0xbf]) {
            text.consume(3);
        }
        let mut csv = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(text);
        let header: Vec<String> =
            csv.headers().map_err(|e| broken(&name, &e, 0))?.iter().map(|h| h.trim().to_string()).collect();
        check_header(&name, &header, delimiter)?;
        Ok(Self { name, csv, header, record: csv::StringRecord::new(), late })
    }
}

fn check_header(name: &str, header: &[String], delimiter: u8) -> Result<(), ReadError> {
    if header.iter().all(String::is_empty) {
        return Err(ReadError::Empty { file: name.into() });
    }
    if let [only] = header {
        for (mark, found) in [(';', "\";\""), ('\t', "\"\\t\""), ('|', "\"|\""), (',', "\",\"")] {
            if only.contains(mark) && mark as u8 != delimiter {
                return Err(ReadError::Delimiter { file: name.into(), found });
            }
        }
    }
    for (i, h) in header.iter().enumerate() {
        let wrong = |what| Err(ReadError::Header { file: name.into(), what });
        if h.is_empty() {
            return wrong(format!("column {} of the header has no name", i + 1));
        }
        if header[..i].contains(h) {
            return wrong(format!("the header names `{h}` twice"));
        }
    }
    Ok(())
}

impl Rows for CsvRows {
    fn columns(&self) -> &[String] {
        &self.header
    }

    fn read(&mut self, limit: usize, row: &mut RowSink<'_>) -> Result<usize, ReadError> {
        let mut seen = 0;
        while seen < limit {
            let Self { name, csv, record, late, .. } = self;
            if !csv.read_record(record).map_err(|e| broken(name, &e, *late))? {
                break;
            }
            seen += 1;
            let line = record.position().map_or(0, csv::Position::line) + *late;
            row(line, &|i| record.get(i).map_or(Cell::Missing, Cell::Text))?;
        }
        Ok(seen)
    }
}

pub(super) fn io(name: &str, e: &std::io::Error) -> ReadError {
    if e.kind() == std::io::ErrorKind::NotFound {
        ReadError::Missing { file: name.into() }
    } else {
        ReadError::Io { file: name.into(), reason: e.to_string() }
    }
}

fn broken(name: &str, e: &csv::Error, late: u64) -> ReadError {
    let line = e.position().map(|p| p.line() + late);
    match e.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            ReadError::Ragged { file: name.into(), line: line.unwrap_or(0), found: *len, expected: *expected_len }
        }
        csv::ErrorKind::Utf8 { .. } => ReadError::Encoding { file: name.into(), line, what: "not UTF-8" },
        csv::ErrorKind::Io(e) => io(name, e),
        _ => ReadError::Io { file: name.into(), reason: e.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_of_an_editor() {
        for (start, end) in [("", "\n"), ("", "\r\n"), ("\u{feff}", "\r\n")] {
            let text = format!("{start}{}", ["a,b", "1,2", "\"two", "lines\",3", "4,5"].join(end));
            let mut rows = CsvRows::embedded("f", text.into_bytes().into(), b',').unwrap();
            let mut lines = Vec::new();
            rows.read(9, &mut |line, _| {
                lines.push(line);
                Ok(())
            })
            .unwrap();
            assert_eq!(lines, [2, 3, 5], "{end:?}");
        }
    }
}
