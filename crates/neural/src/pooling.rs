//! How a sentence encoder makes one vector of a text's tokens, as its folder says: `modules.json` of sentence-transformers, the
//! `config.json` of its pooling, and what else changes a vector. What cannot be followed is refused by name: BGE
//! and Arctic take the first token, and the mean of their tokens is another vector.

use std::path::{Path, PathBuf};

use burn_tensor::{Tensor, TensorData};
use serde_json::{Value, json};

use crate::error::{self, Error, Result};
use crate::tokenizer::Batch;

/// A JSON file larger than this is no config, and no tokenizer.
const LARGEST: u64 = 1 << 26;

/// One way to make a vector of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The first token.
    Cls,
    /// The largest value of each dimension.
    Max,
    /// The mean.
    Mean,
    /// The sum over the square root of the length.
    MeanSqrtLen,
    /// The mean, the i-th token counted i times.
    WeightedMean,
    /// The last token.
    LastToken,
}

/// The words of newer configs; older ones have a truth a mode, called `pooling_mode_…`, in this order.
const MODES: [(&str, &str, Mode); 6] = [
    ("cls", "pooling_mode_cls_token", Mode::Cls),
    ("max", "pooling_mode_max_tokens", Mode::Max),
    ("mean", "pooling_mode_mean_tokens", Mode::Mean),
    ("mean_sqrt_len_tokens", "pooling_mode_mean_sqrt_len_tokens", Mode::MeanSqrtLen),
    ("weightedmean", "pooling_mode_weightedmean_tokens", Mode::WeightedMean),
    ("lasttoken", "pooling_mode_lasttoken", Mode::LastToken),
];

/// What a folder says of its pooling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pooling {
    /// Vectors that are laid side by side.
    pub modes: Vec<Mode>,
    /// Tokens that are read of a text, where the folder says so.
    pub longest: Option<usize>,
}

impl Default for Pooling {
    fn default() -> Self {
        Self { modes: vec![Mode::Mean], longest: None }
    }
}

impl Pooling {
    /// The folder of the transformer below `folder`, and the pooling behind it; the mean where nothing is said.
    ///
    /// # Errors
    /// [`Error::Format`] with the name of what cannot be followed.
    pub(crate) fn read(folder: &Path) -> Result<(PathBuf, Self)> {
        let mut out = Self::default();
        let Some((file, modules)) = optional(folder, "modules.json")? else {
            return Ok((folder.into(), out));
        };
        let mut inner = folder.to_path_buf();
        let list = modules.as_array().ok_or_else(|| Error::format(&file, "it is not a list of modules"))?;
        for module in list {
            let kind = module["type"].as_str().unwrap_or_default();
            let path = module["path"].as_str().unwrap_or_default();
            if path.starts_with('/') || path.split(['/', '\\']).any(|p| p == "..") {
                return Err(Error::format(&file, format!("the module's path `{path}` leaves the folder")));
            }
            match kind.rsplit('.').next().unwrap_or_default() {
                "Transformer" => inner = folder.join(path),
                "Pooling" => out.modes = modes(&folder.join(path))?,
                // Every vector is scaled to length one here.
                "Normalize" => {}
                other => {
                    return Err(Error::format(
                        &file,
                        format!(
                            "the module {other} changes the vectors of the encoder and is not built in; Transformer, Pooling and Normalize are"
                        ),
                    ));
                }
            }
        }
        if let Some((file, of_sentences)) = optional(folder, "config_sentence_transformers.json")? {
            if of_sentences["default_prompt_name"].is_string() {
                return Err(Error::format(
                    &file,
                    "`default_prompt_name`: a text put before every text is not built in",
                ));
            }
            if !of_sentences["truncate_dim"].is_null() {
                return Err(Error::format(&file, "`truncate_dim`: vectors that are cut are not built in"));
            }
        }
        if let Some((file, sentence)) = optional(&inner, "sentence_bert_config.json")? {
            out.longest = sentence["max_seq_length"].as_u64().map(|n| n as usize).filter(|n| *n > 0);
            if sentence["do_lower_case"] == true && !lowers(&inner)? {
                return Err(Error::format(
                    &file,
                    "`do_lower_case`: the tokenizer does not do it, and it is not built in beside it",
                ));
            }
        }
        // Newer releases leave the length to the tokenizer, whose "no limit" is a huge number.
        const NO_LIMIT: u64 = 1_000_000;
        if out.longest.is_none()
            && let Some((_, tokenizer)) = optional(&inner, "tokenizer_config.json")?
        {
            let longest = tokenizer["model_max_length"].as_u64().filter(|n| (1..NO_LIMIT).contains(n));
            out.longest = longest.map(|n| n as usize);
        }
        Ok((inner, out))
    }

