//! Every architecture against `transformers` and `peft`: tiny models with random weights, made by
//! tests/reference/make_neural_fixtures.py (versions there), and what Python computed from them.

use std::path::{Path, PathBuf};

use serde_json::Value;
use specialist_core::Context;
use specialist_neural::config::{EncoderConfig, Problem};
use specialist_neural::generate::Decoding;
use specialist_neural::lora::Naming;
use specialist_neural::optim::AdamW;
use specialist_neural::tasks::{Classification, Head, TextToText, logits, loss_of};
use specialist_neural::train::{Task, Trainer, Training};
use specialist_neural::{Batch, Device, Encoder, Lora, Params, Pass, T5, Tensor, TensorData};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn json(path: impl AsRef<Path>) -> Value {
    serde_json::from_slice(&std::fs::read(folder(path.as_ref().to_str().unwrap())).unwrap()).unwrap()
}

fn numbers(v: &Value) -> Vec<f64> {
    match v {
        Value::Array(all) => all.iter().flat_map(numbers).collect(),
        v => vec![v.as_f64().unwrap()],
    }
}

/// Rows of ids without their padding.
fn rows(ids: &Value, mask: &Value) -> Vec<Vec<u32>> {
    let row = |(i, m): (&Value, &Value)| {
        let keep = numbers(m);
        numbers(i).iter().zip(keep).filter(|(_, m)| *m == 1.0).map(|(i, _)| *i as u32).collect()
    };
    ids.as_array().unwrap().iter().zip(mask.as_array().unwrap()).map(row).collect()
}

fn views(rows: &[Vec<u32>]) -> Vec<&[u32]> {
    rows.iter().map(Vec::as_slice).collect()
}

fn values<const D: usize>(t: Tensor<D>) -> Vec<f64> {
    t.into_data().try_into_vec::<f32>().unwrap().into_iter().map(f64::from).collect()
}

fn batch(expected: &Value, pad: u32) -> (Batch, Vec<Vec<u32>>) {
    let ids = rows(&expected["input_ids"], &expected["attention_mask"]);
    let mut batch = Batch::new(&views(&ids), pad, &Device::flex());
    if !expected["token_type_ids"].is_null() {
        let types = rows(&expected["token_type_ids"], &expected["attention_mask"]);
        batch = batch.with_types(&views(&types));
    }
    (batch, ids)
}

fn close(what: &str, ours: &[f64], theirs: &[f64], tolerance: f64) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    let worst = ours.iter().zip(theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(worst < tolerance, "{what}: {worst}");
}

/// The hidden states of tokens only: what padding holds is nobody's business.
fn without_padding(states: &[f64], mask: &[f32]) -> Vec<f64> {
    let width = states.len() / mask.len();
    states.chunks(width).zip(mask).filter(|(_, m)| **m == 1.0).flat_map(|(s, _)| s.to_vec()).collect()
}

#[test]
fn encoders_equal_transformers() {
    for name in [
        "bert-tiny",
        "bert-encoder-tiny",
        "distilbert-tiny",
        "roberta-tiny",
        "bert-multilabel-tiny",
        "bert-regression-tiny",
    ] {
        let model = Encoder::read(&folder(name), &Device::flex()).unwrap();
        let expected = json(format!("{name}/expected.json"));
        let (batch, ids) = batch(&expected, model.config.pad);
        for (text, ids) in expected["texts"].as_array().unwrap().iter().zip(&ids) {
            if let Some(text) = text.as_str() {
                assert_eq!(&model.tokenizer.encode(text, 512).unwrap(), ids, "{name}");
            }
        }
        let pass = Pass::predict(&model.params, None);
        if !expected["last_hidden_state"].is_null() {
            let ours = without_padding(&values(model.hidden(&pass, &batch)), &batch.mask);
            close(name, &ours, &numbers(&expected["last_hidden_state"]), 1e-4);
        }
        if !expected["mean_pooled"].is_null() {
            close(name, &values(model.pooled(&pass, &batch)), &numbers(&expected["mean_pooled"]), 1e-4);
        }
        if !expected["logits"].is_null() {
            close(name, &values(model.logits(&pass, &batch)), &numbers(&expected["logits"]), 1e-4);
        }
    }
}

