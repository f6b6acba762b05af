//! The ladder: every way to turn a generalist into a specialist, fewest free parameters first, every
//! rung shrunk towards the generalist.

use serde::{Deserialize, Serialize};
use specialist_core::{
    Affine, Context, Dataset, Error, Estimand, Feature, FineTune, Predict, Scaling, Tuning, fit_line,
};
use specialist_search::{Params, Space};

use crate::glm::{Prior, Problem, spread_about};
use crate::scaling::{self, Freedom};
use crate::{Base, Encoder, Model, TreeEngine, TreeSettings, Trees, survival};

/// A rung.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rung {
    /// The generalist as it is.
    Keep,
    /// A new intercept on the generalist's margin; of several classes one each.
    Intercept,
    /// A new intercept and a new, positive slope on the generalist's margin; of several classes an intercept each, and a slope
    /// for all or one each.
    Slope,
    /// A linear generalist's coefficients as the prior mean of new ones.
    PriorCentred,
    /// A ridge model, on top of the generalist's margin, of the predictors that only the target has.
    Extension,
    /// A ridge model on top of the generalist's margin.
    Offset,
    /// The generalist's trees with leaf values estimated anew, in part.
    LeafRefit,
    /// More trees behind the generalist's.
    Continue,
}

/// Below this slope the recalibrated ranking would be worth nothing: the slope is kept above it.
pub(crate) const SMALLEST_SLOPE: f64 = 0.05;

impl Rung {
    /// All rungs in order.
    pub const ALL: [Self; 8] = [
        Self::Keep,
        Self::Intercept,
        Self::Slope,
        Self::PriorCentred,
        Self::Extension,
        Self::Offset,
        Self::LeafRefit,
        Self::Continue,
    ];

    /// The rung called `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.name() == name)
    }

    /// Whether it only moves the scale: recalibration, not a new model.
    #[must_use]
    pub fn recalibrates(self) -> bool {
        matches!(self, Self::Intercept | Self::Slope)
    }

    /// Whether `generalist` can be tuned this way on rows with these features.
    #[must_use]
    pub fn fits(self, generalist: &Model, features: &[Feature]) -> bool {
        match self {
            Self::Extension => !only_here(generalist, features).is_empty(),
            Self::Keep | Self::Intercept | Self::Slope | Self::Offset => true,
            Self::PriorCentred => generalist.folds() && matches!(generalist.base, Base::Glm(_)),
            Self::LeafRefit | Self::Continue => generalist.folds() && matches!(generalist.base, Base::Trees(_)),
        }
    }
}

impl Tuning for Rung {
    fn name(&self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Intercept => "intercept",
            Self::Slope => "slope",
            Self::PriorCentred => "prior-centred",
            Self::Extension => "extension",
            Self::Offset => "offset",
            Self::LeafRefit => "leaf-refit",
            Self::Continue => "continue",
        }
    }

    fn rung(&self) -> usize {
        *self as usize
    }

    /// Measured starting points: below 50 events even a free intercept can hurt, and a broken source
    /// slips past a one-standard-error guard.
    fn needs_events(&self) -> usize {
        match self {
            Self::Keep | Self::Intercept | Self::Slope => 0,
            Self::PriorCentred | Self::Extension | Self::LeafRefit | Self::Continue => 50,
            Self::Offset => 200,
        }
    }
}

/// Of several classes: whether there is one slope (temperature scaling) or one a class (vector scaling).
const SLOPE_PER: &str = "slope-per";
const PER_MODEL: &str = "model";
const PER_CLASS: &str = "class";

/// With this many events a rung may move far from the generalist; with fewer only a little.
const PLENTY: usize = 200;

