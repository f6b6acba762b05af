//! T5 and FLAN-T5: an encoder and a decoder that turn one text into another.

use std::collections::BTreeMap;
use std::path::Path;

use burn_tensor::{Device, Int, Tensor, TensorData};
use rand::Rng;
use serde_json::Value;

use crate::config::{self, Config, T5Config};
use crate::error::{self, Error, Result};
use crate::layers::{Pass, join_heads, split_heads};
use crate::ops;
use crate::params::{Param, Params, Spec};
use crate::tokenizer::{Batch, MASKED, Tokenizer};

/// A T5 with its tokenizer.
#[derive(Debug, Clone)]
pub struct T5 {
    /// What config.json says.
    pub config: T5Config,
    /// The parameters under their Hugging Face names.
    pub params: Params,
    /// The tokenizer.
    pub tokenizer: Tokenizer,
    json: Value,
}

/// The parameters that `config` calls for; random starts are those of the T5 authors (Mesh TensorFlow).
#[must_use]
pub fn specs(config: &T5Config) -> Vec<Spec> {
    let c = config;
    let (width, attention) = (c.width as f64, c.heads * c.head_width);
    let mut out = vec![Spec::normal("shared.weight".into(), &[c.vocabulary, c.width], 1.0)];
    for (stack, layers) in [("encoder", c.layers), ("decoder", c.decoder_layers)] {
        for i in 0..layers {
            let crossed: &[&str] =
                if stack == "decoder" { &["SelfAttention", "EncDecAttention"] } else { &["SelfAttention"] };
            for (l, name) in crossed.iter().enumerate() {
                let path = format!("{stack}.block.{i}.layer.{l}");
                let q = (width * c.head_width as f64).powf(-0.5);
                out.push(Spec::normal(format!("{path}.{name}.q.weight"), &[attention, c.width], q));
                out.push(Spec::normal(format!("{path}.{name}.k.weight"), &[attention, c.width], width.powf(-0.5)));
                out.push(Spec::normal(format!("{path}.{name}.v.weight"), &[attention, c.width], width.powf(-0.5)));
                out.push(Spec::normal(
                    format!("{path}.{name}.o.weight"),
                    &[c.width, attention],
                    (attention as f64).powf(-0.5),
                ));
                out.push(Spec::constant(format!("{path}.layer_norm.weight"), c.width, 1.0));
            }
            if i == 0 {
                let name = format!("{stack}.block.0.layer.0.SelfAttention.relative_attention_bias.weight");
                out.push(Spec::normal(name, &[c.buckets, c.heads], width.powf(-0.5)));
            }
            let path = format!("{stack}.block.{i}.layer.{}", crossed.len());
            let ups: &[&str] = if c.gated { &["wi_0", "wi_1"] } else { &["wi"] };
            for up in ups {
                out.push(Spec::normal(
                    format!("{path}.DenseReluDense.{up}.weight"),
                    &[c.inner, c.width],
                    width.powf(-0.5),
                ));
            }
            let down = (c.inner as f64).powf(-0.5);
            out.push(Spec::normal(format!("{path}.DenseReluDense.wo.weight"), &[c.width, c.inner], down));
            out.push(Spec::constant(format!("{path}.layer_norm.weight"), c.width, 1.0));
        }
        out.push(Spec::constant(format!("{stack}.final_layer_norm.weight"), c.width, 1.0));
    }
    if !c.tied {
        out.push(Spec::normal("lm_head.weight".into(), &[c.vocabulary, c.width], 1.0));
    }
    out
}

impl T5 {
    /// Reads a Hugging Face folder.
    ///
    /// # Errors
    /// When a file is missing, damaged, or belongs to another model.
    pub fn read(folder: &Path, device: &Device) -> Result<Self> {
        let (config, json) = config::read(folder)?;
        let Config::T5(config) = config else {
            return Err(Error::Architecture {
                file: folder.join("config.json").display().to_string(),
                found: json["model_type"].as_str().unwrap_or("").into(),
                known: "t5, mt5 (sequence to sequence)".into(),
            });
        };
        let mut params = Params::read(folder, "model.safetensors", device)?;
        // Copies of the embedding that some files carry.
        for copy in ["encoder.embed_tokens.weight", "decoder.embed_tokens.weight"] {
            if let Some(p) = params.remove(copy)
                && params.get("shared.weight").is_none()
            {
                params.insert("shared.weight", p);
            }
        }
        if config.tied {
            params.remove("lm_head.weight");
        }
        params.fit(&specs(&config), &folder.join("model.safetensors"))?;
        let tokenizer = Tokenizer::read(folder)?;
        if tokenizer.vocabulary() > config.vocabulary {
            let (tokens, embedded) = (tokenizer.vocabulary(), config.vocabulary);
            return Err(Error::Vocabulary { folder: folder.display().to_string(), tokens, embedded });
        }
        Ok(Self { config, params, tokenizer, json })
    }

