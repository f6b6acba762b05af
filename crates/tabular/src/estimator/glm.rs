//! Our ridge-penalised regression.

use specialist_core::{Context, Dataset, Error, Estimand};
use specialist_search::{Params, Space, Value};

use super::{Estimator, setting};
use crate::glm::{Prior, Problem, spread};
use crate::{Base, Encoder, Model, survival};

/// The penalty where nothing is searched.
pub(super) const RIDGE: f64 = 10.0;

/// Ridge-penalised regression: logistic, multinomial, linear, of quantiles, or Cox's where labels are times.
pub struct Regression;

impl Estimator for Regression {
    fn name(&self) -> &'static str {
        "glm"
    }

    fn about(&self) -> &'static str {
        "ridge-penalised regression: logistic, multinomial, linear, of quantiles; of times Cox's"
    }

    fn predicts(&self, estimand: Estimand) -> bool {
        estimand != Estimand::Text
    }

    fn explains(&self) -> bool {
        true
    }

    fn space(&self) -> Space {
        Space::new().log_float("ridge", 0.1, 1000.0)
    }

    fn default_params(&self) -> Params {
        ridge(RIDGE)
    }

    fn fit(&self, params: &Params, rows: &Dataset, ctx: &Context) -> Result<Model, Error> {
        let ridge = setting(params, "ridge", RIDGE);
        if matches!(rows.estimand, Estimand::Survival { .. }) {
            return survival::cox_regression(rows, ridge, 0.0, ctx);
        }
        let encoder = Encoder::fit(rows);
        let problem = Problem { data: rows, encoder: &encoder, offset: None, scale: spread(rows) };
        Ok(Model::new(Base::Glm(problem.fit(&Prior::ridge_of(rows.estimand, encoder.width(), ridge), None, ctx)?)))
    }

    /// From the firmest penalty to the weakest. Only for losses that are sums over rows: Cox's is not.
    fn path(&self, steps: usize, rows: &Dataset, ctx: &Context) -> Result<Option<Vec<(Params, Model)>>, Error> {
        const FIRMEST: f64 = 1000.0;
        const WEAKEST: f64 = 0.1;
        if matches!(rows.estimand, Estimand::Survival { .. }) {
            return Ok(None);
        }
        let encoder = Encoder::fit(rows);
        let problem = Problem { data: rows, encoder: &encoder, offset: None, scale: spread(rows) };
        let penalty = |i: usize| FIRMEST * (WEAKEST / FIRMEST).powf(i as f64 / (steps.max(2) - 1) as f64);
        let prior = |i: usize| Prior::ridge_of(rows.estimand, encoder.width(), penalty(i));
        let fits = problem.path(&(0..steps).map(prior).collect::<Vec<_>>(), ctx)?;
        let with_settings = |(i, glm)| (ridge(penalty(i)), Model::new(Base::Glm(glm)));
        Ok(Some(fits.into_iter().enumerate().map(with_settings).collect()))
    }
}

fn ridge(penalty: f64) -> Params {
    Params([("ridge".to_string(), Value::Float(penalty))].into())
}
