//! Every combination, one after the other.

use rand_chacha::ChaCha8Rng;

use super::contract::Sampler;
use crate::domain::Domain;
use crate::history::History;
use crate::params::{Param, Params};
use crate::space::Space;
use crate::value::Value;

/// Every combination, one after the other: all levels, all whole numbers up to `steps`, and `steps`
/// values of each continuous parameter. Combinations of inactive parameters are not repeated, those
/// that a constraint forbids are left out, and nothing is enumerated beforehand.
///
/// ```
/// use specialist_search::{Grid, Space, Study};
/// let space = Space::new().int("a", 0, 1).int("b", 0, 2);
/// let mut study = Study::minimise("s", space, 0);
/// while study.ask(&Grid::default()).unwrap().is_some() {}
/// assert_eq!(study.trials().len(), 6);
/// ```
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
            Domain::Categorical { levels, .. } => levels.len(),
            d => d.count().map_or(self.steps, |n| usize::try_from(n).unwrap_or(usize::MAX).min(self.steps)).max(1),
        }
    }

    fn value(&self, p: &Param, i: usize) -> Value {
        let n = self.count(p);
        match &p.domain {
            Domain::Categorical { levels, .. } => levels[i].clone(),
            // Both ends are on the grid.
            d => d.value(if n == 1 { 0.0 } else { i as f64 / (n - 1) as f64 }),
        }
    }

    /// The position of `params`' value of `p` on the grid; 0 for a value that is not on it.
    fn place(&self, p: &Param, params: &Params) -> usize {
        let value = params.get(&p.name);
        (0..self.count(p)).find(|&i| Some(&self.value(p, i)) == value).unwrap_or(0)
    }

    /// The combination after `last`, as an odometer counts; the first one after nothing.
    fn next(&self, space: &Space, last: Option<&Params>) -> Option<Params> {
        let Some(last) = last else {
            return Some(space.choose(|p| self.value(p, 0)));
        };
        let active: Vec<&Param> = space.params().iter().filter(|p| last.get(&p.name).is_some()).collect();
        for turn in (0..active.len()).rev() {
            let p = active[turn];
            let next = self.place(p, last) + 1;
            if next < self.count(p) {
                return Some(space.choose(|q| {
                    if q.name == p.name {
                        self.value(q, next)
                    } else if active[..turn].iter().any(|k| k.name == q.name) {
                        last.get(&q.name).expect("it was active").clone()
                    } else {
                        self.value(q, 0)
                    }
                }));
            }
        }
        None
    }
}

impl Sampler for Grid {
    fn name(&self) -> &'static str {
        "grid"
    }

    fn suggest(&self, history: &History<'_>, _: &mut ChaCha8Rng) -> Option<Params> {
        let space = history.space;
        // The last trial says where the grid stands: a search that was killed goes on, and nothing else is kept.
        let mut point = history.trials.last().map(|t| t.params.clone());
        loop {
            point = Some(self.next(space, point.as_ref())?);
            if point.as_ref().is_some_and(|p| space.allows(p)) {
                return point;
            }
        }
    }

    fn avoids_duplicates(&self) -> bool {
        // It comes to each point once, and a random one in place of the next is not on the grid.
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::Study;

    #[test]
    fn the_grid_visits_every_active_combination_once() {
        let tree = Space::new()
            .categorical("tuning", ["keep", "slope", "continue"])
            .log_float("strength", 0.1, 10.0)
            .when("tuning", ["slope"])
            .int("rounds", 1, 3)
            .when("tuning", ["continue"]);
        let mut study = Study::minimise("s", tree, 0);
        while study.ask(&Grid::default()).unwrap().is_some() {}
        let trials = study.trials();
        assert_eq!(trials.len(), 1 + 5 + 3);
        assert!(trials.iter().enumerate().all(|(i, t)| trials[..i].iter().all(|u| u.params != t.params)));
    }

    #[test]
    fn forbidden_combinations_are_left_out_and_the_size_does_not_matter() {
        let mut study = Study::minimise("s", Space::new().int("a", 0, 3).int("b", 0, 3).less("a", "b"), 0);
        while study.ask(&Grid::default()).unwrap().is_some() {}
        assert_eq!(study.trials().len(), 6);
        let huge = (0..40).fold(Space::new(), |s, i| s.float(&format!("x{i}"), 0.0, 1.0));
        let mut study = Study::minimise("s", huge, 0);
        (0..20).for_each(|_| assert!(study.ask(&Grid::default()).unwrap().is_some()));
    }
}
