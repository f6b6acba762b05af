//! Evaluates trials with any number of workers, in this process and in others.

mod dead;
pub(crate) mod job;
pub(crate) mod plan;
pub(crate) mod workers;
