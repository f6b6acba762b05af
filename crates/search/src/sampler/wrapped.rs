//! Samplers around other samplers.

use rand_chacha::ChaCha8Rng;

use super::contract::Sampler;
use crate::history::History;
use crate::params::Params;

/// Suggests the given points first, then what another sampler suggests.
///
/// ```
/// use specialist_search::{Random, Space, StartingWith, Study};
/// let space = Space::new().int("n", 0, 1000);
/// let known = space.decode(&[0.5]);
/// let starting = StartingWith { points: vec![known.clone()], then: &Random };
/// let mut study = Study::minimise("s", space, 0);
/// study.optimize(&starting, 3, |p| Ok(p.float("n"))).unwrap();
/// assert_eq!(study.trials()[0].params, known);
/// ```
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
///
/// ```
/// use specialist_search::{Random, Repeated, Space, Study};
/// let mut study = Study::minimise("s", Space::new().float("x", 0.0, 1.0), 0);
/// study.optimize(&Repeated { times: 2, of: &Random }, 4, |p| Ok(p.float("x"))).unwrap();
/// assert_eq!(study.trials()[0].params, study.trials()[1].params);
/// assert_eq!(study.incumbent().unwrap().evaluations, 2);
/// ```
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
        // The same point again is what it is for.
        false
    }
}

#[cfg(test)]
mod tests {
    use super::super::random::Random;
    use super::*;
    use crate::space::Space;
    use crate::study::Study;

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
