//! Named parameters: the one place that a model's tensors come from, whether they are read from a Hugging
//! Face folder, drawn at random, or live on an autodiff tape.

use std::collections::BTreeMap;
use std::path::Path;

use burn_tensor::{Device, Shape, Tensor, TensorData};
use rand::Rng;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::error::{self, Error, Result};

/// Larger weight files are refused: 64 GB.
const LARGEST: u64 = 64 << 30;
/// The suffix of the scales that belong to an int8 tensor.
const SCALE: &str = ".int8_scale";

/// A parameter.
#[derive(Debug, Clone)]
pub enum Param {
    /// Biases and norms.
    Vector(Tensor<1>),
    /// Embeddings and linear maps, stored output × input as PyTorch does.
    Matrix(Tensor<2>),
}

impl Param {
    /// A parameter of one or two axes.
    #[must_use]
    pub fn new(shape: &[usize], values: Vec<f32>, device: &Device) -> Self {
        match *shape {
            [rows, columns] => {
                Self::Matrix(Tensor::from_data(TensorData::new(values, Shape::new([rows, columns])), device))
            }
            _ => {
                let n = values.len();
                Self::Vector(Tensor::from_data(TensorData::new(values, Shape::new([n])), device))
            }
        }
    }

    /// Its axes.
    #[must_use]
    pub fn shape(&self) -> Vec<usize> {
        match self {
            Self::Vector(t) => t.dims().to_vec(),
            Self::Matrix(t) => t.dims().to_vec(),
        }
    }

    /// How many numbers it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shape().iter().product()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its numbers, row by row. Without another holder of the tensor nothing is copied.
    #[must_use]
    pub fn into_values(self) -> Vec<f32> {
        let data = match self {
            Self::Vector(t) => t.into_data(),
            Self::Matrix(t) => t.into_data(),
        };
        data.try_into_vec().expect("parameters are f32")
    }

    /// The same numbers with a place on the tape.
    #[must_use]
    pub fn tracked(&self) -> Self {
        match self {
            Self::Vector(t) => Self::Vector(t.clone().autodiff().require_grad()),
            Self::Matrix(t) => Self::Matrix(t.clone().autodiff().require_grad()),
        }
    }

    pub(crate) fn device(&self) -> Device {
        match self {
            Self::Vector(t) => t.device(),
            Self::Matrix(t) => t.device(),
        }
    }
}

/// Parameters by their Hugging Face name, in the order of the names.
#[derive(Debug, Clone, Default)]
pub struct Params {
    map: BTreeMap<String, Param>,
}

/// How a parameter that is not read from anywhere begins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Start {
    /// Normally distributed with this standard deviation.
    Normal(f64),
    /// All equal.
    Constant(f32),
}

/// A parameter that an architecture needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    /// Its name.
    pub name: String,
    /// Its axes.
    pub shape: Vec<usize>,
    /// How it begins in a new model.
    pub start: Start,
}

impl Spec {
    pub(crate) fn normal(name: String, shape: &[usize], sd: f64) -> Self {
        Self { name, shape: shape.to_vec(), start: Start::Normal(sd) }
    }

    pub(crate) fn constant(name: String, n: usize, value: f32) -> Self {
        Self { name, shape: vec![n], start: Start::Constant(value) }
    }
}

impl Params {
    /// Random parameters as `specs` say.
    #[must_use]
    pub fn random(specs: &[Spec], rng: &mut impl Rng, device: &Device) -> Self {
        let mut out = Self::default();
        for spec in specs {
            let n = spec.shape.iter().product();
            let values = match spec.start {
                Start::Constant(v) => vec![v; n],
                Start::Normal(sd) => (0..n).map(|_| (sd * normal(rng)) as f32).collect(),
            };
            out.insert(&spec.name, Param::new(&spec.shape, values, device));
        }
        out
    }

