//! One shape for every candidate: a base model, perhaps an addition on top, perhaps a recalibration.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use specialist_core::survival::Baseline;
use specialist_core::{Affine, Dataset, Error, Estimand, Feature, Outputs, Predict, Recalibrate, Scaling};
use thiserror::Error as ThisError;

use crate::baseline::{ClassificationTree, RandomForest};
use crate::estimator::Estimator;
use crate::forest_file::documents_alone;
use crate::glm::check_estimand;
use crate::own::{Own, OwnModel};
use crate::{Contributions, Forest, Glm};

/// The model underneath.
#[allow(clippy::large_enum_variant, reason = "there is one a candidate; what is large is on the heap anyway")]
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "model", content = "value", rename_all = "kebab-case")]
pub enum Base {
    /// A generalised linear model.
    Glm(Glm),
    /// Boosted trees.
    Trees(Forest),
    /// smartcore's random forest.
    RandomForest(RandomForest),
    /// linfa's decision tree.
    ClassificationTree(ClassificationTree),
    /// The mean of several candidates' margins: an ensemble over tunings. Never empty.
    Mean(Vec<Model>),
    /// A model of a kind that this crate does not know.
    Own(Own),
}

/// A candidate: its margin is `line(base + addition)`, of several classes `scaling(base + addition)`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Model {
    /// The model underneath.
    pub base: Base,
    /// A linear model on top of the base's margin: the `offset` rung.
    pub addition: Option<Glm>,
    /// The recalibration: the `intercept` and `slope` rungs.
    pub line: Affine,
    /// The recalibration of several classes, whose line is the identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scaling: Option<Scaling>,
    /// For times: how risk comes about until the horizon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline>,
}

/// A model file that cannot be used.
#[derive(Debug, ThisError)]
pub enum ModelError {
    /// Not JSON, cut short, or not a model.
    #[error("not a model that can be read: {0}")]
    Format(String),
    /// A model that holds what cannot be used here.
    #[error("{what}")]
    Unsupported {
        /// What it is.
        what: String,
        /// What to do.
        hint: String,
    },
}

impl Model {
    /// A model without addition or recalibration.
    #[must_use]
    pub fn new(base: Base) -> Self {
        Self { base, addition: None, line: Affine::IDENTITY, scaling: None, baseline: None }
    }

    /// A model of its own kind, which `made_by` reads back.
    pub fn own(made_by: &'static dyn Estimator, model: impl OwnModel + 'static) -> Self {
        Self::new(Base::Own(Own { made_by, model: Arc::new(model) }))
    }

    /// The line without a baseline's level, which is estimated anew with every fit.
    fn scale(&self) -> Affine {
        match self.baseline {
            Some(_) => Affine { intercept: 0.0, slope: self.line.slope },
            None => self.line,
        }
    }

    /// Whether the base is all there is, but for a baseline's level.
    fn is_plain(&self) -> bool {
        self.addition.is_none() && self.scale() == Affine::IDENTITY && self.scaling.is_none()
    }

    /// Whether it reads numbers and categories, so that a linear model of its features can stand on top of it.
    #[must_use]
    pub fn is_of_numbers(&self) -> bool {
        match &self.base {
            Base::Own(own) => own.model.is_of_numbers(),
            Base::Mean(models) => models.iter().all(Self::is_of_numbers),
            _ => true,
        }
    }

    /// Whether [`Model::folded`] leaves a linear model or a forest what it is. Trees of logarithms of times need their line:
    /// it is what makes a hazard of them.
    #[must_use]
    pub fn folds(&self) -> bool {
        match &self.base {
            _ if self.is_plain() => true,
            Base::Glm(_) => self.addition.is_none(),
            Base::Trees(forest) => {
                self.addition.is_none() && (forest.accelerated() || !forest.has_doubles() && !forest.is_shifted())
            }
            _ => false,
        }
    }

