//! Optuna's relational schema: the queries that SQLite and PostgreSQL share. Statements are written with `?`; a dialect says
//! what differs.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value as Json;

use super::contract::{Scope, Store, StoreError, StudyRecord, domains_of, now};
use super::database::{Cell, Database, Transaction};
use super::format::{self, settle};
use crate::domain::Domain;
use crate::history::Direction;
use crate::params::Params;
use crate::space::Space;
use crate::trial::{Attributes, State, Trial};

/// A store in a database.
pub struct SqlStore<D> {
    pub database: D,
}

/// A finite number, or the word for one that the tables do not hold.
fn number_cells(v: f64) -> (Cell, &'static str) {
    match v {
        v if v.is_nan() => (Cell::Null, "NAN"),
        v if v == f64::INFINITY => (Cell::Null, "INF_POS"),
        v if v == f64::NEG_INFINITY => (Cell::Null, "INF_NEG"),
        v => (Cell::Float(v), "FINITE"),
    }
}

fn number_of(value: &Cell, kind: &str) -> f64 {
    match kind {
        "INF_POS" => f64::INFINITY,
        "INF_NEG" => f64::NEG_INFINITY,
        _ => value.float().unwrap_or(f64::NAN),
    }
}

fn attributes(scope: Scope) -> &'static str {
    match scope {
        Scope::User => "user_attributes",
        Scope::System => "system_attributes",
    }
}

fn json_cell(value: &Json) -> Cell {
    Cell::Text(format::ascii(&value.to_string()))
}

impl<D: Database> SqlStore<D> {
    fn study_exists(t: &mut dyn Transaction, study: i64) -> Result<(), StoreError> {
        let found = t.query("SELECT study_id FROM studies WHERE study_id = ?", &[study.into()])?;
        if found.is_empty() { Err(StoreError::NoStudy(study.to_string())) } else { Ok(()) }
    }

    /// The key and state of a trial, locked where rows can be.
    fn trial(t: &mut dyn Transaction, study: i64, number: usize) -> Result<(i64, State), StoreError> {
        let sql =
            format!("SELECT trial_id, {} FROM trials WHERE study_id = ? AND number = ?{}", text_of("state"), D::LOCK);
        let rows = t.query(&sql, &[study.into(), (number as i64).into()])?;
        let row = rows.first().ok_or(StoreError::NoTrial(number))?;
        let state = format::state_named(row[1].text()).ok_or(StoreError::NoTrial(number))?;
        Ok((row[0].int(), state))
    }

    fn open_trial(t: &mut dyn Transaction, study: i64, number: usize) -> Result<i64, StoreError> {
        let (id, state) = Self::trial(t, study, number)?;
        if state.is_finished() { Err(StoreError::Finished(number)) } else { Ok(id) }
    }

    fn set_attribute(
        t: &mut dyn Transaction,
        owner: &str,
        id: i64,
        scope: Scope,
        key: &str,
        value: &Json,
    ) -> Result<(), StoreError> {
        let sql = format!(
            "INSERT INTO {owner}_{table} ({owner}_id, key, value_json) VALUES (?, ?, ?) \
             ON CONFLICT ({owner}_id, key) DO UPDATE SET value_json = excluded.value_json",
            table = attributes(scope)
        );
        t.execute(&sql, &[id.into(), key.into(), json_cell(value)]).map(|_| ())
    }

    /// Adds the parameters that the trial has not yet.
    fn add_params(t: &mut dyn Transaction, id: i64, params: &Params, space: &Space) -> Result<(), StoreError> {
        for (name, domain) in domains_of(params, space) {
            let Some(value) = params.get(name).and_then(|v| format::internal(domain, v)) else { continue };
            t.execute(
                "INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json) VALUES (?, ?, ?, ?) \
                 ON CONFLICT (trial_id, param_name) DO NOTHING",
                &[id.into(), name.into(), Cell::Float(value), Cell::Text(format::distribution(domain))],
            )?;
        }
        Ok(())
    }

