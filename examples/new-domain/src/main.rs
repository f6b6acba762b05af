//! A new domain: will a machine fail within the week? A generalist from many plants, a specialist for
//! one. The whole domain is this file and its recipe: data, metrics, a feature step, a panel. Every
//! verb (`run`, `init`, `check`, `predict`, …) comes with `specialist_cli::run`.

use std::any::Any;
use std::borrow::Cow;
use std::fmt::Write;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use specialist_core::metric::{AveragePrecision, Brier, RocAuc, usual};
use specialist_core::ndarray::Array1;
use specialist_core::{
    Dataset, Domain, Error, Estimand, Feature, FeatureStep, Identity, Judgement, Metric, Panel, PanelInput, Recipe,
};

struct Maintenance;

/// Adds one feature: how warm the machine is for its load.
struct Strain;

impl FeatureStep for Strain {
    fn apply(&mut self, mut raw: Dataset) -> Result<Dataset, Error> {
        let (temperature, load) = (raw.feature("temperature")?, raw.feature("load")?);
        let strain: Array1<f64> = raw.records().rows().into_iter().map(|r| r[temperature] / (1.0 + r[load])).collect();
        raw.base.records.push_column(strain.view()).map_err(|e| Error::Mismatch(e.to_string()))?;
        raw.features.push(Feature::number("strain"));
        Ok(raw)
    }
}

/// Simulated machines: in every plant heat and wear break them, but not at the same heat.
fn machines(plant: &str, rows: usize, limit: f64, seed: u64) -> String {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut out = String::from("machine,plant,temperature,load,wear,failed\n");
    for i in 0..rows {
        let (load, wear): (f64, f64) = (rng.random(), rng.random_range(0.0..10.0));
        let temperature = 40.0 + 30.0 * load + rng.random_range(-10.0..10.0);
        let margin = (temperature - limit) / 4.0 + (wear - 6.0) / 2.0;
        let failed = rng.random::<f64>() < 1.0 / (1.0 + (-margin).exp());
        let _ = writeln!(out, "{plant}{i},{plant},{temperature:.1},{load:.3},{wear:.2},{}", u8::from(failed));
    }
    out
}

impl Domain for Maintenance {
    fn name(&self) -> &'static str {
        "new-domain"
    }

    fn about(&self) -> &'static str {
        "Predictive maintenance: the smallest complete domain (simulated data)"
    }

    fn recipes(&self) -> &'static [Recipe] {
        &[Recipe { name: "machines", text: include_str!("../machines.toml") }]
    }

    fn judgement(&self, settings: &str) -> Result<Box<dyn Judgement>, Error> {
        self.no_settings(settings)?;
        Ok(Box::new(Foreman))
    }

    fn data_names(&self) -> &'static [(&'static str, &'static str)] {
        &[("simulated-plants", "SIMULATED: many plants"), ("simulated-plant", "SIMULATED: the plant to specialise on")]
    }

    fn data(&self, name: &str) -> Option<Cow<'static, [u8]>> {
        let text = match name {
            "simulated-plants" => machines("P", 4000, 72.0, 1),
            "simulated-plant" => machines("Q", 900, 64.0, 2),
            _ => return None,
        };
        Some(Cow::Owned(text.into_bytes()))
    }

    fn features(&self, name: &str, _label_delay: i64) -> Option<Box<dyn FeatureStep>> {
        match name {
            "as-is" => Some(Box::new(Identity)),
            "strain" => Some(Box::new(Strain)),
            _ => None,
        }
    }
}

/// What a foreman asks of a prediction.
struct Foreman;

impl Judgement for Foreman {
    fn metrics(&self, estimand: Estimand) -> Vec<Box<dyn Metric>> {
        match estimand {
            Estimand::Probability => vec![Box::new(AveragePrecision), Box::new(RocAuc), Box::new(Brier)],
            other => usual(other),
        }
    }

    fn panels(&self, input: &PanelInput<'_>) -> Result<Vec<Panel>, Error> {
        let rows = input.rows;
        let caught = |p: &[f64], weight: &[f64]| {
            let stopped = (0..p.len()).filter(|&r| p[r] > 0.5 && rows.had_event(r));
            stopped.map(|r| weight[r]).sum::<f64>()
        };
        let row = |p: &specialist_core::evidence::Prediction| {
            let i = input.interval(|w| caught(p.predicted(), w));
            vec![p.name.clone(), format!("{:.0} ({:.0} to {:.0})", i.estimate, i.low, i.high)]
        };
        Ok(vec![Panel {
            title: "Failures caught".into(),
            note: "Failures among the machines that would be stopped at a probability of one half.".into(),
            header: vec!["candidate".into(), "failures caught".into()],
            table: input.predictions.iter().map(row).collect(),
            ..Panel::default()
        }])
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn main() -> std::process::ExitCode {
    specialist_cli::run(Maintenance)
}
