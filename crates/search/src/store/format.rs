//! How Optuna writes domains, values, attributes and times: the words that all its stores share.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::domain::Domain;
use crate::history::Direction;
use crate::trial::{State, Trial};
use crate::value::Value;

/// The states in the order of Optuna's numbers, with their names in its tables.
const STATES: [(State, &str); 5] = [
    (State::Running, "RUNNING"),
    (State::Complete, "COMPLETE"),
    (State::Pruned, "PRUNED"),
    (State::Failed, "FAIL"),
    (State::Waiting, "WAITING"),
];

pub fn state_name(state: State) -> &'static str {
    STATES.iter().find(|(s, _)| *s == state).expect("every state is there").1
}

pub fn state_number(state: State) -> u64 {
    STATES.iter().position(|(s, _)| *s == state).expect("every state is there") as u64
}

pub fn state_named(name: &str) -> Option<State> {
    STATES.iter().find(|(_, n)| *n == name).map(|(s, _)| *s)
}

pub fn state_numbered(number: u64) -> Option<State> {
    STATES.get(usize::try_from(number).ok()?).map(|(s, _)| *s)
}

pub fn direction_name(direction: Direction) -> &'static str {
    match direction {
        Direction::Minimise => "MINIMIZE",
        Direction::Maximise => "MAXIMIZE",
    }
}

pub fn direction_number(direction: Direction) -> u64 {
    1 + u64::from(direction == Direction::Maximise)
}

/// `NOT_SET` counts as minimise, as in Optuna's own best trial.
pub fn direction_named(name: &str) -> Option<Direction> {
    match name {
        "MINIMIZE" | "NOT_SET" => Some(Direction::Minimise),
        "MAXIMIZE" => Some(Direction::Maximise),
        _ => None,
    }
}

pub fn direction_numbered(number: u64) -> Option<Direction> {
    match number {
        0 | 1 => Some(Direction::Minimise),
        2 => Some(Direction::Maximise),
        _ => None,
    }
}

/// Numbers as Python writes them: a float keeps its point.
fn float(v: f64) -> Json {
    json!(v)
}

