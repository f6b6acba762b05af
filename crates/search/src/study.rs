//! The trials of one search and who is best.

use std::sync::Arc;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value as Json, json};

use crate::history::{Direction, History, same};
use crate::pareto;
use crate::sampler::{Random, Sampler};
use crate::seal;
use crate::space::{Params, Space};
use crate::store::{MemoryStore, Scope, Store, StoreError, StudyRecord, flat_space, now};
use crate::trial::{FAILURE, State, Trial};

/// The system attribute of a study that holds its space.
pub(crate) const SPACE: &str = "specialist:space";
/// The system attribute of a trial that says which process works on it.
pub(crate) const WORKER: &str = "specialist:worker";
/// The system attribute of a trial that goes on where a pruned one was stopped.
pub(crate) const RESUMED: &str = "specialist:resumed";

/// A search: its space, its directions, its trials, the store that keeps them. Use [`Study::ask`] and
/// [`Study::tell`], or let [`Study::optimize`] or [`run`](crate::run) call them.
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

/// The point with the best mean over its evaluations.
#[derive(Debug, Clone, PartialEq)]
pub struct Incumbent {
    /// The point.
    pub params: Params,
    /// How often it was evaluated.
    pub evaluations: usize,
    /// The mean of its values.
    pub mean: f64,
    /// Lower end of the 95 % interval of the mean, by Student's t; the mean itself for one evaluation.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Writes a study's space and checksum: the checksum first, so that a crash in between is seen.
fn describe(store: &dyn Store, id: i64, name: &str, directions: &[Direction], space: &Space) -> Result<(), StoreError> {
    let space = json!(space);
    let seal = seal::of_study(name, directions, &space);
    store.set_study_attribute(id, Scope::System, seal::SEAL, &json!(seal))?;
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
                if record.system.get(seal::SEAL).is_some_and(|s| *s != json!(own)) {
                    return Err(damaged("its name, directions and space are not those of its checksum"));
                }
                let space: Space =
                    serde_json::from_value(kept.clone()).map_err(|_| damaged("its space cannot be read"))?;
                space.check().map_err(|_| damaged("its space is none"))?;
                space
            }
            None if record.system.contains_key(seal::SEAL) => return Err(damaged("its space is not there")),
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
        let (trials, codes, sealed) = (Vec::new(), Vec::new(), system.contains_key(seal::SEAL));
        let mut study = Self { name, space, directions, seed, lag: None, store, id, trials, codes, sealed };
        study.sync()?;
        Ok(study)
    }

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

    /// Reads what other processes have written since.
    ///
    /// # Errors
    /// [`StoreError`]
    pub fn sync(&mut self) -> Result<(), StoreError> {
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
        match trial.user.get(seal::SEAL) {
            Some(seal) if *seal == own() => Ok(()),
            Some(_) => Err(damaged("it is not what its checksum says: the store was damaged")),
            None if self.sealed && trial.system.contains_key(WORKER) => {
                Err(damaged("it has no checksum: the store was damaged"))
            }
            None => Ok(()),
        }
    }

    fn keep(&mut self, trial: Trial) {
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

    /// The values that `sampler` suggests for the next trial; `None` when nothing is left to try. They
    /// depend on the seed, the trial's number and the trials before it.
    #[must_use]
    pub fn suggest(&self, sampler: &dyn Sampler) -> Option<Params> {
        const TRIES: u64 = 10;
        let history = self.history(self.trials.len());
        let number = self.trials.len() as u64;
        let mut first = None;
        for again in 0..TRIES {
            let mut rng = ChaCha8Rng::seed_from_u64(self.seed.wrapping_add(number).wrapping_add(again << 32));
            let params = sampler.suggest(&history, &mut rng)?;
            if !sampler.avoids_duplicates() || !self.tried(&params) {
                return Some(params);
            }
            first.get_or_insert(params);
        }
        self.untried().or(first)
    }

    fn tried(&self, params: &Params) -> bool {
        let Some(code) = self.space.encode(params) else { return false };
        self.codes.iter().flatten().any(|c| same(c, &code))
    }

    /// A random point that was not tried; `None` when none was found.
    fn untried(&self) -> Option<Params> {
        let history = self.history(self.trials.len());
        if self.space.size().is_some_and(|n| n <= self.trials.len() as u64) {
            return None;
        }
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed ^ self.trials.len() as u64);
        (0..2000).filter_map(|_| Random.suggest(&history, &mut rng)).find(|p| !self.tried(p))
    }

    /// Starts a trial with values of the caller's own (a default, a point known to be good).
    ///
    /// # Errors
    /// [`StoreError`]
    pub fn enqueue(&mut self, params: Params) -> Result<usize, StoreError> {
        Ok(self.add(params, None)?.expect("any number will do"))
    }

    /// Starts a trial with the values that `sampler` suggests; `None` when nothing is left to try.
    ///
    /// # Errors
    /// [`StoreError`]
    pub fn ask(&mut self, sampler: &dyn Sampler) -> Result<Option<usize>, StoreError> {
        loop {
            let Some(params) = self.suggest(sampler) else { return Ok(None) };
            if let Some(number) = self.add(params, Some(self.trials.len()))? {
                return Ok(Some(number));
            }
            // Another process was faster: its trial counts now.
            let before = self.trials.len();
            self.sync()?;
            if self.trials.len() == before {
                return Err(self.miscounted());
            }
        }
    }

    pub(crate) fn add(&mut self, params: Params, expected: Option<usize>) -> Result<Option<usize>, StoreError> {
        let trial = self.begun(params);
        self.insert(trial, expected)
    }

    /// A trial that this process starts now.
    fn begun(&self, params: Params) -> Trial {
        let mut trial = Trial::new(self.trials.len(), params);
        if self.store.is_shared() {
            trial.started = Some(now());
            trial.system.insert(WORKER.into(), Json::from(crate::worker::identity()));
        } else {
            trial.system.insert(WORKER.into(), Json::from("this process"));
        }
        trial
    }

    /// Starts a trial that goes on where pruned trial `number` was stopped; `None` when another process
    /// added a trial in between.
    ///
    /// # Errors
    /// [`StoreError`]
    pub fn resume(&mut self, number: usize) -> Result<Option<usize>, StoreError> {
        let before = &self.trials[number];
        let mut trial = self.begun(before.params.clone());
        trial.steps = before.steps.clone();
        trial.system.insert(RESUMED.into(), number.into());
        self.insert(trial, Some(self.trials.len()))
    }

    /// Takes up a waiting trial; false if another worker has it.
    pub(crate) fn claim(&mut self, number: usize) -> Result<bool, StoreError> {
        let claimed = self.begun(self.completed(&self.trials[number].params));
        let claimed = self.store.claim(self.id, number, &claimed, &self.space)?;
        self.sync()?;
        Ok(claimed)
    }

    /// `params` with the parameters that a waiting trial does not fix, in the middle of their range.
    fn completed(&self, params: &Params) -> Params {
        self.space.choose(|p| match params.get(&p.name) {
            Some(v) if p.domain.code(v).is_some() => v.clone(),
            _ => p.domain.value(if p.domain.is_numeric() { 0.5 } else { 0.0 }),
        })
    }

    pub(crate) fn insert(&mut self, trial: Trial, expected: Option<usize>) -> Result<Option<usize>, StoreError> {
        let Some(number) = self.store.add_trial(self.id, &trial, &self.space, expected)? else { return Ok(None) };
        if number == self.trials.len() {
            self.keep(Trial { number, ..trial });
        } else {
            self.sync()?;
        }
        Ok(Some(number))
    }

    /// Sets a value on the way of a running trial.
    ///
    /// # Errors
    /// [`StoreError::Finished`]
    pub fn report(&mut self, number: usize, step: u64, value: f64) -> Result<(), StoreError> {
        self.store.report(self.id, number, step, value)?;
        self.trials[number].steps.insert(step, value);
        Ok(())
    }

    /// Sets a note on a running trial.
    ///
    /// # Errors
    /// [`StoreError::Finished`]
    pub fn note(&mut self, number: usize, key: &str, value: Json) -> Result<(), StoreError> {
        self.store.set_trial_attribute(self.id, number, Scope::User, key, &value)?;
        self.trials[number].user.insert(key.into(), value);
        Ok(())
    }

    /// Ends trial `number` with the value of each objective, or with the reason of its failure. A value
    /// that is not a number is a failure.
    ///
    /// # Errors
    /// [`StoreError::Finished`] if it has ended already.
    pub fn tell(&mut self, number: usize, outcome: Result<&[f64], &str>) -> Result<(), StoreError> {
        match outcome {
            Ok(values) if values.len() != self.directions.len() => {
                self.fail(number, &format!("{} values for {} objectives", values.len(), self.directions.len()))
            }
            Ok(values) if values.iter().any(|v| v.is_nan()) => self.fail(number, "the value is not a number"),
            Ok(values) => self.end(number, State::Complete, values),
            Err(reason) => self.fail(number, reason),
        }
    }

    fn fail(&mut self, number: usize, reason: &str) -> Result<(), StoreError> {
        self.note(number, FAILURE, reason.into())?;
        self.end(number, State::Failed, &[])
    }

    /// Ends trial `number` before its end, because others were better.
    ///
    /// # Errors
    /// [`StoreError::Finished`] if it has ended already.
    pub fn prune(&mut self, number: usize) -> Result<(), StoreError> {
        self.end(number, State::Pruned, &[])
    }

    fn end(&mut self, number: usize, state: State, values: &[f64]) -> Result<(), StoreError> {
        if self.store.is_shared() {
            // Somebody may have taken the trial over.
            self.sync()?;
            let seal = seal::of_trial(&self.trials[number], state, values, &self.space);
            self.note(number, seal::SEAL, seal.into())?;
        }
        self.store.finish(self.id, number, state, values)?;
        let trial = &mut self.trials[number];
        trial.state = state;
        trial.values = values.to_vec();
        if self.store.is_shared() {
            trial.ended = Some(now());
        }
        Ok(())
    }

    /// Asks and tells up to `trials` times.
    ///
    /// # Errors
    /// [`StoreError`]
    pub fn optimize(
        &mut self,
        sampler: &dyn Sampler,
        trials: usize,
        mut objective: impl FnMut(&Params) -> Result<f64, String>,
    ) -> Result<(), StoreError> {
        for _ in 0..trials {
            let Some(number) = self.ask(sampler)? else { break };
            match objective(&self.trials[number].params) {
                Ok(v) => self.tell(number, Ok(&[v]))?,
                Err(reason) => self.tell(number, Err(&reason))?,
            }
        }
        Ok(())
    }

    /// The complete trial with the best value of one objective; the earliest of equals.
    #[must_use]
    pub fn best(&self) -> Option<&Trial> {
        self.best_where(|_| true)
    }

    /// The best among the trials that `keep` keeps.
    #[must_use]
    pub fn best_where(&self, keep: impl Fn(&Trial) -> bool) -> Option<&Trial> {
        let direction = self.directions[0];
        let loss = |t: &Trial| direction.loss(t.value().expect("it has one"));
        // `min_by` keeps the first of equals.
        self.trials.iter().filter(|t| t.value().is_some() && keep(t)).min_by(|a, b| loss(a).total_cmp(&loss(b)))
    }

    /// The complete trials that no other one beats in every objective, by number.
    #[must_use]
    pub fn pareto_front(&self) -> Vec<&Trial> {
        let complete: Vec<&Trial> = self
            .trials
            .iter()
            .filter(|t| t.state == State::Complete && t.values.len() == self.directions.len())
            .collect();
        let loss = |t: &&Trial| t.values.iter().zip(&self.directions).map(|(v, d)| d.loss(*v)).collect();
        let losses: Vec<Vec<f64>> = complete.iter().map(loss).collect();
        let front = pareto::fronts(&losses);
        complete.iter().zip(front).filter(|(_, f)| *f == 0).map(|(t, _)| *t).collect()
    }

    /// The point with the best mean over its evaluations, of one objective: where the objective is
    /// noisy and [`Repeated`](crate::Repeated), the best single value is not the best point. Only the
    /// most often evaluated points compete.
    #[must_use]
    pub fn incumbent(&self) -> Option<Incumbent> {
        let mut points: Vec<(&Params, Vec<f64>)> = Vec::new();
        for t in &self.trials {
            let Some(v) = t.value() else { continue };
            match points.iter_mut().find(|(p, _)| **p == t.params) {
                Some((_, values)) => values.push(v),
                None => points.push((&t.params, vec![v])),
            }
        }
        let most = points.iter().map(|(_, v)| v.len()).max()?;
        let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
        let loss = |v: &[f64]| self.directions[0].loss(mean(v));
        let often = points.iter().filter(|(_, v)| v.len() == most);
        let (params, values) = often.min_by(|a, b| loss(&a.1).total_cmp(&loss(&b.1)))?;
        let (n, m) = (values.len() as f64, mean(values));
        let half = if values.len() < 2 {
            0.0
        } else {
            let variance = values.iter().map(|v| (v - m).powi(2)).sum::<f64>() / (n - 1.0);
            student_95(values.len() - 1) * (variance / n).sqrt()
        };
        Some(Incumbent { params: (*params).clone(), evaluations: values.len(), mean: m, low: m - half, high: m + half })
    }
}

