//! The clinician's evidence where the outcome comes in time: curves by risk group, what a decision by risk is worth,
//! subgroups, competing causes.

use specialist_core::bootstrap::quantile;
use specialist_core::evidence::{Interval, Prediction, Z};
use specialist_core::metric::{CIndex, ObservedExpected, descending};
use specialist_core::survival::{KaplanMeier, cumulative_incidence, decimals, kaplan_meier};
use specialist_core::{Candidate, Estimand, Followed, Labels, Metric, Panel, PanelInput, Scored, Series};

use crate::subgroups::{Group, HIDDEN, SMALLEST, groups};

/// Points of a curve.
const POINTS: usize = 24;
const GROUPS: usize = 3;
const THRESHOLDS: [f64; 4] = [0.2, 0.3, 0.4, 0.5];

pub fn panels(input: &PanelInput<'_>) -> Vec<Panel> {
    let Estimand::Survival { horizon } = input.rows.estimand else { return Vec::new() };
    let Some(shown) = input.predictions.iter().find(|p| p.name == Candidate::Specialist) else { return Vec::new() };
    let mut out = vec![risk_groups(input, shown, horizon), decision_curve(input, horizon)];
    out[0].headline = miscalibrated(input);
    out.extend(subgroups(input));
    out.extend(competing(input, horizon));
    out
}

/// A warning where the generalist's risks are plainly off on the whole: a C-index does not see that.
fn miscalibrated(input: &PanelInput<'_>) -> Option<String> {
    const OFF: f64 = 0.15;
    let p = input.predictions.iter().find(|p| p.name == Candidate::Generalist)?;
    let order = descending(p.predicted());
    let ratio = input.interval(|weight| {
        let (rows, outputs, baseline) = (input.rows, &p.outputs, p.baseline.as_ref());
        ObservedExpected.value(&Scored { rows, outputs, order: &order, weight, baseline, counts: None })
    });
    let off = (ratio.low > 1.0 || ratio.high < 1.0) && (ratio.estimate - 1.0).abs() > OFF;
    off.then(|| {
        format!(
            "CALIBRATION: the generalist's risks are too {} here: observed over expected {:.2} ({:.2} to {:.2}). Recalibrate it before use; compare.metric = \"integrated-brier\" judges by it.",
            if ratio.estimate > 1.0 { "low" } else { "high" },
            ratio.estimate,
            ratio.low,
            ratio.high
        )
    })
}

fn labels<'a>(input: &PanelInput<'a>) -> &'a [Followed] {
    input.rows.labels().times()
}

fn curve(name: String, km: &KaplanMeier, horizon: f64) -> Series {
    let at = |i: usize| {
        let t = horizon * i as f64 / POINTS as f64;
        let (low, high) = km.interval(t, Z);
        (t, Interval { estimate: km.at(t), low, high })
    };
    Series { name, points: (0..=POINTS).map(at).collect() }
}

/// Kaplan–Meier curves of thirds of the predicted risk, beside what was predicted.
fn risk_groups(input: &PanelInput<'_>, p: &Prediction, horizon: f64) -> Panel {
    let (label, digits) = (labels(input), decimals(horizon));
    let cuts: Vec<f64> = (1..GROUPS).map(|i| quantile(p.predicted(), i as f64 / GROUPS as f64)).collect();
    let group = |risk: f64| cuts.iter().filter(|c| risk > **c).count();
    let (mut series, mut table) = (Vec::new(), Vec::new());
    for (g, name) in ["low", "middle", "high"].into_iter().enumerate() {
        let weight: Vec<f64> = p.predicted().iter().map(|r| f64::from(u8::from(group(*r) == g))).collect();
        let n = weight.iter().sum::<f64>();
        if (n as usize) < SMALLEST {
            continue;
        }
        let km = kaplan_meier(label, &weight);
        let (low, high) = km.interval(horizon, Z);
        let (mean, error) = km.restricted_mean(horizon);
        let expected = p.predicted().iter().zip(&weight).map(|(r, w)| r * w).sum::<f64>() / n;
        let events = label.iter().zip(&weight).filter(|(l, w)| **w > 0.0 && l.had_event()).count();
        let range = if g == 0 {
            format!("up to {:.0} %", 100.0 * cuts[0])
        } else if g == GROUPS - 1 {
            format!("above {:.0} %", 100.0 * cuts[g - 1])
        } else {
            format!("{:.0} to {:.0} %", 100.0 * cuts[g - 1], 100.0 * cuts[g])
        };
        table.push(vec![
            name.to_string(),
            range,
            format!("{n:.0} / {events}"),
            format!("{:.1} %", 100.0 * expected),
            format!(
                "{:.1} % ({:.1} to {:.1})",
                100.0 * (1.0 - km.at(horizon)),
                100.0 * (1.0 - high),
                100.0 * (1.0 - low)
            ),
            format!("{mean:.digits$} ({:.digits$} to {:.digits$})", mean - Z * error, mean + Z * error),
        ]);
        series.push(curve(format!("{name} risk"), &km, horizon));
    }
    Panel {
        title: "Survival by risk group".into(),
        note: format!(
            "Thirds of the sealed patients by the specialist's risk until {horizon}. Observed: one less Kaplan–Meier's estimate. The restricted mean is the time lived without the event until then. 95 % intervals."
        ),
        header: ["group", "risk", "patients / events", "expected", "observed", "restricted mean time"]
            .map(String::from)
            .to_vec(),
        table,
        axes: ("time".into(), "without the event".into()),
        series,
        ..Panel::default()
    }
}

