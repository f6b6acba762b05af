//! Who stops a trial before its end.

use crate::history::{Direction, History};
use crate::study::RESUMED;
use crate::trial::{State, Trial};

/// Decides, each time a trial reports a value on the way, whether it is worth going on. A step is
/// whatever the objective spends: boosting rounds, epochs, rows, folds.
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

/// The names that [`pruner_by_name`] knows.
pub const PRUNERS: [&str; 6] = ["none", "race", "median", "successive-halving", "hyperband", "patience"];

/// The pruner that a recipe calls `name`, with its defaults, for trials of at most `steps` steps.
#[must_use]
pub fn pruner_by_name(name: &str, steps: u64) -> Option<Box<dyn Pruner>> {
    Some(match name {
        "none" => Box::new(Never),
        "race" => Box::new(Race::default()),
        "median" => Box::new(Median::default()),
        "successive-halving" => Box::new(SuccessiveHalving::default()),
        "hyperband" => Box::new(Hyperband { most: steps, ..Hyperband::default() }),
        "patience" => Box::new(Patience::default()),
        _ => return None,
    })
}

/// Lets every trial go to its end.
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
fn best_until(trial: &Trial, step: u64, direction: Direction) -> Option<f64> {
    let until = trial.steps.range(..=step).map(|(_, v)| direction.loss(*v)).filter(|v| !v.is_nan());
    until.reduce(f64::min)
}

/// Stops a trial whose best value so far is worse than the median of what earlier complete trials had
/// at that step (Golovin et al. 2017).
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

/// Asynchronous successive halving (Li et al. 2020): at `least`, `least · factor`, `least · factor²`, …
/// steps a trial goes on only while it is among the best `1 / factor` of the trials that came so far. A
/// trial that was stopped is promoted when later, worse ones put it among them.
pub struct SuccessiveHalving {
    /// Steps of the first rung.
    pub least: u64,
    /// How many times more steps each rung has; the inverse of the share that goes on.
    pub factor: u64,
}

impl Default for SuccessiveHalving {
    fn default() -> Self {
        Self { least: 1, factor: 3 }
    }
}

impl SuccessiveHalving {
    /// The highest rung that `step` steps reach, counted from 0, and its steps.
    fn rung(&self, step: u64) -> Option<(u32, u64)> {
        let factor = self.factor.max(2);
        let steps = |rung: u32| self.least.max(1).checked_mul(factor.checked_pow(rung)?);
        let top = (0..64).take_while(|&r| steps(r).is_some_and(|s| s <= step)).last()?;
        Some((top, steps(top)?))
    }

    /// Whether a loss is among the best `1 / factor` of those that reached a rung; alone, it is.
    fn goes_on(&self, loss: f64, others: &[f64]) -> bool {
        let keep = ((others.len() + 1) as u64 / self.factor.max(2)).max(1) as usize;
        !loss.is_nan() && others.iter().filter(|o| **o < loss).count() < keep
    }

    /// The losses at the rung of `steps` of the trials that reached it, by number.
    fn at_rung(history: &History<'_>, steps: u64) -> Vec<(usize, f64)> {
        let direction = history.directions[0];
        let reached = |t: &&Trial| t.steps.last_key_value().is_some_and(|(last, _)| *last >= steps);
        let loss = |t: &Trial| Some((t.number, best_until(t, steps, direction)?));
        history.visible().filter(reached).filter_map(loss).collect()
    }
}

impl Pruner for SuccessiveHalving {
    fn name(&self) -> &'static str {
        "successive-halving"
    }

    fn prunes(&self, history: &History<'_>, trial: &Trial) -> bool {
        let Some((&step, _)) = trial.steps.last_key_value() else { return false };
        let before = trial.steps.range(..step).next_back().map_or(0, |(s, _)| *s);
        let Some((rung, steps)) = self.rung(step) else { return false };
        // Only the step that reaches a rung decides.
        if self.rung(before).is_some_and(|(r, _)| r >= rung) {
            return false;
        }
        let others: Vec<f64> = Self::at_rung(history, steps).into_iter().map(|(_, v)| v).collect();
        let own = best_until(trial, steps.max(step), history.directions[0]).unwrap_or(f64::NAN);
        !self.goes_on(own, &others)
    }

    fn promotes(&self, history: &History<'_>) -> Option<usize> {
        let resumed = |number: usize| {
            history
                .trials
                .iter()
                .any(|t| t.system.get(RESUMED).and_then(serde_json::Value::as_u64) == Some(number as u64))
        };
        let stopped = history.visible().filter(|t| t.state == State::Pruned && !resumed(t.number));
        let candidate = |t: &Trial| {
            let (rung, steps) = self.rung(*t.steps.last_key_value()?.0)?;
            let all = Self::at_rung(history, steps);
            let own = all.iter().find(|(n, _)| *n == t.number)?.1;
            let others: Vec<f64> = all.iter().filter(|(n, _)| *n != t.number).map(|(_, v)| *v).collect();
            // Alone at its rung nobody is promoted: a comparison is what promotes.
            (others.len() as u64 + 1 >= self.factor && self.goes_on(own, &others)).then_some((rung, own, t.number))
        };
        let best = stopped.filter_map(candidate).max_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
        best.map(|(_, _, number)| number)
    }
}

/// Hyperband (Li et al. 2018): brackets of successive halving that start at different rungs, so that
/// neither early nor late bloomers are lost. A trial's bracket follows from its number.
pub struct Hyperband {
    /// Steps of the first rung of the first bracket.
    pub least: u64,
    /// Steps of a whole trial.
    pub most: u64,
    /// As in [`SuccessiveHalving`].
    pub factor: u64,
}

