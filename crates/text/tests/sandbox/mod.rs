//! What the tests of the binary share.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

pub struct Said {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

pub struct Sandbox(tempfile::TempDir);

impl Sandbox {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        std::fs::write(self.path(name), content).unwrap();
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_text"));
        command.args(args).current_dir(self.0.path()).env("SPECIALIST_CACHE", self.path("cache")).env("NO_COLOR", "1");
        command
    }

    pub fn run(&self, args: &[&str]) -> Said {
        let out = self.command(args).output().unwrap();
        let text = |b: Vec<u8>| String::from_utf8(b).unwrap();
        Said { code: out.status.code().unwrap_or(-1), stdout: text(out.stdout), stderr: text(out.stderr) }
    }

    pub fn ok(&self, args: &[&str]) -> Said {
        let said = self.run(args);
        assert_eq!(said.code, 0, "{args:?}: {}{}", said.stdout, said.stderr);
        said
    }

    pub fn files(&self, folder: &str) -> BTreeMap<String, Vec<u8>> {
        fn walk(at: &Path, root: &Path, out: &mut BTreeMap<String, Vec<u8>>) {
            for entry in std::fs::read_dir(at).unwrap().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    walk(&path, root, out);
                } else {
                    out.insert(path.strip_prefix(root).unwrap().display().to_string(), std::fs::read(&path).unwrap());
                }
            }
        }
        let mut out = BTreeMap::new();
        walk(&self.path(folder), &self.path(folder), &mut out);
        out
    }
}

pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../neural/tests/fixtures").join(name)
}

/// A small stream of made-up numbers, the same on every run.
pub fn dice(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed;
    move |n| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % n
    }
}

/// Reviews whose label two words decide.
pub fn reviews(rows: usize, seed: u64) -> String {
    let mut die = dice(seed);
    let mut out = String::from("text,label,group,day\n");
    for i in 0..rows {
        let good = i % 2 == 0;
        let word = if good { ["paid", "well", "note"][die(3)] } else { ["late", "wrong", "wet"][die(3)] };
        let thing = ["parcel", "box", "card", "refund", "door", "bank"][die(6)];
        let rest = ["the courier came", "she slept", "in 7 minutes", "for three days", "again"][die(5)];
        let mut letter = || char::from(b'a' + die(26) as u8);
        let own = [letter(), letter(), letter(), letter()].map(String::from).join(" ");
        let label = if good { "good" } else { "bad" };
        let (month, day) = (1 + i / 28 % 12, 1 + i % 28);
        out.push_str(&format!(
            "the {thing} was {word} {rest} {own},{label},g{seed}-{},{}-{month:02}-{day:02}\n",
            i / 3,
            2020 + seed,
        ));
    }
    out
}
