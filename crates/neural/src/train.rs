//! The training loop: batches of about one length, accumulation, clipping, schedules, early stopping, and
//! checkpoints from which a killed run goes on to the same bytes.

use std::path::PathBuf;

use burn_tensor::{Device, Tensor};
use rand::seq::SliceRandom;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use specialist_core::Context;

use crate::error::{self, Error, Result};
use crate::layers::{Dropout, Pass};
use crate::lora::Lora;
use crate::optim::{AdamW, Gradients, Schedule, clip, decays};
use crate::params::{Param, Params};

/// What is to be learned.
pub trait Task: Sync {
    /// How many examples there are.
    fn examples(&self) -> usize;

    /// Tokens of an example: examples of about one length share a batch.
    fn length(&self, example: usize) -> usize;

    /// The mean loss over `examples`, one number.
    fn loss(&self, pass: &Pass<'_>, examples: &[usize]) -> Tensor<1>;

    /// What an example counts in that mean; none where the loss is of the examples together, so that they must be
    /// computed together.
    fn weight(&self, _example: usize) -> Option<f64> {
        Some(1.0)
    }
}

/// How to train.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Training {
    /// Passes over the examples.
    pub epochs: usize,
    /// Steps, if fewer than the epochs have; 0: all of them.
    pub most_steps: usize,
    /// Examples a step.
    pub batch: usize,
    /// Parts that a step's examples are computed in, one after the other, to save memory.
    pub accumulate: usize,
    /// The largest rate.
    pub rate: f64,
    /// How the rate falls.
    pub schedule: Schedule,
    /// Share of the steps in which the rate rises.
    pub warmup: f64,
    /// Decoupled weight decay.
    pub decay: f64,
    /// Largest norm of the gradient; 0: any.
    pub clip: f64,
    /// Epochs without a better validation after which training stops; 0: never.
    pub patience: usize,
    /// Whether units are dropped at the config's rate.
    pub dropout: bool,
}

impl Default for Training {
    fn default() -> Self {
        Self {
            epochs: 3,
            most_steps: 0,
            batch: 16,
            accumulate: 1,
            rate: 2e-4,
            schedule: Schedule::Linear,
            warmup: 0.1,
            decay: 0.01,
            clip: 1.0,
            patience: 0,
            dropout: true,
        }
    }
}

/// Where a run keeps what it needs to go on after it was killed.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    /// The file.
    pub file: PathBuf,
    /// Steps between two writes.
    pub every: usize,
    /// What the run is; a checkpoint of another run is refused.
    pub job: String,
}

/// What training came to.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Curve {
    /// The training loss of every step.
    pub loss: Vec<f64>,
    /// Step and validation loss, an epoch each.
    pub validation: Vec<(usize, f64)>,
    /// Epoch (from 0) whose parameters were kept.
    pub best: Option<usize>,
}

/// How fast a parameter learns in an epoch (from 0), as a factor on the rate; 0 keeps it frozen.
pub type Scope<'a> = &'a (dyn Fn(&str, usize) -> f64 + Sync);
/// A loss on rows that nothing is trained on.
pub type Validation<'a> = &'a dyn Fn(&Params) -> Result<f64>;

/// A run of training.
pub struct Trainer<'a> {
    /// What is learned.
    pub task: &'a dyn Task,
    /// How.
    pub settings: &'a Training,
    /// What may change.
    pub scope: Scope<'a>,
    /// The adapter, if it is among the parameters.
    pub lora: Option<&'a Lora>,
    /// Judges every epoch.
    pub validation: Option<Validation<'a>>,
    /// Where to keep the state.
    pub checkpoint: Option<Checkpoint>,
}

/// Batches whose lengths are sorted together.
const POOL: usize = 32;
/// Parts of a step that are computed side by side, for what a single operation does on one thread; as many on any
/// number of threads, so that the result is the same.
const SIDE_BY_SIDE: usize = 2;
/// Fewer examples a part are not worth it.
const FEWEST: usize = 4;

struct State {
    step: usize,
    optimizer: AdamW,
    curve: Curve,
    best: Option<(f64, Params)>,
    since: usize,
}

