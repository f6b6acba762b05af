//! The kind of encoder that reads Hugging Face folders.

use std::path::Path;
use std::sync::Arc;

use specialist_core::{Encode, EncoderKind, Error};
use specialist_neural::Frozen;

use crate::recipe::TRANSFORMER;

pub(crate) static KIND: EncoderKind =
    EncoderKind { name: TRANSFORMER, about: "a sentence encoder of the BERT family, from a Hugging Face folder", open };

fn open(folder: &Path, adapter: Option<&Path>, longest: usize) -> Result<Arc<dyn Encode>, Error> {
    let encoder = Frozen::open(folder, adapter, longest).map_err(specialist_neural::Error::into_core)?;
    Ok(Arc::new(encoder))
}