    /// Saves what [`Pooling::read`] reads, unless it is the default.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub(crate) fn save(&self, folder: &Path, width: usize) -> Result<()> {
        if *self == Self::default() {
            return Ok(());
        }
        let module = |i: usize, path: &str, kind: &str| json!({"idx": i, "name": i.to_string(), "path": path, "type": format!("sentence_transformers.models.{kind}")});
        let modules = json!([module(0, "", "Transformer"), module(1, "1_Pooling", "Pooling")]);
        let mut pooling = json!({"word_embedding_dimension": width});
        for (_, key, mode) in MODES {
            pooling[key] = self.modes.contains(&mode).into();
        }
        // The list keeps the order, which truths cannot.
        let names: Vec<&str> =
            self.modes.iter().filter_map(|m| MODES.iter().find(|n| n.2 == *m)).map(|n| n.0).collect();
        pooling["pooling_mode"] = json!(names);
        let text = |value: &Value| serde_json::to_vec_pretty(value).expect("plain data");
        error::write(&folder.join("modules.json"), &text(&modules))?;
        error::write(&folder.join("1_Pooling/config.json"), &text(&pooling))?;
        if let Some(longest) = self.longest {
            let config = json!({"max_seq_length": longest, "do_lower_case": false});
            error::write(&folder.join("sentence_bert_config.json"), &text(&config))?;
        }
        Ok(())
    }

    /// One vector a text: texts × (width × modes).
    #[must_use]
    pub fn pool(&self, hidden: &Tensor<2>, batch: &Batch) -> Tensor<2> {
        let parts = self.modes.iter().map(|m| m.pool(hidden.clone(), batch)).collect::<Vec<_>>();
        if let [one] = parts.as_slice() { one.clone() } else { Tensor::cat(parts, 1) }
    }
}

impl Mode {
    /// What each token of a text counts, and what the sum is divided by.
    fn weights(self, mask: &[f32]) -> (Vec<f32>, f32) {
        let count = mask.iter().sum::<f32>().max(1e-9);
        match self {
            Self::Mean => (mask.to_vec(), count),
            Self::MeanSqrtLen => (mask.to_vec(), count.sqrt()),
            Self::WeightedMean => {
                let weights: Vec<f32> = mask.iter().enumerate().map(|(i, m)| m * (i + 1) as f32).collect();
                let sum = weights.iter().sum::<f32>().max(1e-9);
                (weights, sum)
            }
            Self::Cls | Self::LastToken | Self::Max => {
                let last = mask.iter().rposition(|m| *m > 0.0).unwrap_or(0);
                let place = if self == Self::LastToken { last } else { 0 };
                ((0..mask.len()).map(|i| f32::from(u8::from(i == place))).collect(), 1.0)
            }
        }
    }

    fn pool(self, hidden: Tensor<2>, batch: &Batch) -> Tensor<2> {
        let width = hidden.dims()[1];
        let (rows, length) = (batch.rows, batch.length);
        let device = batch.ids.device();
        let column = |values: Vec<f32>| {
            let n = values.len();
            Tensor::<2>::from_data(TensorData::new(values, [n, 1]), &device)
        };
        if self == Self::Max {
            // Padding is never the largest.
            let away = column(batch.mask.iter().map(|m| (m - 1.0) * 1e9).collect());
            return (hidden + away).reshape([rows, length, width]).max_dim(1).reshape([rows, width]);
        }
        let parts: Vec<(Vec<f32>, f32)> = batch.mask.chunks(length).map(|m| self.weights(m)).collect();
        let norms = column(parts.iter().map(|p| p.1).collect());
        let weights = column(parts.into_iter().flat_map(|p| p.0).collect());
        (hidden * weights).reshape([rows, length, width]).sum_dim(1).reshape([rows, width]) / norms
    }
}

