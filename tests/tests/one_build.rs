//! What `cargo run -p fraud` has built, the tests do not build again: every program asks the same features of its dependencies
//! (`crates/unify`).

use std::collections::BTreeSet;
use std::process::Command;

/// `name version [features]` of everything that is built of these packages.
fn built(packages: &[&str]) -> BTreeSet<String> {
    let mut tree = Command::new(env!("CARGO"));
    tree.args(["tree", "--offline", "--locked", "--prefix", "none", "-f", "{p} [{f}]"]).args(packages);
    let out = tree.current_dir(specialist_e2e::root()).output().expect("cargo runs");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).lines().map(|l| l.trim_end_matches(" (*)").to_string()).collect()
}

#[test]
fn programs_ask_the_same_features_as_the_tests() {
    let tests = built(&["--workspace", "-e", "normal,build,dev"]);
    assert!(tests.len() > 200, "{}", tests.len());
    for program in ["fraud", "medical", "trading", "text", "new-domain"] {
        let own = built(&["-p", program, "-e", "normal,build"]);
        // Our own crates: with encoders of texts or without.
        let differs: Vec<&String> =
            own.iter().filter(|p| !tests.contains(*p) && !p.starts_with("specialist-engine ")).collect();
        assert!(differs.is_empty(), "{program} is built with other features than the tests: {differs:#?}");
    }
}
