//! Who benefits, over many partings of the patients: one parting alone may say anything.

use rand::seq::SliceRandom;
use specialist_core::bootstrap::quantile;
use specialist_core::evidence::{Interval, Z};
use specialist_core::{Context, Error, Predict};
use specialist_tabular::glm::Glm;
use statrs::distribution::{ContinuousCDF, Normal};

use super::average::{Arms, scores};
use super::benefit::{best_linear_predictor, targeting_interval};
use super::effect_model;

/// Groups by predicted effect.
const GROUPS: usize = 3;
/// The level of a claim.
const LEVEL: f64 = 0.05;

/// Medians over partings; their intervals are at half the level (Chernozhukov, Demirer, Duflo and Fernández-Val 2018).
#[derive(Debug, Clone, Copy)]
pub struct Who {
    /// Area under the targeting operator characteristic.
    pub autoc: Interval,
    /// The same with shares counted by their size.
    pub qini: Interval,
    /// Of scores on predicted effects.
    pub slope: f64,
    /// One-sided, of the area being above 0: twice the median over partings.
    pub p: f64,
    /// Predicted and found mean effect of thirds by predicted effect, the lowest first.
    pub thirds: [[f64; 2]; GROUPS],
}

impl Who {
    /// Whether it is shown that some benefit more than others.
    #[must_use]
    pub fn is_shown(&self) -> bool {
        self.p <= LEVEL && self.autoc.low > 0.0 && self.qini.low > 0.0
    }
}

struct Parting {
    areas: [Interval; 2],
    slope: f64,
    thirds: [[f64; 2]; GROUPS],
}

/// Fits an effect model on half of the patients (fine-tuned from `source`, where there is one) and judges it on the other
/// half, `partings` times.
///
/// # Errors
/// When an arm is too small for two halves.
pub fn who_benefits(arms: &Arms, source: Option<&Glm>, partings: usize, ctx: &Context) -> Result<Who, Error> {
    let ctx = &ctx.child("who benefits");
    let found = ctx.map(partings, |k| parting(arms, source, &ctx.child(&k.to_string()).single()));
    let found = found.into_iter().collect::<Result<Vec<_>, _>>()?;
    let median = |of: &dyn Fn(&Parting) -> f64| quantile(&found.iter().map(of).collect::<Vec<_>>(), 0.5);
    let normal = Normal::standard();
    let wide = normal.inverse_cdf(1.0 - LEVEL / 4.0) / Z;
    let area = |k: usize| Interval {
        estimate: median(&|p| p.areas[k].estimate),
        low: median(&|p| p.areas[k].estimate - wide * (p.areas[k].estimate - p.areas[k].low)),
        high: median(&|p| p.areas[k].estimate + wide * (p.areas[k].high - p.areas[k].estimate)),
    };
    let p = |i: &Interval| {
        let error = (i.high - i.low) / (2.0 * Z);
        if error > 0.0 { normal.sf(i.estimate / error) } else { 1.0 }
    };
    let mut thirds = [[0.0; 2]; GROUPS];
    for (g, cells) in thirds.iter_mut().enumerate() {
        *cells = [0, 1].map(|k| median(&|p| p.thirds[g][k]));
    }
    Ok(Who {
        autoc: area(0),
        qini: area(1),
        slope: median(&|p| p.slope),
        p: (2.0 * median(&|x| p(&x.areas[0]))).min(1.0),
        thirds,
    })
}

fn parting(arms: &Arms, source: Option<&Glm>, ctx: &Context) -> Result<Parting, Error> {
    let mut halves = [Vec::new(), Vec::new()];
    for arm in [false, true] {
        let mut rows: Vec<usize> = (0..arms.treated.len()).filter(|&r| arms.treated[r] == arm).collect();
        rows.shuffle(&mut ctx.rng(if arm { "treated" } else { "untreated" }));
        rows.iter().enumerate().for_each(|(i, &r)| halves[i % 2].push(r));
    }
    let [train, test] = halves.map(|rows| arms.select(&rows));
    let of_train = scores(&train, &train.cross_fitted(ctx)?);
    let model = effect_model(&train.covariates, &of_train, source, ctx)?;
    let score = scores(&test, &train.fit(ctx)?.of(&test)?);
    let predicted = model.predict(&test.covariates)?;
    Ok(Parting {
        areas: [false, true].map(|qini| targeting_interval(&score, &predicted, qini, ctx)),
        slope: best_linear_predictor(&score, &predicted).slope,
        thirds: thirds(&score, &predicted),
    })
}

fn thirds(score: &[f64], predicted: &[f64]) -> [[f64; 2]; GROUPS] {
    let n = score.len();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| predicted[a].total_cmp(&predicted[b]));
    let mut out = [[f64::NAN; 2]; GROUPS];
    for (g, cells) in out.iter_mut().enumerate() {
        let rows = &order[g * n / GROUPS..(g + 1) * n / GROUPS];
        let mean = |x: &[f64]| rows.iter().map(|&r| x[r]).sum::<f64>() / rows.len() as f64;
        *cells = [mean(predicted), mean(score)];
    }
    out
}
