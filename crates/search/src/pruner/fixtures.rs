//! Trials and histories for the tests of pruners.

use crate::history::{Direction, History};
use crate::params::Params;
use crate::space::Space;
use crate::trial::{State, Trial};

pub(super) fn trial(number: usize, state: State, steps: &[(u64, f64)]) -> Trial {
    let mut t = Trial::new(number, Params::default());
    t.state = state;
    t.steps = steps.iter().copied().collect();
    if state == State::Complete {
        t.values = steps.last().map(|s| vec![s.1]).unwrap_or_default();
    }
    t
}

pub(super) fn with<T>(trials: &[Trial], f: impl FnOnce(&History<'_>) -> T) -> T {
    let codes = vec![Some(vec![]); trials.len()];
    let space = Space::new();
    let directions = [Direction::Minimise];
    f(&History { space: &space, seed: 0, directions: &directions, trials, codes: &codes, horizon: usize::MAX })
}
