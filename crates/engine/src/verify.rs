//! Checks an artifact: every digest, and that every model still gives its probe rows the same score.

use std::path::Path;

use ndarray::Array2;
use specialist_core::Predict;
use specialist_tabular::Model;

use crate::Error;
use crate::artifact::{self, Artifact, Manifest, corrupt};
use crate::report::{Probes, probe_data};

/// Scores are written with all their digits: more than this is another model.
const TOLERANCE: f64 = 1e-12;

/// What was checked.
pub struct Verified {
    /// The artifact's manifest.
    pub manifest: Manifest,
    /// Probe rows scored.
    pub probes: usize,
    /// Models that scored them.
    pub models: usize,
    /// Models that read texts, of which no row can be made up: they were opened.
    pub of_texts: usize,
}

/// Checks the artifact in `folder`.
///
/// # Errors
/// [`crate::artifact::ArtifactError`] naming what is wrong.
pub fn verify(folder: &Path) -> Result<Verified, Error> {
    let artifact = Artifact::open(folder)?;
    artifact.check(|_| true)?;
    let manifest = artifact.manifest();
    let probes: Probes = artifact.read_json("probes.json")?;
    let width = probes.features.len();
    if probes.rows.iter().any(|r| r.len() != width) {
        return Err(corrupt(folder, "probes.json", "its rows do not have its features"));
    }
    let cells = probes.rows.iter().flatten().map(|v| v.unwrap_or(f64::NAN)).collect();
    let records = Array2::from_shape_vec((probes.rows.len(), width), cells).expect("every row has the width");
    let data = probe_data(&probes.features, records)?;
    if probes.rows.is_empty() {
        return Err(corrupt(folder, "probes.json", "it has no rows to score"));
    }
    let mut kept: Vec<&str> = artifact::models(manifest);
    kept.sort_unstable();
    let scored: Vec<&str> = probes.scores.keys().map(String::as_str).collect();
    if kept != scored {
        return Err(corrupt(
            folder,
            "probes.json",
            "it does not score the models that the artifact holds, each of them",
        ));
    }
    for (name, expected) in &probes.scores {
        let path = format!("models/{name}.json");
        let model = artifact.model(name)?;
        // What is open to every program of the field must be what is read here.
        let open =
            Model::from_open_json(&artifact.read_text(&path)?).map_err(|e| corrupt(folder, &path, &e.to_string()))?;
        // No score is not a number: what is neither near nor far is another model as well.
        let same = |(a, b): (&f64, &f64)| (a - b).abs() <= TOLERANCE;
        for model in [model, open] {
            let scores = if model.is_of_numbers() { model.predictions(&data)?.values().to_vec() } else { Vec::new() };
            if scores.len() != expected.len() || !scores.iter().zip(expected).all(same) {
                return Err(corrupt(folder, &path, "it scores the probe rows differently than when it was made"));
            }
        }
    }
    // Models of texts have no made-up rows to score.
    let models = probes.scores.values().filter(|scores| !scores.is_empty()).count();
    let of_texts = probes.scores.len() - models;
    Ok(Verified { probes: probes.rows.len(), models, of_texts, manifest: manifest.clone() })
}
