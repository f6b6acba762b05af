//! Hyper-parameter search. It knows nothing of models: a [`Space`] says what may be chosen, a
//! [`Sampler`] suggests, a [`Study`] keeps the [`Trial`]s in a [`Store`].
//!
//! ```
//! use specialist_search::{Gp, Space, Study};
//!
//! let space = Space::new().float("x", -2.0, 2.0).float("y", -2.0, 2.0);
//! let mut study = Study::minimise("paraboloid", space, 1);
//! study.optimize(&Gp::default(), 30, |p| Ok((p.float("x") - 0.5).powi(2) + p.float("y").powi(2))).unwrap();
//! assert!(study.best().unwrap().value().unwrap() < 0.01);
//! ```
#![warn(missing_docs)]

mod gp;
mod history;
mod importance;
mod normal;
pub mod pareto;
mod pruner;
mod run;
mod sampler;
mod seal;
mod space;
mod store;
mod study;
mod trial;
mod value;
mod worker;

pub use gp::minimise;
pub use history::{Direction, History, same};
pub use importance::{divergences, importance};
pub use pruner::{Hyperband, Median, Never, PRUNERS, Patience, Pruner, Race, SuccessiveHalving, pruner_by_name};
pub use run::{Ended, Job, Run, Stop, Stopped, run};
pub use sampler::{
    Auto, Gp, Grid, PastStudy, Random, Repeated, SAMPLERS, Sampler, Sobol, StartingWith, Tpe, Transfer, sampler_by_name,
};
pub use space::{Constraint, Domain, Param, Params, Space, SpaceError};
pub use store::{
    JournalStore, MemoryStore, Scope, Store, StoreError, StudyRecord, flat_space, journal_text, open_store, read_store,
};
pub use study::{Incumbent, Study};
pub use trial::{Attributes, FAILURE, State, Trial};
pub use value::Value;
pub use worker::identity;
