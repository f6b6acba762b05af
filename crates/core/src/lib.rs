//! The abstractions of Specialist, and nothing else: no file is read here, nothing is printed, no
//! clock is asked and no global random number generator is used.
//!
//! A **generalist** is pre-trained on a broad *source* population ([`Pretrain`]); a **specialist**
//! is what a tuning makes of it on a small *target* sample ([`FineTune`]). Whether that was
//! worth doing is decided on sealed rows by [`evidence`] and said by a [`Verdict`].
//!
//! ```
//! use specialist_core::bootstrap::Bootstrap;
//! use specialist_core::evidence::{Prediction, differences, judge};
//! use specialist_core::metric::{LogLoss, Metric};
//! use specialist_core::ndarray::{Array1, Axis};
//! use specialist_core::{Affine, Context, Dataset, Feature, Labels, Outcome, SplitKeys, VerdictRule};
//! use specialist_core::{decide, fit_affine, sigmoid};
//!
//! // A generalist's log-odds of 1000 target rows. Events are rarer here than where it was trained, and it says too much.
//! let score: Array1<f64> = (0..1000).map(|i| f64::from(i * 7 % 40) / 5.0 - 4.0).collect();
//! let event = |i: usize| sigmoid(score[i] / 3.0 - 1.0) > (i * 37 % 101) as f64 / 101.0;
//! let labels = Labels::binary((0..1000).map(event));
//! let rows = Dataset::new(vec![Feature::number("score")], score.clone().insert_axis(Axis(1)), labels)?;
//!
//! // Half of the rows are sealed; on the others a line from its log-odds to the truth's makes the specialist.
//! let ctx = Context::new(1, 1);
//! let keys = SplitKeys { stratify: true, ..SplitKeys::default() };
//! let split = keys.holdout(&rows, 0.5, &mut ctx.rng("split"))?;
//! let (train, sealed) = (rows.select(&split.train), rows.select(&split.test));
//! let margin = |rows: &Dataset| rows.records().column(0).to_vec();
//! let (responses, weight) = (train.labels().responses(), vec![1.0; train.rows()]);
//! let line = fit_affine(&margin(&train), &responses, &weight, 0.0, false).expect("there are two classes");
//!
//! // Both are judged on the sealed rows, with intervals, and one word says what to do.
//! let predict = |name: &str, line: Affine| {
//!     let probability: Vec<f64> = margin(&sealed).iter().map(|m| sigmoid(line.apply(*m))).collect();
//!     Prediction { name: name.into(), outputs: probability.into(), ..Prediction::default() }
//! };
//! let predictions = [predict("generalist", Affine::IDENTITY), predict("specialist", line)];
//! let metrics: Vec<Box<dyn Metric>> = vec![Box::new(LogLoss)];
//! let bootstrap = Bootstrap::new(&sealed, keys, 400, &ctx);
//! let (_, replicates) = judge(&sealed, &predictions, &metrics, &bootstrap, 0.95, &ctx);
//! let gains = differences(&["generalist", "specialist"], &[(1, 0)], &replicates, 0.95);
//! let rule = VerdictRule { worthwhile: 0.01, fewest_events: 30 };
//! let verdict = decide(&rule, sealed.informative(), "log-loss", &gains, &[]);
//! assert_eq!(verdict.outcome, Outcome::Adopt, "{}", verdict.reason);
//! # Ok::<(), specialist_core::Error>(())
//! ```
#![warn(missing_docs)]

pub mod bootstrap;
mod calibration;
mod candidate;
mod context;
mod dataset;
mod dialect;
mod difference;
pub mod discretion;
mod domain;
mod encode;
mod error;
mod estimand;
pub mod evidence;
mod finding;
pub mod foreign;
mod interval;
mod judgement;
mod labels;
mod logistic;
pub mod metric;
mod model;
mod outputs;
mod panel;
pub mod quoting;
mod registry;
mod schema;
mod spelling;
mod split;
mod summary;
pub mod survival;
mod verdict;

pub use ndarray;

pub use calibration::{Affine, Recalibrate, Scaling, fit_affine, fit_line};
pub use candidate::Candidate;
pub use context::{Budget, Cancelled, Context, Observer, Silent};
pub use dataset::{Dataset, Feature, FeatureKind, Key, KeyRole};
pub use dialect::{Dialect, NumberStyle};
pub use domain::{Domain, FeatureStep, Identity, JudgedTables, Population, Recipe, Tables, TablesInput};
pub use encode::{ENCODERS, Encode, EncoderInput, EncoderKind};
pub use error::Error;
pub use estimand::{Estimand, LossScale};
pub use finding::{Finding, Severity};
pub use judgement::{JudgedBy, Judgement, PanelInput};
pub use labels::{Followed, Labels};
pub use logistic::{logit, sigmoid};
pub use metric::{Goal, Metric, Scored};
pub use model::{FineTune, Predict, Pretrain};
pub use outputs::Outputs;
pub use panel::{Panel, Series};
pub use registry::Registry;
pub use schema::{Class, Column, ColumnKind, Limits, OnInvalid, Role, Schema};
pub use spelling::{canonical, same_value};
pub use split::{Split, SplitKeys};
pub use verdict::{Outcome, Verdict, VerdictRule, decide};
