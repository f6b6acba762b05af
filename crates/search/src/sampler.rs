//! Who suggests the next values.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::space::{Domain, Param, Params, Space, Value};
use crate::study::Trial;

/// Suggests values from the whole space and the whole history, waiting and running trials included.
///
/// ```
/// use specialist_search::{Grid, Sampler, Space};
/// use rand::SeedableRng;
/// let space = Space::new().int("a", 0, 1).int("b", 0, 2);
/// let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(0);
/// let mut trials = Vec::new();
/// while let Some(p) = Grid::default().suggest(&space, &trials, &mut rng) {
///     trials.push(specialist_search::Trial::new(trials.len(), p));
/// }
/// assert_eq!(trials.len(), 6);
/// ```
pub trait Sampler: Send + Sync {
    /// Its name in recipes.
    fn name(&self) -> &'static str;

    /// The next values, or `None` when there is nothing left to try.
    fn suggest(&self, space: &Space, trials: &[Trial], rng: &mut ChaCha8Rng) -> Option<Params>;
}

/// The sampler that a recipe calls `name`.
#[must_use]
pub fn sampler_by_name(name: &str) -> Option<Box<dyn Sampler>> {
    match name {
        "random" => Some(Box::new(Random)),
        "grid" => Some(Box::new(Grid::default())),
        _ => None,
    }
}

/// Independent draws from the space (Bergstra and Bengio 2012); a point that was tried is drawn anew
/// a few times before it is accepted.
pub struct Random;

impl Sampler for Random {
    fn name(&self) -> &'static str {
        "random"
    }

    fn suggest(&self, space: &Space, trials: &[Trial], rng: &mut ChaCha8Rng) -> Option<Params> {
        const REDRAWS: usize = 20;
        let mut params = Params::default();
        for _ in 0..REDRAWS {
            params = space.choose(|p| draw(p, rng));
            if trials.iter().all(|t| t.params != params) {
                return Some(params);
            }
        }
        Some(params)
    }
}

fn draw(p: &Param, rng: &mut ChaCha8Rng) -> Value {
    match &p.domain {
        Domain::Float { .. } => at(p, rng.random::<f64>()),
        Domain::Int { lo, hi, log: false } => Value::Int(rng.random_range(*lo..=*hi)),
        Domain::Int { .. } => at(p, rng.random::<f64>()),
        Domain::Categorical { levels } => Value::Text(levels[rng.random_range(0..levels.len())].clone()),
    }
}

/// The value a share `u` of the way through the parameter's range.
fn at(p: &Param, u: f64) -> Value {
    let span = |lo: f64, hi: f64, log: bool| {
        let v = if log { (lo.ln() + u * (hi.ln() - lo.ln())).exp() } else { lo + u * (hi - lo) };
        v.clamp(lo, hi)
    };
    match &p.domain {
        Domain::Float { lo, hi, log } => Value::Float(span(*lo, *hi, *log)),
        Domain::Int { lo, hi, log } => Value::Int((span(*lo as f64, *hi as f64, *log).round() as i64).clamp(*lo, *hi)),
        Domain::Categorical { levels } => {
            Value::Text(levels[((u * levels.len() as f64) as usize).min(levels.len() - 1)].clone())
        }
    }
}

/// Every combination, one after the other: all levels, all whole numbers up to `steps`, and `steps`
/// values of each continuous parameter. Combinations of inactive parameters are not repeated.
pub struct Grid {
    /// Values of a continuous (or long whole-number) parameter.
    pub steps: usize,
}

impl Default for Grid {
    fn default() -> Self {
        Self { steps: 5 }
    }
}

impl Grid {
    fn count(&self, p: &Param) -> usize {
        match &p.domain {
            Domain::Float { lo, hi, .. } => {
                if lo == hi {
                    1
                } else {
                    self.steps
                }
            }
            Domain::Int { lo, hi, .. } => usize::try_from(hi - lo).map_or(self.steps, |d| (d + 1).min(self.steps)),
            Domain::Categorical { levels } => levels.len(),
        }
    }

    fn value(&self, p: &Param, i: usize) -> Value {
        let n = self.count(p);
        match &p.domain {
            Domain::Categorical { levels } => Value::Text(levels[i].clone()),
            _ => at(p, if n == 1 { 0.0 } else { i as f64 / (n - 1) as f64 }),
        }
    }

    /// The position of `params`' value of `p` on the grid, if it is on it.
    fn place(&self, p: &Param, params: &Params) -> usize {
        let value = params.get(&p.name);
        (0..self.count(p)).find(|&i| Some(&self.value(p, i)) == value).unwrap_or(0)
    }
}

impl Sampler for Grid {
    fn name(&self) -> &'static str {
        "grid"
    }

    /// Counts one up from the last trial, as an odometer does: nothing is enumerated beforehand.
    fn suggest(&self, space: &Space, trials: &[Trial], _: &mut ChaCha8Rng) -> Option<Params> {
        let Some(last) = trials.last() else {
            return Some(space.choose(|p| self.value(p, 0)));
        };
        let active: Vec<&Param> = space.params().iter().filter(|p| last.params.get(&p.name).is_some()).collect();
        let mut turn = active.len();
        while turn > 0 {
            turn -= 1;
            let p = active[turn];
            let next = self.place(p, &last.params) + 1;
            if next < self.count(p) {
                let kept: Vec<&str> = active[..turn].iter().map(|p| p.name.as_str()).collect();
                return Some(space.choose(|q| {
                    if q.name == p.name {
                        self.value(q, next)
                    } else if kept.contains(&q.name.as_str()) {
                        last.params.get(&q.name).expect("it was active").clone()
                    } else {
                        self.value(q, 0)
                    }
                }));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng;

    fn tree() -> Space {
        Space::new()
            .categorical("tuning", ["keep", "slope", "continue"])
            .log_float("strength", 0.1, 10.0)
            .when("tuning", &["slope"])
            .int("rounds", 1, 3)
            .when("tuning", &["continue"])
    }

    #[test]
    fn the_grid_visits_every_active_combination_once() {
        let (mut trials, mut rng) = (Vec::<Trial>::new(), ChaCha8Rng::seed_from_u64(0));
        let grid = Grid::default();
        while let Some(p) = grid.suggest(&tree(), &trials, &mut rng) {
            assert!(trials.iter().all(|t| t.params != p));
            trials.push(Trial::new(trials.len(), p));
        }
        assert_eq!(trials.len(), 1 + 5 + 3);
    }

    proptest! {
        #[test]
        fn draws_stay_in_range(seed in 0u64..200, lo in 1e-6f64..1.0, width in 0.0f64..100.0) {
            let space = Space::new().log_float("x", lo, lo + width).int("i", -3, 9).log_int("j", 1, 100);
            let p = Random.suggest(&space, &[], &mut ChaCha8Rng::seed_from_u64(seed)).unwrap();
            prop_assert!(p.float("x") >= lo && p.float("x") <= lo + width);
            prop_assert!((-3..=9).contains(&p.int("i")) && (1..=100).contains(&p.int("j")));
        }
    }
}
