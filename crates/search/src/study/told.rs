//! Trials that are told: values on the way, notes and how they end.

use serde_json::Value as Json;

use super::Study;
use crate::notes::SEAL;
use crate::params::Params;
use crate::sampler::contract::Sampler;
use crate::seal;
use crate::store::contract::{Scope, StoreError, now};
use crate::trial::{FAILURE, State};

impl Study {
    /// Sets a value on the way of a running trial.
    ///
    /// # Errors
    /// [`StoreError::Finished`]
    pub fn report(&mut self, number: usize, step: u64, value: f64) -> Result<(), StoreError> {
        self.store.report(self.id, number, step, value)?;
        self.trials[number].steps.insert(step, value);
        Ok(())
    }

    /// Sets a note on a running trial.
    ///
    /// # Errors
    /// [`StoreError::Finished`]
    pub fn note(&mut self, number: usize, key: &str, value: Json) -> Result<(), StoreError> {
        self.store.set_trial_attribute(self.id, number, Scope::User, key, &value)?;
        self.trials[number].user.insert(key.into(), value);
        Ok(())
    }

    /// Ends trial `number` with the value of each objective, or with the reason of its failure. A value
    /// that is not a number is a failure.
    ///
    /// # Errors
    /// [`StoreError::Finished`] if it has ended already.
    pub fn tell(&mut self, number: usize, outcome: Result<&[f64], &str>) -> Result<(), StoreError> {
        match outcome {
            Ok(values) if values.len() != self.directions.len() => {
                self.fail(number, &format!("{} values for {} objectives", values.len(), self.directions.len()))
            }
            Ok(values) if values.iter().any(|v| v.is_nan()) => self.fail(number, "the value is not a number"),
            Ok(values) => self.end(number, State::Complete, values),
            Err(reason) => self.fail(number, reason),
        }
    }

    fn fail(&mut self, number: usize, reason: &str) -> Result<(), StoreError> {
        self.note(number, FAILURE, reason.into())?;
        self.end(number, State::Failed, &[])
    }

    /// Ends trial `number` before its end, because others were better.
    ///
    /// # Errors
    /// [`StoreError::Finished`] if it has ended already.
    pub fn prune(&mut self, number: usize) -> Result<(), StoreError> {
        self.end(number, State::Pruned, &[])
    }

    fn end(&mut self, number: usize, state: State, values: &[f64]) -> Result<(), StoreError> {
        if self.store.is_shared() {
            // Somebody may have taken the trial over.
            self.sync()?;
            // The checksum before the end: a trial that has ended takes no note.
            let seal = seal::of_trial(&self.trials[number], state, values, &self.space);
            self.note(number, SEAL, seal.into())?;
        }
        self.store.finish(self.id, number, state, values)?;
        let trial = &mut self.trials[number];
        trial.state = state;
        trial.values = values.to_vec();
        if self.store.is_shared() {
            trial.ended = Some(now());
        }
        Ok(())
    }

    /// Asks and tells up to `trials` times.
    ///
    /// # Errors
    /// [`StoreError`]
    pub fn optimize(
        &mut self,
        sampler: &dyn Sampler,
        trials: usize,
        mut objective: impl FnMut(&Params) -> Result<f64, String>,
    ) -> Result<(), StoreError> {
        for _ in 0..trials {
            let Some(number) = self.ask(sampler)? else { break };
            match objective(&self.trials[number].params) {
                Ok(v) => self.tell(number, Ok(&[v]))?,
                Err(reason) => self.tell(number, Err(&reason))?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampler::random::Random;
    use crate::space::Space;

    #[test]
    fn failed_and_nan_trials_are_never_best() {
        let mut s = Study::minimise("s", Space::new().int("n", 1, 100), 0);
        for outcome in [Err("no"), Ok([f64::NAN]), Ok([3.0]), Ok([3.0])] {
            let n = s.ask(&Random).unwrap().unwrap();
            s.tell(n, outcome.as_ref().map(|v| &v[..]).map_err(|e| *e)).unwrap();
        }
        assert_eq!(s.best().unwrap().number, 2);
        assert_eq!(s.trials()[0].failure(), Some("no"));
        assert_eq!(s.trials()[1].state, State::Failed);
        assert!(matches!(s.tell(2, Ok(&[1.0])), Err(StoreError::Finished(2))));
    }

    #[test]
    fn the_same_seed_gives_the_same_study() {
        let run = |seed| {
            let mut s = Study::minimise("s", Space::new().float("x", 0.0, 1.0).categorical("c", ["a", "b"]), seed);
            s.optimize(&Random, 30, |p| Ok(p.float("x"))).unwrap();
            s.trials().to_vec()
        };
        assert_eq!(run(4), run(4));
        assert_ne!(run(4), run(5));
    }
}
