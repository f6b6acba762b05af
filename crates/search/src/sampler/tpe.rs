//! The tree-structured Parzen estimator.

use rand::Rng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::contract::Sampler;
use super::random::{allowed, uniform};
use super::sobol::sobol_point;
use crate::domain::Domain;
use crate::history::History;
use crate::normal::cdf;
use crate::params::Params;
use crate::space::Space;

/// The tree-structured Parzen estimator (Bergstra et al. 2011), multivariate (Falkner et al. 2018) and
/// grouped: the parameters that are active together share one density, so a branch of the tree is
/// judged by the trials that took it. Of several candidates drawn from the density of the good trials
/// the one with the largest ratio to the density of the others is suggested; trials without an outcome
/// count among the others (a constant liar). Several objectives are ranked by front and crowding.
///
/// ```
/// use specialist_search::{Space, Study, Tpe};
/// let space = Space::new().categorical("model", ["linear", "trees"]).int("depth", 1, 8).when("model", ["trees"]);
/// let mut study = Study::minimise("s", space, 1);
/// let loss = |linear: bool, depth: f64| if linear { 9.0 } else { (depth - 5.0).abs() };
/// study.optimize(&Tpe::default(), 20, |p| Ok(loss(p.text("model") == "linear", p.float("depth")))).unwrap();
/// assert_eq!(study.best().unwrap().params.int("depth"), 5);
/// ```
pub struct Tpe {
    /// Quasi-random points before the densities are used.
    pub startup: usize,
    /// Candidates drawn for each group of parameters.
    pub candidates: usize,
}

impl Default for Tpe {
    fn default() -> Self {
        Self { startup: 10, candidates: 24 }
    }
}

/// The good trials: this share of the told ones, at most [`MOST_GOOD`].
const GOOD_SHARE: f64 = 0.1;
const MOST_GOOD: usize = 25;
/// The others' density is estimated from at most this many of them, drawn at random: a suggestion costs no more in a long study.
const MOST_OTHERS: usize = 500;
/// Good trials decide the width of a kernel in this proportion of the range.
const WIDTH: f64 = 0.2;
/// Kernels narrower than this share of the range see nothing but noise.
const NARROWEST: f64 = 0.01;

impl Sampler for Tpe {
    fn name(&self) -> &'static str {
        "tpe"
    }

    fn suggest(&self, history: &History<'_>, rng: &mut ChaCha8Rng) -> Option<Params> {
        let space = history.space;
        let told = if history.directions.len() == 1 { history.told() } else { history.ranked() };
        if told.len() < self.startup || space.params().is_empty() {
            // Quasi-random, where Optuna draws independently: such points cover the space more evenly.
            let point = space.decode(&sobol_point(space, history.trials.len(), history.seed as u32));
            return if space.allows(&point) { Some(point) } else { allowed(space, || uniform(space, rng)) };
        }
        let (good, others) = split(&told, history.pending(), rng);
        let groups = groups(space);
        const DRAWS: usize = 20;
        for _ in 0..DRAWS {
            let mut code = vec![f64::NAN; space.params().len()];
            for group in &groups {
                // The group's condition is decided: its parent stands in an earlier group.
                let partial = space.decode(&code);
                if partial.activates(&space.params()[group[0]]) {
                    self.choose(space, group, &good, &others, &mut code, rng);
                }
            }
            let point = space.decode(&code);
            if space.allows(&point) {
                return Some(point);
            }
        }
        allowed(space, || uniform(space, rng))
    }
}

