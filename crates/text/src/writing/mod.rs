//! Texts that are written: translations and summaries. The generalist is a T5; the target's pairs make the
//! specialist, and what it forgets of everything else is measured beside.

mod curve;
mod extract;
mod panels;
pub mod pretrain;
mod search;
mod task;

use std::path::{Path, PathBuf};

use rand::seq::SliceRandom;
use specialist_cli::Terminal;
use specialist_core::Context;
use specialist_core::bootstrap::Bootstrap;
use specialist_core::evidence::{Candidate, Figure, Interval};
use specialist_core::metric::Goal;
use specialist_neural::generate::Decoding;
use specialist_neural::lora::Naming;
use specialist_neural::tasks::TextToText;
use specialist_neural::train::{Trainer, Training};
use specialist_neural::{Device, Encoder, Lora, Params, T5};
use specialist_pipeline::artifact::{self, Draft};
use specialist_report::{BestTrial, DataRow, Finding, Report, Tuning as Summary};

use crate::adapter;
use crate::corpus::{self, Document};
use crate::error::{Error, Result};
use crate::fetch::Cache;
use crate::judge;
use crate::metrics::TextMetric;
use crate::metrics::script::{ascii_share, unspaced_share};
use crate::packages::sentences;
use crate::recipe::{Recipe, Task};
use curve::label_curve;
use extract::{Extractive, lead, part};
use panels::{bar, faithfulness, forgetting, signatures, terms};
use pretrain::{Ids, ids};
use search::{Tried, Tuning, choose, counts, scratch, tune, tunings, values};
pub use task::prefix as instruction;
use task::{Glossary, metrics, prefix, unsupported, worthwhile};

/// General texts on which forgetting is measured, at most.
const GENERAL: usize = 200;
/// Words of the fixed lead.
const LEAD: usize = 15;
/// Rank of an adapter.
const RANK: usize = 8;

/// A model that writes.
#[derive(Clone)]
struct Writer {
    params: Params,
    lora: Option<Lora>,
}

/// Texts that were read, checked and parted.
pub struct Prepared {
    train: Vec<Document>,
    sealed: Vec<Document>,
    /// Other sections, on which the generalist may have been trained.
    source: Vec<Document>,
    /// Other sections, on which nothing was trained.
    general: Vec<Document>,
    /// What the checks found.
    pub findings: Vec<Finding>,
    /// A line a table.
    pub data: Vec<DataRow>,
    folder: PathBuf,
    place: PathBuf,
}

/// Whether the metrics can split what is to be written. ROUGE decides over summaries: of letters that it takes for no
/// letters every figure would be 0, and a verdict an accident.
fn script(recipe: &Recipe, sealed: &[Document]) -> Result<Finding> {
    const MOST: f64 = 0.5;
    let answers = || sealed.iter().map(|d| d.answer.as_str());
    let ascii = ascii_share(answers());
    if recipe.task == Task::Summarize && ascii < MOST {
        return Err(Error::Data {
            place: "the target's summaries".into(),
            what: format!("{:.0} % of their letters are of a script that ROUGE cannot split into words: it knows the letters a to z only", 100.0 * (1.0 - ascii)),
            hint: "there is no metric for summaries in this script here; translations are judged by chrF, which counts letters of any script".into(),
        });
    }
    let unspaced = unspaced_share(answers());
    let count = usize::from(unspaced > MOST);
    let message = if count == 0 {
        "the metrics can split what is to be written into words".into()
    } else {
        format!(
            "{:.0} % of the letters are of a script without spaces, which BLEU and TER cannot split: only chrF means something here",
            100.0 * unspaced
        )
    };
    Ok(judge::finding("script", &message, count, Vec::new()))
}

