//! CSV, read strictly: one width, one encoding, one name a column. Polars' own CSV reader accepts
//! and misreads too many polluted files for data that decisions rest on.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufRead, BufReader, Cursor};
use std::path::Path;

use specialist_core::Dialect;
use specialist_core::quoting::{Fault, Quoted};

use super::{Cell, ReadError, RowSink, Rows};

/// What a text can be instead of UTF-8.
pub(super) const UTF_16: &str = "UTF-16";
pub(super) const NOT_UTF_8: &str = "not UTF-8";
pub(super) const GZIP: &str = "compressed by gzip";
pub(super) const PARQUET: &str = "a Parquet file, whose name must end in .parquet";
pub(super) const SPREADSHEET: &str = "a spreadsheet's own file (or another zip archive)";

pub(super) struct CsvRows {
    name: String,
    csv: csv::Reader<Quoted<Box<dyn BufRead>>>,
    header: Vec<String>,
    record: csv::StringRecord,
    /// 1 where lines end with CR LF: there `csv` counts a line only when the next one is read; and the lines before the
    /// header, which `csv` never sees.
    late: u64,
    /// Lines before the header.
    skipped: u64,
    /// The column without a name at the end of each line, whose cells must be empty.
    blank: Option<usize>,
}

/// What pandas calls a column without a name, by its position from 0.
fn unnamed(place: usize) -> String {
    format!("Unnamed: {place}")
}

impl CsvRows {
    pub(super) fn open(path: &Path, dialect: Dialect, names: Option<&[String]>) -> Result<Self, ReadError> {
        let name = path.display().to_string();
        let file = File::open(path).map_err(|e| io(&name, &e))?;
        if file.metadata().is_ok_and(|m| m.is_dir()) {
            return Err(ReadError::Io {
                file: name,
                reason: "this is a folder, a CSV or Parquet file is expected".into(),
            });
        }
        Self::new(name, Box::new(BufReader::with_capacity(1 << 18, file)), dialect, names)
    }

    pub(super) fn embedded(
        name: &str,
        text: Cow<'static, [u8]>,
        dialect: Dialect,
        names: Option<&[String]>,
    ) -> Result<Self, ReadError> {
        Self::new(name.into(), Box::new(Cursor::new(text)), dialect, names)
    }

    fn new(
        name: String,
        mut text: Box<dyn BufRead>,
        dialect: Dialect,
        names: Option<&[String]>,
    ) -> Result<Self, ReadError> {
        let Dialect { mut delimiter, skip, .. } = dialect;
        let start = text.fill_buf().map_err(|e| io(&name, &e))?;
        let encoding = |what| ReadError::Encoding { file: name.clone(), line: None, what };
        match start {
            [] => return Err(ReadError::Empty { file: name }),
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => return Err(encoding(UTF_16)),
            [b'P', b'A', b'R', b'1', ..] => return Err(encoding(PARQUET)),
            [b'P', b'K', 3, 4, ..] | [0xd0, 0xcf, 0x11, 0xe0, ..] => return Err(encoding(SPREADSHEET)),
            [0x1f, 0x8b, ..] => return Err(encoding(GZIP)),
            // Latin text in UTF-16 without a mark has a zero in every other byte.
            [0, b, ..] | [b, 0, ..] if b.is_ascii_graphic() => return Err(encoding(UTF_16)),
            _ if start.contains(&0) => return Err(encoding("binary")),
            _ => {}
        }
        let first = start.iter().position(|&b| b == b'\n').unwrap_or(0);
        let ends = u64::from(first > 0 && start[first - 1] == b'\r');
        let mut skipped = 0;
        if start.starts_with(&[0xef, 0xbb, 0xbf]) {
            text.consume(3);
        }
        for _ in 0..skip {
            let mut line = Vec::new();
            if text.read_until(b'\n', &mut line).map_err(|e| io(&name, &e))? == 0 {
                return Err(ReadError::Empty { file: name });
            }
            skipped += 1;
        }
        // `sep=;`: a spreadsheet's word to itself, which says what parts the cells and is no row.
        if let Some((mark, length)) = text.fill_buf().ok().and_then(sep_line) {
            if delimiter != mark && delimiter != Dialect::default().delimiter {
                return Err(ReadError::Delimiter { file: name, found: quoted_mark(mark) });
            }
            text.consume(length);
            (delimiter, skipped) = (mark, skipped + 1);
        }
        let late = ends + skipped;
        let other = text.fill_buf().ok().and_then(|start| parted_by(start, delimiter));
        let mut csv = csv::ReaderBuilder::new();
        csv.delimiter(delimiter).has_headers(names.is_none());
        let mut csv = csv.from_reader(Quoted::new(text, delimiter));
        if let Some(names) = names {
            let (header, record) = (names.to_vec(), csv::StringRecord::new());
            return Ok(Self { name, csv, header, record, late, skipped, blank: None });
        }
        let header = csv.headers().map_err(|e| match (broken(&name, &e, (late, skipped)), other) {
            // Marks of a file in another dialect are wrong only because its cells are parted elsewhere.
            (ReadError::Quoting { .. }, Some(found)) => ReadError::Delimiter { file: name.clone(), found },
            (error, _) => error,
        })?;
        let mut header: Vec<String> = header.iter().map(|h| h.trim().to_string()).collect();
        let blank = name_nameless(&mut header);
        check_header(&name, &header, delimiter)?;
        Ok(Self { name, csv, header, record: csv::StringRecord::new(), late, skipped, blank })
    }
}

