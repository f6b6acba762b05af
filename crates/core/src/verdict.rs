//! The rule that turns evidence into one word and one sentence.

use serde::{Deserialize, Serialize};

use crate::candidate::Candidate;
use crate::difference::Difference;

/// What to do.
///
/// ```
/// use specialist_core::{Candidate, Outcome};
/// assert_eq!(Outcome::Recalibrate.word(), "recalibrate");
/// assert_eq!(Outcome::Recalibrate.ships(), Some(Candidate::Recalibrated));
/// assert_eq!(Outcome::NotEnoughData.ships(), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Ship the specialist.
    Adopt,
    /// Ship the recalibrated generalist: the rest of the specialist adds nothing that shows.
    Recalibrate,
    /// Ship the generalist as it is.
    KeepGeneralist,
    /// Ship the model fitted on the target alone.
    TrainFromScratch,
    /// These rows cannot tell.
    NotEnoughData,
}

impl Outcome {
    /// The word in files and on screen.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Adopt => "adopt",
            Self::Recalibrate => "recalibrate",
            Self::KeepGeneralist => "keep-generalist",
            Self::TrainFromScratch => "train-from-scratch",
            Self::NotEnoughData => "not-enough-data",
        }
    }

    /// The candidate to ship, if there is one.
    #[must_use]
    pub fn ships(self) -> Option<Candidate> {
        match self {
            Self::Adopt => Some(Candidate::Specialist),
            Self::Recalibrate => Some(Candidate::Recalibrated),
            Self::KeepGeneralist => Some(Candidate::Generalist),
            Self::TrainFromScratch => Some(Candidate::Scratch),
            Self::NotEnoughData => None,
        }
    }
}

/// An outcome and its reason.
///
/// ```
/// use specialist_core::{Outcome, Verdict, VerdictRule, decide};
/// let rule = VerdictRule { worthwhile: 0.01, fewest_events: 10 };
/// let Verdict { outcome, reason } = decide(&rule, 80, "roc-auc", &[], &[]);
/// assert_eq!(outcome, Outcome::KeepGeneralist);
/// assert_eq!(reason, "There is no specialist to compare.");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// What to do.
    pub outcome: Outcome,
    /// Why, in one plain sentence.
    pub reason: String,
}

/// What the rule needs to know beside the differences.
///
/// ```
/// use specialist_core::evidence::{Difference, Interval};
/// use specialist_core::{Outcome, VerdictRule, decide};
/// let interval = Interval { estimate: 0.03, low: 0.02, high: 0.04 };
/// let (candidate, against) = ("specialist".into(), "generalist".into());
/// let gains = [Difference { candidate, against, interval, smallest_detectable: 0.015 }];
/// let rule = |worthwhile: f64| VerdictRule { worthwhile, fewest_events: 10 };
/// assert_eq!(decide(&rule(0.01), 80, "roc-auc", &gains, &[]).outcome, Outcome::Adopt);
/// assert_eq!(decide(&rule(0.05), 80, "roc-auc", &gains, &[]).outcome, Outcome::KeepGeneralist);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VerdictRule {
    /// The smallest gain in the primary metric that would be worth a change.
    pub worthwhile: f64,
    /// Fewest sealed rows of the rarer label for any verdict.
    pub fewest_events: usize,
}

