//! The sampler to use when nothing is known.

use rand_chacha::ChaCha8Rng;

use super::{Gp, Sampler, Tpe};
use crate::history::History;
use crate::space::Params;

/// Takes [`Gp`] on spaces of which most parameters are always active, and turns with [`Tpe`] elsewhere;
/// after [`Auto::EARLY`] trials it turns with [`Tpe`] everywhere, after [`Auto::LATE`] it leaves all to
/// it. The turns were measured (`benches/search`, to 200 trials): a process alone is best on small budgets,
/// a density alone on none, and the two correct each other where a space is a tree. [`Auto::LATE`] was not:
/// it keeps a suggestion cheap.
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
        let params = history.space.params();
        let tree = 2 * params.iter().filter(|p| p.when.is_some()).count() > params.len();
        let turns = (tree || n >= Self::EARLY) && n.is_multiple_of(2);
        if n >= Self::LATE || turns { self.tpe.suggest(history, rng) } else { self.gp.suggest(history, rng) }
    }
}
