//! The estimators that a recipe can name, and what may be searched about each.

use serde::{Deserialize, Serialize};
use specialist_core::{Context, Dataset, Error, Estimand, Pretrain};
use specialist_search::{Params, Space};
use thiserror::Error as ThisError;

use crate::baseline::{self, ClassificationTree, RandomForest};
use crate::glm::{Prior, Problem, spread};
use crate::{Base, Encoder, Model, TreeEngine, TreeSettings, Trees, survival};

/// A way to fit a model from nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Estimator {
    /// Gradient-boosted trees.
    BoostedTrees,
    /// Gradient-boosted trees that predict the logarithm of a time.
    BoostedAft,
    /// Our ridge-penalised regression: logistic, linear, of quantiles, or Cox's where labels are times.
    Glm,
    /// Cox regression with an elastic net.
    CoxElasticNet,
    /// linfa's logistic regression.
    LinfaLogistic,
    /// linfa's decision tree.
    LinfaTree,
    /// smartcore's logistic regression.
    SmartcoreLogistic,
    /// smartcore's random forest.
    SmartcoreForest,
}

/// No estimator has that name.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
#[error("there is no estimator `{0}`; there are {names}", names = Estimator::ALL.map(Estimator::name).join(", "))]
pub struct UnknownEstimator(pub String);

impl std::str::FromStr for Estimator {
    type Err = UnknownEstimator;

    fn from_str(name: &str) -> Result<Self, UnknownEstimator> {
        serde_json::from_value(name.into()).map_err(|_| UnknownEstimator(name.into()))
    }
}

impl Estimator {
    /// Its name in recipes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BoostedTrees => "boosted-trees",
            Self::BoostedAft => "boosted-aft",
            Self::Glm => "glm",
            Self::CoxElasticNet => "cox-elastic-net",
            Self::LinfaLogistic => "linfa-logistic",
            Self::LinfaTree => "linfa-tree",
            Self::SmartcoreLogistic => "smartcore-logistic",
            Self::SmartcoreForest => "smartcore-forest",
        }
    }

    /// Every estimator.
    pub const ALL: [Self; 8] = [
        Self::BoostedTrees,
        Self::BoostedAft,
        Self::Glm,
        Self::CoxElasticNet,
        Self::LinfaLogistic,
        Self::LinfaTree,
        Self::SmartcoreLogistic,
        Self::SmartcoreForest,
    ];

    /// Whether it can learn to predict `estimand`.
    #[must_use]
    pub fn predicts(self, estimand: Estimand) -> bool {
        match self {
            Self::BoostedTrees | Self::Glm => true,
            Self::BoostedAft | Self::CoxElasticNet => matches!(estimand, Estimand::Survival { .. }),
            // smartcore's forest of classes gives the class and no probability, linfa's tree likewise; of two classes we read
            // the probability from a regression and from the leaves.
            Self::LinfaTree | Self::SmartcoreForest => estimand == Estimand::Probability,
            Self::LinfaLogistic | Self::SmartcoreLogistic => {
                matches!(estimand, Estimand::Probability | Estimand::Classes(_))
            }
        }
    }

    /// Whether it counts rows by their weights; linfa's and smartcore's regressions and smartcore's forest have no such
    /// argument.
    #[must_use]
    pub fn takes_weights(self) -> bool {
        !matches!(self, Self::LinfaLogistic | Self::SmartcoreLogistic | Self::SmartcoreForest)
    }

    /// What may be searched about it.
    #[must_use]
    pub fn space(self) -> Space {
        match self {
            Self::BoostedTrees | Self::BoostedAft => Space::new()
                .log_int("rounds", 20, 400)
                .log_float("learning-rate", 0.02, 0.3)
                .int("max-depth", 1, 6)
                .log_float("min-child-weight", 0.5, 20.0)
                .log_float("lambda", 0.5, 20.0),
            Self::Glm => Space::new().log_float("ridge", 0.1, 1000.0),
            Self::CoxElasticNet => Space::new().log_float("ridge", 0.1, 1000.0).float("l1-ratio", 0.0, 1.0),
            Self::LinfaLogistic | Self::SmartcoreLogistic => Space::new().log_float("alpha", 0.01, 100.0),
            Self::LinfaTree => Space::new().int("max-depth", 2, 10).log_int("min-leaf", 2, 50),
            Self::SmartcoreForest => Space::new().log_int("trees", 50, 200),
        }
    }

    /// The settings to use when nothing was searched.
    #[must_use]
    pub fn defaults(self) -> EstimatorSettings {
        EstimatorSettings {
            estimator: self,
            trees: TreeSettings::default(),
            ridge: 10.0,
            l1_ratio: 0.0,
            max_depth: 6,
            min_leaf: 5.0,
            forest_trees: 100,
        }
    }

    /// The point of [`Estimator::space`] that stands for the default settings.
    #[must_use]
    pub fn default_params(self) -> Params {
        let d = self.defaults();
        self.space().choose(|p| {
            let float = |v: f64| specialist_search::Value::Float(v);
            let int = |v: usize| specialist_search::Value::Int(v as i64);
            match (self, p.name.as_str()) {
                (Self::BoostedTrees | Self::BoostedAft, "rounds") => int(d.trees.rounds),
                (Self::BoostedTrees | Self::BoostedAft, "learning-rate") => float(d.trees.learning_rate),
                (Self::BoostedTrees | Self::BoostedAft, "max-depth") => int(d.trees.max_depth),
                (Self::BoostedTrees | Self::BoostedAft, "min-child-weight") => float(d.trees.min_child_weight),
                (Self::BoostedTrees | Self::BoostedAft, "lambda") => float(d.trees.lambda),
                (_, "ridge" | "alpha") => float(d.ridge),
                (_, "max-depth") => int(d.max_depth),
                (_, "min-leaf") => int(d.min_leaf as usize),
                (_, "trees") => int(d.forest_trees),
                _ => p.domain.value(0.5),
            }
        })
    }

    /// The settings that `params`, drawn from [`Estimator::space`], stand for.
    #[must_use]
    pub fn settings(self, params: &Params) -> EstimatorSettings {
        let or = |name: &str, default: f64| Some(params.float(name)).filter(|v| !v.is_nan()).unwrap_or(default);
        let d = self.defaults();
        EstimatorSettings {
            estimator: self,
            trees: TreeSettings {
                rounds: or("rounds", d.trees.rounds as f64) as usize,
                learning_rate: or("learning-rate", d.trees.learning_rate),
                max_depth: or("max-depth", d.trees.max_depth as f64) as usize,
                min_child_weight: or("min-child-weight", d.trees.min_child_weight),
                lambda: or("lambda", d.trees.lambda),
                ..d.trees
            },
            ridge: or("ridge", or("alpha", d.ridge)),
            l1_ratio: or("l1-ratio", d.l1_ratio),
            max_depth: or("max-depth", d.max_depth as f64) as usize,
            min_leaf: or("min-leaf", d.min_leaf),
            forest_trees: or("trees", d.forest_trees as f64) as usize,
        }
    }
}

