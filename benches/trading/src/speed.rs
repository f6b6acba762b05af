//! One job on our side, and the table beside Python's.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use specialist_core::{Context, Dataset, Feature, Predict, Pretrain};
use specialist_tabular::estimator::BoostedTrees;
use specialist_tabular::read::Input;
use specialist_tabular::{Estimator, EstimatorSettings};
use trading::backtest::{Account, Costs, Signal, events};
use trading::bars::read;
use trading::features::{Features, Standard};
use trading::labels::{Task, label};
use trading::performance::sharpe;
use trading::simulate::Universe;

const ROUNDS: usize = 3;
const STAGES: [&str; 5] = ["read", "features", "generalist", "forecasts", "back-test"];

/// Peak memory of this process in kilobytes, where the system tells.
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(f64::NAN)
}

/// The seconds of every stage and the peak memory, on one line.
pub fn job(file: &Path) {
    let ctx = Context::new(1, 2);
    let mut seconds = Vec::new();
    let mut clock = Instant::now();
    let mut lap = || {
        seconds.push(clock.elapsed().as_secs_f64());
        clock = Instant::now();
    };
    let market = read(&Input::File(file.into()), specialist_core::Dialect::default()).expect("bars");
    lap();
    let rows = Standard.rows(&market);
    lap();
    let cut = market.calendar()[market.calendar().len() * 6 / 10];
    let width = rows.names.len();
    let table = |early: bool| {
        let time = |&(a, i): &(usize, usize)| market.assets[a].bars[i].time;
        let kept: Vec<usize> = (0..rows.at.len()).filter(|&r| (time(&rows.at[r]) < cut) == early).collect();
        let mut values = Vec::with_capacity(kept.len() * width);
        kept.iter().for_each(|&r| values.extend_from_slice(&rows.values[r * width..(r + 1) * width]));
        let labels: Vec<f64> = kept
            .iter()
            .map(|&r| label(&market.assets[rows.at[r].0], rows.at[r].1, Task::Volatility, 5, 1.0).value)
            .collect();
        let records = specialist_core::ndarray::Array2::from_shape_vec((kept.len(), width), values).expect("rows");
        let features = rows.names.iter().map(Feature::number).collect();
        (Dataset::new(features, records, labels).expect("rows"), kept)
    };
    let (train, _) = table(true);
    let mut params = BoostedTrees.default_params();
    params.0.extend([
        ("rounds".into(), 100.into()),
        ("learning-rate".into(), 0.1.into()),
        ("max-depth".into(), 5.into()),
    ]);
    let model = EstimatorSettings { estimator: &BoostedTrees, params }.pretrain(&train, &ctx).expect("a generalist");
    lap();
    let (test, kept) = table(false);
    let probability = model.predict(&test).expect("forecasts");
    lap();
    let share = 1.0 / market.assets.len() as f64;
    let wish = |(p, &r): (&f64, &usize)| {
        let (asset, i) = rows.at[r];
        Signal { time: market.assets[asset].bars[i].time, asset, weight: share * (1.5 - p) }
    };
    let signals: Vec<Signal> = probability.iter().zip(&kept).map(wish).collect();
    let account = Account { band: 0.0, ..Account::default() };
    let history = events(&market.assets, &signals, &account, &Costs::default());
    lap();
    let all: Vec<String> = seconds.iter().map(|s| format!("{s:.3}")).collect();
    println!("{} {:.0} {:.4} {}", all.join(" "), peak(), sharpe(&history.returns(), history.periods()), rows.at.len());
}

fn figures(command: &mut Command) -> Vec<f64> {
    let out = command.output().expect("the job starts");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    text.lines().last().unwrap_or("").split(' ').filter_map(|v| v.parse().ok()).collect()
}

fn median(mut v: Vec<f64>) -> f64 {
    v.sort_by(f64::total_cmp);
    v[v.len() / 2]
}

/// Both sides in turn, and their medians.
pub fn table(python: &str) {
    let file = std::env::temp_dir().join(format!("specialist-bars-{}.csv", std::process::id()));
    std::fs::write(&file, Universe { assets: 500, days: 2520, ..Universe::default() }.csv(1)).expect("a file");
    let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers.py");
    let own = std::env::current_exe().expect("this program has a path");
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(figures(Command::new(&own).arg("job").arg(&file).env("RAYON_NUM_THREADS", "2")));
        theirs.push(figures(Command::new(python).arg(&peers).arg(&file).env("OMP_NUM_THREADS", "2")));
    }
    let of = |runs: &[Vec<f64>], i: usize| median(runs.iter().map(|r| r[i]).collect());
    println!("{:<12} {:>10} {:>10} {:>8}", "stage", "ours s", "python s", "ratio");
    let mut total = (0.0, 0.0);
    for (i, stage) in STAGES.iter().enumerate() {
        let (a, b) = (of(&ours, i), of(&theirs, i));
        total = (total.0 + a, total.1 + b);
        println!("{stage:<12} {a:>10.2} {b:>10.2} {:>8.1}", b / a);
    }
    println!("{:<12} {:>10.2} {:>10.2} {:>8.1}", "all", total.0, total.1, total.1 / total.0);
    let (a, b) = (of(&ours, 5) / 1024.0, of(&theirs, 5) / 1024.0);
    println!("{:<12} {a:>10.0} {b:>10.0} {:>8.1}", "peak MB", b / a);
    println!(
        "rows {} and {}; Sharpe ratio {:.3} and {:.3}",
        of(&ours, 7),
        of(&theirs, 7),
        of(&ours, 6),
        of(&theirs, 6)
    );
    let _ = std::fs::remove_file(file);
}
