//! What the models are trained for: labels, sentence similarity, text to text.

use burn_tensor::{Device, Tensor, TensorData, activation};

use crate::config::{EncoderConfig, Problem, T5Config};
use crate::encoder;
use crate::layers::Pass;
use crate::ops;
use crate::params::Params;
use crate::t5;
use crate::tokenizer::{Batch, buckets};
use crate::train::Task;

/// Where a classifier's logits come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Head {
    /// The family's own head on the first token, as `transformers` has it.
    FirstToken,
    /// One linear map, `classifier`, on the mean over the tokens scaled to length one: the vector that sentence
    /// encoders make, so that a head fitted on such vectors can be trained on with its encoder.
    Mean,
}

/// Logits of an encoder with a head: texts × labels.
#[must_use]
pub fn logits(config: &EncoderConfig, head: Head, pass: &Pass<'_>, batch: &Batch) -> Tensor<2> {
    match head {
        Head::FirstToken => encoder::logits(config, pass, batch),
        Head::Mean => {
            let pooled = config.pooling.pool(&encoder::hidden(config, pass, batch), batch);
            pass.linear("classifier", encoder::unit(pooled))
        }
    }
}

/// Texts with labels.
pub struct Classification<'a> {
    /// The encoder.
    pub config: &'a EncoderConfig,
    /// Its head.
    pub head: Head,
    /// What the labels are.
    pub problem: Problem,
    /// Token ids, a text each.
    pub texts: &'a [Vec<u32>],
    /// Texts × labels: a one at the label, any ones, or numbers.
    pub labels: &'a [Vec<f32>],
    /// Where the tensors live.
    pub device: Device,
}

impl Task for Classification<'_> {
    fn examples(&self) -> usize {
        self.texts.len()
    }

    fn length(&self, example: usize) -> usize {
        self.texts[example].len()
    }

    fn loss(&self, pass: &Pass<'_>, examples: &[usize]) -> Tensor<1> {
        let texts: Vec<&[u32]> = examples.iter().map(|&e| self.texts[e].as_slice()).collect();
        let batch = Batch::new(&texts, self.config.pad, &self.device);
        let labels: Vec<f32> = examples.iter().flat_map(|&e| self.labels[e].iter().copied()).collect();
        let width = labels.len() / examples.len();
        let labels = Tensor::<2>::from_data(TensorData::new(labels, [examples.len(), width]), &self.device);
        let logits = logits(self.config, self.head, pass, &batch);
        loss_of(self.problem, logits, labels)
    }
}

/// The mean loss of `logits` (texts × labels) against `labels` of the same shape: cross-entropy, the logistic
/// loss, or the squared error, as `transformers` computes them.
#[must_use]
pub fn loss_of(problem: Problem, logits: Tensor<2>, labels: Tensor<2>) -> Tensor<1> {
    match problem {
        Problem::SingleLabelClassification => {
            let rows = logits.dims()[0] as f64;
            (activation::log_softmax(logits, 1) * labels).sum() * (-1.0 / rows)
        }
        // log(1 + exp(−|x|)) + max(x, 0) − x y: the logistic loss without overflow.
        Problem::MultiLabelClassification => {
            let x = logits;
            (activation::relu(x.clone()) - x.clone() * labels + (x.abs().neg().exp() + 1.0).log()).mean()
        }
        Problem::Regression => (logits - labels).square().mean(),
    }
}

/// Texts with labels, drawn together where the labels are equal and apart where they are not: the cosine of every
/// two vectors of a batch is drawn towards 1 or 0 (Reimers and Gurevych 2019), which is how SetFit tunes a sentence
/// encoder (Tunstall et al. 2022). All pairs of a batch count, so that each text is encoded once an epoch.
pub struct Contrast<'a> {
    /// The encoder.
    pub config: &'a EncoderConfig,
    /// Token ids, a text each.
    pub texts: &'a [Vec<u32>],
    /// The label of each.
    pub labels: &'a [usize],
    /// Where the tensors live.
    pub device: Device,
}

