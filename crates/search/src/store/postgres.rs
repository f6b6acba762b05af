//! Studies in a PostgreSQL database.

use std::error::Error;
use std::sync::{Mutex, MutexGuard, PoisonError};

use postgres::types::private::BytesMut;
use postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use postgres::{Client, IsolationLevel, NoTls};

use super::contract::StoreError;
use super::database::{Cell, Database, Row, Transaction, check_version, stamp};
use super::sql::SqlStore;

/// The tables as Optuna 5.0 makes them.
const SCHEMA: &str = include_str!("postgres.sql");
/// The key of the advisory lock under which the tables are made.
const MAKING: i64 = 0x5bec_1a11;

/// A PostgreSQL database with exactly Optuna's schema: for any number of machines.
pub struct Postgres {
    url: String,
    client: Mutex<Client>,
}

/// Opens the database that a URL names (`postgresql://user:password@host:port/database`), and makes
/// the tables where there are none. The connection is not encrypted.
///
/// # Errors
/// [`StoreError::Io`] when the server cannot be reached, [`StoreError::Foreign`] for tables of another
/// version.
pub fn open(url: &str) -> Result<SqlStore<Postgres>, StoreError> {
    let client = connect(url)?;
    let database = Postgres { url: url.into(), client: Mutex::new(client) };
    let place = database.place();
    database.write(|t| {
        t.query("SELECT 1 FROM (SELECT pg_advisory_xact_lock(?::bigint)) AS held", &[MAKING.into()])?;
        let found = t.query(
            "SELECT table_name::text FROM information_schema.tables WHERE table_schema = current_schema()",
            &[],
        )?;
        let name = |r: &Row| match &r[0] {
            Cell::Text(t) => t.clone(),
            _ => String::new(),
        };
        let found: Vec<String> = found.iter().map(name).collect();
        // A database may hold other tables beside a study's.
        let ours = if found.iter().any(|f| f == "studies" || f == "trials") { found } else { Vec::new() };
        if !check_version(&place, &ours, t)? {
            for statement in SCHEMA.split(';').filter(|s| !s.trim().is_empty()) {
                t.execute(statement, &[])?;
            }
            stamp(t)?;
        }
        Ok(())
    })?;
    Ok(SqlStore { database })
}

fn connect(url: &str) -> Result<Client, StoreError> {
    // SQLAlchemy names its driver in the scheme.
    let plain = match url.split_once("://") {
        Some((scheme, rest)) => format!("{}://{rest}", scheme.split('+').next().unwrap_or(scheme)),
        None => url.to_string(),
    };
    Client::connect(&plain, NoTls).map_err(|e| error(&redacted(url), &e))
}

/// The URL without its password.
fn redacted(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return "the PostgreSQL database".into() };
    match rest.rsplit_once('@') {
        Some((who, place)) => format!("{scheme}://{}@{place}", who.split(':').next().unwrap_or("")),
        None => url.split('?').next().unwrap_or(url).into(),
    }
}

fn error(place: &str, e: &postgres::Error) -> StoreError {
    let reason = match e.as_db_error() {
        Some(db) => db.message().to_string(),
        None => e.source().map_or_else(|| e.to_string(), |s| format!("{e}: {s}")),
    };
    StoreError::Io { place: place.into(), reason }
}

impl ToSql for Cell {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(v) if *ty == Type::INT4 => i32::try_from(*v)?.to_sql(ty, out),
            Self::Int(v) if *ty == Type::FLOAT8 => (*v as f64).to_sql(ty, out),
            Self::Int(v) => v.to_sql(ty, out),
            Self::Float(v) => v.to_sql(ty, out),
            Self::Text(v) => v.to_sql(ty, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

struct Open<'a, 'b> {
    place: String,
    transaction: &'b mut postgres::Transaction<'a>,
}

/// `?` becomes `$1`, `$2`, …
fn numbered(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len() + 16);
    let mut n = 0;
    for c in sql.chars() {
        if c == '?' {
            n += 1;
            out.push_str(&format!("${n}"));
        } else {
            out.push(c);
        }
    }
    out
}

fn cells_of(cells: &[Cell]) -> Vec<&(dyn ToSql + Sync)> {
    cells.iter().map(|c| c as &(dyn ToSql + Sync)).collect()
}

impl Transaction for Open<'_, '_> {
    fn execute(&mut self, sql: &str, cells: &[Cell]) -> Result<u64, StoreError> {
        self.transaction.execute(&numbered(sql), &cells_of(cells)).map_err(|e| error(&self.place, &e))
    }

