//! The kind of encoder that reads Hugging Face folders.

use std::sync::Arc;

use specialist_core::{Encode, EncoderInput, EncoderKind, Error};
use specialist_neural::Frozen;

use crate::recipe::TRANSFORMER;

pub(crate) static KIND: EncoderKind =
    EncoderKind { name: TRANSFORMER, about: "a sentence encoder of the BERT family, from a Hugging Face folder", open };

fn open(input: &EncoderInput<'_>) -> Result<Arc<dyn Encode>, Error> {
    let encoder =
        Frozen::open(input.folder, input.adapter, input.longest).map_err(specialist_neural::Error::into_core)?;
    Ok(Arc::new(encoder))
}
