//! The ways to make a classifier for the target, fewest free parameters first.

use specialist_core::Context;
use specialist_neural::config::Problem;
use specialist_neural::encoder::{self, is_head};
use specialist_neural::tasks::{Classification, Contrast, Head};
use specialist_neural::train::{Task, Trainer, Training};
use specialist_neural::{Encoder, Lora, Param, Params};
use specialist_search::{Params as Point, Space, Value};

use super::model::{Body, Classifier};
use crate::error::Result;
use crate::linear::{Dense, Recalibration, Softmax};

/// A rung.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tuning {
    /// The generalist as it is.
    Keep,
    /// Its logits with another temperature and other shifts.
    Slope,
    /// Its head's coefficients as the prior of new ones.
    Head,
    /// The encoder drawn to put texts of one label together, then a new head (in the manner of SetFit).
    Setfit,
    /// A low-rank adapter on the encoder, trained with the generalist's head.
    Lora,
    /// The head first, then the whole encoder at a small rate (Kumar et al. 2022).
    LpFt,
    /// The whole encoder, deeper layers slower.
    Full,
}

impl Tuning {
    /// All rungs in order.
    pub const ALL: [Self; 7] = [Self::Keep, Self::Slope, Self::Head, Self::Setfit, Self::Lora, Self::LpFt, Self::Full];

    /// The word of the vocabulary.
    pub fn name(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Slope => "slope",
            Self::Head => "head",
            Self::Setfit => "setfit",
            Self::Lora => "lora",
            Self::LpFt => "lp-ft",
            Self::Full => "full",
        }
    }

    /// The rung called `name`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.name() == name)
    }

    /// Whether it trains the encoder.
    pub fn deep(self) -> bool {
        self >= Self::Setfit
    }

    /// What may be searched about it.
    pub fn space(self) -> Space {
        match self {
            Self::Keep => Space::new(),
            Self::Slope => Space::new().log_float("precision", 0.1, 100.0),
            Self::Head => Space::new().log_float("precision", 0.01, 100.0),
            Self::Setfit => Space::new().log_float("rate", 1e-5, 2e-4),
            Self::Lora => Space::new().log_float("rate", 2e-4, 5e-3),
            Self::LpFt | Self::Full => Space::new().log_float("rate", 1e-5, 2e-4),
        }
    }

    /// Where its search starts.
    pub fn start(self) -> Point {
        let value = match self {
            Self::Keep => 0.0,
            Self::Slope | Self::Head => 1.0,
            Self::Setfit | Self::LpFt | Self::Full => 5e-5,
            Self::Lora => 1e-3,
        };
        self.space().choose(|_| Value::Float(value))
    }
}

/// Labelled texts as the tunings read them.
pub struct Labelled {
    /// Token ids.
    pub ids: Vec<Vec<u32>>,
    /// The label of each.
    pub labels: Vec<usize>,
    /// The group of each: an author, a conversation.
    pub groups: Vec<u32>,
    /// The vectors of the encoder as it is.
    pub base: Dense,
}

impl Labelled {
    /// The texts at `rows`.
    pub fn select(&self, rows: &[usize]) -> Self {
        Self {
            ids: rows.iter().map(|&r| self.ids[r].clone()).collect(),
            labels: rows.iter().map(|&r| self.labels[r]).collect(),
            groups: rows.iter().map(|&r| self.groups[r]).collect(),
            base: self.base.select(rows),
        }
    }

    /// All weights one.
    pub fn ones(&self) -> Vec<f64> {
        vec![1.0; self.labels.len()]
    }
}

/// What every tuning starts from.
pub struct Start<'a> {
    /// The encoder.
    pub encoder: &'a Encoder,
    /// The generalist's head, fitted on the source.
    pub generalist: &'a Softmax,
    /// How many labels there are.
    pub classes: usize,
    /// Passes over the texts when the encoder is trained.
    pub epochs: usize,
    /// Texts a step.
    pub batch: usize,
}

/// Rank of an adapter.
const RANK: usize = 8;
/// How much slower each deeper layer learns when all do.
const LAYER_DECAY: f64 = 0.9;
/// Fewest steps of a training: a few texts are read more often.
const FEWEST_STEPS: usize = 40;

