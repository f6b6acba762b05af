//! Several causes, of which the first that happens is seen.

use super::Steps;

/// The Aalen–Johansen estimate (1978) of the cumulative incidence of every cause: the probability that it happens, and
/// happens first, until a time. `cause` is 0 for a row that is censored, else the number of its cause, from 1 to
/// `causes`; rows weigh `weight`.
#[must_use]
pub fn cumulative_incidence(time: &[f64], cause: &[u32], weight: &[f64], causes: usize) -> Vec<Steps> {
    let mut order: Vec<usize> = (0..time.len()).collect();
    order.sort_by(|&a, &b| time[a].total_cmp(&time[b]));
    let mut risk: f64 = weight.iter().sum();
    let mut out = vec![Steps::default(); causes];
    let mut incidence = vec![0.0; causes];
    let mut free = 1.0;
    for group in order.chunk_by(|&a, &b| time[a] == time[b]) {
        let mut events = vec![0.0; causes];
        for &r in group.iter().filter(|&&r| cause[r] > 0) {
            events[cause[r] as usize - 1] += weight[r];
        }
        let all: f64 = events.iter().sum();
        if all > 0.0 {
            for ((steps, sum), events) in out.iter_mut().zip(&mut incidence).zip(&events) {
                *sum += free * events / risk;
                steps.time.push(time[group[0]]);
                steps.value.push(*sum);
            }
            free *= 1.0 - all / risk;
        }
        risk -= group.iter().map(|&r| weight[r]).sum::<f64>();
    }
    out
}
