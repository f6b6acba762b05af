//! What translating and summarising have in common, and where they differ.

use crate::error::{Error, Result};
use crate::metrics::TextMetric;
use crate::metrics::bleu::Bleu;
use crate::metrics::chrf::Chrf;
use crate::metrics::rouge::Rouge;
use crate::metrics::ter::Ter;
use crate::recipe::{Recipe, Task};

/// Languages that T5's prefixes name.
const LANGUAGES: [(&str, &str); 12] = [
    ("en", "English"),
    ("de", "German"),
    ("fr", "French"),
    ("ro", "Romanian"),
    ("es", "Spanish"),
    ("it", "Italian"),
    ("nl", "Dutch"),
    ("pt", "Portuguese"),
    ("pl", "Polish"),
    ("cs", "Czech"),
    ("sv", "Swedish"),
    ("da", "Danish"),
];

/// The words that tell a T5 what to do (Raffel et al. 2020).
///
/// # Errors
/// When a language tag is unknown.
pub fn prefix(recipe: &Recipe) -> Result<String> {
    let name = |tag: &String| {
        let known = || LANGUAGES.map(|l| l.0).join(", ");
        LANGUAGES.iter().find(|l| l.0 == tag).map(|l| l.1).ok_or_else(|| {
            Error::usage(format!("there is no language `{tag}`"), format!("`languages` takes two of {}", known()))
        })
    };
    match (recipe.task, &recipe.languages[..]) {
        (Task::Translate, [from, to]) => Ok(format!("translate {} to {}: ", name(from)?, name(to)?)),
        (Task::Translate, _) => {
            Err(Error::usage("`languages` must be two tags", "for example languages = [\"en\", \"de\"]"))
        }
        _ => Ok("summarize: ".into()),
    }
}

/// The figures of a task, the one that decides first.
pub fn metrics(task: Task) -> Vec<Box<dyn TextMetric>> {
    match task {
        Task::Summarize => vec![Box::new(Rouge::L), Box::new(Rouge::One), Box::new(Rouge::Two)],
        _ => vec![Box::new(Chrf { words: 0 }), Box::new(Bleu), Box::new(Chrf { words: 2 }), Box::new(Ter)],
    }
}

/// The gain in the deciding figure that is worth a change unless the recipe says otherwise.
pub fn worthwhile(task: Task) -> f64 {
    if task == Task::Summarize { 0.01 } else { 1.0 }
}

/// Numbers, names and negations of `written` that `source` does not hold: what a reader must check.
pub fn unsupported(written: &str, source: &str) -> Vec<(&'static str, String)> {
    let known: std::collections::HashSet<String> =
        specialist_pipeline::check::copies::words(source).into_iter().collect();
    let mut out = Vec::new();
    for (i, word) in written.split_whitespace().enumerate() {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        let lower = bare.to_lowercase();
        if bare.is_empty() || specialist_pipeline::check::copies::words(bare).iter().all(|w| known.contains(w)) {
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

/// Terms with the translation that they must have.
pub struct Glossary(Vec<(String, String)>);

impl Glossary {
    /// Reads `source<tab>target` lines.
    ///
    /// # Errors
    /// When the file cannot be read or a line has no tab.
    pub fn read(file: &std::path::Path) -> Result<Self> {
        let text = std::fs::read_to_string(file).map_err(|e| {
            Error::usage(format!("{}: {e}", file.display()), "`compare.glossary` names a file of terms")
        })?;
        let line = |(i, l): (usize, &str)| {
            let (a, b) = l.split_once('\t').ok_or_else(|| {
                Error::data(
                    format!("{}:{}", file.display(), i + 1),
                    "there is no tab",
                    "each line is TERM<tab>TRANSLATION",
                )
            })?;
            Ok((a.trim().to_lowercase(), b.trim().to_lowercase()))
        };
        Ok(Self(text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()).map(line).collect::<Result<_>>()?))
    }

    /// Terms of `source` whose translation is in `written`, and terms of `source`.
    pub fn kept(&self, source: &str, written: &str) -> (usize, usize) {
        let (source, written) = (source.to_lowercase(), written.to_lowercase());
        let there: Vec<_> = self.0.iter().filter(|(term, _)| source.contains(term)).collect();
        (there.iter().filter(|(_, t)| written.contains(t)).count(), there.len())
    }
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
