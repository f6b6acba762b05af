//! Parquet through Polars, a slice of rows at a time.

use std::fs::File;
use std::path::{Path, PathBuf};

use polars::prelude::{Column, DataFrame, DataType, ParquetReader, PolarsError, SerReader, TimeUnit};

use super::{Cell, ReadError, RowSink, Rows};

/// Rows taken out of the file at a time.
const SLICE: usize = 1 << 16;

pub(super) struct ParquetRows {
    path: PathBuf,
    header: Vec<String>,
    rows: usize,
    next: usize,
    /// The slice at hand and the position of its first row.
    slice: Vec<Cells>,
    from: usize,
    until: usize,
}

enum Cells {
    Numbers(Vec<f64>),
    Texts(Vec<Option<String>>),
}

impl ParquetRows {
    pub(super) fn open(path: &Path) -> Result<Self, ReadError> {
        let name = path.display().to_string();
        let file = File::open(path).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => ReadError::Missing { file: name.clone() },
            _ => ReadError::Io { file: name.clone(), reason: e.to_string() },
        })?;
        if file.metadata().is_ok_and(|m| m.len() == 0) {
            return Err(ReadError::Empty { file: name });
        }
        let broken = |e: PolarsError| ReadError::Parquet { file: name.clone(), reason: e.to_string() };
        let mut reader = ParquetReader::new(file);
        let header = reader.schema().map_err(broken)?.iter_names().map(ToString::to_string).collect();
        let rows = reader.num_rows().map_err(broken)?;
        Ok(Self { path: path.into(), header, rows, next: 0, slice: Vec::new(), from: 0, until: 0 })
    }

    fn load(&mut self) -> Result<(), ReadError> {
        let name = self.path.display().to_string();
        let broken = |e: PolarsError| ReadError::Parquet { file: name.clone(), reason: e.to_string() };
        let file = File::open(&self.path).map_err(|e| ReadError::Io { file: name.clone(), reason: e.to_string() })?;
        let length = SLICE.min(self.rows - self.next);
        let frame: DataFrame =
            ParquetReader::new(file).with_slice(Some((self.next, length))).finish().map_err(broken)?;
        self.slice = frame.columns().iter().map(cells).collect::<Result<_, _>>().map_err(broken)?;
        (self.from, self.until) = (self.next, self.next + length);
        Ok(())
    }
}

fn cells(column: &Column) -> Result<Cells, PolarsError> {
    let numbers = |c: &Column, unit: f64| -> Result<Cells, PolarsError> {
        let c = c.cast(&DataType::Float64)?;
        Ok(Cells::Numbers(c.f64()?.iter().map(|v| v.map_or(f64::NAN, |v| v * unit)).collect()))
    };
    match column.dtype() {
        DataType::String => Ok(Cells::Texts(column.str()?.iter().map(|v| v.map(str::to_string)).collect())),
        DataType::Date => numbers(&column.cast(&DataType::Int32)?, 86_400.0),
        DataType::Datetime(unit, _) => {
            let seconds = match unit {
                TimeUnit::Milliseconds => 1e-3,
                TimeUnit::Microseconds => 1e-6,
                TimeUnit::Nanoseconds => 1e-9,
            };
            numbers(&column.cast(&DataType::Int64)?, seconds)
        }
        kind => numbers(column, 1.0).map_err(|_| {
            let reason = format!("column `{}` is of the type {kind}, which is not read", column.name());
            PolarsError::ComputeError(reason.into())
        }),
    }
}

impl Rows for ParquetRows {
    fn columns(&self) -> &[String] {
        &self.header
    }

    fn read(&mut self, limit: usize, row: &mut RowSink<'_>) -> Result<usize, ReadError> {
        let mut seen = 0;
        while seen < limit && self.next < self.rows {
            if self.next >= self.until {
                self.load()?;
            }
            let at = self.next - self.from;
            row(self.next as u64 + 1, &|i| match &self.slice[i] {
                Cells::Numbers(v) if v[at].is_nan() => Cell::Missing,
                Cells::Numbers(v) => Cell::Number(v[at]),
                Cells::Texts(v) => v[at].as_deref().map_or(Cell::Missing, Cell::Text),
            })?;
            self.next += 1;
            seen += 1;
        }
        Ok(seen)
    }
}
