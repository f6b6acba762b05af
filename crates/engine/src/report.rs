//! Puts together what a run says, and the artifact's files.

use std::path::Path;

use ndarray::Array2;
use rand::Rng;
use serde::{Deserialize, Serialize};
use specialist_core::discretion::quantile_of;
use specialist_core::{
    Candidate, Context, Dataset, Domain, Feature, FeatureKind, KeyRole, Labels, PanelInput, Predict,
};
use specialist_report::{Finding, Report};
use specialist_tabular::Model;

use crate::artifact::{self, Artifact, Draft};
use crate::compare::Judged;
use crate::ledger;
use crate::load::data_row;
use crate::recipe::Recipe;
use crate::sources::Moments;
use crate::stages::{Prepared, Tuned};
use crate::{Error, classes, curves, in_the_large};

/// Effects are measured on at most this many train rows.
const EFFECT_ROWS: usize = 2000;
const PROBES: usize = 20;

/// Puts the report together.
pub(crate) fn report(
    recipe: &Recipe,
    domain: &dyn Domain,
    prepared: &Prepared,
    tuned: &Tuned,
    judged: Judged,
    ctx: &Context,
) -> Result<Report, Error> {
    let sealed = &prepared.sealed;
    let models: Vec<(Candidate, &dyn Predict)> =
        tuned.candidates.models.iter().map(|(name, _, model)| (*name, model as &dyn Predict)).collect();
    let input = PanelInput {
        models: &models,
        train: &prepared.train,
        // All of it: what is held out for the forgetting test is no less of the population.
        source: prepared.loaded.source.as_ref(),
        trials: judged.evidence.trials,
        rows: sealed,
        predictions: &judged.predictions,
        bootstrap: &judged.bootstrap,
        confidence: recipe.compare.confidence,
        ctx,
    };
    let mut panels = classes::panels(&input, &judged.evidence);
    panels.extend(prepared.loaded.judgement.panels(&input)?);
    panels.extend(in_the_large::panel(sealed, &judged.evidence, &judged.predictions));
    let mut data = prepared.loaded.rows();
    let origin = data.last().map_or(String::new(), |d| d.origin.clone());
    data.push(data_row("target train", &origin, &prepared.train));
    data.push(data_row("sealed test", &origin, sealed));
    let shipped = judged.evidence.verdict.outcome.ships().unwrap_or(Candidate::Generalist);
    let shipped = tuned
        .candidates
        .get(shipped)
        .or_else(|| tuned.candidates.get(Candidate::Generalist))
        .expect("there is a generalist");
    Ok(Report {
        domain: domain.name().into(),
        version: env!("CARGO_PKG_VERSION").into(),
        question: recipe.question.clone(),
        seed: recipe.seed,
        simulated: recipe.target.data.contains("simulated"),
        data,
        findings: prepared.findings.clone(),
        tuning: tuned.plans.summary.clone(),
        curves: curves::curves(sealed, &judged.predictions),
        effects: effects(shipped, &prepared.train)?,
        panels,
        recipe: recipe.portable(),
        fewest_rows: sealed.fewest_rows,
        evidence: judged.evidence,
    })
}

/// Mean absolute contribution of every feature, largest first; empty for models that cannot tell.
fn effects(model: &Model, train: &Dataset) -> Result<Vec<(String, f64)>, Error> {
    let step = train.rows().div_ceil(EFFECT_ROWS).max(1);
    let part = train.select(&(0..train.rows()).step_by(step).collect::<Vec<_>>());
    let Some(rows) = model.contributions(&part)? else { return Ok(Vec::new()) };
    // Of several classes the mean over them as well.
    let (n, classes) = (rows.rows(), rows.outputs());
    let features = model.features();
    let columns = by_column(train, &features);
    let of_row = |parts: &[f64], places: &[usize]| places.iter().map(|&i| parts[i]).sum::<f64>().abs();
    let mean = |places: &[usize]| {
        let cells = (0..n * classes).map(|at| of_row(rows.parts(at / classes, at % classes), places));
        cells.sum::<f64>() / (n * classes) as f64
    };
    let mut out: Vec<(String, f64)> = columns.iter().map(|(name, places)| (name.clone(), mean(places))).collect();
    out.retain(|e| e.1 > 0.0);
    out.sort_by(|a, b| b.1.total_cmp(&a.1));
    Ok(out)
}

