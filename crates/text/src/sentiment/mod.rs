//! Which label does a text carry? A head on a frozen sentence encoder, fitted on other domains, is the
//! generalist; the target's few labels make the specialist.

mod curve;
mod figures;
mod model;
mod scorer;
mod search;
mod stress;
mod tunings;

use std::path::{Path, PathBuf};

use specialist_cli::Terminal;
use specialist_core::evidence::Interval;
use specialist_core::{Context, Panel};
use specialist_neural::lora::Naming;
use specialist_neural::{Device, Encoder};
use specialist_pipeline::artifact::Draft;
use specialist_pipeline::studies;
use specialist_report::{BestTrial, DataRow, Finding, Report, Tuning as Summary};
use specialist_search::journal_text;

use crate::adapter::Brought;
use crate::corpus::{self, Document};
use crate::error::{Error, Result};
use crate::fetch::Cache;
use crate::judge;
use crate::linear::{Dense, Softmax};
use crate::recipe::{Data, Recipe};
use curve::{label_curve, splits_panel};
pub use figures::likeliest;
use figures::{FIGURES, figures};
pub use model::Body;
use model::Classifier;
pub use scorer::Scorer;
use scorer::artifact_backbone;
use search::{Chosen, Found, pooled_head, pretrain, tfidf_probabilities, tune, tunings};
use tunings::{Labelled, Start, Tuning};

/// The gain in macro-F1 that is worth a change unless the recipe says otherwise.
const WORTHWHILE: f64 = 0.01;

/// Rows that were read, checked and parted.
pub struct Prepared {
    labels: Vec<String>,
    target: Vec<Document>,
    codes: Vec<usize>,
    source_codes: Vec<usize>,
    source: Vec<Document>,
    train: Vec<usize>,
    sealed: Vec<usize>,
    /// What the checks found.
    pub findings: Vec<Finding>,
    /// A line a table.
    pub data: Vec<DataRow>,
    folder: PathBuf,
}

/// Load, check, split.
///
/// # Errors
/// When a file cannot be read, a label is unknown, or one side of the split has no text of a label.
pub fn prepare(recipe: &Recipe, cache: &Cache, place: &Path, ctx: &Context) -> Result<Prepared> {
    tunings(recipe)?;
    let target = corpus::most(
        corpus::population(&recipe.target, recipe, cache, place)?,
        recipe.target.most,
        &mut ctx.rng("most"),
    );
    let mut source = corpus::population(&recipe.source, recipe, cache, place)?;
    source = corpus::most(source, recipe.source.most, &mut ctx.rng("most source"));
    if source.is_empty() {
        return Err(Error::usage("the recipe names no source texts", "set `data` under [source]"));
    }
    let (names, mut codes) = corpus::labels(&[&target, &source], &recipe.columns.labels)?;
    let (train, sealed) = corpus::stratified(&target, &codes[0], recipe.split.test, &mut ctx.rng("split"));
    let alike = recipe.split.alike;
    let (train, copies) = judge::without_copies(train, &sealed, &target, alike);
    let texts: Vec<&str> = sealed.iter().map(|&r| target[r].text.as_str()).collect();
    let in_source = judge::source_without_copies(&mut source, &texts, alike);
    codes[1] = corpus::labels(&[&target, &source], &names)?.1.remove(1);
    let rarest = |rows: &[usize]| (0..names.len()).map(|k| rows.iter().filter(|&&r| codes[0][r] == k).count()).min();
    for (what, rows) in [("target train", &train), ("sealed", &sealed)] {
        if rarest(rows) < Some(5) {
            let what = format!("{what} texts of the rarest label");
            return Err(specialist_core::Error::TooFew { what, found: rarest(rows).unwrap_or(0), needed: 5 }.into());
        }
    }
    let events =
        |codes: &[usize]| (0..names.len()).map(|k| codes.iter().filter(|&&c| c == k).count()).min().unwrap_or(0);
    let of = |rows: &[usize]| rows.iter().map(|&r| codes[0][r]).collect::<Vec<_>>();
    let name = |d: &Data| {
        d.data
            .iter()
            .map(|n| Path::new(n).file_name().map_or(n.clone(), |f| f.to_string_lossy().into_owned()))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let data = vec![
        judge::data_row("source", &name(&recipe.source), source.len(), events(&codes[1])),
        judge::data_row("target", &name(&recipe.target), target.len(), events(&codes[0])),
        judge::data_row("target train", &name(&recipe.target), train.len(), events(&of(&train))),
        judge::data_row("sealed test", &name(&recipe.target), sealed.len(), events(&of(&sealed))),
    ];
    let source_codes = codes.remove(1);
    Ok(Prepared {
        labels: names,
        codes: codes.remove(0),
        source_codes,
        target,
        source,
        train,
        sealed,
        findings: vec![copies, in_source],
        data,
        folder: cache.model(&recipe.backbone)?,
    })
}

/// Everything that the candidates are made from.
struct Bench<'a> {
    recipe: &'a Recipe,
    encoder: &'a Encoder,
    classes: usize,
    /// All target texts.
    target: Labelled,
    texts: Vec<&'a str>,
    source: Labelled,
    generalist: Softmax,
}

