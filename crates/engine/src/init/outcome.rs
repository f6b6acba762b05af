//! What is to be predicted: a label of two values or of several, or how long until an event. The value that means "yes" is known by
//! its word, never by being the rarer one: most patients may have the disease.

use std::path::Path;

use specialist_core::{ColumnKind, Role, canonical};
use specialist_tabular::read::{ColumnProfile, Profile};

use super::cells::{bare, is_marker};
use super::names::{
    BESIDE_EVENTS, LABELS, NO, YES, alike, is_called, is_duration, is_entry, is_event_name, is_positive,
};
use super::suggestion::{Suggestion, find};
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

/// More different values than this are no label.
const MOST_VALUES: usize = 64;
/// A class of fewer rows cannot be told from the others, and stays on one side of a split.
const FEWEST_OF_CLASS: usize = 5;

/// Words of a label that say that nobody knows it.
const NOT_KNOWN: [&str; 6] = ["unknown", "unk", "not known", "n/k", "missing", "unbekannt"];

/// Whether a cell of a label means that there is none. A dash or the word none in many rows is a value: no disease.
fn is_unlabelled(column: &ColumnProfile, cell: &str) -> bool {
    if NOT_KNOWN.contains(&cell.to_lowercase().as_str()) {
        return true;
    }
    let says_no = ["-", "--", ".", "None"].contains(&cell);
    is_marker(cell) && !(says_no && column.values.get(cell).is_some_and(|n| n * 5 > column.filled))
}

