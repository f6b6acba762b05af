//! The shipped folder: models, evidence, report, card, and a manifest with every file's digest.
//!
//! A folder is written beside its place and moved there when it is whole, so that a crash leaves the
//! old one or the new one. Loading runs no code: JSON and TOML only, sizes bounded, digests first.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use specialist_core::{Dataset, KeyRole, Labels};
use specialist_tabular::Model;

use crate::Error;
pub use crate::artifact_error::ArtifactError;

/// No file of an artifact may be larger.
const LARGEST: u64 = 1 << 30;
const MANIFEST: &str = "manifest.json";
/// The number of this format.
const FORMAT: u32 = 1;

/// What an artifact is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The number of this format.
    pub format: u32,
    /// The program's version.
    pub version: String,
    /// The domain.
    pub domain: String,
    /// The last stage that ran: `pretrained`, `tuned` or `compared`.
    pub stage: String,
    /// The seed of all random numbers.
    pub seed: u64,
    /// A digest of the target's rows, from which none can be read.
    pub data: String,
    /// A digest of the sealed rows.
    pub sealed: String,
    /// How often these sealed rows had been opened under another recipe before.
    pub opened_before: usize,
    /// SHA-256 of every file.
    pub files: BTreeMap<String, String>,
}

/// The files of an artifact before they are written.
pub struct Draft {
    /// Everything but the files' digests.
    pub manifest: Manifest,
    /// Path within the folder → content.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Draft {
    /// An artifact without files.
    #[must_use]
    pub fn new(domain: &str, stage: &str, seed: u64, target: &Dataset, sealed: &Dataset) -> Self {
        Self::of(domain, stage, seed, fingerprint(target), fingerprint(sealed))
    }

    /// An artifact without files, of data with these digests.
    #[must_use]
    pub fn of(domain: &str, stage: &str, seed: u64, data: String, sealed: String) -> Self {
        let manifest = Manifest {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").into(),
            domain: domain.into(),
            stage: stage.into(),
            seed,
            data,
            sealed,
            opened_before: 0,
            files: BTreeMap::new(),
        };
        Self { manifest, files: BTreeMap::new() }
    }

    /// Adds a file.
    pub fn add(&mut self, path: &str, content: impl Into<Vec<u8>>) {
        self.files.insert(path.into(), content.into());
    }

    /// Writes the folder, replacing an artifact that is there.
    ///
    /// # Errors
    /// [`ArtifactError::Occupied`], or [`Error::Write`] with the system's reason.
    pub fn write(mut self, folder: &Path) -> Result<(), Error> {
        let wrong = |path: &Path| {
            let file = path.display().to_string();
            move |error| Error::Write { file, error }
        };
        if folder.exists()
            && !folder.join(MANIFEST).exists()
            && fs::read_dir(folder).map_err(wrong(folder))?.next().is_some()
        {
            return Err(ArtifactError::Occupied { folder: folder.display().to_string() }.into());
        }
        let parent = folder.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(wrong(parent))?;
        sweep(parent);
        let mut fresh = tempfile::Builder::new();
        fresh.prefix(FRESH);
        // As the user's umask has it, not the owner's alone.
        #[cfg(unix)]
        fresh.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
        let fresh = fresh.tempdir_in(parent).map_err(wrong(parent))?;
        for (path, content) in &self.files {
            self.manifest.files.insert(path.clone(), digest(content));
            put(&fresh.path().join(path), content).map_err(wrong(&folder.join(path)))?;
        }
        let manifest = serde_json::to_vec_pretty(&self.manifest).expect("a manifest is plain data");
        put(&fresh.path().join(MANIFEST), &manifest).map_err(wrong(folder))?;
        sync(fresh.path()).map_err(wrong(folder))?;
        swap(fresh.path(), folder).map_err(wrong(folder))?;
        // What was replaced lies where the new folder lay, and goes with it; it is no longer an artifact that matters.
        drop(fresh);
        sync(parent).map_err(wrong(parent))
    }
}

/// Writes a file and makes sure it is on the disk.
fn put(path: &Path, content: &[u8]) -> std::io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut file = File::create(path)?;
    file.write_all(content)?;
    file.sync_all()
}