impl Default for Hyperband {
    fn default() -> Self {
        Self { least: 1, most: 81, factor: 3 }
    }
}

impl Hyperband {
    /// The successive halving of the bracket that trial `number` belongs to.
    fn bracket(&self, number: usize) -> (usize, SuccessiveHalving) {
        let factor = self.factor.max(2);
        let span = (self.most.max(1) as f64 / self.least.max(1) as f64).max(1.0);
        let brackets = (span.ln() / (factor as f64).ln() + 1e-9).floor() as u32 + 1;
        // Bracket s gets trials in proportion to the steps it saves: ⌈brackets · factorᵏ / (k + 1)⌉ with
        // k = brackets − 1 − s.
        let share = |s: u32| {
            let k = brackets - 1 - s;
            (f64::from(brackets) * (factor as f64).powi(k as i32) / f64::from(k + 1)).ceil() as usize
        };
        let cycle: usize = (0..brackets).map(share).sum();
        // Spread over the cycle by a step that is coprime to it: no bracket waits for another's end.
        let stride = (cycle * 3 / 8..).map(|s| s | 1).find(|s| gcd(*s, cycle) == 1).unwrap_or(1);
        let mut place = number * stride % cycle;
        let mut s = 0;
        while place >= share(s) {
            place -= share(s);
            s += 1;
        }
        (s as usize, SuccessiveHalving { least: self.least.max(1) * factor.pow(s), factor })
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

impl Pruner for Hyperband {
    fn name(&self) -> &'static str {
        "hyperband"
    }

    fn prunes(&self, history: &History<'_>, trial: &Trial) -> bool {
        let (bracket, halving) = self.bracket(trial.number);
        let own: Vec<Trial> = history.visible().filter(|t| self.bracket(t.number).0 == bracket).cloned().collect();
        halving.prunes(&History { trials: &own, ..*history }, trial)
    }
}

/// Stops a trial whose value has not improved for some steps.
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

/// For cross-validation, where step `k` is the mean of the first `k` folds: stops a trial once its folds
/// are so much worse than the same folds of the best complete trial that the rest cannot be expected to
/// turn it, a race of paired differences (Maron and Moore 1994; Birattari et al. 2002).
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
    use super::*;
    use crate::{Params, Space};

    fn trial(number: usize, state: State, steps: &[(u64, f64)]) -> Trial {
        let mut t = Trial::new(number, Params::default());
        t.state = state;
        t.steps = steps.iter().copied().collect();
        if state == State::Complete {
            t.values = steps.last().map(|s| vec![s.1]).unwrap_or_default();
        }
        t
    }

    fn with<T>(trials: &[Trial], f: impl FnOnce(&History<'_>) -> T) -> T {
        let codes = vec![Some(vec![]); trials.len()];
        let space = Space::new();
        let directions = [Direction::Minimise];
        f(&History { space: &space, seed: 0, directions: &directions, trials, codes: &codes, horizon: usize::MAX })
    }

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

    #[test]
    fn halving_keeps_a_third_and_promotes_later() {
        let asha = SuccessiveHalving::default();
        assert_eq!(
            (asha.rung(0), asha.rung(1), asha.rung(8), asha.rung(9)),
            (None, Some((0, 1)), Some((1, 3)), Some((2, 9)))
        );
        let first = trial(0, State::Complete, &[(1, 1.0), (2, 1.0), (3, 1.0)]);
        let second = |v| trial(1, State::Running, &[(1, v)]);
        // Of two, one third rounded up to one goes on.
        assert!(with(std::slice::from_ref(&first), |h| asha.prunes(h, &second(2.0))));
        assert!(!with(std::slice::from_ref(&first), |h| asha.prunes(h, &second(0.5))));
        // Between rungs nothing is decided.
        assert!(
            !with(std::slice::from_ref(&first), |h| asha.prunes(h, &trial(1, State::Running, &[(1, 0.5), (2, 9.0)])))
        );
        let mut all = vec![first, trial(1, State::Pruned, &[(1, 2.0)])];
        assert_eq!(with(&all, |h| asha.promotes(h)), None);
        all.extend((2..6).map(|i| trial(i, State::Pruned, &[(1, 9.0)])));
        assert_eq!(with(&all, |h| asha.promotes(h)), Some(1));
        let mut again = trial(6, State::Running, &[(1, 2.0)]);
        again.system.insert(RESUMED.into(), 1.into());
        all.push(again);
        assert_eq!(with(&all, |h| asha.promotes(h)), None);
    }

    #[test]
    fn hyperband_has_brackets_in_every_cycle() {
        let band = Hyperband { least: 1, most: 9, factor: 3 };
        let mut counts = [0usize; 3];
        (0..28).for_each(|n| counts[band.bracket(n).0] += 1);
        // Three brackets: ⌈3·9/3⌉, ⌈3·3/2⌉, ⌈3·1/1⌉ of 17 trials.
        let mut cycle = [0usize; 3];
        (0..17).for_each(|n| cycle[band.bracket(n).0] += 1);
        assert_eq!(cycle, [9, 5, 3]);
        assert!(counts.iter().all(|c| *c >= 3));
        assert_eq!(
            [0, 1, 2].map(|s| (0..17).find(|n| band.bracket(*n).0 == s).map(|n| band.bracket(n).1.least)),
            [Some(1), Some(3), Some(9)]
        );
    }

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