fn labels(expected: &Value, config: &EncoderConfig, problem: Problem) -> Vec<Vec<f32>> {
    let one = |l: &Value| match problem {
        Problem::SingleLabelClassification => {
            (0..config.labels.len()).map(|i| f32::from(u8::from(l.as_u64() == Some(i as u64)))).collect()
        }
        _ => numbers(l).iter().map(|&x| x as f32).collect(),
    };
    expected["labels"].as_array().unwrap().iter().map(one).collect()
}

/// A task that keeps the fixture's batch as it is: pairs have token types.
struct Fixed<'a>(Classification<'a>, Batch);

impl Task for Fixed<'_> {
    fn examples(&self) -> usize {
        self.0.examples()
    }
    fn length(&self, example: usize) -> usize {
        self.0.length(example)
    }
    fn loss(&self, pass: &Pass<'_>, _: &[usize]) -> Tensor<1> {
        let labels: Vec<f32> = self.0.labels.concat();
        let labels =
            Tensor::<2>::from_data(TensorData::new(labels, [self.1.rows, self.0.labels[0].len()]), &Device::flex());
        let logits = logits(self.0.config, self.0.head, pass, &self.1);
        loss_of(self.0.problem, logits, labels)
    }
}

#[test]
fn losses_equal_transformers() {
    for name in ["distilbert-tiny", "roberta-tiny"] {
        let model = Encoder::read(&folder(name), &Device::flex()).unwrap();
        let expected = json(format!("{name}/expected.json"));
        let (_, ids) = batch(&expected, model.config.pad);
        let problem = Problem::SingleLabelClassification;
        let labels = labels(&expected, &model.config, problem);
        let task = Classification {
            config: &model.config,
            head: Head::FirstToken,
            problem,
            texts: &ids,
            labels: &labels,
            device: Device::flex(),
        };
        let all: Vec<usize> = (0..ids.len()).collect();
        let loss = values(task.loss(&Pass::predict(&model.params, None), &all));
        close(name, &loss, &numbers(&expected["loss"]), 1e-4);
    }
    for (name, problem) in
        [("bert-multilabel-tiny", Problem::MultiLabelClassification), ("bert-regression-tiny", Problem::Regression)]
    {
        let model = Encoder::read(&folder(name), &Device::flex()).unwrap();
        assert!(model.config.problem.is_none_or(|p| p == problem), "{name}");
        let expected = json(format!("{name}/expected.json"));
        let logits = numbers(&expected["logits"]);
        let labels: Vec<f64> = numbers(&expected["labels"]);
        let loss = loss_of(
            problem,
            Tensor::<2>::from_data(
                TensorData::new(logits.iter().map(|&x| x as f32).collect(), [labels.len(), 1]),
                &Device::flex(),
            ),
            Tensor::<2>::from_data(
                TensorData::new(labels.iter().map(|&x| x as f32).collect(), [labels.len(), 1]),
                &Device::flex(),
            ),
        );
        close(name, &values(loss), &numbers(&expected["loss"]), 1e-5);
    }
}

fn bert_task<'a>(model: &'a Encoder, expected: &Value, ids: &'a [Vec<u32>], labels: &'a [Vec<f32>]) -> Fixed<'a> {
    let (batch, _) = batch(expected, model.config.pad);
    let problem = Problem::SingleLabelClassification;
    Fixed(
        Classification {
            config: &model.config,
            head: Head::FirstToken,
            problem,
            texts: ids,
            labels,
            device: Device::flex(),
        },
        batch,
    )
}

static DEFAULT: std::sync::LazyLock<Training> = std::sync::LazyLock::new(Training::default);

/// A training of all parameters.
fn everything<'a>(task: &'a dyn Task) -> Trainer<'a> {
    Trainer { task, settings: &DEFAULT, scope: &|_, _| 1.0, lora: None, validation: None, checkpoint: None }
}