    /// The same model as a base alone: its line is in the coefficients or in the leaves, or the whole of it is the base.
    ///
    /// # Errors
    /// When the tree engine cannot express its model.
    pub(crate) fn folded(&self) -> Result<Self, Error> {
        let line = self.scale();
        let level = match self.baseline {
            Some(_) => Affine { intercept: self.line.intercept, slope: 1.0 },
            None => Affine::IDENTITY,
        };
        let base = match &self.base {
            _ if self.is_plain() => return Ok(self.clone()),
            Base::Trees(forest) if self.addition.is_none() && forest.accelerated() => return Ok(self.clone()),
            Base::Glm(glm) if self.addition.is_none() => {
                let mut coefficients = glm.coefficients.clone();
                // One class after the other, or one line for all there is.
                for (k, class) in coefficients.exact_chunks_mut(glm.encoder.width() + 1).into_iter().enumerate() {
                    let line = self.scaling.as_ref().map_or(line, |s| s.line(k));
                    let mut class = class;
                    class *= line.slope;
                    class[0] += line.intercept;
                }
                Base::Glm(Glm { coefficients, ..glm.clone() })
            }
            Base::Trees(forest) if self.folds() => {
                let document = forest.recalibrated(line, self.scaling.as_ref())?;
                Base::Trees(Forest::from_xgboost(&document, forest.features.clone())?)
            }
            base => {
                let mut whole = Self::new(base.clone());
                (whole.addition, whole.line, whole.scaling) = (self.addition.clone(), line, self.scaling.clone());
                Base::Mean(vec![whole])
            }
        };
        Ok(Self { line: level, baseline: self.baseline.clone(), ..Self::new(base) })
    }

