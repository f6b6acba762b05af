//! Columns of numbers: what stands around them, what means missing, and which of them name rows.

use specialist_core::{ColumnKind, Limits, NumberStyle, Role};
use specialist_tabular::read::{AROUND, ColumnProfile};

use super::cells::bare;
use super::names::{has_word, is_identifier};
use super::spec::{FEW, FEWEST, is_band, spec};
use crate::check::columns::names_rows;
use crate::recipe::ColumnSpec;

/// A column of numbers, with what stands around them, what means missing, and a question where some stand far from the
/// others; `None` where it is none.
pub(super) fn number(
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
pub(super) fn identity(
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
    if has_word(&c.name, &["sample_weight", "case_weight", "survey_weight", "pweight", "weights", "wt"]) {
        return (ColumnSpec { role: Role::Weight, ..s }, format!("row weights ({why})"));
    }
    let role = if has_word(&c.name, &["amount", "amt", "betrag", "montant"]) { Role::Amount } else { s.role };
    (ColumnSpec { role, ..s }, why)
}
