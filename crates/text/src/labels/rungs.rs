//! Rungs that train the encoder: their generalist is a regression on the vectors of the encoder as it is.

use ndarray::Array2;
use specialist_core::{Context, Dataset, Error, Estimand, Labels, Predict};
use specialist_neural::config::Problem;
use specialist_neural::encoder::{self, is_head};
use specialist_neural::tasks::{Classification, Contrast, Head};
use specialist_neural::train::{Task, Trainer, Training};
use specialist_neural::{Encoder, Lora, Param, Params};
use specialist_search::Params as Point;
use specialist_tabular::estimator::Regression;
use specialist_tabular::ladder::{PLENTY, PriorCentred};
use specialist_tabular::{Base, Estimator, Model, Rung};

use super::network::Network;
use super::texts::{Texts, classes, codes, column_of, of_classes};
use crate::body::Body;

/// Rank of an adapter.
const RANK: usize = 8;
/// How much slower each deeper layer learns when all do.
const LAYER_DECAY: f64 = 0.9;
/// Passes over the texts.
const EPOCHS: usize = 3;
/// Texts a step.
const BATCH: usize = 16;
/// Fewest steps of a training: a few texts are read more often.
const FEWEST_STEPS: usize = 40;

/// Whether a model is a regression on all vectors of one text column.
pub fn fits(generalist: &Model) -> bool {
    generalist.folds()
        && matches!(generalist.base, Base::Glm(_))
        && of_classes(generalist.estimand())
        && column_of(&generalist.features()).is_some()
}

/// The generalist's coefficients of the vectors as they are, a row a class, the intercept last. Its margins are a line of them,
/// however it scales them: the margins at zero and at one of each say all there is.
pub fn head(generalist: &Model) -> Result<Vec<Vec<f64>>, Error> {
    let features = generalist.features().into_owned();
    if column_of(&features).is_none() {
        return Err(Error::Mismatch("it does not stand on the vectors of one text".into()));
    }
    let width = features.len();
    let mut points = Array2::zeros((width + 1, width));
    (0..width).for_each(|j| points[[j, j]] = 1.0);
    let mut rows = Dataset::new(features, points, Labels::unknown(width + 1))?;
    rows.estimand = generalist.estimand();
    let margins = generalist.margins(&rows)?;
    let of = |k: usize| {
        let at: Vec<f64> = margins.column(k).collect();
        let intercept = at[width];
        at[..width].iter().map(|m| m - intercept).chain([intercept]).collect::<Vec<f64>>()
    };
    match generalist.estimand() {
        Estimand::Probability => Ok(vec![vec![0.0; width + 1], of(0)]),
        estimand => Ok((0..estimand.width()).map(of).collect()),
    }
}

/// Texts to train on, and what the training starts from.
pub struct Start<'a> {
    column: &'a str,
    encoder: &'a Encoder,
    ids: Vec<Vec<u32>>,
    labels: Vec<usize>,
    estimand: Estimand,
    ctx: &'a Context,
}

impl<'a> Start<'a> {
    /// Of `target`'s rows, whose features are the vectors of the texts in `column`.
    ///
    /// # Errors
    /// When the rows came without them.
    pub fn new(column: &'a str, target: &'a Dataset, ctx: &'a Context) -> Result<Self, Error> {
        let texts = Texts::of(target, column)?;
        let ids = texts.tokens()?;
        Ok(Self { column, encoder: &texts.encoder.encoder, ids, labels: codes(target), estimand: target.estimand, ctx })
    }

    fn network(&self, body: Body, head: Vec<Vec<f64>>) -> Model {
        Network { column: self.column.into(), body, head, estimand: self.estimand }.into_model()
    }

    fn train(
        &self,
        task: &dyn Task,
        params: &mut Params,
        scope: &(dyn Fn(&str, usize) -> f64 + Sync),
        lora: Option<&Lora>,
        rate: f64,
    ) -> Result<(), Error> {
        let per_epoch = task.examples().div_ceil(BATCH).max(1);
        let epochs = EPOCHS.max(FEWEST_STEPS.div_ceil(per_epoch).min(5 * EPOCHS));
        let settings = Training { epochs, batch: BATCH, rate, ..Training::default() };
        Trainer { task, settings: &settings, scope, lora, validation: None, checkpoint: None }
            .run(params, self.ctx)
            .map_err(specialist_neural::Error::into_core)?;
        Ok(())
    }

    fn classify(
        &self,
        params: &mut Params,
        scope: &(dyn Fn(&str, usize) -> f64 + Sync),
        lora: Option<&Lora>,
        rate: f64,
    ) -> Result<(), Error> {
        let classes = classes(self.estimand);
        let one_hot = |&l: &usize| (0..classes).map(|k| f32::from(u8::from(k == l))).collect();
        let labels: Vec<Vec<f32>> = self.labels.iter().map(one_hot).collect();
        let task = Classification {
            config: &self.encoder.config,
            head: Head::Mean,
            problem: Problem::SingleLabelClassification,
            texts: &self.ids,
            labels: &labels,
            device: self.encoder.device(),
        };
        self.train(&task, params, scope, lora, rate)
    }

