//! Which label does a text carry? What a table with a column of texts has beyond other tables: an estimator on word
//! frequencies, and rungs that train the encoder.

mod linear;
mod network;
pub mod rungs;
pub mod stress;
mod texts;
mod tf_idf;
mod words;

pub use linear::TfIdf;
pub use network::Network;
pub use rungs::head as linear_head;
pub use texts::{Texts, column_of, text_key};
pub use tf_idf::{TfIdfRegression, baseline as tf_idf_baseline};
pub use words::{class_names, rows, words};

/// Makes the estimators known to recipes.
pub(crate) fn register() {
    specialist_tabular::ESTIMATORS.add(&TfIdfRegression);
    specialist_tabular::ESTIMATORS.add(&network::Networks);
}
