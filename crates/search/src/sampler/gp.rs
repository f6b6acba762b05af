//! Bayesian optimisation with a Gaussian process.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::contract::Sampler;
use super::random::{allowed, uniform};
use super::sobol::sobol_point;
use crate::domain::Domain;
use crate::gp::lbfgs::minimise;
use crate::gp::process::{Axis, Kernel, Points, Posterior, Scratch};
use crate::history::{History, same};
use crate::normal::{log_ei, quantile};
use crate::params::Params;
use crate::space::Space;

/// Bayesian optimisation (Jones et al. 1998) with a Gaussian process: Matérn 5/2 with a length scale
/// for each parameter, fitted anew for every suggestion; unordered levels are at equal distances from
/// each other, inactive parameters at a place of their own. The suggestion maximises the logarithm of
/// expected improvement (Ament et al. 2023) over the best predicted mean, from several starts; every
/// third one only in a box around the best point, which shrinks while nothing better is found. Pending
/// points take their predicted mean. Several objectives are scalarised anew for each suggestion
/// (Knowles 2006).
///
/// ```
/// use specialist_search::{Gp, Space, Study};
/// let mut study = Study::minimise("s", Space::new().float("x", -2.0, 2.0), 1);
/// study.optimize(&Gp::default(), 20, |p| Ok((p.float("x") - 0.5).powi(2))).unwrap();
/// assert!(study.best().unwrap().value().unwrap() < 0.01);
/// ```
pub struct Gp {
    /// Quasi-random points before the process is used.
    pub startup: usize,
}

impl Default for Gp {
    fn default() -> Self {
        Self { startup: 8 }
    }
}

/// A process over more trials than this, the cube of whose number it costs, is fitted to the best half of them and the latest.
const MOST: usize = 400;
/// The kernel is fitted to at most this many of them.
const MOST_FITTED: usize = 120;
/// Steps of a kernel's fit.
const FIT_STEPS: usize = 12;

impl Sampler for Gp {
    fn name(&self) -> &'static str {
        "gp"
    }

    fn suggest(&self, history: &History<'_>, rng: &mut ChaCha8Rng) -> Option<Params> {
        let space = history.space;
        let told = if history.directions.len() == 1 { history.told() } else { history.scalarised(rng) };
        if told.len() < self.startup || space.params().is_empty() {
            return startup(history, rng);
        }
        let model = Surrogate::fit(space, &told, &history.pending(), &[], None);
        // There may be no model (the kernel's matrix cannot be factored) or nothing new to propose: then any point does.
        model.and_then(|m| m.propose(history, rng)).or_else(|| allowed(space, || uniform(space, rng)))
    }
}

/// The next quasi-random point.
pub(crate) fn startup(history: &History<'_>, rng: &mut ChaCha8Rng) -> Option<Params> {
    let space = history.space;
    let point = space.decode(&sobol_point(space, history.trials.len(), history.seed as u32));
    if space.allows(&point) { Some(point) } else { allowed(space, || uniform(space, rng)) }
}

/// Points and losses of another study over the same parameters.
pub(crate) type Past = Vec<(Vec<f64>, f64)>;

/// A process over the codes of a space.
pub(crate) struct Surrogate<'a> {
    space: &'a Space,
    posterior: Posterior,
    /// The best told points, best first.
    best: Vec<Vec<f64>>,
    /// The best predicted mean at a told point.
    incumbent: f64,
    /// Told points since the best one.
    stale: usize,
    /// Coordinates behind those of the parameters: which study a point belongs to.
    tail: Vec<f64>,
}

/// The coordinates of a code: inactive numbers in the middle, inactive levels as one more level.
fn coordinates(space: &Space, code: &[f64]) -> Vec<f64> {
    let of = |(domain, c): (&Domain, &f64)| match (c.is_nan(), domain.is_numeric()) {
        (true, true) => 0.5,
        (true, false) => -1.0,
        _ => *c,
    };
    space.params().iter().map(|p| &p.domain).zip(code).map(of).collect()
}

