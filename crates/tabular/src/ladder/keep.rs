//! The generalist as it is.

use specialist_core::{Context, Dataset, Error, Feature};
use specialist_search::{Params, Space};

use super::{Rung, place};
use crate::Model;

/// The generalist as it is.
pub struct Keep;

impl Rung for Keep {
    fn name(&self) -> &'static str {
        "keep"
    }

    fn about(&self) -> &'static str {
        "the generalist as it is"
    }

    fn place(&self) -> usize {
        place::KEEP
    }

    fn needs_events(&self) -> usize {
        0
    }

    fn fits(&self, _: &Model, _: &[Feature]) -> bool {
        true
    }

    fn space(&self, _: &Model, _: usize) -> Space {
        Space::new()
    }

    fn fine_tune(&self, _: &Params, generalist: &Model, _: &Dataset, _: &Context) -> Result<Model, Error> {
        Ok(generalist.clone())
    }
}
