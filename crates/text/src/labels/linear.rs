//! Softmax regression on rows of few terms each, and TF-IDF. The engine's own regression takes every column of a row, which
//! tens of thousands of terms are too many for.

use std::collections::{BTreeMap, HashMap};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use specialist_search::minimise;

use specialist_engine::check::copies::words;

/// Rows that hold few columns each.
pub struct Sparse {
    /// Column and value.
    pub rows: Vec<Vec<(u32, f32)>>,
    /// Columns.
    pub width: usize,
}

impl Sparse {
    /// The row times `weights`.
    pub fn dot(&self, row: usize, weights: &[f64]) -> f64 {
        self.rows[row].iter().map(|&(c, v)| f64::from(v) * weights[c as usize]).sum()
    }

    /// Adds `scale` times the row to `to`.
    pub fn add(&self, row: usize, scale: f64, to: &mut [f64]) {
        self.rows[row].iter().for_each(|&(c, v)| to[c as usize] += scale * f64::from(v));
    }
}

/// Softmax regression: one row of coefficients a label, the last the intercept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Softmax {
    /// Labels × (columns + 1).
    pub coefficients: Vec<Vec<f64>>,
}

impl Softmax {
    /// The coefficients that minimise the weighted log loss plus `precision / 2` times their squares; the intercept is free, as
    /// in scikit-learn.
    pub fn fit(x: &Sparse, labels: &[usize], weights: &[f64], classes: usize, precision: f64) -> Self {
        let width = x.width;
        let stride = width + 1;
        let mut at = vec![0.0; classes * stride];
        let (low, high) = (vec![f64::NEG_INFINITY; at.len()], vec![f64::INFINITY; at.len()]);
        // Blocks are summed in their order: the same figures on any number of threads.
        const BLOCK: usize = 256;
        let blocks = labels.len().div_ceil(BLOCK);
        let loss = |c: &[f64], gradient: &mut [f64]| {
            let parts: Vec<(f64, Vec<f64>)> = (0..blocks)
                .into_par_iter()
                .map(|b| {
                    let (mut sum, mut g) = (0.0, vec![0.0; c.len()]);
                    for r in b * BLOCK..((b + 1) * BLOCK).min(labels.len()) {
                        let mut p: Vec<f64> = c.chunks(stride).map(|w| x.dot(r, &w[..width]) + w[width]).collect();
                        sum -= weights[r] * log_softmax(&mut p)[labels[r]];
                        for (k, (p, g)) in p.iter().zip(g.chunks_mut(stride)).enumerate() {
                            let d = weights[r] * (p.exp() - f64::from(u8::from(k == labels[r])));
                            x.add(r, d, &mut g[..width]);
                            g[width] += d;
                        }
                    }
                    (sum, g)
                })
                .collect();
            gradient.fill(0.0);
            let mut value = 0.0;
            for (sum, g) in parts {
                value += sum;
                gradient.iter_mut().zip(g).for_each(|(a, b)| *a += b);
            }
            for (i, g) in gradient.iter_mut().enumerate() {
                if i % stride != width {
                    value += 0.5 * precision * c[i] * c[i];
                    *g += precision * c[i];
                }
            }
            value
        };
        minimise(&mut at, &low, &high, 500, loss);
        Self { coefficients: at.chunks(stride).map(<[f64]>::to_vec).collect() }
    }

    /// The logits of every row.
    pub fn logits(&self, x: &Sparse) -> Vec<Vec<f64>> {
        let width = x.width;
        (0..x.rows.len())
            .map(|r| self.coefficients.iter().map(|w| x.dot(r, &w[..width]) + w[width]).collect())
            .collect()
    }
}

fn log_softmax(logits: &mut [f64]) -> &mut [f64] {
    let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum = top + logits.iter().map(|l| (l - top).exp()).sum::<f64>().ln();
    logits.iter_mut().for_each(|l| *l -= sum);
    logits
}

/// Term frequencies (1 + ln count) times inverse document frequencies, of words and pairs of words, scaled to
/// length one: scikit-learn's `TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)` with its smoothed idf.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TfIdf {
    /// Term → column.
    terms: BTreeMap<String, u32>,
    idf: Vec<f64>,
}

fn terms(text: &str) -> Vec<String> {
    let words: Vec<String> = words(text).into_iter().filter(|w| w.chars().count() > 1).collect();
    let pairs = words.windows(2).map(|w| w.join(" "));
    words.iter().cloned().chain(pairs).collect()
}

impl TfIdf {
    /// Learns terms and their frequencies.
    pub fn fit(texts: &[&str]) -> Self {
        let mut documents: BTreeMap<String, f64> = BTreeMap::new();
        for text in texts {
            let mut seen = terms(text);
            seen.sort();
            seen.dedup();
            seen.into_iter().for_each(|t| *documents.entry(t).or_default() += 1.0);
        }
        let n = texts.len() as f64;
        let idf = documents.values().map(|d| ((1.0 + n) / (1.0 + d)).ln() + 1.0).collect();
        let terms = documents.into_keys().enumerate().map(|(i, t)| (t, i as u32)).collect();
        Self { terms, idf }
    }

    /// How many terms it knows.
    pub fn width(&self) -> usize {
        self.terms.len()
    }

    /// One row a text.
    pub fn rows(&self, texts: &[&str]) -> Sparse {
        let row = |text: &&str| {
            let mut counts: HashMap<u32, f64> = HashMap::new();
            terms(text).iter().filter_map(|t| self.terms.get(t)).for_each(|&c| *counts.entry(c).or_default() += 1.0);
            let mut row: Vec<(u32, f64)> =
                counts.into_iter().map(|(c, n)| (c, (1.0 + n.ln()) * self.idf[c as usize])).collect();
            row.sort_by_key(|r| r.0);
            let norm = row.iter().map(|r| r.1 * r.1).sum::<f64>().sqrt().max(1e-12);
            row.into_iter().map(|(c, v)| (c, (v / norm) as f32)).collect()
        };
        Sparse { rows: texts.iter().map(row).collect(), width: self.terms.len() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: [&str; 6] = [
        "the food was good good",
        "the food was bad",
        "good service and good food",
        "bad service",
        "the service was slow and the food bad",
        "fine food",
    ];

    #[test]
    fn tf_idf_with_softmax_equals_scikit_learn() {
        // scikit-learn 1.9.1: TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), then
        // LogisticRegression(C=1, tol=1e-10).fit(rows, [1, 0, 1, 0, 0, 1]).predict_proba(rows)[:, 1].
        // With two labels its one vector is the difference of our two, each of which pays half: precision 2.
        let y = [1, 0, 1, 0, 0, 1];
        let tfidf = TfIdf::fit(&TEXTS);
        let rows = tfidf.rows(&TEXTS);
        let model = Softmax::fit(&rows, &y, &[1.0; 6], 2, 2.0);
        let p: Vec<f64> = model.logits(&rows).iter().map(|l| specialist_core::sigmoid(l[1] - l[0])).collect();
        for (ours, theirs) in p.iter().zip(SCIKIT) {
            assert!((ours - theirs).abs() < 2e-4, "{p:?}");
        }
    }

    const SCIKIT: [f64; 6] =
        [0.578_663_380_2, 0.416_163_497_8, 0.612_394_799_3, 0.388_599_199_8, 0.398_102_637_1, 0.606_076_484_7];
}
