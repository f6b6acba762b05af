//! Sets of diagnoses that hold the truth as often as promised (split conformal prediction).

use rand::seq::SliceRandom;
use specialist_core::{Candidate, Context, Panel, PanelInput};

use crate::subgroups::groups;

/// How often a set must hold the truth.
const PROMISED: [f64; 2] = [0.9, 0.95];
/// Partings of the sealed rows into those that set the threshold and those that are judged.
const REPEATS: usize = 50;

/// The threshold of non-conformity (one less the probability of the class; Sadinle, Lei and Wasserman 2019): the k-th
/// smallest score of the calibration rows with k = ⌈(n + 1) × promised⌉; infinite where there are too few.
fn threshold(scores: &[f64], promised: f64) -> f64 {
    let mut sorted = scores.to_vec();
    sorted.sort_by(f64::total_cmp);
    let k = ((sorted.len() as f64 + 1.0) * promised).ceil() as usize;
    sorted.get(k - 1).copied().unwrap_or(f64::INFINITY)
}

/// The non-conformity of every class for one row of predictions: of a single probability, of the no and of the yes.
fn scores(row: &[f64]) -> Vec<f64> {
    match row {
        [probability] => vec![*probability, 1.0 - probability],
        classes => classes.iter().map(|p| 1.0 - p).collect(),
    }
}

/// Coverage and size of the specialist's sets, over all and by subgroup.
pub fn panel(input: &PanelInput<'_>) -> Option<Panel> {
    let p = input.predictions.iter().find(|p| p.name == Candidate::Specialist)?;
    let p: Vec<Vec<f64>> = p.outputs.iter_rows().map(scores).collect();
    let truth = |r: usize| p[r][input.rows.labels().codes()[r] as usize];
    let mut members = vec![("all".to_string(), vec![true; p.len()])];
    members.extend(groups(input).into_iter().filter(|g| !g.hidden).map(|g| (g.name, g.member)));
    let ctx = input.ctx.child("conformal");
    let mut table = Vec::new();
    for promised in PROMISED {
        let judged = repeats(&ctx, p.len(), |calibration, test| {
            let own: Vec<f64> = calibration.iter().map(|&r| truth(r)).collect();
            let bar = threshold(&own, promised);
            let of = |member: &Vec<bool>| {
                let tested = || test.iter().copied().filter(|&r| member[r]);
                let n = tested().count() as f64;
                let hit = tested().filter(|&r| truth(r) <= bar).count() as f64;
                let size = tested().map(|r| p[r].iter().filter(|s| **s <= bar).count()).sum::<usize>();
                [n, hit, size as f64]
            };
            members.iter().map(|(_, m)| of(m)).collect::<Vec<_>>()
        });
        for (g, (name, member)) in members.iter().enumerate() {
            let size = member.iter().filter(|m| **m).count();
            let sum = |k: usize| judged.iter().map(|j| j[g][k]).sum::<f64>();
            let shares: Vec<f64> = judged.iter().filter(|j| j[g][0] > 0.0).map(|j| j[g][1] / j[g][0]).collect();
            let at = |q| 100.0 * specialist_core::bootstrap::quantile(&shares, q);
            table.push(vec![
                format!("{:.0} %", 100.0 * promised),
                name.clone(),
                size.to_string(),
                format!("{:.1} % ({:.1} to {:.1})", 100.0 * sum(1) / sum(0), at(0.025), at(0.975)),
                format!("{:.2}", sum(2) / sum(0)),
            ]);
        }
    }
    let instead = match input.rows.labels().levels().len() {
        2 => "a yes or no the specialist may name a set: yes, no, both, or none",
        _ => "one diagnosis the specialist may name a set of them, or none",
    };
    Some(Panel {
        title: "Sets of diagnoses".into(),
        note: format!(
            "Instead of {instead}, made so that it holds the truth as often \
             as promised. Half of the sealed patients set the threshold, the other half is judged, {REPEATS} times (with the range of \
             95 % of them). The promise holds over all patients; a subgroup that falls short of it should not rely on the sets. \
             A mean size of 1 is a plain diagnosis."
        ),
        header: ["promised", "patients", "number", "held the truth", "mean size"].map(String::from).to_vec(),
        table,
        ..Panel::default()
    })
}

fn repeats<T: Send>(ctx: &Context, n: usize, judge: impl Fn(&[usize], &[usize]) -> T + Sync) -> Vec<T> {
    ctx.map(REPEATS, |k| {
        let mut rows: Vec<usize> = (0..n).collect();
        rows.shuffle(&mut ctx.rng(&k.to_string()));
        let (calibration, test) = rows.split_at(n / 2);
        judge(calibration, test)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_those_of_mapie() {
        // MAPIE 1.6.0, tests/reference/conformal.py: rows of even number set the threshold.
        let p = |i: usize| ((i * 37 + 11) % 199 + 1) as f64 / 201.0;
        let y = |i: usize| (((i * 61 + 17) % 97) as f64 / 97.0) < p(i);
        let score = |i: usize, class: bool| scores(&[p(i)])[usize::from(class)];
        let own: Vec<f64> = (0..300).step_by(2).map(|i| score(i, y(i))).collect();
        let bar = threshold(&own, 0.9);
        assert!((bar - 0.751_243_781_094_527_4).abs() < 1e-12, "{bar}");
        let rows: Vec<usize> = (1..300).step_by(2).collect();
        let hit = rows.iter().filter(|&&i| score(i, y(i)) <= bar).count() as f64 / rows.len() as f64;
        let size = rows.iter().map(|&i| [true, false].iter().filter(|c| score(i, **c) <= bar).count()).sum::<usize>();
        assert!(
            (hit - 0.886_666_666_666_666_7).abs() < 1e-12
                && (size as f64 / rows.len() as f64 - 1.513_333_333_333_333_3).abs() < 1e-12,
            "{hit} {size}"
        );
        assert_eq!(threshold(&own[..5], 0.95), f64::INFINITY);
    }
}