impl Bench<'_> {
    fn start(&self) -> Start<'_> {
        let tune = &self.recipe.tune;
        Start {
            encoder: self.encoder,
            generalist: &self.generalist,
            classes: self.classes,
            epochs: tune.epochs,
            batch: tune.batch,
        }
    }

    fn probabilities(&self, classifier: &Classifier, rows: &[usize], ctx: &Context) -> Result<Vec<Vec<f64>>> {
        let data = self.target.select(rows);
        classifier.probabilities(self.encoder, &data.ids, Some(&data.base), ctx)
    }

    fn f1(&self, p: &[Vec<f64>], rows: &[usize]) -> f64 {
        let labels: Vec<usize> = rows.iter().map(|&r| self.target.labels[r]).collect();
        figures(p, &labels, &vec![1.0; rows.len()])[0]
    }
}

/// The candidates of one split: name, what, probabilities on the sealed rows, and the model where it ships.
struct Made {
    names: Vec<(String, String)>,
    probabilities: Vec<Vec<Vec<f64>>>,
    models: Vec<(String, Classifier)>,
}

fn candidates(bench: &Bench<'_>, chosen: &Chosen, train: &[usize], sealed: &[usize], ctx: &Context) -> Result<Made> {
    let (start, all) = (bench.start(), bench.target.select(train));
    let mut made = Made { names: Vec::new(), probabilities: Vec::new(), models: Vec::new() };
    let texts = |rows: &[usize]| rows.iter().map(|&r| bench.texts[r]).collect::<Vec<_>>();
    let mut counts = vec![0.0; bench.classes];
    all.labels.iter().for_each(|&l| counts[l] += 1.0 / all.labels.len() as f64);
    let mut add = |name: &str, what: String, p| {
        made.names.push((name.into(), what));
        made.probabilities.push(p);
    };
    add("majority", "the target's most frequent label".into(), vec![counts; sealed.len()]);
    let p = tfidf_probabilities(&texts(train), &all.labels, bench.classes, chosen.tfidf, &texts(sealed));
    add("tf-idf", format!("word frequencies and softmax regression on the target (precision {:.3})", chosen.tfidf), p);
    let mut models = vec![
        (
            "generalist",
            "zero-shot: the head fitted on the source".to_string(),
            Classifier::frozen(bench.generalist.clone()),
        ),
        (
            "scratch",
            "a head fitted on the target alone".into(),
            Classifier::frozen(start.head(&all, chosen.scratch, None)),
        ),
        (
            "pooled",
            "a head fitted on source and target".into(),
            Classifier::frozen(pooled_head(bench, &all, chosen.pooled)),
        ),
    ];
    for tuning in [Tuning::Slope, Tuning::Head, Tuning::Setfit, Tuning::Lora, Tuning::LpFt, Tuning::Full] {
        let Some(settings) = chosen.settings(tuning) else { continue };
        let inner = ctx.child(&format!("fit {}", tuning.name()));
        let classifier = start.tune(tuning, settings, &all, &inner)?;
        let name = if tuning == Tuning::Slope { "recalibrated" } else { tuning.name() };
        models.push((name, format!("{} ({settings})", tuning.name()), classifier));
    }
    let (tuning, settings) = &chosen.specialist;
    let same = if *tuning == Tuning::Slope { "recalibrated" } else { tuning.name() };
    let same = if *tuning == Tuning::Keep { "generalist" } else { same };
    let specialist = models.iter().find(|m| m.0 == same).expect("it was just made").2.clone();
    let what = if settings.0.is_empty() { tuning.name().into() } else { format!("{} ({settings})", tuning.name()) };
    models.push(("specialist", what, specialist));
    for (name, what, classifier) in models {
        let p = bench.probabilities(&classifier, sealed, ctx)?;
        add(name, what, p);
        made.models.push((name.into(), classifier));
    }
    Ok(made)
}