impl Task for Contrast<'_> {
    fn examples(&self) -> usize {
        self.texts.len()
    }

    fn length(&self, example: usize) -> usize {
        self.texts[example].len()
    }

    fn weight(&self, _example: usize) -> Option<f64> {
        None
    }

    fn loss(&self, pass: &Pass<'_>, examples: &[usize]) -> Tensor<1> {
        let texts: Vec<&[u32]> = examples.iter().map(|&e| self.texts[e].as_slice()).collect();
        let batch = Batch::new(&texts, self.config.pad, &self.device);
        let unit = encoder::unit(self.config.pooling.pool(&encoder::hidden(self.config, pass, &batch), &batch));
        let cosine = unit.clone().matmul(unit.transpose());
        let n = examples.len();
        let alike = |i: usize, j: usize| f32::from(u8::from(self.labels[examples[i]] == self.labels[examples[j]]));
        let wanted: Vec<f32> = (0..n * n).map(|at| alike(at / n, at % n)).collect();
        // A text is always like itself: the diagonal adds nothing to the sum and is left out of the mean.
        let wanted = Tensor::<2>::from_data(TensorData::new(wanted, [n, n]), &self.device);
        (cosine - wanted).square().sum() * (1.0 / (n * n - n).max(1) as f64)
    }
}

/// Pairs of texts: read one, write the other.
pub struct TextToText<'a> {
    /// The model.
    pub config: &'a T5Config,
    /// Token ids of the texts to read.
    pub sources: &'a [Vec<u32>],
    /// Token ids of the texts to write, with the end token.
    pub targets: &'a [Vec<u32>],
    /// Where the tensors live.
    pub device: Device,
}

impl Task for TextToText<'_> {
    fn examples(&self) -> usize {
        self.sources.len()
    }

    fn length(&self, example: usize) -> usize {
        self.sources[example].len() + self.targets[example].len()
    }

    fn weight(&self, example: usize) -> Option<f64> {
        Some(self.targets[example].len() as f64)
    }

    fn loss(&self, pass: &Pass<'_>, examples: &[usize]) -> Tensor<1> {
        let read: Vec<&[u32]> = examples.iter().map(|&e| self.sources[e].as_slice()).collect();
        let write: Vec<&[u32]> = examples.iter().map(|&e| self.targets[e].as_slice()).collect();
        let source = Batch::new(&read, self.config.pad, &self.device);
        text_to_text_loss(self.config, pass, &source, &write)
    }
}

/// The mean loss of `params` over all examples of a task, without training.
#[must_use]
pub fn mean_loss(task: &dyn Task, params: &Params) -> f64 {
    let lengths: Vec<usize> = (0..task.examples()).map(|i| task.length(i)).collect();
    let (mut sum, mut n) = (0.0, 0);
    for part in buckets(&lengths, 32, 4096) {
        let loss = task.loss(&Pass::predict(params, None), &part).into_data();
        sum += f64::from(loss.try_into_vec::<f32>().expect("a loss is f32")[0]) * part.len() as f64;
        n += part.len();
    }
    sum / n.max(1) as f64
}

/// The mean cross-entropy per written token.
#[must_use]
pub fn text_to_text_loss(config: &T5Config, pass: &Pass<'_>, source: &Batch, write: &[&[u32]]) -> Tensor<1> {
    let device = source.ids.device();
    // What is read at each place is what was to be written at the place before.
    let shifted: Vec<Vec<u32>> = write
        .iter()
        .map(|t| std::iter::once(config.start).chain(t.iter().copied().take(t.len().saturating_sub(1))).collect())
        .collect();
    let views: Vec<&[u32]> = shifted.iter().map(Vec::as_slice).collect();
    let inputs = Batch::new(&views, config.pad, &device);
    let labels = Batch::new(write, config.pad, &device);
    let logits = t5::logits(config, pass, source, &inputs.ids);
    let tokens = labels.mask.iter().sum::<f32>().max(1.0);
    let column = |values: Vec<f32>| Tensor::<1>::from_data(TensorData::from(values.as_slice()), &device);
    let wanted = write.iter().flat_map(|t| {
        let padding = labels.length - t.len();
        t.iter().copied().chain(std::iter::repeat_n(config.pad, padding)).map(|id| id as f32)
    });
    let losses = ops::cross_entropy(logits, column(wanted.collect()));
    (losses * column(labels.mask.clone())).sum() * f64::from(1.0 / tokens)
}
