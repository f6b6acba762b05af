//! Studies in Optuna's journal file: one JSON operation a line.

use std::collections::{BTreeMap, HashMap};
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use super::format::{self, number, number_text};
use super::{Scope, Store, StoreError, StudyRecord, domains_of, now};
use crate::history::Direction;
use crate::space::{Domain, Params, Space};
use crate::trial::{Attributes, State, Trial};

/// The system attribute that stands for a heartbeat: Optuna's journal has none, and an operation that
/// it does not know would make the file unreadable for it.
const BEAT: &str = "specialist:heartbeat";
/// A lock that stood still for so long was left by a process that died: writers hold it for the time of
/// one write.
const DEAD: Duration = Duration::from_millis(1500);

/// Optuna's journal file (its `JournalFileBackend`): for processes that share a folder. A process of
/// ours holds the system's lock on the file, which ends with it, and beside it the symbolic link that
/// Optuna's workers respect.
pub struct JournalStore {
    path: PathBuf,
    worker: String,
    replay: Mutex<Replay>,
}

/// What the lines read so far come to.
#[derive(Default)]
struct Replay {
    /// Bytes and lines that were applied.
    offset: u64,
    lines: usize,
    studies: Vec<Option<Kept>>,
    /// Study and number of each trial of the file.
    trials: Vec<(usize, usize)>,
    domains: HashMap<String, Option<Arc<Domain>>>,
}

struct Kept {
    record: StudyRecord,
    trials: Vec<Trial>,
    domains: BTreeMap<String, Arc<Domain>>,
    /// The place of each trial among all trials of the file.
    places: Vec<usize>,
}