/// The features by the column that they were made of: the numbers of a text are told as one.
pub(crate) fn by_column(data: &Dataset, features: &[Feature]) -> Vec<(String, Vec<usize>)> {
    let texts: Vec<&str> = data.keys.iter().filter(|k| k.role == KeyRole::Text).map(|k| k.name.as_str()).collect();
    let column = |f: &Feature| match f.name.rsplit_once(':') {
        Some((column, _)) if texts.contains(&column) => column.to_string(),
        _ => f.name.clone(),
    };
    let mut out: Vec<(String, Vec<usize>)> = Vec::new();
    for (i, f) in features.iter().enumerate() {
        let name = column(f);
        match out.iter_mut().rfind(|(known, _)| *known == name) {
            Some((_, places)) => places.push(i),
            None => out.push((name, vec![i])),
        }
    }
    out
}

/// Made-up rows with each model's score, to check after a copy that the models still say the same.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Probes {
    /// The features of the target's rows.
    pub features: Vec<Feature>,
    /// Rows × features; `null` is missing.
    pub rows: Vec<Vec<Option<f64>>>,
    /// Model → what it predicts, row by row: one number, or one a class; nothing where it reads texts, of which none is made up.
    pub scores: std::collections::BTreeMap<String, Vec<f64>>,
}

/// Each cell is drawn for itself between the 5 % and the 95 % point of its column: no row is a person's.
pub(crate) fn probes(models: &[(Candidate, String, Model)], train: &Dataset, ctx: &Context) -> Result<Probes, Error> {
    let mut rng = ctx.rng("probes");
    let mut records = Array2::from_elem((PROBES, train.features.len()), f64::NAN);
    for (c, feature) in train.features.iter().enumerate() {
        let seen: Vec<f64> = train.records().column(c).iter().copied().filter(|v| !v.is_nan()).collect();
        let share = seen.len() as f64 / train.rows() as f64;
        for r in 0..PROBES {
            let (present, u) = (rng.random::<f64>() < share, rng.random_range(0.05..0.95));
            if !present || seen.is_empty() {
                continue;
            }
            records[[r, c]] = match &feature.kind {
                FeatureKind::Number => quantile_of(&seen, u, train.fewest_rows),
                FeatureKind::Category { levels } => (u * levels.len() as f64).floor(),
            };
        }
    }
    let rows = records.rows().into_iter().map(|r| r.iter().map(|v| (!v.is_nan()).then_some(*v)).collect()).collect();
    let data = probe_data(&train.features, records)?;
    let score = |(name, _, model): &(Candidate, String, Model)| {
        let scores = if model.is_of_numbers() { model.predictions(&data)?.values().to_vec() } else { Vec::new() };
        Ok((name.to_string(), scores))
    };
    let scores = models.iter().map(score).collect::<Result<_, Error>>()?;
    Ok(Probes { features: train.features.clone(), rows, scores })
}

pub(crate) fn probe_data(features: &[Feature], records: Array2<f64>) -> Result<Dataset, Error> {
    let labels = Labels::unknown(records.nrows());
    Ok(Dataset::new(features.to_vec(), records, labels)?)
}

/// The candidates' metrics and nothing else, for machines.
#[derive(Serialize)]
struct Metrics<'a> {
    verdict: &'a str,
    shipped: &'a str,
    candidates: std::collections::BTreeMap<&'a str, std::collections::BTreeMap<&'a str, Option<f64>>>,
}

