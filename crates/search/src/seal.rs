//! A checksum on every finished trial, and on a study's own description: a store is a file that a disk may damage, and a
//! value that is off by one bit looks like any other value.
//!
//! It stands in a user attribute, which Optuna shows and does not read.

use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use crate::history::Direction;
use crate::notes::{DIED, RESUMED, SEAL};
use crate::space::Space;
use crate::store::format::external_of;
use crate::trial::{State, Trial};
use crate::value::Value;

fn digest(of: &Json) -> String {
    Sha256::digest(of.to_string()).iter().take(8).map(|b| format!("{b:02x}")).collect()
}

/// Bits, for a number that is none has no text in JSON; one NaN is as good as another.
fn bits(v: f64) -> String {
    format!("{:016x}", if v.is_nan() { f64::NAN.to_bits() } else { v.to_bits() })
}

/// The checksum of `trial`, had it ended with `state` and `values`. Times and workers are not in it: whoever resumes a
/// trial works at another time.
pub fn of_trial(trial: &Trial, state: State, values: &[f64], space: &Space) -> String {
    // As a store gives it back.
    let param = |(name, v): (&String, &Value)| {
        let kept = space.param(name).and_then(|p| external_of(&p.domain, v)).unwrap_or_else(|| v.clone());
        (name.clone(), json!(kept))
    };
    let params: serde_json::Map<String, Json> = trial.params.0.iter().map(param).collect();
    // Two may work on a trial that was taken over from a worker who was only silent, and both report steps until one ends.
    let alone = !trial.system.contains_key(DIED);
    let steps: Vec<(u64, String)> = trial.steps.iter().filter(|_| alone).map(|(s, v)| (*s, bits(*v))).collect();
    let notes: Vec<(&String, &Json)> = trial.user.iter().filter(|(k, _)| *k != SEAL).collect();
    let values: Vec<String> = values.iter().map(|v| bits(*v)).collect();
    let resumed = trial.system.get(RESUMED);
    digest(&json!([trial.number, format!("{state:?}"), params, values, steps, notes, resumed]))
}

/// The checksum of a study's name, directions and space.
pub fn of_study(name: &str, directions: &[Direction], space: &Json) -> String {
    let directions: Vec<String> = directions.iter().map(|d| format!("{d:?}")).collect();
    digest(&json!([name, directions, space]))
}