/// The values of a column but for the markers for missing, by canonical spelling.
fn values(column: &ColumnProfile) -> Vec<&str> {
    let mut out: Vec<&str> = Vec::new();
    for v in column.values.keys().filter(|v| !is_unlabelled(column, v)) {
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
        && column.values.len() <= MOST_VALUES
        && (values(column).len() == 2 || unknown_code(column).is_some())
}

/// The columns with the outcome, with what is to be declared of them.
pub(super) fn outcome(file: &Profile, named: &Named, path: &Path) -> Result<Vec<Suggestion>, Error> {
    let pairs = pairs(file);
    let in_time = |(event, duration): &(&ColumnProfile, &ColumnProfile), why: &str| {
        let mut suggested = labelled(event, named, path, why)?;
        if !suggested.spec.levels.is_empty() {
            let n = suggested.spec.levels.len();
            return Err(Error::Usage {
                what: format!("{}: the event `{}` has {n} values, and one of them is asked about", path.display(), event.name),
                hint: "say which of them mean the event, and all others mean censored: --positive VALUE[,VALUE]; then name a competing cause with `competing`".into(),
            });
        }
        suggested.spec.role = Role::Event;
        Ok(vec![followed(duration, file), suggested])
    };
    if let Some(name) = &named.label {
        let column = find(file, name, path)?;
        // Whether it came says less than when: a label that has its time is an outcome in time.
        if let Some(pair) = pairs.iter().find(|p| p.0.name == *name) {
            return in_time(pair, "as you said");
        }
        return Ok(vec![labelled(column, named, path, "as you said")?]);
    }
    let two: Vec<&ColumnProfile> = file.columns.iter().filter(|c| has_two(c)).collect();
    match pairs.as_slice() {
        [] => {}
        [pair] => return in_time(pair, "a guess: check which value means the event"),
        several => {
            let named: Vec<String> = several.iter().map(|(e, d)| format!("`{}` with `{}`", e.name, d.name)).collect();
            return Err(Error::Usage {
                what: format!("{}: there are several outcomes in time: {}", path.display(), named.join(", ")),
                hint: format!("name the event that you ask about: --label {}", several[0].0.name),
            });
        }
    }
    let event = two.iter().find(|c| is_event_name(&c.name));
    let by_name = LABELS.iter().find_map(|w| two.iter().find(|c| is_called(&c.name, &[w]))).or(event);
    // The only column with two values is no label where another is called one: a smoker is not the outcome.
    let called = file.columns.iter().any(is_called_label);
    let only = if let ([only], false) = (two.as_slice(), called) { Some(only) } else { None };
    if let Some(column) = by_name.or(only) {
        return Ok(vec![labelled(column, named, path, "a guess: check it, and which value is positive")?]);
    }
    // A column that is called like a label and holds a few values tells classes apart.
    let mut several = file.columns.iter().filter(|c| is_called_label(c) && may_be_classes(c));
    match (several.next(), several.next()) {
        (Some(column), None) => Ok(vec![labelled(column, named, path, "a guess: check it")?]),
        _ => Err(no_label(file, &two, path)),
    }
}

/// A label has no line breaks: where a cell holds some, the rows behind an open quotation mark are in it.
fn several_lines(column: &ColumnProfile, path: &Path) -> Option<Error> {
    column.values.keys().any(|v| v.contains('\n')).then(|| Error::Usage {
        what: format!("{}: a cell of `{}` holds several lines", path.display(), column.name),
        hint: "is a quotation mark left open in the file? Close it, or take it out".into(),
    })
}

/// Whether a column is called like a label: `target`, `label3`.
fn is_called_label(c: &ColumnProfile) -> bool {
    is_called(c.name.trim_end_matches(|d: char| d.is_ascii_digit()), &LABELS) && c.unread.is_none()
}

/// Whether a column's values may be classes: words, or whole numbers that are codes and no measurement, each of rows enough.
fn may_be_classes(column: &ColumnProfile) -> bool {
    let seen = values(column);
    let code = |v: &&str| v.parse::<f64>().is_ok_and(|x| x.fract() == 0.0);
    let numbers = seen.iter().filter(|v| v.parse::<f64>().is_ok()).count();
    let alike = numbers == 0 || numbers == seen.len() && seen.iter().all(code);
    (3..=MOST_VALUES).contains(&seen.len())
        && column.values.len() <= MOST_VALUES
        && alike
        && several_lines(column, Path::new("")).is_none()
        && seen.iter().all(|v| rows_of(column, v) >= FEWEST_OF_CLASS)
}

/// The rows whose cell is this value, in any spelling.
fn rows_of(column: &ColumnProfile, value: &str) -> usize {
    column.values.iter().filter(|(cell, _)| canonical(cell) == canonical(value)).map(|(_, n)| n).sum()
}

/// Why no column was taken for the label.
fn no_label(file: &Profile, two: &[&ColumnProfile], path: &Path) -> Error {
    let file_name = path.display();
    if let Some(c) = file.columns.iter().find(|c| is_called_label(c)) {
        if let Some(error) = several_lines(c, path) {
            return error;
        }
        let what = format!(
            "{file_name}: the column `{}` is called like a label and has {} values, of some a few rows only",
            c.name,
            values(c).len()
        );
        let hint = if c.values.len() <= MOST_VALUES {
            format!(
                "say which of them are positive, and all others are negative: --label {} --positive VALUE[,VALUE]; or name another column",
                c.name
            )
        } else {
            "make a column of two values of it, or name another one with --label".into()
        };
        return Error::Usage { what, hint };
    }
    let count = if two.is_empty() { "no".into() } else { two.len().to_string() };
    Error::Usage {
        what: format!("{file_name}: {count} columns have two values, and none is called like a label"),
        hint: "name it with --label COLUMN".into(),
    }
}

/// Events with the time that each belongs to: by words and the beginning of their names (rtime and recur, dtime and death), then by
/// how near the columns stand.
fn pairs(file: &Profile) -> Vec<(&ColumnProfile, &ColumnProfile)> {
    let of = |keep: &dyn Fn(&ColumnProfile) -> bool| {
        file.columns.iter().enumerate().filter(|(_, c)| keep(c)).collect::<Vec<_>>()
    };
    // Several ends: 0, 1 and 2 are censored and two causes, of which the user says which is the event.
    let mut events = of(&|c| is_event_name(&c.name) && (has_two(c) || (3..=5).contains(&values(c).len())));
    let mut durations = of(&|c| (is_duration(&c.name) || is_called(&c.name, &BESIDE_EVENTS)) && is_positive(c, file));
    let mut out = Vec::new();
    loop {
        let all =
            events.iter().enumerate().flat_map(|(i, e)| durations.iter().enumerate().map(move |(j, d)| (i, e, j, d)));
        let best = all.max_by_key(|(_, e, _, d)| (alike(&e.1.name, &d.1.name), std::cmp::Reverse(e.0.abs_diff(d.0))));
        let Some((i, j)) = best.map(|b| (b.0, b.2)) else { break };
        out.push((events.remove(i).1, durations.remove(j).1));
    }
    out
}

/// How long somebody was followed; the horizon is where half of them still are, which leaves rows on both sides.
fn followed(column: &ColumnProfile, file: &Profile) -> Suggestion {
    let style = file.dialect.numbers;
    let middle = |column: &ColumnProfile| {
        let mut times: Vec<(f64, usize)> =
            column.values.iter().filter_map(|(v, n)| Some((bare(v, style)?, *n))).collect();
        times.sort_by(|a, b| a.0.total_cmp(&b.0));
        let half = times.iter().map(|t| t.1).sum::<usize>() / 2;
        let mut seen = 0;
        let at = times.iter().find(|t| {
            seen += t.1;
            seen >= half
        });
        at.map(|t| t.0)
    };
    // Times count from a row's entry, where there is one.
    let entry = file.columns.iter().find(|c| is_entry(&c.name) && c.name != column.name).and_then(&middle);
    let exit = middle(column).unwrap_or(1.0);
    let median = Some(exit - entry.unwrap_or(0.0)).filter(|m| *m > 0.0).unwrap_or(exit);
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
    Suggestion::new(&column.name, spec, why.into())
}

fn markers(column: &ColumnProfile) -> Vec<String> {
    let mut out: Vec<String> = column.values.keys().filter(|v| is_unlabelled(column, v)).cloned().collect();
    out.sort_unstable();
    out
}

fn labelled(column: &ColumnProfile, named: &Named, path: &Path, why: &str) -> Result<Suggestion, Error> {
    let name = &column.name;
    let mut seen = values(column);
    let code = unknown_code(column);
    seen.retain(|v| Some(*v) != code);
    let file = path.display();
    let refuse = |what: String, hint: &str| Err(Error::Usage { what, hint: hint.into() });
    let word = |v: &&str| canonical(v).to_lowercase();
    // A file that spells a value in two ways, or two files that do: Yes and yes, 1 and Yes.
    let known = |words: &[&str]| seen.iter().filter(|v| words.contains(&word(v).as_str())).copied().collect::<Vec<_>>();
    let (yes, no) = (known(&YES), known(&NO));
    let in_words = seen.len() > 2 && yes.len() + no.len() == seen.len() && !yes.is_empty() && !no.is_empty();
    if let Some(error) = several_lines(column, path) {
        return Err(error);
    }
    if column.values.len() > MOST_VALUES || seen.len() < 2 {
        let what = format!("{file}: the column `{name}` has {} value(s), a label has two", seen.len());
        return refuse(what, "name another column with --label, or bring rows of both classes");
    }
    if seen.len() > 2 && (named.positive.is_some() || in_words) {
        return sorted_out(column, &seen, named, path, why, in_words.then_some(yes));
    }
    if seen.len() > 2 {
        return Ok(several_classes(column, &seen, why));
    }
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
    let mut why = format!("{why}; positive in {:.1} % of the rows", share(column, &[&positive]));
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
    Ok(Suggestion::new(name, spec, why))
}

/// A label of several classes, each value one.
fn several_classes(column: &ColumnProfile, seen: &[&str], why: &str) -> Suggestion {
    let mut levels: Vec<String> = seen.iter().map(ToString::to_string).collect();
    let number = |l: &String| l.parse::<f64>().unwrap_or(f64::NAN);
    // Codes in their own order: 10 stands behind 2.
    levels.sort_by(|a, b| number(a).total_cmp(&number(b)));
    let few: Vec<&String> = levels.iter().filter(|l| rows_of(column, l) < FEWEST_OF_CLASS).collect();
    let mut why = format!(
        "{why}; {} classes. For a yes and a no instead, name what means yes with `positive`; `classes` takes several values for one class",
        levels.len()
    );
    if !few.is_empty() {
        let few: Vec<&str> = few.into_iter().map(String::as_str).collect();
        why.push_str(&format!(
            "; a few rows only have {}: put them into another class, or out of the list with on_invalid = \"missing\"",
            few.join(", ")
        ));
    }
    let missing = markers(column);
    let spec = ColumnSpec { role: Role::Label, kind: ColumnKind::Category, levels, missing, ..ColumnSpec::default() };
    Suggestion { ask: true, ..Suggestion::new(&column.name, spec, why) }
}

/// The percentage of the filled cells that mean one of `values`.
fn share(column: &ColumnProfile, values: &[&str]) -> f64 {
    let is = |cell: &str| values.iter().any(|v| canonical(cell) == canonical(v));
    let of = column.values.iter().filter(|(c, _)| is(c)).map(|c| c.1).sum::<usize>();
    100.0 * of as f64 / column.filled.max(1) as f64
}

/// A label of more than two values, of which some are positive: those that the user names, or the words for yes.
fn sorted_out(
    column: &ColumnProfile,
    seen: &[&str],
    named: &Named,
    path: &Path,
    why: &str,
    words: Option<Vec<&str>>,
) -> Result<Suggestion, Error> {
    let of = |wanted: &str| seen.iter().find(|v| canonical(v) == canonical(wanted)).copied();
    let (positive, why) = match (&named.positive, words) {
        (Some(list), _) => {
            let parts: Vec<&str> =
                if of(list).is_some() { vec![list] } else { list.split(',').map(str::trim).collect() };
            let found: Option<Vec<&str>> = parts.into_iter().map(of).collect();
            let Some(found) = found.filter(|f| f.len() < seen.len()) else {
                return Err(Error::Usage {
                    what: format!(
                        "{}: not every value that --positive names is a cell of `{}`, or all of them are",
                        path.display(),
                        column.name
                    ),
                    hint: "spell them as the file does, parted by commas".into(),
                });
            };
            let rest = seen.len() - found.len();
            let rest = if rest == 1 { "the other value is".into() } else { format!("the other {rest} values are") };
            let why = format!(
                "{why}; {rest} negative: take out of `negative` what is neither, and name a competing cause with `competing`"
            );
            (found, why)
        }
        (None, words) => {
            (words.unwrap_or_default(), format!("{why}; the words for yes and no are spelled in several ways"))
        }
    };
    let negative: Vec<String> = seen.iter().filter(|v| !positive.contains(v)).map(ToString::to_string).collect();
    let why = format!("{why}; positive in {:.1} % of the rows", share(column, &positive));
    let spec = ColumnSpec {
        role: Role::Label,
        kind: ColumnKind::Category,
        positive: positive.iter().map(ToString::to_string).collect(),
        negative,
        missing: markers(column),
        ..ColumnSpec::default()
    };
    Ok(Suggestion { ask: true, ..Suggestion::new(&column.name, spec, why) })
}