impl Start<'_> {
    /// A head on the encoder as it is, around `prior` or around nothing.
    pub fn head(&self, data: &Labelled, precision: f64, prior: Option<&Softmax>) -> Softmax {
        Softmax::fit(&data.base, &data.labels, &data.ones(), self.classes, precision, prior)
    }

    /// Makes the classifier of a rung with these settings.
    pub fn tune(&self, tuning: Tuning, settings: &Point, data: &Labelled, ctx: &Context) -> Result<Classifier> {
        let precision = settings.float("precision");
        match tuning {
            Tuning::Keep => Ok(Classifier::frozen(self.generalist.clone())),
            Tuning::Slope => {
                let logits = self.generalist.logits(&data.base);
                let recalibration = Some(Recalibration::fit(&logits, &data.labels, precision));
                Ok(Classifier { recalibration, ..Classifier::frozen(self.generalist.clone()) })
            }
            Tuning::Head => Ok(Classifier::frozen(self.head(data, precision, Some(self.generalist)))),
            Tuning::Setfit => self.setfit(settings.float("rate"), data, ctx),
            Tuning::Lora => self.lora(settings.float("rate"), data, ctx),
            Tuning::LpFt => {
                let head = self.head(data, 1.0, Some(self.generalist));
                self.full(settings.float("rate"), &head, data, ctx)
            }
            Tuning::Full => self.full(settings.float("rate"), self.generalist, data, ctx),
        }
    }

    fn training(&self, rate: f64, examples: usize) -> Training {
        let per_epoch = examples.div_ceil(self.batch).max(1);
        let epochs = self.epochs.max(FEWEST_STEPS.div_ceil(per_epoch).min(5 * self.epochs));
        Training { epochs, batch: self.batch, rate, ..Training::default() }
    }

    fn lora(&self, rate: f64, data: &Labelled, ctx: &Context) -> Result<Classifier> {
        let config = &self.encoder.config;
        let lora =
            Lora { rank: RANK, alpha: 2.0 * RANK as f64, dropout: 0.0, targets: config.family.default_targets() };
        let mut params = self.with_head(self.generalist);
        lora.begin(&mut params, &mut ctx.rng("lora"), &self.encoder.device())?;
        let scope = |name: &str, _: usize| if Lora::owns(name) || is_head(name) { 1.0 } else { 0.0 };
        self.classify(&mut params, &scope, Some(&lora), rate, data, ctx)?;
        let head = head_of(&mut params);
        Ok(Classifier { body: Body::Adapted(lora, params.only(Lora::owns)), head, recalibration: None })
    }

    fn full(&self, rate: f64, head: &Softmax, data: &Labelled, ctx: &Context) -> Result<Classifier> {
        let config = &self.encoder.config;
        let mut params = self.with_head(head);
        let top = config.layers + 1;
        // The head learns ten times faster: it starts from another population's.
        let scope = |name: &str, _: usize| match encoder::depth(config, name) {
            _ if is_head(name) => 10.0,
            _ if name.starts_with("pooler.") => 0.0,
            depth => LAYER_DECAY.powi((top - depth) as i32),
        };
        self.classify(&mut params, &scope, None, rate, data, ctx)?;
        let head = head_of(&mut params);
        Ok(Classifier { body: Body::Changed(params), head, recalibration: None })
    }

    fn classify(
        &self,
        params: &mut Params,
        scope: &(dyn Fn(&str, usize) -> f64 + Sync),
        lora: Option<&Lora>,
        rate: f64,
        data: &Labelled,
        ctx: &Context,
    ) -> Result<()> {
        let one_hot = |&l: &usize| (0..self.classes).map(|k| f32::from(u8::from(k == l))).collect();
        let labels: Vec<Vec<f32>> = data.labels.iter().map(one_hot).collect();
        let task = Classification {
            config: &self.encoder.config,
            head: Head::Mean,
            problem: Problem::SingleLabelClassification,
            texts: &data.ids,
            labels: &labels,
            device: self.encoder.device(),
        };
        self.train(&task, params, scope, lora, rate, ctx)
    }

    fn setfit(&self, rate: f64, data: &Labelled, ctx: &Context) -> Result<Classifier> {
        let config = &self.encoder.config;
        let task = Contrast { config, texts: &data.ids, labels: &data.labels, device: self.encoder.device() };
        let mut params = self.encoder.params.clone();
        let scope = |name: &str, _: usize| if name.starts_with("pooler.") { 0.0 } else { 1.0 };
        let settings = self.training(rate, data.ids.len());
        run(&task, &settings, &mut params, &scope, None, ctx)?;
        let body = Body::Changed(params);
        let classifier = Classifier { body, head: self.generalist.clone(), recalibration: None };
        let vectors = classifier.vectors(self.encoder, &data.ids, None, ctx)?;
        let head = Softmax::fit(&vectors, &data.labels, &data.ones(), self.classes, 1.0, None);
        Ok(Classifier { head, ..classifier })
    }

    fn train(
        &self,
        task: &dyn Task,
        params: &mut Params,
        scope: &(dyn Fn(&str, usize) -> f64 + Sync),
        lora: Option<&Lora>,
        rate: f64,
        ctx: &Context,
    ) -> Result<()> {
        run(task, &self.training(rate, task.examples()), params, scope, lora, ctx)
    }

    /// The encoder's parameters and a head as `classifier`.
    fn with_head(&self, head: &Softmax) -> Params {
        let mut params = self.encoder.params.clone();
        let (width, device) = (self.encoder.config.vector(), self.encoder.device());
        let weight = head.coefficients.iter().flat_map(|c| c[..width].iter().map(|&v| v as f32)).collect();
        let bias = head.coefficients.iter().map(|c| c[width] as f32).collect();
        params.insert("classifier.weight", Param::new(&[self.classes, width], weight, &device));
        params.insert("classifier.bias", Param::new(&[self.classes], bias, &device));
        params
    }
}

fn run(
    task: &dyn Task,
    settings: &Training,
    params: &mut Params,
    scope: &(dyn Fn(&str, usize) -> f64 + Sync),
    lora: Option<&Lora>,
    ctx: &Context,
) -> Result<()> {
    Trainer { task, settings, scope, lora, validation: None, checkpoint: None }.run(params, ctx)?;
    Ok(())
}

/// Takes the head out of the parameters.
fn head_of(params: &mut Params) -> Softmax {
    let mut take = |name: &str| params.remove(name).expect("it was put there").into_values();
    let (weight, bias) = (take("classifier.weight"), take("classifier.bias"));
    let width = weight.len() / bias.len();
    let row = |(w, b): (&[f32], &f32)| w.iter().chain([b]).map(|&v| f64::from(v)).collect();
    Softmax { coefficients: weight.chunks(width).zip(&bias).map(row).collect() }
}
