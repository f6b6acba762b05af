//! A sentence encoder as it is: what texts become numbers by.

use std::any::Any;
use std::fmt;
use std::path::{Path, PathBuf};

use specialist_core::{Context, Encode};

use crate::Device;
use crate::adapted::Brought;
use crate::encoder::Encoder;
use crate::error::{Error, Result, read};
use crate::lora::Naming;
use crate::pooling::encoder_files;

/// Where an encoder's folder keeps the adapter that is folded into it.
const ADAPTER: &str = "adapter";
/// A file beyond this is no encoder's.
const LARGEST: u64 = 1 << 32;

/// An encoder that is not trained, with the adapter that was folded into it.
pub struct Frozen {
    /// The encoder.
    pub encoder: Encoder,
    /// Tokens that are read of a text.
    pub longest: usize,
    /// The adapter that is folded into it, as it was brought.
    pub brought: Option<Brought>,
    /// Where its files lie.
    pub folder: PathBuf,
}

impl Frozen {
    /// Reads the encoder in `folder`, with the `peft` adapter in `adapter` folded into it, of whose texts at most `longest`
    /// tokens are read.
    ///
    /// # Errors
    /// When a file is missing or of a kind that is not built in, or the adapter belongs to another encoder.
    pub fn open(folder: &Path, adapter: Option<&Path>, longest: usize) -> Result<Self> {
        // An encoder that was kept with its adapter has it in its folder.
        let kept = Some(folder.join(ADAPTER)).filter(|a| a.is_dir());
        let adapter = adapter.or(kept.as_deref());
        let mut encoder = Encoder::read(folder, &Device::flex())?;
        let naming = Naming::Classifier(encoder.config.family);
        let brought = adapter.map(|at| Brought::read(at, naming)).transpose()?;
        if let Some(brought) = &brought {
            brought.merge(&mut encoder.params)?;
        }
        let longest = longest.min(encoder.longest());
        Ok(Self { encoder, longest, brought, folder: folder.to_path_buf() })
    }

    /// The tokens of texts.
    ///
    /// # Errors
    /// When the tokenizer refuses one.
    pub fn tokens(&self, texts: &[&str]) -> Result<Vec<Vec<u32>>> {
        self.encoder.tokenizer.encode_all(texts, self.longest)
    }
}

impl fmt::Debug for Frozen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frozen").field("folder", &self.folder).field("longest", &self.longest).finish_non_exhaustive()
    }
}

impl Encode for Frozen {
    fn width(&self) -> usize {
        self.encoder.config.vector()
    }

    fn encode(&self, texts: &[&str], ctx: &Context) -> std::result::Result<Vec<f32>, specialist_core::Error> {
        let vectors = self.tokens(texts).and_then(|ids| self.encoder.embed(&self.encoder.params, None, &ids, ctx));
        vectors.map_err(Error::into_core)
    }

    fn files(&self) -> std::result::Result<Vec<(String, Vec<u8>)>, specialist_core::Error> {
        let mut out = Vec::new();
        for name in encoder_files(&self.folder).map_err(Error::into_core)? {
            let (_, bytes) = read(&self.folder, &name, LARGEST).map_err(Error::into_core)?;
            out.push((name, bytes));
        }
        let adapter = self.brought.iter().flat_map(|b| &b.files);
        out.extend(adapter.map(|(name, bytes)| (format!("{ADAPTER}/{name}"), bytes.clone())));
        Ok(out)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
