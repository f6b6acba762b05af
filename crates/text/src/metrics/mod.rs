//! What written texts are judged by. Each figure is made of counts per text, so that a bootstrap draws texts
//! and adds their counts, as a corpus figure must be.

pub mod bleu;
pub mod chrf;
pub mod rouge;
pub mod script;
pub mod ter;

use specialist_core::metric::Goal;

/// A figure over a set of texts.
pub trait TextMetric: Sync {
    /// Its name, with a signature in the manner of sacrebleu.
    fn name(&self) -> &'static str;

    /// Everything that the figure depends on beside the texts.
    fn signature(&self) -> &'static str;

    /// Which way is better.
    fn goal(&self) -> Goal {
        Goal::Higher
    }

    /// Counts of one text against its reference; they are added over texts.
    fn counts(&self, hypothesis: &str, reference: &str) -> Vec<f64>;

    /// The figure from added counts.
    fn value(&self, counts: &[f64]) -> f64;
}

#[cfg(test)]
/// The figure over `texts` (hypothesis, reference).
fn of(metric: &dyn TextMetric, texts: &[(&str, &str)]) -> f64 {
    let mut sums: Vec<f64> = Vec::new();
    for (h, r) in texts {
        let counts = metric.counts(h, r);
        sums.resize(counts.len(), 0.0);
        sums.iter_mut().zip(&counts).for_each(|(a, b)| *a += b);
    }
    metric.value(&sums)
}

#[cfg(test)]
mod tests;
