//! Whole runs of texts that are written, over the binary, on tiny models and made-up texts: nothing is fetched.

mod sandbox;

use std::process::Stdio;
use std::time::Duration;

use sandbox::{Sandbox, dice};
use specialist_neural::{Device, Params, T5};

/// A recipe over `data`; what follows the last table is `more`.
fn recipe(task: &str, data: &str, more: &str) -> String {
    let languages = if task == "translate" { "languages = [\"en\", \"de\"]\n" } else { "" };
    format!(
        "[source]\ndata = {data:?}\nexcept = {{ section = [\"games\"] }}\n[target]\ndata = {data:?}\n\
         where = {{ section = [\"games\"] }}\n[columns.text]\nkind = \"text\"\n[columns.label]\nrole = \"label\"\n\
         kind = \"text\"\n[columns.group]\nrole = \"group\"\n[columns.section]\nrole = \"ignore\"\n[columns.day]\nrole = \"ignore\"\n\
         [text]\nencoder = \"t5\"\nbackbone = \"general\"\ncomponents = 0\nlongest = 32\nalike = 1.0\n\
         [domain]\ntask = {task:?}\n{languages}epochs = 1\nmax_new_tokens = 12\n[split]\ngroup_on = \"group\"\n\
         [pretrain]\nestimator = \"backbone\"\n[tune]\nscratch = \"from-nothing\"\ntrials = 1\ncostly_trials = 1\nfolds = 2\n\
         [compare]\nbootstrap = 200\nbudgets = [1.0]\nrepeats = 1\n{more}"
    )
}

/// A writing model that was tuned leaves as an adapter of its backbone, comes back, is tuned further, and leaves again:
/// each time the backbone with the adapter writes what the model wrote.
#[test]
fn adapters_of_writing_models_go_out_and_come_in() {
    let here = writing();
    here.ok(&["generalist", "-q", "--recipe", "pretrain.toml", "-o", "general"]);
    here.write(
        "recipe.toml",
        recipe("translate", "pairs.jsonl", "")
            .replace("folds = 2", "tunings = [\"lora\"]\nfolds = 2")
            .replace("trials = 1", "trials = 3")
            .replace("epochs = 1", "epochs = 30"),
    );
    let mut adapter: Option<String> = None;
    for step in ["one", "two", "three"] {
        let brought = adapter.iter().map(|a| format!("text.adapter={a:?}")).collect::<Vec<_>>();
        let mut args = vec!["run", "-q", "--recipe", "recipe.toml", "-o", step];
        args.extend(brought.iter().flat_map(|a| ["--set", a.as_str()]));
        here.ok(&args);
        let export = |model: &str, more: &[&str]| {
            here.ok(&[&["save", "--artifact", step, "--model", model, "-o"][..], more].concat());
        };
        let model = |folder: &str| T5::read(&here.path(folder), &Device::flex()).unwrap().params;
        let apart = |a: &Params, b: &Params| {
            let pairs = a.iter().zip(b.iter()).flat_map(|((n, a), (m, b))| {
                assert_eq!(n, m);
                a.clone().into_values().into_iter().zip(b.clone().into_values())
            });
            pairs.map(|(a, b)| (a - b).abs()).fold(0f32, f32::max)
        };
        let general = format!("{step}-general");
        export("generalist", &[&general]);
        if let Some(before) = &adapter {
            let before = before.trim_end_matches("-adapter");
            let now = model(&general);
            let same = apart(&now, &model(&format!("{before}-whole")));
            let moved = apart(&now, &model(&format!("{before}-general")));
            assert!(same < 1e-6 && moved > 1e-4, "{step}: {same} {moved}");
        }
        if step == "three" {
            break;
        }
        let out = format!("{step}-adapter");
        export("specialist", &[&out, "--adapter"]);
        let whole = format!("{step}-whole");
        export("specialist", &[&whole]);
        here.ok(&["check", "--recipe", "recipe.toml", "--set", &format!("text.backbone={whole:?}")]);
        let config: serde_json::Value = serde_json::from_slice(&here.files(&out)["adapter_config.json"]).unwrap();
        // Side by side: every round adds its rank.
        assert_eq!(config["r"], if step == "one" { 8 } else { 16 });
        assert!(config["base_model_name_or_path"].is_null() && config["task_type"] == "SEQ_2_SEQ_LM");
        adapter = Some(out);
    }
    here.ok(&["run", "-q", "--recipe", "recipe.toml", "-o", "full", "--set", "tune.tunings=[\"full\"]"]);
    let said = here.run(&["save", "--artifact", "full", "--model", "scratch", "--adapter", "-o", "new"]);
    assert!(said.code == 2 && said.stderr.contains("changed as a whole"), "{}", said.stderr);
}

