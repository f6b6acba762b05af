//! Checks an artifact: every digest, and that every model still gives its probe rows the same score.

use std::path::Path;

use ndarray::Array2;
use specialist_core::Predict;

use crate::Error;
use crate::artifact::{self, Manifest, corrupt};
use crate::report::{Probes, probe_data};

/// Scores are written with all their digits: more than this is another model.
const TOLERANCE: f64 = 1e-12;

/// What was checked.
pub struct Verified {
    /// The artifact's manifest.
    pub manifest: Manifest,
    /// Probe rows scored.
    pub probes: usize,
    /// Models scored.
    pub models: usize,
}

/// Checks the artifact in `folder`.
///
/// # Errors
/// [`crate::artifact::ArtifactError`] naming what is wrong.
pub fn verify(folder: &Path) -> Result<Verified, Error> {
    let manifest = artifact::open(folder)?;
    let probes: Probes = artifact::read_json(folder, "probes.json")?;
    let width = probes.features.len();
    if probes.rows.iter().any(|r| r.len() != width) {
        return Err(corrupt(folder, "probes.json", "its rows do not have its features"));
    }
    let cells = probes.rows.iter().flatten().map(|v| v.unwrap_or(f64::NAN)).collect();
    let records = Array2::from_shape_vec((probes.rows.len(), width), cells).expect("every row has the width");
    let data = probe_data(&probes.features, records)?;
    for (name, expected) in &probes.scores {
        let scores = artifact::load_model(folder, name)?.predict(&data)?;
        if scores.len() != expected.len() || scores.iter().zip(expected).any(|(a, b)| (a - b).abs() > TOLERANCE) {
            return Err(corrupt(
                folder,
                &format!("models/{name}.json"),
                "it scores the probe rows differently than when it was made",
            ));
        }
    }
    Ok(Verified { probes: probes.rows.len(), models: probes.scores.len(), manifest })
}
