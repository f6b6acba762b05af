//! Gaussian-process regression (Rasmussen and Williams 2006, chapters 2 and 5): a Matérn 5/2 kernel
//! with one relevance a parameter, fitted by maximum a posteriori.

use super::lbfgs;

/// What a coordinate of a point is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axis {
    /// A number from 0 to 1; the squared difference counts.
    Number,
    /// A level; any two different ones are at distance 1.
    Level,
}

/// Points, one after the other, each with one number an axis.
#[derive(Debug, Clone)]
pub struct Points {
    /// What the coordinates are.
    pub axes: Vec<Axis>,
    flat: Vec<f64>,
}

impl Points {
    pub fn new(axes: Vec<Axis>) -> Self {
        Self { axes, flat: Vec::new() }
    }

    pub fn push(&mut self, point: &[f64]) {
        self.flat.extend_from_slice(point);
    }

    pub fn len(&self) -> usize {
        self.flat.len() / self.axes.len().max(1)
    }

    pub fn get(&self, i: usize) -> &[f64] {
        &self.flat[i * self.axes.len()..(i + 1) * self.axes.len()]
    }
}

/// The kernel's settings: logarithms of the inverse squared length scale of each axis, of the
/// amplitude and of the noise's variance.
#[derive(Debug, Clone, PartialEq)]
pub struct Kernel {
    pub relevance: Vec<f64>,
    pub amplitude: f64,
    pub noise: f64,
}

const SQRT5: f64 = 2.236_067_977_499_79;

/// Matérn 5/2 of a squared distance, and its derivative.
fn matern(r2: f64) -> (f64, f64) {
    let s = SQRT5 * r2.sqrt();
    let e = (-s).exp();
    ((1.0 + s + s * s / 3.0) * e, -5.0 / 6.0 * (1.0 + s) * e)
}

fn gap(axis: Axis, a: f64, b: f64) -> f64 {
    match axis {
        Axis::Number => (a - b) * (a - b),
        Axis::Level => f64::from(u8::from(a != b)),
    }
}

/// Bounds of the logarithms that are fitted.
const RELEVANCE: (f64, f64) = (-9.0, 8.0);
const AMPLITUDE: (f64, f64) = (-3.0, 4.0);
/// Noise is kept below a seventh of the spread: a process that takes ripples for noise explores corners.
const NOISE: (f64, f64) = (-13.8, -4.0);
/// The sum of the parameters' relevances that is expected before anything is known.
const RELEVANT: f64 = 10.0;

impl Kernel {
    /// Where a fit starts: length scales that grow with the number of axes.
    pub fn start(axes: usize) -> Self {
        Self { relevance: vec![(0.4 * RELEVANT / axes as f64).ln(); axes], amplitude: 0.0, noise: -6.9 }
    }

    /// Fits to the points' standardised values from this start, with at most `iterations` steps.
    pub fn fit(&self, points: &Points, values: &[f64], iterations: usize) -> Self {
        let d = points.axes.len();
        let mut x: Vec<f64> = self.relevance.iter().copied().chain([self.amplitude, self.noise]).collect();
        let bound = |b: fn(&(f64, f64)) -> f64| -> Vec<f64> {
            (0..d).map(|_| b(&RELEVANCE)).chain([b(&AMPLITUDE), b(&NOISE)]).collect()
        };
        let mut work = Work::new(points);
        let f = |x: &[f64], g: &mut [f64]| work.negative_log_posterior(points, values, x, g);
        lbfgs::minimise(&mut x, &bound(|b| b.0), &bound(|b| b.1), iterations, f);
        Self { relevance: x[..d].to_vec(), amplitude: x[d], noise: x[d + 1] }
    }
}
/// Minus the logarithm of the prior density, and its derivative: length scales around
/// `√d`-proportional ones (Hvarfner et al. 2024), an amplitude around 1, little noise.
fn prior(x: &[f64], gradient: &mut [f64]) -> f64 {
    let d = x.len() - 2;
    let centre = (RELEVANT / d as f64).ln();
    let mut total = 0.0;
    let mut normal = |i: usize, mean: f64, sd: f64| {
        let z = (x[i] - mean) / sd;
        gradient[i] += z / sd;
        total += 0.5 * z * z;
    };
    (0..d).for_each(|i| normal(i, centre, 2.0));
    normal(d, 0.0, 1.0);
    normal(d + 1, -9.0, 2.5);
    total
}

/// Buffers of a fit.
struct Work {
    n: usize,
    /// Squared differences of each pair `(i, j < i)`, an axis after the other.
    gaps: Vec<Vec<f64>>,
    k: Vec<f64>,
    slope: Vec<f64>,
    inverse: Vec<f64>,
}

