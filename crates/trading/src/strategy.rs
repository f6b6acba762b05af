//! From forecasts to weights.

use statrs::distribution::{ContinuousCDF, Normal};

use crate::backtest::Signal;
use crate::labels::{REFERENCE, Task, realised};
use crate::tables::Made;

/// The volatility per bar that a probability of "above the reference" stands for: with log realised volatility
/// normal about its forecast, `ln forecast = ln reference + spread × Φ⁻¹(p)`; the root of the mean square lies
/// `spread²` above the median.
#[must_use]
pub fn implied(probability: f64, reference: f64, spread: f64) -> f64 {
    let z = Normal::standard().inverse_cdf(probability.clamp(0.001, 0.999));
    (reference.ln() + spread * z + spread * spread).exp()
}

/// The volatility per bar that a prediction stands for at a bar; only for tasks of risk.
#[must_use]
pub fn volatility_of(made: &Made, at: (usize, usize), predicted: f64, spread: f64) -> f64 {
    let settings = &made.settings;
    let reference = realised(&made.market.assets[at.0].bars, at.1, REFERENCE).max(1e-6);
    match settings.task {
        Task::Quantile => {
            // The volatility of the normal distribution about 0 that has this quantile.
            let z = Normal::standard().inverse_cdf(settings.quantile);
            (predicted / 100.0 / z).max(1e-6) / (settings.horizon as f64).sqrt()
        }
        // The root of the mean square lies above the median.
        Task::Realised => reference * (predicted + spread * spread).exp(),
        _ => implied(predicted, reference, spread),
    }
}

/// A signal a row, for the bars `at` with the predictions of one candidate.
pub fn signals(made: &Made, at: &[(usize, usize)], predicted: &[f64], volatility: &[f64]) -> Vec<Signal> {
    let settings = &made.settings;
    let share = 1.0 / made.targets.len() as f64;
    let year = made.market.bars_per_year().sqrt();
    let weight = |r: usize| {
        let (a, i) = at[r];
        let bars = &made.market.assets[a].bars;
        let per_bar = realised(bars, i, REFERENCE).max(1e-6);
        match settings.task {
            Task::Volatility | Task::Realised | Task::Quantile => settings.target_volatility / (volatility[r] * year),
            // Kelly's fraction is mean over variance.
            Task::Return => settings.kelly * predicted[r] / 100.0 / (per_bar * per_bar * settings.horizon as f64),
            Task::Direction | Task::Barrier | Task::Meta => {
                // With a symmetric bet over the horizon's volatility the mean is (2p − 1) times it.
                let side = match settings.task {
                    Task::Meta if bars[i].close < bars[i - 21].close => -1.0,
                    _ => 1.0,
                };
                let move_ = per_bar * (settings.horizon as f64).sqrt();
                side * settings.kelly * (2.0 * predicted[r] - 1.0) / move_
            }
        }
    };
    let mut out: Vec<Signal> = (0..at.len())
        .map(|r| Signal {
            time: made.market.assets[at[r].0].bars[at[r].1].time,
            asset: at[r].0,
            weight: share * weight(r),
        })
        .collect();
    out.sort_by_key(|s| s.time);
    out
}

/// Holding the target's assets in equal parts from the first signal on.
#[must_use]
pub fn hold(made: &Made, signals: &[Signal]) -> Vec<Signal> {
    let share = 1.0 / made.targets.len() as f64;
    signals.iter().map(|s| Signal { weight: share, ..*s }).collect()
}
