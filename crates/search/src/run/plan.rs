//! How a run goes about it and when it stops.

use std::time::Duration;

use crate::pruner::contract::{Never, Pruner};
use crate::sampler::contract::Sampler;

/// How a run goes about it.
///
/// ```
/// use specialist_search::{Median, Random, Run};
/// let plan = Run { workers: 4, pruner: &Median { startup: 3, warmup: 0, share: 0.5 }, ..Run::new(&Random, 100) };
/// assert_eq!((plan.workers, plan.stop.trials), (4, Some(100)));
/// ```
pub struct Run<'a> {
    /// Who suggests.
    pub sampler: &'a dyn Sampler,
    /// Who stops trials early.
    pub pruner: &'a dyn Pruner,
    /// When to stop.
    pub stop: Stop<'a>,
    /// Trials that are evaluated at once in this process.
    pub workers: usize,
    /// How often a trial whose worker died is tried again.
    pub retries: usize,
    /// How often a worker says that it lives.
    pub heartbeat: Duration,
    /// A worker on another machine that was silent for so long is taken for dead; on this machine that
    /// is known at once.
    pub grace: Duration,
}

impl<'a> Run<'a> {
    /// One worker, no pruner, until the study has `trials` trials.
    #[must_use]
    pub fn new(sampler: &'a dyn Sampler, trials: usize) -> Self {
        Self {
            sampler,
            pruner: &Never,
            stop: Stop { trials: Some(trials), ..Stop::default() },
            workers: 1,
            retries: 3,
            heartbeat: Duration::from_secs(5),
            grace: Duration::from_secs(30),
        }
    }
}

/// When a run stops: at the first of these.
///
/// ```
/// use specialist_search::{Ended, Random, Run, Space, Stop, Study, run};
/// use std::sync::Mutex;
/// let study = Mutex::new(Study::minimise("s", Space::new().float("x", 0.0, 1.0), 0));
/// let plan = Run { stop: Stop { target: Some(0.1), ..Stop::default() }, ..Run::new(&Random, 0) };
/// let why = run(&study, &plan, |job| Ok(vec![job.params.float("x")]), &|_, _| {}).unwrap();
/// assert_eq!(why, Ended::Target);
/// ```
#[derive(Default, Clone, Copy)]
pub struct Stop<'a> {
    /// Trials of the study as a whole, of all its runs; one that was repeated because its worker died
    /// counts once.
    pub trials: Option<usize>,
    /// Time of this run. Trials that run then are finished.
    pub time: Option<Duration>,
    /// Complete trials since the best one.
    pub patience: Option<usize>,
    /// A value that is good enough.
    pub target: Option<f64>,
    /// Somebody else says so.
    pub cancelled: Option<&'a (dyn Fn() -> bool + Sync)>,
}

/// Why a run stopped.
///
/// ```
/// use specialist_search::{Ended, Grid, Run, Space, Study, run};
/// use std::sync::Mutex;
/// let study = Mutex::new(Study::minimise("s", Space::new().int("n", 1, 3), 0));
/// let plan = Run::new(&Grid { steps: 5 }, 99);
/// let why = run(&study, &plan, |job| Ok(vec![job.params.float("n")]), &|_, _| {}).unwrap();
/// assert_eq!(why, Ended::Exhausted, "the grid has three points");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The study has its trials.
    Trials,
    /// The time is up.
    Time,
    /// The best value has not improved for long enough.
    Patience,
    /// The target was reached.
    Target,
    /// Somebody said so.
    Cancelled,
    /// The sampler has nothing left to try.
    Exhausted,
}