impl Trainer<'_> {
    /// Trains `params` in place.
    ///
    /// # Errors
    /// [`Error::Diverged`], [`Error::Checkpoint`], or when the run is cancelled.
    pub fn run(&self, params: &mut Params, ctx: &Context) -> Result<Curve> {
        let s = self.settings;
        let per_epoch = self.task.examples().div_ceil(s.batch.max(1)).max(1);
        let steps = match s.most_steps {
            0 => per_epoch * s.epochs,
            most => most.min(per_epoch * s.epochs),
        };
        let mut state = self.start(params)?;
        ctx.observer().begin("train", steps);
        (0..state.step).for_each(|_| ctx.observer().step(None));
        let mut order = (usize::MAX, Vec::new());
        while state.step < steps {
            ctx.check()?;
            let (epoch, at) = (state.step / per_epoch, state.step % per_epoch);
            if order.0 != epoch {
                order = (epoch, self.order(epoch, ctx));
            }
            let factor = s.schedule.factor(state.step, steps, s.warmup);
            let loss = self.step(params, &mut state, &order.1[at], epoch, s.rate * factor, ctx)?;
            ctx.observer().step(Some(&format!("loss {loss:.3}")));
            if (at + 1 == per_epoch || state.step == steps) && self.validate(params, &mut state, epoch)? {
                break;
            }
            if let Some(c) =
                self.checkpoint.as_ref().filter(|c| state.step.is_multiple_of(c.every.max(1)) && state.step < steps)
            {
                self.save(c, params, &state)?;
            }
        }
        ctx.observer().end();
        if let Some((_, best)) = state.best {
            params.extend(best);
        }
        if let Some(c) = &self.checkpoint {
            std::fs::remove_file(&c.file).ok();
        }
        Ok(state.curve)
    }

    /// The batches of an epoch: a function of the seed and the epoch.
    fn order(&self, epoch: usize, ctx: &Context) -> Vec<Vec<usize>> {
        let mut rng = ctx.rng(&format!("epoch {epoch}"));
        let mut all: Vec<usize> = (0..self.task.examples()).collect();
        all.shuffle(&mut rng);
        let batch = self.settings.batch.max(1);
        let mut out = Vec::new();
        for pool in all.chunks_mut(batch * POOL) {
            pool.sort_by_key(|&e| self.task.length(e));
            out.extend(pool.chunks(batch).map(<[usize]>::to_vec));
        }
        out.shuffle(&mut rng);
        out
    }

    fn step(
        &self,
        params: &mut Params,
        state: &mut State,
        batch: &[usize],
        epoch: usize,
        rate: f64,
        ctx: &Context,
    ) -> Result<f64> {
        let s = self.settings;
        let seed = ctx.seed() ^ (state.step as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let (loss, mut gradients) = self.gradients(params, batch, epoch, s.dropout.then_some(seed));
        if !loss.is_finite() {
            return Err(Error::Diverged { step: state.step });
        }
        clip(&mut gradients, s.clip);
        let decay = |name: &str| if decays(name) { s.decay } else { 0.0 };
        state.optimizer.step(params, &gradients, |name| (rate * (self.scope)(name, epoch), decay(name)));
        state.step += 1;
        state.curve.loss.push(loss);
        Ok(loss)
    }

    /// The mean loss over `batch` and its gradient for every parameter in scope.
    #[must_use]
    pub fn gradients(&self, params: &Params, batch: &[usize], epoch: usize, dropout: Option<u64>) -> (f64, Gradients) {
        let open: Vec<&String> =
            params.iter().map(|(n, _)| n).filter(|n| (self.scope)(n.as_str(), epoch) > 0.0).collect();
        let (task, lora) = (self.task, self.lora);
        let weight = |part: &[usize]| part.iter().map(|&e| task.weight(e).unwrap_or(1.0)).sum::<f64>();
        let whole = weight(batch);
        let one = |(i, part): (usize, &[usize])| {
            let mut live = params.clone();
            open.iter().for_each(|name| live.insert(name, params.get(name).expect("it is there").tracked()));
            let dropout = dropout.map(|seed| Dropout::new(seed ^ ((i as u64) << 32)));
            let loss = task.loss(&Pass { params: &live, lora, dropout }, part) * (weight(part) / whole);
            let mut grads = loss.backward();
            let loss = loss.inner().into_data().try_into_vec::<f32>().expect("a loss is f32")[0];
            let gradient = |name: &&String| {
                let data = match live.get(name).expect("it was put there") {
                    Param::Vector(t) => t.grad_remove(&mut grads).map(Tensor::into_data),
                    Param::Matrix(t) => t.grad_remove(&mut grads).map(Tensor::into_data),
                };
                Some(((*name).clone(), data?.try_into_vec::<f32>().expect("gradients are f32")))
            };
            (f64::from(loss), open.iter().filter_map(gradient).collect::<Vec<_>>())
        };
        let (mut total, mut sums) = (0.0, Gradients::new());
        for (k, part) in batch.chunks(batch.len().div_ceil(self.settings.accumulate.max(1)).max(1)).enumerate() {
            let separable = part.iter().all(|&e| task.weight(e).is_some()) && part.len() >= SIDE_BY_SIDE * FEWEST;
            let size = if separable { part.len().div_ceil(SIDE_BY_SIDE) } else { part.len() };
            let parts: Vec<(usize, &[usize])> =
                part.chunks(size).enumerate().map(|(i, p)| (SIDE_BY_SIDE * k + i, p)).collect();
            for (loss, gradients) in parts.into_par_iter().map(one).collect::<Vec<_>>() {
                total += loss;
                for (name, gradient) in gradients {
                    match sums.get_mut(&name) {
                        Some(sum) => sum.iter_mut().zip(&gradient).for_each(|(a, b)| *a += b),
                        None => drop(sums.insert(name, gradient)),
                    }
                }
            }
        }
        (total, sums)
    }

    /// Judges the epoch; returns whether to stop.
    fn validate(&self, params: &Params, state: &mut State, epoch: usize) -> Result<bool> {
        let Some(validation) = self.validation else { return Ok(false) };
        let loss = validation(params)?;
        state.curve.validation.push((state.step, loss));
        if state.best.as_ref().is_none_or(|b| loss < b.0) {
            let kept = params.only(|n| (0..=epoch).any(|e| (self.scope)(n, e) > 0.0));
            // Own copies: a tensor shared with the run would be copied at every step.
            let mut own = Params::default();
            for (name, p) in kept.iter() {
                own.insert(name, Param::new(&p.shape(), p.clone().into_values(), &p.device()));
            }
            (state.best, state.curve.best, state.since) = (Some((loss, own)), Some(epoch), 0);
        } else {
            state.since += 1;
        }
        Ok(self.settings.patience > 0 && state.since >= self.settings.patience)
    }

    fn save(&self, c: &Checkpoint, params: &Params, state: &State) -> Result<()> {
        let Some(device) = params.iter().next().map(|(_, p)| p.device()) else { return Ok(()) };
        let mut all = Params::default();
        let vector = |v: &[f32]| Param::new(&[v.len()], v.to_vec(), &device);
        for (name, (m, v)) in &state.optimizer.moments {
            all.insert(&format!("param/{name}"), params.get(name).expect("it was trained").clone());
            all.insert(&format!("first/{name}"), vector(m));
            all.insert(&format!("second/{name}"), vector(v));
        }
        if let Some((_, best)) = &state.best {
            best.iter().for_each(|(name, p)| all.insert(&format!("best/{name}"), p.clone()));
        }
        let json = serde_json::to_string(&Saved {
            step: state.step,
            curve: state.curve.clone(),
            best: state.best.as_ref().map(|b| b.0),
            since: state.since,
        });
        let metadata = [("job".to_string(), self.job(c)), ("state".to_string(), json.expect("plain data"))].into();
        error::write(&c.file, &all.to_safetensors(&metadata))
    }

    fn job(&self, c: &Checkpoint) -> String {
        let settings = serde_json::to_string(self.settings).expect("plain data");
        format!("{} {settings} {} examples", c.job, self.task.examples())
    }

    fn start(&self, params: &mut Params) -> Result<State> {
        let mut state = State { step: 0, optimizer: AdamW::default(), curve: Curve::default(), best: None, since: 0 };
        let Some(c) = self.checkpoint.as_ref().filter(|c| c.file.exists()) else { return Ok(state) };
        let device = params.iter().next().map_or_else(Device::flex, |(_, p)| p.device());
        let (folder, name) = (c.file.parent().unwrap_or(&c.file), c.file.file_name().unwrap_or_default());
        let name = name.to_string_lossy();
        let (_, bytes) = error::read(folder, &name, 64 << 30)?;
        let damaged = |e: &dyn std::fmt::Display| Error::format(&c.file, format!("not a whole checkpoint ({e})"));
        let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).map_err(|e| damaged(&e))?;
        let metadata = header.metadata().clone().unwrap_or_default();
        if metadata.get("job") != Some(&self.job(c)) {
            let what = "its settings or its data are others".into();
            return Err(Error::Checkpoint { file: c.file.display().to_string(), what });
        }
        let saved: Saved =
            serde_json::from_str(metadata.get("state").map_or("", String::as_str)).map_err(|e| damaged(&e))?;
        let mut best = Params::default();
        for (name, param) in Params::read(folder, &name, &device)?.iter() {
            match name.split_once('/') {
                Some(("param", n)) => params.insert(n, param.clone()),
                Some(("first", n)) => {
                    state.optimizer.moments.entry(n.into()).or_default().0 = param.clone().into_values();
                }
                Some(("second", n)) => {
                    state.optimizer.moments.entry(n.into()).or_default().1 = param.clone().into_values();
                }
                Some(("best", n)) => best.insert(n, param.clone()),
                _ => {}
            }
        }
        (state.step, state.optimizer.steps, state.since) = (saved.step, saved.step, saved.since);
        state.curve = saved.curve;
        state.best = saved.best.map(|loss| (loss, best));
        Ok(state)
    }
}