/// What may be searched: the rungs that fit `generalist`, that `allowed` names (all, when empty) and
/// that `events` informative rows ([`Dataset::informative`]) allow, each with its own settings.
#[must_use]
pub fn ladder_space(generalist: &Model, features: &[Feature], events: usize, allowed: &[Rung]) -> Space {
    let open = |r: &Rung| {
        r.fits(generalist, features)
            && events >= r.needs_events()
            && (*r == Rung::Keep || allowed.is_empty() || allowed.contains(r))
    };
    let rungs: Vec<Rung> = Rung::ALL.into_iter().filter(open).collect();
    let mut space = Space::new().categorical("tuning", rungs.iter().map(Tuning::name));
    let plenty = events >= PLENTY;
    for rung in rungs {
        space = match rung {
            Rung::Keep => space,
            Rung::Intercept => space.log_float("intercept-strength", 1.0, 100.0).when("tuning", ["intercept"]),
            Rung::Slope => {
                let space = space.log_float("slope-strength", 1.0, 100.0).when("tuning", ["slope"]);
                // Of one margin there is one slope.
                if generalist.estimand().width() == 1 {
                    space
                } else {
                    space.categorical(SLOPE_PER, [PER_MODEL, PER_CLASS]).when("tuning", ["slope"])
                }
            }
            Rung::PriorCentred => space
                .log_float("prior-strength", if plenty { 0.3 } else { 3.0 }, 1000.0)
                .when("tuning", ["prior-centred"]),
            Rung::Extension => space.log_float("extension-ridge", 1.0, 1000.0).when("tuning", ["extension"]),
            Rung::Offset => space.log_float("offset-ridge", 3.0, 1000.0).when("tuning", ["offset"]),
            Rung::LeafRefit => {
                space.float("decay", if plenty { 0.5 } else { 0.8 }, 0.98).when("tuning", ["leaf-refit"])
            }
            Rung::Continue => space
                .log_int("rounds", 5, if plenty { 150 } else { 40 })
                .when("tuning", ["continue"])
                .log_float("learning-rate", 0.005, if plenty { 0.1 } else { 0.02 })
                .when("tuning", ["continue"])
                .int("max-depth", 1, if plenty { 5 } else { 3 })
                .when("tuning", ["continue"]),
        };
    }
    space
}

/// A rung with its settings: what [`FineTune`] runs.
#[derive(Debug, Clone, PartialEq)]
pub struct TuningPlan {
    /// Which rung.
    pub rung: Rung,
    /// Its settings.
    pub params: Params,
}

/// The plan that `params`, drawn from [`ladder_space`], stand for.
#[must_use]
pub fn plan(params: &Params) -> TuningPlan {
    TuningPlan { rung: Rung::named(params.text("tuning")).unwrap_or(Rung::Keep), params: params.clone() }
}

impl FineTune<Model> for TuningPlan {
    type Specialist = Model;

    fn fine_tune(&self, generalist: &Model, target: &Dataset, ctx: &Context) -> Result<Model, Error> {
        ctx.check()?;
        if !generalist.estimand().agrees(target.estimand) {
            let (model, rows) = (generalist.estimand().word(), target.estimand.word());
            return Err(Error::Mismatch(format!(
                "the generalist predicts a {model}, the target's labels ask for a {rows}"
            )));
        }
        if !self.rung.fits(generalist, &target.features) {
            let (rung, model) = (self.rung.name(), generalist.describe());
            return Err(Error::Mismatch(format!("the tuning {rung} does not apply to a {model}")));
        }
        // Every rung starts from all that the generalist is. A recalibration is a line of its margin, which has a line already;
        // the others would fit beside that line and have it applied on top.
        let folded;
        let generalist = if matches!(self.rung, Rung::Keep | Rung::Intercept | Rung::Slope) {
            generalist
        } else {
            folded = generalist.folded()?;
            &folded
        };
        if matches!(target.estimand, Estimand::Survival { .. }) {
            return survival::fine_tune(self, generalist, target, ctx);
        }
        let mut tuned = generalist.clone();
        match (self.rung, &generalist.base) {
            (Rung::Intercept | Rung::Slope, _) if generalist.estimand().width() > 1 => {
                let scaling = self.scale(generalist, target, ctx)?;
                tuned.scaling = Some(match &generalist.scaling {
                    Some(first) => scaling.after(first),
                    None => scaling,
                });
            }
            (Rung::Intercept, _) => {
                let line = self.recalibrate(generalist, target, "intercept-strength", true)?;
                tuned.line = line.after(generalist.line);
            }
            (Rung::Slope, _) => {
                let line = self.recalibrate(generalist, target, "slope-strength", false)?;
                tuned.line = line.after(generalist.line);
            }
            (Rung::PriorCentred, Base::Glm(source)) => {
                let target = target.aligned(&source.encoder.features)?;
                let scale = spread_about(&target, generalist.margins(&target)?.values());
                let problem = Problem { data: &target, encoder: &source.encoder, offset: None, scale };
                tuned.base =
                    Base::Glm(problem.fit(&Prior::centred(source, self.params.float("prior-strength")), None, ctx)?);
            }
            (Rung::Offset | Rung::Extension, _) => {
                let margins = generalist.margins(target)?;
                let (features, ridge) = self.on_top(generalist, target);
                let target = target.aligned(&features)?;
                let encoder = Encoder::fit(&target);
                let scale = spread_about(&target, margins.values());
                let problem = Problem { data: &target, encoder: &encoder, offset: Some(margins.values()), scale };
                let mut prior = Prior::ridge_of(target.estimand, encoder.width(), ridge);
                // The intercepts are shrunk too: an unshrunk one costs more than it brings on few rows.
                prior.precision.iter_mut().step_by(encoder.width() + 1).for_each(|p| *p = ridge / 10.0);
                tuned.addition = Some(problem.fit(&prior, None, ctx)?);
            }
            (Rung::LeafRefit, Base::Trees(forest)) => {
                let settings = TreeSettings::default();
                tuned.base =
                    Base::Trees(Trees.refit_leaves(forest, target, self.params.float("decay"), &settings, ctx)?);
            }
            (Rung::Continue, Base::Trees(forest)) => {
                tuned.base = Base::Trees(Trees.grow(&self.continuation(), target, None, Some(forest), ctx)?);
            }
            _ => {}
        }
        Ok(tuned)
    }
}

