//! Which store an address names.

use std::path::Path;
use std::sync::Arc;

use super::{JournalStore, Store, StoreError};

/// Opens the store that `address` names: `postgresql://…` a PostgreSQL database, `journal:PATH` or a path
/// that ends in `.log`, `.journal` or `.jsonl` a journal, `sqlite:///PATH` or any other path a SQLite
/// file. What is not there is made.
///
/// # Errors
/// [`StoreError`]
pub fn open_store(address: &str) -> Result<Arc<dyn Store>, StoreError> {
    if address.starts_with("postgres") && address.contains("://") {
        return postgres(address);
    }
    if let Some(path) = address.strip_prefix("journal:") {
        return Ok(Arc::new(JournalStore::open(Path::new(path))?));
    }
    if let Some((scheme, rest)) = address.split_once("://") {
        // SQLAlchemy has a third slash before the path.
        return match scheme.split('+').next() {
            Some("sqlite") => sqlite(rest.strip_prefix('/').unwrap_or(rest)),
            _ => Err(StoreError::Foreign {
                place: scheme.into(),
                reason: "stores are SQLite files, journals and PostgreSQL databases".into(),
            }),
        };
    }
    let extension = Path::new(address).extension().and_then(|e| e.to_str());
    match extension {
        Some("log" | "journal" | "jsonl") => Ok(Arc::new(JournalStore::open(Path::new(address))?)),
        _ => sqlite(address),
    }
}

#[cfg(feature = "sqlite")]
fn sqlite(path: &str) -> Result<Arc<dyn Store>, StoreError> {
    Ok(Arc::new(super::sqlite::open(Path::new(path))?))
}

#[cfg(not(feature = "sqlite"))]
fn sqlite(path: &str) -> Result<Arc<dyn Store>, StoreError> {
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
