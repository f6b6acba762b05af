//! Low-rank adapters (Hu et al. 2022), read and saved in the format of Python's `peft`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use burn_tensor::Device;
use rand::Rng;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::config::Family;
use crate::error::{self, Error, Result};
use crate::params::{Param, Params};

const ROOT: &str = "base_model.model.";

/// An adapter's settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lora {
    /// Rank of the change of each map.
    pub rank: usize,
    /// The change is multiplied by `alpha / rank`.
    pub alpha: f64,
    /// Share of the adapter's inputs dropped in training.
    pub dropout: f64,
    /// The maps that are changed, by the last parts of their path.
    pub targets: Vec<String>,
}

/// How a model's parameters are called where `peft` sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// A T5, or an encoder without a head: as they are.
    Plain,
    /// A classifier: with the family's prefix, except for the head.
    Classifier(Family),
}

impl Naming {
    /// The name in an adapter's file of a parameter that is called `name` here, without `peft`'s own prefix.
    fn full(self, name: &str) -> String {
        match self {
            Self::Plain => name.into(),
            Self::Classifier(family) => family.full_name(name),
        }
    }
}

impl Lora {
    /// The name of the first, narrowing matrix at `path`: rank × input.
    #[must_use]
    pub fn a(path: &str) -> String {
        format!("{path}.lora_A.weight")
    }

    /// The name of the second, widening matrix at `path`: output × rank.
    #[must_use]
    pub fn b(path: &str) -> String {
        format!("{path}.lora_B.weight")
    }

    /// Whether a parameter belongs to an adapter.
    #[must_use]
    pub fn owns(name: &str) -> bool {
        name.ends_with(".lora_A.weight") || name.ends_with(".lora_B.weight")
    }

    /// What the change is multiplied by.
    #[must_use]
    pub fn scale(&self) -> f64 {
        self.alpha / self.rank as f64
    }