    /// The features it reads: the base's, then those that only the addition reads.
    #[must_use]
    pub fn features(&self) -> Cow<'_, [Feature]> {
        let base = match &self.base {
            Base::Glm(m) => m.encoder.features.as_slice().into(),
            Base::Trees(m) => m.features.as_slice().into(),
            Base::RandomForest(m) => m.features().into(),
            Base::ClassificationTree(m) => m.features().into(),
            Base::Own(own) => own.model.features().into(),
            Base::Mean(models) => models.iter().map(Self::features).reduce(|a, b| union(a, &b)).unwrap_or_default(),
        };
        match &self.addition {
            Some(addition) => union(base, &addition.encoder.features),
            None => base,
        }
    }

    /// Whether its trees compare in double precision, which XGBoost does not.
    #[must_use]
    pub fn has_doubles(&self) -> bool {
        matches!(&self.base, Base::Trees(forest) if forest.has_doubles())
    }

    /// What it is, in a few words.
    #[must_use]
    pub fn describe(&self) -> String {
        let base = match &self.base {
            Base::Glm(m) => format!("linear model, {} coefficients", m.coefficients.len()),
            Base::Trees(m) => format!("{} boosted trees", m.trees()),
            Base::RandomForest(_) => "random forest".into(),
            Base::ClassificationTree(_) => "decision tree".into(),
            Base::Mean(models) => format!("mean of {} tunings", models.len()),
            Base::Own(own) => own.model.describe(),
        };
        let addition = if self.addition.is_some() { " + linear addition" } else { "" };
        let as_is = self.line == Affine::IDENTITY && self.scaling.is_none() || self.baseline.is_some();
        let line = if as_is { "" } else { ", recalibrated" };
        format!("{base}{addition}{line}")
    }

    /// Each feature's contribution to each row's margins (SHAP values for trees, coefficient × value for linear models).
    /// `None` for models that cannot tell.
    ///
    /// # Errors
    /// When the features do not fit.
    pub fn contributions(&self, data: &Dataset) -> Result<Option<Contributions>, Error> {
        let Some(mut parts) = self.parts(data)? else { return Ok(None) };
        parts.centre();
        Ok(Some(parts))
    }

    fn parts(&self, data: &Dataset) -> Result<Option<Contributions>, Error> {
        let features = self.features();
        let mut parts = match &self.base {
            Base::Trees(forest) => forest.contributions(data)?.spread(&forest.features, &features),
            Base::Glm(glm) => linear(glm, data, &features)?,
            Base::RandomForest(_) | Base::ClassificationTree(_) => return Ok(None),
            Base::Own(own) => match own.model.contributions(data)? {
                Some(parts) => parts.spread(own.model.features(), &features),
                None => return Ok(None),
            },
            Base::Mean(models) => {
                let mut sum: Option<Contributions> = None;
                for model in models {
                    let Some(own) = model.parts(data)? else { return Ok(None) };
                    let own = own.spread(&model.features(), &features);
                    match &mut sum {
                        Some(sum) => sum.add(&own)?,
                        None => sum = Some(own),
                    }
                }
                let Some(mut mean) = sum else { return Ok(None) };
                mean.divide(models.len() as f64);
                mean
            }
        };
        if let Some(addition) = &self.addition {
            parts.add(&linear(addition, data, &features)?)?;
        }
        let one = || Scaling { intercept: vec![self.line.intercept], slope: vec![self.line.slope] };
        parts.scale(&self.scaling.clone().unwrap_or_else(|| match parts.outputs() {
            1 => one(),
            classes => Scaling::identity(classes),
        }));
        Ok(Some(parts))
    }

    /// The base's margins and the addition's, before the recalibration.
    pub(crate) fn relative(&self, data: &Dataset) -> Result<Outputs, Error> {
        let mut margins = match &self.base {
            Base::Glm(m) => m.margins(data)?,
            Base::Trees(m) => m.margins(data)?,
            Base::RandomForest(m) => m.margins(data.aligned(m.features())?.as_ref())?,
            Base::ClassificationTree(m) => m.margins(data.aligned(m.features())?.as_ref())?,
            Base::Own(own) => own.model.margins(data.aligned(own.model.features())?.as_ref())?,
            Base::Mean(models) => {
                let width = self.estimand().width();
                let mut sum = Outputs::new(width, vec![0.0; data.rows() * width])?;
                for model in models {
                    let mut own = model.margins(data)?;
                    own.iter_rows_mut().flatten().for_each(|m| *m /= models.len() as f64);
                    sum.add(&own);
                }
                sum
            }
        };
        if let Some(addition) = &self.addition {
            margins.add(&addition.margins(data)?);
        }
        Ok(margins)
    }

    /// The model as JSON text: the same bytes for the same model.
    ///
    /// # Errors
    /// When the tree engine cannot express its model.
    pub fn to_json(&self) -> Result<String, ModelError> {
        serde_json::to_string(self).map_err(|e| ModelError::Format(e.to_string()))
    }

    /// Reads [`Model::to_json`]'s text.
    ///
    /// # Errors
    /// [`ModelError::Format`] when it is something else.
    pub fn from_json(text: &str) -> Result<Self, ModelError> {
        let model: Self = serde_json::from_str(text).map_err(|e| ModelError::Format(e.to_string()))?;
        model.check().map_err(ModelError::Format)?;
        Ok(model)
    }

    /// As [`Model::from_json`], of the open documents in it alone, which every program of the field reads: the same model, more slowly.
    ///
    /// # Errors
    /// As [`Model::from_json`].
    pub fn from_open_json(text: &str) -> Result<Self, ModelError> {
        let wrong = |e: serde_json::Error| ModelError::Format(e.to_string());
        let mut file = serde_json::from_str(text).map_err(wrong)?;
        documents_alone(&mut file);
        Self::from_json(&file.to_string())
    }

    /// Whether this is a model that a fit could have made. A file may say anything: what is not checked here would be an
    /// index out of bounds, a loop without end or a score that is no number.
    fn check(&self) -> Result<(), String> {
        match &self.base {
            Base::Glm(m) => m.check()?,
            // The tree engine has checked its own document, and whoever made a model of its own kind has read it.
            Base::Trees(_) | Base::Own(_) => {}
            Base::RandomForest(m) => m.check()?,
            Base::ClassificationTree(m) => m.check()?,
            Base::Mean(models) => {
                let first = models.first().ok_or("a mean of no models")?;
                for model in models {
                    model.check()?;
                    if !model.estimand().agrees(first.estimand()) {
                        return Err("a mean of models that predict different things".into());
                    }
                }
            }
        }
        let width = self.estimand().width();
        if let Some(addition) = &self.addition {
            addition.check()?;
            if addition.estimand.width() != width {
                return Err("its addition has other outputs than what it is added to".into());
            }
        }
        if let Some(scaling) = &self.scaling {
            let lists = [&scaling.intercept, &scaling.slope];
            if width < 2 || lists.iter().any(|l| l.len() != width || l.iter().any(|v| !v.is_finite())) {
                return Err("its recalibration is not one line a class".into());
            }
        }
        if width > 1 && (self.line != Affine::IDENTITY || self.baseline.is_some()) {
            return Err("a line of one margin recalibrates several classes".into());
        }
        if !(self.line.intercept.is_finite() && self.line.slope.is_finite()) {
            return Err("its recalibration is no line".into());
        }
        if let Some(baseline) = &self.baseline {
            baseline.check()?;
        }
        check_estimand(self.estimand())
    }

    /// The model as XGBoost JSON, if it is one forest with at most a recalibration.
    ///
    /// # Errors
    /// [`ModelError`] when it is not, or the document cannot hold what the model is.
    pub fn to_xgboost(&self) -> Result<serde_json::Value, ModelError> {
        let format = |e: &str| ModelError::Format(e.into());
        match (&self.base, &self.addition) {
            (Base::Trees(forest), None) if forest.is_shifted() => Err(ModelError::Unsupported {
                what: "it came from a LightGBM model whose thresholds lie closer than XGBoost's single precision tells apart".into(),
                hint: "score with this program, or train the model with a coarser unit".into(),
            }),
            (Base::Trees(forest), None) => {
                let document = forest.recalibrated(self.line, self.scaling.as_ref());
                let mut document = document.map_err(|e| format(&e.to_string()))?;
                crate::exchange::xgboost::portable(&mut document, forest.estimand().width())?;
                Ok(document)
            }
            (Base::Trees(_), Some(_)) => Err(format("trees with a linear addition have no XGBoost form")),
            _ => Err(format("only boosted trees have an XGBoost form")),
        }
    }
}

