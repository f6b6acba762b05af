//! What a treatment changes: on average, and for whom. An effect is stated where treatment was given by chance, or where
//! treated and untreated patients overlap; otherwise it is refused, and the reason said.

mod average;
mod benefit;
mod pseudo;
mod report;
#[cfg(test)]
mod tests;
mod who;

pub use report::{of_rows, panels, refused};

use ndarray::Axis;
use specialist_core::{
    Context, Dataset, Error, Estimand, FeatureKind, Labels, LossScale, Predict, canonical, same_value,
};
use specialist_tabular::Encoder;
use specialist_tabular::glm::{Glm, Prior, Problem, spread};
use statrs::distribution::{ChiSquared, ContinuousCDF};

use crate::settings::{Design, EffectSettings};
use average::{Arms, effective_size};

/// Propensities outside of these are no overlap (Crump and others 2009).
const OVERLAP: [f64; 2] = [0.05, 0.95];
/// Fewest patients that the weighted ones of an arm must be worth.
const FEWEST: f64 = 30.0;
/// What the source's effect model may be worth, in units of the likelihood's curvature: the firmest keeps it.
const STRENGTHS: [f64; 5] = [1.0, 10.0, 100.0, 1000.0, 1e5];
/// Ridge penalty of an effect model without a source.
const RIDGE: f64 = 100.0;

/// The two arms of `data`, with outcomes as numbers: the event where it is a class, and where it comes in time the
/// pseudo-observation of the time lived without it until the horizon.
pub fn arms(data: &Dataset, settings: &EffectSettings, design: Design) -> Result<Arms, Error> {
    let wrong = |key: &str, expected: String| Error::Setting { setting: format!("domain.effect.{key}"), expected };
    let column = data
        .feature(&settings.treatment)
        .map_err(|_| wrong("treatment", "the name of a column with the role feature".into()))?;
    let values = data.records().column(column);
    let treated: Vec<bool> = match &data.features[column].kind {
        FeatureKind::Category { levels } => {
            let code = levels.iter().position(|l| same_value(l, &settings.treated));
            let code = code.ok_or_else(|| wrong("treated", format!("one of the {} levels", levels.len())))?;
            values.iter().map(|v| *v == code as f64).collect()
        }
        FeatureKind::Number => {
            let level: f64 = canonical(&settings.treated).parse().map_err(|_| wrong("treated", "a number".into()))?;
            values.iter().map(|v| *v == level).collect()
        }
    };
    if let Some(r) = values.iter().position(|v| v.is_nan()) {
        let missing = values.iter().filter(|v| v.is_nan()).count();
        return Err(Error::Data {
            what: format!(
                "line {}: `{}` is empty, in {missing} rows in all: who was treated is not known there",
                data.lines[r], settings.treatment
            ),
            hint: "leave these rows out, or the effect".into(),
        });
    }
    for (arm, name) in [(true, "treated"), (false, "untreated")] {
        if !treated.contains(&arm) {
            return Err(Error::Data {
                what: format!("`{}`: no patient is {name}", settings.treatment),
                hint: "an effect needs two arms: check `treated` under [domain.effect], or leave the effect out".into(),
            });
        }
    }
    let kept: Vec<usize> = (0..data.features.len()).filter(|c| *c != column).collect();
    let mut covariates = data.clone_without_records();
    covariates.base.records = data.records().select(Axis(1), &kept);
    covariates.features = kept.iter().map(|&c| data.features[c].clone()).collect();
    let mut outcome = data.labels().responses();
    if let Estimand::Survival { horizon } = data.estimand {
        // Within each arm, so that censoring may depend on treatment.
        for arm in [false, true] {
            let rows: Vec<usize> = (0..treated.len()).filter(|&r| treated[r] == arm).collect();
            let labels = data.labels().select(&rows);
            for (r, y) in rows.into_iter().zip(pseudo::restricted_means(labels.times(), horizon)) {
                outcome[r] = y;
            }
        }
    }
    covariates.base.targets = Labels::Numbers(outcome);
    covariates.estimand = Estimand::Mean;
    Ok(Arms { covariates, treated, randomised: design == Design::Randomised })
}

