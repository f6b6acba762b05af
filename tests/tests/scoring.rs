//! `predict`, `explain`, `export`, and models that were trained elsewhere.

use std::collections::HashMap;

use specialist_e2e::{Sandbox, root, sound};

/// Second column by first column.
fn scores(text: &str) -> HashMap<String, f64> {
    let row = |l: &str| {
        let mut cells = l.split(',');
        (cells.next().unwrap().to_string(), cells.next().unwrap().parse().unwrap())
    };
    text.lines().skip(1).map(row).collect()
}

#[test]
fn csv_and_parquet_get_the_same_scores() {
    use polars::prelude::*;
    let here = sound();
    let _ = here.ok("medical", &["run", "-q", "--recipe", "recipe.toml", "--output", "art"]);
    let text = String::from_utf8(here.read("target.csv")).unwrap();
    let column = |i: usize| text.lines().skip(1).map(move |l| l.split(',').nth(i).unwrap());
    let numbers = |i: usize| column(i).map(|c| c.parse::<f64>().unwrap()).collect::<Vec<f64>>();
    let texts = |i: usize| column(i).map(str::to_string).collect::<Vec<String>>();
    let columns = vec![
        Series::new("id".into(), texts(0)).into(),
        Series::new("age".into(), numbers(2)).into(),
        Series::new("dose".into(), numbers(3)).into(),
        Series::new("grade".into(), texts(4)).into(),
    ];
    let mut frame = DataFrame::new(200, columns).unwrap();
    let file = std::fs::File::create(here.path("rows.parquet")).unwrap();
    ParquetWriter::new(file).finish(&mut frame).unwrap();
    let predict = |data: &str, output: &str| {
        let _ = here.ok(
            "medical",
            &["predict", "--artifact", "art", "--model", "specialist", "--data", data, "--output", output],
        );
    };
    predict("target.csv", "a.csv");
    predict("rows.parquet", "b.csv");
    predict("rows.parquet", "c.parquet");
    let (a, b) = (here.read("a.csv"), here.read("b.csv"));
    assert_eq!(a, b);
    assert_eq!(scores(&String::from_utf8(a).unwrap()).len(), 200);
    let back = ParquetReader::new(std::fs::File::open(here.path("c.parquet")).unwrap()).finish().unwrap();
    assert_eq!((back.height(), back.width()), (200, 2));
    // Without --output the scores are on stdout, and nothing else is.
    let said = here.ok("medical", &["predict", "--artifact", "art", "--model", "specialist", "--data", "target.csv"]);
    assert_eq!(said.stdout.as_bytes(), b);
}

#[test]
fn formulas_in_ids_are_defused() {
    let here = sound();
    let _ = here.ok("medical", &["run", "-q", "--recipe", "recipe.toml", "--output", "art"]);
    let text = String::from_utf8(here.read("target.csv")).unwrap().replacen("\nB0,", "\n=HYPERLINK(1),", 1);
    here.write("rows.csv", text);
    let said = here.ok("medical", &["predict", "--artifact", "art", "--data", "rows.csv"]);
    assert!(said.stdout.lines().nth(1).unwrap().starts_with("'=HYPERLINK"), "{}", &said.stdout[..80]);
}

#[test]
fn explanations_add_up_to_the_score() {
    let here = sound();
    for estimator in ["glm", "boosted-trees"] {
        let set = format!("pretrain.estimator={estimator}");
        let _ = here.ok("medical", &["run", "-q", "--recipe", "recipe.toml", "--set", &set, "--output", "art"]);
        let args = ["--artifact", "art", "--model", "specialist", "--data", "target.csv"];
        let said = here.ok("medical", &[&["explain", "--json", "--row", "2", "--row", "5"][..], &args].concat());
        let rows: Vec<serde_json::Value> = serde_json::from_str(&said.stdout).unwrap();
        let scored = scores(&here.ok("medical", &[&["predict"][..], &args].concat()).stdout);
        for (row, id) in rows.iter().zip(["B0", "B3"]) {
            let parts = row["contributions"].as_array().unwrap().iter().map(|c| c[2].as_f64().unwrap()).sum::<f64>();
            let margin = parts + row["base"].as_f64().unwrap();
            let p = 1.0 / (1.0 + (-margin).exp());
            assert!((p - scored[id]).abs() < 1e-5, "{estimator} {id}: {p} against {}", scored[id]);
        }
    }
}

