//! Who suggests the next values.

mod auto;
mod gp;
mod grid;
mod sobol;
mod tpe;
mod transfer;

use rand::Rng;
use rand_chacha::ChaCha8Rng;

pub use auto::Auto;
pub use gp::Gp;
pub use grid::Grid;
pub use sobol::Sobol;
pub use tpe::Tpe;
pub use transfer::{PastStudy, Transfer};

use crate::history::History;
use crate::space::{Domain, Params, Space};

/// Suggests values from the whole space and the whole history, waiting and running trials included.
///
/// ```
/// use specialist_search::{Grid, Space, Study};
/// let space = Space::new().int("a", 0, 1).int("b", 0, 2);
/// let mut study = Study::minimise("s", space, 0);
/// while study.ask(&Grid::default()).unwrap().is_some() {}
/// assert_eq!(study.trials().len(), 6);
/// ```
pub trait Sampler: Send + Sync {
    /// Its name in recipes.
    fn name(&self) -> &'static str;

    /// The next values, or `None` when there is nothing left to try. The same history and the same
    /// state of `rng` give the same values.
    fn suggest(&self, history: &History<'_>, rng: &mut ChaCha8Rng) -> Option<Params>;

    /// Whether the study should look for another point when one comes that was tried before.
    fn avoids_duplicates(&self) -> bool {
        true
    }
}

/// The names that [`sampler_by_name`] knows.
pub const SAMPLERS: [&str; 6] = ["auto", "gp", "tpe", "random", "sobol", "grid"];

/// The sampler that a recipe calls `name`; `transfer` needs a study to start from: [`Transfer`].
#[must_use]
pub fn sampler_by_name(name: &str) -> Option<Box<dyn Sampler>> {
    Some(match name {
        "auto" => Box::new(Auto::default()),
        "gp" => Box::new(Gp::default()),
        "tpe" => Box::new(Tpe::default()),
        "random" => Box::new(Random),
        "sobol" => Box::new(Sobol),
        "grid" => Box::new(Grid::default()),
        _ => return None,
    })
}

/// Independent draws from the space (Bergstra and Bengio 2012).
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

/// Suggests the given points first, then what another sampler suggests.
pub struct StartingWith<'a> {
    /// Points known to be good, or defaults.
    pub points: Vec<Params>,
    /// Who goes on.
    pub then: &'a dyn Sampler,
}

impl Sampler for StartingWith<'_> {
    fn name(&self) -> &'static str {
        self.then.name()
    }

    fn suggest(&self, history: &History<'_>, rng: &mut ChaCha8Rng) -> Option<Params> {
        match self.points.get(history.trials.len()) {
            Some(point) => Some(point.clone()),
            None => self.then.suggest(history, rng),
        }
    }
}

/// Evaluates every suggestion several times: for objectives that are noisy. The study's
/// [`incumbent`](crate::Study::incumbent) is the point with the best mean.
pub struct Repeated<'a> {
    /// Evaluations of each point.
    pub times: usize,
    /// Who suggests the points.
    pub of: &'a dyn Sampler,
}

impl Sampler for Repeated<'_> {
    fn name(&self) -> &'static str {
        self.of.name()
    }

    fn suggest(&self, history: &History<'_>, rng: &mut ChaCha8Rng) -> Option<Params> {
        match history.trials.last() {
            Some(last) if !history.trials.len().is_multiple_of(self.times.max(1)) => Some(last.params.clone()),
            _ => self.of.suggest(history, rng),
        }
    }

    fn avoids_duplicates(&self) -> bool {
        false
    }
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

    #[test]
    fn starting_points_come_first_and_repeats_repeat() {
        let space = Space::new().int("n", 0, 1000);
        let point = space.decode(&[0.5]);
        let starting = StartingWith { points: vec![point.clone()], then: &Random };
        let mut study = Study::minimise("s", space.clone(), 0);
        study.optimize(&starting, 3, |p| Ok(p.float("n"))).unwrap();
        assert_eq!(study.trials()[0].params, point);
        assert_ne!(study.trials()[1].params, point);
        let mut noisy = Study::minimise("s", space, 0);
        noisy.optimize(&Repeated { times: 3, of: &Random }, 9, |p| Ok(p.float("n"))).unwrap();
        assert_eq!(noisy.trials()[3].params, noisy.trials()[5].params);
        assert_ne!(noisy.trials()[3].params, noisy.trials()[2].params);
        let best = noisy.incumbent().unwrap();
        assert_eq!((best.evaluations, best.low, best.high), (3, best.mean, best.mean));
    }
}