/// Load, check, split.
///
/// # Errors
/// When a file cannot be read or too few texts are left.
pub fn prepare(recipe: &Recipe, cache: &Cache, place: &Path, ctx: &Context) -> Result<Prepared> {
    prefix(recipe)?;
    tunings(recipe)?;
    let all = corpus::population(
        &crate::recipe::Data { sections: Vec::new(), ..recipe.target.clone() },
        recipe,
        cache,
        place,
    )?;
    corpus::known_sections(&all, &recipe.target.sections)?;
    let wanted = |d: &Document| recipe.target.sections.is_empty() || recipe.target.sections.contains(&d.section);
    let (mut target, mut rest): (Vec<Document>, Vec<Document>) = all.into_iter().partition(wanted);
    if recipe.source.data != recipe.target.data && !recipe.source.data.is_empty() {
        rest = corpus::population(&recipe.source, recipe, cache, place)?;
    }
    target = corpus::most(target, recipe.target.most, &mut ctx.rng("most"));
    let (train, sealed) = corpus::split(&target, recipe.split.test, &mut ctx.rng("split"));
    let (train, copies) = judge::without_copies(train, &sealed, &target, recipe.split.alike);
    let pick = |rows: &[usize]| rows.iter().map(|&r| target[r].clone()).collect::<Vec<Document>>();
    let (train, sealed) = (pick(&train), pick(&sealed));
    if train.len() < 20 || sealed.len() < 20 {
        let (what, found) = ("target texts on each side of the split".to_string(), train.len().min(sealed.len()));
        return Err(specialist_core::Error::TooFew { what, found, needed: 20 }.into());
    }
    let texts: Vec<&str> = sealed.iter().map(|d| d.text.as_str()).collect();
    let in_source = judge::source_without_copies(&mut rest, &texts, recipe.split.alike);
    let (mut general, source): (Vec<Document>, Vec<Document>) =
        rest.into_iter().partition(|d| pretrain::general(&d.group));
    general.shuffle(&mut ctx.rng("general"));
    general.truncate(GENERAL);
    let from = |d: &crate::recipe::Data| {
        d.data
            .iter()
            .map(|n| Path::new(n).file_name().map_or(n.clone(), |f| f.to_string_lossy().into_owned()))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let section = if recipe.target.sections.is_empty() {
        String::new()
    } else {
        format!(" ({})", recipe.target.sections.join(", "))
    };
    let origin = format!("{}{section}", from(&recipe.target));
    let data = vec![
        judge::data_row("target train", &origin, train.len(), 0),
        judge::data_row("sealed test", &origin, sealed.len(), 0),
        judge::data_row("general test", "other sections, never trained on", general.len(), 0),
    ];
    let findings = vec![copies, in_source, script(recipe, &sealed)?];
    Ok(Prepared {
        train,
        sealed,
        source,
        general,
        findings,
        data,
        folder: cache.model(&recipe.backbone)?,
        place: place.to_path_buf(),
    })
}

/// What every tuning and every judgement needs.
struct Bench<'a> {
    recipe: &'a Recipe,
    model: &'a T5,
    prefix: String,
    decoding: Decoding,
}

impl Bench<'_> {
    fn longest(&self) -> (usize, usize) {
        (self.recipe.tune.longest, self.recipe.decode.longest)
    }

    fn ids(&self, documents: &[&Document]) -> Result<Ids> {
        ids(&self.model.tokenizer, &self.prefix, documents, self.longest())
    }

    /// Writes a text for every document; a text too long to be read at once is read in chunks of whole sentences,
    /// and of summaries of chunks a summary is made.
    fn write(&self, writer: &Writer, texts: &[&str], ctx: &Context) -> Result<Vec<String>> {
        let model = self.model.with(writer.params.clone());
        write_with(&model, writer.lora.as_ref(), &self.prefix, self.recipe, &self.decoding, texts, ctx)
    }

    fn train(
        &self,
        params: &mut Params,
        documents: &[&Document],
        rate: f64,
        epochs: usize,
        lora: Option<&Lora>,
        ctx: &Context,
    ) -> Result<()> {
        let ids = self.ids(documents)?;
        let task = TextToText {
            config: &self.model.config,
            sources: &ids.sources,
            targets: &ids.targets,
            device: Device::flex(),
        };
        let settings = Training {
            epochs,
            batch: self.recipe.tune.batch,
            rate,
            decay: 0.0,
            dropout: self.model.config.dropout > 0.0,
            ..Training::default()
        };
        let scope = |name: &str, _: usize| if lora.is_none() || Lora::owns(name) { 1.0 } else { 0.0 };
        Trainer { task: &task, settings: &settings, scope: &scope, lora, validation: None, checkpoint: None }
            .run(params, ctx)?;
        Ok(())
    }

    fn tune(
        &self,
        tuning: Tuning,
        rate: f64,
        train: &[Document],
        source: &[Document],
        ctx: &Context,
    ) -> Result<Writer> {
        let mut params = self.model.params.clone();
        let own: Vec<&Document> = train.iter().collect();
        let epochs = self.recipe.tune.epochs;
        match tuning {
            Tuning::Keep => {}
            Tuning::Lora => {
                let lora =
                    Lora { rank: RANK, alpha: 2.0 * RANK as f64, dropout: 0.0, targets: vec!["q".into(), "v".into()] };
                lora.begin(&mut params, &mut ctx.rng("lora"), &Device::flex())?;
                self.train(&mut params, &own, 5.0 * rate, epochs, Some(&lora), ctx)?;
                return Ok(Writer { params, lora: Some(lora) });
            }
            Tuning::Full => self.train(&mut params, &own, rate, epochs, None, ctx)?,
            Tuning::Averaged => {
                self.train(&mut params, &own, rate, epochs, None, ctx)?;
                params = self.model.params.averaged(&params, 0.5);
            }
            Tuning::Mixed => {
                let mut both: Vec<&Document> = source.iter().collect();
                both.shuffle(&mut ctx.rng("mixed"));
                both.truncate(own.len());
                both.extend(own);
                self.train(&mut params, &both, rate, epochs, None, ctx)?;
            }
        }
        Ok(Writer { params, lora: None })
    }
}

