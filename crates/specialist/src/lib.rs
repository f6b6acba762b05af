//! The library that people link to: train a specialist from a generalist, hear whether that was worth doing, and score
//! Arrow record batches with what ships.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//! use arrow_array::{ArrayRef, Float64Array, RecordBatch};
//! use specialist::{Context, Recipe, Specialist};
//!
//! # let folder = tempfile::tempdir()?;
//! # let rows = |n: usize, shift: f64| (0..n).map(|i| {
//! #     let (a, b) = ((i * 37 % 101) as f64 / 50.0, (i * 53 % 97) as f64 / 48.0);
//! #     format!("{a},{b},{}\n", u8::from(a + shift * b + (i * 29 % 13) as f64 / 13.0 > 2.0))
//! # }).fold("a,b,y\n".to_string(), |all, row| all + &row);
//! # std::fs::write(folder.path().join("large.csv"), rows(600, 0.3))?;
//! # std::fs::write(folder.path().join("own.csv"), rows(300, 0.6))?;
//! # let (recipe, artifact) = (folder.path().join("recipe.toml"), folder.path().join("artifact"));
//! std::fs::write(&recipe, r#"
//!     [source]
//!     data = "large.csv"     # somebody's rows, plenty of them
//!     [target]
//!     data = "own.csv"       # a few hundred of one's own
//!     [columns.a]
//!     [columns.b]
//!     [columns.y]
//!     role = "label"
//! "#)?;
//! let run = Recipe::from_file(&recipe)?.set("tune.trials=4")?.run(&Context::new(42, 2))?;
//! let verdict = &run.report.evidence.verdict;     // adopt, recalibrate, keep-generalist, …
//! assert!(!verdict.outcome.word().is_empty() && !verdict.reason.is_empty());
//! run.save(&artifact)?;
//!
//! // What ships is loaded by whoever has the folder, and scores rows wherever they come from.
//! let model = Specialist::load(&artifact)?;
//! let column = |values: Vec<f64>| Arc::new(Float64Array::from(values)) as ArrayRef;
//! let rows = RecordBatch::try_from_iter([("b", column(vec![0.1, 1.9])), ("a", column(vec![0.2, 1.8]))])?;
//! let probability = model.predict(&rows)?;
//! assert!(probability.row(0)[0] < probability.row(1)[0]);
//! # Ok(())
//! # }
//! ```
//!
//! Everything below is reachable from here: [`core`] (types and traits), [`search`] (studies, samplers, pruners, stores),
//! [`tabular`] (reading, estimators, the ladder), [`engine`] (the stages), [`report`].

mod batch;
mod recipe;
mod scorer;
mod tables;

pub use arrow_array;
pub use arrow_schema;
pub use specialist_core as core;
pub use specialist_engine as engine;
pub use specialist_report as report;
pub use specialist_search as search;
pub use specialist_tabular as tabular;

pub use recipe::{Recipe, Run};
pub use scorer::{Scores, Specialist};
pub use specialist_core::{Context, Domain, Estimand, Metric, Outputs};
pub use specialist_engine::Error;
pub use specialist_engine::explain::Explained;
pub use specialist_engine::predict::Unseen;
pub use specialist_report::Report;
pub use specialist_search::Study;
pub use tables::Tables;