/// The features that `generalist` does not read.
fn only_here(generalist: &Model, features: &[Feature]) -> Vec<Feature> {
    let known = generalist.features();
    features.iter().filter(|f| known.iter().all(|k| k.name != f.name)).cloned().collect()
}

impl TuningPlan {
    /// What is put on top of the generalist's margin: the features of it, and their ridge penalty.
    pub(crate) fn on_top(&self, generalist: &Model, target: &Dataset) -> (Vec<Feature>, f64) {
        if self.rung == Rung::Extension {
            return (only_here(generalist, &target.features), self.params.float("extension-ridge"));
        }
        (generalist.features().into_owned(), self.params.float("offset-ridge"))
    }

    /// How the trees behind the generalist's are grown.
    pub(crate) fn continuation(&self) -> TreeSettings {
        TreeSettings {
            rounds: self.params.int("rounds").max(1) as usize,
            learning_rate: self.params.float("learning-rate"),
            max_depth: self.params.int("max-depth").max(1) as usize,
            ..TreeSettings::default()
        }
    }

    /// As [`Self::recalibrate`], of several classes.
    fn scale(&self, generalist: &Model, target: &Dataset, ctx: &Context) -> Result<Scaling, Error> {
        let (strength, freedom) = match self.rung {
            Rung::Intercept => ("intercept-strength", Freedom::Intercepts),
            _ if self.params.text(SLOPE_PER) == PER_CLASS => ("slope-strength", Freedom::Vector),
            _ => ("slope-strength", Freedom::Temperature),
        };
        scaling::fit(&generalist.margins(target)?, target, self.params.float(strength), freedom, ctx)
    }

    fn recalibrate(
        &self,
        generalist: &Model,
        target: &Dataset,
        strength: &str,
        slope_fixed: bool,
    ) -> Result<Affine, Error> {
        let margin = generalist.margin(target)?;
        let weight: Vec<f64> = target.base.weights.iter().map(|&w| f64::from(w)).collect();
        let label = target.labels().responses();
        let fit = |fixed| fit_line(target.estimand, &margin, &label, &weight, self.params.float(strength), fixed);
        let line = fit(slope_fixed).ok_or_else(|| Error::Fit {
            estimator: "recalibration",
            reason: "no line through the generalist's margin fits the target's labels".into(),
        })?;
        Ok(Affine { slope: line.slope.max(SMALLEST_SLOPE), ..line })
    }
}
