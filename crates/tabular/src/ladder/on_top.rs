//! What `offset` and `extension` share: a ridge model on top of the generalist's margin.

use specialist_core::{Affine, Context, Dataset, Error, Estimand, Feature, Predict};

use crate::glm::{Prior, Problem, spread_about};
use crate::{Base, Encoder, Model, survival};

/// `generalist` with a ridge model of `features` on top of its margin.
pub(super) fn on_top(
    generalist: &Model,
    features: &[Feature],
    ridge: f64,
    target: &Dataset,
    ctx: &Context,
) -> Result<Model, Error> {
    let margins = generalist.margins(target)?;
    let rows = target.aligned(features)?;
    let encoder = Encoder::fit(&rows);
    let mut tuned = generalist.clone();
    if matches!(target.estimand, Estimand::Survival { .. }) {
        let problem = Problem { data: &rows, encoder: &encoder, offset: Some(margins.single()), scale: 1.0 };
        tuned.addition = Some(survival::relative_risk(&problem, &Prior::ridge(encoder.width(), ridge), 0.0, ctx)?);
        // The addition stands on the generalist's own line; only trees of times have one here.
        tuned.base = scaled(&generalist.base, generalist.line.slope);
        tuned.line = Affine::IDENTITY;
        return survival::behind(tuned, generalist, target, survival::EVENTS);
    }
    let scale = spread_about(&rows, margins.values());
    let problem = Problem { data: &rows, encoder: &encoder, offset: Some(margins.values()), scale };
    let mut prior = Prior::ridge_of(target.estimand, encoder.width(), ridge);
    // The intercepts are shrunk too: an unshrunk one costs more than it brings on few rows.
    prior.precision.iter_mut().step_by(encoder.width() + 1).for_each(|p| *p = ridge / 10.0);
    tuned.addition = Some(problem.fit(&prior, None, ctx)?);
    Ok(tuned)
}

/// The base with its margin times `slope`.
fn scaled(base: &Base, slope: f64) -> Base {
    if slope == 1.0 {
        return base.clone();
    }
    let line = Affine { intercept: 0.0, slope };
    Base::Mean(vec![Model { line, ..Model::new(base.clone()) }])
}
