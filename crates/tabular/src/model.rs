//! One shape for every candidate: a base model, perhaps an addition on top, perhaps a recalibration.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use specialist_core::survival::Baseline;
use specialist_core::{Affine, Dataset, Error, Estimand, Feature, Outputs, Predict};
use thiserror::Error as ThisError;

use crate::baseline::{ClassificationTree, RandomForest};
use crate::glm::check_estimand;
use crate::{Forest, Glm};

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
}

/// A candidate: its margin is `line(base + addition)`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Model {
    /// The model underneath.
    pub base: Base,
    /// A linear model on top of the base's margin: the `offset` rung.
    pub addition: Option<Glm>,
    /// The recalibration: the `intercept` and `slope` rungs.
    pub line: Affine,
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
        Self { base, addition: None, line: Affine::IDENTITY, baseline: None }
    }

    /// The line without a baseline's level, which is estimated anew with every fit.
    fn scale(&self) -> Affine {
        match self.baseline {
            Some(_) => Affine { intercept: 0.0, slope: self.line.slope },
            None => self.line,
        }
    }

    /// Whether [`Model::folded`] leaves a linear model or a forest what it is. Trees of logarithms of times need their line:
    /// it is what makes a hazard of them.
    pub(crate) fn folds(&self) -> bool {
        let plain = self.addition.is_none() && self.scale() == Affine::IDENTITY;
        match &self.base {
            _ if plain => true,
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
            _ if self.addition.is_none() && line == Affine::IDENTITY => return Ok(self.clone()),
            Base::Trees(forest) if self.addition.is_none() && forest.accelerated() => return Ok(self.clone()),
            Base::Glm(glm) if self.addition.is_none() => {
                let mut coefficients = &glm.coefficients * line.slope;
                coefficients[0] += line.intercept;
                Base::Glm(Glm { coefficients, ..glm.clone() })
            }
            Base::Trees(forest) if self.folds() => {
                let document = forest.to_xgboost(line)?;
                Base::Trees(Forest::from_xgboost(&document, forest.features.clone())?)
            }
            base => {
                let mut whole = Self::new(base.clone());
                (whole.addition, whole.line) = (self.addition.clone(), line);
                Base::Mean(vec![whole])
            }
        };
        Ok(Self { base, addition: None, line: level, baseline: self.baseline.clone() })
    }

    /// The features it reads: the base's, then those that only the addition reads.
    #[must_use]
    pub fn features(&self) -> Cow<'_, [Feature]> {
        let base = match &self.base {
            Base::Glm(m) => m.encoder.features.as_slice().into(),
            Base::Trees(m) => m.features.as_slice().into(),
            Base::RandomForest(m) => m.features().into(),
            Base::ClassificationTree(m) => m.features().into(),
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
        };
        let addition = if self.addition.is_some() { " + linear addition" } else { "" };
        let line = if self.line == Affine::IDENTITY || self.baseline.is_some() { "" } else { ", recalibrated" };
        format!("{base}{addition}{line}")
    }

    /// Each feature's contribution to each row's margin (SHAP for trees, coefficient × value for
    /// linear models), rows × (features + 1): the last is what no feature explains. `None` for
    /// models that cannot tell.
    ///
    /// # Errors
    /// When the features do not fit.
    pub fn contributions(&self, data: &Dataset) -> Result<Option<Vec<Vec<f64>>>, Error> {
        let features = self.features();
        let mut rows = match &self.base {
            Base::Trees(forest) => spread(forest.contributions(data)?, &forest.features, &features),
            Base::Glm(glm) => linear(glm, data, &features)?,
            Base::RandomForest(_) | Base::ClassificationTree(_) => return Ok(None),
            Base::Mean(models) => {
                let mut parts = Vec::new();
                for model in models {
                    let Some(rows) = model.contributions(data)? else { return Ok(None) };
                    parts.push(spread(rows, &model.features(), &features));
                }
                mean_rows(parts)
            }
        };
        if let Some(addition) = &self.addition {
            let parts = linear(addition, data, &features)?;
            rows.iter_mut().flatten().zip(parts.iter().flatten()).for_each(|(a, b)| *a += b);
        }
        for row in &mut rows {
            row.iter_mut().for_each(|v| *v *= self.line.slope);
            *row.last_mut().expect("there is a constant") += self.line.intercept;
        }
        Ok(Some(rows))
    }

    /// The margins of several classes, which no line changes and nothing is added to.
    fn of_classes(&self, data: &Dataset, classes: usize) -> Result<Outputs, Error> {
        match &self.base {
            Base::Glm(m) => m.margins(data),
            Base::Trees(m) => m.margins(data),
            Base::Mean(models) => {
                let mut sum = vec![0.0; data.rows() * classes];
                for model in models {
                    let margins = model.margins(data)?;
                    sum.iter_mut().zip(margins.values()).for_each(|(s, m)| *s += m / models.len() as f64);
                }
                Outputs::new(classes, sum)
            }
            Base::RandomForest(_) | Base::ClassificationTree(_) => {
                Err(Error::Mismatch("this estimator knows two classes only".into()))
            }
        }
    }

    /// The base's margin and the addition's, before the line.
    pub(crate) fn relative(&self, data: &Dataset) -> Result<Vec<f64>, Error> {
        let mut margin = match &self.base {
            Base::Glm(m) => m.margin(data)?,
            Base::Trees(m) => m.margin(data)?,
            Base::RandomForest(m) => m.margin(data.aligned(m.features())?.as_ref())?,
            Base::ClassificationTree(m) => m.margin(data.aligned(m.features())?.as_ref())?,
            Base::Mean(models) => {
                let mut sum = vec![0.0; data.rows()];
                for model in models {
                    sum.iter_mut().zip(model.margin(data)?).for_each(|(s, m)| *s += m / models.len() as f64);
                }
                sum
            }
        };
        if let Some(addition) = &self.addition {
            margin.iter_mut().zip(addition.margin(data)?).for_each(|(m, a)| *m += a);
        }
        Ok(margin)
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

    /// Whether this is a model that a fit could have made. A file may say anything: what is not checked here would be an
    /// index out of bounds, a loop without end or a score that is no number.
    fn check(&self) -> Result<(), String> {
        match &self.base {
            Base::Glm(m) => m.check()?,
            // The tree engine has checked its own document.
            Base::Trees(_) => {}
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
        if let Some(addition) = &self.addition {
            addition.check()?;
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
                let mut document = forest.to_xgboost(self.line).map_err(|e| format(&e.to_string()))?;
                crate::exchange::xgboost::portable(&mut document)?;
                Ok(document)
            }
            (Base::Trees(_), Some(_)) => Err(format("trees with a linear addition have no XGBoost form")),
            _ => Err(format("only boosted trees have an XGBoost form")),
        }
    }
}