#[test]
fn gradients_equal_pytorch() {
    let model = Encoder::read(&folder("bert-tiny"), &Device::flex()).unwrap();
    let expected = json("gradients.json");
    let (_, ids) = batch(&expected, 0);
    let labels = labels(&expected, &model.config, Problem::SingleLabelClassification);
    let task = bert_task(&model, &expected, &ids, &labels);
    let trainer = everything(&task);
    let (loss, gradients) = trainer.gradients(&model.params, &[0, 1, 2, 3, 4, 5], 0, None);
    close("loss", &[loss], &numbers(&expected["loss"]), 1e-5);
    for (name, theirs) in expected["gradient"].as_object().unwrap() {
        let ours: Vec<f64> =
            gradients[name.strip_prefix("bert.").unwrap_or(name)].iter().map(|&x| f64::from(x)).collect();
        close(name, &ours, &numbers(theirs), 1e-4);
    }
    for (name, theirs) in expected["norm"].as_object().unwrap() {
        let gradient = &gradients[name.strip_prefix("bert.").unwrap_or(name)];
        let norm = gradient.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
        let theirs = theirs.as_f64().unwrap();
        assert!((norm - theirs).abs() < 1e-4 * theirs.max(1.0), "{name}: {norm} {theirs}");
    }
}

#[test]
fn gradients_equal_finite_differences() {
    let model = Encoder::read(&folder("bert-tiny"), &Device::flex()).unwrap();
    let expected = json("gradients.json");
    let (_, ids) = batch(&expected, 0);
    let labels = labels(&expected, &model.config, Problem::SingleLabelClassification);
    let task = bert_task(&model, &expected, &ids, &labels);
    let trainer = everything(&task);
    let (_, gradients) = trainer.gradients(&model.params, &[0, 1, 2, 3, 4, 5], 0, None);
    for name in [
        "encoder.layer.0.attention.self.key.weight",
        "encoder.layer.1.intermediate.dense.weight",
        "embeddings.LayerNorm.weight",
    ] {
        // Along the gradient itself the loss must change by the gradient's squared norm.
        let g = &gradients[name];
        let square: f64 = g.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
        let loss_at = |h: f64| {
            let mut params = model.params.clone();
            let p = params.get(name).unwrap().clone();
            let moved = p.clone().into_values().iter().zip(g).map(|(v, d)| v + (h * f64::from(*d)) as f32).collect();
            params.insert(name, specialist_neural::Param::new(&p.shape(), moved, &Device::flex()));
            values(task.loss(&Pass::predict(&params, None), &[]))[0]
        };
        let h = 2e-3 / square.sqrt();
        let slope = (loss_at(h) - loss_at(-h)) / (2.0 * h);
        assert!((slope - square).abs() < 0.01 * square, "{name}: {slope} against {square}");
    }
}

#[test]
fn adamw_equals_pytorch() {
    let model = Encoder::read(&folder("bert-tiny"), &Device::flex()).unwrap();
    let expected = json("adamw.json");
    let (_, ids) = batch(&expected, 0);
    let labels = labels(&expected, &model.config, Problem::SingleLabelClassification);
    let task = bert_task(&model, &expected, &ids, &labels);
    let trainer = everything(&task);
    let (mut params, mut optimizer, mut losses) = (model.params.clone(), AdamW::default(), Vec::new());
    for step in 0..=3 {
        let (loss, gradients) = trainer.gradients(&params, &[0, 1, 2, 3, 4, 5], 0, None);
        losses.push(loss);
        if step < 3 {
            optimizer.step(&mut params, &gradients, |_| (1e-2, 0.01));
        }
    }
    close("losses", &losses, &numbers(&expected["losses"]), 1e-4);
    let ours: Vec<f64> =
        params.get("classifier.weight").unwrap().clone().into_values().iter().map(|&x| f64::from(x)).collect();
    close("classifier.weight", &ours, &numbers(&expected["classifier_weight"]), 1e-4);
}

fn targets(expected: &Value) -> Vec<Vec<u32>> {
    let kept = |l: &Value| numbers(l).into_iter().filter(|&x| x >= 0.0).map(|x| x as u32).collect();
    expected["labels"].as_array().unwrap().iter().map(kept).collect()
}

/// The logits at every target token, padding left out.
fn teacher_forced(model: &T5, pass: &Pass<'_>, source: &Batch, targets: &[Vec<u32>]) -> Vec<f64> {
    let shifted: Vec<Vec<u32>> = targets
        .iter()
        .map(|t| std::iter::once(model.config.start).chain(t[..t.len() - 1].iter().copied()).collect())
        .collect();
    let inputs = Batch::new(&views(&shifted), model.config.pad, &Device::flex());
    without_padding(&values(model.logits(pass, source, &inputs.ids)), &inputs.mask)
}