/// The good codes and the others, latest last.
fn split<'a>(
    told: &[(&'a [f64], f64)],
    pending: Vec<&'a [f64]>,
    rng: &mut ChaCha8Rng,
) -> (Vec<&'a [f64]>, Vec<&'a [f64]>) {
    let n = ((told.len() as f64 * GOOD_SHARE).ceil() as usize).clamp(1, MOST_GOOD);
    let mut order: Vec<usize> = (0..told.len()).collect();
    // Of equals the earlier trial is the better one: an unstable selection alone would not say which.
    order.select_nth_unstable_by(n - 1, |&a, &b| told[a].1.total_cmp(&told[b].1).then(a.cmp(&b)));
    let (good, others) = order.split_at_mut(n);
    good.sort_by(|&a, &b| told[a].1.total_cmp(&told[b].1).then(a.cmp(&b)));
    if others.len() > MOST_OTHERS {
        // The selection leaves no order that anybody promises: sorted first, the shuffle follows from the seed alone.
        others.sort_unstable();
        others.shuffle(rng);
    }
    let kept = &others[..others.len().min(MOST_OTHERS)];
    let others = kept.iter().map(|&i| told[i].0).chain(pending).collect();
    (good.iter().map(|&i| told[i].0).collect(), others)
}

/// The indices of the parameters that exist under the same condition, parents' groups first.
fn groups(space: &Space) -> Vec<Vec<usize>> {
    let mut out: Vec<Vec<usize>> = Vec::new();
    for (i, p) in space.params().iter().enumerate() {
        match out.iter_mut().find(|g| space.params()[g[0]].when == p.when) {
            Some(group) => group.push(i),
            None => out.push(vec![i]),
        }
    }
    out
}

impl Tpe {
    /// Sets the codes of `group` to those of the best of some candidates.
    fn choose(
        &self,
        space: &Space,
        group: &[usize],
        good: &[&[f64]],
        others: &[&[f64]],
        code: &mut [f64],
        rng: &mut ChaCha8Rng,
    ) {
        let domains: Vec<&Domain> = group.iter().map(|&i| &space.params()[i].domain).collect();
        let pick = |of: &[&[f64]]| -> Vec<Vec<f64>> {
            let active = of.iter().filter(|c| !c[group[0]].is_nan());
            group.iter().map(|&i| active.clone().map(|c| c[i]).collect()).collect()
        };
        let (good, others) = (Density::new(&domains, pick(good)), Density::new(&domains, pick(others)));
        let drawn: Vec<Vec<f64>> = (0..self.candidates).map(|_| good.draw(rng)).collect();
        let (l, g) = (good.logarithms(&drawn), others.logarithms(&drawn));
        let best = (0..drawn.len()).max_by(|&a, &b| (l[a] - g[a]).total_cmp(&(l[b] - g[b]))).unwrap_or(0);
        group.iter().zip(&drawn[best]).for_each(|(&i, &c)| code[i] = c);
    }
}

/// A mixture of one kernel a trial and a broad one over the whole range; each kernel is a product
/// over the parameters.
struct Density<'a> {
    dims: Vec<Dim<'a>>,
    kernels: usize,
}

struct Dim<'a> {
    domain: &'a Domain,
    /// The kernels' centres.
    centre: Vec<f64>,
    width: f64,
}

impl<'a> Density<'a> {
    /// From the codes of each parameter (rows: parameters, columns: trials).
    fn new(domains: &[&'a Domain], centres: Vec<Vec<f64>>) -> Self {
        let n = centres.first().map_or(0, Vec::len);
        let d = domains.len() as f64;
        let width = (WIDTH * (n.max(1) as f64).powf(-1.0 / (d + 4.0))).max(NARROWEST);
        let dims = domains.iter().zip(centres).map(|(domain, centre)| Dim { domain, centre, width }).collect();
        Self { dims, kernels: n }
    }

    fn draw(&self, rng: &mut ChaCha8Rng) -> Vec<f64> {
        // The last kernel is the broad one.
        let k = rng.random_range(0..=self.kernels);
        self.dims.iter().map(|dim| dim.draw((k < self.kernels).then(|| dim.centre[k]), self.kernels, rng)).collect()
    }

    /// The logarithm of the density at each point, up to a constant that is the same for all points.
    fn logarithms(&self, points: &[Vec<f64>]) -> Vec<f64> {
        let mut out = Vec::with_capacity(points.len());
        let offset = self.offsets();
        let levels: Vec<Levels> = self.dims.iter().map(|d| Levels::of(d, self.kernels)).collect();
        let mut log = vec![0.0; self.kernels];
        for point in points {
            log.copy_from_slice(&offset);
            let mut broad = 0.0;
            for ((dim, levels), &x) in self.dims.iter().zip(&levels).zip(point) {
                broad += dim.add(levels, x, &mut log);
            }
            let top = log.iter().copied().fold(broad, f64::max);
            // What is below e⁻³⁰ of the largest part changes nothing.
            let near = log.iter().map(|l| l - top).filter(|l| *l > -30.0);
            let sum: f64 = near.map(f64::exp).sum::<f64>() + (broad - top).exp();
            out.push(top + (sum / (self.kernels + 1) as f64).ln());
        }
        out
    }
}

/// Steps of a table of normalising constants; fewer of them than that are computed one by one.
const TABLE: usize = 32;

impl Density<'_> {
    /// Minus the logarithm of the mass that each kernel has inside the range of every number.
    fn offsets(&self) -> Vec<f64> {
        let Some(width) = self.dims.first().map(|d| d.width) else { return vec![0.0; self.kernels] };
        let mass = |c: f64| (cdf((1.0 - c) / width) - cdf(-c / width)).ln();
        let numbers = || self.dims.iter().filter(|d| d.levels().is_none());
        // The mass is the same at both ends: half a table will do.
        let table: Vec<f64> = if self.kernels * numbers().count() > TABLE {
            (0..=TABLE).map(|i| mass(0.5 * i as f64 / TABLE as f64)).collect()
        } else {
            Vec::new()
        };
        let looked_up = |c: f64| {
            if table.is_empty() {
                return mass(c);
            }
            let at = 2.0 * c.min(1.0 - c).clamp(0.0, 0.5) * TABLE as f64;
            let i = (at as usize).min(TABLE - 1);
            let share = at - i as f64;
            table[i] * (1.0 - share) + table[i + 1] * share
        };
        (0..self.kernels).map(|k| -numbers().map(|d| looked_up(d.centre[k])).sum::<f64>()).collect()
    }
}

