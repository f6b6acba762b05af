//! A study that starts from the trials of earlier ones.

use rand_chacha::ChaCha8Rng;

use crate::history::History;
use crate::params::Params;
use crate::sampler::auto::Auto;
use crate::sampler::contract::Sampler;
use crate::sampler::gp::{Past, Surrogate, agreement, predicted, startup};
use crate::space::Space;
use crate::study::Study;

/// The trials of an earlier study, as far as they have a value: points and losses (smaller is better).
///
/// ```
/// use specialist_search::{PastStudy, Random, Space, Study};
/// let mut study = Study::minimise("s", Space::new().float("x", 0.0, 1.0), 0);
/// assert!(PastStudy::of(&study).is_empty());
/// study.optimize(&Random, 3, |p| Ok(p.float("x"))).unwrap();
/// assert!(!PastStudy::of(&study).is_empty());
/// ```
#[derive(Debug, Clone, Default)]
pub struct PastStudy {
    trials: Vec<(Params, f64)>,
}

impl PastStudy {
    /// What a study found.
    #[must_use]
    pub fn of(study: &Study) -> Self {
        let direction = study.directions()[0];
        let trials = study.trials().iter().filter_map(|t| Some((t.params.clone(), direction.loss(t.value()?))));
        Self { trials: trials.collect() }
    }

    /// Whether it has nothing to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.trials.is_empty()
    }

    /// Points and losses over `space`, at most `most`: the better half of them the best ones, the others
    /// spread over the rest. Parameters count by name; one that the past did not have stands in the
    /// middle of its range, and a point whose values are outside is left out.
    fn over(&self, space: &Space, most: usize) -> Past {
        let code = |params: &Params| {
            let filled = space.choose(|p| {
                params
                    .get(&p.name)
                    .cloned()
                    .unwrap_or_else(|| p.domain.value(if p.domain.is_numeric() { 0.5 } else { 0.0 }))
            });
            let known = filled.0.keys().filter(|name| params.get(name).is_some()).count();
            if known == 0 { None } else { space.encode(&filled) }
        };
        let mut all: Past = self.trials.iter().filter_map(|(p, v)| Some((code(p)?, *v))).collect();
        all.sort_by(|a, b| a.1.total_cmp(&b.1));
        if all.len() > most {
            let rest = all.split_off(most / 2);
            let step = rest.len() as f64 / (most - most / 2) as f64;
            all.extend((0..most - most / 2).map(|i| rest[(i as f64 * step) as usize].clone()));
        }
        all
    }
}

/// Search that is itself pre-trained and fine-tuned: the trials of earlier studies over the same
/// parameters (that of the generalist, that of another target) inform a Gaussian process in which the
/// study is one more axis (an intrinsic coregionalisation, Bonilla et al. 2008, with one correlation).
/// How far the past is believed follows from the data: its correlation with the present is fitted, and a
/// past whose predictions run against what happens is left aside after a few trials. The past's best point comes first; of the first
/// [`Transfer::STARTUP`] trials every other one is quasi-random; fewer of the past's trials count the
/// more there are of the present; after [`Transfer::LATE`] trials [`Auto`] goes on alone.
///
/// ```
/// use specialist_search::{PastStudy, Random, Space, Study, Transfer};
/// let space = Space::new().float("x", 0.0, 1.0);
/// let mut past = Study::minimise("past", space.clone(), 1);
/// past.optimize(&Random, 20, |p| Ok((p.float("x") - 0.3).abs())).unwrap();
/// let study = Study::minimise("now", space, 2);
/// let first = study.suggest(&Transfer::new(vec![PastStudy::of(&past)])).unwrap();
/// assert!((first.float("x") - past.best().unwrap().params.float("x")).abs() < 1e-9);
/// ```
pub struct Transfer {
    past: Vec<PastStudy>,
    auto: Auto,
}

impl Transfer {
    /// Trials of which every other one looks around without the past.
    pub const STARTUP: usize = 2;
    /// Trials after which the past has nothing to add.
    pub const LATE: usize = 100;
    /// Told trials from which on a past that predicts the opposite of what happens is left aside.
    const JUDGED: usize = 4;
    /// Trials of the past that count at first.
    const MOST: usize = 80;

    /// Starts from `past`; without any trial in it, it is [`Auto`].
    #[must_use]
    pub fn new(past: Vec<PastStudy>) -> Self {
        Self { past: past.into_iter().filter(|p| !p.is_empty()).collect(), auto: Auto::default() }
    }
}

impl Sampler for Transfer {
    fn name(&self) -> &'static str {
        "transfer"
    }

    fn suggest(&self, history: &History<'_>, rng: &mut ChaCha8Rng) -> Option<Params> {
        let (space, n) = (history.space, history.trials.len());
        let left = (Self::MOST * Self::LATE.saturating_sub(n)).div_ceil(Self::LATE);
        let past: Vec<Past> = self.past.iter().map(|p| p.over(space, left / self.past.len())).collect();
        let past: Vec<Past> = past.into_iter().filter(|p| p.len() > 1).collect();
        // A past study tells the losses of one objective only.
        if past.is_empty() || n >= Self::LATE || history.directions.len() > 1 || space.params().is_empty() {
            return self.auto.suggest(history, rng);
        }
        if n < Self::STARTUP && n % 2 == 1 {
            return startup(history, rng);
        }
        if n == 0 {
            let best = past.iter().filter_map(|p| p.first()).map(|(code, _)| space.decode(code));
            return best.into_iter().find(|p| space.allows(p)).or_else(|| self.auto.suggest(history, rng));
        }
        let told = history.told();
        let Some(predicted) = predicted(space, &told, &past) else { return self.auto.suggest(history, rng) };
        // The kernel's correlation between two studies is never below 0: a past that says the opposite is found by its predictions.
        if told.len() >= Self::JUDGED && agreement(&told, &predicted) < 0.0 {
            return self.auto.suggest(history, rng);
        }
        let model = Surrogate::fit(space, &told, &history.pending(), &past, Some(&predicted));
        model.and_then(|m| m.propose(history, rng)).or_else(|| self.auto.suggest(history, rng))
    }
}
