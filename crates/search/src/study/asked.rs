//! Trials that are begun: suggested, given, taken up and gone on with.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::Value as Json;

use super::Study;
use crate::history::same;
use crate::notes::{RESUMED, WORKER};
use crate::params::Params;
use crate::sampler::contract::Sampler;
use crate::sampler::random::Random;
use crate::store::contract::{StoreError, now};
use crate::trial::Trial;
use crate::worker;

impl Study {
    /// The values that `sampler` suggests for the next trial; `None` when nothing is left to try. They
    /// depend on the seed, the trial's number and the trials before it.
    #[must_use]
    pub fn suggest(&self, sampler: &dyn Sampler) -> Option<Params> {
        const TRIES: u64 = 10;
        let history = self.history(self.trials.len());
        let number = self.trials.len() as u64;
        let mut first = None;
        for again in 0..TRIES {
            // A generator for each trial and not one for the study: what a trial is suggested must not depend on who drew before.
            // A further try stays clear of the seeds of other trials.
            let mut rng = ChaCha8Rng::seed_from_u64(self.seed.wrapping_add(number).wrapping_add(again << 32));
            let params = sampler.suggest(&history, &mut rng)?;
            if !sampler.avoids_duplicates() || !self.tried(&params) {
                return Some(params);
            }
            first.get_or_insert(params);
        }
        self.untried().or(first)
    }

    fn tried(&self, params: &Params) -> bool {
        let Some(code) = self.space.encode(params) else { return false };
        self.codes.iter().flatten().any(|c| same(c, &code))
    }

    /// A random point that was not tried; `None` when none was found.
    fn untried(&self) -> Option<Params> {
        let history = self.history(self.trials.len());
        if self.space.size().is_some_and(|n| n <= self.trials.len() as u64) {
            return None;
        }
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed ^ self.trials.len() as u64);
        (0..2000).filter_map(|_| Random.suggest(&history, &mut rng)).find(|p| !self.tried(p))
    }

    /// Starts a trial with values of the caller's own (a default, a point known to be good).
    ///
    /// # Errors
    /// [`StoreError`]
    pub fn enqueue(&mut self, params: Params) -> Result<usize, StoreError> {
        Ok(self.add(params, None)?.expect("any number will do"))
    }

    /// Starts a trial with the values that `sampler` suggests; `None` when nothing is left to try.
    ///
    /// # Errors
    /// [`StoreError`]
    pub fn ask(&mut self, sampler: &dyn Sampler) -> Result<Option<usize>, StoreError> {
        loop {
            let Some(params) = self.suggest(sampler) else { return Ok(None) };
            // Added under the number that it was suggested for, or not at all.
            if let Some(number) = self.add(params, Some(self.trials.len()))? {
                return Ok(Some(number));
            }
            // Another process was faster: its trial counts now.
            let before = self.trials.len();
            self.sync()?;
            if self.trials.len() == before {
                return Err(self.miscounted());
            }
        }
    }

    pub(crate) fn add(&mut self, params: Params, expected: Option<usize>) -> Result<Option<usize>, StoreError> {
        let trial = self.begun(params);
        self.insert(trial, expected)
    }

    /// A trial that this process starts now.
    fn begun(&self, params: Params) -> Trial {
        let mut trial = Trial::new(self.trials.len(), params);
        if self.store.is_shared() {
            trial.started = Some(now());
            trial.system.insert(WORKER.into(), Json::from(worker::identity()));
        } else {
            // No time and no process: in memory the same search leaves the same bytes.
            trial.system.insert(WORKER.into(), Json::from("this process"));
        }
        trial
    }

    /// Starts a trial that goes on where pruned trial `number` was stopped; `None` when another process
    /// added a trial in between.
    ///
    /// # Errors
    /// [`StoreError`]
    pub fn resume(&mut self, number: usize) -> Result<Option<usize>, StoreError> {
        // A trial of its own: what has ended never changes.
        let before = &self.trials[number];
        let mut trial = self.begun(before.params.clone());
        trial.steps = before.steps.clone();
        trial.system.insert(RESUMED.into(), number.into());
        self.insert(trial, Some(self.trials.len()))
    }

    /// Takes up a waiting trial; false if another worker has it.
    pub(crate) fn claim(&mut self, number: usize) -> Result<bool, StoreError> {
        let claimed = self.begun(self.completed(&self.trials[number].params));
        let claimed = self.store.claim(self.id, number, &claimed, &self.space)?;
        self.sync()?;
        Ok(claimed)
    }

    /// `params` with the parameters that a waiting trial does not fix, in the middle of their range.
    fn completed(&self, params: &Params) -> Params {
        self.space.choose(|p| match params.get(&p.name) {
            Some(v) if p.domain.code(v).is_some() => v.clone(),
            _ => p.domain.value(if p.domain.is_numeric() { 0.5 } else { 0.0 }),
        })
    }

    pub(crate) fn insert(&mut self, trial: Trial, expected: Option<usize>) -> Result<Option<usize>, StoreError> {
        let Some(number) = self.store.add_trial(self.id, &trial, &self.space, expected)? else { return Ok(None) };
        if number == self.trials.len() {
            self.keep(Trial { number, ..trial });
        } else {
            self.sync()?;
        }
        Ok(Some(number))
    }
}
