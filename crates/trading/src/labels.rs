//! What is to be predicted, from the bars after the one at hand.

use serde::{Deserialize, Serialize};
use specialist_core::Estimand;

use crate::bars::{Asset, Bar};
use crate::features::LONGEST_GAP;
use crate::volatility::log_realised;

/// What the label says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// Realised volatility over the horizon is above that of the last 66 bars.
    #[default]
    Volatility,
    /// The return over the horizon is above 0.
    Direction,
    /// The upper barrier is touched before the lower one and before the horizon ends (López de Prado 2018, ch. 3):
    /// barriers stand `barrier` times the volatility of the horizon away.
    Barrier,
    /// Whether following the sign of the last 21 bars' return touches its own barrier first (meta-labelling).
    Meta,
    /// A number: the logarithm of realised volatility over the horizon, less that of the last 66 bars.
    Realised,
    /// A number: the log return over the horizon in percent; its mean is predicted.
    Return,
    /// The same number; its quantile at `quantile` is predicted: value at risk.
    Quantile,
}

impl Task {
    /// What is predicted; `level` is that of the quantile.
    #[must_use]
    pub fn estimand(self, level: f64) -> Estimand {
        match self {
            Self::Volatility | Self::Direction | Self::Barrier | Self::Meta => Estimand::Probability,
            Self::Realised | Self::Return => Estimand::Mean,
            Self::Quantile => Estimand::Quantile(level),
        }
    }

    /// Whether a forecast stands for a volatility, which the strategy then aims at.
    #[must_use]
    pub fn is_risk(self) -> bool {
        matches!(self, Self::Volatility | Self::Realised | Self::Quantile)
    }
}

/// Bars of the reference volatility.
pub const REFERENCE: usize = 66;

/// The label of a bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Label {
    /// 1 or 0, or the number; `NaN` where the future is not known yet.
    pub value: f64,
    /// The bar (by position) that settles it.
    pub settled: usize,
}

/// Log return into bar `i`.
#[must_use]
pub fn log_return(bars: &[Bar], i: usize) -> f64 {
    (bars[i].close / bars[i - 1].close).ln()
}

/// Realised volatility, per bar, of the `n` returns that end with bar `i`.
#[must_use]
pub fn realised(bars: &[Bar], i: usize, n: usize) -> f64 {
    ((i + 1 - n..=i).map(|j| log_return(bars, j).powi(2)).sum::<f64>() / n as f64).sqrt()
}

/// The label of bar `i`, which has at least [`REFERENCE`] bars before it.
#[must_use]
pub fn label(asset: &Asset, i: usize, task: Task, horizon: usize, barrier: f64) -> Label {
    let bars = &asset.bars;
    let end = i + horizon;
    let unknown = Label { value: f64::NAN, settled: end.min(bars.len() - 1) };
    let broken = |to: usize| (i + 1..=to).any(|j| bars[j].time - bars[j - 1].time > LONGEST_GAP);
    let bit = f64::from;
    if !matches!(task, Task::Barrier | Task::Meta) {
        if end >= bars.len() || broken(end) {
            return unknown;
        }
        let value = match task {
            Task::Volatility => bit(u8::from(realised(bars, end, horizon) > realised(bars, i, REFERENCE))),
            Task::Realised => log_realised(bars, end, horizon) - log_realised(bars, i, REFERENCE),
            Task::Return | Task::Quantile => 100.0 * (bars[end].close / bars[i].close).ln(),
            _ => bit(u8::from(bars[end].close > bars[i].close)),
        };
        return Label { value, settled: end };
    }
    let side = match task {
        Task::Meta if bars[i].close < bars[i - 21].close => -1.0,
        _ => 1.0,
    };
    let width = barrier * realised(bars, i, REFERENCE) * (horizon as f64).sqrt();
    let last = end.min(bars.len() - 1);
    for j in i + 1..=last {
        if broken(j) {
            return unknown;
        }
        let moved = side * (bars[j].close / bars[i].close).ln();
        if moved.abs() >= width {
            return Label { value: bit(u8::from(moved > 0.0)), settled: j };
        }
    }
    if end < bars.len() { Label { value: 0.0, settled: end } } else { unknown }
}

