//! AdamW, schedules of its rate, and clipping.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::params::{Param, Params};

/// Gradients by parameter.
pub type Gradients = BTreeMap<String, Vec<f32>>;

/// Adam with decoupled weight decay (Loshchilov and Hutter 2019), with PyTorch's constants.
#[derive(Debug, Clone, Default)]
pub struct AdamW {
    /// Steps taken so far.
    pub steps: usize,
    /// First and second moment of every parameter's gradient.
    pub moments: BTreeMap<String, (Vec<f32>, Vec<f32>)>,
}

const BETA: (f64, f64) = (0.9, 0.999);
const EPSILON: f64 = 1e-8;
/// Numbers updated by one thread at a time.
const CHUNK: usize = 1 << 16;

impl AdamW {
    /// One step on `params`; `rate` and `decay` are asked for every parameter.
    pub fn step(&mut self, params: &mut Params, gradients: &Gradients, rate: impl Fn(&str) -> (f64, f64)) {
        self.steps += 1;
        let t = self.steps as i32;
        let correction = (1.0 - BETA.0.powi(t), (1.0 - BETA.1.powi(t)).sqrt());
        for (name, gradient) in gradients {
            let (rate, decay) = rate(name);
            let param = params.remove(name).expect("a gradient is of a parameter");
            let (shape, device) = (param.shape(), param.device());
            let mut values = param.into_values();
            let zeros = || (vec![0.0; values.len()], vec![0.0; values.len()]);
            let (first, second) = self.moments.entry(name.clone()).or_insert_with(zeros);
            let (b1, b2) = (BETA.0 as f32, BETA.1 as f32);
            let (size, shrink) = ((rate / correction.0) as f32, (1.0 - rate * decay) as f32);
            let (root, epsilon) = (correction.1 as f32, EPSILON as f32);
            let chunks = values.par_chunks_mut(CHUNK).zip(first.par_chunks_mut(CHUNK));
            let chunks = chunks.zip(second.par_chunks_mut(CHUNK)).zip(gradient.par_chunks(CHUNK));
            chunks.for_each(|(((p, m), v), g)| {
                for i in 0..p.len() {
                    m[i] = b1 * m[i] + (1.0 - b1) * g[i];
                    v[i] = b2 * v[i] + (1.0 - b2) * g[i] * g[i];
                    p[i] = p[i] * shrink - size * m[i] / (v[i].sqrt() / root + epsilon);
                }
            });
            params.insert(name, Param::new(&shape, values, &device));
        }
    }
}

/// Whether weight decay applies: not to biases, norms and the biases of positions.
#[must_use]
pub fn decays(name: &str) -> bool {
    !(name.ends_with(".bias")
        || name.contains("LayerNorm")
        || name.contains("layer_norm")
        || name.contains("relative_attention_bias"))
}

/// Scales all gradients down so that their common norm is at most `limit`; returns the norm before.
pub fn clip(gradients: &mut Gradients, limit: f64) -> f64 {
    let square: f64 = gradients.values().map(|g| g.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>()).sum();
    let norm = square.sqrt();
    if limit > 0.0 && norm > limit {
        let scale = (limit / (norm + 1e-6)) as f32;
        gradients.values_mut().for_each(|g| g.iter_mut().for_each(|x| *x *= scale));
    }
    norm
}

/// How the rate falls after warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// Linearly to zero.
    #[default]
    Linear,
    /// Half a cosine to zero.
    Cosine,
    /// Not at all.
    Constant,
}

impl Schedule {
    /// The factor on the rate in step `step` (from 0) of `steps`, of which the share `warmup` rises linearly.
    #[must_use]
    pub fn factor(self, step: usize, steps: usize, warmup: f64) -> f64 {
        let rising = (warmup * steps as f64).ceil() as usize;
        if step < rising {
            return (step + 1) as f64 / rising as f64;
        }
        let share = (step - rising) as f64 / (steps - rising).max(1) as f64;
        match self {
            Self::Linear => 1.0 - share,
            Self::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * share).cos()),
            Self::Constant => 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_rise_and_fall() {
        let s = |kind: Schedule, step| kind.factor(step, 10, 0.2);
        assert_eq!((s(Schedule::Linear, 0), s(Schedule::Linear, 1), s(Schedule::Linear, 2)), (0.5, 1.0, 1.0));
        assert_eq!(s(Schedule::Linear, 6), 0.5);
        assert!((s(Schedule::Cosine, 6) - 0.5).abs() < 1e-12);
        assert_eq!(s(Schedule::Constant, 9), 1.0);
    }

    #[test]
    fn clipping_keeps_the_direction() {
        let mut g: Gradients = [("a".to_string(), vec![3.0, 0.0]), ("b".to_string(), vec![4.0])].into();
        assert!((clip(&mut g, 1.0) - 5.0).abs() < 1e-12);
        assert!((g["a"][0] - 0.6).abs() < 1e-5 && (g["b"][0] - 0.8).abs() < 1e-5);
    }
}
