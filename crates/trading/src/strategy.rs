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
    out.extend(closings(made, at));
    out.sort_by_key(|s| s.time);
    out
}

/// What is held of an asset is sold when it leaves the universe: nothing is said of it any more.
fn closings(made: &Made, at: &[(usize, usize)]) -> Vec<Signal> {
    let mut out = Vec::new();
    for &asset in &made.targets {
        let bars = &made.market.assets[asset].bars;
        let Some(first) = at.iter().filter(|x| x.0 == asset).map(|x| x.1).min() else { continue };
        let belongs = |i: usize| made.members.has(asset, bars[i].time);
        let left = (first + 1..bars.len()).filter(|&i| belongs(i - 1) && !belongs(i));
        out.extend(left.map(|i| Signal { time: bars[i].time, asset, weight: 0.0 }));
    }
    out
}

/// Holding the target's assets in equal parts from the first signal on, while they belong to the universe.
#[must_use]
pub fn hold(made: &Made, signals: &[Signal]) -> Vec<Signal> {
    let share = 1.0 / made.targets.len() as f64;
    let belongs = |s: &Signal| made.members.has(s.asset, s.time);
    signals.iter().map(|s| Signal { weight: if belongs(s) { share } else { 0.0 }, ..*s }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bars::Members;
    use crate::simulate::Universe;
    use crate::tables::Settings;

    #[test]
    fn what_leaves_the_universe_is_sold() {
        let market = Universe { assets: 2, days: 400, ..Universe::default() }.market(1);
        let time = |i: usize| market.assets[0].bars[i].time;
        let members = Members::of(vec![vec![(i64::MIN, time(349))], vec![(i64::MIN, i64::MAX)]]);
        let at: Vec<(usize, usize)> =
            (300..390).flat_map(|i| [(0, i), (1, i)]).filter(|(a, i)| *a == 1 || *i < 350).collect();
        let (left, end) = (time(350), at.len());
        let made = Made { market, targets: vec![0, 1], members, settings: Settings::default() };
        let found = signals(&made, &at, &vec![0.5; end], &vec![0.01; end]);
        assert_eq!(found.len(), end + 1);
        let closing: Vec<&Signal> = found.iter().filter(|s| s.weight == 0.0).collect();
        assert_eq!(closing, [&Signal { time: left, asset: 0, weight: 0.0 }]);
        let held = hold(&made, &found);
        assert_eq!(held.iter().filter(|s| s.weight == 0.0).count(), 1, "nor is it held as the benchmark");
    }
}
