//! The same figures by sex, by age band and by site, with intervals; small groups are not shown.

use specialist_core::metric::{Accuracy, ClassLogLoss, LogLoss, RocAuc, order};
use specialist_core::{Candidate, Dataset, FeatureKind, KeyRole, Metric, Panel, PanelInput, Scored};

/// Fewer patients than this, or where there is one event fewer with or without it, are not shown.
pub const SMALLEST: usize = 10;
/// What stands in place of figures.
pub const HIDDEN: &str = "hidden: too few, or too few beside it";
const BANDS: [(&str, f64, f64); 4] =
    [("under 40", 0.0, 40.0), ("40 to 59", 40.0, 60.0), ("60 to 74", 60.0, 75.0), ("75 and over", 75.0, 200.0)];

/// One row per subgroup and candidate; nothing when the data has neither sex nor age.
pub fn panel(input: &PanelInput<'_>) -> Option<Panel> {
    let groups = groups(input);
    if groups.is_empty() {
        return None;
    }
    let wanted = [Candidate::Generalist, Candidate::Specialist];
    // Of several classes none is the event.
    let several = input.rows.estimand.width() > 1;
    let metrics: [&dyn Metric; 2] = if several { [&ClassLogLoss, &Accuracy] } else { [&LogLoss, &RocAuc] };
    let mut table = Vec::new();
    for Group { name, member, hidden } in &groups {
        let size = member.iter().filter(|m| **m).count();
        let events = (0..member.len()).filter(|&r| member[r] && input.rows.had_event(r)).count();
        let counts = if several { size.to_string() } else { format!("{size} / {events}") };
        if *hidden {
            table.push(vec![name.clone(), "–".into(), "–".into(), HIDDEN.into(), String::new()]);
            continue;
        }
        for p in input.predictions.iter().filter(|p| Candidate::named(&p.name).is_some_and(|c| wanted.contains(&c))) {
            let order = order(&p.outputs);
            let within = |metric: &dyn Metric, weight: &[f64]| {
                let weight: Vec<f64> = weight.iter().zip(member).map(|(w, m)| if *m { *w } else { 0.0 }).collect();
                let baseline = p.baseline.as_ref();
                let (rows, outputs) = (input.rows, &p.outputs);
                metric.value(&Scored { rows, outputs, order: &order, weight: &weight, baseline, counts: None })
            };
            let cell = |metric: &dyn Metric| {
                let i = input.interval(|w| within(metric, w));
                format!("{:.3} ({:.3} to {:.3})", i.estimate, i.low, i.high)
            };
            let row = vec![name.clone(), counts.clone(), p.name.clone()];
            table.push([row, metrics.map(cell).to_vec()].concat());
        }
    }
    Some(Panel {
        title: "Subgroups".into(),
        note: format!(
            "The same models within each subgroup of the sealed rows. Subgroups with fewer than {SMALLEST} patients{} are not \
             shown.",
            if several { "" } else { " with or without the event" }
        ),
        header: ["subgroup", if several { "patients" } else { "patients / events" }, "candidate"]
            .into_iter()
            .chain(metrics.map(Metric::name))
            .map(String::from)
            .collect(),
        table,
        ..Panel::default()
    })
}

/// A subgroup of the sealed rows.
pub struct Group {
    /// Its name.
    pub name: String,
    /// Who belongs to it.
    pub member: Vec<bool>,
    /// Whether its figures would say too much of too few: its own, or by subtraction those of a group beside it.
    pub hidden: bool,
}

/// The subgroups: by sex, by age band, by site.
pub fn groups(input: &PanelInput<'_>) -> Vec<Group> {
    let rows = input.rows;
    let column = |names: &[&str]| rows.features.iter().position(|f| names.contains(&f.name.to_lowercase().as_str()));
    let mut families: Vec<Vec<(String, Vec<bool>)>> = Vec::new();
    if let Some(c) = column(&["sex", "gender"])
        && let FeatureKind::Category { levels } = &rows.features[c].kind
    {
        let of = |(code, level): (usize, &String)| {
            let member = rows.records().column(c).iter().map(|&v| v == code as f64).collect();
            (format!("{} {level}", rows.features[c].name), member)
        };
        families.push(levels.iter().enumerate().map(of).collect());
    }
    if let Some(c) = column(&["age"]) {
        let of = |(name, from, to): (&str, f64, f64)| {
            let member = rows.records().column(c).iter().map(|&v| v >= from && v < to).collect();
            (format!("age {name}"), member)
        };
        families.push(BANDS.into_iter().map(of).collect());
    }
    if let Some(site) = rows.key(KeyRole::Site).filter(|k| k.levels.len() > 1) {
        let of = |(code, level): (usize, &String)| {
            (format!("{} {level}", site.name), site.codes.iter().map(|&c| c as usize == code).collect())
        };
        families.push(site.levels.iter().enumerate().map(of).collect());
    }
    families.into_iter().flat_map(|family| suppressed(rows, family)).collect()
}

/// Hides groups that are too small, and where only one is (or only the rows that are in none) the next smallest too, so
/// that it cannot be had by subtraction.
fn suppressed(rows: &Dataset, family: Vec<(String, Vec<bool>)>) -> Vec<Group> {
    let counts = |member: &dyn Fn(usize) -> bool| {
        let inside = || (0..rows.rows()).filter(|&r| member(r));
        let (n, events) = (inside().count(), inside().filter(|&r| rows.had_event(r)).count());
        // Of several classes a row's label is not yes or no: there are the rows alone.
        (n, if rows.estimand.width() > 1 { n } else { events.min(n - events) })
    };
    let sizes: Vec<(usize, usize)> = family.iter().map(|(_, m)| counts(&|r| m[r])).collect();
    let rest = counts(&|r| family.iter().all(|(_, m)| !m[r]));
    let small = |s: &(usize, usize)| s.0 > 0 && s.1 < SMALLEST;
    let mut hidden: Vec<bool> = sizes.iter().map(|s| s.1 < SMALLEST).collect();
    let alone = sizes.iter().filter(|s| small(s)).count() + usize::from(small(&rest)) == 1;
    let next = (0..sizes.len()).filter(|&g| !hidden[g]).min_by_key(|&g| sizes[g].0);
    if let Some(next) = next.filter(|_| alone) {
        hidden[next] = true;
    }
    family.into_iter().zip(hidden).map(|((name, member), hidden)| Group { name, member, hidden }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;
    use specialist_core::{Feature, Labels};

    #[test]
    fn a_small_group_cannot_be_had_by_subtraction() {
        let y = Labels::binary((0..200).map(|i| i % 2 == 0));
        let rows = Dataset::new(vec![Feature::number("x")], Array2::zeros((200, 1)), y).unwrap();
        let family = |edges: &[usize]| -> Vec<bool> {
            let group = |(g, w): (usize, &[usize])| (g.to_string(), (0..200).map(|i| i >= w[0] && i < w[1]).collect());
            let family = edges.windows(2).enumerate().map(group).collect();
            suppressed(&rows, family).iter().map(|g| g.hidden).collect()
        };
        assert_eq!(family(&[0, 60, 130, 200]), [false; 3]);
        assert_eq!(family(&[0, 8, 60, 200]), [true, true, false], "the next smallest goes with it");
        assert_eq!(family(&[0, 8, 16, 200]), [true, true, false], "two small ones hide each other");
        assert_eq!(family(&[0, 90, 192]), [true, false], "eight rows are in no group");
    }
}
