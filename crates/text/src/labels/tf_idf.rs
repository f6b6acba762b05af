//! Word frequencies and a regression on them: what a specialist of texts must beat to be worth its encoder.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use specialist_core::evidence::Prediction;
use specialist_core::{Context, Dataset, Error, Estimand, Feature, KeyRole, Outputs, Predict, SplitKeys};
use specialist_search::{Params, Space};
use specialist_tabular::{Estimator, Model, OwnModel, PlainModel};

use super::linear::{Softmax, TfIdf};
use super::texts::{classes, codes, of_classes, text_key};

const PRECISION: &str = "precision";

/// Softmax regression on TF-IDF of words and pairs of words.
pub struct TfIdfRegression;

/// A fitted one.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Fitted {
    column: String,
    estimand: Estimand,
    terms: TfIdf,
    softmax: Softmax,
}

fn fit(precision: f64, rows: &Dataset) -> Result<Fitted, Error> {
    let key = text_key(rows, None)?;
    let (column, texts) = (key.name.clone(), key.texts());
    let terms = TfIdf::fit(&texts);
    let weights: Vec<f64> = rows.base.weights.iter().map(|&w| f64::from(w)).collect();
    let softmax = Softmax::fit(&terms.rows(&texts), &codes(rows), &weights, classes(rows.estimand), precision);
    Ok(Fitted { column, estimand: rows.estimand, terms, softmax })
}

impl Predict for Fitted {
    fn estimand(&self) -> Estimand {
        self.estimand
    }

    fn margins(&self, data: &Dataset) -> Result<Outputs, Error> {
        let texts = text_key(data, Some(&self.column))?.texts();
        let logits = self.softmax.logits(&self.terms.rows(&texts));
        match self.estimand.width() {
            1 => Ok(logits.iter().map(|l| l[1] - l[0]).collect::<Vec<_>>().into()),
            classes => Outputs::new(classes, logits.concat()),
        }
    }
}

impl PlainModel for Fitted {
    fn features(&self) -> &[Feature] {
        &[]
    }

    fn describe(&self) -> String {
        "word frequencies and softmax regression".into()
    }

    fn is_of_numbers(&self) -> bool {
        false
    }
}

impl Estimator for TfIdfRegression {
    fn name(&self) -> &'static str {
        "tf-idf"
    }

    fn about(&self) -> &'static str {
        "softmax regression on frequencies of words and pairs of words, of the first text column"
    }

    fn predicts(&self, estimand: Estimand) -> bool {
        of_classes(estimand)
    }

    fn space(&self) -> Space {
        Space::new().log_float(PRECISION, 0.01, 100.0)
    }

    fn fit(&self, params: &Params, rows: &Dataset, ctx: &Context) -> Result<Model, Error> {
        ctx.check()?;
        let precision = Some(params.float(PRECISION)).filter(|p| p.is_finite()).unwrap_or(1.0);
        Ok(Model::own(&TfIdfRegression, fit(precision, rows)?))
    }

    fn read(&self, document: &Value) -> Result<Arc<dyn OwnModel>, String> {
        let fitted: Fitted = serde_json::from_value(document.clone()).map_err(|e| e.to_string())?;
        let rows = &fitted.softmax.coefficients;
        let sound = |r: &Vec<f64>| r.len() == fitted.terms.width() + 1 && r.iter().all(|c| c.is_finite());
        if !of_classes(fitted.estimand) || rows.len() != classes(fitted.estimand) || !rows.iter().all(sound) {
            return Err("its coefficients are not those of its terms and classes".into());
        }
        Ok(Arc::new(fitted))
    }
}

/// What word frequencies say of the sealed rows, with the precision that does best in cross-validation of the train rows.
///
/// # Errors
/// When there is no column of texts.
pub fn baseline(train: &Dataset, sealed: &Dataset) -> Result<Prediction, Error> {
    const TRIED: [f64; 7] = [0.01, 0.05, 0.2, 1.0, 5.0, 20.0, 100.0];
    const FOLDS: usize = 5;
    let ctx = Context::new(0, 1);
    let group = train.key(KeyRole::Group).is_some();
    let keys = SplitKeys { stratify: true, group, ..SplitKeys::default() };
    let parts = keys.folds(train, FOLDS.min(train.informative()).max(2), 1, &mut ctx.rng("tf-idf"))?;
    let loss = |precision: f64| -> Result<f64, Error> {
        let mut sum = 0.0;
        for part in &parts {
            let (inside, outside) = (train.select(&part.train), train.select(&part.test));
            let said = fit(precision, &inside)?.predictions(&outside)?;
            let of = |(row, &y): (&[f64], &u32)| match row {
                [p] if y == 1 => *p,
                [p] => 1.0 - p,
                row => row[y as usize],
            };
            let p = said.iter_rows().zip(outside.labels().codes()).map(of);
            sum -= p.map(|p| p.max(1e-12).ln()).sum::<f64>();
        }
        Ok(sum)
    };
    let mut best = (f64::INFINITY, TRIED[0]);
    for precision in TRIED {
        let found = loss(precision)?;
        if found < best.0 {
            best = (found, precision);
        }
    }
    let what = format!("word frequencies and softmax regression on the target (precision {})", best.1);
    Prediction::of("tf-idf", &what, &fit(best.1, train)?, sealed)
}
