//! Gradient-boosted trees behind a trait of our own, so that the engine can be replaced. Today's
//! engine is hessboost; forests travel as XGBoost JSON, which Python xgboost opens.

use crate::Contributions;
use crate::document::{
    listed_base_score, numbers, on_leaves, plain_base_score, scale_classes, split_as_categories, trees, trees_mut,
    with_listed_base_score,
};
use crate::exchange::doubles::Doubles;
use crate::exchange::xgboost::CATEGORY_LEVELS;
use crate::thresholds::part_between_rows;
use hessboost::config::{Monotone, ProcessType, Refresh, TrainingParams};
use hessboost::data::{DMatrix, FeatureType};
use hessboost::model::{BoostedModel, Iterations, ModelFormat};
use hessboost::objective::{Aft, AftDistribution, Multiclass, Objective, Quantiles, RegLoss};
use hessboost::training::Trainer;
use ndarray::{ArrayView2, Axis};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use specialist_core::discretion::quantile_of;
use specialist_core::{
    Affine, Context, Dataset, Error, Estimand, Feature, FeatureKind, Followed, Labels, Outputs, Predict, Scaling,
};

/// Rows scored at a time.
const BLOCK: usize = 4096;

/// How trees are grown; the names are XGBoost's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TreeSettings {
    /// Boosting rounds, one tree each.
    pub rounds: usize,
    /// Shrinkage of every tree.
    pub learning_rate: f64,
    /// Deepest level of a tree.
    pub max_depth: usize,
    /// Smallest sum of the loss's curvature in a leaf.
    pub min_child_weight: f64,
    /// L2 penalty on leaf values.
    pub lambda: f64,
    /// Share of the rows each tree sees.
    pub subsample: f64,
    /// Share of the features each tree sees.
    pub colsample_bytree: f64,
    /// For times: predict the logarithm of the time (accelerated failure, extreme-value noise) and not a log hazard.
    #[serde(default)]
    pub accelerated: bool,
}

impl Default for TreeSettings {
    fn default() -> Self {
        Self {
            rounds: 200,
            learning_rate: 0.1,
            max_depth: 4,
            min_child_weight: 1.0,
            lambda: 1.0,
            subsample: 1.0,
            colsample_bytree: 1.0,
            accelerated: false,
        }
    }
}

/// What the ladder needs of a tree engine.
pub trait TreeEngine: Send + Sync {
    /// Grows a forest on `data` (labels as its estimand says, row weights), on top of `offset` (a margin per row)
    /// if given, or behind the trees of `start`.
    ///
    /// # Errors
    /// [`Error::Fit`] with the engine's reason.
    fn grow(
        &self,
        settings: &TreeSettings,
        data: &Dataset,
        offset: Option<&[f64]>,
        start: Option<&Forest>,
        ctx: &Context,
    ) -> Result<Forest, Error>;

    /// The same trees with every leaf value estimated anew on `data`; leaves that no row reaches
    /// keep theirs. The result is `decay` of the old value and `1 − decay` of the new one.
    ///
    /// # Errors
    /// [`Error::Fit`] with the engine's reason.
    fn refit_leaves(
        &self,
        forest: &Forest,
        data: &Dataset,
        decay: f64,
        settings: &TreeSettings,
        ctx: &Context,
    ) -> Result<Forest, Error>;
}

/// The engine in use.
pub struct Trees;

/// A fitted forest with the features it reads.
#[derive(Debug, Clone)]
pub struct Forest {
    /// In the order of the trees' feature numbers.
    pub features: Vec<Feature>,
    model: BoostedModel,
    /// The double-precision thresholds of a model that has them; see [`crate::exchange::doubles`].
    doubles: Doubles,
}

pub(crate) fn failed(e: impl std::fmt::Display) -> Error {
    Error::Fit { estimator: "boosted-trees", reason: e.to_string() }
}