fn sync(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

/// What the folder of an artifact that is not yet in its place begins with; the rest is no other run's.
const FRESH: &str = ".artifact.tmp-";

/// Removes what runs left that were killed more than a day ago; a run that is at work is younger.
fn sweep(parent: &Path) {
    const DAY: std::time::Duration = std::time::Duration::from_secs(86_400);
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let left = entry.file_name().to_string_lossy().starts_with(FRESH);
        let age = entry.metadata().and_then(|m| m.modified()).ok().and_then(|t| t.elapsed().ok());
        if left && age.is_some_and(|a| a > DAY) {
            // A leftover that cannot be removed stands in nobody's way.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Puts `fresh` in the place of `folder`; what was there is where `fresh` was. In one step where the system can, so that
/// there is an artifact at every moment; else what was there is moved to a name of its own first.
fn swap(fresh: &Path, folder: &Path) -> std::io::Result<()> {
    if !folder.exists() {
        return fs::rename(fresh, folder);
    }
    if exchange(fresh, folder).is_ok() {
        return Ok(());
    }
    let parent = fresh.parent().unwrap_or(Path::new("."));
    let aside = tempfile::Builder::new().prefix(FRESH).tempdir_in(parent)?;
    let old = aside.path().join("old");
    fs::rename(folder, &old)?;
    // Put back what was there, if the second step fails.
    fs::rename(fresh, folder).inspect_err(|_| _ = fs::rename(&old, folder))
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn exchange(a: &Path, b: &Path) -> std::io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    Ok(renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE)?)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn exchange(_: &Path, _: &Path) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

/// Whether `folder` can become an artifact: what cannot is better refused before the work than after it.
///
/// # Errors
/// [`Error::Usage`] for what is no folder of its own, [`ArtifactError::Occupied`], [`Error::Write`] where nothing can be
/// written.
pub fn writable(folder: &Path) -> Result<(), Error> {
    let refuse = |what: &str| {
        let what = format!("{}: {what}", folder.display());
        Err(Error::Usage { what, hint: "name a folder to make, or an artifact to replace, with --output".into() })
    };
    // The whole folder is exchanged in one step: neither the folder that one stands in nor a link can be.
    if folder.file_name().is_none() {
        return refuse("this folder cannot be replaced as a whole");
    }
    if fs::symlink_metadata(folder).is_ok_and(|m| m.file_type().is_symlink()) {
        return refuse("this is a link, and the artifact would take its place");
    }
    if folder.exists() && manifest(folder).is_err() && fs::read_dir(folder).map_or(true, |mut d| d.next().is_some()) {
        return Err(ArtifactError::Occupied { folder: folder.display().to_string() }.into());
    }
    let parent = folder.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let wrong = |error| Error::Write { file: parent.display().to_string(), error };
    fs::create_dir_all(parent).map_err(wrong)?;
    tempfile::tempfile_in(parent).map(drop).map_err(wrong)
}

/// A file without a place yet, that those may read whom the user's umask lets: a temporary file is the owner's alone, and
/// would stay so once it has its name.
///
/// # Errors
/// The system's.
pub fn fresh_file(parent: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(parent)
}

/// Replaces one file by temp, fsync, rename, directory fsync.
///
/// # Errors
/// [`Error::Write`] with the system's reason.
pub fn replace_file(path: &Path, content: &[u8]) -> Result<(), Error> {
    let wrong = |error| Error::Write { file: path.display().to_string(), error };
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = fresh_file(parent).map_err(wrong)?;
    file.write_all(content).and_then(|()| file.as_file().sync_all()).map_err(wrong)?;
    file.persist(path).map_err(|e| wrong(e.error))?;
    sync(parent).map_err(wrong)
}

pub(crate) fn digest(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|b| format!("{b:02x}")).collect()
}

/// A digest of the rows: values, labels, weights, times and keys.
#[must_use]
pub fn fingerprint(data: &Dataset) -> String {
    // With its length: two texts end where one of them may go on.
    let told = |hash: &mut Sha256, text: &str| {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    };
    let mut hash = Sha256::new();
    for f in &data.features {
        hash.update(f.name.as_bytes());
    }
    data.records().iter().for_each(|v| hash.update(v.to_le_bytes()));
    match data.labels() {
        Labels::Times { followed, .. } => followed.iter().for_each(|f| {
            hash.update(f.time.to_le_bytes());
            hash.update(f.cause.to_le_bytes());
        }),
        Labels::Classes { codes, levels } => {
            levels.iter().for_each(|l| hash.update(l.as_bytes()));
            codes.iter().for_each(|c| hash.update(c.to_le_bytes()));
        }
        Labels::Numbers(numbers) => numbers.iter().for_each(|y| hash.update(y.to_le_bytes())),
        Labels::Texts(texts) => texts.iter().for_each(|t| told(&mut hash, t)),
    }
    data.base.weights.iter().for_each(|w| hash.update(w.to_le_bytes()));
    data.time.iter().flatten().for_each(|t| hash.update(t.to_le_bytes()));
    data.amount.iter().flatten().for_each(|a| hash.update(a.to_le_bytes()));
    for key in &data.keys {
        hash.update(key.name.as_bytes());
        if key.role == KeyRole::Text {
            key.texts().into_iter().for_each(|t| told(&mut hash, t));
            continue;
        }
        // The cells that stand behind the codes: two files may number them otherwise.
        let cell = |c: &u32| key.digests.get(*c as usize).copied().unwrap_or(u64::from(*c));
        key.codes.iter().for_each(|c| hash.update(cell(c).to_le_bytes()));
    }
    hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

/// Reads an artifact's manifest and checks every file against it.
///
/// # Errors
/// [`ArtifactError`] naming the first file that is missing, altered or not listed.
pub fn open(folder: &Path) -> Result<Manifest, Error> {
    let artifact = Artifact::open(folder)?;
    artifact.check(|_| true)?;
    Ok(artifact.manifest)
}

/// Reads an artifact's manifest without looking at the other files.
///
/// # Errors
/// [`ArtifactError::Missing`], or [`ArtifactError::Corrupt`] when it is not one.
pub fn manifest(folder: &Path) -> Result<Manifest, Error> {
    if fs::symlink_metadata(folder.join(MANIFEST)).is_err() {
        return Err(ArtifactError::Missing { folder: folder.display().to_string() }.into());
    }
    let text = read(folder, MANIFEST)?;
    let manifest: Manifest =
        serde_json::from_slice(&text).map_err(|e| corrupt(folder, MANIFEST, &format!("not a manifest: {e}")))?;
    if manifest.format != FORMAT {
        return Err(corrupt(folder, MANIFEST, &format!("format {} is not known to this version", manifest.format)));
    }
    let inside = |p: &String| Path::new(p).components().all(|c| matches!(c, std::path::Component::Normal(_)));
    if let Some(outside) = manifest.files.keys().find(|p| !inside(p)) {
        return Err(corrupt(folder, MANIFEST, &format!("it lists a file outside the folder: {outside}")));
    }
    Ok(manifest)
}

/// The files below `folder`. Links are not followed: one may lead out of it, or around in a circle.
fn list(folder: &Path, root: &Path) -> Vec<String> {
    let mut out = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|t| t.is_dir()) {
            out.extend(list(&path, root));
        } else if let Ok(inside) = path.strip_prefix(root) {
            let parts: Vec<_> = inside.components().map(|c| c.as_os_str().to_string_lossy()).collect();
            out.push(parts.join("/"));
        }
    }
    out.sort();
    out
}

pub(crate) fn corrupt(folder: &Path, path: &str, what: &str) -> Error {
    ArtifactError::Corrupt { file: folder.join(path).display().to_string(), what: what.into() }.into()
}

/// Reads one file of an artifact, up to the largest size, whatever its digest.
///
/// # Errors
/// [`ArtifactError::Corrupt`] when it is not there or too large.
pub fn read(folder: &Path, path: &str) -> Result<Vec<u8>, Error> {
    // Neither a link, which may lead anywhere, nor a pipe, which may never end.
    let plain = |at: &Path| fs::symlink_metadata(at).map(|m| m.file_type());
    let mut inside = folder.to_path_buf();
    for part in Path::new(path).parent().into_iter().flat_map(Path::components) {
        inside.push(part);
        if plain(&inside).is_ok_and(|t| t.is_symlink()) {
            return Err(corrupt(folder, path, "a link stands where a folder of the artifact is expected"));
        }
    }
    match plain(&folder.join(path)) {
        Err(_) => return Err(corrupt(folder, path, "the file is missing")),
        Ok(kind) if !kind.is_file() => return Err(corrupt(folder, path, "it is no plain file")),
        Ok(_) => {}
    }
    let file = File::open(folder.join(path)).map_err(|e| corrupt(folder, path, &e.to_string()))?;
    let mut content = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut content).map_err(|e| corrupt(folder, path, &e.to_string()))?;
    if content.len() as u64 > LARGEST {
        return Err(corrupt(folder, path, "the file is larger than any artifact's"));
    }
    Ok(content)
}

