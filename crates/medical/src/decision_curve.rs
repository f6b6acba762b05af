//! Decision curve analysis (Vickers and Elkin 2006): what a model is worth to a clinician who treats
//! above a threshold probability.

use specialist_core::evidence::Interval;
use specialist_core::{Candidate, Panel, PanelInput, Series};

/// Thresholds of the curve.
const CURVE: [f64; 19] =
    [0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9];
/// Thresholds with an interval in the table.
const TABLE: [f64; 4] = [0.05, 0.1, 0.2, 0.4];

/// True positives per row, less false positives at the odds of the threshold: the net benefit of
/// treating where `probability ≥ threshold`.
pub fn net_benefit(class: &[u32], probability: &[f64], weight: &[f64], threshold: f64) -> f64 {
    let odds = threshold / (1.0 - threshold);
    let (mut benefit, mut total) = (0.0, 0.0);
    for ((&class, &p), &w) in class.iter().zip(probability).zip(weight) {
        total += w;
        if p >= threshold {
            benefit += if class == 1 { w } else { -w * odds };
        }
    }
    benefit / total
}

/// The curve of every candidate, against treating all and treating none.
pub fn panel(input: &PanelInput<'_>) -> Panel {
    let label = input.rows.labels().codes();
    let ones = vec![1.0; label.len()];
    let exact = |v: f64| Interval { estimate: v, low: f64::NAN, high: f64::NAN };
    let curve = |name: &str, probability: &[f64]| Series {
        name: name.into(),
        points: CURVE.iter().map(|&t| (t, exact(net_benefit(label, probability, &ones, t)))).collect(),
    };
    let all = vec![1.0; label.len()];
    let wanted = [Candidate::Generalist, Candidate::Specialist, Candidate::Scratch];
    let shown: Vec<_> =
        input.predictions.iter().filter(|p| Candidate::named(&p.name).is_some_and(|c| wanted.contains(&c))).collect();
    let mut series: Vec<Series> = shown.iter().map(|p| curve(&p.name, p.predicted())).collect();
    // Below zero treating all is not worth drawing: the plot would lose its scale.
    let mut treat_all = curve("treat all", &all);
    treat_all.points.retain(|p| p.1.estimate > -0.05);
    series.push(treat_all);
    series.push(Series { name: "treat none".into(), points: CURVE.iter().map(|&t| (t, exact(0.0))).collect() });

    let mut table = Vec::new();
    for t in TABLE {
        let cell = |p: &[f64]| {
            let i = input.interval(|w| net_benefit(label, p, w, t));
            format!("{:.3} ({:.3} to {:.3})", i.estimate, i.low, i.high)
        };
        let mut row = vec![format!("{:.0} %", t * 100.0)];
        row.extend(shown.iter().map(|p| cell(p.predicted())));
        row.push(cell(&all));
        table.push(row);
    }
    let mut header = vec!["threshold".to_string()];
    header.extend(shown.iter().map(|p| p.name.clone()));
    header.push("treat all".into());
    Panel {
        title: "Decision curve".into(),
        note: "Net benefit per patient of treating everyone above a threshold probability: true positives, less false \
               positives at the odds of the threshold. A model is of use where it lies above treating all and treating none."
            .into(),
        header,
        table,
        axes: ("threshold probability".into(), "net benefit".into()),
        series,
        ..Panel::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn net_benefit_is_the_textbook_figure() {
        // 2 of 4 treated at 0.2: one true, one false positive: (1 − 1 · 0.25) / 4.
        let benefit = net_benefit(&[1, 0, 1, 0], &[0.9, 0.3, 0.1, 0.05], &[1.0; 4], 0.2);
        assert!((benefit - 0.1875).abs() < 1e-12);
        // Treating all at the prevalence is worth nothing.
        let all = net_benefit(&[1, 0, 0, 0], &[1.0; 4], &[1.0; 4], 0.25);
        assert!(all.abs() < 1e-12);
    }
}
