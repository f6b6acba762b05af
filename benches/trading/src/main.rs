//! How often the whole pipeline claims an edge, over simulated universes:
//!
//!     cargo run --release -p specialist-trading-bench -- claims walk 200
//!     cargo run --release -p specialist-trading-bench -- claims edge 200
//!
//! `walk` are random walks, where every claim is false; `edge` has reversal that is worth a Sharpe ratio of about 1.5
//! after costs. Shares are shown with Wilson intervals.
//!
//!     cargo run --release -p specialist-trading-bench -- speed PYTHON
//!
//! Ten years of 500 assets, daily: reading, features, a generalist, its forecasts and a back-test, beside the same with
//! pandas, LightGBM and numpy (PYTHON has them). Both read one file and take two threads, in turn; shown are medians.

mod speed;

use std::path::{Path, PathBuf};

use specialist_core::evidence::wilson;
use specialist_core::{Context, Domain, Outcome};
use specialist_engine::recipe::parse;
use specialist_engine::{Effort, Job, Place};
use trading::Trading;
use trading::money::claimed;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["claims", kind @ ("walk" | "edge"), n] => claims(kind, n.parse().expect("a number of universes")),
        ["job", file] => speed::job(Path::new(file)),
        ["speed", python] => speed::table(python),
        _ => eprintln!("usage: specialist-trading-bench claims walk|edge N, or speed PYTHON"),
    }
}

/// What one universe came to: an edge claimed, and the specialist adopted over the generalist.
fn universe(kind: &str, seed: usize) -> (bool, bool) {
    let domain = Trading;
    let recipe = domain.recipes().iter().find(|r| r.name == "simulated").expect("it ships");
    let data = format!("embedded:simulated-{kind}-{seed}");
    let overrides = [format!("source.data='{data}'"), format!("target.data='{data}'"), format!("seed={seed}")];
    let recipe = parse("simulated.toml", recipe.text, &overrides).expect("the recipe is sound");
    let ctx = Context::new(recipe.seed, 1);
    let place = Place { folder: PathBuf::new() };
    let job = Job { recipe: &recipe, domain: &domain, place: &place, ctx: &ctx, effort: Effort::default() };
    let prepared = job.prepare().expect("rows");
    let pretrained = job.pretrain(&prepared).expect("a generalist");
    let tuned = job.tune(&prepared, pretrained).expect("candidates");
    let report = job.compare(&prepared, &tuned).expect("evidence").report;
    let shown = claimed(&report);
    (shown, report.evidence.verdict.outcome == Outcome::Adopt)
}

fn claims(kind: &str, n: usize) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let found = Context::new(1, threads).map(n, |i| universe(kind, 1000 + i));
    let of = |what: &str, count: usize| {
        let i = wilson(count as f64 / n as f64, n as f64);
        let [share, low, high] = [i.estimate, i.low, i.high].map(|v| 100.0 * v);
        println!("{what:<40} {count:>4} of {n}: {share:.1} % ({low:.1} to {high:.1})");
    };
    of("an edge claimed (money after costs)", found.iter().filter(|f| f.0).count());
    of("specialist adopted over the generalist", found.iter().filter(|f| f.1).count());
}
