//! Model updating in the field's own words, and the closed test that the field would choose by, beside our choice.

use specialist_core::survival::{Ties, cox_slope, partial_likelihood};
use specialist_core::{
    Candidate, Context, Dataset, Error, Estimand, LossScale, Panel, PanelInput, Predict, fit_affine,
};
use specialist_tabular::Encoder;
use specialist_tabular::glm::{Prior, Problem};
use specialist_tabular::survival::{Cox, Penalty};
use statrs::distribution::{ChiSquared, ContinuousCDF};

/// A step of the closed test: what it is called, its log likelihood on the train rows, its free parameters.
struct Step {
    name: &'static str,
    likelihood: f64,
    parameters: usize,
}

/// The level of every test.
const LEVEL: f64 = 0.05;
/// So little shrinks nothing, and makes the fit of columns that say the same possible.
const RIDGE: f64 = 1e-6;

/// The ladder in the words of the literature, with the closed test of Vergouwe and others (2017); `None` where the
/// generalist cannot be updated so.
pub fn panel(input: &PanelInput<'_>) -> Result<Option<Panel>, Error> {
    let Some((_, generalist)) = input.models.iter().find(|m| m.0 == Candidate::Generalist) else { return Ok(None) };
    // The closed test is of one margin.
    if input.train.estimand.width() > 1 {
        return Ok(None);
    }
    let margin = generalist.margin(input.train)?;
    let found = match input.train.estimand {
        Estimand::Probability => logistic(input.train, &margin, input.ctx),
        Estimand::Survival { .. } => hazards(input.train, &margin, input.ctx),
        _ => return Ok(None),
    };
    // A fit that does not settle (a column tells the events apart) leaves nothing to test.
    let Ok(steps) = found else { return Ok(None) };
    let revision = steps.len() - 1;
    // A linear revision of trees is another model, not a wider one: nothing can be tested.
    if steps.iter().any(|s| s.likelihood > steps[revision].likelihood + 1e-6) {
        return Ok(None);
    }
    let mut chosen = revision;
    let mut table = Vec::new();
    for (i, step) in steps.iter().enumerate() {
        let (statistic, freedom, p) = against(step, &steps[revision]);
        if i < revision && p >= LEVEL && chosen == revision {
            chosen = i;
        }
        let test = if i == revision {
            vec!["–".into(), "–".into()]
        } else {
            vec![format!("{statistic:.1} on {freedom}"), format!("{p:.4}")]
        };
        let row = vec![step.name.into(), step.parameters.to_string(), format!("{:.2}", step.likelihood)];
        table.push([row, test].concat());
    }
    let ours = input.predictions.iter().find(|p| p.name == Candidate::Specialist).map_or("", |p| p.what.as_str());
    Ok(Some(Panel {
        title: "Model updating".into(),
        note: format!(
            "In the field's words the ladder is: keep, no update; intercept, recalibration in the large; slope, recalibration \
             (logistic, or of the hazard); prior-centred and offset, revision, shrunk; leaf-refit and continue, revision of trees; \
             a predictor that only the target has, extension. The closed test (Vergouwe and others 2017) compares each update with \
             full revision by likelihood ratio and takes the first that is not significantly worse: here {}. It neither shrinks nor \
             looks at rows it was not fitted on; our search does both and chose {ours}.",
            steps[chosen].name
        ),
        header: ["update", "free parameters", "log likelihood", "revision better by χ²", "p"]
            .map(String::from)
            .to_vec(),
        table,
        ..Panel::default()
    }))
}

fn against(step: &Step, revision: &Step) -> (f64, usize, f64) {
    let freedom = revision.parameters - step.parameters;
    let statistic = (2.0 * (revision.likelihood - step.likelihood)).max(0.0);
    let p = ChiSquared::new(freedom.max(1) as f64).map_or(f64::NAN, |d| d.sf(statistic));
    (statistic, freedom, p)
}

fn logistic(train: &Dataset, margin: &[f64], ctx: &Context) -> Result<Vec<Step>, Error> {
    let label = &train.labels().responses();
    let weight: Vec<f64> = train.base.weights.iter().map(|w| f64::from(*w)).collect();
    let likelihood = |of: &dyn Fn(usize) -> f64| -> f64 {
        (0..label.len()).map(|r| -weight[r] * Estimand::Probability.loss(of(r), label[r], LossScale::NONE)[0]).sum()
    };
    let line = |fixed| {
        fit_affine(margin, label, &weight, 0.0, fixed)
            .ok_or_else(|| Error::Fit { estimator: "recalibration", reason: "it does not settle".into() })
    };
    let (level, both) = (line(true)?, line(false)?);
    let encoder = Encoder::fit(train);
    let problem = Problem { data: train, encoder: &encoder, offset: None, scale: 1.0 };
    let revised = problem.fit(&Prior::ridge(encoder.width(), RIDGE), None, ctx)?.margin(train)?;
    Ok(vec![
        Step { name: "none", likelihood: likelihood(&|r| margin[r]), parameters: 0 },
        Step { name: "recalibration in the large", likelihood: likelihood(&|r| level.apply(margin[r])), parameters: 1 },
        Step { name: "logistic recalibration", likelihood: likelihood(&|r| both.apply(margin[r])), parameters: 2 },
        Step { name: "revision", likelihood: likelihood(&|r| revised[r]), parameters: encoder.width() + 1 },
    ])
}

/// By partial likelihood, which knows nothing of the baseline: recalibration in the large is re-estimating that, and is no
/// step of the test.
fn hazards(train: &Dataset, margin: &[f64], ctx: &Context) -> Result<Vec<Step>, Error> {
    let label = train.labels().times();
    let weight: Vec<f64> = train.base.weights.iter().map(|w| f64::from(*w)).collect();
    let none = ndarray::Array2::zeros((label.len(), 0));
    let likelihood = |eta: &[f64]| partial_likelihood(none.view(), eta, label, &weight, None, Ties::Efron).value;
    let slope = cox_slope(margin, label, &weight, 0.0)
        .ok_or_else(|| Error::Fit { estimator: "recalibration", reason: "it does not settle".into() })?;
    let scaled: Vec<f64> = margin.iter().map(|m| slope * m).collect();
    let encoder = Encoder::fit(train);
    let x = encoder.encode(train);
    let cox = Cox { x: x.view(), label, weight: &weight, offset: None, strata: None, ties: Ties::Efron };
    let revised = cox.fit(&Penalty::ridge(encoder.width(), RIDGE), ctx)?.value;
    Ok(vec![
        Step { name: "none (a new baseline)", likelihood: likelihood(margin), parameters: 0 },
        Step { name: "recalibration of the hazard", likelihood: likelihood(&scaled), parameters: 1 },
        Step { name: "revision", likelihood: revised, parameters: encoder.width() },
    ])
}
