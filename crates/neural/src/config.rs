//! What a Hugging Face config.json says about a model, as far as its arithmetic goes.

use std::path::Path;

use serde_json::Value;

use crate::error::{self, Error, Result};
use crate::layers::Activation;
use crate::pooling::Pooling;

const LARGEST: u64 = 1 << 20;
const KNOWN: &str = "bert, distilbert, roberta, xlm-roberta, t5, mt5";

/// The family of an encoder: they differ in names and in a few steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// BERT (Devlin et al. 2019), MiniLM among it.
    Bert,
    /// DistilBERT (Sanh et al. 2019): no token types, no pooler.
    DistilBert,
    /// RoBERTa (Liu et al. 2019): positions count from the padding token on.
    Roberta,
}

/// What an encoder's head predicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Problem {
    /// One of several labels: softmax.
    SingleLabelClassification,
    /// Any of several labels: a sigmoid each.
    MultiLabelClassification,
    /// A number a label.
    Regression,
}

impl EncoderConfig {
    /// Width of the vector of a text.
    #[must_use]
    pub fn vector(&self) -> usize {
        self.width * self.pooling.modes.len()
    }
}

/// An encoder.
#[derive(Debug, Clone, PartialEq)]
pub struct EncoderConfig {
    /// How one vector is made of a text's tokens.
    pub pooling: Pooling,
    /// Its family.
    pub family: Family,
    /// Rows of the embedding.
    pub vocabulary: usize,
    /// Width of a token.
    pub width: usize,
    /// Layers.
    pub layers: usize,
    /// Attention heads.
    pub heads: usize,
    /// Width between the two maps of a feed-forward step.
    pub inner: usize,
    /// Rows of the position embedding.
    pub positions: usize,
    /// Rows of the token type embedding.
    pub types: usize,
    /// Added to the variance in layer normalisation.
    pub epsilon: f64,
    /// Between the two maps of a feed-forward step.
    pub activation: Activation,
    /// Share of units dropped in training.
    pub dropout: f64,
    /// The padding token.
    pub pad: u32,
    /// The labels' names; empty without a head.
    pub labels: Vec<String>,
    /// What the head predicts.
    pub problem: Option<Problem>,
}

/// A T5 (Raffel et al. 2020).
#[derive(Debug, Clone, PartialEq)]
pub struct T5Config {
    /// Rows of the embedding.
    pub vocabulary: usize,
    /// Width of a token.
    pub width: usize,
    /// Width of an attention head.
    pub head_width: usize,
    /// Attention heads.
    pub heads: usize,
    /// Width between the maps of a feed-forward step.
    pub inner: usize,
    /// Layers of the encoder.
    pub layers: usize,
    /// Layers of the decoder.
    pub decoder_layers: usize,
    /// Buckets of the relative positions.
    pub buckets: usize,
    /// Distances beyond this share a bucket.
    pub max_distance: usize,
    /// Added to the mean square.
    pub epsilon: f64,
    /// In a feed-forward step.
    pub activation: Activation,
    /// Whether a second map gates the feed-forward step (T5 1.1, FLAN-T5).
    pub gated: bool,
    /// Whether the output map is the embedding.
    pub tied: bool,
    /// Share of units dropped in training.
    pub dropout: f64,
    /// The padding token.
    pub pad: u32,
    /// The token that ends a text.
    pub eos: u32,
    /// The token that decoding starts from.
    pub start: u32,
}

/// A model's config.
#[derive(Debug, Clone, PartialEq)]
pub enum Config {
    /// An encoder.
    Encoder(EncoderConfig),
    /// An encoder with a decoder.
    T5(T5Config),
}

struct Reader<'a> {
    file: &'a Path,
    json: &'a Value,
}

