//! The study as JSON lines: a first line with its name, direction, seed and space, then a line a trial.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::space::Space;
use crate::study::{Direction, Study, Trial};

/// A journal that cannot be read.
#[derive(Debug, Error)]
pub enum JournalError {
    /// The text ends before the first line does.
    #[error("the journal has no first line")]
    Empty,
    /// A line is not what it should be.
    #[error("line {line} of the journal is not valid: {reason}")]
    Line {
        /// From 1.
        line: usize,
        /// Why.
        reason: String,
    },
}

#[derive(Serialize, Deserialize)]
struct Head {
    study: String,
    direction: Direction,
    space: Space,
}

/// The study as text, one JSON object a line.
///
/// # Errors
/// Never for values that a sampler suggested; serde's reason otherwise.
pub fn write_journal(study: &Study) -> Result<String, JournalError> {
    let head = Head { study: study.name.clone(), direction: study.direction(), space: study.space().clone() };
    let line = |n: usize, v: Result<String, serde_json::Error>| {
        v.map_err(|e| JournalError::Line { line: n, reason: e.to_string() })
    };
    let mut out = line(1, serde_json::to_string(&head))?;
    for (i, t) in study.trials().iter().enumerate() {
        out.push('\n');
        out.push_str(&line(i + 2, serde_json::to_string(t))?);
    }
    out.push('\n');
    Ok(out)
}

/// The name, direction and trials of a journal. A torn last line (no newline at its end) is left out.
///
/// # Errors
/// [`JournalError`] with the line that is not valid.
pub fn read_journal(text: &str) -> Result<(String, Direction, Vec<Trial>), JournalError> {
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let mut lines = whole.lines().enumerate();
    let (_, first) = lines.next().ok_or(JournalError::Empty)?;
    let wrong = |i: usize, e: &serde_json::Error| JournalError::Line { line: i + 1, reason: e.to_string() };
    let head: Head = serde_json::from_str(first).map_err(|e| wrong(0, &e))?;
    let trials = lines.map(|(i, l)| serde_json::from_str(l).map_err(|e| wrong(i, &e))).collect::<Result<_, _>>()?;
    Ok((head.study, head.direction, trials))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampler::Random;

    #[test]
    fn a_journal_comes_back_and_a_torn_tail_is_left_out() {
        let mut study = Study::maximise("s", Space::new().log_float("x", 0.1, 1.0).categorical("c", ["a", "b"]), 3);
        study.optimize(&Random, 5, |p| if p.text("c") == "a" { Ok(p.float("x")) } else { Err("b".into()) });
        let text = write_journal(&study).unwrap();
        let (name, direction, trials) = read_journal(&text).unwrap();
        assert_eq!((name.as_str(), direction), ("s", Direction::Maximise));
        assert_eq!(trials, study.trials());
        let torn = &text[..text.len() - 9];
        assert_eq!(read_journal(torn).unwrap().2, study.trials()[..4]);
        assert!(matches!(read_journal("{}\n"), Err(JournalError::Line { line: 1, .. })));
    }
}
