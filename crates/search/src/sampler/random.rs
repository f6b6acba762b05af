//! Independent draws.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::contract::Sampler;
use crate::domain::Domain;
use crate::history::History;
use crate::params::Params;
use crate::space::Space;

/// Independent draws from the space (Bergstra and Bengio 2012).
///
/// ```
/// use specialist_search::{Random, Space, Study};
/// let study = Study::minimise("s", Space::new().int("a", 0, 9).int("b", 0, 9).less("a", "b"), 0);
/// let point = study.suggest(&Random).unwrap();
/// assert!(point.int("a") < point.int("b"));
/// ```
pub struct Random;

impl Sampler for Random {
    fn name(&self) -> &'static str {
        "random"
    }

    fn suggest(&self, history: &History<'_>, rng: &mut ChaCha8Rng) -> Option<Params> {
        allowed(history.space, || uniform(history.space, rng))
    }
}

/// A code drawn uniformly for every parameter, active or not.
pub(crate) fn uniform(space: &Space, rng: &mut ChaCha8Rng) -> Vec<f64> {
    let draw = |d: &Domain| match d {
        Domain::Categorical { levels, ordered: false } => rng.random_range(0..levels.len()) as f64,
        _ => rng.random::<f64>(),
    };
    space.params().iter().map(|p| &p.domain).map(draw).collect()
}

/// The first of many drawn points that holds to the constraints.
pub(crate) fn allowed(space: &Space, mut draw: impl FnMut() -> Vec<f64>) -> Option<Params> {
    const DRAWS: usize = 10_000;
    (0..DRAWS).map(|_| space.decode(&draw())).find(|p| space.allows(p))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::Study;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn draws_stay_in_range_and_hold_to_the_constraints(seed in 0u64..200, lo in 1e-6f64..1.0, width in 0.0f64..100.0) {
            let space = Space::new().log_float("x", lo, lo + width).int("i", -3, 9).int("j", -3, 9).less("i", "j");
            let mut study = Study::minimise("s", space, seed);
            let n = study.ask(&Random).unwrap().unwrap();
            let p = &study.trials()[n].params;
            prop_assert!(p.float("x") >= lo && p.float("x") <= lo + width);
            prop_assert!(-3 <= p.int("i") && p.int("i") < p.int("j") && p.int("j") <= 9);
        }
    }
}
