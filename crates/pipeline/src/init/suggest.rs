//! What each column seems to be, and why.

use std::path::Path;

use specialist_core::{ColumnKind, Limits, NumberStyle, Role};
use specialist_tabular::read::{AROUND, ColumnProfile, DayOrder, Profile, day_first, seconds, seconds_in, unit_word};

use super::outcome::{Named, is_duration, is_entry, outcome};
use super::{bare, is_marker, one_of_each};
use crate::Error;
use crate::recipe::ColumnSpec;

/// More distinct values than this are a long list of codes.
const LEVELS: usize = 30;
/// A longer list of codes than this is no category.
const CODES: usize = 1000;
/// Fewer rows than this tell nothing about repeats.
const FEWEST: usize = 50;

/// Patterns with a month as a word whose century must be said.
const TWO_DIGIT_YEARS: [&str; 3] = ["%d-%b-%y", "%d%b%y", "%d-%b-%y %H:%M:%S"];

type Suggestion = (String, ColumnSpec, String);

/// A suggestion for every column.
pub(super) fn columns(file: &Profile, named: &Named, path: &Path) -> Result<Vec<Suggestion>, Error> {
    let outcome = outcome(file, named, path)?;
    let followed = outcome.iter().any(|o| o.1.role == Role::Duration);
    let of_outcome = |name: &str| outcome.iter().find(|o| o.0 == name).cloned();
    let mut out: Vec<Suggestion> = Vec::new();
    for c in &file.columns {
        if let Some(known) = of_outcome(&c.name) {
            out.push(known);
            continue;
        }
        let (mut spec, mut why) = suggest(c, file.dialect.numbers, file.rows);
        if spec.role == Role::Feature && spec.kind == ColumnKind::Number && is_entry(&c.name) && followed {
            spec.role = Role::Ignore;
            why = format!(
                "a guess: rows are followed from then on, and not from 0 (left truncation). Leaving that out makes early risk look too small ({why})"
            );
        } else if spec.role == Role::Feature && (is_duration(&c.name) || is_event_like(&c.name)) {
            spec.role = Role::Ignore;
            why = format!("how long a row was followed, or how that ended, is known afterwards only ({why})");
        }
        if spec.role == Role::Feature && spec.kind == ColumnKind::Category && c.shared == Some(0) {
            spec.role = Role::Ignore;
            why = format!("{why}, none of which is in both files: a model of the one could say nothing of the other");
        }
        out.push((c.name.clone(), spec, why));
    }
    one_of_each(&mut out);
    Ok(out)
}

/// Follow-up by another name: not an input, whatever is predicted.
fn is_event_like(name: &str) -> bool {
    let lower = name.to_lowercase();
    ["os_status", "vital_status", "dfs_status", "rfs_event", "os_event", "time_to_event"].contains(&lower.as_str())
}

fn spec(role: Role, kind: ColumnKind) -> ColumnSpec {
    ColumnSpec { role, kind, ..ColumnSpec::default() }
}