    /// Whether the map at `path` is changed.
    #[must_use]
    pub fn targets(&self, path: &str) -> bool {
        self.targets
            .iter()
            .any(|t| path.strip_suffix(t.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
    }

    fn paths<'a>(&'a self, params: &'a Params) -> impl Iterator<Item = (&'a str, [usize; 2])> {
        params.iter().filter_map(|(name, param)| {
            let path = name.strip_suffix(".weight").filter(|p| self.targets(p) && !Self::owns(name))?;
            match param.shape()[..] {
                [out, into] => Some((path, [out, into])),
                _ => None,
            }
        })
    }

    /// Adds fresh adapter matrices to `params`: the first random, the second zero, so that nothing changes yet.
    ///
    /// # Errors
    /// [`Error::Format`] when no map has a target's name.
    pub fn begin(&self, params: &mut Params, rng: &mut impl Rng, device: &Device) -> Result<()> {
        let mut fresh = Params::default();
        for (path, [out, into]) in self.paths(params) {
            let bound = 1.0 / (into as f64).sqrt();
            let values = (0..self.rank * into).map(|_| rng.random_range(-bound..bound) as f32).collect();
            fresh.insert(&Self::a(path), Param::new(&[self.rank, into], values, device));
            fresh.insert(&Self::b(path), Param::new(&[out, self.rank], vec![0.0; out * self.rank], device));
        }
        if fresh.size() == 0 {
            return Err(Error::format(
                "the adapter",
                format!("the model has none of the maps {}", self.targets.join(", ")),
            ));
        }
        params.extend(fresh);
        Ok(())
    }

    /// Adds the change to the maps themselves and takes the adapter's matrices out.
    pub fn merge(&self, params: &mut Params, device: &Device) {
        self.fold(params, 1.0, device);
        for name in params.iter().map(|(n, _)| n.clone()).filter(|n| Self::owns(n)).collect::<Vec<_>>() {
            params.remove(&name);
        }
    }

    /// Takes the change of `adapter` (its matrices) out of merged maps again, up to rounding.
    pub fn unmerge(&self, params: &mut Params, adapter: &Params, device: &Device) {
        params.extend(adapter.clone());
        self.fold(params, -1.0, device);
    }

    /// One adapter that changes a base as this one (matrices in `own`) and then `later` (in `others`) do: the changes add
    /// up, and matrices side by side are their sum. A map that only one of them changes has zeros for the other.
    #[must_use]
    pub fn stacked(&self, own: &Params, later: &Self, others: &Params, device: &Device) -> (Self, Params) {
        let path = |(n, _): (&String, &Param)| n.strip_suffix(".lora_A.weight").map(String::from);
        let paths: BTreeSet<String> = own.iter().filter_map(path).chain(others.iter().filter_map(path)).collect();
        let rank = self.rank + later.rank;
        let mut both = Params::default();
        for path in &paths {
            let parts = [(self, own), (later, others)];
            let of = |name: &str| parts.map(|(_, p)| p.get(name).cloned().map(Param::into_values));
            let (a, b) = (of(&Self::a(path)), of(&Self::b(path)));
            let length = |m: &[Option<Vec<f32>>; 2]| {
                parts.iter().zip(m).find_map(|((l, _), m)| Some(m.as_ref()?.len() / l.rank)).unwrap_or_default()
            };
            let (into, out) = (length(&a), length(&b));
            let [a0, a1] = a;
            let zeros = |lora: &Self| vec![0.0; lora.rank * into];
            let rows = [a0.unwrap_or_else(|| zeros(self)), a1.unwrap_or_else(|| zeros(later))].concat();
            let mut columns = vec![0.0; out * rank];
            for (((lora, _), matrix), start) in parts.iter().zip(&b).zip([0, self.rank]) {
                for (o, row) in matrix.iter().flat_map(|m| m.chunks(lora.rank)).enumerate() {
                    let to = &mut columns[o * rank + start..][..lora.rank];
                    to.iter_mut().zip(row).for_each(|(t, v)| *t = lora.scale() as f32 * v);
                }
            }
            both.insert(&Self::a(path), Param::new(&[rank, into], rows, device));
            both.insert(&Self::b(path), Param::new(&[out, rank], columns, device));
        }
        // Each part's own strength is in its matrices: the whole has strength one.
        let targets = paths.into_iter().collect();
        (Self { rank, alpha: rank as f64, dropout: later.dropout, targets }, both)
    }

    fn fold(&self, params: &mut Params, sign: f64, device: &Device) {
        let paths: Vec<(String, [usize; 2])> = self.paths(params).map(|(p, s)| (p.to_string(), s)).collect();
        for (path, shape) in paths {
            let change = params.matrix(&Self::b(&path)).matmul(params.matrix(&Self::a(&path))) * (sign * self.scale());
            let name = format!("{path}.weight");
            let sum = (params.matrix(&name) + change).into_data().try_into_vec().expect("parameters are f32");
            params.insert(&name, Param::new(&shape, sum, device));
        }
    }

    /// Saves the adapter among `params`, with the head if there is one, as `peft` does; `base` names the model that it
    /// belongs to, or is empty. (Other parameters that were trained whole,
    /// such as a pooler, are the caller's to keep: they look like those of the base.)
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn save(&self, params: &Params, naming: Naming, base: &str, folder: &Path) -> Result<()> {
        let kept = params.only(|n| Self::owns(n) || crate::encoder::is_head(n));
        let kept = kept.renamed(|n| format!("{ROOT}{}", naming.full(n)));
        let task = match naming {
            Naming::Classifier(_) => json!("SEQ_CLS"),
            Naming::Plain if params.get("shared.weight").is_some() => json!("SEQ_2_SEQ_LM"),
            Naming::Plain => json!("FEATURE_EXTRACTION"),
        };
        let mut saved: Vec<&str> = Vec::new();
        for head in ["classifier", "pre_classifier"] {
            if params.iter().any(|(n, _)| n.starts_with(&format!("{head}."))) {
                saved.push(head);
            }
        }
        let config = json!({
            "peft_type": "LORA",
            "task_type": task,
            "base_model_name_or_path": if base.is_empty() { Value::Null } else { base.into() },
            "r": self.rank,
            "lora_alpha": self.alpha,
            "lora_dropout": self.dropout,
            "target_modules": self.targets,
            "modules_to_save": if saved.is_empty() { Value::Null } else { json!(saved) },
            "bias": "none",
            "fan_in_fan_out": false,
            "inference_mode": true,
            "init_lora_weights": true,
        });
        error::write(&folder.join("adapter_config.json"), &serde_json::to_vec_pretty(&config).expect("plain data"))?;
        error::write(&folder.join("adapter_model.safetensors"), &kept.to_safetensors(&BTreeMap::new()))
    }

    /// Reads an adapter that `peft` or [`Lora::save`] wrote: its settings and its parameters, head included.
    ///
    /// # Errors
    /// When a file is missing, or the adapter is of a kind that is not built in.
    pub fn read(folder: &Path, naming: Naming, device: &Device) -> Result<(Self, Params)> {
        let (path, bytes) = error::read(folder, "adapter_config.json", 1 << 20)?;
        let json: Value =
            serde_json::from_slice(&bytes).map_err(|e| Error::format(&path, format!("not JSON ({e})")))?;
        let refuse = |what: &str| {
            let (file, what) = (path.display().to_string(), what.to_string());
            Err(Error::Adapter { file, what, hint: MERGE })
        };
        if json["peft_type"] != "LORA" {
            return refuse("the adapter is not a LoRA");
        }
        if let Some(what) = unsupported(&json) {
            return refuse(&what);
        }
        let declared: Option<Vec<String>> = json["target_modules"]
            .as_array()
            .map(|all| all.iter().filter_map(|t| t.as_str().map(String::from)).collect());
        let number =
            |key: &str| json[key].as_f64().ok_or_else(|| Error::format(&path, format!("`{key}` is not a number")));
        let mut lora = Self {
            rank: number("r")? as usize,
            alpha: number("lora_alpha")?,
            dropout: json["lora_dropout"].as_f64().unwrap_or(0.0),
            targets: Vec::new(),
        };
        if lora.rank == 0 {
            return refuse("the rank is 0");
        }
        if json["use_rslora"] == true {
            // Rank-stabilised: alpha over the root of the rank.
            lora.alpha *= (lora.rank as f64).sqrt();
        }
        let prefix = match naming {
            Naming::Plain => String::new(),
            Naming::Classifier(family) => family.full_name(""),
        };
        let weights = folder.join("adapter_model.safetensors");
        let wrong = |what: String, hint| Error::Adapter { file: weights.display().to_string(), what, hint };
        if !weights.exists() && folder.join("adapter_model.bin").exists() {
            let what = "there is adapter_model.bin instead, which holds Python objects and is not read".into();
            return Err(wrong(what, "save it again with save_pretrained(…, safe_serialization=True)"));
        }
        let raw = Params::read(folder, "adapter_model.safetensors", device)?;
        for (name, param) in raw.iter() {
            if param.clone().into_values().iter().any(|v| !v.is_finite()) {
                return Err(wrong(
                    format!("the tensor `{name}` holds a number that is none"),
                    "train or save the adapter again",
                ));
            }
        }
        let params = raw.renamed(|n| {
            let n = n.strip_prefix(ROOT).unwrap_or(n);
            n.strip_prefix(&prefix).unwrap_or(n).to_string()
        });
        // The maps that have matrices are the ones that were adapted, whatever pattern, list of layers or exception chose
        // them; a plain list that chooses just these is kept, because it is shorter.
        let mut paths: Vec<String> =
            params.iter().filter_map(|(n, _)| n.strip_suffix(".lora_A.weight").map(String::from)).collect();
        paths.sort();
        if paths.is_empty() {
            return refuse("it holds no matrices of a LoRA");
        }
        let by_list = ["exclude_modules", "layers_to_transform", "layers_pattern", "modules_to_save"];
        lora.targets = declared.filter(|_| by_list.iter().all(|k| !is_set(&json[*k]))).unwrap_or_default();
        lora.targets.sort();
        let is_exact =
            |lora: &Self| lora.targets.iter().all(|t| !t.contains('.')) && paths.iter().all(|p| lora.targets(p));
        if !is_exact(&lora) {
            lora.targets = paths;
        }
        Ok((lora, params))
    }

    /// Checks that `adapter` has both matrices for every map of `base` that it targets, in the right shape, that what it
    /// replaces has the base's shape, and that nothing belongs nowhere: a tensor that is not used is a change that is lost
    /// without a word.
    ///
    /// # Errors
    /// [`Error::Adapter`].
    pub fn fit(&self, base: &Params, adapter: &Params, folder: &Path) -> Result<()> {
        use crate::params::Spec;
        let both = self.paths(base).flat_map(|(path, [out, into])| {
            [Spec::normal(Self::a(path), &[self.rank, into], 0.0), Spec::normal(Self::b(path), &[out, self.rank], 0.0)]
        });
        let both: Vec<Spec> = both.collect();
        let file = folder.join("adapter_model.safetensors");
        let wrong = |what: String| Error::Adapter { file: file.display().to_string(), what, hint: OTHER };
        let used = |name: &String| {
            both.iter().any(|s| s.name == *name) || base.get(name).is_some() || crate::encoder::is_head(name)
        };
        if let Some((name, _)) = adapter.iter().find(|(n, _)| !used(n)) {
            return Err(wrong(format!("the tensor `{name}` belongs to nothing that the model has")));
        }
        let replaced = adapter.iter().filter_map(|(name, p)| base.get(name).map(|b| (name, p.shape(), b.shape())));
        for (name, found, expected) in replaced {
            if found != expected {
                return Err(wrong(format!("the tensor `{name}` is {found:?}, the model's is {expected:?}")));
            }
        }
        adapter.fit(&both, &file).map_err(|e| match e {
            Error::NoTensor { name, .. } => wrong(format!("there is no tensor `{name}`")),
            Error::Shape { name, found, expected, .. } => {
                wrong(format!("the tensor `{name}` is {found:?}, the model and the rank call for {expected:?}"))
            }
            other => other,
        })
    }
}

/// What is left to do with an adapter of a kind that is not built in.
const MERGE: &str = "fold it into its model in Python with merge_and_unload(), save that with save_pretrained, and name the folder as the backbone";
/// What is left to do with one that does not fit.
const OTHER: &str =
    "it was made for another backbone, or its adapter_config.json and adapter_model.safetensors are of two adapters";

/// Whether a key of a config says anything.
fn is_set(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
        _ => true,
    }
}