    /// A new model with random parameters.
    #[must_use]
    pub fn random(config: T5Config, tokenizer: Tokenizer, rng: &mut impl Rng, device: &Device) -> Self {
        let (params, json) = (Params::random(&specs(&config), rng, device), config.to_json());
        Self { config, params, tokenizer, json }
    }

    /// Saves a folder that `transformers` opens; with `int8` the weights take a quarter and only this program
    /// reads them.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn save(&self, folder: &Path, int8: bool) -> Result<()> {
        error::write(&folder.join("config.json"), &serde_json::to_vec_pretty(&self.json).expect("plain data"))?;
        error::write(&folder.join("tokenizer.json"), self.tokenizer.json())?;
        let weights = if int8 { self.params.to_int8() } else { self.params.to_safetensors(&BTreeMap::new()) };
        error::write(&folder.join("model.safetensors"), &weights)
    }

    /// The same model with other parameters.
    #[must_use]
    pub fn with(&self, params: Params) -> Self {
        Self { params, config: self.config.clone(), tokenizer: self.tokenizer.clone(), json: self.json.clone() }
    }

    /// The encoder's output: tokens × width, text after text.
    #[must_use]
    pub fn encode(&self, pass: &Pass<'_>, batch: &Batch) -> Tensor<2> {
        encode(&self.config, pass, batch)
    }

    /// Logits of every next token when `targets` are read from the start token on: tokens × vocabulary.
    #[must_use]
    pub fn logits(&self, pass: &Pass<'_>, source: &Batch, targets: &Tensor<2, Int>) -> Tensor<2> {
        logits(&self.config, pass, source, targets)
    }
}

pub(crate) fn encode(config: &T5Config, pass: &Pass<'_>, batch: &Batch) -> Tensor<2> {
    let c = config;
    let mut x = pass.drop(pass.embed("shared.weight", &batch.ids), c.dropout);
    let bias = position_bias(c, pass, "encoder", 0..batch.length, batch.length);
    let mask = batch.bias();
    for i in 0..c.layers {
        let path = format!("encoder.block.{i}.layer");
        let normed = pass.rms_norm(&format!("{path}.0.layer_norm"), x.clone(), c.epsilon);
        let mixed = attend(c, pass, &format!("{path}.0.SelfAttention"), normed, batch.rows, &bias, mask.as_ref());
        x = x + pass.drop(mixed, c.dropout);
        x = feed_forward(c, pass, &format!("{path}.1"), x);
    }
    pass.drop(pass.rms_norm("encoder.final_layer_norm", x, c.epsilon), c.dropout)
}

/// Logits with every decoder position at once (teacher forcing).
pub(crate) fn logits(config: &T5Config, pass: &Pass<'_>, source: &Batch, targets: &Tensor<2, Int>) -> Tensor<2> {
    let c = config;
    let memory = encode(c, pass, source);
    let [rows, length] = targets.dims();
    let device = targets.device();
    let mut x = pass.drop(pass.embed("shared.weight", targets), c.dropout);
    let causal: Vec<f32> =
        (0..length).flat_map(|q| (0..length).map(move |k| if k > q { MASKED } else { 0.0 })).collect();
    let causal = Tensor::<4>::from_data(TensorData::new(causal, [1, 1, length, length]), &device);
    let bias = position_bias(c, pass, "decoder", 0..length, length) + causal;
    let cross = source.bias();
    for i in 0..c.decoder_layers {
        let path = format!("decoder.block.{i}.layer");
        let normed = pass.rms_norm(&format!("{path}.0.layer_norm"), x.clone(), c.epsilon);
        x = x + pass.drop(attend(c, pass, &format!("{path}.0.SelfAttention"), normed, rows, &bias, None), c.dropout);
        let normed = pass.rms_norm(&format!("{path}.1.layer_norm"), x.clone(), c.epsilon);
        let at = format!("{path}.1.EncDecAttention");
        let (k, v) = keys_values(c, pass, &at, memory.clone(), rows);
        let q = split_heads(pass.linear(&format!("{at}.q"), normed), rows, c.heads);
        let mixed = join_heads(ops::attention(q, k, v, None, cross.clone(), 1.0));
        x = x + pass.drop(pass.linear(&format!("{at}.o"), mixed), c.dropout);
        x = feed_forward(c, pass, &format!("{path}.2"), x);
    }
    project(c, pass, pass.drop(pass.rms_norm("decoder.final_layer_norm", x, c.epsilon), c.dropout))
}

