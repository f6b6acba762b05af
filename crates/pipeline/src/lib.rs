//! From a recipe to an artifact: load, check, split, pretrain, tune, compare, report. Each stage is
//! one file; [`run`] puts them in order.

pub mod artifact;
pub mod check;
mod classes;
mod compare;
mod curves;
#[cfg(feature = "text")]
mod embeddings;
#[cfg(not(feature = "text"))]
#[path = "no_embeddings.rs"]
mod embeddings;
mod error;
pub mod explain;
mod folds;
mod in_the_large;
pub mod init;
pub mod ledger;
mod load;
pub mod predict;
pub mod pretrain;
pub mod recipe;
pub mod report;
pub mod run;
pub mod sources;
mod split;
mod splits;
pub mod studies;
mod tune;
pub mod verify;

pub use compare::Candidates;
pub use error::Error;
pub use load::{Loaded, Place};
pub use run::{Compared, Job, Prepared, Tuned};
pub use specialist_report as view;
pub use tune::Effort;
