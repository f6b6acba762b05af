//! Our samplers side by side with their peers: `cargo run --release -p specialist-search-bench`.
//!
//! Ten objectives, 20 seeds, 200 trials. The curves of Optuna and rustuna were recorded once (with
//! machine, date and versions) in `data/peers.json`; `tpe` runs here. `--samplers`, `--objectives`,
//! `--seeds` and `--trials` make it shorter.

mod cost;
mod objective;
mod peers;
mod statistics;
mod transfer;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use objective::{DEVELOPMENT, Objective};
use specialist_search::{Study, sampler_by_name};

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Best normalised regret after each trial.
pub type Curve = Vec<f64>;
/// Optimiser → objective → seed → curve.
pub type Curves = Vec<(String, Vec<Vec<Curve>>)>;

struct Options {
    samplers: Vec<String>,
    objectives: Vec<String>,
    seeds: usize,
    trials: usize,
    data: PathBuf,
    parts: Vec<String>,
}

fn options() -> Result<Options, Error> {
    let words = |s: &str| s.split(',').map(String::from).collect::<Vec<_>>();
    let mut out = Options {
        samplers: words("auto,gp,tpe,random,grid"),
        objectives: DEVELOPMENT.map(String::from).to_vec(),
        seeds: 20,
        trials: 200,
        data: Path::new(env!("CARGO_MANIFEST_DIR")).join("data"),
        parts: words("regret,cost,transfer"),
    };
    let mut args = std::env::args().skip(1);
    while let Some(key) = args.next() {
        let value = args.next().ok_or(format!("{key} needs a value"))?;
        match key.as_str() {
            "--samplers" => out.samplers = words(&value),
            "--objectives" => out.objectives = words(&value),
            "--seeds" => out.seeds = value.parse()?,
            "--trials" => out.trials = value.parse()?,
            "--data" => out.data = value.into(),
            "--parts" => out.parts = words(&value),
            _ => return Err(format!("{key}: there are --samplers --objectives --seeds --trials --data --parts").into()),
        }
    }
    Ok(out)
}

fn main() -> Result<(), Error> {
    let options = options()?;
    let load = |n: &String| Objective::load(&options.data, n);
    let objectives: Vec<Objective> = options.objectives.iter().map(load).collect::<Result<_, _>>()?;
    let has = |part: &str| options.parts.iter().any(|p| p == part);
    if has("regret") {
        let mut curves: Curves = Vec::new();
        for name in &options.samplers {
            curves.push((name.clone(), ours(name, &objectives, &options)?));
        }
        curves.push(("tpe crate".into(), grid(&objectives, &options, peers::tpe_crate)));
        curves.extend(peers::recorded(&options.data, &options.objectives, options.seeds, options.trials)?);
        statistics::print(&curves, &options.objectives, options.trials);
    }
    if has("cost") {
        cost::print()?;
    }
    if has("transfer") {
        transfer::print(&options.data, options.seeds)?;
    }
    Ok(())
}

fn ours(sampler: &str, objectives: &[Objective], options: &Options) -> Result<Vec<Vec<Curve>>, Error> {
    let sampler = sampler_by_name(sampler).ok_or(format!("there is no sampler {sampler}"))?;
    Ok(grid(objectives, options, |objective, seed, trials| {
        let mut study = Study::minimise("bench", objective.space.clone(), seed as u64 * 1_000_003);
        study.optimize(&*sampler, trials, |p| Ok(objective.value(p))).expect("memory keeps everything");
        study.trials().iter().filter_map(specialist_search::Trial::value).collect()
    }))
}

/// Runs `values` for every objective and seed on two threads and turns the values into curves.
fn grid(
    objectives: &[Objective],
    options: &Options,
    values: impl Fn(&Objective, usize, usize) -> Vec<f64> + Sync,
) -> Vec<Vec<Curve>> {
    let cells = objectives.len() * options.seeds;
    let out: Vec<Mutex<Curve>> = (0..cells).map(|_| Mutex::default()).collect();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let cell = next.fetch_add(1, Ordering::Relaxed);
                    let Some(slot) = out.get(cell) else { break };
                    let objective = &objectives[cell / options.seeds];
                    let values = values(objective, cell % options.seeds, options.trials);
                    *slot.lock().expect("nobody panicked") = curve(objective, &values, options.trials);
                }
            });
        }
    });
    let flat: Vec<Curve> = out.into_iter().map(|m| m.into_inner().expect("nobody panicked")).collect();
    flat.chunks(options.seeds).map(<[Curve]>::to_vec).collect()
}

/// A study that ran out of points stays where it was.
fn curve(objective: &Objective, values: &[f64], trials: usize) -> Curve {
    let mut best = f64::INFINITY;
    let mut out: Curve = values
        .iter()
        .map(|v| {
            best = best.min(*v);
            objective.normalised_regret(best)
        })
        .collect();
    out.resize(trials, out.last().copied().unwrap_or(f64::NAN));
    out
}