impl Reader<'_> {
    fn size(&self, keys: &[&str]) -> Result<usize> {
        let found = keys.iter().find_map(|k| self.json.get(k)?.as_u64());
        let n = found.ok_or_else(|| Error::format(self.file, format!("`{}` is not a number", keys[0])))?;
        if n == 0 || n > 10_000_000 {
            return Err(Error::format(self.file, format!("`{}` is {n}", keys[0])));
        }
        Ok(n as usize)
    }

    /// How deep a stack is. What a layer needs is listed before the weights are looked at: a file may say anything.
    fn layers(&self, keys: &[&str]) -> Result<usize> {
        const DEEPEST: usize = 1000;
        match self.size(keys)? {
            n if n > DEEPEST => {
                Err(Error::format(self.file, format!("`{}` is {n}, up to {DEEPEST} are read", keys[0])))
            }
            n => Ok(n),
        }
    }

    fn size_or(&self, key: &str, default: usize) -> usize {
        self.json.get(key).and_then(Value::as_u64).map_or(default, |v| v as usize)
    }

    /// The number of a token of the vocabulary.
    fn token(&self, key: &str, default: usize) -> Result<u32> {
        let id = self.size_or(key, default);
        let known = id < self.size(&["vocab_size"])?;
        u32::try_from(id)
            .ok()
            .filter(|_| known)
            .ok_or_else(|| Error::format(self.file, format!("`{key}` is no token of the vocabulary")))
    }

    fn float(&self, keys: &[&str], default: f64) -> f64 {
        keys.iter().find_map(|k| self.json.get(k)?.as_f64()).unwrap_or(default)
    }

    fn activation(&self, keys: &[&str], default: &str) -> Result<Activation> {
        let name = keys.iter().find_map(|k| self.json.get(k)?.as_str()).unwrap_or(default);
        Activation::named(name).ok_or_else(|| {
            Error::format(
                self.file,
                format!("there is no activation `{name}`; there are relu, gelu, gelu_new, silu, tanh"),
            )
        })
    }
}

/// Reads `folder/config.json`; the JSON comes along so that it can be saved as it was.
///
/// # Errors
/// [`Error::Missing`], [`Error::Format`], or [`Error::Architecture`] for a model of another kind.
pub fn read(folder: &Path) -> Result<(Config, Value)> {
    let (path, bytes) = error::read(folder, "config.json", LARGEST)?;
    let json: Value = serde_json::from_slice(&bytes).map_err(|e| Error::format(&path, format!("not JSON ({e})")))?;
    Ok((parse(&path, &json)?, json))
}

fn parse(file: &Path, json: &Value) -> Result<Config> {
    let read = Reader { file, json };
    let kind = json.get("model_type").and_then(Value::as_str).unwrap_or("");
    let family = match kind {
        "bert" => Family::Bert,
        "distilbert" => Family::DistilBert,
        "roberta" | "xlm-roberta" => Family::Roberta,
        "t5" | "mt5" => return Ok(Config::T5(t5(&read)?)),
        _ => {
            let file = file.display().to_string();
            return Err(Error::Architecture { file, found: kind.into(), known: KNOWN.into() });
        }
    };
    if json.get("position_embedding_type").and_then(Value::as_str).is_some_and(|t| t != "absolute") {
        return Err(Error::format(file, "relative position embeddings of an encoder are not built in"));
    }
    let config = EncoderConfig {
        pooling: Pooling::default(),
        family,
        vocabulary: read.size(&["vocab_size"])?,
        width: read.size(&["hidden_size", "dim"])?,
        layers: read.layers(&["num_hidden_layers", "n_layers"])?,
        heads: read.size(&["num_attention_heads", "n_heads"])?,
        inner: read.size(&["intermediate_size", "hidden_dim"])?,
        positions: read.size(&["max_position_embeddings"])?,
        types: read.size_or("type_vocab_size", if family == Family::Roberta { 1 } else { 2 }),
        epsilon: read.float(&["layer_norm_eps"], 1e-12),
        activation: read.activation(&["hidden_act", "activation"], "gelu")?,
        dropout: read.float(&["hidden_dropout_prob", "dropout"], 0.1),
        pad: read.token("pad_token_id", if family == Family::Roberta { 1 } else { 0 })?,
        labels: labels(json),
        problem: json.get("problem_type").and_then(|p| serde_json::from_value(p.clone()).ok()),
    };
    if !config.width.is_multiple_of(config.heads) {
        return Err(Error::format(file, format!("{} heads do not divide the width {}", config.heads, config.width)));
    }
    Ok(Config::Encoder(config))
}

/// `id2label` in the order of its numbers.
fn labels(json: &Value) -> Vec<String> {
    let Some(map) = json.get("id2label").and_then(Value::as_object) else { return Vec::new() };
    let mut named: Vec<(usize, String)> =
        map.iter().filter_map(|(k, v)| Some((k.parse().ok()?, v.as_str()?.to_string()))).collect();
    named.sort();
    named.into_iter().map(|n| n.1).collect()
}