/// What `sep=` names at the start of a file, and how long that line is.
pub(super) fn sep_line(start: &[u8]) -> Option<(u8, usize)> {
    let [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', mark, rest @ ..] = start else { return None };
    match rest {
        [b'\r', b'\n', ..] => Some((*mark, 7)),
        [b'\n', ..] => Some((*mark, 6)),
        _ => None,
    }
}

/// What parts the quoted names of a first line, where it is not `delimiter`: the mark that stands between two quotation
/// marks more often than any other.
fn parted_by(start: &[u8], delimiter: u8) -> Option<&'static str> {
    let line = start.split(|b| *b == b'\n' || *b == b'\r').next()?;
    let between = |mark: u8| line.windows(2).filter(|w| *w == [b'"', mark] || *w == [mark, b'"']).count();
    let mark = [b',', b';', b'\t', b'|'].into_iter().max_by_key(|m| between(*m))?;
    (mark != delimiter && between(mark) > between(delimiter)).then(|| quoted_mark(mark))
}

fn quoted_mark(mark: u8) -> &'static str {
    match mark {
        b';' => "\";\"",
        b'\t' => "\"\\t\"",
        b'|' => "\"|\"",
        _ => "\",\"",
    }
}

/// Names the columns that may stand without a name: the first, which pandas, R and spreadsheets write for the number or
/// name of the row, and the last, which a delimiter at the end of each line makes and whose place is returned.
fn name_nameless(header: &mut [String]) -> Option<usize> {
    let named = header.iter().any(|h| !h.is_empty());
    if !named || header.len() < 2 {
        return None;
    }
    if header[0].is_empty() {
        header[0] = unnamed(0);
    }
    let last = header.len() - 1;
    if !header[last].is_empty() {
        return None;
    }
    header[last] = unnamed(last);
    Some(last)
}

fn check_header(name: &str, header: &[String], delimiter: u8) -> Result<(), ReadError> {
    if header.iter().all(String::is_empty) {
        return Err(ReadError::Empty { file: name.into() });
    }
    if let [only] = header {
        for mark in [b';', b'\t', b'|', b','] {
            if only.contains(char::from(mark)) && mark != delimiter {
                return Err(ReadError::Delimiter { file: name.into(), found: quoted_mark(mark) });
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
            let Self { name, csv, record, late, skipped, blank, header } = self;
            if !csv.read_record(record).map_err(|e| broken(name, &e, (*late, *skipped)))? {
                break;
            }
            if record.len() != header.len() {
                // Only where the names are not the file's own: otherwise `csv` compares with its header.
                let line = record.position().map_or(0, csv::Position::line) + *late;
                let (found, expected) = (record.len() as u64, header.len() as u64);
                return Err(ReadError::Ragged { file: name.clone(), line, found, expected });
            }
            // Tables that were put one below the other, or a header of several lines: names are no cells.
            if header.len() > 1 && record.iter().zip(header.iter()).all(|(cell, name)| cell.trim() == name) {
                let line = record.position().map_or(0, csv::Position::line) + *late;
                return Err(ReadError::Repeated { file: name.clone(), line });
            }
            seen += 1;
            let line = record.position().map_or(0, csv::Position::line) + *late;
            if let Some(place) = blank
                && record.get(*place).is_some_and(|c| !c.trim().is_empty())
            {
                return Err(ReadError::Column {
                    file: name.clone(),
                    column: header[*place].clone(),
                    expected: format!("line {line} holds a cell under no name: every line is expected to end there"),
                    hint: "give every column one name of its own".into(),
                });
            }
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

fn broken(name: &str, e: &csv::Error, (late, skipped): (u64, u64)) -> ReadError {
    let line = e.position().map(|p| p.line() + late);
    match e.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            ReadError::Ragged { file: name.into(), line: line.unwrap_or(0), found: *len, expected: *expected_len }
        }
        csv::ErrorKind::Utf8 { .. } => ReadError::Encoding { file: name.into(), line, what: NOT_UTF_8 },
        csv::ErrorKind::Io(e) => match Fault::of(e) {
            Some(Fault { lines_before, what }) => {
                ReadError::Quoting { file: name.into(), line: lines_before + skipped + 1, what: *what }
            }
            None => io(name, e),
        },
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
            let mut rows = CsvRows::embedded("f", text.into_bytes().into(), Dialect::default(), None).unwrap();
            let mut lines = Vec::new();
            rows.read(9, &mut |line, _| {
                lines.push(line);
                Ok(())
            })
            .unwrap();
            assert_eq!(lines, [2, 3, 5], "{end:?}");
        }
    }

    #[test]
    fn what_a_lenient_reader_would_lose_is_refused() {
        let read = |text: &str| {
            let mut rows = CsvRows::embedded("f", text.as_bytes().to_vec().into(), Dialect::default(), None)?;
            rows.read(99, &mut |_, _| Ok(()))
        };
        assert_eq!(read("a,b\n\"1\"\"\",2\n3,\"4\n5\"\n"), Ok(2));
        for (text, line) in [("a,b\n1,2\n3,\"4\n5,6\n", 3), ("a,b\r\n1,\"2\"x\r\n", 2), ("a,b\n1,2\" pipe\n", 2)] {
            assert!(matches!(read(text), Err(ReadError::Quoting { line: l, .. }) if l == line), "{text:?}");
        }
        // Quoted names of another dialect are that, and no fault of quoting.
        for text in ["\"a\";\"b\"\n1;2\n", "\"a\"\t\"b\"\n1\t2\n"] {
            assert!(matches!(read(text), Err(ReadError::Delimiter { .. })), "{text:?}");
        }
        assert_eq!(read("a,b\n1,2\na,b\n3,4\n"), Err(ReadError::Repeated { file: "f".into(), line: 3 }));
    }
}
