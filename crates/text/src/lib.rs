//! Text: which label a text carries, summaries, translations.
//!
//! All of it is the engine's: a table with a column of texts and [`Text`] as its domain. [`labels`] adds the rungs that train an encoder,
//! and the texts that are written the estimators and rungs of a T5.

mod args;
mod body;
mod corpus;
mod domain;
mod error;
mod export;
mod fetch;
pub mod labels;
mod packages;
mod rungs;
pub mod verbs;
mod writing;

pub use domain::{Text, register, set_cache};
