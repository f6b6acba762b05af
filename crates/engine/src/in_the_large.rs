//! Calibration in the large: whether as much happens as the probabilities say, over all sealed rows. A metric of ranking
//! cannot see it, so it is looked at whatever the primary metric is: a generalist that was trained on as many frauds as
//! others, because fraud is rare, ranks well and says 40 % where 1 % is true.

use specialist_core::evidence::{Evidence, Prediction};
use specialist_core::{Candidate, Dataset, Estimand, Panel};
use specialist_report::SMALLEST_CELL;

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
    /// Of events whose probabilities are these.
    fn of(events: usize, p: &[f64]) -> Self {
        let n = p.len() as f64;
        let observed = events as f64 / n;
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

/// What one candidate's probabilities of one event, or one class, come to.
struct Told<'a> {
    candidate: &'a str,
    class: Option<&'a String>,
    large: Large,
}

/// What the probabilities of every candidate say over all sealed rows, with a sentence beside the verdict where those
/// of the model that ships are far off; nothing where labels are no classes.
pub(crate) fn panel(sealed: &Dataset, evidence: &Evidence, predictions: &[Prediction]) -> Option<Panel> {
    let found = match sealed.estimand {
        Estimand::Probability => {
            let large = |p: &Prediction| Large::of(sealed.events(), p.predicted());
            of_each(predictions, &[(None, sealed.events())], |p, _| large(p))
        }
        Estimand::Classes(_) => {
            let rows = |k: usize| sealed.labels().codes().iter().filter(|c| **c as usize == k).count();
            let classes: Vec<_> =
                sealed.labels().levels().iter().enumerate().map(|(k, l)| (Some(l), rows(k))).collect();
            of_each(predictions, &classes, |p, k| Large::of(rows(k), &p.outputs.column(k).collect::<Vec<_>>()))
        }
        Estimand::Mean | Estimand::Survival { .. } | Estimand::Quantile(_) | Estimand::Text => return None,
    };
    if found.is_empty() {
        return None;
    }
    let shipped = evidence.verdict.outcome.ships().unwrap_or(Candidate::Generalist);
    let percent = |v: f64| format!("{:.2} %", 100.0 * v);
    let row = |t: &Told<'_>| {
        let l = &t.large;
        let figures = [percent(l.expected), percent(l.observed), l.ratio(), format!("{:+.1}", -l.errors)];
        std::iter::once(t.candidate.to_string()).chain(t.class.cloned()).chain(figures).collect()
    };
    let own = found.iter().find(|t| *t.candidate == shipped && t.large.is_off());
    let sound = |of: Candidate| {
        found.iter().any(|t| *t.candidate == of) && !found.iter().any(|t| *t.candidate == of && t.large.is_off())
    };
    let headline = own.map(|Told { class, large: l, .. }| {
        let way = if sound(Candidate::Recalibrated) {
            "Take them as ranks, or ship `recalibrated` (predict --model recalibrated)."
        } else {
            "Take them as ranks only."
        };
        let of = class.map_or(String::new(), |c| format!(" of {c}"));
        format!(
            "CALIBRATION: the probabilities{of} of the {shipped} are not to be taken at their word: they say {} in the mean of the sealed rows, and {} happened ({} times). {way}",
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
        header: if sealed.estimand == Estimand::Probability {
            ["candidate", "mean probability", "events", "ratio", "standard errors"].map(String::from).to_vec()
        } else {
            ["candidate", "class", "mean probability", "share", "ratio", "standard errors"].map(String::from).to_vec()
        },
        table: found.iter().map(row).collect(),
        headline,
        ..Panel::default()
    })
}

/// Of every candidate, every class that has rows enough to be told of, or the one event.
fn of_each<'a>(
    predictions: &'a [Prediction],
    classes: &[(Option<&'a String>, usize)],
    large: impl Fn(&Prediction, usize) -> Large,
) -> Vec<Told<'a>> {
    let mut out = Vec::new();
    for p in predictions {
        for (k, (class, rows)) in classes.iter().enumerate() {
            if *rows > 0 && (class.is_none() || *rows >= SMALLEST_CELL) {
                out.push(Told { candidate: &p.name, class: *class, large: large(p, k) });
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn large(p: f64, events: usize, n: usize) -> Large {
        Large::of(events, &vec![p; n])
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
