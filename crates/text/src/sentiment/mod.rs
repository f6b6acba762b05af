//! Which label does a text carry? A head on a frozen sentence encoder, fitted on other domains, is the
//! generalist; the target's few labels make the specialist.

mod figures;
mod model;
mod stress;
mod tunings;

use std::path::{Path, PathBuf};

use rand::seq::{IndexedRandom, SliceRandom};
use specialist_cli::Terminal;
use specialist_core::bootstrap::{Bootstrap, mean_sd, quantile};
use specialist_core::evidence::{CurvePoint, Interval, LabelCurve};
use specialist_core::{Context, Panel};
use specialist_neural::{Device, Encoder};
use specialist_pipeline::artifact::Draft;
use specialist_pipeline::studies;
use specialist_report::{BestTrial, DataRow, Finding, Report, Tuning as Summary};
use specialist_search::{Auto, Params as Point, Space, StartingWith, Study, journal_text};

use crate::corpus::{self, Document};
use crate::error::{Error, Result};
use crate::fetch::Cache;
use crate::judge;
use crate::linear::{Dense, Softmax, TfIdf, softmax};
use crate::recipe::{Data, Recipe};
use figures::{FIGURES, figures, likeliest};
use model::Classifier;
use tunings::{Labelled, Start, Tuning};

/// The gain in macro-F1 that is worth a change unless the recipe says otherwise.
const WORTHWHILE: f64 = 0.01;
/// Folds on which tunings of the encoder are tried, and on which all tunings are compared with them.
const DEEP_FOLDS: usize = 2;
/// Draws of a budget for tunings of the encoder on the label curve.
const DEEP_DRAWS: usize = 1;

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

/// Reads a population.
pub fn read(data: &Data, recipe: &Recipe, cache: &Cache, place: &Path) -> Result<Vec<Document>> {
    let mut out = Vec::new();
    for name in &data.data {
        let columns = match cache.corpus(name)? {
            // The fetched corpora have their own names for their columns.
            Some(file) => (file, corpus_columns(name)),
            None => (place.join(name), recipe.columns.clone()),
        };
        out.extend(corpus::read(&columns.0, &columns.1, true)?);
    }
    if !data.sections.is_empty() {
        out.retain(|d| data.sections.contains(&d.section));
    }
    Ok(out)
}

fn corpus_columns(name: &str) -> crate::recipe::Columns {
    let default = crate::recipe::Columns::default();
    match name {
        "amazon" | "imdb" | "yelp" => crate::recipe::Columns { label: "class".into(), ..default },
        _ => crate::recipe::Columns { group: Some("group".into()), ..default },
    }
}

