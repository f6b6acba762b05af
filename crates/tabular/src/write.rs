//! Writing tables: scores as CSV or Parquet, row by row, without keeping them.

use std::io::{self, Write};

use polars::prelude::{Column, DataFrame, DataType, Field, NamedFrom, ParquetWriter, Schema, Series};
use specialist_core::quoting::escape_formula;

/// A column of a small table.
#[derive(Debug, Clone, PartialEq)]
pub enum Cells {
    /// Text.
    Text(Vec<String>),
    /// Numbers; `NaN` is an empty cell.
    Number(Vec<f64>),
}

/// A small table, whose columns are equally long, as Parquet where `file` ends in `.parquet` or `.pq`, else as CSV.
///
/// # Errors
/// When the columns differ in length.
pub fn table(file: &std::path::Path, columns: &[(&str, Cells)]) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    if file.extension().is_some_and(|e| e == "parquet" || e == "pq") {
        let column = |(name, cells): &(&str, Cells)| match cells {
            Cells::Text(v) => Series::new((*name).into(), v).into(),
            Cells::Number(v) => Series::new((*name).into(), v).into(),
        };
        let rows = columns.first().map_or(0, |c| c.1.len());
        let mut frame = DataFrame::new(rows, columns.iter().map(column).collect()).map_err(io::Error::other)?;
        ParquetWriter::new(&mut out).finish(&mut frame).map_err(io::Error::other)?;
        return Ok(out);
    }
    let mut csv = csv::Writer::from_writer(&mut out);
    csv.write_record(columns.iter().map(|c| c.0)).map_err(plain)?;
    for row in 0..columns.first().map_or(0, |c| c.1.len()) {
        let cell = |(_, cells): &(&str, Cells)| match cells {
            Cells::Text(v) => escape_formula(&v[row]).into_owned(),
            Cells::Number(v) if v[row].is_nan() => String::new(),
            Cells::Number(v) => v[row].to_string(),
        };
        csv.write_record(columns.iter().map(cell)).map_err(plain)?;
    }
    csv.flush()?;
    drop(csv);
    Ok(out)
}

impl Cells {
    fn len(&self) -> usize {
        match self {
            Self::Text(v) => v.len(),
            Self::Number(v) => v.len(),
        }
    }
}

/// Writes one score per row.
pub enum ScoreWriter<W: Write> {
    /// The key and the prediction.
    Csv(Box<csv::Writer<W>>),
    /// The same columns, a row group per chunk.
    Parquet(Box<polars::io::parquet::write::BatchedWriter<W>>, String),
}

impl<W: Write> ScoreWriter<W> {
    /// A CSV writer whose columns are called `key` and `value`.
    ///
    /// # Errors
    /// The sink's.
    pub fn csv(sink: W, key: &str, value: &str) -> io::Result<Self> {
        let mut csv = csv::WriterBuilder::new().buffer_capacity(1 << 18).from_writer(sink);
        csv.write_record([key, value]).map_err(plain)?;
        Ok(Self::Csv(Box::new(csv)))
    }

    /// A Parquet writer whose columns are called `key` and `value`; the first holds text if `text`, else row numbers.
    ///
    /// # Errors
    /// The sink's.
    pub fn parquet(sink: W, key: &str, value: &str, text: bool) -> io::Result<Self> {
        let kind = if text { DataType::String } else { DataType::Int64 };
        let fields = [Field::new(key.into(), kind), Field::new(value.into(), DataType::Float64)];
        let writer = ParquetWriter::new(sink).batched(&Schema::from_iter(fields)).map_err(io::Error::other)?;
        Ok(Self::Parquet(Box::new(writer), value.into()))
    }

    /// Writes a chunk: `ids` in the first column, or `rows` where there are none.
    ///
    /// # Errors
    /// The sink's.
    pub fn write(&mut self, ids: Option<&[String]>, rows: &[u64], predicted: &[f64]) -> io::Result<()> {
        match self {
            Self::Csv(csv) => {
                let mut number = String::new();
                for (i, p) in predicted.iter().enumerate() {
                    use std::fmt::Write as _;
                    number.clear();
                    if let Some(ids) = ids {
                        csv.write_field(escape_formula(&ids[i]).as_bytes()).map_err(plain)?;
                    } else {
                        write!(number, "{}", rows[i]).map_err(io::Error::other)?;
                        csv.write_field(&number).map_err(plain)?;
                        number.clear();
                    }
                    write!(number, "{p:.9}").map_err(io::Error::other)?;
                    csv.write_field(&number).map_err(plain)?;
                    csv.write_record(None::<&[u8]>).map_err(plain)?;
                }
                Ok(())
            }
            Self::Parquet(writer, value) => {
                let first: Series = match ids {
                    Some(ids) => Series::new("id".into(), ids),
                    None => Series::new("row".into(), rows.iter().map(|&r| r as i64).collect::<Vec<i64>>()),
                };
                let columns: Vec<Column> = vec![first.into(), Series::new(value.as_str().into(), predicted).into()];
                let frame = DataFrame::new(predicted.len(), columns).map_err(io::Error::other)?;
                writer.write_batch(&frame).map_err(io::Error::other)
            }
        }
    }

    /// Writes what is still held back.
    ///
    /// # Errors
    /// The sink's.
    pub fn finish(self) -> io::Result<()> {
        match self {
            Self::Csv(mut csv) => csv.flush(),
            Self::Parquet(writer, _) => writer.finish().map(|_| ()).map_err(io::Error::other),
        }
    }
}

/// The sink's own error, so that a closed pipe can be told from a full disk.
fn plain(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(e) => e,
        other => io::Error::other(format!("{other:?}")),
    }
}