    fn query(&mut self, sql: &str, cells: &[Cell]) -> Result<Vec<Row>, StoreError> {
        let rows = self.transaction.query(&numbered(sql), &cells_of(cells)).map_err(|e| error(&self.place, &e))?;
        rows.iter()
            .map(|row| (0..row.len()).map(|i| cell(row, i)).collect())
            .collect::<Result<_, _>>()
            .map_err(|e| error(&self.place, &e))
    }

    fn insert(&mut self, table: &str, key: &str, columns: &[&str], cells: &[Cell]) -> Result<i64, StoreError> {
        let mark = |c: &&str| match *c {
            "state" => Postgres::cast("trialstate"),
            c if c.starts_with("datetime") => Postgres::cast("timestamp"),
            _ => "?",
        };
        let marks: Vec<&str> = columns.iter().map(mark).collect();
        let sql = format!("INSERT INTO {table} ({}) VALUES ({}) RETURNING {key}", columns.join(", "), marks.join(", "));
        let rows = self.query(&sql, cells)?;
        match rows.first().map(|r| &r[0]) {
            Some(Cell::Int(id)) => Ok(*id),
            _ => Err(StoreError::Io { place: self.place.clone(), reason: "the server returned no key".into() }),
        }
    }
}

fn cell(row: &postgres::Row, i: usize) -> Result<Cell, postgres::Error> {
    let ty = row.columns()[i].type_();
    Ok(if *ty == Type::INT4 {
        row.try_get::<_, Option<i32>>(i)?.map_or(Cell::Null, |v| Cell::Int(v.into()))
    } else if *ty == Type::INT8 {
        row.try_get::<_, Option<i64>>(i)?.map_or(Cell::Null, Cell::Int)
    } else if *ty == Type::FLOAT8 {
        row.try_get::<_, Option<f64>>(i)?.map_or(Cell::Null, Cell::Float)
    } else {
        row.try_get::<_, Option<String>>(i)?.map_or(Cell::Null, Cell::Text)
    })
}

impl Postgres {
    fn client(&self) -> Result<MutexGuard<'_, Client>, StoreError> {
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if client.is_closed() {
            *client = connect(&self.url)?;
        }
        Ok(client)
    }

    fn transact<T>(
        &self,
        level: IsolationLevel,
        mut f: impl FnMut(&mut dyn Transaction) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let place = self.place();
        let mut client = self.client()?;
        let mut transaction =
            client.build_transaction().isolation_level(level).start().map_err(|e| error(&place, &e))?;
        let out = f(&mut Open { place: place.clone(), transaction: &mut transaction })?;
        transaction.commit().map_err(|e| error(&place, &e))?;
        Ok(out)
    }
}

impl Database for Postgres {
    fn place(&self) -> String {
        redacted(&self.url)
    }

    fn write<T>(&self, f: impl FnMut(&mut dyn Transaction) -> Result<T, StoreError>) -> Result<T, StoreError> {
        // Rows that others may write are locked (`LOCK`): a stricter level would refuse where this one waits.
        self.transact(IsolationLevel::ReadCommitted, f)
    }

    fn read<T>(&self, f: impl FnMut(&mut dyn Transaction) -> Result<T, StoreError>) -> Result<T, StoreError> {
        // Several queries must see one state.
        self.transact(IsolationLevel::RepeatableRead, f)
    }

    fn time_text(column: &str) -> String {
        format!("to_char({column}, 'YYYY-MM-DD HH24:MI:SS.US')")
    }

    fn cast(of: &'static str) -> &'static str {
        match of {
            "trialstate" => "?::text::trialstate",
            "studydirection" => "?::text::studydirection",
            "trialvaluetype" => "?::text::trialvaluetype",
            "trialintermediatevaluetype" => "?::text::trialintermediatevaluetype",
            _ => "?::text::timestamp",
        }
    }

    const LOCK: &'static str = " FOR UPDATE";
    // The server's clock in the session's zone without a zone, as Optuna writes it; compared in the same
    // session only.
    const NOW: &'static str = "now()::timestamp";
    const AGE: &'static str = "EXTRACT(EPOCH FROM (now()::timestamp - heartbeat))::float8";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        assert_eq!(redacted("postgresql+psycopg2://ann:s3:cret@db:5432/x"), "postgresql+psycopg2://ann@db:5432/x");
        assert_eq!(redacted("postgresql://db/x?password=s"), "postgresql://db/x");
        assert_eq!(numbered("a = ? AND b = ?"), "a = $1 AND b = $2");
    }
}
