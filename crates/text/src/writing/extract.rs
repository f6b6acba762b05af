//! Summaries made of the text's own sentences: leading words, and the sentences nearest to all others.

use specialist_core::Context;

use crate::labels::TfIdf;
use crate::packages::sentences;
use specialist_neural::{Encoder, Result};

/// The first `words` words.
pub fn lead(text: &str, words: usize) -> String {
    text.split_whitespace().take(words).collect::<Vec<_>>().join(" ")
}

/// How sentences are chosen.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Extractive {
    /// How much a sentence's place counts against its centrality: the first gets all of it, later ones less.
    pub place: f64,
    /// How much likeness to a chosen sentence counts against another (Carbonell and Goldstein 1998).
    pub redundancy: f64,
    /// Words of the summary.
    pub words: usize,
}

impl Extractive {
    /// What is tried on the target's train texts.
    pub fn grid() -> Vec<Self> {
        let mut out = Vec::new();
        for place in [0.0, 0.3, 1.0] {
            for redundancy in [0.3, 0.7] {
                out.extend([6, 8, 10, 12, 15].map(|words| Self { place, redundancy, words }));
            }
        }
        out
    }
}

/// A text's sentences and how alike they are.
pub struct Parted {
    sentences: Vec<String>,
    /// Sentence by sentence.
    alike: Vec<Vec<f64>>,
}

/// Parts texts into sentences and compares them: by `encoder`'s vectors, or by word frequencies without one.
///
/// # Errors
/// When the run is cancelled.
pub fn part(texts: &[&str], encoder: Option<&Encoder>, ctx: &Context) -> Result<Vec<Parted>> {
    let parted: Vec<Vec<String>> = texts.iter().map(|t| sentences(t)).collect();
    let all: Vec<&str> = parted.iter().flatten().map(String::as_str).collect();
    let cosine: Box<dyn Fn(usize, usize) -> f64> = match encoder {
        Some(encoder) => {
            let ids = encoder.tokenizer.encode_all(&all, 64)?;
            let vectors = encoder.embed(&encoder.params, None, &ids, ctx)?;
            let width = encoder.config.vector();
            Box::new(move |a, b| {
                let row = |i: usize| &vectors[i * width..(i + 1) * width];
                row(a).iter().zip(row(b)).map(|(x, y)| f64::from(x * y)).sum()
            })
        }
        None => {
            let tfidf = TfIdf::fit(&all);
            let rows = tfidf.rows(&all);
            Box::new(move |a, b| {
                let mut dense = vec![0.0; rows.width];
                rows.add(a, 1.0, &mut dense);
                rows.dot(b, &dense)
            })
        }
    };
    let mut from = 0;
    let compare = |sentences: Vec<String>| {
        let n = sentences.len();
        let alike = (0..n).map(|i| (0..n).map(|j| cosine(from + i, from + j)).collect()).collect();
        from += n;
        Parted { sentences, alike }
    };
    Ok(parted.into_iter().map(compare).collect())
}

impl Parted {
    /// The summary.
    pub fn summary(&self, how: &Extractive) -> String {
        let n = self.sentences.len();
        let centrality = |i: usize| self.alike[i].iter().sum::<f64>() / n as f64;
        let (mut chosen, mut words): (Vec<usize>, usize) = (Vec::new(), 0);
        while words < how.words && chosen.len() < n {
            let score = |i: usize| {
                let nearest = chosen.iter().map(|&j| self.alike[i][j]).fold(0.0, f64::max);
                centrality(i) + how.place / (1.0 + i as f64) - how.redundancy * nearest
            };
            let open: Vec<usize> = (0..n).filter(|i| !chosen.contains(i)).collect();
            let best = open.iter().copied().fold(open[0], |b, i| if score(i) > score(b) { i } else { b });
            words += self.sentences[best].split_whitespace().count();
            chosen.push(best);
        }
        chosen.sort_unstable();
        let text: Vec<&str> = chosen.iter().map(|&i| self.sentences[i].as_str()).collect();
        lead(&text.join(" "), how.words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_nearest_to_all_others_is_taken() {
        let text = "Cats sleep a lot. The editor opens large files quickly. The editor saves files. Large files open in the editor.";
        let parted = part(&[text], None, &Context::new(1, 1)).unwrap();
        let how = Extractive { place: 0.0, redundancy: 0.3, words: 6 };
        let summary = parted[0].summary(&how);
        assert!(summary.contains("editor"), "{summary}");
        let first = parted[0].summary(&Extractive { place: 10.0, ..how });
        assert!(first.starts_with("Cats sleep"), "{first}");
    }
}
