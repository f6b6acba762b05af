//! Texts of train rows that are nearly a sealed row's: they are left out, for a model that remembers them would be praised
//! for it. Rows of numbers that are copies stop a run, but short sentences agree by chance: that is no fault of the data.

use std::collections::{BTreeSet, HashMap};

use specialist_core::{Dataset, KeyRole, Severity};
use specialist_report::Finding;

use super::input::NAMED;

/// The check's name.
const NAME: &str = "copies";

/// The texts of `rows`, of every text column.
fn columns<'d>(data: &'d Dataset, rows: &[usize]) -> Vec<Vec<&'d str>> {
    let of = |k: &'d specialist_core::Key| rows.iter().map(|&r| k.levels[k.codes[r] as usize].as_str()).collect();
    data.keys.iter().filter(|k| k.role == KeyRole::Text).map(of).collect()
}

/// Parts `rows` of `data` into those that are nearly none of `sealed`'s rows at `test` and those that are, text column by text
/// column; says how many there were.
pub(crate) fn without_copies(
    (data, rows): (&Dataset, Vec<usize>),
    (sealed, test): (&Dataset, &[usize]),
    alike: f64,
    of: &str,
) -> (Vec<usize>, Option<Finding>) {
    let (own, others) = (columns(data, &rows), columns(sealed, test));
    if own.is_empty() || own.len() != others.len() {
        return (rows, None);
    }
    let mut copied = vec![false; rows.len()];
    for (own, others) in own.iter().zip(&others) {
        for (copied, found) in copied.iter_mut().zip(near(own, others, alike)) {
            *copied |= found.is_some();
        }
    }
    let lines = rows.iter().zip(&copied).filter(|(_, c)| **c).map(|(&r, _)| format!("{of} line {}", data.lines[r]));
    let (lines, n) = (lines.take(NAMED).collect(), copied.iter().filter(|c| **c).count());
    let message =
        format!("rows of the {of} left out, whose text is nearly a sealed row's (similarity {alike} or more): {n}");
    let severity = if n == 0 { Severity::Ok } else { Severity::Warning };
    let mut keep = copied.iter().map(|c| !c);
    let rows = rows.into_iter().filter(|_| keep.next() == Some(true)).collect();
    (rows, Some(Finding::new(NAME, severity, message, lines)))
}

/// Words of a text: lower case, letters and digits.
pub fn words(text: &str) -> Vec<String> {
    text.to_lowercase().split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(String::from).collect()
}

/// Pairs of neighbouring words as digests, sorted; a single word stands for itself.
fn shingles(text: &str) -> Vec<u64> {
    let words = words(text);
    let key = |w: &[String]| {
        // FNV-1a: stable over machines and versions.
        let bytes = w.iter().flat_map(|w| w.bytes().chain([0]));
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
    };
    let mut out: Vec<u64> = if words.len() < 2 { vec![key(&words)] } else { words.windows(2).map(key).collect() };
    out.sort_unstable();
    out.dedup();
    out
}

fn jaccard(a: &[u64], b: &[u64]) -> f64 {
    let (mut i, mut j, mut both) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        match a[i].cmp(&b[j]) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => (i, j, both) = (i + 1, j + 1, both + 1),
        }
    }
    both as f64 / (a.len() + b.len() - both) as f64
}

/// Which of `texts` are at least `alike` to one of `others`, as positions there.
///
/// Two sets with a Jaccard similarity of t share an element among their first n − ⌈t n⌉ + 1 in any common order
/// (the prefix filter of Chaudhuri et al. 2006): with rare shingles first, few pairs are ever looked at.
pub fn near(texts: &[&str], others: &[&str], alike: f64) -> Vec<Option<usize>> {
    let (a, b): (Vec<Vec<u64>>, Vec<Vec<u64>>) =
        (texts.iter().map(|t| shingles(t)).collect(), others.iter().map(|t| shingles(t)).collect());
    let mut count: HashMap<u64, usize> = HashMap::new();
    a.iter().chain(&b).flatten().for_each(|&s| *count.entry(s).or_default() += 1);
    let prefix = |set: &[u64]| {
        let mut rare = set.to_vec();
        rare.sort_by_key(|s| (count[s], *s));
        rare.truncate(set.len() - (alike * set.len() as f64).ceil() as usize + 1);
        rare
    };
    let mut index: HashMap<u64, Vec<usize>> = HashMap::new();
    for (i, set) in b.iter().enumerate() {
        prefix(set).into_iter().for_each(|s| index.entry(s).or_default().push(i));
    }
    let find = |set: &Vec<u64>| {
        let mut seen = BTreeSet::new();
        prefix(set)
            .iter()
            .flat_map(|s| index.get(s).into_iter().flatten())
            .copied()
            .find(|&i| seen.insert(i) && jaccard(set, &b[i]) >= alike)
    };
    a.iter().map(find).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;
    use specialist_core::Context;

    #[test]
    fn near_duplicates_are_found_and_no_others() {
        let others = ["the food was cold and the service was slow today", "a fine place"];
        let texts =
            ["The food was cold, and the service was slow today!", "the food was warm", "A fine place.", "fine"];
        assert_eq!(near(&texts, &others, 0.8), [Some(0), None, Some(1), None]);
    }

    #[test]
    fn near_equals_the_slow_way() {
        let mut rng = Context::new(3, 1).rng("texts");
        let text = |rng: &mut dyn rand::RngCore| {
            (0..8).map(|_| ["a", "b", "c", "d"][rng.random_range(0..4)]).collect::<Vec<_>>().join(" ")
        };
        let a: Vec<String> = (0..60).map(|_| text(&mut rng)).collect();
        let b: Vec<String> = (0..60).map(|_| text(&mut rng)).collect();
        let (a, b): (Vec<&str>, Vec<&str>) =
            (a.iter().map(String::as_str).collect(), b.iter().map(String::as_str).collect());
        for alike in [0.5, 0.8, 1.0] {
            let fast = near(&a, &b, alike);
            let slow = |t: &str| b.iter().any(|o| jaccard(&shingles(t), &shingles(o)) >= alike);
            for (t, f) in a.iter().zip(fast) {
                assert_eq!(f.is_some(), slow(t), "{t}");
            }
        }
    }
}
