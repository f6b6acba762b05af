//! Texts that are written: translations and summaries. The column of the texts is read by a T5 ([`backbone`]), which is the generalist
//! as it is; what a table of them has beyond other tables are two estimators, rungs that train it, baselines and tables of a report.

mod backbone;
mod baselines;
mod extract;
mod panels;
pub mod pretrain;
mod rungs;
mod settings;
mod writer;

pub use backbone::Backbone;
pub use baselines::baselines;
pub use panels::{FINDS, empty, figures, notes, panels, script};
pub use rungs::How;
pub use settings::{Settings, Task};
pub use writer::Writer;

/// Makes the estimators and the encoder known to recipes.
pub fn register() {
    specialist_core::ENCODERS.add(&backbone::KIND);
    specialist_tabular::ESTIMATORS.add(&writer::AsItIs);
    specialist_tabular::ESTIMATORS.add(&writer::FromNothing);
}
