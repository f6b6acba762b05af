//! A look at a file that nobody has described yet, for `init`.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use super::csv_rows::{CsvRows, io};
use super::{Cell, ReadError, Rows, is_parquet, parquet_rows};

/// The first rows of a file, as text.
pub struct Sniffed {
    /// Between the cells; a comma for Parquet.
    pub delimiter: u8,
    /// The columns' names.
    pub header: Vec<String>,
    /// Rows of cells; empty cells are missing.
    pub rows: Vec<Vec<String>>,
}

/// The header and up to `rows` rows of a CSV or Parquet file. The delimiter of CSV is the most frequent of
/// the usual ones in the first line.
///
/// # Errors
/// As reading does.
pub fn sniff_header(path: &Path, rows: usize) -> Result<Sniffed, ReadError> {
    let (delimiter, mut source): (u8, Box<dyn Rows>) = if is_parquet(path) {
        (b',', Box::new(parquet_rows::ParquetRows::open(path)?))
    } else {
        let delimiter = delimiter(path)?;
        (delimiter, Box::new(CsvRows::open(path, delimiter)?))
    };
    let header = source.columns().to_vec();
    let mut out: Vec<Vec<String>> = Vec::new();
    source.read(rows, &mut |_, cell| {
        let text = |i: usize| match cell(i) {
            Cell::Text(t) => t.trim().to_string(),
            Cell::Number(v) => v.to_string(),
            Cell::Missing => String::new(),
        };
        out.push((0..header.len()).map(text).collect());
        Ok(())
    })?;
    if out.is_empty() {
        return Err(ReadError::NoRows { file: path.display().to_string() });
    }
    Ok(Sniffed { delimiter, header, rows: out })
}

fn delimiter(path: &Path) -> Result<u8, ReadError> {
    let name = path.display().to_string();
    let mut first = Vec::new();
    let file = File::open(path).map_err(|e| io(&name, &e))?;
    BufReader::new(file).take(1 << 16).read_until(b'\n', &mut first).map_err(|e| io(&name, &e))?;
    let count = |mark: u8| first.iter().filter(|&&b| b == mark).count();
    Ok([b',', b';', b'\t', b'|'].into_iter().rev().max_by_key(|&m| count(m)).unwrap_or(b','))
}
