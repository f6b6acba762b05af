//! Encoders of the BERT family, read from and saved to Hugging Face folders.

use std::collections::BTreeMap;
use std::path::Path;

use burn_tensor::{Device, Tensor, TensorData};
use serde_json::Value;
use specialist_core::Context;

use crate::config::{self, Config, EncoderConfig, Family, Problem};
use crate::error::{self, Error, Result};
use crate::layers::{Activation, Pass, join_heads, split_heads};
use crate::lora::Lora;
use crate::ops;
use crate::params::{Params, Spec};
use crate::pooling::Pooling;
use crate::tokenizer::{Batch, Tokenizer, buckets};

/// An encoder with its tokenizer.
#[derive(Debug, Clone)]
pub struct Encoder {
    /// What config.json says.
    pub config: EncoderConfig,
    /// The parameters under their Hugging Face names without the family's prefix (`bert.`).
    pub params: Params,
    /// The tokenizer.
    pub tokenizer: Tokenizer,
    /// config.json as it was read.
    json: Value,
    /// Whether the parameters carry the family's prefix on disk.
    prefixed: bool,
}

/// The names of a family.
struct Names {
    prefix: &'static str,
    layer: &'static str,
    query: &'static str,
    key: &'static str,
    value: &'static str,
    out: &'static str,
    attention_norm: &'static str,
    up: &'static str,
    down: &'static str,
    norm: &'static str,
}

const BERT: Names = Names {
    prefix: "bert.",
    layer: "encoder.layer",
    query: "attention.self.query",
    key: "attention.self.key",
    value: "attention.self.value",
    out: "attention.output.dense",
    attention_norm: "attention.output.LayerNorm",
    up: "intermediate.dense",
    down: "output.dense",
    norm: "output.LayerNorm",
};

const ROBERTA: Names = Names { prefix: "roberta.", ..BERT };

const DISTIL: Names = Names {
    prefix: "distilbert.",
    layer: "transformer.layer",
    query: "attention.q_lin",
    key: "attention.k_lin",
    value: "attention.v_lin",
    out: "attention.out_lin",
    attention_norm: "sa_layer_norm",
    up: "ffn.lin1",
    down: "ffn.lin2",
    norm: "output_layer_norm",
};

impl Family {
    fn names(self) -> &'static Names {
        match self {
            Self::Bert => &BERT,
            Self::Roberta => &ROBERTA,
            Self::DistilBert => &DISTIL,
        }
    }

    /// The maps that an adapter changes unless told otherwise: query and value (Hu et al. 2022).
    #[must_use]
    pub fn default_targets(self) -> Vec<String> {
        let (q, v) = if self == Self::DistilBert { ("q_lin", "v_lin") } else { ("query", "value") };
        vec![q.into(), v.into()]
    }

    /// The path that `transformers` gives a parameter of a classifier: with the prefix, except for the head.
    #[must_use]
    pub fn full_name(self, name: &str) -> String {
        if is_head(name) { name.into() } else { format!("{}{name}", self.names().prefix) }
    }
}

/// Whether a parameter belongs to the head.
#[must_use]
pub fn is_head(name: &str) -> bool {
    name.starts_with("classifier.") || name.starts_with("pre_classifier.")
}

fn map(specs: &mut Vec<Spec>, path: &str, out: usize, into: usize) {
    specs.push(Spec::normal(format!("{path}.weight"), &[out, into], 0.02));
    specs.push(Spec::constant(format!("{path}.bias"), out, 0.0));
}

fn norm(specs: &mut Vec<Spec>, path: &str, width: usize) {
    specs.push(Spec::constant(format!("{path}.weight"), width, 1.0));
    specs.push(Spec::constant(format!("{path}.bias"), width, 0.0));
}

