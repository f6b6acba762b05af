//! Whether those of higher risk have their event earlier.

use super::{Steps, latest_first, tied};
use crate::Followed;

/// The dense rank of every row by its prediction, and how many ranks there are; `order` holds the rows by falling
/// prediction.
#[must_use]
pub fn ranks(predicted: &[f64], order: &[u32]) -> (Vec<u32>, usize) {
    let mut out = vec![0; predicted.len()];
    let mut rank = 0;
    for (i, &row) in order.iter().enumerate().rev() {
        out[row as usize] = rank;
        let next = i.checked_sub(1).map(|j| predicted[order[j] as usize]);
        if next.is_some_and(|p| p != predicted[row as usize]) {
            rank += 1;
        }
    }
    (out, rank as usize + 1)
}

/// Weights by rank, with sums up to a rank in logarithmic time (Fenwick 1994).
struct Sums(Vec<f64>);

impl Sums {
    fn add(&mut self, rank: usize, weight: f64) {
        let mut i = rank + 1;
        while i < self.0.len() {
            self.0[i] += weight;
            i += i & i.wrapping_neg();
        }
    }

    /// The weight of the ranks below `rank`.
    fn below(&self, rank: usize) -> f64 {
        let (mut i, mut sum) = (rank, 0.0);
        while i > 0 {
            sum += self.0[i];
            i -= i & i.wrapping_neg();
        }
        sum
    }
}

/// Concordant, tied in prediction, and all comparable pairs: the earlier row has its event, and `factor(time)` is what
/// a pair counts beside the rows' weights. A row that is censored at the time of an event counts as later.
fn pairs(
    label: &[Followed],
    (rank, ranks): &(Vec<u32>, usize),
    weight: &[f64],
    factor: impl Fn(f64) -> f64,
) -> (f64, f64, f64) {
    let order = latest_first(label);
    let mut sums = Sums(vec![0.0; ranks + 1]);
    let (mut concordant, mut equal, mut comparable, mut later) = (0.0, 0.0, 0.0, 0.0);
    for group in tied(&order, label) {
        let rows = |event: bool| {
            let of = group.iter().map(|&r| r as usize).filter(move |&r| label[r].had_event() == event);
            of.filter(|&r| weight[r] > 0.0)
        };
        for r in rows(false) {
            sums.add(rank[r] as usize, weight[r]);
            later += weight[r];
        }
        let factor = factor(label[group[0] as usize].time);
        for r in rows(true) {
            let (below, at_most) = (sums.below(rank[r] as usize), sums.below(rank[r] as usize + 1));
            let w = weight[r] * factor;
            concordant += w * below;
            equal += w * (at_most - below);
            comparable += w * later;
        }
        for r in rows(true) {
            sums.add(rank[r] as usize, weight[r]);
            later += weight[r];
        }
    }
    (concordant, equal, comparable)
}

/// Harrell's C (1982): the share of comparable pairs in which the row with the earlier event has the higher
/// prediction; equal predictions count one half.
#[must_use]
pub fn harrell(label: &[Followed], ranks: &(Vec<u32>, usize), weight: &[f64]) -> f64 {
    let (concordant, equal, comparable) = pairs(label, ranks, weight, |_| 1.0);
    (concordant + equal / 2.0) / comparable
}

/// Uno's C (2011) up to `horizon`: a pair counts one over the squared probability `uncensored` of having been seen so
/// long, so that the value does not depend on how rows were censored.
#[must_use]
pub fn uno(label: &[Followed], ranks: &(Vec<u32>, usize), weight: &[f64], uncensored: &Steps, horizon: f64) -> f64 {
    let factor = |t: f64| {
        let g = uncensored.before(t);
        if t <= horizon && g > 0.0 { 1.0 / (g * g) } else { 0.0 }
    };
    let (concordant, equal, comparable) = pairs(label, ranks, weight, factor);
    (concordant + equal / 2.0) / comparable
}

/// The area under the cumulative/dynamic ROC curve at `horizon` (Uno 2007): rows with an event until then against
/// rows that were followed until then without one, weighted against censoring; `order` holds the rows by falling prediction.
#[must_use]
pub fn dynamic_auc(
    label: &[Followed],
    predicted: &[f64],
    order: &[u32],
    weight: &[f64],
    uncensored: &Steps,
    horizon: f64,
) -> f64 {
    let (mut cases, mut controls, mut area) = (0.0, 0.0, 0.0);
    for group in order.chunk_by(|&a, &b| predicted[a as usize] == predicted[b as usize]) {
        let (mut case, mut control) = (0.0, 0.0);
        for r in group.iter().map(|&r| r as usize) {
            // A row that a replicate left out: where it was the last one followed, nobody is uncensored before it, and
            // nothing over nothing is not nothing.
            if weight[r] == 0.0 {
                continue;
            }
            let t = label[r].time;
            if t <= horizon && label[r].had_event() {
                case += weight[r] / uncensored.before(t);
            } else if t >= horizon {
                // No weight against censoring: it is the same for all who were followed so long, and the area is a ratio.
                control += weight[r];
            }
        }
        area += control * (cases + case / 2.0);
        cases += case;
        controls += control;
    }
    area / (cases * controls)
}
