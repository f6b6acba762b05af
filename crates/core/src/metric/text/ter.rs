//! Translation edit rate (Snover et al. 2006) with the search of Tercom, as sacrebleu replicates it.

use super::figure::TextMetric;
use crate::metric::Goal;

/// Edits (insert, delete, substitute, shift a run of words) per word of the reference, times 100.
pub struct Ter;

/// Longest run of words that is shifted.
const LONGEST_SHIFT: usize = 10;
/// How far a run may be from where it belongs.
const FARTHEST_SHIFT: usize = 50;
/// Shifts tried in a text before the search gives up.
const MOST_CANDIDATES: usize = 1000;
/// Cells beside the diagonal that the edit distance looks at.
const BEAM: usize = 25;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Keep,
    Substitute,
    /// A word of the hypothesis that the reference lacks.
    Extra,
    /// A word of the reference that the hypothesis lacks.
    Lacking,
}

impl TextMetric for Ter {
    fn name(&self) -> &'static str {
        "ter"
    }

    fn about(&self) -> &'static str {
        "translation edit rate: edits and shifts a hundred words of the reference"
    }

    fn signature(&self) -> &'static str {
        "nrefs:1|case:lc|tok:tercom|norm:no|punct:yes|asian:no"
    }

    fn goal(&self) -> Goal {
        Goal::Lower
    }

    fn counts(&self, hypothesis: &str, reference: &str) -> Vec<f64> {
        let (h, r) = (hypothesis.to_lowercase(), reference.to_lowercase());
        let (h, r): (Vec<&str>, Vec<&str>) = (h.split_whitespace().collect(), r.split_whitespace().collect());
        vec![edits(h, &r) as f64, r.len() as f64]
    }

    fn value(&self, counts: &[f64]) -> f64 {
        match (counts[0], counts[1]) {
            (edits, words) if words > 0.0 => 100.0 * edits / words,
            (edits, _) if edits > 0.0 => 100.0,
            _ => 0.0,
        }
    }
}

fn edits(mut words: Vec<&str>, reference: &[&str]) -> usize {
    if reference.is_empty() {
        return words.len();
    }
    let (mut shifts, mut tried) = (0, 0);
    loop {
        let best = best_shift(&words, reference, &mut tried);
        let gain = best.as_ref().map_or(0, |b| b.gain);
        if tried >= MOST_CANDIDATES || gain <= 0 {
            return shifts + distance(&words, reference).0;
        }
        shifts += 1;
        words = best.expect("it gains").words;
    }
}

struct Shift<'a> {
    gain: isize,
    /// Ties go to the longest run, the earliest, the earliest place.
    rank: (usize, std::cmp::Reverse<usize>, std::cmp::Reverse<usize>),
    words: Vec<&'a str>,
}

fn best_shift<'a>(words: &[&'a str], reference: &[&str], tried: &mut usize) -> Option<Shift<'a>> {
    let (before, ops) = distance(words, reference);
    let aligned = Alignment::new(&ops);
    let mut best: Option<Shift<'a>> = None;
    for (from, to, length) in equal_runs(words, reference) {
        // A shift helps only if words are wrong where the run stands and where it would go.
        let wrong = |errors: &[bool], at: usize| errors[at..at + length].iter().any(|&e| e);
        if !wrong(&aligned.wrong_words, from) || !wrong(&aligned.wrong_reference, to) {
            continue;
        }
        if (from as isize..(from + length) as isize).contains(&aligned.place[to]) {
            continue;
        }
        let mut last = None;
        for offset in 0..=length {
            // Before the word that the reference's word at `to + offset − 1` is aligned with.
            let place = match (to + offset).checked_sub(1) {
                None => 0,
                Some(at) => match aligned.place.get(at) {
                    Some(&place) => (place + 1) as usize,
                    None => break,
                },
            };
            if last == Some(place) {
                continue;
            }
            last = Some(place);
            let shifted = shift(words, from, length, place);
            let gain = before as isize - distance(&shifted, reference).0 as isize;
            let rank = (length, std::cmp::Reverse(from), std::cmp::Reverse(place));
            *tried += 1;
            if best.as_ref().is_none_or(|b| (gain, rank) > (b.gain, b.rank)) {
                best = Some(Shift { gain, rank, words: shifted });
            }
        }
        if *tried >= MOST_CANDIDATES {
            break;
        }
    }
    best
}