#[test]
fn t5_equals_transformers() {
    for name in ["t5-tiny", "flan-t5-tiny"] {
        let model = T5::read(&folder(name), &Device::flex()).unwrap();
        let expected = json(format!("{name}/expected.json"));
        let (source, ids) = batch(&expected, model.config.pad);
        for (text, ids) in expected["texts"].as_array().unwrap().iter().zip(&ids) {
            assert_eq!(&model.tokenizer.encode(text.as_str().unwrap(), 512).unwrap(), ids, "{name}");
        }
        let pass = Pass::predict(&model.params, None);
        let targets = targets(&expected);
        let n = targets.len();
        close(name, &teacher_forced(&model, &pass, &source, &targets), &numbers(&expected["logits"]), 1e-4);
        let task = TextToText { config: &model.config, sources: &ids, targets: &targets, device: Device::flex() };
        let all: Vec<usize> = (0..n).collect();
        close(name, &values(task.loss(&pass, &all)), &numbers(&expected["loss"]), 1e-4);
        for case in expected["generate"].as_array().unwrap() {
            // Stopping as soon as enough beams have ended, and penalties on single tokens, are not built in.
            if case["early_stopping"] == true || !case["repetition_penalty"].is_null() {
                continue;
            }
            let s = case;
            let number = |key: &str, default: u64| s[key].as_u64().unwrap_or(default) as usize;
            let how = Decoding {
                longest: number("max_new_tokens", 12),
                beams: number("num_beams", 1),
                length_penalty: s["length_penalty"].as_f64().unwrap_or(1.0),
                no_repeat: number("no_repeat_ngram_size", 0),
                sample: None,
            };
            let ours = model.generate(None, &ids, &how, &Context::new(1, 1)).unwrap();
            let theirs: Vec<Vec<u32>> = case["sequences"]
                .as_array()
                .unwrap()
                .iter()
                .map(|ids| {
                    numbers(ids).into_iter().map(|x| x as u32).skip(1).take_while(|&i| i != model.config.eos).collect()
                })
                .collect();
            assert_eq!(ours, theirs, "{name} {how:?}");
        }
    }
}

#[test]
fn adapters_equal_peft_both_ways() {
    let device = Device::flex();
    let model = Encoder::read(&folder("bert-tiny"), &device).unwrap();
    let naming = Naming::Classifier(model.config.family);
    let expected = json("bert-tiny-lora/expected.json");
    let (batch, _) = batch(&expected, 0);
    let (lora, adapter) = Lora::read(&folder("bert-tiny-lora"), naming, &device).unwrap();
    lora.fit(&model.params, &adapter, &folder("bert-tiny-lora")).unwrap();
    let mut params = model.params.clone();
    params.extend(adapter.clone());
    let logits = |params: &Params, lora: Option<&Lora>| values(model.logits(&Pass::predict(params, lora), &batch));
    close("adapted", &logits(&params, Some(&lora)), &numbers(&expected["logits"]), 1e-4);
    let mut merged = params.clone();
    lora.merge(&mut merged, &device);
    close("merged", &logits(&merged, None), &numbers(&expected["logits_merged"]), 1e-4);
    let only = adapter.only(Lora::owns);
    lora.unmerge(&mut merged, &only, &device);
    let name = "encoder.layer.0.attention.self.query.weight";
    let back =
        |p: &Params| p.get(name).unwrap().clone().into_values().iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
    close("unmerged", &back(&merged), &back(&model.params), 1e-6);
    // What we save is what peft saved, tensor by tensor; tests/reference/check_peft.py opens it in Python.
    let temp = tempfile::tempdir().unwrap();
    lora.save(&params, naming, "bert-tiny", temp.path()).unwrap();
    let theirs = Params::read(&folder("bert-tiny-lora"), "adapter_model.safetensors", &device).unwrap();
    let ours = Params::read(temp.path(), "adapter_model.safetensors", &device).unwrap();
    let names = |p: &Params| p.iter().map(|(n, p)| (n.clone(), p.clone().into_values())).collect::<Vec<_>>();
    assert_eq!(names(&ours), names(&theirs));

    let t5 = T5::read(&folder("t5-tiny"), &device).unwrap();
    let expected = json("t5-tiny-lora/expected.json");
    let (lora, adapter) = Lora::read(&folder("t5-tiny-lora"), Naming::Plain, &device).unwrap();
    let mut params = t5.params.clone();
    params.extend(adapter);
    let (source, _) = self::batch(&expected, t5.config.pad);
    let ours = teacher_forced(&t5, &Pass::predict(&params, Some(&lora)), &source, &targets(&expected));
    close("t5", &ours, &numbers(&expected["logits"]), 1e-4);
}

