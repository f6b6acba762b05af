//! One trial that is being evaluated.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value as Json;

use crate::params::Params;
use crate::pruner::contract::Pruner;
use crate::store::contract::StoreError;
use crate::study::Study;
use crate::trial::Trial;

/// Why a trial ended without values.
///
/// ```
/// use specialist_search::{Random, Run, Space, State, Stopped, Study, run};
/// use std::sync::Mutex;
/// let study = Mutex::new(Study::minimise("s", Space::new().float("x", 0.0, 1.0), 0));
/// run(&study, &Run::new(&Random, 1), |_| Err(Stopped::Failed("it diverged".into())), &|_, _| {}).unwrap();
/// assert_eq!(study.into_inner().unwrap().trials()[0].state, State::Failed);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum Stopped {
    /// The pruner said so.
    Pruned,
    /// It cannot be evaluated.
    Failed(String),
    /// The store is at fault, or another worker has ended the trial.
    Lost,
}

/// A trial that is being evaluated.
///
/// ```
/// use specialist_search::{Job, Random, Run, Space, Study, run};
/// use std::sync::Mutex;
/// let study = Mutex::new(Study::minimise("s", Space::new().float("x", 0.0, 1.0), 0));
/// let objective = |job: &Job<'_>| {
///     job.note("checkpoint", "epoch-1.bin".into())?;
///     job.report(1, job.params.float("x"))?;
///     Ok(vec![job.params.float("x")])
/// };
/// run(&study, &Run::new(&Random, 3), objective, &|_, _| {}).unwrap();
/// assert_eq!(study.into_inner().unwrap().trials()[2].user["checkpoint"], "epoch-1.bin");
/// ```
pub struct Job<'a> {
    /// Its number.
    pub number: usize,
    /// What to evaluate.
    pub params: &'a Params,
    /// Where a promoted trial goes on: the pruned trial before it, with its steps and notes (of a
    /// checkpoint, say).
    pub resumed: Option<&'a Trial>,
    pub(super) study: &'a Mutex<Study>,
    pub(super) pruner: &'a dyn Pruner,
    /// Why the store did not take what was told of the trial.
    pub(super) fault: Mutex<Option<StoreError>>,
}

impl Job<'_> {
    /// Tells a value on the way.
    ///
    /// # Errors
    /// [`Stopped::Pruned`] when the trial should stop; pass it on.
    pub fn report(&self, step: u64, value: f64) -> Result<(), Stopped> {
        let mut study = lock(self.study);
        study.report(self.number, step, value).map_err(|e| self.lost(e))?;
        let history = study.history(self.number);
        if self.pruner.prunes(&history, &study.trials()[self.number]) { Err(Stopped::Pruned) } else { Ok(()) }
    }

    /// Sets a note on the trial: where its checkpoint lies, say.
    ///
    /// # Errors
    /// [`Stopped::Lost`] when another worker has ended the trial, or the store failed.
    pub fn note(&self, key: &str, value: Json) -> Result<(), Stopped> {
        lock(self.study).note(self.number, key, value).map_err(|e| self.lost(e))
    }

    /// The trial is lost to this worker; where that is the store's fault, the run ends with it: the trial would stay
    /// running, by a worker that lives, and everybody would wait for it.
    fn lost(&self, error: StoreError) -> Stopped {
        if !matches!(error, StoreError::Finished(_)) {
            *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        }
        Stopped::Lost
    }
}

pub(super) fn lock(study: &Mutex<Study>) -> MutexGuard<'_, Study> {
    study.lock().unwrap_or_else(PoisonError::into_inner)
}
