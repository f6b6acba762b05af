//! How often a 95 % interval holds the truth, and how often two models that know nothing are "shown" to differ (5 % are
//! promised), where labels overlap, where rows belong to groups and days, and for observed over expected.
//!
//! `cargo run --release -p specialist-core --example coverage -- [RUNS]`; 200 runs take some minutes.

use ndarray::Array2;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use specialist_core::bootstrap::Bootstrap;
use specialist_core::evidence::{Prediction, differences, judge};
use specialist_core::metric::{Metric, by_name};
use specialist_core::{Context, Dataset, Feature, Key, KeyRole, SplitKeys, sigmoid};

const DAY: i64 = 86_400;
const REPLICATES: usize = 400;

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt() * (std::f64::consts::TAU * rng.random::<f64>()).cos()
}

/// A score that remembers `memory` of the day before, between 0 and 1.
fn persistent(n: usize, memory: f64, rng: &mut ChaCha8Rng) -> Vec<f64> {
    let mut last = normal(rng);
    let mut next = || {
        last = memory * last + (1.0 - memory * memory).sqrt() * normal(rng);
        sigmoid(last)
    };
    (0..n).map(|_| next()).collect()
}

fn data(labels: Vec<f64>, time: Option<Vec<i64>>, groups: Option<Vec<u32>>) -> Dataset {
    let records = Array2::zeros((labels.len(), 1));
    let mut data = Dataset::new(vec![Feature::number("x")], records, labels).expect("a valid table");
    data.time = time;
    let key = |codes| Key { name: "g".into(), role: KeyRole::Group, codes, levels: vec![], digests: Vec::new() };
    data.keys.extend(groups.map(key));
    data
}

/// Whether the interval of the first one's AUC holds .5, and whether the two differ.
fn judged(data: &Dataset, scores: [Vec<f64>; 2], keys: SplitKeys, run: usize) -> [f64; 2] {
    let ctx = Context::new(run as u64, 1);
    let metrics: Vec<Box<dyn Metric>> = by_name("roc-auc").into_iter().collect();
    let of = |(name, predicted): (&str, Vec<f64>)| Prediction {
        name: name.into(),
        outputs: predicted.into(),
        ..Prediction::default()
    };
    let predictions: Vec<Prediction> = ["a", "b"].into_iter().zip(scores).map(of).collect();
    let bootstrap = Bootstrap::new(data, keys, REPLICATES, &ctx);
    let (candidates, primary) = judge(data, &predictions, &metrics, &bootstrap, 0.95, &ctx);
    let interval = candidates[0].figures[0].interval;
    let difference = differences(&["a", "b"], &[(0, 1)], &primary, 0.95)[0].interval;
    [interval.low <= 0.5 && 0.5 <= interval.high, difference.low > 0.0 || difference.high < 0.0]
        .map(|yes| f64::from(u8::from(yes)))
}

fn table(runs: usize, name: &str, one: impl Fn(usize, &mut ChaCha8Rng) -> [f64; 2] + Sync) {
    let ctx = Context::new(7, std::thread::available_parallelism().map_or(1, usize::from));
    let found = ctx.map(runs, |run| one(run, &mut ctx.rng(&format!("{name} {run}"))));
    let share = |k: usize| 100.0 * found.iter().map(|f| f[k]).sum::<f64>() / runs as f64;
    println!("{name:<58} {:>5.1} {:>5.1}", share(0), share(1));
}

fn main() {
    let runs = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(200);
    println!("{:<58} holds shown   ({runs} runs)", "");
    for days in [500, 1000, 3189] {
        for horizon in [1, 5, 21, 60] {
            for memory in [0.9, 0.99] {
                let keys = |gap| SplitKeys { time: true, gap, ..SplitKeys::default() };
                let name = format!("{days} days, horizon {horizon}, scores' memory {memory}");
                table(runs, &name, |run, rng| {
                    let mut price = vec![0.0];
                    (0..days + horizon).for_each(|i| price.push(price[i] + normal(rng)));
                    let label = |i: usize| f64::from(u8::from(price[i + horizon] > price[i]));
                    let data =
                        data((0..days).map(label).collect(), Some((0..days as i64).map(|d| d * DAY).collect()), None);
                    let scores = [persistent(days, memory, rng), persistent(days, memory, rng)];
                    judged(&data, scores, keys(horizon as i64 * DAY), run)
                });
            }
        }
    }
    let (groups, days) = (40, 100);
    let n = groups * days;
    for (what, of_group, of_day) in [("groups", 1.0, 0.0), ("days", 0.0, 1.0), ("both", 0.7, 0.7), ("rows", 0.0, 0.0)] {
        let keys = SplitKeys { group: true, time: true, ..SplitKeys::default() };
        table(runs, &format!("{groups} groups × {days} days, alike within {what}"), |run, rng| {
            let risk: [Vec<f64>; 2] =
                [(0..groups).map(|_| normal(rng)).collect(), (0..days).map(|_| normal(rng)).collect()];
            let mix =
                |effects: &[Vec<f64>; 2], i: usize| of_group * effects[0][i / days] + of_day * effects[1][i % days];
            let label = |i: usize, rng: &mut ChaCha8Rng| {
                f64::from(u8::from(rng.random::<f64>() < sigmoid(1.5 * mix(&risk, i) - 1.0)))
            };
            let labels = (0..n).map(|i| label(i, rng)).collect();
            let score = |rng: &mut ChaCha8Rng| {
                let own: [Vec<f64>; 2] =
                    [(0..groups).map(|_| normal(rng)).collect(), (0..days).map(|_| normal(rng)).collect()];
                let rest = (1.0 - of_group * of_group - of_day * of_day).max(0.0).sqrt();
                (0..n).map(|i| sigmoid(mix(&own, i) + rest * normal(rng))).collect::<Vec<f64>>()
            };
            let scores = [score(rng), score(rng)];
            let time = (0..n).map(|i| (i % days) as i64 * DAY).collect();
            let data = data(labels, Some(time), Some((0..n).map(|i| (i / days) as u32).collect()));
            judged(&data, scores, keys, run)
        });
    }
    for n in [50, 200, 1000] {
        for rate in [0.1, 0.3] {
            table(runs, &format!("observed over expected, {n} rows, {:.0} % events", 100.0 * rate), |run, rng| {
                let labels: Vec<f64> = (0..n).map(|_| f64::from(u8::from(rng.random::<f64>() < rate))).collect();
                let expected = |w: &[f64]| rate * w.iter().sum::<f64>();
                let observed = |w: &[f64]| w.iter().zip(&labels).map(|(w, y)| w * y).sum::<f64>();
                let data = data(labels.clone(), None, None);
                let ctx = Context::new(run as u64, 1);
                let bootstrap = Bootstrap::new(&data, SplitKeys::default(), REPLICATES, &ctx);
                let interval = bootstrap.interval(&ctx, 0.95, |w| observed(w) / expected(w));
                [f64::from(u8::from(interval.low <= 1.0 && 1.0 <= interval.high)), f64::NAN]
            });
        }
    }
}
