//! The abstractions of Specialist, and nothing else: no file is read here, nothing is printed, no
//! clock is asked and no global random number generator is used.
//!
//! A **generalist** is pre-trained on a broad *source* population ([`Pretrain`]); a **specialist**
//! is what a tuning makes of it on a small *target* sample ([`FineTune`]). Whether that was
//! worth doing is decided on sealed rows by [`evidence`] and said by a [`Verdict`].
#![warn(missing_docs)]

pub mod bootstrap;
mod calibration;
mod context;
mod dataset;
mod dialect;
pub mod discretion;
mod domain;
mod encode;
mod error;
mod estimand;
pub mod evidence;
mod finding;
pub mod foreign;
mod labels;
pub mod metric;
mod model;
mod outputs;
pub mod quoting;
mod registry;
mod schema;
mod spelling;
mod split;
pub mod survival;
mod verdict;

pub use ndarray;

pub use calibration::{Affine, Recalibrate, Scaling, fit_affine, fit_line};
pub use context::{Budget, Cancelled, Context, Observer, Silent};
pub use dataset::{Dataset, Feature, FeatureKind, Key, KeyRole};
pub use dialect::{Dialect, NumberStyle};
pub use domain::{Domain, FeatureStep, Identity, Panel, PanelInput, Population, Recipe, Series, Tables, TablesInput};
pub use encode::Encode;
pub use error::Error;
pub use estimand::{Estimand, LossScale};
pub use finding::{Finding, Severity};
pub use labels::{Followed, Labels};
pub use metric::{Goal, Metric, Scored};
pub use model::{FineTune, Predict, Pretrain};
pub use outputs::Outputs;
pub use registry::Registry;
pub use schema::{Class, Column, ColumnKind, Limits, OnInvalid, Role, Schema};
pub use spelling::{canonical, same_value};
pub use split::{Split, SplitKeys};
pub use verdict::{Outcome, Verdict, VerdictRule, decide};

/// The inverse of the logit: a log-odds margin to a probability in (0, 1).
#[inline]
#[must_use]
pub fn sigmoid(margin: f64) -> f64 {
    if margin >= 0.0 {
        1.0 / (1.0 + (-margin).exp())
    } else {
        let e = margin.exp();
        e / (1.0 + e)
    }
}

/// The log-odds of a probability, which is first kept `1e-12` away from 0 and 1.
#[inline]
#[must_use]
pub fn logit(probability: f64) -> f64 {
    let p = probability.clamp(1e-12, 1.0 - 1e-12);
    (p / (1.0 - p)).ln()
}