/// Net benefit at `threshold` where the outcome is censored (Vickers and others 2008): the risk among those above it is
/// one less Kaplan–Meier's estimate.
fn net_benefit(label: &[Followed], risk: &[f64], weight: &[f64], threshold: f64, horizon: f64) -> f64 {
    let above: Vec<f64> = risk.iter().zip(weight).map(|(r, w)| if *r >= threshold { *w } else { 0.0 }).collect();
    let (treated, all) = (above.iter().sum::<f64>(), weight.iter().sum::<f64>());
    if treated == 0.0 {
        return 0.0;
    }
    let events = 1.0 - kaplan_meier(label, &above).at(horizon);
    treated / all * (events - (1.0 - events) * threshold / (1.0 - threshold))
}

fn decision_curve(input: &PanelInput<'_>, horizon: f64) -> Panel {
    let label = labels(input);
    let ones = vec![1.0; label.len()];
    let all = vec![1.0; label.len()];
    let shown: Vec<&Prediction> = input
        .predictions
        .iter()
        .filter(|p| [Candidate::Generalist, Candidate::Scratch, Candidate::Specialist].iter().any(|c| p.name == *c))
        .collect();
    let exact = |v: f64| Interval { estimate: v, low: f64::NAN, high: f64::NAN };
    let curve = |name: &str, risk: &[f64]| Series {
        name: name.into(),
        points: (1..=14)
            .map(|i| f64::from(i) * 0.05)
            .map(|t| (t, exact(net_benefit(label, risk, &ones, t, horizon))))
            .collect(),
    };
    let mut series: Vec<Series> = shown.iter().map(|p| curve(&p.name, p.predicted())).collect();
    let mut treat_all = curve("treat all", &all);
    treat_all.points.retain(|p| p.1.estimate > -0.05);
    series.push(treat_all);
    series.push(Series {
        name: "treat none".into(),
        points: (1..=14).map(|i| (f64::from(i) * 0.05, exact(0.0))).collect(),
    });
    let row = |t: f64| {
        let cell = |risk: &[f64]| {
            let i = input.interval(|w| net_benefit(label, risk, w, t, horizon));
            format!("{:.3} ({:.3} to {:.3})", i.estimate, i.low, i.high)
        };
        let mut row = vec![format!("{:.0} %", t * 100.0)];
        row.extend(shown.iter().map(|p| cell(p.predicted())));
        row.push(cell(&all));
        row
    };
    let mut header = vec!["threshold".to_string()];
    header.extend(shown.iter().map(|p| p.name.clone()));
    header.push("treat all".into());
    Panel {
        title: "Decision curve".into(),
        note: "Net benefit per patient of treating everyone whose risk until the horizon is above a threshold: true positives, \
               less false positives at the odds of the threshold, both by Kaplan–Meier. A model is of use where it lies \
               above treating all and treating none."
            .into(),
        header,
        table: THRESHOLDS.into_iter().map(row).collect(),
        axes: ("threshold risk".into(), "net benefit".into()),
        series,
        ..Panel::default()
    }
}

