//! Parquet through Polars, a slice of rows and the columns that are needed at a time.
//!
//! What a column holds is decided by its type, before anything is decoded: a type that cannot be read is refused by
//! name, and only where a recipe needs the column. (Polars panics on types that it was built without.)

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use specialist_core::foreign::caught;

use polars::prelude::{ArrowDataType, Column, DataFrame, DataType, ParquetReader, PolarsError, SerReader, TimeUnit};

use polars_parquet::parquet::schema::types::{ParquetType, PrimitiveLogicalType};

use super::arrow_schema::{ArrowSchema, KEY};
use super::numbers::without_trailing_zeros;
use super::{Cell, ReadError, RowSink, Rows, pages};

/// Rows taken out of the file at a time.
const SLICE: usize = 1 << 16;

pub(super) struct ParquetRows {
    path: PathBuf,
    header: Vec<String>,
    /// The type of each column that cannot be read.
    unread: BTreeMap<usize, String>,
    needed: Vec<usize>,
    /// How many units a second has, for durations that Polars is not told of.
    durations: BTreeMap<usize, f64>,
    /// Columns of bytes that Parquet says are something else.
    encoded: BTreeMap<usize, Encoded>,
    /// Whether the Arrow schema in the file is left out; see [`ArrowSchema`].
    parquet_only: bool,
    rows: usize,
    next: usize,
    /// The slice at hand, by column, and the position of its first row.
    slice: Vec<Cells>,
    from: usize,
    until: usize,
}

/// What bytes can stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoded {
    Json,
    Uuid,
    HalfFloat,
}

enum Cells {
    /// Not needed, or all missing.
    Missing,
    Numbers(Vec<f64>),
    Wholes(Vec<Option<i64>>),
    Booleans(Vec<Option<bool>>),
    Times(Vec<f64>),
    Texts(Vec<Option<String>>),
}

impl ParquetRows {
    pub(super) fn open(path: &Path) -> Result<Self, ReadError> {
        whole(path, || Self::opened(path))
    }

    fn opened(path: &Path) -> Result<Self, ReadError> {
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
        let written = reader.get_metadata().map_err(broken)?.key_value_metadata.clone().unwrap_or_default();
        let arrow = written.iter().find(|kv| kv.key == KEY).and_then(|kv| kv.value.as_deref()).map(ArrowSchema::parse);
        let parquet_only = arrow.as_ref().is_some_and(|a| !a.plain);
        if parquet_only {
            without_arrow(&mut reader).map_err(broken)?;
        }
        let encoded = encoded(reader.get_metadata().map_err(broken)?.schema_descr.fields());
        let schema = reader.schema().map_err(broken)?;
        let header: Vec<String> = schema.iter_names().map(ToString::to_string).collect();
        let unread = schema.iter_values().enumerate();
        let unread: BTreeMap<usize, String> = unread
            .filter(|(i, _)| !encoded.contains_key(i))
            .filter_map(|(i, f)| Some((i, unreadable(f.dtype())?)))
            .collect();
        let rows = reader.num_rows().map_err(broken)?;
        let needed = (0..header.len()).filter(|i| !unread.contains_key(i)).collect();
        let unit = |(i, name): (usize, &String)| Some((i, *arrow.as_ref()?.durations.get(name)?));
        let durations =
            if parquet_only { header.iter().enumerate().filter_map(unit).collect() } else { BTreeMap::new() };
        Ok(Self {
            path: path.into(),
            header,
            unread,
            needed,
            durations,
            encoded,
            parquet_only,
            rows,
            next: 0,
            slice: Vec::new(),
            from: 0,
            until: 0,
        })
    }

    fn load(&mut self) -> Result<(), ReadError> {
        let path = self.path.clone();
        whole(&path, || self.loaded())
    }

    fn loaded(&mut self) -> Result<(), ReadError> {
        let name = self.path.display().to_string();
        let broken = |e: PolarsError| ReadError::Parquet { file: name.clone(), reason: e.to_string() };
        let open = || File::open(&self.path).map_err(|e| ReadError::Io { file: name.clone(), reason: e.to_string() });
        let file = open()?;
        if self.next == 0 {
            let mut reader = ParquetReader::new(open()?);
            let metadata = reader.get_metadata().map_err(broken)?;
            let names: Vec<&String> = self.needed.iter().map(|&place| &self.header[place]).collect();
            pages::sound(open()?, metadata, &names)
                .map_err(|reason| ReadError::Parquet { file: name.clone(), reason })?;
        }
        let length = SLICE.min(self.rows - self.next);
        self.slice = self.header.iter().map(|_| Cells::Missing).collect();
        if !self.needed.is_empty() {
            let mut reader = ParquetReader::new(file);
            if self.parquet_only {
                without_arrow(&mut reader).map_err(broken)?;
            }
            let frame: DataFrame = reader
                .with_projection(Some(self.needed.clone()))
                .with_slice(Some((self.next, length)))
                .finish()
                .map_err(broken)?;
            for (&place, column) in self.needed.iter().zip(frame.columns()) {
                self.slice[place] = match self.encoded.get(&place) {
                    Some(encoded) => decoded(column, *encoded).map_err(broken)?,
                    None => cells(column).map_err(broken)?,
                };
                if let (Some(unit), Cells::Wholes(counts)) = (self.durations.get(&place), &self.slice[place]) {
                    self.slice[place] =
                        Cells::Numbers(counts.iter().map(|c| c.map_or(f64::NAN, |c| c as f64 / unit)).collect());
                }
            }
        }
        (self.from, self.until) = (self.next, self.next + length);
        Ok(())
    }
}

