//! The generalist's trees with leaf values estimated anew.

use specialist_core::{Context, Dataset, Error, Feature};
use specialist_search::{Params, Space};

use super::{PLENTY, Rung, place};
use crate::{Base, Model, TreeEngine, TreeSettings, Trees, survival};

const DECAY: &str = "decay";

/// The generalist's trees with leaf values estimated anew, in part.
pub struct LeafRefit;

impl Rung for LeafRefit {
    fn name(&self) -> &'static str {
        "leaf-refit"
    }

    fn about(&self) -> &'static str {
        "the generalist's trees with leaf values estimated anew, in part"
    }

    fn place(&self) -> usize {
        place::LEAF_REFIT
    }

    fn fits(&self, generalist: &Model, _: &[Feature]) -> bool {
        generalist.folds() && matches!(generalist.base, Base::Trees(_))
    }

    fn space(&self, _: &Model, events: usize) -> Space {
        Space::new().float(DECAY, if events >= PLENTY { 0.5 } else { 0.8 }, 0.98)
    }

    fn fine_tune(&self, params: &Params, generalist: &Model, target: &Dataset, ctx: &Context) -> Result<Model, Error> {
        let Base::Trees(forest) = &generalist.base else { return Ok(generalist.clone()) };
        let refitted = Trees.refit_leaves(forest, target, params.float(DECAY), &TreeSettings::default(), ctx)?;
        let tuned = Model { base: Base::Trees(refitted), ..generalist.clone() };
        survival::behind_if_times(tuned, generalist, target)
    }
}
