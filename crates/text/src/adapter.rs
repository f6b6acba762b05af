//! A `peft` adapter that comes with a backbone, and models that leave as one. What is brought is folded into the
//! backbone's parameters: from there on the two are one generalist, and no tuning needs to know.

use std::path::{Path, PathBuf};

use specialist_cli::Terminal;
use specialist_neural::encoder::is_head;
use specialist_neural::lora::Naming;
use specialist_neural::{Device, Lora, Params};
use specialist_pipeline::artifact::Draft;

use crate::error::{Error, Result};
use crate::recipe::Recipe;

const CONFIG: &str = "adapter_config.json";
const WEIGHTS: &str = "adapter_model.safetensors";
/// Where an artifact keeps the adapter that its backbone needs.
const FOLDER: &str = "adapter";

/// An adapter that was brought.
pub struct Brought {
    lora: Lora,
    /// Its matrices, and what it replaces whole.
    params: Params,
    /// Its two files as they were brought.
    files: [Vec<u8>; 2],
    folder: PathBuf,
}

/// What sentence vectors and generated texts do not go through: the head of a classifier and the layer before it.
fn is_above(name: &str) -> bool {
    is_head(name) || name.starts_with("pooler.")
}

impl Brought {
    /// Reads the adapter in `folder`.
    ///
    /// # Errors
    /// When a file is missing, or the adapter is of a kind that is not built in.
    pub fn read(folder: &Path, naming: Naming) -> Result<Self> {
        let (lora, params) = Lora::read(folder, naming, &Device::flex())?;
        let bytes = |name: &str| std::fs::read(folder.join(name)).map_err(|e| Error::write(&folder.join(name), e));
        Ok(Self { lora, params, files: [bytes(CONFIG)?, bytes(WEIGHTS)?], folder: folder.to_path_buf() })
    }

    /// That of an artifact that was checked, if it has one.
    pub fn of_artifact(folder: &Path, naming: Naming) -> Result<Option<Self>> {
        let at = folder.join(FOLDER);
        if at.join(CONFIG).is_file() { Self::read(&at, naming).map(Some) } else { Ok(None) }
    }

    /// That of a recipe, folded into the `params` of its backbone.
    ///
    /// # Errors
    /// Those of [`Brought::read`] and [`Brought::merge`].
    pub fn of_recipe(
        recipe: &Recipe,
        naming: Naming,
        params: &mut Params,
        terminal: &Terminal,
    ) -> Result<Option<Self>> {
        let Some(folder) = &recipe.adapter else { return Ok(None) };
        let brought = Self::read(Path::new(folder), naming)?;
        brought.merge(params)?;
        terminal.done("adapter", &brought.about());
        Ok(Some(brought))
    }

    /// Folds it into the `params` of its backbone.
    ///
    /// # Errors
    /// When it does not belong to the model.
    pub fn merge(&self, params: &mut Params) -> Result<()> {
        self.lora.fit(params, &self.params, &self.folder)?;
        // A head that the base has no place for belongs to another model than ours: it is left out, and said.
        params.extend(self.params.only(|n| Lora::owns(n) || params.get(n).is_some()));
        self.lora.merge(params, &Device::flex());
        Ok(())
    }

    /// Adds its files to an artifact.
    pub fn add(&self, draft: &mut Draft) {
        for (name, bytes) in [CONFIG, WEIGHTS].iter().zip(&self.files) {
            draft.add(&format!("{FOLDER}/{name}"), bytes.clone());
        }
    }

    /// What it is, in a line.
    fn about(&self) -> String {
        let config: serde_json::Value = serde_json::from_slice(&self.files[0]).unwrap_or_default();
        let base = match config["base_model_name_or_path"].as_str() {
            Some(name) => format!(" of {}", Path::new(name).file_name().unwrap_or_default().to_string_lossy()),
            None => String::new(),
        };
        let maps = self.params.only(Lora::owns).iter().count() / 2;
        let head = self.params.iter().any(|(n, _)| is_head(n));
        let head = if head { "; its head is left out: here heads are fitted on the source's labels" } else { "" };
        format!("rank {} on {maps} maps{base}, folded into the backbone{head}", self.lora.rank)
    }
}

/// The adapter that makes a model out of the backbone as it was published: the one that was brought, the model's own,
/// or both in one.
///
/// # Errors
/// When the model is no low-rank change of its backbone, or is the backbone.
pub fn of_model(brought: Option<Brought>, own: Option<(Lora, Params)>, name: &str) -> Result<(Lora, Params)> {
    let refuse = |what: String| Err(Error::usage(what, "without --adapter the whole model is exported"));
    let whole = |b: &Brought| b.params.iter().map(|(n, _)| n).find(|n| !Lora::owns(n) && !is_above(n)).cloned();
    if let Some(tensor) = brought.as_ref().and_then(whole) {
        return refuse(format!(
            "the adapter that was brought replaces `{tensor}` whole, which no low-rank change says"
        ));
    }
    let brought = brought.map(|b| (b.lora, b.params.only(Lora::owns)));
    match (brought, own) {
        (None, None) => refuse(format!("the model `{name}` has no adapter: it stands on the backbone as it is")),
        (Some(one), None) | (None, Some(one)) => Ok(one),
        (Some((first, a)), Some((second, b))) => Ok(first.stacked(&a, &second, &b, &Device::flex())),
    }
}
