//! Studies in this process only.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use super::contract::{Scope, Store, StoreError, StudyRecord, domains_of};
use crate::domain::Domain;
use crate::history::Direction;
use crate::space::Space;
use crate::trial::{Attributes, State, Trial};

/// Keeps studies in memory. It knows no clock: its trials have no times, so that the same search
/// leaves the same bytes.
///
/// ```
/// use specialist_search::{Direction, MemoryStore, Random, Space, Store, Study};
/// use std::sync::Arc;
/// let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
/// let space = Space::new().float("x", 0.0, 1.0);
/// let mut study = Study::create(Arc::clone(&store), "s", space, &[Direction::Minimise], 0).unwrap();
/// study.optimize(&Random, 3, |p| Ok(p.float("x"))).unwrap();
/// assert_eq!(store.studies().unwrap().len(), 1);
/// ```
#[derive(Default)]
pub struct MemoryStore {
    studies: Mutex<BTreeMap<i64, Kept>>,
}

struct Kept {
    record: StudyRecord,
    trials: Vec<Trial>,
    beats: BTreeMap<usize, Instant>,
    domains: BTreeMap<String, Domain>,
}

impl MemoryStore {
    /// Without studies.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<i64, Kept>> {
        self.studies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, study: i64, f: impl FnOnce(&mut Kept) -> Result<T, StoreError>) -> Result<T, StoreError> {
        f(self.lock().get_mut(&study).ok_or_else(|| StoreError::NoStudy(study.to_string()))?)
    }

    fn open<T>(&self, study: i64, number: usize, f: impl FnOnce(&mut Trial) -> T) -> Result<T, StoreError> {
        self.with(study, |kept| {
            let trial = kept.trials.get_mut(number).ok_or(StoreError::NoTrial(number))?;
            if trial.state.is_finished() { Err(StoreError::Finished(number)) } else { Ok(f(trial)) }
        })
    }
}

impl Store for MemoryStore {
    fn create_study(&self, name: &str, directions: &[Direction]) -> Result<i64, StoreError> {
        let mut studies = self.lock();
        if studies.values().any(|k| k.record.name == name) {
            return Err(StoreError::Exists(name.into()));
        }
        let id = studies.keys().next_back().map_or(1, |last| last + 1);
        let record = StudyRecord {
            id,
            name: name.into(),
            directions: directions.to_vec(),
            user: BTreeMap::new(),
            system: BTreeMap::new(),
        };
        let kept = Kept { record, trials: Vec::new(), beats: BTreeMap::new(), domains: BTreeMap::new() };
        studies.insert(id, kept);
        Ok(id)
    }

    fn studies(&self) -> Result<Vec<StudyRecord>, StoreError> {
        Ok(self.lock().values().map(|k| k.record.clone()).collect())
    }

    fn delete_study(&self, study: i64) -> Result<(), StoreError> {
        self.lock().remove(&study).map(|_| ()).ok_or_else(|| StoreError::NoStudy(study.to_string()))
    }

    fn set_study_attribute(&self, study: i64, scope: Scope, key: &str, value: &Json) -> Result<(), StoreError> {
        self.with(study, |kept| {
            let notes = match scope {
                Scope::User => &mut kept.record.user,
                Scope::System => &mut kept.record.system,
            };
            notes.insert(key.into(), value.clone());
            Ok(())
        })
    }

    fn add_trial(
        &self,
        study: i64,
        trial: &Trial,
        space: &Space,
        expected: Option<usize>,
    ) -> Result<Option<usize>, StoreError> {
        self.with(study, |kept| {
            let number = kept.trials.len();
            if expected.is_some_and(|e| e != number) {
                return Ok(None);
            }
            for (name, domain) in domains_of(&trial.params, space) {
                if kept.domains.get(name) != Some(domain) {
                    kept.domains.insert(name.into(), domain.clone());
                }
            }
            if trial.state == State::Running {
                // Beats are kept beside the trial: a clock in it would leave other bytes.
                kept.beats.insert(number, Instant::now());
            }
            kept.trials.push(Trial { number, ..trial.clone() });
            Ok(Some(number))
        })
    }

    fn claim(&self, study: i64, number: usize, claimed: &Trial, _: &Space) -> Result<bool, StoreError> {
        self.with(study, |kept| {
            let trial = kept.trials.get_mut(number).ok_or(StoreError::NoTrial(number))?;
            let waits = trial.state == State::Waiting;
            if waits {
                kept.beats.insert(number, Instant::now());
                trial.state = State::Running;
                trial.system.extend(claimed.system.clone());
                for (name, value) in &claimed.params.0 {
                    trial.params.0.entry(name.clone()).or_insert_with(|| value.clone());
                }
            }
            Ok(waits)
        })
    }

    fn take_over(
        &self,
        study: i64,
        number: usize,
        key: &str,
        before: &Json,
        notes: &Attributes,
    ) -> Result<bool, StoreError> {
        self.with(study, |kept| {
            let trial = kept.trials.get_mut(number).ok_or(StoreError::NoTrial(number))?;
            let taken = trial.state == State::Running && trial.system.get(key) == Some(before);
            if taken {
                kept.beats.insert(number, Instant::now());
                trial.system.extend(notes.clone());
            }
            Ok(taken)
        })
    }

    fn report(&self, study: i64, number: usize, step: u64, value: f64) -> Result<(), StoreError> {
        self.open(study, number, |t| _ = t.steps.insert(step, value))
    }

    fn set_trial_attribute(
        &self,
        study: i64,
        number: usize,
        scope: Scope,
        key: &str,
        value: &Json,
    ) -> Result<(), StoreError> {
        self.open(study, number, |t| {
            let notes = match scope {
                Scope::User => &mut t.user,
                Scope::System => &mut t.system,
            };
            notes.insert(key.into(), value.clone());
        })
    }

    fn finish(&self, study: i64, number: usize, state: State, values: &[f64]) -> Result<(), StoreError> {
        self.open(study, number, |t| {
            t.state = state;
            t.values = values.to_vec();
        })
    }

    fn beat(&self, study: i64, number: usize) -> Result<(), StoreError> {
        self.with(study, |kept| {
            kept.beats.insert(number, Instant::now());
            Ok(())
        })
    }

    fn silent(&self, study: i64, grace: Duration) -> Result<Vec<usize>, StoreError> {
        self.with(study, |kept| {
            let late = |n: &usize| kept.trials[*n].state == State::Running && kept.beats[n].elapsed() > grace;
            Ok(kept.beats.keys().copied().filter(|n| *n < kept.trials.len()).filter(late).collect())
        })
    }

    fn read(&self, study: i64, numbers: &[usize], from: usize) -> Result<Vec<Trial>, StoreError> {
        self.with(study, |kept| {
            let some = numbers.iter().filter(|n| **n < from).filter_map(|&n| kept.trials.get(n));
            Ok(some.chain(kept.trials.iter().skip(from)).cloned().collect())
        })
    }

    fn domains(&self, study: i64) -> Result<Vec<(String, Domain)>, StoreError> {
        self.with(study, |kept| Ok(kept.domains.iter().map(|(n, d)| (n.clone(), d.clone())).collect()))
    }

    fn is_shared(&self) -> bool {
        false
    }
}
