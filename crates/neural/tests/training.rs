//! Early stopping, layers that thaw one by one, the rate finder, and drawn texts.

use std::cell::Cell;
use std::path::Path;

use specialist_core::Context;
use specialist_neural::config::Problem;
use specialist_neural::encoder::depth;
use specialist_neural::generate::{Decoding, Sampling};
use specialist_neural::optim::Schedule;
use specialist_neural::tasks::{Classification, Head, TextToText};
use specialist_neural::train::{Task, Trainer, Training, find_rate};
use specialist_neural::{Device, Encoder, Param, Params, Pass, T5, Tensor};

fn fixture(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn encoder() -> (Encoder, Params, Vec<Vec<u32>>, Vec<Vec<f32>>) {
    let model = Encoder::read(&fixture("bert-encoder-tiny"), &Device::flex()).unwrap();
    let mut params = model.params.clone();
    let width = model.config.width;
    params.insert("classifier.weight", Param::new(&[2, width], vec![0.0; 2 * width], &Device::flex()));
    params.insert("classifier.bias", Param::new(&[2], vec![0.0; 2], &Device::flex()));
    let texts = (0..16).map(|i| vec![2, 5 + i % 7, 9 + i % 5, 3]).collect();
    let labels = (0..16).map(|i| if i % 7 < 3 { vec![1.0, 0.0] } else { vec![0.0, 1.0] }).collect();
    (model, params, texts, labels)
}

fn task<'a>(model: &'a Encoder, texts: &'a [Vec<u32>], labels: &'a [Vec<f32>]) -> Classification<'a> {
    let problem = Problem::SingleLabelClassification;
    Classification { config: &model.config, head: Head::Mean, problem, texts, labels, device: Device::flex() }
}

fn values(params: &Params, name: &str) -> Vec<f32> {
    params.get(name).unwrap().clone().into_values()
}

#[test]
fn training_stops_early_and_keeps_the_best_epoch() {
    let (model, mut params, texts, labels) = encoder();
    let task = task(&model, &texts, &labels);
    let settings = Training { epochs: 20, batch: 8, rate: 1e-2, patience: 2, dropout: false, ..Training::default() };
    let seen = Cell::new(0);
    let kept = Cell::new(Vec::new());
    // The second epoch is the best, whatever the model does.
    let validation = |p: &Params| {
        seen.set(seen.get() + 1);
        if seen.get() == 2 {
            kept.set(values(p, "classifier.weight"));
        }
        Ok(f64::abs(seen.get() as f64 - 2.0))
    };
    let trainer = Trainer {
        task: &task,
        settings: &settings,
        scope: &|_, _| 1.0,
        lora: None,
        validation: Some(&validation),
        checkpoint: None,
    };
    let curve = trainer.run(&mut params, &Context::new(1, 1)).unwrap();
    assert_eq!((seen.get(), curve.best, curve.loss.len()), (4, Some(1), 8));
    assert_eq!(values(&params, "classifier.weight"), kept.take());
    assert!(curve.loss[7] < curve.loss[0], "{:?}", curve.loss);
}

/// A task whose examples may not be parted.
struct Together<'a>(TextToText<'a>);

impl Task for Together<'_> {
    fn examples(&self) -> usize {
        self.0.examples()
    }
    fn length(&self, example: usize) -> usize {
        self.0.length(example)
    }
    fn loss(&self, pass: &Pass<'_>, examples: &[usize]) -> Tensor<1> {
        self.0.loss(pass, examples)
    }
    fn weight(&self, _: usize) -> Option<f64> {
        None
    }
}

