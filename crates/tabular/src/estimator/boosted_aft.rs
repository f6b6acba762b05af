//! Gradient-boosted trees of the logarithm of a time.

use specialist_core::{Context, Dataset, Error, Estimand};
use specialist_search::{Params, Space};

use super::Estimator;
use super::boosted_trees::{BoostedTrees, settings};
use crate::{Base, Model, TreeEngine, TreeSettings, Trees, survival};

/// Gradient-boosted trees that predict the logarithm of a time (accelerated failure time).
pub struct BoostedAft;

impl Estimator for BoostedAft {
    fn name(&self) -> &'static str {
        "boosted-aft"
    }

    fn about(&self) -> &'static str {
        "gradient-boosted trees of the logarithm of a time (accelerated failure time)"
    }

    fn predicts(&self, estimand: Estimand) -> bool {
        matches!(estimand, Estimand::Survival { .. })
    }

    fn explains(&self) -> bool {
        true
    }

    fn space(&self) -> Space {
        BoostedTrees.space()
    }

    fn default_params(&self) -> Params {
        BoostedTrees.default_params()
    }

    fn fit(&self, params: &Params, rows: &Dataset, ctx: &Context) -> Result<Model, Error> {
        let settings = TreeSettings { accelerated: true, ..settings(params) };
        let mut model = Model::new(Base::Trees(Trees.grow(&settings, rows, None, None, ctx)?));
        survival::hazard_of_times(&mut model, rows)?;
        survival::with_baseline(model, rows)
    }
}
