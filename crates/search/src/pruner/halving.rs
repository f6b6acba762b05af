//! Successive halving and Hyperband.

use super::contract::{Pruner, best_until};
use crate::history::History;
use crate::notes::RESUMED;
use crate::trial::{State, Trial};

/// Asynchronous successive halving (Li et al. 2020): at `least`, `least · factor`, `least · factor²`, …
/// steps a trial goes on only while it is among the best `1 / factor` of the trials that came so far. A
/// trial that was stopped is promoted when later, worse ones put it among them.
///
/// ```
/// use specialist_search::{Pruner, Random, Space, Study, SuccessiveHalving};
/// let mut study = Study::minimise("s", Space::new().float("x", 0.0, 1.0), 0);
/// for value in [1.0, 2.0] {
///     let trial = study.ask(&Random).unwrap().unwrap();
///     study.report(trial, 1, value).unwrap();
/// }
/// study.tell(0, Ok(&[1.0])).unwrap();
/// let halving = SuccessiveHalving::default();
/// assert!(halving.prunes(&study.history(1), &study.trials()[1]));
/// ```
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
        // The highest rung first, as in the paper.
        let best = stopped.filter_map(candidate).max_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
        best.map(|(_, _, number)| number)
    }
}

/// Hyperband (Li et al. 2018): brackets of successive halving that start at different rungs, so that
/// neither early nor late bloomers are lost. A trial's bracket follows from its number.
///
/// ```
/// use specialist_search::{Hyperband, Pruner, Random, Space, Study};
/// let mut study = Study::minimise("s", Space::new().float("x", 0.0, 1.0), 0);
/// for value in [1.0, 2.0] {
///     let trial = study.ask(&Random).unwrap().unwrap();
///     study.report(trial, 1, value).unwrap();
/// }
/// study.tell(0, Ok(&[1.0])).unwrap();
/// let band = Hyperband { most: 9, ..Hyperband::default() };
/// assert!(band.prunes(&study.history(1), &study.trials()[1]));
/// ```
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
        // Spread over the cycle by a step that is coprime to it: no bracket waits for another's end. By the number alone, so that
        // every worker, and a search that goes on, finds the same bracket.
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

#[cfg(test)]
mod tests {
    use super::super::fixtures::{trial, with};
    use super::*;

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
}
