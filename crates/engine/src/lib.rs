//! From a recipe to an artifact: load, check, split, pretrain, tune, compare, report. Each stage is
//! one file; [`run`] puts them in order.

pub mod artifact;
mod artifact_error;
pub mod check;
pub mod choose;
mod classes;
pub mod compare;
mod curves;
mod embeddings;
mod error;
pub mod explain;
mod folds;
mod in_the_large;
pub mod init;
pub mod label_curve;
pub mod ledger;
mod load;
mod place;
pub mod predict;
pub mod pretrain;
pub mod recipe;
pub mod reference;
pub mod report;
pub mod run;
pub mod sources;
mod split;
mod splits;
pub mod stages;
pub mod studies;
#[cfg(feature = "text")]
mod transformer;
mod tune;
pub mod verify;
pub mod waivers;

pub use compare::Candidates;
pub use error::Error;
pub use load::Loaded;
pub use place::Place;
pub use run::Job;
pub use specialist_report as view;
pub use stages::{Compared, Prepared, Tuned};
pub use tune::Effort;