    /// Reads a safetensors file. Half precision and int8 with scales become f32.
    ///
    /// # Errors
    /// [`Error::Missing`], or [`Error::Format`] when it is cut short or holds another kind of number.
    pub fn read(folder: &Path, file: &str, device: &Device) -> Result<Self> {
        let (path, bytes) = error::read(folder, file, LARGEST)?;
        let tensors = SafeTensors::deserialize(&bytes)
            .map_err(|e| Error::format(&path, format!("not a whole safetensors file ({e})")))?;
        let mut out = Self::default();
        for (name, view) in tensors.tensors() {
            if name.ends_with(SCALE) || matches!(view.dtype(), Dtype::I64 | Dtype::I32 | Dtype::BOOL | Dtype::U8) {
                continue; // scales are read with their tensor; integer buffers (position_ids) are no parameters
            }
            if view.shape().len() > 2 {
                let what = format!("tensor `{name}` has {} axes; one or two were expected", view.shape().len());
                return Err(Error::format(&path, what));
            }
            let mut values = floats(&view)
                .ok_or_else(|| Error::format(&path, format!("tensor `{name}` is of type {:?}", view.dtype())))?;
            if view.dtype() == Dtype::I8 {
                let scale = tensors.tensor(&format!("{name}{SCALE}")).ok().and_then(|s| floats(&s));
                let scale = scale.ok_or_else(|| Error::format(&path, format!("tensor `{name}` has no scale")))?;
                let width = values.len() / scale.len().max(1);
                values.chunks_mut(width.max(1)).zip(&scale).for_each(|(row, s)| row.iter_mut().for_each(|v| *v *= s));
            }
            out.insert(&name, Param::new(view.shape(), values, device));
        }
        Ok(out)
    }

    /// The parameters as a safetensors file, f32, with `metadata` in its header.
    #[must_use]
    pub fn to_safetensors(&self, metadata: &BTreeMap<String, String>) -> Vec<u8> {
        let values: Vec<(&String, Vec<usize>, Vec<f32>)> =
            self.map.iter().map(|(n, p)| (n, p.shape(), p.clone().into_values())).collect();
        let views = values.iter().map(|(n, shape, v)| {
            let bytes = bytemuck::cast_slice(v);
            (n.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes).expect("shape and length agree"))
        });
        // transformers refuses a file that does not say its framework.
        let mut metadata: std::collections::HashMap<String, String> = metadata.clone().into_iter().collect();
        metadata.entry("format".into()).or_insert_with(|| "pt".into());
        sorted_metadata(&safetensors::serialize(views, Some(metadata)).expect("names are unique"))
    }

    /// The parameters with every matrix as int8, one scale a row (symmetric, absolute maximum): a quarter of
    /// the size. [`Params::read`] reads it back.
    #[must_use]
    pub fn to_int8(&self) -> Vec<u8> {
        let mut held: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = Vec::new();
        for (name, param) in &self.map {
            let (shape, values) = (param.shape(), param.clone().into_values());
            if shape.len() == 1 {
                held.push((name.clone(), Dtype::F32, shape, bytemuck::cast_slice(&values).to_vec()));
                continue;
            }
            let scale: Vec<f32> = values
                .chunks(shape[1])
                .map(|row| row.iter().fold(0f32, |m, v| m.max(v.abs())).max(f32::MIN_POSITIVE) / 127.0)
                .collect();
            let rows = values.chunks(shape[1]).zip(&scale);
            let bytes: Vec<u8> = rows.flat_map(|(r, s)| r.iter().map(move |v| ((v / s).round() as i8) as u8)).collect();
            held.push((name.clone(), Dtype::I8, shape, bytes));
            held.push((format!("{name}{SCALE}"), Dtype::F32, vec![scale.len()], bytemuck::cast_slice(&scale).to_vec()));
        }
        let views = held
            .iter()
            .map(|(n, t, s, b)| (n.as_str(), TensorView::new(*t, s.clone(), b).expect("shape and length agree")));
        let metadata = [("format".to_string(), "pt".to_string())].into();
        sorted_metadata(&safetensors::serialize(views, Some(metadata)).expect("names are unique"))
    }

    /// Adds or replaces a parameter.
    pub fn insert(&mut self, name: &str, param: Param) {
        self.map.insert(name.into(), param);
    }

    /// Takes a parameter out.
    pub fn remove(&mut self, name: &str) -> Option<Param> {
        self.map.remove(name)
    }

    /// A parameter, if it is there.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Param> {
        self.map.get(name)
    }

    /// Names and parameters in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Param)> {
        self.map.iter()
    }

    /// How many numbers there are in all.
    #[must_use]
    pub fn size(&self) -> usize {
        self.map.values().map(Param::len).sum()
    }

    /// Adds every parameter of `other`.
    pub fn extend(&mut self, other: Self) {
        self.map.extend(other.map);
    }

    /// The parameters whose name `keep` wants.
    #[must_use]
    pub fn only(&self, keep: impl Fn(&str) -> bool) -> Self {
        Self { map: self.map.iter().filter(|(n, _)| keep(n)).map(|(n, p)| (n.clone(), p.clone())).collect() }
    }

    /// The same parameters under other names.
    #[must_use]
    pub fn renamed(&self, name: impl Fn(&str) -> String) -> Self {
        Self { map: self.map.iter().map(|(n, p)| (name(n), p.clone())).collect() }
    }

    /// Checks names and shapes against `specs`; `file` is named in the error.
    ///
    /// # Errors
    /// [`Error::NoTensor`] or [`Error::Shape`].
    pub fn fit(&self, specs: &[Spec], file: &Path) -> Result<()> {
        let file = file.display().to_string();
        for spec in specs {
            let Some(param) = self.map.get(&spec.name) else {
                return Err(Error::NoTensor { file, name: spec.name.clone() });
            };
            if param.shape() != spec.shape {
                let (found, expected) = (param.shape(), spec.shape.clone());
                return Err(Error::Shape { file, name: spec.name.clone(), found, expected });
            }
        }
        Ok(())
    }

    /// `(1 − weight) × self + weight × other`, name by name: weight averaging between a generalist and what
    /// was tuned from it (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models"). Parameters that
    /// `other` lacks stay.
    #[must_use]
    pub fn averaged(&self, other: &Self, weight: f64) -> Self {
        let mix = |(name, a): (&String, &Param)| {
            let Some(b) = other.map.get(name).filter(|b| b.shape() == a.shape()) else {
                return (name.clone(), a.clone());
            };
            let w = weight as f32;
            let values = a.clone().into_values().into_iter().zip(b.clone().into_values());
            (name.clone(), Param::new(&a.shape(), values.map(|(x, y)| x + w * (y - x)).collect(), &a.device()))
        };
        Self { map: self.map.iter().map(mix).collect() }
    }

    pub(crate) fn vector(&self, name: &str) -> Tensor<1> {
        match self.map.get(name) {
            Some(Param::Vector(t)) => t.clone(),
            _ => panic!("the parameters were checked for the vector {name}"),
        }
    }

    pub(crate) fn matrix(&self, name: &str) -> Tensor<2> {
        match self.map.get(name) {
            Some(Param::Matrix(t)) => t.clone(),
            _ => panic!("the parameters were checked for the matrix {name}"),
        }
    }
}

