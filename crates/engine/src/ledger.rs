//! Which recipes were judged on which sealed rows: rows that were looked at once are not sealed any more, whatever folder the
//! next artifact goes to.
//!
//! One file beside the artifacts, a line a judgement: the digest of the sealed rows and that of the recipe. It is appended
//! to before the figures are shown and never written anew, so that two runs side by side lose nothing.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::{Error, artifact};

/// The file's name, in the folder that holds the artifacts.
const LEDGER: &str = ".opened-before";
/// A ledger beyond this is none.
const LARGEST: u64 = 16 << 20;

fn ledger(artifact: &Path) -> PathBuf {
    let parent = artifact.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    parent.join(LEDGER)
}

/// How many other recipes were judged on the rows with the digest `sealed`: by the ledger beside `folder`, and by the
/// artifact that stands there.
#[must_use]
pub fn opened_before(folder: &Path, sealed: &str, recipe: &str) -> usize {
    let own = artifact::digest(recipe.as_bytes());
    let path = ledger(folder);
    // A ledger that cannot be read says nothing against the rows; `record` refuses to go on with one that cannot be written.
    let whole = std::fs::metadata(&path).is_ok_and(|m| m.is_file() && m.len() <= LARGEST);
    let text = if whole { std::fs::read_to_string(&path).unwrap_or_default() } else { String::new() };
    let mut others: BTreeSet<String> = text
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter(|(rows, _)| *rows == sealed)
        .map(|(_, recipe)| recipe.to_string())
        .collect();
    let mut carried = 0;
    if let Ok(old) = artifact::manifest(folder)
        && old.sealed == sealed
    {
        carried = old.opened_before;
        if old.stage == "compared"
            && let Ok(text) = artifact::read(folder, "recipe.toml")
        {
            others.insert(artifact::digest(&text));
        }
    }
    // The same recipe again is the same question, and its figures are the same: that is no second look.
    others.remove(&own);
    others.len().max(carried)
}

/// Notes that `recipe` is judged on the rows with the digest `sealed`.
///
/// # Errors
/// [`Error::Write`] when the ledger cannot be written: rows that are opened without a note would look sealed.
pub fn record(folder: &Path, sealed: &str, recipe: &str) -> Result<(), Error> {
    let path = ledger(folder);
    let wrong = |error| Error::Write { file: path.display().to_string(), error };
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(wrong)?;
    }
    let line = format!("{sealed} {}\n", artifact::digest(recipe.as_bytes()));
    if std::fs::read_to_string(&path).is_ok_and(|text| text.contains(&line)) {
        return Ok(());
    }
    let mut file = OpenOptions::new().create(true).append(true).open(&path).map_err(wrong)?;
    file.write_all(line.as_bytes()).and_then(|()| file.sync_all()).map_err(wrong)
}
