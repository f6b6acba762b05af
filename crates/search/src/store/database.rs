//! What a database with Optuna's relational schema (version 12, alembic `v3.2.0.a`) has to do, and whether it has that schema.

use super::contract::StoreError;

/// The version of the schema, as Optuna's migrations call it.
pub const ALEMBIC: &str = "v3.2.0.a";
/// Versions before it: such a store can be brought up to date by Optuna.
const OLDER: [&str; 9] =
    ["v0.9.0.a", "v1.2.0.a", "v1.3.0.a", "v2.4.0.a", "v2.6.0.a", "v3.0.0.a", "v3.0.0.b", "v3.0.0.c", "v3.0.0.d"];

/// A cell to write or that was read.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    Null,
    Int(i64),
    Float(f64),
    Text(String),
}

impl From<i64> for Cell {
    fn from(v: i64) -> Self {
        Self::Int(v)
    }
}

impl From<&str> for Cell {
    fn from(v: &str) -> Self {
        Self::Text(v.into())
    }
}

impl From<Option<String>> for Cell {
    fn from(v: Option<String>) -> Self {
        v.map_or(Self::Null, Self::Text)
    }
}

impl Cell {
    pub(super) fn int(&self) -> i64 {
        match self {
            Self::Int(v) => *v,
            Self::Float(v) => *v as i64,
            _ => 0,
        }
    }

    pub(super) fn float(&self) -> Option<f64> {
        match self {
            Self::Int(v) => Some(*v as f64),
            Self::Float(v) => Some(*v),
            _ => None,
        }
    }

    pub(super) fn text(&self) -> &str {
        match self {
            Self::Text(v) => v,
            _ => "",
        }
    }
}

pub type Row = Vec<Cell>;

/// One open transaction.
pub trait Transaction {
    /// Runs a statement; how many rows it changed.
    fn execute(&mut self, sql: &str, cells: &[Cell]) -> Result<u64, StoreError>;
    /// Runs a query.
    fn query(&mut self, sql: &str, cells: &[Cell]) -> Result<Vec<Row>, StoreError>;
    /// Inserts a row and returns its key.
    fn insert(&mut self, table: &str, key: &str, columns: &[&str], cells: &[Cell]) -> Result<i64, StoreError>;
}

/// A database with the schema.
pub trait Database: Send + Sync {
    /// What messages call it.
    fn place(&self) -> String;

    /// Runs `f` in a transaction that may write; what it wrote is kept as a whole, or not at all when it
    /// returns an error.
    fn write<T>(&self, f: impl FnMut(&mut dyn Transaction) -> Result<T, StoreError>) -> Result<T, StoreError>;

    /// Runs `f` in a transaction that sees one state of the database.
    fn read<T>(&self, f: impl FnMut(&mut dyn Transaction) -> Result<T, StoreError>) -> Result<T, StoreError>;

    /// The expression for a time column's text and, the other way, for a written text.
    fn time_text(column: &str) -> String;

    /// The placeholder of a cell of an enumeration's type.
    fn cast(of: &'static str) -> &'static str;

    /// What locks the row of a study until the transaction ends, behind the query for it.
    const LOCK: &'static str;

    /// The present time as a heartbeat's cell has it.
    const NOW: &'static str;

    /// The heartbeats' age in seconds.
    const AGE: &'static str;
}

/// Whether the tables that are there are ours to use; `None` when there are none.
pub fn check_version(place: &str, tables: &[String], t: &mut dyn Transaction) -> Result<bool, StoreError> {
    let foreign = |reason: String| StoreError::Foreign { place: place.into(), reason };
    let has = |name: &str| tables.iter().any(|t| t == name);
    if tables.is_empty() {
        return Ok(false);
    }
    if !has("studies") || !has("trials") || !has("trial_params") || !has("version_info") {
        return Err(foreign("it holds other tables, none of a study".into()));
    }
    let rows = if has("alembic_version") { t.query("SELECT version_num FROM alembic_version", &[])? } else { vec![] };
    match rows.first().map(|r| r[0].text()) {
        Some(ALEMBIC) => Ok(true),
        Some(old) if OLDER.contains(&old) => Err(foreign(format!(
            "its schema {old} is older than {ALEMBIC}; `optuna storage upgrade` brings it up to date"
        ))),
        Some(other) => Err(foreign(format!("its schema {other} is newer than {ALEMBIC}, which this program knows"))),
        None => {
            let version = t.query("SELECT schema_version FROM version_info", &[])?;
            match version.first().map(|r| r[0].int()) {
                Some(12) | None => Ok(true),
                Some(v) => Err(foreign(format!("its schema version is {v}; this program knows version 12"))),
            }
        }
    }
}

/// Puts the schema's version into new tables.
pub fn stamp(t: &mut dyn Transaction) -> Result<(), StoreError> {
    let library = format!("specialist {}", env!("CARGO_PKG_VERSION"));
    t.execute(
        "INSERT INTO version_info (version_info_id, schema_version, library_version) VALUES (1, 12, ?)",
        &[Cell::Text(library)],
    )?;
    t.execute("INSERT INTO alembic_version (version_num) VALUES (?)", &[ALEMBIC.into()])?;
    Ok(())
}
