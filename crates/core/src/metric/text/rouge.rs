//! ROUGE (Lin 2004), as the Python package `rouge-score` computes it without stemming.

use std::collections::HashMap;

use super::figure::TextMetric;

/// Which units are matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rouge {
    /// Single words.
    One,
    /// Pairs of words.
    Two,
    /// The longest common subsequence.
    L,
}

/// Lower case letters and digits of ASCII make words; everything else parts them.
#[must_use]
pub fn tokenize(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    lower
        .split(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit())
        .filter(|w| !w.is_empty())
        .map(String::from)
        .collect()
}

/// Precision, recall and F.
#[must_use]
pub fn score(kind: Rouge, hypothesis: &str, reference: &str) -> (f64, f64, f64) {
    let (h, r) = (tokenize(hypothesis), tokenize(reference));
    let (matches, have, want) = match kind {
        Rouge::One => overlap(&h, &r, 1),
        Rouge::Two => overlap(&h, &r, 2),
        Rouge::L => (common(&h, &r) as f64, h.len() as f64, r.len() as f64),
    };
    let share = |of: f64| if of > 0.0 { matches / of } else { 0.0 };
    let (p, r) = (share(have), share(want));
    (p, r, if p + r > 0.0 { 2.0 * p * r / (p + r) } else { 0.0 })
}

fn overlap(h: &[String], r: &[String], n: usize) -> (f64, f64, f64) {
    let count = |w: &[String]| {
        let mut counts: HashMap<Vec<String>, f64> = HashMap::new();
        w.windows(n).for_each(|g| *counts.entry(g.to_vec()).or_default() += 1.0);
        counts
    };
    let (have, want) = (count(h), count(r));
    let matches = have.iter().map(|(g, c)| c.min(*want.get(g).unwrap_or(&0.0))).sum();
    (matches, have.values().sum(), want.values().sum())
}

fn common(a: &[String], b: &[String]) -> usize {
    let mut row = vec![0; b.len() + 1];
    for x in a {
        let mut corner = 0;
        for (j, y) in b.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = if x == y { corner + 1 } else { above.max(row[j]) };
            corner = above;
        }
    }
    row[b.len()]
}

impl TextMetric for Rouge {
    fn name(&self) -> &'static str {
        match self {
            Self::One => "rouge-1",
            Self::Two => "rouge-2",
            Self::L => "rouge-l",
        }
    }

    fn about(&self) -> &'static str {
        match self {
            Self::One => "the mean F-score of words in common, 0 to 1",
            Self::Two => "the mean F-score of pairs of words in common, 0 to 1",
            Self::L => "the mean F-score of the longest common subsequence of words, 0 to 1",
        }
    }

    fn decimals(&self) -> usize {
        4
    }

    fn signature(&self) -> &'static str {
        "nrefs:1|case:lc|tok:ascii-words|stem:no|mean F"
    }

    /// The F of the text, and one: the figure is a mean over texts.
    fn counts(&self, hypothesis: &str, reference: &str) -> Vec<f64> {
        vec![score(*self, hypothesis, reference).2, 1.0]
    }

    fn value(&self, counts: &[f64]) -> f64 {
        counts[0] / counts[1].max(1.0)
    }
}
