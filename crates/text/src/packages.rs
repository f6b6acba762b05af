//! Lists of package descriptions (Packages, Translation-en, Translation-de) made into two corpora: sentences
//! with their human translation, and bodies with their one-line summary.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::error::{Error, Result};

/// A description: one line, and paragraphs.
#[derive(Debug, Default)]
struct Description {
    summary: String,
    paragraphs: Vec<String>,
}

/// Source package and section of a package.
type Home = (String, String);

/// Reads the lists of `folder` and writes `pairs.jsonl` and `summaries.jsonl` into `out`.
///
/// # Errors
/// When a list is missing.
pub fn make(folder: &Path, out: &Path) -> Result<()> {
    let mut homes: BTreeMap<String, Home> = BTreeMap::new();
    for file in lists(folder, "_Packages")? {
        stanzas(&file, |s| {
            let package = s.get("Package").cloned().unwrap_or_default();
            let source = s.get("Source").map_or(package.as_str(), |x| x.split(' ').next().unwrap_or(x)).to_string();
            let section = s.get("Section").map_or("", |x| x.rsplit('/').next().unwrap_or(x)).to_string();
            homes.entry(package).or_insert((source, section));
        })?;
    }
    let english = descriptions(folder, "en")?;
    let german: HashMap<(String, String), Description> = descriptions(folder, "de")?.into_iter().collect();
    std::fs::create_dir_all(out).map_err(|e| Error::write(out, e))?;
    let (mut pairs, mut summaries) = (Vec::new(), Vec::new());
    for (key, en) in &english {
        let Some((source, section)) = homes.get(&key.0) else { continue };
        if let Some(de) = german.get(key) {
            for (a, b) in aligned(en, de) {
                let row = json!({"text": a, "label": b, "group": source, "section": section});
                writeln!(pairs, "{row}").expect("memory takes it");
            }
        }
        let body = en.paragraphs.join(" ");
        if body.split_whitespace().count() >= 20 && !en.summary.is_empty() {
            let row = json!({"text": body, "label": en.summary, "group": source, "section": section});
            writeln!(summaries, "{row}").expect("memory takes it");
        }
    }
    for (name, text) in [("pairs.jsonl", pairs), ("summaries.jsonl", summaries)] {
        let file = out.join(name);
        std::fs::write(&file, text).map_err(|e| Error::write(&file, e))?;
    }
    Ok(())
}

fn lists(folder: &Path, ending: &str) -> Result<Vec<PathBuf>> {
    let all = std::fs::read_dir(folder).map_err(|e| Error::write(folder, e))?;
    let mut files: Vec<PathBuf> =
        all.flatten().map(|e| e.path()).filter(|p| p.to_string_lossy().ends_with(ending)).collect();
    files.sort();
    if files.is_empty() {
        return Err(Error::data(
            folder.display().to_string(),
            format!("there is no list *{ending}"),
            "the machine's package sources must offer descriptions in English and German (Debian does)",
        ));
    }
    Ok(files)
}

/// Every description of a language by package and digest, in the order of the lists, each once.
fn descriptions(folder: &Path, language: &str) -> Result<Vec<((String, String), Description)>> {
    let field = format!("Description-{language}");
    let mut out: Vec<((String, String), Description)> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for file in lists(folder, &format!("_Translation-{language}"))? {
        stanzas(&file, |s| {
            let (Some(package), Some(md5), Some(text)) = (s.get("Package"), s.get("Description-md5"), s.get(&field))
            else {
                return;
            };
            let key = (package.clone(), md5.clone());
            if seen.insert(key.clone()) {
                out.push((key, description(text)));
            }
        })?;
    }
    Ok(out)
}