/// The 0.975 quantile of Student's t (tables to 10 degrees of freedom; Cornish–Fisher beyond).
fn student_95(freedom: usize) -> f64 {
    const TABLE: [f64; 10] = [12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281];
    let z = 1.959_964f64;
    let v = freedom as f64;
    let far = z
        + (z.powi(3) + z) / (4.0 * v)
        + (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / (96.0 * v.powi(2))
        + (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z) / (384.0 * v.powi(3));
    TABLE.get(freedom - 1).copied().unwrap_or(far)
}

impl std::fmt::Debug for Study {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Study").field("name", &self.name).field("trials", &self.trials.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampler::Tpe;

    #[test]
    fn failed_and_nan_trials_are_never_best() {
        let mut s = Study::minimise("s", Space::new().int("n", 1, 100), 0);
        for outcome in [Err("no"), Ok([f64::NAN]), Ok([3.0]), Ok([3.0])] {
            let n = s.ask(&Random).unwrap().unwrap();
            s.tell(n, outcome.as_ref().map(|v| &v[..]).map_err(|e| *e)).unwrap();
        }
        assert_eq!(s.best().unwrap().number, 2);
        assert_eq!(s.trials()[0].failure(), Some("no"));
        assert_eq!(s.trials()[1].state, State::Failed);
        assert!(matches!(s.tell(2, Ok(&[1.0])), Err(StoreError::Finished(2))));
    }

    #[test]
    fn the_same_seed_gives_the_same_study() {
        let run = |seed| {
            let mut s = Study::minimise("s", Space::new().float("x", 0.0, 1.0).categorical("c", ["a", "b"]), seed);
            s.optimize(&Random, 30, |p| Ok(p.float("x"))).unwrap();
            s.trials().to_vec()
        };
        assert_eq!(run(4), run(4));
        assert_ne!(run(4), run(5));
    }

    #[test]
    fn two_objectives_have_a_front() {
        let space = Space::new().float("x", 0.0, 1.0).float("y", 0.0, 1.0);
        let mut s = Study::in_memory("s", space, &[Direction::Minimise, Direction::Maximise], 1);
        for _ in 0..60 {
            let n = s.ask(&Tpe::default()).unwrap().unwrap();
            let (x, y) = (s.trials()[n].params.float("x"), s.trials()[n].params.float("y"));
            s.tell(n, Ok(&[x, x - (y - 0.3).abs()])).unwrap();
        }
        let front = s.pareto_front();
        assert!(front.len() >= 5 && front.len() < 60, "{}", front.len());
        let mean = front.iter().map(|t| (t.params.float("y") - 0.3).abs()).sum::<f64>() / front.len() as f64;
        assert!(mean < 0.15, "{mean}");
    }

    #[test]
    fn student_quantiles() {
        // scipy.stats.t.ppf(.975, df)
        for (freedom, expected) in [(1, 12.706_205), (10, 2.228_139), (11, 2.200_985), (30, 2.042_272)] {
            assert!((student_95(freedom) - expected).abs() < 5e-4, "{freedom}");
        }
    }
}
