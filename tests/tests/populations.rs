//! Which rows of a file a population is: those that `where` names and `except` does not, and at most so many of them.

use specialist_e2e::{RECIPE, Sandbox, table};

/// Two sites in one file, each with its own rows.
fn two_sites() -> Sandbox {
    let here = Sandbox::default();
    let (north, south) = (table(300, "north", 1), table(200, "south", 2));
    let rows = |text: &str| text.lines().skip(1).map(|l| format!("{l}\n")).collect::<String>();
    here.write("both.csv", north + &rows(&south));
    here.write("recipe.toml", RECIPE.replace("source.csv", "both.csv").replace("target.csv", "both.csv"));
    here
}

#[test]
fn a_population_is_what_where_except_and_most_leave() {
    let here = two_sites();
    let counts = |sets: &[&str]| {
        let sets: Vec<&str> = sets.iter().flat_map(|s| ["--set", s]).collect();
        let said = here.ok("medical", &[&["check", "--recipe", "recipe.toml"][..], &sets].concat()).stdout;
        let of = |name: &str| {
            let line = said.lines().find(|l| l.trim_start().starts_with(name)).unwrap().to_string();
            line.split_whitespace().filter_map(|w| w.replace(',', "").parse::<usize>().ok()).next().unwrap()
        };
        (of("source"), of("target"))
    };
    let (north, south) = ("target.where={site=[\"south\"]}", "source.except={site=[\"south\"]}");
    assert_eq!(counts(&[north, south]), (300, 200));
    assert_eq!(counts(&[south, "target.except={site=[\"north\"]}"]), (300, 200), "without one is with the other");
    assert_eq!(counts(&[north, south, "target.most=120", "source.most=1000"]), (300, 120));
    // The same rows with the same seed, and others with another.
    let sealed = |seed: &str, out: &str| {
        let args = ["run", "-q", "--recipe", "recipe.toml", "--seed", seed, "-o", out, "--set", north, "--set", south];
        let _ = here.ok("medical", &[&args[..], &["--set", "target.most=120"]].concat());
        let text = std::fs::read_to_string(here.path(out).join("manifest.json")).unwrap();
        serde_json::from_str::<serde_json::Value>(&text).unwrap()["sealed"].clone()
    };
    assert_eq!(sealed("1", "one"), sealed("1", "again"));
    assert_ne!(sealed("1", "one"), sealed("2", "two"));
    let said = here.run("medical", &["check", "--recipe", "recipe.toml", "--set", "target.except={ward=[\"a\"]}"]);
    assert!(said.code == 3 && said.stderr.contains("`ward`") && said.stderr.contains("hint:"), "{}", said.stderr);
    let said = here.run("trading", &["check", "--set", "target.most=5"]);
    assert!(said.code == 2 && said.stderr.contains("target.most"), "{}", said.stderr);
}