/// An artifact: what its manifest says is there, and nothing else is. A file is checked against its digest when it is read, or all of
/// them by [`Artifact::check`].
#[derive(Debug, Clone)]
pub struct Artifact {
    folder: PathBuf,
    manifest: Manifest,
}

impl Artifact {
    /// Opens the artifact in `folder`.
    ///
    /// # Errors
    /// [`ArtifactError`] naming the first file that is missing or not listed.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let manifest = manifest(folder)?;
        let found = list(folder, folder);
        if let Some(missing) = manifest.files.keys().find(|p| !found.contains(p)) {
            return Err(corrupt(folder, missing, "the file is missing"));
        }
        if let Some(strange) = found.iter().find(|p| *p != MANIFEST && !manifest.files.contains_key(*p)) {
            return Err(corrupt(folder, strange, "the manifest does not list this file"));
        }
        Ok(Self { folder: folder.into(), manifest })
    }

    /// Checks the files that are `wanted` against their digests.
    ///
    /// # Errors
    /// [`ArtifactError`] naming the first that was altered.
    pub fn check(&self, wanted: impl Fn(&str) -> bool) -> Result<(), Error> {
        // Digests are most of what this costs: each processor but the caller's, who may have something else to do, takes every so
        // many-th file. The first fault by name is told, whoever found it.
        let files: Vec<&String> = self.manifest.files.keys().filter(|p| wanted(p)).collect();
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let hands = (processors - 1).min(files.len()).max(1);
        let faults: Vec<(usize, Error)> = std::thread::scope(|scope| {
            let files = &files;
            let hand = |first: usize| {
                let own = (first..files.len()).step_by(hands);
                own.filter_map(|i| Some((i, self.read(files[i]).err()?))).collect::<Vec<_>>()
            };
            let others: Vec<_> = (1..hands).map(|first| scope.spawn(move || hand(first))).collect();
            let mut faults = hand(0);
            faults.extend(others.into_iter().flat_map(|o| o.join().unwrap_or_else(|p| std::panic::resume_unwind(p))));
            faults
        });
        faults.into_iter().min_by_key(|f| f.0).map_or(Ok(()), |(_, fault)| Err(fault))
    }

    /// One of its files, as it was when the artifact was made.
    ///
    /// # Errors
    /// [`ArtifactError::Corrupt`] when the manifest does not list it, or it was altered.
    pub fn read(&self, path: &str) -> Result<Vec<u8>, Error> {
        let (folder, listed) = (self.folder.as_path(), self.manifest.files.get(path));
        let expected = listed.ok_or_else(|| corrupt(folder, path, "the file is missing"))?;
        let content = read(folder, path)?;
        if digest(&content) != *expected {
            let what = "its digest is not the manifest's: the file was altered or cut short";
            return Err(corrupt(folder, path, what));
        }
        Ok(content)
    }

    /// As [`Artifact::read`], of a text.
    ///
    /// # Errors
    /// As [`Artifact::read`].
    pub fn read_text(&self, path: &str) -> Result<String, Error> {
        String::from_utf8(self.read(path)?).map_err(|_| corrupt(&self.folder, path, "not text"))
    }

    /// As [`Artifact::read`], of JSON.
    ///
    /// # Errors
    /// As [`Artifact::read`].
    pub fn read_json<T: serde::de::DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        serde_json::from_slice(&self.read(path)?).map_err(|e| corrupt(&self.folder, path, &e.to_string()))
    }

    /// Where it lies.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What it is made of.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The model called `name`.
    ///
    /// # Errors
    /// [`Error::Usage`] when it holds none of that name, [`ArtifactError::Corrupt`] when that is no model.
    pub fn model(&self, name: &str) -> Result<Model, Error> {
        let (folder, path) = (self.folder.as_path(), format!("models/{name}.json"));
        if !self.manifest.files.contains_key(&path) {
            return Err(Error::Usage {
                what: format!("{}: the artifact holds no model `{name}`", folder.display()),
                hint: match models(&self.manifest)[..] {
                    [] => "an earlier version made it: run its recipe again".into(),
                    ref names => format!("it holds: {}", names.join(", ")),
                },
            });
        }
        Model::from_json(&self.read_text(&path)?).map_err(|e| corrupt(folder, &path, &e.to_string()))
    }
}

/// The names of an artifact's models.
#[must_use]
pub fn models(manifest: &Manifest) -> Vec<&str> {
    manifest.files.keys().filter_map(|p| p.strip_prefix("models/")?.strip_suffix(".json")).collect()
}
