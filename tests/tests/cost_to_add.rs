//! What it costs to add a part: each is an example that is compiled, run with every verb, and as short as was promised.

use std::path::Path;
use std::process::{Command, Output};

/// The lines of code that a part takes: all of the example's but its comments, blank lines and `main`.
fn lines(example: &str) -> usize {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let text = std::fs::read_to_string(root.join(example)).expect("the example is there");
    let before_main = text.lines().take_while(|l| !l.starts_with("fn main"));
    before_main.map(str::trim).filter(|l| !l.is_empty() && !l.starts_with("//")).count()
}

#[test]
fn parts_are_as_short_as_promised() {
    for (part, example, most) in [
        ("estimator", "crates/specialist/examples/own_estimator.rs", 60),
        ("metric", "crates/specialist/examples/own_metric.rs", 25),
        ("rung", "crates/specialist/examples/own_rung.rs", 80),
        ("modality", "crates/specialist/examples/own_modality.rs", 150),
        ("domain", "examples/new-domain/src/main.rs", 110),
    ] {
        let own = lines(example);
        println!("own {part}: {own} lines of at most {most}");
        assert!(own <= most, "own {part}: {own} lines, at most {most} were promised");
    }
}

struct Program {
    name: &'static str,
    here: tempfile::TempDir,
}

impl Program {
    fn new(name: &'static str) -> Self {
        Self { name, here: tempfile::tempdir().expect("a folder") }
    }

    fn run(&self, args: &[&str]) -> Output {
        let program = specialist_e2e::example(self.name);
        let mut command = Command::new(program);
        command.args(args).current_dir(self.here.path()).env("NO_COLOR", "1");
        command.output().expect("the example runs")
    }

    fn ok(&self, args: &[&str]) -> String {
        let out = self.run(args);
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(out.status.success(), "{} {args:?}: {}{}", self.name, said(&out.stdout), said(&out.stderr));
        said(&out.stdout)
    }

    /// The part is known wherever what is built in is, and a slip of its name is told.
    fn knows(&self, part: &str, slip: (&str, &str)) {
        assert!(self.ok(&["recipe", "reference"]).contains(&format!("| `{part}` |")), "{part} has no line on the page");
        assert!(self.ok(&["recipe", "schema"]).contains(&format!("\"{part}\"")), "the schema does not know {part}");
        let out = self.run(&["run", "--set", slip.0]);
        let told = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.code(), Some(2), "{told}");
        assert!(told.contains(slip.1) && told.contains(part), "{told}");
    }
}

/// A run of a recipe that ships with `medical`, short.
const SHORT: [&str; 10] = [
    "--recipe",
    "thyroid",
    "--set",
    "tune.trials=6",
    "--set",
    "compare.repeats=1",
    "--set",
    "compare.bootstrap=200",
    "--set",
    "pretrain.trials=2",
];

#[test]
fn an_own_estimator_has_every_verb() {
    let program = Program::new("own_estimator");
    program.knows("naive-bayes", ("tune.scratch=naive-bays", "did you mean"));
    let scratch = ["--set", "tune.scratch=naive-bayes", "-o", "out"];
    program.ok(&[&["run"][..], &SHORT, &scratch].concat());
    let evidence = std::fs::read_to_string(program.here.path().join("out/evidence.json")).expect("the evidence");
    assert!(evidence.contains("naive-bayes on the target alone"));
    program.ok(&["verify", "--artifact", "out"]);
    program.ok(&["report", "--artifact", "out"]);
    let data = program.ok(&["embedded", "thyroid"]);
    std::fs::write(program.here.path().join("new.csv"), data).expect("a file");
    let scores = program.ok(&["predict", "--artifact", "out", "--model", "scratch", "--data", "new.csv"]);
    assert!(scores.lines().count() > 100);
    // It does not say what its features do, and that is said.
    let told = program.run(&["explain", "--artifact", "out", "--model", "scratch", "--data", "new.csv"]);
    assert!(told.status.code() == Some(2) && String::from_utf8_lossy(&told.stderr).contains("naive Bayes"));
    // Without the part the file is refused by name.
    let plain = specialist_e2e::binary("medical");
    let out = Command::new(plain)
        .args(["verify", "--artifact", "out"])
        .current_dir(program.here.path())
        .output()
        .expect("runs");
    assert!(out.status.code() == Some(4) && String::from_utf8_lossy(&out.stderr).contains("naive-bayes"), "{out:?}");
}

#[test]
fn an_own_rung_and_an_own_metric_have_every_verb() {
    let program = Program::new("own_rung");
    program.knows("half-way", ("tune.tunings=[\"halfway\"]", "did you mean"));
    let asked = ["--set", "tune.tunings=[\"slope\",\"half-way\"]", "-o", "out"];
    let said = program.ok(&[&["run"][..], &SHORT, &asked].concat());
    assert!(said.contains("half-way") && said.contains("VERDICT"), "{said}");
    program.ok(&["verify", "--artifact", "out"]);
    let program = Program::new("own_metric");
    program.knows("hit-rate", ("compare.metric=hit-rat", "did you mean"));
    let said = program.ok(&[&["run"][..], &SHORT, &["--set", "compare.metric=hit-rate", "-o", "out"]].concat());
    assert!(said.contains("gain in hit-rate"), "{said}");
}

#[test]
fn an_own_modality_has_every_verb() {
    let program = Program::new("own_modality");
    program.knows("base-pairs", ("text.encoder=base-pair", "did you mean"));
    let said = program.ok(&["run", "-o", "out", "--set", "compare.repeats=2"]);
    assert!(said.contains("VERDICT"), "{said}");
    program.ok(&["verify", "--artifact", "out"]);
    let rows = program.ok(&["embedded", "ours"]);
    std::fs::write(program.here.path().join("new.csv"), rows).expect("a file");
    let scores = program.ok(&["predict", "--artifact", "out", "--data", "new.csv"]);
    assert!(scores.lines().count() > 600);
    program.ok(&["explain", "--artifact", "out", "--model", "generalist", "--data", "new.csv"]);
}
