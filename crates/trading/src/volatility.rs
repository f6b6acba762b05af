//! Forecasts of volatility that need no other asset: EWMA, GARCH(1,1) and HAR. A specialist that does not beat
//! them is worth nothing.

use argmin::core::{CostFunction, Executor};
use argmin::solver::neldermead::NelderMead;
use ndarray::Array2;
use specialist_core::{Context, Dataset, Error, Estimand, Feature, Predict};
use specialist_tabular::Encoder;
use specialist_tabular::glm::{Glm, Prior, Problem};

use crate::bars::Bar;
use crate::features::ewma;
use crate::labels::{log_return, realised};

/// GARCH(1,1) with normal innovations and mean zero, on returns in percent (Bollerslev 1986).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Garch {
    /// The constant.
    pub omega: f64,
    /// The weight of the last squared return.
    pub alpha: f64,
    /// The weight of the last variance.
    pub beta: f64,
    /// The variance before the first return: the exponentially weighted mean of the first 75 squares.
    pub start: f64,
}

struct Likelihood<'a> {
    percent: &'a [f64],
    start: f64,
}

/// From the whole plane to `omega > 0`, `alpha, beta > 0`, `alpha + beta < 1`.
fn constrained(p: &[f64], start: f64) -> Garch {
    let (a, b) = (p[1].clamp(-30.0, 30.0).exp(), p[2].clamp(-30.0, 30.0).exp());
    let total = 1.0 + a + b;
    Garch { omega: p[0].clamp(-40.0, 40.0).exp(), alpha: a / total, beta: b / total, start }
}

impl CostFunction for Likelihood<'_> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, p: &Vec<f64>) -> Result<f64, argmin::core::Error> {
        Ok(-constrained(p, self.start).log_likelihood(self.percent))
    }
}

impl Garch {
    /// Maximum likelihood on log returns, oldest first.
    ///
    /// # Errors
    /// [`Error::TooFew`] below 100 returns, [`Error::Fit`] when the search fails.
    pub fn fit(returns: &[f64]) -> Result<Self, Error> {
        if returns.len() < 100 {
            return Err(Error::TooFew { what: "returns for GARCH".into(), found: returns.len(), needed: 100 });
        }
        let percent: Vec<f64> = returns.iter().map(|r| 100.0 * r).collect();
        let start = backcast(&percent);
        let variance = percent.iter().map(|x| x * x).sum::<f64>() / percent.len() as f64;
        let failed = |e: argmin::core::Error| Error::Fit { estimator: "GARCH(1,1)", reason: e.to_string() };
        // alpha = .08 and beta = .9, and the constant that goes with the sample's variance.
        let first = vec![(0.02 * variance).max(1e-12).ln(), 4f64.ln(), 45f64.ln()];
        let mut simplex = vec![first.clone()];
        simplex.extend((0..3).map(|i| {
            let mut p = first.clone();
            p[i] += 0.7;
            p
        }));
        let solver = NelderMead::new(simplex).with_sd_tolerance(1e-11).map_err(failed)?;
        let problem = Likelihood { percent: &percent, start };
        let found = Executor::new(problem, solver).configure(|s| s.max_iters(2000)).run().map_err(failed)?;
        let best = found
            .state
            .best_param
            .ok_or_else(|| Error::Fit { estimator: "GARCH(1,1)", reason: "the search found no parameters".into() })?;
        Ok(constrained(&best, start))
    }

    /// The log-likelihood of returns in percent.
    #[must_use]
    pub fn log_likelihood(&self, percent: &[f64]) -> f64 {
        let mut variance = self.omega + (self.alpha + self.beta) * self.start;
        let mut sum = 0.0;
        for x in percent {
            sum -= 0.5 * ((2.0 * std::f64::consts::PI).ln() + variance.ln() + x * x / variance);
            variance = self.omega + self.alpha * x * x + self.beta * variance;
        }
        sum
    }

    /// After each return (not in percent) the forecast of volatility per bar over the next `horizon` bars.
    #[must_use]
    pub fn forecasts(&self, returns: &[f64], horizon: usize) -> Vec<f64> {
        let mut variance = self.omega + (self.alpha + self.beta) * self.start;
        let persistence = self.alpha + self.beta;
        let long_run = self.omega / (1.0 - persistence).max(1e-9);
        let ahead = |next: f64| {
            let decays = (0..horizon).map(|h| persistence.powi(h as i32)).sum::<f64>() / horizon as f64;
            (long_run + decays * (next - long_run)).sqrt() / 100.0
        };
        let mut step = |r: &f64| {
            let x = 100.0 * r;
            variance = self.omega + self.alpha * x * x + self.beta * variance;
            ahead(variance)
        };
        returns.iter().map(&mut step).collect()
    }
}

/// The mean of the first 75 squares, each weighing .94 of the one before it.
fn backcast(percent: &[f64]) -> f64 {
    let weight = |i: usize| 0.94f64.powi(i as i32);
    let first = || percent.iter().take(75).enumerate();
    first().map(|(i, x)| weight(i) * x * x).sum::<f64>() / first().map(|(i, _)| weight(i)).sum::<f64>()
}

