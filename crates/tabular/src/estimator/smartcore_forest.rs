//! smartcore's random forest.

use specialist_core::{Context, Dataset, Error};
use specialist_search::{Params, Space, Value};

use super::{Estimator, setting};
use crate::baseline::RandomForest;
use crate::{Base, Model};

const TREES: usize = 100;

/// smartcore's random forest.
///
/// Of two classes only: its forest of classes gives no probability, which we read from a forest of numbers.
pub struct SmartcoreForest;

impl Estimator for SmartcoreForest {
    fn name(&self) -> &'static str {
        "smartcore-forest"
    }

    fn about(&self) -> &'static str {
        "smartcore's random forest, of two classes; takes no row weights"
    }

    fn takes_weights(&self) -> bool {
        false
    }

    fn space(&self) -> Space {
        Space::new().log_int("trees", 50, 200)
    }

    fn default_params(&self) -> Params {
        self.space().choose(|_| Value::Int(TREES as i64))
    }

    fn fit(&self, params: &Params, rows: &Dataset, ctx: &Context) -> Result<Model, Error> {
        let trees = setting(params, "trees", TREES as f64) as usize;
        Ok(Model::new(Base::RandomForest(RandomForest::fit(rows, trees, ctx)?)))
    }
}
