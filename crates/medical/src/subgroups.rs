//! The same figures by sex, by age band and by site, with intervals; small groups are not shown.

use specialist_core::metric::{LogLoss, RocAuc, descending};
use specialist_core::{FeatureKind, KeyRole, Metric, Panel, PanelInput, Scored};

/// Fewer patients than this, or fewer with or without the event, are not shown.
pub const SMALLEST: usize = 10;
const BANDS: [(&str, f64, f64); 4] =
    [("under 40", 0.0, 40.0), ("40 to 59", 40.0, 60.0), ("60 to 74", 60.0, 75.0), ("75 and over", 75.0, 200.0)];

/// One row per subgroup and candidate; nothing when the data has neither sex nor age.
pub fn panel(input: &PanelInput<'_>) -> Option<Panel> {
    let groups = groups(input);
    if groups.is_empty() {
        return None;
    }
    let wanted = ["generalist", "specialist"];
    let mut table = Vec::new();
    for (name, member) in &groups {
        let labels = input.rows.labels();
        let size = member.iter().filter(|m| **m).count();
        let events = member.iter().zip(labels).filter(|(m, y)| **m && **y == 1.0).count();
        if size < SMALLEST || events < SMALLEST || size - events < SMALLEST {
            let hidden = format!("fewer than {SMALLEST} with or without the event");
            table.push(vec![name.clone(), "–".into(), "–".into(), hidden, String::new()]);
            continue;
        }
        for p in input.predictions.iter().filter(|p| wanted.contains(&p.name.as_str())) {
            let order = descending(&p.predicted);
            let within = |metric: &dyn Metric, weight: &[f64]| {
                let weight: Vec<f64> = weight.iter().zip(member).map(|(w, m)| if *m { *w } else { 0.0 }).collect();
                let baseline = p.baseline.as_ref();
                let (rows, predicted) = (input.rows, &p.predicted);
                metric.value(&Scored { rows, predicted, order: &order, weight: &weight, baseline })
            };
            let cell = |metric: &dyn Metric| {
                let i = input.interval(|w| within(metric, w));
                format!("{:.3} ({:.3} to {:.3})", i.estimate, i.low, i.high)
            };
            table.push(vec![name.clone(), format!("{size} / {events}"), p.name.clone(), cell(&LogLoss), cell(&RocAuc)]);
        }
    }
    Some(Panel {
        title: "Subgroups".into(),
        note: format!(
            "The same models within each subgroup of the sealed rows. Subgroups with fewer than {SMALLEST} patients with or \
             without the event are not shown."
        ),
        header: ["subgroup", "patients / events", "candidate", "log-loss", "roc-auc"].map(String::from).to_vec(),
        table,
        ..Panel::default()
    })
}

/// Names and members of the subgroups.
pub fn groups(input: &PanelInput<'_>) -> Vec<(String, Vec<bool>)> {
    let rows = input.rows;
    let column = |names: &[&str]| rows.features.iter().position(|f| names.contains(&f.name.to_lowercase().as_str()));
    let mut out = Vec::new();
    if let Some(c) = column(&["sex", "gender"])
        && let FeatureKind::Category { levels } = &rows.features[c].kind
    {
        for (code, level) in levels.iter().enumerate() {
            let member = rows.records().column(c).iter().map(|&v| v == code as f64).collect();
            out.push((format!("{} {level}", rows.features[c].name), member));
        }
    }
    if let Some(c) = column(&["age"]) {
        for (name, from, to) in BANDS {
            let member = rows.records().column(c).iter().map(|&v| v >= from && v < to).collect();
            out.push((format!("age {name}"), member));
        }
    }
    if let Some(site) = rows.key(KeyRole::Site).filter(|k| k.levels.len() > 1) {
        for (code, level) in site.levels.iter().enumerate() {
            out.push((format!("{} {level}", site.name), site.codes.iter().map(|&c| c as usize == code).collect()));
        }
    }
    out
}