/// The mean of equally shaped tables.
fn mean_rows(parts: Vec<Vec<Vec<f64>>>) -> Vec<Vec<f64>> {
    let n = parts.len() as f64;
    let add = |mut sum: Vec<Vec<f64>>, part: Vec<Vec<f64>>| {
        let cells = sum.iter_mut().flatten().zip(part.into_iter().flatten());
        cells.for_each(|(s, p)| *s += p);
        sum
    };
    let mut out = parts.into_iter().reduce(add).unwrap_or_default();
    out.iter_mut().flatten().for_each(|v| *v /= n);
    out
}

/// The features of `a`, then those of `b` that are not among them.
fn union<'a>(a: Cow<'a, [Feature]>, b: &[Feature]) -> Cow<'a, [Feature]> {
    let more: Vec<&Feature> = b.iter().filter(|f| a.iter().all(|known| known.name != f.name)).collect();
    if more.is_empty() { a } else { a.iter().chain(more).cloned().collect() }
}

/// Contributions of the features `of`, each at its place among `all`; the last is what no feature explains.
fn spread(rows: Vec<Vec<f64>>, of: &[Feature], all: &[Feature]) -> Vec<Vec<f64>> {
    let place = |f: &Feature| all.iter().position(|a| a.name == f.name).expect("all holds each");
    let places: Vec<usize> = of.iter().map(place).chain([all.len()]).collect();
    let wide = |row: Vec<f64>| {
        let mut out = vec![0.0; all.len() + 1];
        places.iter().zip(row).for_each(|(&p, v)| out[p] = v);
        out
    };
    rows.into_iter().map(wide).collect()
}

fn linear(glm: &Glm, data: &Dataset, all: &[Feature]) -> Result<Vec<Vec<f64>>, Error> {
    let data = data.aligned(&glm.encoder.features)?;
    let row = |r| {
        let (constant, mut parts) = glm.contributions(data.row(r));
        parts.push(constant);
        parts
    };
    Ok(spread((0..data.rows()).map(row).collect(), &glm.encoder.features, all))
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
        }
    }

    fn baseline(&self) -> Option<&Baseline> {
        self.baseline.as_ref()
    }

    fn margins(&self, data: &Dataset) -> Result<Outputs, Error> {
        if let Estimand::Classes(classes) = self.estimand() {
            return self.of_classes(data, classes);
        }
        let mut margin = self.relative(data)?;
        margin.iter_mut().for_each(|m| *m = self.line.apply(*m));
        Ok(margin.into())
    }
}
