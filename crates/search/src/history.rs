//! What a sampler and a pruner may see.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::pareto;
use crate::space::Space;
use crate::trial::{State, Trial};

/// Which way is better.
///
/// ```
/// use specialist_search::Direction;
/// assert_eq!(Direction::Minimise.loss(2.0), 2.0);
/// assert_eq!(Direction::Maximise.loss(2.0), -2.0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Smaller is better.
    Minimise,
    /// Larger is better.
    Maximise,
}

impl Direction {
    /// `value` turned so that smaller is better.
    #[must_use]
    pub fn loss(self, value: f64) -> f64 {
        match self {
            Self::Minimise => value,
            Self::Maximise => -value,
        }
    }
}

/// The trials of a study as the suggestion of one more may see them: all points, and the outcomes of
/// those that count as told. What is neither told nor failed is pending.
///
/// ```
/// use specialist_search::{History, Random, Space, Study};
/// let mut study = Study::maximise("s", Space::new().int("n", 1, 9), 0).recorded_order(3);
/// study.optimize(&Random, 4, |p| Ok(p.float("n"))).unwrap();
/// let history: History<'_> = study.history(4);
/// // In the recorded order of three workers the two latest outcomes are not to be seen yet.
/// assert_eq!((history.trials.len(), history.told().len(), history.pending().len()), (4, 2, 2));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct History<'a> {
    /// What may be chosen.
    pub space: &'a Space,
    /// The study's seed.
    pub seed: u64,
    /// Which way is better, for each objective.
    pub directions: &'a [Direction],
    /// All trials so far; the next one's number is their count.
    pub trials: &'a [Trial],
    /// The code of each trial's point (see [`Space::encode`]); `None` for points of another space.
    pub codes: &'a [Option<Vec<f64>>],
    /// Outcomes of trials with this number or a higher one are not to be seen yet.
    pub horizon: usize,
}

impl<'a> History<'a> {
    /// The trials whose outcome counts.
    pub fn visible(&self) -> impl Iterator<Item = &'a Trial> + use<'a> {
        let horizon = self.horizon;
        self.trials.iter().filter(move |t| t.number < horizon && t.state.is_finished())
    }

    /// The points that were told a value, with their losses (smaller is better). A pruned trial counts
    /// with its last value on the way.
    pub fn told(&self) -> Vec<(&'a [f64], f64)> {
        let direction = self.directions[0];
        let loss = |t: &Trial| match t.state {
            State::Complete => t.values.first().copied(),
            State::Pruned => t.steps.values().next_back().copied(),
            _ => None,
        };
        self.finished(|t| loss(t).map(|v| direction.loss(v)).filter(|v| !v.is_nan()))
    }

    /// As [`History::told`], for a study of several objectives: the loss is the rank of the point's
    /// front, and within a front the more crowded the larger.
    pub fn ranked(&self) -> Vec<(&'a [f64], f64)> {
        let all = self.vectors();
        let losses: Vec<Vec<f64>> = all.iter().map(|(_, v)| v.clone()).collect();
        let order = pareto::order(&losses);
        let mut out: Vec<(&[f64], f64)> = all.iter().map(|(c, _)| (*c, 0.0)).collect();
        order.iter().enumerate().for_each(|(rank, &i)| out[i].1 = rank as f64);
        out
    }

    /// As [`History::told`], for a study of several objectives: an augmented Chebyshev scalarisation
    /// with weights drawn anew (Knowles 2006, ParEGO).
    pub fn scalarised(&self, rng: &mut ChaCha8Rng) -> Vec<(&'a [f64], f64)> {
        let all = self.vectors();
        let k = self.directions.len();
        // Exponential draws over their sum: every set of weights is as likely as any other.
        let weights: Vec<f64> = (0..k).map(|_| -rng.random::<f64>().max(1e-12).ln()).collect();
        let sum: f64 = weights.iter().sum();
        let range = |j: usize| {
            let (lo, hi) = all.iter().fold((f64::MAX, f64::MIN), |(a, b), (_, v)| (a.min(v[j]), b.max(v[j])));
            (lo, (hi - lo).max(1e-12))
        };
        let ranges: Vec<(f64, f64)> = (0..k).map(range).collect();
        let scalar = |v: &[f64]| {
            let parts = (0..k).map(|j| weights[j] / sum * (v[j] - ranges[j].0) / ranges[j].1);
            // The sum parts points that the largest part cannot: 0.05 is Knowles's weight of it.
            parts.clone().fold(f64::MIN, f64::max) + 0.05 * parts.sum::<f64>()
        };
        all.iter().map(|(c, v)| (*c, scalar(v))).collect()
    }

    fn vectors(&self) -> Vec<(&'a [f64], Vec<f64>)> {
        self.finished(|t| {
            let v: Vec<f64> = t.values.iter().zip(self.directions).map(|(v, d)| d.loss(*v)).collect();
            (t.state == State::Complete && v.len() == self.directions.len() && v.iter().all(|x| !x.is_nan()))
                .then_some(v)
        })
    }

    fn finished<T>(&self, outcome: impl Fn(&Trial) -> Option<T>) -> Vec<(&'a [f64], T)> {
        let codes = self.codes;
        let of = |t: &Trial| Some((codes[t.number].as_deref()?, outcome(t)?));
        self.visible().filter_map(of).collect()
    }

    /// The points of trials that have no outcome yet, or none that may be seen.
    pub fn pending(&self) -> Vec<&'a [f64]> {
        let codes = self.codes;
        let open = |t: &&Trial| t.number >= self.horizon || !t.state.is_finished();
        self.trials.iter().filter(open).filter_map(|t| codes[t.number].as_deref()).collect()
    }
}

/// Whether two codes stand for the same point: equal up to rounding, inactive in the same places.
///
/// ```
/// use specialist_search::same;
/// assert!(same(&[0.5, f64::NAN], &[0.5 + 1e-12, f64::NAN]));
/// assert!(!same(&[0.5], &[0.6]));
/// ```
#[must_use]
pub fn same(a: &[f64], b: &[f64]) -> bool {
    a.iter().zip(b).all(|(x, y)| (x.is_nan() && y.is_nan()) || (x - y).abs() < 1e-9)
}
