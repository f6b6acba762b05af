//! A text classifier: an encoder (as it was, with an adapter, or changed as a whole) and a softmax regression on
//! its vectors.

use std::path::Path;

use serde::{Deserialize, Serialize};
use specialist_core::Context;
use specialist_neural::lora::Naming;
use specialist_neural::{Encoder, Lora, Params};
use specialist_pipeline::artifact::{self, Draft};

use crate::error::Result;
use crate::linear::{Dense, Recalibration, Softmax, softmax};

/// What became of the encoder.
#[derive(Debug, Clone)]
pub enum Body {
    /// Nothing.
    Frozen,
    /// It has an adapter.
    Adapted(Lora, Params),
    /// Its own parameters are others.
    Changed(Params),
}

/// A classifier.
#[derive(Debug, Clone)]
pub struct Classifier {
    /// The encoder's part.
    pub body: Body,
    /// The head's.
    pub head: Softmax,
    /// What is done with the logits, if anything.
    pub recalibration: Option<Recalibration>,
}

/// The head's file in an artifact.
#[derive(Serialize, Deserialize)]
struct HeadFile {
    body: String,
    head: Softmax,
    recalibration: Option<Recalibration>,
}

impl Classifier {
    /// A head on the encoder as it is.
    /// Whether its head is one of `classes` labels over vectors of `width` numbers.
    pub fn fits(&self, classes: usize, width: usize) -> bool {
        let rows = &self.head.coefficients;
        let shifted = self.recalibration.as_ref().is_none_or(|r| r.shift.len() == classes && r.slope.is_finite());
        classes > 0
            && shifted
            && rows.len() == classes
            && rows.iter().all(|row| row.len() == width + 1 && row.iter().all(|c| c.is_finite()))
    }

    /// A head on the encoder as it is.
    pub fn frozen(head: Softmax) -> Self {
        Self { body: Body::Frozen, head, recalibration: None }
    }

    /// The vectors of `texts`; `base` holds those of the encoder as it is, where they are known.
    pub fn vectors(&self, encoder: &Encoder, texts: &[Vec<u32>], base: Option<&Dense>, ctx: &Context) -> Result<Dense> {
        let width = encoder.config.vector();
        let values = match (&self.body, base) {
            (Body::Frozen, Some(base)) => return Ok(base.clone()),
            (Body::Frozen, None) => encoder.embed(&encoder.params, None, texts, ctx)?,
            (Body::Adapted(lora, adapter), _) => {
                let mut params = encoder.params.clone();
                params.extend(adapter.clone());
                encoder.embed(&params, Some(lora), texts, ctx)?
            }
            (Body::Changed(params), _) => encoder.embed(params, None, texts, ctx)?,
        };
        Ok(Dense { values, width })
    }

    /// Probabilities of the labels, a text each.
    pub fn probabilities(
        &self,
        encoder: &Encoder,
        texts: &[Vec<u32>],
        base: Option<&Dense>,
        ctx: &Context,
    ) -> Result<Vec<Vec<f64>>> {
        let logits = self.head.logits(&self.vectors(encoder, texts, base, ctx)?);
        let shaped = logits.iter().map(|l| match &self.recalibration {
            Some(r) => softmax(&r.apply(l)),
            None => softmax(l),
        });
        Ok(shaped.collect())
    }

    /// Adds the classifier's files to an artifact.
    pub fn add(&self, draft: &mut Draft, name: &str, backbone: &str) -> Result<()> {
        let body = match &self.body {
            Body::Frozen => "frozen",
            Body::Adapted(lora, params) => {
                let temp =
                    tempfile::tempdir().map_err(|e| crate::error::Error::write(Path::new("a temporary folder"), e))?;
                lora.save(params, Naming::Plain, backbone, temp.path())?;
                for file in ["adapter_config.json", "adapter_model.safetensors"] {
                    let bytes = std::fs::read(temp.path().join(file))
                        .map_err(|e| crate::error::Error::write(temp.path(), e))?;
                    draft.add(&format!("models/{name}/{file}"), bytes);
                }
                "adapted"
            }
            Body::Changed(params) => {
                draft.add(&format!("models/{name}/model.safetensors"), params.to_safetensors(&Default::default()));
                "changed"
            }
        };
        let file = HeadFile { body: body.into(), head: self.head.clone(), recalibration: self.recalibration.clone() };
        draft.add(&format!("models/{name}/head.json"), serde_json::to_vec_pretty(&file).expect("plain data"));
        Ok(())
    }

    /// Reads a classifier from an artifact that was checked.
    pub fn read(folder: &Path, name: &str, encoder: &Encoder) -> Result<Self> {
        let file: HeadFile = artifact::read_json(folder, &format!("models/{name}/head.json"))?;
        let at = folder.join("models").join(name);
        let device = encoder.device();
        let body = match file.body.as_str() {
            "adapted" => {
                let (lora, params) = Lora::read(&at, Naming::Plain, &device)?;
                lora.fit(&encoder.params, &params, &at)?;
                Body::Adapted(lora, params)
            }
            "changed" => {
                let params = Params::read(&at, "model.safetensors", &device)?;
                params.fit(&specialist_neural::encoder::specs(&encoder.config), &at.join("model.safetensors"))?;
                Body::Changed(params)
            }
            _ => Body::Frozen,
        };
        Ok(Self { body, head: file.head, recalibration: file.recalibration })
    }
}
