//! Operations in one pass over memory, forwards and backwards, for the CPU: what burn composes of many passes
//! when gradients are wanted. `ops.rs` says where they are used; the arithmetic is in `kernels.rs`.

// What the macro below calls `burn` is the facade crate; its few parts are enough.
mod burn {
    pub mod backend {
        pub use burn_backend::*;
        pub use burn_dispatch::backends::*;
        pub use burn_dispatch::{backend::*, device::*, tensor::*};
    }
}

use burn::backend::Flex;
use burn_autodiff::Autodiff;
use burn_autodiff::checkpoint::base::Checkpointer;
use burn_autodiff::checkpoint::strategy::CheckpointStrategy;
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, Ops, OpsKind, unary};
use burn_backend::TensorData;
use burn_backend::tensor::FloatTensor;
use burn_backend_extension::backend_extension;
use burn_flex::FlexTensor;

use crate::kernels;

/// The fused operations.
#[backend_extension(Flex, Autodiff)]
pub trait Fused: burn::backend::Backend {
    /// x Φ(x).
    fn fused_gelu(x: FloatTensor<Self>) -> FloatTensor<Self>;

    /// The gradient of it.
    fn fused_gelu_backward(x: FloatTensor<Self>, gradient: FloatTensor<Self>) -> FloatTensor<Self>;

