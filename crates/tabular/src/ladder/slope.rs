//! A new intercept and a new slope on the generalist's margin.

use specialist_core::survival::cox_slope;
use specialist_core::{Affine, Context, Dataset, Error, Estimand, Feature, Predict};
use specialist_search::{Params, Space};

use super::recalibration::{SMALLEST_SLOPE, by_class, by_line};
use super::{Rung, place};
use crate::scaling::Freedom;
use crate::{Model, survival};

const STRENGTH: &str = "slope-strength";
/// Of several classes: whether there is one slope (temperature scaling) or one a class (vector scaling).
const SLOPE_PER: &str = "slope-per";
const PER_MODEL: &str = "model";
const PER_CLASS: &str = "class";

/// A new intercept and a new, positive slope on the generalist's margin; of several classes an intercept each, and a slope
/// for all or one each.
pub struct Slope;

impl Rung for Slope {
    fn name(&self) -> &'static str {
        "slope"
    }

    fn about(&self) -> &'static str {
        "a new intercept and a new slope on the generalist's margin"
    }

    fn place(&self) -> usize {
        place::SLOPE
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

    fn space(&self, generalist: &Model, _: usize) -> Space {
        let space = Space::new().log_float(STRENGTH, 1.0, 100.0);
        // Of one margin there is one slope.
        if generalist.estimand().width() == 1 { space } else { space.categorical(SLOPE_PER, [PER_MODEL, PER_CLASS]) }
    }

    fn fine_tune(&self, params: &Params, generalist: &Model, target: &Dataset, ctx: &Context) -> Result<Model, Error> {
        let strength = params.float(STRENGTH);
        if matches!(target.estimand, Estimand::Survival { .. }) {
            return of_times(generalist, target, strength);
        }
        if generalist.estimand().width() > 1 {
            let per_class = params.text(SLOPE_PER) == PER_CLASS;
            let freedom = if per_class { Freedom::Vector } else { Freedom::Temperature };
            return by_class(generalist, target, strength, freedom, ctx);
        }
        by_line(generalist, target, strength, false)
    }
}

fn of_times(generalist: &Model, target: &Dataset, strength: f64) -> Result<Model, Error> {
    let margin = generalist.margin(target)?;
    let slope = cox_slope(&margin, survival::labels(target), &survival::weights(target), strength);
    let slope = slope.ok_or_else(|| Error::Fit {
        estimator: "recalibration",
        reason: "no line through the generalist's margin fits the target's times".into(),
    })?;
    let line = Affine { intercept: 0.0, slope: slope.max(SMALLEST_SLOPE) };
    let tuned = Model { line: line.after(generalist.line), ..generalist.clone() };
    survival::behind(tuned, generalist, target, strength)
}
