//! Right-censored times.
//!
//! A label is a time: the event's where it is positive; a negative one is censored at its absolute value, as in
//! XGBoost's `survival:cox`. So rows are chosen, pooled and weighted like any others, and no second column can get
//! out of step.

mod competing;
mod concordance;
mod cox;
mod curves;

pub use competing::cumulative_incidence;
pub use concordance::{dynamic_auc, harrell, ranks, uno};
pub use cox::{PartialLikelihood, Ties, baseline, cox_slope, partial_likelihood};
pub use curves::{Baseline, KaplanMeier, Steps, censoring, kaplan_meier, nelson_aalen};

/// When the row was last seen.
#[must_use]
pub fn time(label: f64) -> f64 {
    label.abs()
}

/// Whether the event happened then.
#[must_use]
pub fn is_event(label: f64) -> bool {
    label > 0.0
}

/// The label of a row that was last seen at `time`.
#[must_use]
pub fn label(time: f64, event: bool) -> f64 {
    if event { time } else { -time }
}

/// The same row followed until `horizon` and no longer.
#[must_use]
pub fn until(label: f64, horizon: f64) -> f64 {
    if time(label) > horizon { -horizon } else { label }
}

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
pub(crate) fn latest_first(label: &[f64]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..label.len() as u32).collect();
    order.sort_by(|&a, &b| time(label[b as usize]).total_cmp(&time(label[a as usize])));
    order
}

/// Runs of `order` whose rows have one time.
pub(crate) fn tied<'a>(order: &'a [u32], label: &'a [f64]) -> impl Iterator<Item = &'a [u32]> {
    order.chunk_by(|&a, &b| time(label[a as usize]) == time(label[b as usize]))
}
