//! A linear generalist's coefficients as the prior mean of new ones.

use specialist_core::{Context, Dataset, Error, Estimand, Feature, Predict};
use specialist_search::{Params, Space};

use super::{PLENTY, Rung, place};
use crate::glm::{Prior, Problem, spread_about};
use crate::{Base, Model, survival};

const STRENGTH: &str = "prior-strength";

/// A linear generalist's coefficients as the prior mean of new ones.
pub struct PriorCentred;

impl Rung for PriorCentred {
    fn name(&self) -> &'static str {
        "prior-centred"
    }

    fn about(&self) -> &'static str {
        "a linear generalist's coefficients as the prior mean of new ones"
    }

    fn place(&self) -> usize {
        place::PRIOR_CENTRED
    }

    fn fits(&self, generalist: &Model, _: &[Feature]) -> bool {
        generalist.folds() && matches!(generalist.base, Base::Glm(_))
    }

    fn space(&self, _: &Model, events: usize) -> Space {
        Space::new().log_float(STRENGTH, if events >= PLENTY { 0.3 } else { 3.0 }, 1000.0)
    }

    fn fine_tune(&self, params: &Params, generalist: &Model, target: &Dataset, ctx: &Context) -> Result<Model, Error> {
        let Base::Glm(source) = &generalist.base else { return Ok(generalist.clone()) };
        let strength = params.float(STRENGTH);
        let prior = Prior::centred(source, strength);
        let rows = target.aligned(&source.encoder.features)?;
        let of_times = matches!(target.estimand, Estimand::Survival { .. });
        let scale = if of_times { 1.0 } else { spread_about(&rows, generalist.margins(&rows)?.values()) };
        let problem = Problem { data: &rows, encoder: &source.encoder, offset: None, scale };
        let mut tuned = generalist.clone();
        if of_times {
            tuned.base = Base::Glm(survival::relative_risk(&problem, &prior, 0.0, ctx)?);
            return survival::behind(tuned, generalist, target, strength);
        }
        tuned.base = Base::Glm(problem.fit(&prior, None, ctx)?);
        Ok(tuned)
    }
}
