//! The generalised linear model of several classes: multinomial logistic regression with row weights, an offset, and a
//! Gaussian prior of any mean and precision on every coefficient.
//!
//! Every class has a margin of its own, and no class is left out as the reference: a prior must not depend on which class
//! comes first. The classes' margins are then known up to a constant a row; the prior settles it for the slopes, and where
//! the intercepts are free their sum is kept at its prior mean.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array1, Array2, Axis, Slice};
use specialist_core::{Context, Error, Estimand, Labels};

use crate::glm::{BLOCK, Glm, Normal, Prior, Problem, newton};

/// The most probable coefficients under `prior`, class after class, each `[intercept, coefficients…]`.
///
/// # Errors
/// As [`Problem::fit`].
pub(crate) fn fit(
    problem: &Problem<'_>,
    classes: usize,
    prior: &Prior,
    start: Option<&Array1<f64>>,
    ctx: &Context,
) -> Result<Glm, Error> {
    let width = problem.encoder.width() + 1;
    if prior.mean.len() != classes * width {
        return Err(Error::Mismatch(format!("a prior on {} coefficients, not {}", prior.mean.len(), classes * width)));
    }
    let start = start.map_or_else(|| prior.mean.clone(), Array1::clone);
    let coefficients = newton(start, false, ctx, |beta| normal(problem, beta, classes, prior, ctx))?;
    Ok(Glm { encoder: problem.encoder.clone(), estimand: Estimand::Classes(classes), coefficients })
}

fn normal(problem: &Problem<'_>, beta: &Array1<f64>, classes: usize, prior: &Prior, ctx: &Context) -> Normal {
    let mut sum = Normal::over(problem.data, beta.len(), ctx, |i| block(problem, i, beta, classes));
    sum.add(&prior.mean, &prior.precision, beta);
    // The intercepts' common level changes no probability: a penalty on it alone moves nothing else.
    let width = beta.len() / classes;
    let level: f64 = (0..classes).map(|k| beta[k * width] - prior.mean[k * width]).sum();
    sum.objective += 0.5 * level * level;
    for k in 0..classes {
        sum.gradient[k * width] += level;
        (0..classes).for_each(|l| sum.hessian[[k * width, l * width]] += 1.0);
    }
    sum
}

fn block(problem: &Problem<'_>, block: usize, beta: &Array1<f64>, classes: usize) -> Normal {
    let data = problem.data;
    let (from, to) = (block * BLOCK, ((block + 1) * BLOCK).min(data.rows()));
    let (rows, width) = (to - from, beta.len() / classes);
    let mut x = Array2::ones((rows, width));
    problem.encoder.write_rows(data.records().slice_axis(Axis(0), Slice::from(from..to)), 1, x.view_mut());
    let by_class = beta.view().into_shape_with_order((classes, width)).expect("classes × width");
    let mut p = x.dot(&by_class.t());
    if let Some(offset) = problem.offset {
        p.iter_mut().zip(&offset[from * classes..to * classes]).for_each(|(m, o)| *m += o);
    }
    let estimand = Estimand::Classes(classes);
    let codes = &data.labels().codes()[from..to];
    let weight: Vec<f64> = data.base.weights.iter().skip(from).take(rows).map(|w| f64::from(*w)).collect();
    let mut objective = 0.0;
    let mut residual = Array2::zeros((rows, classes));
    for (r, mut row) in p.axis_iter_mut(Axis(0)).enumerate() {
        let row = row.as_slice_mut().expect("rows are contiguous");
        estimand.respond(row);
        if codes[r] == Labels::UNKNOWN {
            continue;
        }
        let class = codes[r] as usize;
        objective -= weight[r] * row[class].max(f64::MIN_POSITIVE).ln();
        for (k, p) in row.iter().enumerate() {
            residual[[r, k]] = weight[r] * (p - f64::from(u8::from(k == class)));
        }
    }
    let gradient = residual.t().dot(&x);
    let mut hessian = Array2::zeros((beta.len(), beta.len()));
    for k in 0..classes {
        // The curvature is symmetric: the other half is copied.
        for l in 0..=k {
            let mut weighted = x.clone();
            for (r, mut row) in weighted.axis_iter_mut(Axis(0)).enumerate() {
                let own = if k == l { 1.0 } else { 0.0 };
                row *= weight[r] * p[[r, k]] * (own - p[[r, l]]);
            }
            let mut part = Array2::zeros((width, width));
            general_mat_mul(1.0, &weighted.t(), &x, 0.0, &mut part);
            for ((i, j), v) in part.indexed_iter() {
                hessian[[k * width + i, l * width + j]] = *v;
                hessian[[l * width + j, k * width + i]] = *v;
            }
        }
    }
    let gradient = Array1::from_iter(gradient.iter().copied());
    Normal { objective, gradient, hessian }
}