/// A block of rows in single precision; where thresholds are doubles, on the same side of each of them.
pub(crate) fn narrow(records: ArrayView2<'_, f64>, doubles: &Doubles, out: &mut Vec<f32>) {
    if doubles.is_empty() {
        out.extend(records.iter().map(|&x| x as f32));
        return;
    }
    for row in records.rows() {
        out.extend(row.iter().zip(doubles).map(|(x, d)| d.narrow(*x)));
    }
}

/// Rows × features as the engine wants them.
fn matrix(data: &Dataset, features: &[Feature], doubles: &Doubles) -> Result<DMatrix, Error> {
    let aligned = data.aligned(features)?;
    let mut values: Vec<f32> = Vec::with_capacity(aligned.records().len());
    narrow(aligned.records().view(), doubles, &mut values);
    let types: Vec<FeatureType> = features.iter().map(feature_type).collect();
    DMatrix::from_dense_vec(values, data.rows(), features.len())
        .and_then(|m| m.with_feature_types(&types))
        .map_err(failed)
}

/// Two levels need no sets of categories: their codes split like a number.
fn feature_type(f: &Feature) -> FeatureType {
    match &f.kind {
        FeatureKind::Category { levels } if levels.len() > 2 => FeatureType::Categorical,
        _ => FeatureType::Numerical,
    }
}

fn labelled(data: &Dataset, features: &[Feature], doubles: &Doubles, accelerated: bool) -> Result<DMatrix, Error> {
    if accelerated {
        let times = data.labels().times();
        let seen: Vec<f32> = times.iter().map(|l| l.time as f32).collect();
        let end = |l: &Followed| if l.had_event() { l.time as f32 } else { f32::INFINITY };
        let end: Vec<f32> = times.iter().map(end).collect();
        let weights = data.base.weights.as_slice().expect("weights are contiguous");
        let matrix = matrix(data, features, doubles)?.with_label_bounds(&seen, &end);
        return matrix.and_then(|m| m.with_weights(weights)).map_err(failed);
    }
    // XGBoost's way of saying that a time is censored.
    let signed = |l: &Followed| if l.had_event() { l.time as f32 } else { -l.time as f32 };
    let labels: Vec<f32> = match data.labels() {
        Labels::Times { followed, .. } => followed.iter().map(signed).collect(),
        Labels::Classes { codes, levels } if levels.len() > 2 => codes.iter().map(|&c| c as f32).collect(),
        labels => labels.responses().into_iter().map(|y| y as f32).collect(),
    };
    let weights = data.base.weights.as_slice().expect("weights are contiguous");
    matrix(data, features, doubles)?.with_labels(&labels).and_then(|m| m.with_weights(weights)).map_err(failed)
}

impl TreeEngine for Trees {
    fn grow(
        &self,
        settings: &TreeSettings,
        data: &Dataset,
        offset: Option<&[f64]>,
        start: Option<&Forest>,
        ctx: &Context,
    ) -> Result<Forest, Error> {
        ctx.check()?;
        let features = start.map_or(&data.features, |f| &f.features);
        let accelerated = start.map_or(settings.accelerated, Forest::accelerated);
        let doubles = start.map_or_else(Doubles::new, |f| f.doubles.clone());
        let mut train = labelled(data, features, &doubles, accelerated)?;
        if let Some(offset) = offset {
            let margin: Vec<f32> = offset.iter().map(|&m| m as f32).collect();
            train = train.with_base_margin(&margin).map_err(failed)?;
        }
        let mut params = params(settings, objective(data.estimand, accelerated)?, ctx)?;
        params.monotone_constraints = features
            .iter()
            .map(|f| match f.monotone.signum() {
                1 => Monotone::Increasing,
                -1 => Monotone::Decreasing,
                _ => Monotone::None,
            })
            .collect();
        if start.is_none() {
            // In the precision of the model file: a model that is read back scores the same to the bit.
            params.base_score = Some(f64::from(typical(data, accelerated) as f32));
        }
        let mut trainer = Trainer::new(&params, &train, settings.rounds);
        if let Some(start) = start {
            trainer = trainer.init_model(&start.model);
        }
        let model = trainer.train().map_err(failed)?.model;
        let model = if data.fewest_rows > 0 {
            let mut document = document(&model)?;
            let old = start.map_or(0, Forest::trees);
            part_between_rows(&mut document, old, data.aligned(features)?.records().view(), &doubles)?;
            from_document(&document)?
        } else if start.is_none() {
            from_document(&document(&model)?)?
        } else {
            model
        };
        Ok(Forest { features: features.clone(), model, doubles })
    }

