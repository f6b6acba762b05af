//! What columns and cells are called: the words of labels, of times of follow-up and of identifiers.

use specialist_tabular::read::{ColumnProfile, Profile};

use super::cells::{bare, is_marker};

/// Words for "yes", lower case and canonical, in the languages of the spreadsheets that are read, and what people look for.
pub(super) const YES: [&str; 44] = [
    "1",
    "yes",
    "y",
    "t",
    "j",
    "ja",
    "oui",
    "o",
    "si",
    "sí",
    "s",
    "sim",
    "da",
    "positive",
    "pos",
    "present",
    "case",
    "event",
    "dead",
    "died",
    "death",
    "deceased",
    "relapse",
    "recurrence",
    "recurred",
    "progression",
    "malignant",
    "m",
    "cancer",
    "disease",
    "diseased",
    "sick",
    "abnormal",
    "fraud",
    "fraudulent",
    "default",
    "defaulted",
    "bad",
    "churn",
    "churned",
    "readmitted",
    "up",
    "positiv",
    "malade",
];
pub(super) const NO: [&str; 42] = [
    "0",
    "no",
    "n",
    "f",
    "nein",
    "non",
    "não",
    "nao",
    "net",
    "-1",
    "negative",
    "neg",
    "absent",
    "control",
    "none",
    "censored",
    "alive",
    "living",
    "survived",
    "relapse-free",
    "benign",
    "b",
    "healthy",
    "normal",
    "genuine",
    "legit",
    "legitimate",
    "good",
    "paid",
    "retained",
    "stayed",
    "down",
    "negativ",
    "sain",
    "no recurrence",
    "non-fraud",
    "nonfraud",
    "ok",
    "not fraud",
    "recurrence-free",
    "no event",
    "not readmitted",
];

pub(super) const LABELS: [&str; 22] = [
    "label",
    "target",
    "class",
    "outcome",
    "y",
    "fraud",
    "is_fraud",
    "isfraud",
    "fraud_bool",
    "tx_fraud",
    "fraud_flag",
    "diagnosis",
    "disease",
    "default",
    "churn",
    "readmitted",
    "response",
    "result",
    "mortality",
    "defaulted",
    "zielvariable",
    "cible",
];
pub(super) const EVENTS: [&str; 27] = [
    "status",
    "event",
    "death",
    "dead",
    "died",
    "deceased",
    "cens",
    "censor",
    "censored",
    "delta",
    "os_status",
    "dfs_status",
    "relapse",
    "rfs_event",
    "os_event",
    "failure",
    "vital_status",
    "fstat",
    "event_occurred",
    "recur",
    "recurred",
    "recurrence",
    "relapsed",
    "progression",
    "progressed",
    "rfs_status",
    "pfs_status",
];
/// Names of ends of a follow-up in any table.
pub(super) const ENDS: [&str; 5] = ["os_status", "vital_status", "dfs_status", "rfs_event", "os_event"];
pub(super) const DURATIONS: [&str; 33] = [
    "exit",
    "exit_days",
    "exit_time",
    "tstop",
    "time",
    "duration",
    "months",
    "days",
    "weeks",
    "futime",
    "followup",
    "follow_up",
    "followup_time",
    "follow_up_time",
    "survival",
    "survival_time",
    "survival_months",
    "survival_days",
    "os",
    "os_months",
    "os_days",
    "os_time",
    "dfs",
    "dfs_months",
    "rfs",
    "rfstime",
    "dtime",
    "rtime",
    "pfs",
    "ttd",
    "tte",
    "time_to_event",
    "followup_days",
];
/// Names of times of follow-up where a column says how it ended; elsewhere they may be anything.
pub(super) const BESIDE_EVENTS: [&str; 16] = [
    "stop_time",
    "end_time",
    "t1",
    "timeout",
    "stop",
    "t_stop",
    "end",
    "exit_age",
    "age_exit",
    "t2",
    "years",
    "survtime",
    "surv_time",
    "event_time",
    "fu_time",
    "futime_days",
];
pub(super) const ENTRIES: [&str; 16] = [
    "begin",
    "t0",
    "start_time",
    "entry_age",
    "age_entry",
    "t_start",
    "t1",
    "entry",
    "entry_time",
    "start",
    "tstart",
    "left",
    "delayed_entry",
    "entry_months",
    "entry_days",
    "time_entry",
];

/// Whether a name is one of the words.
pub(super) fn is_called(name: &str, words: &[&str]) -> bool {
    words.contains(&name.to_lowercase().replace(['-', ' ', '.'], "_").as_str())
}

