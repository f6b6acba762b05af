//! More trees behind the generalist's.

use specialist_core::{Context, Dataset, Error, Feature};
use specialist_search::{Params, Space};

use super::{PLENTY, Rung, place};
use crate::{Base, Model, TreeEngine, TreeSettings, Trees, survival};

const ROUNDS: &str = "rounds";
const RATE: &str = "learning-rate";
const DEPTH: &str = "max-depth";

/// More trees behind the generalist's.
pub struct Continue;

impl Rung for Continue {
    fn name(&self) -> &'static str {
        "continue"
    }

    fn about(&self) -> &'static str {
        "more trees behind the generalist's"
    }

    fn place(&self) -> usize {
        place::CONTINUE
    }

    fn fits(&self, generalist: &Model, _: &[Feature]) -> bool {
        generalist.folds() && matches!(generalist.base, Base::Trees(_))
    }

    fn space(&self, _: &Model, events: usize) -> Space {
        let plenty = events >= PLENTY;
        Space::new()
            .log_int(ROUNDS, 5, if plenty { 150 } else { 40 })
            .log_float(RATE, 0.005, if plenty { 0.1 } else { 0.02 })
            .int(DEPTH, 1, if plenty { 5 } else { 3 })
    }

    fn fine_tune(&self, params: &Params, generalist: &Model, target: &Dataset, ctx: &Context) -> Result<Model, Error> {
        let Base::Trees(forest) = &generalist.base else { return Ok(generalist.clone()) };
        let settings = TreeSettings {
            rounds: params.int(ROUNDS).max(1) as usize,
            learning_rate: params.float(RATE),
            max_depth: params.int(DEPTH).max(1) as usize,
            ..TreeSettings::default()
        };
        let grown = Trees.grow(&settings, target, None, Some(forest), ctx)?;
        let tuned = Model { base: Base::Trees(grown), ..generalist.clone() };
        survival::behind_if_times(tuned, generalist, target)
    }
}