/// Decides, in this order. A difference is *shown* when its simultaneous interval lies above 0; a gain
/// over the generalist *counts* when its whole interval lies above 0 and is at least `worthwhile`. No step asks an
/// estimate, for where two models are alike estimates are a coin:
///
/// 1. fewer sealed rows of the rarer label than the rule asks for → `not-enough-data`;
/// 2. scratch's gain over the generalist counts and the specialist is not shown better than scratch →
///    `train-from-scratch`, which needs no generalist;
/// 3. the specialist's gain over the generalist counts: `adopt` when it is also shown better than
///    the recalibrated generalist, otherwise `recalibrate` when recalibration's gain counts,
///    otherwise `adopt`;
/// 4. recalibration's gain counts → `recalibrate`;
/// 5. the metric is not defined on these rows → `not-enough-data`;
/// 6. the specialist's gain is shown, and neither shown nor ruled out to be `worthwhile` → `not-enough-data`;
/// 7. a gain of `worthwhile` by the specialist is still possible and these rows could not have
///    found it → `not-enough-data`;
/// 8. otherwise → `keep-generalist`.
///
/// ```
/// use specialist_core::{Outcome, VerdictRule, decide};
/// let rule = VerdictRule { worthwhile: 0.01, fewest_events: 10 };
/// assert_eq!(decide(&rule, 4, "roc-auc", &[], &[]).outcome, Outcome::NotEnoughData);
/// ```
///
/// Pooling source and target rows is no outcome of its own (it needs the source rows for ever, and is no
/// tuning), nor is the ensemble (it is several tunings); where one is shown better than the specialist, the reason
/// says so. So are `baselines`, the
/// candidates that are simple methods of the field: the reason names those that the specialist does not beat.
#[must_use]
pub fn decide(
    rule: &VerdictRule,
    rarer: usize,
    metric: &str,
    differences: &[Difference],
    baselines: &[&str],
) -> Verdict {
    let mut verdict = rank(rule, rarer, metric, differences);
    let others = [
        (Candidate::Pooled, "Fitting on source and target rows together"),
        (Candidate::Ensemble, "The mean of several tunings"),
    ];
    for (other, what) in others {
        let found = differences.iter().find(|d| d.candidate == Candidate::Specialist && d.against == other);
        if let Some(d) = found.filter(|d| d.interval.high < 0.0 && verdict.outcome != Outcome::NotEnoughData) {
            verdict.reason.push_str(&format!(
                " {what} does better than the specialist, by {:.4} {metric} (interval {:.4} to {:.4}).",
                -d.interval.estimate, -d.interval.high, -d.interval.low
            ));
        }
    }
    // Too few rows to compare anything say nothing of baselines either; rows that leave the specialist's gain open may show one ahead.
    if rarer >= rule.fewest_events {
        let shown = verdict.outcome == Outcome::NotEnoughData;
        verdict.reason.push_str(&beside(metric, differences, baselines, shown));
    }
    verdict
}

/// What a reader must hear of the baselines that the specialist is not shown to beat, or of those alone that are shown to beat it.
fn beside(metric: &str, differences: &[Difference], baselines: &[&str], shown_alone: bool) -> String {
    let against: Vec<&Difference> = differences
        .iter()
        .filter(|d| d.candidate == Candidate::Specialist && baselines.contains(&d.against.as_str()))
        .collect();
    let mut out = String::new();
    for d in against.iter().filter(|d| d.interval.high < 0.0) {
        out.push_str(&format!(
            " The baseline {} does better than the specialist, by {:.4} {metric} (interval {:.4} to {:.4}).",
            d.against, -d.interval.estimate, -d.interval.high, -d.interval.low
        ));
    }
    let open = against.iter().filter(|d| !shown_alone && d.interval.low <= 0.0 && d.interval.high >= 0.0);
    let names: Vec<String> = open.map(|d| format!("{} ({:+.4})", d.against, d.interval.estimate)).collect();
    if !names.is_empty() {
        let names = names.join(", ");
        out.push_str(&format!(" The specialist is not shown to be better than the simple {names}."));
    }
    out
}