/// Writes texts with a model: in chunks of whole sentences where one is too long to be read at once.
fn write_with(
    model: &T5,
    lora: Option<&Lora>,
    prefix: &str,
    recipe: &Recipe,
    decoding: &Decoding,
    texts: &[&str],
    ctx: &Context,
) -> Result<Vec<String>> {
    let longest = recipe.tune.longest;
    let tokens = |t: &str| model.tokenizer.encode(&format!("{prefix}{t}"), usize::MAX / 128).map(|i| i.len());
    let mut pieces: Vec<String> = Vec::new();
    let mut of: Vec<Vec<usize>> = Vec::new();
    for text in texts {
        let mut own = Vec::new();
        let mut chunk = String::new();
        // Most texts fit: their sentences need not be counted one by one.
        let parts = if tokens(text)? <= longest { vec![(*text).to_string()] } else { sentences(text) };
        for sentence in parts {
            let longer = if chunk.is_empty() { sentence.clone() } else { format!("{chunk} {sentence}") };
            if !chunk.is_empty() && tokens(&longer)? > longest {
                own.push(pieces.len());
                pieces.push(std::mem::replace(&mut chunk, sentence));
            } else {
                chunk = longer;
            }
        }
        own.push(pieces.len());
        pieces.push(chunk);
        of.push(own);
    }
    let write = |texts: &[String]| -> Result<Vec<String>> {
        let read: Vec<String> = texts.iter().map(|t| format!("{prefix}{t}")).collect();
        let ids = model.tokenizer.encode_all(&read, longest)?;
        let written = model.generate(lora, &ids, decoding, ctx)?;
        written.iter().map(|i| Ok(model.tokenizer.decode(i)?.trim().to_string())).collect()
    };
    let written = write(&pieces)?;
    let joined: Vec<String> =
        of.iter().map(|own| own.iter().map(|&i| written[i].as_str()).collect::<Vec<_>>().join(" ")).collect();
    let again: Vec<usize> = (0..texts.len()).filter(|&i| recipe.task == Task::Summarize && of[i].len() > 1).collect();
    let mut out = joined.clone();
    for (&i, short) in again.iter().zip(write(&again.iter().map(|&i| joined[i].clone()).collect::<Vec<_>>())?) {
        out[i] = short;
    }
    Ok(out)
}

