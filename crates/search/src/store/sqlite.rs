//! Studies in a SQLite file.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, ToSql, TransactionBehavior};

use super::contract::StoreError;
use super::database::{Cell, Database, Row, Transaction, check_version, stamp};
use super::sql::SqlStore;

/// The tables as Optuna 5.0 makes them.
const SCHEMA: &str = include_str!("sqlite.sql");
/// How long a writer waits for another one. A process that dies leaves no lock behind.
const PATIENCE: Duration = Duration::from_secs(20);

/// A SQLite file with exactly Optuna's schema, in WAL mode: for any number of processes on one machine.
pub struct Sqlite {
    path: PathBuf,
    connection: Mutex<Connection>,
}

/// Opens the file, or makes it.
///
/// # Errors
/// [`StoreError::Foreign`] for a file that is something else or of another schema, [`StoreError::Io`]
/// when the folder or the disk does not let it.
pub fn open(path: &Path) -> Result<SqlStore<Sqlite>, StoreError> {
    let place = path.display().to_string();
    // Without SQLite's own lock: ours is around the connection.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|e| error(&place, &e))?;
    let prepare = || {
        connection.busy_timeout(PATIENCE)?;
        // A call that returned is kept: in WAL mode a commit waits for the disk with FULL only.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(())
    };
    prepare().map_err(|e| error(&place, &e))?;
    let database = Sqlite { path: path.into(), connection: Mutex::new(connection) };
    // A look before anything is changed: another program's file is left as it is.
    let there = database.read(|t| check_version(&place, &tables(t)?, t))?;
    sound(&place, &database.lock())?;
    let wal: String = database
        .lock()
        .pragma_update_and_check(None, "journal_mode", "WAL", |r| r.get(0))
        .map_err(|e| error(&place, &e))?;
    if wal != "wal" && wal != "delete" && wal != "truncate" && wal != "persist" {
        return Err(StoreError::Io { place, reason: format!("it cannot be kept safely in journal mode {wal}") });
    }
    if !there {
        database.write(|t| {
            // Another process may have made them in between.
            if tables(t)?.is_empty() {
                for statement in SCHEMA.split(';').filter(|s| !s.trim().is_empty()) {
                    t.execute(statement, &[])?;
                }
                stamp(t)?;
            }
            Ok(())
        })?;
    }
    Ok(SqlStore { database })
}

/// A damaged index hides rows that are there, or shows the rows of another trial, and no checksum of a row tells.
fn sound(place: &str, connection: &Connection) -> Result<(), StoreError> {
    let told: String =
        connection.query_row("PRAGMA integrity_check(1)", [], |r| r.get(0)).map_err(|e| error(place, &e))?;
    if told == "ok" {
        return Ok(());
    }
    let reason = "SQLite finds the file damaged".into();
    Err(StoreError::Corrupt { place: place.into(), at: "somewhere".into(), reason })
}

/// Opens a file that is only looked at: neither it nor its folder is changed.
///
/// # Errors
/// As [`open`].
pub fn read_only(path: &Path) -> Result<SqlStore<Sqlite>, StoreError> {
    let place = path.display().to_string();
    let connection = Connection::open_with_flags(
        as_it_is(path),
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI,
    )
    .and_then(|c| c.busy_timeout(PATIENCE).map(|()| c))
    .map_err(|e| error(&place, &e))?;
    sound(&place, &connection)?;
    let database = Sqlite { path: path.into(), connection: Mutex::new(connection) };
    if database.read(|t| check_version(&place, &tables(t)?, t))? {
        return Ok(SqlStore { database });
    }
    Err(StoreError::Foreign { place, reason: "it holds no study".into() })
}

/// The file's address for a reader. One in WAL mode would get two more files beside it, which a reader cannot remove, and
/// on a disk that cannot be written it could not be read at all: where no log lies beside it, it is told to SQLite as a
/// file that does not change.
fn as_it_is(path: &Path) -> String {
    use std::io::Read;
    let mut header = [0; 20];
    let wal_mode = std::fs::File::open(path).and_then(|mut f| f.read_exact(&mut header)).is_ok() && header[18] == 2;
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let asleep = wal_mode && std::fs::metadata(&log).map_or(true, |m| m.len() == 0);
    let mut address = String::from("file:");
    for b in path.as_os_str().as_encoded_bytes() {
        match b {
            b'/' | b'.' | b'-' | b'_' => address.push(char::from(*b)),
            b if b.is_ascii_alphanumeric() => address.push(char::from(*b)),
            b => address.push_str(&format!("%{b:02X}")),
        }
    }
    if asleep { address + "?immutable=1" } else { address }
}