    fn set_step(t: &mut dyn Transaction, id: i64, step: u64, value: f64) -> Result<(), StoreError> {
        let (cell, kind) = number_cells(value);
        let sql = format!(
            "INSERT INTO trial_intermediate_values (trial_id, step, intermediate_value, intermediate_value_type) \
             VALUES (?, ?, ?, {}) ON CONFLICT (trial_id, step) DO UPDATE SET \
             intermediate_value = excluded.intermediate_value, intermediate_value_type = excluded.intermediate_value_type",
            D::cast("trialintermediatevaluetype")
        );
        t.execute(&sql, &[id.into(), (step as i64).into(), cell, kind.into()]).map(|_| ())
    }

    fn set_beat(t: &mut dyn Transaction, id: i64) -> Result<(), StoreError> {
        let sql = format!(
            "INSERT INTO trial_heartbeats (trial_id, heartbeat) VALUES (?, {now}) \
             ON CONFLICT (trial_id) DO UPDATE SET heartbeat = {now}",
            now = D::NOW
        );
        t.execute(&sql, &[id.into()]).map(|_| ())
    }

    fn set_values(t: &mut dyn Transaction, id: i64, values: &[f64]) -> Result<(), StoreError> {
        for (objective, v) in values.iter().enumerate() {
            let (cell, kind) = number_cells(*v);
            let sql = format!(
                "INSERT INTO trial_values (trial_id, objective, value, value_type) VALUES (?, ?, ?, {})",
                D::cast("trialvaluetype")
            );
            t.execute(&sql, &[id.into(), (objective as i64).into(), cell, kind.into()])?;
        }
        Ok(())
    }
}

/// An enumeration's or a text's column as text; the same in both dialects.
fn text_of(column: &str) -> String {
    format!("CAST({column} AS TEXT)")
}

/// Rows of a trial's table are fetched for all wanted trials at once, in parts this long.
const PART: usize = 500;

impl<D: Database> Store for SqlStore<D> {
    fn create_study(&self, name: &str, directions: &[Direction]) -> Result<i64, StoreError> {
        let created = self.database.write(|t| {
            if !t.query("SELECT study_id FROM studies WHERE study_name = ?", &[name.into()])?.is_empty() {
                return Err(StoreError::Exists(name.into()));
            }
            let id = t.insert("studies", "study_id", &["study_name"], &[name.into()])?;
            for (objective, direction) in directions.iter().enumerate() {
                let sql = format!(
                    "INSERT INTO study_directions (direction, study_id, objective) VALUES ({}, ?, ?)",
                    D::cast("studydirection")
                );
                t.execute(&sql, &[format::direction_name(*direction).into(), id.into(), (objective as i64).into()])?;
            }
            Ok(id)
        });
        match created {
            // Another process was faster: the index on the names refused this one.
            Err(StoreError::Io { .. }) if self.study(name).is_ok() => Err(StoreError::Exists(name.into())),
            other => other,
        }
    }

    fn studies(&self) -> Result<Vec<StudyRecord>, StoreError> {
        self.database.read(|t| {
            let mut out: Vec<StudyRecord> = Vec::new();
            for row in t.query("SELECT study_id, study_name FROM studies ORDER BY study_id", &[])? {
                let (id, name) = (row[0].int(), row[1].text().to_string());
                out.push(StudyRecord { id, name, directions: vec![], user: BTreeMap::new(), system: BTreeMap::new() });
            }
            let at: HashMap<i64, usize> = out.iter().enumerate().map(|(i, s)| (s.id, i)).collect();
            let sql =
                format!("SELECT study_id, {} FROM study_directions ORDER BY study_id, objective", text_of("direction"));
            for row in t.query(&sql, &[])? {
                if let (Some(&i), Some(d)) = (at.get(&row[0].int()), format::direction_named(row[1].text())) {
                    out[i].directions.push(d);
                }
            }
            for scope in [Scope::User, Scope::System] {
                let sql = format!("SELECT study_id, key, value_json FROM study_{}", attributes(scope));
                for row in t.query(&sql, &[])? {
                    let Some(&i) = at.get(&row[0].int()) else { continue };
                    let notes = if scope == Scope::User { &mut out[i].user } else { &mut out[i].system };
                    notes.insert(row[1].text().into(), format::parse(row[2].text()).unwrap_or(Json::Null));
                }
            }
            Ok(out)
        })
    }

