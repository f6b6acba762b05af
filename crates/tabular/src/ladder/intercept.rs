//! A new intercept on the generalist's margin.

use specialist_core::{Context, Dataset, Error, Estimand, Feature, Predict};
use specialist_search::{Params, Space};

use super::recalibration::{by_class, by_line};
use super::{Rung, place};
use crate::scaling::Freedom;
use crate::{Model, survival};

const STRENGTH: &str = "intercept-strength";

/// A new intercept on the generalist's margin; of several classes one each; of times the level of the hazard.
pub struct Intercept;

impl Rung for Intercept {
    fn name(&self) -> &'static str {
        "intercept"
    }

    fn about(&self) -> &'static str {
        "a new intercept on the generalist's margin"
    }

    fn place(&self) -> usize {
        place::INTERCEPT
    }

    fn needs_events(&self) -> usize {
        0
    }

    fn recalibrates(&self) -> bool {
        true
    }

    fn fits(&self, generalist: &Model, _: &[Feature]) -> bool {
        // What is written has no scale.
        generalist.estimand() != Estimand::Text
    }

    fn space(&self, _: &Model, _: usize) -> Space {
        Space::new().log_float(STRENGTH, 1.0, 100.0)
    }

    fn fine_tune(&self, params: &Params, generalist: &Model, target: &Dataset, ctx: &Context) -> Result<Model, Error> {
        let strength = params.float(STRENGTH);
        if matches!(target.estimand, Estimand::Survival { .. }) {
            return survival::behind(generalist.clone(), generalist, target, strength);
        }
        if generalist.estimand().width() > 1 {
            return by_class(generalist, target, strength, Freedom::Intercepts, ctx);
        }
        by_line(generalist, target, strength, true)
    }
}
