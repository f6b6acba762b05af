//! Randomness, threads, progress and cancellation, in one argument.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::Error;

/// A handle that stops a run: set it from a signal handler or a timer.
///
/// ```
/// use specialist_core::{Cancelled, Context};
/// let stop = Cancelled::default();
/// let ctx = Context::new(1, 1).with_cancel(stop.clone());
/// assert!(ctx.check().is_ok());
/// stop.cancel();
/// assert!(ctx.check().is_err());
/// ```
#[derive(Debug, Clone, Default)]
pub struct Cancelled(Arc<AtomicBool>);

impl Cancelled {
    /// Asks the run to stop at its next safe point.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked the run to stop.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// How much a search may spend. Libraries ask no clock: whoever has one spends the budget from outside.
///
/// ```
/// use specialist_core::{Budget, Context};
/// let budget = Budget::default();
/// let ctx = Context::new(1, 1).with_budget(budget.clone());
/// assert!(!ctx.is_spent());
/// budget.spend();
/// assert!(ctx.is_spent());
/// ```
#[derive(Debug, Clone, Default)]
pub struct Budget(Cancelled);

impl Budget {
    /// Says that the budget is spent: searches stop asking for new trials and go on with what they have.
    pub fn spend(&self) {
        self.0.cancel();
    }

    /// Whether it is spent.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.0.is_set()
    }
}

/// Hears about progress. The libraries never print; the command line installs an observer that does.
///
/// ```
/// use specialist_core::{Context, Observer};
/// use std::sync::{Arc, Mutex};
/// #[derive(Default)]
/// struct Notes(Mutex<Vec<String>>);
/// impl Observer for Notes {
///     fn note(&self, line: &str) { self.0.lock().unwrap().push(line.into()); }
/// }
/// let notes = Arc::new(Notes::default());
/// Context::new(1, 1).with_observer(notes.clone()).observer().note("3 rows have no label");
/// assert_eq!(notes.0.lock().unwrap().len(), 1);
/// ```
pub trait Observer: Send + Sync {
    /// A stage of `total` steps begins.
    fn begin(&self, _stage: &str, _total: usize) {}
    /// One step of the current stage is done; `note` says the newest figure, if there is one.
    fn step(&self, _note: Option<&str>) {}
    /// The current stage is done.
    fn end(&self) {}
    /// Something the user should know, in one line.
    fn note(&self, _line: &str) {}
}

/// An observer that hears and says nothing.
///
/// ```
/// use specialist_core::{Context, Silent};
/// use std::sync::Arc;
/// let ctx = Context::new(1, 1).with_observer(Arc::new(Silent));
/// ctx.observer().begin("folds", 5);
/// assert_eq!(ctx.map(2, |i| i + 1), [1, 2]);
/// ```
pub struct Silent;

impl Observer for Silent {}

/// What every long-running call receives: where its random numbers come from, how many threads it
/// may use, whom to tell about progress and when to stop.
///
/// Random numbers are split by *name*, never by the order of calls, so the same seed gives the same
/// bytes on any number of threads.
///
/// ```
/// use specialist_core::Context;
/// use rand::Rng;
///
/// let ctx = Context::new(7, 2);
/// let once: u64 = ctx.rng("folds").random();
/// let squares = ctx.map(4, |i| i * i);
/// assert_eq!(squares, [0, 1, 4, 9]);
/// assert_eq!(once, Context::new(7, 1).rng("folds").random::<u64>());
/// ```
#[derive(Clone)]
pub struct Context {
    seed: u64,
    threads: usize,
    observer: Arc<dyn Observer>,
    budget: Budget,
    cancelled: Cancelled,
}

impl Context {
    /// A context with `seed`, at most `threads` threads (at least one), a silent observer.
    #[must_use]
    pub fn new(seed: u64, threads: usize) -> Self {
        Self {
            seed,
            threads: threads.max(1),
            observer: Arc::new(Silent),
            budget: Budget::default(),
            cancelled: Cancelled::default(),
        }
    }

    /// The same context, telling `observer`.
    #[must_use]
    pub fn with_observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = observer;
        self
    }

    /// The same context with `budget` to spend.
    #[must_use]
    pub fn with_budget(mut self, budget: Budget) -> Self {
        self.budget = budget;
        self
    }

    /// The same context, stopped by `cancelled`.
    #[must_use]
    pub fn with_cancel(mut self, cancelled: Cancelled) -> Self {
        self.cancelled = cancelled;
        self
    }

    /// The seed at this point of the tree of names.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// How many threads may run at once.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Whom to tell about progress.
    #[must_use]
    pub fn observer(&self) -> &dyn Observer {
        &*self.observer
    }

    /// Whether searches should make do with the trials they have.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.budget.is_spent()
    }

    /// The context of the part called `name`: its own seed, the same everything else.
    #[must_use]
    pub fn child(&self, name: &str) -> Self {
        Self { seed: mix(self.seed, name.as_bytes()), ..self.clone() }
    }

    /// The same context on one thread: for the inside of [`Context::map`].
    #[must_use]
    pub fn single(&self) -> Self {
        Self { threads: 1, ..self.clone() }
    }

    /// A random number generator for the part called `name`.
    #[must_use]
    pub fn rng(&self, name: &str) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(mix(self.seed, name.as_bytes()))
    }

    /// # Errors
    /// [`Error::Cancelled`] once the run was asked to stop.
    pub fn check(&self) -> Result<(), Error> {
        if self.cancelled.is_set() { Err(Error::Cancelled) } else { Ok(()) }
    }

    /// `work(0) … work(n - 1)` on up to [`Context::threads`] threads, in the order of the index.
    ///
    /// # Panics
    /// When `work` panics.
    pub fn map<T: Send>(&self, n: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
        if self.threads == 1 || n <= 1 {
            return (0..n).map(work).collect();
        }
        let next = AtomicUsize::new(0);
        let (send, receive) = mpsc::channel();
        let mut slots: Vec<Option<T>> = (0..n).map(|_| None).collect();
        std::thread::scope(|scope| {
            for _ in 0..self.threads.min(n) {
                let (send, next, work) = (send.clone(), &next, &work);
                scope.spawn(move || {
                    loop {
                        let i = next.fetch_add(1, Ordering::Relaxed);
                        if i >= n || send.send((i, work(i))).is_err() {
                            break;
                        }
                    }
                });
            }
            drop(send);
            for (i, value) in receive {
                slots[i] = Some(value);
            }
        });
        slots.into_iter().map(|s| s.expect("every index was worked on")).collect()
    }
}

/// FNV-1a over the name, then the finaliser of SplitMix64, started from the parent's seed.
fn mix(seed: u64, name: &[u8]) -> u64 {
    let mut h = seed ^ 0xcbf2_9ce4_8422_2325;
    for &byte in name {
        h = (h ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    h = (h ^ (h >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    h = (h ^ (h >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    h ^ (h >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    #[test]
    fn children_differ_and_threads_do_not_matter() {
        let ctx = Context::new(1, 4);
        assert_ne!(ctx.child("a").seed(), ctx.child("b").seed());
        let draw = |c: &Context| c.map(50, |i| c.child(&i.to_string()).rng("x").random::<u32>());
        assert_eq!(draw(&ctx), draw(&Context::new(1, 1)));
    }

    #[test]
    fn a_cancelled_run_stops() {
        let stop = Cancelled::default();
        let ctx = Context::new(1, 1).with_cancel(stop.clone());
        assert_eq!(ctx.check(), Ok(()));
        stop.cancel();
        assert_eq!(ctx.check(), Err(Error::Cancelled));
    }
}