/// Average uniqueness of labels that live from the bar after `from` to `settled` (López de Prado 2018, ch. 4):
/// the mean over its bars of 1 / (labels alive), scaled to a mean of 1.
#[must_use]
pub fn uniqueness(spans: &[(usize, usize)]) -> Vec<f64> {
    let end = spans.iter().map(|s| s.1 + 2).max().unwrap_or(0);
    let mut alive = vec![0.0; end];
    for &(from, to) in spans {
        alive[from + 1] += 1.0;
        alive[to + 1] -= 1.0;
    }
    for i in 1..end {
        alive[i] += alive[i - 1];
    }
    let mut shares = vec![0.0; end + 1];
    for i in 0..end {
        shares[i + 1] = shares[i] + if alive[i] > 0.0 { 1.0 / alive[i] } else { 0.0 };
    }
    let unique = |&(from, to): &(usize, usize)| (shares[to + 1] - shares[from + 1]) / (to - from).max(1) as f64;
    let raw: Vec<f64> = spans.iter().map(unique).collect();
    let mean = raw.iter().sum::<f64>() / raw.len().max(1) as f64;
    raw.iter().map(|u| u / mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asset(closes: &[f64]) -> Asset {
        let bars = closes.iter().enumerate().map(|(i, c)| Bar::close_only(i as i64 * 86_400, *c)).collect();
        Asset { name: "A".into(), bars, lines: (1..=closes.len() as u64).collect(), sector: None }
    }

    fn zigzag(n: usize) -> Vec<f64> {
        (0..n).map(|i| if i % 2 == 0 { 100.0 } else { 101.0 }).collect()
    }

    #[test]
    fn barriers_are_settled_by_the_first_touch() {
        // Volatility about 1 % a bar, horizon 4: barriers 2 % away with barrier = 1.
        let mut closes = zigzag(71);
        closes.extend([101.0, 103.5, 90.0, 90.0]);
        let up = label(&asset(&closes), 70, Task::Barrier, 4, 1.0);
        assert_eq!((up.value, up.settled), (1.0, 72), "the later fall does not matter");
        let mut closes = zigzag(71);
        closes.extend([100.0, 100.1, 99.9, 100.0]);
        assert_eq!(label(&asset(&closes), 70, Task::Barrier, 4, 1.0), Label { value: 0.0, settled: 74 });
        // The last 21 bars went down by one tick: the primary signal is short, and the rise is its loss.
        let mut closes = zigzag(71);
        closes.extend([103.5; 4]);
        assert_eq!(label(&asset(&closes), 70, Task::Meta, 4, 1.0).value, 0.0);
    }

    #[test]
    fn the_latest_bars_have_no_label_and_gaps_break_it() {
        let mut a = asset(&zigzag(80));
        assert!(label(&a, 76, Task::Direction, 5, 1.0).value.is_nan());
        assert_eq!(label(&a, 74, Task::Direction, 5, 1.0).value, 1.0);
        for b in &mut a.bars[76..] {
            b.time += 2 * LONGEST_GAP;
        }
        assert!(label(&a, 74, Task::Direction, 5, 1.0).value.is_nan(), "no label spans a gap");
    }

    #[test]
    fn uniqueness_is_the_share_of_a_bar_that_a_label_has_to_itself() {
        // Labels over bars 1-2, 2-3 and 5: bar 2 is shared by two. Uniqueness 3/4, 3/4, 1; their mean is 5/6.
        let u = uniqueness(&[(0, 2), (1, 3), (4, 5)]);
        let expected = [0.9, 0.9, 1.2];
        assert!(u.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{u:?}");
    }
}