impl Work {
    fn new(points: &Points) -> Self {
        let n = points.len();
        let pairs = |(a, axis): (usize, &Axis)| {
            let mut out = Vec::with_capacity(n * n / 2);
            for i in 0..n {
                (0..i).for_each(|j| out.push(gap(*axis, points.get(i)[a], points.get(j)[a])));
            }
            out
        };
        let gaps = points.axes.iter().enumerate().map(pairs).collect();
        Self { n, gaps, k: vec![0.0; n * n], slope: vec![0.0; n * n / 2], inverse: vec![0.0; n * n] }
    }

    fn negative_log_posterior(&mut self, points: &Points, values: &[f64], x: &[f64], gradient: &mut [f64]) -> f64 {
        let (n, d) = (self.n, points.axes.len());
        let relevance: Vec<f64> = x[..d].iter().map(|v| v.exp()).collect();
        let (amplitude, noise) = (x[d].exp(), x[d + 1].exp());
        gradient.fill(0.0);
        let penalty = prior(x, gradient);
        let pairs = n * (n - 1) / 2;
        let mut r2 = vec![0.0; pairs];
        for (gaps, theta) in self.gaps.iter().zip(&relevance) {
            r2.iter_mut().zip(gaps).for_each(|(r, g)| *r += theta * g);
        }
        let mut at = 0;
        for i in 0..n {
            for j in 0..i {
                let (k, slope) = matern(r2[at]);
                self.k[i * n + j] = amplitude * k;
                self.slope[at] = amplitude * slope;
                at += 1;
            }
            self.k[i * n + i] = amplitude + noise;
        }
        if !cholesky(&mut self.k, n) {
            return f64::INFINITY;
        }
        let mut alpha = values.to_vec();
        forward(&self.k, n, &mut alpha);
        let fit = 0.5 * lbfgs::dot(&alpha, &alpha);
        backward(&self.k, n, &mut alpha);
        let determinant: f64 = (0..n).map(|i| self.k[i * n + i].ln()).sum();
        invert(&self.k, n, &mut self.inverse);
        // d/dθ = ½ tr((K⁻¹ − ααᵀ) dK/dθ); each pair stands for two entries.
        let mut weight = vec![0.0; pairs];
        let mut trace = 0.0;
        let mut at = 0;
        for i in 0..n {
            for j in 0..i {
                weight[at] = (self.inverse[i * n + j] - alpha[i] * alpha[j]) * self.slope[at];
                at += 1;
            }
            trace += self.inverse[i * n + i] - alpha[i] * alpha[i];
        }
        for ((gaps, theta), g) in self.gaps.iter().zip(&relevance).zip(gradient.iter_mut()) {
            *g += theta * lbfgs::dot(&weight, gaps);
        }
        // Σ (K⁻¹ − ααᵀ)∘K = n − yᵀα, of which the noise's part is `trace · noise`.
        gradient[d] += 0.5 * (n as f64 - lbfgs::dot(values, &alpha) - trace * noise);
        gradient[d + 1] += 0.5 * trace * noise;
        fit + determinant + penalty
    }
}

/// The posterior given points and their values.
pub struct Posterior {
    points: Points,
    relevance: Vec<f64>,
    amplitude: f64,
    factor: Vec<f64>,
    alpha: Vec<f64>,
}

impl Posterior {
    /// `values` are standardised; with `None` for pending points, which take the mean predicted from
    /// the others (a kriging believer), so that the variance around them is small.
    pub fn new(kernel: &Kernel, points: &Points, values: &[Option<f64>]) -> Option<Self> {
        let known: Vec<usize> = (0..values.len()).filter(|&i| values[i].is_some()).collect();
        if known.len() == values.len() {
            return Self::of(kernel, points.clone(), values.iter().flatten().copied().collect());
        }
        let mut told = Points::new(points.axes.clone());
        known.iter().for_each(|&i| told.push(points.get(i)));
        let first = Self::of(kernel, told, values.iter().flatten().copied().collect())?;
        let mut scratch = Scratch::default();
        let believed = (0..values.len()).map(|i| values[i].unwrap_or_else(|| first.at(points.get(i), &mut scratch).0));
        Self::of(kernel, points.clone(), believed.collect())
    }

