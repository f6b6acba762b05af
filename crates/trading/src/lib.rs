//! Trading: a specialist for one instrument out of a generalist of many, and a back-test that does not lie.

pub mod backtest;
pub mod bars;
pub mod baselines;
pub mod domain;
pub mod each;
pub mod faults;
pub mod features;
pub mod labels;
mod layout;
pub mod money;
mod panels;
pub mod performance;
#[cfg(test)]
mod reference;
pub mod session;
pub mod simulate;
pub mod strategy;
pub mod tables;
pub mod validate;
pub mod verbs;
pub mod volatility;

pub use domain::{Desk, Trading};
