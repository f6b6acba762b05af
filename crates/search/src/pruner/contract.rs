//! What a pruner is, and the one that stops nothing.

use crate::history::{Direction, History};
use crate::trial::Trial;

/// Decides, each time a trial reports a value on the way, whether it is worth going on. A step is
/// whatever the objective spends: boosting rounds, epochs, rows, folds.
///
/// ```
/// use specialist_search::{History, Params, Pruner, Space, Study, Trial};
/// struct Limit(f64);
/// impl Pruner for Limit {
///     fn name(&self) -> &'static str { "limit" }
///     fn prunes(&self, _: &History<'_>, trial: &Trial) -> bool { trial.steps.values().any(|v| *v > self.0) }
/// }
/// let study = Study::minimise("s", Space::new(), 0);
/// let mut trial = Trial::new(0, Params::default());
/// trial.steps.insert(1, 9.0);
/// assert!(Limit(3.0).prunes(&study.history(0), &trial));
/// ```
pub trait Pruner: Send + Sync {
    /// Its name in recipes.
    fn name(&self) -> &'static str;

    /// Whether `trial`, which has just reported, should stop. `history` holds the trials before it.
    fn prunes(&self, history: &History<'_>, trial: &Trial) -> bool;

    /// A pruned trial that, by what is known now, should go on after all.
    fn promotes(&self, _history: &History<'_>) -> Option<usize> {
        None
    }
}

/// Lets every trial go to its end.
///
/// ```
/// use specialist_search::{Never, Params, Pruner, Space, Study, Trial};
/// let study = Study::minimise("s", Space::new(), 0);
/// assert!(!Never.prunes(&study.history(0), &Trial::new(0, Params::default())));
/// ```
pub struct Never;

impl Pruner for Never {
    fn name(&self) -> &'static str {
        "none"
    }

    fn prunes(&self, _: &History<'_>, _: &Trial) -> bool {
        false
    }
}

/// The loss that a trial had when it had spent `step`: the best so far.
pub(super) fn best_until(trial: &Trial, step: u64, direction: Direction) -> Option<f64> {
    let until = trial.steps.range(..=step).map(|(_, v)| direction.loss(*v)).filter(|v| !v.is_nan());
    until.reduce(f64::min)
}
