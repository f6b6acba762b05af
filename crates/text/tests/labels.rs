//! Whole runs over the binary of texts that carry labels, on tiny encoders with random weights and made-up texts: nothing is
//! fetched. They are tables with a column of texts: what every table has, they have.

mod sandbox;

use std::collections::BTreeMap;
use std::path::Path;

use sandbox::{Said, Sandbox, fixture, reviews};
use specialist_neural::lora::Naming;
use specialist_neural::{Batch, Device, Encoder, Lora, Params, Pass};

const RECIPE: &str = r#"
[source]
data = "source.csv"
[target]
data = "target.csv"
[columns.text]
role = "feature"
kind = "text"
[columns.label]
role = "label"
positive = ["good"]
negative = ["bad"]
[columns.group]
role = "ignore"
[columns.day]
role = "ignore"
kind = "time"
[text]
components = 0
alike = 1.0
[pretrain]
estimator = "glm"
trials = 2
[tune]
tunings = ["keep", "slope", "prior-centred", "setfit", "lora", "full"]
trials = 8
costly_trials = 1
folds = 2
[compare]
bootstrap = 200
budgets = [0.5, 1.0]
repeats = 2
splits = 2
"#;

fn labels() -> Sandbox {
    let here = Sandbox::new();
    here.write("source.csv", reviews(160, 1));
    here.write("target.csv", reviews(240, 2));
    let backbone = fixture("bert-encoder-tiny").display().to_string();
    here.write("recipe.toml", RECIPE.replace("[text]", &format!("[text]\nbackbone = {backbone:?}")));
    here
}

/// As [`labels`], with a source that calls good what the target calls bad: whatever can learn is better than what was known.
fn turned() -> Sandbox {
    let here = labels();
    let source = reviews(160, 1).replace(",good,", ",GOOD,").replace(",bad,", ",good,").replace(",GOOD,", ",bad,");
    here.write("source.csv", source);
    here
}

/// Flags for a run without the rungs that train.
const QUICK: [&str; 6] = [
    "--recipe",
    "recipe.toml",
    "--set",
    "tune.tunings=[\"keep\",\"slope\",\"prior-centred\"]",
    "--set",
    "compare.splits=0",
];

fn from(base: &str, adapter: &str) -> [String; 4] {
    let quoted = |key: &str, value: &str| format!("text.{key}={value:?}");
    ["--set".into(), quoted("backbone", base), "--set".into(), quoted("adapter", adapter)]
}

fn refused_run(here: &Sandbox, base: &str, adapter: &str) -> Said {
    let from = from(base, adapter);
    let mut args = vec!["run", "--recipe", "recipe.toml", "-o", "out"];
    args.extend(from.iter().map(String::as_str));
    here.run(&args)
}

fn json(here: &Sandbox, file: &str) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(here.path(file)).unwrap()).unwrap()
}

#[test]
fn labels_end_in_a_verdict_and_texts_get_one() {
    let here = labels();
    let said = here.ok(&["run", "--recipe", "recipe.toml", "-o", "out"]);
    for word in
        ["majority", "tf-idf", "generalist", "scratch", "pooled", "setfit", "lora", "full", "specialist", "VERDICT: "]
    {
        assert!(said.stdout.contains(word), "no `{word}` in {}", said.stdout);
    }
    let said = here.ok(&["verify", "--artifact", "out"]);
    assert!(said.stdout.contains("score 20 probe rows as before"), "{}", said.stdout);
    let page = String::from_utf8(here.files("out")["report.html"].clone()).unwrap();
    for word in ["How many labels would it take?", "Under stress", "further partings"] {
        assert!(page.contains(word), "{word}");
    }
    // Nothing of a text is written down.
    for (name, bytes) in here.files("out") {
        let told = String::from_utf8_lossy(&bytes);
        let tokens = name.starts_with("encoder/");
        assert!(tokens || !told.contains("the parcel was") && !told.contains("courier came"), "{name} holds a text");
    }
    for model in ["scratch", "specialist"] {
        let predict = ["predict", "--artifact", "out", "--model", model, "--data", "target.csv"];
        let rows = here.ok(&predict).stdout;
        assert_eq!(rows.lines().count(), 241, "{rows}");
        let said = here.ok(&["words", "--artifact", "out", "--model", model, "the box was wet"]);
        assert_eq!(said.stdout.lines().count(), 5, "{}", said.stdout);
    }
    let said = here.ok(&["explain", "--artifact", "out", "--model", "scratch", "--data", "target.csv"]);
    assert!(said.stdout.contains("text") && !said.stdout.contains("text:1"), "{}", said.stdout);
}

