//! Builds the binaries once, runs them in a folder of their own, and keeps what they said.

pub mod doors;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

/// The root of the workspace.
#[must_use]
pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The path of a binary, built with the profile of the tests.
///
/// # Panics
/// When it does not build.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let folder = BUILT.get_or_init(|| {
        let mut build = Command::new(env!("CARGO"));
        // The whole workspace: with its features the tests were built, and nothing is built a second time.
        build.args(["build", "--quiet", "--workspace", "--bins"]).current_dir(root());
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        assert!(build.status().expect("cargo runs").success(), "the binaries build");
        // target/PROFILE/deps/test → target/PROFILE
        let test = std::env::current_exe().expect("a test has a path");
        test.ancestors().nth(2).expect("deps lies in the profile's folder").to_path_buf()
    });
    folder.join(name)
}

/// The path of an example of the library.
///
/// # Panics
/// When it does not build.
#[must_use]
pub fn example(name: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let folder = BUILT.get_or_init(|| {
        // The whole workspace, with whose features they were built for the tests already.
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--workspace", "--examples"]).current_dir(root());
        assert!(build.status().expect("cargo runs").success(), "the examples build");
        let test = std::env::current_exe().expect("a test has a path");
        test.ancestors().nth(2).expect("deps lies in the profile's folder").join("examples")
    });
    folder.join(name)
}

/// What a run said.
#[derive(Debug)]
pub struct Said {
    /// Its exit code.
    pub code: i32,
    /// Its data.
    pub stdout: String,
    /// Its messages.
    pub stderr: String,
}

/// A folder of its own to run in.
pub struct Sandbox(TempDir);

impl Default for Sandbox {
    fn default() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }
}

impl Sandbox {
    /// A path in the folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file.
    ///
    /// # Panics
    /// When the disk does not let us.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder");
        std::fs::write(path, content).expect("a file");
    }

    /// Reads a file.
    ///
    /// # Panics
    /// When it is not there.
    #[must_use]
    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// Runs a binary here.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn run(&self, name: &str, args: &[&str]) -> Said {
        let out = Command::new(binary(name))
            .args(args)
            .current_dir(self.0.path())
            .env("NO_COLOR", "1")
            .env_remove("RUST_BACKTRACE")
            .stdin(Stdio::null())
            .output()
            .expect("the binary starts");
        Said {
            code: out.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&out.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&out.stderr).into_owned(),
        }
    }

    /// Runs a binary here and expects success.
    ///
    /// # Panics
    /// When it fails.
    #[must_use]
    pub fn ok(&self, name: &str, args: &[&str]) -> Said {
        let said = self.run(name, args);
        assert_eq!(said.code, 0, "{name} {args:?}\n{}\n{}", said.stdout, said.stderr);
        said
    }

    /// Every file below a folder with its content, in order.
    #[must_use]
    pub fn files(&self, name: &str) -> Vec<(String, Vec<u8>)> {
        let root = self.path(name);
        let mut out = Vec::new();
        let mut open = vec![root.clone()];
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    open.push(path);
                } else {
                    let name = path.strip_prefix(&root).expect("it is below").display().to_string();
                    out.push((name, std::fs::read(&path).unwrap_or_default()));
                }
            }
        }
        out.sort();
        out
    }
}

/// Numbers between 0 and 1 that look random (xorshift; Marsaglia 2003).
pub fn uniforms(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// A small table: `id,site,age,dose,grade,y`, in which age and grade drive the label.
#[must_use]
pub fn table(rows: usize, site: &str, seed: u64) -> String {
    let mut uniform = uniforms(seed);
    let mut out = String::from("id,site,age,dose,grade,y\n");
    for i in 0..rows {
        let (age, dose, grade) =
            (20.0 + 60.0 * uniform(), 10.0 * uniform(), ["low", "mid", "high"][(3.0 * uniform()) as usize]);
        let margin = (age - 50.0) / 12.0 + if grade == "high" { 1.0 } else { -0.5 } + 2.0 * (uniform() - 0.5);
        out.push_str(&format!("{site}{i},{site},{age:.2},{dose:.3},{grade},{}\n", u8::from(margin > 0.3)));
    }
    out
}

/// A recipe for [`table`]s `source.csv` and `target.csv`, small enough for a test.
pub const RECIPE: &str = r#"
question = "Does it?"
[source]
data = "source.csv"
[target]
data = "target.csv"
[split]
test = 0.4
stratify_on = "y"
[pretrain]
trials = 2
[tune]
trials = 4
folds = 3
[compare]
bootstrap = 100
repeats = 1
budgets = [0.5, 1.0]
[columns.id]
role = "id"
kind = "text"
[columns.site]
role = "site"
kind = "category"
[columns.age]
min = 0
max = 120
[columns.dose]
[columns.grade]
kind = "category"
[columns.y]
role = "label"
"#;

/// A folder with a sound recipe and sound data.
#[must_use]
pub fn sound() -> Sandbox {
    let here = Sandbox::default();
    here.write("source.csv", table(400, "A", 1));
    here.write("target.csv", table(200, "B", 2));
    here.write("recipe.toml", RECIPE);
    here
}