fn project(c: &T5Config, pass: &Pass<'_>, x: Tensor<2>) -> Tensor<2> {
    if c.tied {
        // The tied embedding is far from unit scale: T5 scales the states down (Raffel et al. 2020, code).
        let table = pass.params.matrix("shared.weight").transpose();
        (x * (c.width as f64).powf(-0.5)).matmul(table)
    } else {
        pass.linear("lm_head", x)
    }
}

fn attend(
    c: &T5Config,
    pass: &Pass<'_>,
    path: &str,
    x: Tensor<2>,
    rows: usize,
    bias: &Tensor<4>,
    mask: Option<&Tensor<2>>,
) -> Tensor<2> {
    let (k, v) = keys_values(c, pass, path, x.clone(), rows);
    let q = split_heads(pass.linear(&format!("{path}.q"), x), rows, c.heads);
    let mixed = ops::attention(q, k, v, Some(bias.clone()), mask.cloned(), 1.0);
    pass.linear(&format!("{path}.o"), join_heads(mixed))
}

fn keys_values(c: &T5Config, pass: &Pass<'_>, path: &str, x: Tensor<2>, rows: usize) -> (Tensor<4>, Tensor<4>) {
    let k = split_heads(pass.linear(&format!("{path}.k"), x.clone()), rows, c.heads);
    (k, split_heads(pass.linear(&format!("{path}.v"), x), rows, c.heads))
}

fn feed_forward(c: &T5Config, pass: &Pass<'_>, path: &str, x: Tensor<2>) -> Tensor<2> {
    let normed = pass.rms_norm(&format!("{path}.layer_norm"), x.clone(), c.epsilon);
    let at = |name: &str| format!("{path}.DenseReluDense.{name}");
    let inner = if c.gated {
        c.activation.apply(pass.linear(&at("wi_0"), normed.clone())) * pass.linear(&at("wi_1"), normed)
    } else {
        c.activation.apply(pass.linear(&at("wi"), normed))
    };
    let out = pass.linear(&at("wo"), pass.drop(inner, c.dropout));
    x + pass.drop(out, c.dropout)
}

/// The learned bias of every distance between a query and a key: 1 × heads × queries × keys.
fn position_bias(
    c: &T5Config,
    pass: &Pass<'_>,
    stack: &str,
    queries: std::ops::Range<usize>,
    keys: usize,
) -> Tensor<4> {
    let name = format!("{stack}.block.0.layer.0.SelfAttention.relative_attention_bias.weight");
    let n = queries.len();
    let both = stack == "encoder";
    let ids: Vec<i32> = queries
        .flat_map(|q| (0..keys).map(move |k| bucket(k as i64 - q as i64, both, c.buckets, c.max_distance) as i32))
        .collect();
    let device = match pass.params.get(&name) {
        Some(Param::Matrix(t)) => t.device().inner(),
        _ => panic!("the parameters were checked for {name}"),
    };
    let ids = Tensor::<2, Int>::from_data(TensorData::new(ids, [n, keys]), &device);
    pass.embed(&name, &ids).reshape([1, n, keys, c.heads]).permute([0, 3, 1, 2])
}

/// The bucket of a distance: exact for small ones, logarithmic for larger (Raffel et al. 2020, §2.1).
fn bucket(distance: i64, both: bool, buckets: usize, max_distance: usize) -> usize {
    let (mut first, mut buckets, mut n) = (0, buckets, distance);
    if both {
        buckets /= 2;
        if n > 0 {
            first = buckets;
        }
        n = n.abs();
    } else {
        n = (-n).max(0);
    }
    let (n, exact) = (n as usize, buckets / 2);
    if n < exact {
        return first + n;
    }
    let share = (n as f32 / exact as f32).ln() / (max_distance as f32 / exact as f32).ln();
    let large = exact + (share * (buckets - exact) as f32) as usize;
    first + large.min(buckets - 1)
}

