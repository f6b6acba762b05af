//! Right-censored times ([`Followed`](crate::Followed)).

mod competing;
mod concordance;
mod cox;
mod curves;

pub use competing::cumulative_incidence;
pub use concordance::{dynamic_auc, harrell, ranks, uno};
pub use cox::{PartialLikelihood, Ties, baseline, cox_slope, partial_likelihood};
pub use curves::{Baseline, KaplanMeier, Steps, censoring, kaplan_meier, nelson_aalen};

use crate::Followed;

/// The logarithm of the cumulative hazard that a risk stands for, which is first kept `1e-12` away from 0 and 1.
#[must_use]
pub fn log_hazard(risk: f64) -> f64 {
    (-(-risk.clamp(1e-12, 1.0 - 1e-12)).ln_1p()).ln()
}

/// Digits behind the point that a time of the size of `horizon` is shown with: days of a thousand need none, years of two
/// need two.
#[must_use]
pub fn decimals(horizon: f64) -> usize {
    (3.0 - horizon.abs().max(1e-9).log10().ceil()).clamp(0.0, 6.0) as usize
}

/// Row positions by falling time.
pub(crate) fn latest_first(label: &[Followed]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..label.len() as u32).collect();
    order.sort_by(|&a, &b| label[b as usize].time.total_cmp(&label[a as usize].time));
    order
}

/// Runs of `order` whose rows have one time.
pub(crate) fn tied<'a>(order: &'a [u32], label: &'a [Followed]) -> impl Iterator<Item = &'a [u32]> {
    order.chunk_by(|&a, &b| label[a as usize].time == label[b as usize].time)
}
