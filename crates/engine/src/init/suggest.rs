//! What each column seems to be, and why.

use std::path::Path;

use specialist_core::{ColumnKind, NumberStyle, Role};
use specialist_tabular::read::{ColumnProfile, DayOrder, Profile, day_first, seconds, seconds_in, unit_word};

use super::cells::is_marker;
use super::names::{
    CODED, POSTCODES, TIME_NAMES, has_word, is_duration, is_end, is_entry, is_event, is_identifier, is_row_count,
};
use super::numbers::{identity, number};
use super::outcome::{Named, outcome};
use super::spec::{FEW, FEWEST, is_band, spec};
use super::suggestion::{Suggestion, one_of_each};
use crate::Error;
use crate::recipe::ColumnSpec;

/// Patterns with a month as a word whose century must be said.
const TWO_DIGIT_YEARS: [&str; 3] = ["%d-%b-%y", "%d%b%y", "%d-%b-%y %H:%M:%S"];

/// More distinct values than this are a long list of codes.
const LEVELS: usize = 30;
/// A longer list of codes than this is no category.
const CODES: usize = 1000;

/// A suggestion for every column.
pub(super) fn columns(file: &Profile, named: &Named, path: &Path) -> Result<Vec<Suggestion>, Error> {
    let outcome = outcome(file, named, path)?;
    let followed = outcome.iter().any(|o| o.spec.role == Role::Duration);
    let of_outcome = |name: &str| outcome.iter().find(|o| o.name == name).cloned();
    let mut out: Vec<Suggestion> = Vec::new();
    for c in &file.columns {
        if let Some(known) = of_outcome(&c.name) {
            out.push(known);
            continue;
        }
        let Suggestion { mut spec, mut why, mut ask, .. } = suggest(c, file.dialect.numbers);
        if spec.role == Role::Feature && spec.kind == ColumnKind::Number && is_entry(&c.name) && followed {
            spec.role = Role::Entry;
            why = format!("a guess: rows are followed from then on, and not from 0; times count from there ({why})");
        } else if spec.role == Role::Feature && (is_duration(&c.name) || is_event(c, file)) {
            spec.role = Role::Ignore;
            why = format!("how long a row was followed, or how that ended, is known afterwards only ({why})");
        }
        if spec.role == Role::Feature && c.unlike && c.shared == Some(0) {
            (spec, ask) = (self::spec(Role::Ignore, ColumnKind::Text), true);
            why = "numbers in one file, and words or bands of numbers in the other: the two do not say the same; bring both into one form to use it".into();
        } else if spec.role == Role::Feature && spec.kind == ColumnKind::Category && c.shared == Some(0) {
            (spec.role, ask) = (Role::Ignore, true);
            why = format!("{why}, none of which is in both files: a model of the one could say nothing of the other");
        }
        out.push(Suggestion { name: c.name.clone(), spec, why, ask });
    }
    // Two dates and how it ended: their difference is a time that somebody has to work out.
    let dates: Vec<String> =
        out.iter().filter(|s| s.spec.kind == ColumnKind::Time).map(|s| format!("`{}`", s.name)).collect();
    let label = out.iter_mut().find(|s| s.spec.role == Role::Label);
    if let Some(label) = label.filter(|l| dates.len() > 1 && is_end(&l.name)) {
        label.ask = true;
        label.why.push_str(&format!(
            "; if the difference of two of {} is how long rows were followed, add it as a column with the role duration, and give this one the role event",
            dates.join(", ")
        ));
    }
    // A count of rows is an id only where there is no other.
    if out.iter().any(|s| s.spec.role == Role::Id && !is_row_count(&s.name)) {
        for s in out.iter_mut().filter(|s| s.spec.role == Role::Id && is_row_count(&s.name)) {
            s.spec.role = Role::Ignore;
            s.why = "the numbers of rows that pandas and R write".into();
        }
    }
    one_of_each(&mut out);
    Ok(out)
}

fn suggest(c: &ColumnProfile, style: NumberStyle) -> Suggestion {
    let (spec, why, ask) = described(c, style);
    Suggestion { name: c.name.clone(), spec, why, ask }
}

