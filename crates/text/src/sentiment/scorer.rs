//! A finished classifier: labels for new texts, and why.

use std::path::Path;

use specialist_core::Context;
use specialist_neural::lora::Naming;
use specialist_neural::{Device, Encoder};

use super::figures::likeliest;
use super::model::Classifier;
use crate::adapter::Brought;
use crate::error::{Error, Result};
use crate::fetch::Cache;

/// What an artifact says about the encoder that it stands on and does not hold.
pub(super) fn artifact_backbone(folder: &Path) -> Result<serde_json::Value> {
    use sha2::{Digest, Sha256};
    let file = folder.join("model.safetensors");
    let bytes = std::fs::read(&file).map_err(|e| Error::write(&file, e))?;
    let sha: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
    Ok(serde_json::json!({ "model.safetensors": sha }))
}

/// Why a text has its label.
#[derive(serde::Serialize)]
pub struct Explanation {
    /// The likeliest label.
    pub label: String,
    /// Its probability.
    pub probability: f64,
    /// Every word with the label's log-odds in the whole text minus those without the word.
    pub words: Vec<(String, f64)>,
}

/// A classifier of an artifact, ready to label texts.
pub struct Scorer {
    /// The model's name in the artifact.
    pub name: String,
    /// The encoder, with what was brought folded in.
    pub encoder: Encoder,
    /// What stands on it.
    pub classifier: Classifier,
    /// The adapter that is folded into the encoder.
    pub brought: Option<Brought>,
    /// The labels in order.
    pub labels: Vec<String>,
    /// Tokens that are read of a text.
    pub longest: usize,
}

impl Scorer {
    /// Opens the model `name` of the artifact in `folder`; without a name the one that the verdict ships. The encoder
    /// is the recipe's, or `backbone` where it lies elsewhere.
    pub fn open(folder: &Path, name: Option<&str>, backbone: Option<&str>, cache: &Cache) -> Result<Self> {
        use specialist_pipeline::artifact::ArtifactError;
        use specialist_pipeline::{artifact, report};
        let manifest = artifact::open(folder)?;
        let text = String::from_utf8_lossy(&artifact::read(folder, "recipe.toml")?).into_owned();
        let recipe = crate::recipe::parse("recipe.toml", &text, &[])?;
        let name = match name {
            Some(name) => name.to_string(),
            None => report::read_report(folder, &manifest)?.shipped().to_string(),
        };
        let backbone = cache.model(backbone.unwrap_or(&recipe.backbone))?;
        if artifact::read_json::<serde_json::Value>(folder, "backbone.json")? != artifact_backbone(&backbone)? {
            return Err(specialist_pipeline::Error::Encoder {
                what: format!("{}: the encoder has other weights than the artifact was made with", backbone.display()),
                hint: "fetch or copy the encoder that it was made with; --backbone DIR names it".into(),
            }
            .into());
        }
        let mut encoder = Encoder::read(&backbone, &Device::flex())?;
        let brought = Brought::of_artifact(folder, Naming::Classifier(encoder.config.family))?;
        if let Some(brought) = &brought {
            brought.merge(&mut encoder.params)?;
        }
        if !manifest.files.contains_key(&format!("models/{name}/head.json")) {
            return Err(Error::usage(
                format!("the artifact has no model `{name}`"),
                "there are: generalist, recalibrated, scratch, specialist",
            ));
        }
        let classifier = Classifier::read(folder, &name, &encoder)?;
        let labels: Vec<String> = artifact::read_json(folder, "labels.json")?;
        if !classifier.fits(labels.len(), encoder.config.vector()) {
            let file = format!("models/{name}/head.json");
            return Err(specialist_pipeline::Error::from(ArtifactError::Corrupt {
                file: folder.join(file).display().to_string(),
                what: "its coefficients are not those of the labels and the encoder".into(),
            })
            .into());
        }
        let longest = recipe.tune.longest.min(encoder.longest());
        Ok(Self { name, encoder, classifier, brought, labels, longest })
    }

    /// Probabilities of the labels, a text each.
    pub fn probabilities(&self, texts: &[&str], ctx: &Context) -> Result<Vec<Vec<f64>>> {
        let ids = self.encoder.tokenizer.encode_all(texts, self.longest)?;
        self.classifier.probabilities(&self.encoder, &ids, None, ctx)
    }

    /// What each word does for the likeliest label.
    pub fn explain(&self, text: &str, ctx: &Context) -> Result<Explanation> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let without = (0..words.len()).map(|i| {
            let rest: Vec<&str> = words.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, w)| *w).collect();
            rest.join(" ")
        });
        let all: Vec<String> = std::iter::once(text.to_string()).chain(without).collect();
        let p = self.probabilities(&all.iter().map(String::as_str).collect::<Vec<_>>(), ctx)?;
        let best = likeliest(&p[0]);
        let odds = |p: &[f64]| specialist_core::logit(p[best]);
        let whole = odds(&p[0]);
        let effects = words.iter().zip(&p[1..]).map(|(w, p)| ((*w).to_string(), whole - odds(p))).collect();
        Ok(Explanation { label: self.labels[best].clone(), probability: p[0][best], words: effects })
    }
}
