//! For the ward: what happened to similar patients, which values the model knows, a table of points.

use ndarray::Array2;
use specialist_core::bootstrap::quantile;
use specialist_core::discretion::{outwards, quantile_of};
use specialist_core::evidence::{Interval, Z, wilson};
use specialist_core::survival::kaplan_meier;
use specialist_core::{Candidate, Dataset, Estimand, FeatureKind, Labels, Panel, PanelInput, Predict};

use crate::subgroups::SMALLEST;

/// Fewest patients whose outcomes stand for one's own.
const SIMILAR: usize = 30;
const BINS: usize = 10;
/// Percent.
const STEP: f64 = 5.0;
const SIMILAR_TITLE: &str = "Outcomes of similar patients";
const VALUES_TITLE: &str = "What the model was trained on";
/// Points of the feature that matters most.
const POINTS: f64 = 100.0;

pub fn panels(input: &PanelInput<'_>) -> Vec<Panel> {
    let mut out = vec![values(input)];
    // Patients of a similar risk: of several classes there is no one risk.
    if input.rows.estimand.width() == 1 {
        out.insert(0, similar(input));
    }
    if let Some((_, model)) = input.models.iter().find(|m| m.0 == Candidate::Specialist) {
        out.extend(points(*model, input.train));
    }
    out
}

/// For times: the share with the event by each quarter of the horizon, as text; in steps that are more than one patient.
fn course(rows: &Dataset, member: &[usize]) -> String {
    let Estimand::Survival { horizon } = rows.estimand else { return String::new() };
    let label = rows.labels().select(member);
    let km = kaplan_meier(label.times(), &vec![1.0; member.len()]);
    let at = |i: u8| {
        let t = horizon * f64::from(i) / 4.0;
        format!("{t:.0}: {:.0} %", STEP * (100.0 / STEP * (1.0 - km.at(t))).round())
    };
    (1..=4).map(at).collect::<Vec<_>>().join(", ")
}

/// What happened, among rows of these labels: a risk with its interval.
fn observed(rows: &Dataset, member: &[usize]) -> Interval {
    let label = rows.labels().select(member);
    let ones = vec![1.0; member.len()];
    match rows.estimand {
        Estimand::Survival { horizon } => {
            let km = kaplan_meier(label.times(), &ones);
            let (low, high) = km.interval(horizon, Z);
            Interval { estimate: 1.0 - km.at(horizon), low: 1.0 - high, high: 1.0 - low }
        }
        _ => {
            let n = member.len() as f64;
            wilson(label.responses().iter().sum::<f64>() / n, n)
        }
    }
}

fn similar(input: &PanelInput<'_>) -> Panel {
    let n = input.rows.rows();
    let bins = (n / SIMILAR).clamp(1, BINS);
    let (mut table, mut numbers) = (Vec::new(), Vec::new());
    for p in input.predictions {
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|&a, &b| p.predicted()[a].total_cmp(&p.predicted()[b]));
        for b in 0..bins {
            let member = &order[b * n / bins..(b + 1) * n / bins];
            let edge = |place: usize| order.get(place).map_or(1.0, |&r| p.predicted()[r]);
            let from = if b == 0 { 0.0 } else { edge(b * n / bins) };
            let to = if b + 1 == bins { 1.0 } else { edge((b + 1) * n / bins) };
            let o = observed(input.rows, member);
            let mut row = vec![p.name.clone(), format!("{from:.4}"), format!("{to:.4}"), member.len().to_string()];
            row.push(format!("{:.1} % ({:.1} to {:.1})", 100.0 * o.estimate, 100.0 * o.low, 100.0 * o.high));
            row.push(course(input.rows, member));
            table.push(row);
            numbers.push(vec![from, to]);
        }
    }
    Panel {
        title: SIMILAR_TITLE.into(),
        numbers,
        note: format!(
            "The sealed patients by predicted risk, in groups of at least {SIMILAR}, and what happened to them; 95 % intervals. `explain` \
             shows a patient's own group."
        ),
        header: ["candidate", "risk from", "to", "patients", "observed", "by time"].map(String::from).to_vec(),
        table,
        ..Panel::default()
    }
}