    fn delete_study(&self, study: i64) -> Result<(), StoreError> {
        self.database.write(|t| {
            Self::study_exists(t, study)?;
            for table in [
                "trial_user_attributes",
                "trial_system_attributes",
                "trial_params",
                "trial_values",
                "trial_intermediate_values",
                "trial_heartbeats",
            ] {
                let sql =
                    format!("DELETE FROM {table} WHERE trial_id IN (SELECT trial_id FROM trials WHERE study_id = ?)");
                t.execute(&sql, &[study.into()])?;
            }
            for table in ["trials", "study_directions", "study_user_attributes", "study_system_attributes", "studies"] {
                t.execute(&format!("DELETE FROM {table} WHERE study_id = ?"), &[study.into()])?;
            }
            Ok(())
        })
    }

    fn set_study_attribute(&self, study: i64, scope: Scope, key: &str, value: &Json) -> Result<(), StoreError> {
        self.database.write(|t| {
            Self::study_exists(t, study)?;
            Self::set_attribute(t, "study", study, scope, key, value)
        })
    }

    fn add_trial(
        &self,
        study: i64,
        trial: &Trial,
        space: &Space,
        expected: Option<usize>,
    ) -> Result<Option<usize>, StoreError> {
        self.database.write(|t| {
            // The lock on the study's row is what keeps numbers without a gap; Optuna takes it too.
            let sql = format!("SELECT study_id FROM studies WHERE study_id = ?{}", D::LOCK);
            if t.query(&sql, &[study.into()])?.is_empty() {
                return Err(StoreError::NoStudy(study.to_string()));
            }
            let count = t.query("SELECT COUNT(trial_id) FROM trials WHERE study_id = ?", &[study.into()])?[0][0].int();
            if expected.is_some_and(|e| e as i64 != count) {
                return Ok(None);
            }
            let time = |v: Option<i64>| Cell::from(v.map(|v| format::time_text(v, ' ')));
            let id = t.insert(
                "trials",
                "trial_id",
                &["number", "study_id", "state", "datetime_start", "datetime_complete"],
                &[
                    count.into(),
                    study.into(),
                    format::state_name(trial.state).into(),
                    time(trial.started),
                    time(trial.ended),
                ],
            )?;
            Self::add_params(t, id, &trial.params, space)?;
            for (scope, notes) in [(Scope::User, &trial.user), (Scope::System, &trial.system)] {
                for (key, value) in notes {
                    Self::set_attribute(t, "trial", id, scope, key, value)?;
                }
            }
            for (step, value) in &trial.steps {
                Self::set_step(t, id, *step, *value)?;
            }
            Self::set_values(t, id, &trial.values)?;
            if trial.state == State::Running {
                Self::set_beat(t, id)?;
            }
            Ok(Some(count as usize))
        })
    }