    /// Layer normalisation of rows.
    fn fused_layer_norm(
        x: FloatTensor<Self>,
        gain: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self>;

    /// Its gradients: of x, of the gain, of the bias.
    fn fused_layer_norm_backward(
        x: FloatTensor<Self>,
        gain: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        epsilon: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    /// x / root mean square × gain, of rows.
    fn fused_rms_norm(x: FloatTensor<Self>, gain: FloatTensor<Self>, epsilon: f64) -> FloatTensor<Self>;

    /// Its gradients: of x, of the gain.
    fn fused_rms_norm_backward(
        x: FloatTensor<Self>,
        gain: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        epsilon: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// softmax(scale × scores + mask) over the last axis; scores are batch × heads × queries × keys, the mask
    /// batch × keys.
    fn fused_softmax(scores: FloatTensor<Self>, mask: FloatTensor<Self>, scale: f64) -> FloatTensor<Self>;

    /// The gradient of the scores, from the probabilities.
    fn fused_softmax_backward(
        probabilities: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        scale: f64,
    ) -> FloatTensor<Self>;

    /// log Σ exp(logits) − the label's logit, of rows: the logits are rows × classes, the labels are rows class
    /// numbers, which f32 holds exactly up to 2²⁴.
    fn fused_cross_entropy(logits: FloatTensor<Self>, labels: FloatTensor<Self>) -> FloatTensor<Self>;

    /// The gradient of the logits.
    fn fused_cross_entropy_backward(
        logits: FloatTensor<Self>,
        labels: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

fn slice(t: &FlexTensor) -> &[f32] {
    t.as_slice::<f32>().expect("contiguous f32")
}

fn tensor(values: Vec<f32>, like: &FlexTensor) -> FlexTensor {
    let shape = like.layout().shape().clone();
    FlexTensor::from_data(TensorData::new(values, shape))
}

fn width(t: &FlexTensor) -> usize {
    t.layout().shape().iter().last().copied().unwrap_or(1).max(1)
}

impl Fused for Flex {
    fn fused_gelu(x: FlexTensor) -> FlexTensor {
        let x = x.to_contiguous();
        tensor(kernels::gelu(slice(&x)), &x)
    }

    fn fused_gelu_backward(x: FlexTensor, gradient: FlexTensor) -> FlexTensor {
        let (x, g) = (x.to_contiguous(), gradient.to_contiguous());
        tensor(kernels::gelu_backward(slice(&x), slice(&g)), &x)
    }

    fn fused_layer_norm(x: FlexTensor, gain: FlexTensor, bias: FlexTensor, epsilon: f64) -> FlexTensor {
        let (x, gain, bias) = (x.to_contiguous(), gain.to_contiguous(), bias.to_contiguous());
        tensor(kernels::layer_norm(slice(&x), slice(&gain), slice(&bias), epsilon as f32), &x)
    }

    fn fused_layer_norm_backward(
        x: FlexTensor,
        gain: FlexTensor,
        gradient: FlexTensor,
        epsilon: f64,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let (x, gain, g) = (x.to_contiguous(), gain.to_contiguous(), gradient.to_contiguous());
        let (dx, dgain, dbias) = kernels::layer_norm_backward(slice(&x), slice(&gain), slice(&g), epsilon as f32);
        (tensor(dx, &x), tensor(dgain, &gain), tensor(dbias, &gain))
    }

    fn fused_rms_norm(x: FlexTensor, gain: FlexTensor, epsilon: f64) -> FlexTensor {
        let (x, gain) = (x.to_contiguous(), gain.to_contiguous());
        tensor(kernels::rms_norm(slice(&x), slice(&gain), epsilon as f32), &x)
    }

    fn fused_rms_norm_backward(
        x: FlexTensor,
        gain: FlexTensor,
        gradient: FlexTensor,
        epsilon: f64,
    ) -> (FlexTensor, FlexTensor) {
        let (x, gain, g) = (x.to_contiguous(), gain.to_contiguous(), gradient.to_contiguous());
        let (dx, dgain) = kernels::rms_norm_backward(slice(&x), slice(&gain), slice(&g), epsilon as f32);
        (tensor(dx, &x), tensor(dgain, &gain))
    }

    fn fused_softmax(scores: FlexTensor, mask: FlexTensor, scale: f64) -> FlexTensor {
        let (scores, mask) = (scores.to_contiguous(), mask.to_contiguous());
        let rows_a_text = slice(&scores).len() / slice(&mask).len().max(1);
        tensor(kernels::softmax(slice(&scores), slice(&mask), width(&scores), rows_a_text, scale as f32), &scores)
    }

    fn fused_softmax_backward(probabilities: FlexTensor, gradient: FlexTensor, scale: f64) -> FlexTensor {
        let (p, g) = (probabilities.to_contiguous(), gradient.to_contiguous());
        tensor(kernels::softmax_backward(slice(&p), slice(&g), width(&p), scale as f32), &p)
    }

    fn fused_cross_entropy(logits: FlexTensor, labels: FlexTensor) -> FlexTensor {
        let (logits, labels) = (logits.to_contiguous(), labels.to_contiguous());
        tensor(kernels::cross_entropy(slice(&logits), slice(&labels), width(&logits)), &labels)
    }

    fn fused_cross_entropy_backward(logits: FlexTensor, labels: FlexTensor, gradient: FlexTensor) -> FlexTensor {
        let (logits, labels, g) = (logits.to_contiguous(), labels.to_contiguous(), gradient.to_contiguous());
        let out = kernels::cross_entropy_backward(slice(&logits), slice(&labels), slice(&g), width(&logits));
        tensor(out, &logits)
    }
}

/// What only a backward pass calls has no gradient of its own.
macro_rules! no_second_derivative {
    () => {
        panic!("second derivatives are not built in")
    };
}

impl<B: Fused, C: CheckpointStrategy> Fused for Autodiff<B, C> {
    fn fused_gelu(x: FloatTensor<Self>) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Gelu;
        impl<B: Fused> Backward<B, 1> for Gelu {
            type State = FloatTensor<B>;
            fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
                unary::<B, _>(ops.parents, ops.node, gradients, |g| B::fused_gelu_backward(ops.state, g));
            }
        }
        let node = x.node();
        let x = x.into_primitive();
        match Gelu.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(x.clone(), B::fused_gelu(x)),
            OpsKind::UnTracked(prep) => prep.finish(B::fused_gelu(x)),
        }
    }

    fn fused_gelu_backward(_: FloatTensor<Self>, _: FloatTensor<Self>) -> FloatTensor<Self> {
        no_second_derivative!()
    }

    fn fused_layer_norm(
        x: FloatTensor<Self>,
        gain: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct LayerNorm;
        impl<B: Fused> Backward<B, 3> for LayerNorm {
            type State = (FloatTensor<B>, FloatTensor<B>, f64);
            fn backward(self, ops: Ops<Self::State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
                let g = gradients.consume::<B>(&ops.node);
                let (x, gain, epsilon) = ops.state;
                let (dx, dgain, dbias) = B::fused_layer_norm_backward(x, gain, g, epsilon);
                for (parent, d) in ops.parents.into_iter().zip([dx, dgain, dbias]) {
                    if let Some(node) = parent {
                        gradients.register::<B>(node.id, d);
                    }
                }
            }
        }
        let nodes = [x.node(), gain.node(), bias.node()];
        let (x, gain, bias) = (x.into_primitive(), gain.into_primitive(), bias.into_primitive());
        match LayerNorm.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let out = B::fused_layer_norm(x.clone(), gain.clone(), bias, epsilon);
                prep.finish((x, gain, epsilon), out)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::fused_layer_norm(x, gain, bias, epsilon)),
        }
    }