/// The middle 98 % of every feature, and how many cells are missing.
fn values(input: &PanelInput<'_>) -> Panel {
    let missing = |data: Option<&Dataset>, name: &str| -> String {
        let Some((data, c)) = data.and_then(|d| Some((d, d.feature(name).ok()?))) else { return "–".into() };
        let n = data.records().column(c).iter().filter(|v| v.is_nan()).count();
        match n {
            0 => "none".into(),
            n if n < SMALLEST => format!("fewer than {SMALLEST}"),
            n => format!("{:.1} %", 100.0 * n as f64 / data.rows() as f64),
        }
    };
    let (mut table, mut numbers) = (Vec::new(), Vec::new());
    for (c, f) in input.train.features.iter().enumerate() {
        let seen: Vec<f64> = input.train.records().column(c).iter().copied().filter(|v| !v.is_nan()).collect();
        let range = match &f.kind {
            FeatureKind::Number if seen.len() >= SMALLEST => {
                // Beyond the ends lie as many rows as must stand behind what is written.
                let end = (input.train.fewest_rows as f64 / seen.len() as f64).clamp(0.01, 0.5);
                vec![outwards(quantile(&seen, end), false), outwards(quantile(&seen, 1.0 - end), true)]
            }
            _ => Vec::new(),
        };
        let (low, high) = match (&f.kind, &range[..]) {
            (FeatureKind::Category { levels }, _) => (format!("{} levels", levels.len()), String::new()),
            (FeatureKind::Number, [low, high]) => (low.to_string(), high.to_string()),
            (FeatureKind::Number, _) => ("–".into(), "–".into()),
        };
        let mut row = vec![f.name.clone(), low, high];
        row.extend([input.source, Some(input.train), Some(input.rows)].map(|d| missing(d, &f.name)));
        table.push(row);
        numbers.push(range);
    }
    Panel {
        title: VALUES_TITLE.into(),
        note: "The middle 98 % of the target's train rows (less, where they are few), and missing cells in each part. A patient outside of these values is \
               not one that the model knows."
            .into(),
        header: ["feature", "from", "to", "missing: source", "target train", "sealed"].map(String::from).to_vec(),
        table,
        numbers,
        ..Panel::default()
    }
}

/// A table of points for a model whose margin is a sum of parts, one a feature; `None` for any other.
fn points(model: &dyn Predict, train: &Dataset) -> Option<Panel> {
    let grids: Vec<Vec<f64>> = train.features.iter().enumerate().map(|(c, f)| grid(train, c, &f.kind)).collect();
    let reference: Vec<f64> = grids.iter().map(|g| g.get(g.len() / 2).copied().unwrap_or(f64::NAN)).collect();
    let width = train.features.len();
    let rows: Vec<(usize, f64)> = grids.iter().enumerate().flat_map(|(c, g)| g.iter().map(move |v| (c, *v))).collect();
    let base = margins(model, train, Array2::from_shape_fn((1, width), |(_, j)| reference[j]))?[0];
    let cells =
        Array2::from_shape_fn((rows.len(), width), |(i, j)| if rows[i].0 == j { rows[i].1 } else { reference[j] });
    let parts: Vec<f64> = margins(model, train, cells)?.iter().map(|m| m - base).collect();
    if !additive(model, train, &reference, base)? {
        return None;
    }
    let of = |c: usize| rows.iter().zip(&parts).filter(move |(r, _)| r.0 == c);
    let lowest = |c: usize| of(c).map(|(_, p)| *p).fold(f64::INFINITY, f64::min);
    let range = |c: usize| of(c).map(|(_, p)| *p).fold(f64::NEG_INFINITY, f64::max) - lowest(c);
    let unit = (0..width).map(range).fold(0.0, f64::max) / POINTS;
    if unit <= 0.0 {
        return None;
    }
    let start = base + (0..width).map(lowest).filter(|v| v.is_finite()).sum::<f64>();
    let mut table = Vec::new();
    for (c, f) in train.features.iter().enumerate() {
        for ((_, value), part) in of(c) {
            let text = match &f.kind {
                FeatureKind::Category { levels } => levels[*value as usize].clone(),
                FeatureKind::Number => format!("{}", (value * 100.0).round() / 100.0),
            };
            table.push(vec![f.name.clone(), text, format!("{:.0}", (part - lowest(c)) / unit)]);
        }
    }
    let total: f64 = (0..width).map(range).filter(|v| v.is_finite()).sum::<f64>() / unit;
    for i in 0..=10 {
        let sum = total * f64::from(i) / 10.0;
        let risk = model.estimand().response(start + sum * unit);
        table.push(vec!["sum of points".into(), format!("{sum:.0}"), format!("risk {:.1} %", 100.0 * risk)]);
    }
    Some(Panel {
        title: "Points".into(),
        note: "The specialist on paper: add the points of a patient's values (between two values, in proportion), and read the risk \
               from the sum. Points are parts of the model's margin; the feature that can matter most has 100."
            .into(),
        header: ["feature", "value", "points"].map(String::from).to_vec(),
        table,
        ..Panel::default()
    })
}

