//! Tables of mean regret and of paired differences.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::Curves;

/// The recorded peer that differences are taken from.
const AGAINST: &str = "optuna-tpe";

pub fn mean_se(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    (mean, (variance / n).sqrt())
}

pub fn print(curves: &Curves, objectives: &[String], trials: usize) {
    let marks: Vec<usize> = [50, 100, 200].into_iter().filter(|n| *n <= trials).collect();
    println!("mean normalised regret (0: best known, 1: median random point), ± standard error over seeds");
    for &n in &marks {
        println!("\nafter {n} trials");
        let short: Vec<String> = objectives
            .iter()
            .map(|o| format!("{:>14}", o.rsplit(':').next().unwrap_or(o).chars().take(13).collect::<String>()))
            .collect();
        println!("{:<12}{}{:>9}", "", short.concat(), "mean");
        for (name, by_objective) in curves {
            let cells: Vec<(f64, f64)> =
                by_objective.iter().map(|seeds| mean_se(&seeds.iter().map(|c| c[n - 1]).collect::<Vec<_>>())).collect();
            let text: String = cells.iter().map(|(m, s)| format!("{:>14}", format!("{m:.3} ±{s:.3}"))).collect();
            println!("{name:<12}{text}{:>9.4}", cells.iter().map(|c| c.0).sum::<f64>() / cells.len() as f64);
        }
    }
    let Some((_, against)) = curves.iter().find(|(n, _)| n == AGAINST) else { return };
    println!("\nmean over objectives of (optimiser − {AGAINST}), 95 % bootstrap interval over seeds within objectives");
    for (name, by_objective) in curves.iter().filter(|(n, _)| n != AGAINST) {
        let cells: Vec<String> = marks
            .iter()
            .map(|&n| {
                let differences: Vec<Vec<f64>> = by_objective
                    .iter()
                    .zip(against)
                    .map(|(a, b)| a.iter().zip(b).map(|(x, y)| x[n - 1] - y[n - 1]).collect())
                    .collect();
                let (mean, low, high) = bootstrap(&differences);
                format!("at {n}: {mean:+.4} ({low:+.4} to {high:+.4})")
            })
            .collect();
        println!("{name:<12}{}", cells.join("   "));
    }
}

/// The mean over objectives of the mean over seeds, and its percentile interval.
fn bootstrap(cells: &[Vec<f64>]) -> (f64, f64, f64) {
    const REPLICATES: usize = 2000;
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    let whole = mean(&cells.iter().map(|c| mean(c)).collect::<Vec<_>>());
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut replicates: Vec<f64> = (0..REPLICATES)
        .map(|_| {
            let one =
                |c: &Vec<f64>| (0..c.len()).map(|_| c[rng.random_range(0..c.len())]).sum::<f64>() / c.len() as f64;
            mean(&cells.iter().map(one).collect::<Vec<_>>())
        })
        .collect();
    replicates.sort_by(f64::total_cmp);
    (whole, replicates[REPLICATES / 40], replicates[REPLICATES - 1 - REPLICATES / 40])
}
