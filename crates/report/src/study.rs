//! A study on the page: how it went, what mattered, where the good trials lie.

use maud::{Markup, html};

use crate::chart::{self, Line, Plot};
use crate::{Optimism, StudyView, TrialView, number};

impl Optimism {
    /// What it means, in one sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let Self { tuning, gap, trials } = self;
        format!(
            "optimism: the best of {trials} trials ({tuning}) looks {} ({} to {}) better in the search's own folds than in fresh ones",
            number(gap.estimate, 4),
            number(gap.low, 4),
            number(gap.high, 4),
        )
    }
}

/// Trials that are drawn one by one in a parallel plot, at most.
const DRAWN: usize = 400;

/// Everything about one study.
pub(crate) fn section(study: &StudyView) -> Markup {
    let with: Vec<&TrialView> = study.trials.iter().filter(|t| t.value.is_some()).collect();
    if with.len() < 2 {
        return html! {};
    }
    html! {
        h3 { "The study “" (study.name) "”" }
        p.small { (study.trials.len()) " trials: " (counts(study)) "." }
        div.grid2 { (history(study, &with)) (intermediate(study)) }
        @if !study.importance.is_empty() {
            h4 { "What mattered" }
            p.small { "The share of each parameter in what sets the best tenth of the trials apart (PED-ANOVA)." }
            (chart::bars(&study.importance, "importance"))
        }
        h4 { "Where the good trials lie" }
        p.small { "A line a trial, the better the darker; below its axis where a parameter was not active." }
        (parallel(study, &with))
        div.grid2 { @for i in shown(study) { (slice(study, &with, i)) } }
    }
}

fn counts(study: &StudyView) -> String {
    let words = ["complete", "pruned", "failed", "running", "waiting"];
    let of = |w: &&'static str| (study.trials.iter().filter(|t| t.state == **w).count(), *w);
    words.iter().map(of).filter(|(n, _)| *n > 0).map(|(n, w)| format!("{n} {w}")).collect::<Vec<_>>().join(", ")
}

fn better(study: &StudyView, a: f64, b: f64) -> f64 {
    if study.larger_is_better { a.max(b) } else { a.min(b) }
}

fn history(study: &StudyView, with: &[&TrialView]) -> Markup {
    let points: Vec<(f64, f64)> = with.iter().map(|t| (t.number as f64, t.value.unwrap_or(f64::NAN))).collect();
    let mut best = points[0].1;
    let so_far = points.iter().map(|(n, v)| {
        best = better(study, best, *v);
        (*n, best)
    });
    let line = |name: &str, points: Vec<(f64, f64)>| Line { name: name.into(), points, band: Vec::new(), bars: false };
    let plot = Plot {
        x: "trial".into(),
        y: study.metric.clone(),
        lines: vec![line("best so far", so_far.collect())],
        x_range: None,
        y_range: None,
        log_x: false,
        log_y: false,
        diagonal: false,
    };
    html! { div { h4 { "How it went" } (plot.draw_with(&points)) } }
}

fn intermediate(study: &StudyView) -> Markup {
    let with = study.trials.iter().filter(|t| t.steps.len() > 1);
    let curves: Vec<(Vec<(f64, f64)>, bool)> =
        with.map(|t| (t.steps.iter().map(|(s, v)| (*s as f64, *v)).collect(), t.state == "pruned")).collect();
    if curves.is_empty() {
        return html! {};
    }
    html! { div { h4 { "Values on the way" } (chart::bundle(&curves, "fold or step", &study.metric)) } }
}

/// The parameters that get a slice: the most important ones.
fn shown(study: &StudyView) -> Vec<usize> {
    const SLICES: usize = 6;
    let place = |name: &String| study.params.iter().position(|p| p.name == *name);
    study.importance.iter().filter(|(_, v)| *v > 0.0).filter_map(|(n, _)| place(n)).take(SLICES).collect()
}

/// From 0 for the worst to 1 for the best value.
fn ranks(study: &StudyView, with: &[&TrialView]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..with.len()).collect();
    order.sort_by(|&a, &b| with[a].value.unwrap_or(f64::NAN).total_cmp(&with[b].value.unwrap_or(f64::NAN)));
    if !study.larger_is_better {
        order.reverse();
    }
    let mut out = vec![0.0; with.len()];
    order.iter().enumerate().for_each(|(r, &i)| out[i] = r as f64 / (with.len() - 1) as f64);
    out
}

fn slice(study: &StudyView, with: &[&TrialView], i: usize) -> Markup {
    let p = &study.params[i];
    let ranks = ranks(study, with);
    let points = with.iter().zip(ranks).filter_map(|(t, r)| Some((t.places[i]?, t.value?, r))).collect::<Vec<_>>();
    let ticks: Vec<(f64, String)> = if p.levels.is_empty() {
        vec![(0.0, p.low.clone()), (1.0, p.high.clone())]
    } else {
        let n = p.levels.len() as f64;
        p.levels.iter().enumerate().map(|(k, l)| ((k as f64 + 0.5) / n, l.clone())).collect()
    };
    chart::scatter(&points, &ticks, &p.name, &study.metric)
}

fn parallel(study: &StudyView, with: &[&TrialView]) -> Markup {
    let mut lines: Vec<(Vec<Option<f64>>, f64)> =
        with.iter().zip(ranks(study, with)).map(|(t, r)| (t.places.clone(), r)).collect();
    // The best ones are drawn last, over the others.
    lines.sort_by(|a, b| a.1.total_cmp(&b.1));
    let skip = lines.len().saturating_sub(DRAWN);
    let axes: Vec<(String, String, String)> = study
        .params
        .iter()
        .map(|p| match (p.levels.first(), p.levels.last()) {
            (Some(a), Some(b)) => (p.name.clone(), a.clone(), b.clone()),
            _ => (p.name.clone(), p.low.clone(), p.high.clone()),
        })
        .collect();
    chart::parallel(&axes, &lines[skip..])
}