/// Pairs that a small model can learn: words with their translation, and long texts with a summary.
fn pairs(rows: usize, summaries: bool) -> String {
    let mut die = dice(5);
    let words = [
        ("game", "Spiel"),
        ("tool", "Werkzeug"),
        ("book", "Buch"),
        ("house", "Haus"),
        ("tree", "Baum"),
        ("ship", "Schiff"),
    ];
    let mut out = String::new();
    for i in 0..rows {
        let picked: Vec<(&str, &str)> = (0..4).map(|_| words[die(6)]).collect();
        let (en, de): (Vec<&str>, Vec<&str>) = picked.iter().copied().unzip();
        let (text, label) = if summaries {
            let body =
                format!("This is a {} number {i} for you. It has a {} too. And more {} of it.", en[0], en[1], en[2]);
            (body, format!("{} with {}", en[0], en[1]))
        } else {
            (format!("a {} number {i}", en.join(" ")), format!("ein {} Nummer {i}", de.join(" ")))
        };
        // A group is of one section.
        let section = if i / 6 % 3 == 0 { "games" } else { "misc" };
        let row = serde_json::json!({
            "text": text, "label": label, "group": format!("g{}", i / 6), "section": section, "day": i / 3,
        });
        out.push_str(&format!("{row}\n"));
    }
    out
}

const PRETRAIN: &str = r#"
translations = "pairs.jsonl"
summaries = "summaries.jsonl"
vocabulary = 400
width = 16
layers = 1
heads = 2
inner = 32
longest = 32
longest_answer = 16
steps = 60
batch = 8
checkpoint = 5
"#;

fn writing() -> Sandbox {
    let here = Sandbox::new();
    here.write("pairs.jsonl", pairs(360, false));
    here.write("summaries.jsonl", pairs(360, true));
    here.write("pretrain.toml", PRETRAIN);
    here
}

