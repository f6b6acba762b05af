//! Models that write, and the two estimators that make them: the backbone as it is, and its architecture trained from nothing.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use rand::seq::IndexedRandom;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use specialist_core::{Context, Dataset, Error, Estimand, Feature, Outputs, Predict};
use specialist_neural::tasks::TextToText;
use specialist_neural::train::{Trainer, Training};
use specialist_neural::{Device, Lora, Params};
use specialist_search::{Params as Point, Space};
use specialist_tabular::{Base, Estimator, Model, OwnModel};

use super::backbone::Backbone;
use super::pretrain::ids;
use crate::body::Body;
use crate::labels::text_key;

/// A text with what is to be written of it.
pub type Pair = (String, String);

/// Source pairs that the backbone's model keeps for the rung `mixed`, at most.
const REHEARSED: usize = 2000;
/// From nothing it takes so many times the passes.
const FROM_NOTHING: usize = 3;

/// A model that writes. It holds what differs from the backbone, which the rows bring with them.
#[derive(Debug, Clone)]
pub struct Writer {
    /// The column of the texts.
    pub column: String,
    /// The backbone's part.
    pub body: Body,
    /// General pairs for whoever trains it and must not forget them; they are in no file.
    pub rehearsal: Arc<Vec<Pair>>,
}

impl Writer {
    /// As a model of the ladder, read back by `made_by`.
    pub fn into_model(self) -> Model {
        Model::own(&AsItIs, self)
    }

    /// That of a model, if it is one.
    pub fn of(model: &Model) -> Option<&Self> {
        match &model.base {
            Base::Own(own) => own.model.as_any().downcast_ref(),
            _ => None,
        }
    }
}

impl Predict for Writer {
    fn estimand(&self) -> Estimand {
        Estimand::Text
    }

    fn margins(&self, data: &Dataset) -> Result<Outputs, Error> {
        let texts = text_key(data, Some(&self.column))?.texts();
        // One thread: whoever scores shares rows out, and a network in each of two threads would share its threads as well.
        Ok(Outputs::of_texts(Backbone::of(data)?.write(&self.body, &texts, &Context::new(0, 1))?))
    }
}

#[derive(Serialize, Deserialize)]
struct File {
    column: String,
    /// What became of the backbone, in base64.
    files: BTreeMap<String, String>,
}

impl OwnModel for Writer {
    fn features(&self) -> &[Feature] {
        &[]
    }

    fn describe(&self) -> String {
        match &self.body {
            Body::AsItIs => "backbone as it is".into(),
            Body::Adapted(lora, _) => format!("backbone with an adapter of rank {}", lora.rank),
            Body::Changed(_) => "model of the backbone's architecture".into(),
        }
    }

    fn is_of_numbers(&self) -> bool {
        false
    }

    fn document(&self) -> Value {
        serde_json::to_value(File { column: self.column.clone(), files: self.body.files() }).expect("plain data")
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The texts of rows with what is to be written of them.
pub fn pairs(data: &Dataset) -> Result<Vec<(&str, &str)>, Error> {
    let texts = text_key(data, None)?.texts();
    Ok(texts.into_iter().zip(data.labels().texts().iter().map(AsRef::as_ref)).collect())
}

/// Trains `params` of the backbone on pairs; with an adapter its matrices alone.
///
/// # Errors
/// When the training diverges, or the run is cancelled.
pub fn train(
    backbone: &Backbone,
    params: &mut Params,
    pairs: &[(&str, &str)],
    (rate, epochs): (f64, usize),
    lora: Option<&Lora>,
    ctx: &Context,
) -> Result<(), Error> {
    let (model, told) = (&backbone.model, &backbone.settings);
    let mut run = || -> specialist_neural::Result<()> {
        let longest = (backbone.longest, told.max_new_tokens);
        let ids = ids(&model.tokenizer, &backbone.prefix, pairs, longest)?;
        let (config, device) = (&model.config, Device::flex());
        let task = TextToText { config, sources: &ids.sources, targets: &ids.targets, device };
        let dropout = config.dropout > 0.0;
        let settings = Training { epochs, batch: told.batch, rate, decay: 0.0, dropout, ..Training::default() };
        let scope = |name: &str, _: usize| if lora.is_none() || Lora::owns(name) { 1.0 } else { 0.0 };
        Trainer { task: &task, settings: &settings, scope: &scope, lora, validation: None, checkpoint: None }
            .run(params, ctx)?;
        Ok(())
    };
    run().map_err(specialist_neural::Error::into_core)
}

/// The pre-trained model as it is.
pub struct AsItIs;

impl Estimator for AsItIs {
    fn name(&self) -> &'static str {
        "backbone"
    }

    fn about(&self) -> &'static str {
        "the model of `text.backbone` as it was trained elsewhere: nothing is fitted"
    }

    fn predicts(&self, estimand: Estimand) -> bool {
        estimand == Estimand::Text
    }

    fn learns(&self) -> bool {
        false
    }

    fn space(&self) -> Space {
        Space::new()
    }

    fn fit(&self, _: &Point, rows: &Dataset, ctx: &Context) -> Result<Model, Error> {
        Backbone::of(rows)?;
        let all = pairs(rows)?;
        let few = all.choose_multiple(&mut ctx.rng("rehearsal"), REHEARSED.min(all.len()));
        let rehearsal = few.map(|(text, answer)| ((*text).to_string(), (*answer).to_string())).collect();
        let column = text_key(rows, None)?.name.clone();
        Ok(Writer { column, body: Body::AsItIs, rehearsal: Arc::new(rehearsal) }.into_model())
    }

    fn read(&self, document: &Value) -> Result<Arc<dyn OwnModel>, String> {
        let file: File = serde_json::from_value(document.clone()).map_err(|e| e.to_string())?;
        let body = Body::read(&file.files)?;
        Ok(Arc::new(Writer { column: file.column, body, rehearsal: Arc::default() }))
    }
}

/// The architecture of the backbone with random parameters, trained on the rows alone.
pub struct FromNothing;

impl FromNothing {
    const RATE: &'static str = "from-nothing-rate";
}

impl Estimator for FromNothing {
    fn name(&self) -> &'static str {
        "from-nothing"
    }

    fn about(&self) -> &'static str {
        "the architecture of `text.backbone` with random parameters, trained on the rows alone"
    }

    fn predicts(&self, estimand: Estimand) -> bool {
        estimand == Estimand::Text
    }

    fn takes_weights(&self) -> bool {
        false
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn space(&self) -> Space {
        Space::new().log_float(Self::RATE, 3e-4, 1e-2)
    }

    fn fit(&self, params: &Point, rows: &Dataset, ctx: &Context) -> Result<Model, Error> {
        let backbone = Backbone::of(rows)?;
        let specs = specialist_neural::t5::specs(&backbone.model.config);
        let mut fresh = Params::random(&specs, &mut ctx.rng("start"), &Device::flex());
        let rate = Some(params.float(Self::RATE)).filter(|r| r.is_finite()).unwrap_or(2e-3);
        let epochs = FROM_NOTHING * backbone.settings.epochs;
        train(backbone, &mut fresh, &pairs(rows)?, (rate, epochs), None, ctx)?;
        let column = text_key(rows, None)?.name.clone();
        Ok(Writer { column, body: Body::Changed(fresh), rehearsal: Arc::default() }.into_model())
    }
}
