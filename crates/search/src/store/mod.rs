//! Where studies are kept.

pub(crate) mod contract;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod database;
pub(crate) mod format;
pub(crate) mod journal;
pub(crate) mod lines;
mod lock;
pub(crate) mod memory;
pub(crate) mod open;
#[cfg(feature = "postgres")]
mod postgres;
mod replay;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod sql;
#[cfg(feature = "sqlite")]
mod sqlite;