/// Load, check, split.
///
/// # Errors
/// When a file cannot be read, a label is unknown, or one side of the split has no text of a label.
pub fn prepare(recipe: &Recipe, cache: &Cache, place: &Path, ctx: &Context) -> Result<Prepared> {
    let target = read(&recipe.target, recipe, cache, place)?;
    let mut source = read(&recipe.source, recipe, cache, place)?;
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

/// Probabilities by position in the train rows, of texts whose fold was predicted.
type OutOfFold = Vec<Option<Vec<f64>>>;

/// Settings that a search found, and how well they did out of fold.
struct Found {
    tuning: String,
    settings: Point,
    trials: usize,
    probabilities: OutOfFold,
    study: Option<Study>,
}

/// Train rows parted into folds, every label in each.
fn folds(labels: &[usize], folds: usize, ctx: &Context) -> Vec<usize> {
    let mut out = vec![0; labels.len()];
    let classes = labels.iter().max().map_or(0, |m| m + 1);
    let mut next = 0;
    for k in 0..classes {
        let mut rows: Vec<usize> = (0..labels.len()).filter(|&i| labels[i] == k).collect();
        rows.shuffle(&mut ctx.rng(&format!("folds {k}")));
        for r in rows {
            out[r] = next % folds;
            next += 1;
        }
    }
    out
}

/// The best settings of one way to fit, by the log loss out of fold: a proper score tells settings apart with fewer
/// texts than a count of right labels.
fn search(
    name: &str,
    space: &Space,
    start: &Point,
    trials: usize,
    labels: &[usize],
    mut out_of_fold: impl FnMut(&Point) -> Result<OutOfFold>,
    ctx: &Context,
) -> Result<Found> {
    let mut study = Study::maximise(name, space.clone(), ctx.child(name).seed());
    let auto = Auto::default();
    let sampler = StartingWith { points: vec![start.clone()], then: &auto };
    let mut best: Option<(f64, Point, OutOfFold)> = None;
    let trials = if space.params().is_empty() { 1 } else { trials.max(1) };
    for _ in 0..trials {
        ctx.check()?;
        if ctx.is_spent() && best.is_some() {
            break;
        }
        let Some(number) = study.ask(&sampler)? else { break };
        let settings = study.trials()[number].params.clone();
        let p = out_of_fold(&settings)?;
        let (seen, y): (Vec<Vec<f64>>, Vec<usize>) =
            p.iter().zip(labels).filter_map(|(p, &y)| Some((p.clone()?, y))).unzip();
        let f = figures(&seen, &y, &vec![1.0; y.len()]);
        let value = -f[2];
        study.tell(number, Ok(&[value]))?;
        ctx.observer().step(Some(&format!("{name} {:.3}", f[0])));
        if best.as_ref().is_none_or(|b| value > b.0) {
            best = Some((value, settings, p));
        }
    }
    let (_, settings, probabilities) = best.unwrap_or((f64::NAN, start.clone(), vec![None; labels.len()]));
    Ok(Found { tuning: name.into(), settings, trials: study.trials().len(), probabilities, study: Some(study) })
}

/// Fits on every fold's other rows with `fit` and predicts the fold.
fn cross(
    fold_of: &[usize],
    which: std::ops::Range<usize>,
    mut fit: impl FnMut(&[usize], &[usize], usize) -> Result<Vec<Vec<f64>>>,
) -> Result<OutOfFold> {
    let mut out = vec![None; fold_of.len()];
    for fold in which {
        let inside: Vec<usize> = (0..fold_of.len()).filter(|&i| fold_of[i] != fold).collect();
        let outside: Vec<usize> = (0..fold_of.len()).filter(|&i| fold_of[i] == fold).collect();
        for (i, p) in outside.iter().zip(fit(&inside, &outside, fold)?) {
            out[*i] = Some(p);
        }
    }
    Ok(out)
}

/// What the search came to.
struct Chosen {
    found: Vec<Found>,
    scratch: f64,
    pooled: f64,
    tfidf: f64,
    specialist: (Tuning, Point),
    reason: String,
    trials: usize,
}

impl Chosen {
    fn settings(&self, tuning: Tuning) -> Option<&Point> {
        self.found.iter().find(|f| f.tuning == tuning.name()).map(|f| &f.settings)
    }
}

fn precision_space() -> (Space, Point) {
    let space = Space::new().log_float("precision", 0.01, 100.0);
    let start = space.choose(|_| specialist_search::Value::Float(1.0));
    (space, start)
}

fn tune(bench: &Bench<'_>, train: &[usize], ctx: &Context) -> Result<Chosen> {
    let ctx = &ctx.child("tune");
    let (recipe, start) = (bench.recipe, bench.start());
    let labels: Vec<usize> = train.iter().map(|&r| bench.target.labels[r]).collect();
    let all = bench.target.select(train);
    let fold_of = folds(&labels, recipe.tune.folds, ctx);
    let asked: Vec<Tuning> = match &recipe.tune.tunings[..] {
        [] => vec![Tuning::Keep, Tuning::Slope, Tuning::Head, Tuning::Setfit, Tuning::Lora],
        names => {
            let known = Tuning::ALL.map(Tuning::name).join(", ");
            let named = |n: &String| {
                Tuning::named(n)
                    .ok_or_else(|| Error::usage(format!("there is no tuning `{n}`"), format!("there are: {known}")))
            };
            names.iter().map(named).collect::<Result<_>>()?
        }
    };
    let cheap = recipe.tune.trials;
    let deep = asked.iter().filter(|t| t.deep()).count() * recipe.tune.deep_trials;
    ctx.observer().begin("tune", asked.iter().filter(|t| !t.deep()).count() * cheap + deep + 3 * cheap);
    let mut found = Vec::new();
    for &tuning in &asked {
        let (folds, trials) = if tuning.deep() {
            (0..DEEP_FOLDS.min(recipe.tune.folds), recipe.tune.deep_trials)
        } else {
            (0..recipe.tune.folds, cheap)
        };
        let fit = |settings: &Point| {
            cross(&fold_of, folds.clone(), |inside, outside, fold| {
                let inner = ctx.child(&format!("{} fold {fold}", tuning.name()));
                let classifier = start.tune(tuning, settings, &all.select(inside), &inner)?;
                let outside = all.select(outside);
                classifier.probabilities(bench.encoder, &outside.ids, Some(&outside.base), &inner)
            })
        };
        found.push(search(tuning.name(), &tuning.space(), &tuning.start(), trials, &labels, fit, ctx)?);
    }
    let (space, first) = precision_space();
    let scratch = search(
        "scratch",
        &space,
        &first,
        cheap,
        &labels,
        |s| {
            cross(&fold_of, 0..recipe.tune.folds, |inside, outside, _| {
                let head = start.head(&all.select(inside), s.float("precision"), None);
                Ok(head.logits(&all.base.select(outside)).iter().map(|l| softmax(l)).collect())
            })
        },
        ctx,
    )?;
    let pooled = search(
        "pooled",
        &space,
        &first,
        cheap,
        &labels,
        |s| {
            cross(&fold_of, 0..recipe.tune.folds, |inside, outside, _| {
                let head = pooled_head(bench, &all.select(inside), s.float("precision"));
                Ok(head.logits(&all.base.select(outside)).iter().map(|l| softmax(l)).collect())
            })
        },
        ctx,
    )?;
    let texts: Vec<&str> = train.iter().map(|&r| bench.texts[r]).collect();
    let tfidf = search(
        "tf-idf",
        &space,
        &first,
        cheap,
        &labels,
        |s| {
            cross(&fold_of, 0..recipe.tune.folds, |inside, outside, _| {
                let of = |rows: &[usize]| rows.iter().map(|&i| texts[i]).collect::<Vec<_>>();
                let y: Vec<usize> = inside.iter().map(|&i| labels[i]).collect();
                Ok(tfidf_probabilities(&of(inside), &y, bench.classes, s.float("precision"), &of(outside)))
            })
        },
        ctx,
    )?;
    ctx.observer().end();
    let (specialist, reason) = choose(&asked, &found, &labels, ctx);
    let trials = found.iter().chain([&scratch, &pooled, &tfidf]).map(|f| f.trials).sum();
    let precision = |f: &Found| f.settings.float("precision");
    let (s, p, t) = (precision(&scratch), precision(&pooled), precision(&tfidf));
    found.push(scratch);
    found.push(tfidf);
    let specialist_settings =
        found.iter().find(|f| f.tuning == specialist.name()).expect("it was tried").settings.clone();
    Ok(Chosen { found, scratch: s, pooled: p, tfidf: t, specialist: (specialist, specialist_settings), reason, trials })
}

fn pooled_head(bench: &Bench<'_>, target: &Labelled, precision: f64) -> Softmax {
    let x = bench.source.base.and(&target.base);
    let y: Vec<usize> = bench.source.labels.iter().chain(&target.labels).copied().collect();
    Softmax::fit(&x, &y, &vec![1.0; y.len()], bench.classes, precision, None)
}

fn tfidf_probabilities(
    train: &[&str],
    labels: &[usize],
    classes: usize,
    precision: f64,
    texts: &[&str],
) -> Vec<Vec<f64>> {
    let tfidf = TfIdf::fit(train);
    let model = Softmax::fit(&tfidf.rows(train), labels, &vec![1.0; labels.len()], classes, precision, None);
    model.logits(&tfidf.rows(texts)).iter().map(|l| softmax(l)).collect()
}

/// The lowest rung within one standard error (paired bootstrap over texts) of the best out of fold, on the folds
/// that every rung was tried on.
fn choose(asked: &[Tuning], found: &[Found], labels: &[usize], ctx: &Context) -> (Tuning, String) {
    let common: Vec<usize> =
        (0..labels.len()).filter(|&i| found.iter().all(|f| f.probabilities[i].is_some())).collect();
    let y: Vec<usize> = common.iter().map(|&i| labels[i]).collect();
    let p: Vec<Vec<Vec<f64>>> = found
        .iter()
        .map(|f| common.iter().map(|&i| f.probabilities[i].clone().expect("it is common")).collect())
        .collect();
    let units: Vec<u32> = (0..y.len() as u32).collect();
    let bootstrap = Bootstrap::clusters(&units, 200, ctx);
    let ones = vec![1.0; y.len()];
    let value = |i: usize, w: &[f64]| -figures(&p[i], &y, w)[2];
    let estimates: Vec<f64> = (0..found.len()).map(|i| value(i, &ones)).collect();
    let best = (0..found.len()).fold(0, |b, i| if estimates[i] > estimates[b] { i } else { b });
    for i in 0..found.len() {
        let drawn = bootstrap.map(ctx, |w| value(best, w) - value(i, w));
        let se = mean_sd(&drawn).1;
        if estimates[best] - estimates[i] <= se {
            let reason = format!(
                "The lowest rung within one standard error of the best ({}, log loss {:.4} on {} train texts out of fold).",
                asked[best].name(),
                -estimates[best],
                y.len()
            );
            return (asked[i], reason);
        }
    }
    unreachable!("the best is within an error of itself")
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
    let encoder = Encoder::read(&prepared.folder, &Device::flex())?;
    let longest = recipe.tune.longest.min(encoder.longest());
    let labelled = |documents: &[Document], codes: &[usize]| -> Result<Labelled> {
        let texts: Vec<&str> = documents.iter().map(|d| d.text.as_str()).collect();
        let ids = encoder.tokenizer.encode_all(&texts, longest)?;
        let base = Dense { values: encoder.embed(&encoder.params, None, &ids, ctx)?, width: encoder.config.width };
        Ok(Labelled { ids, labels: codes.to_vec(), base })
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
        data: prepared.data.clone(),
        findings: prepared.findings.clone(),
        tuning: summary(&chosen),
        evidence,
        curves: Vec::new(),
        effects: Vec::new(),
        panels,
        recipe: recipe.render(),
    };
    let draft = draft(recipe, prepared, &chosen, &made, &sealed)?;
    Ok((report, draft))
}

/// The head on the source, its precision cross-validated there.
fn pretrain(recipe: &Recipe, source: &Labelled, prepared: &Prepared, ctx: &Context) -> Result<Softmax> {
    let ctx = &ctx.child("pretrain");
    let (space, first) = precision_space();
    let fold_of = folds(&source.labels, recipe.tune.folds, ctx);
    let classes = prepared.labels.len();
    let fit = |rows: &[usize], precision: f64| {
        let part = source.select(rows);
        Softmax::fit(&part.base, &part.labels, &part.ones(), classes, precision, None)
    };
    let found = search(
        "pretrain",
        &space,
        &first,
        recipe.tune.trials.min(8),
        &source.labels,
        |s| {
            cross(&fold_of, 0..2, |inside, outside, _| {
                let head = fit(inside, s.float("precision"));
                Ok(head.logits(&source.base.select(outside)).iter().map(|l| softmax(l)).collect())
            })
        },
        ctx,
    )?;
    Ok(fit(&(0..source.labels.len()).collect::<Vec<_>>(), found.settings.float("precision")))
}

/// Candidates made anew from a few labels; tunings of the encoder with fewer draws.
fn label_curve(
    bench: &Bench<'_>,
    chosen: &Chosen,
    made: &Made,
    prepared: &Prepared,
    ctx: &Context,
) -> Result<LabelCurve> {
    let ctx = &ctx.child("curve");
    let (recipe, start, sealed) = (bench.recipe, bench.start(), &prepared.sealed);
    let n = prepared.train.len();
    let mut budgets: Vec<usize> = recipe.compare.budgets.iter().map(|&b| if b == 0 { n } else { b.min(n) }).collect();
    budgets.sort_unstable();
    budgets.dedup();
    let deep: Vec<Tuning> = Tuning::ALL.into_iter().filter(|t| t.deep() && chosen.settings(*t).is_some()).collect();
    let mut names = vec!["generalist", "scratch", "head"];
    names.extend(deep.iter().map(|t| t.name()));
    let head = chosen.settings(Tuning::Head).cloned().unwrap_or_else(|| Tuning::Head.start());
    let final_f1 = |name: &str| {
        let i = made.names.iter().position(|x| x.0 == name)?;
        Some(bench.f1(&made.probabilities[i], sealed))
    };
    ctx.observer().begin("label curve", budgets.len() * recipe.compare.repeats);
    let mut points = Vec::new();
    for &budget in &budgets {
        let mut values: Vec<Vec<f64>> = vec![Vec::new(); names.len()];
        let repeats = if budget == n { 1 } else { recipe.compare.repeats.max(1) };
        for repeat in 0..repeats {
            ctx.check()?;
            ctx.observer().step(None);
            let inner = ctx.child(&format!("{budget} {repeat}"));
            let rows: Vec<usize> = if budget == n {
                prepared.train.clone()
            } else {
                prepared.train.choose_multiple(&mut inner.rng("draw"), budget).copied().collect()
            };
            let part = bench.target.select(&rows);
            let mut judge = |i: usize, classifier: &Classifier| -> Result<()> {
                values[i].push(bench.f1(&bench.probabilities(classifier, sealed, &inner)?, sealed));
                Ok(())
            };
            judge(0, &Classifier::frozen(bench.generalist.clone()))?;
            judge(1, &Classifier::frozen(start.head(&part, chosen.scratch, None)))?;
            judge(2, &start.tune(Tuning::Head, &head, &part, &inner)?)?;
            for (i, tuning) in deep.iter().enumerate() {
                if budget == n {
                    values[3 + i].extend(final_f1(tuning.name()));
                } else if repeat < DEEP_DRAWS {
                    let settings = chosen.settings(*tuning).expect("it was filtered");
                    let classifier = start.tune(*tuning, settings, &part, &inner)?;
                    values[3 + i].push(bench.f1(&bench.probabilities(&classifier, sealed, &inner)?, sealed));
                }
            }
        }
        let interval =
            |v: &Vec<f64>| Interval { estimate: mean_sd(v).0, low: quantile(v, 0.025), high: quantile(v, 0.975) };
        points.push(CurvePoint {
            rows: budget,
            events: 0,
            values: names.iter().zip(&values).map(|(n, v)| ((*n).to_string(), interval(v))).collect(),
        });
    }
    ctx.observer().end();
    let mut crossings = Vec::new();
    for (riser, name) in names.iter().enumerate().skip(1) {
        let ahead = points.iter().rposition(|p| p.values[riser].1.estimate <= p.values[0].1.estimate);
        crossings.push(match ahead {
            Some(i) if i + 1 == points.len() => {
                format!("{name} does not reach the generalist with all {n} labelled target texts.")
            }
            Some(i) => format!(
                "{name} passes the generalist between {} and {} labelled target texts.",
                points[i].rows,
                points[i + 1].rows
            ),
            None => format!("{name} is ahead of the generalist from {} labelled target texts on.", points[0].rows),
        });
    }
    if !deep.is_empty() {
        crossings.push(format!(
            "Tunings of the encoder are drawn {DEEP_DRAWS} times a budget, the others {} times.",
            recipe.compare.repeats
        ));
    }
    Ok(LabelCurve { points, repeats: recipe.compare.repeats, crossings })
}

/// Every candidate made and judged anew on other splits, with the settings that were found on the first.
fn splits_panel(bench: &Bench<'_>, chosen: &Chosen, prepared: &Prepared, ctx: &Context) -> Result<Panel> {
    let (recipe, n) = (bench.recipe, bench.recipe.compare.splits);
    let (mut names, mut values): (Vec<String>, Vec<Vec<f64>>) = (Vec::new(), Vec::new());
    let mut ratio = 1.0;
    ctx.observer().begin("splits", n);
    for i in 0..n {
        ctx.check()?;
        let inner = ctx.child(&format!("split {i}"));
        let (train, sealed) =
            corpus::stratified(&prepared.target, &prepared.codes, recipe.split.test, &mut inner.rng("split"));
        let (train, _) = judge::without_copies(train, &sealed, &prepared.target, recipe.split.alike);
        ratio = sealed.len() as f64 / train.len() as f64;
        let made = candidates(bench, chosen, &train, &sealed, &inner)?;
        names = made.names.iter().map(|x| x.0.clone()).collect();
        values.resize(names.len(), Vec::new());
        for (v, p) in values.iter_mut().zip(&made.probabilities) {
            v.push(bench.f1(p, &sealed));
        }
        ctx.observer().step(None);
    }
    ctx.observer().end();
    let zero = names.iter().position(|x| x == "generalist").unwrap_or(0);
    let row = |(name, v): (&String, &Vec<f64>)| {
        let (mean, sd) = mean_sd(v);
        let gap: Vec<f64> = v.iter().zip(&values[zero]).map(|(a, b)| a - b).collect();
        let (gain, sd_gain) = mean_sd(&gap);
        // The splits share texts: the variance is corrected for it (Nadeau and Bengio 2003).
        let se = sd_gain * (1.0 / n as f64 + ratio).sqrt();
        let t = student_975(n.saturating_sub(1));
        let cell = if name == "generalist" || n < 2 {
            "–".to_string()
        } else {
            format!("{gain:+.4} ({:+.4} to {:+.4})", gain - t * se, gain + t * se)
        };
        vec![name.clone(), format!("{mean:.4} ± {sd:.4}"), cell]
    };
    Ok(Panel {
        title: format!("On {n} further splits"),
        note: "Every candidate made and judged anew on other random splits of the target, with the settings found on the first. Mean ± standard deviation of macro-F1, and the mean gain over the generalist with its 95 % interval (corrected resampled t).".into(),
        header: vec!["Candidate".into(), "macro-F1".into(), "gain over the generalist".into()],
        table: names.iter().zip(&values).map(row).collect(),
        axes: (String::new(), String::new()),
        series: Vec::new(),
    })
}

/// The 97.5 % point of Student's t distribution: a table, then its expansion (Abramowitz and Stegun 1964, 26.7.5).
fn student_975(df: usize) -> f64 {
    const TABLE: [f64; 10] = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228];
    match df {
        0 => f64::NAN,
        1..=10 => TABLE[df - 1],
        _ => 1.959_964 + 2.372_27 / df as f64 + 2.822_5 / (df * df) as f64,
    }
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
        axes: (String::new(), String::new()),
        series: Vec::new(),
    })
}