/// The parameters that `config` calls for, without the head.
#[must_use]
pub fn specs(config: &EncoderConfig) -> Vec<Spec> {
    let (c, n) = (config, config.family.names());
    let mut out = vec![
        Spec::normal("embeddings.word_embeddings.weight".into(), &[c.vocabulary, c.width], 0.02),
        Spec::normal("embeddings.position_embeddings.weight".into(), &[c.positions, c.width], 0.02),
    ];
    if c.family != Family::DistilBert {
        out.push(Spec::normal("embeddings.token_type_embeddings.weight".into(), &[c.types, c.width], 0.02));
    }
    norm(&mut out, "embeddings.LayerNorm", c.width);
    for i in 0..c.layers {
        let path = |name: &str| format!("{}.{i}.{name}", n.layer);
        for name in [n.query, n.key, n.value, n.out] {
            map(&mut out, &path(name), c.width, c.width);
        }
        norm(&mut out, &path(n.attention_norm), c.width);
        map(&mut out, &path(n.up), c.inner, c.width);
        map(&mut out, &path(n.down), c.width, c.inner);
        norm(&mut out, &path(n.norm), c.width);
    }
    out
}

/// The parameters of the family's own classification head for `labels` labels.
#[must_use]
pub fn head_specs(config: &EncoderConfig, labels: usize) -> Vec<Spec> {
    let (mut out, width) = (Vec::new(), config.width);
    match config.family {
        Family::Bert => {
            map(&mut out, "pooler.dense", width, width);
            map(&mut out, "classifier", labels, width);
        }
        Family::DistilBert => {
            map(&mut out, "pre_classifier", width, width);
            map(&mut out, "classifier", labels, width);
        }
        Family::Roberta => {
            map(&mut out, "classifier.dense", width, width);
            map(&mut out, "classifier.out_proj", labels, width);
        }
    }
    out
}

impl Encoder {
    /// Reads a Hugging Face folder.
    ///
    /// # Errors
    /// When a file is missing, damaged, or belongs to another model.
    pub fn read(folder: &Path, device: &Device) -> Result<Self> {
        let (inner, pooling) = Pooling::read(folder)?;
        let folder = inner.as_path();
        let (config, json) = config::read(folder)?;
        let Config::Encoder(mut config) = config else {
            return Err(Error::Architecture {
                file: folder.join("config.json").display().to_string(),
                found: "t5".into(),
                known: "bert, distilbert, roberta (encoders)".into(),
            });
        };
        config.pooling = pooling;
        let raw = Params::read(folder, "model.safetensors", device)?;
        let prefix = config.family.names().prefix;
        let prefixed = raw.iter().any(|(n, _)| n.starts_with(prefix));
        let params = raw.renamed(|n| n.strip_prefix(prefix).unwrap_or(n).to_string());
        let file = folder.join("model.safetensors");
        params.fit(&specs(&config), &file)?;
        if params.get("classifier.weight").or_else(|| params.get("classifier.out_proj.weight")).is_some() {
            params.fit(&head_specs(&config, config.labels.len().max(1)), &file)?;
        }
        let tokenizer = Tokenizer::read(folder)?;
        if tokenizer.vocabulary() > config.vocabulary {
            let (tokens, embedded) = (tokenizer.vocabulary(), config.vocabulary);
            return Err(Error::Vocabulary { folder: folder.display().to_string(), tokens, embedded });
        }
        Ok(Self { config, params, tokenizer, json, prefixed })
    }

