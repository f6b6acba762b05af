//! How good predictions are. Every metric takes row weights, so that a bootstrap
//! replicate is the same rows with other weights and nothing is copied or sorted again.

mod binary;
mod classes;
mod numbers;
mod scored;
mod survival;
pub mod text;

pub use binary::{
    AveragePrecision, Brier, CalibrationIntercept, CalibrationSlope, LogLoss, PrecisionAt, RocAuc, area_against,
};
pub use classes::{Accuracy, ClassBrier, ClassLogLoss, MacroF1, MacroRocAuc, TopTwo, WeightedRocAuc};
pub use numbers::{Mae, Pinball, R2, Rmse, ShareBelow};
pub use scored::{Goal, Metric, Scored, descending, evaluate, evaluate_model, order};
pub use survival::{CIndex, HazardSlope, HorizonAuc, HorizonBrier, IntegratedBrier, ObservedExpected, UnoC};

use crate::{Estimand, Registry};

/// Every metric without settings that a recipe can name. A name may stand for figures of two classes and of several
/// ([`Metric::judges`]).
pub static METRICS: Registry<dyn Metric> = Registry::new(
    &[
        &RocAuc,
        &AveragePrecision,
        &LogLoss,
        &Brier,
        &CalibrationIntercept,
        &CalibrationSlope,
        &Accuracy,
        &MacroF1,
        &ClassLogLoss,
        &MacroRocAuc,
        &WeightedRocAuc,
        &ClassBrier,
        &TopTwo,
        &Rmse,
        &Mae,
        &R2,
        &CIndex,
        &UnoC,
        &HorizonAuc,
        &HorizonBrier,
        &IntegratedBrier,
        &ObservedExpected,
        &text::CHRF,
        &text::BLEU,
        &text::CHRF_PLUS_PLUS,
        &text::TER,
        &text::ROUGE_L,
        &text::ROUGE_1,
        &text::ROUGE_2,
    ],
    |m| m.name(),
);

/// The metric called `name`: of [`METRICS`], or one with its setting in the name (`pinball-0.05`, `share-below-0.05`,
/// `precision-at-100`).
#[must_use]
pub fn by_name(name: &str) -> Option<Box<dyn Metric>> {
    if let Some(metric) = METRICS.named(name) {
        return Some(Box::new(metric));
    }
    let level = |prefix| name.strip_prefix(prefix)?.parse().ok().filter(|q| (0.0..=1.0).contains(q));
    Some(match (level("pinball-"), level("share-below-")) {
        (Some(q), _) => Box::new(Pinball::at(q)),
        (_, Some(q)) => Box::new(ShareBelow::at(q)),
        _ => Box::new(PrecisionAt::new(name.strip_prefix("precision-at-")?.parse().ok().filter(|k| *k > 0)?)),
    })
}

/// As [`by_name`], of predictions of `estimand`: some names stand for figures of two classes and of several.
#[must_use]
pub fn by_name_of(name: &str, estimand: Estimand) -> Option<Box<dyn Metric>> {
    let of_estimand = METRICS.all().into_iter().find(|m| m.name() == name && m.judges(estimand));
    match of_estimand {
        Some(metric) => Some(Box::new(metric)),
        // One of something else is told as such; of classes and texts no name with a setting is one.
        None if matches!(estimand, Estimand::Classes(_) | Estimand::Text) => None,
        None => by_name(name),
    }
}

/// What predictions of `estimand` are judged by where a domain says nothing else, the primary metric first.
#[must_use]
pub fn usual(estimand: Estimand) -> Vec<Box<dyn Metric>> {
    match estimand {
        Estimand::Probability => vec![Box::new(RocAuc), Box::new(LogLoss), Box::new(Brier)],
        Estimand::Classes(_) => vec![
            Box::new(ClassLogLoss),
            Box::new(MacroRocAuc),
            Box::new(WeightedRocAuc),
            Box::new(Accuracy),
            Box::new(MacroF1),
            Box::new(ClassBrier),
            Box::new(TopTwo),
        ],
        Estimand::Mean => vec![Box::new(R2), Box::new(Rmse), Box::new(Mae)],
        Estimand::Survival { .. } => vec![
            Box::new(CIndex),
            Box::new(IntegratedBrier),
            Box::new(HazardSlope),
            Box::new(ObservedExpected),
            Box::new(UnoC),
            Box::new(HorizonAuc),
            Box::new(HorizonBrier),
        ],
        Estimand::Quantile(q) => vec![Box::new(Pinball::at(q)), Box::new(ShareBelow::at(q))],
        Estimand::Text => vec![
            Box::new(&text::CHRF),
            Box::new(&text::BLEU),
            Box::new(&text::CHRF_PLUS_PLUS),
            Box::new(&text::TER),
            Box::new(&text::ROUGE_L),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dataset, Feature, Labels, Outputs};
    use ndarray::Array2;

    // Made by tests/reference/metrics.py (scikit-learn 1.8.0, statsmodels 0.14): 60 rows,
    // y = [(i*7) % 5 < 2], p = ((i*37 + 11) % 53 + 1) / 55 rounded to 2 digits (so that there are
    // ties), w = 1 + i % 3; from the seventh on y = (i*29) % 31 / 40.
    fn fixture() -> (Dataset, Vec<f64>, Vec<f64>) {
        let labels = Labels::binary((0..60).map(|i| (i * 7) % 5 < 2));
        let p = (0..60).map(|i| (f64::from((i * 37 + 11) % 53 + 1) / 55.0 * 100.0).round() / 100.0).collect();
        let w = (0..60).map(|i| f64::from(1 + i % 3)).collect();
        (Dataset::new(vec![Feature::number("x")], Array2::zeros((60, 1)), labels).unwrap(), p, w)
    }

    #[test]
    fn metrics_equal_scikit_learn() {
        let (rows, p, w) = fixture();
        let numbers: Vec<f64> = (0..60).map(|i| f64::from((i * 29) % 31) / 40.0).collect();
        let numbers = Dataset::new(rows.features.clone(), rows.records().clone(), numbers).unwrap();
        let ones = vec![1.0; 60];
        let (order, outputs) = (descending(&p), Outputs::from(p));
        for (k, (name, unweighted, weighted)) in REFERENCE.into_iter().enumerate() {
            let rows = if k < 6 { &rows } else { &numbers };
            let metric = by_name(name).unwrap();
            for (weight, expected) in [(&ones, unweighted), (&w, weighted)] {
                let value = metric.value(&Scored {
                    rows,
                    outputs: &outputs,
                    order: &order,
                    weight,
                    baseline: None,
                    counts: None,
                });
                assert!((value - expected).abs() < 1e-9, "{name}: {value} against {expected}");
            }
        }
    }

    include!("reference.rs");

    #[test]
    fn precision_shares_ties() {
        let rows =
            Dataset::new(vec![Feature::number("x")], Array2::zeros((4, 1)), Labels::binary([true, false, true, false]))
                .unwrap();
        assert_eq!(evaluate(&PrecisionAt::new(1), &rows, &[0.9, 0.5, 0.5, 0.1]), 1.0);
        assert_eq!(evaluate(&PrecisionAt::new(2), &rows, &[0.9, 0.5, 0.5, 0.1]), 0.75);
    }

    #[test]
    fn one_class_is_not_a_number() {
        let rows =
            Dataset::new(vec![Feature::number("x")], Array2::zeros((2, 1)), Labels::binary([true, true])).unwrap();
        assert!(evaluate(&RocAuc, &rows, &[0.9, 0.5]).is_nan());
    }
}