impl JournalStore {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// [`StoreError::Foreign`] for a file that is no journal, [`StoreError::Corrupt`] with the line that
    /// cannot be read, [`StoreError::Io`] when the folder or the disk does not let it.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let absolute = std::path::absolute(path).map_err(|e| io(path, &e))?;
        let worker = format!("{}-{:?}", crate::worker::identity(), std::time::Instant::now());
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
        repair(&mut file).map_err(|e| io(&self.path, &e))?;
        let (text, out) = {
            let replay = self.synced()?;
            let (lines, out) = lines(&replay)?;
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

fn io(path: &Path, e: &std::io::Error) -> StoreError {
    StoreError::Io { place: path.display().to_string(), reason: e.to_string() }
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

/// The lock on a journal, until it is dropped.
struct Lock {
    link: PathBuf,
    file: File,
}

impl Lock {
    fn take(path: &Path) -> Result<Self, StoreError> {
        let file = File::open(path).map_err(|e| io(path, &e))?;
        // Ours first: it ends with the process that holds it.
        file.lock().map_err(|e| io(path, &e))?;
        let mut link = path.as_os_str().to_owned();
        link.push(".lock");
        let link = PathBuf::from(link);
        let mut seen: Option<(Stamp, Instant)> = None;
        let mut pause = Duration::from_millis(1);
        loop {
            match symlink(path, &link) {
                Ok(()) => return Ok(Self { link, file }),
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(io(&link, &e)),
            }
            let stamp = stamp(&link);
            match &seen {
                Some((before, since)) if *before == stamp => {
                    if since.elapsed() > DEAD {
                        release(&link);
                        seen = None;
                    }
                }
                _ => seen = Some((stamp, Instant::now())),
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        release(&self.link);
        _ = self.file.unlock();
    }
}

/// As Optuna does it: by a rename that only one can win, then by removing what it left.
fn release(link: &Path) {
    let mut aside = link.as_os_str().to_owned();
    aside.push(format!("{}-{}.rename", std::process::id(), now()));
    if std::fs::rename(link, &aside).is_ok() {
        _ = std::fs::remove_file(&aside);
    }
}

#[cfg(unix)]
fn symlink(path: &Path, link: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(path, link)
}

#[cfg(not(unix))]
fn symlink(_: &Path, link: &Path) -> std::io::Result<()> {
    OpenOptions::new().write(true).create_new(true).open(link).map(|_| ())
}

/// What tells one lock from the next.
#[derive(PartialEq)]
struct Stamp(Option<std::time::SystemTime>, u64);

fn stamp(link: &Path) -> Stamp {
    let meta = std::fs::symlink_metadata(link).ok();
    #[cfg(unix)]
    let id = meta.as_ref().map_or(0, std::os::unix::fs::MetadataExt::ino);
    #[cfg(not(unix))]
    let id = 0;
    Stamp(meta.and_then(|m| m.modified().ok()), id)
}

impl Replay {
    fn kept(&self, study: i64) -> Result<&Kept, StoreError> {
        let at = usize::try_from(study).ok();
        at.and_then(|i| self.studies.get(i)?.as_ref()).ok_or_else(|| StoreError::NoStudy(study.to_string()))
    }

    fn trial(&self, study: i64, number: usize) -> Result<(&Kept, &Trial), StoreError> {
        let kept = self.kept(study)?;
        Ok((kept, kept.trials.get(number).ok_or(StoreError::NoTrial(number))?))
    }

    fn apply_all(&mut self, bytes: &[u8], place: &str) -> Result<(), StoreError> {
        let whole = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
        for line in bytes[..whole].split_inclusive(|b| *b == b'\n') {
            let text = std::str::from_utf8(line).unwrap_or_default().trim();
            let applied = match format::parse(text) {
                Ok(op) => self.apply(&op),
                Err(_) => None,
            };
            if applied.is_none() {
                return Err(if self.lines == 0 {
                    StoreError::Foreign { place: place.into(), reason: "its first line is no journal operation".into() }
                } else {
                    let at = format!("line {}", self.lines + 1);
                    StoreError::Corrupt { place: place.into(), at, reason: "the line is no journal operation".into() }
                });
            }
            self.lines += 1;
            self.offset += line.len() as u64;
        }
        Ok(())
    }

    /// Applies one operation; `None` for one that is none. What Optuna passes over on replay (a change
    /// of a finished trial, of a study that was deleted) is passed over here.
    fn apply(&mut self, op: &Json) -> Option<()> {
        let int = |key: &str| op.get(key).and_then(Json::as_u64).map(|v| v as usize);
        let time = |key: &str| op.get(key).and_then(Json::as_str).and_then(format::time);
        op.get("worker_id")?;
        match op.get("op_code")?.as_u64()? {
            0 => {
                let name = op.get("study_name")?.as_str()?;
                let directions = op.get("directions")?.as_array()?;
                let directions: Option<Vec<Direction>> =
                    directions.iter().map(|d| format::direction_numbered(d.as_u64()?)).collect();
                if !self.studies.iter().flatten().any(|k| k.record.name == name) {
                    let record = StudyRecord {
                        id: self.studies.len() as i64,
                        name: name.into(),
                        directions: directions?,
                        user: BTreeMap::new(),
                        system: BTreeMap::new(),
                    };
                    let kept = Kept { record, trials: Vec::new(), domains: BTreeMap::new(), places: Vec::new() };
                    self.studies.push(Some(kept));
                }
            }
            1 => {
                if let Some(study) = self.studies.get_mut(int("study_id")?) {
                    *study = None;
                }
            }
            code @ (2 | 3) => {
                let study = int("study_id")?;
                let notes = op.get(if code == 2 { "user_attr" } else { "system_attr" })?.as_object()?;
                if let Some(Some(kept)) = self.studies.get_mut(study) {
                    let own = if code == 2 { &mut kept.record.user } else { &mut kept.record.system };
                    own.extend(notes.iter().map(|(k, v)| (k.clone(), v.clone())));
                }
            }
            4 => {
                let study = int("study_id")?;
                let trial = self.created(op)?;
                let place = self.trials.len();
                let newest = self.domains_in(op);
                if let Some(Some(kept)) = self.studies.get_mut(study) {
                    self.trials.push((study, kept.trials.len()));
                    kept.places.push(place);
                    for (name, domain) in newest {
                        if kept.domains.get(&name).is_none_or(|known| !Arc::ptr_eq(known, &domain)) {
                            kept.domains.insert(name, domain);
                        }
                    }
                    kept.trials.push(Trial { number: kept.trials.len(), ..trial });
                }
            }
            code @ 5..=9 => {
                let place = int("trial_id")?;
                let domain = match code {
                    5 => Some(self.domain(op.get("distribution")?.as_str()?)?),
                    _ => None,
                };
                let Some(&(study, trial_number)) = self.trials.get(place) else { return Some(()) };
                let Some(Some(kept)) = self.studies.get_mut(study) else { return Some(()) };
                let trial = &mut kept.trials[trial_number];
                if trial.state.is_finished() {
                    return Some(());
                }
                match code {
                    5 => {
                        let (name, domain) = (op.get("param_name")?.as_str()?, domain?);
                        let value = format::external(&domain, number(op.get("param_value_internal")?)?)?;
                        trial.params.0.insert(name.into(), value);
                        kept.domains.insert(name.into(), domain);
                    }
                    6 => {
                        let state = format::state_numbered(op.get("state")?.as_u64()?)?;
                        if state == State::Running && trial.state == State::Running {
                            return Some(());
                        }
                        // A trial that runs or waits has no values yet: the state is damaged.
                        if !state.is_finished() && op.get("values").is_some_and(|v| !v.is_null()) {
                            return None;
                        }
                        trial.state = state;
                        if let Some(values) = op.get("values").and_then(Json::as_array) {
                            trial.values = values.iter().filter_map(number).collect();
                        }
                        trial.started = time("datetime_start").or(trial.started);
                        trial.ended = time("datetime_complete");
                    }
                    7 => {
                        let value = number(op.get("intermediate_value")?)?;
                        trial.steps.insert(int("step")? as u64, value);
                    }
                    _ => {
                        let notes = op.get(if code == 8 { "user_attr" } else { "system_attr" })?.as_object()?;
                        let own = if code == 8 { &mut trial.user } else { &mut trial.system };
                        own.extend(notes.iter().map(|(k, v)| (k.clone(), v.clone())));
                    }
                }
            }
            // rustuna's; Optuna passes over it.
            10 => {}
            _ => return None,
        }
        Some(())
    }

    fn domain(&mut self, text: &str) -> Option<Arc<Domain>> {
        if !self.domains.contains_key(text) {
            self.domains.insert(text.into(), format::domain(text).map(Arc::new));
        }
        self.domains[text].clone()
    }

    fn domains_in(&mut self, op: &Json) -> Vec<(String, Arc<Domain>)> {
        let map = op.get("distributions").and_then(Json::as_object);
        let of = |(k, v): (&String, &Json)| Some((k.clone(), self.domain(v.as_str()?)?));
        map.into_iter().flatten().filter_map(of).collect()
    }

    fn created(&mut self, op: &Json) -> Option<Trial> {
        let mut trial = Trial::new(0, Params::default());
        trial.started = op.get("datetime_start").and_then(Json::as_str).and_then(format::time);
        let Some(state) = op.get("state") else { return Some(trial) };
        trial.state = format::state_numbered(state.as_u64()?)?;
        trial.ended = op.get("datetime_complete").and_then(Json::as_str).and_then(format::time);
        match (op.get("values").and_then(Json::as_array), op.get("value")) {
            (Some(values), _) => trial.values = values.iter().filter_map(number).collect(),
            (None, Some(value)) => trial.values.extend(number(value)),
            _ => {}
        }
        let entries = |key: &str| op.get(key).and_then(Json::as_object).into_iter().flatten();
        let internal: Vec<(String, f64)> =
            entries("params").map(|(k, v)| Some((k.clone(), number(v)?))).collect::<Option<_>>()?;
        for (name, value) in internal {
            let domain = self.domain(op.get("distributions")?.get(&name)?.as_str()?)?;
            trial.params.0.insert(name, format::external(&domain, value)?);
        }
        let notes = |key: &str| entries(key).map(|(k, v)| (k.clone(), v.clone())).collect();
        trial.user = notes("user_attrs");
        trial.system = notes("system_attrs");
        trial.steps = entries("intermediate_values").filter_map(|(k, v)| Some((k.parse().ok()?, number(v)?))).collect();
        Some(trial)
    }
}

/// `{"key": text, …}` of texts that are JSON already.
fn object(entries: impl Iterator<Item = (String, String)>) -> String {
    let parts: Vec<String> = entries.map(|(k, v)| format!("{}:{v}", format::ascii(&json!(k).to_string()))).collect();
    format!("{{{}}}", parts.join(","))
}

fn time_json(micros: Option<i64>) -> String {
    micros.map_or_else(|| "null".into(), |t| format!("\"{}+00:00\"", format::time_text(t, 'T')))
}

fn internal_json(domain: &Domain, value: f64) -> String {
    match domain {
        Domain::Categorical { .. } => (value as i64).to_string(),
        _ => number_text(value),
    }
}

/// The line that creates a study.
fn study_line(name: &str, directions: &[Direction]) -> String {
    let directions: Vec<String> = directions.iter().map(|d| format::direction_number(*d).to_string()).collect();
    let name = format::ascii(&json!(name).to_string());
    format!(r#"{{"op_code":0,"worker_id":0,"study_name":{name},"directions":[{}]}}"#, directions.join(","))
}

/// The line that creates a trial with all that is known of it.
fn trial_line(study: i64, trial: &Trial, space: &Space) -> String {
    let known: Vec<(&str, &Domain, f64)> = domains_of(&trial.params, space)
        .filter_map(|(n, d)| Some((n, d, format::internal(d, trial.params.get(n)?)?)))
        .collect();
    let values: Vec<String> = trial.values.iter().map(|v| number_text(*v)).collect();
    let (value, values) = match values.as_slice() {
        [] => ("null".into(), "null".into()),
        [one] => (one.clone(), "null".to_string()),
        many => ("null".to_string(), format!("[{}]", many.join(","))),
    };
    let complete = trial.ended.map_or_else(String::new, |t| format!(",\"datetime_complete\":{}", time_json(Some(t))));
    let notes = |notes: &crate::trial::Attributes| {
        object(notes.iter().map(|(k, v)| (k.clone(), format::ascii(&v.to_string()))))
    };
    format!(
        r#"{{"op_code":4,"worker_id":0,"study_id":{study},"datetime_start":{},"state":{},"value":{value},"values":{values}{complete},"distributions":{},"params":{},"user_attrs":{},"system_attrs":{},"intermediate_values":{}}}"#,
        time_json(trial.started),
        format::state_number(trial.state),
        object(known.iter().map(|(n, d, _)| (n.to_string(), json!(format::distribution(d)).to_string()))),
        object(known.iter().map(|(n, d, v)| (n.to_string(), internal_json(d, *v)))),
        notes(&trial.user),
        notes(&trial.system),
        object(trial.steps.iter().map(|(k, v)| (k.to_string(), number_text(*v)))),
    )
}

/// A whole study as the text of a journal that Optuna opens, without times and workers: the same trials
/// give the same text.
#[must_use]
pub fn journal_text(study: &crate::Study) -> String {
    let space = json!({ crate::study::SPACE: study.space() });
    let mut lines = vec![
        study_line(study.name(), study.directions()),
        format!(r#"{{"op_code":3,"worker_id":0,"study_id":0,"system_attr":{}}}"#, format::ascii(&space.to_string())),
    ];
    for trial in study.trials() {
        let mut trial = Trial { started: None, ended: None, ..trial.clone() };
        [BEAT, crate::study::WORKER, crate::run::DIED].iter().for_each(|key| _ = trial.system.remove(*key));
        // An artifact has a checksum of the whole file.
        trial.user.remove(crate::seal::SEAL);
        lines.push(trial_line(0, &trial, study.space()));
    }
    let named = |l: String| format!("{}\n", l.replacen("\"worker_id\":0", "\"worker_id\":\"specialist\"", 1));
    lines.into_iter().map(named).collect()
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
        super::settle(&mut out);
        Ok(out)
    }

    fn domains(&self, study: i64) -> Result<Vec<(String, Domain)>, StoreError> {
        Ok(self.synced()?.kept(study)?.domains.iter().map(|(n, d)| (n.clone(), (**d).clone())).collect())
    }
}
