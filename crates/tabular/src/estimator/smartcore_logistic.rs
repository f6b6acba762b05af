//! smartcore's logistic regression.

use specialist_core::{Context, Dataset, Error, Estimand};
use specialist_search::{Params, Space, Value};

use super::glm::RIDGE;
use super::{Estimator, setting};
use crate::baseline::smartcore_logistic;
use crate::{Base, Model};

/// smartcore's logistic regression.
pub struct SmartcoreLogistic;

impl Estimator for SmartcoreLogistic {
    fn name(&self) -> &'static str {
        "smartcore-logistic"
    }

    fn about(&self) -> &'static str {
        "smartcore's logistic regression; takes no row weights"
    }

    fn predicts(&self, estimand: Estimand) -> bool {
        matches!(estimand, Estimand::Probability | Estimand::Classes(_))
    }

    fn takes_weights(&self) -> bool {
        false
    }

    fn explains(&self) -> bool {
        true
    }

    fn space(&self) -> Space {
        Space::new().log_float("alpha", 0.01, 100.0)
    }

    fn default_params(&self) -> Params {
        self.space().choose(|_| Value::Float(RIDGE))
    }

    fn fit(&self, params: &Params, rows: &Dataset, _: &Context) -> Result<Model, Error> {
        Ok(Model::new(Base::Glm(smartcore_logistic(rows, setting(params, "alpha", RIDGE))?)))
    }
}
