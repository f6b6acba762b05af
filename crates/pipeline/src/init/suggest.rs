//! What each column seems to be, and why.

use std::path::Path;

use specialist_core::{ColumnKind, Limits, NumberStyle, Role};
use specialist_tabular::read::{AROUND, ColumnProfile, DayOrder, Profile, day_first, seconds, seconds_in, unit_word};

use super::outcome::{Named, is_duration, is_end, is_entry, is_event, outcome};
use super::{Suggestion, bare, is_marker, one_of_each};
use crate::Error;
use crate::check::names_rows;
use crate::recipe::ColumnSpec;

/// More distinct values than this are a long list of codes.
const LEVELS: usize = 30;
/// A longer list of codes than this is no category.
const CODES: usize = 1000;
/// Fewer rows than this tell nothing about repeats.
const FEWEST: usize = 50;
/// Fewer than this tell nothing, whatever a column is called.
const FEW: usize = 10;

/// Patterns with a month as a word whose century must be said.
const TWO_DIGIT_YEARS: [&str; 3] = ["%d-%b-%y", "%d%b%y", "%d-%b-%y %H:%M:%S"];

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

/// Names of the column that pandas and R put in front of a table.
fn is_row_count(name: &str) -> bool {
    ["Unnamed: 0", "rownames", "row.names", "row_names", "index", "X", "row", "rownum", "_n_"].contains(&name)
}

