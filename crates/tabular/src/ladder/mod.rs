//! The ladder: every way to turn a generalist into a specialist, fewest free parameters first, every
//! rung shrunk towards the generalist. A file each, and [`RUNGS`].

mod continuation;
mod extension;
mod intercept;
mod keep;
mod leaf_refit;
mod offset;
mod on_top;
mod prior_centred;
pub(crate) mod recalibration;
mod slope;

use std::fmt;

use specialist_core::{Context, Dataset, Error, Feature, FineTune, Predict, Registry};
use specialist_search::{Params, Space};

use crate::Model;

pub use continuation::Continue;
pub use extension::Extension;
pub use intercept::Intercept;
pub use keep::Keep;
pub use leaf_refit::LeafRefit;
pub use offset::Offset;
pub use prior_centred::PriorCentred;
pub use slope::Slope;

/// Every rung that a recipe can name; [`Rung::place`] orders them.
pub static RUNGS: Registry<dyn Rung> =
    Registry::new(&[&Keep, &Intercept, &Slope, &PriorCentred, &Extension, &Offset, &LeafRefit, &Continue], |r| {
        r.name()
    });

/// Places of the rungs on the ladder: between two of them there is room for others.
pub mod place {
    /// [`super::Keep`].
    pub const KEEP: usize = 0;
    /// [`super::Intercept`].
    pub const INTERCEPT: usize = 10;
    /// [`super::Slope`].
    pub const SLOPE: usize = 20;
    /// [`super::PriorCentred`].
    pub const PRIOR_CENTRED: usize = 30;
    /// [`super::Extension`].
    pub const EXTENSION: usize = 40;
    /// [`super::Offset`].
    pub const OFFSET: usize = 50;
    /// [`super::LeafRefit`].
    pub const LEAF_REFIT: usize = 60;
    /// [`super::Continue`].
    pub const CONTINUE: usize = 70;
}

/// With this many events a rung may move far from the generalist; with fewer only a little.
pub const PLENTY: usize = 200;

/// Events below which even a free intercept can hurt, and a broken source slips past a one-standard-error guard. Measured.
pub const FEW: usize = 50;

/// A way to make a specialist of a generalist.
pub trait Rung: Send + Sync {
    /// The word of the vocabulary: `keep`, `intercept`, `slope`, …
    fn name(&self) -> &'static str;

    /// What it does, in a line.
    fn about(&self) -> &'static str;

    /// Its place on the ladder, fewer free parameters first: see [`place`]. Where a lower rung does as well, it is taken.
    fn place(&self) -> usize;

    /// How many informative target rows ([`Dataset::informative`]) it takes before it may be tried.
    fn needs_events(&self) -> usize {
        FEW
    }

    /// Whether it only moves the scale: recalibration, not a new model.
    fn recalibrates(&self) -> bool {
        false
    }

    /// Whether a fit takes minutes where others take moments: it is then tried `tune.costly_trials` times at most, and drawn once
    /// a budget on the label curve.
    fn is_costly(&self) -> bool {
        false
    }

    /// Whether `generalist` can be tuned this way on rows with these features.
    fn fits(&self, generalist: &Model, features: &[Feature]) -> bool;

    /// What may be searched about it for `generalist` with `events` informative rows. The names are its own: no other rung's
    /// setting may be called so.
    fn space(&self, generalist: &Model, events: usize) -> Space;

    /// The specialist that `params` of [`Rung::space`] make of `generalist` on `target`'s rows. A rung that does not recalibrate
    /// gets a generalist whose recalibration, if it has one, is folded into it.
    ///
    /// # Errors
    /// When the rows are too few, the fit does not converge, or the run is cancelled.
    fn fine_tune(&self, params: &Params, generalist: &Model, target: &Dataset, ctx: &Context) -> Result<Model, Error>;
}

impl dyn Rung {
    /// All rungs, the lowest first.
    #[must_use]
    pub fn all() -> Vec<&'static Self> {
        let mut all = RUNGS.all();
        all.sort_by_key(|r| r.place());
        all
    }
}

impl fmt::Debug for dyn Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl PartialEq for dyn Rung {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

/// The setting that says which rung a trial is of.
pub const TUNING: &str = "tuning";

/// What may be searched: the rungs that fit `generalist`, that `allowed` names (all, when empty) and
/// that `events` informative rows ([`Dataset::informative`]) allow, each with its own settings.
///
/// # Panics
/// When two rungs call a setting by the same name.
#[must_use]
pub fn ladder_space(generalist: &Model, features: &[Feature], events: usize, allowed: &[&'static dyn Rung]) -> Space {
    let open = |r: &&'static dyn Rung| {
        r.fits(generalist, features)
            && events >= r.needs_events()
            && (r.place() == place::KEEP || allowed.is_empty() || allowed.contains(r))
    };
    let rungs: Vec<&'static dyn Rung> = <dyn Rung>::all().into_iter().filter(open).collect();
    let mut space = Space::new().categorical(TUNING, rungs.iter().map(|r| r.name()));
    for rung in rungs {
        for own in rung.space(generalist, events).params() {
            assert!(space.param(&own.name).is_none(), "two rungs have a setting called `{}`", own.name);
            space = space.with(&own.name, own.domain.clone()).when(TUNING, [rung.name()]);
        }
    }
    space
}

/// A rung with its settings: what [`FineTune`] runs.
#[derive(Debug, Clone, PartialEq)]
pub struct TuningPlan {
    /// Which rung.
    pub rung: &'static dyn Rung,
    /// Its settings.
    pub params: Params,
}

/// The plan that `params`, drawn from [`ladder_space`], stand for.
#[must_use]
pub fn plan(params: &Params) -> TuningPlan {
    TuningPlan { rung: RUNGS.named(params.text(TUNING)).unwrap_or(&Keep), params: params.clone() }
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
        let generalist = if self.rung.recalibrates() || self.rung.place() == place::KEEP {
            generalist
        } else {
            folded = generalist.folded()?;
            &folded
        };
        self.rung.fine_tune(&self.params, generalist, target, ctx)
    }
}