fn optional(folder: &Path, name: &str) -> Result<Option<(PathBuf, Value)>> {
    if !folder.join(name).is_file() {
        return Ok(None);
    }
    let (path, bytes) = error::read(folder, name, LARGEST)?;
    let json = serde_json::from_slice(&bytes).map_err(|e| Error::format(&path, format!("not JSON ({e})")))?;
    Ok(Some((path, json)))
}

/// The modes of a pooling's config, in the order in which their vectors stand.
fn modes(folder: &Path) -> Result<Vec<Mode>> {
    let (file, bytes) = error::read(folder, "config.json", LARGEST)?;
    let config: Value = serde_json::from_slice(&bytes).map_err(|e| Error::format(&file, format!("not JSON ({e})")))?;
    let named = |word: &str| {
        let found = MODES.iter().find(|m| m.0 == word || m.1 == format!("pooling_mode_{word}"));
        found.map(|m| m.2).ok_or_else(|| Error::format(&file, format!("the pooling `{word}` is not built in")))
    };
    let out: Vec<Mode> = match &config["pooling_mode"] {
        Value::String(word) => vec![named(word)?],
        Value::Array(words) => words.iter().map(|w| named(w.as_str().unwrap_or_default())).collect::<Result<_>>()?,
        _ => MODES.iter().filter(|m| config[m.1] == true).map(|m| m.2).collect(),
    };
    if let Some((key, _)) = config
        .as_object()
        .into_iter()
        .flatten()
        .find(|(k, v)| k.starts_with("pooling_mode_") && **v == true && !MODES.iter().any(|m| m.1 == *k))
    {
        return Err(Error::format(&file, format!("`{key}` is not built in")));
    }
    if out.is_empty() {
        return Err(Error::format(&file, "it names no way of pooling"));
    }
    Ok(out)
}

/// Whether the tokenizer makes letters small by itself.
fn lowers(folder: &Path) -> Result<bool> {
    let Some((_, tokenizer)) = optional(folder, "tokenizer.json")? else { return Ok(false) };
    fn any(value: &Value) -> bool {
        match value {
            Value::Object(map) => {
                map.get("lowercase") == Some(&Value::Bool(true))
                    || map.get("type") == Some(&Value::from("Lowercase"))
                    || map.get("normalizers").is_some_and(any)
            }
            Value::Array(list) => list.iter().any(any),
            _ => false,
        }
    }
    Ok(any(&tokenizer["normalizer"]))
}

/// The files below `folder` that make its encoder what it is, by their paths there.
///
/// # Errors
/// As reading the folder does.
pub fn encoder_files(folder: &Path) -> Result<Vec<String>> {
    let (inner, _) = Pooling::read(folder)?;
    let below = inner.strip_prefix(folder).unwrap_or(Path::new("")).to_string_lossy().replace('\\', "/");
    let inside = |name: &str| if below.is_empty() { name.to_string() } else { format!("{below}/{name}") };
    let mut out: Vec<String> = ["config.json", "tokenizer.json", "model.safetensors"].map(inside).to_vec();
    let also = [
        inside("sentence_bert_config.json"),
        inside("tokenizer_config.json"),
        "modules.json".into(),
        "config_sentence_transformers.json".into(),
    ];
    out.extend(also.into_iter().filter(|f| folder.join(f).is_file()));
    if let Some((_, modules)) = optional(folder, "modules.json")? {
        for module in modules.as_array().into_iter().flatten() {
            let path = module["path"].as_str().unwrap_or_default();
            if module["type"].as_str().is_some_and(|t| t.ends_with("Pooling")) {
                out.push(format!("{path}/config.json"));
            }
        }
    }
    Ok(out)
}