/// Writes the artifact of a finished run; returns how often its sealed rows had been opened before.
///
/// # Errors
/// [`Error::Write`], or when the folder holds something else.
pub(crate) fn write(
    recipe: &Recipe,
    domain: &dyn Domain,
    prepared: &Prepared,
    tuned: &Tuned,
    report: Option<&mut Report>,
    folder: &Path,
    ctx: &Context,
) -> Result<(), Error> {
    let stage = if report.is_some() { "compared" } else { "tuned" };
    let mut draft = Draft::new(domain.name(), stage, recipe.seed, &prepared.loaded.target, &prepared.sealed);
    let text = recipe.portable();
    let opened = ledger::opened_before(folder, &draft.manifest.sealed, &text);
    draft.manifest.opened_before = opened;
    draft.add("recipe.toml", text.as_str());
    if let Some(embeddings) = &prepared.loaded.embeddings {
        embeddings.add(&mut draft)?;
    }
    add_models(&mut draft, &tuned.candidates.models)?;
    draft.add("plans.json", json(&tuned.plans));
    for (name, journal) in &tuned.journals {
        draft.add(&format!("study-{name}.log"), journal.as_str());
    }
    draft.add("checks.json", json(&prepared.findings));
    draft.add("moments.json", json(&prepared.source_train.as_ref().and_then(Moments::of)));
    draft.add("probes.json", json(&probes(&tuned.candidates.models, &prepared.train, ctx)?));
    if let Some(report) = report {
        report.evidence.opened_before = opened;
        add_report(&mut draft, report);
        ledger::record(folder, &draft.manifest.sealed, &text)?;
    }
    draft.write(folder)
}

pub(crate) fn json<T: Serialize>(value: &T) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(value).expect("plain data");
    text.push(b'\n');
    text
}

pub(crate) fn add_models(draft: &mut Draft, models: &[(Candidate, String, Model)]) -> Result<(), Error> {
    for (name, _, model) in models {
        let text = model.to_json().map_err(|error| Error::Model { file: format!("models/{name}.json"), error })?;
        draft.add(&format!("models/{name}.json"), text);
    }
    Ok(())
}

/// The files that are drawn from the report.
pub fn add_report(draft: &mut Draft, report: &Report) {
    let e = &report.evidence;
    let candidates = e.candidates.iter().map(|c| {
        let figures =
            c.figures.iter().map(|f| (f.metric.as_str(), Some(f.interval.estimate).filter(|v| v.is_finite())));
        (c.name.as_str(), figures.collect())
    });
    let metrics =
        Metrics { verdict: e.verdict.outcome.word(), shipped: report.shipped(), candidates: candidates.collect() };
    draft.add("metrics.json", json(&metrics));
    draft.add("evidence.json", json(report));
    draft.add("report.html", specialist_report::html(report));
    draft.add("README.md", specialist_report::card(report));
}

/// Draws the report's files again from an artifact's `evidence.json`.
///
/// # Errors
/// [`crate::artifact::ArtifactError`] when the artifact is not whole or was never compared.
pub fn redraw(folder: &Path) -> Result<Report, Error> {
    let artifact = Artifact::open(folder)?;
    artifact.check(|_| true)?;
    let (manifest, report) = (artifact.manifest(), read_report(&artifact)?);
    let mut draft = Draft {
        manifest: artifact::Manifest { files: Default::default(), ..manifest.clone() },
        files: Default::default(),
    };
    for path in manifest.files.keys() {
        draft.add(path, artifact.read(path)?);
    }
    add_report(&mut draft, &report);
    draft.write(folder)?;
    Ok(report)
}

/// The model that an artifact's verdict ships, without reading all of its report.
///
/// # Errors
/// [`Error::Usage`] when it was never compared.
pub(crate) fn shipped(artifact: &Artifact) -> Result<String, Error> {
    #[derive(Deserialize)]
    struct Short {
        shipped: String,
    }
    compared(artifact)?;
    Ok(artifact.read_json::<Short>("metrics.json")?.shipped)
}

fn compared(artifact: &Artifact) -> Result<(), Error> {
    let (folder, manifest) = (artifact.folder(), artifact.manifest());
    if manifest.stage == "compared" {
        return Ok(());
    }
    Err(Error::Usage {
        what: format!(
            "{}: the artifact is only {}; its candidates were never compared",
            folder.display(),
            manifest.stage
        ),
        hint: "`compare` opens the sealed rows and judges them".into(),
    })
}

/// An artifact's report.
///
/// # Errors
/// [`Error::Usage`] when it was never compared.
pub fn read_report(artifact: &Artifact) -> Result<Report, Error> {
    compared(artifact)?;
    let report: Report = artifact.read_json("evidence.json")?;
    report.check().map_err(|what| artifact::corrupt(artifact.folder(), "evidence.json", &what))?;
    Ok(report)
}

/// The findings in an order of importance.
#[must_use]
pub fn leaks(findings: &[Finding]) -> Vec<Finding> {
    findings.iter().filter(|f| f.stops()).cloned().collect()
}