fn subgroups(input: &PanelInput<'_>) -> Option<Panel> {
    let label = labels(input);
    let mut table = Vec::new();
    for Group { name, member, hidden } in &groups(input) {
        let size = member.iter().filter(|m| **m).count();
        let events = member.iter().zip(label).filter(|(m, y)| **m && y.had_event()).count();
        if *hidden {
            table.push(vec![name.clone(), "–".into(), "–".into(), HIDDEN.into(), String::new()]);
            continue;
        }
        for p in input
            .predictions
            .iter()
            .filter(|p| [Candidate::Generalist, Candidate::Specialist].iter().any(|c| p.name == *c))
        {
            let order = descending(p.predicted());
            let cell = |metric: &dyn Metric| {
                let i = input.interval(|weight| {
                    let weight: Vec<f64> = weight.iter().zip(member).map(|(w, m)| if *m { *w } else { 0.0 }).collect();
                    let (rows, outputs, baseline) = (input.rows, &p.outputs, p.baseline.as_ref());
                    metric.value(&Scored { rows, outputs, order: &order, weight: &weight, baseline, counts: None })
                });
                format!("{:.3} ({:.3} to {:.3})", i.estimate, i.low, i.high)
            };
            let counts = format!("{size} / {events}");
            table.push(vec![name.clone(), counts, p.name.clone(), cell(&CIndex), cell(&ObservedExpected)]);
        }
    }
    (!table.is_empty()).then(|| Panel {
        title: "Subgroups".into(),
        note: format!(
            "The same models within each subgroup of the sealed rows. Subgroups with fewer than {SMALLEST} patients with or \
             without the event are not shown."
        ),
        header: ["subgroup", "patients / events", "candidate", "c-index", "observed / expected"]
            .map(String::from)
            .to_vec(),
        table,
        ..Panel::default()
    })
}

/// Cumulative incidence of the event and of every competing cause, where there are any.
fn competing(input: &PanelInput<'_>, horizon: f64) -> Option<Panel> {
    let Labels::Times { followed, causes } = input.rows.labels() else { return None };
    if causes.len() < 2 {
        return None;
    }
    let found = cumulative_incidence(followed, &vec![1.0; followed.len()], causes.len());
    let exact = |v: f64| Interval { estimate: v, low: f64::NAN, high: f64::NAN };
    let series = found.iter().zip(causes).map(|(steps, name)| Series {
        name: name.clone(),
        points: (0..=POINTS).map(|i| horizon * i as f64 / POINTS as f64).map(|t| (t, exact(steps.at(t)))).collect(),
    });
    let row = |(steps, name): (&specialist_core::survival::Steps, &String)| {
        let n = followed.iter().filter(|f| f.cause > 0 && causes[f.cause as usize - 1] == *name).count();
        let n = if n < SMALLEST { format!("fewer than {SMALLEST}") } else { n.to_string() };
        vec![name.clone(), n, format!("{:.1} %", 100.0 * steps.at(horizon))]
    };
    Some(Panel {
        title: "Competing causes".into(),
        note: "Cumulative incidence among the sealed patients (Aalen–Johansen): the probability that a cause happens, and happens \
               first. Everywhere else on this page the other causes only censor: predicted and observed risks are both those of a world without them, and higher than what patients will see."
            .into(),
        header: ["cause", "patients", "until the horizon"].map(String::from).to_vec(),
        table: found.iter().zip(causes).map(row).collect(),
        axes: ("time".into(), "cumulative incidence".into()),
        series: series.collect(),
        ..Panel::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn net_benefit_is_that_of_dcurves() {
        // dcurves 1.1.7, tests/reference/decision.py.
        let n = 200usize;
        let risk: Vec<f64> = (0..n).map(|i| ((i * 37 + 11) % 199 + 1) as f64 / 201.0).collect();
        let time = |i: usize| 1.0 + ((i * 53 + 7) % 97) as f64 / 97.0 * 9.0 * (1.5 - risk[i]);
        let labels: Vec<Followed> = (0..n).map(|i| Followed::new(time(i), (i * 29) % 4 != 0)).collect();
        let ones = vec![1.0; n];
        for (t, model, all) in NET_BENEFIT {
            assert!((net_benefit(&labels, &risk, &ones, t, 5.0) - model).abs() < 1e-9, "{t}");
            assert!((net_benefit(&labels, &ones, &ones, t, 5.0) - all).abs() < 1e-9, "{t}");
        }
    }

    const NET_BENEFIT: [(f64, f64, f64); 4] = [
        (0.1, 0.329_987_505_746_813_57, 0.348_123_130_519_319_6),
        (0.2, 0.231_825_057_162_129_53, 0.266_638_521_834_234_53),
        (0.3, 0.175_902_352_781_290_8, 0.161_872_596_381_982_3),
        (0.4, 0.115_194_947_421_568_8, 0.022_184_695_778_979_358),
    ];
}
