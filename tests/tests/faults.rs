//! An artifact and a file are replaced while every system call of it fails in turn, or is the last one before the process is
//! killed: what is there afterwards is the old or the new, whole.
//!
//! The faults are strace's. Where it does not work nothing is tried; `SPECIALIST_STRACE=required` makes that an error.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use specialist_e2e::Sandbox;
use specialist_engine::artifact::{self, Draft};

/// What may touch a file.
const CALLS: &str = "open,openat,creat,mkdir,mkdirat,write,pwrite64,writev,fsync,fdatasync,rename,renameat,renameat2,link,linkat,\
                     unlink,unlinkat,rmdir,chmod,fchmod,fchmodat,getdents64,close,stat,lstat,newfstatat,statx,ftruncate,lseek,fcntl";
/// A file that is not there, asked for before the replacement and after it.
const BEGINS: &str = "here-it-begins";
const FOLDER: &str = "SPECIALIST_FAULT_FOLDER";

fn draft(version: u64) -> Draft {
    let mut draft = Draft::of("claims", "compared", version, "data".into(), "sealed".into());
    for name in ["recipe.toml", "models/generalist.json", "models/deep/other.json"] {
        draft.add(name, format!("{name} of version {version}\n").repeat(400));
    }
    draft
}

/// Replaces version 1 by version 2: what strace looks at, in a process of its own.
#[test]
fn replaces() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let folder = Path::new(&folder);
    _ = std::fs::metadata(folder.join(BEGINS));
    draft(2).write(&folder.join("artifact")).unwrap();
    artifact::replace_file(&folder.join("file"), b"version 2").unwrap();
    _ = std::fs::metadata(folder.join(BEGINS));
}

/// Runs `replaces` in `folder` under strace with `more`; whether it succeeded.
fn child(folder: &Path, more: &[String]) -> bool {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-o"]).arg(folder.join("log")).args(more).arg(std::env::current_exe().unwrap());
    strace.args(["--exact", "replaces", "--test-threads", "1"]).env(FOLDER, folder).env("RUST_BACKTRACE", "0");
    strace.output().is_ok_and(|o| o.status.success())
}

fn prepared() -> Sandbox {
    let here = Sandbox::default();
    draft(1).write(&here.path("artifact")).unwrap();
    artifact::replace_file(&here.path("file"), b"version 1").unwrap();
    here
}

/// The versions that are there.
fn versions(here: &Sandbox, what: &str) -> (u64, u64) {
    let manifest = artifact::open(&here.path("artifact")).unwrap_or_else(|e| panic!("{what}: {e}"));
    let file = here.read("file");
    assert!(file == b"version 1" || file == b"version 2", "{what}: {file:?}");
    (manifest.seed, u64::from(file[8] - b'0'))
}

/// Which of its calls of a name belong to the replacement, counted from 1: the first, and the one behind the last.
fn counted(log: &[u8]) -> BTreeMap<String, (usize, usize)> {
    let mut out: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut met: BTreeMap<String, usize> = BTreeMap::new();
    let mut marks = 0;
    for line in String::from_utf8_lossy(log).lines() {
        let Some((name, _)) = line.split_whitespace().nth(1).and_then(|c| c.split_once('(')) else { continue };
        let count = met.entry(name.to_string()).or_default();
        *count += 1;
        if line.contains(BEGINS) {
            marks += 1;
        } else if marks == 1 {
            let range = out.entry(name.to_string()).or_insert((*count, *count));
            range.1 = *count + 1;
        }
    }
    assert_eq!(marks, 2);
    out
}

#[test]
fn a_fault_at_any_system_call_leaves_the_old_or_the_new() {
    let traces = Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).status();
    if !traces.is_ok_and(|s| s.success()) {
        assert!(std::env::var("SPECIALIST_STRACE").as_deref() != Ok("required"), "strace does not work");
        eprintln!("strace does not work here: no fault was tried");
        return;
    }
    let here = prepared();
    assert!(child(&here.path(""), &["-e".into(), format!("trace={CALLS}")]), "the replacement works under strace");
    assert_eq!(versions(&here, "without a fault"), (2, 2));
    let calls = counted(&here.read("log"));
    let count = |name: &str| calls.get(name).map_or(0, |c| c.1 - c.0);
    assert!(count("renameat2") == 1 && count("fsync") >= 6 && count("write") >= 4, "{calls:?}");
    // The first way of exchanging fails each time: the way of systems that have none, for errors only. Between its two
    // steps a kill leaves neither, and what was there lies aside.
    let no_exchange = vec!["-e".to_string(), "inject=renameat2:error=EINVAL".to_string()];
    let kinds = [("error=ENOSPC", vec![]), ("signal=KILL", vec![]), ("error=EIO", no_exchange)];
    let (mut tried, mut old, mut new) = (0, 0, 0);
    for (fault, more) in kinds {
        for (call, (first, behind)) in &calls {
            if !more.is_empty() && call == "renameat2" {
                continue;
            }
            for when in *first..*behind + usize::from(!more.is_empty()) * 2 {
                let here = prepared();
                let what = format!("{call} {when}: {fault} {more:?}");
                let mut args = vec!["-e".into(), format!("trace={call},renameat2")];
                args.extend(more.clone());
                args.extend(["-e".into(), format!("inject={call}:{fault}:when={when}")]);
                let worked = child(&here.path(""), &args);
                let (artifact, file) = versions(&here, &what);
                assert!(
                    !worked || (artifact, file) == (2, 2),
                    "{what}: said to be done, and is not: {artifact} {file}"
                );
                assert!(artifact == 2 || file == 1, "{what}: the second was done and the first was not");
                tried += 1;
                (old, new) = (old + usize::from(artifact == 1), new + usize::from(artifact == 2));
            }
        }
    }
    println!("{tried} faults: {old} times the old artifact, {new} times the new one");
    assert!(tried > 150 && old > 50 && new > 20, "{tried} {old} {new}");
}
