//! Which rung is taken: the lowest that is within one standard error of the best (Breiman and others 1984, the one-standard-error
//! rule). The error is that of the difference and not of the best, as the textbook has it: rungs are judged on the same rows, and
//! what is hard for one is hard for all.

use specialist_core::bootstrap::mean_sd;
use specialist_tabular::Rung;

/// Of `rungs` with their places on the ladder and how good they are: the best, and the lowest whose distance from it is at most the
/// error of that distance (the best itself where none is). Positions; the first of equals is the best.
pub fn lowest_within_one_error(rungs: &[(usize, f64)], error: impl Fn(usize, usize) -> f64) -> Option<(usize, usize)> {
    let best = (0..rungs.len()).reduce(|a, b| if rungs[b].1 > rungs[a].1 { b } else { a })?;
    let within = |k: &usize| rungs[*k].0 < rungs[best].0 && rungs[best].1 - rungs[*k].1 <= error(best, *k);
    let lowest = (0..rungs.len()).filter(within).min_by_key(|k| rungs[*k].0);
    Some((best, lowest.unwrap_or(best)))
}

/// As [`lowest_within_one_error`], of rungs with their goodness on each fold: the error is over folds.
pub(crate) fn lowest_of_folds(judged: &[(&'static dyn Rung, Vec<f64>)]) -> Option<(usize, usize)> {
    let rungs: Vec<(usize, f64)> = judged.iter().map(|(rung, folds)| (rung.place(), mean_sd(folds).0)).collect();
    lowest_within_one_error(&rungs, |a, b| {
        let paired: Vec<f64> = judged[a].1.iter().zip(&judged[b].1).map(|(a, b)| a - b).collect();
        mean_sd(&paired).1 / (paired.len() as f64).sqrt()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_within_an_error_is_taken_and_ties_go_down() {
        let rungs = [(0, 0.5), (10, 0.8), (20, 0.79), (30, 0.81)];
        assert_eq!(lowest_within_one_error(&rungs, |_, _| 0.02), Some((3, 1)));
        assert_eq!(lowest_within_one_error(&rungs, |_, _| 0.0), Some((3, 3)));
        assert_eq!(lowest_within_one_error(&rungs, |_, _| 1.0), Some((3, 0)));
        assert_eq!(lowest_within_one_error(&[], |_, _| 1.0), None);
    }
}