    fn refit_leaves(
        &self,
        forest: &Forest,
        data: &Dataset,
        decay: f64,
        settings: &TreeSettings,
        ctx: &Context,
    ) -> Result<Forest, Error> {
        ctx.check()?;
        let train = labelled(data, &forest.features, &forest.doubles, forest.accelerated())?;
        let settings = TreeSettings { subsample: 1.0, colsample_bytree: 1.0, ..settings.clone() };
        let mut params = params(&settings, objective(data.estimand, forest.accelerated())?, ctx)?;
        params.process_type = ProcessType::Update(Refresh::default());
        let rounds = forest.model.num_boost_rounds();
        let trainer = Trainer::new(&params, &train, rounds).init_model(&forest.model);
        let refreshed = trainer.train().map_err(failed)?.model;
        let mut blended = document(&forest.model)?;
        let renewed = document(&refreshed)?;
        for (old, new) in trees_mut(&mut blended)?.iter_mut().zip(trees(&renewed)?) {
            let reached: Vec<bool> = numbers(new, "sum_hessian")?.iter().map(|&h| h > 0.0).collect();
            let values = numbers(new, "split_conditions")?;
            on_leaves(
                old,
                |leaf, value| {
                    if reached[leaf] { decay * value + (1.0 - decay) * values[leaf] } else { value }
                },
            )?;
        }
        Ok(Forest {
            features: forest.features.clone(),
            model: from_document(&blended)?,
            doubles: forest.doubles.clone(),
        })
    }
}

/// What a constant would predict: where boosting begins.
fn typical(data: &Dataset, accelerated: bool) -> f64 {
    let mean = |of: Vec<f64>| {
        let weights = data.base.weights.iter().map(|&w| f64::from(w));
        let (sum, total) = of.into_iter().zip(weights).fold((0.0, 0.0), |(s, t), (y, w)| (s + w * y, t + w));
        sum / total
    };
    match data.estimand {
        Estimand::Survival { .. } if accelerated => {
            mean(data.labels().times().iter().map(|l| l.time.ln()).collect()).exp()
        }
        // Only differences of the classes' margins count: the trees learn the classes' shares in their first round.
        Estimand::Classes(_) | Estimand::Text => 0.5,
        // A hazard ratio of 1.
        Estimand::Survival { .. } => 1.0,
        Estimand::Probability => mean(data.labels().responses()).clamp(1e-6, 1.0 - 1e-6),
        Estimand::Mean => mean(data.labels().responses()),
        Estimand::Quantile(q) => {
            let labels = data.labels().numbers();
            let alike = data.base.weights.iter().all(|w| *w == data.base.weights[0]);
            if alike {
                return quantile_of(labels, q, data.fewest_rows);
            }
            // The label at which the weights reach the level.
            let mut order: Vec<usize> = (0..labels.len()).collect();
            order.sort_by(|&a, &b| labels[a].total_cmp(&labels[b]));
            let mut left = q * data.base.weights.iter().map(|&w| f64::from(w)).sum::<f64>();
            let reached = order.iter().find(|&&r| {
                left -= f64::from(data.base.weights[r]);
                left <= 0.0
            });
            reached.map_or(0.0, |&r| labels[r])
        }
    }
}

