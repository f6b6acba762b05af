//! Stops what no longer improves.

use super::contract::Pruner;
use crate::history::History;
use crate::trial::Trial;

/// Stops a trial whose value has not improved for some steps.
///
/// ```
/// use specialist_search::{Params, Patience, Pruner, Space, Study, Trial};
/// let study = Study::minimise("s", Space::new(), 0);
/// let mut trial = Trial::new(0, Params::default());
/// trial.steps = [(1, 3.0), (2, 2.0), (3, 2.0), (4, 2.0)].into();
/// let patience = Patience { reports: 2, least: 0.0 };
/// assert!(patience.prunes(&study.history(0), &trial));
/// ```
pub struct Patience {
    /// Reports without an improvement that are borne.
    pub reports: usize,
    /// The smallest change that counts as one.
    pub least: f64,
}

impl Default for Patience {
    fn default() -> Self {
        Self { reports: 10, least: 0.0 }
    }
}

impl Pruner for Patience {
    fn name(&self) -> &'static str {
        "patience"
    }

    fn prunes(&self, history: &History<'_>, trial: &Trial) -> bool {
        let losses: Vec<f64> = trial.steps.values().map(|v| history.directions[0].loss(*v)).collect();
        if losses.len() <= self.reports {
            return false;
        }
        let (before, recent) = losses.split_at(losses.len() - self.reports);
        let least = |v: &[f64]| v.iter().copied().filter(|x| !x.is_nan()).fold(f64::INFINITY, f64::min);
        least(recent) >= least(before) - self.least
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{trial, with};
    use super::*;
    use crate::trial::State;

    #[test]
    fn patience_ends() {
        let p = Patience { reports: 2, least: 0.0 };
        let judge = |v: &[f64]| {
            let steps: Vec<(u64, f64)> = v.iter().enumerate().map(|(i, v)| (i as u64, *v)).collect();
            with(&[], |h| p.prunes(h, &trial(0, State::Running, &steps)))
        };
        assert_eq!(
            (judge(&[3.0, 2.0]), judge(&[3.0, 2.0, 2.0, 1.9]), judge(&[3.0, 2.0, 2.0, 2.0])),
            (false, false, true)
        );
    }
}