/// What `decode` makes of the file at `path`; Polars panics on some damaged files.
fn whole<T>(path: &Path, decode: impl FnOnce() -> Result<T, ReadError>) -> Result<T, ReadError> {
    caught(decode).unwrap_or_else(|_| {
        Err(ReadError::Parquet { file: path.display().to_string(), reason: "the file is damaged".into() })
    })
}

/// The columns of bytes that Parquet says are something else.
fn encoded(fields: &[ParquetType]) -> BTreeMap<usize, Encoded> {
    let of = |(i, field): (usize, &ParquetType)| {
        let ParquetType::PrimitiveType(field) = field else { return None };
        let encoded = match field.logical_type? {
            PrimitiveLogicalType::Json => Encoded::Json,
            PrimitiveLogicalType::Uuid => Encoded::Uuid,
            PrimitiveLogicalType::Float16 => Encoded::HalfFloat,
            _ => return None,
        };
        Some((i, encoded))
    };
    fields.iter().enumerate().filter_map(of).collect()
}

/// The cells of such a column, which Polars may know by its type already.
fn decoded(column: &Column, encoded: Encoded) -> Result<Cells, PolarsError> {
    if *column.dtype() != DataType::Binary {
        return cells(column);
    }
    let bytes = column.binary()?;
    Ok(match encoded {
        Encoded::Json => {
            Cells::Texts(bytes.iter().map(|b| b.map(|b| String::from_utf8_lossy(b).into_owned())).collect())
        }
        Encoded::Uuid => Cells::Texts(bytes.iter().map(|b| b.map(hyphenated)).collect()),
        Encoded::HalfFloat => {
            let half = |b: &[u8]| b.first_chunk::<2>().map_or(f64::NAN, |b| half::f16::from_le_bytes(*b).to_f64());
            Cells::Numbers(bytes.iter().map(|b| b.map_or(f64::NAN, half)).collect())
        }
    })
}

/// A UUID as RFC 9562 writes it.
fn hyphenated(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(36);
    for (i, b) in bytes.iter().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            out.push('-');
        }
        out.push_str(&format!("{b:02x}"));
    }
    out
}

/// Takes the Arrow schema out of what `reader` knows of its file: columns then have the types that Parquet itself gives them.
fn without_arrow(reader: &mut ParquetReader<File>) -> Result<(), PolarsError> {
    let mut metadata = reader.get_metadata()?.as_ref().clone();
    metadata.key_value_metadata = None;
    reader.set_metadata(metadata.into());
    Ok(())
}

/// The name of a type that is no plain value; `None` for what [`cells`] reads.
fn unreadable(kind: &ArrowDataType) -> Option<String> {
    use ArrowDataType as A;
    match kind {
        A::Null
        | A::Boolean
        | A::Int8
        | A::Int16
        | A::Int32
        | A::Int64
        | A::Int128
        | A::UInt8
        | A::UInt16
        | A::UInt32
        | A::UInt64
        | A::UInt128
        | A::Float16
        | A::Float32
        | A::Float64
        | A::Decimal(..)
        | A::Decimal32(..)
        | A::Decimal64(..)
        | A::Utf8
        | A::LargeUtf8
        | A::Utf8View
        | A::Date32
        | A::Date64
        | A::Time32(_)
        | A::Time64(_)
        | A::Duration(_) => None,
        A::Timestamp(_, zone) => {
            // A zone that nobody knows: the instant would be known, but Polars refuses to make the column.
            let known = zone.as_ref().is_none_or(|z| polars::prelude::TimeZone::opt_try_new(Some(z.clone())).is_ok());
            (!known).then(|| "timestamp of an unknown zone".into())
        }
        A::Dictionary(_, values, _) => match values.as_ref() {
            A::Utf8 | A::LargeUtf8 | A::Utf8View => None,
            other => Some(format!("dictionary of {}", unreadable(other).unwrap_or_else(|| type_name(other)))),
        },
        A::Extension(inner) => unreadable(&inner.inner),
        other => Some(type_name(other)),
    }
}

