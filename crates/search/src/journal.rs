//! A whole study as the text of a journal.

use serde_json::json;

use crate::notes::{BEAT, DIED, SEAL, SPACE, WORKER};
use crate::store::format;
use crate::store::lines::{study_line, trial_line};
use crate::study::Study;
use crate::trial::Trial;

/// A whole study as the text of a journal that Optuna opens, without times and workers: the same trials
/// give the same text.
///
/// ```
/// use specialist_search::{Random, Space, Study, journal_text};
/// let mut study = Study::minimise("s", Space::new().float("x", 0.0, 1.0), 0);
/// study.optimize(&Random, 3, |p| Ok(p.float("x"))).unwrap();
/// assert_eq!(journal_text(&study).lines().count(), 2 + 3, "the study, its space, its trials");
/// ```
#[must_use]
pub fn journal_text(study: &Study) -> String {
    let space = json!({ SPACE: study.space() });
    let mut lines = vec![
        study_line(study.name(), study.directions()),
        format!(r#"{{"op_code":3,"worker_id":0,"study_id":0,"system_attr":{}}}"#, format::ascii(&space.to_string())),
    ];
    for trial in study.trials() {
        let mut trial = Trial { started: None, ended: None, ..trial.clone() };
        [BEAT, WORKER, DIED].iter().for_each(|key| _ = trial.system.remove(*key));
        // An artifact has a checksum of the whole file.
        trial.user.remove(SEAL);
        lines.push(trial_line(0, &trial, study.space()));
    }
    let named = |l: String| format!("{}\n", l.replacen("\"worker_id\":0", "\"worker_id\":\"specialist\"", 1));
    lines.into_iter().map(named).collect()
}
