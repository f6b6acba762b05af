//! Gradient-boosted trees.

use specialist_core::{Context, Dataset, Error, Estimand};
use specialist_search::{Params, Space, Value};

use super::{Estimator, setting};
use crate::{Base, Model, TreeEngine, TreeSettings, Trees, survival};

/// Gradient-boosted trees; of times relative risks by Cox's partial likelihood.
pub struct BoostedTrees;

impl Estimator for BoostedTrees {
    fn name(&self) -> &'static str {
        "boosted-trees"
    }

    fn about(&self) -> &'static str {
        "gradient-boosted trees; of times relative risks (Cox)"
    }

    fn predicts(&self, estimand: Estimand) -> bool {
        estimand != Estimand::Text
    }

    fn explains(&self) -> bool {
        true
    }

    fn space(&self) -> Space {
        Space::new()
            .log_int("rounds", 20, 400)
            .log_float("learning-rate", 0.02, 0.3)
            .int("max-depth", 1, 6)
            .log_float("min-child-weight", 0.5, 20.0)
            .log_float("lambda", 0.5, 20.0)
    }

    fn default_params(&self) -> Params {
        let d = TreeSettings::default();
        let int = |v: usize| Value::Int(v as i64);
        self.space().choose(|p| match p.name.as_str() {
            "rounds" => int(d.rounds),
            "learning-rate" => Value::Float(d.learning_rate),
            "max-depth" => int(d.max_depth),
            "min-child-weight" => Value::Float(d.min_child_weight),
            _ => Value::Float(d.lambda),
        })
    }

    fn fit(&self, params: &Params, rows: &Dataset, ctx: &Context) -> Result<Model, Error> {
        let model = Model::new(Base::Trees(Trees.grow(&settings(params), rows, None, None, ctx)?));
        if matches!(rows.estimand, Estimand::Survival { .. }) {
            return survival::with_baseline(model, rows);
        }
        Ok(model)
    }
}

/// How trees are grown with `params`.
pub(super) fn settings(params: &Params) -> TreeSettings {
    let d = TreeSettings::default();
    TreeSettings {
        rounds: setting(params, "rounds", d.rounds as f64) as usize,
        learning_rate: setting(params, "learning-rate", d.learning_rate),
        max_depth: setting(params, "max-depth", d.max_depth as f64) as usize,
        min_child_weight: setting(params, "min-child-weight", d.min_child_weight),
        lambda: setting(params, "lambda", d.lambda),
        ..d
    }
}