    /// The encoder's parameters and a head as `classifier`.
    fn with_head(&self, head: &[Vec<f64>]) -> Params {
        let mut params = self.encoder.params.clone();
        let (width, device) = (self.encoder.config.vector(), self.encoder.device());
        let weight = head.iter().flat_map(|c| c[..width].iter().map(|&v| v as f32)).collect();
        let bias = head.iter().map(|c| c[width] as f32).collect();
        params.insert("classifier.weight", Param::new(&[head.len(), width], weight, &device));
        params.insert("classifier.bias", Param::new(&[head.len()], bias, &device));
        params
    }

    /// The whole encoder from `head` on, deeper layers slower.
    fn full(&self, head: &[Vec<f64>], rate: f64) -> Result<Model, Error> {
        let config = &self.encoder.config;
        let mut params = self.with_head(head);
        let top = config.layers + 1;
        // The head learns ten times faster: it starts from another population's.
        let scope = |name: &str, _: usize| match encoder::depth(config, name) {
            _ if is_head(name) => 10.0,
            _ if name.starts_with("pooler.") => 0.0,
            depth => LAYER_DECAY.powi((top - depth) as i32),
        };
        self.classify(&mut params, &scope, None, rate)?;
        let head = take_head(&mut params);
        Ok(self.network(Body::Changed(params), head))
    }
}

/// Takes the head out of the parameters.
fn take_head(params: &mut Params) -> Vec<Vec<f64>> {
    let mut take = |name: &str| params.remove(name).expect("it was put there").into_values();
    let (weight, bias) = (take("classifier.weight"), take("classifier.bias"));
    let width = weight.len() / bias.len();
    let row = |(w, b): (&[f32], &f32)| w.iter().chain([b]).map(|&v| f64::from(v)).collect();
    weight.chunks(width).zip(&bias).map(row).collect()
}

/// The head first, then the whole encoder at a small rate (Kumar et al. 2022).
pub fn lp_ft(start: &Start<'_>, generalist: &Model, target: &Dataset, rate: f64) -> Result<Model, Error> {
    let strength = Point([("prior-strength".to_string(), 10.0.into())].into());
    // The head on few texts would forget what the generalist knew: it is kept as it is there.
    let probed = match target.informative() < PLENTY {
        true => generalist.clone(),
        false => PriorCentred.fine_tune(&strength, generalist, target, start.ctx)?,
    };
    start.full(&head(&probed)?, rate)
}

/// The whole encoder, deeper layers slower.
pub fn full(start: &Start<'_>, generalist: &Model, _: &Dataset, rate: f64) -> Result<Model, Error> {
    start.full(&head(generalist)?, rate)
}

/// A low-rank adapter on the encoder, trained with the generalist's head.
pub fn lora(start: &Start<'_>, generalist: &Model, _: &Dataset, rate: f64) -> Result<Model, Error> {
    let config = &start.encoder.config;
    let targets = config.family.default_targets();
    let lora = Lora { rank: RANK, alpha: 2.0 * RANK as f64, dropout: 0.0, targets };
    let mut params = start.with_head(&head(generalist)?);
    let begun = lora.begin(&mut params, &mut start.ctx.rng("lora"), &start.encoder.device());
    begun.map_err(specialist_neural::Error::into_core)?;
    let scope = |name: &str, _: usize| if Lora::owns(name) || is_head(name) { 1.0 } else { 0.0 };
    start.classify(&mut params, &scope, Some(&lora), rate)?;
    let head = take_head(&mut params);
    Ok(start.network(Body::Adapted(lora, params.only(Lora::owns)), head))
}

/// The encoder drawn to put texts of one label together, then a new head (in the manner of SetFit).
pub fn setfit(start: &Start<'_>, generalist: &Model, target: &Dataset, rate: f64) -> Result<Model, Error> {
    let encoder = start.encoder;
    let task = Contrast { config: &encoder.config, texts: &start.ids, labels: &start.labels, device: encoder.device() };
    let mut params = encoder.params.clone();
    let scope = |name: &str, _: usize| if name.starts_with("pooler.") { 0.0 } else { 1.0 };
    start.train(&task, &mut params, &scope, None, rate)?;
    // A new head on the new vectors: the old one knows another space.
    let vectors = encoder.embed(&params, None, &start.ids, start.ctx).map_err(specialist_neural::Error::into_core)?;
    let features = generalist.features().into_owned();
    let records =
        Array2::from_shape_vec((start.ids.len(), features.len()), vectors.iter().map(|v| f64::from(*v)).collect());
    let mut rows = target.clone_without_records();
    rows.base.records = records.expect("a row a text");
    rows.features = features;
    let fitted = Regression.fit(&Regression.default_params(), &rows, start.ctx)?;
    Ok(start.network(Body::Changed(params), head(&fitted)?))
}
