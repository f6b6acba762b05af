//! The lock on a journal.

use std::fs::File;
#[cfg(not(unix))]
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::contract::{StoreError, io, now};

/// A lock that stood still for so long was left by a process that died: writers hold it for the time of
/// one write, and no dead process may block for more than two seconds.
const DEAD: Duration = Duration::from_millis(1500);

/// The lock on a journal, until it is dropped.
pub(super) struct Lock {
    link: PathBuf,
    file: File,
}

impl Lock {
    pub(super) fn take(path: &Path) -> Result<Self, StoreError> {
        let file = File::open(path).map_err(|e| io(path, &e))?;
        // Ours first: it ends with the process that holds it.
        file.lock().map_err(|e| io(path, &e))?;
        let mut link = path.as_os_str().to_owned();
        link.push(".lock");
        let link = PathBuf::from(link);
        let mut seen: Option<(Stamp, Instant)> = None;
        let mut pause = Duration::from_millis(1);
        loop {
            match symlink(path, &link) {
                Ok(()) => return Ok(Self { link, file }),
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(io(&link, &e)),
            }
            let stamp = stamp(&link);
            match &seen {
                Some((before, since)) if *before == stamp => {
                    if since.elapsed() > DEAD {
                        release(&link);
                        seen = None;
                    }
                }
                _ => seen = Some((stamp, Instant::now())),
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        release(&self.link);
        _ = self.file.unlock();
    }
}

/// As Optuna does it: by a rename that only one can win, then by removing what it left.
fn release(link: &Path) {
    let mut aside = link.as_os_str().to_owned();
    aside.push(format!("{}-{}.rename", std::process::id(), now()));
    if std::fs::rename(link, &aside).is_ok() {
        _ = std::fs::remove_file(&aside);
    }
}

#[cfg(unix)]
fn symlink(path: &Path, link: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(path, link)
}

#[cfg(not(unix))]
fn symlink(_: &Path, link: &Path) -> std::io::Result<()> {
    OpenOptions::new().write(true).create_new(true).open(link).map(|_| ())
}

/// What tells one lock from the next.
#[derive(PartialEq)]
struct Stamp(Option<std::time::SystemTime>, u64);

fn stamp(link: &Path) -> Stamp {
    let meta = std::fs::symlink_metadata(link).ok();
    #[cfg(unix)]
    let id = meta.as_ref().map_or(0, std::os::unix::fs::MetadataExt::ino);
    #[cfg(not(unix))]
    let id = 0;
    Stamp(meta.and_then(|m| m.modified().ok()), id)
}
