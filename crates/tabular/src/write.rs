//! Writing tables: scores as CSV or Parquet, row by row, without keeping them.

use std::io::{self, Write};

use polars::prelude::{Column, DataFrame, DataType, Field, NamedFrom, ParquetWriter, Schema, Series};
use specialist_core::quoting::escape_formula;
use specialist_core::{Estimand, Outputs};

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

/// What a table of scores holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScoreColumns {
    /// What the first column is called: `id`, `line`.
    pub key: String,
    /// Whether it holds texts and no numbers.
    pub texts: bool,
    /// What a prediction is called.
    pub value: String,
    /// The classes' names, where there are several: the table then holds the most probable one, and the probability of each.
    pub classes: Vec<String>,
    /// What the last column is called, of texts with a note on each.
    pub notes: Option<String>,
}

/// Rows with what was predicted of them.
pub struct ScoredRows<'a> {
    /// Their names, where they have names.
    pub ids: Option<&'a [String]>,
    /// Where they stand in their file.
    pub lines: &'a [u64],
    /// Rows × outputs, or a text a row.
    pub predicted: &'a Outputs,
    /// What to look at in each text.
    pub notes: Option<&'a [String]>,
}

impl ScoreColumns {
    /// The columns behind the first, in order.
    fn values(&self) -> Vec<String> {
        if self.classes.is_empty() {
            return std::iter::once(&self.value).chain(&self.notes).cloned().collect();
        }
        let of_class = self.classes.iter().map(|class| format!("{}_{class}", self.value));
        std::iter::once("class".to_string()).chain(of_class).collect()
    }
}

/// Writes the scores of rows.
pub struct ScoreWriter<W: Write> {
    columns: ScoreColumns,
    to: Sink<W>,
}

enum Sink<W: Write> {
    Csv(Box<csv::Writer<W>>),
    /// A row group per chunk.
    Parquet(Box<polars::io::parquet::write::BatchedWriter<W>>),
}

impl<W: Write> ScoreWriter<W> {
    /// A CSV writer.
    ///
    /// # Errors
    /// The sink's.
    pub fn csv(sink: W, columns: ScoreColumns) -> io::Result<Self> {
        let mut csv = csv::WriterBuilder::new().buffer_capacity(1 << 18).from_writer(sink);
        csv.write_record(std::iter::once(&columns.key).chain(&columns.values())).map_err(plain)?;
        Ok(Self { columns, to: Sink::Csv(Box::new(csv)) })
    }

    /// A Parquet writer.
    ///
    /// # Errors
    /// The sink's.
    pub fn parquet(sink: W, columns: ScoreColumns) -> io::Result<Self> {
        let kind = |text: bool, otherwise| if text { DataType::String } else { otherwise };
        let (several, written) = (!columns.classes.is_empty(), columns.value == Estimand::Text.word());
        let values = columns.values().into_iter().enumerate();
        let is_text = |i: usize| written || (several && i == 0);
        let values = values.map(|(i, name)| Field::new(name.into(), kind(is_text(i), DataType::Float64)));
        let key = Field::new(columns.key.as_str().into(), kind(columns.texts, DataType::Int64));
        let schema = Schema::from_iter(std::iter::once(key).chain(values));
        let writer = ParquetWriter::new(sink).batched(&schema).map_err(io::Error::other)?;
        Ok(Self { columns, to: Sink::Parquet(Box::new(writer)) })
    }

    /// Writes a chunk: names in the first column, or lines where there are none; what was predicted behind it.
    ///
    /// # Errors
    /// The sink's.
    pub fn write(&mut self, of: &ScoredRows<'_>) -> io::Result<()> {
        let Self { columns, to } = self;
        let ScoredRows { ids, lines: rows, predicted, notes } = *of;
        let texts = predicted.texts();
        let class = |largest: usize| columns.classes.get(largest).map(String::as_str);
        match to {
            Sink::Csv(csv) => {
                use std::fmt::Write as _;
                let mut number = String::new();
                for (i, text) in texts.iter().enumerate() {
                    let key = ids.map_or_else(|| rows[i].to_string(), |ids| escape_formula(&ids[i]).into_owned());
                    let cells = [Some(text), notes.map(|n| &n[i])].into_iter().flatten().map(|c| escape_formula(c));
                    csv.write_record(std::iter::once(key.into()).chain(cells).map(|c| c.into_owned()))
                        .map_err(plain)?;
                }
                for (i, (row, largest)) in predicted.iter_rows().zip(predicted.largest()).enumerate() {
                    if let Some(ids) = ids {
                        csv.write_field(escape_formula(&ids[i]).as_bytes()).map_err(plain)?;
                    } else {
                        number.clear();
                        write!(number, "{}", rows[i]).map_err(io::Error::other)?;
                        csv.write_field(&number).map_err(plain)?;
                    }
                    if let Some(class) = class(largest) {
                        csv.write_field(escape_formula(class).as_bytes()).map_err(plain)?;
                    }
                    for p in row {
                        number.clear();
                        write!(number, "{p:.9}").map_err(io::Error::other)?;
                        csv.write_field(&number).map_err(plain)?;
                    }
                    csv.write_record(None::<&[u8]>).map_err(plain)?;
                }
                Ok(())
            }
            Sink::Parquet(writer) => {
                let key = columns.key.as_str().into();
                let mut series: Vec<Series> = vec![match ids {
                    Some(ids) => Series::new(key, ids),
                    None => Series::new(key, rows.iter().map(|&r| r as i64).collect::<Vec<i64>>()),
                }];
                let mut names = columns.values().into_iter();
                if !columns.classes.is_empty() {
                    let named: Vec<&str> = predicted.largest().filter_map(class).collect();
                    series.push(Series::new(names.next().expect("the class").into(), named));
                }
                if !texts.is_empty() {
                    let written = [Some(texts), notes].into_iter().flatten();
                    series.extend(names.by_ref().zip(written).map(|(name, cells)| Series::new(name.into(), cells)));
                }
                for (k, name) in names.enumerate() {
                    series.push(Series::new(name.into(), predicted.column(k).collect::<Vec<f64>>()));
                }
                let frame = DataFrame::new(predicted.rows(), series.into_iter().map(Column::from).collect());
                writer.write_batch(&frame.map_err(io::Error::other)?).map_err(io::Error::other)
            }
        }
    }

    /// Writes what is still held back.
    ///
    /// # Errors
    /// The sink's.
    pub fn finish(self) -> io::Result<()> {
        match self.to {
            Sink::Csv(mut csv) => csv.flush(),
            Sink::Parquet(writer) => writer.finish().map(|_| ()).map_err(io::Error::other),
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
