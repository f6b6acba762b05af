//! Arrow record batches as rows to read: every type is what the same type of a Parquet file is, or refused by name.

use arrow_array::cast::AsArray;
use arrow_array::types as t;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use specialist_tabular::read::{Cell, ReadError, RowSink, Rows, without_trailing_zeros};

/// What a batch is called in messages.
pub(crate) const NAME: &str = "record batch";

/// The rows of a batch. Its columns are shared with whoever made it, not copied.
pub(crate) struct BatchRows {
    header: Vec<String>,
    columns: Vec<ArrayRef>,
    unread: Vec<Option<String>>,
    rows: usize,
    next: usize,
    /// What reading a column's cells takes beside the column, made once and only for those that are asked for.
    prepared: Vec<Prepared>,
}

enum Prepared {
    Nothing,
    /// Numbers wider than 64 bits as their digits.
    Digits(Vec<Option<String>>),
    /// Of a dictionary, the place of each row's value; none where it has no values, and so no cell.
    Keys(Option<Vec<usize>>),
}

impl BatchRows {
    pub(crate) fn new(batch: &RecordBatch) -> Self {
        let header: Vec<String> = batch.schema_ref().fields().iter().map(|f| f.name().clone()).collect();
        let columns: Vec<ArrayRef> = batch.columns().to_vec();
        let unread = columns.iter().map(|c| unreadable(c.data_type())).collect();
        let prepared = columns.iter().map(|_| Prepared::Nothing).collect();
        Self { header, columns, unread, rows: batch.num_rows(), next: 0, prepared }
    }

    fn cell(&self, place: usize, row: usize) -> Cell<'_> {
        let column = &self.columns[place];
        if column.is_null(row) {
            return Cell::Missing;
        }
        match &self.prepared[place] {
            Prepared::Nothing => cell(column, row),
            Prepared::Digits(texts) => texts[row].as_deref().map_or(Cell::Missing, Cell::Text),
            Prepared::Keys(keys) => {
                let values = column.as_any_dictionary().values();
                match keys.as_ref().map(|keys| keys[row]) {
                    Some(key) if values.is_valid(key) => cell(values, key),
                    _ => Cell::Missing,
                }
            }
        }
    }
}

fn prepared(column: &ArrayRef) -> Prepared {
    match column.data_type() {
        DataType::Dictionary(..) => {
            let dictionary = column.as_any_dictionary();
            // Without values every row is missing, and there are no keys to tell.
            Prepared::Keys((!dictionary.values().is_empty()).then(|| dictionary.normalized_keys()))
        }
        _ => wide(column).map_or(Prepared::Nothing, Prepared::Digits),
    }
}

/// The name of a type that is no plain value; `None` for what is read.
fn unreadable(kind: &DataType) -> Option<String> {
    use DataType as D;
    match kind {
        D::Null | D::Boolean | D::Utf8 | D::LargeUtf8 | D::Utf8View | D::Date32 | D::Date64 => None,
        D::Timestamp(..) | D::Time32(_) | D::Time64(_) | D::Duration(_) | D::Decimal128(..) => None,
        kind if kind.is_integer() || kind.is_floating() => None,
        D::Dictionary(_, values) => match values.as_ref() {
            D::Utf8 | D::LargeUtf8 | D::Utf8View => None,
            other => Some(format!("dictionary of {}", unreadable(other).unwrap_or_else(|| word(other)))),
        },
        other => Some(word(other)),
    }
}

/// Arrow's word for a type, without what is inside.
fn word(kind: &DataType) -> String {
    format!("{kind:?}").split(['(', '{', ' ']).next().unwrap_or("unknown").to_lowercase()
}

/// Decimals, and unsigned numbers beyond 64 signed bits, as their digits: exact as an id, and as a number rounded once.
fn wide(column: &ArrayRef) -> Option<Vec<Option<String>>> {
    let rows = 0..column.len();
    match column.data_type() {
        DataType::Decimal128(_, _) => {
            let decimals = column.as_primitive::<t::Decimal128Type>();
            let text = |r: usize| decimals.is_valid(r).then(|| without_trailing_zeros(decimals.value_as_string(r)));
            Some(rows.map(text).collect())
        }
        DataType::UInt64 => {
            let numbers = column.as_primitive::<t::UInt64Type>();
            let beyond = numbers.iter().flatten().any(|v| v > i64::MAX as u64);
            beyond.then(|| numbers.iter().map(|v| v.map(|v| v.to_string())).collect())
        }
        _ => None,
    }
}