/// What an adapter's config asks for that is not built in, by the key's name. (`peft` 0.21 knows 41 keys; those that are
/// missing here are used, or change nothing once training is over.)
fn unsupported(json: &Value) -> Option<String> {
    if json["bias"].as_str().is_some_and(|b| b != "none") {
        return Some("`bias`: trained biases are not built in".into());
    }
    let keys = [
        ("use_dora", "weights that are split into size and direction"),
        ("rank_pattern", "ranks that differ from map to map"),
        ("alpha_pattern", "strengths that differ from map to map"),
        ("lora_bias", "biases of the adapter's own"),
        ("trainable_token_indices", "trained tokens"),
        ("layer_replication", "layers that are repeated"),
        ("alora_invocation_tokens", "adapters that begin at a token"),
        ("kasa_config", "another decomposition"),
        ("monteclora_config", "sampled adapters"),
        ("arrow_config", "routed adapters"),
        ("use_bdlora", "block-diagonal matrices"),
        ("target_parameters", "parameters outside of maps"),
        ("use_qalora", "quantised bases"),
        ("megatron_config", "parallel bases"),
    ];
    if let Some((key, what)) = keys.iter().find(|(k, _)| is_set(&json[*k])) {
        return Some(format!("`{key}`: {what} are not built in"));
    }
    // These change the base as well: the adapter alone does not hold what was trained.
    let kind = json["init_lora_weights"].as_str().unwrap_or("true");
    let changes = !["true", "gaussian", "orthogonal", "eva", "mica"].contains(&kind);
    changes.then(|| {
        format!("`init_lora_weights` is {kind}, which changes the base too: save it again with save_pretrained(…, path_initial_model_for_weight_conversion=…)")
    })
}
