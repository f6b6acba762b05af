//! Which parameters matter.

use crate::domain::Domain;
use crate::history::Direction;
use crate::normal::cdf;
use crate::study::Study;
use crate::trial::Trial;
use crate::value::Value;

/// The share of trials that count as good.
const GOOD: f64 = 0.1;
/// The prior's weight in a density, in trials.
const PRIOR: f64 = 1.0;
/// Grid points of a parameter with many values.
const STEPS: usize = 50;
/// Trials without which nothing can be said.
const FEWEST: usize = 2;

/// The share of each parameter in what makes trials good, largest first; they sum to 1. It is PED-ANOVA
/// (Watanabe, Bansal and Hutter 2023) as Optuna computes it by default: how far the density of the best
/// tenth of the trials along a parameter is from that of all trials, by Pearson's divergence. Nothing
/// with fewer than two complete trials.
///
/// ```
/// use specialist_search::{Random, Space, Study, importance};
/// let space = Space::new().float("x", 0.0, 1.0).float("y", 0.0, 1.0);
/// let mut study = Study::minimise("s", space, 0);
/// study.optimize(&Random, 100, |p| Ok(p.float("x"))).unwrap();
/// let shares = importance(&study);
/// assert_eq!(shares[0].0, "x");
/// assert!((shares[0].1 + shares[1].1 - 1.0).abs() < 1e-9);
/// ```
#[must_use]
pub fn importance(study: &Study) -> Vec<(String, f64)> {
    let raw = divergences(study);
    let sum: f64 = raw.iter().map(|(_, v)| v).sum();
    let n = raw.len() as f64;
    raw.into_iter().map(|(name, v)| (name, if sum > 0.0 { v / sum } else { 1.0 / n })).collect()
}

/// The importances before they are brought to a sum of 1.
#[must_use]
pub fn divergences(study: &Study) -> Vec<(String, f64)> {
    let direction = study.directions()[0];
    let complete: Vec<&Trial> = study.trials().iter().filter(|t| t.value().is_some()).collect();
    if complete.len() < FEWEST {
        return Vec::new();
    }
    let good = best(&complete, direction);
    let share = good.len() as f64 / complete.len() as f64;
    let of = |(name, domain): (&str, &Domain)| {
        // Trials of another range, or without the parameter, are regimes of their own.
        let codes = |trials: &[&Trial]| -> Vec<usize> {
            trials.iter().filter_map(|t| index(domain, t.params.get(name)?)).collect()
        };
        let (top, all) = (codes(&good), codes(&complete));
        if all.len() < FEWEST || top.is_empty() || grid(domain) < 2 {
            return (name.to_string(), 0.0);
        }
        let alpha = top.len() as f64 / good.len() as f64;
        let beta = all.len() as f64 / complete.len() as f64;
        (name.to_string(), alpha * alpha / beta * divergence(domain, &top, &all) * share * share)
    };
    let mut out: Vec<(String, f64)> = study.space().params().iter().map(|p| of((p.name.as_str(), &p.domain))).collect();
    out.sort_by(|a, b| b.1.total_cmp(&a.1));
    out
}

/// The best tenth, ties included.
fn best<'a>(trials: &[&'a Trial], direction: Direction) -> Vec<&'a Trial> {
    let loss = |t: &Trial| direction.loss(t.value().expect("it is complete"));
    let mut losses: Vec<f64> = trials.iter().map(|t| loss(t)).collect();
    losses.sort_by(f64::total_cmp);
    let cut = losses[((GOOD * trials.len() as f64).ceil() as usize).max(1) - 1];
    trials.iter().copied().filter(|t| loss(t) <= cut).collect()
}

/// Points of a parameter's grid.
fn grid(domain: &Domain) -> usize {
    match domain {
        Domain::Categorical { levels, .. } => levels.len(),
        Domain::Int { lo, hi, log: true, .. } => STEPS.min((((hi - lo + 1) as f64).log2().ceil() as usize) + 1),
        _ => domain.count().map_or(STEPS, |n| STEPS.min(n as usize)),
    }
}

/// The grid point nearest to a value.
fn index(domain: &Domain, value: &Value) -> Option<usize> {
    let last = grid(domain) as f64 - 1.0;
    let along = |lo: f64, hi: f64, v: f64| {
        let width = (hi - lo) / last;
        (lo <= v && v <= hi).then(|| (((v - lo) / width - 0.5).ceil()).clamp(0.0, last) as usize)
    };
    match domain {
        Domain::Categorical { levels, .. } => levels.iter().position(|l| l == value),
        Domain::Float { lo, hi, log, .. } => scaled(*log, *lo, *hi, value.number()?, along),
        Domain::Int { lo, hi, log, .. } => scaled(*log, *lo as f64, *hi as f64, value.number()?, along),
    }
}

fn scaled<T>(log: bool, lo: f64, hi: f64, v: f64, f: impl Fn(f64, f64, f64) -> T) -> T {
    if log { f(lo.ln(), hi.ln(), v.ln()) } else { f(lo, hi, v) }
}