/// Logarithms for a level that is the kernel's own and for any other, and of the broad kernel.
struct Levels {
    own: f64,
    other: f64,
    broad: f64,
}

impl Levels {
    fn of(dim: &Dim<'_>, kernels: usize) -> Self {
        let (n, weight) = (dim.levels().unwrap_or(1) as f64, 1.0 / (kernels as f64 + 1.0));
        let total = 1.0 + n * weight;
        Self { own: ((1.0 + weight) / total).ln(), other: (weight / total).ln(), broad: -n.ln() }
    }
}

impl Dim<'_> {
    fn levels(&self) -> Option<usize> {
        match self.domain {
            Domain::Categorical { levels, ordered: false } => Some(levels.len()),
            _ => None,
        }
    }

    /// Adds this parameter's part of every kernel's logarithm at `x`; returns that of the broad one.
    fn add(&self, levels: &Levels, x: f64, log: &mut [f64]) -> f64 {
        if self.levels().is_some() {
            log.iter_mut().zip(&self.centre).for_each(|(l, c)| *l += if *c == x { levels.own } else { levels.other });
            return levels.broad;
        }
        let scale = -0.5 / (self.width * self.width);
        log.iter_mut().zip(&self.centre).for_each(|(l, c)| *l += scale * (x - c) * (x - c));
        // A normal kernel of width 1 over the range, relative to one of this width.
        -0.5 * (x - 0.5) * (x - 0.5) + self.width.ln() - BROAD_MASS.ln()
    }

    fn draw(&self, centre: Option<f64>, kernels: usize, rng: &mut ChaCha8Rng) -> f64 {
        if let Some(n) = self.levels() {
            let n_f = n as f64;
            let own = (1.0 + 1.0 / (kernels as f64 + 1.0)) / (1.0 + n_f / (kernels as f64 + 1.0));
            // Any other level shares what the kernel's own leaves.
            return match centre {
                Some(c) if n == 1 || rng.random::<f64>() < own => c,
                Some(c) => {
                    let k = rng.random_range(0..n - 1) as f64;
                    if k >= c { k + 1.0 } else { k }
                }
                None => rng.random_range(0..n) as f64,
            };
        }
        let (centre, width) = centre.map_or((0.5, 1.0), |c| (c, self.width));
        // A centre lies inside the range: every second draw or more does too.
        loop {
            let x = centre + width * normal(rng);
            if (0.0..=1.0).contains(&x) {
                return self.domain.snap(x);
            }
        }
    }
}

/// A draw from the standard normal distribution (Box and Muller 1958).
fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    radius * (2.0 * std::f64::consts::PI * rng.random::<f64>()).cos()
}

/// The mass of the standard normal distribution within half a unit of its centre.
const BROAD_MASS: f64 = 0.382_924_922_548_026;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_density_integrates_to_one() {
        let number = Domain::Float { lo: 0.0, hi: 1.0, log: false, step: None };
        let density = Density::new(&[&number], vec![vec![0.0, 0.1, 0.7]]);
        let grid: Vec<Vec<f64>> = (0..2000).map(|i| vec![(f64::from(i) + 0.5) / 2000.0]).collect();
        let width = density.dims[0].width;
        let scale = 1.0 / (width * (2.0 * std::f64::consts::PI).sqrt());
        let total: f64 = density.logarithms(&grid).iter().map(|l| l.exp() * scale).sum::<f64>() / 2000.0;
        assert!((total - 1.0).abs() < 1e-4, "{total}");
        let levels = Domain::Categorical { levels: vec!["a".into(), "b".into(), "c".into()], ordered: false };
        let density = Density::new(&[&levels], vec![vec![0.0, 2.0]]);
        let total: f64 = density.logarithms(&[vec![0.0], vec![1.0], vec![2.0]]).iter().map(|l| l.exp()).sum();
        assert!((total - 1.0).abs() < 1e-12, "{total}");
    }

    #[test]
    fn parameters_that_are_active_together_are_one_group() {
        let space = Space::new()
            .categorical("a", ["x", "y"])
            .float("b", 0.0, 1.0)
            .when("a", ["x"])
            .float("c", 0.0, 1.0)
            .float("d", 0.0, 1.0)
            .when("a", ["x"]);
        assert_eq!(groups(&space), [vec![0, 2], vec![1, 3]]);
    }
}
