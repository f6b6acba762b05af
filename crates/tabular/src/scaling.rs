//! Recalibration of the margins of several classes: the line of each class from the model's margin to the truth's.

use ndarray::{Array1, Array2};
use specialist_core::{Context, Dataset, Error, Estimand, Labels, Outputs, Recalibrate, Scaling};

use crate::glm::{Normal, newton};
use crate::ladder::recalibration::SMALLEST_SLOPE;

/// What a recalibration of several classes may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freedom {
    /// The classes' shares: an intercept each.
    Intercepts,
    /// Their shares, and how sure the model is on the whole: one slope for all (temperature scaling).
    Temperature,
    /// Their shares, and how sure it is of each class (vector scaling).
    Vector,
}

/// Fits the multinomial likelihood of `data`'s classes by the model's `margins`, with a Gaussian prior of precision
/// `strength`, above 0, around the scaling that changes nothing. For two classes it is [`specialist_core::fit_affine`] but
/// for the prior on the intercept, which is shared by both classes here: a `strength` counts as half of it there.
///
/// # Errors
/// [`Error::Fit`] where the steps do not settle; [`Error::Cancelled`].
pub(crate) fn fit(
    margins: &Outputs,
    data: &Dataset,
    strength: f64,
    freedom: Freedom,
    ctx: &Context,
) -> Result<Scaling, Error> {
    let classes = margins.width();
    let slopes = match freedom {
        Freedom::Intercepts => 0,
        Freedom::Temperature => 1,
        Freedom::Vector => classes,
    };
    let scaling = |p: &[f64]| Scaling {
        intercept: p[..classes].to_vec(),
        // A slope is counted from 1, where it changes nothing.
        slope: (0..classes).map(|k| 1.0 + p.get(classes + k % slopes.max(1)).copied().unwrap_or(0.0)).collect(),
    };
    let zero = Array1::zeros(classes + slopes);
    let precision = Array1::from_elem(classes + slopes, strength);
    let at = |p: &Array1<f64>| {
        let scaling = scaling(p.as_slice().expect("parameters are contiguous"));
        let mut sum = likelihood(margins, data, &scaling, slopes);
        sum.add(&zero, &precision, p);
        sum
    };
    let found = newton(zero.clone(), false, ctx, at)?;
    let mut found = scaling(found.as_slice().expect("parameters are contiguous"));
    found.slope.iter_mut().for_each(|s| *s = s.max(SMALLEST_SLOPE));
    Ok(found)
}

