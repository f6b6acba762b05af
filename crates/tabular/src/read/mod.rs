//! Reading CSV, Parquet and JSON against a declared schema: every cell is what it was declared to be, or
//! the reader says where it is not. A file is read in chunks, so that scoring takes constant memory.

mod arrow_schema;
mod cells;
mod csv_rows;
mod dates;
mod error;
mod followed;
mod json_rows;
mod numbers;
mod pages;
mod parquet_rows;
mod profile;
mod sniff;
mod times;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ndarray::{Array1, Array2};
use specialist_core::bootstrap::quantile;
use specialist_core::{
    Column, ColumnKind, Dataset, Dialect, Estimand, Feature, FeatureKind, Followed, Key, KeyRole, Labels, NumberStyle,
    OnInvalid, Role, Schema, same_value,
};

use cells::{CellColumn, Invalid};
pub use dates::{DayOrder, DayOrderFinder, day_first};
pub use error::ReadError;
pub use numbers::{AROUND, without_trailing_zeros};
pub use profile::{ColumnProfile, Profile, profile};
pub use sniff::sniff;
pub use times::{LOCAL_DAY, is_time_format, seconds, seconds_in, time_formats, unit_word};

/// Where rows come from.
#[derive(Debug, Clone)]
pub enum Input {
    /// A CSV, Parquet or JSON file; the latter end in `.parquet`, and in `.json`, `.jsonl` or `.ndjson`.
    File(PathBuf),
    /// CSV text inside the program, or made by it.
    Embedded {
        /// Its name in messages, as a recipe names it.
        name: String,
        /// The text.
        text: Cow<'static, [u8]>,
    },
}

impl Input {
    /// Its name in messages.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Embedded { name, .. } => name.clone(),
        }
    }
}

/// How to read.
#[derive(Debug, Clone)]
pub struct Options {
    /// How a CSV file is written.
    pub dialect: Dialect,
    /// Column → the cells that a row must have one of.
    pub filter: BTreeMap<String, Vec<String>>,
    /// Column → the cells that a row must have none of.
    pub except: BTreeMap<String, Vec<String>>,
    /// Whether rows without label are left out, and label and id must be there.
    pub labelled: bool,
    /// The columns' names, for a CSV file that has no header.
    pub names: Option<Vec<String>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            dialect: Dialect::default(),
            filter: BTreeMap::new(),
            except: BTreeMap::new(),
            labelled: true,
            names: None,
        }
    }
}

/// Cells outside their declared range or levels.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct InvalidCells {
    /// The column.
    pub column: String,
    /// How many.
    pub count: usize,
    /// The lines of the first of them.
    pub lines: Vec<u64>,
    /// What was declared.
    pub expected: String,
    /// Whether the schema says to refuse the file rather than to treat them as missing.
    pub refused: bool,
}

/// What reading found.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct ReadReport {
    /// Where the rows came from.
    pub input: String,
    /// Rows in the file.
    pub read: usize,
    /// Rows that the filter let through and that carry a label, where one is needed.
    pub kept: usize,
    /// Rows left out for want of a label.
    pub unlabelled: usize,
    /// Cells outside their declared range or levels.
    pub invalid: Vec<InvalidCells>,
    /// Columns of the file that the schema does not declare and nobody read.
    pub undeclared: Vec<String>,
    /// Columns with cells that spell their level otherwise than others do (`1.0` and `1`, `TRUE` and `True`), and how many.
    #[serde(default)]
    pub respelled: Vec<(String, usize)>,
    /// Where rows are followed for a time, how long half of those that were read last were.
    #[serde(default)]
    pub half_followed: Option<f64>,
    /// Where a column says from when on rows were followed: how many later than 0, how many go on in another row, groups
    /// whose rows overlap, and rows that begin after an event of their group.
    #[serde(default)]
    pub late: Option<[usize; 4]>,
}

/// One cell as its origin holds it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// A text.
    Text(&'a str),
    /// A number that is one.
    Number(f64),
    /// A whole number.
    Whole(i64),
    /// Yes or no.
    Boolean(bool),
    /// Seconds since 1970-01-01 UTC, where the origin itself says that it is a time.
    Time(f64),
    /// Nothing.
    Missing,
}

/// Rows of cells, one after the other: a file, or whatever else holds a table.
pub trait Rows {
    /// The header.
    fn columns(&self) -> &[String];

