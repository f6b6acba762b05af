//! Which store an address names.

use std::path::Path;
use std::sync::Arc;

use super::contract::{Store, StoreError};
use super::journal::JournalStore;

/// Opens the store that `address` names: `postgresql://…` a PostgreSQL database, `journal:PATH` or a path
/// that ends in `.log`, `.journal` or `.jsonl` a journal, `sqlite:///PATH` or any other path a SQLite
/// file. What is not there is made.
///
/// ```
/// use specialist_search::open_store;
/// let folder = tempfile::tempdir().unwrap();
/// let store = open_store(&format!("journal:{}", folder.path().join("study").display())).unwrap();
/// assert!(store.studies().unwrap().is_empty());
/// assert!(open_store("mysql://host/db").is_err());
/// ```
///
/// # Errors
/// [`StoreError`]
pub fn open_store(address: &str) -> Result<Arc<dyn Store>, StoreError> {
    open_as(address, true)
}

/// As [`open_store`], for a store that is there and is only looked at: no byte of it changes.
///
/// ```
/// use specialist_search::read_store;
/// let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("study.log");
/// assert!(read_store(&path.display().to_string()).is_err());
/// assert!(!path.exists());
/// ```
///
/// # Errors
/// [`StoreError`]
pub fn read_store(address: &str) -> Result<Arc<dyn Store>, StoreError> {
    open_as(address, false)
}

fn journal(path: &str, writes: bool) -> Result<Arc<dyn Store>, StoreError> {
    let path = Path::new(path);
    Ok(Arc::new(if writes { JournalStore::open(path)? } else { JournalStore::read_only(path)? }))
}

fn open_as(address: &str, writes: bool) -> Result<Arc<dyn Store>, StoreError> {
    if address.starts_with("postgres") && address.contains("://") {
        return postgres(address);
    }
    if let Some(path) = address.strip_prefix("journal:") {
        return journal(path, writes);
    }
    if let Some((scheme, rest)) = address.split_once("://") {
        // SQLAlchemy has a third slash before the path.
        return match scheme.split('+').next() {
            Some("sqlite") => sqlite(rest.strip_prefix('/').unwrap_or(rest), writes),
            _ => Err(StoreError::Foreign {
                place: scheme.into(),
                reason: "stores are SQLite files, journals and PostgreSQL databases".into(),
            }),
        };
    }
    let extension = Path::new(address).extension().and_then(|e| e.to_str());
    match extension {
        Some("log" | "journal" | "jsonl") => journal(address, writes),
        _ => sqlite(address, writes),
    }
}

#[cfg(feature = "sqlite")]
fn sqlite(path: &str, writes: bool) -> Result<Arc<dyn Store>, StoreError> {
    let path = Path::new(path);
    Ok(Arc::new(if writes { super::sqlite::open(path)? } else { super::sqlite::read_only(path)? }))
}

#[cfg(not(feature = "sqlite"))]
fn sqlite(path: &str, _: bool) -> Result<Arc<dyn Store>, StoreError> {
    Err(StoreError::Foreign { place: path.into(), reason: "this program was built without SQLite".into() })
}

#[cfg(feature = "postgres")]
fn postgres(url: &str) -> Result<Arc<dyn Store>, StoreError> {
    Ok(Arc::new(super::postgres::open(url)?))
}

#[cfg(not(feature = "postgres"))]
fn postgres(_: &str) -> Result<Arc<dyn Store>, StoreError> {
    Err(StoreError::Foreign { place: "PostgreSQL".into(), reason: "this program was built without it".into() })
}
