//! What others make of the same objectives.

use std::collections::BTreeMap;
use std::path::Path;

use rand_of_tpe::SeedableRng;
use rand_of_tpe::rngs::StdRng;
use serde::Deserialize;
use specialist_search::Domain;

use crate::objective::Objective;
use crate::{Curve, Curves, Error};

#[derive(Deserialize)]
struct Recorded {
    machine: String,
    date: String,
    versions: BTreeMap<String, String>,
    /// Optimiser → runs.
    curves: BTreeMap<String, Runs>,
}

/// Objective → seed → (trial from 1, best regret so far), where it improves.
type Runs = BTreeMap<String, Vec<Vec<(usize, f64)>>>;

/// The recorded curves of the peers that have all the objectives.
pub fn recorded(data: &Path, objectives: &[String], seeds: usize, trials: usize) -> Result<Curves, Error> {
    let Ok(text) = std::fs::read_to_string(data.join("peers.json")) else { return Ok(Vec::new()) };
    let all: Recorded = serde_json::from_str(&text)?;
    let of = |(name, by): (&String, &Runs)| {
        let curves = objectives.iter().map(|o| {
            let runs = by.get(o).filter(|runs| runs.len() >= seeds)?;
            Some(runs[..seeds].iter().map(|steps| unrolled(steps, trials)).collect())
        });
        Some((name.clone(), curves.collect::<Option<Vec<Vec<Curve>>>>()?))
    };
    let curves: Curves = all.curves.iter().filter_map(of).collect();
    let versions: Vec<String> = all.versions.iter().map(|(k, v)| format!("{k} {v}")).collect();
    println!("recorded peers: {} on {}; {}\n", all.date, all.machine, versions.join(", "));
    Ok(curves)
}

fn unrolled(steps: &[(usize, f64)], trials: usize) -> Curve {
    let mut best = f64::NAN;
    let mut next = steps.iter().peekable();
    (1..=trials)
        .map(|n| {
            if let Some((_, v)) = next.next_if(|(at, _)| *at <= n) {
                best = *v;
            }
            best
        })
        .collect()
}

/// The crate `tpe`: one independent optimiser a parameter, told only while the parameter is active.
pub fn tpe_crate(objective: &Objective, seed: usize, trials: usize) -> Vec<f64> {
    let range = |d: &Domain| match d {
        Domain::Categorical { levels, .. } => tpe::categorical_range(levels.len()),
        _ => tpe::range(0.0, 1.0),
    };
    let estimator = |d: &Domain| match d {
        Domain::Categorical { .. } => tpe::histogram_estimator(),
        _ => tpe::parzen_estimator(),
    };
    let params = objective.space.params();
    let mut optimisers: Vec<_> = params
        .iter()
        .map(|p| tpe::TpeOptimizer::new(estimator(&p.domain), range(&p.domain).expect("it is sound")))
        .collect();
    let mut rng = StdRng::seed_from_u64(seed as u64);
    (0..trials)
        .map(|_| {
            let code: Vec<f64> = optimisers.iter_mut().map(|o| o.ask(&mut rng).expect("it suggests")).collect();
            let point = objective.space.decode(&code);
            let value = objective.value(&point);
            for ((o, p), c) in optimisers.iter_mut().zip(params).zip(&code) {
                if point.get(&p.name).is_some() {
                    o.tell(*c, value).expect("it is a number");
                }
            }
            value
        })
        .collect()
}
