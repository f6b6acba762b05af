//! Calibration in the large: whether as much happens as the probabilities say, over all sealed rows. A metric of ranking
//! cannot see it, so it is looked at whatever the primary metric is: a generalist that was trained on as many frauds as
//! others, because fraud is rare, ranks well and says 40 % where 1 % is true.

use specialist_core::evidence::{Evidence, Prediction};
use specialist_core::{Dataset, Estimand, Panel};

/// Probabilities that are off by less than this factor are a matter of degree, and of the metrics in the table.
const FACTOR: f64 = 1.5;
/// Standard errors beyond which chance is no explanation.
const ERRORS: f64 = 3.0;

struct Large {
    expected: f64,
    observed: f64,
    /// Observed less expected, in standard errors of what the probabilities themselves let expect.
    errors: f64,
}

impl Large {
    fn of(sealed: &Dataset, prediction: &Prediction) -> Self {
        let n = sealed.rows() as f64;
        let p = prediction.predicted();
        let observed = sealed.events() as f64 / n;
        let expected = p.iter().sum::<f64>() / n;
        // Under the probabilities the count of events has the variance Σ p (1 − p) (Spiegelhalter 1986); where they are far
        // too small that is far too little, so the larger of it and the binomial one is taken.
        let variance = p.iter().map(|p| p * (1.0 - p)).sum::<f64>().max(n * observed * (1.0 - observed));
        Self { expected, observed, errors: (observed - expected) * n / variance.sqrt().max(1e-12) }
    }

    fn is_off(&self) -> bool {
        let ratio = self.expected / self.observed.max(1e-12);
        self.errors.abs() > ERRORS && !(1.0 / FACTOR..=FACTOR).contains(&ratio)
    }

    fn ratio(&self) -> String {
        let ratio = self.expected / self.observed;
        let decimals = if ratio >= 10.0 { 0 } else { 2 };
        format!("{ratio:.decimals$}")
    }
}

/// What the probabilities of every candidate say over all sealed rows, with a sentence beside the verdict where those
/// of the model that ships are far off; nothing where labels are no classes.
pub(crate) fn panel(sealed: &Dataset, evidence: &Evidence, predictions: &[Prediction]) -> Option<Panel> {
    if sealed.estimand != Estimand::Probability || sealed.events() == 0 {
        return None;
    }
    let shipped = evidence.verdict.outcome.ships().unwrap_or("generalist");
    let found: Vec<(&Prediction, Large)> = predictions.iter().map(|p| (p, Large::of(sealed, p))).collect();
    let percent = |v: f64| format!("{:.2} %", 100.0 * v);
    let row = |(p, l): &(&Prediction, Large)| {
        vec![p.name.clone(), percent(l.expected), percent(l.observed), l.ratio(), format!("{:+.1}", -l.errors)]
    };
    let own = found.iter().find(|f| f.0.name == shipped);
    let sound: Vec<&str> = found.iter().filter(|f| !f.1.is_off()).map(|f| f.0.name.as_str()).collect();
    let headline = own.filter(|f| f.1.is_off()).map(|(_, l)| {
        let way = if sound.contains(&"recalibrated") {
            "Take them as ranks, or ship `recalibrated` (predict --model recalibrated)."
        } else {
            "Take them as ranks only."
        };
        format!(
            "CALIBRATION: the probabilities of the {shipped} are not to be taken at their word: they say {} in the mean of the sealed rows, and {} happened ({} times). {way}",
            percent(l.expected),
            percent(l.observed),
            l.ratio()
        )
    });
    Some(Panel {
        title: "Do the probabilities add up?".into(),
        note: format!(
            "Mean probability over all sealed rows beside the share of events (calibration in the large). A factor beyond {FACTOR} at more than {ERRORS} standard errors is said beside the verdict, whatever the primary metric."
        ),
        header: ["candidate", "mean probability", "events", "ratio", "standard errors"].map(String::from).to_vec(),
        table: found.iter().map(row).collect(),
        headline,
        ..Panel::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;
    use specialist_core::Labels;

    fn large(p: f64, events: usize, n: usize) -> Large {
        let labels = Labels::binary((0..n).map(|i| i < events));
        let sealed = Dataset::new(Vec::new(), Array2::zeros((n, 0)), labels).unwrap();
        let prediction =
            Prediction { name: "x".into(), what: String::new(), outputs: vec![p; n].into(), baseline: None };
        Large::of(&sealed, &prediction)
    }

    #[test]
    fn what_is_far_off_is_said_and_chance_is_not() {
        // 40 % where 1 % happens.
        assert!(large(0.4, 10, 1000).is_off());
        assert!(large(0.001, 20, 1000).is_off());
        assert!(!large(0.011, 10, 1000).is_off());
        // Twice as many as expected, by chance: 2 for 1.
        assert!(!large(0.01, 2, 100).is_off());
        let exact = large(0.1, 10, 100);
        assert!(exact.errors.abs() < 1e-9 && exact.ratio() == "1.00");
    }
}
