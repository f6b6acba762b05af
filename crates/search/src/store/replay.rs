//! What the lines of a journal come to.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::Value as Json;

use super::contract::{StoreError, StudyRecord};
use super::format::{self, number};
use crate::domain::Domain;
use crate::history::Direction;
use crate::params::Params;
use crate::trial::{State, Trial};

/// What the lines read so far come to.
#[derive(Default)]
pub(super) struct Replay {
    /// Bytes and lines that were applied.
    pub(super) offset: u64,
    lines: usize,
    pub(super) studies: Vec<Option<Kept>>,
    /// Study and number of each trial of the file.
    trials: Vec<(usize, usize)>,
    domains: HashMap<String, Option<Arc<Domain>>>,
}

pub(super) struct Kept {
    pub(super) record: StudyRecord,
    pub(super) trials: Vec<Trial>,
    pub(super) domains: BTreeMap<String, Arc<Domain>>,
    /// The place of each trial among all trials of the file.
    pub(super) places: Vec<usize>,
}

impl Replay {
    pub(super) fn kept(&self, study: i64) -> Result<&Kept, StoreError> {
        let at = usize::try_from(study).ok();
        at.and_then(|i| self.studies.get(i)?.as_ref()).ok_or_else(|| StoreError::NoStudy(study.to_string()))
    }

    pub(super) fn trial(&self, study: i64, number: usize) -> Result<(&Kept, &Trial), StoreError> {
        let kept = self.kept(study)?;
        Ok((kept, kept.trials.get(number).ok_or(StoreError::NoTrial(number))?))
    }

    pub(super) fn apply_all(&mut self, bytes: &[u8], place: &str) -> Result<(), StoreError> {
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
