//! The average effect of a treatment: by weights, by regression, and by both (doubly robust), cross-fitted.

use rand::seq::SliceRandom;
use specialist_core::bootstrap::mean_sd;
use specialist_core::evidence::{Interval, Z};
use specialist_core::{Context, Dataset, Error, Estimand, Labels, Predict};
use specialist_tabular::Encoder;
use specialist_tabular::glm::{Glm, Prior, Problem, spread};

/// Parts that nuisance models are cross-fitted on.
pub const FOLDS: usize = 5;
/// Ridge penalty of the nuisance models: next to none, for what a penalty takes off a confounder is left in the effect.
const RIDGE: f64 = 1.0;
/// Propensities are kept this far from 0 and 1: a row at .001 would count for a thousand. Leaving such rows out, the textbook's other way,
/// would change whose effect is told.
const CLIP: f64 = 0.01;

/// Two arms of patients.
#[derive(Clone)]
pub struct Arms {
    /// What is known before treatment; the labels are outcomes, of which a mean is asked for.
    pub covariates: Dataset,
    /// Who was treated.
    pub treated: Vec<bool>,
    /// Whether chance decided that.
    pub randomised: bool,
}

/// Nuisances of every row, each from models that did not see it.
pub struct Nuisances {
    /// The probability of being treated.
    pub propensity: Vec<f64>,
    /// The outcome expected if untreated, and if treated.
    pub outcome: [Vec<f64>; 2],
}

/// Models of treatment and outcome.
pub struct Fitted {
    propensity: Option<Glm>,
    share: f64,
    outcome: [Glm; 2],
}

impl Arms {
    /// The rows at `rows`.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        Self {
            covariates: self.covariates.select(rows),
            treated: rows.iter().map(|&r| self.treated[r]).collect(),
            randomised: self.randomised,
        }
    }

    /// How many are in each arm: untreated, treated.
    #[must_use]
    pub fn sizes(&self) -> [usize; 2] {
        let treated = self.treated.iter().filter(|t| **t).count();
        [self.treated.len() - treated, treated]
    }

    /// Models of treatment (a constant where chance decided) and of the outcome in each arm.
    ///
    /// # Errors
    /// When an arm is empty or a model cannot be fitted.
    pub fn fit(&self, ctx: &Context) -> Result<Fitted, Error> {
        self.fit_with(RIDGE, ctx)
    }

    /// As [`Arms::fit`], with this ridge penalty.
    pub(super) fn fit_with(&self, ridge: f64, ctx: &Context) -> Result<Fitted, Error> {
        let [untreated, treated] = self.sizes();
        for (what, found) in [("untreated patients", untreated), ("treated patients", treated)] {
            if found < 2 {
                return Err(Error::TooFew { what: what.into(), found, needed: 2 });
            }
        }
        let regress = |data: &Dataset| {
            let encoder = Encoder::fit(data);
            let problem = Problem { data, encoder: &encoder, offset: None, scale: spread(data) };
            problem.fit(&Prior::ridge(encoder.width(), ridge), None, ctx)
        };
        // A model for each arm, and not one with the treatment among its columns: a penalty would shrink the very effect that is asked for.
        let arm = |wanted: bool| {
            let rows: Vec<usize> = (0..self.treated.len()).filter(|&r| self.treated[r] == wanted).collect();
            regress(&self.covariates.select(&rows))
        };
        let mut of_treatment = self.covariates.clone();
        of_treatment.estimand = Estimand::Probability;
        of_treatment.base.targets = Labels::binary(self.treated.iter().copied());
        // Where chance decided, the share is what the design says: a model would take what chance did to these rows for a reason.
        let propensity = if self.randomised { None } else { Some(regress(&of_treatment)?) };
        let share = treated as f64 / self.treated.len() as f64;
        Ok(Fitted { propensity, share, outcome: [arm(false)?, arm(true)?] })
    }

    /// Nuisances by models that were fitted on the other parts of the rows.
    ///
    /// # Errors
    /// As [`Arms::fit`].
    pub fn cross_fitted(&self, ctx: &Context) -> Result<Nuisances, Error> {
        let n = self.treated.len();
        // Each arm is parted by itself: a part without one of them could fit no model of it.
        let mut part = vec![0; n];
        for arm in [false, true] {
            let mut rows: Vec<usize> = (0..n).filter(|&r| self.treated[r] == arm).collect();
            rows.shuffle(&mut ctx.rng(if arm { "treated" } else { "untreated" }));
            rows.iter().enumerate().for_each(|(i, &r)| part[r] = i % FOLDS);
        }
        let mut out = Nuisances { propensity: vec![0.0; n], outcome: [vec![0.0; n], vec![0.0; n]] };
        for k in 0..FOLDS {
            let (own, others): (Vec<usize>, Vec<usize>) = (0..n).partition(|&r| part[r] == k);
            let found = self.select(&others).fit(ctx)?.of(&self.select(&own))?;
            for (i, &r) in own.iter().enumerate() {
                out.propensity[r] = found.propensity[i];
                (out.outcome[0][r], out.outcome[1][r]) = (found.outcome[0][i], found.outcome[1][i]);
            }
        }
        Ok(out)
    }
}

