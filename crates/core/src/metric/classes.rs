//! How good predicted probabilities of several classes are: rows × K, each row summing to one.

use super::binary::area_against;
use super::scored::{Goal, Metric, Scored, metric};
use crate::Estimand;
use crate::outputs::predicted_class;

/// The mean of `score(class, probabilities)` by weight.
fn mean(s: &Scored<'_>, score: impl Fn(usize, &[f64]) -> f64) -> f64 {
    let (mut sum, mut total) = (0.0, 0.0);
    for ((&class, row), &w) in s.codes().iter().zip(s.outputs.iter_rows()).zip(s.weight) {
        if w > 0.0 {
            sum += w * score(class as usize, row);
            total += w;
        }
    }
    sum / total
}

metric!(
    /// Mean negative log likelihood; probabilities are first kept `1e-12` away from 0 and 1.
    ClassLogLoss,
    "log-loss",
    Goal::Lower,
    Estimand::Classes(_),
    |s: &Scored<'_>| mean(s, |class, row| -row[class].clamp(1e-12, 1.0 - 1e-12).ln())
);

metric!(
    /// The share of rows whose most probable class is theirs; of two classes the one with a probability of more than a half.
    Accuracy,
    "accuracy",
    Goal::Higher,
    Estimand::Classes(_) | Estimand::Probability,
    |s: &Scored<'_>| mean(s, |class, row| f64::from(u8::from(predicted_class(row) == class)))
);

metric!(
    /// The share of rows whose class is among the two most probable.
    TopTwo,
    "top-2-accuracy",
    Goal::Higher,
    Estimand::Classes(_),
    |s: &Scored<'_>| mean(s, |class, row| {
        // Of equals the first is the more probable, as for the one that is predicted.
        let before = |other: usize| row[other] > row[class] || (row[other] == row[class] && other < class);
        f64::from(u8::from((0..row.len()).filter(|&other| before(other)).count() < 2))
    })
);

metric!(
    /// The squared distance of probabilities and truth, summed over the classes (Brier 1950): twice what it is for two
    /// classes of which one is counted.
    ClassBrier,
    "brier",
    Goal::Lower,
    Estimand::Classes(_),
    |s: &Scored<'_>| mean(s, |class, row| {
        row.iter().enumerate().map(|(k, p)| (p - f64::from(u8::from(k == class))).powi(2)).sum()
    })
);

metric!(
    /// The mean over the classes of the harmonic mean of precision and recall; a class that neither occurs nor is predicted
    /// counts 0, as in scikit-learn.
    MacroF1,
    "macro-f1",
    Goal::Higher,
    Estimand::Classes(_) | Estimand::Probability,
    |s: &Scored<'_>| {
        let classes = s.outputs.width().max(2);
        // True positives, predicted, actual.
        let mut counts = vec![[0.0; 3]; classes];
        for ((&class, row), &w) in s.codes().iter().zip(s.outputs.iter_rows()).zip(s.weight) {
            let (class, guess) = (class as usize, predicted_class(row));
            counts[guess][1] += w;
            counts[class][2] += w;
            if class == guess {
                counts[class][0] += w;
            }
        }
        let f1 = |[hit, guessed, actual]: &[f64; 3]| if guessed + actual > 0.0 { 2.0 * hit / (guessed + actual) } else { 0.0 };
        counts.iter().map(f1).sum::<f64>() / classes as f64
    }
);

metric!(
    /// The mean over the classes of the area under the ROC curve of each against the rest. `NaN` where a class does not
    /// occur.
    MacroRocAuc,
    "macro-roc-auc",
    Goal::Higher,
    Estimand::Classes(_),
    |s: &Scored<'_>| {
        let areas = areas(s);
        areas.iter().map(|a| a.0).sum::<f64>() / areas.len() as f64
    }
);

metric!(
    /// The mean over the classes, by the rows that each has, of the area under the ROC curve of each against the rest.
    WeightedRocAuc,
    "weighted-roc-auc",
    Goal::Higher,
    Estimand::Classes(_),
    |s: &Scored<'_>| {
        let areas = areas(s);
        areas.iter().map(|(area, rows)| area * rows).sum::<f64>() / areas.iter().map(|a| a.1).sum::<f64>()
    }
);

/// Each class against the rest: the area under its ROC curve, ties counting one half, and the weight of its rows.
fn areas(s: &Scored<'_>) -> Vec<(f64, f64)> {
    (0..s.outputs.width()).map(|k| area_against(s, k, k as u32)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{by_name_of, order};
    use super::*;
    use crate::{Dataset, Feature, Labels, Outputs};

    include!("classes_reference.rs");

    /// As in `tests/reference/classes.py`.
    fn fixture() -> (Dataset, Outputs, Vec<f64>) {
        let n = 90usize;
        let class = |i: usize| (i * 7) % 11 % 3;
        let mut values = Vec::new();
        for i in 0..n {
            let raw = [0usize, 1, 2].map(|k| {
                let known = if class(i) == k { 1.0 / 3.0 } else { 0.0 };
                ((i * (17 + 6 * k) + 5 * k) % 29) as f64 / 29.0 + known + 0.01
            });
            let sum: f64 = raw.iter().sum();
            let of = |k: usize| (raw[k] / sum * 1000.0 + 0.5).floor() / 1000.0;
            values.extend([of(0), of(1), 1.0 - of(0) - of(1)]);
        }
        let labels = Labels::Classes {
            codes: (0..n).map(|i| class(i) as u32).collect(),
            levels: ["a", "b", "c"].map(String::from).to_vec(),
        };
        let rows = Dataset::new(vec![Feature::number("x")], ndarray::Array2::zeros((n, 1)), labels).unwrap();
        (rows, Outputs::new(3, values).unwrap(), (0..n).map(|i| (1 + i % 3) as f64).collect())
    }

    #[test]
    fn metrics_of_classes_equal_scikit_learn() {
        let (rows, outputs, w) = fixture();
        assert_eq!(rows.estimand, Estimand::Classes(3));
        let ones = vec![1.0; rows.rows()];
        for (name, unweighted, weighted) in REFERENCE {
            let metric = by_name_of(name, rows.estimand).unwrap();
            for (weight, expected) in [(&ones, unweighted), (&w, weighted)] {
                let order = order(&outputs);
                let scored =
                    Scored { rows: &rows, outputs: &outputs, order: &order, weight, baseline: None, counts: None };
                let value = metric.value(&scored);
                assert!((value - expected).abs() < 1e-9, "{name}: {value} against {expected}");
            }
        }
    }

    #[test]
    fn a_class_that_does_not_occur_has_no_area_and_everything_else() {
        let (rows, outputs, _) = fixture();
        let weight: Vec<f64> = rows.labels().codes().iter().map(|c| f64::from(u8::from(*c != 2))).collect();
        let order = order(&outputs);
        let s = Scored { rows: &rows, outputs: &outputs, order: &order, weight: &weight, baseline: None, counts: None };
        assert!(MacroRocAuc.value(&s).is_nan());
        for metric in [&ClassLogLoss as &dyn Metric, &Accuracy, &MacroF1, &ClassBrier, &TopTwo] {
            assert!(metric.value(&s).is_finite(), "{}", metric.name());
        }
    }
}