#[test]
fn folders_are_saved_as_they_were_read() {
    let device = Device::flex();
    let temp = tempfile::tempdir().unwrap();
    for name in ["bert-tiny", "bert-encoder-tiny", "distilbert-tiny", "roberta-tiny"] {
        let to = temp.path().join(name);
        Encoder::read(&folder(name), &device).unwrap().save(&to).unwrap();
        same_tensors(&folder(name), &to);
    }
    for name in ["t5-tiny", "flan-t5-tiny"] {
        let to = temp.path().join(name);
        T5::read(&folder(name), &device).unwrap().save(&to, false).unwrap();
        same_tensors(&folder(name), &to);
        T5::read(&folder(name), &device).unwrap().save(&to, true).unwrap();
        let (exact, int8) = (T5::read(&folder(name), &device).unwrap(), T5::read(&to, &device).unwrap());
        for ((n, a), (_, b)) in exact.params.iter().zip(int8.params.iter()) {
            let (a, b) = (a.clone().into_values(), b.clone().into_values());
            let largest = a.iter().fold(0f32, |m, v| m.max(v.abs()));
            assert!(a.iter().zip(&b).all(|(x, y)| (x - y).abs() <= largest / 253.0), "{n}");
        }
    }
}

fn same_tensors(a: &Path, b: &Path) {
    let all = |folder: &Path| {
        let p = Params::read(folder, "model.safetensors", &Device::flex()).unwrap();
        p.iter().map(|(n, p)| (n.clone(), p.clone().into_values())).collect::<Vec<_>>()
    };
    assert_eq!(all(a), all(b));
}

/// Runs where the weights of all-MiniLM-L6-v2 were fetched: `text fetch`, or SPECIALIST_MINILM=folder.
#[test]
fn minilm_equals_sentence_transformers() {
    let Some(minilm) = std::env::var_os("SPECIALIST_MINILM").map(PathBuf::from) else {
        eprintln!("skipped: set SPECIALIST_MINILM to a folder with the weights of all-MiniLM-L6-v2");
        return;
    };
    let model = Encoder::read(&minilm, &Device::flex()).unwrap();
    let expected = json("minilm.json");
    let texts: Vec<&str> = expected["texts"].as_array().unwrap().iter().map(|t| t.as_str().unwrap()).collect();
    let ids = model.tokenizer.encode_all(&texts, 256).unwrap();
    let theirs = expected["input_ids"].as_array().or(expected["ids"].as_array()).unwrap();
    for (ours, theirs) in ids.iter().zip(theirs) {
        assert_eq!(ours.iter().map(|&i| f64::from(i)).collect::<Vec<_>>(), numbers(theirs));
    }
    let batch = Batch::new(&views(&ids), model.config.pad, &Device::flex());
    let vectors = values(model.pooled(&Pass::predict(&model.params, None), &batch));
    for (i, v) in vectors.chunks(384).enumerate() {
        let theirs = numbers(&expected["embeddings"][i]);
        let dot: f64 = v.iter().zip(&theirs).map(|(a, b)| a * b).sum();
        let norm = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
        let cosine = dot / (norm(v) * norm(&theirs));
        assert!(cosine >= 0.99999, "text {i}: {cosine}");
    }
}