/// Runs that stand in both texts, each with all of its beginnings: place here, place there, length.
fn equal_runs(words: &[&str], reference: &[&str]) -> Vec<(usize, usize, usize)> {
    let mut out = Vec::new();
    for from in 0..words.len() {
        for to in 0..reference.len() {
            if from.abs_diff(to) > FARTHEST_SHIFT {
                continue;
            }
            let both = words[from..].iter().zip(&reference[to..]).take(LONGEST_SHIFT);
            let run = both.take_while(|(a, b)| a == b).count();
            out.extend((1..=run).map(|length| (from, to, length)));
        }
    }
    out
}

fn shift<'a>(words: &[&'a str], from: usize, length: usize, to: usize) -> Vec<&'a str> {
    let run = &words[from..from + length];
    if to < from {
        [&words[..to], run, &words[to..from], &words[from + length..]].concat()
    } else if to > from + length {
        [&words[..from], &words[from + length..to], run, &words[to..]].concat()
    } else {
        let end = (length + to).min(words.len());
        [&words[..from], &words[(from + length).min(end)..end], run, &words[end..]].concat()
    }
}

struct Alignment {
    /// For each word of the reference, the place of the hypothesis' word that it is aligned with; −1 before
    /// the first.
    place: Vec<isize>,
    wrong_words: Vec<bool>,
    wrong_reference: Vec<bool>,
}

impl Alignment {
    fn new(ops: &[Op]) -> Self {
        let mut out = Self { place: Vec::new(), wrong_words: Vec::new(), wrong_reference: Vec::new() };
        for op in ops {
            if *op != Op::Lacking {
                out.wrong_words.push(*op != Op::Keep);
            }
            if *op != Op::Extra {
                out.place.push(out.wrong_words.len() as isize - 1);
                out.wrong_reference.push(*op != Op::Keep);
            }
        }
        out
    }
}

/// The least number of edits within the beam, and the edits in order. Of equal ways, one that keeps or
/// substitutes comes first, then one with an extra word.
fn distance(words: &[&str], reference: &[&str]) -> (usize, Vec<Op>) {
    const FAR: usize = usize::MAX / 2;
    let (n, m) = (words.len(), reference.len());
    let ratio = if n > 0 { m as f64 / n as f64 } else { 1.0 };
    let beam = if ratio / 2.0 > BEAM as f64 { (ratio / 2.0 + BEAM as f64).ceil() as usize } else { BEAM };
    let mut cost = vec![FAR; (n + 1) * (m + 1)];
    let mut how = vec![Op::Keep; (n + 1) * (m + 1)];
    for j in 0..=m {
        (cost[j], how[j]) = (j, Op::Lacking);
    }
    for i in 1..=n {
        let diagonal = (i as f64 * ratio) as usize;
        let first = diagonal.saturating_sub(beam);
        let end = if i == n { m + 1 } else { (m + 1).min(diagonal + beam) };
        for j in first..end {
            let at = i * (m + 1) + j;
            let up = at - (m + 1);
            if j == 0 {
                (cost[at], how[at]) = (cost[up] + 1, Op::Extra);
                continue;
            }
            let (step, op) = if words[i - 1] == reference[j - 1] { (0, Op::Keep) } else { (1, Op::Substitute) };
            let ways = [(cost[up - 1] + step, op), (cost[up] + 1, Op::Extra), (cost[at - 1] + 1, Op::Lacking)];
            for (c, op) in ways {
                if cost[at] > c {
                    (cost[at], how[at]) = (c, op);
                }
            }
        }
    }
    let (mut i, mut j, mut ops) = (n, m, Vec::new());
    while i > 0 || j > 0 {
        let op = how[i * (m + 1) + j];
        ops.push(op);
        match op {
            Op::Keep | Op::Substitute => (i, j) = (i - 1, j - 1),
            Op::Extra => i -= 1,
            Op::Lacking => j -= 1,
        }
    }
    ops.reverse();
    (cost[n * (m + 1) + m], ops)
}