fn rank(rule: &VerdictRule, rarer: usize, metric: &str, differences: &[Difference]) -> Verdict {
    let find = |a: Candidate, b: Candidate| differences.iter().find(|d| d.candidate == a && d.against == b);
    let shown = |d: Option<&Difference>| d.is_some_and(|d| d.interval.low > 0.0);
    // `worthwhile` may be 0, and an interval that touches 0 shows nothing.
    let worth = |d: &&Difference| d.interval.low > 0.0 && d.interval.low >= rule.worthwhile;
    let say = |outcome, reason: String| Verdict { outcome, reason };
    let gain = |d: &Difference| {
        format!("{:+.4} {metric} (interval {:+.4} to {:+.4})", d.interval.estimate, d.interval.low, d.interval.high)
    };
    if rarer < rule.fewest_events {
        let n = rule.fewest_events;
        return say(
            Outcome::NotEnoughData,
            format!(
                "The sealed rows hold only {rarer} informative rows (of the rarer label); below {n} no comparison means anything."
            ),
        );
    }
    let specialist = find(Candidate::Specialist, Candidate::Generalist);
    let recalibrated = find(Candidate::Recalibrated, Candidate::Generalist);
    let scratch = find(Candidate::Scratch, Candidate::Generalist);
    let over_recalibrated = find(Candidate::Specialist, Candidate::Recalibrated);
    let over_scratch = find(Candidate::Specialist, Candidate::Scratch);

    // Before the specialist, which must be shown better than scratch: scratch needs no generalist.
    if let Some(d) = scratch.filter(worth)
        && !shown(over_scratch)
    {
        let beside = match over_scratch {
            Some(s) if s.interval.high < 0.0 => "the specialist does worse",
            _ => "the specialist is not shown to do better",
        };
        let reason = format!("A model fitted on the target alone beats the generalist by {}, and {beside}.", gain(d));
        return say(Outcome::TrainFromScratch, reason);
    }
    // Where recalibration's own gain counts, the rest of the specialist must be shown to add to it.
    if let Some(d) = specialist.filter(worth)
        && (shown(over_recalibrated) || recalibrated.filter(worth).is_none())
    {
        let reason = format!("The specialist beats the generalist by {} on rows neither ever saw.", gain(d));
        return say(Outcome::Adopt, reason);
    }
    if let Some(d) = recalibrated.filter(worth) {
        let reason = format!("Recalibrating the generalist gains {}; a deeper tuning shows no further gain.", gain(d));
        return say(Outcome::Recalibrate, reason);
    }
    match specialist {
        // Nothing compares with `NaN`, so no step above has taken it.
        Some(d) if d.interval.estimate.is_nan() => {
            say(Outcome::NotEnoughData, format!("The sealed rows leave {metric} undefined: nothing can be compared."))
        }
        Some(d) if d.interval.low > 0.0 && d.interval.high >= rule.worthwhile => say(
            Outcome::NotEnoughData,
            format!(
                "The specialist's gain is {}: shown, but these rows do not show whether it is worth a change ({:.4}).",
                gain(d),
                rule.worthwhile
            ),
        ),
        Some(d) if d.interval.high >= rule.worthwhile && d.smallest_detectable > rule.worthwhile => say(
            Outcome::NotEnoughData,
            format!(
                "The specialist's gain is {}: a gain worth having ({:.4}) is neither shown nor ruled out, and these \
                 rows would only find one of {:.4} or more.",
                gain(d),
                rule.worthwhile,
                d.smallest_detectable
            ),
        ),
        Some(d) if d.interval.low > 0.0 => say(
            Outcome::KeepGeneralist,
            format!(
                "The specialist's gain is {}: shown, and too small to be worth a change ({:.4}).",
                gain(d),
                rule.worthwhile
            ),
        ),
        Some(d) => say(
            Outcome::KeepGeneralist,
            format!("No tuning beats the generalist: the specialist's gain is {}.", gain(d)),
        ),
        None => say(Outcome::KeepGeneralist, "There is no specialist to compare.".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interval::Interval;

    fn d(candidate: &str, against: &str, low: f64, estimate: f64, high: f64) -> Difference {
        Difference {
            candidate: candidate.into(),
            against: against.into(),
            interval: Interval { estimate, low, high },
            smallest_detectable: (high - low) / 2.0 * 1.43,
        }
    }

    fn outcome(differences: &[Difference]) -> Outcome {
        let rule = VerdictRule { worthwhile: 0.01, fewest_events: 10 };
        let verdict = decide(&rule, 80, "roc-auc", differences, &[]);
        assert!(verdict.reason.ends_with('.') && verdict.reason.len() > 20);
        verdict.outcome
    }

    const S: &str = "specialist";
    const G: &str = "generalist";
    const R: &str = "recalibrated";

    #[test]
    fn a_shown_gain_over_everything_is_adopted() {
        let gains = [d(S, G, 0.01, 0.03, 0.05), d(S, R, 0.01, 0.03, 0.05), d(S, "scratch", 0.0, 0.02, 0.04)];
        assert_eq!(outcome(&gains), Outcome::Adopt);
    }

    #[test]
    fn a_specialist_no_better_than_its_recalibration_is_not_adopted() {
        let gains = [d(S, G, 0.01, 0.03, 0.05), d(S, R, -0.01, 0.002, 0.02), d(R, G, 0.01, 0.028, 0.05)];
        assert_eq!(outcome(&gains), Outcome::Recalibrate);
        let only_recalibration = [d(S, G, -0.01, 0.01, 0.03), d(S, R, -0.03, -0.01, 0.02), d(R, G, 0.01, 0.02, 0.03)];
        assert_eq!(outcome(&only_recalibration), Outcome::Recalibrate);
    }

    #[test]
    fn scratch_wins_unless_the_specialist_is_shown_to_be_better() {
        for (low, high) in [(-0.04, 0.01), (-0.04, -0.01), (-0.01, 0.04)] {
            let over_scratch = d(S, "scratch", low, f64::midpoint(low, high), high);
            let gains = [d("scratch", G, 0.02, 0.05, 0.08), d(S, G, 0.01, 0.03, 0.05), over_scratch];
            assert_eq!(outcome(&gains), Outcome::TrainFromScratch);
        }
        let gains = [d("scratch", G, 0.02, 0.05, 0.08), d(S, G, 0.03, 0.07, 0.09), d(S, "scratch", 0.001, 0.02, 0.04)];
        assert_eq!(outcome(&gains), Outcome::Adopt);
    }

    /// The kind: wherever an estimate lies within its interval, the outcome is the same.
    #[test]
    fn no_estimate_decides() {
        let pairs = [(S, G), (S, R), (S, "scratch"), (R, G), ("scratch", G)];
        let intervals = [(-0.05, -0.01), (-0.01, 0.005), (-0.01, 0.02), (0.002, 0.006), (0.002, 0.03), (0.011, 0.04)];
        let mut which = [0; 5];
        loop {
            let with = |share: f64| {
                let of = |((a, b), i): (&(&str, &str), &usize)| {
                    let (low, high) = intervals[*i];
                    d(a, b, low, low + share * (high - low), high)
                };
                outcome(&pairs.iter().zip(&which).map(of).collect::<Vec<_>>())
            };
            assert_eq!(with(0.01), with(0.99), "{which:?}");
            let Some(place) = which.iter().position(|w| *w + 1 < intervals.len()) else { break };
            which[place] += 1;
            which[..place].fill(0);
        }
    }

    #[test]
    fn a_gain_that_may_be_too_small_is_not_adopted() {
        assert_eq!(outcome(&[d(S, G, 0.002, 0.02, 0.038)]), Outcome::NotEnoughData);
    }

    #[test]
    fn a_ruled_out_gain_keeps_the_generalist() {
        assert_eq!(outcome(&[d(S, G, -0.004, 0.001, 0.006), d(R, G, -0.01, 0.0, 0.01)]), Outcome::KeepGeneralist);
        assert_eq!(outcome(&[d(S, G, -0.2, -0.1, -0.01)]), Outcome::KeepGeneralist);
        assert_eq!(outcome(&[d(S, G, 0.0, 0.0, 0.0)]), Outcome::KeepGeneralist);
    }

    #[test]
    fn a_gain_too_small_to_matter_changes_nothing() {
        assert_eq!(outcome(&[d(S, G, 0.001, 0.004, 0.007), d(R, G, -0.01, 0.0, 0.01)]), Outcome::KeepGeneralist);
    }

    #[test]
    fn a_better_pooled_model_is_said() {
        let rule = VerdictRule { worthwhile: 0.01, fewest_events: 10 };
        let v = decide(&rule, 80, "roc-auc", &[d(S, G, 0.01, 0.03, 0.05), d(S, "pooled", -0.04, -0.02, -0.01)], &[]);
        assert_eq!(v.outcome, Outcome::Adopt);
        assert!(v.reason.contains("source and target rows together does better"), "{}", v.reason);
    }

    #[test]
    fn baselines_that_are_not_beaten_are_named() {
        let rule = VerdictRule { worthwhile: 0.01, fewest_events: 10 };
        let found = [d(S, G, 0.01, 0.03, 0.05), d(S, "garch", -0.03, -0.02, -0.01), d(S, "har", -0.01, 0.01, 0.02)];
        let v = decide(&rule, 80, "roc-auc", &found, &["ewma", "garch", "har"]);
        assert_eq!(v.outcome, Outcome::Adopt);
        assert!(v.reason.contains("The baseline garch does better than the specialist, by 0.0200"), "{}", v.reason);
        assert!(v.reason.ends_with("not shown to be better than the simple har (+0.0100)."), "{}", v.reason);
    }

    #[test]
    fn an_undefined_metric_judges_nothing() {
        assert_eq!(outcome(&[d(S, G, f64::NAN, f64::NAN, f64::NAN)]), Outcome::NotEnoughData);
    }

    #[test]
    fn too_few_events_judge_nothing() {
        let rule = VerdictRule { worthwhile: 0.01, fewest_events: 10 };
        assert_eq!(decide(&rule, 9, "roc-auc", &[d(S, G, 0.1, 0.2, 0.3)], &[]).outcome, Outcome::NotEnoughData);
    }

    #[test]
    fn a_wide_interval_is_not_enough_data() {
        assert_eq!(outcome(&[d(S, G, -0.03, 0.01, 0.05), d(R, G, -0.03, 0.0, 0.03)]), Outcome::NotEnoughData);
    }
}