fn t5(read: &Reader<'_>) -> Result<T5Config> {
    let projection = read.json.get("feed_forward_proj").and_then(Value::as_str).unwrap_or("relu");
    let (gated, name) = projection.strip_prefix("gated-").map_or((false, projection), |n| (true, n));
    // transformers reads "gated-gelu" as the tanh approximation, as T5 1.1 was trained.
    let name = if gated && name == "gelu" { "gelu_new" } else { name };
    let activation = Activation::named(name)
        .ok_or_else(|| Error::format(read.file, format!("there is no activation `{projection}`")))?;
    let layers = read.layers(&["num_layers"])?;
    let decoder = "num_decoder_layers";
    // Left out, or null, it is the encoder's.
    let own = read.json.get(decoder).is_some_and(|n| !n.is_null());
    let decoder_layers = if own { read.layers(&[decoder])? } else { layers };
    Ok(T5Config {
        vocabulary: read.size(&["vocab_size"])?,
        width: read.size(&["d_model"])?,
        head_width: read.size(&["d_kv"])?,
        heads: read.size(&["num_heads"])?,
        inner: read.size(&["d_ff"])?,
        layers,
        decoder_layers,
        buckets: read.size_or("relative_attention_num_buckets", 32),
        max_distance: read.size_or("relative_attention_max_distance", 128),
        epsilon: read.float(&["layer_norm_epsilon"], 1e-6),
        activation,
        gated,
        tied: read.json.get("tie_word_embeddings").and_then(Value::as_bool).unwrap_or(true),
        dropout: read.float(&["dropout_rate"], 0.1),
        pad: read.token("pad_token_id", 0)?,
        eos: read.token("eos_token_id", 1)?,
        start: read.token("decoder_start_token_id", 0)?,
    })
}

impl T5Config {
    /// A config.json that `transformers` reads as this model.
    #[must_use]
    pub fn to_json(&self) -> Value {
        serde_json::json!({
            "architectures": ["T5ForConditionalGeneration"],
            "model_type": "t5",
            "is_encoder_decoder": true,
            "vocab_size": self.vocabulary,
            "d_model": self.width,
            "d_kv": self.head_width,
            "num_heads": self.heads,
            "d_ff": self.inner,
            "num_layers": self.layers,
            "num_decoder_layers": self.decoder_layers,
            "relative_attention_num_buckets": self.buckets,
            "relative_attention_max_distance": self.max_distance,
            "layer_norm_epsilon": self.epsilon,
            "feed_forward_proj": self.projection(),
            "tie_word_embeddings": self.tied,
            "dropout_rate": self.dropout,
            "pad_token_id": self.pad,
            "eos_token_id": self.eos,
            "decoder_start_token_id": self.start,
        })
    }

    fn projection(&self) -> &'static str {
        match (self.gated, self.activation) {
            (true, Activation::GeluTanh) => "gated-gelu",
            (true, Activation::Silu) => "gated-silu",
            (true, _) => "gated-relu",
            (false, Activation::Gelu) => "gelu",
            (false, _) => "relu",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_config_without_end_is_refused_before_its_layers_are_listed() {
        let bert = |layers: u64| {
            let json = json!({
                "model_type": "bert", "vocab_size": 30, "hidden_size": 4, "num_hidden_layers": layers,
                "num_attention_heads": 2, "intermediate_size": 8, "max_position_embeddings": 16,
            });
            parse(Path::new("config.json"), &json)
        };
        assert!(bert(2).is_ok() && bert(1000).is_ok());
        assert!(bert(1_000_000).unwrap_err().to_string().contains("`num_hidden_layers` is 1000000"));
        let t5 = |decoder: Value| {
            let json = json!({
                "model_type": "t5", "vocab_size": 30, "d_model": 4, "d_kv": 2, "num_heads": 2, "d_ff": 8,
                "num_layers": 2, "num_decoder_layers": decoder,
            });
            parse(Path::new("config.json"), &json)
        };
        let depth = |c: Result<Config>| match c {
            Ok(Config::T5(c)) => c.decoder_layers,
            other => panic!("{other:?}"),
        };
        assert_eq!((depth(t5(Value::Null)), depth(t5(json!(3)))), (2, 3));
        assert!(t5(json!(1_000_000)).is_err() && t5(json!("many")).is_err());
    }
}
