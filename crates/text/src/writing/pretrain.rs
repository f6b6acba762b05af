//! Our own small generalist: one T5 for both tasks, its tokenizer included, trained on package descriptions.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use specialist_cli::Terminal;
use specialist_core::{Column, ColumnKind, FeatureKind, Role, Schema};
use specialist_engine::check::copies::near;
use specialist_neural::config::T5Config;
use specialist_neural::tasks::{TextToText, mean_loss};
use specialist_neural::train::{Checkpoint, Task, Trainer, Training};
use specialist_neural::{Device, Param, T5, Tokenizer};
use specialist_tabular::read::{Input, Options, read_all};

use crate::corpus;
use crate::error::{Error, Result};
use crate::fetch::Cache;

/// What is trained, and how long.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Recipe {
    /// What the run is for.
    pub question: String,
    /// Every random number of the run follows from it.
    pub seed: u64,
    /// English with German; a fetched corpus or a file with the columns text, label, group, section.
    pub translations: String,
    /// Bodies with summaries; the same.
    pub summaries: String,
    /// Sections that the generalist never sees: the targets of fine-tuning.
    pub held_out: Vec<String>,
    /// Tokens of the vocabulary.
    pub vocabulary: usize,
    /// Width of a token.
    pub width: usize,
    /// Layers of the encoder, and of the decoder.
    pub layers: usize,
    /// Attention heads.
    pub heads: usize,
    /// Width of the feed-forward steps.
    pub inner: usize,
    /// Longest text to read, in tokens.
    pub longest: usize,
    /// Longest text to write, in tokens.
    pub longest_answer: usize,
    /// Steps.
    pub steps: usize,
    /// Pairs a step.
    pub batch: usize,
    /// The largest rate, relative to the scale at which each parameter starts.
    pub rate: f64,
    /// Steps between two writes of the checkpoint.
    pub checkpoint: usize,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            question: String::new(),
            seed: 42,
            translations: "package-translations".into(),
            summaries: "package-summaries".into(),
            held_out: vec!["games".into()],
            vocabulary: 8000,
            width: 160,
            layers: 2,
            heads: 4,
            inner: 640,
            longest: 64,
            longest_answer: 48,
            steps: 8000,
            batch: 32,
            rate: 0.03,
            checkpoint: 200,
        }
    }
}

/// What the training came to, beside the model.
const RECORD: &str = "pretrain.json";
/// Tokens that every T5 has: padding, end, unknown.
const SPECIAL: [&str; 3] = ["<pad>", "</s>", "<unk>"];
/// Texts at least this alike to a held-out one are left out.
const ALIKE: f64 = 0.8;
/// One group in this many is never trained on, whatever the recipe: general quality is measured there.
const GENERAL: u64 = 40;

impl Recipe {
    /// What types cannot say.
    pub fn check(&self) -> Result<()> {
        let wrong = |key: &str, expected: &str| {
            Err(Error::usage(format!("`{key}` must be {expected}"), "change it in the recipe, or with --set KEY=VALUE"))
        };
        if self.heads == 0 || self.width == 0 || !self.width.is_multiple_of(self.heads) {
            return wrong("width", "a multiple of `heads`");
        }
        if self.vocabulary < 300 {
            return wrong("vocabulary", "at least 300: there are 256 bytes");
        }
        if [self.layers, self.inner, self.steps, self.batch].contains(&0) || self.longest < 4 || self.longest_answer < 2
        {
            return wrong(
                "layers, inner, steps, batch, longest, longest_answer",
                "at least 1 (longest 4, longest_answer 2)",
            );
        }
        if !(self.rate > 0.0 && self.rate.is_finite()) {
            return wrong("rate", "above 0");
        }
        Ok(())
    }
}

/// Whether nothing is ever trained on a group, so that general quality can be measured on it.
pub fn general(group: &str) -> bool {
    let hash = group.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    (hash >> 20) % GENERAL == 0
}

/// A text with what is to be written of it, and what it belongs to.
struct Document {
    text: String,
    answer: String,
    group: String,
    section: String,
}

impl Document {
    fn texts(documents: &[Self]) -> Vec<&str> {
        documents.iter().map(|d| d.text.as_str()).collect()
    }
}

/// Documents of a corpus by its name or path.
fn read(name: &str, cache: &Cache, place: &Path) -> Result<Vec<Document>> {
    let input = match corpus::as_csv(cache, name)? {
        Some(text) => Input::Embedded { name: name.into(), text: text.into() },
        None => Input::File(place.join(name)),
    };
    let column = |name: &str, role| Column { name: name.into(), role, kind: ColumnKind::Text, ..Column::default() };
    let features = ["text", "group", "section"].map(|name| column(name, Role::Feature));
    let schema = Schema { columns: features.into_iter().chain([column("label", Role::Label)]).collect() };
    let (rows, _) = read_all(&input, &schema, &Options::default()).map_err(specialist_engine::Error::from)?;
    let cells = |feature: usize| {
        let FeatureKind::Category { levels } = &rows.features[feature].kind else { unreachable!("read as text") };
        let code = rows.records().column(feature).to_vec().into_iter();
        code.map(|c| if c.is_nan() { String::new() } else { levels[c as usize].clone() }).collect::<Vec<String>>()
    };
    let (texts, mut groups, sections) = (cells(0), cells(1), cells(2));
    // Without a group a text is one of its own.
    let alone = groups.iter_mut().zip(&rows.lines).filter(|(g, _)| g.is_empty());
    alone.for_each(|(group, line)| *group = format!("line {line}"));
    let answers = rows.labels().texts().iter().map(ToString::to_string);
    let all = texts.into_iter().zip(answers).zip(groups).zip(sections);
    Ok(all.map(|(((text, answer), group), section)| Document { text, answer, group, section }).collect())
}

