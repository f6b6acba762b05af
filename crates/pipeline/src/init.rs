//! A first recipe for a file nobody has described yet.

use std::collections::BTreeSet;
use std::path::Path;

use specialist_core::{ColumnKind, Role};
use specialist_tabular::read::{ReadError, Sniffed, sniff_header};

use crate::Error;
use crate::recipe::ColumnSpec;

/// Rows that are looked at.
const ROWS: usize = 5000;
/// Cells that usually mean "missing".
const MARKERS: [&str; 9] = ["NA", "N/A", "NaN", "nan", "null", "NULL", "?", "None", "-"];
/// More distinct values than this are no categories.
const LEVELS: usize = 30;

/// What a look at a file suggests.
pub struct Sketch {
    /// Between the cells; a comma for Parquet.
    pub delimiter: u8,
    /// Every column with a suggestion and the reason for it.
    pub columns: Vec<(String, ColumnSpec, String)>,
    /// Rows that were looked at.
    pub rows: usize,
}

/// Looks at `path` and suggests a schema; `label` names the label, if the user knows better.
///
/// # Errors
/// As reading does; [`Error::Usage`] when there is no column that could be the label.
pub fn sketch(path: &Path, label: Option<&str>) -> Result<Sketch, Error> {
    let Sniffed { delimiter, header, rows } = sniff_header(path, ROWS)?;
    if let Some(name) = label
        && !header.iter().any(|h| h == name)
    {
        let nearest = crate::recipe::nearest(name, header.iter().map(String::as_str));
        return Err(ReadError::NoColumn { file: path.display().to_string(), column: name.into(), nearest }.into());
    }
    let mut columns: Vec<(String, ColumnSpec, String)> = header
        .iter()
        .enumerate()
        .map(|(i, name)| {
            let cells: Vec<&str> = rows.iter().map(|r| r[i].as_str()).collect();
            let (spec, why) = suggest(name, &cells);
            (name.clone(), spec, why)
        })
        .collect();
    // One column can say what belongs together; a second one would have to be chosen by hand.
    let mut groups = 0;
    for (_, spec, why) in &mut columns {
        groups += usize::from(spec.role == Role::Group);
        if spec.role == Role::Group && groups > 1 {
            spec.role = Role::Ignore;
            why.push_str("; only one column can be the group");
        }
    }
    let guess = label.map(str::to_string).or_else(|| guess_label(&header, &rows));
    let Some(guess) = guess else {
        return Err(Error::Usage {
            what: format!("{}: no column with two values looks like a label", path.display()),
            hint: "name it with --label COLUMN".into(),
        });
    };
    let place = header.iter().position(|h| *h == guess).expect("it is in the header");
    let cells: Vec<&str> = rows.iter().map(|r| r[place].as_str()).collect();
    columns[place].1 = label_spec(&cells);
    columns[place].2 =
        if label.is_some() { "as you said".into() } else { "a guess: check it, and which value is positive".into() };
    Ok(Sketch { delimiter, columns, rows: rows.len() })
}

/// What separates the cells of a file.
///
/// # Errors
/// As reading does.
pub fn delimiter(path: &Path) -> Result<u8, Error> {
    Ok(sniff_header(path, 1)?.delimiter)
}

fn distinct<'a>(cells: &[&'a str]) -> BTreeSet<&'a str> {
    cells.iter().copied().filter(|c| !c.is_empty()).collect()
}

fn suggest(name: &str, cells: &[&str]) -> (ColumnSpec, String) {
    let filled: Vec<&str> = cells.iter().copied().filter(|c| !c.is_empty()).collect();
    let seen = distinct(cells);
    let spec = |role, kind| ColumnSpec { role, kind, ..ColumnSpec::default() };
    if filled.is_empty() {
        return (spec(Role::Ignore, ColumnKind::Text), "empty in every row looked at".into());
    }
    let missing: Vec<String> = MARKERS.iter().filter(|m| seen.contains(**m)).map(ToString::to_string).collect();
    let is_number = |c: &&str| c.parse::<f64>().is_ok_and(f64::is_finite);
    let values: Vec<&str> = filled.iter().copied().filter(|c| !missing.iter().any(|m| m == c)).collect();
    let numeric = !values.is_empty() && values.iter().all(is_number);
    let own = seen.len() as f64 > 0.98 * filled.len() as f64 && filled.len() > 50;
    let whole = values.iter().all(|c| c.parse::<i64>().is_ok());
    let lower = name.to_lowercase();
    let named = |words: &[&str]| words.iter().any(|w| lower == *w || lower.ends_with(&format!("_{w}")));
    let is_date = |c: &&str| c.as_bytes().get(4) == Some(&b'-') && c.get(..4).is_some_and(|y| y.parse::<u32>().is_ok());
    if !numeric && !values.is_empty() && values.iter().take(100).all(is_date) {
        return (spec(Role::Time, ColumnKind::Time), "dates".into());
    }
    if own && (!numeric || whole) {
        return (spec(Role::Id, ColumnKind::Text), "a value of its own in nearly every row".into());
    }
    if named(&["id", "patient", "customer", "card", "account"]) {
        return (
            spec(Role::Group, ColumnKind::Text),
            format!("{} values that repeat: the rows of one may belong together", seen.len()),
        );
    }
    if numeric {
        let mut spec = spec(Role::Feature, ColumnKind::Number);
        let numbers = values.iter().filter_map(|c| c.parse::<f64>().ok());
        let (low, high) = numbers.fold((f64::MAX, f64::MIN), |(a, b), v| (a.min(v), b.max(v)));
        spec.missing = missing;
        if named(&["amount", "amt", "value"]) {
            spec.role = Role::Amount;
        }
        return (spec, format!("{low} to {high}"));
    }
    if seen.len() <= LEVELS {
        let mut spec = spec(Role::Feature, ColumnKind::Category);
        spec.missing = missing;
        return (spec, format!("{} levels", seen.len()));
    }
    (spec(Role::Ignore, ColumnKind::Text), format!("text with {} different values", seen.len()))
}

fn guess_label(header: &[String], rows: &[Vec<String>]) -> Option<String> {
    let words = [
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
        "diagnosis",
        "event",
        "default",
    ];
    let two: Vec<usize> = (0..header.len())
        .filter(|&i| {
            let cells: Vec<&str> = rows.iter().map(|r| r[i].as_str()).collect();
            distinct(&cells).iter().filter(|c| !MARKERS.contains(c)).count() == 2
        })
        .collect();
    let named = words.iter().find_map(|w| two.iter().find(|&&i| header[i].to_lowercase() == *w));
    named.or(two.last()).map(|&i| header[i].clone())
}

fn label_spec(cells: &[&str]) -> ColumnSpec {
    let all = distinct(cells);
    let (missing, seen): (Vec<&str>, Vec<&str>) = all.iter().partition(|c| MARKERS.contains(c) && all.len() > 2);
    let missing = missing.iter().map(ToString::to_string).collect();
    let count = |v: &str| cells.iter().filter(|c| **c == v).count();
    // The rarer of two values is what people look for.
    let rarer = seen.iter().min_by_key(|v| count(v));
    let positive = rarer.map(|v| vec![(*v).to_string()]).unwrap_or_default();
    ColumnSpec { role: Role::Label, kind: ColumnKind::Category, positive, missing, ..ColumnSpec::default() }
}
