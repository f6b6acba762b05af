//! The sampler to use when nothing is known.

use rand_chacha::ChaCha8Rng;

use super::contract::Sampler;
use super::gp::Gp;
use super::tpe::Tpe;
use crate::history::History;
use crate::params::Params;

/// Takes [`Gp`] on spaces of which most parameters are always active, and turns with [`Tpe`] elsewhere;
/// after [`Auto::EARLY`] trials it turns with [`Tpe`] everywhere, after [`Auto::LATE`] it leaves all to
/// it. The turns were measured (`benches/search`, to 200 trials): a process alone is best on small budgets,
/// a density alone on none, and the two correct each other where a space is a tree. [`Auto::LATE`] was not:
/// it keeps a suggestion cheap.
///
/// ```
/// use specialist_search::{Auto, Space, Study};
/// let space = Space::new().float("x", -2.0, 2.0).float("y", -2.0, 2.0);
/// let mut study = Study::minimise("paraboloid", space, 1);
/// study.optimize(&Auto::default(), 30, |p| Ok((p.float("x") - 0.5).powi(2) + p.float("y").powi(2))).unwrap();
/// assert!(study.best().unwrap().value().unwrap() < 0.01);
/// ```
#[derive(Default)]
pub struct Auto {
    gp: Gp,
    tpe: Tpe,
}

impl Auto {
    /// Trials after which the two take turns on every space.
    pub const EARLY: usize = 100;
    /// Trials after which a process costs more than it brings.
    pub const LATE: usize = 500;
}

impl Sampler for Auto {
    fn name(&self) -> &'static str {
        "auto"
    }

    fn suggest(&self, history: &History<'_>, rng: &mut ChaCha8Rng) -> Option<Params> {
        let n = history.trials.len();
        // A tree: most parameters exist under a condition only.
        let params = history.space.params();
        let tree = 2 * params.iter().filter(|p| p.when.is_some()).count() > params.len();
        let turns = (tree || n >= Self::EARLY) && n.is_multiple_of(2);
        if n >= Self::LATE || turns { self.tpe.suggest(history, rng) } else { self.gp.suggest(history, rng) }
    }
}
