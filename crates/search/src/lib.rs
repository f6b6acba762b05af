//! Hyper-parameter search. It knows nothing of models: a [`Space`] says what may be chosen, a
//! [`Sampler`] suggests, a [`Study`] keeps the [`Trial`]s in a [`Store`].
//!
//! ```
//! use specialist_search::{Gp, Space, Study};
//!
//! // What may be chosen, and in which study. The same seed gives the same search.
//! let space = Space::new().float("x", -2.0, 2.0).float("y", -2.0, 2.0);
//! let mut study = Study::minimise("paraboloid", space, 1);
//! // Thirty trials: the sampler suggests, the function is evaluated, the study is told.
//! study.optimize(&Gp::default(), 30, |p| Ok((p.float("x") - 0.5).powi(2) + p.float("y").powi(2))).unwrap();
//! let best = study.best().unwrap();
//! assert!(best.value().unwrap() < 0.01);
//! assert!((best.params.float("x") - 0.5).abs() < 0.1);
//! ```
//!
//! [`run`](fn@run) evaluates with several workers and a [`Pruner`], [`open_store`] keeps studies in a file or a database,
//! [`importance`](fn@importance) says which parameters matter.
#![warn(missing_docs)]

mod domain;
mod gp;
mod history;
mod importance;
mod journal;
mod normal;
mod notes;
mod params;
pub mod pareto;
mod pruner;
mod run;
mod sampler;
mod seal;
mod space;
mod store;
mod study;
mod transfer;
mod trial;
mod value;
mod worker;

pub use domain::Domain;
pub use gp::lbfgs::minimise;
pub use history::{Direction, History, same};
pub use importance::{divergences, importance};
pub use journal::journal_text;
pub use params::{Param, Params};
pub use pruner::contract::{Never, Pruner};
pub use pruner::halving::{Hyperband, SuccessiveHalving};
pub use pruner::median::Median;
pub use pruner::named::{NamedPruner, PRUNERS, pruner_by_name};
pub use pruner::patience::Patience;
pub use pruner::race::Race;
pub use run::job::{Job, Stopped};
pub use run::plan::{Ended, Run, Stop};
pub use run::workers::run;
pub use sampler::auto::Auto;
pub use sampler::contract::Sampler;
pub use sampler::gp::Gp;
pub use sampler::grid::Grid;
pub use sampler::named::{NamedSampler, SAMPLERS, sampler_by_name};
pub use sampler::random::Random;
pub use sampler::sobol::Sobol;
pub use sampler::tpe::Tpe;
pub use sampler::wrapped::{Repeated, Sparing, StartingWith};
pub use space::{Constraint, Space, SpaceError};
pub use store::contract::{Scope, Store, StoreError, StudyRecord, flat_space};
pub use store::journal::JournalStore;
pub use store::memory::MemoryStore;
pub use store::open::{open_store, read_store};
pub use study::Study;
pub use study::best::Incumbent;
pub use transfer::{PastStudy, Transfer};
pub use trial::{Attributes, FAILURE, State, Trial};
pub use value::Value;
pub use worker::identity;
