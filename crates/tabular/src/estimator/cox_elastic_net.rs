//! Cox regression with an elastic net.

use specialist_core::{Context, Dataset, Error, Estimand};
use specialist_search::{Params, Space, Value};

use super::glm::RIDGE;
use super::{Estimator, setting};
use crate::{Model, survival};

/// Cox regression with an elastic net.
pub struct CoxElasticNet;

impl Estimator for CoxElasticNet {
    fn name(&self) -> &'static str {
        "cox-elastic-net"
    }

    fn about(&self) -> &'static str {
        "Cox regression with a penalty on squared and absolute coefficients"
    }

    fn predicts(&self, estimand: Estimand) -> bool {
        matches!(estimand, Estimand::Survival { .. })
    }

    fn explains(&self) -> bool {
        true
    }

    fn space(&self) -> Space {
        Space::new().log_float("ridge", 0.1, 1000.0).float("l1-ratio", 0.0, 1.0)
    }

    fn default_params(&self) -> Params {
        self.space().choose(|p| if p.name == "ridge" { Value::Float(RIDGE) } else { p.domain.value(0.5) })
    }

    fn fit(&self, params: &Params, rows: &Dataset, ctx: &Context) -> Result<Model, Error> {
        survival::cox_regression(rows, setting(params, "ridge", RIDGE), setting(params, "l1-ratio", 0.0), ctx)
    }
}