/// After each bar but the first the RiskMetrics forecast of volatility per bar.
#[must_use]
pub fn risk_metrics(bars: &[Bar]) -> Vec<f64> {
    let mut variance = 0.0;
    let mut step = |i: usize| {
        variance = ewma(variance, log_return(bars, i), i, 0.94);
        variance.sqrt()
    };
    (1..bars.len()).map(&mut step).collect()
}

/// The logarithm of realised volatility, with a floor that keeps a day without a move finite.
#[must_use]
pub fn log_realised(bars: &[Bar], i: usize, n: usize) -> f64 {
    0.5 * realised(bars, i, n).powi(2).max(1e-10).ln()
}

/// The heterogeneous autoregression (Corsi 2009) of log realised volatility on its values over 1, 5 and 22 bars.
pub struct Har {
    model: Glm,
    /// Standard deviation of its errors.
    pub residual: f64,
}

/// Bars before the first row of a HAR regression.
pub const HAR_BARS: usize = 22;

fn har_rows(bars: &[Bar], at: &[usize]) -> Array2<f64> {
    let cell = |(r, c): (usize, usize)| log_realised(bars, at[r], [1, 5, 22][c]);
    Array2::from_shape_fn((at.len(), 3), cell)
}

impl Har {
    /// Least squares on the bars `at`, whose next `horizon` bars are known.
    ///
    /// # Errors
    /// [`Error::TooFew`] below 30 rows; the regression's own.
    pub fn fit(bars: &[Bar], at: &[usize], horizon: usize, ctx: &Context) -> Result<Self, Error> {
        if at.len() < 30 {
            return Err(Error::TooFew { what: "rows for HAR".into(), found: at.len(), needed: 30 });
        }
        let target: Vec<f64> = at.iter().map(|&i| log_realised(bars, i + horizon, horizon)).collect();
        let data = har_data(bars, at, target)?;
        let encoder = Encoder::fit(&data);
        let problem = Problem { data: &data, encoder: &encoder, offset: None, scale: 1.0 };
        let model = problem.fit(&Prior::ridge(encoder.width(), 1e-9), None, ctx)?;
        let fitted = model.margin(&data)?;
        let errors: f64 = fitted.iter().zip(data.labels().numbers()).map(|(f, y)| (f - y) * (f - y)).sum();
        Ok(Self { model, residual: (errors / (at.len() - 4) as f64).sqrt() })
    }

    /// The expected logarithm of realised volatility after the bars `at`.
    ///
    /// # Errors
    /// The model's own.
    pub fn forecasts(&self, bars: &[Bar], at: &[usize]) -> Result<Vec<f64>, Error> {
        self.model.margin(&har_data(bars, at, vec![0.0; at.len()])?)
    }
}

fn har_data(bars: &[Bar], at: &[usize], target: Vec<f64>) -> Result<Dataset, Error> {
    let features = ["har-1", "har-5", "har-22"].map(Feature::number).to_vec();
    let mut data = Dataset::new(features, har_rows(bars, at), target)?;
    data.estimand = Estimand::Mean;
    Ok(data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::{bars, reference};

    fn close(a: f64, b: f64, relative: f64) {
        assert!((a / b - 1.0).abs() < relative, "{a} against {b}");
    }

    #[test]
    fn garch_is_that_of_arch() {
        let expected = &reference()["garch"];
        let bars = bars();
        let returns: Vec<f64> = (1..bars.len()).map(|i| log_return(&bars, i)).collect();
        let fit = Garch::fit(&returns).unwrap();
        close(fit.omega, expected["omega"].as_f64().unwrap(), 1e-4);
        close(fit.alpha, expected["alpha"].as_f64().unwrap(), 1e-4);
        close(fit.beta, expected["beta"].as_f64().unwrap(), 1e-4);
        let percent: Vec<f64> = returns.iter().map(|r| 100.0 * r).collect();
        close(fit.log_likelihood(&percent), expected["loglikelihood"].as_f64().unwrap(), 1e-8);
        let ahead = expected["forecast_variance_1_to_5"].as_array().unwrap();
        let mean = ahead.iter().map(|v| v.as_f64().unwrap()).sum::<f64>() / 5.0;
        close(*fit.forecasts(&returns, 5).last().unwrap(), mean.sqrt() / 100.0, 1e-4);
    }

    #[test]
    fn ewma_is_the_recursion_after_a_mean_of_21() {
        let expected = &reference()["ewma"]["forecast_made_after_bar"];
        let found = risk_metrics(&bars());
        for bar in ["21", "22", "30", "100", "599"] {
            let i: usize = bar.parse().unwrap();
            close(found[i - 1] * found[i - 1], expected[bar].as_f64().unwrap(), 1e-10);
        }
    }

    #[test]
    fn har_is_least_squares() {
        let expected = &reference()["har"];
        let bars = bars();
        let at: Vec<usize> = (HAR_BARS..bars.len() - 5).collect();
        let har = Har::fit(&bars, &at, 5, &Context::new(1, 1)).unwrap();
        close(har.residual, expected["residual_std"].as_f64().unwrap(), 1e-6);
        let last = har.forecasts(&bars, &[bars.len() - 1]).unwrap()[0];
        close(last, expected["forecast_after_last_bar"].as_f64().unwrap(), 1e-6);
    }
}