impl Fitted {
    /// What these models say of `arms`.
    ///
    /// # Errors
    /// When the covariates differ.
    pub fn of(&self, arms: &Arms) -> Result<Nuisances, Error> {
        let data = &arms.covariates;
        let propensity = match &self.propensity {
            Some(model) => model.predict(data)?.into_iter().map(|p| p.clamp(CLIP, 1.0 - CLIP)).collect(),
            None => vec![self.share; data.rows()],
        };
        Ok(Nuisances { propensity, outcome: [self.outcome[0].predict(data)?, self.outcome[1].predict(data)?] })
    }
}

/// The doubly robust scores (Robins and Rotnitzky 1995): each row's effect, right in the mean if either the treatment
/// or the outcome is modelled right.
#[must_use]
pub fn scores(arms: &Arms, nuisances: &Nuisances) -> Vec<f64> {
    let y = arms.covariates.labels().numbers();
    let of = |r: usize| {
        let (e, [m0, m1]) = (nuisances.propensity[r], [&nuisances.outcome[0], &nuisances.outcome[1]].map(|m| m[r]));
        m1 - m0 + if arms.treated[r] { (y[r] - m1) / e } else { -(y[r] - m0) / (1.0 - e) }
    };
    (0..y.len()).map(of).collect()
}

/// A mean with its normal interval.
#[must_use]
pub fn mean_interval(values: &[f64]) -> Interval {
    let (mean, sd) = mean_sd(values);
    let half = Z * sd / (values.len() as f64).sqrt();
    Interval { estimate: mean, low: mean - half, high: mean + half }
}

/// The average effect by weights alone, each arm's weights scaled to sum to one (Hájek 1971).
#[must_use]
pub fn weighting(arms: &Arms, propensity: &[f64]) -> f64 {
    let y = arms.covariates.labels().numbers();
    let mean = |arm: bool| {
        let (mut sum, mut total) = (0.0, 0.0);
        for r in (0..y.len()).filter(|&r| arms.treated[r] == arm) {
            let w = weight(arm, propensity[r]);
            (sum, total) = (sum + w * y[r], total + w);
        }
        sum / total
    };
    mean(true) - mean(false)
}

/// One over the probability of the arm that the row is in.
#[must_use]
pub fn weight(treated: bool, propensity: f64) -> f64 {
    1.0 / if treated { propensity } else { 1.0 - propensity }
}

/// The average effect by regression alone (g-computation).
#[must_use]
pub fn standardisation(nuisances: &Nuisances) -> f64 {
    let n = nuisances.propensity.len() as f64;
    nuisances.outcome[1].iter().zip(&nuisances.outcome[0]).map(|(a, b)| a - b).sum::<f64>() / n
}

/// How alike the arms are in a covariate: the difference of their means over the root of the mean of their variances,
/// before weighting and after.
#[must_use]
pub fn standardised_difference(values: &[f64], treated: &[bool], propensity: &[f64]) -> [f64; 2] {
    let arm = |wanted: bool| -> Vec<(f64, f64)> {
        let rows = (0..values.len()).filter(|&r| treated[r] == wanted && !values[r].is_nan());
        rows.map(|r| (values[r], weight(wanted, propensity[r]))).collect()
    };
    let (a, b) = (arm(true), arm(false));
    let plain = |x: &[(f64, f64)]| mean_sd(&x.iter().map(|v| v.0).collect::<Vec<_>>());
    let weighted = |x: &[(f64, f64)]| x.iter().map(|v| v.0 * v.1).sum::<f64>() / x.iter().map(|v| v.1).sum::<f64>();
    let ((ma, sa), (mb, sb)) = (plain(&a), plain(&b));
    // The spread before weighting is the unit of both: weights change it, and a difference could fall by its unit alone.
    let unit = ((sa * sa + sb * sb) / 2.0).sqrt();
    if unit > 0.0 { [(ma - mb) / unit, (weighted(&a) - weighted(&b)) / unit] } else { [0.0, 0.0] }
}

/// How many unweighted rows the weighted ones of an arm are worth (Kish 1965).
#[must_use]
pub fn effective_size(treated: &[bool], propensity: &[f64], arm: bool) -> f64 {
    let w = |r: usize| weight(arm, propensity[r]);
    let rows = || (0..treated.len()).filter(|&r| treated[r] == arm);
    let (sum, squares) = rows().fold((0.0, 0.0), |(s, q), r| (s + w(r), q + w(r) * w(r)));
    sum * sum / squares
}

/// How strongly something unmeasured must go with both treatment and outcome to explain a risk ratio away
/// (VanderWeele and Ding 2017); of the interval's end that is nearer to 1.
#[must_use]
pub fn e_value(ratio: f64, limit: f64) -> [f64; 2] {
    let of = |r: f64| {
        let r = if r < 1.0 { 1.0 / r } else { r };
        r + (r * (r - 1.0)).sqrt()
    };
    // An interval that holds 1 needs nothing unmeasured to be explained away.
    let crosses = (ratio >= 1.0) != (limit >= 1.0);
    [of(ratio), if crosses { 1.0 } else { of(limit) }]
}
