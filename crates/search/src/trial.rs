//! One point of the space and what came of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::notes::WORKER;
use crate::params::Params;

/// Where a trial stands.
///
/// ```
/// use specialist_search::{Random, Space, State, Study};
/// let mut study = Study::minimise("s", Space::new().float("x", 0.0, 1.0), 0);
/// let trial = study.ask(&Random).unwrap().unwrap();
/// assert_eq!(study.trials()[trial].state, State::Running);
/// study.tell(trial, Ok(&[0.5])).unwrap();
/// assert!(study.trials()[trial].state.is_finished());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Planned; nobody works on it.
    Waiting,
    /// Somebody works on it.
    Running,
    /// It has its value.
    Complete,
    /// Stopped before its end because others were better.
    Pruned,
    /// Could not be evaluated.
    Failed,
}

impl State {
    /// Whether nothing more will come of it.
    #[must_use]
    pub fn is_finished(self) -> bool {
        !matches!(self, Self::Waiting | Self::Running)
    }
}

/// Notes on a trial or a study, by name.
///
/// ```
/// use specialist_search::{Attributes, Params, Trial};
/// let mut trial = Trial::new(0, Params::default());
/// trial.user = Attributes::from([("who".to_string(), serde_json::json!("ann"))]);
/// assert_eq!(trial.user["who"], "ann");
/// ```
pub type Attributes = BTreeMap<String, Json>;

/// One set of values and what came of it.
///
/// ```
/// use specialist_search::{Params, State, Trial};
/// let mut trial = Trial::new(0, Params::default());
/// trial.steps = [(1, 0.5), (2, 0.75)].into();
/// assert_eq!(trial.folds(), [0.5, 1.0]);
/// assert_eq!(trial.value(), None, "it still runs");
/// trial.state = State::Complete;
/// trial.values = vec![0.75];
/// assert_eq!(trial.value(), Some(0.75));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Its number within its study, from 0.
    pub number: usize,
    /// What was tried.
    pub params: Params,
    /// Where it stands.
    pub state: State,
    /// The value of each objective, once it is complete.
    pub values: Vec<f64>,
    /// Values on the way (after a boosting round, an epoch, a fold), by step. In a cross-validation,
    /// step `k` is the mean of the first `k` folds.
    pub steps: BTreeMap<u64, f64>,
    /// The user's notes.
    pub user: Attributes,
    /// The search's notes.
    pub system: Attributes,
    /// When it was started, in microseconds since 1970 (UTC).
    pub started: Option<i64>,
    /// When it ended.
    pub ended: Option<i64>,
}

impl Trial {
    /// A trial that runs.
    #[must_use]
    pub fn new(number: usize, params: Params) -> Self {
        Self {
            number,
            params,
            state: State::Running,
            values: Vec::new(),
            steps: BTreeMap::new(),
            user: Attributes::new(),
            system: Attributes::new(),
            started: None,
            ended: None,
        }
    }

    /// Its value, if it is complete, has one objective, and the value is a number.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        match (self.state, self.values.as_slice()) {
            (State::Complete, [v]) if v.is_finite() => Some(*v),
            _ => None,
        }
    }

    /// The value on each fold of a cross-validation, from the means in [`Trial::steps`].
    #[must_use]
    pub fn folds(&self) -> Vec<f64> {
        let mut sum = 0.0;
        let of = |(i, mean): (usize, &f64)| {
            let total = mean * (i + 1) as f64;
            let fold = total - sum;
            sum = total;
            fold
        };
        self.steps.values().enumerate().map(of).collect()
    }

    /// The process that worked on it, where that is known.
    #[must_use]
    pub fn worker(&self) -> Option<&str> {
        self.system.get(WORKER).and_then(Json::as_str)
    }

    /// Why it failed, as far as it said so.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.user.get(FAILURE).and_then(Json::as_str)
    }
}

/// The user attribute that says why a trial failed.
///
/// ```
/// use specialist_search::{FAILURE, Random, Space, Study};
/// let mut study = Study::minimise("s", Space::new().float("x", 0.0, 1.0), 0);
/// let trial = study.ask(&Random).unwrap().unwrap();
/// study.tell(trial, Err("it diverged")).unwrap();
/// assert_eq!(study.trials()[trial].user[FAILURE], "it diverged");
/// ```
pub const FAILURE: &str = "failure";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_come_back_from_their_running_means() {
        let mut t = Trial::new(0, Params::default());
        t.steps = BTreeMap::from([(1, 0.5), (2, 0.75), (3, 0.6)]);
        let folds = t.folds();
        for (a, b) in folds.iter().zip([0.5, 1.0, 0.3]) {
            assert!((a - b).abs() < 1e-12);
        }
    }
}
