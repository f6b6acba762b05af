//! A `peft` adapter that comes with a backbone: it is folded into the backbone's parameters, and from there on the two are
//! one model, and no tuning needs to know.

use std::path::{Path, PathBuf};

use crate::Device;
use crate::encoder::is_head;
use crate::error::{Result, read};
use crate::lora::{Lora, Naming};
use crate::params::Params;

const CONFIG: &str = "adapter_config.json";
const WEIGHTS: &str = "adapter_model.safetensors";

/// An adapter that was brought.
pub struct Brought {
    /// Its settings.
    pub lora: Lora,
    /// Its matrices, and what it replaces whole.
    pub params: Params,
    /// Its two files as they were brought: name and content.
    pub files: [(&'static str, Vec<u8>); 2],
    folder: PathBuf,
}

impl Brought {
    /// Reads the adapter in `folder`.
    ///
    /// # Errors
    /// When a file is missing, or the adapter is of a kind that is not built in.
    pub fn read(folder: &Path, naming: Naming) -> Result<Self> {
        let (lora, params) = Lora::read(folder, naming, &Device::flex())?;
        const MOST: u64 = 1 << 32;
        let bytes = |name: &'static str| Ok::<_, crate::Error>((name, read(folder, name, MOST)?.1));
        Ok(Self { lora, params, files: [bytes(CONFIG)?, bytes(WEIGHTS)?], folder: folder.to_path_buf() })
    }

    /// The adapter in `folder`, if there is one.
    ///
    /// # Errors
    /// As [`Brought::read`].
    pub fn read_if_there(folder: &Path, naming: Naming) -> Result<Option<Self>> {
        if folder.join(CONFIG).is_file() { Self::read(folder, naming).map(Some) } else { Ok(None) }
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

    /// What it is, in a line.
    #[must_use]
    pub fn about(&self) -> String {
        let config: serde_json::Value = serde_json::from_slice(&self.files[0].1).unwrap_or_default();
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