/// An encoder that was trained leaves and comes back as it is: an adapter or a whole one.
#[test]
fn trained_encoders_score_alike_after_they_were_read_back() {
    for rung in ["lora", "lp-ft", "full"] {
        let here = turned();
        let tunings = format!("tune.tunings=[{rung:?}]");
        here.ok(&["tune", "-q", "--recipe", "recipe.toml", "-o", "out", "--set", &tunings]);
        here.ok(&[
            "compare",
            "-q",
            "--recipe",
            "recipe.toml",
            "--artifact",
            "out",
            "--set",
            &tunings,
            "--set",
            "compare.splits=0",
        ]);
        let plans = json(&here, "out/plans.json");
        assert!(plans["rungs"].as_array().unwrap().iter().any(|r| r["tuning"] == rung), "{rung}: {plans}");
        let specialist = json(&here, "out/models/specialist.json");
        assert_eq!(specialist["base"]["model"], "own", "{rung}: the one that was trained is chosen");
        // `compare` judged what it read back; one run judges what it has in memory.
        let once =
            ["run", "-q", "--recipe", "recipe.toml", "-o", "once", "--set", &tunings, "--set", "compare.splits=0"];
        here.ok(&once);
        let judged = |folder: &str| {
            let evidence = json(&here, &format!("{folder}/evidence.json"))["evidence"]["candidates"].clone();
            let figures = |c: &serde_json::Value| (c["name"].clone(), c["figures"].clone());
            evidence.as_array().unwrap().iter().map(figures).collect::<Vec<_>>()
        };
        assert_eq!(judged("out"), judged("once"), "{rung}");
    }
}

/// The library scores a record batch as the program scores the file of it.
#[test]
fn the_library_scores_texts_as_the_program_does() {
    use specialist::arrow_array::{ArrayRef, RecordBatch, StringArray};
    let here = turned();
    let sets = ["--set", "tune.tunings=[\"lora\"]", "--set", "compare.splits=0"];
    here.ok(&[&["run", "-q", "--recipe", "recipe.toml", "-o", "out"][..], &sets].concat());
    text::register();
    let csv = reviews(240, 2);
    let texts: Vec<&str> = csv.lines().skip(1).map(|l| l.split(',').next().unwrap()).collect();
    let column = std::sync::Arc::new(StringArray::from(texts)) as ArrayRef;
    let batch = RecordBatch::try_from_iter([("text", column)]).unwrap();
    for name in ["generalist", "specialist"] {
        let said = here.ok(&["predict", "--artifact", "out", "--model", name, "--data", "target.csv"]).stdout;
        let written: Vec<f64> = said.lines().skip(1).map(|l| l.rsplit(',').next().unwrap().parse().unwrap()).collect();
        let model = specialist::Specialist::load_in(here.path("out"), text::Text).unwrap().other(name).unwrap();
        let scored = model.predict(&batch).unwrap();
        // A CSV file has nine digits.
        let digits = |v: &f64| (v * 1e9).round();
        assert_eq!(
            scored.single().iter().map(digits).collect::<Vec<_>>(),
            written.iter().map(digits).collect::<Vec<_>>(),
            "{name}"
        );
    }
}

#[test]
fn an_ensemble_may_hold_trained_encoders() {
    let here = turned();
    let sets = ["--set", "tune.tunings=[\"setfit\"]", "--set", "tune.ensemble=2", "--set", "compare.splits=0"];
    here.ok(&[&["run", "-q", "--recipe", "recipe.toml", "-o", "out"][..], &sets].concat());
    assert_eq!(json(&here, "out/models/ensemble.json")["base"]["model"], "mean");
    here.ok(&["verify", "--artifact", "out"]);
    let rows = here.ok(&["predict", "--artifact", "out", "--model", "ensemble", "--data", "target.csv"]).stdout;
    assert_eq!(rows.lines().count(), 241);
}

