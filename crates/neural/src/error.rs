//! What can be wrong with a model on disk, a text, or a training run.

use std::path::{Path, PathBuf};

use thiserror::Error as ThisError;

/// A failure of this crate; it never holds a text that was to be read.
#[derive(Debug, ThisError)]
pub enum Error {
    /// A file of a model folder is not there.
    #[error("{folder}: there is no {file}")]
    Missing {
        /// The model's folder.
        folder: String,
        /// What was looked for.
        file: String,
    },
    /// A file is not what it should be.
    #[error("{file}: {what}")]
    Format {
        /// The file.
        file: String,
        /// What is wrong with it.
        what: String,
    },
    /// An adapter that cannot be used, or not with this model.
    #[error("{file}: {what}")]
    Adapter {
        /// The file.
        file: String,
        /// What is wrong with it.
        what: String,
        /// What to do.
        hint: &'static str,
    },
    /// The model is of a kind that is not built in.
    #[error("{file}: the model is of type `{found}`; there are {known}")]
    Architecture {
        /// Its config.json.
        file: String,
        /// What the config says.
        found: String,
        /// What is built in.
        known: String,
    },
    /// The weights lack a tensor.
    #[error("{file}: there is no tensor `{name}`")]
    NoTensor {
        /// The weights.
        file: String,
        /// The tensor.
        name: String,
    },
    /// A tensor has another shape than the config says.
    #[error("{file}: tensor `{name}` is {found:?}, the config says {expected:?}")]
    Shape {
        /// The weights.
        file: String,
        /// The tensor.
        name: String,
        /// Its shape.
        found: Vec<usize>,
        /// The shape that the config calls for.
        expected: Vec<usize>,
    },
    /// The tokenizer knows tokens that the model has no embedding for.
    #[error("{folder}: the tokenizer has {tokens} tokens and the model embeds {embedded}")]
    Vocabulary {
        /// The model's folder.
        folder: String,
        /// Largest token id plus one.
        tokens: usize,
        /// Rows of the embedding.
        embedded: usize,
    },
    /// A file could not be written.
    #[error("{file}: {error}")]
    Write {
        /// The file.
        file: String,
        /// Why.
        error: std::io::Error,
    },
    /// A checkpoint is of another run.
    #[error("{file}: the checkpoint is of another run ({what})")]
    Checkpoint {
        /// The checkpoint.
        file: String,
        /// What differs.
        what: String,
    },
    /// Training went astray.
    #[error("the loss is not a number at step {step}")]
    Diverged {
        /// The step.
        step: usize,
    },
    /// Cancelled, or out of range.
    #[error(transparent)]
    Core(#[from] specialist_core::Error),
}

/// What this crate's functions return.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    #[allow(clippy::needless_pass_by_value, reason = "a message is given away")]
    pub(crate) fn format(file: impl AsRef<Path>, what: impl std::fmt::Display) -> Self {
        Self::Format { file: file.as_ref().display().to_string(), what: what.to_string() }
    }

    /// The same for whoever knows nothing of networks.
    #[must_use]
    pub fn into_core(self) -> specialist_core::Error {
        match self {
            Self::Core(e) => e,
            Self::Diverged { .. } => specialist_core::Error::Fit { estimator: "a network", reason: self.to_string() },
            // A folder that is not one was misnamed; one whose files are damaged was not.
            Self::Missing { .. } => specialist_core::Error::Absent { what: self.to_string(), hint: self.hint().into() },
            other => specialist_core::Error::Encoder { what: other.to_string(), hint: other.hint().into() },
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Adapter { hint, .. } => hint,
            Self::Missing { file, .. } if file.starts_with("adapter_") => {
                "name a folder that `save_pretrained` of peft wrote: adapter_config.json and adapter_model.safetensors"
            }
            Self::Missing { .. } => "name a Hugging Face folder with config.json, model.safetensors and tokenizer.json",
            Self::Format { .. } => "fetch the file again; it may be cut short or of another program",
            Self::Architecture { .. } => "take a model of one of these types",
            Self::NoTensor { .. } | Self::Shape { .. } => {
                "config.json and model.safetensors belong to different models"
            }
            Self::Vocabulary { .. } => "tokenizer.json belongs to another model",
            Self::Write { .. } => "check the folder's permissions and the free space",
            Self::Checkpoint { .. } => "start again in another folder, or with the settings that the run began with",
            Self::Diverged { .. } => "lower the learning rate, or clip gradients",
            Self::Core(_) => "see the message",
        }
    }
}

/// The bytes of `folder/file`.
///
/// # Errors
/// [`Error::Missing`] when it is not there, [`Error::Format`] when it is larger than `limit`.
pub(crate) fn read(folder: &Path, file: &str, limit: u64) -> Result<(PathBuf, Vec<u8>)> {
    let path = folder.join(file);
    let missing = |_| Error::Missing { folder: folder.display().to_string(), file: file.into() };
    let size = std::fs::metadata(&path).map_err(missing)?.len();
    if size > limit {
        return Err(Error::format(&path, format!("{size} bytes are more than this program reads ({limit})")));
    }
    let bytes = std::fs::read(&path).map_err(missing)?;
    Ok((path, bytes))
}

/// Writes `file` so that it appears whole or not at all.
///
/// # Errors
/// [`Error::Write`].
pub(crate) fn write(file: &Path, bytes: &[u8]) -> Result<()> {
    let wrong = |error| Error::Write { file: file.display().to_string(), error };
    let folder = file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(wrong)?;
    // One name for all attempts: what a killed run leaves behind, the next one writes over.
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let temp = folder.join(format!(".{name}.tmp"));
    let mut out = std::fs::File::create(&temp).map_err(wrong)?;
    std::io::Write::write_all(&mut out, bytes).map_err(wrong)?;
    out.sync_all().map_err(wrong)?;
    std::fs::rename(&temp, file).map_err(wrong)?;
    std::fs::File::open(folder).and_then(|f| f.sync_all()).map_err(wrong)
}
