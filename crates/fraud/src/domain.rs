//! The adapter: simulated issuers, point-in-time features, the metrics of a fraud desk.

use std::borrow::Cow;

use specialist_core::metric::{AveragePrecision, RocAuc};
use specialist_core::{Domain, Error, FeatureStep, Identity, JudgedBy, Judgement, Metric, Recipe};

use crate::features::PointInTime;
use crate::metrics::{CardPrecision, Cost};
use crate::simulate::{self, Issuer};

/// Card fraud.
pub struct Fraud;

macro_rules! recipe {
    ($name:literal) => {
        Recipe { name: $name, text: include_str!(concat!("../../../pipelines/fraud/", $name, ".toml")) }
    };
}

const RECIPES: &[Recipe] = &[
    recipe!("simulated"),
    recipe!("handbook"),
    recipe!("ulb-creditcard"),
    recipe!("baf"),
    recipe!("paysim"),
    recipe!("sparkov"),
];

/// What a desk that looks at so many cards a day goes by.
fn metrics() -> Vec<Box<dyn Metric>> {
    vec![
        Box::new(AveragePrecision),
        Box::new(RocAuc),
        Box::new(CardPrecision { cards: 100 }),
        Box::new(Cost { review: 5.0 }),
    ]
}

impl Domain for Fraud {
    fn name(&self) -> &'static str {
        "fraud"
    }

    fn about(&self) -> &'static str {
        "Card fraud: is a model specialised on one bank better than the large issuer's?"
    }

    fn recipes(&self) -> &'static [Recipe] {
        RECIPES
    }

    fn judgement(&self, settings: &str) -> Result<Box<dyn Judgement>, Error> {
        self.no_settings(settings)?;
        Ok(Box::new(JudgedBy(metrics)))
    }

    fn data_names(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("simulated-issuer", "SIMULATED: 45 days of a large card issuer"),
            ("simulated-bank", "SIMULATED: 60 later days of a small bank with other customers and other fraud"),
        ]
    }

    fn data(&self, name: &str) -> Option<Cow<'static, [u8]>> {
        let issuer = match name {
            "simulated-issuer" => Issuer::large(),
            "simulated-bank" => Issuer::small(),
            _ => return None,
        };
        Some(Cow::Owned(simulate::csv(&issuer).into_bytes()))
    }

    fn features(&self, name: &str, label_delay: i64) -> Option<Box<dyn FeatureStep>> {
        match name {
            "as-is" => Some(Box::new(Identity)),
            "point-in-time" => Some(Box::new(PointInTime::new(label_delay))),
            _ => None,
        }
    }
}
