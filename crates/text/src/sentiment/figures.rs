//! What classifiers of texts are judged by.

use specialist_core::metric::Goal;

/// Name, decimals and goal of every figure; the first decides. Calibration is judged by the mean probability of the
/// chosen label minus the share of right ones: unlike a binned calibration error it is no larger in a replicate
/// than in the texts themselves, so that its interval means something.
pub const FIGURES: [(&str, usize, Goal); 5] = [
    ("macro-f1", 4, Goal::Higher),
    ("accuracy", 4, Goal::Higher),
    ("log-loss", 4, Goal::Lower),
    ("brier", 4, Goal::Lower),
    ("overconfidence", 4, Goal::Near(0.0)),
];

/// The figures of `probabilities` (texts × labels) against `labels` with `weights`.
pub fn figures(probabilities: &[Vec<f64>], labels: &[usize], weights: &[f64]) -> Vec<f64> {
    let classes = probabilities.first().map_or(0, Vec::len);
    let mut confusion = vec![vec![0.0; classes]; classes];
    let (mut loss, mut brier, mut confident, mut total) = (0.0, 0.0, 0.0, 0.0);
    for ((p, &y), &w) in probabilities.iter().zip(labels).zip(weights) {
        let best = likeliest(p);
        confusion[y][best] += w;
        loss -= w * p[y].max(1e-12).ln();
        // Summed over all labels, as Brier (1950) has it.
        brier += w * p.iter().enumerate().map(|(k, p)| (p - f64::from(u8::from(k == y))).powi(2)).sum::<f64>();
        confident += w * p[best];
        total += w;
    }
    let right: f64 = (0..classes).map(|k| confusion[k][k]).sum();
    vec![macro_f1(&confusion), right / total, loss / total, brier / total, (confident - right) / total]
}

/// The likeliest label, the first of equals.
pub fn likeliest(p: &[f64]) -> usize {
    (0..p.len()).fold(0, |best, k| if p[k] > p[best] { k } else { best })
}

/// The mean over labels of 2 tp / (2 tp + fp + fn); a label that neither occurs nor is predicted counts as 0, as
/// in scikit-learn.
fn macro_f1(confusion: &[Vec<f64>]) -> f64 {
    let classes = confusion.len();
    let f1 = |k: usize| {
        let predicted: f64 = confusion.iter().map(|row| row[k]).sum();
        let occurring: f64 = confusion[k].iter().sum();
        let both = predicted + occurring;
        if both > 0.0 { 2.0 * confusion[k][k] / both } else { 0.0 }
    };
    (0..classes).map(f1).sum::<f64>() / classes.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_equal_scikit_learn() {
        // scikit-learn 1.9.1: f1_score([0, 1, 2, 2, 1, 0, 0, 1], [0, 2, 2, 2, 1, 0, 1, 1], average="macro")
        // = 0.7555555555555555; accuracy 6 / 8.
        let (y, said) = ([0, 1, 2, 2, 1, 0, 0, 1], [0, 2, 2, 2, 1, 0, 1, 1]);
        let p: Vec<Vec<f64>> = said.iter().map(|&s| (0..3).map(|k| if k == s { 0.8 } else { 0.1 }).collect()).collect();
        let f = figures(&p, &y, &[1.0; 8]);
        assert!((f[0] - 0.755_555_555_555_555_5).abs() < 1e-12 && f[1] == 0.75);
        let loss = -(6.0 * 0.8f64.ln() + 2.0 * 0.1f64.ln()) / 8.0;
        assert!((f[2] - loss).abs() < 1e-12);
        assert!((f[3] - (6.0 * 0.06 + 2.0 * (0.81 + 0.64 + 0.01)) / 8.0).abs() < 1e-12);
        assert!((f[4] - 0.05).abs() < 1e-12);
    }
}