/// An estimator with its settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EstimatorSettings {
    /// Which one.
    pub estimator: Estimator,
    /// For boosted trees.
    pub trees: TreeSettings,
    /// Ridge penalty of the linear models.
    pub ridge: f64,
    /// For the elastic net: the share of the penalty that is on absolute coefficients.
    #[serde(default)]
    pub l1_ratio: f64,
    /// Depth of the decision tree.
    pub max_depth: usize,
    /// Smallest leaf of the decision tree.
    pub min_leaf: f64,
    /// Trees of the random forest.
    pub forest_trees: usize,
}

impl Pretrain for EstimatorSettings {
    type Generalist = Model;

    fn pretrain(&self, source: &Dataset, ctx: &Context) -> Result<Model, Error> {
        if source.informative() == 0 {
            return Err(Error::TooFew { what: "rows of the rarer label".into(), found: 0, needed: 1 });
        }
        if !self.estimator.predicts(source.estimand) {
            let fitting = Estimator::ALL.into_iter().filter(|e| e.predicts(source.estimand)).map(Estimator::name);
            let expected =
                format!("one that predicts {}: {}", source.estimand.asked(), fitting.collect::<Vec<_>>().join(", "));
            return Err(Error::Setting { setting: "estimator".into(), expected });
        }
        if matches!(source.estimand, Estimand::Survival { .. }) {
            return survival::pretrain(self, source, ctx);
        }
        Ok(Model::new(match self.estimator {
            Estimator::BoostedTrees | Estimator::BoostedAft => {
                Base::Trees(Trees.grow(&self.trees, source, None, None, ctx)?)
            }
            Estimator::Glm | Estimator::CoxElasticNet => {
                let encoder = Encoder::fit(source);
                let problem = Problem { data: source, encoder: &encoder, offset: None, scale: spread(source) };
                Base::Glm(problem.fit(&Prior::ridge_of(source.estimand, encoder.width(), self.ridge), None, ctx)?)
            }
            Estimator::LinfaLogistic => Base::Glm(baseline::linfa_logistic(source, self.ridge)?),
            Estimator::SmartcoreLogistic => Base::Glm(baseline::smartcore_logistic(source, self.ridge)?),
            Estimator::LinfaTree => {
                Base::ClassificationTree(ClassificationTree::fit(source, self.max_depth, self.min_leaf)?)
            }
            Estimator::SmartcoreForest => Base::RandomForest(RandomForest::fit(source, self.forest_trees, ctx)?),
        }))
    }
}
