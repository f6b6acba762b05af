//! Several causes, of which the first that happens is seen.

use super::{Steps, latest_first, tied};
use crate::Followed;

/// The Aalen–Johansen estimate (1978) of the cumulative incidence of every cause: the probability that it happens, and
/// happens first, until a time. There are `causes`, the event the first of them; rows weigh `weight`.
#[must_use]
pub fn cumulative_incidence(label: &[Followed], weight: &[f64], causes: usize) -> Vec<Steps> {
    let mut order = latest_first(label);
    order.reverse();
    let mut risk: f64 = weight.iter().sum();
    let mut out = vec![Steps::default(); causes];
    let mut incidence = vec![0.0; causes];
    let mut free = 1.0;
    for group in tied(&order, label) {
        let mut events = vec![0.0; causes];
        for r in group.iter().map(|&r| r as usize).filter(|&r| label[r].cause > 0) {
            events[label[r].cause as usize - 1] += weight[r];
        }
        let all: f64 = events.iter().sum();
        if all > 0.0 {
            for ((steps, sum), events) in out.iter_mut().zip(&mut incidence).zip(&events) {
                *sum += free * events / risk;
                steps.time.push(label[group[0] as usize].time);
                steps.value.push(*sum);
            }
            free *= 1.0 - all / risk;
        }
        risk -= group.iter().map(|&r| weight[r as usize]).sum::<f64>();
    }
    out
}