fn texts(name: &str, recipe: &Recipe, cache: &Cache, place: &Path) -> Result<(Vec<Document>, usize)> {
    let all = read(name, cache, place)?;
    if let Some(absent) = recipe.held_out.iter().find(|s| all.iter().all(|d| d.section != **s)) {
        let hint = "spell it as the file does: what is to be held out would be trained on";
        return Err(Error::usage(format!("{name}: no text is of the section {absent:?} that `held_out` names"), hint));
    }
    let held: std::collections::HashSet<String> =
        all.iter().filter(|d| recipe.held_out.contains(&d.section)).map(|d| d.group.clone()).collect();
    let (out, kept): (Vec<Document>, Vec<Document>) =
        all.into_iter().partition(|d| held.contains(&d.group) || general(&d.group));
    let copies = near(&Document::texts(&kept), &Document::texts(&out), ALIKE);
    let before = kept.len();
    let kept: Vec<Document> = kept.into_iter().zip(copies).filter(|(_, c)| c.is_none()).map(|(d, _)| d).collect();
    let copies = before - kept.len();
    Ok((kept, copies))
}

/// Pairs as token ids.
pub struct Ids {
    /// To read.
    pub sources: Vec<Vec<u32>>,
    /// To write.
    pub targets: Vec<Vec<u32>>,
}

/// Token ids of texts with a prefix, and of what is to be written.
///
/// # Errors
/// When the tokenizer refuses one.
pub fn ids(
    tokenizer: &Tokenizer,
    prefix: &str,
    pairs: &[(&str, &str)],
    longest: (usize, usize),
) -> specialist_neural::Result<Ids> {
    let read: Vec<String> = pairs.iter().map(|(text, _)| format!("{prefix}{text}")).collect();
    let write: Vec<&str> = pairs.iter().map(|p| p.1).collect();
    Ok(Ids { sources: tokenizer.encode_all(&read, longest.0)?, targets: tokenizer.encode_all(&write, longest.1)? })
}

/// What the training came to; saved beside the model.
#[derive(Debug, Serialize)]
struct Record<'a> {
    recipe: &'a Recipe,
    parameters: usize,
    translations: usize,
    summaries: usize,
    copies_left_out: usize,
    last_loss: f64,
    validation_loss: f64,
    loss: Vec<f64>,
}