    /// The type of the column at `place`, where it is one that cannot be read.
    fn unread(&self, _place: usize) -> Option<&str> {
        None
    }

    /// Says which columns will be asked for; others may be left undecoded.
    ///
    /// # Errors
    /// [`ReadError::Type`] for a column that cannot be read.
    fn need(&mut self, _places: &[usize]) -> Result<(), ReadError> {
        Ok(())
    }

    /// Reads up to `limit` rows and gives each with its line to `row`; returns how many there were.
    ///
    /// # Errors
    /// The origin's, and whatever `row` refuses.
    fn read(&mut self, limit: usize, row: &mut RowSink<'_>) -> Result<usize, ReadError>;
}

/// Takes a row's line and a way to look at its cells.
pub type RowSink<'s> = dyn for<'c> FnMut(u64, &'c (dyn Fn(usize) -> Cell<'c> + 'c)) -> Result<(), ReadError> + 's;

/// Rows that were read together.
pub struct Chunk {
    /// The rows.
    pub data: Dataset,
    /// Their ids, where a column has that role.
    pub ids: Option<Vec<String>>,
}

/// What a row must have in a column to be of a population.
struct Wanted {
    place: usize,
    column: String,
    /// The cells that it must have one of, and whether any row had it.
    cells: Vec<(String, bool)>,
    /// Whether it must have none of them instead.
    not: bool,
}

impl Wanted {
    fn passes(&mut self, text: &str) -> bool {
        let found = self.cells.iter_mut().find(|(c, _)| same_value(c, text));
        found.map(|(_, occurs)| *occurs = true).is_some() != self.not
    }
}

/// Reads a file chunk by chunk.
pub struct Reader {
    rows: Box<dyn Rows>,
    columns: Vec<CellColumn>,
    filter: Vec<Wanted>,
    options: Options,
    report: ReadReport,
}

impl Reader {
    /// Opens `input` and finds the declared columns in its header.
    ///
    /// # Errors
    /// [`ReadError`] when the file or a declared column is not there, or the header makes no sense.
    pub fn open(input: &Input, schema: &Schema, options: &Options) -> Result<Self, ReadError> {
        Self::over(open_rows(input, options)?, input.name(), style(input, options.dialect), schema, options)
    }

    /// As [`Reader::open`], over rows that somebody else has opened, called `name` in messages; `numbers` is how numbers are
    /// written in its texts.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn over(
        mut rows: Box<dyn Rows>,
        name: String,
        numbers: NumberStyle,
        schema: &Schema,
        options: &Options,
    ) -> Result<Self, ReadError> {
        let header = rows.columns();
        let find = |column: &str| {
            let place = header.iter().position(|h| h == column);
            // Where the first line names none of the columns, it may be a row: its cells are no one's to see.
            let is_header = header.iter().any(|h| schema.column(h).is_some());
            let names = if is_header { header } else { &[] };
            place.ok_or_else(|| ReadError::no_column(&name, column, names))
        };
        let mut columns = Vec::new();
        for c in schema.columns.iter().filter(|c| c.role != Role::Ignore) {
            let optional = is_outcome(c.role) || c.role == Role::Id;
            let optional = optional && !options.labelled;
            if optional && !header.contains(&c.name) {
                continue;
            }
            columns.push(CellColumn::new(c.clone(), find(&c.name)?, numbers));
        }
        let wanted = options.filter.iter().map(|f| (f, false)).chain(options.except.iter().map(|f| (f, true)));
        let filter = wanted.map(|((column, cells), not)| {
            let (column, cells) = (column.clone(), cells.iter().map(|c| (c.clone(), false)).collect());
            Ok(Wanted { place: find(&column)?, column, cells, not })
        });
        let filter = filter.collect::<Result<Vec<_>, ReadError>>()?;
        let named = |h: &String| options.filter.contains_key(h) || options.except.contains_key(h);
        let declared = |h: &&String| schema.column(h).is_some() || named(h);
        let undeclared = header.iter().filter(|h| !declared(h)).cloned().collect();
        let report = ReadReport { input: name, undeclared, ..ReadReport::default() };
        let needed: Vec<usize> = columns.iter().map(|c| c.place).chain(filter.iter().map(|f| f.place)).collect();
        rows.need(&needed)?;
        Ok(Self { rows, columns, filter, options: options.clone(), report })
    }

    /// What was found so far.
    #[must_use]
    pub fn report(&self) -> &ReadReport {
        &self.report
    }

    /// Up to `limit` rows of the file, less those left out; `None` at its end.
    ///
    /// # Errors
    /// [`ReadError`] with file, line and column.
    pub fn next_chunk(&mut self, limit: usize) -> Result<Option<Chunk>, ReadError> {
        let Self { rows, columns, filter, options, report } = self;
        columns.iter_mut().for_each(CellColumn::forget);
        let mut values: Vec<Vec<f64>> = vec![Vec::new(); columns.len()];
        let mut lines = Vec::new();
        let mut ids: Option<Vec<String>> = columns.iter().any(|c| c.column.role == Role::Id).then(Vec::new);
        let input = report.input.clone();
        let seen = rows.read(limit, &mut |line, cell| {
            report.read += 1;
            // Each is asked, so that all know which of their cells occur.
            let mut passed = true;
            for wanted in filter.iter_mut() {
                passed &= wanted.passes(&cell(wanted.place).text());
            }
            if !passed {
                return Ok(());
            }
            for (column, values) in columns.iter_mut().zip(&mut values) {
                if column.column.role == Role::Id {
                    let text = cell(column.place).text().into_owned();
                    ids.as_mut().expect("there is an id column").push(text);
                    values.push(0.0);
                } else {
                    values.push(
                        column.parse(cell(column.place), line).map_err(|e| e.locate(&input, line, &column.column))?,
                    );
                }
            }
            let of = |role| columns.iter().position(|c| c.column.role == role);
            if let (Some(entry), Some(exit)) = (of(Role::Entry), of(Role::Duration)) {
                let last = |column: usize| values[column].last().copied().unwrap_or(f64::NAN);
                if last(exit) <= last(entry) {
                    let fault = error::CellFault {
                        expected: format!("a time after that of `{}` is expected", columns[entry].column.name),
                        hint: "both count from the same start: the first says from when on the row was followed, the second until when".into(),
                    };
                    return Err(fault.locate(&input, line, &columns[exit].column));
                }
            }
            let unknown =
                |(c, v): (&CellColumn, &Vec<f64>)| is_outcome(c.column.role) && v.last().is_some_and(|v| v.is_nan());
            if options.labelled && columns.iter().zip(&values).any(unknown) {
                report.unlabelled += 1;
                values.iter_mut().for_each(|v| _ = v.pop());
                if let Some(ids) = &mut ids {
                    ids.pop();
                }
                return Ok(());
            }
            lines.push(line);
            Ok(())
        })?;
        if seen == 0 {
            return Ok(None);
        }
        report.kept += lines.len();
        for (column, values) in columns.iter_mut().zip(&mut values) {
            column.settle_times(values, &input)?;
        }
        report.respelled =
            columns.iter().filter(|c| c.respelled > 0).map(|c| (c.column.name.clone(), c.respelled)).collect();
        let duration = columns.iter().position(|c| c.column.role == Role::Duration);
        report.half_followed = duration.filter(|_| !lines.is_empty()).map(|d| quantile(&values[d], 0.5));
        report.invalid =
            columns.iter().filter_map(|c| c.invalid.as_ref().map(|i| invalid_cells(&c.column, i))).collect();
        let late = self.count_from_entry(&mut values);
        self.report.late = late;
        Ok(Some(Chunk { data: self.assemble(&values, lines), ids }))
    }

    /// Lets the times of rows count from their entries, where a column says them.
    fn count_from_entry(&self, values: &mut [Vec<f64>]) -> Option<[usize; 4]> {
        let of = |role| self.columns.iter().position(|c| c.column.role == role);
        let (entry, exit, event) = (of(Role::Entry)?, of(Role::Duration)?, of(Role::Event)?);
        let group = of(Role::Group).map(|g| values[g].as_slice());
        let followed = followed::from_entry(&values[entry], &values[exit], &values[event], group);
        let late = values[entry].iter().filter(|e| **e > 0.0).count();
        let counts = [late, followed.joined, followed.overlapping, followed.afterwards];
        (values[exit], values[event]) = (followed.time, followed.cause);
        Some(counts)
    }

    fn assemble(&self, values: &[Vec<f64>], lines: Vec<u64>) -> Dataset {
        let rows = lines.len();
        let mut features = Vec::new();
        let mut inputs: Vec<&[f64]> = Vec::new();
        let mut labels = Labels::unknown(rows);
        let mut weights = Array1::ones(rows);
        let (mut time, mut amount, mut keys) = (None, None, Vec::new());
        let (mut duration, mut cause, mut horizon) = (None, None, f64::INFINITY);
        for (c, v) in self.columns.iter().zip(values) {
            let key = |role| Key {
                name: c.column.name.clone(),
                role,
                codes: v.iter().map(|&x| x as u32).collect(),
                levels: if role == KeyRole::Site { c.levels() } else { Vec::new() },
                digests: c.digests(),
            };
            match c.column.role {
                Role::Label if c.column.kind == ColumnKind::Text => {
                    let levels: Vec<Arc<str>> = c.levels().into_iter().map(Arc::from).collect();
                    let missing: Arc<str> = Arc::from("");
                    let text = |y: &f64| if y.is_nan() { &missing } else { &levels[*y as usize] };
                    labels = Labels::Texts(v.iter().map(|y| Arc::clone(text(y))).collect());
                }
                Role::Label => {
                    let code = |y: &f64| if y.is_nan() { Labels::UNKNOWN } else { *y as u32 };
                    let levels = match c.column.classes.as_slice() {
                        [] => ["0", "1"].map(String::from).to_vec(),
                        classes => classes.iter().map(|c| c.name.clone()).collect(),
                    };
                    labels = Labels::Classes { codes: v.iter().map(code).collect(), levels };
                }
                Role::Duration => {
                    horizon = c.column.horizon.unwrap_or(f64::INFINITY);
                    duration = Some((v, c.column.until.unwrap_or(horizon)));
                }
                Role::Event => {
                    let causes = std::iter::once("event".to_string()).chain(c.column.competing.iter().cloned());
                    cause = Some((v, causes.collect::<Vec<_>>()));
                }
                Role::Weight => weights = v.iter().map(|&w| w as f32).collect(),
                Role::Time => time = Some(v.iter().map(|&t| t as i64).collect()),
                Role::Group => keys.push(key(KeyRole::Group)),
                Role::Site => keys.push(key(KeyRole::Site)),
                Role::Key => keys.push(key(KeyRole::Other)),
                Role::Feature | Role::Amount | Role::Entry => {
                    if c.column.role == Role::Amount {
                        amount = Some(v.clone());
                    }
                    let kind = match c.column.kind {
                        ColumnKind::Category | ColumnKind::Text => FeatureKind::Category { levels: c.levels() },
                        ColumnKind::Number | ColumnKind::Time => FeatureKind::Number,
                    };
                    let Column { name, monotone, knots, .. } = &c.column;
                    features.push(Feature { name: name.clone(), kind, monotone: *monotone, knots: *knots });
                    inputs.push(v);
                }
                Role::Id | Role::Ignore => {}
            }
        }
        let width = inputs.len();
        let mut records = Vec::with_capacity(rows * width);
        for r in 0..rows {
            records.extend(inputs.iter().map(|column| column[r]));
        }
        let records = Array2::from_shape_vec((rows, width), records).expect("rows × width values");
        let mut data = Dataset::new(features, records, labels).expect("columns have the rows' length");
        data.base.weights = weights;
        if let (Some((duration, end)), Some((cause, causes))) = (duration, cause) {
            let followed = |(time, cause): (&f64, &f64)| match cause {
                c if c.is_nan() => Followed::UNKNOWN,
                c => Followed { time: *time, cause: *c as u32 }.until(end),
            };
            data.base.targets = Labels::Times { followed: duration.iter().zip(cause).map(followed).collect(), causes };
            data.estimand = Estimand::Survival { horizon };
        }
        (data.time, data.amount, data.keys, data.lines) = (time, amount, keys, lines);
        data
    }
}

/// The rows of `input`.
fn open_rows(input: &Input, options: &Options) -> Result<Box<dyn Rows>, ReadError> {
    let (dialect, names) = (options.dialect, options.names.as_deref());
    Ok(match input {
        Input::File(path) if json_rows::is_json(path) => Box::new(json_rows::JsonRows::open(path)?),
        Input::File(path) if is_parquet(path) => Box::new(parquet_rows::ParquetRows::open(path)?),
        Input::File(path) => Box::new(csv_rows::CsvRows::open(path, dialect, names)?),
        Input::Embedded { text, .. } => {
            Box::new(csv_rows::CsvRows::embedded(&input.name(), text.clone(), dialect, names)?)
        }
    })
}

/// The names of the columns of `input`.
///
/// # Errors
/// As reading does.
pub fn columns_of(input: &Input, options: &Options) -> Result<Vec<String>, ReadError> {
    Ok(open_rows(input, options)?.columns().to_vec())
}

/// The first cells of the column called `name`, as texts.
///
/// # Errors
/// As reading does.
pub fn first_cells(input: &Input, options: &Options, name: &str, many: usize) -> Result<Vec<String>, ReadError> {
    let mut rows = open_rows(input, options)?;
    let place = rows.columns().iter().position(|c| c == name);
    let place = place.ok_or_else(|| ReadError::no_column(&input.name(), name, rows.columns()))?;
    rows.need(&[place])?;
    let mut out = Vec::new();
    rows.read(many, &mut |_, cell| {
        out.push(cell(place).text().trim().to_string());
        Ok(())
    })?;
    Ok(out)
}

/// How the dates in the column called `name` are written, where a day or a month stands first.
///
/// # Errors
/// As reading does.
pub fn day_order_of(input: &Input, options: &Options, name: &str) -> Result<DayOrder, ReadError> {
    let mut rows = open_rows(input, options)?;
    let place = rows.columns().iter().position(|c| c == name);
    let place = place.ok_or_else(|| ReadError::no_column(&input.name(), name, rows.columns()))?;
    rows.need(&[place])?;
    let mut finder = DayOrderFinder::default();
    // Most files tell with their first rows.
    const AT_A_TIME: usize = 1000;
    loop {
        let seen = rows.read(AT_A_TIME, &mut |_, cell| {
            match cell(place) {
                // The file says itself what it is.
                Cell::Time(_) | Cell::Number(_) | Cell::Whole(_) | Cell::Boolean(_) => finder.see("no text"),
                cell => finder.see(&cell.text()),
            }
            Ok(())
        })?;
        if seen == 0 {
            return Ok(finder.order());
        }
        if finder.is_settled() && finder.order() == DayOrder::None {
            return Ok(DayOrder::None);
        }
    }
}

/// How numbers are written: the texts of Parquet and JSON know nothing of a recipe for CSV.
fn style(input: &Input, dialect: Dialect) -> NumberStyle {
    match input {
        Input::File(path) if is_parquet(path) || json_rows::is_json(path) => NumberStyle::default(),
        _ => dialect.numbers,
    }
}

/// Whether such a column says what is to be predicted.
fn is_outcome(role: Role) -> bool {
    matches!(role, Role::Label | Role::Duration | Role::Event)
}

/// By its name: a Parquet file ends in `.parquet` or `.pq`.
fn is_parquet(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "parquet" || e == "pq")
}