/// The negative log likelihood with its derivatives by the intercepts, then the slopes.
fn likelihood(margins: &Outputs, data: &Dataset, scaling: &Scaling, slopes: usize) -> Normal {
    let classes = margins.width();
    let width = classes + slopes;
    let estimand = Estimand::Classes(classes);
    let mut sum = Normal { objective: 0.0, gradient: Array1::zeros(width), hessian: Array2::zeros((width, width)) };
    // Which slope moves a class' margin.
    let slope_of = |k: usize| classes + k % slopes.max(1);
    let mut p = vec![0.0; classes];
    for ((margin, &code), &w) in margins.iter_rows().zip(data.labels().codes()).zip(&data.base.weights) {
        if code == Labels::UNKNOWN {
            continue;
        }
        p.copy_from_slice(margin);
        scaling.recalibrate(&mut p);
        estimand.respond(&mut p);
        let w = f64::from(w);
        sum.objective -= w * p[code as usize].max(f64::MIN_POSITIVE).ln();
        for k in 0..classes {
            let residual = w * (p[k] - f64::from(u8::from(k == code as usize)));
            sum.gradient[k] += residual;
            if slopes > 0 {
                sum.gradient[slope_of(k)] += residual * margin[k];
            }
            for l in 0..classes {
                // The softmax's curvature, then by the chain rule that of the slopes.
                let curvature = w * p[k] * (f64::from(u8::from(k == l)) - p[l]);
                sum.hessian[[k, l]] += curvature;
                if slopes > 0 {
                    sum.hessian[[k, slope_of(l)]] += curvature * margin[l];
                    sum.hessian[[slope_of(k), l]] += curvature * margin[k];
                    sum.hessian[[slope_of(k), slope_of(l)]] += curvature * margin[k] * margin[l];
                }
            }
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use specialist_core::Feature;

    /// Three classes of 120 rows and margins that are too sure of them, as in tests/reference/scaling.py.
    fn fixture() -> (Outputs, Dataset) {
        let n = 120usize;
        let class = |i: usize| (i * 7) % 11 % 3;
        let margin = |i: usize, k: usize| {
            let known = if class(i) == k { 1.0 } else { 0.0 };
            2.0 * (known + ((i * (17 + 6 * k) + 5 * k) % 29) as f64 / 29.0 * 3.0 - 1.5)
        };
        let values = (0..n).flat_map(|i| (0..3).map(move |k| margin(i, k))).collect();
        let labels = Labels::Classes {
            codes: (0..n).map(|i| class(i) as u32).collect(),
            levels: ["a", "b", "c"].map(String::from).to_vec(),
        };
        let mut rows = Dataset::new(vec![Feature::number("x")], Array2::zeros((n, 1)), labels).unwrap();
        rows.base.weights = (0..n).map(|i| (1 + i % 3) as f32).collect();
        (Outputs::new(3, values).unwrap(), rows)
    }

    include!("scaling_reference.rs");

    #[test]
    fn scalings_are_those_of_scipy() {
        let (margins, rows) = fixture();
        let ctx = Context::new(0, 1);
        for (freedom, expected) in
            [(Freedom::Intercepts, INTERCEPTS), (Freedom::Temperature, TEMPERATURE), (Freedom::Vector, VECTOR)]
        {
            let found = fit(&margins, &rows, 2.0, freedom, &ctx).unwrap();
            for (f, e) in found.intercept.iter().chain(&found.slope).zip(expected) {
                assert!((f - e).abs() < 1e-6, "{freedom:?}: {found:?} against {expected:?}");
            }
        }
        let firm = fit(&margins, &rows, 1e9, Freedom::Vector, &ctx).unwrap();
        assert!(firm.intercept.iter().all(|b| b.abs() < 1e-6) && firm.slope.iter().all(|s| (s - 1.0).abs() < 1e-6));
    }

    #[test]
    fn of_two_classes_it_is_the_line_of_one_margin() {
        let (margins, rows) = fixture();
        // The first class against the second, by the difference of their margins.
        let two: Vec<usize> = (0..rows.rows()).filter(|&r| rows.labels().codes()[r] < 2).collect();
        let codes: Vec<u32> = two.iter().map(|&r| rows.labels().codes()[r]).collect();
        let single: Vec<f64> = two.iter().map(|&r| margins.row(r)[1] - margins.row(r)[0]).collect();
        let weight: Vec<f64> = two.iter().map(|&r| f64::from(rows.base.weights[r])).collect();
        let label: Vec<f64> = codes.iter().map(|c| f64::from(*c)).collect();
        let pair = single.iter().flat_map(|m| [-m / 2.0, m / 2.0]).collect();
        let mut data = rows.select(&two);
        data.base.targets = Labels::Classes { codes, levels: ["a", "b"].map(String::from).to_vec() };
        let found =
            fit(&Outputs::new(2, pair).unwrap(), &data, 1e-4, Freedom::Temperature, &Context::new(0, 1)).unwrap();
        let line = specialist_core::fit_affine(&single, &label, &weight, 1e-4, false).unwrap();
        assert!((found.intercept[1] - found.intercept[0] - line.intercept).abs() < 1e-3, "{found:?} {line:?}");
        assert!((found.slope[0] - line.slope).abs() < 1e-3, "{found:?} {line:?}");
    }
}
