//! What a model of several classes takes for what, and how good it is at each of them.

use specialist_core::evidence::{Evidence, Prediction};
use specialist_core::metric::{area_against, order};
use specialist_core::{Candidate, Estimand, Panel, PanelInput, Scored};
use specialist_report::SMALLEST_CELL;

/// What stands in a table in place of a count that is not told.
const FEW: &str = "few";

/// The confusion matrix of the model that ships, and each class by itself; nothing where there are not several classes.
pub(crate) fn panels(input: &PanelInput<'_>, evidence: &Evidence) -> Vec<Panel> {
    if !matches!(input.rows.estimand, Estimand::Classes(_)) {
        return Vec::new();
    }
    let shipped = evidence.verdict.outcome.ships().unwrap_or(Candidate::Generalist);
    let of = |of: Candidate| input.predictions.iter().find(|p| p.name == of);
    // Where the generalist ships, what was to take its place stands beside it.
    let mut shown: Vec<&Prediction> =
        [Candidate::Generalist, shipped, Candidate::Specialist].into_iter().filter_map(of).collect();
    let mut seen = Vec::new();
    shown.retain(|p| {
        !seen.contains(&p.name) && {
            seen.push(p.name.clone());
            true
        }
    });
    let mut out = Vec::new();
    out.extend(of(shipped).map(|p| confusion(input, p)));
    out.push(one_by_one(input, &shown));
    out
}

/// Rows of each class (first) by the class that is predicted.
fn counts(codes: &[u32], guessed: impl Iterator<Item = usize>, classes: usize) -> Vec<Vec<usize>> {
    let mut out = vec![vec![0; classes]; classes];
    codes.iter().zip(guessed).for_each(|(&truth, guess)| out[truth as usize][guess] += 1);
    out
}

/// Which cells of a row of counts are not told: those of fewer rows than must stand behind what is written, and where that is
/// one cell the smallest of the others too, so that it cannot be had by subtraction from the row's sum.
fn hidden(row: &[usize], fewest: usize) -> Vec<bool> {
    let mut out: Vec<bool> = row.iter().map(|n| (1..fewest).contains(n)).collect();
    if out.iter().filter(|h| **h).count() == 1
        && let Some(next) = (0..row.len()).filter(|&k| !out[k]).min_by_key(|&k| row[k])
    {
        out[next] = true;
    }
    out
}

fn confusion(input: &PanelInput<'_>, p: &Prediction) -> Panel {
    let labels = input.rows.labels();
    let (levels, fewest) = (labels.levels(), input.rows.fewest_rows);
    let told_few = match fewest {
        0 | 1 => String::new(),
        n => format!(
            " Where it says {FEW}: from 1 to {} rows, or a cell by which such a one could be had from the sum of its row.",
            n - 1
        ),
    };
    let counts = counts(labels.codes(), p.outputs.largest(), levels.len());
    let row = |(k, row): (usize, &Vec<usize>)| {
        let total: usize = row.iter().sum();
        let small = (1..fewest).contains(&total);
        let cell = |(n, hidden): (&usize, bool)| match n {
            _ if small || hidden => FEW.into(),
            0 => "0".into(),
            n => format!("{n} ({:.0} %)", 100.0 * *n as f64 / total as f64),
        };
        let cells = row.iter().zip(hidden(row, fewest)).map(cell);
        let total = if small { FEW.into() } else { total.to_string() };
        std::iter::once(levels[k].clone()).chain(cells).chain([total]).collect()
    };
    let header = std::iter::once("in truth \\ predicted".to_string()).chain(levels.iter().cloned());
    Panel {
        title: format!("What the {} takes for what", p.name),
        note: format!(
            "Sealed rows of each class by the class that is most probable, and their share of the class.{told_few}"
        ),
        header: header.chain(["rows".to_string()]).collect(),
        table: counts.iter().enumerate().map(row).collect(),
        printed: true,
        ..Panel::default()
    }
}

