//! A text classifier whose encoder was trained: with an adapter, or as a whole, and a softmax regression on its vectors.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use specialist_core::{Context, Dataset, Error, Estimand, Feature, Outputs, Predict};
use specialist_search::{Params as Point, Space};
use specialist_tabular::{Base, Estimator, Model, OwnModel};

use super::texts::Texts;
use crate::body::Body;

/// A classifier of texts. It holds what differs from the encoder as it is, which the rows bring with them.
#[derive(Debug, Clone)]
pub struct Network {
    /// The column of the texts.
    pub column: String,
    /// The encoder's part.
    pub body: Body,
    /// A row of coefficients a class, the intercept last.
    pub head: Vec<Vec<f64>>,
    /// What it predicts.
    pub estimand: Estimand,
}

impl Network {
    /// As a model of the ladder.
    pub fn into_model(self) -> Model {
        Model::own(&Networks, self)
    }

    /// That of a model, if it is one.
    pub fn of(model: &Model) -> Option<&Self> {
        match &model.base {
            Base::Own(own) => own.model.as_any().downcast_ref(),
            _ => None,
        }
    }

    /// The vectors of the texts, one after the other.
    fn vectors(&self, texts: &Texts<'_>, ids: &[Vec<u32>], ctx: &Context) -> specialist_neural::Result<Vec<f32>> {
        let (encoder, folder) = (&texts.encoder.encoder, &texts.encoder.folder);
        match &self.body {
            Body::AsItIs => {}
            Body::Adapted(lora, adapter) => lora.fit(&encoder.params, adapter, folder)?,
            Body::Changed(params) => params.fit(&specialist_neural::encoder::specs(&encoder.config), folder)?,
        }
        encoder.embed(&self.body.params(&encoder.params), self.body.lora(), ids, ctx)
    }
}

impl Predict for Network {
    fn estimand(&self) -> Estimand {
        self.estimand
    }

    fn margins(&self, data: &Dataset) -> Result<Outputs, Error> {
        let texts = Texts::of(data, &self.column)?;
        let width = texts.encoder.encoder.config.vector();
        if self.head.iter().any(|row| row.len() != width + 1) {
            return Err(Error::Mismatch("its head is of another encoder".into()));
        }
        // One thread: whoever scores shares rows out, and a network in each of two threads would share its threads as well.
        let ctx = Context::new(0, 1);
        let vectors = self.vectors(&texts, &texts.tokens()?, &ctx).map_err(specialist_neural::Error::into_core)?;
        let logit =
            |row: &[f64], x: &[f32]| row[width] + row.iter().zip(x).map(|(w, v)| w * f64::from(*v)).sum::<f64>();
        let logits = vectors.chunks(width).flat_map(|x| self.head.iter().map(move |row| logit(row, x)));
        match self.estimand.width() {
            // Of two classes the margin is the second's logit over the first's.
            1 => {
                let logits: Vec<f64> = logits.collect();
                Ok(logits.chunks(2).map(|l| l[1] - l[0]).collect::<Vec<_>>().into())
            }
            classes => Outputs::new(classes, logits.collect()),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct File {
    column: String,
    estimand: Estimand,
    head: Vec<Vec<f64>>,
    /// The two files of an adapter, or the weights of a whole encoder; in base64.
    files: BTreeMap<String, String>,
}

impl OwnModel for Network {
    fn features(&self) -> &[Feature] {
        &[]
    }

    fn describe(&self) -> String {
        match &self.body {
            Body::AsItIs => "encoder as it is".into(),
            Body::Adapted(lora, _) => format!("encoder with an adapter of rank {}", lora.rank),
            Body::Changed(_) => "encoder trained as a whole".into(),
        }
    }

    fn is_of_numbers(&self) -> bool {
        false
    }

    fn document(&self) -> Value {
        let files = self.body.files();
        let file = File { column: self.column.clone(), estimand: self.estimand, head: self.head.clone(), files };
        serde_json::to_value(file).expect("plain data")
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Reads networks back; what makes them are rungs.
pub struct Networks;

impl Estimator for Networks {
    fn name(&self) -> &'static str {
        "text-network"
    }

    fn about(&self) -> &'static str {
        "an encoder of texts that a rung has trained; it cannot be fitted from nothing"
    }

    fn is_for_recipes(&self) -> bool {
        false
    }

    fn predicts(&self, _: Estimand) -> bool {
        false
    }

    fn space(&self) -> Space {
        Space::new()
    }

    fn fit(&self, _: &Point, _: &Dataset, _: &Context) -> Result<Model, Error> {
        Err(Error::Setting { setting: "estimator".into(), expected: "one that can be fitted from nothing".into() })
    }

    fn read(&self, document: &Value) -> Result<Arc<dyn OwnModel>, String> {
        let file: File = serde_json::from_value(document.clone()).map_err(|e| e.to_string())?;
        if file.head.len() != super::texts::classes(file.estimand)
            || !super::texts::of_classes(file.estimand)
            || file.head.iter().flatten().any(|c| !c.is_finite())
        {
            return Err("its head is not one row of numbers a class".into());
        }
        let body = Body::read(&file.files)?;
        Ok(Arc::new(Network { column: file.column, body, head: file.head, estimand: file.estimand }))
    }
}
