//! Stops what its folds have decided.

use super::contract::Pruner;
use crate::history::History;
use crate::trial::Trial;

/// For cross-validation, where step `k` is the mean of the first `k` folds: stops a trial once its folds
/// are so much worse than the same folds of the best complete trial that the rest cannot be expected to
/// turn it, a race of paired differences (Maron and Moore 1994; Birattari et al. 2002).
///
/// ```
/// use specialist_search::{Pruner, Race, Random, Space, Study};
/// let mut study = Study::minimise("s", Space::new().float("x", 0.0, 1.0), 0);
/// for means in [vec![1.0, 1.5, 2.0, 2.5], vec![2.0, 2.5, 3.0]] {
///     let trial = study.ask(&Random).unwrap().unwrap();
///     for (fold, mean) in (1..).zip(means) { study.report(trial, fold, mean).unwrap(); }
/// }
/// study.tell(0, Ok(&[2.5])).unwrap();
/// // One behind on every fold.
/// assert!(Race::default().prunes(&study.history(1), &study.trials()[1]));
/// ```
pub struct Race {
    /// Folds that are always evaluated.
    pub folds: usize,
    /// How many standard errors of the mean paired difference it must be behind.
    pub errors: f64,
}

impl Default for Race {
    fn default() -> Self {
        Self { folds: 3, errors: 2.5 }
    }
}

impl Pruner for Race {
    fn name(&self) -> &'static str {
        "race"
    }

    fn prunes(&self, history: &History<'_>, trial: &Trial) -> bool {
        let direction = history.directions[0];
        let loss = |t: &Trial| t.value().map(|v| direction.loss(v));
        let complete = history.visible().filter(|t| loss(t).is_some());
        let Some(best) = complete.min_by(|a, b| loss(a).unwrap_or(f64::NAN).total_cmp(&loss(b).unwrap_or(f64::NAN)))
        else {
            return false;
        };
        let (own, theirs) = (trial.folds(), best.folds());
        // One difference has no spread, and at its end nothing is saved.
        if own.len() < self.folds.max(2) || own.len() >= theirs.len() {
            return false;
        }
        let behind: Vec<f64> = own.iter().zip(&theirs).map(|(a, b)| direction.loss(*a) - direction.loss(*b)).collect();
        let n = behind.len() as f64;
        let mean = behind.iter().sum::<f64>() / n;
        let sd = (behind.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
        mean > 0.0 && mean > self.errors * sd / n.sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{trial, with};
    use super::*;
    use crate::trial::State;

    #[test]
    fn a_race_is_over_when_the_folds_decide_it() {
        let means = |folds: &[f64]| -> Vec<(u64, f64)> {
            (1..=folds.len()).map(|k| (k as u64, folds[..k].iter().sum::<f64>() / k as f64)).collect()
        };
        let best = trial(0, State::Complete, &means(&[1.0, 2.0, 3.0, 4.0, 5.0]));
        let judge = |folds: &[f64]| {
            with(std::slice::from_ref(&best), |h| Race::default().prunes(h, &trial(1, State::Running, &means(folds))))
        };
        assert!(!judge(&[2.0, 3.0]), "too few folds");
        assert!(judge(&[2.0, 3.1, 4.0]), "always one behind");
        assert!(!judge(&[2.0, 2.0, 2.9]), "one fold is not enough");
        assert!(!judge(&[0.5, 1.0, 2.0]), "ahead");
        assert!(!judge(&[2.0, 3.0, 4.0, 5.0, 6.0]), "at its end nothing is saved");
    }
}