fn objective(estimand: Estimand, accelerated: bool) -> Result<Objective, Error> {
    Ok(match estimand {
        Estimand::Survival { .. } if accelerated => Objective::Aft(Aft::with_distribution(AftDistribution::Extreme)),
        Estimand::Survival { .. } => Objective::Cox,
        Estimand::Classes(classes) => Objective::Softprob(Multiclass::new(classes).map_err(failed)?),
        Estimand::Probability => Objective::BinaryLogistic(RegLoss::default()),
        Estimand::Mean => Objective::SquaredError(RegLoss::default()),
        Estimand::Quantile(q) => Objective::Quantile(Quantiles::new([q]).map_err(failed)?),
        Estimand::Text => return Err(Error::Mismatch("trees do not write".into())),
    })
}

fn params(s: &TreeSettings, objective: Objective, ctx: &Context) -> Result<TrainingParams, Error> {
    TrainingParams::builder()
        .objective(objective)
        .nthread(ctx.threads())
        .seed(ctx.seed())
        .eta(s.learning_rate)
        .max_depth(s.max_depth.max(1))
        .min_child_weight(s.min_child_weight)
        .lambda(s.lambda)
        .subsample(s.subsample)
        .colsample_bytree(s.colsample_bytree)
        .build()
        .map_err(failed)
}

impl Forest {
    /// Whether values are shifted before they are compared, which no other program knows of.
    #[must_use]
    pub fn is_shifted(&self) -> bool {
        self.doubles.iter().any(|d| d.offset != 0.0)
    }

    /// Whether thresholds are doubles: a program that compares in single precision may take the other side where a
    /// value lies within rounding of one.
    #[must_use]
    pub fn has_doubles(&self) -> bool {
        self.doubles.iter().any(|d| d.at.iter().any(|t| f64::from(*t as f32) != *t))
    }

    /// What its margins stand for.
    #[must_use]
    pub fn estimand(&self) -> Estimand {
        match self.model.objective().built_in() {
            Some(Objective::SquaredError(_)) => Estimand::Mean,
            Some(Objective::Softprob(classes)) => Estimand::Classes(classes.num_class()),
            Some(Objective::Quantile(levels)) => Estimand::Quantile(levels.alpha()[0]),
            // Until when is the model's to say: trees know relative risks only.
            Some(Objective::Cox | Objective::Aft(_)) => Estimand::Survival { horizon: f64::INFINITY },
            _ => Estimand::Probability,
        }
    }

    /// Whether its margins are logarithms of times.
    #[must_use]
    pub fn accelerated(&self) -> bool {
        matches!(self.model.objective().built_in(), Some(Objective::Aft(_)))
    }

    /// How many trees there are.
    #[must_use]
    pub fn trees(&self) -> usize {
        self.model.num_trees()
    }

    /// XGBoost's JSON model with `line` folded into leaves and base score, so that its raw margin is
    /// `line` of this forest's.
    ///
    /// # Errors
    /// [`Error::Fit`] when the engine cannot express the model.
    pub fn to_xgboost(&self, line: Affine) -> Result<Value, Error> {
        self.recalibrated(line, None)
    }

