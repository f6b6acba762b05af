//! The operations that most of the time goes into: fused on the CPU, composed of burn's own elsewhere.

use burn_dispatch::Dispatch;
use burn_tensor::{Tensor, TensorData, activation, module};

use crate::fused::Fused;

/// Whether tensors live on the CPU, which the fused operations are for.
const FUSED: bool = !cfg!(any(feature = "cuda", feature = "wgpu"));

/// (x − mean) / sd × gain + bias over the last axis.
pub(crate) fn layer_norm(x: Tensor<2>, gain: Tensor<1>, bias: Tensor<1>, epsilon: f64) -> Tensor<2> {
    if !FUSED {
        return module::layer_norm(x, gain, Some(bias), epsilon);
    }
    let (x, gain, bias) = (x.into_dispatch(), gain.into_dispatch(), bias.into_dispatch());
    Tensor::from_dispatch(Dispatch::fused_layer_norm(x, gain, bias, epsilon))
}

/// x / root mean square × gain over the last axis.
pub(crate) fn rms_norm(x: Tensor<2>, gain: Tensor<1>, epsilon: f64) -> Tensor<2> {
    if !FUSED {
        let mean_square = x.clone().square().mean_dim(1);
        return x / (mean_square + epsilon).sqrt() * gain.unsqueeze();
    }
    Tensor::from_dispatch(Dispatch::fused_rms_norm(x.into_dispatch(), gain.into_dispatch(), epsilon))
}

/// x Φ(x).
pub(crate) fn gelu(x: Tensor<2>) -> Tensor<2> {
    if FUSED { Tensor::from_dispatch(Dispatch::fused_gelu(x.into_dispatch())) } else { activation::gelu(x) }
}

/// softmax(scale × scores + mask) over the last axis; the mask is batch × keys.
fn softmax(scores: Tensor<4>, mask: Tensor<2>, scale: f64) -> Tensor<4> {
    if !FUSED {
        let [batch, keys] = mask.dims();
        return activation::softmax(scores * scale + mask.reshape([batch, 1, 1, keys]), 3);
    }
    Tensor::from_dispatch(Dispatch::fused_softmax(scores.into_dispatch(), mask.into_dispatch(), scale))
}

/// log Σ exp(logits) − the label's logit, a row each; the labels are class numbers in f32.
pub(crate) fn cross_entropy(logits: Tensor<2>, labels: Tensor<1>) -> Tensor<1> {
    if !FUSED {
        let rows = labels.dims()[0];
        let picked = activation::log_softmax(logits, 1).gather(1, labels.int().reshape([rows, 1]));
        return picked.reshape([rows]).neg();
    }
    Tensor::from_dispatch(Dispatch::fused_cross_entropy(logits.into_dispatch(), labels.into_dispatch()))
}

/// softmax(scale × q kᵀ + bias + mask) v. The bias of positions is learned and the same for every text: 1 × heads ×
/// queries × keys; the mask is batch × keys.
pub(crate) fn attention(
    q: Tensor<4>,
    k: Tensor<4>,
    v: Tensor<4>,
    bias: Option<Tensor<4>>,
    mask: Option<Tensor<2>>,
    scale: f64,
) -> Tensor<4> {
    let ([batch, ..], keys) = (q.dims(), k.dims()[2]);
    let mask = mask.unwrap_or_else(|| {
        let device = q.device().inner();
        Tensor::from_data(TensorData::new(vec![0f32; batch * keys], [batch, keys]), &device)
    });
    let scores = q.matmul(k.swap_dims(2, 3));
    let probabilities = match bias {
        // The bias is added to the scaled scores.
        Some(bias) if scale == 1.0 => softmax(scores + bias, mask, 1.0),
        Some(bias) => softmax(scores * scale + bias, mask, 1.0),
        None => softmax(scores, mask, scale),
    };
    probabilities.matmul(v)
}