#[test]
fn a_killed_pretraining_goes_on_to_the_same_bytes() {
    let here = writing();
    here.ok(&["generalist", "--recipe", "pretrain.toml", "-o", "whole"]);
    let mut kills = 0;
    for attempt in 0..40 {
        let mut child = here
            .command(&["generalist", "--recipe", "pretrain.toml", "-o", "killed"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let checkpoint = here.path("killed/checkpoint.safetensors");
        let before = std::fs::metadata(&checkpoint).and_then(|m| m.modified()).ok();
        // Killed soon after it has written another checkpoint, a little later each time.
        let ended = loop {
            if child.try_wait().unwrap().is_some() {
                break true;
            }
            if std::fs::metadata(&checkpoint).and_then(|m| m.modified()).ok() > before {
                std::thread::sleep(Duration::from_millis(attempt * 3 % 20));
                break false;
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        if ended {
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
    }
    assert!(kills >= 2, "it was killed {kills} times");
    here.ok(&["generalist", "--recipe", "pretrain.toml", "-o", "killed"]);
    assert!(here.files("whole") == here.files("killed"), "the bytes differ");
    // A checkpoint of other settings is refused and left alone.
    let mut child = here
        .command(&["generalist", "--recipe", "pretrain.toml", "-o", "other"])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while !here.path("other/checkpoint.safetensors").exists() && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().ok();
    child.wait().unwrap();
    if here.path("other/checkpoint.safetensors").exists() {
        let said = here.run(&["generalist", "--recipe", "pretrain.toml", "-o", "other", "--set", "rate=0.01"]);
        assert!(said.code == 4 && said.stderr.contains("of another run"), "{}", said.stderr);
    }
}

#[test]
fn translations_and_summaries_are_judged_and_written() {
    let here = writing();
    here.ok(&["generalist", "--recipe", "pretrain.toml", "-o", "general", "--int8"]);
    for (task, data) in [("translate", "pairs.jsonl"), ("summarize", "summaries.jsonl")] {
        here.write("recipe.toml", recipe(task, data, "").replace("epochs = 1", "epochs = 1\nnum_beams = 2"));
        let said = here.ok(&[task, "run", "--recipe", "recipe.toml", "-o", task]);
        let mut words = vec![
            "generalist",
            "scratch",
            "lora",
            "averaged",
            "mixed",
            "full",
            "specialist",
            "Not in the source",
            "VERDICT: ",
        ];
        words.extend(if task == "translate" {
            ["copy", "bleu", "chrf++", "ter"]
        } else {
            ["lead-15", "lead-k", "extractive", "rouge-l"]
        });
        let page = String::from_utf8(here.files(task)["report.html"].clone()).unwrap();
        for word in words {
            assert!(said.stdout.contains(word) || page.contains(word), "{task}: no `{word}` in {}", said.stdout);
        }
        assert!(!said.stdout.contains("recalibrated"), "a text has no scale: {}", said.stdout);
        let said = here.ok(&["verify", "--artifact", task]);
        assert!(said.stdout.contains("3 that read texts were opened"), "{}", said.stdout);
        let said = here.run(&["run", "--recipe", "recipe.toml", "-o", "no", "--set", "tune.tunings=[\"slope\"]"]);
        assert!(said.code == 2 && said.stderr.contains("`slope` is of another"), "{}", said.stderr);
        let said = here.run(&["words", "--artifact", task, "a tree"]);
        assert!(said.code == 2 && said.stderr.contains("no labels"), "{}", said.stderr);
        let report: serde_json::Value = serde_json::from_slice(&here.files(task)["evidence.json"]).unwrap();
        let forgotten = report["evidence"]["source"].as_array().unwrap();
        assert_eq!(forgotten.len(), 2, "what generalist and specialist write of general texts");
        let predict = ["predict", "--artifact", task, "--model", "specialist", "--data", data];
        let said = here.ok(&predict);
        assert!(said.stdout.starts_with("line,text,not_in_the_source\n1,"), "{}", said.stdout);
        assert_eq!(said.stdout.lines().count(), 361);
        // A Parquet file holds the same, and the model of each candidate was kept.
        here.ok(&[&predict[..], &["-o", "written.parquet"]].concat());
        assert!(here.path("written.parquet").exists());
        for model in ["generalist", "scratch"] {
            here.ok(&["predict", "--artifact", task, "--model", model, "--data", data, "-q"]);
        }
        let said = here.run(&["explain", "--artifact", task, "--data", data]);
        assert!(said.code == 2 && !said.stderr.contains("a bug"), "{}", said.stderr);
    }
}

/// Everything that the engine does for tables holds for texts that are written: groups and time in splits and folds, a pruner, workers,
/// and a second process at the same study.
#[test]
fn splits_searches_and_joins_are_those_of_tables() {
    let here = writing();
    here.ok(&["generalist", "-q", "--recipe", "pretrain.toml", "-o", "general"]);
    let timed = |gap: &str| {
        recipe("translate", "pairs.jsonl", "")
            .replace("[columns.day]\nrole = \"ignore\"", "[columns.day]\nrole = \"time\"\nformat = \"days-since-1970\"")
            .replace("group_on = \"group\"\n", &format!("time_on = \"day\"\ngap = \"{gap}\"\n"))
    };
    let sizes = |folder: &str| {
        let report: serde_json::Value = serde_json::from_slice(&here.files(folder)["evidence.json"]).unwrap();
        (report["evidence"]["rows"].as_u64().unwrap(), report["evidence"]["train"][0].as_u64().unwrap())
    };
    let cut = ["--set", "split.cut_source=true", "--set", "tune.tunings=[\"lora\"]"];
    for (name, gap) in [("near", "0d"), ("far", "20d")] {
        here.write(&format!("{name}.toml"), timed(gap));
        here.ok(&[&["run", "-q", "--recipe", &format!("{name}.toml"), "-o", name][..], &cut].concat());
    }
    let (near, far) = (sizes("near"), sizes("far"));
    assert!(near.0 == far.0 && far.1 < near.1 && far.1 > 0, "{near:?} {far:?}");

    here.write("recipe.toml", recipe("translate", "pairs.jsonl", ""));
    let quick = [
        "--recipe",
        "recipe.toml",
        "--set",
        "tune.tunings=[\"lora\"]",
        "--set",
        "tune.costly_trials=4",
        "--set",
        "tune.trials=6",
        "--set",
        "tune.pruner=median",
        "--set",
        "tune.concurrency=2",
    ];
    here.ok(&[&["run", "-q", "-o", "alone", "--threads", "1"][..], &quick].concat());
    here.ok(&[&["run", "-q", "-o", "several", "--threads", "2", "--workers", "3"][..], &quick].concat());
    let store = ["--store", "study.db", "--study", "shared"];
    let mut main = here.command(&[&["run", "-q", "-o", "joined"][..], &quick, &store].concat()).spawn().unwrap();
    let mut joined = 2;
    while joined != 0 && main.try_wait().unwrap().is_none() {
        joined = here.run(&[&["tune", "--join", "study.db", "--study", "shared"][..], &quick].concat()).code;
    }
    assert!(main.wait().unwrap().success() && joined == 0, "{joined}");
    for name in ["models/specialist.json", "models/scratch.json", "metrics.json", "study-specialist.log"] {
        let of = |folder: &str| here.files(folder)[name].clone();
        assert!(of("alone") == of("several"), "{name}: threads and workers changed a byte");
        assert!(name.ends_with(".log") || of("alone") == of("joined"), "{name}: another process changed a byte");
    }
}

#[test]
fn bad_input_is_refused_with_a_hint() {
    let here = writing();
    here.write("recipe.toml", recipe("translate", "pairs.jsonl", ""));
    for (set, code, message, hint) in [
        ("domain.languages=[\"en\",\"xx\"]", 2, "there is no language `xx`", "de German"),
        ("domain.epoch=3", 2, "unknown field `epoch`", "epochs"),
        ("domain.num_beams=0", 2, "domain.num_beams", "from 1"),
        ("domain.epochs=0", 2, "domain.epochs", "from 1"),
        ("domain.languages=[\"en\"]", 2, "domain.languages", "two tags"),
        ("domain.languages=[\"en\",\"en\"]", 2, "domain.languages", "two different"),
        ("domain.task=summarize", 2, "domain.languages", "left out"),
        ("domain.task=repeat", 2, "domain", "summarize"),
        ("tune.epoch=3", 2, "unknown key `tune.epoch`", "--"),
        ("split.test=2", 2, "split.test", "between 0 and 1"),
        ("text.backbone=nowhere", 2, "nowhere: there is no such folder", "text fetch --model"),
        ("text.components=3", 2, "nowhere", ""),
        ("text.encoder=t6", 2, "text.encoder", "t5"),
        ("tune.tunings=[\"lorra\"]", 2, "tune.tunings", "lora"),
        ("tune.scratch=backbone", 2, "tune.scratch", "from-nothing"),
        ("text.encoder=transformer", 2, "text.encoder", "t5"),
        ("columns.day.role=weight", 2, "columns.day.role", "count alike"),
        ("source.except={section=[\"gamse\"]}", 3, "no row has the cell \"gamse\"", "spell it"),
        ("target.data=missing.jsonl", 2, "missing.jsonl", "hint:"),
        ("target.most=1", 3, "", "hint:"),
        ("split.stratify_on=label", 2, "split.stratify_on", "no shares"),
        ("tune.ensemble=2", 2, "tune.ensemble", "no mean of texts"),
        ("compare.metric=roc-auc", 2, "compare.metric", "chrf"),
        ("pretrain.estimator=glm", 2, "pretrain.estimator", "backbone"),
        ("columns.label.positive=[\"1\"]", 2, "columns.label", "no class"),
        ("columns.text.kind=category", 2, "columns", "one column that is read"),
    ] {
        let backbone: &[&str] = if set == "text.components=3" { &["--set", "text.backbone=nowhere"] } else { &[] };
        let said = here.run(&[&["run", "--recipe", "recipe.toml", "--set", set][..], backbone].concat());
        assert_eq!(said.code, code, "{set}: {}", said.stderr);
        assert!(said.stderr.contains(message) && said.stderr.contains(hint), "{set}: {}", said.stderr);
    }
    let said = here.run(&["fetch", "everything"]);
    assert!(said.code == 2 && said.stderr.contains("nothing called `everything`"), "{}", said.stderr);
    let said = here.ok(&["fetch", "--list"]);
    assert!(said.stdout.contains("by hand: pip download") && said.stdout.contains("missing"));
}
