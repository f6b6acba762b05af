//! Text: which label a text carries, summaries, translations.
//!
//! Labels are the engine's: a table with a column of texts, [`Text`] as its domain, and rungs that train the encoder
//! ([`labels`]). Texts that are written have stages of their own ([`verbs`]).

mod adapter;
mod args;
mod corpus;
mod domain;
mod error;
mod export;
mod fetch;
mod judge;
pub mod labels;
mod metrics;
mod packages;
mod recipe;
pub mod verbs;
mod writing;

pub use domain::{Text, set_cache};
