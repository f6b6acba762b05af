//! Thresholds in double precision for an engine that compares in single.
//!
//! LightGBM sends a value left if it is at most the threshold, both doubles. The engine sends it left if it is below a
//! single-precision condition. For every threshold `t` that condition is the next single above `t`; what is left to do is to
//! give each value a single that lies on the same side of all conditions as the value lies of all thresholds: its own
//! rounding, moved by as little as that takes. Where two thresholds share a condition (seconds since 1970 are 128 apart in single
//! precision) the feature is first shifted by a constant.

use serde::{Deserialize, Serialize};

/// The thresholds of one feature.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Thresholds {
    /// Taken from every value before it is rounded.
    pub offset: f64,
    /// In order, without repeats, before the offset is taken.
    pub at: Vec<f64>,
}

/// The thresholds of every feature; empty for a model in single precision.
pub type Doubles = Vec<Thresholds>;

/// The smallest single above `t`: the condition that says "at most `t`".
pub(super) fn condition(t: f64) -> f32 {
    let nearest = t as f32;
    if f64::from(nearest) > t { nearest } else { nearest.next_up() }
}

impl Thresholds {
    /// The thresholds `at` with an offset that keeps their conditions apart; `None` where none does.
    pub(super) fn new(mut at: Vec<f64>) -> Option<Self> {
        at.sort_by(f64::total_cmp);
        at.dedup();
        let apart = |offset: f64| at.windows(2).all(|w| condition(w[0] - offset) < condition(w[1] - offset));
        let middle = at.get(at.len() / 2).copied().unwrap_or(0.0);
        let offset = [0.0, middle, at.first().copied().unwrap_or(0.0)].into_iter().find(|o| apart(*o))?;
        Some(Self { offset, at })
    }

    /// A single on the same side of every condition as `value` is of every threshold; `NaN` stays missing.
    #[must_use]
    pub fn narrow(&self, value: f64) -> f32 {
        let plain = (value - self.offset) as f32;
        if self.at.is_empty() || value.is_nan() {
            return plain;
        }
        let below = self.at.partition_point(|t| *t < value);
        if let Some(t) = below.checked_sub(1).and_then(|i| self.at.get(i)) {
            let least = condition(t - self.offset);
            if plain < least {
                return least;
            }
        }
        match self.at.get(below).map(|t| condition(t - self.offset)) {
            Some(limit) if plain >= limit => limit.next_down(),
            _ => plain,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The side that a double takes of every threshold is the side that its single takes of every condition.
    fn agrees(thresholds: &[f64], values: &[f64]) {
        let found = Thresholds::new(thresholds.to_vec()).unwrap();
        for v in values {
            let single = found.narrow(*v);
            for t in thresholds {
                assert_eq!(*v <= *t, single < condition(t - found.offset), "{v} {t}");
            }
        }
    }

    #[test]
    fn values_keep_their_side_of_every_threshold() {
        let around = |t: &[f64]| -> Vec<f64> {
            t.iter()
                .flat_map(|t| {
                    [t.next_down(), *t, t.next_up(), t - 1e-9, t + 1e-9, t - 1.0, t + 1.0, f64::from(*t as f32)]
                })
                .collect()
        };
        let decimals = [0.1, 0.2, 0.3, 36.6, 37.5, 100.05, -0.7];
        agrees(&decimals, &around(&decimals));
        let seconds = [1_760_000_523.0, 1_760_000_524.5, 1_760_000_600.25, 1_760_090_000.0];
        agrees(&seconds, &around(&seconds));
        let accounts = [4.503_599_627e15, 4.503_599_627_3e15, 4.503_600e15];
        agrees(&accounts, &around(&accounts));
        agrees(&[0.0, 1e-40], &[0.0, -0.0, 1e-41, 1e-39, -1.0, 1.0]);
    }

    #[test]
    fn thresholds_that_no_offset_keeps_apart_are_refused() {
        assert!(Thresholds::new(vec![0.0, 1e15, 1e15 + 1.0, 2e15, 2e15 + 1.0]).is_none());
        assert!(Thresholds::new(Vec::new()).unwrap().at.is_empty());
        assert!(Thresholds::default().narrow(f64::NAN).is_nan());
    }
}
