//! What there is to say of written texts beside their figures: the tables of a report, and a note on each text.

use std::collections::HashSet;

use specialist_core::metric::text::{
    BLEU, CHRF, CHRF_PLUS_PLUS, OfTexts, ROUGE_1, ROUGE_2, ROUGE_L, TER, ascii_share, unspaced_share,
};
use specialist_core::{Dataset, Error, Finding, Metric, Panel, PanelInput, Severity};
use specialist_engine::check::copies::words;
use specialist_engine::waivers::Finds;

use super::backbone::Backbone;
use super::settings::{Glossary, Task};
use crate::labels::text_key;

/// The figures of a task, the one that decides first.
pub fn figures(task: Task) -> Vec<&'static OfTexts> {
    match task {
        Task::Summarize => vec![&ROUGE_L, &ROUGE_1, &ROUGE_2],
        Task::Translate => vec![&CHRF, &BLEU, &CHRF_PLUS_PLUS, &TER],
    }
}

/// What these look for, by the names that a waiver spells.
pub static FINDS: [Finds; 2] = [
    Finds { name: "script", about: "the metrics cannot split what is to be written into words" },
    Finds { name: "empty-texts", about: "there is nothing to read, and something is to be written of it" },
];

/// Texts that are empty: whatever is written of them is made up.
///
/// # Errors
/// When the rows have no texts.
pub fn empty(train: &Dataset) -> Result<Finding, Error> {
    let texts = text_key(train, None)?.texts();
    let lines: Vec<u64> =
        texts.iter().zip(&train.lines).filter(|(t, _)| t.trim().is_empty()).map(|(_, line)| *line).collect();
    let (severity, message) = match lines.len() {
        0 => (Severity::Ok, "every text to train on has something to read".to_string()),
        n => (
            Severity::Warning,
            format!("{n} of {} texts to train on are empty: whatever is written of them is made up", texts.len()),
        ),
    };
    Ok(Finding::new("empty-texts", severity, message, lines.iter().take(5).map(|l| format!("line {l}")).collect()))
}

/// Whether the metrics can split what is to be written. ROUGE decides over summaries: of letters that it takes for no letters every
/// figure would be 0, and a verdict an accident.
///
/// # Errors
/// [`Error::Data`] for summaries that it cannot split.
pub fn script(train: &Dataset) -> Result<Finding, Error> {
    const MOST: f64 = 0.5;
    let answers = || train.labels().texts().iter().map(AsRef::as_ref);
    let ascii = ascii_share(answers());
    if Backbone::of(train)?.settings.task == Task::Summarize && ascii < MOST {
        return Err(Error::Data {
            what: format!("the target's summaries: {:.0} % of their letters are of a script that ROUGE cannot split into words: it knows the letters a to z only", 100.0 * (1.0 - ascii)),
            hint: "there is no metric for summaries in this script here; translations are judged by chrF, which counts letters of any script".into(),
        });
    }
    let unspaced = unspaced_share(answers());
    let (severity, message) = if unspaced <= MOST {
        (Severity::Ok, "the metrics can split what is to be written into words".into())
    } else {
        let share = 100.0 * unspaced;
        let message = format!(
            "{share:.0} % of the letters are of a script without spaces, which BLEU and TER cannot split: only chrF means something here"
        );
        (Severity::Warning, message)
    };
    Ok(Finding::new("script", severity, message, Vec::new()))
}

fn table(title: &str, note: &str, header: &[&str], table: Vec<Vec<String>>) -> Panel {
    let header = header.iter().map(ToString::to_string).collect();
    Panel { title: title.into(), note: note.into(), header, table, printed: true, ..Panel::default() }
}

/// The tables of a report on written texts.
///
/// # Errors
/// When the rows have no texts.
pub fn panels(input: &PanelInput<'_>) -> Result<Vec<Panel>, Error> {
    let backbone = Backbone::of(input.rows)?;
    let sources = text_key(input.rows, None)?.texts();
    let mut out = vec![signatures(&figures(backbone.settings.task)), faithfulness(input, &sources)];
    out.extend(backbone.glossary.as_ref().map(|glossary| terms(glossary, input, &sources)));
    Ok(out)
}