/// One that is there, of a type that [`unreadable`] lets pass.
fn cell(column: &ArrayRef, row: usize) -> Cell<'_> {
    use DataType as D;
    let number = |v: f64| if v.is_nan() { Cell::Missing } else { Cell::Number(v) };
    // Whole seconds and the rest apart: nanoseconds of today are more than a double holds.
    let time = |v: i64, per: i64| Cell::Time(v.div_euclid(per) as f64 + v.rem_euclid(per) as f64 / per as f64);
    match column.data_type() {
        D::Boolean => Cell::Boolean(column.as_boolean().value(row)),
        D::Utf8 => Cell::Text(column.as_string::<i32>().value(row)),
        D::LargeUtf8 => Cell::Text(column.as_string::<i64>().value(row)),
        D::Utf8View => Cell::Text(column.as_string_view().value(row)),
        D::Int8 => Cell::Whole(column.as_primitive::<t::Int8Type>().value(row).into()),
        D::Int16 => Cell::Whole(column.as_primitive::<t::Int16Type>().value(row).into()),
        D::Int32 => Cell::Whole(column.as_primitive::<t::Int32Type>().value(row).into()),
        D::Int64 => Cell::Whole(column.as_primitive::<t::Int64Type>().value(row)),
        D::UInt8 => Cell::Whole(column.as_primitive::<t::UInt8Type>().value(row).into()),
        D::UInt16 => Cell::Whole(column.as_primitive::<t::UInt16Type>().value(row).into()),
        D::UInt32 => Cell::Whole(column.as_primitive::<t::UInt32Type>().value(row).into()),
        D::UInt64 => Cell::Whole(column.as_primitive::<t::UInt64Type>().value(row) as i64),
        D::Float16 => number(column.as_primitive::<t::Float16Type>().value(row).to_f64()),
        D::Float32 => number(column.as_primitive::<t::Float32Type>().value(row).into()),
        D::Float64 => number(column.as_primitive::<t::Float64Type>().value(row)),
        D::Date32 => time(i64::from(column.as_primitive::<t::Date32Type>().value(row)) * 86_400, 1),
        D::Date64 => time(column.as_primitive::<t::Date64Type>().value(row), 1000),
        D::Timestamp(unit, _) => {
            let value = match unit {
                TimeUnit::Second => column.as_primitive::<t::TimestampSecondType>().value(row),
                TimeUnit::Millisecond => column.as_primitive::<t::TimestampMillisecondType>().value(row),
                TimeUnit::Microsecond => column.as_primitive::<t::TimestampMicrosecondType>().value(row),
                TimeUnit::Nanosecond => column.as_primitive::<t::TimestampNanosecondType>().value(row),
            };
            time(value, per_second(*unit))
        }
        // How long, and when in the day: seconds.
        D::Duration(unit) => {
            let value = match unit {
                TimeUnit::Second => column.as_primitive::<t::DurationSecondType>().value(row),
                TimeUnit::Millisecond => column.as_primitive::<t::DurationMillisecondType>().value(row),
                TimeUnit::Microsecond => column.as_primitive::<t::DurationMicrosecondType>().value(row),
                TimeUnit::Nanosecond => column.as_primitive::<t::DurationNanosecondType>().value(row),
            };
            Cell::Number(value as f64 / per_second(*unit) as f64)
        }
        D::Time32(TimeUnit::Second) => Cell::Number(column.as_primitive::<t::Time32SecondType>().value(row).into()),
        D::Time32(_) => Cell::Number(f64::from(column.as_primitive::<t::Time32MillisecondType>().value(row)) / 1e3),
        D::Time64(TimeUnit::Microsecond) => {
            Cell::Number(column.as_primitive::<t::Time64MicrosecondType>().value(row) as f64 / 1e6)
        }
        D::Time64(_) => Cell::Number(column.as_primitive::<t::Time64NanosecondType>().value(row) as f64 / 1e9),
        _ => Cell::Missing,
    }
}

fn per_second(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    }
}

impl Rows for BatchRows {
    fn columns(&self) -> &[String] {
        &self.header
    }

    fn unread(&self, place: usize) -> Option<&str> {
        self.unread[place].as_deref()
    }

    fn need(&mut self, places: &[usize]) -> Result<(), ReadError> {
        let refused = places.iter().find_map(|&p| self.unread[p].clone().map(|kind| (p, kind)));
        match refused {
            Some((place, kind)) => {
                let column = self.header[place].clone();
                Err(ReadError::Type { file: NAME.into(), column, kind })
            }
            None => {
                places.iter().for_each(|&p| self.prepared[p] = prepared(&self.columns[p]));
                Ok(())
            }
        }
    }

    fn read(&mut self, limit: usize, row: &mut RowSink<'_>) -> Result<usize, ReadError> {
        let until = self.rows.min(self.next.saturating_add(limit));
        let seen = until - self.next;
        while self.next < until {
            let at = self.next;
            row(at as u64 + 1, &|place| self.cell(place, at))?;
            self.next += 1;
        }
        Ok(seen)
    }
}