/// Values that a table shows: quantiles, or every level.
fn grid(train: &Dataset, column: usize, kind: &FeatureKind) -> Vec<f64> {
    match kind {
        FeatureKind::Category { levels } => (0..levels.len()).map(|l| l as f64).collect(),
        FeatureKind::Number => {
            let seen: Vec<f64> = train.records().column(column).iter().copied().filter(|v| !v.is_nan()).collect();
            if seen.is_empty() {
                return Vec::new();
            }
            let mut at: Vec<f64> =
                [0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98].map(|q| quantile_of(&seen, q, train.fewest_rows)).to_vec();
            at.dedup();
            at
        }
    }
}

fn margins(model: &dyn Predict, train: &Dataset, records: Array2<f64>) -> Option<Vec<f64>> {
    let labels = Labels::unknown(records.nrows());
    let mut data = Dataset::new(train.features.clone(), records, labels).ok()?;
    data.estimand = train.estimand;
    model.margin(&data).ok()
}

/// Whether the margins of some patients are the sums of their features' parts.
fn additive(model: &dyn Predict, train: &Dataset, reference: &[f64], base: f64) -> Option<bool> {
    const PATIENTS: usize = 20;
    let width = reference.len();
    for r in (0..train.rows()).step_by(train.rows().div_ceil(PATIENTS).max(1)) {
        let own = train.row(r);
        let cell = |i: usize, j: usize| if i == width || i == j { own[j] } else { reference[j] };
        let found = margins(model, train, Array2::from_shape_fn((width + 1, width), |(i, j)| cell(i, j)))?;
        let sum: f64 = found[..width].iter().map(|m| m - base).sum();
        if (base + sum - found[width]).abs() > 1e-6 {
            return Some(false);
        }
    }
    Some(true)
}

/// What the panels say of a patient like this one.
pub fn beside(panels: &[Panel], row: &Dataset, model: &str, predicted: f64) -> Vec<String> {
    let mut out = Vec::new();
    let find = |title: &str| panels.iter().find(|p| p.title == title);
    let rows = |panel: &'_ Panel| panel.table.iter().cloned().zip(panel.numbers.iter().cloned()).collect::<Vec<_>>();
    let name = |row: &[String]| row.first().cloned().unwrap_or_default();
    if let Some(panel) = find(SIMILAR_TITLE) {
        for (r, range) in rows(panel).iter().filter(|(r, _)| name(r) == model) {
            let ([from, to], [_, _, _, n, observed, course]) = (&range[..], &r[..]) else { continue };
            if predicted >= *from && (predicted < *to || *to >= 1.0) {
                let course = if course.is_empty() { String::new() } else { format!(" (by time: {course})") };
                out.push(format!("of {n} patients with a similar risk {observed} had the event{course}"));
                break;
            }
        }
    }
    if let Some(panel) = find(VALUES_TITLE) {
        let known = rows(panel);
        for (c, f) in row.features.iter().enumerate() {
            let value = row.records()[[0, c]];
            let Some((_, range)) = known.iter().find(|(r, _)| name(r) == f.name) else { continue };
            let [from, to] = range[..] else { continue };
            if value < from || value > to {
                out.push(format!("warning: {} is outside of what the model was trained on ({from} to {to})", f.name));
            }
        }
    }
    out
}