#[test]
fn a_batch_in_parts_has_the_gradient_of_the_whole() {
    let model = T5::read(&fixture("t5-tiny"), &Device::flex()).unwrap();
    let ids = |n: usize, from: u32| (0..n as u32).map(|i| 3 + (from + 7 * i) % 40).collect::<Vec<u32>>();
    let sources: Vec<Vec<u32>> = (0..11).map(|i| ids(3 + i % 5, i as u32)).collect();
    let targets: Vec<Vec<u32>> = (0..11).map(|i| ids(1 + i % 7, 2 * i as u32)).collect();
    let pairs = || TextToText { config: &model.config, sources: &sources, targets: &targets, device: Device::flex() };
    let all: Vec<usize> = (0..11).collect();
    let of =
        |task: &dyn Task, accumulate: usize| {
            let settings = Training { accumulate, ..Training::default() };
            let scope = |_: &str, _: usize| 1.0;
            Trainer { task, settings: &settings, scope: &scope, lora: None, validation: None, checkpoint: None }
                .gradients(&model.params, &all, 0, None)
        };
    let whole = of(&Together(pairs()), 1);
    for accumulate in [1, 3] {
        let parts = of(&pairs(), accumulate);
        assert!((parts.0 - whole.0).abs() < 1e-5, "{} {}", parts.0, whole.0);
        assert_eq!(parts.1.len(), whole.1.len());
        for (name, g) in &whole.1 {
            let worst = g.iter().zip(&parts.1[name]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst < 1e-5, "{name} {worst}");
        }
    }
}

#[test]
fn layers_thaw_from_the_top() {
    let (model, mut params, texts, labels) = encoder();
    let before = params.clone();
    let task = task(&model, &texts, &labels);
    let settings = Training { epochs: 2, batch: 16, rate: 1e-2, schedule: Schedule::Constant, ..Training::default() };
    let top = model.config.layers + 1;
    let scope = |name: &str, epoch: usize| if depth(&model.config, name) + epoch >= top { 1.0 } else { 0.0 };
    let trainer =
        Trainer { task: &task, settings: &settings, scope: &scope, lora: None, validation: None, checkpoint: None };
    trainer.run(&mut params, &Context::new(1, 1)).unwrap();
    let moved = |name: &str| values(&params, name) != values(&before, name);
    assert!(moved("classifier.weight") && moved("encoder.layer.1.output.dense.weight"));
    assert!(!moved("encoder.layer.0.output.dense.weight") && !moved("embeddings.word_embeddings.weight"));
}

#[test]
fn the_rate_finder_leaves_the_model_alone() {
    let (model, params, texts, labels) = encoder();
    let before = values(&params, "classifier.weight");
    let task = task(&model, &texts, &labels);
    let settings = Training { batch: 8, ..Training::default() };
    let trainer = Trainer {
        task: &task,
        settings: &settings,
        scope: &|_, _| 1.0,
        lora: None,
        validation: None,
        checkpoint: None,
    };
    let (curve, rate) = find_rate(&trainer, &params, (1e-6, 1.0), 40, &Context::new(1, 1)).unwrap();
    assert!(curve.len() > 10 && curve.is_sorted_by(|a, b| a.0 < b.0));
    // Far from the ends: nothing is learned at the smallest rate, and the largest breaks the model.
    assert!((1e-5..0.5).contains(&rate), "{rate}");
    assert_eq!(values(&params, "classifier.weight"), before);
}

#[test]
fn a_cold_draw_is_greedy_and_a_warm_one_is_not() {
    let model = T5::read(&fixture("t5-tiny"), &Device::flex()).unwrap();
    let sources = vec![vec![10, 20, 30, 1], vec![15, 25, 1]];
    let write = |sample: Option<Sampling>, seed| {
        let how = Decoding { longest: 10, sample, ..Decoding::default() };
        model.generate(None, &sources, &how, &Context::new(seed, 1)).unwrap()
    };
    let draw = |temperature, top_k, top_p| Some(Sampling { temperature, top_k, top_p });
    let greedy = write(None, 1);
    assert_eq!(write(draw(1e-4, 0, 1.0), 1), greedy);
    assert_eq!(write(draw(1.0, 1, 1.0), 1), greedy);
    assert_eq!(write(draw(1.0, 0, 1e-6), 1), greedy);
    assert_ne!(write(draw(5.0, 0, 1.0), 1), greedy);
    assert_eq!(write(draw(5.0, 0, 1.0), 1), write(draw(5.0, 0, 1.0), 1));
}