/// The features of `a`, then those of `b` that are not among them.
fn union<'a>(a: Cow<'a, [Feature]>, b: &[Feature]) -> Cow<'a, [Feature]> {
    let more: Vec<&Feature> = b.iter().filter(|f| a.iter().all(|known| known.name != f.name)).collect();
    if more.is_empty() { a } else { a.iter().chain(more).cloned().collect() }
}

fn linear(glm: &Glm, data: &Dataset, all: &[Feature]) -> Result<Contributions, Error> {
    let data = data.aligned(&glm.encoder.features)?;
    let (outputs, width) = (glm.estimand.width(), glm.encoder.features.len() + 1);
    let mut values = Vec::with_capacity(data.rows() * outputs * width);
    let mut columns = vec![0.0; glm.encoder.width()];
    for row in data.records().rows() {
        glm.encoder.write_row(row, &mut columns);
        glm.contributions(&columns, &mut values);
    }
    Ok(Contributions::new(outputs, width, values).spread(&glm.encoder.features, all))
}

impl Predict for Model {
    fn estimand(&self) -> Estimand {
        if let Some(baseline) = &self.baseline {
            return Estimand::Survival { horizon: baseline.horizon };
        }
        match &self.base {
            Base::Glm(m) => m.estimand,
            Base::Trees(m) => m.estimand(),
            Base::RandomForest(_) | Base::ClassificationTree(_) => Estimand::Probability,
            Base::Mean(models) => models.first().map_or(Estimand::Probability, Self::estimand),
            Base::Own(own) => own.model.estimand(),
        }
    }

    fn baseline(&self) -> Option<&Baseline> {
        match &self.base {
            Base::Own(own) if self.baseline.is_none() => own.model.baseline(),
            _ => self.baseline.as_ref(),
        }
    }

    fn margins(&self, data: &Dataset) -> Result<Outputs, Error> {
        let mut margins = self.relative(data)?;
        let recalibration: &dyn Recalibrate = match &self.scaling {
            Some(scaling) => scaling,
            None => &self.line,
        };
        margins.iter_rows_mut().for_each(|row| recalibration.recalibrate(row));
        Ok(margins)
    }
}
