//! Whole runs: the default recipes, the same bytes on any number of threads, the verbs one by one.

use specialist_e2e::{Sandbox, root, sound};

#[test]
fn the_default_runs_end_in_a_verdict() {
    let here = Sandbox::default();
    for (binary, folder) in [("fraud", "artifacts/fraud-simulated"), ("medical", "artifacts/medical-thyroid")] {
        let said = here.ok(binary, &[]);
        for word in ["source", "target", "VERDICT: ", "artifact: ", "report: ", "specialist − generalist"] {
            assert!(said.stdout.contains(word), "{binary}: no `{word}` in {}", said.stdout);
        }
        let verified = here.ok(binary, &["verify"]);
        assert!(verified.stdout.starts_with("ok: "), "{}", verified.stdout);
        let page = String::from_utf8(here.read(&format!("{folder}/report.html"))).unwrap();
        assert!(!page.contains("http://") && !page.contains("https://"), "the page needs no network");
        assert_eq!(page.contains("Simulated data."), binary == "fraud");
        let card = String::from_utf8(here.read(&format!("{folder}/README.md"))).unwrap();
        assert!(card.starts_with("---\nlibrary_name:"));
    }
}

#[test]
fn threads_do_not_change_a_byte() {
    let here = sound();
    let run = |threads: &str, output: &str| {
        let _ = here.ok("medical", &["run", "-q", "--recipe", "recipe.toml", "--threads", threads, "--output", output]);
        here.files(output)
    };
    let (one, two) = (run("1", "one"), run("2", "two"));
    assert!(one.len() >= 13, "{}", one.len());
    for (a, b) in one.iter().zip(&two) {
        assert!(a == b, "{} differs", a.0);
    }
    // Again into the same folder: still the same.
    assert_eq!(run("2", "one"), one);
}

#[test]
fn the_verbs_one_by_one_reach_the_same_evidence() {
    let here = sound();
    let recipe = ["--recipe", "recipe.toml"];
    let with = |args: &[&str]| here.ok("medical", &[args, &recipe].concat());
    let _ = with(&["run", "-q", "--output", "whole"]);
    let _ = with(&["pretrain", "--output", "generalist"]);
    assert!(here.path("generalist/models/generalist.json").exists());
    let _ = with(&["tune", "--output", "parts"]);
    assert!(!here.path("parts/evidence.json").exists(), "the sealed rows are still sealed");
    assert!(here.path("parts/models/specialist.json").exists());
    let said = with(&["compare", "--artifact", "parts"]);
    assert!(said.stdout.contains("VERDICT: "));
    let json = |folder: &str| {
        serde_json::from_slice::<serde_json::Value>(&here.read(&format!("{folder}/evidence.json"))).unwrap()
    };
    let (mut parts, whole) = (json("parts"), json("whole"));
    // Models that are read back are described by what they are, not by how they were tuned.
    for (a, b) in parts["evidence"]["candidates"]
        .as_array_mut()
        .unwrap()
        .iter_mut()
        .zip(whole["evidence"]["candidates"].as_array().unwrap())
    {
        a["what"] = b["what"].clone();
        assert_eq!(a, b);
    }
    assert_eq!(parts["evidence"]["differences"], whole["evidence"]["differences"]);
    let report = here.ok("medical", &["report", "--artifact", "parts"]);
    assert!(report.stdout.contains("VERDICT: "));
    let _ = here.ok("medical", &["verify", "--artifact", "parts"]);
}

#[test]
fn a_second_recipe_on_the_same_sealed_rows_is_counted() {
    let here = sound();
    let run = |extra: &[&str]| {
        here.ok("medical", &[&["run", "--recipe", "recipe.toml", "--json", "--output", "art"], extra].concat())
    };
    let opened =
        |said: &str| serde_json::from_str::<serde_json::Value>(said).unwrap()["evidence"]["opened_before"].clone();
    assert_eq!(opened(&run(&[]).stdout), 0);
    assert_eq!(opened(&run(&[]).stdout), 0, "the same run again is no second look");
    let second = run(&["--set", "tune.trials=5"]);
    assert_eq!(opened(&second.stdout), 1);
    assert!(second.stderr.contains("no longer blind"));
}

#[test]
fn the_gate_is_an_exit_code() {
    let here = sound();
    let said = here.run("medical", &["run", "--gate", "--json", "--recipe", "recipe.toml"]);
    let outcome =
        serde_json::from_str::<serde_json::Value>(&said.stdout).unwrap()["evidence"]["verdict"]["outcome"].clone();
    assert_eq!(said.code, i32::from(outcome != "adopt"), "{outcome}");
}

