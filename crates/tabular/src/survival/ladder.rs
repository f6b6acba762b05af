//! The rungs for models of times. Each shrinks towards the generalist: coefficients by their prior, the baseline
//! hazard by the events that the generalist's is worth.

use specialist_core::survival::cox_slope;
use specialist_core::{Affine, Context, Dataset, Error, Predict};

use super::{Expected, labels, relative_risk, set_baseline, weights};
use crate::glm::{Prior, Problem};
use crate::ladder::{Rung, SMALLEST_SLOPE, TuningPlan};
use crate::{Base, Encoder, Model, TreeEngine, TreeSettings, Trees};

/// What the generalist's baseline is worth where a rung's own setting is no number of events.
const EVENTS: f64 = 10.0;

pub(crate) fn fine_tune(
    plan: &TuningPlan,
    generalist: &Model,
    target: &Dataset,
    ctx: &Context,
) -> Result<Model, Error> {
    let mut tuned = generalist.clone();
    let strength = |name: &str| plan.params.float(name);
    let events = match (plan.rung, &generalist.base) {
        (Rung::Intercept, _) => strength("intercept-strength"),
        (Rung::Slope, _) => {
            let strength = strength("slope-strength");
            let margin = generalist.margin(target)?;
            let slope = cox_slope(&margin, labels(target), &weights(target), strength);
            let slope = slope.ok_or_else(|| Error::Fit {
                estimator: "recalibration",
                reason: "no line through the generalist's margin fits the target's times".into(),
            })?;
            let line = Affine { intercept: 0.0, slope: slope.max(SMALLEST_SLOPE) };
            tuned.line = line.after(generalist.line);
            strength
        }
        (Rung::PriorCentred, Base::Glm(source)) => {
            let strength = strength("prior-strength");
            let target = target.aligned(&source.encoder.features)?;
            let problem = Problem { data: &target, encoder: &source.encoder, offset: None, scale: 1.0 };
            tuned.base = Base::Glm(relative_risk(&problem, &Prior::centred(source, strength), 0.0, ctx)?);
            strength
        }
        (Rung::Offset | Rung::Extension, _) => {
            let (features, ridge) = plan.on_top(generalist, target);
            let margin = generalist.margin(target)?;
            let target = target.aligned(&features)?;
            let encoder = Encoder::fit(&target);
            let problem = Problem { data: &target, encoder: &encoder, offset: Some(&margin), scale: 1.0 };
            tuned.addition = Some(relative_risk(&problem, &Prior::ridge(encoder.width(), ridge), 0.0, ctx)?);
            // The addition stands on the generalist's own line; only trees of times have one here.
            tuned.base = scaled(&generalist.base, generalist.line.slope)?;
            tuned.line = Affine::IDENTITY;
            EVENTS
        }
        (Rung::LeafRefit, Base::Trees(forest)) => {
            let settings = TreeSettings::default();
            tuned.base = Base::Trees(Trees.refit_leaves(forest, target, strength("decay"), &settings, ctx)?);
            EVENTS
        }
        (Rung::Continue, Base::Trees(forest)) => {
            tuned.base = Base::Trees(Trees.grow(&plan.continuation(), target, None, Some(forest), ctx)?);
            EVENTS
        }
        _ => return Ok(tuned),
    };
    set_baseline(&mut tuned, target, Some(&Expected { generalist, events }))?;
    Ok(tuned)
}

/// The base with its margin times `slope`.
fn scaled(base: &Base, slope: f64) -> Result<Base, Error> {
    if slope == 1.0 {
        return Ok(base.clone());
    }
    let line = Affine { intercept: 0.0, slope };
    let mut model = Model::new(base.clone());
    model.line = line;
    Ok(Base::Mean(vec![model]))
}
