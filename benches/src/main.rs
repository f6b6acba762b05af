//! Our logistic regression beside linfa's, on the same rows in one run: `cargo run --release -p
//! specialist-benches [ROWS]`. What counts is the ratio; the seconds are this machine's.

use std::time::Instant;

use linfa::DatasetBase;
use linfa::traits::Fit;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use specialist_core::metric::{RocAuc, evaluate};
use specialist_core::ndarray::{Array1, Array2};
use specialist_core::{Context, Dataset, Feature, Predict, sigmoid};
use specialist_tabular::Encoder;
use specialist_tabular::glm::{Prior, Problem};

const COLUMNS: usize = 30;
const REPEATS: usize = 3;

fn rows(n: usize) -> Dataset {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let beta: Vec<f64> = (0..COLUMNS).map(|j| ((j * 7) % 5) as f64 / 5.0 - 0.4).collect();
    let x = Array2::from_shape_fn((n, COLUMNS), |_| rng.random_range(-1.7..1.7));
    let y: Vec<bool> = x
        .rows()
        .into_iter()
        .map(|r| {
            let margin: f64 = r.iter().zip(&beta).map(|(a, b)| a * b).sum::<f64>() - 1.0;
            rng.random::<f64>() < sigmoid(margin)
        })
        .collect();
    Dataset::new(
        (0..COLUMNS).map(|j| Feature::number(format!("x{j}"))).collect(),
        x,
        specialist_core::Labels::binary(y),
    )
    .expect("the shapes agree")
}

/// The fastest of some repeats, in seconds, and the last result.
fn fastest<T>(mut work: impl FnMut() -> T) -> (f64, T) {
    let mut best = f64::MAX;
    let mut result = None;
    for _ in 0..REPEATS {
        let start = Instant::now();
        result = Some(work());
        best = best.min(start.elapsed().as_secs_f64());
    }
    (best, result.expect("at least one repeat"))
}

fn main() {
    let n = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(100_000);
    let data = rows(n);
    let ctx = Context::new(1, 1);
    let (ours, glm) = fastest(|| {
        let encoder = Encoder::fit(&data);
        let problem = Problem { data: &data, encoder: &encoder, offset: None, scale: 1.0 };
        problem.fit(&Prior::ridge(encoder.width(), 1.0), None, &ctx).expect("it fits")
    });
    let set = DatasetBase::new(data.records().clone(), Array1::from_iter((0..data.rows()).map(|r| data.had_event(r))));
    let (linfa, peer) =
        fastest(|| linfa_logistic::LogisticRegression::default().alpha(1.0).fit(&set).expect("it fits"));
    let auc = |p: &[f64]| evaluate(&RocAuc, &data, p);
    let sign = if peer.labels().pos.class { 1.0 } else { -1.0 };
    let theirs: Vec<f64> = peer.predict_probabilities(data.records()).iter().map(|p| sign * p).collect();
    println!("{n} rows × {COLUMNS} columns, one thread, fastest of {REPEATS}");
    println!("prior-centred GLM  {ours:8.3} s  AUC {:.4}", auc(&glm.predict(&data).expect("it scores")));
    println!("linfa-logistic     {linfa:8.3} s  AUC {:.4}", auc(&theirs));
    println!("linfa / ours       {:8.1}", linfa / ours);
}