fn suggest(c: &ColumnProfile, style: NumberStyle, rows: usize) -> (ColumnSpec, String) {
    if let Some(kind) = &c.unread {
        return (spec(Role::Ignore, ColumnKind::Text), format!("of the type {kind}, which is no plain value"));
    }
    let mut missing: Vec<String> = c.values.keys().filter(|v| is_marker(v)).cloned().collect();
    missing.sort_unstable();
    let values: Vec<&str> = c.values.keys().map(String::as_str).filter(|v| !is_marker(v)).collect();
    if values.is_empty() {
        return (spec(Role::Ignore, ColumnKind::Text), "empty in every row".into());
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
    if c.name == "Unnamed: 0" && c.distinct_share > 0.98 {
        return (
            spec(Role::Id, ColumnKind::Text),
            "no name: the numbers or names of rows that pandas and R write".into(),
        );
    }
    if values.len() == 1 && c.filled > 1 && missing.is_empty() {
        return (spec(Role::Ignore, ColumnKind::Category), "the same in every row".into());
    }
    if let Some((format, what)) = dates(c, &values, style) {
        return match format {
            Ok(format) => time(c, format, &what, &missing),
            Err(()) => (spec(Role::Ignore, ColumnKind::Text), what),
        };
    }
    if c.filled * 20 < rows {
        let why = format!("filled in {} of {rows} rows", c.filled);
        return (spec(Role::Ignore, ColumnKind::Text), why);
    }
    if is_codes(&values) {
        if is_named(&c.name, &POSTCODES) && values.len() > LEVELS {
            let why = format!("{} postal codes: too many for a category", values.len());
            return (spec(Role::Ignore, ColumnKind::Category), why);
        }
        return with_missing_codes(c, values.len(), &missing);
    }
    if let Some((s, why)) = number(c, &values, style, &mut missing.clone()) {
        return identity(c, &values, style, s, why);
    }
    if let Some(found) = texts(c, &values) {
        return found;
    }
    if values.len() <= LEVELS {
        return with_missing(spec(Role::Feature, ColumnKind::Category), format!("{} levels", values.len()));
    }
    with_missing_codes(c, values.len(), &missing)
}

/// Whether a name is one of the words, or ends in one, parted by `_`, `-`, a space or a change of case.
fn is_named(name: &str, words: &[&str]) -> bool {
    let mut plain = String::new();
    for (i, c) in name.chars().enumerate() {
        if c.is_uppercase() && i > 0 && !plain.ends_with('_') && name.chars().nth(i - 1).is_some_and(char::is_lowercase)
        {
            plain.push('_');
        }
        plain.extend(c.to_lowercase().map(|c| if c.is_alphanumeric() { c } else { '_' }));
    }
    words.iter().any(|w| plain == *w || plain.ends_with(&format!("_{w}")) || plain.starts_with(&format!("{w}_")))
}

const TIME_NAMES: [&str; 20] = [
    "date",
    "datum",
    "time",
    "timestamp",
    "ts",
    "datetime",
    "day",
    "when",
    "at",
    "dt",
    "jour",
    "created",
    "opened",
    "admission",
    "visit",
    "on",
    "login",
    "seen",
    "updated",
    "modified",
];
const IDS: [&str; 26] = [
    "id",
    "patient",
    "customer",
    "card",
    "account",
    "client",
    "nr",
    "no",
    "number",
    "mrn",
    "subject",
    "key",
    "uuid",
    "hhid",
    "pid",
    "uid",
    "cid",
    "subjid",
    "usubjid",
    "caseid",
    "patid",
    "custid",
    "kunde",
    "nummer",
    "kundennummer",
    "numéro",
];
/// A place, not a quantity and not a row.
const POSTCODES: [&str; 9] =
    ["zip", "zipcode", "zip_code", "plz", "postleitzahl", "postcode", "postal_code", "code_postal", "pin_code"];

fn time(c: &ColumnProfile, format: Option<String>, what: &str, missing: &[String]) -> (ColumnSpec, String) {
    let personal = is_named(&c.name, &["birth", "dob", "birthdate", "birthday", "death", "geburtsdatum", "naissance"]);
    // A row's time stands in every row.
    let gaps = !missing.is_empty();
    let role = if personal || gaps { Role::Ignore } else { Role::Time };
    let why = match (personal, gaps) {
        (true, _) => format!("{what}; of a person, not of the row"),
        (_, true) => format!("{what}; not in every row"),
        _ => what.to_string(),
    };
    (ColumnSpec { format, missing: missing.to_vec(), ..spec(role, ColumnKind::Time) }, why)
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
    const FEW: usize = 5;
    let named = is_named(&c.name, &TIME_NAMES);
    if numbers.len() < FEW && !named {
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
fn with_missing_codes(c: &ColumnProfile, levels: usize, missing: &[String]) -> (ColumnSpec, String) {
    let repeats = c.filled as f64 / levels.max(1) as f64;
    if c.distinct_share > 0.98 && c.filled > FEWEST {
        return (spec(Role::Id, ColumnKind::Text), "a value of its own in nearly every row".into());
    }
    if is_named(&c.name, &IDS) && repeats > 1.0 && levels >= 10 {
        let why = format!("{levels} values that repeat: the rows of one may belong together");
        return (spec(Role::Group, ColumnKind::Text), why);
    }
    let mut s = spec(Role::Feature, ColumnKind::Category);
    s.missing = missing.to_vec();
    if levels <= LEVELS || (levels <= CODES && repeats >= 5.0) {
        return (s, format!("{levels} codes"));
    }
    let why =
        format!("{levels} different values in {} rows: too many for a category, no numbers and no dates", c.filled);
    (spec(Role::Ignore, ColumnKind::Text), why)
}

/// A column of numbers, with what stands around them and what means missing; `None` where it is none.
fn number(
    c: &ColumnProfile,
    values: &[&str],
    style: NumberStyle,
    missing: &mut Vec<String>,
) -> Option<(ColumnSpec, String)> {
    let (numbers, texts): (Vec<&str>, Vec<&str>) = values.iter().partition(|v| bare(v, style).is_some());
    // A few words among many numbers are markers that nobody has heard of.
    let cells = |of: &[&str]| of.iter().map(|v| c.values[*v]).sum::<usize>();
    let marked = texts.len() <= 3 && numbers.len() >= 20 && cells(&numbers) > cells(&texts);
    if numbers.is_empty() || (!texts.is_empty() && !marked) {
        return None;
    }
    missing.extend(texts.iter().map(ToString::to_string));
    let mut s = spec(Role::Feature, ColumnKind::Number);
    let has = |mark: &str| numbers.iter().any(|v| v.contains(mark));
    s.strip = AROUND.iter().filter(|m| has(m)).map(ToString::to_string).collect();
    let limited = numbers.iter().any(|v| v.starts_with(['<', '>', '\u{2264}', '\u{2265}']));
    if limited {
        s.limits = Limits::Half;
    }
    let mut figures: Vec<(f64, usize, &str)> =
        numbers.iter().filter_map(|v| Some((bare(v, style)?, c.values[*v], *v))).collect();
    figures.sort_by(|a, b| a.0.total_cmp(&b.0));
    let far = far_codes(&figures);
    missing.extend(far.iter().map(|v| (*v).to_string()));
    figures.retain(|f| !far.contains(&f.2));
    let (low, high) = (figures.first()?.0, figures.last()?.0);
    s.missing.clone_from(missing);
    let mut why = format!("{low} to {high}");
    if !s.strip.is_empty() {
        why.push_str(&format!("; {} is taken off, the number stays as it is written", s.strip.join(" and ")));
    }
    if limited {
        why.push_str("; below a limit of detection half of it");
    }
    if !far.is_empty() {
        why.push_str(&format!("; a guess: {} stands far from all others and means missing", far.join(" and ")));
    }
    let words: Vec<&String> = missing.iter().filter(|m| !far.contains(&m.as_str())).collect();
    if !words.is_empty() {
        let words: Vec<&str> = words.iter().map(|w| w.as_str()).collect();
        why.push_str(&format!("; missing where it says {}", words.join(" or ")));
    }
    Some((s, why))
}

/// 99, 999, −9, 8888 and the like, far from all other values and repeated: codes for missing. `figures` are in order.
fn far_codes<'a>(figures: &[(f64, usize, &'a str)]) -> Vec<&'a str> {
    let coded = |v: f64| {
        let digits = format!("{}", v.abs());
        let same = digits.len() >= if v < 0.0 { 1 } else { 2 } && digits.bytes().all(|b| b == digits.as_bytes()[0]);
        same && b"789".contains(&digits.as_bytes()[0])
    };
    let others: Vec<f64> = figures.iter().filter(|f| !coded(f.0)).map(|f| f.0).collect();
    let (Some(low), Some(high)) = (others.first(), others.last()) else { return Vec::new() };
    if others.len() < 5 {
        return Vec::new();
    }
    let spread = high - low;
    // Twice the spread away, or below zero where everything else is not.
    let far = |v: f64| v > high + 2.0 * spread || v < low - 2.0 * spread || (v < 0.0 && *low >= 0.0);
    figures.iter().filter(|f| coded(f.0) && f.1 >= 2 && far(f.0)).map(|f| f.2).collect()
}

