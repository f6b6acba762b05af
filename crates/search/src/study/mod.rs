//! The trials of one search and who is best.

mod asked;
pub(crate) mod best;
mod kept;
mod told;

use std::sync::Arc;

use crate::history::{Direction, History};
use crate::notes::WORKER;
use crate::space::Space;
use crate::store::contract::Store;
use crate::trial::Trial;

/// A search: its space, its directions, its trials, the store that keeps them. Use [`Study::ask`] and
/// [`Study::tell`], or let [`Study::optimize`] or [`run`](fn@crate::run) call them.
///
/// ```
/// use specialist_search::{Random, Space, Study};
/// let mut study = Study::maximise("s", Space::new().int("n", 1, 9), 0);
/// let trial = study.ask(&Random).unwrap().unwrap();
/// let n = study.trials()[trial].params.int("n");
/// study.tell(trial, Ok(&[n as f64])).unwrap();
/// assert_eq!(study.best().unwrap().number, trial);
/// ```
#[derive(Clone)]
pub struct Study {
    name: String,
    space: Space,
    directions: Vec<Direction>,
    seed: u64,
    lag: Option<usize>,
    store: Arc<dyn Store>,
    id: i64,
    trials: Vec<Trial>,
    codes: Vec<Option<Vec<f64>>>,
    /// Whether every trial of ours that has ended carries a checksum.
    sealed: bool,
}

impl Study {
    /// Records the order: the suggestion of trial `n` sees the outcomes of the trials before
    /// `n − concurrency + 1` only and takes the later ones for pending. Up to `concurrency` workers
    /// then leave the identical study, however their trials interleave. Without it, a suggestion sees
    /// whatever has ended by then.
    #[must_use]
    pub fn recorded_order(mut self, concurrency: usize) -> Self {
        self.lag = Some(concurrency.max(1) - 1);
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What may be chosen.
    #[must_use]
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// Which way is better, for each objective.
    #[must_use]
    pub fn directions(&self) -> &[Direction] {
        &self.directions
    }

    /// All trials, in the order they were asked for.
    #[must_use]
    pub fn trials(&self) -> &[Trial] {
        &self.trials
    }

    /// The store that keeps it, and its key there.
    #[must_use]
    pub fn store(&self) -> (&Arc<dyn Store>, i64) {
        (&self.store, self.id)
    }

    /// The study with those trials only that `keep` keeps: to look at, not to go on with.
    #[must_use]
    pub fn only(&self, keep: impl Fn(&Trial) -> bool) -> Self {
        let mut out = self.clone();
        out.trials.retain(|t| keep(t));
        out.codes = out.trials.iter().map(|t| self.codes[t.number].clone()).collect();
        out
    }

    /// What a sampler or pruner may see that acts for trial `next`.
    #[must_use]
    pub fn history(&self, next: usize) -> History<'_> {
        let next = next.min(self.trials.len());
        History {
            space: &self.space,
            seed: self.seed,
            directions: &self.directions,
            trials: &self.trials[..next],
            codes: &self.codes[..next],
            horizon: self.lag.map_or(usize::MAX, |lag| next.saturating_sub(lag)),
        }
    }

    /// The first trial that must end before the next one can be suggested, in a recorded order.
    #[must_use]
    pub fn waits_for(&self) -> Option<usize> {
        let horizon = self.trials.len().saturating_sub(self.lag?);
        // Trials of other programs are not waited for: nobody promised that they end.
        let open = |t: &&Trial| !t.state.is_finished() && t.system.contains_key(WORKER);
        self.trials[..horizon].iter().find(open).map(|t| t.number)
    }
}

impl std::fmt::Debug for Study {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Study").field("name", &self.name).field("trials", &self.trials.len()).finish_non_exhaustive()
    }
}