/// At most this many lines are named.
const LINES_NAMED: usize = 10;

fn invalid_cells(column: &specialist_core::Column, invalid: &Invalid) -> InvalidCells {
    InvalidCells {
        column: column.name.clone(),
        count: invalid.count,
        lines: invalid.lines.clone(),
        expected: cells::expected(column),
        refused: column.on_invalid == OnInvalid::Error,
    }
}

/// Reads all rows of `input`.
///
/// # Errors
/// [`ReadError`] with file, line and column; also when no row is left.
pub fn read_all(input: &Input, schema: &Schema, options: &Options) -> Result<(Dataset, ReadReport), ReadError> {
    let mut reader = Reader::open(input, schema, options)?;
    let chunk = reader.next_chunk(usize::MAX)?;
    let Some(chunk) = chunk else {
        return Err(ReadError::NoRows { file: input.name() });
    };
    // A cell that is nowhere is misspelled: who is to be left out would stay.
    for wanted in &reader.filter {
        if let Some((cell, _)) = wanted.cells.iter().find(|(_, occurs)| !occurs) {
            let key = if wanted.not { "except" } else { "where" };
            return Err(ReadError::Column {
                file: input.name(),
                column: wanted.column.clone(),
                expected: format!("no row has the cell {cell:?} that `{key}` names"),
                hint: "spell it as the file does, or leave it out".into(),
            });
        }
    }
    if chunk.data.rows() == 0 {
        return Err(ReadError::NothingKept {
            file: input.name(),
            read: reader.report.read,
            unlabelled: reader.report.unlabelled,
        });
    }
    Ok((chunk.data, reader.report))
}
