//! What a store is and promises.

use std::path::Path;
use std::time::Duration;

use serde_json::Value as Json;
use thiserror::Error;

use crate::domain::Domain;
use crate::history::Direction;
use crate::params::Params;
use crate::space::Space;
use crate::trial::{Attributes, State, Trial};

/// A store cannot do what it was asked for.
///
/// ```
/// use specialist_search::{MemoryStore, Store, StoreError};
/// let store = MemoryStore::new();
/// assert!(matches!(store.study("none"), Err(StoreError::NoStudy(name)) if name == "none"));
/// ```
#[derive(Debug, Error)]
pub enum StoreError {
    /// There is such a study already.
    #[error("there is already a study `{0}`")]
    Exists(String),
    /// There is no such study.
    #[error("there is no study `{0}`")]
    NoStudy(String),
    /// There is no such trial.
    #[error("the study has no trial {0}")]
    NoTrial(usize),
    /// A finished trial cannot be changed.
    #[error("trial {0} is finished and cannot be changed")]
    Finished(usize),
    /// The file or database is something else, or of a version that this program does not know.
    #[error("{place} is not a study store that this program can use: {reason}")]
    Foreign {
        /// The file or database.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A line or row is not what it should be.
    #[error("{place}, {at}: {reason}")]
    Corrupt {
        /// The file or database.
        place: String,
        /// Which line or row.
        at: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The disk, the network or the server failed.
    #[error("{place}: {reason}")]
    Io {
        /// The file or database.
        place: String,
        /// What the system said.
        reason: String,
    },
}

impl StoreError {
    /// Whether what is stored is at fault, not what surrounds it.
    #[must_use]
    pub fn is_corrupt(&self) -> bool {
        matches!(self, Self::Foreign { .. } | Self::Corrupt { .. })
    }
}

/// A study in a store, without its trials.
///
/// ```
/// use specialist_search::{Direction, MemoryStore, Store, StudyRecord};
/// let store = MemoryStore::new();
/// store.create_study("s", &[Direction::Maximise]).unwrap();
/// let record: StudyRecord = store.study("s").unwrap();
/// assert_eq!((record.name.as_str(), record.directions), ("s", vec![Direction::Maximise]));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct StudyRecord {
    /// The store's key of it.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Which way is better, for each objective.
    pub directions: Vec<Direction>,
    /// The user's notes.
    pub user: Attributes,
    /// The search's notes.
    pub system: Attributes,
}

/// Whose note it is.
///
/// ```
/// use specialist_search::{Direction, MemoryStore, Scope, Store};
/// let store = MemoryStore::new();
/// let id = store.create_study("s", &[Direction::Minimise]).unwrap();
/// store.set_study_attribute(id, Scope::User, "who", &serde_json::json!("ann")).unwrap();
/// assert_eq!(store.study("s").unwrap().user["who"], "ann");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The user's.
    User,
    /// The search's.
    System,
}

/// Keeps studies for one process or for many. What every store promises, and the contract kit in
/// `specialist-testing` checks:
///
/// - a call that returned is kept, whatever happens to the process afterwards; one that did not return
///   is kept as a whole or not at all;
/// - numbers of trials count from 0 without a gap, whoever adds them;
/// - a finished trial never changes; of two that finish it, or claim it, one is told that it lost;
/// - a process that dies blocks no other one for more than two seconds.
///
/// ```
/// use specialist_search::{Direction, MemoryStore, Params, Space, State, Store, Trial};
/// let store = MemoryStore::new();
/// let id = store.create_study("s", &[Direction::Minimise]).unwrap();
/// let number = store.add_trial(id, &Trial::new(0, Params::default()), &Space::new(), None).unwrap().unwrap();
/// store.finish(id, number, State::Complete, &[0.5]).unwrap();
/// assert_eq!(store.read(id, &[], 0).unwrap()[0].values, [0.5]);
/// assert!(store.report(id, number, 1, 0.4).is_err(), "a finished trial never changes");
/// ```
pub trait Store: Send + Sync {
    /// Adds a study without trials.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when there is one of that name.
    fn create_study(&self, name: &str, directions: &[Direction]) -> Result<i64, StoreError>;

    /// All studies, oldest first.
    ///
    /// # Errors
    /// [`StoreError`]
    fn studies(&self) -> Result<Vec<StudyRecord>, StoreError>;

    /// Removes a study with its trials.
    ///
    /// # Errors
    /// [`StoreError::NoStudy`]
    fn delete_study(&self, study: i64) -> Result<(), StoreError>;

    /// Sets a note on a study.
    ///
    /// # Errors
    /// [`StoreError`]
    fn set_study_attribute(&self, study: i64, scope: Scope, key: &str, value: &Json) -> Result<(), StoreError>;