/// safetensors writes its metadata in the order of a hash map: sorted, the same parameters are the same bytes.
fn sorted_metadata(file: &[u8]) -> Vec<u8> {
    let length = u64::from_le_bytes(file[..8].try_into().expect("eight bytes")) as usize;
    let header: BTreeMap<String, serde_json::Value> =
        serde_json::from_slice(&file[8..8 + length]).expect("safetensors writes JSON");
    let mut text = serde_json::to_vec(&header).expect("plain data");
    text.resize(text.len().next_multiple_of(8), b' ');
    let mut out = (text.len() as u64).to_le_bytes().to_vec();
    out.append(&mut text);
    out.extend_from_slice(&file[8 + length..]);
    out
}

fn floats(view: &TensorView<'_>) -> Option<Vec<f32>> {
    let bytes = view.data();
    Some(match view.dtype() {
        Dtype::F32 => bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
        Dtype::F16 => bytes.as_chunks::<2>().0.iter().map(|b| half::f16::from_le_bytes(*b).to_f32()).collect(),
        Dtype::BF16 => bytes.as_chunks::<2>().0.iter().map(|b| half::bf16::from_le_bytes(*b).to_f32()).collect(),
        Dtype::I8 => bytes.iter().map(|&b| f32::from(b as i8)).collect(),
        _ => return None,
    })
}

/// A standard normal number (Box and Muller 1958).
pub(crate) fn normal(rng: &mut impl Rng) -> f64 {
    let (u, v): (f64, f64) = (1.0 - rng.random::<f64>(), rng.random());
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}