/// Trains (or goes on training) and saves the model into `folder`; with `int8` at a quarter of the size.
///
/// # Errors
/// When a corpus is missing, a checkpoint is of another run, or the run is cancelled.
pub fn run(recipe: &Recipe, cache: &Cache, place: &Path, folder: &Path, int8: bool, terminal: &Terminal) -> Result<()> {
    let ctx = &terminal.context(recipe.seed);
    if finished(recipe, folder) {
        terminal.done("train", "was done before, with the same recipe");
        if int8 {
            T5::read(folder, &Device::flex())?.save(folder, true)?;
        }
        return Ok(());
    }
    let (translations, a) = texts(&recipe.translations, recipe, cache, place)?;
    let (summaries, b) = texts(&recipe.summaries, recipe, cache, place)?;
    terminal.done(
        "load",
        &format!(
            "{} translations, {} summaries; {} copies of held-out texts left out",
            translations.len(),
            summaries.len(),
            a + b
        ),
    );
    let every: Vec<&str> =
        translations.iter().chain(&summaries).flat_map(|d| [d.text.as_str(), d.answer.as_str()]).collect();
    let tokenizer = Tokenizer::train(&every, recipe.vocabulary, &SPECIAL)?;
    terminal.done("tokens", &format!("a vocabulary of {}", tokenizer.vocabulary()));
    let config = T5Config {
        vocabulary: tokenizer.vocabulary().next_multiple_of(8),
        width: recipe.width,
        head_width: recipe.width / recipe.heads.max(1),
        heads: recipe.heads,
        inner: recipe.inner,
        layers: recipe.layers,
        decoder_layers: recipe.layers,
        buckets: 32,
        max_distance: 128,
        epsilon: 1e-6,
        activation: specialist_neural::Activation::Relu,
        gated: false,
        tied: true,
        dropout: 0.0,
        pad: 0,
        eos: 1,
        start: 0,
    };
    let mut model = T5::random(config, tokenizer, &mut ctx.rng("start"), &Device::flex());
    let longest = (recipe.longest, recipe.longest_answer);
    let of = |prefix: &str, documents: &[Document]| {
        let pairs: Vec<(&str, &str)> = documents.iter().map(|d| (d.text.as_str(), d.answer.as_str())).collect();
        ids(&model.tokenizer, prefix, &pairs, longest)
    };
    let (mut pairs, more) = (of("translate English to German: ", &translations)?, of("summarize: ", &summaries)?);
    pairs.sources.extend(more.sources);
    pairs.targets.extend(more.targets);
    // A hundredth of the pairs judges the training.
    let judged: Vec<usize> = (0..pairs.sources.len()).step_by(100).collect();
    let part = |keep: bool| {
        let pick = |all: &[Vec<u32>]| {
            all.iter().enumerate().filter(|(i, _)| (i % 100 == 0) != keep).map(|(_, x)| x.clone()).collect()
        };
        Ids { sources: pick(&pairs.sources), targets: pick(&pairs.targets) }
    };
    let (train, validation) = (part(true), part(false));
    terminal.done(
        "start",
        &format!(
            "{} parameters, {} pairs to train on, {} to judge by",
            model.params.size(),
            train.sources.len(),
            judged.len()
        ),
    );
    let task =
        TextToText { config: &model.config, sources: &train.sources, targets: &train.targets, device: Device::flex() };
    let settings = Training {
        epochs: usize::MAX / task.examples().max(1) / 2,
        most_steps: recipe.steps,
        batch: recipe.batch,
        rate: recipe.rate,
        schedule: specialist_neural::optim::Schedule::Cosine,
        warmup: 0.05,
        decay: 0.0,
        clip: 1.0,
        dropout: false,
        ..Training::default()
    };
    std::fs::create_dir_all(folder).map_err(|e| Error::write(folder, e))?;
    let checkpoint = Checkpoint {
        file: folder.join("checkpoint.safetensors"),
        every: recipe.checkpoint,
        job: serde_json::to_string(recipe).expect("plain data"),
    };
    let relative: BTreeMap<String, f64> = model.params.iter().map(|(n, p)| (n.clone(), scale(p))).collect();
    let trainer = Trainer {
        task: &task,
        settings: &settings,
        scope: &|name, _| relative[name],
        lora: None,
        validation: None,
        checkpoint: Some(checkpoint),
    };
    let mut params = model.params.clone();
    let curve = trainer.run(&mut params, ctx)?;
    let judge = TextToText { sources: &validation.sources, targets: &validation.targets, ..task };
    let loss = mean_loss(&judge, &params);
    terminal.done("train", &format!("{} steps; loss on pairs not trained on: {loss:.3}", curve.loss.len()));
    model.params = params;
    model.save(folder, int8)?;
    let last = &curve.loss[curve.loss.len().saturating_sub(100)..];
    let record = Record {
        recipe,
        parameters: model.params.size(),
        translations: translations.len(),
        summaries: summaries.len(),
        copies_left_out: a + b,
        last_loss: last.iter().sum::<f64>() / last.len().max(1) as f64,
        validation_loss: loss,
        loss: curve.loss.chunks(50).map(|c| c.iter().sum::<f64>() / c.len() as f64).collect(),
    };
    let file = folder.join(RECORD);
    std::fs::write(&file, serde_json::to_vec_pretty(&record).expect("plain data"))
        .map_err(|e| Error::write(&file, e))?;
    let card = card(&record);
    std::fs::write(folder.join("README.md"), card).map_err(|e| Error::write(folder, e))?;
    Ok(())
}

/// Whether the folder holds the model of this very recipe.
fn finished(recipe: &Recipe, folder: &Path) -> bool {
    let record = std::fs::read(folder.join(RECORD)).ok();
    let record = record.and_then(|r| serde_json::from_slice::<serde_json::Value>(&r).ok());
    let same =
        record.is_some_and(|r| serde_json::from_value::<Recipe>(r["recipe"].clone()).is_ok_and(|r| r == *recipe));
    same && folder.join("model.safetensors").is_file()
}

/// The root mean square of a parameter at its start, to which its steps are relative, as Adafactor's are (Shazeer and
/// Stern 2018): T5's matrices start at scales from 0.01 to 1, and one rate for all of them learns far more slowly.
fn scale(parameter: &Param) -> f64 {
    let values = parameter.clone().into_values();
    (values.iter().map(|v| f64::from(v * v)).sum::<f64>() / values.len() as f64).sqrt().max(1e-3)
}

fn card(r: &Record<'_>) -> String {
    format!(
        "# A small model that translates and summarises package descriptions\n\n\
         {} parameters, trained from nothing on {} English sentences with human German translations and {} bodies\n\
         with one-line summaries, all from Debian package descriptions; sections held out: {}. Loss on pairs not\n\
         trained on: {:.3} per token.\n\n\
         Good for: a starting point that can be specialised and judged offline, tests, demonstrations.\n\
         Not good for: translating or summarising anything that matters. It has seen one kind of text, little of it,\n\
         and writes wrong names and numbers fluently. Use T5, FLAN-T5 or a larger model where you can (`--set backbone=DIR`).\n",
        r.parameters,
        r.translations,
        r.summaries,
        r.recipe.held_out.join(", "),
        r.validation_loss
    )
}