fn signatures(metrics: &[&OfTexts]) -> Panel {
    let rows = metrics.iter().map(|m| vec![m.name().to_string(), m.signature().to_string()]).collect();
    let note = "Signatures in the manner of sacrebleu, whose figures (and those of rouge-score) these equal.";
    Panel { printed: false, ..table("How it was measured", note, &["Figure", "Signature"], rows) }
}

/// How many texts hold a number, a name or a negation that their source does not hold, and where the first are.
fn faithfulness(input: &PanelInput<'_>, sources: &[&str]) -> Panel {
    let rows = input.predictions.iter().map(|p| {
        let written = p.outputs.texts().iter().zip(sources);
        let found: Vec<Vec<(&str, String)>> = written.map(|(text, source)| unsupported(text, source)).collect();
        let mut row = vec![p.name.clone()];
        for kind in ["number", "name", "negation"] {
            row.push(found.iter().filter(|f| f.iter().any(|x| x.0 == kind)).count().to_string());
        }
        let first = found.iter().zip(&input.rows.lines).filter(|(f, _)| !f.is_empty()).take(3);
        row.push(first.map(|(_, line)| line.to_string()).collect::<Vec<_>>().join(", "));
        row
    });
    table(
        "Not in the source",
        "Of the sealed texts, how many of each candidate's hold a number, a name (a capitalised word that is not the first) or an English negation that the source text does not hold, and the lines of the first such texts. Translations into German capitalise every noun: there names say little.",
        &["Candidate", "numbers", "names", "negations", "first lines"],
        rows.collect(),
    )
}

fn terms(glossary: &Glossary, input: &PanelInput<'_>, sources: &[&str]) -> Panel {
    let rows = input.predictions.iter().map(|p| {
        let counts = p.outputs.texts().iter().zip(sources).map(|(text, source)| glossary.kept(source, text));
        let (kept, all) = counts.fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
        vec![p.name.clone(), format!("{kept} of {all} ({:.0} %)", 100.0 * kept as f64 / all.max(1) as f64)]
    });
    table(
        "Terms",
        "Terms of the glossary that occur in the sealed sources, and how many were translated as it says.",
        &["Candidate", "kept"],
        rows.collect(),
    )
}

/// What a reader must check in each written text.
///
/// # Errors
/// When the rows have no texts.
pub fn notes(rows: &Dataset, written: &[String]) -> Result<Vec<String>, Error> {
    let note = |(text, source): (&String, &str)| {
        unsupported(text, source).into_iter().map(|(_, word)| word).collect::<Vec<_>>().join(" ")
    };
    Ok(written.iter().zip(text_key(rows, None)?.texts()).map(note).collect())
}

/// Numbers, names and negations of `written` that `source` does not hold.
fn unsupported(written: &str, source: &str) -> Vec<(&'static str, String)> {
    let known: HashSet<String> = words(source).into_iter().collect();
    let mut out = Vec::new();
    for (i, word) in written.split_whitespace().enumerate() {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        let lower = bare.to_lowercase();
        if bare.is_empty() || words(bare).iter().all(|w| known.contains(w)) {
            continue;
        }
        let kind = if bare.chars().any(|c| c.is_ascii_digit()) {
            "number"
        } else if ["not", "no", "never", "without", "none", "cannot", "neither", "nor"].contains(&lower.as_str()) {
            "negation"
        } else if i > 0 && bare.chars().next().is_some_and(char::is_uppercase) {
            "name"
        } else {
            continue;
        };
        out.push((kind, bare.to_string()));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_source_does_not_hold_is_listed() {
        let source = "The tool reads 12 formats and runs on Linux.";
        assert!(unsupported("reads 12 formats on Linux", source).is_empty());
        let found = unsupported("reads 13 formats on Windows, not Linux", source);
        assert_eq!(found, [("number", "13".into()), ("name", "Windows".into()), ("negation", "not".into())]);
    }
}
