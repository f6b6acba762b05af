//! The pieces that all architectures are made of, over named parameters.

use burn_tensor::{Int, Tensor, TensorData, activation, module};

use crate::lora::Lora;
use crate::params::Params;

/// One forward pass: the parameters, the adapter on top of them, and whether units are dropped.
pub struct Pass<'a> {
    /// The model's parameters.
    pub params: &'a Params,
    /// The adapter's settings; its matrices are among the parameters.
    pub lora: Option<&'a Lora>,
    /// The seed of dropout; none outside training.
    pub dropout: Option<Dropout>,
}

/// Dropout whose masks are a function of a seed and a count of calls, so that a resumed run drops the same units.
pub struct Dropout {
    seed: u64,
    calls: std::cell::Cell<u64>,
}

impl Dropout {
    /// The dropout of one step.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed, calls: std::cell::Cell::new(0) }
    }

    fn mask(&self, n: usize, rate: f64) -> Vec<f32> {
        let call = self.calls.get();
        self.calls.set(call + 1);
        let key = mix(self.seed ^ mix(call));
        let keep = (1.0 / (1.0 - rate)) as f32;
        let limit = (rate * u32::MAX as f64) as u32;
        (0..n as u64).map(|i| if (mix(key ^ i) >> 32) as u32 >= limit { keep } else { 0.0 }).collect()
    }
}

/// splitmix64 (Steele, Lea and Flood 2014).
fn mix(x: u64) -> u64 {
    let mut z = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl<'a> Pass<'a> {
    /// A pass that only predicts.
    #[must_use]
    pub fn predict(params: &'a Params, lora: Option<&'a Lora>) -> Self {
        Self { params, lora, dropout: None }
    }

    /// `x Wᵀ + b` with the map at `path`, plus what an adapter adds there. The bias is optional.
    pub(crate) fn linear(&self, path: &str, x: Tensor<2>) -> Tensor<2> {
        let weight = self.params.matrix(&format!("{path}.weight")).transpose();
        let bias =
            self.params.get(&format!("{path}.bias")).is_some().then(|| self.params.vector(&format!("{path}.bias")));
        let out = module::linear(x.clone(), weight, bias);
        match self.lora.filter(|l| l.targets(path)) {
            None => out,
            Some(lora) => {
                let x = self.drop(x, lora.dropout);
                let down = module::linear(x, self.params.matrix(&Lora::a(path)).transpose(), None);
                let up = module::linear(down, self.params.matrix(&Lora::b(path)).transpose(), None);
                out + up * lora.scale()
            }
        }
    }

    /// Layer normalisation (Ba et al. 2016) with the gain and bias at `path`.
    pub(crate) fn layer_norm(&self, path: &str, x: Tensor<2>, epsilon: f64) -> Tensor<2> {
        let (gain, bias) = (self.params.vector(&format!("{path}.weight")), self.params.vector(&format!("{path}.bias")));
        crate::ops::layer_norm(x, gain, bias, epsilon)
    }

    /// Root mean square normalisation (Zhang and Sennrich 2019), as T5 uses it: no mean, no bias.
    pub(crate) fn rms_norm(&self, path: &str, x: Tensor<2>, epsilon: f64) -> Tensor<2> {
        let gain = self.params.vector(&format!("{path}.weight"));
        crate::ops::rms_norm(x, gain, epsilon)
    }

    /// Rows of the embedding `name`: tokens × width.
    pub(crate) fn embed(&self, name: &str, ids: &Tensor<2, Int>) -> Tensor<2> {
        let table = self.params.matrix(name);
        let [rows, length] = ids.dims();
        let width = table.dims()[1];
        module::embedding(table, ids.clone()).reshape([rows * length, width])
    }

    /// Inverted dropout; nothing outside training.
    pub(crate) fn drop(&self, x: Tensor<2>, rate: f64) -> Tensor<2> {
        match &self.dropout {
            Some(dropout) if rate > 0.0 => {
                let [rows, columns] = x.dims();
                let mask = TensorData::new(dropout.mask(rows * columns, rate), [rows, columns]);
                let device = x.device().inner();
                x * Tensor::<2>::from_data(mask, &device)
            }
            _ => x,
        }
    }
}

/// The activation functions that configs name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// max(x, 0).
    Relu,
    /// x Φ(x), exactly.
    Gelu,
    /// Its tanh approximation, `gelu_new`.
    GeluTanh,
    /// x σ(x).
    Silu,
    /// Hyperbolic tangent.
    Tanh,
}

impl Activation {
    /// The activation called `name` in a Hugging Face config.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "relu" => Self::Relu,
            "gelu" => Self::Gelu,
            "gelu_new" | "gelu_pytorch_tanh" => Self::GeluTanh,
            "silu" | "swish" => Self::Silu,
            "tanh" => Self::Tanh,
            _ => return None,
        })
    }

    pub(crate) fn apply(self, x: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Relu => activation::relu(x),
            Self::Gelu => crate::ops::gelu(x),
            Self::GeluTanh => activation::gelu_approximate(x),
            Self::Silu => activation::silu(x),
            Self::Tanh => x.tanh(),
        }
    }
}

/// tokens × width → batch × heads × length × head width.
pub(crate) fn split_heads(x: Tensor<2>, batch: usize, heads: usize) -> Tensor<4> {
    let [tokens, width] = x.dims();
    x.reshape([batch, tokens / batch, heads, width / heads]).swap_dims(1, 2)
}

/// batch × heads × length × head width → tokens × width.
pub(crate) fn join_heads(x: Tensor<4>) -> Tensor<2> {
    let [batch, heads, length, width] = x.dims();
    x.swap_dims(1, 2).reshape([batch * length, heads * width])
}
