//! Studies in Optuna's journal file: one JSON operation a line.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::contract::{Scope, Store, StoreError, StudyRecord, domains_of, io, now};
use super::format::{self, number_text, settle};
use super::lines::{internal_json, object, study_line, time_json, trial_line};
use super::lock::Lock;
use super::replay::Replay;
use crate::domain::Domain;
use crate::history::Direction;
use crate::notes::BEAT;
use crate::space::Space;
use crate::trial::{Attributes, State, Trial};
use crate::worker;

/// Optuna's journal file (its `JournalFileBackend`): for processes that share a folder. A process of
/// ours holds the system's lock on the file, which ends with it, and beside it the symbolic link that
/// Optuna's workers respect.
///
/// ```
/// use specialist_search::{Direction, JournalStore, Random, Space, Store, Study};
/// use std::sync::Arc;
/// let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("study.log");
/// let open = || -> Arc<dyn Store> { Arc::new(JournalStore::open(&path).unwrap()) };
/// let mut study = Study::create(open(), "s", Space::new().float("x", 0.0, 1.0), &[Direction::Minimise], 0).unwrap();
/// study.optimize(&Random, 3, |p| Ok(p.float("x"))).unwrap();
/// assert_eq!(Study::open(open(), "s", 0).unwrap().trials().len(), 3);
/// ```
pub struct JournalStore {
    path: PathBuf,
    worker: String,
    replay: Mutex<Replay>,
}

impl JournalStore {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// [`StoreError::Foreign`] for a file that is no journal, [`StoreError::Corrupt`] with the line that
    /// cannot be read, [`StoreError::Io`] when the folder or the disk does not let it.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let absolute = std::path::absolute(path).map_err(|e| io(path, &e))?;
        let worker = format!("{}-{:?}", worker::identity(), std::time::Instant::now());
        let worker = format!("specialist-{}", worker.replace([' ', '"', '\\'], ""));
        let store = Self { path: absolute, worker, replay: Mutex::new(Replay::default()) };
        if store.path.exists() {
            drop(store.synced()?);
        }
        // Made, and found writable, before the first trial is evaluated.
        OpenOptions::new().create(true).append(true).open(&store.path).map_err(|e| io(path, &e))?;
        Ok(store)
    }

    /// Opens a file that is only looked at.
    ///
    /// # Errors
    /// As [`JournalStore::open`].
    pub fn read_only(path: &Path) -> Result<Self, StoreError> {
        let absolute = std::path::absolute(path).map_err(|e| io(path, &e))?;
        let store = Self { path: absolute, worker: "reader".into(), replay: Mutex::new(Replay::default()) };
        drop(store.synced()?);
        Ok(store)
    }

    fn place(&self) -> String {
        self.path.display().to_string()
    }

    fn replay(&self) -> MutexGuard<'_, Replay> {
        self.replay.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state after all whole lines of the file.
    fn synced(&self) -> Result<MutexGuard<'_, Replay>, StoreError> {
        let mut replay = self.replay();
        let mut file = File::open(&self.path).map_err(|e| io(&self.path, &e))?;
        let length = file.metadata().map_err(|e| io(&self.path, &e))?.len();
        if length > replay.offset {
            file.seek(SeekFrom::Start(replay.offset)).map_err(|e| io(&self.path, &e))?;
            let mut bytes = Vec::with_capacity((length - replay.offset) as usize);
            file.take(length - replay.offset).read_to_end(&mut bytes).map_err(|e| io(&self.path, &e))?;
            replay.apply_all(&bytes, &self.place())?;
        }
        Ok(replay)
    }

    /// Under the lock: `lines` may look at the state and says what to append, and what to return.
    fn append<T>(&self, lines: impl FnOnce(&Replay) -> Result<(Vec<String>, T), StoreError>) -> Result<T, StoreError> {
        let mut file =
            OpenOptions::new().read(true).append(true).create(true).open(&self.path).map_err(|e| io(&self.path, &e))?;
        let _lock = Lock::take(&self.path)?;
        // A torn line would take the next one with it.
        repair(&mut file).map_err(|e| io(&self.path, &e))?;
        let (text, out) = {
            let replay = self.synced()?;
            let (lines, out) = lines(&replay)?;
            // Lines are made with worker 0: who appends puts its name there.
            let worker = Json::from(self.worker.as_str()).to_string();
            let whole =
                |l: &String| format!("{}\n", l.replacen("\"worker_id\":0", &format!("\"worker_id\":{worker}"), 1));
            (lines.iter().map(whole).collect::<String>(), out)
        };
        if !text.is_empty() {
            let before = file.metadata().map_err(|e| io(&self.path, &e))?.len();
            if let Err(e) = file.write_all(text.as_bytes()).and_then(|()| file.sync_data()) {
                // A full disk may have taken a part: nothing of it stays.
                _ = file.set_len(before);
                return Err(io(&self.path, &e));
            }
            drop(self.synced()?);
        }
        Ok(out)
    }

    /// Appends one line about a trial that must not have ended.
    fn change(&self, study: i64, number: usize, line: impl FnOnce(usize) -> String) -> Result<(), StoreError> {
        self.append(|replay| {
            let (kept, trial) = replay.trial(study, number)?;
            if trial.state.is_finished() {
                return Err(StoreError::Finished(number));
            }
            Ok((vec![line(kept.places[number])], ()))
        })
    }
}

