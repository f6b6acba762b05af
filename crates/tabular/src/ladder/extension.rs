//! A ridge model of the predictors that only the target has.

use specialist_core::{Context, Dataset, Error, Feature};
use specialist_search::{Params, Space};

use super::on_top::on_top;
use super::{Rung, place};
use crate::Model;

const RIDGE: &str = "extension-ridge";

/// A ridge model, on top of the generalist's margin, of the predictors that only the target has.
pub struct Extension;

impl Rung for Extension {
    fn name(&self) -> &'static str {
        "extension"
    }

    fn about(&self) -> &'static str {
        "a ridge model of the predictors that only the target has, on top of the generalist's margin"
    }

    fn place(&self) -> usize {
        place::EXTENSION
    }

    fn fits(&self, generalist: &Model, features: &[Feature]) -> bool {
        !only_here(generalist, features).is_empty()
    }

    fn space(&self, _: &Model, _: usize) -> Space {
        Space::new().log_float(RIDGE, 1.0, 1000.0)
    }

    fn fine_tune(&self, params: &Params, generalist: &Model, target: &Dataset, ctx: &Context) -> Result<Model, Error> {
        on_top(generalist, &only_here(generalist, &target.features), params.float(RIDGE), target, ctx)
    }
}

/// The features that `generalist` does not read.
fn only_here(generalist: &Model, features: &[Feature]) -> Vec<Feature> {
    let known = generalist.features();
    features.iter().filter(|f| known.iter().all(|k| k.name != f.name)).cloned().collect()
}