/// The rows of SVHC, and the scores that Python gave them.
fn svhc(here: &Sandbox) -> Vec<(String, f64, f64)> {
    let all = here.ok("medical", &["embedded", "thyroid"]).stdout;
    let place = all.lines().next().unwrap().split(',').position(|c| c == "referral_source").unwrap();
    let keep = |(i, l): &(usize, &str)| *i == 0 || l.split(',').nth(place) == Some("SVHC");
    let rows: Vec<&str> = all.lines().enumerate().filter(keep).map(|(_, l)| l).collect();
    here.write("svhc.csv", rows.join("\n") + "\n");
    let fixture = std::fs::read_to_string(root().join("tests/fixtures/thyroid_scores.csv")).unwrap();
    let row = |l: &str| {
        let c: Vec<&str> = l.split(',').collect();
        (c[0].to_string(), c[1].parse().unwrap(), c[2].parse().unwrap())
    };
    fixture.lines().skip(1).map(row).collect()
}

// Expected scores: tests/reference/xgboost_thyroid.py (xgboost 3.2.0, lightgbm 4.7.0).
#[test]
fn a_model_from_python_is_adapted_without_its_rows() {
    let here = Sandbox::default();
    let python = svhc(&here);
    for (file, lightgbm) in
        [("thyroid_xgboost.json", false), ("thyroid_xgboost.ubj", false), ("thyroid_lightgbm.txt", true)]
    {
        let model =
            format!("source.model={}", root().join("tests/fixtures").join(file).canonicalize().unwrap().display());
        let quick = ["--set", "tune.trials=8", "--set", "compare.bootstrap=100", "--set", "compare.repeats=1"];
        let args = ["run", "--json", "--recipe", "thyroid-own-model", "--set", &model, "--output", "art"];
        let said = here.ok("medical", &[&args[..], &quick].concat());
        let report: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
        let names: Vec<&str> =
            report["evidence"]["candidates"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["generalist", "recalibrated", "scratch", "specialist"], "there are no source rows to pool");
        let predict = |model: &str| {
            let args = ["predict", "--artifact", "art", "--model", model, "--data", "svhc.csv"];
            scores(&here.ok("medical", &args).stdout)
        };
        let before = predict("generalist");
        for (id, xgboost, from_lightgbm) in &python {
            let expected = if lightgbm { from_lightgbm } else { xgboost };
            assert!((before[id] - expected).abs() < 1e-5, "{file} {id}: {} against {expected}", before[id]);
        }
        // The recalibrated model is folded into an XGBoost model that scores the same when it is read again.
        let _ = here.ok("medical", &["export", "--artifact", "art", "--model", "recalibrated", "--output", "out.json"]);
        let adapted = predict("recalibrated");
        let exported = format!("source.model={}", here.path("out.json").display());
        let args = ["run", "--json", "--recipe", "thyroid-own-model", "--set", &exported, "--output", "again"];
        let _ = here.ok("medical", &[&args[..], &quick].concat());
        let args = ["predict", "--artifact", "again", "--model", "generalist", "--data", "svhc.csv"];
        let again = scores(&here.ok("medical", &args).stdout);
        for (id, p) in &adapted {
            assert!((again[id] - p).abs() < 1e-5, "{file} {id}: {} against {p}", again[id]);
        }
    }
}

#[test]
fn a_generalist_of_ours_travels_as_a_folder() {
    let here = sound();
    let _ = here.ok("medical", &["pretrain", "--recipe", "recipe.toml", "--output", "generalist"]);
    let recipe = specialist_e2e::RECIPE.replace("data = \"source.csv\"", "model = \"generalist\"");
    here.write("adapt.toml", recipe);
    std::fs::remove_file(here.path("source.csv")).unwrap();
    let said = here.ok("medical", &["run", "--recipe", "adapt.toml"]);
    assert!(said.stdout.contains("VERDICT: "));
}