/// Adapters that `peft` wrote, by what it is asked to do: right, or refused with the key's name.
const REFUSED_ADAPTERS: [(&str, &str); 16] = [
    ("adapter-alpha-pattern", "alpha_pattern"),
    ("adapter-bias-all", "bias"),
    ("adapter-bias-lora-only", "bias"),
    ("adapter-dora", "use_dora"),
    ("adapter-embedding", "lora_embedding"),
    ("adapter-ia3", "not a LoRA"),
    ("adapter-layer-replication", "layer_replication"),
    ("adapter-loha", "not a LoRA"),
    ("adapter-lora-bias", "lora_bias"),
    ("adapter-olora", "olora"),
    ("adapter-patterns", "rank_pattern"),
    ("adapter-pissa", "pissa"),
    ("adapter-prefix", "not a LoRA"),
    ("adapter-prompt", "not a LoRA"),
    ("adapter-rank-pattern", "rank_pattern"),
    ("adapter-tokens", "trainable_token_indices"),
];

#[test]
fn adapters_of_every_kind_are_those_of_peft_or_refused_by_name() {
    let device = Device::flex();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut names: Vec<String> =
        std::fs::read_dir(fixtures).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|n| n.starts_with("adapter-"));
    names.sort();
    assert!(names.len() >= 37, "{}", names.len());
    for name in &names {
        let expected = json(format!("{name}/expected.json"));
        let base = expected["base"].as_str().unwrap();
        let refusal = REFUSED_ADAPTERS.iter().find(|r| r.0 == name).map(|r| r.1);
        if base == "t5-tiny" {
            let t5 = T5::read(&folder(base), &device).unwrap();
            match (Lora::read(&folder(name), Naming::Plain, &device), refusal) {
                (Err(e), Some(word)) => assert!(e.to_string().contains(word), "{name}: {e}"),
                (Ok((lora, adapter)), None) => {
                    lora.fit(&t5.params, &adapter, &folder(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
                    let mut params = t5.params.clone();
                    params.extend(adapter);
                    let of_base = json(format!("{base}/expected.json"));
                    let (source, _) = batch(&of_base, t5.config.pad);
                    let labels = targets(&expected);
                    let ours = teacher_forced(&t5, &Pass::predict(&params, Some(&lora)), &source, &labels);
                    close(name, &ours, &numbers(&expected["logits"]), 1e-4);
                }
                (found, _) => panic!("{name}: {:?}", found.err().map(|e| e.to_string())),
            }
            continue;
        }
        let model = Encoder::read(&folder(base), &device).unwrap();
        let naming = Naming::Classifier(model.config.family);
        let read = Lora::read(&folder(name), naming, &device)
            .and_then(|(lora, adapter)| lora.fit(&model.params, &adapter, &folder(name)).map(|()| (lora, adapter)));
        let (lora, adapter) = match (read, refusal) {
            (Err(e), Some(word)) => {
                assert!(e.to_string().contains(word), "{name}: {e}");
                continue;
            }
            (Ok(found), None) => found,
            (found, _) => panic!("{name}: {:?}", found.err().map(|e| e.to_string())),
        };
        let mut params = model.params.clone();
        params.extend(adapter);
        let of_base = json(format!("{base}/expected.json"));
        let (batch, _) = batch(&of_base, model.config.pad);
        let found = |params: &Params, lora: Option<&Lora>| {
            let pass = Pass::predict(params, lora);
            if expected["logits"].is_null() {
                without_padding(&values(model.hidden(&pass, &batch)), &batch.mask)
            } else {
                values(model.logits(&pass, &batch))
            }
        };
        let theirs = if expected["logits"].is_null() { &expected["last_hidden_state"] } else { &expected["logits"] };
        close(name, &found(&params, Some(&lora)), &numbers(theirs), 1e-4);
        let mut merged = params.clone();
        lora.merge(&mut merged, &device);
        close(name, &found(&merged, None), &numbers(theirs), 1e-4);
        // Out again, in again: the same adapter, where it changed maps and the head alone.
        if name == "adapter-head-pooler" {
            continue;
        }
        let temp = tempfile::tempdir().unwrap();
        lora.save(&params, naming, base, temp.path()).unwrap();
        let (again, saved) = Lora::read(temp.path(), naming, &device).unwrap();
        let mut params = model.params.clone();
        params.extend(saved);
        close(name, &found(&params, Some(&again)), &numbers(theirs), 1e-4);
    }
}

/// Folders of sentence-transformers that are refused, and the word that must be said.
const REFUSED_POOLING: [(&str, &str); 8] = [
    ("pooling-dense", "Dense"),
    ("pooling-dense-identity", "Dense"),
    ("pooling-layer-norm", "LayerNorm"),
    ("pooling-old-lower-case", "do_lower_case"),
    ("pooling-old-prompt", "default_prompt_name"),
    ("pooling-prompt", "default_prompt_name"),
    ("pooling-prompt-excluded", "default_prompt_name"),
    ("pooling-truncated", "truncate_dim"),
];

#[test]
fn vectors_are_pooled_as_the_folder_says_or_it_is_refused_by_name() {
    let device = Device::flex();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut names: Vec<String> =
        std::fs::read_dir(fixtures).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|n| n.starts_with("pooling-"));
    assert!(names.len() >= 28, "{}", names.len());
    for name in &names {
        let expected = json(format!("{name}/expected.json"));
        // The weights of the base with the modules of the case.
        let temp = tempfile::tempdir().unwrap();
        let copy = |from: &Path| {
            let mut open = vec![from.to_path_buf()];
            while let Some(dir) = open.pop() {
                for entry in std::fs::read_dir(&dir).unwrap().flatten() {
                    let path = entry.path();
                    let to = temp.path().join(path.strip_prefix(from).unwrap());
                    if path.is_dir() {
                        std::fs::create_dir_all(&to).unwrap();
                        open.push(path);
                    } else {
                        std::fs::write(&to, std::fs::read(&path).unwrap()).unwrap();
                    }
                }
            }
        };
        copy(&folder(expected["base"].as_str().unwrap_or("bert-encoder-tiny")));
        copy(&folder(name));
        let read = Encoder::read(temp.path(), &device);
        let refusal = REFUSED_POOLING.iter().find(|r| r.0 == name).map(|r| r.1);
        let model = match (read, refusal) {
            (Err(e), Some(word)) => {
                assert!(e.to_string().contains(word), "{name}: {e}");
                continue;
            }
            (Ok(model), None) => model,
            (found, _) => panic!("{name}: {:?}", found.err().map(|e| e.to_string())),
        };
        let texts: Vec<&str> = expected["texts"].as_array().unwrap().iter().map(|t| t.as_str().unwrap()).collect();
        let longest = model.longest();
        let ids: Vec<Vec<u32>> = texts.iter().map(|t| model.tokenizer.encode(t, longest).unwrap()).collect();
        let theirs: Vec<f64> = expected["embeddings"].as_array().unwrap().iter().flat_map(numbers).collect();
        let batch = Batch::new(&views(&ids), model.config.pad, &device);
        let pooled = values(model.pooled(&Pass::predict(&model.params, None), &batch));
        assert_eq!(pooled.len() / texts.len(), model.config.vector(), "{name}");
        let unit = |v: &[f64]| -> Vec<f64> {
            let width = v.len() / texts.len();
            v.chunks(width)
                .flat_map(|row| {
                    let length = row.iter().map(|x| x * x).sum::<f64>().sqrt();
                    row.iter().map(|x| x / length).collect::<Vec<_>>()
                })
                .collect()
        };
        // Here every vector has length one; where the folder does not ask for it, directions are compared.
        close(name, &unit(&pooled), &unit(&theirs), 1e-4);
        let embedded = model.embed(&model.params, None, &ids, &Context::new(1, 1)).unwrap();
        let embedded: Vec<f64> = embedded.into_iter().map(f64::from).collect();
        close(name, &embedded, &unit(&theirs), 1e-4);
        // Saved and read back, it pools the same way.
        let saved = tempfile::tempdir().unwrap();
        model.save(saved.path()).unwrap();
        let again = Encoder::read(saved.path(), &device).unwrap();
        assert_eq!(again.config.pooling, model.config.pooling, "{name}");
    }
}

/// Files of which a few bytes are damaged, on which the tokenizers crate panics.
#[test]
fn a_damaged_tokenizer_is_an_error_and_no_panic() {
    let damaged = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/damaged");
    for name in ["1025", "403", "624"] {
        let file = damaged.join(format!("tokenizer-{name}.json"));
        let error = specialist_neural::Tokenizer::parse(std::fs::read(&file).unwrap(), &file).expect_err(name);
        assert!(error.to_string().contains("not a tokenizer"), "{name}: {error}");
    }
}