/// Numbers that name rather than measure.
fn identity(
    c: &ColumnProfile,
    values: &[&str],
    style: NumberStyle,
    s: ColumnSpec,
    why: String,
) -> (ColumnSpec, String) {
    let whole = values.iter().filter(|v| !s.missing.iter().any(|m| m == *v)).all(|v| v.parse::<i64>().is_ok());
    let own = c.distinct_share > 0.98 && c.filled > FEWEST;
    let named = is_named(&c.name, &IDS);
    let figures = || values.iter().filter_map(|v| bare(v, style));
    let (low, high) = figures().fold((f64::MAX, f64::MIN), |(a, b), v| (a.min(v), b.max(v)));
    // Incomes differ from row to row as well: only a gapless count, long numbers of one length or a name tell a name.
    let counted = high - low < 1.5 * values.len() as f64;
    let long = values.iter().all(|v| v.len() >= 8 && v.len() == values[0].len());
    if own && whole && (named || counted || long) {
        return (spec(Role::Id, ColumnKind::Text), "a value of its own in nearly every row".into());
    }
    // Yes and no are no customers, whatever the column is called.
    if named && whole && values.len() >= 10 && c.filled as f64 / values.len() as f64 > 1.0 && !own {
        let why = format!("{} values that repeat: the rows of one may belong together", values.len());
        return (spec(Role::Group, ColumnKind::Text), why);
    }
    if is_named(&c.name, &["sample_weight", "case_weight", "survey_weight", "pweight", "weights", "wt"]) {
        return (ColumnSpec { role: Role::Weight, ..s }, format!("row weights ({why})"));
    }
    let role = if is_named(&c.name, &["amount", "amt", "betrag", "montant"]) { Role::Amount } else { s.role };
    (ColumnSpec { role, ..s }, why)
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
