//! What every verb needs: the recipe, the context, where to print.

use std::path::{Path, PathBuf};

use specialist_core::{Context, Domain};
use specialist_engine::recipe::{Recipe, RecipeError, parse};
use specialist_engine::{Effort, Error, Job, Place};

use specialist_engine::studies::{existing_to_join, open_store};

use crate::args::Args;
use crate::terminal::Terminal;

pub use crate::terminal::print;

/// One run of the program.
pub struct Session {
    /// The domain.
    pub domain: &'static dyn Domain,
    terminal: Terminal,
}

impl std::ops::Deref for Session {
    type Target = Terminal;

    fn deref(&self) -> &Terminal {
        &self.terminal
    }
}

/// A recipe that was found and checked.
pub struct Chosen {
    /// Its name, for the artifact's folder.
    pub name: String,
    /// The recipe with all overrides.
    pub recipe: Recipe,
    /// Where its paths start.
    pub place: Place,
    /// Where its studies are kept, and how many work on them.
    pub effort: Effort,
}

impl Session {
    /// Sets up threads, progress and the signal handler.
    pub fn new(domain: &'static dyn Domain, args: &Args) -> Self {
        Self { domain, terminal: Terminal::new(args.common.threads, args.common.budget, args.common.quiet) }
    }

    /// What the command line changes in a recipe whose paths start in `folder`.
    ///
    /// # Errors
    /// When there is no working folder.
    pub fn overrides(args: &Args, folder: &Path) -> Result<Vec<String>, Error> {
        let mut overrides = args.common.set.clone();
        overrides.extend(args.common.seed.map(|s| format!("seed={s}")));
        if let Some(data) = &args.data {
            overrides.push(format!("target.data={}", quote(&seen_from(data, folder)?)));
        }
        Ok(overrides)
    }

    /// Finds the recipe: a file, a name, or the domain's default; flags override it.
    pub fn recipe(&self, args: &Args) -> Result<Chosen, Error> {
        let folder = args.common.recipe.as_ref().filter(|r| Path::new(r).is_file());
        let folder = folder.and_then(|r| Path::new(r).parent()).unwrap_or(Path::new(""));
        let mut overrides = Self::overrides(args, folder)?;
        if let Some(search) = args.search() {
            let word = |key: &str, v: &Option<String>| v.as_ref().map(|v| format!("tune.{key}={}", quote(v)));
            overrides.extend(word("sampler", &search.sampler));
            overrides.extend(word("pruner", &search.pruner));
            overrides.extend(search.trials.map(|n| format!("tune.trials={n}")));
        }
        for (key, mark) in [("delimiter", args.delimiter), ("decimal", args.decimal)] {
            let Some(mark) = mark else { continue };
            overrides.extend(["source", "target"].map(|t| format!("{t}.{key}={}", quote(&mark.to_string()))));
        }
        let shipped = self.domain.recipes();
        let names = || shipped.iter().map(|r| r.name.to_string()).collect();
        let (name, file, text, folder) = match &args.common.recipe {
            None => {
                let first =
                    shipped.first().ok_or(RecipeError::Missing { name: "--recipe".into(), known: Vec::new() })?;
                (first.name.to_string(), format!("{}.toml", first.name), first.text.to_string(), PathBuf::new())
            }
            Some(asked) => match shipped.iter().find(|r| r.name == asked) {
                Some(r) => (r.name.to_string(), format!("{}.toml", r.name), r.text.to_string(), PathBuf::new()),
                None => {
                    let path = Path::new(asked);
                    let missing = |_| RecipeError::Missing { name: asked.clone(), known: names() };
                    let bytes = std::fs::read(path).map_err(missing)?;
                    let text = String::from_utf8(bytes).map_err(|_| RecipeError::Syntax {
                        file: asked.clone(),
                        line: None,
                        reason: "the text is not UTF-8".into(),
                    })?;
                    let stem = path.file_stem().map_or("recipe".into(), |s| s.to_string_lossy().into_owned());
                    (stem, asked.clone(), text, path.parent().map(Path::to_path_buf).unwrap_or_default())
                }
            },
        };
        let recipe = parse(&file, &text, &overrides)?;
        let search = args.search();
        // A worker that mistypes the store must not work alone on a new one.
        let joined = search.and_then(|s| s.join.as_ref()).map(|s| existing_to_join(s)).transpose()?;
        let kept = search.and_then(|s| s.store.as_ref()).map(|s| open_store(s).map_err(Error::from)).transpose()?;
        let store = joined.or(kept);
        let study = search.and_then(|s| s.study.clone()).unwrap_or_else(|| format!("{}-{name}", self.domain.name()));
        let effort = Effort { store, name: study, workers: search.and_then(|s| s.workers) };
        Ok(Chosen { name, recipe, place: Place { folder }, effort })
    }

    /// The job of a chosen recipe.
    pub fn job<'a>(&'a self, chosen: &'a Chosen, ctx: &'a Context) -> Job<'a> {
        Job { recipe: &chosen.recipe, domain: self.domain, place: &chosen.place, ctx, effort: chosen.effort.clone() }
    }

    /// Where the artifact of a recipe goes.
    pub fn folder(&self, args: &Args, name: &str) -> PathBuf {
        args.common
            .output
            .clone()
            .unwrap_or_else(|| Path::new("artifacts").join(format!("{}-{name}", self.domain.name())))
    }
}

/// `path` from `folder` on: where both lie on one machine, and nothing of where that is. A folder that is reached by a link
/// has no lexical way up; then the path stays as it is.
fn from_there(path: &Path, folder: &Path) -> Option<PathBuf> {
    let start = std::path::absolute(if folder.as_os_str().is_empty() { Path::new(".") } else { folder }).ok()?;
    if start.canonicalize().ok()? != start {
        return None;
    }
    let common = start.components().zip(path.components()).take_while(|(a, b)| a == b).count();
    let up = start.components().count() - common;
    Some(std::iter::repeat_n(std::path::Component::ParentDir, up).chain(path.components().skip(common)).collect())
}

/// A path given on the command line means the working folder, not the recipe's.
fn seen_from(data: &str, folder: &Path) -> Result<String, Error> {
    if data.starts_with("embedded:") {
        return Ok(data.into());
    }
    let path = std::path::absolute(data).map_err(|error| Error::Write { file: data.into(), error })?;
    Ok(from_there(&path, folder).unwrap_or(path).display().to_string())
}

/// A TOML text, whatever stands in it.
fn quote(text: &str) -> String {
    toml::Value::from(text).to_string()
}
