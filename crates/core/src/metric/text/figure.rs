//! A figure that is made of counts per text, as a metric.

use std::sync::Arc;

use crate::metric::scored::{Goal, Metric, Scored};
use crate::{Dataset, Estimand, Outputs};

/// A figure over a set of texts.
pub trait TextMetric: Send + Sync {
    /// Its name.
    fn name(&self) -> &'static str;

    /// What it is, in a line.
    fn about(&self) -> &'static str;

    /// Everything that the figure depends on beside the texts, in the manner of sacrebleu.
    fn signature(&self) -> &'static str;

    /// Which way is better.
    fn goal(&self) -> Goal {
        Goal::Higher
    }

    /// How many decimals are printed: two of figures up to 100.
    fn decimals(&self) -> usize {
        2
    }

    /// Counts of one text against its reference, as many of every text; they are added over texts.
    fn counts(&self, hypothesis: &str, reference: &str) -> Vec<f64>;

    /// The figure from added counts.
    fn value(&self, counts: &[f64]) -> f64;
}

/// A figure over texts as a metric.
///
/// ```
/// use specialist_core::metric::text::ROUGE_L;
/// use specialist_core::{Dataset, Labels, Metric, Outputs, Scored};
/// let labels = Labels::Texts(vec!["a small house".into(), "the tree".into()]);
/// let rows = Dataset::new(vec![], ndarray::Array2::zeros((2, 0)), labels)?;
/// let outputs = Outputs::of_texts(vec!["a small house".into(), "a ship".into()]);
/// let scored = Scored { rows: &rows, outputs: &outputs, order: &[], weight: &[3.0, 1.0], baseline: None, counts: None };
/// assert_eq!(ROUGE_L.value(&scored), 0.75);
/// # Ok::<(), specialist_core::Error>(())
/// ```
pub struct OfTexts(pub(super) &'static dyn TextMetric);

impl OfTexts {
    /// Everything that the figure depends on beside the texts, in the manner of sacrebleu.
    #[must_use]
    pub fn signature(&self) -> &'static str {
        self.0.signature()
    }
}

impl Metric for OfTexts {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn about(&self) -> &str {
        self.0.about()
    }

    fn goal(&self) -> Goal {
        self.0.goal()
    }

    fn decimals(&self) -> usize {
        self.0.decimals()
    }

    fn judges(&self, estimand: Estimand) -> bool {
        estimand == Estimand::Text
    }

    fn counts(&self, rows: &Dataset, outputs: &Outputs) -> Option<Outputs> {
        let references = rows.labels().texts();
        let of = |(h, r): (&String, &Arc<str>)| self.0.counts(h, r);
        let all: Vec<Vec<f64>> = outputs.texts().iter().zip(references).map(of).collect();
        let width = all.first().map_or(1, Vec::len);
        Some(Outputs::new(width, all.concat()).expect("as many of every text"))
    }

    fn value(&self, s: &Scored<'_>) -> f64 {
        let fresh;
        let counts = match s.counts {
            Some(counts) => counts,
            None => {
                fresh = self.counts(s.rows, s.outputs).expect("it counts");
                &fresh
            }
        };
        let mut sums = vec![0.0; counts.width()];
        for (row, &w) in counts.iter_rows().zip(s.weight).filter(|(_, w)| **w != 0.0) {
            sums.iter_mut().zip(row).for_each(|(s, c)| *s += w * c);
        }
        self.0.value(&sums)
    }
}
