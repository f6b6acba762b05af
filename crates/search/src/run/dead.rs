//! Trials whose worker died.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::notes::{DIED, WORKER};
use crate::store::contract::{Scope, StoreError};
use crate::study::Study;
use crate::trial::{FAILURE, State, Trial};
use crate::worker;

/// Optuna's notes on a trial that repeats one whose worker died.
const FIRST_FAILED: &str = "failed_trial";
pub(super) const RETRIES: &str = "retry_history";

/// Takes over the running trials whose worker is dead or silent, except `own`, and returns their numbers: they are
/// evaluated again as what they are, or every later suggestion would see another history. One whose worker died more than
/// `retries` times has failed. Trials of Optuna's workers are ended and added anew, in Optuna's words, as Optuna does.
pub(super) fn repeat_dead(
    study: &mut Study,
    grace: Duration,
    retries: usize,
    own: &BTreeSet<usize>,
) -> Result<Vec<usize>, StoreError> {
    let (store, id) = (study.store().0.clone(), study.store().1);
    let mut dead: BTreeSet<usize> = store.silent(id, grace)?.into_iter().collect();
    // On this machine a dead process is seen at once, without waiting for its silence.
    for t in study.trials().iter().filter(|t| t.state == State::Running) {
        if t.system.get(WORKER).and_then(Json::as_str).is_some_and(worker::is_dead) {
            dead.insert(t.number);
        }
    }
    let mut taken = Vec::new();
    for number in dead.into_iter().filter(|n| !own.contains(n)) {
        let Some(trial) = study.trials().get(number) else { continue };
        let died = trial.system.get(DIED).and_then(Json::as_u64).unwrap_or(0);
        if let Some(before) = trial.system.get(WORKER)
            && died < retries as u64
        {
            let notes = [(WORKER.to_string(), json!(worker::identity())), (DIED.to_string(), json!(died + 1))];
            // Somebody else may have been faster, or it lived after all.
            if store.take_over(id, number, WORKER, before, &notes.into())? {
                taken.push(number);
            }
            continue;
        }
        if trial.system.contains_key(WORKER) {
            match study.tell(number, Err("its worker died")) {
                Ok(()) | Err(StoreError::Finished(_)) => continue,
                Err(e) => return Err(e),
            }
        }
        let end = || {
            store.set_trial_attribute(id, number, Scope::System, DIED, &json!(true))?;
            store.set_trial_attribute(id, number, Scope::User, FAILURE, &json!("its worker died"))?;
            store.finish(id, number, State::Failed, &[])
        };
        match end() {
            // Somebody else was faster, or it lived after all.
            Ok(()) | Err(StoreError::Finished(_)) => {}
            Err(e) => return Err(e),
        }
    }
    study.sync()?;
    // Whoever ended a trial may have died before the repeat was added: any worker adds it.
    loop {
        let repeated: BTreeSet<u64> =
            study.trials().iter().filter_map(|t| t.system.get(RETRIES)?.as_array()?.last()?.as_u64()).collect();
        let history = |t: &Trial| t.system.get(RETRIES).and_then(Json::as_array).cloned().unwrap_or_default();
        // One that was tried too often stays failed.
        let orphan = study.trials().iter().find(|t| {
            let died = t.state == State::Failed && t.system.contains_key(DIED) && !t.system.contains_key(WORKER);
            died && !repeated.contains(&(t.number as u64)) && history(t).len() < retries
        });
        let Some(orphan) = orphan else { return Ok(taken) };
        let mut history = history(orphan);
        history.push(json!(orphan.number));
        let mut again = Trial { state: State::Waiting, ..Trial::new(study.trials().len(), orphan.params.clone()) };
        again.user = orphan.user.clone();
        again.user.remove(FAILURE);
        again.system = orphan.system.clone();
        [DIED, WORKER].iter().for_each(|key| _ = again.system.remove(*key));
        again.system.entry(FIRST_FAILED.into()).or_insert(json!(orphan.number));
        again.system.insert(RETRIES.into(), Json::Array(history));
        if study.insert(again, Some(study.trials().len()))?.is_none() {
            study.sync()?;
        }
    }
}