/// Pearson's divergence of two densities on the grid.
fn divergence(domain: &Domain, top: &[usize], all: &[usize]) -> f64 {
    const NEVER_ZERO: f64 = 1e-12;
    let (a, b) = (density(domain, top), density(domain, all));
    let term = |(a, b): (&f64, &f64)| {
        let (a, b) = (a + NEVER_ZERO, b + NEVER_ZERO);
        b * (a / b - 1.0).powi(2)
    };
    a.iter().zip(&b).map(term).sum()
}

/// A kernel density estimate on the grid from the grid points of some trials, with one broad kernel.
fn density(domain: &Domain, points: &[usize]) -> Vec<f64> {
    let n = grid(domain);
    let mut counts = vec![0.0; n];
    points.iter().for_each(|&p| counts[p] += 1.0);
    let seen: Vec<(usize, f64)> = counts.into_iter().enumerate().filter(|(_, c)| *c > 0.0).collect();
    let total = points.len() as f64;
    let kernel: Box<dyn Fn(usize, usize) -> f64> = if matches!(domain, Domain::Categorical { .. }) {
        let weight = PRIOR / (seen.len() + 1) as f64;
        let sum = weight * n as f64 + 1.0;
        Box::new(move |own, at| (weight + f64::from(u8::from(own == at))) / sum)
    } else {
        let width = bandwidth(&seen, total);
        Box::new(move |own, at| cell(own as f64, width, at, n))
    };
    let broad = |at: usize| match domain {
        Domain::Categorical { .. } => 1.0 / n as f64,
        _ => cell((n - 1) as f64 / 2.0, n as f64, at, n),
    };
    let at = |x: usize| {
        let own: f64 = seen.iter().map(|(k, c)| c * kernel(*k, x)).sum();
        (own + PRIOR * broad(x)) / (total + PRIOR)
    };
    (0..n).map(at).collect()
}

/// The mass of a normal kernel in the cell of a grid point, of that on the whole grid.
fn cell(mean: f64, width: f64, at: usize, n: usize) -> f64 {
    let below = |x: f64| cdf((x - mean) / width);
    let x = at as f64;
    (below(x + 0.5) - below(x - 0.5)) / (below(n as f64 - 0.5) - below(-0.5))
}

/// Scott's rule, with the interquartile range against outliers, and never below a third of a cell.
fn bandwidth(seen: &[(usize, f64)], total: f64) -> f64 {
    let mean = seen.iter().map(|(k, c)| c * *k as f64).sum::<f64>() / total;
    let squares: f64 = seen.iter().map(|(k, c)| c * (*k as f64 - mean).powi(2)).sum();
    let sd = (squares / (total - 1.0).max(1.0)).sqrt();
    let mut sum = 0.0;
    let cumulative: Vec<f64> = seen
        .iter()
        .map(|(_, c)| {
            sum += c;
            sum
        })
        .collect();
    let first = |holds: &dyn Fn(f64) -> bool| cumulative.iter().position(|c| holds(*c)).unwrap_or(seen.len() - 1);
    let lower = first(&|c| c >= (total / 4.0).floor());
    let upper = first(&|c| c > (3.0 * total / 4.0).floor());
    let range = (seen[upper].0 - seen[lower].0) as f64;
    (1.059 * (range / 1.34).min(sd) * total.powf(-0.2)).max(0.5 / 1.64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::Params;
    use crate::space::Space;

    /// The fixture holds 40 trials and what Optuna 5.0.0's `PedAnovaImportanceEvaluator()` made of them;
    /// `tests/reference/ped_anova.py` makes it.
    #[test]
    fn it_agrees_with_optuna() {
        let text = include_str!("../tests/fixtures/ped_anova.json");
        let json: serde_json::Value = serde_json::from_str(text).unwrap();
        let space = Space::new()
            .float("x", -2.0, 3.0)
            .log_float("lr", 1e-5, 0.1)
            .int("k", 1, 12)
            .categorical("c", ["a", "b", "c"]);
        let mut study = Study::minimise("s", space, 0);
        for trial in json["trials"].as_array().unwrap() {
            let mut params: Params = serde_json::from_value(trial["params"].clone()).unwrap();
            for name in ["x", "lr"] {
                params.0.insert(name.into(), Value::Float(trial["params"][name].as_f64().unwrap()));
            }
            let n = study.enqueue(params).unwrap();
            study.tell(n, Ok(&[trial["value"].as_f64().unwrap()])).unwrap();
        }
        for (name, value) in divergences(&study) {
            let expected = json["raw"][&name].as_f64().unwrap();
            assert!((value - expected).abs() < 1e-9 * expected.max(1e-3), "{name}: {value} for {expected}");
        }
        let normalised = importance(&study);
        assert_eq!(normalised[0].0, "x");
        assert!((normalised[0].1 - 0.479_115_47).abs() < 1e-8);
    }
}