/// The probability that covariates tell the arms apart as well as they do where chance decided: a likelihood ratio test
/// of treatment on all of them. Far below chance it was not chance.
pub fn by_chance(arms: &Arms, ctx: &Context) -> Result<f64, Error> {
    let mut data = arms.covariates.clone();
    data.estimand = Estimand::Probability;
    data.base.targets = Labels::binary(arms.treated.iter().copied());
    let encoder = Encoder::fit(&data);
    let problem = Problem { data: &data, encoder: &encoder, offset: None, scale: 1.0 };
    // A fit that does not settle tells the arms apart altogether.
    let Ok(model) = problem.fit(&Prior::ridge(encoder.width(), 1e-6), None, ctx) else { return Ok(0.0) };
    let label = data.labels().responses();
    let loss = |margin: &dyn Fn(usize) -> f64| -> f64 {
        (0..data.rows()).map(|r| Estimand::Probability.loss(margin(r), label[r], LossScale::NONE)[0]).sum()
    };
    let (fitted, level) = (model.margin(&data)?, specialist_core::logit(data.prevalence()));
    let statistic = 2.0 * (loss(&|_| level) - loss(&|r| fitted[r]));
    Ok(ChiSquared::new(encoder.width().max(1) as f64).map_or(1.0, |d| d.sf(statistic.max(0.0))))
}

/// The rows of `arms` in which both arms occur, or why there are too few of them.
pub fn overlap(arms: &Arms, propensity: &[f64]) -> Result<Vec<usize>, String> {
    let n = propensity.len();
    let kept: Vec<usize> = (0..n).filter(|&r| (OVERLAP[0]..=OVERLAP[1]).contains(&propensity[r])).collect();
    let (treated, p): (Vec<bool>, Vec<f64>) = kept.iter().map(|&r| (arms.treated[r], propensity[r])).unzip();
    for (arm, name) in [(false, "untreated"), (true, "treated")] {
        let size = if treated.contains(&arm) { effective_size(&treated, &p, arm) } else { 0.0 };
        if size < FEWEST {
            return Err(format!(
                "of {n} patients {} could have been in either arm, and the {name} among them are worth {size:.0} when weighted; at least {FEWEST:.0} are needed",
                kept.len()
            ));
        }
    }
    Ok(kept)
}

/// An effect model: what covariates say of the doubly robust scores. With a source's model as the prior it is that model
/// fine-tuned (the strength is cross-validated), else a ridge regression (a DR-learner; Kennedy 2023).
pub fn effect_model(covariates: &Dataset, score: &[f64], source: Option<&Glm>, ctx: &Context) -> Result<Glm, Error> {
    let mut data = covariates.clone();
    data.base.targets = Labels::Numbers(score.to_vec());
    let Some(source) = source else {
        let encoder = Encoder::fit(&data);
        let problem = Problem { data: &data, encoder: &encoder, offset: None, scale: spread(&data) };
        return problem.fit(&Prior::ridge(encoder.width(), RIDGE), None, ctx);
    };
    let data = data.aligned(&source.encoder.features)?;
    let fit = |rows: &Dataset, strength: f64| {
        let problem = Problem { data: rows, encoder: &source.encoder, offset: None, scale: spread(rows) };
        problem.fit(&Prior::centred(source, strength), None, ctx)
    };
    const FOLDS: usize = 5;
    let part = |k: usize, inside: bool| (0..data.rows()).filter(|r| (r % FOLDS == k) == inside).collect::<Vec<_>>();
    let mut best = (f64::INFINITY, STRENGTHS[STRENGTHS.len() - 1]);
    for strength in STRENGTHS.into_iter().rev() {
        let mut error = 0.0;
        for k in 0..FOLDS {
            let (train, test) = (data.select(&part(k, false)), data.select(&part(k, true)));
            let predicted = fit(&train, strength)?.predict(&test)?;
            error += predicted.iter().zip(test.labels().numbers()).map(|(p, y)| (p - y).powi(2)).sum::<f64>();
        }
        if error < best.0 {
            best = (error, strength);
        }
    }
    fit(&data, best.1)
}

/// Risks until the horizon without treatment and with it, by a weighted estimate of each arm: for the risk ratio.
pub fn risks(data: &Dataset, arms: &Arms, propensity: &[f64]) -> [f64; 2] {
    let label = data.labels();
    [false, true].map(|arm| {
        let of = |(&t, &p): (&bool, &f64)| if t == arm { average::weight(arm, p) } else { 0.0 };
        let weight: Vec<f64> = arms.treated.iter().zip(propensity).map(of).collect();
        match data.estimand {
            Estimand::Survival { horizon } => {
                1.0 - specialist_core::survival::kaplan_meier(label.times(), &weight).at(horizon)
            }
            _ => label.responses().iter().zip(&weight).map(|(y, w)| y * w).sum::<f64>() / weight.iter().sum::<f64>(),
        }
    })
}