    fn claim(&self, study: i64, number: usize, claimed: &Trial, space: &Space) -> Result<bool, StoreError> {
        self.database.write(|t| {
            let (id, _) = Self::trial(t, study, number)?;
            let sql = format!(
                "UPDATE trials SET state = {running}, datetime_start = {time} WHERE trial_id = ? AND state = {waiting}",
                running = D::cast("trialstate"),
                time = D::cast("timestamp"),
                waiting = D::cast("trialstate")
            );
            let cells = ["RUNNING".into(), Cell::Text(format::time_text(now(), ' ')), id.into(), "WAITING".into()];
            if t.execute(&sql, &cells)? != 1 {
                return Ok(false);
            }
            Self::add_params(t, id, &claimed.params, space)?;
            for (key, value) in &claimed.system {
                Self::set_attribute(t, "trial", id, Scope::System, key, value)?;
            }
            Self::set_beat(t, id)?;
            Ok(true)
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
        self.database.write(|t| {
            // With its row locked, nobody else can take it over in between.
            let (id, state) = Self::trial(t, study, number)?;
            let sql = "SELECT value_json FROM trial_system_attributes WHERE trial_id = ? AND key = ?";
            let found = t.query(sql, &[id.into(), key.into()])?;
            let own = found.first().and_then(|r| format::parse(r[0].text()).ok());
            if state != State::Running || own.as_ref() != Some(before) {
                return Ok(false);
            }
            for (key, value) in notes {
                Self::set_attribute(t, "trial", id, Scope::System, key, value)?;
            }
            Self::set_beat(t, id)?;
            Ok(true)
        })
    }

    fn report(&self, study: i64, number: usize, step: u64, value: f64) -> Result<(), StoreError> {
        self.database.write(|t| {
            let id = Self::open_trial(t, study, number)?;
            Self::set_step(t, id, step, value)
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
        self.database.write(|t| {
            let id = Self::open_trial(t, study, number)?;
            Self::set_attribute(t, "trial", id, scope, key, value)
        })
    }

    fn finish(&self, study: i64, number: usize, state: State, values: &[f64]) -> Result<(), StoreError> {
        self.database.write(|t| {
            let id = Self::open_trial(t, study, number)?;
            Self::set_values(t, id, values)?;
            let sql = format!(
                "UPDATE trials SET state = {}, datetime_complete = {} WHERE trial_id = ?",
                D::cast("trialstate"),
                D::cast("timestamp")
            );
            let cells = [format::state_name(state).into(), Cell::Text(format::time_text(now(), ' ')), id.into()];
            t.execute(&sql, &cells).map(|_| ())
        })
    }

    fn beat(&self, study: i64, number: usize) -> Result<(), StoreError> {
        self.database.write(|t| {
            let (id, _) = Self::trial(t, study, number)?;
            Self::set_beat(t, id)
        })
    }

    fn silent(&self, study: i64, grace: Duration) -> Result<Vec<usize>, StoreError> {
        self.database.read(|t| {
            let sql = format!(
                "SELECT number FROM trials JOIN trial_heartbeats ON trials.trial_id = trial_heartbeats.trial_id \
                 WHERE study_id = ? AND CAST(state AS TEXT) = 'RUNNING' AND {} > ? ORDER BY number",
                D::AGE
            );
            let rows = t.query(&sql, &[study.into(), Cell::Float(grace.as_secs_f64())])?;
            Ok(rows.iter().map(|r| r[0].int() as usize).collect())
        })
    }

    fn read(&self, study: i64, numbers: &[usize], from: usize) -> Result<Vec<Trial>, StoreError> {
        let numbers: Vec<usize> = numbers.iter().copied().filter(|&n| n < from).collect();
        self.database.read(|t| {
            Self::study_exists(t, study)?;
            let mut out = Vec::new();
            for part in numbers.chunks(PART) {
                let list: Vec<String> = part.iter().map(ToString::to_string).collect();
                out.extend(self.read_where(t, study, &format!("t.number IN ({})", list.join(",")))?);
            }
            out.extend(self.read_where(t, study, &format!("t.number >= {from}"))?);
            Ok(out)
        })
    }

    fn domains(&self, study: i64) -> Result<Vec<(String, Domain)>, StoreError> {
        self.database.read(|t| {
            let rows = t.query(
                "SELECT p.param_name, p.distribution_json, MAX(p.param_id) AS newest FROM trial_params p \
                 JOIN trials t ON t.trial_id = p.trial_id WHERE t.study_id = ? \
                 GROUP BY p.param_name, p.distribution_json ORDER BY newest",
                &[study.into()],
            )?;
            let mut out: BTreeMap<String, Domain> = BTreeMap::new();
            for row in rows {
                if let Some(domain) = format::domain(row[1].text()) {
                    out.insert(row[0].text().into(), domain);
                }
            }
            Ok(out.into_iter().collect())
        })
    }
}

impl<D: Database> SqlStore<D> {
    /// The trials of a study for which `wanted` holds, in order of number.
    fn read_where(&self, t: &mut dyn Transaction, study: i64, wanted: &str) -> Result<Vec<Trial>, StoreError> {
        let corrupt =
            |at: String, reason: &str| StoreError::Corrupt { place: self.database.place(), at, reason: reason.into() };
        let sql = format!(
            "SELECT t.trial_id, t.number, {}, {}, {} FROM trials t WHERE t.study_id = ? AND {wanted} ORDER BY t.number",
            text_of("t.state"),
            D::time_text("t.datetime_start"),
            D::time_text("t.datetime_complete")
        );
        let mut out: Vec<Trial> = Vec::new();
        let mut at: HashMap<i64, usize> = HashMap::new();
        for row in t.query(&sql, &[study.into()])? {
            let number = usize::try_from(row[1].int()).map_err(|_| corrupt("a trial".into(), "its number is none"))?;
            let mut trial = Trial::new(number, Params::default());
            trial.state = format::state_named(row[2].text())
                .ok_or_else(|| corrupt(format!("trial {number}"), "its state is none of Optuna's"))?;
            trial.started = format::time(row[3].text());
            trial.ended = format::time(row[4].text());
            at.insert(row[0].int(), out.len());
            out.push(trial);
        }
        if out.is_empty() {
            return Ok(out);
        }
        // A range of keys is one pass over a table; rows of other trials in between are passed over.
        let (low, high) = (at.keys().min().copied().unwrap_or(0), at.keys().max().copied().unwrap_or(0));
        let mut of = |table: &str, columns: &str, order: &str| {
            // Behind a sign SQLite takes the rows in the order in which they lie: better for many.
            let sign = if high.saturating_sub(low) > 200 { "+" } else { "" };
            let sql =
                format!("SELECT x.trial_id, {columns} FROM {table} x WHERE {sign}x.trial_id BETWEEN ? AND ?{order}");
            t.query(&sql, &[low.into(), high.into()])
        };
        let mut domains: HashMap<String, Option<Domain>> = HashMap::new();
        for row in of("trial_params", "x.param_name, x.param_value, x.distribution_json", "")? {
            let Some(&i) = at.get(&row[0].int()) else { continue };
            let text = row[3].text();
            if !domains.contains_key(text) {
                domains.insert(text.into(), format::domain(text));
            }
            let value = domains[text].as_ref().zip(row[2].float()).and_then(|(d, v)| format::external(d, v));
            let value =
                value.ok_or_else(|| corrupt(format!("trial {}", out[i].number), "a parameter cannot be read"))?;
            out[i].params.0.insert(row[1].text().into(), value);
        }
        for row in
            of("trial_values", &format!("x.value, {}", text_of("x.value_type")), " ORDER BY x.trial_id, x.objective")?
        {
            let Some(&i) = at.get(&row[0].int()) else { continue };
            out[i].values.push(number_of(&row[1], row[2].text()));
        }
        let kind = text_of("x.intermediate_value_type");
        for row in of("trial_intermediate_values", &format!("x.step, x.intermediate_value, {kind}"), "")? {
            let Some(&i) = at.get(&row[0].int()) else { continue };
            out[i].steps.insert(row[1].int() as u64, number_of(&row[2], row[3].text()));
        }
        for scope in [Scope::User, Scope::System] {
            for row in of(&format!("trial_{}", attributes(scope)), "x.key, x.value_json", "")? {
                let Some(&i) = at.get(&row[0].int()) else { continue };
                let notes = if scope == Scope::User { &mut out[i].user } else { &mut out[i].system };
                notes.insert(row[1].text().into(), format::parse(row[2].text()).unwrap_or(Json::Null));
            }
        }
        settle(&mut out);
        Ok(out)
    }
}
