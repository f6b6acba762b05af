//! Hyper-parameter search. It knows nothing of models: a [`Space`] says what may be chosen, a
//! [`Sampler`] suggests, a [`Study`] keeps the [`Trial`]s and writes them to a journal.
//!
//! ```
//! use specialist_search::{Random, Space, Study};
//!
//! let space = Space::new().float("x", -2.0, 2.0);
//! let mut study = Study::minimise("parabola", space, 1);
//! study.optimize(&Random, 60, |p| Ok((p.float("x") - 0.5).powi(2)));
//! assert!((study.best().unwrap().params.float("x") - 0.5).abs() < 0.2);
//! ```
#![warn(missing_docs)]

mod journal;
mod sampler;
mod space;
mod study;

pub use journal::{JournalError, read_journal, write_journal};
pub use sampler::{Grid, Random, Sampler, sampler_by_name};
pub use space::{Domain, Param, Params, Space, SpaceError, Value};
pub use study::{Direction, State, Study, Trial};