/// What a column is, why, and whether the user must say.
fn described(c: &ColumnProfile, style: NumberStyle) -> (ColumnSpec, String, bool) {
    let sure = |(spec, why): (ColumnSpec, String)| (spec, why, false);
    let unsure = |(spec, why): (ColumnSpec, String)| (spec, why, true);
    if let Some(kind) = &c.unread {
        return sure((spec(Role::Ignore, ColumnKind::Text), format!("of the type {kind}, which is no plain value")));
    }
    let mut missing: Vec<String> = c.values.keys().filter(|v| is_marker(v)).cloned().collect();
    missing.sort_unstable();
    let values: Vec<&str> = c.values.keys().map(String::as_str).filter(|v| !is_marker(v)).collect();
    if values.is_empty() {
        return sure((spec(Role::Ignore, ColumnKind::Text), "empty in every row".into()));
    }
    let with_missing = |mut s: ColumnSpec, why: String| {
        s.missing.clone_from(&missing);
        let marked = if missing.is_empty() {
            String::new()
        } else {
            format!("; missing where it says {}", missing.join(" or "))
        };
        (s, why + &marked)
    };
    if c.times {
        return time(c, None, "times, by the file's own word", &missing);
    }
    if is_row_count(&c.name) && c.distinct_share > 0.98 {
        let why = "no name of its own: the numbers or names of rows that pandas and R write";
        return sure((spec(Role::Id, ColumnKind::Text), why.into()));
    }
    if values.len() == 1 && c.filled > 1 && missing.is_empty() {
        return sure((spec(Role::Ignore, ColumnKind::Category), "the same in every row".into()));
    }
    if let Some((format, what)) = dates(c, &values, style) {
        return match format {
            Ok(format) => time(c, format, &what, &missing),
            Err(()) => unsure((spec(Role::Ignore, ColumnKind::Text), what)),
        };
    }
    if c.filled * 20 < c.rows {
        let why = format!("filled in {} of {} rows", c.filled, c.rows);
        return unsure((spec(Role::Ignore, ColumnKind::Text), why));
    }
    if is_codes(&values) || is_classified(c, &values) {
        if has_word(&c.name, &POSTCODES) && values.len() > LEVELS {
            let why = format!("{} postal codes: too many for a category", values.len());
            return sure((spec(Role::Ignore, ColumnKind::Category), why));
        }
        return with_missing_codes(c, &values, &missing);
    }
    if values.iter().any(|v| is_band(v)) && values.len() <= LEVELS {
        return sure(with_missing(spec(Role::Feature, ColumnKind::Category), format!("{} bands", values.len())));
    }
    if let Some((s, why, question)) = number(c, &values, style, &mut missing.clone()) {
        let (spec, why) = identity(c, &values, style, s, why);
        let asked = spec.role == Role::Feature && question.is_some();
        let why = question.filter(|_| asked).map_or(why.clone(), |q| format!("{why}; {q}"));
        return (spec, why, asked);
    }
    if let Some(found) = texts(c, &values) {
        return sure(found);
    }
    // A name for every row is no category, however few rows there are.
    if c.distinct_share > 0.98 && c.filled >= FEW && is_identifier(&c.name) {
        return sure((spec(Role::Id, ColumnKind::Text), "a value of its own in every row".into()));
    }
    if values.len() <= LEVELS {
        let mut cases: Vec<String> = values.iter().map(|v| v.to_lowercase()).collect();
        cases.sort_unstable();
        cases.dedup();
        if cases.len() < values.len() {
            let why = format!(
                "{} levels, of which some differ only in capitals: are they the same? Spell them alike in the file",
                values.len()
            );
            return unsure(with_missing(spec(Role::Feature, ColumnKind::Category), why));
        }
        return sure(with_missing(spec(Role::Feature, ColumnKind::Category), format!("{} levels", values.len())));
    }
    with_missing_codes(c, &values, &missing)
}

