//! What `[domain]` of a recipe says of texts that are written.

use std::path::Path;

use serde::{Deserialize, Serialize};
use specialist_core::Error;
use specialist_neural::generate::Decoding;

/// What is to be written of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// A shorter text that says the same.
    Summarize,
    /// The same in another language.
    Translate,
}

/// The settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `translate` or `summarize`.
    pub task: Task,
    /// From which language into which (translate): two tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<String>,
    /// Most tokens to write.
    #[serde(default = "most_tokens")]
    pub max_new_tokens: usize,
    /// Candidates kept; 1 is greedy.
    #[serde(default = "one")]
    pub num_beams: usize,
    /// Above 0 favours longer texts.
    #[serde(default = "length_penalty")]
    pub length_penalty: f64,
    /// No run of this many tokens appears twice; 0 allows all.
    #[serde(default = "no_repeat")]
    pub no_repeat_ngram_size: usize,
    /// Passes over the target's train texts.
    #[serde(default = "epochs")]
    pub epochs: usize,
    /// Texts a step.
    #[serde(default = "batch")]
    pub batch: usize,
    /// A file of lines TERM<tab>TRANSLATION: how many terms were translated so is counted (translate).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub glossary: Option<String>,
}

/// What a setting is where it is left out.
macro_rules! defaults {
    ($($name:ident: $type:ty = $value:literal),*) => {
        $(fn $name() -> $type {
            $value
        })*
    };
}
defaults!(most_tokens: usize = 64, one: usize = 1, length_penalty: f64 = 1.0, no_repeat: usize = 3, epochs: usize = 4, batch: usize = 16);

/// Languages that T5's prefixes name.
const LANGUAGES: &str = "en English, de German, fr French, ro Romanian, es Spanish, it Italian, nl Dutch, pt Portuguese, pl Polish, cs Czech, sv Swedish, da Danish";

impl Settings {
    /// What `[domain]` as TOML text says; none where it is empty, and labels are no texts.
    ///
    /// # Errors
    /// [`Error::Setting`] with the key.
    pub fn parse(text: &str) -> Result<Option<Self>, Error> {
        if text.trim().is_empty() {
            return Ok(None);
        }
        let wrong = |key: &str, expected: String| Error::Setting { setting: format!("domain{key}"), expected };
        let settings: Self = toml::from_str(text).map_err(|e| wrong("", format!("as documented ({})", e.message())))?;
        let ranges = [
            (".epochs", settings.epochs, 1, 10_000),
            (".batch", settings.batch, 1, 1_000_000),
            (".max_new_tokens", settings.max_new_tokens, 1, 100_000),
            (".num_beams", settings.num_beams, 1, 1000),
        ];
        if let Some((key, _, least, most)) = ranges.into_iter().find(|(_, v, least, most)| v < least || v > most) {
            return Err(wrong(key, format!("from {least} to {most}")));
        }
        if !settings.length_penalty.is_finite() {
            return Err(wrong(".length_penalty", "a number".into()));
        }
        if settings.glossary.is_some() && settings.task != Task::Translate {
            return Err(wrong(".glossary", "left out: only translations have one".into()));
        }
        settings.prefix()?;
        Ok(Some(settings))
    }

    /// The words that tell a T5 what to do (Raffel et al. 2020).
    ///
    /// # Errors
    /// [`Error::Setting`] when there are no two languages that it knows.
    pub fn prefix(&self) -> Result<String, Error> {
        let wrong = |expected: String| Error::Setting { setting: "domain.languages".into(), expected };
        let name = |tag: &String| {
            let found = LANGUAGES.split(", ").find_map(|l| l.strip_prefix(tag.as_str())?.strip_prefix(' '));
            found.ok_or_else(|| wrong(format!("two tags of {LANGUAGES}; there is no language `{tag}`")))
        };
        match (self.task, &self.languages[..]) {
            (Task::Translate, [from, to]) if from == to => Err(wrong("two different tags".into())),
            (Task::Translate, [from, to]) => Ok(format!("translate {} to {}: ", name(from)?, name(to)?)),
            (Task::Translate, _) => Err(wrong("two tags, for example [\"en\", \"de\"]".into())),
            (Task::Summarize, []) => Ok("summarize: ".into()),
            (Task::Summarize, _) => Err(wrong("left out: a summary is in the text's language".into())),
        }
    }

    /// How texts are written.
    pub fn decoding(&self) -> Decoding {
        Decoding {
            longest: self.max_new_tokens,
            beams: self.num_beams,
            length_penalty: self.length_penalty,
            no_repeat: self.no_repeat_ngram_size,
            sample: None,
        }
    }
}

/// Terms with the translation that they should have.
#[derive(Debug)]
pub struct Glossary {
    terms: Vec<(String, String)>,
    /// The file as it was read.
    pub text: String,
}

impl Glossary {
    /// Reads lines TERM<tab>TRANSLATION.
    ///
    /// # Errors
    /// When the file cannot be read or a line has no tab.
    pub fn read(file: &Path) -> Result<Self, Error> {
        let name = file.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        let text = std::fs::read_to_string(file).map_err(|e| Error::Absent {
            what: format!("{}: {e}", file.display()),
            hint: "`domain.glossary` names a file of terms".into(),
        })?;
        let wrong = |line: usize, what: &str| Error::Data {
            what: format!("{name}, line {line}: {what}"),
            hint: "each line is TERM<tab>TRANSLATION, and each term has one".into(),
        };
        let mut terms: Vec<(String, String)> = Vec::new();
        for (i, line) in text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()) {
            let cells: Vec<String> = line.split('\t').map(|c| c.trim().to_lowercase()).collect();
            let [term, translation] = &cells[..] else { return Err(wrong(i + 1, "there is not one tab")) };
            if term.is_empty() || translation.is_empty() {
                return Err(wrong(i + 1, "a side is empty"));
            }
            if terms.iter().any(|known| known.0 == *term) {
                return Err(wrong(i + 1, "the term has a translation already"));
            }
            terms.push((term.clone(), translation.clone()));
        }
        if terms.is_empty() {
            return Err(wrong(1, "there are no terms"));
        }
        Ok(Self { terms, text })
    }

    /// Terms of `source` whose translation is in `written`, and terms of `source`.
    pub fn kept(&self, source: &str, written: &str) -> (usize, usize) {
        let (source, written) = (source.to_lowercase(), written.to_lowercase());
        let there: Vec<_> = self.terms.iter().filter(|(term, _)| source.contains(term)).collect();
        (there.iter().filter(|(_, t)| written.contains(t)).count(), there.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glossary_has_one_translation_a_term() {
        let folder = tempfile::tempdir().unwrap();
        let read = |text: &str| {
            let file = folder.path().join("terms.tsv");
            std::fs::write(&file, text).unwrap();
            Glossary::read(&file)
        };
        let terms = read("Tree\tBaum\n\nship\tSchiff\n").unwrap();
        assert_eq!(terms.kept("a tree and a ship", "ein Baum"), (1, 2));
        for bad in ["", "tree Baum", "tree\tBaum\tBaeume", "\tBaum", "tree\t", "tree\tBaum\nTREE\tGehoelz"] {
            assert!(matches!(read(bad), Err(Error::Data { .. })), "{bad:?}");
        }
    }
}
