//! The lines of a journal.

use serde_json::json;

use super::contract::domains_of;
use super::format::{self, number_text};
use crate::domain::Domain;
use crate::history::Direction;
use crate::space::Space;
use crate::trial::{Attributes, Trial};

/// `{"key": text, …}` of texts that are JSON already.
pub(super) fn object(entries: impl Iterator<Item = (String, String)>) -> String {
    let parts: Vec<String> = entries.map(|(k, v)| format!("{}:{v}", format::ascii(&json!(k).to_string()))).collect();
    format!("{{{}}}", parts.join(","))
}

pub(super) fn time_json(micros: Option<i64>) -> String {
    micros.map_or_else(|| "null".into(), |t| format!("\"{}+00:00\"", format::time_text(t, 'T')))
}

pub(super) fn internal_json(domain: &Domain, value: f64) -> String {
    match domain {
        Domain::Categorical { .. } => (value as i64).to_string(),
        _ => number_text(value),
    }
}

/// The line that creates a study.
pub(crate) fn study_line(name: &str, directions: &[Direction]) -> String {
    let directions: Vec<String> = directions.iter().map(|d| format::direction_number(*d).to_string()).collect();
    let name = format::ascii(&json!(name).to_string());
    format!(r#"{{"op_code":0,"worker_id":0,"study_name":{name},"directions":[{}]}}"#, directions.join(","))
}

/// The line that creates a trial with all that is known of it.
pub(crate) fn trial_line(study: i64, trial: &Trial, space: &Space) -> String {
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
    let notes = |notes: &Attributes| object(notes.iter().map(|(k, v)| (k.clone(), format::ascii(&v.to_string()))));
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