    fn of(kernel: &Kernel, points: Points, values: Vec<f64>) -> Option<Self> {
        let n = points.len();
        let relevance: Vec<f64> = kernel.relevance.iter().map(|v| v.exp()).collect();
        let amplitude = kernel.amplitude.exp();
        let mut factor = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..i {
                factor[i * n + j] =
                    amplitude * matern(distance(&points.axes, &relevance, points.get(i), points.get(j))).0;
            }
            factor[i * n + i] = amplitude + kernel.noise.exp();
        }
        if !cholesky(&mut factor, n) {
            return None;
        }
        let mut alpha = values;
        forward(&factor, n, &mut alpha);
        backward(&factor, n, &mut alpha);
        Some(Self { points, relevance, amplitude, factor, alpha })
    }

    /// Mean and variance at a point. `scratch` keeps what [`Posterior::slopes`] needs.
    pub fn at(&self, x: &[f64], scratch: &mut Scratch) -> (f64, f64) {
        let n = self.points.len();
        scratch.k.clear();
        scratch.slope.clear();
        for i in 0..n {
            let (k, slope) = matern(distance(&self.points.axes, &self.relevance, x, self.points.get(i)));
            scratch.k.push(self.amplitude * k);
            scratch.slope.push(self.amplitude * slope);
        }
        let mean = lbfgs::dot(&scratch.k, &self.alpha);
        scratch.v.clear();
        scratch.v.extend_from_slice(&scratch.k);
        forward(&self.factor, n, &mut scratch.v);
        (mean, (self.amplitude - lbfgs::dot(&scratch.v, &scratch.v)).max(1e-12))
    }

    /// Derivatives of mean and variance along each numeric axis at the point last given to
    /// [`Posterior::at`].
    pub fn slopes(&self, x: &[f64], scratch: &mut Scratch) -> (Vec<f64>, Vec<f64>) {
        let (n, d) = (self.points.len(), x.len());
        backward(&self.factor, n, &mut scratch.v);
        let (mut mean, mut variance) = (vec![0.0; d], vec![0.0; d]);
        for i in 0..n {
            let (m, v) = (self.alpha[i] * scratch.slope[i], -2.0 * scratch.v[i] * scratch.slope[i]);
            let p = self.points.get(i);
            for a in 0..d {
                if self.points.axes[a] == Axis::Number {
                    let change = 2.0 * self.relevance[a] * (x[a] - p[a]);
                    mean[a] += m * change;
                    variance[a] += v * change;
                }
            }
        }
        (mean, variance)
    }
}

/// Buffers of a prediction.
#[derive(Default)]
pub struct Scratch {
    k: Vec<f64>,
    slope: Vec<f64>,
    v: Vec<f64>,
}

fn distance(axes: &[Axis], relevance: &[f64], a: &[f64], b: &[f64]) -> f64 {
    let mut sum = 0.0;
    for i in 0..axes.len() {
        sum += relevance[i] * gap(axes[i], a[i], b[i]);
    }
    sum
}

/// Replaces the lower triangle by its Cholesky factor; false where the matrix is not positive.
fn cholesky(a: &mut [f64], n: usize) -> bool {
    for i in 0..n {
        let (above, row) = a.split_at_mut(i * n);
        for j in 0..i {
            let other = &above[j * n..j * n + j + 1];
            let s = row[j] - lanes(&row[..j], &other[..j]);
            row[j] = s / other[j];
        }
        let s = row[i] - lanes(&row[..i], &row[..i]);
        if s.is_nan() || s <= 1e-14 {
            return false;
        }
        row[i] = s.sqrt();
    }
    true
}

/// A dot product in lanes: the compiler may not reorder sums of floats by itself.
fn lanes(a: &[f64], b: &[f64]) -> f64 {
    const LANES: usize = 8;
    let (pa, pb) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f64 = pa.remainder().iter().zip(pb.remainder()).map(|(x, y)| x * y).sum();
    let mut acc = [0.0; LANES];
    for (x, y) in pa.zip(pb) {
        for l in 0..LANES {
            acc[l] += x[l] * y[l];
        }
    }
    acc.iter().sum::<f64>() + rest
}

fn forward(l: &[f64], n: usize, b: &mut [f64]) {
    for i in 0..n {
        let s = b[i] - lanes(&l[i * n..i * n + i], &b[..i]);
        b[i] = s / l[i * n + i];
    }
}

fn backward(l: &[f64], n: usize, b: &mut [f64]) {
    for i in (0..n).rev() {
        b[i] /= l[i * n + i];
        let v = b[i];
        let row = &l[i * n..i * n + i];
        b[..i].iter_mut().zip(row).for_each(|(b, l)| *b -= v * l);
    }
}