#[test]
fn every_estimator_can_be_chosen() {
    let here = sound();
    for estimator in ["glm", "boosted-trees", "linfa-logistic", "linfa-tree", "smartcore-logistic", "smartcore-forest"]
    {
        let set = format!("pretrain.estimator={estimator}");
        let folder = format!("art-{estimator}");
        let said =
            here.ok("medical", &["run", "--json", "--recipe", "recipe.toml", "--set", &set, "--output", &folder]);
        let report: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
        let auc = &report["evidence"]["candidates"][0]["figures"][1];
        assert_eq!(auc["metric"], "roc-auc");
        assert!(auc["estimate"].as_f64().unwrap() > 0.75, "{estimator}: {auc}");
        let _ = here.ok("medical", &["verify", "--artifact", &folder]);
    }
}

#[test]
fn every_recipe_that_ships_is_sound() {
    let here = Sandbox::default();
    for domain in ["fraud", "medical"] {
        let folder = root().join("pipelines").join(domain);
        let listed = here.ok(domain, &["recipe", "list"]).stdout;
        for file in std::fs::read_dir(folder).unwrap().flatten() {
            let name = file.path().file_stem().unwrap().to_string_lossy().into_owned();
            assert!(listed.contains(&name), "{name} is not listed");
            let shown = here.ok(domain, &["recipe", "show", "--recipe", &name]).stdout;
            here.write("again.toml", &shown);
            assert_eq!(here.ok(domain, &["recipe", "show", "--recipe", "again.toml"]).stdout, shown);
        }
    }
}

#[test]
fn the_schema_is_json_schema() {
    let here = Sandbox::default();
    let schema: serde_json::Value = serde_json::from_str(&here.ok("medical", &["recipe", "schema"]).stdout).unwrap();
    assert!(schema["$schema"].as_str().unwrap().contains("json-schema.org"));
    assert!(schema["properties"]["columns"].is_object());
}

#[test]
fn init_writes_a_recipe_that_runs() {
    let here = sound();
    let args = ["init", "--data", "target.csv", "--source", "source.csv", "--label", "y", "--output", "mine.toml"];
    let said = here.ok("medical", &args);
    assert!(said.stderr.contains("label"));
    let _ = here.ok("medical", &["check", "--recipe", "mine.toml"]);
    let _ = here.ok(
        "medical",
        &["run", "-q", "--recipe", "mine.toml", "--set", "tune.trials=2", "--set", "compare.bootstrap=100"],
    );
}

#[test]
fn a_source_of_the_same_days_can_be_cut() {
    let here = sound();
    let column = "[columns.dose]\n[columns.day]\nrole = \"time\"\nkind = \"time\"";
    let recipe = specialist_e2e::RECIPE
        .replace("[columns.dose]", column)
        .replace("stratify_on = \"y\"", "time_on = \"day\"\ngap = \"2d\"");
    here.write("recipe.toml", recipe);
    for (file, rows, site, seed) in [("source.csv", 400, "A", 1), ("target.csv", 200, "B", 2)] {
        let on = |(i, l): (usize, &str)| {
            if i == 0 { format!("{l},day\n") } else { format!("{l},2024-01-{:02}\n", 1 + i % 28) }
        };
        here.write(file, specialist_e2e::table(rows, site, seed).lines().enumerate().map(on).collect::<String>());
    }
    let said = here.run("medical", &["check", "--recipe", "recipe.toml"]);
    assert!(said.code == 3 && said.stdout.contains("cut_source"), "{}", said.stdout);
    let said = here.ok("medical", &["run", "--recipe", "recipe.toml", "--set", "split.cut_source=true"]);
    assert!(said.stdout.contains("VERDICT: ") && said.stderr.contains("between them left out"), "{}", said.stderr);
    let _ = here.ok("medical", &["verify", "--artifact", "artifacts/medical-recipe"]);
}

#[test]
fn a_new_domain_has_every_verb() {
    let here = Sandbox::default();
    let said = here.ok("new-domain", &["run", "--set", "compare.bootstrap=200"]);
    assert!(said.stdout.contains("VERDICT: "));
    let _ = here.ok("new-domain", &["verify"]);
    assert!(here.ok("new-domain", &["--help"]).stdout.contains("predict"));
}