    fn fused_layer_norm_backward(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        no_second_derivative!()
    }

    fn fused_rms_norm(x: FloatTensor<Self>, gain: FloatTensor<Self>, epsilon: f64) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct RmsNorm;
        impl<B: Fused> Backward<B, 2> for RmsNorm {
            type State = (FloatTensor<B>, FloatTensor<B>, f64);
            fn backward(self, ops: Ops<Self::State, 2>, gradients: &mut Gradients, _: &mut Checkpointer) {
                let g = gradients.consume::<B>(&ops.node);
                let (x, gain, epsilon) = ops.state;
                let (dx, dgain) = B::fused_rms_norm_backward(x, gain, g, epsilon);
                for (parent, d) in ops.parents.into_iter().zip([dx, dgain]) {
                    if let Some(node) = parent {
                        gradients.register::<B>(node.id, d);
                    }
                }
            }
        }
        let nodes = [x.node(), gain.node()];
        let (x, gain) = (x.into_primitive(), gain.into_primitive());
        match RmsNorm.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let out = B::fused_rms_norm(x.clone(), gain.clone(), epsilon);
                prep.finish((x, gain, epsilon), out)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::fused_rms_norm(x, gain, epsilon)),
        }
    }

    fn fused_rms_norm_backward(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        no_second_derivative!()
    }

    fn fused_softmax(scores: FloatTensor<Self>, mask: FloatTensor<Self>, scale: f64) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Softmax;
        impl<B: Fused> Backward<B, 1> for Softmax {
            type State = (FloatTensor<B>, f64);
            fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
                let (p, scale) = ops.state;
                unary::<B, _>(ops.parents, ops.node, gradients, |g| B::fused_softmax_backward(p, g, scale));
            }
        }
        let node = scores.node();
        let (scores, mask) = (scores.into_primitive(), mask.into_primitive());
        match Softmax.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let out = B::fused_softmax(scores, mask, scale);
                prep.finish((out.clone(), scale), out)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::fused_softmax(scores, mask, scale)),
        }
    }

    fn fused_softmax_backward(_: FloatTensor<Self>, _: FloatTensor<Self>, _: f64) -> FloatTensor<Self> {
        no_second_derivative!()
    }

    fn fused_cross_entropy(logits: FloatTensor<Self>, labels: FloatTensor<Self>) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct CrossEntropy;
        impl<B: Fused> Backward<B, 1> for CrossEntropy {
            type State = (FloatTensor<B>, FloatTensor<B>);
            fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
                let (logits, labels) = ops.state;
                let slope = |g| B::fused_cross_entropy_backward(logits, labels, g);
                unary::<B, _>(ops.parents, ops.node, gradients, slope);
            }
        }
        let node = logits.node();
        let (logits, labels) = (logits.into_primitive(), labels.into_primitive());
        match CrossEntropy.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let out = B::fused_cross_entropy(logits.clone(), labels.clone());
                prep.finish((logits, labels), out)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::fused_cross_entropy(logits, labels)),
        }
    }

    fn fused_cross_entropy_backward(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        no_second_derivative!()
    }
}