/// The lower triangle of the inverse of `L·Lᵀ`.
fn invert(l: &[f64], n: usize, out: &mut [f64]) {
    // L⁻¹ row by row, kept transposed in `m`: m[j·n + i] = (L⁻¹)[i][j].
    let mut m = vec![0.0; n * n];
    for j in 0..n {
        let column = &mut m[j * n..(j + 1) * n];
        column[j] = 1.0 / l[j * n + j];
        for i in j + 1..n {
            column[i] = -lanes(&l[i * n + j..i * n + i], &column[j..i]) / l[i * n + i];
        }
    }
    for i in 0..n {
        for j in 0..=i {
            out[i * n + j] = lanes(&m[i * n + i..(i + 1) * n], &m[j * n + i..(j + 1) * n]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const X: [[f64; 2]; 6] = [[0.1, 0.2], [0.4, 0.9], [0.55, 0.35], [0.8, 0.6], [0.25, 0.75], [0.95, 0.1]];
    const Y: [f64; 6] = [0.3, -0.8, 1.1, 0.45, -0.25, 0.7];

    fn points() -> Points {
        let mut p = Points::new(vec![Axis::Number; 2]);
        X.iter().for_each(|x| p.push(x));
        p
    }

    /// scikit-learn 1.9.1, GaussianProcessRegressor(Matern(length_scale=[.3, .7], nu=2.5), alpha=1e-4,
    /// optimizer=None).fit(X, Y): predict at three points, log_marginal_likelihood().
    #[test]
    fn it_agrees_with_scikit_learn() {
        let relevance = [0.3f64, 0.7].map(|l| -2.0 * l.ln()).to_vec();
        let kernel = Kernel { relevance, amplitude: 0.0, noise: 1e-4f64.ln() };
        let posterior = Posterior::new(&kernel, &points(), &Y.map(Some)).unwrap();
        let expected = [
            ([0.5, 0.5], 0.616_419_635_580, 0.225_233_431_651),
            ([0.1, 0.2], 0.300_006_191_477, 0.009_999_182_704),
            ([0.0, 1.0], -0.094_773_894_363, 0.783_473_041_714),
        ];
        for (x, mean, sd) in expected {
            let (m, v) = posterior.at(&x, &mut Scratch::default());
            assert!((m - mean).abs() < 1e-9 && (v.sqrt() - sd).abs() < 1e-9, "{m} {}", v.sqrt());
        }
        let settings = [kernel.relevance.clone(), vec![kernel.amplitude, kernel.noise]].concat();
        let likelihood = |x: &[f64]| {
            let mut g = vec![0.0; 4];
            Work::new(&points()).negative_log_posterior(&points(), &Y, x, &mut g) - prior(x, &mut [0.0; 4])
        };
        let constant = 3.0 * (2.0 * std::f64::consts::PI).ln();
        assert!((likelihood(&settings) + constant - 6.507_030_304_124).abs() < 1e-9);
    }

    #[test]
    fn gradients_agree_with_finite_differences() {
        let x = [0.5, -0.3, 0.2, -4.5];
        let mut gradient = vec![0.0; 4];
        let mut work = Work::new(&points());
        work.negative_log_posterior(&points(), &Y, &x, &mut gradient);
        for i in 0..4 {
            let mut at = |h: f64| {
                let mut moved = x;
                moved[i] += h;
                work.negative_log_posterior(&points(), &Y, &moved, &mut [0.0; 4])
            };
            let numeric = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!((gradient[i] - numeric).abs() < 1e-5 * (1.0 + numeric.abs()), "{i}: {} {numeric}", gradient[i]);
        }
        let posterior = Posterior::new(&Kernel::start(2), &points(), &Y.map(Some)).unwrap();
        let mut scratch = Scratch::default();
        posterior.at(&[0.3, 0.6], &mut scratch);
        let (mean, variance) = posterior.slopes(&[0.3, 0.6], &mut scratch);
        let at = |a: f64, b: f64| posterior.at(&[a, b], &mut Scratch::default());
        let h = 1e-6;
        for (i, (up, down)) in
            [(at(0.3 + h, 0.6), at(0.3 - h, 0.6)), (at(0.3, 0.6 + h), at(0.3, 0.6 - h))].iter().enumerate()
        {
            assert!((mean[i] - (up.0 - down.0) / (2.0 * h)).abs() < 1e-6);
            assert!((variance[i] - (up.1 - down.1) / (2.0 * h)).abs() < 1e-6);
        }
    }

    #[test]
    fn pending_points_lower_the_variance_around_them() {
        let mut with = points();
        with.push(&[0.0, 1.0]);
        let values: Vec<Option<f64>> = Y.map(Some).into_iter().chain([None]).collect();
        let kernel = Kernel::start(2);
        let (plain, pending) = (
            Posterior::new(&kernel, &points(), &Y.map(Some)).unwrap(),
            Posterior::new(&kernel, &with, &values).unwrap(),
        );
        let at = |p: &Posterior| p.at(&[0.02, 0.98], &mut Scratch::default());
        assert!(at(&pending).1 < 0.2 * at(&plain).1);
        assert!((at(&pending).0 - at(&plain).0).abs() < 0.05);
    }
}
