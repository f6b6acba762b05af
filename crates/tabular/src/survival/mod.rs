//! Models of right-censored times: Cox regression and boosted trees as relative risks, with a baseline hazard behind
//! them, and the ladder's rungs for both.

mod cox;

pub use cox::{Cox, CoxFit, Penalty};

use ndarray::Array2;
use specialist_core::survival::{Baseline, Steps, Ties, baseline, cox_slope};
use specialist_core::{Affine, Context, Dataset, Error, Estimand, Followed, Predict};

use crate::glm::{Prior, Problem};
use crate::{Base, Encoder, Glm, Model};

/// How long risk is predicted for, where labels are times.
pub(crate) fn horizon(data: &Dataset) -> Option<f64> {
    match data.estimand {
        Estimand::Survival { horizon } => Some(horizon),
        _ => None,
    }
}

pub(crate) fn weights(data: &Dataset) -> Vec<f64> {
    data.base.weights.iter().map(|&w| f64::from(w)).collect()
}

pub(crate) fn labels(data: &Dataset) -> &[Followed] {
    data.labels().times()
}

/// Cox's regression on `rows`, with this much of the penalty `ridge` on absolute coefficients.
pub(crate) fn cox_regression(rows: &Dataset, ridge: f64, l1_ratio: f64, ctx: &Context) -> Result<Model, Error> {
    let encoder = Encoder::fit(rows);
    let prior = Prior::ridge(encoder.width(), ridge * (1.0 - l1_ratio));
    let problem = Problem { data: rows, encoder: &encoder, offset: None, scale: 1.0 };
    with_baseline(Model::new(Base::Glm(relative_risk(&problem, &prior, ridge * l1_ratio, ctx)?)), rows)
}

/// Trees that predict the logarithm of the time: the longer, the smaller the risk. With the noise of an extreme value a log
/// hazard falls linearly with it (Weibull).
pub(crate) fn hazard_of_times(model: &mut Model, rows: &Dataset) -> Result<(), Error> {
    let margin: Vec<f64> = model.relative(rows)?.single().iter().map(|m| -m).collect();
    let slope = cox_slope(&margin, labels(rows), &weights(rows), 1e-3).unwrap_or(1.0);
    model.line = Affine { intercept: 0.0, slope: -slope.max(1e-3) };
    Ok(())
}

/// The relative risk `model` with the baseline hazard of `rows` behind it.
pub(crate) fn with_baseline(mut model: Model, rows: &Dataset) -> Result<Model, Error> {
    set_baseline(&mut model, rows, None)?;
    Ok(model)
}

/// Cox's regression as a linear model without intercept.
pub(crate) fn relative_risk(problem: &Problem<'_>, prior: &Prior, lasso: f64, ctx: &Context) -> Result<Glm, Error> {
    ctx.check()?;
    let Problem { data, encoder, offset, .. } = *problem;
    let mut x = Array2::zeros((data.rows(), encoder.width()));
    encoder.write_rows(data.records().view(), 0, x.view_mut());
    let of_columns = |x: &ndarray::Array1<f64>| x.iter().skip(1).copied().collect();
    let penalty = Penalty { mean: of_columns(&prior.mean), precision: of_columns(&prior.precision), lasso };
    let weight = weights(data);
    let cox = Cox { x: x.view(), label: labels(data), weight: &weight, offset, strata: None, ties: Ties::Efron };
    let fit = cox.fit(&penalty, ctx)?;
    // No intercept: it is the baseline hazard's.
    let coefficients = std::iter::once(0.0).chain(fit.coefficients).collect();
    Ok(Glm { encoder: encoder.clone(), estimand: data.estimand, coefficients })
}

/// What the generalist's baseline is worth where a rung's own setting is no number of events.
pub(crate) const EVENTS: f64 = 10.0;

/// `tuned` with the baseline hazard of `target` behind it, shrunk towards the generalist's as if that came from `events` events.
pub(crate) fn behind(mut tuned: Model, generalist: &Model, target: &Dataset, events: f64) -> Result<Model, Error> {
    set_baseline(&mut tuned, target, Some(&Expected { generalist, events }))?;
    Ok(tuned)
}

/// As [`behind`], where labels are times; otherwise `tuned` as it is.
pub(crate) fn behind_if_times(tuned: Model, generalist: &Model, target: &Dataset) -> Result<Model, Error> {
    if horizon(target).is_none() { Ok(tuned) } else { behind(tuned, generalist, target, EVENTS) }
}

/// What is expected of the baseline hazard before the rows are seen.
pub(crate) struct Expected<'a> {
    /// The generalist, whose hazard it is.
    pub generalist: &'a Model,
    /// How many events that is worth.
    pub events: f64,
}

/// Estimates the baseline hazard behind `model`'s relative risks from `data`, about what is expected.
pub(crate) fn set_baseline(model: &mut Model, data: &Dataset, expected: Option<&Expected<'_>>) -> Result<(), Error> {
    let horizon = horizon(data).ok_or_else(|| Error::Mismatch("labels are no times".into()))?;
    let (label, weight) = (labels(data), weights(data));
    model.line.intercept = 0.0;
    let eta: Vec<f64> = model.relative(data)?.single().iter().map(|m| model.line.apply(*m)).collect();
    let prior = expected.map(|e| Ok::<_, Error>((e.generalist.hazard_behind(data, &eta)?, e.events))).transpose()?;
    let hazard = baseline(&eta, label, &weight, Ties::Efron, prior.as_ref().map(|(steps, n)| (steps, *n)));
    let (shape, level) = Baseline::of(hazard, horizon).ok_or_else(|| Error::TooFew {
        what: "events until the horizon".into(),
        found: 0,
        needed: 1,
    })?;
    model.baseline = Some(shape.discreet(label, data.fewest_rows));
    model.line.intercept = level;
    Ok(())
}

impl Model {
    /// This model's baseline hazard, scaled so that rows with the linear predictor `eta` are expected to have as many
    /// events as this model expects of them.
    fn hazard_behind(&self, data: &Dataset, eta: &[f64]) -> Result<Steps, Error> {
        let shape = self.baseline.as_ref().ok_or_else(|| Error::Mismatch("the generalist has no baseline".into()))?;
        let margin = self.margin(data)?;
        let (mut own, mut other) = (0.0, 0.0);
        for (r, &label) in labels(data).iter().enumerate() {
            let share = f64::from(data.base.weights[r]) * shape.shape.at(label.time);
            own += share * margin[r].exp();
            other += share * eta[r].exp();
        }
        let level = if own > 0.0 && other > 0.0 { (own / other).ln() } else { self.line.intercept };
        Ok(shape.hazard(level))
    }
}