    /// Adds `trial` (whatever its number says) and returns its number. With `expected`, only if that
    /// is the number it gets; `None` if it is not. The parameters' domains are those of `space`.
    ///
    /// # Errors
    /// [`StoreError`]
    fn add_trial(
        &self,
        study: i64,
        trial: &Trial,
        space: &Space,
        expected: Option<usize>,
    ) -> Result<Option<usize>, StoreError>;

    /// Turns a waiting trial into a running one, with those parameters of `claimed` that it has not yet and
    /// with its system notes; false if it waits no longer.
    ///
    /// # Errors
    /// [`StoreError`]
    fn claim(&self, study: i64, number: usize, claimed: &Trial, space: &Space) -> Result<bool, StoreError>;

    /// Gives a running trial whose system note `key` is `before` these system notes, and a beat; false if it is no longer
    /// so. Of two workers that take over a trial from a dead one, one is told that it lost.
    ///
    /// # Errors
    /// [`StoreError`]
    fn take_over(
        &self,
        study: i64,
        number: usize,
        key: &str,
        before: &Json,
        notes: &Attributes,
    ) -> Result<bool, StoreError>;

    /// Sets a value on the way.
    ///
    /// # Errors
    /// [`StoreError::Finished`]
    fn report(&self, study: i64, number: usize, step: u64, value: f64) -> Result<(), StoreError>;

    /// Sets a note on a trial.
    ///
    /// # Errors
    /// [`StoreError::Finished`]
    fn set_trial_attribute(
        &self,
        study: i64,
        number: usize,
        scope: Scope,
        key: &str,
        value: &Json,
    ) -> Result<(), StoreError>;

    /// Ends a trial.
    ///
    /// # Errors
    /// [`StoreError::Finished`] if it has ended already.
    fn finish(&self, study: i64, number: usize, state: State, values: &[f64]) -> Result<(), StoreError>;

    /// Says that somebody still works on a trial.
    ///
    /// # Errors
    /// [`StoreError`]
    fn beat(&self, study: i64, number: usize) -> Result<(), StoreError>;

    /// The running trials that had a beat once but none within `grace`.
    ///
    /// # Errors
    /// [`StoreError`]
    fn silent(&self, study: i64, grace: Duration) -> Result<Vec<usize>, StoreError>;

    /// The trials with these numbers and all from number `from` on, in order.
    ///
    /// # Errors
    /// [`StoreError`]
    fn read(&self, study: i64, numbers: &[usize], from: usize) -> Result<Vec<Trial>, StoreError>;

    /// The domain of every parameter that a trial of the study has, the newest one of each name.
    ///
    /// # Errors
    /// [`StoreError`]
    fn domains(&self, study: i64) -> Result<Vec<(String, Domain)>, StoreError>;

    /// Whether other processes may change it too.
    fn is_shared(&self) -> bool {
        true
    }

    /// The study called `name`.
    ///
    /// # Errors
    /// [`StoreError::NoStudy`]
    fn study(&self, name: &str) -> Result<StudyRecord, StoreError> {
        self.studies()?.into_iter().find(|s| s.name == name).ok_or_else(|| StoreError::NoStudy(name.into()))
    }
}

/// A flat space of the domains that a study's trials name: what can be known of a study that another
/// program made.
///
/// ```
/// use specialist_search::{Direction, MemoryStore, Space, Store, Trial, flat_space};
/// let (store, space) = (MemoryStore::new(), Space::new().float("x", 0.0, 1.0));
/// let id = store.create_study("s", &[Direction::Minimise]).unwrap();
/// store.add_trial(id, &Trial::new(0, space.decode(&[0.5])), &space, None).unwrap();
/// assert_eq!(flat_space(&store, id).unwrap(), space);
/// ```
///
/// # Errors
/// [`StoreError`]
pub fn flat_space(store: &dyn Store, study: i64) -> Result<Space, StoreError> {
    Ok(store.domains(study)?.into_iter().fold(Space::new(), |s, (name, domain)| s.with(&name, domain)))
}

/// What the system said of a file.
pub(super) fn io(path: &Path, e: &std::io::Error) -> StoreError {
    StoreError::Io { place: path.display().to_string(), reason: e.to_string() }
}

/// Microseconds since 1970, for a trial's start and end.
pub(crate) fn now() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_micros() as i64)
}

/// The domains of the parameters that `params` has, in its order.
pub(crate) fn domains_of<'a>(params: &'a Params, space: &'a Space) -> impl Iterator<Item = (&'a str, &'a Domain)> {
    params.0.keys().filter_map(|n| Some((n.as_str(), &space.param(n)?.domain)))
}
