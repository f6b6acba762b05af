//! Samplers around other samplers.

use rand_chacha::ChaCha8Rng;

use super::contract::Sampler;
use super::random::Random;
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

/// Lets few trials be of some levels of a categorical parameter, which cost far more than the others.
///
/// ```
/// use specialist_search::{Random, Space, Sparing, Study};
/// let space = Space::new().categorical("model", ["small", "large"]);
/// let sparing = Sparing { parameter: "model", levels: vec!["large".into()], most: 2, of: &Random };
/// let mut study = Study::minimise("s", space, 0);
/// study.optimize(&sparing, 20, |_| Ok(0.0)).unwrap();
/// assert!(study.trials().iter().filter(|t| t.params.text("model") == "large").count() <= 2);
/// ```
pub struct Sparing<'a> {
    /// The parameter.
    pub parameter: &'a str,
    /// Its levels that cost more.
    pub levels: Vec<String>,
    /// Trials of each of them, at most.
    pub most: usize,
    /// Who suggests the points.
    pub of: &'a dyn Sampler,
}

impl Sampler for Sparing<'_> {
    fn name(&self) -> &'static str {
        self.of.name()
    }

    fn suggest(&self, history: &History<'_>, rng: &mut ChaCha8Rng) -> Option<Params> {
        /// A sampler that keeps asking for what is closed gets another draw so often.
        const DRAWS: usize = 20;
        let level = |p: &Params| p.text(self.parameter).to_string();
        let had = |of: &str| history.trials.iter().filter(|t| t.params.text(self.parameter) == of).count();
        let open = |p: &Params| !self.levels.contains(&level(p)) || had(&level(p)) < self.most;
        for _ in 0..DRAWS {
            // Nothing left to suggest is nothing left: a grid has come to its end.
            let params = self.of.suggest(history, rng)?;
            if open(&params) {
                return Some(params);
            }
        }
        (0..DRAWS).find_map(|_| Random.suggest(history, rng).filter(open))
    }

    fn avoids_duplicates(&self) -> bool {
        self.of.avoids_duplicates()
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
