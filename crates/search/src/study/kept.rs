//! How a study is made, opened and read from its store.

use std::sync::Arc;

use serde_json::json;

use super::Study;
use crate::history::Direction;
use crate::notes::{SEAL, SPACE, WORKER};
use crate::seal;
use crate::space::Space;
use crate::store::contract::{Scope, Store, StoreError, StudyRecord, flat_space};
use crate::store::memory::MemoryStore;
use crate::trial::Trial;

/// Writes a study's space and checksum: the checksum first, so that a crash in between is seen.
fn describe(store: &dyn Store, id: i64, name: &str, directions: &[Direction], space: &Space) -> Result<(), StoreError> {
    let space = json!(space);
    let seal = seal::of_study(name, directions, &space);
    store.set_study_attribute(id, Scope::System, SEAL, &json!(seal))?;
    store.set_study_attribute(id, Scope::System, SPACE, &space)
}

impl Study {
    /// A study in memory that looks for the smallest value.
    #[must_use]
    pub fn minimise(name: &str, space: Space, seed: u64) -> Self {
        Self::in_memory(name, space, &[Direction::Minimise], seed)
    }

    /// A study in memory that looks for the largest value.
    #[must_use]
    pub fn maximise(name: &str, space: Space, seed: u64) -> Self {
        Self::in_memory(name, space, &[Direction::Maximise], seed)
    }

    /// A study in memory with one or several objectives.
    ///
    /// # Panics
    /// Without objectives.
    #[must_use]
    pub fn in_memory(name: &str, space: Space, directions: &[Direction], seed: u64) -> Self {
        Self::create(Arc::new(MemoryStore::new()), name, space, directions, seed).expect("the store is empty")
    }

    /// A new study in `store`.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when there is one of that name.
    ///
    /// # Panics
    /// Without objectives.
    pub fn create(
        store: Arc<dyn Store>,
        name: &str,
        space: Space,
        directions: &[Direction],
        seed: u64,
    ) -> Result<Self, StoreError> {
        assert!(!directions.is_empty(), "a study has at least one objective");
        let id = store.create_study(name, directions)?;
        describe(&*store, id, name, directions, &space)?;
        let (name, directions) = (name.into(), directions.to_vec());
        let (trials, codes, sealed) = (Vec::new(), Vec::new(), true);
        Ok(Self { name, space, directions, seed, lag: None, store, id, trials, codes, sealed })
    }

    /// The study called `name` in `store`, with the space that was kept with it; the domains of its
    /// trials' parameters, without conditions, where another program made it.
    ///
    /// # Errors
    /// [`StoreError::NoStudy`]
    pub fn open(store: Arc<dyn Store>, name: &str, seed: u64) -> Result<Self, StoreError> {
        let record = store.study(name)?;
        let damaged = |what: &str| StoreError::Corrupt {
            place: "the store".into(),
            at: format!("study `{name}`"),
            reason: format!("{what}: it was damaged"),
        };
        let space = match record.system.get(SPACE) {
            Some(kept) => {
                let own = seal::of_study(name, &record.directions, kept);
                if record.system.get(SEAL).is_some_and(|s| *s != json!(own)) {
                    return Err(damaged("its name, directions and space are not those of its checksum"));
                }
                let space: Space =
                    serde_json::from_value(kept.clone()).map_err(|_| damaged("its space cannot be read"))?;
                space.check().map_err(|_| damaged("its space is none"))?;
                space
            }
            None if record.system.contains_key(SEAL) => return Err(damaged("its space is not there")),
            None => flat_space(&*store, record.id)?,
        };
        Self::of(store, record, space, seed)
    }

    /// The study called `name`, made anew if there is none, over `space`; trials from before that do
    /// not fit into the space are kept, and samplers pass over them.
    ///
    /// # Errors
    /// [`StoreError`]
    pub fn open_or_create(
        store: Arc<dyn Store>,
        name: &str,
        space: Space,
        directions: &[Direction],
        seed: u64,
    ) -> Result<Self, StoreError> {
        // Made first and looked for afterwards: of two that start at once, one is told that it is there.
        match Self::create(Arc::clone(&store), name, space.clone(), directions, seed) {
            Err(StoreError::Exists(_)) => {
                let record = store.study(name)?;
                if record.directions != directions {
                    let reason = format!("study `{name}` has other objectives or directions");
                    return Err(StoreError::Foreign { place: "the store".into(), reason });
                }
                if record.system.get(SPACE) != Some(&json!(space)) {
                    describe(&*store, record.id, name, directions, &space)?;
                }
                Self::of(store, record, space, seed)
            }
            other => other,
        }
    }

    fn of(store: Arc<dyn Store>, record: StudyRecord, space: Space, seed: u64) -> Result<Self, StoreError> {
        let StudyRecord { id, name, directions, system, .. } = record;
        if directions.is_empty() {
            let at = format!("study `{name}`");
            return Err(StoreError::Corrupt { place: "the store".into(), at, reason: "it has no objective".into() });
        }
        let (trials, codes, sealed) = (Vec::new(), Vec::new(), system.contains_key(SEAL));
        let mut study = Self { name, space, directions, seed, lag: None, store, id, trials, codes, sealed };
        study.sync()?;
        Ok(study)
    }

    /// Reads what other processes have written since.
    ///
    /// # Errors
    /// [`StoreError`]
    pub fn sync(&mut self) -> Result<(), StoreError> {
        // What has ended never changes: only open trials and new ones are read.
        let open: Vec<usize> = self.trials.iter().filter(|t| !t.state.is_finished()).map(|t| t.number).collect();
        for trial in self.store.read(self.id, &open, self.trials.len())? {
            self.verify(&trial)?;
            self.keep(trial);
        }
        Ok(())
    }

    /// The store counts other trials than can be read of it.
    pub(crate) fn miscounted(&self) -> StoreError {
        let n = self.trials.len();
        StoreError::Corrupt {
            place: "the store".into(),
            at: format!("study `{}`", self.name),
            reason: format!("it counts other trials than the {n} that can be read: it was damaged"),
        }
    }

    /// Whether a trial that was read is the one that was written, as far as that can be known: another program's trials
    /// have no checksum.
    fn verify(&self, trial: &Trial) -> Result<(), StoreError> {
        let damaged = |reason: &str| StoreError::Corrupt {
            place: "the store".into(),
            at: format!("study `{}`, trial {}", self.name, trial.number),
            reason: reason.into(),
        };
        if trial.number > self.trials.len() {
            return Err(damaged("the trial before it is not there"));
        }
        if !trial.state.is_finished() {
            return Ok(());
        }
        let own = || json!(seal::of_trial(trial, trial.state, &trial.values, &self.space));
        match trial.user.get(SEAL) {
            Some(seal) if *seal == own() => Ok(()),
            Some(_) => Err(damaged("it is not what its checksum says: the store was damaged")),
            None if self.sealed && trial.system.contains_key(WORKER) => {
                Err(damaged("it has no checksum: the store was damaged"))
            }
            None => Ok(()),
        }
    }

    pub(super) fn keep(&mut self, trial: Trial) {
        if trial.number == self.trials.len() {
            self.codes.push(self.space.encode(&trial.params));
            self.trials.push(trial);
        } else if let Some(known) = self.trials.get_mut(trial.number) {
            if known.params != trial.params {
                // A trial of a define-by-run program gets its parameters one by one.
                self.codes[trial.number] = self.space.encode(&trial.params);
            }
            *known = trial;
        }
    }
}