/// Codes of a classification, by the column's name or by their form: numbers that nobody adds up.
fn is_classified(c: &ColumnProfile, values: &[&str]) -> bool {
    // 1E1 and 2E3 are rooms and codes: a number in such a form has a point.
    let room = |v: &&&str| {
        let parts = v.split_once(['e', 'E']);
        parts.is_some_and(|(a, b)| [a, b].iter().all(|t| !t.is_empty() && t.bytes().all(|d| d.is_ascii_digit())))
    };
    has_word(&c.name, &CODED) || values.iter().any(|v| room(&v))
}

fn time(c: &ColumnProfile, format: Option<String>, what: &str, missing: &[String]) -> (ColumnSpec, String, bool) {
    let personal = has_word(&c.name, &["birth", "dob", "birthdate", "birthday", "death", "geburtsdatum", "naissance"]);
    // A row's time stands in every row.
    let gaps = !missing.is_empty() || c.filled < c.rows;
    let role = if personal || gaps { Role::Ignore } else { Role::Time };
    let why = match (personal, gaps) {
        (true, _) => format!("{what}; of a person, not of the row"),
        (_, true) => format!("{what}; not in every row, as a time to split by must be"),
        _ => what.to_string(),
    };
    // Nearly everywhere: the gaps may be the fault.
    let ask = gaps && !personal && c.filled * 10 >= c.rows * 9;
    (ColumnSpec { format, missing: missing.to_vec(), ..spec(role, ColumnKind::Time) }, why, ask)
}

/// The format of a column of dates, `Err` where it cannot be told; `None` where they are none.
#[allow(clippy::type_complexity, reason = "one use")]
fn dates(c: &ColumnProfile, values: &[&str], style: NumberStyle) -> Option<(Result<Option<String>, ()>, String)> {
    let numbers: Vec<f64> = values.iter().filter_map(|v| v.parse().ok()).filter(|v: &f64| v.is_finite()).collect();
    if numbers.len() == values.len() && style.thousands != Some('.') {
        return bare_times(c, &numbers);
    }
    if values.iter().all(|v| seconds(v).is_some() && v.parse::<f64>().is_err()) {
        return Some((Ok(None), "dates".into()));
    }
    match day_first(values.iter().copied()) {
        // Two numbers around a dot are decimals as well: a date has three.
        DayOrder::Pattern(p) => return Some((Ok(Some(p.clone())), format!("dates as {p}"))),
        DayOrder::Unclear => {
            let what = "dates of which no cell tells whether the day or the month stands first: set role = \"time\" and format = \"%d/%m/%Y\" or \"%m/%d/%Y\"";
            return Some((Err(()), what.into()));
        }
        DayOrder::None => {}
    }
    let pattern = TWO_DIGIT_YEARS.iter().find(|p| values.iter().all(|v| seconds_in(v, p).is_some()))?;
    Some((Ok(Some((*pattern).into())), format!("dates as {pattern}; a year of two digits is of 1969 to 2068")))
}

/// Whole numbers that are times by their size and their name.
#[allow(clippy::type_complexity, reason = "one use")]
fn bare_times(c: &ColumnProfile, numbers: &[f64]) -> Option<(Result<Option<String>, ()>, String)> {
    const FEW_TIMES: usize = 5;
    let named = has_word(&c.name, &TIME_NAMES);
    if numbers.len() < FEW_TIMES && !named {
        return None;
    }
    let unit = unit_word(numbers.iter().copied());
    let (low, high) = numbers.iter().fold((f64::MAX, f64::MIN), |(a, b), v| (a.min(*v), b.max(*v)));
    match unit {
        // Dates as numbers are told by the calendar alone: eight digits at random are seldom all days.
        Some(word @ ("yyyymmdd" | "yyyymmddhhmmss")) => {
            Some((Ok(Some(word.into())), format!("dates written as numbers ({word})")))
        }
        Some(word) if named && low >= 1e8 => Some((Ok(Some(word.into())), format!("{word} since 1970, by their size"))),
        // Seconds that would be years ahead are counted from 1960, as SAS and Stata do.
        None if named && low >= 1e9 && high < 1e10 => Some((
            Ok(Some("seconds-since-1960".into())),
            "a guess: seconds since 1960, as SAS counts them: since 1970 they were yet to come".into(),
        )),
        None if named && low >= 1e12 && high < 1e13 => Some((
            Ok(Some("milliseconds-since-1960".into())),
            "a guess: milliseconds since 1960, as Stata counts them: since 1970 they were yet to come".into(),
        )),
        // 1989 to 2041 as SAS and Stata count, 1999 to 2051 as R does.
        None if named && low >= 11_000.0 && high < 30_000.0 => Some((
            Err(()),
            "whole days by name and size, from a start that is not told: set role = \"time\" and format = \"days-since-1960\" (SAS, Stata) or \"days-since-1970\" (R)".into(),
        )),
        // 1982 to 2064.
        None if named && low >= 30_000.0 && high <= 60_000.0 => Some((
            Ok(Some("spreadsheet-days".into())),
            "a guess: days as spreadsheets count them, by name and size".into(),
        )),
        _ => None,
    }
}