    /// Saves a folder that `transformers` opens.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn save(&self, folder: &Path) -> Result<()> {
        let family = self.config.family;
        let named = if self.prefixed { self.params.renamed(|n| family.full_name(n)) } else { self.params.clone() };
        error::write(&folder.join("config.json"), &serde_json::to_vec_pretty(&self.json).expect("plain data"))?;
        error::write(&folder.join("tokenizer.json"), self.tokenizer.json())?;
        self.config.pooling.save(folder, self.config.width)?;
        error::write(&folder.join("model.safetensors"), &named.to_safetensors(&BTreeMap::new()))
    }

    /// The same model with other parameters.
    #[must_use]
    pub fn with(&self, params: Params) -> Self {
        let Self { config, tokenizer, json, prefixed, .. } = self;
        Self { params, config: config.clone(), tokenizer: tokenizer.clone(), json: json.clone(), prefixed: *prefixed }
    }

    /// Gives the model a head for `labels`, and the config that says so.
    pub fn set_head(&mut self, labels: &[String], problem: Problem, head: Params) {
        self.config.labels = labels.to_vec();
        self.config.problem = Some(problem);
        self.params.extend(head);
        self.prefixed = true;
        let id2label: serde_json::Map<String, Value> =
            labels.iter().enumerate().map(|(i, l)| (i.to_string(), Value::from(l.as_str()))).collect();
        let label2id: serde_json::Map<String, Value> =
            labels.iter().enumerate().map(|(i, l)| (l.clone(), Value::from(i))).collect();
        self.json["id2label"] = id2label.into();
        self.json["label2id"] = label2id.into();
        self.json["problem_type"] = serde_json::to_value(problem).expect("plain data");
        let class = match self.config.family {
            Family::Bert => "BertForSequenceClassification",
            Family::DistilBert => "DistilBertForSequenceClassification",
            Family::Roberta => "RobertaForSequenceClassification",
        };
        self.json["architectures"] = Value::from(vec![class]);
    }

    /// The longest text that the position embedding takes.
    #[must_use]
    pub fn longest(&self) -> usize {
        let offset = if self.config.family == Family::Roberta { self.config.pad as usize + 1 } else { 0 };
        let positions = self.config.positions - offset;
        self.config.pooling.longest.map_or(positions, |n| n.min(positions))
    }

    /// The last hidden state: tokens × width, text after text.
    #[must_use]
    pub fn hidden(&self, pass: &Pass<'_>, batch: &Batch) -> Tensor<2> {
        hidden(&self.config, pass, batch)
    }

    /// One vector a text, pooled as its folder says: texts × [`EncoderConfig::vector`].
    #[must_use]
    pub fn pooled(&self, pass: &Pass<'_>, batch: &Batch) -> Tensor<2> {
        self.config.pooling.pool(&self.hidden(pass, batch), batch)
    }

    /// One vector of length one a text, row by row: pooled, then scaled. Texts of about one length are
    /// read together.
    ///
    /// # Errors
    /// When the run is cancelled.
    pub fn embed(&self, params: &Params, lora: Option<&Lora>, texts: &[Vec<u32>], ctx: &Context) -> Result<Vec<f32>> {
        let (pass, width) = (Pass::predict(params, lora), self.config.vector());
        let lengths: Vec<usize> = texts.iter().map(Vec::len).collect();
        let mut out = vec![0.0; texts.len() * width];
        for part in buckets(&lengths, ROWS, TOKENS) {
            ctx.check()?;
            let views: Vec<&[u32]> = part.iter().map(|&i| texts[i].as_slice()).collect();
            let batch = Batch::new(&views, self.config.pad, &self.device());
            let rows = unit(self.pooled(&pass, &batch)).into_data().try_into_vec::<f32>().expect("vectors are f32");
            for (row, &i) in rows.chunks(width).zip(&part) {
                out[i * width..(i + 1) * width].copy_from_slice(row);
            }
        }
        Ok(out)
    }

    /// Where the parameters live.
    #[must_use]
    pub fn device(&self) -> Device {
        self.params.iter().next().map_or_else(Device::flex, |(_, p)| p.device())
    }

    /// The logits of the family's own head: texts × labels.
    #[must_use]
    pub fn logits(&self, pass: &Pass<'_>, batch: &Batch) -> Tensor<2> {
        logits(&self.config, pass, batch)
    }
}

/// Rows scaled to length one.
#[must_use]
pub fn unit(rows: Tensor<2>) -> Tensor<2> {
    let length = rows.clone().square().sum_dim(1).sqrt() + 1e-12;
    rows / length
}

/// How deep a parameter lies: 0 for the embeddings, 1 for the first layer, …, layers + 1 for what comes after.
#[must_use]
pub fn depth(config: &EncoderConfig, name: &str) -> usize {
    if name.starts_with("embeddings.") {
        return 0;
    }
    let number =
        name.strip_prefix(config.family.names().layer).and_then(|n| n[1..].split('.').next()?.parse::<usize>().ok());
    number.map_or(config.layers + 1, |i| i + 1)
}

