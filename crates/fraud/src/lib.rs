//! Card fraud as a domain: simulated issuers, features that look back, the metrics of a fraud desk. [`Fraud`] is what the
//! program `fraud` runs with, and what the library `specialist` loads its artifacts with.

mod domain;
mod features;
mod metrics;
mod simulate;

pub use domain::Fraud;
pub use metrics::{CardPrecision, Cost};
