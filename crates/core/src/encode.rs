//! Cells that are no numbers: a frozen encoder says what numbers they become.

use std::any::Any;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use crate::context::Context;
use crate::error::Error;
use crate::registry::Registry;

/// What an encoder is opened by.
///
/// ```
/// use specialist_core::EncoderInput;
/// use std::path::Path;
/// let (folder, place) = (Path::new("minilm"), Path::new("."));
/// let input = EncoderInput { folder, adapter: None, longest: 128, settings: "", place };
/// assert!(input.folder.join("config.json").starts_with("minilm"));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct EncoderInput<'a> {
    /// Its folder: `text.backbone`, or an artifact's.
    pub folder: &'a Path,
    /// The folder of an adapter that is folded into it.
    pub adapter: Option<&'a Path>,
    /// Tokens to read of a text.
    pub longest: usize,
    /// The recipe's `[domain]` as TOML text.
    pub settings: &'a str,
    /// Where relative paths of the settings start.
    pub place: &'a Path,
}

/// Opens an encoder.
pub type Open = fn(&EncoderInput<'_>) -> Result<Arc<dyn Encode>, Error>;

/// A kind of encoder that a recipe can name under `[text]`.
pub struct EncoderKind {
    /// Its name, as `text.encoder` spells it.
    pub name: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
    /// Opens it.
    pub open: Open,
}

/// The kinds of encoders that were added: the one of transformers is the engine's.
pub static ENCODERS: Registry<EncoderKind> = Registry::new(&[], |k| k.name);

/// A frozen encoder of texts: nothing that is fitted changes it, so that what it says of a text does not depend on the fold.
///
/// ```
/// use specialist_core::{Context, Encode, Error};
/// /// A text as the number of its words.
/// #[derive(Debug)]
/// struct Length;
/// impl Encode for Length {
///     fn width(&self) -> usize {
///         1
///     }
///     fn encode(&self, texts: &[&str], _: &Context) -> Result<Vec<f32>, Error> {
///         Ok(texts.iter().map(|t| t.split_whitespace().count() as f32).collect())
///     }
///     fn as_any(&self) -> &dyn std::any::Any {
///         self
///     }
/// }
/// assert_eq!(Length.encode(&["so it is", "no"], &Context::new(1, 1))?, [3.0, 1.0]);
/// # Ok::<(), Error>(())
/// ```
pub trait Encode: Send + Sync + fmt::Debug {
    /// How many numbers a text becomes; 0 for one that only models read which take the texts themselves.
    fn width(&self) -> usize;

    /// The numbers of each text, one text after the other.
    ///
    /// # Errors
    /// When a text cannot be read, or the run is cancelled.
    fn encode(&self, texts: &[&str], ctx: &Context) -> Result<Vec<f32>, Error>;

    /// The files that make it again from a folder, by their path in it: an artifact keeps them, so that scoring needs nothing else.
    ///
    /// # Errors
    /// When a file cannot be read.
    fn files(&self) -> Result<Vec<(String, Vec<u8>)>, Error> {
        Ok(Vec::new())
    }

    /// Itself, for a model that needs more of it than its numbers.
    fn as_any(&self) -> &dyn Any;
}