/// What a decoder has read so far: one row a text (or a beam), one entry a layer.
pub(crate) struct Cache {
    own: Vec<Option<(Tensor<4>, Tensor<4>)>>,
    memory: Vec<(Tensor<4>, Tensor<4>)>,
    mask: Option<Tensor<2>>,
    read: usize,
}

impl Cache {
    /// A cache over an encoded batch.
    pub(crate) fn new(c: &T5Config, pass: &Pass<'_>, memory: &Tensor<2>, source: &Batch) -> Self {
        let of = |i: usize| {
            let at = format!("decoder.block.{i}.layer.1.EncDecAttention");
            keys_values(c, pass, &at, memory.clone(), source.rows)
        };
        Self {
            own: vec![None; c.decoder_layers],
            memory: (0..c.decoder_layers).map(of).collect(),
            mask: source.bias(),
            read: 0,
        }
    }

    /// Keeps the rows at `rows`, which may repeat, of what was decoded and of what was encoded.
    pub(crate) fn select(&mut self, rows: &[usize], with_memory: bool) {
        let Some(device) = self.memory.first().map(|m| m.0.device()) else { return };
        let ids: Vec<i32> = rows.iter().map(|&r| r as i32).collect();
        let ids = Tensor::<1, Int>::from_data(TensorData::new(ids, [rows.len()]), &device);
        let pick = |t: &Tensor<4>| t.clone().select(0, ids.clone());
        for (k, v) in self.own.iter_mut().flatten() {
            (*k, *v) = (pick(k), pick(v));
        }
        if with_memory {
            for (k, v) in &mut self.memory {
                (*k, *v) = (pick(k), pick(v));
            }
            self.mask = self.mask.as_ref().map(|m| m.clone().select(0, ids.clone()));
        }
    }

    /// Reads one more token a row; returns the logits of the next: rows × vocabulary.
    pub(crate) fn step(&mut self, c: &T5Config, pass: &Pass<'_>, tokens: &[u32]) -> Tensor<2> {
        let rows = tokens.len();
        let device = self.memory[0].0.device();
        let ids: Vec<i32> = tokens.iter().map(|&t| t as i32).collect();
        let ids = Tensor::<2, Int>::from_data(TensorData::new(ids, [rows, 1]), &device);
        let mut x = pass.embed("shared.weight", &ids);
        let at = self.read;
        self.read += 1;
        let bias = position_bias(c, pass, "decoder", at..at + 1, at + 1);
        for i in 0..c.decoder_layers {
            let path = format!("decoder.block.{i}.layer");
            let normed = pass.rms_norm(&format!("{path}.0.layer_norm"), x.clone(), c.epsilon);
            let own = format!("{path}.0.SelfAttention");
            let (k, v) = keys_values(c, pass, &own, normed.clone(), rows);
            let (k, v) = match self.own[i].take() {
                Some((ks, vs)) => (Tensor::cat(vec![ks, k], 2), Tensor::cat(vec![vs, v], 2)),
                None => (k, v),
            };
            self.own[i] = Some((k.clone(), v.clone()));
            let q = split_heads(pass.linear(&format!("{own}.q"), normed), rows, c.heads);
            let mixed = join_heads(ops::attention(q, k, v, Some(bias.clone()), None, 1.0));
            x = x + pass.linear(&format!("{own}.o"), mixed);
            let normed = pass.rms_norm(&format!("{path}.1.layer_norm"), x.clone(), c.epsilon);
            let cross = format!("{path}.1.EncDecAttention");
            let q = split_heads(pass.linear(&format!("{cross}.q"), normed), rows, c.heads);
            let (k, v) = self.memory[i].clone();
            let mixed = join_heads(ops::attention(q, k, v, None, self.mask.clone(), 1.0));
            x = x + pass.linear(&format!("{cross}.o"), mixed);
            x = feed_forward(c, pass, &format!("{path}.2"), x);
        }
        project(c, pass, pass.rms_norm("decoder.final_layer_norm", x, c.epsilon))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_those_of_transformers() {
        // transformers 4.x, T5Attention._relative_position_bucket with 32 buckets, distance 128.
        let both: Vec<usize> =
            [-200, -20, -8, -1, 0, 1, 8, 20, 200].iter().map(|&d| bucket(d, true, 32, 128)).collect();
        assert_eq!(both, [15, 10, 8, 1, 0, 17, 24, 26, 31]);
        let past: Vec<usize> = [-200, -40, -16, -3, 0, 5].iter().map(|&d| bucket(d, false, 32, 128)).collect();
        assert_eq!(past, [31, 23, 16, 3, 0, 0]);
    }
}