/// Digits with zeros in front, or more than a number holds exactly, are names.
fn is_codes(values: &[&str]) -> bool {
    let digits = |v: &&&str| v.bytes().all(|b| b.is_ascii_digit());
    let zero = |v: &&&str| v.len() > 1 && v.starts_with('0');
    let all = values.iter().filter(digits).count() == values.len();
    all && (values.iter().any(|v| zero(&v)) || values.iter().all(|v| v.len() >= 16))
}

/// Codes and words beyond a few levels.
fn with_missing_codes(c: &ColumnProfile, values: &[&str], missing: &[String]) -> (ColumnSpec, String, bool) {
    let levels = values.len();
    let repeats = c.filled as f64 / levels.max(1) as f64;
    if c.distinct_share > 0.98 && c.filled > FEWEST {
        return (spec(Role::Id, ColumnKind::Text), "a value of its own in nearly every row".into(), false);
    }
    if is_identifier(&c.name) && repeats > 1.0 && levels >= 10 {
        let why = format!("{levels} values that repeat: the rows of one may belong together");
        return (spec(Role::Group, ColumnKind::Text), why, false);
    }
    let mut s = spec(Role::Feature, ColumnKind::Category);
    s.missing = missing.to_vec();
    if levels <= LEVELS || (levels <= CODES && repeats >= 5.0) {
        return (s, format!("{levels} codes"), false);
    }
    // Short words with a digit in them are a classification's: rare ones tell little, frequent ones much.
    let code = |v: &&&str| v.len() <= 10 && !v.contains(' ') && v.bytes().any(|b| b.is_ascii_digit());
    if levels <= CODES && repeats > 1.0 && values.iter().filter(code).count() * 10 >= levels * 9 {
        // Rare codes tell little of the outcome and much of who somebody is.
        let why = format!(
            "{levels} codes in {} rows, most of them rare: a column with a coarser code (its first characters) would be a category; kind = \"category\" and the role feature take it as it is",
            c.filled
        );
        return (spec(Role::Ignore, ColumnKind::Category), why, true);
    }
    let why = format!(
        "{levels} different values in {} rows: too many for a category, no numbers and no dates; kind = \"category\" takes it all the same",
        c.filled
    );
    (spec(Role::Ignore, ColumnKind::Text), why, true)
}

/// Free text, and words that name a row.
fn texts(c: &ColumnProfile, values: &[&str]) -> Option<(ColumnSpec, String)> {
    let words = values.iter().filter(|v| v.split_whitespace().count() >= 4).count();
    if values.len() > 10 && words * 2 > values.len() {
        let why = "free text; kind = \"text\" with the role feature reads it, in a program built with encoders";
        return Some((spec(Role::Ignore, ColumnKind::Text), why.into()));
    }
    if c.distinct_share > 0.98 && c.filled > FEWEST {
        return Some((spec(Role::Id, ColumnKind::Text), "a value of its own in nearly every row".into()));
    }
    None
}
