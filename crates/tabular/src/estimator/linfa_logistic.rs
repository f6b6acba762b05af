//! linfa's logistic regression.

use specialist_core::{Context, Dataset, Error, Estimand};
use specialist_search::{Params, Space, Value};

use super::glm::RIDGE;
use super::{Estimator, setting};
use crate::baseline::linfa_logistic;
use crate::{Base, Model};

/// linfa's logistic regression.
pub struct LinfaLogistic;

impl Estimator for LinfaLogistic {
    fn name(&self) -> &'static str {
        "linfa-logistic"
    }

    fn about(&self) -> &'static str {
        "linfa's logistic regression; takes no row weights"
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
        Ok(Model::new(Base::Glm(linfa_logistic(rows, setting(params, "alpha", RIDGE))?)))
    }
}
