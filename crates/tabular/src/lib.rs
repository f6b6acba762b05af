//! Tables and the models on them: reading against a declared schema, encoders fitted on train rows,
//! the prior-centred generalised linear model, boosted trees, baselines from linfa and smartcore, and
//! the ladder of tunings that turns a generalist into a specialist.

mod baseline;

mod contributions;
mod document;
mod encode;
pub mod estimator;
pub mod exchange;
mod forest_file;
pub mod glm;
pub mod ladder;
mod model;
mod multinomial;
mod own;
pub mod read;
mod scaling;
pub mod survival;
mod thresholds;
mod trees;
pub mod write;

pub use contributions::Contributions;
pub use encode::Encoder;
pub use estimator::{ESTIMATORS, Estimator, EstimatorSettings};
pub use glm::Glm;
pub use ladder::{RUNGS, Rung, TuningPlan, ladder_space, plan};
pub use model::{Base, Model, ModelError};
pub use own::{Own, OwnModel, PlainModel, read_plain};
pub use trees::{Forest, TreeEngine, TreeSettings, Trees};