#[test]
fn threads_and_workers_do_not_change_a_byte() {
    let here = labels();
    let run = |extra: &[&str], out: &str| {
        here.ok(&[&["run", "-q", "--recipe", "recipe.toml", "-o", out][..], extra].concat());
        here.files(out)
    };
    let (one, two) = (run(&["--threads", "1"], "one"), run(&["--threads", "2", "--workers", "3"], "two"));
    for (name, bytes) in &one {
        assert!(two[name] == *bytes, "{name} differs");
    }
}

#[test]
fn groups_stay_on_one_side_of_split_and_folds() {
    let here = labels();
    let run = |out: &str, sets: &[&str]| {
        let sets: Vec<&str> = sets.iter().flat_map(|s| ["--set", s]).collect();
        here.ok(&[&["run", "-q", "-o", out][..], &QUICK, &sets].concat());
        json(&here, &format!("{out}/evidence.json"))
    };
    let grouped = run("grouped", &["columns.group.role=group", "split.group_on=group"]);
    // Three reviews a group: the sealed rows are of whole groups, and intervals count groups.
    let (rows, units) = (&grouped["evidence"]["rows"], &grouped["evidence"]["bootstrap"][2]);
    assert_eq!(rows.as_u64().unwrap(), 3 * units.as_u64().unwrap(), "{rows} {units}");
    let alone = run("alone", &[]);
    assert_eq!(alone["evidence"]["bootstrap"][2], alone["evidence"]["rows"]);
}

#[test]
fn time_and_gap_part_texts_as_they_part_rows() {
    let here = labels();
    let said = here.ok(&[
        &["run", "-o", "out"][..],
        &QUICK,
        &[
            "--set",
            "columns.day.role=time",
            "--set",
            "split.time_on=day",
            "--set",
            "split.gap=30d",
            "--set",
            "pretrain.holdout=0.0",
        ],
    ]
    .concat());
    let train: u64 = json(&here, "out/evidence.json")["evidence"]["train"][0].as_u64().unwrap();
    // 240 rows over 240 days of 28-day months: 96 sealed, 30 days before them left out.
    assert!((100..=120).contains(&train), "{train} {}", said.stdout);
    let refused = here.run(&[&["run", "-o", "bad"][..], &QUICK, &["--set", "split.time_on=nobody"]].concat());
    assert!(refused.code == 2 && refused.stderr.contains("split.time_on"), "{}", refused.stderr);
}