/// Cuts off a last line that was not written to its end.
fn repair(file: &mut File) -> std::io::Result<()> {
    let length = file.metadata()?.len();
    let mut keep = length;
    let mut last = [0u8; 1];
    while keep > 0 {
        file.seek(SeekFrom::Start(keep - 1))?;
        file.read_exact(&mut last)?;
        if last[0] == b'\n' {
            break;
        }
        keep -= 1;
    }
    if keep < length { file.set_len(keep) } else { Ok(()) }
}

impl Store for JournalStore {
    fn create_study(&self, name: &str, directions: &[Direction]) -> Result<i64, StoreError> {
        self.append(|replay| {
            if replay.studies.iter().flatten().any(|k| k.record.name == name) {
                return Err(StoreError::Exists(name.into()));
            }
            Ok((vec![study_line(name, directions)], replay.studies.len() as i64))
        })
    }

    fn studies(&self) -> Result<Vec<StudyRecord>, StoreError> {
        Ok(self.synced()?.studies.iter().flatten().map(|k| k.record.clone()).collect())
    }

    fn delete_study(&self, study: i64) -> Result<(), StoreError> {
        self.append(|replay| {
            replay.kept(study)?;
            Ok((vec![format!(r#"{{"op_code":1,"worker_id":0,"study_id":{study}}}"#)], ()))
        })
    }

    fn set_study_attribute(&self, study: i64, scope: Scope, key: &str, value: &Json) -> Result<(), StoreError> {
        let (code, field) = if scope == Scope::User { (2, "user_attr") } else { (3, "system_attr") };
        self.append(|replay| {
            replay.kept(study)?;
            let note = object(std::iter::once((key.to_string(), format::ascii(&value.to_string()))));
            Ok((vec![format!(r#"{{"op_code":{code},"worker_id":0,"study_id":{study},"{field}":{note}}}"#)], ()))
        })
    }

    fn add_trial(
        &self,
        study: i64,
        trial: &Trial,
        space: &Space,
        expected: Option<usize>,
    ) -> Result<Option<usize>, StoreError> {
        self.append(|replay| {
            let number = replay.kept(study)?.trials.len();
            if expected.is_some_and(|e| e != number) {
                return Ok((vec![], None));
            }
            let mut trial = trial.clone();
            if trial.state == State::Running {
                // In the same line: a trial without a beat would never be missed.
                trial.system.insert(BEAT.into(), json!(now()));
            }
            Ok((vec![trial_line(study, &trial, space)], Some(number)))
        })
    }

    fn claim(&self, study: i64, number: usize, claimed: &Trial, space: &Space) -> Result<bool, StoreError> {
        self.append(|replay| {
            let (kept, trial) = replay.trial(study, number)?;
            if trial.state != State::Waiting {
                return Ok((vec![], false));
            }
            let place = kept.places[number];
            let start = time_json(Some(now()));
            let mut lines = vec![format!(
                r#"{{"op_code":6,"worker_id":0,"trial_id":{place},"state":0,"values":null,"datetime_start":{start}}}"#
            )];
            let beat = (BEAT.to_string(), json!(now()));
            for (key, value) in claimed.system.clone().into_iter().chain([beat]) {
                let note = object(std::iter::once((key, format::ascii(&value.to_string()))));
                lines.push(format!(r#"{{"op_code":9,"worker_id":0,"trial_id":{place},"system_attr":{note}}}"#));
            }
            for (name, domain) in domains_of(&claimed.params, space).filter(|(n, _)| trial.params.get(n).is_none()) {
                let Some(v) = claimed.params.get(name).and_then(|v| format::internal(domain, v)) else { continue };
                lines.push(format!(
                    r#"{{"op_code":5,"worker_id":0,"trial_id":{place},"param_name":{},"param_value_internal":{},"distribution":{}}}"#,
                    format::ascii(&json!(name).to_string()),
                    internal_json(domain, v),
                    json!(format::distribution(domain))
                ));
            }
            Ok((lines, true))
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
        self.append(|replay| {
            let (kept, trial) = replay.trial(study, number)?;
            if trial.state != State::Running || trial.system.get(key) != Some(before) {
                return Ok((vec![], false));
            }
            let place = kept.places[number];
            let beat = (BEAT.to_string(), json!(now()));
            let line = |(key, value): (String, Json)| {
                let note = object(std::iter::once((key, format::ascii(&value.to_string()))));
                format!(r#"{{"op_code":9,"worker_id":0,"trial_id":{place},"system_attr":{note}}}"#)
            };
            Ok((notes.clone().into_iter().chain([beat]).map(line).collect(), true))
        })
    }

    fn report(&self, study: i64, number: usize, step: u64, value: f64) -> Result<(), StoreError> {
        let value = number_text(value);
        self.change(study, number, |place| {
            format!(r#"{{"op_code":7,"worker_id":0,"trial_id":{place},"step":{step},"intermediate_value":{value}}}"#)
        })
    }

    fn set_trial_attribute(
        &self,
        study: i64,
        number: usize,
        scope: Scope,
        key: &str,
        value: &Json,
    ) -> Result<(), StoreError> {
        let (code, field) = if scope == Scope::User { (8, "user_attr") } else { (9, "system_attr") };
        let note = object(std::iter::once((key.to_string(), format::ascii(&value.to_string()))));
        self.change(study, number, |place| {
            format!(r#"{{"op_code":{code},"worker_id":0,"trial_id":{place},"{field}":{note}}}"#)
        })
    }

    fn finish(&self, study: i64, number: usize, state: State, values: &[f64]) -> Result<(), StoreError> {
        let values: Vec<String> = values.iter().map(|v| number_text(*v)).collect();
        let values = if values.is_empty() { "null".into() } else { format!("[{}]", values.join(",")) };
        let (state, end) = (format::state_number(state), time_json(Some(now())));
        self.change(study, number, |place| {
            format!(
                r#"{{"op_code":6,"worker_id":0,"trial_id":{place},"state":{state},"values":{values},"datetime_complete":{end}}}"#
            )
        })
    }

    fn beat(&self, study: i64, number: usize) -> Result<(), StoreError> {
        self.set_trial_attribute(study, number, Scope::System, BEAT, &json!(now()))
    }

    fn silent(&self, study: i64, grace: Duration) -> Result<Vec<usize>, StoreError> {
        let replay = self.synced()?;
        let late = |t: &&Trial| {
            let beat = t.system.get(BEAT).and_then(Json::as_i64);
            t.state == State::Running && beat.is_some_and(|b| now() - b > grace.as_micros() as i64)
        };
        Ok(replay.kept(study)?.trials.iter().filter(late).map(|t| t.number).collect())
    }

    fn read(&self, study: i64, numbers: &[usize], from: usize) -> Result<Vec<Trial>, StoreError> {
        let replay = self.synced()?;
        let trials = &replay.kept(study)?.trials;
        let some = numbers.iter().filter(|n| **n < from).filter_map(|&n| trials.get(n));
        let mut out: Vec<Trial> = some.chain(trials.iter().skip(from)).cloned().collect();
        settle(&mut out);
        Ok(out)
    }

    fn domains(&self, study: i64) -> Result<Vec<(String, Domain)>, StoreError> {
        Ok(self.synced()?.kept(study)?.domains.iter().map(|(n, d)| (n.clone(), (**d).clone())).collect())
    }
}