#[derive(Serialize, Deserialize)]
struct Saved {
    step: usize,
    curve: Curve,
    best: Option<f64>,
    since: usize,
}

/// Rate and smoothed loss while the rate rises exponentially from `from` to `to`, and the rate where the loss
/// falls fastest (Smith 2017): a tenth of where it turns up is the usual choice, and this is close to it.
///
/// # Errors
/// When the run is cancelled.
pub fn find_rate(
    trainer: &Trainer<'_>,
    params: &Params,
    range: (f64, f64),
    steps: usize,
    ctx: &Context,
) -> Result<(Vec<(f64, f64)>, f64)> {
    let mut params = params.clone();
    let mut optimizer = AdamW::default();
    let batches = trainer.order(0, ctx);
    let (mut curve, mut smooth, mut lowest): (Vec<(f64, f64)>, f64, f64) = (Vec::new(), 0.0, f64::INFINITY);
    for i in 0..steps {
        ctx.check()?;
        let rate = range.0 * (range.1 / range.0).powf(i as f64 / (steps.max(2) - 1) as f64);
        let (loss, mut gradients) = trainer.gradients(&params, &batches[i % batches.len()], 0, None);
        smooth = 0.9 * smooth + 0.1 * loss;
        let value = smooth / (1.0 - 0.9f64.powi(i as i32 + 1));
        if !loss.is_finite() || value > 4.0 * lowest {
            break;
        }
        lowest = lowest.min(value);
        curve.push((rate, value));
        clip(&mut gradients, trainer.settings.clip);
        optimizer.step(&mut params, &gradients, |name| (rate * (trainer.scope)(name, 0), 0.0));
    }
    let fall = |w: &[(f64, f64)]| (w[1].1 - w[0].1) / (w[1].0 / w[0].0).ln();
    let steepest = curve.windows(2).min_by(|a, b| fall(a).total_cmp(&fall(b))).map_or(range.0, |w| w[0].0);
    Ok((curve, steepest))
}
