//! What is to be predicted: a label of two values, or how long until an event. The value that means "yes" is known by
//! its word, never by being the rarer one: most patients may have the disease.

use std::path::Path;

use specialist_core::{ColumnKind, Role, canonical};
use specialist_tabular::read::{ColumnProfile, Profile};

use super::{bare, find, is_marker};
use crate::Error;
use crate::recipe::ColumnSpec;

/// What the user knows of the outcome.
#[derive(Debug, Clone, Default)]
pub struct Named {
    /// The label's column.
    pub label: Option<String>,
    /// The cell that means the positive class, or the event.
    pub positive: Option<String>,
    /// Between whole and fraction of the numbers.
    pub decimal: Option<char>,
}

/// Words for "yes", lower case and canonical, in the languages of the spreadsheets that are read, and what people look for.
const YES: [&str; 44] = [
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
const NO: [&str; 42] = [
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

const LABELS: [&str; 22] = [
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
const EVENTS: [&str; 19] = [
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
];
const DURATIONS: [&str; 33] = [
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
const ENTRIES: [&str; 9] =
    ["entry", "entry_time", "start", "tstart", "left", "delayed_entry", "entry_months", "entry_days", "time_entry"];

fn is_named(name: &str, words: &[&str]) -> bool {
    words.contains(&name.to_lowercase().replace(['-', ' ', '.'], "_").as_str())
}

/// Whether a column's name says that it counts how long somebody was followed.
pub(super) fn is_duration(name: &str) -> bool {
    is_named(name, &DURATIONS)
}

/// Whether a column's name says that rows are followed from then on.
pub(super) fn is_entry(name: &str) -> bool {
    is_named(name, &ENTRIES)
}

/// The values of a column but for the markers for missing, by canonical spelling.
fn values(column: &ColumnProfile) -> Vec<&str> {
    let mut out: Vec<&str> = Vec::new();
    for v in column.values.keys().filter(|v| !is_marker(v)) {
        if !out.iter().any(|o| canonical(o) == canonical(v)) {
            out.push(v);
        }
    }
    out.sort_unstable();
    out
}

/// A code for "unknown" beside two values that are 0 and 1, or 1 and 2: 9, 99, −9 and the like.
fn unknown_code(column: &ColumnProfile) -> Option<&str> {
    let seen = values(column);
    let coded = |v: &&&str| {
        let digits = v.trim_start_matches('-');
        !digits.is_empty()
            && digits.bytes().all(|b| b == digits.as_bytes()[0])
            && b"789".contains(&digits.as_bytes()[0])
    };
    let code = *seen.iter().find(coded)?;
    let others: Vec<String> = seen.iter().filter(|v| **v != code).map(|v| canonical(v).into_owned()).collect();
    (others == ["0", "1"] || others == ["1", "2"]).then_some(code)
}

fn has_two(column: &ColumnProfile) -> bool {
    // More than that are no two values in several spellings.
    column.unread.is_none()
        && column.values.len() <= 64
        && (values(column).len() == 2 || unknown_code(column).is_some())
}

/// The columns with the outcome, with what is to be declared of them.
pub(super) fn outcome(file: &Profile, named: &Named, path: &Path) -> Result<Vec<(String, ColumnSpec, String)>, Error> {
    if let Some(name) = &named.label {
        let column = find(file, name, path)?;
        return Ok(vec![labelled(column, named, path, "as you said")?]);
    }
    let two: Vec<&ColumnProfile> = file.columns.iter().filter(|c| has_two(c)).collect();
    let event = two.iter().find(|c| is_named(&c.name, &EVENTS));
    let style = file.dialect.numbers;
    let positive = |c: &&ColumnProfile| {
        let mut values = c.values.keys().filter(|v| !is_marker(v)).peekable();
        values.peek().is_some() && c.values.len() > 10 && values.all(|v| bare(v, style).is_some_and(|v| v > 0.0))
    };
    let duration = file.columns.iter().filter(positive).find(|c| is_duration(&c.name));
    if let (Some(event), Some(duration)) = (event, duration) {
        let (name, mut spec, why) = labelled(event, named, path, "a guess: check which value means the event")?;
        spec.role = Role::Event;
        return Ok(vec![followed(duration, file), (name, spec, why)]);
    }
    let by_name = LABELS.iter().find_map(|w| two.iter().find(|c| is_named(&c.name, &[w]))).or(event);
    let only = if let [only] = two.as_slice() { Some(only) } else { None };
    match by_name.or(only) {
        Some(column) => Ok(vec![labelled(column, named, path, "a guess: check it, and which value is positive")?]),
        None => Err(Error::Usage {
            what: format!(
                "{}: {} columns have two values, and none is called like a label",
                path.display(),
                if two.is_empty() { "no".into() } else { two.len().to_string() }
            ),
            hint: "name it with --label COLUMN".into(),
        }),
    }
}

/// How long somebody was followed; the horizon is where half of them still are, which leaves rows on both sides.
fn followed(column: &ColumnProfile, file: &Profile) -> (String, ColumnSpec, String) {
    let style = file.dialect.numbers;
    let mut times: Vec<(f64, usize)> = column.values.iter().filter_map(|(v, n)| Some((bare(v, style)?, *n))).collect();
    times.sort_by(|a, b| a.0.total_cmp(&b.0));
    let half = times.iter().map(|t| t.1).sum::<usize>() / 2;
    let mut seen = 0;
    let median = times.iter().find(|t| {
        seen += t.1;
        seen >= half
    });
    let median = median.map_or(1.0, |t| t.0);
    // Two digits: a horizon is a round number.
    let unit = 10f64.powf(median.log10().floor() - 1.0);
    let horizon = (median / unit).round() * unit;
    let horizon = format!("{horizon:.6}").trim_end_matches('0').trim_end_matches('.').parse().unwrap_or(median);
    let spec = ColumnSpec {
        role: Role::Duration,
        kind: ColumnKind::Number,
        horizon: Some(horizon),
        missing: markers(column),
        ..ColumnSpec::default()
    };
    let why = "a guess: how long the row was followed; the horizon is the middle of these times, set the one that you ask about";
    (column.name.clone(), spec, why.into())
}

fn markers(column: &ColumnProfile) -> Vec<String> {
    let mut out: Vec<String> = column.values.keys().filter(|v| is_marker(v)).cloned().collect();
    out.sort_unstable();
    out
}

fn labelled(
    column: &ColumnProfile,
    named: &Named,
    path: &Path,
    why: &str,
) -> Result<(String, ColumnSpec, String), Error> {
    let name = &column.name;
    let mut seen = values(column);
    let code = unknown_code(column);
    seen.retain(|v| Some(*v) != code);
    let file = path.display();
    let refuse = |what: String, hint: &str| Err(Error::Usage { what, hint: hint.into() });
    if seen.len() != 2 || column.values.len() > 64 {
        let what = format!("{file}: the column `{name}` has {} value(s), a label has two", seen.len());
        return refuse(what, "name another column with --label, or bring rows of both classes");
    }
    let word = |v: &&str| canonical(v).to_lowercase();
    let positive = match &named.positive {
        Some(p) if seen.iter().any(|v| canonical(v) == canonical(p)) => p.clone(),
        Some(_) => {
            return refuse(
                format!("{file}: no cell of `{name}` is what --positive names"),
                "spell it as the file does",
            );
        }
        None => {
            let yes: Vec<&&str> = seen.iter().filter(|v| YES.contains(&word(v).as_str())).collect();
            let no: Vec<&&str> = seen.iter().filter(|v| NO.contains(&word(v).as_str())).collect();
            // 1 and 2 are codes: R's `survival` means by 2 what others mean by 1. A column that is called after the absence of
            // the event (censored, alive) says yes to that.
            let coded = seen.iter().all(|v| ["1", "2"].contains(&word(v).as_str()));
            let lower = name.to_lowercase();
            let reversed = ["cens", "alive", "surviv"].iter().any(|w| lower.contains(w));
            if coded || reversed {
                return refuse(
                    format!("{file}: which of the two values of `{name}` means the event cannot be told by its word"),
                    "name it with --positive VALUE: the disease, the fraud, the event",
                );
            }
            match (yes.as_slice(), no.as_slice()) {
                ([yes], []) | ([yes], [_]) => (**yes).to_string(),
                // One is known to mean "no": the other means "yes".
                ([], [no]) => seen.iter().find(|v| v != no).expect("there are two").to_string(),
                _ => {
                    return refuse(
                        format!("{file}: which of the two values of `{name}` is the positive one cannot be told"),
                        "name it with --positive VALUE: the disease, the fraud, the event",
                    );
                }
            }
        }
    };
    let share = |v: &str| {
        let of = column.values.iter().filter(|(c, _)| canonical(c) == canonical(v)).map(|c| c.1).sum::<usize>();
        100.0 * of as f64 / column.filled.max(1) as f64
    };
    let mut why = format!("{why}; positive in {:.1} % of the rows", share(&positive));
    let mut missing = markers(column);
    if let Some(code) = code {
        why.push_str(&format!("; a guess: {code} means unknown"));
        missing.push(code.into());
    }
    let spec = ColumnSpec {
        role: Role::Label,
        kind: ColumnKind::Category,
        positive: vec![positive],
        missing,
        ..ColumnSpec::default()
    };
    Ok((name.clone(), spec, why))
}