/// Losses as a process likes them: mean 0 and standard deviation 1, after the worst ones are pulled in.
/// Losses further above the median than the best is below it say no more than that they are bad.
fn standardised(losses: &[f64]) -> Vec<f64> {
    let mut sorted = losses.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(&low) = sorted.first() else { return Vec::new() };
    let middle = sorted[((sorted.len() - 1) as f64 * 0.5).round() as usize];
    let ceiling = middle + (middle - low).max(1e-12);
    let pulled: Vec<f64> = losses.iter().map(|v| v.min(ceiling)).collect();
    let n = pulled.len() as f64;
    let mean = pulled.iter().sum::<f64>() / n;
    let sd = (pulled.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt().max(1e-12);
    pulled.iter().map(|v| (v - mean) / sd).collect()
}

impl<'a> Surrogate<'a> {
    /// Fits to the told points and losses, the pending points, and `past` studies, each of which is a
    /// level of one more axis, with what they alone predicted at the told points.
    pub fn fit(
        space: &'a Space,
        told: &[(&[f64], f64)],
        pending: &[&[f64]],
        past: &[Past],
        predicted: Option<&[f64]>,
    ) -> Option<Self> {
        let mut order: Vec<usize> = (0..told.len()).collect();
        order.sort_by(|&a, &b| told[a].1.total_cmp(&told[b].1).then(a.cmp(&b)));
        let mut values = standardised(&told.iter().map(|t| t.1).collect::<Vec<_>>());
        if let Some(predicted) = predicted {
            align(&mut values, predicted);
        }
        let mut chosen: Vec<usize> = if told.len() <= MOST {
            (0..told.len()).collect()
        } else {
            order.iter().copied().take(MOST / 2).chain(told.len() - MOST / 2..told.len()).collect()
        };
        chosen.sort_unstable();
        chosen.dedup();

        let mut axes: Vec<Axis> = space.params().iter().map(|p| axis(&p.domain)).collect();
        let tail = if past.is_empty() { vec![] } else { vec![0.0] };
        axes.extend(tail.iter().map(|_| Axis::Level));
        let mut points = Points::new(axes);
        let mut targets = Vec::new();
        for &i in &chosen {
            points.push(&[coordinates(space, told[i].0), tail.clone()].concat());
            targets.push(Some(values[i]));
        }
        for (study, trials) in past.iter().enumerate() {
            let values = standardised(&trials.iter().map(|t| t.1).collect::<Vec<_>>());
            for ((code, _), value) in trials.iter().zip(values) {
                points.push(&[coordinates(space, code), vec![study as f64 + 1.0]].concat());
                targets.push(Some(value));
            }
        }
        let kernel = fit_kernel(&points, &targets);
        for code in pending {
            // Behind the fit: what is pending has no value that a kernel could be fitted to.
            points.push(&[coordinates(space, code), tail.clone()].concat());
            targets.push(None);
        }
        let posterior = Posterior::new(&kernel, &points, &targets)?;
        let mut scratch = Scratch::default();
        let told_means = (0..chosen.len()).map(|i| posterior.at(points.get(i), &mut scratch).0);
        // The best predicted mean and not the best value, which noise may have made.
        // With nothing told yet the past's best is what must be beaten.
        let incumbent = told_means.reduce(f64::min).unwrap_or(-1.0);
        let best = order.iter().take(6).map(|&i| coordinates(space, told[i].0)).collect();
        let stale = order.first().map_or(0, |&i| told.len() - 1 - i);
        Some(Self { space, posterior, best, incumbent, stale, tail })
    }

    /// The logarithm of expected improvement at a point.
    fn gain(&self, point: &[f64], scratch: &mut Scratch) -> f64 {
        let (mean, variance) = self.posterior.at(&[point, &self.tail].concat(), scratch);
        let sd = variance.sqrt();
        log_ei((self.incumbent - mean) / sd).0 + sd.ln()
    }

    /// The allowed point of the largest expected improvement that was not tried.
    pub fn propose(&self, history: &History<'_>, rng: &mut ChaCha8Rng) -> Option<Params> {
        const STARTS: usize = 5;
        let region = self.region(history.trials.len());
        let mut scratch = Scratch::default();
        let mut pool: Vec<(f64, Vec<f64>)> =
            self.candidates(&region, rng).into_iter().map(|c| (self.gain(&c, &mut scratch), c)).collect();
        let by_gain = |a: &(f64, Vec<f64>), b: &(f64, Vec<f64>)| b.0.total_cmp(&a.0);
        pool.sort_by(by_gain);
        let starts: Vec<Vec<f64>> = pool.iter().take(STARTS).map(|(_, c)| c.clone()).collect();
        pool.extend(starts.into_iter().map(|c| self.climb(c, &region, &mut scratch)));
        pool.sort_by(by_gain);
        pool.iter().find_map(|(_, c)| {
            let params = self.space.decode(c);
            let code = self.space.encode(&params)?;
            // Encoded anew: once it is rounded, a candidate may be a point that was tried.
            let fresh = !history.codes.iter().flatten().any(|h| same(h, &code));
            (fresh && self.space.allows(&params)).then_some(params)
        })
    }

    /// Where trial `number` may lie: anywhere, or in the box around the best point.
    fn region(&self, number: usize) -> Region {
        const HALF_WIDTH: f64 = 0.1;
        const HALVED_AFTER: f64 = 20.0;
        let d = self.space.params().len();
        match self.best.first() {
            Some(centre) if number.is_multiple_of(3) => {
                let half = (HALF_WIDTH * 0.5f64.powf(self.stale as f64 / HALVED_AFTER)).max(0.01);
                let lo = centre.iter().map(|c| (c - half).max(0.0)).collect();
                let hi = centre.iter().map(|c| (c + half).min(1.0)).collect();
                Region { lo, hi, everywhere: false }
            }
            _ => Region { lo: vec![0.0; d], hi: vec![1.0; d], everywhere: true },
        }
    }

    /// What a point becomes once it is chosen: rounded, inactive coordinates at their own place.
    fn snap(&self, point: &[f64]) -> Vec<f64> {
        let code = self.space.encode(&self.space.decode(point)).unwrap_or_else(|| point.to_vec());
        coordinates(self.space, &code)
    }

    /// Points all over the region, and around the best ones.
    fn candidates(&self, region: &Region, rng: &mut ChaCha8Rng) -> Vec<Vec<f64>> {
        const ANYWHERE: usize = 200;
        const AROUND: usize = 30;
        const WIDTHS: [f64; 3] = [0.2, 0.07, 0.02];
        let scrambling = rng.random::<u32>();
        let anywhere = if region.everywhere { ANYWHERE } else { 0 };
        let mut out: Vec<Vec<f64>> =
            (0..anywhere).map(|i| self.snap(&sobol_point(self.space, i, scrambling))).collect();
        let params = self.space.params();
        let share = (3.0 / params.len() as f64).max(0.3);
        for (rank, best) in self.best.iter().enumerate() {
            for i in 0..AROUND {
                let fresh = uniform(self.space, rng);
                let mut point = best.clone();
                for (a, p) in params.iter().enumerate() {
                    if rng.random::<f64>() < share {
                        let step = WIDTHS[(i + rank) % WIDTHS.len()] * quantile(rng.random());
                        point[a] = if p.domain.is_numeric() { point[a] + step } else { fresh[a] };
                    }
                    if p.domain.is_numeric() {
                        point[a] = point[a].clamp(region.lo[a], region.hi[a]);
                    }
                }
                out.push(self.snap(&point));
            }
        }
        if out.is_empty() { vec![self.snap(&uniform(self.space, rng))] } else { out }
    }

    /// Climbs from a point: along the numeric axes by gradient, then by trying every other level of the
    /// categorical ones.
    fn climb(&self, start: Vec<f64>, region: &Region, scratch: &mut Scratch) -> (f64, Vec<f64>) {
        let mut point = start;
        let mut gain = f64::NEG_INFINITY;
        for _ in 0..2 {
            let before = gain;
            point = self.along_numbers(&point, region, scratch);
            gain = self.gain(&point, scratch);
            for (a, p) in self.space.params().iter().enumerate() {
                let Domain::Categorical { levels, ordered: false } = &p.domain else { continue };
                // Levels of an inactive parameter change nothing.
                if point[a] < 0.0 {
                    continue;
                }
                for level in 0..levels.len() {
                    let mut other = point.clone();
                    other[a] = level as f64;
                    let other = self.snap(&other);
                    let theirs = self.gain(&other, scratch);
                    if theirs > gain + 1e-12 {
                        (gain, point) = (theirs, other);
                    }
                }
            }
            if gain <= before + 1e-6 {
                break;
            }
        }
        (gain, point)
    }

    fn along_numbers(&self, start: &[f64], region: &Region, scratch: &mut Scratch) -> Vec<f64> {
        let numeric: Vec<usize> = (0..start.len()).filter(|&a| self.space.params()[a].domain.is_numeric()).collect();
        let of = |v: &[f64]| -> Vec<f64> { numeric.iter().map(|&a| v[a]).collect() };
        let whole = |x: &[f64]| {
            let mut at = [start, &self.tail].concat();
            numeric.iter().zip(x).for_each(|(&a, v)| at[a] = *v);
            at
        };
        let (mut x, mut lo, mut hi) = (of(start), of(&region.lo), of(&region.hi));
        // A start outside the region (an inactive coordinate, say) stays where it is.
        for i in 0..x.len() {
            lo[i] = lo[i].min(x[i]);
            hi[i] = hi[i].max(x[i]);
        }
        minimise(&mut x, &lo, &hi, 20, |x, gradient| {
            let at = whole(x);
            let (mean, variance) = self.posterior.at(&at, scratch);
            let sd = variance.sqrt();
            let z = (self.incumbent - mean) / sd;
            let (log, slope) = log_ei(z);
            let (dm, dv) = self.posterior.slopes(&at, scratch);
            for (g, &a) in gradient.iter_mut().zip(&numeric) {
                let dsd = dv[a] / (2.0 * sd);
                *g = -(slope * (-dm[a] / sd - z * dsd / sd) + dsd / sd);
            }
            -(log + sd.ln())
        });
        self.snap(&whole(&x)[..start.len()])
    }
}

/// What past studies alone predict at the told points, in their own standardised losses.
pub(crate) fn predicted(space: &Space, told: &[(&[f64], f64)], past: &[Past]) -> Option<Vec<f64>> {
    let mut points = Points::new(space.params().iter().map(|p| axis(&p.domain)).collect());
    let mut targets = Vec::new();
    for trials in past {
        trials.iter().for_each(|(code, _)| points.push(&coordinates(space, code)));
        targets.extend(standardised(&trials.iter().map(|t| t.1).collect::<Vec<_>>()).into_iter().map(Some));
    }
    let posterior = Posterior::new(&fit_kernel(&points, &targets), &points, &targets)?;
    let mut scratch = Scratch::default();
    Some(told.iter().map(|t| posterior.at(&coordinates(space, t.0), &mut scratch).0).collect())
}

/// The correlation of what was told with what the past predicted.
pub(crate) fn agreement(told: &[(&[f64], f64)], predicted: &[f64]) -> f64 {
    let values = standardised(&told.iter().map(|t| t.1).collect::<Vec<_>>());
    let (_, _, z) = moments(predicted);
    values.iter().zip(&z).map(|(a, b)| a * b).sum::<f64>() / values.len().max(1) as f64
}

/// Mean, standard deviation, and the values brought to mean 0 and standard deviation 1.
fn moments(values: &[f64]) -> (f64, f64, Vec<f64>) {
    let n = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / n;
    let sd = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
    (mean, sd, values.iter().map(|v| (v - mean) / sd.max(1e-12)).collect())
}

/// Brings the few values of a young study onto the scale of the past: to the mean and spread that the
/// past predicts at the same points, the less the more values there are.
fn align(values: &mut [f64], predicted: &[f64]) {
    const YOUNG: f64 = 10.0;
    let (mean, sd, _) = moments(predicted);
    let young = 1.0 / (1.0 + values.len() as f64 / YOUNG);
    values.iter_mut().for_each(|v| *v = *v * (young * sd.max(0.3) + 1.0 - young) + young * mean);
}

fn axis(domain: &Domain) -> Axis {
    if domain.is_numeric() { Axis::Number } else { Axis::Level }
}

/// Bounds of the numeric coordinates.
struct Region {
    lo: Vec<f64>,
    hi: Vec<f64>,
    everywhere: bool,
}

/// Fits the kernel, to a part of many points: the best of them and others evenly spread over the rest.
fn fit_kernel(points: &Points, targets: &[Option<f64>]) -> Kernel {
    let mut part: Vec<usize> = (0..points.len()).collect();
    if part.len() > MOST_FITTED {
        let value = |i: usize| targets[i].unwrap_or(0.0);
        part.sort_by(|&a, &b| value(a).total_cmp(&value(b)).then(a.cmp(&b)));
        let rest = part.split_off(MOST_FITTED / 2);
        let step = rest.len() as f64 / (MOST_FITTED / 2) as f64;
        part.extend((0..MOST_FITTED / 2).map(|i| rest[(i as f64 * step) as usize]));
    }
    let mut some = Points::new(points.axes.clone());
    part.iter().for_each(|&i| some.push(points.get(i)));
    let values: Vec<f64> = part.iter().filter_map(|&i| targets[i]).collect();
    Kernel::start(points.axes.len()).fit(&some, &values, FIT_STEPS)
}
