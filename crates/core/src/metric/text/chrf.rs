//! chrF and chrF++ (Popović 2015, 2017), as sacrebleu computes them.

use std::collections::HashMap;
use std::hash::Hash;

use super::figure::TextMetric;

const CHARACTERS: usize = 6;
/// Recall counts this many times as much as precision.
const BETA: f64 = 2.0;

/// The F-score of character n-grams up to six and word n-grams up to `words`: 0 is chrF, 2 chrF++.
pub struct Chrf {
    /// The longest word n-gram.
    pub words: usize,
}

fn count<T: Hash + Eq + Clone>(items: &[T], n: usize) -> HashMap<&[T], f64> {
    let mut counts = HashMap::new();
    for run in items.windows(n) {
        *counts.entry(run).or_insert(0.0) += 1.0;
    }
    counts
}

fn match_counts<T: Hash + Eq + Clone>(hypothesis: &[T], reference: &[T], n: usize) -> [f64; 3] {
    let (have, want) = (count(hypothesis, n), count(reference, n));
    let total = |c: &HashMap<&[T], f64>| c.values().sum::<f64>();
    let matches = have.iter().map(|(g, c)| c.min(*want.get(g).unwrap_or(&0.0))).sum();
    // Without any n-gram to find, those of the hypothesis are not held against it.
    [if want.is_empty() { 0.0 } else { total(&have) }, total(&want), matches]
}

/// Words with punctuation at one end split off.
fn words(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    for word in text.split_whitespace() {
        let mut ends = word.chars();
        let (first, last) = (ends.next().expect("not empty"), ends.next_back());
        match last {
            Some(last) if last.is_ascii_punctuation() => {
                out.extend(<[&str; 2]>::from(word.split_at(word.len() - last.len_utf8())));
            }
            Some(_) if first.is_ascii_punctuation() => out.extend(<[&str; 2]>::from(word.split_at(first.len_utf8()))),
            _ => out.push(word),
        }
    }
    out
}

impl TextMetric for Chrf {
    fn name(&self) -> &'static str {
        if self.words == 0 { "chrf" } else { "chrf++" }
    }

    fn about(&self) -> &'static str {
        if self.words == 0 {
            "the F-score of character n-grams up to six, 0 to 100"
        } else {
            "the F-score of character n-grams up to six, words and pairs of words, 0 to 100"
        }
    }

    fn signature(&self) -> &'static str {
        if self.words == 0 {
            "nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no"
        } else {
            "nrefs:1|case:mixed|eff:yes|nc:6|nw:2|space:no"
        }
    }

    fn counts(&self, hypothesis: &str, reference: &str) -> Vec<f64> {
        let characters = |t: &str| t.chars().filter(|c| !c.is_whitespace()).collect::<Vec<char>>();
        let (h, r) = (characters(hypothesis), characters(reference));
        let mut out: Vec<f64> = (1..=CHARACTERS).flat_map(|n| match_counts(&h, &r, n)).collect();
        if self.words > 0 {
            let (h, r) = (words(hypothesis), words(reference));
            out.extend((1..=self.words).flat_map(|n| match_counts(&h, &r, n)));
        }
        out
    }

    fn value(&self, counts: &[f64]) -> f64 {
        let present: Vec<&[f64]> = counts.chunks(3).filter(|c| c[0] > 0.0 && c[1] > 0.0).collect();
        let mean = |of: usize| present.iter().map(|c| c[2] / c[of]).sum::<f64>() / present.len().max(1) as f64;
        let (precision, recall) = (mean(0), mean(1));
        if precision + recall == 0.0 {
            return 0.0;
        }
        let factor = BETA * BETA;
        100.0 * (1.0 + factor) * precision * recall / (factor * precision + recall)
    }
}
