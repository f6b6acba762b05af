//! The estimators that a recipe can name: a file each, and [`ESTIMATORS`].

mod boosted_aft;
mod boosted_trees;
mod cox_elastic_net;
mod glm;
mod linfa_logistic;
mod linfa_tree;
mod smartcore_forest;
mod smartcore_logistic;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use specialist_core::{Context, Dataset, Error, Estimand, Pretrain, Registry};
use specialist_search::{Params, Space};

use crate::Model;
use crate::own::OwnModel;

pub use boosted_aft::BoostedAft;
pub use boosted_trees::BoostedTrees;
pub use cox_elastic_net::CoxElasticNet;
pub use glm::Regression;
pub use linfa_logistic::LinfaLogistic;
pub use linfa_tree::LinfaTree;
pub use smartcore_forest::SmartcoreForest;
pub use smartcore_logistic::SmartcoreLogistic;

/// Every estimator that a recipe can name, the default first.
pub static ESTIMATORS: Registry<dyn Estimator> = Registry::new(
    &[
        &BoostedTrees,
        &BoostedAft,
        &Regression,
        &CoxElasticNet,
        &LinfaLogistic,
        &LinfaTree,
        &SmartcoreLogistic,
        &SmartcoreForest,
    ],
    |e| e.name(),
);

/// A way to fit a model from nothing: on the source it makes a generalist, on the target the `scratch` candidate.
///
/// What it cannot do is declared and not ignored: a recipe that asks for it is refused before work starts.
pub trait Estimator: Send + Sync {
    /// Its name in recipes.
    fn name(&self) -> &'static str;

    /// What it is, in a line.
    fn about(&self) -> &'static str;

    /// Whether it can learn to predict `estimand`; probabilities alone unless it says otherwise.
    fn predicts(&self, estimand: Estimand) -> bool {
        estimand == Estimand::Probability
    }

    /// Whether a recipe can name it; not where it only reads back what a rung has made.
    fn is_for_recipes(&self) -> bool {
        true
    }

    /// Whether a fit takes minutes where others take moments: it is then tried `tune.costly_trials` times at most, and drawn once a
    /// budget on the label curve.
    fn is_costly(&self) -> bool {
        false
    }

    /// Whether it learns from the rows it is given; not where it is a model as it was trained elsewhere, which no settings change
    /// and no rows can be pooled with.
    fn learns(&self) -> bool {
        true
    }

    /// Whether it counts rows by their weights.
    fn takes_weights(&self) -> bool {
        true
    }

    /// Whether its models say what each feature does for a row ([`Model::contributions`]).
    fn explains(&self) -> bool {
        false
    }

    /// What may be searched about it.
    fn space(&self) -> Space;

    /// The point of [`Estimator::space`] to begin with, and to use where nothing is searched; the middle unless it says
    /// otherwise.
    fn default_params(&self) -> Params {
        self.space().choose(|p| p.domain.value(0.5))
    }

    /// Fits on `rows`, whose estimand it predicts and whose labels are not all alike, with settings of [`Estimator::space`];
    /// one that is left out has its default.
    ///
    /// # Errors
    /// When the rows are too few, the fit does not converge, or the run is cancelled.
    fn fit(&self, params: &Params, rows: &Dataset, ctx: &Context) -> Result<Model, Error>;

    /// Models of `steps` settings along a path on which each fit starts from the one before, for an estimator that has such
    /// a path for the estimand of `rows`: quicker than a search.
    ///
    /// # Errors
    /// As [`Estimator::fit`].
    fn path(&self, _steps: usize, _rows: &Dataset, _ctx: &Context) -> Result<Option<Vec<(Params, Model)>>, Error> {
        Ok(None)
    }

    /// Reads a model of its own kind ([`OwnModel::document`]) back.
    ///
    /// # Errors
    /// A sentence on what is wrong with the document.
    fn read(&self, _document: &Value) -> Result<Arc<dyn OwnModel>, String> {
        Err(format!("the estimator {} makes no models of its own kind", self.name()))
    }
}

impl dyn Estimator {
    /// With the settings to use when nothing was searched.
    #[must_use]
    pub fn defaults(&'static self) -> EstimatorSettings {
        self.settings(&self.default_params())
    }

    /// With the settings `params`, drawn from [`Estimator::space`].
    #[must_use]
    pub fn settings(&'static self, params: &Params) -> EstimatorSettings {
        EstimatorSettings { estimator: self, params: params.clone() }
    }

    /// Those that a recipe can name.
    #[must_use]
    pub fn for_recipes() -> Vec<&'static Self> {
        ESTIMATORS.all().into_iter().filter(|e| e.is_for_recipes()).collect()
    }

    /// The names of those that predict `estimand`.
    #[must_use]
    pub fn names_for(estimand: Estimand) -> Vec<&'static str> {
        ESTIMATORS.all().into_iter().filter(|e| e.predicts(estimand)).map(Self::name).collect()
    }
}

impl fmt::Debug for dyn Estimator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An estimator with its settings.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EstimatorSettings {
    /// Which one.
    #[serde(serialize_with = "write_name", deserialize_with = "read_name")]
    pub estimator: &'static dyn Estimator,
    /// Its settings.
    pub params: Params,
}

impl PartialEq for EstimatorSettings {
    fn eq(&self, other: &Self) -> bool {
        self.estimator.name() == other.estimator.name() && self.params == other.params
    }
}

pub(crate) fn write_name<S: serde::Serializer>(estimator: &&'static dyn Estimator, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(estimator.name())
}

pub(crate) fn read_name<'de, D: Deserializer<'de>>(d: D) -> Result<&'static dyn Estimator, D::Error> {
    let name = String::deserialize(d)?;
    let unknown = || {
        let known = ESTIMATORS.names().join(", ");
        serde::de::Error::custom(format!("there is no estimator `{name}`; this program knows {known}"))
    };
    ESTIMATORS.named(&name).ok_or_else(unknown)
}

impl Pretrain for EstimatorSettings {
    type Generalist = Model;

    fn pretrain(&self, source: &Dataset, ctx: &Context) -> Result<Model, Error> {
        if source.informative() == 0 {
            return Err(Error::TooFew { what: "rows of the rarer label".into(), found: 0, needed: 1 });
        }
        if !self.estimator.predicts(source.estimand) {
            let fitting = <dyn Estimator>::names_for(source.estimand).join(", ");
            let expected = format!("one that predicts {}: {fitting}", source.estimand.asked());
            return Err(Error::Setting { setting: "estimator".into(), expected });
        }
        self.estimator.fit(&self.params, source, ctx)
    }
}

/// A setting, or its default where it is left out.
pub(crate) fn setting(params: &Params, name: &str, default: f64) -> f64 {
    Some(params.float(name)).filter(|v| !v.is_nan()).unwrap_or(default)
}