fn summary(chosen: &Chosen) -> Summary {
    let best = |f: &Found| {
        let value = f.study.as_ref().and_then(|s| s.best()).and_then(|t| t.value()).unwrap_or(f64::NAN);
        BestTrial {
            tuning: f.tuning.clone(),
            settings: f.settings.to_string(),
            trials: f.trials,
            value: Interval { estimate: -value, low: -value, high: -value },
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

/// What an artifact says about the encoder that it stands on and does not hold.
fn artifact_backbone(folder: &Path) -> Result<serde_json::Value> {
    use sha2::{Digest, Sha256};
    let file = folder.join("model.safetensors");
    let bytes = std::fs::read(&file).map_err(|e| Error::write(&file, e))?;
    let sha: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
    Ok(serde_json::json!({ "model.safetensors": sha }))
}

/// Why a text has its label.
#[derive(serde::Serialize)]
pub struct Explanation {
    /// The likeliest label.
    pub label: String,
    /// Its probability.
    pub probability: f64,
    /// Every word with the label's log-odds in the whole text minus those without the word.
    pub words: Vec<(String, f64)>,
}

/// A classifier of an artifact, ready to label texts.
pub struct Scorer {
    encoder: Encoder,
    classifier: Classifier,
    /// The labels in order.
    pub labels: Vec<String>,
    longest: usize,
}

impl Scorer {
    /// Opens the model `name` of the artifact in `folder`; without a name the one that the verdict ships.
    pub fn open(folder: &Path, name: Option<&str>, cache: &Cache) -> Result<Self> {
        use specialist_pipeline::{artifact, report};
        let manifest = artifact::open(folder)?;
        let text = String::from_utf8_lossy(&artifact::read(folder, "recipe.toml")?).into_owned();
        let recipe = crate::recipe::parse("recipe.toml", &text, &[])?;
        let name = match name {
            Some(name) => name.to_string(),
            None => report::read_report(folder, &manifest)?.shipped().to_string(),
        };
        let backbone = cache.model(&recipe.backbone)?;
        if artifact::read_json::<serde_json::Value>(folder, "backbone.json")? != artifact_backbone(&backbone)? {
            return Err(Error::usage(
                format!("{}: the encoder has other weights than the artifact was made with", backbone.display()),
                "fetch or copy the encoder that it was made with",
            ));
        }
        let encoder = Encoder::read(&backbone, &Device::flex())?;
        if !manifest.files.contains_key(&format!("models/{name}/head.json")) {
            return Err(Error::usage(
                format!("the artifact has no model `{name}`"),
                "there are: generalist, recalibrated, scratch, specialist",
            ));
        }
        let classifier = Classifier::read(folder, &name, &encoder)?;
        let labels = artifact::read_json(folder, "labels.json")?;
        let longest = recipe.tune.longest.min(encoder.longest());
        Ok(Self { encoder, classifier, labels, longest })
    }

    /// Probabilities of the labels, a text each.
    pub fn probabilities(&self, texts: &[&str], ctx: &Context) -> Result<Vec<Vec<f64>>> {
        let ids = self.encoder.tokenizer.encode_all(texts, self.longest)?;
        self.classifier.probabilities(&self.encoder, &ids, None, ctx)
    }

    /// What each word does for the likeliest label.
    pub fn explain(&self, text: &str, ctx: &Context) -> Result<Explanation> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let without = (0..words.len()).map(|i| {
            let rest: Vec<&str> = words.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, w)| *w).collect();
            rest.join(" ")
        });
        let all: Vec<String> = std::iter::once(text.to_string()).chain(without).collect();
        let p = self.probabilities(&all.iter().map(String::as_str).collect::<Vec<_>>(), ctx)?;
        let best = likeliest(&p[0]);
        let odds = |p: &[f64]| specialist_core::logit(p[best]);
        let whole = odds(&p[0]);
        let effects = words.iter().zip(&p[1..]).map(|(w, p)| ((*w).to_string(), whole - odds(p))).collect();
        Ok(Explanation { label: self.labels[best].clone(), probability: p[0][best], words: effects })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn student_equals_scipy() {
        // scipy.stats.t.ppf(.975, df)
        for (df, t) in [(1, 12.706_2), (9, 2.262_2), (11, 2.201_0), (19, 2.093_0), (99, 1.984_2)] {
            assert!((student_975(df) - t).abs() < 3e-3, "{df}");
        }
    }
}