#[test]
fn every_pruner_prunes_and_another_process_joins() {
    let here = labels();
    let mut pruned = Vec::new();
    for pruner in ["race", "median", "successive-halving", "hyperband", "patience", "none"] {
        let args = ["run", "-q", "-o", pruner, "--pruner", pruner, "--trials", "12"];
        here.ok(&[&args[..], &QUICK].concat());
        let trials = here.ok(&["study", "export", "--artifact", pruner, "--study", "specialist"]).stdout;
        pruned.push((pruner, trials.lines().filter(|l| l.contains(",pruned,")).count()));
    }
    println!("{pruned:?}");
    assert!(pruned.iter().any(|p| p.1 > 0) && pruned.iter().all(|p| p.0 != "none" || p.1 == 0), "{pruned:?}");
    let store = ["--store", "study.db", "--study", "shared", "--trials", "24"];
    let main = here.command(&[&["run", "-q", "-o", "joined"][..], &QUICK, &store].concat()).spawn().unwrap();
    let mut joined = 0;
    for _ in 0..200 {
        if here.path("study.db").exists() {
            let said = here
                .run(&[&["tune", "--join", "study.db", "--study", "shared", "--trials", "24"][..], &QUICK].concat());
            joined = said.code;
            if said.code == 0 {
                break;
            }
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let out = main.wait_with_output().unwrap();
    assert!(out.status.success() && joined == 0, "{joined}");
    here.ok(&[&["run", "-q", "-o", "alone", "--trials", "24"][..], &QUICK].concat());
    // Whoever worked on it: the same study, and so the same models.
    for name in ["models/specialist.json", "models/scratch.json", "models/recalibrated.json"] {
        assert!(here.files("joined")[name] == here.files("alone")[name], "{name}");
    }
}

#[test]
fn three_classes_and_other_files_go_the_same_way() {
    let here = labels();
    let three = |rows: usize, seed: u64| {
        let text = reviews(rows, seed);
        let mut out = String::new();
        for (i, line) in text.lines().enumerate() {
            let third = i % 5 == 3;
            let line = if third {
                line.replace("was", "is said to be").replace(",bad,", ",so so,").replace(",good,", ",so so,")
            } else {
                line.to_string()
            };
            out.push_str(&format!("{line}\n"));
        }
        out
    };
    here.write("source.csv", three(200, 1));
    here.write("target.csv", three(300, 2));
    let recipe = std::fs::read_to_string(here.path("recipe.toml")).unwrap();
    let label = "positive = [\"good\"]\nnegative = [\"bad\"]";
    here.write("recipe.toml", recipe.replace(label, "levels = [\"bad\", \"so so\", \"good\"]"));
    let args = ["run", "-q", "-o", "out", "--recipe", "recipe.toml", "--set", "compare.splits=0"];
    here.ok(&[&args[..], &["--set", "tune.tunings=[\"keep\",\"slope\",\"lora\"]"]].concat());
    here.ok(&["verify", "--artifact", "out"]);
    let said = here.ok(&["words", "--artifact", "out", "--model", "specialist", "the box is said to be wet"]);
    assert_eq!(said.stdout.lines().count(), 8, "{}", said.stdout);
    // The same rows as JSON: the same candidates.
    let rows = |name: &str| {
        let text = std::fs::read_to_string(here.path(name)).unwrap();
        let header: Vec<String> = text.lines().next().unwrap().split(',').map(String::from).collect();
        let object = |line: &str| -> BTreeMap<String, String> {
            header.iter().cloned().zip(line.split(',').map(String::from)).collect()
        };
        text.lines().skip(1).map(|l| serde_json::to_string(&object(l)).unwrap()).collect::<Vec<_>>()
    };
    here.write("source.jsonl", rows("source.csv").join("\n"));
    here.write("target.json", format!("[{}]", rows("target.csv").join(",\n")));
    let files = ["--set", "source.data=source.jsonl", "--set", "target.data=target.json", "-o", "json"];
    here.ok(&[&["tune", "-q"][..], &QUICK, &files].concat());
    here.ok(&[&["tune", "-q", "-o", "csv"][..], &QUICK].concat());
    let (json, csv) = (here.files("json"), here.files("csv"));
    for name in ["models/specialist.json", "models/generalist.json", "probes.json"] {
        assert!(json[name] == csv[name], "{name}");
    }
}

#[test]
fn a_first_recipe_reads_the_texts() {
    let here = labels();
    here.ok(&[
        "init",
        "--data",
        "target.csv",
        "--source",
        "source.csv",
        "--label",
        "label",
        "--positive",
        "good",
        "-o",
        "first.toml",
    ]);
    let recipe = std::fs::read_to_string(here.path("first.toml")).unwrap();
    assert!(recipe.contains("[text]") && recipe.contains("estimator = \"glm\""), "{recipe}");
    let backbone = format!("text.backbone={:?}", fixture("bert-encoder-tiny").display().to_string());
    let said = here.ok(&["check", "--recipe", "first.toml", "--set", &backbone]);
    assert!(said.stdout.contains("copies"), "{}", said.stdout);
}

#[test]
fn word_frequencies_are_an_estimator() {
    let here = labels();
    here.ok(&[&["run", "-q", "-o", "out"][..], &QUICK, &["--set", "tune.scratch=tf-idf"]].concat());
    here.ok(&["verify", "--artifact", "out"]);
    let rows = here.ok(&["predict", "--artifact", "out", "--model", "scratch", "--data", "target.csv"]).stdout;
    assert_eq!(rows.lines().count(), 241);
    let said = here.run(&[&["run", "-o", "bad"][..], &QUICK, &["--set", "tune.scratch=tf-idff"]].concat());
    assert!(said.code == 2 && said.stderr.contains("did you mean \"tf-idf\""), "{}", said.stderr);
    let said = here.run(&[&["run", "-o", "bad"][..], &QUICK, &["--set", "tune.scratch=text-network"]].concat());
    assert!(said.code == 2, "{}", said.stderr);
}

/// What `peft` made of a base with an adapter, in and out by the command line: the model that `export` writes gives the
/// logits that peft gives, and `export --adapter` the matrices that came in; one that was tuned further leaves as one
/// adapter of the base that does what the whole model does.
#[test]
fn adapters_of_peft_come_in_and_go_out() {
    let device = Device::flex();
    let read = |p: &Path| -> serde_json::Value { serde_json::from_slice(&std::fs::read(p).unwrap()).unwrap() };
    let kinds = [
        "adapter-plain",
        "adapter-no-head",
        "adapter-head",
        "adapter-rslora",
        "adapter-regex",
        "adapter-layers",
        "adapter-all-linear",
        "adapter-exclude",
        "adapter-gaussian",
        "adapter-olora-rslora-converted",
        "adapter-pissa-converted",
        "adapter-distilbert",
        "adapter-roberta",
        "adapter-encoder",
    ];
    for kind in kinds {
        let expected = read(&fixture(kind).join("expected.json"));
        let base = fixture(expected["base"].as_str().unwrap());
        let here = turned();
        let (base_name, adapter) = (base.display().to_string(), fixture(kind).display().to_string());
        here.ok(&[
            &["run", "--recipe", "recipe.toml", "-o", "out", "--set", "tune.tunings=[\"lora\"]"][..],
            &["--set", "compare.splits=0", "--set", "compare.budgets=[1.0]"],
            &from(&base_name, &adapter).iter().map(String::as_str).collect::<Vec<_>>(),
        ]
        .concat());
        // The one that was trained, whatever the search preferred.
        for model in ["generalist", "specialist"] {
            let out = |what: &str| format!("{model}-{what}");
            let common = ["save", "--artifact", "out", "--model", model, "-o"];
            here.ok(&[&common[..], &[&out("whole")]].concat());
            here.ok(&[&common[..], &[&out("adapter"), "--adapter", "--base", "some/base"]].concat());
            let config = read(&here.path(&out("adapter")).join("adapter_config.json"));
            assert_eq!(config["base_model_name_or_path"], "some/base", "{kind}");
        }
        // The whole generalist is what peft computed.
        let whole = Encoder::read(&here.path("generalist-whole"), &device).unwrap();
        let naming = Naming::Classifier(whole.config.family);
        let (brought, matrices) = Lora::read(&fixture(kind), naming, &device).unwrap();
        let mut params = whole.params.clone();
        params.extend(matrices.only(|n| !Lora::owns(n)));
        let numbers = |v: &serde_json::Value| {
            let mut open = vec![v];
            let mut out = Vec::new();
            while let Some(v) = open.pop() {
                match v {
                    serde_json::Value::Array(all) => open.extend(all.iter().rev()),
                    v => out.push(v.as_f64().unwrap()),
                }
            }
            out
        };
        let of_base = read(&base.join("expected.json"));
        let ids = of_base["input_ids"].as_array().unwrap();
        let rows: Vec<Vec<u32>> = ids
            .iter()
            .zip(of_base["attention_mask"].as_array().unwrap())
            .map(|(i, m)| numbers(i).iter().zip(numbers(m)).filter(|x| x.1 == 1.0).map(|x| *x.0 as u32).collect())
            .collect();
        let views: Vec<&[u32]> = rows.iter().map(Vec::as_slice).collect();
        let mut batch = Batch::new(&views, whole.config.pad, &device);
        if let Some(types) = of_base["token_type_ids"].as_array() {
            let types: Vec<Vec<u32>> = types
                .iter()
                .zip(&rows)
                .map(|(t, r)| numbers(t).iter().take(r.len()).map(|&t| t as u32).collect())
                .collect();
            batch = batch.with_types(&types.iter().map(Vec::as_slice).collect::<Vec<_>>());
        }
        let far = |a: &[f32], b: &[f64]| {
            assert_eq!(a.len(), b.len(), "{kind}");
            a.iter().zip(b).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max)
        };
        let pass = |params: &Params, lora: Option<&Lora>, model: &Encoder| {
            model.pooled(&Pass::predict(params, lora), &batch).into_data().try_into_vec::<f32>().unwrap()
        };
        if !expected["logits"].is_null() {
            let ours = whole.logits(&Pass::predict(&params, None), &batch).into_data().try_into_vec::<f32>().unwrap();
            let worst = far(&ours, &numbers(&expected["logits"]));
            assert!(worst < 1e-4, "{kind}: {worst}");
        }
        // The matrices that came in are those that go out.
        let (again, out) = Lora::read(&here.path("generalist-adapter"), Naming::Plain, &device).unwrap();
        let plain = |p: &Params| {
            p.only(Lora::owns).iter().map(|(n, p)| (n.clone(), p.clone().into_values())).collect::<Vec<_>>()
        };
        assert_eq!(plain(&out), plain(&matrices), "{kind}");
        assert!((again.scale() - brought.scale()).abs() < 1e-12, "{kind}");
        // What was tuned on top of it leaves as one adapter of the base.
        let whole = Encoder::read(&here.path("specialist-whole"), &device).unwrap();
        let (both, out) = Lora::read(&here.path("specialist-adapter"), Naming::Plain, &device).unwrap();
        let alone = Encoder::read(&base, &device).unwrap();
        both.fit(&alone.params, &out, &here.path("specialist-adapter")).unwrap();
        let mut params = alone.params.clone();
        params.extend(out);
        let theirs: Vec<f64> = pass(&whole.params, None, &whole).iter().map(|v| f64::from(*v)).collect();
        let worst = far(&pass(&params, Some(&both), &alone), &theirs);
        assert!(worst < 1e-4, "{kind}: {worst}");
        let without = far(&pass(&alone.params, None, &alone), &theirs);
        assert!(without > 100.0 * worst, "{kind}: the adapter changes nothing ({without})");
    }
}

#[test]
fn adapters_that_do_not_fit_are_refused_by_name() {
    let here = labels();
    let base = fixture("bert-tiny").display().to_string();
    for (adapter, code, word) in [
        ("adapter-dora", 4, "use_dora"),
        ("adapter-bias-all", 4, "bias"),
        ("adapter-pissa", 4, "pissa"),
        ("adapter-olora", 4, "olora"),
        ("adapter-ia3", 4, "not a LoRA"),
        ("adapter-roberta", 4, "tensor"),
        ("adapter-t5", 4, "tensor"),
        ("bert-tiny", 2, "there is no adapter_config.json"),
    ] {
        let from = fixture(adapter).display().to_string();
        let said = refused_run(&here, &base, &from);
        assert_eq!(said.code, code, "{adapter}: {}", said.stderr);
        assert!(said.stderr.contains(word) && said.stderr.contains("hint: "), "{adapter}: {}", said.stderr);
        assert!(!here.path("out").exists(), "{adapter}");
    }
    // A number that is none, and weights as Python objects.
    let here = labels();
    let from = fixture("adapter-plain");
    for name in ["nan", "bin"] {
        std::fs::create_dir(here.path(name)).unwrap();
        std::fs::copy(from.join("adapter_config.json"), here.path(name).join("adapter_config.json")).unwrap();
    }
    let mut weights = std::fs::read(from.join("adapter_model.safetensors")).unwrap();
    let at = weights.len() - 4;
    weights[at..].copy_from_slice(&f32::NAN.to_le_bytes());
    here.write("nan/adapter_model.safetensors", weights);
    here.write("bin/adapter_model.bin", "PK");
    for (name, word, hint) in
        [("nan", "a number that is none", "again"), ("bin", "adapter_model.bin", "safe_serialization=True")]
    {
        let said = refused_run(&here, &base, name);
        assert!(said.code == 4 && said.stderr.contains(word) && said.stderr.contains(hint), "{}", said.stderr);
    }
    let here = turned();
    // Models that are no adapter, and folders that are taken.
    here.ok(&["run", "-q", "--recipe", "recipe.toml", "-o", "out", "--set", "tune.tunings=[\"full\"]"]);
    let refused = |args: &[&str], word: &str| {
        let said = here.run(args);
        assert_eq!(said.code, 2, "{args:?}: {}", said.stderr);
        assert!(said.stderr.contains(word) && said.stderr.contains("hint: "), "{args:?}: {}", said.stderr);
    };
    let export = ["save", "--artifact", "out"];
    refused(&export, "no folder to write to");
    refused(&[&export[..], &["-o", "out"]].concat(), "out");
    refused(&[&export[..], &["--adapter", "--model", "generalist", "-o", "new"]].concat(), "has no adapter");
    refused(&[&export[..], &["--adapter", "--model", "specialist", "-o", "new"]].concat(), "changed as a whole");
    assert!(!here.path("new").exists());
}

#[test]
fn bad_input_is_refused_with_a_hint() {
    let here = labels();
    let tiny = fixture("bert-encoder-tiny");
    let copy = |name: &str| {
        std::fs::create_dir_all(here.path(name)).unwrap();
        for file in ["config.json", "tokenizer.json", "model.safetensors"] {
            std::fs::copy(tiny.join(file), here.path(name).join(file)).unwrap();
        }
    };
    for name in ["truncated", "other-config", "other-tokenizer", "no-weights", "not-json"] {
        copy(name);
    }
    let weights = std::fs::read(tiny.join("model.safetensors")).unwrap();
    here.write("truncated/model.safetensors", &weights[..weights.len() / 2]);
    let config = std::fs::read_to_string(tiny.join("config.json")).unwrap();
    here.write("other-config/config.json", config.replace("\"intermediate_size\": ", "\"intermediate_size\": 1"));
    std::fs::copy(fixture("roberta-tiny").join("tokenizer.json"), here.path("other-tokenizer/tokenizer.json")).unwrap();
    std::fs::remove_file(here.path("no-weights/model.safetensors")).unwrap();
    here.write("not-json/config.json", "{");
    let gpt = config.replace("\"model_type\": \"bert\"", "\"model_type\": \"gpt2\"");
    copy("gpt");
    here.write("gpt/config.json", gpt);
    here.write("latin1.csv", b"text,label,group,day\nsch\xf6n,good,a,2024-01-01\nfine,bad,b,2024-01-02\n");
    here.write("label.csv", reviews(40, 3) + "the box was wet,ugly,g,2024-01-01\n");
    here.write("one-label.csv", "text,label,group,day\na b,good,a,2024-01-01\nc d,good,b,2024-01-01\n");
    here.write("no-column.csv", "txt,label,group,day\na,good,a,2024-01-01\n");
    here.write("semicolons.csv", "text;label;group;day\na;good;a;2024-01-01\n");
    here.write("long.csv", reviews(60, 4) + &format!("{},good,g,2024-01-01\n", "paid ".repeat(210_000)));
    let backbone = |name: &str| format!("text.backbone={:?}", here.path(name).display().to_string());
    let data = |name: &str| format!("target.data={name}");
    let cases: Vec<(String, i32, &str, &str)> = vec![
        (backbone("nowhere"), 2, "there is no config.json", "Hugging Face folder"),
        ("text.backbone=minilm".into(), 2, "is not in the cache", "text fetch minilm"),
        (backbone("truncated"), 4, "not a whole safetensors file", "cut short"),
        (backbone("other-config"), 4, "the config says", "different models"),
        (backbone("other-tokenizer"), 4, "tokens and the model embeds", "another model"),
        (backbone("no-weights"), 2, "there is no model.safetensors", "Hugging Face folder"),
        (backbone("not-json"), 4, "not JSON", "fetch the file again"),
        (backbone("gpt"), 4, "of type `gpt2`", "one of these types"),
        (
            format!("text.backbone={:?}", fixture("t5-tiny").display().to_string()),
            4,
            "of type `t5`",
            "one of these types",
        ),
        (data("latin1.csv"), 3, "latin1.csv", "UTF-8"),
        (data("label.csv"), 3, "label.csv, line 42, column `label`", "positive"),
        (data("one-label.csv"), 3, "one-label.csv", ""),
        (data("no-column.csv"), 3, "`text`", ""),
        (data("semicolons.csv"), 3, "semicolons.csv", "delimiter"),
        (data("missing.csv"), 2, "missing.csv", "check the path"),
        (data("fetched:amazon"), 2, "is not in the cache", "text fetch sentiment"),
        (data("fetched:nothing"), 2, "nothing called `nothing`", "fetch --list"),
        ("tune.tunings=[\"lorra\"]".into(), 2, "tune.tunings", "lora"),
        ("tune.trails=3".into(), 2, "tune.trails", "trials"),
        ("split.test=2".into(), 2, "split.test", ""),
        ("text.alike=0".into(), 2, "text.alike", ""),
    ];
    for (set, code, message, hint) in cases {
        let said = here.run(&[&["run", "-o", "bad"][..], &QUICK, &["--set", &set]].concat());
        assert_eq!(said.code, code, "{set}: {}", said.stderr);
        assert!(said.stderr.contains(message), "{set}: {}", said.stderr);
        let told = said.stderr.lines().find(|l| l.starts_with("hint: ")).unwrap_or_default();
        assert!(told.contains(hint), "{set}: {}", said.stderr);
        assert!(!here.path("bad").exists(), "{set}: something was written");
        assert!(!said.stderr.contains("schön") && !said.stderr.contains("ugly"), "a cell is shown");
    }
    // A text of a megabyte is read as far as it goes.
    here.ok(&[&["check"][..], &QUICK, &["--set", "target.data=long.csv"]].concat());
    let said = here.run(&["words", "--artifact", "nowhere", ""]);
    assert!(said.code == 2 && said.stderr.contains("the text is empty"), "{}", said.stderr);
}

/// What was fetched is read as it came: lists of objects whose last is blank, lines of objects, one section a group.
#[test]
fn fetched_corpora_are_tables() {
    let here = labels();
    let sentences = |good: &str, bad: &str| {
        let rows: Vec<String> = (0..60)
            .map(|i| format!("{{\"text\":\"{} {i}\",\"class\":{}}}", if i % 2 == 0 { good } else { bad }, (i + 1) % 2))
            .collect();
        format!("[{},{{\"text\":\"\",\"class\":null}}]", rows.join(","))
    };
    for (name, good, bad) in [("amazon", "fine", "poor"), ("imdb", "grand", "dull"), ("yelp", "tasty", "cold")] {
        here.write(&format!("cache/sentiment/{name}.json"), sentences(good, bad));
    }
    let line = |i: usize, section: &str| {
        format!("{{\"text\":\"a {i}\",\"label\":\"ein {i}\",\"group\":\"g{}\",\"section\":\"{section}\"}}\n", i / 2)
    };
    let pairs: String = (0..200).map(|i| line(i, if i % 2 == 0 { "games" } else { "doc" })).collect();
    here.write("cache/packages/pairs.jsonl", &pairs);
    here.write("cache/packages/summaries.jsonl", &pairs);
    let backbone = format!("text.backbone={:?}", fixture("bert-encoder-tiny").display().to_string());
    // So small an encoder takes short sentences for one.
    let alike = "check.waive=[\"duplicate-rows\",\"near-duplicate-rows\"]";
    let said = here.ok(&["sentiment", "check", "--set", &backbone, "--set", alike]);
    assert!(said.stdout.contains("120") && said.stdout.contains("60"), "{}", said.stdout);
    // A group of two sections has that of its first row.
    let said =
        here.run(&["translate", "check", "--set", "source.where={section=[\"doc\"]}", "--set", "source.except={}"]);
    assert!(said.code == 3 && said.stderr.contains("no row has the cell \"doc\""), "{}", said.stderr);
    here.write("cache/sentiment/yelp.json", "[{\"text\":\"tasty\"}]");
    let said = here.run(&["sentiment", "check", "--set", &backbone]);
    assert!(said.code == 2 || said.code == 3, "{}", said.stderr);
    assert!(said.stderr.contains("yelp.json:1") && said.stderr.contains("fetch it again"), "{}", said.stderr);
}
