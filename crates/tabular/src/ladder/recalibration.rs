//! What the recalibrating rungs share: a line through the generalist's margin.

use specialist_core::{Affine, Context, Dataset, Error, Predict, fit_line};

use crate::Model;
use crate::scaling::{self, Freedom};

/// Below this slope the recalibrated ranking would be worth nothing: the slope is kept above it.
pub(crate) const SMALLEST_SLOPE: f64 = 0.05;

/// `generalist` with a line of its margin, shrunk towards what it is with `strength`.
pub(super) fn by_line(generalist: &Model, target: &Dataset, strength: f64, slope_fixed: bool) -> Result<Model, Error> {
    let margin = generalist.margin(target)?;
    let weight: Vec<f64> = target.base.weights.iter().map(|&w| f64::from(w)).collect();
    let label = target.labels().responses();
    let line =
        fit_line(target.estimand, &margin, &label, &weight, strength, slope_fixed).ok_or_else(|| Error::Fit {
            estimator: "recalibration",
            reason: "no line through the generalist's margin fits the target's labels".into(),
        })?;
    let line = Affine { slope: line.slope.max(SMALLEST_SLOPE), ..line };
    Ok(Model { line: line.after(generalist.line), ..generalist.clone() })
}

/// As [`by_line`], of several classes.
pub(super) fn by_class(
    generalist: &Model,
    target: &Dataset,
    strength: f64,
    freedom: Freedom,
    ctx: &Context,
) -> Result<Model, Error> {
    let scaling = scaling::fit(&generalist.margins(target)?, target, strength, freedom, ctx)?;
    let scaling = match &generalist.scaling {
        Some(first) => scaling.after(first),
        None => scaling,
    };
    Ok(Model { scaling: Some(scaling), ..generalist.clone() })
}
