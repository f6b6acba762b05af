//! The workers of a run.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use super::dead::{RETRIES, repeat_dead};
use super::job::{Job, Stopped, lock};
use super::plan::{Ended, Run};
use crate::history::Direction;
use crate::notes::{RESUMED, WORKER};
use crate::store::contract::StoreError;
use crate::study::Study;
use crate::trial::State;

/// What a worker does next.
enum Next {
    Evaluate(usize),
    Wait,
    End(Ended),
}

/// Evaluates trials until `plan.stop` says so, and until every trial that any worker of the study has
/// begun is ended; trials of workers that died are evaluated again under their own number, so that a search that was
/// killed and goes on is the search that was not killed. `ended` hears of every trial that this
/// process ended.
///
/// ```
/// use specialist_search::{Random, Run, Space, Study, run};
/// use std::sync::Mutex;
/// let study = Mutex::new(Study::minimise("s", Space::new().float("x", 0.0, 1.0), 0).recorded_order(4));
/// let plan = Run { workers: 2, ..Run::new(&Random, 20) };
/// run(&study, &plan, |job| Ok(vec![job.params.float("x")]), &|_, _| {}).unwrap();
/// assert_eq!(study.into_inner().unwrap().trials().len(), 20);
/// ```
///
/// # Errors
/// [`StoreError`]
pub fn run(
    study: &Mutex<Study>,
    plan: &Run<'_>,
    objective: impl Fn(&Job<'_>) -> Result<Vec<f64>, Stopped> + Sync,
    ended: &(dyn Fn(&Study, usize) + Sync),
) -> Result<Ended, StoreError> {
    let shared = Shared {
        study,
        plan,
        changed: Condvar::new(),
        started: Instant::now(),
        own: Mutex::new(BTreeSet::new()),
        taken: Mutex::new(Vec::new()),
        over: Mutex::new(false),
        over_now: Condvar::new(),
        cleared: Mutex::new(None),
        failed: AtomicBool::new(false),
    };
    let worker = || {
        let outcome = shared.work(&objective, ended);
        if outcome.is_err() {
            shared.failed.store(true, Ordering::Relaxed);
            shared.changed.notify_all();
        }
        outcome
    };
    std::thread::scope(|scope| {
        let beating = lock(study).store().0.is_shared().then(|| scope.spawn(|| shared.beat()));
        let others: Vec<_> = (1..plan.workers.max(1)).map(|_| scope.spawn(worker)).collect();
        let mut outcome = worker();
        for other in others {
            match other.join() {
                Ok(Ok(_)) => {}
                Ok(Err(e)) => outcome = Err(e),
                Err(panic) => {
                    shared.end_beats();
                    std::panic::resume_unwind(panic)
                }
            }
        }
        shared.end_beats();
        if let Some(beating) = beating {
            // A heart that stopped has its reason in the store's own errors.
            _ = beating.join();
        }
        outcome
    })
}

struct Shared<'a> {
    study: &'a Mutex<Study>,
    plan: &'a Run<'a>,
    changed: Condvar,
    started: Instant,
    /// Trials that this process evaluates.
    own: Mutex<BTreeSet<usize>>,
    /// Trials that it took over from dead workers and has not begun.
    taken: Mutex<Vec<usize>>,
    over: Mutex<bool>,
    over_now: Condvar,
    cleared: Mutex<Option<Instant>>,
    /// Whether a worker of this process ended with an error: its trial is nobody's to wait for.
    failed: AtomicBool,
}