/// Texts of one batch, at most, when texts are only read.
const ROWS: usize = 64;
/// Tokens of one batch with padding, at most.
const TOKENS: usize = 4096;

fn first_token(hidden: Tensor<2>, batch: &Batch) -> Tensor<2> {
    let width = hidden.dims()[1];
    hidden
        .reshape([batch.rows, batch.length, width])
        .slice([0..batch.rows, 0..1, 0..width])
        .reshape([batch.rows, width])
}

pub(crate) fn logits(config: &EncoderConfig, pass: &Pass<'_>, batch: &Batch) -> Tensor<2> {
    let first = first_token(hidden(config, pass, batch), batch);
    let (dense, act, last) = match config.family {
        Family::Bert => ("pooler.dense", Activation::Tanh, "classifier"),
        Family::DistilBert => ("pre_classifier", Activation::Relu, "classifier"),
        Family::Roberta => ("classifier.dense", Activation::Tanh, "classifier.out_proj"),
    };
    let first = if config.family == Family::Roberta { pass.drop(first, config.dropout) } else { first };
    let pooled = act.apply(pass.linear(dense, first));
    pass.linear(last, pass.drop(pooled, config.dropout))
}

pub(crate) fn hidden(config: &EncoderConfig, pass: &Pass<'_>, batch: &Batch) -> Tensor<2> {
    let mut x = embed(config, pass, batch);
    let mask = batch.bias();
    for i in 0..config.layers {
        x = layer(config, pass, x, i, batch.rows, mask.as_ref());
    }
    x
}

fn embed(config: &EncoderConfig, pass: &Pass<'_>, batch: &Batch) -> Tensor<2> {
    let device = batch.ids.device();
    let positions = Tensor::from_data(TensorData::new(positions(config, batch), [batch.rows, batch.length]), &device);
    let words = pass.embed("embeddings.word_embeddings.weight", &batch.ids);
    let mut x = words + pass.embed("embeddings.position_embeddings.weight", &positions);
    if config.family != Family::DistilBert {
        let types = batch.types.clone().unwrap_or_else(|| Tensor::zeros([1, 1], &device));
        x = x + pass.embed("embeddings.token_type_embeddings.weight", &types);
    }
    let x = pass.layer_norm("embeddings.LayerNorm", x, config.epsilon);
    pass.drop(x, config.dropout)
}

/// RoBERTa counts tokens only, from the padding token's id plus one; the others count places from 0.
fn positions(config: &EncoderConfig, batch: &Batch) -> Vec<i32> {
    if config.family != Family::Roberta {
        return (0..batch.rows).flat_map(|_| 0..batch.length as i32).collect();
    }
    let pad = config.pad as i32;
    let row = |mask: &[f32]| {
        let mut count = pad;
        mask.iter()
            .map(|&m| {
                if m == 1.0 {
                    count += 1;
                    count
                } else {
                    pad
                }
            })
            .collect::<Vec<i32>>()
    };
    batch.mask.chunks(batch.length).flat_map(row).collect()
}

fn layer(
    config: &EncoderConfig,
    pass: &Pass<'_>,
    x: Tensor<2>,
    i: usize,
    batch: usize,
    mask: Option<&Tensor<2>>,
) -> Tensor<2> {
    let n = config.family.names();
    let path = |name: &str| format!("{}.{i}.{name}", n.layer);
    let head = |name: &str| split_heads(pass.linear(&path(name), x.clone()), batch, config.heads);
    let scale = 1.0 / ((config.width / config.heads) as f64).sqrt();
    let mixed = ops::attention(head(n.query), head(n.key), head(n.value), None, mask.cloned(), scale);
    let mixed = pass.drop(pass.linear(&path(n.out), join_heads(mixed)), config.dropout);
    let x = pass.layer_norm(&path(n.attention_norm), mixed + x, config.epsilon);
    let inner = config.activation.apply(pass.linear(&path(n.up), x.clone()));
    let out = pass.drop(pass.linear(&path(n.down), inner), config.dropout);
    pass.layer_norm(&path(n.norm), out + x, config.epsilon)
}