/// A run to its end: the report, and the artifact's files.
///
/// # Errors
/// When a model or the data cannot be used, or the run is cancelled.
pub fn run(recipe: &Recipe, prepared: &Prepared, terminal: &Terminal, ctx: &Context) -> Result<(Report, Draft)> {
    let mut encoder = Encoder::read(&prepared.folder, &Device::flex())?;
    let naming = Naming::Classifier(encoder.config.family);
    let brought = Brought::of_recipe(recipe, naming, &mut encoder.params, terminal)?;
    let encoder = encoder;
    let longest = recipe.tune.longest.min(encoder.longest());
    let labelled = |documents: &[Document], codes: &[usize]| -> Result<Labelled> {
        let texts: Vec<&str> = documents.iter().map(|d| d.text.as_str()).collect();
        let ids = encoder.tokenizer.encode_all(&texts, longest)?;
        let base = Dense { values: encoder.embed(&encoder.params, None, &ids, ctx)?, width: encoder.config.vector() };
        Ok(Labelled { ids, labels: codes.to_vec(), groups: judge::groups(documents), base })
    };
    let source = labelled(&prepared.source, &prepared.source_codes)?;
    let target = labelled(&prepared.target, &prepared.codes)?;
    terminal.done("encode", &format!("{} texts by {}", source.labels.len() + target.labels.len(), recipe.backbone));
    let generalist = pretrain(recipe, &source, prepared, ctx)?;
    terminal.done("pretrain", &format!("generalist: a head fitted on {} source texts", source.labels.len()));
    let texts = prepared.target.iter().map(|d| d.text.as_str()).collect();
    let bench = Bench { recipe, encoder: &encoder, classes: prepared.labels.len(), target, texts, source, generalist };
    let chosen = tune(&bench, &prepared.train, ctx)?;
    terminal.done(
        "tune",
        &format!("{} trials inside the target's train texts; chosen: {}", chosen.trials, chosen.specialist.0.name()),
    );
    let made = candidates(&bench, &chosen, &prepared.train, &prepared.sealed, ctx)?;
    terminal.done("fit", &format!("{} candidates", made.names.len()));
    let labels: Vec<usize> = prepared.sealed.iter().map(|&r| bench.target.labels[r]).collect();
    let values = |w: &[f64]| made.probabilities.iter().flat_map(|p| figures(p, &labels, w)).collect::<Vec<f64>>();
    let sealed: Vec<Document> = prepared.sealed.iter().map(|&r| prepared.target[r].clone()).collect();
    let trial = judge::Trial {
        names: made.names.clone(),
        figures: &FIGURES,
        sealed: &sealed,
        rarest: (0..bench.classes).map(|k| labels.iter().filter(|&&l| l == k).count()).min().unwrap_or(0),
        worthwhile: recipe.compare.worthwhile.unwrap_or(WORTHWHILE),
    };
    let judged = judge::judge(recipe, &trial, values, ctx);
    let mut evidence =
        judge::evidence(recipe, &trial, judged, (prepared.train.len(), prepared.data[2].events), chosen.trials);
    terminal.done("compare", &format!("{} candidates on {} sealed texts", made.names.len(), sealed.len()));
    evidence.label_curve = label_curve(&bench, &chosen, &made, prepared, ctx)?;
    terminal.done("curve", "how many labels it would take");
    let mut panels = vec![stress_panel(&bench, &made, prepared, ctx)?];
    terminal.done("stress", "typing errors and negations");
    if recipe.compare.splits > 0 {
        panels.insert(0, splits_panel(&bench, &chosen, prepared, ctx)?);
        terminal.done("splits", &format!("{} further splits", recipe.compare.splits));
    }
    let report = Report {
        domain: "text".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        question: recipe.question.clone(),
        seed: recipe.seed,
        simulated: false,
        fewest_rows: 0,
        data: prepared.data.clone(),
        findings: prepared.findings.clone(),
        tuning: summary(&chosen, &bench.target.select(&prepared.train)),
        evidence,
        curves: Vec::new(),
        effects: Vec::new(),
        panels,
        recipe: recipe.render(),
    };
    let mut draft = draft(recipe, prepared, &chosen, &made, &sealed)?;
    if let Some(brought) = &brought {
        brought.add(&mut draft);
    }
    Ok((report, draft))
}