fn tables(t: &mut dyn Transaction) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let name = |r: &Row| match &r[0] {
        Cell::Text(t) => t.clone(),
        _ => String::new(),
    };
    Ok(t.query(sql, &[])?.iter().map(name).collect())
}

fn error(place: &str, e: &rusqlite::Error) -> StoreError {
    let place = place.to_string();
    match e.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => StoreError::Foreign { place, reason: "it is no SQLite database".into() },
        Some(ErrorCode::DatabaseCorrupt) => {
            StoreError::Corrupt { place, at: "somewhere".into(), reason: "SQLite finds the file damaged".into() }
        }
        _ => StoreError::Io { place, reason: e.to_string() },
    }
}

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Owned(Value::Null),
            Self::Int(v) => ToSqlOutput::Owned(Value::Integer(*v)),
            Self::Float(v) => ToSqlOutput::Owned(Value::Real(*v)),
            Self::Text(v) => ToSqlOutput::Borrowed(ValueRef::Text(v.as_bytes())),
        })
    }
}

struct Open<'a> {
    place: String,
    transaction: &'a rusqlite::Transaction<'a>,
}

impl Transaction for Open<'_> {
    fn execute(&mut self, sql: &str, cells: &[Cell]) -> Result<u64, StoreError> {
        let run = || self.transaction.prepare_cached(sql)?.execute(rusqlite::params_from_iter(cells));
        run().map(|n| n as u64).map_err(|e| error(&self.place, &e))
    }

    fn query(&mut self, sql: &str, cells: &[Cell]) -> Result<Vec<Row>, StoreError> {
        let run = || {
            let mut statement = self.transaction.prepare_cached(sql)?;
            let columns = statement.column_count();
            let mut rows = statement.query(rusqlite::params_from_iter(cells))?;
            let mut out = Vec::new();
            while let Some(row) = rows.next()? {
                let cell = |i: usize| {
                    Ok(match row.get_ref(i)? {
                        ValueRef::Integer(v) => Cell::Int(v),
                        ValueRef::Real(v) => Cell::Float(v),
                        ValueRef::Text(v) => Cell::Text(String::from_utf8_lossy(v).into_owned()),
                        _ => Cell::Null,
                    })
                };
                out.push((0..columns).map(cell).collect::<rusqlite::Result<Row>>()?);
            }
            Ok(out)
        };
        run().map_err(|e| error(&self.place, &e))
    }

    fn insert(&mut self, table: &str, _: &str, columns: &[&str], cells: &[Cell]) -> Result<i64, StoreError> {
        let marks = vec!["?"; columns.len()].join(", ");
        self.execute(&format!("INSERT INTO {table} ({}) VALUES ({marks})", columns.join(", ")), cells)?;
        Ok(self.transaction.last_insert_rowid())
    }
}

impl Sqlite {
    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn transact<T>(
        &self,
        behaviour: TransactionBehavior,
        mut f: impl FnMut(&mut dyn Transaction) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let place = self.place();
        let mut connection = self.lock();
        let transaction = connection.transaction_with_behavior(behaviour).map_err(|e| error(&place, &e))?;
        // Dropped without a commit, it is rolled back.
        let out = f(&mut Open { place: place.clone(), transaction: &transaction })?;
        transaction.commit().map_err(|e| error(&place, &e))?;
        Ok(out)
    }
}

impl Database for Sqlite {
    fn place(&self) -> String {
        self.path.display().to_string()
    }

    fn write<T>(&self, f: impl FnMut(&mut dyn Transaction) -> Result<T, StoreError>) -> Result<T, StoreError> {
        // Locked from the start: one that reads first and writes later may be refused in between.
        self.transact(TransactionBehavior::Immediate, f)
    }

    fn read<T>(&self, f: impl FnMut(&mut dyn Transaction) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.transact(TransactionBehavior::Deferred, f)
    }

    fn time_text(column: &str) -> String {
        column.into()
    }

    fn cast(_: &'static str) -> &'static str {
        "?"
    }

    // A writing transaction excludes every other one from its start.
    const LOCK: &'static str = "";
    const NOW: &'static str = "strftime('%Y-%m-%d %H:%M:%f000', 'now')";
    const AGE: &'static str = "(julianday('now') - julianday(heartbeat)) * 86400.0";
}