/// Calls `each` with the fields of every stanza; a field's further lines are joined with line breaks.
fn stanzas(file: &Path, mut each: impl FnMut(&HashMap<String, String>)) -> Result<()> {
    let bytes = std::fs::read(file).map_err(|e| Error::write(file, e))?;
    let text = String::from_utf8_lossy(&bytes);
    let (mut fields, mut last): (HashMap<String, String>, String) = Default::default();
    for line in text.lines().chain([""]) {
        if line.is_empty() {
            if !fields.is_empty() {
                each(&fields);
                fields.clear();
            }
        } else if let Some(more) = line.strip_prefix(' ') {
            if let Some(value) = fields.get_mut(&last) {
                value.push('\n');
                value.push_str(more);
            }
        } else if let Some((name, value)) = line.split_once(':') {
            last = name.into();
            fields.insert(last.clone(), value.trim().into());
        }
    }
    Ok(())
}

fn description(text: &str) -> Description {
    let mut lines = text.lines();
    let summary = lines.next().unwrap_or_default().trim().to_string();
    let mut paragraphs = vec![String::new()];
    for line in lines {
        // A dot alone parts paragraphs; a further indented line stands for itself (a list, an example).
        if line.trim() == "." {
            paragraphs.push(String::new());
        } else if line.starts_with(' ') || line.starts_with('*') || line.starts_with("- ") {
            paragraphs.push(line.trim().trim_start_matches(['*', '-', ' ']).to_string());
        } else {
            let at = paragraphs.last_mut().expect("there is one");
            if !at.is_empty() {
                at.push(' ');
            }
            at.push_str(line.trim());
        }
    }
    paragraphs.retain(|p| !p.is_empty());
    Description { summary, paragraphs }
}

/// The summary, and the sentences of paragraphs that have as many on both sides.
fn aligned(en: &Description, de: &Description) -> Vec<(String, String)> {
    let mut out = vec![(en.summary.clone(), de.summary.clone())];
    if en.paragraphs.len() == de.paragraphs.len() {
        for (a, b) in en.paragraphs.iter().zip(&de.paragraphs) {
            let (a, b) = (sentences(a), sentences(b));
            if a.len() == b.len() {
                out.extend(a.into_iter().zip(b));
            }
        }
    }
    out.retain(|(a, b)| {
        let (n, m) = (a.split_whitespace().count(), b.split_whitespace().count());
        a != b && (2..=40).contains(&n) && m <= 2 * n + 3 && n <= 2 * m + 3
    });
    out
}

/// Sentences end with a full stop, a question or an exclamation mark before a space and a capital or a digit.
pub fn sentences(text: &str) -> Vec<String> {
    let (mut out, mut from) = (Vec::new(), 0);
    let characters: Vec<(usize, char)> = text.char_indices().collect();
    for w in characters.windows(3) {
        let (end, at, next) = (w[0].1, w[1].0, w[2].1);
        let ends = matches!(end, '.' | '!' | '?') && w[1].1 == ' ' && (next.is_uppercase() || next.is_numeric());
        if ends && !abbreviated(&text[from..at]) {
            out.push(text[from..at].trim().to_string());
            from = at;
        }
    }
    out.push(text[from..].trim().to_string());
    out.retain(|s| !s.is_empty());
    out
}

/// Whether what ends here is an abbreviation rather than a sentence.
fn abbreviated(text: &str) -> bool {
    let last = text.rsplit(' ').next().unwrap_or("").trim_end_matches('.');
    last.chars().count() == 1
        || ["e.g", "i.e", "etc", "vs", "Dr", "Mr", "z.B", "d.h", "bzw", "usw", "ca", "Nr"].contains(&last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_where_they_should() {
        let text = "It reads files, e.g. CSV. It is fast! Version 2.0 is out. A. Smith wrote it.";
        assert_eq!(
            sentences(text),
            ["It reads files, e.g. CSV.", "It is fast!", "Version 2.0 is out.", "A. Smith wrote it."]
        );
    }

    #[test]
    fn descriptions_are_parted_and_aligned() {
        let en = description("A tool\n It does this. It does that.\n .\n  * item");
        let de = description("Ein Werkzeug\n Es tut dies und das. Es tut jenes auch.\n .\n  * Punkt");
        assert_eq!(en.paragraphs, ["It does this. It does that.", "item"]);
        let pairs = aligned(&en, &de);
        assert_eq!(pairs[1].1, "Es tut dies und das.");
        assert_eq!(pairs.len(), 3);
    }
}
