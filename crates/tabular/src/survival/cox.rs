//! Cox regression with a Gaussian prior of any mean and precision on every coefficient, and an L1 penalty.

use linfa_linalg::cholesky::SolveCInplace;
use ndarray::{Array1, Array2, ArrayView2, Axis};
use specialist_core::survival::{Ties, partial_likelihood};
use specialist_core::{Context, Error, Followed};

const ITERATIONS: usize = 60;

/// What is taken off the log partial likelihood.
#[derive(Debug, Clone, PartialEq)]
pub struct Penalty {
    /// Where each coefficient is expected.
    pub mean: Array1<f64>,
    /// How firmly: the inverse variance.
    pub precision: Array1<f64>,
    /// Times the sum of absolute coefficients: with a mean of 0 an elastic net.
    pub lasso: f64,
}

impl Penalty {
    /// A ridge penalty.
    #[must_use]
    pub fn ridge(width: usize, precision: f64) -> Self {
        Self { mean: Array1::zeros(width), precision: Array1::from_elem(width, precision), lasso: 0.0 }
    }
}

/// Rows to fit on.
#[derive(Clone, Copy)]
pub struct Cox<'a> {
    /// Rows × columns.
    pub x: ArrayView2<'a, f64>,
    /// Times.
    pub label: &'a [Followed],
    /// Row weights.
    pub weight: &'a [f64],
    /// Added to every row's linear predictor.
    pub offset: Option<&'a [f64]>,
    /// A stratum a row, numbered from 0: each has a baseline hazard of its own.
    pub strata: Option<&'a [u32]>,
    /// What is done with events of one time.
    pub ties: Ties,
}

/// A fitted regression.
#[derive(Debug, Clone, PartialEq)]
pub struct CoxFit {
    /// Log hazard ratios, one a column.
    pub coefficients: Array1<f64>,
    /// The log partial likelihood there, without the penalty.
    pub value: f64,
    /// Minus its second derivative there, with the penalty's precision on the diagonal.
    pub information: Array2<f64>,
}

/// The penalised likelihood at some coefficients.
struct At {
    objective: f64,
    value: f64,
    gradient: Array1<f64>,
    information: Array2<f64>,
}

impl At {
    /// Whether the step from `before` led nowhere.
    fn falls_behind(&self, before: &Self) -> bool {
        self.objective.is_nan() || self.objective < before.objective - 1e-12 * before.objective.abs()
    }
}

impl Cox<'_> {
    /// The linear predictor of every row.
    fn eta(&self, beta: &Array1<f64>) -> Vec<f64> {
        let mut eta = self.x.dot(beta).to_vec();
        if let Some(offset) = self.offset {
            eta.iter_mut().zip(offset).for_each(|(e, o)| *e += o);
        }
        eta
    }

    fn at(&self, beta: &Array1<f64>, penalty: &Penalty) -> At {
        let l = partial_likelihood(self.x, &self.eta(beta), self.label, self.weight, self.strata, self.ties);
        let away = beta - &penalty.mean;
        let smooth = 0.5 * (&penalty.precision * &away * &away).sum();
        let absolute: f64 = beta.iter().map(|b| b.abs()).sum();
        let mut information = l.information;
        information.diag_mut().zip_mut_with(&penalty.precision, |h, p| *h += p);
        At {
            objective: l.value - smooth - penalty.lasso * absolute,
            value: l.value,
            gradient: l.gradient - &penalty.precision * &away,
            information,
        }
    }

    /// The coefficients that maximise the penalised log partial likelihood, by Newton's method; with an L1 penalty each
    /// step maximises the quadratic model by coordinate descent (Simon and others 2011).
    ///
    /// # Errors
    /// [`Error::TooFew`] without an event, [`Error::Fit`] when the curvature is singular or the steps do not settle.
    pub fn fit(&self, penalty: &Penalty, ctx: &Context) -> Result<CoxFit, Error> {
        let failed = |reason: &str| Error::Fit { estimator: "cox", reason: reason.into() };
        if !self.label.iter().any(|l| l.had_event()) {
            return Err(Error::TooFew { what: "events".into(), found: 0, needed: 1 });
        }
        let mut beta = penalty.mean.clone();
        let mut now = self.at(&beta, penalty);
        for _ in 0..ITERATIONS {
            ctx.check()?;
            let step = if penalty.lasso > 0.0 {
                descend(&now, &beta, penalty.lasso)
            } else {
                let mut step = now.gradient.clone();
                let mut information = now.information.clone();
                information
                    .solvec_inplace(&mut step.view_mut().insert_axis(Axis(1)))
                    .map_err(|_| failed("two columns say the same and nothing shrinks them"))?;
                step
            };
            let mut length = 1.0;
            let mut next = &beta + &step;
            let mut then = self.at(&next, penalty);
            while then.falls_behind(&now) && length > 1e-6 {
                length /= 2.0;
                next = &beta + &(&step * length);
                then = self.at(&next, penalty);
            }
            let settled = step.iter().zip(&beta).all(|(s, b)| (s * length).abs() < 1e-10 * (1.0 + b.abs()));
            (beta, now) = (next, then);
            if settled {
                return Ok(CoxFit { coefficients: beta, value: now.value, information: now.information });
            }
        }
        Err(failed("the steps did not settle: a column may tell events from the rest"))
    }
}

/// The step that maximises the quadratic model less `lasso` times the absolute coefficients.
fn descend(at: &At, beta: &Array1<f64>, lasso: f64) -> Array1<f64> {
    const SWEEPS: usize = 1000;
    let h = &at.information;
    let mut step = Array1::<f64>::zeros(beta.len());
    // The gradient of the quadratic model at the step so far.
    let mut slope = at.gradient.clone();
    for _ in 0..SWEEPS {
        let mut largest = 0.0f64;
        for j in 0..beta.len() {
            let curvature = h[[j, j]].max(1e-12);
            let free = slope[j] + curvature * (beta[j] + step[j]);
            let new = free.signum() * (free.abs() - lasso).max(0.0) / curvature;
            let change = new - beta[j] - step[j];
            if change != 0.0 {
                slope.scaled_add(-change, &h.column(j));
                step[j] += change;
                largest = largest.max(change.abs());
            }
        }
        if largest < 1e-12 {
            break;
        }
    }
    step
}