    /// As [`Forest::to_xgboost`], of several classes with `scaling` folded in.
    pub(crate) fn recalibrated(&self, line: Affine, scaling: Option<&Scaling>) -> Result<Value, Error> {
        let mut doc = document(&self.model)?;
        if let Some(scaling) = scaling {
            scale_classes(&mut doc, scaling)?;
        }
        if line != Affine::IDENTITY {
            for tree in trees_mut(&mut doc)? {
                on_leaves(tree, |_, value| value * line.slope)?;
            }
            let base = &mut doc["learner"]["learner_model_param"]["base_score"];
            let old: f64 = base.as_str().unwrap_or("0.5").trim_matches(['[', ']']).parse().map_err(failed)?;
            let new = match self.estimand() {
                // XGBoost's hazard ratios and times are exponentials of margins.
                Estimand::Survival { .. } => line.apply(old.ln()).exp(),
                estimand => estimand.response(line.apply(estimand.margin(old))),
            };
            // In the digits of a single: XGBoost 1.7 and 2.0 misread longer ones without a word.
            *base = Value::String(format!("{:E}", new as f32));
        }
        plain_base_score(&mut doc);
        let names = self.features.iter().map(|f| Value::String(f.name.clone())).collect();
        doc["learner"]["feature_names"] = Value::Array(names);
        let split = split_as_categories(&doc, self.features.len());
        let kind = |(f, split): (&Feature, &bool)| {
            Value::from(if *split || feature_type(f) == FeatureType::Categorical { "c" } else { "float" })
        };
        let levels: serde_json::Map<String, Value> = self
            .features
            .iter()
            .filter_map(|f| match &f.kind {
                FeatureKind::Category { levels } => Some((f.name.clone(), levels.clone().into())),
                FeatureKind::Number => None,
            })
            .collect();
        // XGBoost knows codes only: what they stand for travels as an attribute, which it keeps.
        doc["learner"]["attributes"][CATEGORY_LEVELS] = Value::String(Value::Object(levels).to_string());
        doc["learner"]["feature_types"] = self.features.iter().zip(&split).map(kind).collect();
        if !self.doubles.is_empty() {
            let text = serde_json::to_string(&self.doubles).map_err(failed)?;
            doc["learner"]["attributes"][DOUBLES] = Value::String(text);
        }
        Ok(doc)
    }

    /// A forest from [`Forest::to_xgboost`]'s JSON.
    ///
    /// # Errors
    /// [`Error::Mismatch`] when it is not one.
    pub fn from_xgboost(doc: &Value, features: Vec<Feature>) -> Result<Self, Error> {
        let doubles = match doc["learner"]["attributes"].get(DOUBLES).and_then(Value::as_str) {
            Some(text) => serde_json::from_str(text).map_err(|e| Error::Mismatch(e.to_string()))?,
            None => Doubles::new(),
        };
        Self::from_xgboost_with(doc, features, doubles)
    }

    /// As [`Forest::from_xgboost`], of its text: most of what opening a model costs is reading its trees, and they need be
    /// read once only.
    pub(crate) fn from_text(text: &str, features: Vec<Feature>) -> Result<Self, Error> {
        let plain = with_listed_base_score(text).filter(|_| !text.contains(DOUBLES));
        let Some(text) = plain else {
            let document: Value = serde_json::from_str(text).map_err(|e| Error::Mismatch(e.to_string()))?;
            return Self::from_xgboost(&document, features);
        };
        let model = BoostedModel::decode(text.as_bytes(), ModelFormat::XgboostJson);
        Self::of_model(model.map_err(|e| Error::Mismatch(e.to_string()))?, features, Doubles::new())
    }

    /// As [`Forest::from_xgboost`], with thresholds in double precision, one list a feature, or none.
    pub(crate) fn from_xgboost_with(doc: &Value, features: Vec<Feature>, doubles: Doubles) -> Result<Self, Error> {
        let mut doc = doc.clone();
        listed_base_score(&mut doc);
        Self::of_model(from_document(&doc)?, features, doubles)
    }

    /// The engine's own form of the trees, which is read twenty times as fast as XGBoost's; none where it does not hold all there is.
    pub(crate) fn to_binary(&self) -> Result<Option<Vec<u8>>, Error> {
        if self.doubles.is_empty() {
            self.model.encode(ModelFormat::Binary).map(Some).map_err(failed)
        } else {
            Ok(None)
        }
    }

    /// Reads [`Forest::to_binary`] back.
    pub(crate) fn from_binary(bytes: &[u8], features: Vec<Feature>) -> Result<Self, Error> {
        let model = BoostedModel::decode(bytes, ModelFormat::Binary).map_err(|e| Error::Mismatch(e.to_string()))?;
        Self::of_model(model, features, Doubles::new())
    }