/// Words for what a follow-up ends with, of which the names of times and events are made.
pub(super) const ENDPOINTS: [&str; 18] = [
    "os",
    "pfs",
    "dfs",
    "rfs",
    "efs",
    "mfs",
    "css",
    "ttp",
    "death",
    "died",
    "dead",
    "relapse",
    "recur",
    "recurrence",
    "progression",
    "event",
    "survival",
    "followup",
];
/// With one of them: os_months, days_to_death.
pub(super) const UNITS: [&str; 12] =
    ["time", "times", "day", "days", "week", "weeks", "month", "months", "year", "years", "yrs", "mo"];
/// With one of them: pfs_status, OS.event.
pub(super) const SIGNS: [&str; 8] = ["event", "status", "ind", "indicator", "flag", "cens", "censor", "censored"];

/// Whether a name is made of an endpoint and of one of `others`.
pub(super) fn is_made_of(name: &str, others: &[&str]) -> bool {
    let plain = name.to_lowercase().replace(['-', ' ', '.'], "_");
    let parts: Vec<&str> = plain.split('_').filter(|p| !["to", "of", "until", "in"].contains(p)).collect();
    let [a, b] = parts.as_slice() else { return false };
    let made = |end: &str, other: &str| ENDPOINTS.contains(&end) && others.contains(&other);
    made(a, b) || made(b, a)
}

/// Without a number at its end: status2, death30.
pub(super) fn unnumbered(name: &str) -> &str {
    name.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('_')
}

/// Whether a column's name says that it counts how long somebody was followed.
pub(super) fn is_duration(name: &str) -> bool {
    is_called(name, &DURATIONS) || is_called(unnumbered(name), &["time", "days", "months"]) || is_made_of(name, &UNITS)
}

/// Whether a column's name says that something came, or how a follow-up ended.
pub(super) fn is_event_name(name: &str) -> bool {
    is_called(unnumbered(name), &EVENTS) || is_made_of(unnumbered(name), &SIGNS)
}

/// Whether a column says how the follow-up of a row ended: by its name, in a table with times of follow-up.
pub(super) fn is_event(c: &ColumnProfile, file: &Profile) -> bool {
    let beside_times = || file.columns.iter().any(|d| is_duration(&d.name) && is_positive(d, file));
    is_called(&c.name, &ENDS) || (is_event_name(&c.name) && c.values.len() <= 12 && beside_times())
}

/// Whether a column's name says how a follow-up ended.
pub(super) fn is_end(name: &str) -> bool {
    is_called(name, &ENDS) || is_event_name(name)
}

/// Whether a column holds many different numbers above 0.
pub(super) fn is_positive(c: &ColumnProfile, file: &Profile) -> bool {
    let style = file.dialect.numbers;
    let mut values = c.values.keys().filter(|v| !is_marker(v)).peekable();
    values.peek().is_some() && c.values.len() > 10 && values.all(|v| bare(v, style).is_some_and(|v| v > 0.0))
}

/// Whether a column's name says that rows are followed from then on.
pub(super) fn is_entry(name: &str) -> bool {
    is_called(name, &ENTRIES) || is_called(name, &["time1"])
}

/// How much of two names is the same: a word of both, or how they begin.
pub(super) fn alike(a: &str, b: &str) -> usize {
    let plain = |t: &str| t.to_lowercase().replace(['-', ' ', '.'], "_");
    let (a, b) = (plain(a), plain(b));
    let word = a.split('_').filter(|w| b.split('_').any(|v| v == *w)).map(str::len).max().unwrap_or(0);
    let start = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
    word.max(start)
}

/// Names of the column that pandas and R put in front of a table.
pub(super) fn is_row_count(name: &str) -> bool {
    ["Unnamed: 0", "rownames", "row.names", "row_names", "index", "X", "row", "rownum", "_n_"].contains(&name)
}

/// A name in small letters, its words parted by `_`.
pub(super) fn plain(name: &str) -> String {
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
pub(super) fn has_word(name: &str, words: &[&str]) -> bool {
    let plain = plain(name);
    words.iter().any(|w| plain == *w || plain.ends_with(&format!("_{w}")) || plain.starts_with(&format!("{w}_")))
}

pub(super) const TIME_NAMES: [&str; 20] = [
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
pub(super) const CODED: [&str; 17] = [
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
pub(super) const WHO: [&str; 8] = ["patient", "customer", "card", "account", "client", "subject", "kunde", "user"];
pub(super) const IDS: [&str; 29] = [
    "serial",
    "rec",
    "record",
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
pub(super) const POSTCODES: [&str; 9] =
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
