//! Diagnosis and treatment outcome as a domain: real thyroid and breast cancer records, decision curves, subgroups, what a
//! treatment changes. [`Medical`] is what the program `medical` runs with, and what the library `specialist` loads its
//! artifacts with.

mod bedside;
mod check;
mod conformal;
mod decision_curve;
mod domain;
mod effect;
mod outcome;
mod sample_size;
mod settings;
mod subgroups;
mod updating;

pub use domain::Medical;
