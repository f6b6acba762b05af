//! Which label does a text carry? What a table with a column of texts has beyond other tables: an estimator on word
//! frequencies, and rungs that train the encoder.

mod linear;
mod network;
mod rungs;
pub mod stress;
mod texts;
mod tf_idf;
mod words;

pub use linear::TfIdf;
pub use network::{Body, Network};
pub use rungs::{Full, LoraRung, LpFt, Setfit, head as linear_head};
pub use texts::Texts;
pub use tf_idf::{TfIdfRegression, baseline as tf_idf_baseline};
pub use words::{class_names, rows, words};

/// Makes the estimators and rungs known to recipes.
pub fn register() {
    specialist_tabular::ESTIMATORS.add(&TfIdfRegression);
    specialist_tabular::ESTIMATORS.add(&network::Networks);
    specialist_tabular::RUNGS.add(&Setfit);
    specialist_tabular::RUNGS.add(&LoraRung);
    specialist_tabular::RUNGS.add(&LpFt);
    specialist_tabular::RUNGS.add(&Full);
}
