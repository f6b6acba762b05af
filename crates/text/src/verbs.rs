//! The verbs that only texts have.

use std::path::{Path, PathBuf};

use clap::{ArgMatches, Args as _, FromArgMatches};
use specialist_cli::{Common, OwnVerb, Terminal, print};
use specialist_engine::artifact::ArtifactError;
use specialist_engine::predict::Scorer;

use crate::args::{Fetch, Generalist, Save, Words};
use crate::domain::{Text, cache};
use crate::error::{Error, Result};
use crate::fetch::{self, Cache, ITEMS, Item};
use crate::{export, labels, writing};

/// The recipe of the small generalist that writes.
const PRETRAIN: &str = include_str!("../../../pipelines/text/pretrain.toml");

/// All of them.
pub fn own() -> Vec<OwnVerb> {
    type Run = fn(&ArgMatches, &Common, &Terminal) -> std::result::Result<u8, specialist_engine::Error>;
    let verb = |name: &'static str, arguments: fn(clap::Command) -> clap::Command, run: Run| OwnVerb {
        command: arguments(clap::Command::new(name)),
        run,
    };
    vec![
        verb("fetch", Fetch::augment_args, |m, c, t| told(c, t, |s| s.fetch(&parsed::<Fetch>(m)))),
        verb("words", Words::augment_args, |m, c, t| told(c, t, |s| s.words(&parsed::<Words>(m)))),
        verb("save", Save::augment_args, |m, c, t| told(c, t, |s| s.save(&parsed::<Save>(m)))),
        verb("generalist", Generalist::augment_args, |m, c, t| {
            told(c, t, |s| s.generalist(parsed::<Generalist>(m).int8))
        }),
    ]
}

fn parsed<T: FromArgMatches>(matches: &ArgMatches) -> T {
    T::from_arg_matches(matches).unwrap_or_else(|e| e.exit())
}

/// Does a verb; what stops it is told here, for it has more to say than the engine's errors.
fn told(
    common: &Common,
    terminal: &Terminal,
    verb: impl FnOnce(&Session<'_>) -> Result<u8> + Send,
) -> std::result::Result<u8, specialist_engine::Error> {
    let session = Session { common, terminal, cache: cache() };
    // Work that starts on a thread of the pool shares it out without waking and waiting at every matrix product.
    match rayon::scope(|_| verb(&session)) {
        Ok(code) => Ok(code),
        Err(Error::Engine(e)) => Err(e),
        Err(e) => Ok(terminal.fail(&e, &e.hint(), e.exit_code())),
    }
}

/// What a verb needs.
struct Session<'a> {
    common: &'a Common,
    terminal: &'a Terminal,
    cache: Cache,
}

impl Session<'_> {
    /// The artifact that was named, or the one that the recipe makes.
    fn artifact(&self, named: Option<&Path>) -> PathBuf {
        let recipe = Path::new(self.common.recipe.as_deref().unwrap_or("sentiment")).file_stem().unwrap_or_default();
        let made = || Path::new("artifacts").join(format!("text-{}", recipe.to_string_lossy()));
        named.map_or_else(made, Path::to_path_buf)
    }

    fn fetch(&self, asked: &Fetch) -> Result<u8> {
        let (names, models) = (&asked.names, &asked.model);
        if asked.list {
            let all: Vec<String> = ITEMS.iter().map(|i| fetch::state(&self.cache, i)).collect();
            print(&all.join("\n"))?;
            return Ok(0);
        }
        let known: Vec<&str> = ITEMS.iter().map(|i| i.name).collect();
        for name in names {
            if !known.contains(&name.as_str()) {
                let hint = format!("there are: {}; a model of the hub is fetched with --model", known.join(", "));
                return Err(Error::usage(format!("there is nothing called `{name}` to fetch"), hint));
            }
        }
        for name in models {
            let (folder, digests) = fetch::model(&self.cache, name)?;
            let sha = digests.get("model.safetensors").cloned().unwrap_or_default();
            print(&format!(
                "{name}: {} (model.safetensors SHA-256 {sha}); its licence is on its page",
                folder.display()
            ))?;
        }
        let everything = names.is_empty() && models.is_empty();
        for item in ITEMS.iter().filter(|i| everything || names.iter().any(|n| n == i.name)) {
            let had = self.cache.folder(item).is_ok();
            let folder = if had { self.cache.folder(item)? } else { fetch::fetch(&self.cache, item)? };
            self.terminal.done(if had { "there" } else { "fetched" }, item.name);
            let Item { name, what, licence, .. } = item;
            print(&format!("{name}: {what}\n  licence: {licence}\n  folder:  {}", folder.display()))?;
        }
        Ok(0)
    }

    fn words(&self, asked: &Words) -> Result<u8> {
        let folder = self.artifact(asked.artifact.as_deref());
        let why = labels::words(&folder, asked.model.as_deref(), &asked.text)?;
        if self.common.json {
            print(&serde_json::to_string_pretty(&why).expect("plain data"))?;
            return Ok(0);
        }
        print(&format!(
            "{} with probability {:.3}; how much its log-odds fall without each single word (words work together: these do not add up):",
            why.label, why.probability
        ))?;
        for (word, effect) in why.words {
            print(&format!("{effect:+8.3}  {word}"))?;
        }
        Ok(0)
    }

    fn save(&self, asked: &Save) -> Result<u8> {
        let folder = self.artifact(asked.artifact.as_deref());
        let scorer = Scorer::open(&folder, asked.model.as_deref(), &Text)?;
        let Some(out) = self.common.output.as_deref() else {
            return Err(Error::usage("there is no folder to write to", "name one with --output DIR"));
        };
        vacant(out)?;
        let what = export::save(&scorer, &export::Wanted { adapter: asked.adapter, base: asked.base.as_deref(), out })?;
        print(&format!("{what}: {}", out.display()))?;
        Ok(0)
    }

    fn generalist(&self, int8: bool) -> Result<u8> {
        let (file, text, place) = match self.common.recipe.as_deref() {
            None | Some("pretrain") => ("pretrain.toml".to_string(), PRETRAIN.to_string(), PathBuf::new()),
            Some(path) => {
                let missing = |_| Error::usage(format!("there is no recipe `{path}`"), "name a file, or `pretrain`");
                let place = Path::new(path).parent().map(Path::to_path_buf).unwrap_or_default();
                (path.to_string(), std::fs::read_to_string(path).map_err(missing)?, place)
            }
        };
        let mut overrides = self.common.set.clone();
        overrides.extend(self.common.seed.map(|s| format!("seed={s}")));
        let recipe: writing::pretrain::Recipe =
            specialist_engine::recipe::read(&file, &text, &overrides).map_err(specialist_engine::Error::from)?;
        recipe.check()?;
        let folder = self.common.output.clone().unwrap_or_else(|| "artifacts/text-generalist".into());
        // Its own model or checkpoint may be there, and nothing else.
        let own = ["pretrain.json", "checkpoint.safetensors"].iter().any(|f| folder.join(f).is_file());
        if !own {
            vacant(&folder)?;
        }
        writing::pretrain::run(&recipe, &self.cache, &place, &folder, int8, self.terminal)?;
        print(&format!("generalist: {}", folder.display()))?;
        Ok(0)
    }
}

/// A folder that is not there, or empty.
fn vacant(folder: &Path) -> Result<()> {
    let empty = || std::fs::read_dir(folder).map_or(true, |mut d| d.next().is_none());
    if folder.exists() && !empty() {
        let folder = folder.display().to_string();
        return Err(specialist_engine::Error::from(ArtifactError::Occupied { folder }).into());
    }
    Ok(())
}
