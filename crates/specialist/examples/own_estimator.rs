//! A program with an estimator of its own, which recipes can name: `cargo run -p specialist --example own_estimator -- run --recipe
//! thyroid --set tune.scratch=naive-bayes`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use specialist::core::bootstrap::mean_sd;
use specialist::core::ndarray::ArrayView1;
use specialist::core::{Dataset, Error, Feature, Predict, logit};
use specialist::search::{Params, Space};
use specialist::tabular::{ESTIMATORS, Estimator, Model, OwnModel, PlainModel, read_plain};
use specialist::{Context, Outputs};

/// Gaussian naive Bayes; codes of categories are numbers to it, as to scikit-learn's.
struct NaiveBayes;

/// Of every feature mean and variance without the event, then with it.
#[derive(Debug, Serialize, Deserialize)]
struct Fitted {
    features: Vec<Feature>,
    prior: f64,
    moments: Vec<[[f64; 2]; 2]>,
}

impl Predict for Fitted {
    fn margins(&self, data: &Dataset) -> Result<Outputs, Error> {
        let odds = |(x, [[a, v], [b, w]]): (&f64, &[[f64; 2]; 2])| {
            if x.is_nan() { 0.0 } else { ((x - a).powi(2) / v - (x - b).powi(2) / w + (v / w).ln()) / 2.0 }
        };
        let margin = |row: ArrayView1<'_, f64>| self.prior + row.iter().zip(&self.moments).map(odds).sum::<f64>();
        Ok(data.records().rows().into_iter().map(margin).collect::<Vec<_>>().into())
    }
}

impl PlainModel for Fitted {
    fn features(&self) -> &[Feature] {
        &self.features
    }
    fn describe(&self) -> String {
        "naive Bayes".into()
    }
}

impl Estimator for NaiveBayes {
    fn name(&self) -> &'static str {
        "naive-bayes"
    }
    fn about(&self) -> &'static str {
        "Gaussian naive Bayes"
    }
    fn takes_weights(&self) -> bool {
        false
    }
    fn space(&self) -> Space {
        Space::new().log_float("smoothing", 1e-9, 0.1)
    }
    fn fit(&self, params: &Params, rows: &Dataset, _: &Context) -> Result<Model, Error> {
        let moments = |c: usize, event: bool| {
            let of = (0..rows.rows()).filter(|&r| rows.had_event(r) == event).map(|r| rows.records()[[r, c]]);
            let (mean, sd) = mean_sd(&of.filter(|x| !x.is_nan()).collect::<Vec<_>>());
            [mean, sd * sd + params.float("smoothing")].map(|v| if v.is_nan() { 1.0 } else { v })
        };
        let moments = (0..rows.features.len()).map(|c| [moments(c, false), moments(c, true)]).collect();
        let fitted = Fitted { features: rows.features.clone(), prior: logit(rows.prevalence()), moments };
        Ok(Model::own(&NaiveBayes, fitted))
    }
    fn read(&self, document: &Value) -> Result<Arc<dyn OwnModel>, String> {
        read_plain::<Fitted>(document)
    }
}

fn main() -> std::process::ExitCode {
    ESTIMATORS.add(&NaiveBayes);
    specialist_cli::run(medical::Medical)
}
