//! Quasi-random points.

use rand_chacha::ChaCha8Rng;

use super::contract::Sampler;
use super::random::{allowed, uniform};
use crate::domain::Domain;
use crate::history::History;
use crate::params::Params;
use crate::space::Space;

/// An Owen-scrambled Sobol sequence (Sobol 1967; Owen 1995; the scrambling is Burley's, 2020): points
/// that cover the space more evenly than independent draws. The scrambling follows from the study's
/// seed, so its points go on where they stopped.
///
/// ```
/// use specialist_search::{Sobol, Space, Study};
/// let mut study = Study::minimise("s", Space::new().float("x", 0.0, 1.0), 0);
/// study.optimize(&Sobol, 64, |p| Ok(p.float("x"))).unwrap();
/// let low = study.trials().iter().filter(|t| t.params.float("x") < 0.125).count();
/// assert_eq!(low, 8, "every eighth of the range holds an eighth of the points");
/// ```
pub struct Sobol;

impl Sampler for Sobol {
    fn name(&self) -> &'static str {
        "sobol"
    }

    fn suggest(&self, history: &History<'_>, rng: &mut ChaCha8Rng) -> Option<Params> {
        let point = history.space.decode(&sobol_point(history.space, history.trials.len(), history.seed as u32));
        if history.space.allows(&point) { Some(point) } else { allowed(history.space, || uniform(history.space, rng)) }
    }
}

/// Dimensions and indices up to which the sequence is defined; beyond them it starts over with other
/// scrambling.
const DIMENSIONS: usize = 256;
const POINTS: usize = 1 << 16;

/// The code of every parameter, active or not, at `index` of the sequence that `seed` scrambles.
pub(crate) fn sobol_point(space: &Space, index: usize, seed: u32) -> Vec<f64> {
    let of = |(d, domain): (usize, &Domain)| {
        let seed = seed.wrapping_add((d / DIMENSIONS + 977 * (index / POINTS)) as u32);
        let u = f64::from(sobol_burley::sample((index % POINTS) as u32, (d % DIMENSIONS) as u32, seed));
        match domain {
            Domain::Categorical { levels, ordered: false } => {
                ((u * levels.len() as f64) as usize).min(levels.len() - 1) as f64
            }
            _ => u,
        }
    };
    space.params().iter().map(|p| &p.domain).enumerate().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::Study;

    #[test]
    fn every_eighth_of_each_axis_holds_an_eighth_of_the_points() {
        let space = Space::new().float("x", 0.0, 1.0).float("y", 0.0, 1.0).float("z", 0.0, 1.0);
        let mut study = Study::minimise("s", space, 0);
        study.optimize(&Sobol, 64, |p| Ok(p.float("x"))).unwrap();
        for name in ["x", "y", "z"] {
            let mut counts = [0; 8];
            study.trials().iter().for_each(|t| counts[(t.params.float(name) * 8.0) as usize] += 1);
            assert_eq!(counts, [8; 8], "{name}");
        }
    }
}