fn type_name(kind: &ArrowDataType) -> String {
    use ArrowDataType as A;
    match kind {
        A::Binary | A::LargeBinary | A::BinaryView | A::FixedSizeBinary(_) => "bytes".into(),
        A::List(_) | A::LargeList(_) | A::FixedSizeList(..) => "list".into(),
        A::Struct(_) => "struct".into(),
        A::Map(..) => "map".into(),
        A::Interval(_) => "interval".into(),
        A::Union(_) => "union".into(),
        A::Decimal256(..) => "decimal of 256 bits".into(),
        // The words of Arrow, without what is inside.
        other => format!("{other:?}").split(['(', '{', ' ']).next().unwrap_or("unknown").to_lowercase(),
    }
}

fn cells(column: &Column) -> Result<Cells, PolarsError> {
    let numbers = |c: &Column, unit: f64| -> Result<Vec<f64>, PolarsError> {
        let c = c.cast(&DataType::Float64)?;
        Ok(c.f64()?.iter().map(|v| v.map_or(f64::NAN, |v| v * unit)).collect())
    };
    let texts = |c: &Column| -> Result<Vec<Option<String>>, PolarsError> {
        let c = c.cast(&DataType::String)?;
        Ok(c.str()?.iter().map(|v| v.map(str::to_string)).collect())
    };
    let second = |unit: &TimeUnit| match unit {
        TimeUnit::Milliseconds => 1e3,
        TimeUnit::Microseconds => 1e6,
        TimeUnit::Nanoseconds => 1e9,
    };
    Ok(match column.dtype() {
        DataType::Null => Cells::Missing,
        DataType::Boolean => Cells::Booleans(column.bool()?.iter().collect()),
        DataType::String | DataType::Categorical(..) | DataType::Enum(..) => Cells::Texts(texts(column)?),
        DataType::Float64 | DataType::Float32 | DataType::Float16 => Cells::Numbers(numbers(column, 1.0)?),
        // Beyond 64 bits a whole number is its digits.
        DataType::Int128 | DataType::UInt128 => Cells::Texts(texts(column)?),
        DataType::UInt64 if column.u64()?.iter().flatten().any(|v| v > i64::MAX as u64) => Cells::Texts(texts(column)?),
        kind if kind.is_integer() => Cells::Wholes(column.cast(&DataType::Int64)?.i64()?.iter().collect()),
        // As digits: exact as an id, and as a number rounded once.
        DataType::Decimal(..) => {
            Cells::Texts(texts(column)?.into_iter().map(|v| v.map(without_trailing_zeros)).collect())
        }
        DataType::Date => Cells::Times(numbers(&column.cast(&DataType::Int32)?, 86_400.0)?),
        DataType::Datetime(unit, _) => {
            // Whole seconds and the rest apart: nanoseconds of today are more than a double holds.
            let per = second(unit) as i64;
            let seconds = |v: i64| v.div_euclid(per) as f64 + v.rem_euclid(per) as f64 / per as f64;
            let whole = column.cast(&DataType::Int64)?;
            Cells::Times(whole.i64()?.iter().map(|v| v.map_or(f64::NAN, seconds)).collect())
        }
        // How long, and when in the day: seconds.
        DataType::Duration(unit) => Cells::Numbers(numbers(&column.cast(&DataType::Int64)?, 1.0 / second(unit))?),
        DataType::Time => Cells::Numbers(numbers(&column.cast(&DataType::Int64)?, 1e-9)?),
        kind => {
            let reason = format!("column `{}` is of the type {kind}, which is not read", column.name());
            return Err(PolarsError::ComputeError(reason.into()));
        }
    })
}

impl Rows for ParquetRows {
    fn columns(&self) -> &[String] {
        &self.header
    }

    fn unread(&self, place: usize) -> Option<&str> {
        self.unread.get(&place).map(String::as_str)
    }

    fn need(&mut self, places: &[usize]) -> Result<(), ReadError> {
        for place in places {
            if let Some(kind) = self.unread.get(place) {
                return Err(ReadError::Type {
                    file: self.path.display().to_string(),
                    column: self.header[*place].clone(),
                    kind: kind.clone(),
                });
            }
        }
        self.needed = places.to_vec();
        self.needed.sort_unstable();
        self.needed.dedup();
        Ok(())
    }

    fn read(&mut self, limit: usize, row: &mut RowSink<'_>) -> Result<usize, ReadError> {
        let mut seen = 0;
        while seen < limit && self.next < self.rows {
            if self.next >= self.until {
                self.load()?;
            }
            let at = self.next - self.from;
            row(self.next as u64 + 1, &|i| match &self.slice[i] {
                Cells::Missing => Cell::Missing,
                Cells::Numbers(v) if v[at].is_nan() => Cell::Missing,
                Cells::Numbers(v) => Cell::Number(v[at]),
                Cells::Times(v) if v[at].is_nan() => Cell::Missing,
                Cells::Times(v) => Cell::Time(v[at]),
                Cells::Wholes(v) => v[at].map_or(Cell::Missing, Cell::Whole),
                Cells::Booleans(v) => v[at].map_or(Cell::Missing, Cell::Boolean),
                Cells::Texts(v) => v[at].as_deref().map_or(Cell::Missing, Cell::Text),
            })?;
            self.next += 1;
            seen += 1;
        }
        Ok(seen)
    }
}
