//! The Gaussian process behind the `gp` and `transfer` samplers.

mod lbfgs;
mod process;

pub use lbfgs::minimise;
pub use process::{Axis, Kernel, Points, Posterior, Scratch};
