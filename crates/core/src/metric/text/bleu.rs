//! BLEU (Papineni et al. 2002), as sacrebleu computes it (Post 2018).

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;

use super::figure::TextMetric;

const ORDER: usize = 4;

/// Corpus BLEU, 0 to 100, with sacrebleu's 13a tokenization and exponential smoothing.
pub struct Bleu;

/// The rules of mteval-v13a in the order they apply: punctuation stands alone, except within numbers.
static RULES: LazyLock<[(Regex, &'static str); 4]> = LazyLock::new(|| {
    let rule = |pattern| Regex::new(pattern).expect("a fixed pattern");
    [
        (rule(r"([\{-\~\[-\` -\&\(-\+\:-\@\/])"), " $1 "),
        (rule(r"([^0-9])([\.,])"), "$1 $2 "),
        (rule(r"([\.,])([^0-9])"), " $1 $2"),
        (rule(r"([0-9])(-)"), "$1 $2 "),
    ]
});

/// A text's tokens by the rules of mteval-v13a.
#[must_use]
pub fn tokenize_13a(text: &str) -> String {
    let mut line = text.replace("<skipped>", "").replace("-\n", "").replace('\n', " ");
    if line.contains('&') {
        for (entity, character) in [("&quot;", "\""), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">")] {
            line = line.replace(entity, character);
        }
    }
    line = format!(" {line} ");
    for (pattern, with) in RULES.iter() {
        line = pattern.replace_all(&line, *with).into_owned();
    }
    line
}

fn ngrams<'a>(words: &[&'a str], n: usize) -> HashMap<Vec<&'a str>, f64> {
    let mut counts = HashMap::new();
    for run in words.windows(n) {
        *counts.entry(run.to_vec()).or_insert(0.0) += 1.0;
    }
    counts
}

impl TextMetric for Bleu {
    fn name(&self) -> &'static str {
        "bleu"
    }

    fn about(&self) -> &'static str {
        "BLEU, 0 to 100: the precision of word n-grams up to four, with sacrebleu's 13a tokens and exponential smoothing"
    }

    fn signature(&self) -> &'static str {
        "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp"
    }

    /// Length of the hypothesis and of the reference, then matches and n-grams of each order.
    fn counts(&self, hypothesis: &str, reference: &str) -> Vec<f64> {
        let (hypothesis, reference) = (tokenize_13a(hypothesis.trim_end()), tokenize_13a(reference.trim_end()));
        let words: Vec<&str> = hypothesis.split_whitespace().collect();
        let wanted: Vec<&str> = reference.split_whitespace().collect();
        let mut out = vec![words.len() as f64, wanted.len() as f64];
        for n in 1..=ORDER {
            let have = ngrams(&wanted, n);
            let matches = ngrams(&words, n).iter().map(|(g, c)| c.min(*have.get(g).unwrap_or(&0.0))).sum();
            out.extend([matches, (words.len() + 1).saturating_sub(n) as f64]);
        }
        out
    }

    fn value(&self, counts: &[f64]) -> f64 {
        from_counts(counts, false)
    }
}

/// BLEU from counts; with `effective` only the orders that the hypothesis is long enough for, as sacrebleu
/// does for single sentences.
#[must_use]
pub fn from_counts(counts: &[f64], effective: bool) -> f64 {
    let (length, wanted) = (counts[0], counts[1]);
    let orders: Vec<&[f64]> = counts[2..].chunks(2).collect();
    if orders.iter().all(|o| o[0] == 0.0) {
        return 0.0;
    }
    let (mut smooth, mut sum, mut used) = (1.0, 0.0, ORDER);
    for (n, order) in orders.iter().enumerate() {
        let (matches, total) = (order[0], order[1]);
        if total == 0.0 {
            // The remaining orders have no n-gram at all: without `effective` they count as zero.
            if !effective {
                return 0.0;
            }
            break;
        }
        if effective {
            used = n + 1;
        }
        let precision = if matches == 0.0 {
            smooth *= 2.0;
            100.0 / (smooth * total)
        } else {
            100.0 * matches / total
        };
        sum += precision.ln();
    }
    let brevity = if length < wanted { (1.0 - wanted / length).exp() } else { 1.0 };
    brevity * (sum / used as f64).exp()
}