    fn of_model(model: BoostedModel, features: Vec<Feature>, doubles: Doubles) -> Result<Self, Error> {
        if !doubles.is_empty() && doubles.len() != features.len() {
            return Err(Error::Mismatch("thresholds of other features than are declared".into()));
        }
        if model.n_features() != features.len() {
            return Err(Error::Mismatch(format!(
                "{} features declared, the trees read {}",
                features.len(),
                model.n_features()
            )));
        }
        Ok(Self { features, model, doubles })
    }

    /// SHAP values (exact for trees; Lundberg 2020) of every margin.
    ///
    /// # Errors
    /// When the features do not fit.
    pub(crate) fn contributions(&self, data: &Dataset) -> Result<Contributions, Error> {
        let out = self
            .model
            .predict_contribs(&matrix(data, &self.features, &self.doubles)?, Iterations::Best)
            .map_err(failed)?;
        let outputs = self.estimand().width();
        let mut values = Vec::with_capacity(data.rows() * outputs * (self.features.len() + 1));
        for (r, k) in (0..data.rows()).flat_map(|r| (0..outputs).map(move |k| (r, k))) {
            values.extend(out.get(r, k).expect("an output a class").iter().map(|&v| f64::from(v)));
        }
        Ok(Contributions::new(outputs, self.features.len() + 1, values))
    }

    /// Margins of rows that already have the forest's features in its order, class by class where there are several.
    fn margins_of(&self, records: ArrayView2<'_, f64>) -> Result<Vec<f64>, Error> {
        let mut out = Vec::with_capacity(records.nrows());
        let mut buffer: Vec<f32> = Vec::with_capacity(BLOCK.min(records.nrows()) * records.ncols());
        for block in records.axis_chunks_iter(Axis(0), BLOCK) {
            buffer.clear();
            narrow(block, &self.doubles, &mut buffer);
            let margin = self.model.predict_margin_rows(&buffer, Iterations::Best).map_err(failed)?;
            out.extend(margin.as_slice().iter().map(|&m| f64::from(m)));
        }
        Ok(out)
    }
}

impl Predict for Forest {
    fn estimand(&self) -> Estimand {
        Self::estimand(self)
    }

    fn margins(&self, data: &Dataset) -> Result<Outputs, Error> {
        let margins = self.margins_of(data.aligned(&self.features)?.records().view())?;
        Outputs::new(self.estimand().width(), margins)
    }
}

fn document(model: &BoostedModel) -> Result<Value, Error> {
    let bytes = model.encode(ModelFormat::XgboostJson).map_err(failed)?;
    serde_json::from_slice(&bytes).map_err(failed)
}

fn from_document(doc: &Value) -> Result<BoostedModel, Error> {
    let bytes = serde_json::to_vec(doc).map_err(failed)?;
    BoostedModel::decode(&bytes, ModelFormat::XgboostJson).map_err(|e| Error::Mismatch(e.to_string()))
}

/// Where the doubles stand among the attributes of the document, which XGBoost keeps.
const DOUBLES: &str = "double_thresholds";

/// The document of a LightGBM text of version 4.
pub(crate) fn decode_lightgbm(text: &str) -> Result<Value, Error> {
    let model =
        BoostedModel::decode(text.as_bytes(), ModelFormat::LightgbmText).map_err(|e| Error::Mismatch(e.to_string()))?;
    document(&model)
}

/// The feature whose name is closest to `name`, if any is close.
pub(crate) fn nearest(name: &str, features: &[Feature]) -> Option<String> {
    let close = |f: &&Feature| strsim::jaro_winkler(name, &f.name) > 0.75;
    let best = |f: &&Feature| (strsim::jaro_winkler(name, &f.name) * 1e6) as u64;
    features.iter().filter(close).max_by_key(best).map(|f| f.name.clone())
}
