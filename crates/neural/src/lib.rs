//! Pre-trained transformers: encoders of the BERT family and T5, read from Hugging Face folders and saved
//! back, tuned whole, by their head, or by a low-rank adapter that Python's `peft` opens.
//!
//! Parameters have names (those of `transformers`) and nothing else: an architecture is a function of a config
//! and a set of named parameters, so that a random start, a file on disk and a tape are the same thing to it.

mod adapted;
pub mod config;
pub mod encoder;
mod error;
mod frozen;
mod fused;
pub mod generate;
mod kernels;
mod layers;
pub mod lora;
mod ops;
pub mod optim;
pub mod params;
pub mod pooling;
pub mod t5;
pub mod tasks;
pub mod tokenizer;
pub mod train;

pub use adapted::Brought;
pub use burn_tensor::{Device, Int, Tensor, TensorData};
pub use encoder::Encoder;
pub use error::{Error, Result};
pub use frozen::Frozen;
pub use layers::{Activation, Dropout, Pass};
pub use lora::Lora;
pub use params::{Param, Params};
pub use t5::T5;
pub use tokenizer::{Batch, Tokenizer};