fn spec(role: Role, kind: ColumnKind) -> ColumnSpec {
    ColumnSpec { role, kind, ..ColumnSpec::default() }
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
        if is_named(&c.name, &POSTCODES) && values.len() > LEVELS {
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

/// `20-50`, `20 to 50`: a range of numbers, which is none itself.
fn is_band(cell: &str) -> bool {
    let mut parts = cell.splitn(2, ['-', '\u{2013}']);
    let (Some(low), Some(high)) = (parts.next(), parts.next()) else {
        return cell
            .split_once(" to ")
            .is_some_and(|(a, b)| a.trim().parse::<f64>().is_ok() && b.trim().parse::<f64>().is_ok());
    };
    low.trim().parse::<f64>().is_ok() && high.trim().parse::<f64>().is_ok()
}

/// Codes of a classification, by the column's name or by their form: numbers that nobody adds up.
fn is_classified(c: &ColumnProfile, values: &[&str]) -> bool {
    // 1E1 and 2E3 are rooms and codes: a number in such a form has a point.
    let room = |v: &&&str| {
        let parts = v.split_once(['e', 'E']);
        parts.is_some_and(|(a, b)| [a, b].iter().all(|t| !t.is_empty() && t.bytes().all(|d| d.is_ascii_digit())))
    };
    is_named(&c.name, &CODED) || values.iter().any(|v| room(&v))
}

/// A name in small letters, its words parted by `_`.
fn plain(name: &str) -> String {
    let mut plain = String::new();
    for (i, c) in name.chars().enumerate() {
        if c.is_uppercase() && i > 0 && !plain.ends_with('_') && name.chars().nth(i - 1).is_some_and(char::is_lowercase)
        {
            plain.push('_');
        }
        plain.extend(c.to_lowercase().map(|c| if c.is_alphanumeric() { c } else { '_' }));
    }
    plain
}

/// Whether a name is one of the words, or begins or ends with one, parted by `_`, `-`, a space or a change of case.
fn is_named(name: &str, words: &[&str]) -> bool {
    let plain = plain(name);
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
/// Classifications of diseases, merchants, industries, places and procedures.
const CODED: [&str; 17] = [
    "icd",
    "icd9",
    "icd10",
    "icd_9",
    "icd_10",
    "dx",
    "diag_code",
    "diagnosis_code",
    "cpt",
    "hcpcs",
    "atc",
    "drg",
    "mcc",
    "naics",
    "sic",
    "snomed",
    "loinc",
];
/// Whom a row belongs to, where a word for a name follows.
const WHO: [&str; 8] = ["patient", "customer", "card", "account", "client", "subject", "kunde", "user"];
const IDS: [&str; 28] = [
    "serial",
    "code_id",
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

/// Whether a column's name says that it names rows or their owners: it ends in a word for that. What begins with one may
/// be a measure (account_days, patient_age).
pub(crate) fn is_identifier(name: &str) -> bool {
    let plain = plain(name);
    let last = plain.rsplit('_').next().unwrap_or_default();
    let named =
        ["ref", "hash", "code", "token", "name", "num"].contains(&last) && WHO.iter().any(|w| plain.starts_with(w));
    IDS.contains(&last) || IDS.contains(&plain.as_str()) || named
}

fn time(c: &ColumnProfile, format: Option<String>, what: &str, missing: &[String]) -> (ColumnSpec, String, bool) {
    let personal = is_named(&c.name, &["birth", "dob", "birthdate", "birthday", "death", "geburtsdatum", "naissance"]);
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
    let named = is_named(&c.name, &TIME_NAMES);
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

/// A column of numbers, with what stands around them, what means missing, and a question where some stand far from the
/// others; `None` where it is none.
fn number(
    c: &ColumnProfile,
    values: &[&str],
    style: NumberStyle,
    missing: &mut Vec<String>,
) -> Option<(ColumnSpec, String, Option<String>)> {
    let (numbers, texts): (Vec<&str>, Vec<&str>) = values.iter().partition(|v| bare(v, style).is_some());
    // A few words among many numbers are markers that nobody has heard of.
    let cells = |of: &[&str]| of.iter().map(|v| c.values[*v]).sum::<usize>();
    let marked = texts.len() <= 3 && numbers.len() >= 20 && cells(&numbers) > cells(&texts);
    if numbers.is_empty() || (!texts.is_empty() && !marked) || texts.iter().any(|t| is_band(t)) {
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
    let question = far_away(&figures);
    let mut why = format!("{} to {}", plain_number(low), plain_number(high));
    if !s.strip.is_empty() {
        why.push_str(&format!("; {} is taken off, the number stays as it is written", s.strip.join(" and ")));
    }
    if limited {
        why.push_str("; `<` a limit of detection means half of it, `>` one the limit itself");
    }
    if !far.is_empty() {
        why.push_str(&format!("; a guess: {} stands far from all others and means missing", far.join(" and ")));
    }
    let words: Vec<&String> = missing.iter().filter(|m| !far.contains(&m.as_str())).collect();
    if !words.is_empty() {
        let words: Vec<&str> = words.iter().map(|w| w.as_str()).collect();
        why.push_str(&format!("; missing where it says {}", words.join(" or ")));
    }
    Some((s, why, question))
}

/// As people write it: a number that is far from 1 has a power of ten.
fn plain_number(v: f64) -> String {
    if v != 0.0 && !(1e-4..1e15).contains(&v.abs()) { format!("{v:e}") } else { v.to_string() }
}

/// A question about numbers that stand far from all others: one value that repeats (a 0 among pressures), or a few that are
/// many times as large. `figures` are in order.
fn far_away(figures: &[(f64, usize, &str)]) -> Option<String> {
    const FEWEST_VALUES: usize = 20;
    const FEWEST_REPEATS: usize = 3;
    if figures.len() <= FEWEST_VALUES {
        return None;
    }
    let all: usize = figures.iter().map(|f| f.1).sum();
    // The value below which `share` of the cells lie.
    let quantile = |of: &[(f64, usize, &str)], share: f64| {
        let wanted = (share * of.iter().map(|f| f.1).sum::<usize>() as f64) as usize;
        let mut seen = 0;
        let at = of.iter().find(|f| {
            seen += f.1;
            seen > wanted
        });
        at.map_or(f64::NAN, |f| f.0)
    };
    let ends = [(&figures[0], &figures[1..], figures[1].0 - figures[0].0), {
        let last = figures.len() - 1;
        (&figures[last], &figures[..last], figures[last].0 - figures[last - 1].0)
    }];
    for (end, others, gap) in ends {
        // Further from its neighbour than the middle half of the others is wide.
        if end.1 >= FEWEST_REPEATS && gap > quantile(others, 0.75) - quantile(others, 0.25) {
            let nearest = if end.0 < others[0].0 { others[0].0 } else { others[others.len() - 1].0 };
            return Some(format!(
                "{} cells are {}, and the next is {}: if that means missing, add missing = [{:?}]",
                end.1,
                plain_number(end.0),
                plain_number(nearest),
                end.2
            ));
        }
    }
    // At most one in a hundred cells, ten times as far from the others as those lie apart.
    let mut beyond = 0;
    for i in (FEWEST_VALUES..figures.len()).rev() {
        beyond += figures[i].1;
        if beyond * 100 > all.max(300) {
            break;
        }
        let (below, above) = (figures[i - 1].0, figures[i].0);
        if above - below > 10.0 * (below - figures[0].0) {
            return Some(format!(
                "{beyond} cells are {} and more, all others at most {}: a fault of the file? max = {} with on_invalid = \"missing\" leaves them out",
                plain_number(above),
                plain_number(below),
                plain_number(below)
            ));
        }
    }
    None
}

/// 99, 999, −9, 8888 and the like, far from all other values and repeated: codes for missing. `figures` are in order.
fn far_codes<'a>(figures: &[(f64, usize, &'a str)]) -> Vec<&'a str> {
    let coded = |v: f64| {
        let digits = v.abs().to_string().replace('.', "");
        let same = digits.len() >= if v < 0.0 { 1 } else { 2 } && digits.bytes().all(|b| b == digits.as_bytes()[0]);
        (same && b"789".contains(&digits.as_bytes()[0])) || v == -1.0
    };
    if let Some(code) = scale_code(figures) {
        return vec![code];
    }
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

/// The code for missing beside a short scale: 9 or −9 beside 0 and 1, 9 beside 1 to 4, 99 beside 1 to 5. `figures` are in order.
fn scale_code<'a>(figures: &[(f64, usize, &'a str)]) -> Option<&'a str> {
    const LONGEST: usize = 7;
    let is_code = |v: f64| {
        [9.0, 8.0, 7.0, 99.0, 88.0, 77.0, 999.0, 888.0, 777.0, -9.0, -8.0, -7.0, -99.0, -999.0, -1.0].contains(&v)
    };
    let (first, last) = (figures.first()?, figures.last()?);
    let (code, scale) = match (is_code(first.0) && first.0 < 0.0, is_code(last.0)) {
        (true, _) => (first, &figures[1..]),
        (_, true) => (last, &figures[..figures.len() - 1]),
        _ => return None,
    };
    let start = scale.first()?.0;
    let gapless = scale.iter().enumerate().all(|(i, f)| f.0 == start + i as f64) && (start == 0.0 || start == 1.0);
    let end = scale.last()?.0;
    let far = code.0 < 0.0 || code.0 - end > scale.len() as f64;
    (gapless && far && (2..=LONGEST).contains(&scale.len())).then_some(code.2)
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
    let named = is_identifier(&c.name);
    // One rule with the check that stops a run.
    if own && whole && (named || names_rows(values.iter().filter_map(|v| bare(v, style)), values.len())) {
        return (spec(Role::Id, ColumnKind::Text), "a value of its own in nearly every row".into());
    }
    // However few rows there are: every one has its own, and the name says what it is.
    if c.distinct_share > 0.98 && c.filled >= FEW && whole && named {
        return (spec(Role::Id, ColumnKind::Text), "a value of its own in every row".into());
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