/// A run to its end: the report, and the artifact's files.
///
/// # Errors
/// When a model or the data cannot be used, or the run is cancelled.
pub fn run(
    recipe: &Recipe,
    prepared: &Prepared,
    cache: &Cache,
    terminal: &Terminal,
    ctx: &Context,
) -> Result<(Report, Draft)> {
    let mut model = T5::read(&prepared.folder, &Device::flex())?;
    let brought = adapter::of_recipe(recipe, &mut model.params, terminal)?;
    let model = model;
    let decoding = recipe.decode.decoding();
    let bench = Bench { recipe, model: &model, prefix: prefix(recipe)?, decoding };
    let metrics = metrics(recipe.task);
    let tried = tune(&bench, prepared, &metrics, ctx)?;
    let (chosen, reason) = choose(&tried, &metrics, prepared, ctx);
    terminal.done(
        "tune",
        &format!(
            "{} trainings inside the target's train texts; chosen: {}",
            tried.iter().map(|t| t.trials).sum::<usize>(),
            tried[chosen].tuning.name()
        ),
    );

    let source: Vec<&str> = prepared.sealed.iter().map(|d| d.text.as_str()).collect();
    let mut names: Vec<(String, String)> = Vec::new();
    let mut written: Vec<Vec<String>> = Vec::new();
    for (name, what, texts) in baselines(&bench, prepared, cache, &metrics, ctx)? {
        names.push((name, what));
        written.push(texts);
    }
    let keep = Writer { params: model.params.clone(), lora: None };
    let mut writers = vec![(
        "generalist".to_string(),
        format!(
            "the backbone {} {}",
            Path::new(&recipe.backbone)
                .file_name()
                .map_or(recipe.backbone.clone(), |n| n.to_string_lossy().into_owned()),
            if brought.is_some() { "with its adapter" } else { "as it is" }
        ),
        keep,
    )];
    let (scratch, scratch_rate) = scratch(&bench, prepared, &metrics, ctx)?;
    writers.push(("scratch".into(), "the same architecture trained on the target alone".into(), scratch));
    for t in tried.iter().filter(|t| t.tuning != Tuning::Keep) {
        let writer = bench.tune(t.tuning, t.rate, &prepared.train, &prepared.source, &ctx.child("fit"))?;
        writers.push((t.tuning.name().into(), format!("{} at rate {:.1e}", t.tuning.name(), t.rate), writer));
    }
    let same = if tried[chosen].tuning == Tuning::Keep { "generalist" } else { tried[chosen].tuning.name() };
    let (_, what, writer) = writers.iter().find(|w| w.0 == same).expect("it was just made").clone();
    writers.push(("specialist".into(), what, writer));
    terminal.done("fit", &format!("{} models", writers.len()));
    let mut general: Vec<Candidate> = Vec::new();
    let general_source: Vec<&str> = prepared.general.iter().map(|d| d.text.as_str()).collect();
    for (name, what, writer) in &writers {
        let texts = match written.iter().zip(&names).find(|(_, n)| name == "specialist" && n.0 == same) {
            Some((texts, _)) => texts.clone(),
            None => bench.write(writer, &source, ctx)?,
        };
        names.push((name.clone(), what.clone()));
        written.push(texts);
        if !prepared.general.is_empty() && name != "specialist" && name != "scratch" {
            let texts = bench.write(writer, &general_source, ctx)?;
            general.push(on_general(name, what, &metrics, &texts, &prepared.general, recipe, ctx));
        }
    }
    if let Some(at) = general.iter().position(|c| c.name == same) {
        general.push(Candidate { name: "specialist".into(), ..general[at].clone() });
    }
    terminal.done("write", &format!("{} texts by {} candidates", prepared.sealed.len(), names.len()));

    let all: Vec<Vec<Vec<Vec<f64>>>> = written.iter().map(|w| counts(&metrics, w, &prepared.sealed)).collect();
    let figures: Vec<(&'static str, usize, Goal)> =
        metrics.iter().map(|m| (m.name(), if recipe.task == Task::Summarize { 4 } else { 2 }, m.goal())).collect();
    let trial = judge::Trial {
        names: names.clone(),
        figures: &figures,
        sealed: &prepared.sealed,
        rarest: prepared.sealed.len(),
        worthwhile: recipe.compare.worthwhile.unwrap_or_else(|| worthwhile(recipe.task)),
    };
    let judged = judge::judge(recipe, &trial, |w| all.iter().flat_map(|c| values(&metrics, c, w)).collect(), ctx);
    let trials = tried.iter().map(|t| t.trials).sum();
    let mut evidence = judge::evidence(recipe, &trial, judged, (prepared.train.len(), 0), trials);
    terminal.done("compare", &format!("{} candidates on {} sealed texts", names.len(), prepared.sealed.len()));
    // The chosen rung, or the best of those that train.
    let trains = |t: &&Tried| t.tuning != Tuning::Keep;
    let best = tried.iter().filter(trains).max_by(|a, b| a.value.total_cmp(&b.value));
    if let Some(best) = Some(&tried[chosen]).filter(trains).or(best) {
        let at = names.iter().position(|n| n.0 == "generalist").expect("it was judged");
        let generalist = evidence.candidates[at].figures[0].interval.estimate;
        evidence.label_curve = label_curve(&bench, best, scratch_rate, generalist, prepared, &metrics, ctx)?;
        terminal.done("curve", "how many pairs it would take");
    }
    let mut panels = vec![signatures(&metrics), forgetting(&general)];
    panels.push(faithfulness(&names, &written, prepared));
    if recipe.task == Task::Summarize {
        panels.insert(0, bar(&evidence));
    }
    if let Some(file) = &recipe.compare.glossary {
        panels.push(terms(&Glossary::read(&prepared.place.join(file))?, &names, &written, prepared));
    }
    let best = |t: &Tried| {
        let error = t.error(&metrics, ctx);
        BestTrial {
            tuning: t.tuning.name().into(),
            settings: if t.tuning == Tuning::Keep { String::new() } else { format!("rate={:.1e}", t.rate) },
            trials: t.trials,
            value: Interval { estimate: t.value, low: t.value - error, high: t.value + error },
        }
    };
    let report = Report {
        domain: "text".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        question: recipe.question.clone(),
        seed: recipe.seed,
        simulated: false,
        fewest_rows: 0,
        data: prepared.data.clone(),
        findings: prepared.findings.clone(),
        tuning: Summary {
            chosen: tried[chosen].tuning.name().into(),
            reason,
            metric: metrics[0].name().into(),
            best: tried.iter().map(best).collect(),
            optimism: None,
            studies: Vec::new(),
        },
        evidence,
        curves: Vec::new(),
        effects: Vec::new(),
        panels,
        recipe: recipe.render(),
    };
    let mut draft = draft(recipe, prepared, &model, &writers)?;
    if let Some(brought) = &brought {
        adapter::add(brought, &mut draft);
    }
    Ok((report, draft))
}

/// What takes no training of a model.
fn baselines(
    bench: &Bench<'_>,
    prepared: &Prepared,
    cache: &Cache,
    metrics: &[Box<dyn TextMetric>],
    ctx: &Context,
) -> Result<Vec<(String, String, Vec<String>)>> {
    let sealed: Vec<&str> = prepared.sealed.iter().map(|d| d.text.as_str()).collect();
    if bench.recipe.task != Task::Summarize {
        return Ok(vec![(
            "copy".into(),
            "the source text as it is".into(),
            sealed.iter().map(ToString::to_string).collect(),
        )]);
    }
    let train: Vec<&str> = prepared.train.iter().map(|d| d.text.as_str()).collect();
    let judge = |written: &[String]| {
        let counts = counts(&metrics[..1], written, &prepared.train);
        values(&metrics[..1], &counts, &vec![1.0; train.len()])[0]
    };
    let leads = |texts: &[&str], k: usize| texts.iter().map(|t| lead(t, k)).collect::<Vec<String>>();
    let best =
        (4..=25).map(|k| (k, judge(&leads(&train, k)))).fold((LEAD, f64::MIN), |b, x| if x.1 > b.1 { x } else { b });
    let encoder = cache.model("minilm").ok().map(|f| Encoder::read(&f, &Device::flex())).transpose()?;
    let (parted, parted_sealed) = (part(&train, encoder.as_ref(), ctx)?, part(&sealed, encoder.as_ref(), ctx)?);
    let extract =
        |parted: &[extract::Parted], how: &Extractive| parted.iter().map(|p| p.summary(how)).collect::<Vec<String>>();
    let mut how = (Extractive::grid()[0], f64::MIN);
    for e in Extractive::grid() {
        let value = judge(&extract(&parted, &e));
        if value > how.1 {
            how = (e, value);
        }
    }
    let by = if encoder.is_some() { "sentence vectors" } else { "word frequencies (minilm is not fetched)" };
    Ok(vec![
        (format!("lead-{LEAD}"), format!("the first {LEAD} words"), leads(&sealed, LEAD)),
        (
            "lead-k".into(),
            format!("the first {} words, the best number on the train texts", best.0),
            leads(&sealed, best.0),
        ),
        (
            "extractive".into(),
            format!("central sentences by {by}, {} words", how.0.words),
            extract(&parted_sealed, &how.0),
        ),
    ])
}

/// A candidate's figures on general texts that nothing was trained on.
fn on_general(
    name: &str,
    what: &str,
    metrics: &[Box<dyn TextMetric>],
    written: &[String],
    documents: &[Document],
    recipe: &Recipe,
    ctx: &Context,
) -> Candidate {
    let counts = counts(&metrics[..1], written, documents);
    let bootstrap = Bootstrap::clusters(&judge::groups(documents), 500, &ctx.child("general"));
    let value = |w: &[f64]| values(&metrics[..1], &counts, w)[0];
    let interval = bootstrap.interval(ctx, recipe.compare.confidence, value);
    let decimals = if recipe.task == Task::Summarize { 4 } else { 2 };
    Candidate {
        name: name.into(),
        what: what.into(),
        figures: vec![Figure { metric: metrics[0].name().into(), decimals, interval }],
    }
}

fn draft(recipe: &Recipe, prepared: &Prepared, model: &T5, writers: &[(String, String, Writer)]) -> Result<Draft> {
    let target: Vec<Document> = prepared.train.iter().chain(&prepared.sealed).cloned().collect();
    let mut draft =
        Draft::of("text", "compared", recipe.seed, corpus::digest(&target), corpus::digest(&prepared.sealed));
    draft.add("recipe.toml", recipe.render());
    let temp = tempfile::tempdir().map_err(|e| Error::write(Path::new("a temporary folder"), e))?;
    for (name, _, writer) in writers.iter().filter(|w| w.0 == "generalist" || w.0 == "specialist") {
        let folder = temp.path().join(name);
        let own = model.with(writer.params.only(|n| !Lora::owns(n)));
        own.save(&folder, false)?;
        let mut files = vec!["config.json", "tokenizer.json", "model.safetensors"];
        if let Some(lora) = &writer.lora {
            lora.save(&writer.params, Naming::Plain, "generalist", &folder)?;
            files.extend(["adapter_config.json", "adapter_model.safetensors"]);
        }
        for file in files {
            let bytes = std::fs::read(folder.join(file)).map_err(|e| Error::write(&folder, e))?;
            draft.add(&format!("models/{name}/{file}"), bytes);
        }
    }
    draft.add("checks.json", serde_json::to_vec_pretty(&prepared.findings).expect("plain data"));
    Ok(draft)
}

/// A writing model of an artifact, ready to write.
pub struct Opened {
    /// Its name in the artifact.
    pub name: String,
    /// How it was made.
    pub recipe: Recipe,
    /// The model, with the matrices of its adapter among its parameters.
    pub model: T5,
    /// The adapter's settings, if it has one.
    pub lora: Option<Lora>,
}

/// Opens the model `name` of an artifact; without a name the one that the verdict ships.
///
/// # Errors
/// When the artifact or the model cannot be used.
pub fn open(folder: &Path, name: Option<&str>) -> Result<Opened> {
    let manifest = artifact::open(folder)?;
    let text = String::from_utf8_lossy(&artifact::read(folder, "recipe.toml")?).into_owned();
    let recipe = crate::recipe::parse("recipe.toml", &text, &[])?;
    let shipped = specialist_pipeline::report::read_report(folder, &manifest)?.shipped();
    // Scratch and baselines are judged and not kept.
    let name = name.unwrap_or(if shipped == "specialist" { shipped } else { "generalist" });
    let at = folder.join("models").join(name);
    if !at.is_dir() {
        return Err(Error::usage(format!("the artifact has no model `{name}`"), "there are: generalist, specialist"));
    }
    let mut model = T5::read(&at, &Device::flex())?;
    let mut lora = None;
    if at.join("adapter_config.json").is_file() {
        let (settings, adapter) = Lora::read(&at, Naming::Plain, &Device::flex())?;
        settings.fit(&model.params, &adapter, &at)?;
        model.params.extend(adapter);
        lora = Some(settings);
    }
    Ok(Opened { name: name.to_string(), recipe, model, lora })
}

impl Opened {
    /// Writes a text for every text.
    ///
    /// # Errors
    /// When the run is cancelled.
    pub fn write(&self, texts: &[&str], ctx: &Context) -> Result<Vec<String>> {
        let Self { recipe, model, lora, .. } = self;
        write_with(model, lora.as_ref(), &prefix(recipe)?, recipe, &recipe.decode.decoding(), texts, ctx)
    }
}

/// What a reader must check in a written text.
pub fn to_check(written: &str, source: &str) -> String {
    unsupported(written, source).into_iter().map(|(_, word)| word).collect::<Vec<_>>().join(" ")
}