impl Shared<'_> {
    fn work(
        &self,
        objective: &(impl Fn(&Job<'_>) -> Result<Vec<f64>, Stopped> + Sync),
        ended: &(dyn Fn(&Study, usize) + Sync),
    ) -> Result<Ended, StoreError> {
        /// How long a worker that waits for others sleeps before it looks again.
        const POLL: Duration = Duration::from_millis(20);
        let mut study = lock(self.study);
        loop {
            // The worker that failed returns the error; the others only stop.
            if self.failed.load(Ordering::Relaxed) {
                return Ok(Ended::Cancelled);
            }
            if study.store().0.is_shared() {
                study.sync()?;
                self.clear_up(&mut study)?;
            }
            match self.next(&mut study)? {
                Next::End(reason) => {
                    self.changed.notify_all();
                    return Ok(reason);
                }
                Next::Wait => {
                    let waited = self.changed.wait_timeout(study, POLL).unwrap_or_else(PoisonError::into_inner);
                    study = waited.0;
                }
                Next::Evaluate(number) => {
                    let trial = study.trials()[number].clone();
                    let resumed = trial.system.get(RESUMED).and_then(Json::as_u64).map(|n| n as usize);
                    let resumed = resumed.and_then(|n| study.trials().get(n).cloned());
                    drop(study);
                    self.own().insert(number);
                    let job = Job {
                        number,
                        params: &trial.params,
                        resumed: resumed.as_ref(),
                        study: self.study,
                        pruner: self.plan.pruner,
                        fault: Mutex::new(None),
                    };
                    let outcome = objective(&job);
                    if let Some(fault) = job.fault.into_inner().unwrap_or_else(PoisonError::into_inner) {
                        return Err(fault);
                    }
                    self.own().remove(&number);
                    study = lock(self.study);
                    let told = match &outcome {
                        Ok(values) => study.tell(number, Ok(values)),
                        Err(Stopped::Pruned) => study.prune(number),
                        Err(Stopped::Failed(reason)) => study.tell(number, Err(reason)),
                        Err(Stopped::Lost) => study.sync(),
                    };
                    match told {
                        // Others took this process for dead and have repeated the trial.
                        Ok(()) | Err(StoreError::Finished(_)) => {}
                        Err(e) => return Err(e),
                    }
                    ended(&study, number);
                    self.changed.notify_all();
                }
            }
        }
    }

    fn next(&self, study: &mut Study) -> Result<Next, StoreError> {
        if let Some(reason) = self.stops(study) {
            if reason != Ended::Trials {
                return Ok(Next::End(reason));
            }
            // Workers elsewhere may still die: somebody must repeat their trials.
            if let Some(number) = self.taken().pop() {
                return Ok(Next::Evaluate(number));
            }
            if let Next::Evaluate(number) = self.waiting(study)? {
                return Ok(Next::Evaluate(number));
            }
            let open = study.trials().iter().any(|t| t.state == State::Running && t.system.contains_key(WORKER));
            return Ok(if open { Next::Wait } else { Next::End(reason) });
        }
        // What is there comes before what is new: in a recorded order a new suggestion may wait for it.
        if let Some(number) = self.taken().pop() {
            return Ok(Next::Evaluate(number));
        }
        if let Next::Evaluate(number) = self.waiting(study)? {
            return Ok(Next::Evaluate(number));
        }
        if study.waits_for().is_some() {
            return Ok(Next::Wait);
        }
        let next = study.trials().len();
        if let Some(number) = self.plan.pruner.promotes(&study.history(next)) {
            return Ok(match study.resume(number)? {
                Some(number) => Next::Evaluate(number),
                None => Next::Wait,
            });
        }
        let Some(params) = study.suggest(self.plan.sampler) else {
            // As above, workers elsewhere may still die.
            let open = study.trials().iter().any(|t| !t.state.is_finished() && t.system.contains_key(WORKER));
            return Ok(if open { Next::Wait } else { Next::End(Ended::Exhausted) });
        };
        Ok(match study.add(params, Some(next))? {
            Some(number) => Next::Evaluate(number),
            // Another process was faster; look again.
            None => {
                study.sync()?;
                if study.trials().len() == next {
                    return Err(study.miscounted());
                }
                Next::Wait
            }
        })
    }

    /// A waiting trial that this worker has claimed.
    fn waiting(&self, study: &mut Study) -> Result<Next, StoreError> {
        let numbers: Vec<usize> =
            study.trials().iter().filter(|t| t.state == State::Waiting).map(|t| t.number).collect();
        for number in numbers {
            if study.claim(number)? {
                return Ok(Next::Evaluate(number));
            }
        }
        Ok(Next::Wait)
    }

    fn stops(&self, study: &Study) -> Option<Ended> {
        let stop = &self.plan.stop;
        if stop.cancelled.is_some_and(|c| c()) {
            return Some(Ended::Cancelled);
        }
        if stop.time.is_some_and(|t| self.started.elapsed() >= t) {
            return Some(Ended::Time);
        }
        // A repeat under a new number (of Optuna's workers) is no trial more.
        let repeats = study.trials().iter().filter(|t| t.system.contains_key(RETRIES)).count();
        if stop.trials.is_some_and(|n| study.trials().len() - repeats >= n) {
            return Some(Ended::Trials);
        }
        let best = study.best()?;
        let direction = study.directions()[0];
        let reached = |target: f64| match direction {
            Direction::Minimise => best.value() <= Some(target),
            Direction::Maximise => best.value() >= Some(target),
        };
        if stop.target.is_some_and(reached) {
            return Some(Ended::Target);
        }
        let since = study.trials()[best.number + 1..].iter().filter(|t| t.state.is_finished()).count();
        stop.patience.is_some_and(|p| since >= p).then_some(Ended::Patience)
    }

    /// Ends the trials of workers that died and has them repeated.
    fn clear_up(&self, study: &mut Study) -> Result<(), StoreError> {
        const OFTEN: Duration = Duration::from_millis(300);
        let mut cleared = self.cleared.lock().unwrap_or_else(PoisonError::into_inner);
        if cleared.is_some_and(|at| at.elapsed() < OFTEN) {
            return Ok(());
        }
        *cleared = Some(Instant::now());
        drop(cleared);
        let own = self.own().clone();
        let taken = repeat_dead(study, self.plan.grace, self.plan.retries, &own)?;
        self.own().extend(taken.iter().copied());
        self.taken().extend(taken);
        Ok(())
    }

    fn taken(&self) -> MutexGuard<'_, Vec<usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn own(&self) -> MutexGuard<'_, BTreeSet<usize>> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn beat(&self) {
        let mut over = self.over.lock().unwrap_or_else(PoisonError::into_inner);
        while !*over {
            over = self.over_now.wait_timeout(over, self.plan.heartbeat).unwrap_or_else(PoisonError::into_inner).0;
            let (store, id) = {
                let study = lock(self.study);
                (study.store().0.clone(), study.store().1)
            };
            for number in self.own().clone() {
                // A beat that was missed is not worth a trial: the next one may come through.
                _ = store.beat(id, number);
            }
        }
    }

    fn end_beats(&self) {
        *self.over.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.over_now.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::plan::Stop;
    use super::*;
    use crate::pruner::halving::SuccessiveHalving;
    use crate::pruner::median::Median;
    use crate::sampler::gp::Gp;
    use crate::sampler::grid::Grid;
    use crate::sampler::random::Random;
    use crate::space::Space;
    use crate::trial::Trial;

    fn space() -> Space {
        Space::new().float("x", -1.0, 1.0).categorical("c", ["a", "b"])
    }

    #[test]
    fn a_recorded_order_leaves_the_same_study_with_1_2_and_8_workers() {
        let study = |workers: usize| {
            let study = Mutex::new(Study::minimise("s", space(), 5).recorded_order(8));
            let plan = Run {
                workers,
                pruner: &Median { startup: 3, share: 0.2, warmup: 0 },
                ..Run::new(&Gp { startup: 4 }, 30)
            };
            let objective = |job: &Job<'_>| {
                // Later trials end earlier.
                std::thread::sleep(Duration::from_millis(7 - job.number as u64 % 7));
                let x = job.params.float("x");
                for step in 1..4 {
                    job.report(step, x * x + 1.0 / step as f64)?;
                }
                Ok(vec![x * x])
            };
            run(&study, &plan, objective, &|_, _| {}).unwrap();
            study.into_inner().unwrap().trials().to_vec()
        };
        let one = study(1);
        assert_eq!(one.len(), 30);
        assert!(one.iter().any(|t| t.state == State::Pruned));
        assert_eq!(one, study(2));
        assert_eq!(one, study(8));
    }

    #[test]
    fn runs_stop_for_every_reason() {
        let go = |stop: Stop<'_>| {
            let study = Mutex::new(Study::minimise("s", space(), 5));
            let plan = Run { stop, ..Run::new(&Random, 0) };
            let why = run(&study, &plan, |job| Ok(vec![job.params.float("x").abs()]), &|_, _| {}).unwrap();
            (why, study.into_inner().unwrap())
        };
        assert_eq!(go(Stop { trials: Some(3), ..Stop::default() }).0, Ended::Trials);
        assert_eq!(go(Stop { time: Some(Duration::from_millis(5)), ..Stop::default() }).0, Ended::Time);
        let (why, study) = go(Stop { target: Some(0.1), ..Stop::default() });
        assert_eq!(why, Ended::Target);
        assert!(study.best().unwrap().value().unwrap() <= 0.1);
        let (why, study) = go(Stop { patience: Some(10), ..Stop::default() });
        assert_eq!((why, study.trials().len()), (Ended::Patience, study.best().unwrap().number + 11));
        let count = std::sync::atomic::AtomicUsize::new(0);
        let after_five = || count.fetch_add(1, std::sync::atomic::Ordering::Relaxed) >= 5;
        let (why, study) = go(Stop { cancelled: Some(&after_five), ..Stop::default() });
        assert_eq!((why, study.trials().len()), (Ended::Cancelled, 5));
        let study = Mutex::new(Study::minimise("s", Space::new().int("n", 1, 3), 5));
        let plan = Run::new(&Grid { steps: 5 }, 99);
        let why = run(&study, &plan, |job| Ok(vec![job.params.float("n")]), &|_, _| {}).unwrap();
        assert_eq!((why, study.into_inner().unwrap().trials().len()), (Ended::Exhausted, 3));
    }

    #[test]
    fn a_promoted_trial_goes_on_where_it_was_stopped() {
        let study = Mutex::new(Study::minimise("s", space(), 1));
        let plan = Run { pruner: &SuccessiveHalving { least: 1, factor: 3 }, ..Run::new(&Random, 60) };
        let objective = |job: &Job<'_>| {
            let done = job.resumed.and_then(|t| t.steps.last_key_value()).map_or(0, |(s, _)| *s);
            for step in done + 1..=9 {
                job.note("checkpoint", json!(step))?;
                job.report(step, job.params.float("x").abs() + 1.0 / step as f64)?;
            }
            Ok(vec![job.params.float("x").abs()])
        };
        run(&study, &plan, objective, &|_, _| {}).unwrap();
        let study = study.into_inner().unwrap();
        let resumed: Vec<&Trial> = study.trials().iter().filter(|t| t.system.contains_key(RESUMED)).collect();
        assert!(!resumed.is_empty());
        for t in resumed {
            let before = &study.trials()[t.system[RESUMED].as_u64().unwrap() as usize];
            assert_eq!((before.state, &before.params), (State::Pruned, &t.params));
            let last = *before.steps.last_key_value().unwrap().0;
            assert!(t.steps.keys().all(|s| (1..=9).contains(s)) && t.steps.contains_key(&(last + 1)));
            assert_eq!(before.user["checkpoint"], json!(last));
        }
    }
}