/// The distribution as JSON text. Whether levels are ordered is not said: Optuna does not know it.
pub fn distribution(domain: &Domain) -> String {
    let (name, attributes) = match domain {
        Domain::Float { lo, hi, log, step } => {
            let hi = match (step, domain.count()) {
                // The upper end is the last value on a step.
                (Some(step), Some(n)) => (lo + step * (n - 1) as f64).min(*hi),
                _ => *hi,
            };
            let step = step.map_or(Json::Null, float);
            ("Float", format!(r#"{{"step": {step}, "low": {}, "high": {}, "log": {log}}}"#, float(*lo), float(hi)))
        }
        Domain::Int { lo, log, step, .. } => {
            let hi = lo + step * (domain.count().unwrap_or(1) as i64 - 1);
            ("Int", format!(r#"{{"log": {log}, "step": {step}, "low": {lo}, "high": {hi}}}"#))
        }
        Domain::Categorical { levels, .. } => {
            let choices: Vec<String> = levels.iter().map(|l| ascii(&json!(l).to_string())).collect();
            ("Categorical", format!(r#"{{"choices": [{}]}}"#, choices.join(", ")))
        }
    };
    format!(r#"{{"name": "{name}Distribution", "attributes": {attributes}}}"#)
}

/// The domain of a distribution's JSON text, those of Optuna before version 3 included.
pub fn domain(text: &str) -> Option<Domain> {
    // What a file says is checked before it is used.
    read_domain(text).filter(Domain::is_sound)
}

fn read_domain(text: &str) -> Option<Domain> {
    let json: Json = parse(text).ok()?;
    let of = json.get("attributes")?;
    let float = |key: &str| of.get(key).and_then(Json::as_f64);
    let int = |key: &str| of.get(key).and_then(|v| v.as_i64().or_else(|| v.as_f64().map(|f| f as i64)));
    let flag = |key: &str| of.get(key).and_then(Json::as_bool).unwrap_or(false);
    let of_float = |log, step| Some(Domain::Float { lo: float("low")?, hi: float("high")?, log, step });
    let of_int = |log| Some(Domain::Int { lo: int("low")?, hi: int("high")?, log, step: int("step").unwrap_or(1) });
    match json.get("name")?.as_str()? {
        "FloatDistribution" => of_float(flag("log"), float("step")),
        "UniformDistribution" => of_float(false, None),
        "LogUniformDistribution" => of_float(true, None),
        "DiscreteUniformDistribution" => of_float(false, float("q")),
        "IntDistribution" => of_int(flag("log")),
        "IntUniformDistribution" => of_int(false),
        "IntLogUniformDistribution" => of_int(true),
        "CategoricalDistribution" => {
            let levels = of.get("choices")?.as_array()?;
            let levels = levels.iter().map(|l| serde_json::from_value(l.clone()).ok()).collect::<Option<_>>()?;
            Some(Domain::Categorical { levels, ordered: false })
        }
        _ => None,
    }
}

/// Optuna's number for a value: itself, or the index of a level.
pub fn internal(domain: &Domain, value: &Value) -> Option<f64> {
    match domain {
        Domain::Categorical { levels, .. } => Some(levels.iter().position(|l| l == value)? as f64),
        _ => value.number(),
    }
}

/// The value of Optuna's number.
pub fn external(domain: &Domain, number: f64) -> Option<Value> {
    match domain {
        Domain::Float { .. } => Some(Value::Float(number)),
        Domain::Int { .. } => Some(Value::Int(number as i64)),
        Domain::Categorical { levels, .. } => levels.get(number as usize).cloned(),
    }
}

/// `value` as a store gives it back.
pub fn external_of(domain: &Domain, value: &Value) -> Option<Value> {
    external(domain, internal(domain, value)?)
}

/// JSON as Python writes it, in which `NaN`, `Infinity` and `-Infinity` may stand unquoted: they become
/// strings of the same letters.
pub fn parse(text: &str) -> Result<Json, serde_json::Error> {
    match serde_json::from_str(text) {
        Ok(json) => Ok(json),
        Err(e) if text.contains("NaN") || text.contains("Infinity") => {
            serde_json::from_str(&quoted(text)).map_err(|_| e)
        }
        Err(e) => Err(e),
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let (mut inside, mut escaped) = (false, false);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let word = ["-Infinity", "Infinity", "NaN"].into_iter().find(|w| !inside && rest.starts_with(w));
        if let Some(word) = word {
            out.push('"');
            out.push_str(word);
            out.push('"');
            rest = &rest[word.len()..];
            continue;
        }
        if inside && !escaped && c == '\\' {
            escaped = true;
        } else {
            if c == '"' && !escaped {
                inside = !inside;
            }
            escaped = false;
        }
        out.push(c);
        rest = &rest[c.len_utf8()..];
    }
    out
}

/// A number of a journal, one of the three that JSON does not know included.
pub fn number(json: &Json) -> Option<f64> {
    match json {
        Json::String(s) if s == "NaN" => Some(f64::NAN),
        Json::String(s) if s == "Infinity" => Some(f64::INFINITY),
        Json::String(s) if s == "-Infinity" => Some(f64::NEG_INFINITY),
        other => other.as_f64(),
    }
}

/// A number as a journal writes it.
pub fn number_text(v: f64) -> String {
    if v.is_nan() {
        "NaN".into()
    } else if v.is_infinite() {
        (if v > 0.0 { "Infinity" } else { "-Infinity" }).into()
    } else {
        float(v).to_string()
    }
}

/// JSON text with everything beyond ASCII escaped.
pub fn ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            let mut units = [0; 2];
            c.encode_utf16(&mut units).iter().for_each(|u| out.push_str(&format!("\\u{u:04x}")));
        }
    }
    out
}

/// `YYYY-MM-DD` + `between` + `HH:MM:SS.ffffff`, UTC, from microseconds since 1970 (Hinnant's
/// `civil_from_days`).
pub fn time_text(micros: i64, between: char) -> String {
    let (days, rest) = (micros.div_euclid(86_400_000_000), micros.rem_euclid(86_400_000_000));
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let mp = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (seconds, fraction) = (rest / 1_000_000, rest % 1_000_000);
    let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}{between}{h:02}:{m:02}:{s:02}.{fraction:06}")
}

/// Microseconds since 1970 of such a text; a zone behind it is passed over, as Optuna does.
pub fn time(text: &str) -> Option<i64> {
    let digits = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (digits(0, 4)?, digits(5, 7)?, digits(8, 10)?);
    let (h, m, s) = (digits(11, 13)?, digits(14, 16)?, digits(17, 19)?);
    let fraction: String = text.get(20..).unwrap_or("").chars().take_while(char::is_ascii_digit).take(6).collect();
    let fraction: i64 = format!("{fraction:0<6}").parse().ok()?;
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let year_of_era = y.rem_euclid(400);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = era * 146_097 + day_of_era - 719_468;
    Some((days * 86_400 + h * 3600 + m * 60 + s) * 1_000_000 + fraction)
}

/// Values that are fixed before a trial has parameters, as `enqueue_trial` notes them.
pub fn fixed(notes: &BTreeMap<String, Json>) -> BTreeMap<String, Value> {
    let map = notes.get("fixed_params").and_then(Json::as_object);
    let of = |(k, v): (&String, &Json)| Some((k.clone(), serde_json::from_value(v.clone()).ok()?));
    map.into_iter().flatten().filter_map(of).collect()
}

/// Gives waiting trials that Optuna's `enqueue_trial` made the values that they are to take.
pub fn settle(trials: &mut [Trial]) {
    for trial in trials.iter_mut().filter(|t| t.state == State::Waiting) {
        for (name, value) in fixed(&trial.system) {
            trial.params.0.entry(name).or_insert(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::space::Space;

    #[test]
    fn distributions_are_written_as_optuna_writes_them() {
        let space = Space::new()
            .log_float("a", 1e-5, 0.1)
            .float("b", 0.0, 1.0)
            .step(0.3)
            .int("c", 1, 10)
            .categorical("d", [Value::from("relu"), true.into(), Value::Null, 7.into(), 2.5.into(), "é".into()]);
        // As `optuna.distributions.distribution_to_json` of Optuna 5.0.0 printed them.
        let expected = [
            r#"{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-5, "high": 0.1, "log": true}}"#,
            r#"{"name": "FloatDistribution", "attributes": {"step": 0.3, "low": 0.0, "high": 0.8999999999999999, "log": false}}"#,
            r#"{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 10}}"#,
            r#"{"name": "CategoricalDistribution", "attributes": {"choices": ["relu", true, null, 7, 2.5, "\u00e9"]}}"#,
        ];
        for (p, text) in space.params().iter().zip(expected) {
            assert_eq!(parse(&distribution(&p.domain)).unwrap(), parse(text).unwrap());
            assert!(distribution(&p.domain).is_ascii());
            let back = domain(text).unwrap();
            assert_eq!(back.count(), p.domain.count());
        }
        let old = r#"{"name": "DiscreteUniformDistribution", "attributes": {"low": 0.0, "high": 1.0, "q": 0.25}}"#;
        assert_eq!(domain(old).unwrap().count(), Some(5));
        assert_eq!(domain(r#"{"name": "Other", "attributes": {}}"#), None);
    }

    #[test]
    fn times_come_back() {
        for (micros, text) in [
            (0, "1970-01-01 00:00:00.000000"),
            (1_795_426_597_043_437, "2026-11-23 09:36:37.043437"),
            (951_782_400_000_001, "2000-02-29 00:00:00.000001"),
        ] {
            assert_eq!(time_text(micros, ' '), text);
            assert_eq!(time(text), Some(micros));
        }
        assert_eq!(time("2026-11-23T09:36:37+00:00"), Some(1_795_426_597_000_000));
        assert_eq!(time("2026"), None);
    }

    #[test]
    fn python_numbers_are_read() {
        let json = parse(r#"{"a": [NaN, -Infinity, "NaN \" Infinity"], "b": Infinity}"#).unwrap();
        assert!(number(&json["a"][0]).unwrap().is_nan());
        assert_eq!((number(&json["a"][1]), number(&json["b"])), (Some(f64::NEG_INFINITY), Some(f64::INFINITY)));
        assert_eq!(json["a"][2], "NaN \" Infinity");
        assert!(parse("{nothing").is_err());
    }
}