/// Of the rows of a class the share that is found; of those taken for it the share that is of it.
fn recall_and_precision(codes: &[u32], guessed: &[usize], class: usize, weight: &[f64]) -> [f64; 2] {
    let (mut hit, mut own, mut taken) = (0.0, 0.0, 0.0);
    for ((&code, &guess), &w) in codes.iter().zip(guessed).zip(weight) {
        let (is, said) = (code as usize == class, guess == class);
        hit += if is && said { w } else { 0.0 };
        own += if is { w } else { 0.0 };
        taken += if said { w } else { 0.0 };
    }
    [hit / own, hit / taken]
}

fn one_by_one(input: &PanelInput<'_>, shown: &[&Prediction]) -> Panel {
    let (rows, labels) = (input.rows, input.rows.labels());
    let codes = labels.codes();
    let mut table = Vec::new();
    let judged: Vec<_> =
        shown.iter().map(|p| (p, p.outputs.largest().collect::<Vec<_>>(), order(&p.outputs))).collect();
    for (k, level) in labels.levels().iter().enumerate() {
        let own = codes.iter().filter(|c| **c as usize == k).count();
        if own < SMALLEST_CELL {
            let count = if own == 0 { "0" } else { FEW };
            table.push(vec![level.clone(), count.into(), "–".into(), "–".into(), "–".into(), "–".into()]);
            continue;
        }
        for (p, guessed, order) in &judged {
            let cell = |value: &(dyn Fn(&[f64]) -> f64 + Sync)| {
                let i = input.interval(value);
                if i.estimate.is_nan() {
                    "–".to_string()
                } else {
                    format!("{:.3} ({:.3} to {:.3})", i.estimate, i.low, i.high)
                }
            };
            let of = |what: usize| cell(&|w: &[f64]| recall_and_precision(codes, guessed, k, w)[what]);
            let area = cell(&|weight: &[f64]| {
                area_against(
                    &Scored { rows, outputs: &p.outputs, order, weight, baseline: None, counts: None },
                    k,
                    k as u32,
                )
                .0
            });
            table.push(vec![level.clone(), own.to_string(), p.name.clone(), of(0), of(1), area]);
        }
    }
    Panel {
        title: "Class by class".into(),
        note: format!(
            "On the sealed rows. Recall: the share of the class that is found. Precision: the share of those taken for it that are of it. ROC-AUC: how well its probability ranks the class above the rest. Classes of fewer than {SMALLEST_CELL} rows are not judged."
        ),
        header: ["class", "rows", "candidate", "recall", "precision", "roc-auc"].map(String::from).to_vec(),
        table,
        ..Panel::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_rows_cannot_be_had_by_subtraction() {
        assert_eq!(hidden(&[120, 3, 40], 10), [false, true, true]);
        assert_eq!(hidden(&[120, 3, 4], 10), [false, true, true], "two hide each other");
        assert_eq!(hidden(&[120, 0, 40], 10), [false; 3], "no row is nobody");
        assert_eq!(hidden(&[120, 3, 0], 10), [false, true, true]);
        assert_eq!(hidden(&[120, 3, 0], 0), [false; 3], "anything may be written");
    }

    #[test]
    fn recall_and_precision_are_those_of_scikit_learn() {
        // sklearn.metrics: recall_score and precision_score, average=None, of these twelve rows: the second class.
        let truth = [0u32, 1, 2, 1, 1, 0, 2, 1, 0, 2, 1, 1];
        let guess = [0usize, 1, 1, 1, 0, 0, 2, 2, 1, 2, 1, 0];
        let found = recall_and_precision(&truth, &guess, 1, &[1.0; 12]);
        assert_eq!(found, [0.5, 0.6]);
        assert_eq!(counts(&truth, guess.into_iter(), 3), [[2, 1, 0], [2, 3, 1], [0, 1, 2]]);
    }
}
