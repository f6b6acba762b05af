//! Stops what is worse than most.

use super::contract::{Pruner, best_until};
use crate::history::History;
use crate::trial::{State, Trial};

/// Stops a trial whose best value so far is worse than the median of what earlier complete trials had
/// at that step (Golovin et al. 2017).
///
/// ```
/// use specialist_search::{Median, Pruner, Random, Space, Study};
/// let mut study = Study::minimise("s", Space::new().float("x", 0.0, 1.0), 0);
/// for value in [1.0, 2.0, 3.0, 9.0] {
///     let trial = study.ask(&Random).unwrap().unwrap();
///     study.report(trial, 1, value).unwrap();
///     if trial < 3 { study.tell(trial, Ok(&[value])).unwrap(); }
/// }
/// let median = Median { startup: 3, ..Median::default() };
/// assert!(median.prunes(&study.history(3), &study.trials()[3]));
/// ```
pub struct Median {
    /// Complete trials before anything is stopped.
    pub startup: usize,
    /// Steps before a trial may be stopped.
    pub warmup: u64,
    /// The share of earlier trials that must have been better: 0.5 is the median.
    pub share: f64,
}

impl Default for Median {
    fn default() -> Self {
        Self { startup: 5, warmup: 0, share: 0.5 }
    }
}

impl Pruner for Median {
    fn name(&self) -> &'static str {
        "median"
    }

    fn prunes(&self, history: &History<'_>, trial: &Trial) -> bool {
        let direction = history.directions[0];
        let Some((&step, last)) = trial.steps.last_key_value() else { return false };
        if step <= self.warmup {
            return false;
        }
        // Only trials that reported at this very step can be compared.
        let complete = history.visible().filter(|t| t.state == State::Complete);
        let mut others: Vec<f64> = complete.filter_map(|t| Some(direction.loss(*t.steps.get(&step)?))).collect();
        others.retain(|v| !v.is_nan());
        if others.len() < self.startup {
            return false;
        }
        if last.is_nan() {
            return true;
        }
        others.sort_by(f64::total_cmp);
        best_until(trial, step, direction).is_none_or(|own| own > quantile(&others, self.share))
    }
}

/// The quantile of sorted values, by linear interpolation.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let at = q * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    low + (high - low) * at.fract()
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{trial, with};
    use super::*;

    #[test]
    fn the_median_stops_what_is_worse_than_half() {
        let done: Vec<Trial> = (0..5).map(|i| trial(i, State::Complete, &[(1, i as f64), (2, i as f64)])).collect();
        let judge = |v| with(&done, |h| Median::default().prunes(h, &trial(5, State::Running, &[(1, v)])));
        // numpy.percentile([0,1,2,3,4], 50) = 2
        assert_eq!((judge(2.0), judge(2.1), judge(f64::NAN)), (false, true, true));
        let few = with(&done[..4], |h| Median::default().prunes(h, &trial(5, State::Running, &[(1, 9.0)])));
        assert!(!few);
        let warm = Median { warmup: 1, ..Median::default() };
        assert!(!with(&done, |h| warm.prunes(h, &trial(5, State::Running, &[(1, 9.0)]))));
        // The best value so far counts, not the last one.
        assert!(!with(&done, |h| Median::default().prunes(h, &trial(5, State::Running, &[(1, 0.0), (2, 9.0)]))));
    }
}
