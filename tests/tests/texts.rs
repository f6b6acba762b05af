//! What the program says, word for word: a change of these texts is a change that users see.

use specialist_e2e::{Sandbox, sound};

#[test]
fn help() {
    let here = Sandbox::default();
    insta::assert_snapshot!("help-fraud", here.ok("fraud", &["--help"]).stdout);
    insta::assert_snapshot!("help-medical-predict", here.ok("medical", &["predict", "--help"]).stdout);
}

#[test]
fn errors() {
    let here = sound();
    here.write("recipe.toml", specialist_e2e::RECIPE.replace("test = 0.4", "tset = 0.4"));
    insta::assert_snapshot!("error-unknown-key", here.run("medical", &["run", "--recipe", "recipe.toml"]).stderr);
    let here = sound();
    here.write("target.csv", specialist_e2e::table(200, "B", 2).replacen("mid", "mid,x", 1));
    insta::assert_snapshot!("error-ragged", here.run("medical", &["check", "--recipe", "recipe.toml"]).stderr);
}

#[test]
fn completions() {
    let here = Sandbox::default();
    for shell in ["bash", "zsh", "fish"] {
        assert!(here.ok("fraud", &["completions", shell]).stdout.contains("predict"), "{shell}");
    }
}

#[test]
fn quiet_is_quiet_and_json_is_json() {
    let here = sound();
    let said = here.ok("medical", &["run", "--json", "-q", "--recipe", "recipe.toml"]);
    assert_eq!(said.stderr, "");
    let report: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(report["domain"], "medical");
}
