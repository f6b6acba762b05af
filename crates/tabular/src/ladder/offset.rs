//! A ridge model on top of the generalist's margin.

use specialist_core::{Context, Dataset, Error, Feature};
use specialist_search::{Params, Space};

use super::on_top::on_top;
use super::{PLENTY, Rung, place};
use crate::Model;

const RIDGE: &str = "offset-ridge";

/// A ridge model of the generalist's features on top of its margin.
pub struct Offset;

impl Rung for Offset {
    fn name(&self) -> &'static str {
        "offset"
    }

    fn about(&self) -> &'static str {
        "a ridge model on top of the generalist's margin"
    }

    fn place(&self) -> usize {
        place::OFFSET
    }

    /// It has as many coefficients as a model from nothing.
    fn needs_events(&self) -> usize {
        PLENTY
    }

    fn fits(&self, generalist: &Model, _: &[Feature]) -> bool {
        generalist.is_of_numbers()
    }

    fn space(&self, _: &Model, _: usize) -> Space {
        Space::new().log_float(RIDGE, 3.0, 1000.0)
    }

    fn fine_tune(&self, params: &Params, generalist: &Model, target: &Dataset, ctx: &Context) -> Result<Model, Error> {
        on_top(generalist, &generalist.features(), params.float(RIDGE), target, ctx)
    }
}
