//! The Gaussian process behind the `gp` and `transfer` samplers.

pub(crate) mod lbfgs;
pub(crate) mod process;