fn stress_panel(bench: &Bench<'_>, made: &Made, prepared: &Prepared, ctx: &Context) -> Result<Panel> {
    let ctx = &ctx.child("stress");
    let texts: Vec<&str> = prepared.sealed.iter().map(|&r| bench.texts[r]).collect();
    let longest = bench.recipe.tune.longest.min(bench.encoder.longest());
    let mut table: Vec<Vec<String>> = Vec::new();
    let tests = stress::tests(&texts, ctx);
    for (name, classifier) in &made.models {
        let plain = &made.probabilities[made.names.iter().position(|x| &x.0 == name).expect("it was judged")];
        let mut row = vec![name.clone(), format!("{:.4}", bench.f1(plain, &prepared.sealed))];
        for (_, changed, from) in &tests {
            let ids = bench.encoder.tokenizer.encode_all(changed, longest)?;
            let p = classifier.probabilities(bench.encoder, &ids, None, ctx)?;
            let rows: Vec<usize> = from.iter().map(|&i| prepared.sealed[i]).collect();
            row.push(if from.len() == texts.len() {
                format!("{:.4}", bench.f1(&p, &rows))
            } else {
                let turned = p.iter().zip(from).filter(|(p, i)| likeliest(p) != likeliest(&plain[**i])).count();
                format!("{:.0} % of {}", 100.0 * turned as f64 / from.len().max(1) as f64, from.len())
            });
        }
        table.push(row);
    }
    Ok(Panel {
        title: "Under stress".into(),
        note: "Macro-F1 on the sealed texts as they are and with letters exchanged in some words; and how many short sentences change their label when their first verb is negated (or the negation taken away), which should be nearly all.".into(),
        header: ["Candidate", "as they are", "typing errors, 10 % of words", "30 % of words", "label turned by a negation"].map(String::from).to_vec(),
        table,
        ..Panel::default()
    })
}

fn summary(chosen: &Chosen, train: &Labelled) -> Summary {
    let best = |f: &Found| {
        let (loss, se) = f.loss(train);
        BestTrial {
            tuning: f.tuning.clone(),
            settings: f.settings.to_string(),
            trials: f.trials,
            value: Interval { estimate: loss, low: loss - se, high: loss + se },
        }
    };
    let view =
        |f: &Found| f.study.as_ref().filter(|s| s.trials().len() > 3).map(|s| studies::view_of(s, "log-loss", -1.0));
    Summary {
        chosen: format!("{} ({})", chosen.specialist.0.name(), chosen.specialist.1),
        reason: chosen.reason.clone(),
        metric: "log-loss".into(),
        best: chosen.found.iter().map(best).collect(),
        optimism: None,
        studies: chosen.found.iter().filter_map(view).collect(),
    }
}

fn draft(recipe: &Recipe, prepared: &Prepared, chosen: &Chosen, made: &Made, sealed: &[Document]) -> Result<Draft> {
    let mut draft =
        Draft::of("text", "compared", recipe.seed, corpus::digest(&prepared.target), corpus::digest(sealed));
    draft.add("recipe.toml", recipe.render());
    draft.add("labels.json", serde_json::to_vec(&prepared.labels).expect("plain data"));
    let backbone = artifact_backbone(&prepared.folder)?;
    draft.add("backbone.json", serde_json::to_vec_pretty(&backbone).expect("plain data"));
    for (name, classifier) in
        made.models.iter().filter(|m| ["generalist", "recalibrated", "scratch", "specialist"].contains(&m.0.as_str()))
    {
        classifier.add(&mut draft, name, &recipe.backbone)?;
    }
    for study in chosen.found.iter().filter_map(|f| f.study.as_ref()) {
        draft.add(&format!("study-{}.log", study.name()), journal_text(study));
    }
    draft.add("checks.json", serde_json::to_vec_pretty(&prepared.findings).expect("plain data"));
    Ok(draft)
}
