//! The trials of one search and who is best.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::sampler::Sampler;
use crate::space::{Params, Space};

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Smaller is better.
    Minimise,
    /// Larger is better.
    Maximise,
}

/// Where a trial stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum State {
    /// Suggested, not told yet.
    Running,
    /// Told a value; one value per fold stands beside it.
    Complete {
        /// The value: the mean of `parts` where there are any.
        value: f64,
        /// The value on each fold.
        parts: Vec<f64>,
    },
    /// Could not be evaluated.
    Failed {
        /// Why.
        reason: String,
    },
}

/// One set of values and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Its number, from 0.
    pub number: usize,
    /// What was tried.
    pub params: Params,
    /// What came of it.
    #[serde(flatten)]
    pub state: State,
}

impl Trial {
    /// A trial that waits for its value.
    #[must_use]
    pub fn new(number: usize, params: Params) -> Self {
        Self { number, params, state: State::Running }
    }

    /// Its value, if it has one that is a number.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        match self.state {
            State::Complete { value, .. } if value.is_finite() => Some(value),
            _ => None,
        }
    }

    /// Its value on each fold.
    #[must_use]
    pub fn parts(&self) -> &[f64] {
        match &self.state {
            State::Complete { parts, .. } => parts,
            _ => &[],
        }
    }
}

/// A search: its space, its direction, its trials. Use [`Study::ask`] and [`Study::tell`], or let
/// [`Study::optimize`] call them.
///
/// ```
/// use specialist_search::{Random, Space, Study};
/// let mut study = Study::maximise("s", Space::new().int("n", 1, 9), 0);
/// let trial = study.ask(&Random).unwrap();
/// let n = study.trials()[trial].params.int("n");
/// study.tell(trial, Ok(vec![n as f64]));
/// assert_eq!(study.best().unwrap().number, trial);
/// ```
#[derive(Debug, Clone)]
pub struct Study {
    /// Its name.
    pub name: String,
    space: Space,
    direction: Direction,
    seed: u64,
    trials: Vec<Trial>,
}

impl Study {
    /// A study that looks for the smallest value.
    #[must_use]
    pub fn minimise(name: &str, space: Space, seed: u64) -> Self {
        Self { name: name.into(), space, direction: Direction::Minimise, seed, trials: Vec::new() }
    }

    /// A study that looks for the largest value.
    #[must_use]
    pub fn maximise(name: &str, space: Space, seed: u64) -> Self {
        Self { direction: Direction::Maximise, ..Self::minimise(name, space, seed) }
    }

    /// What may be chosen.
    #[must_use]
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// Which way is better.
    #[must_use]
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// All trials, in the order they were asked for.
    #[must_use]
    pub fn trials(&self) -> &[Trial] {
        &self.trials
    }

    /// Starts a trial with values of the caller's own (a default, a point known to be good).
    pub fn enqueue(&mut self, params: Params) -> usize {
        let number = self.trials.len();
        self.trials.push(Trial::new(number, params));
        number
    }

    /// Starts a trial with the values that `sampler` suggests; `None` when nothing is left to try.
    /// The suggestion depends on the seed, the trial's number and the trials before it.
    pub fn ask(&mut self, sampler: &dyn Sampler) -> Option<usize> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed.wrapping_add(self.trials.len() as u64));
        let params = sampler.suggest(&self.space, &self.trials, &mut rng)?;
        Some(self.enqueue(params))
    }

    /// Ends trial `number` with its value on each fold (their mean counts), or with a failure.
    ///
    /// # Panics
    /// When there is no such trial.
    pub fn tell(&mut self, number: usize, outcome: Result<Vec<f64>, String>) {
        self.trials[number].state = match outcome {
            Ok(parts) => State::Complete { value: parts.iter().sum::<f64>() / parts.len() as f64, parts },
            Err(reason) => State::Failed { reason },
        };
    }

    /// Asks and tells up to `trials` times.
    pub fn optimize(
        &mut self,
        sampler: &dyn Sampler,
        trials: usize,
        mut objective: impl FnMut(&Params) -> Result<f64, String>,
    ) {
        for _ in 0..trials {
            let Some(number) = self.ask(sampler) else { break };
            let outcome = objective(&self.trials[number].params);
            self.tell(number, outcome.map(|v| vec![v]));
        }
    }

    /// Whether value `a` is better than value `b`.
    #[must_use]
    pub fn better(&self, a: f64, b: f64) -> bool {
        match self.direction {
            Direction::Minimise => a < b,
            Direction::Maximise => a > b,
        }
    }

    /// The complete trial with the best value; the earliest of equals.
    #[must_use]
    pub fn best(&self) -> Option<&Trial> {
        self.best_where(|_| true)
    }

    /// The best among the trials that `keep` keeps.
    #[must_use]
    pub fn best_where(&self, keep: impl Fn(&Trial) -> bool) -> Option<&Trial> {
        let mut best: Option<(&Trial, f64)> = None;
        for t in self.trials.iter().filter(|t| keep(t)) {
            if let Some(v) = t.value()
                && best.is_none_or(|(_, b)| self.better(v, b))
            {
                best = Some((t, v));
            }
        }
        best.map(|(t, _)| t)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampler::Random;

    #[test]
    fn failed_and_nan_trials_are_never_best() {
        let mut s = Study::minimise("s", Space::new().int("n", 1, 100), 0);
        for outcome in [Err("no".into()), Ok(vec![f64::NAN]), Ok(vec![3.0]), Ok(vec![3.0])] {
            let n = s.ask(&Random).unwrap();
            s.tell(n, outcome);
        }
        assert_eq!(s.best().unwrap().number, 2);
    }

    #[test]
    fn the_same_seed_gives_the_same_study() {
        let run = |seed| {
            let mut s = Study::minimise("s", Space::new().float("x", 0.0, 1.0).categorical("c", ["a", "b"]), seed);
            s.optimize(&Random, 30, |p| Ok(p.float("x")));
            s.trials().to_vec()
        };
        assert_eq!(run(4), run(4));
        assert_ne!(run(4), run(5));
    }
}
