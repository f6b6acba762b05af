//! Whole runs over the binary, on tiny models with random weights and made-up texts: nothing is fetched.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use specialist_neural::lora::Naming;
use specialist_neural::{Batch, Device, Encoder, Lora, Params, Pass, T5};

struct Said {
    code: i32,
    stdout: String,
    stderr: String,
}

struct Sandbox(tempfile::TempDir);

impl Sandbox {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        std::fs::write(self.path(name), content).unwrap();
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_text"));
        command.args(args).current_dir(self.0.path()).env("SPECIALIST_CACHE", self.path("cache")).env("NO_COLOR", "1");
        command
    }

    fn run(&self, args: &[&str]) -> Said {
        let out = self.command(args).output().unwrap();
        let text = |b: Vec<u8>| String::from_utf8(b).unwrap();
        Said { code: out.status.code().unwrap_or(-1), stdout: text(out.stdout), stderr: text(out.stderr) }
    }

    fn ok(&self, args: &[&str]) -> Said {
        let said = self.run(args);
        assert_eq!(said.code, 0, "{args:?}: {}{}", said.stdout, said.stderr);
        said
    }

    fn files(&self, folder: &str) -> BTreeMap<String, Vec<u8>> {
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

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../neural/tests/fixtures").join(name)
}

/// A small stream of made-up numbers, the same on every run.
fn dice(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed;
    move |n| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % n
    }
}

/// Reviews whose label two words decide.
fn reviews(rows: usize, seed: u64) -> String {
    let mut die = dice(seed);
    let mut out = String::from("text,label\n");
    for i in 0..rows {
        let good = i % 2 == 0;
        let word = if good { ["paid", "well", "note"][die(3)] } else { ["late", "wrong", "wet"][die(3)] };
        let thing = ["parcel", "box", "card", "refund", "door", "bank"][die(6)];
        let rest = ["the courier came", "she slept", "in 7 minutes", "for three days", "again"][die(5)];
        out.push_str(&format!(
            "the {thing} was {word} {rest} {},{}\n",
            10 + die(80),
            if good { "good" } else { "bad" }
        ));
    }
    out
}

const SENTIMENT: &str = r#"
task = "sentiment"
[source]
data = ["source.csv"]
[target]
data = ["target.csv"]
[tune]
tunings = ["keep", "slope", "head", "setfit", "lora", "full"]
trials = 3
deep_trials = 1
folds = 2
epochs = 1
[split]
alike = 1.0
[compare]
bootstrap = 200
budgets = [20, 0]
repeats = 2
splits = 2
"#;

fn sentiment() -> Sandbox {
    let here = Sandbox::new();
    here.write("source.csv", reviews(120, 1));
    here.write("target.csv", reviews(120, 2));
    here.write(
        "recipe.toml",
        format!("backbone = {:?}\n{SENTIMENT}", fixture("bert-encoder-tiny").display().to_string()),
    );
    here
}

#[test]
fn sentiment_ends_in_a_verdict_and_labels_texts() {
    let here = sentiment();
    let said = here.ok(&["sentiment", "run", "--recipe", "recipe.toml", "-o", "out"]);
    for word in [
        "majority",
        "tf-idf",
        "generalist",
        "scratch",
        "pooled",
        "setfit",
        "lora",
        "full",
        "specialist",
        "VERDICT: ",
        "Under stress",
        "further splits",
    ] {
        assert!(said.stdout.contains(word), "no `{word}` in {}", said.stdout);
    }
    assert!(here.ok(&["verify", "--artifact", "out"]).stdout.contains("are as the manifest says"));
    let page = String::from_utf8(here.files("out")["report.html"].clone()).unwrap();
    assert!(page.contains("How many labels would it take?") && !page.contains("http"));
    let said = here.ok(&["sentiment", "predict", "--artifact", "out", "--model", "scratch", "--data", "target.csv"]);
    let rows: Vec<&str> = said.stdout.lines().collect();
    assert_eq!((rows.len(), rows[0]), (121, "line,label,probability_bad,probability_good"));
    let said = here.ok(&["sentiment", "explain", "--artifact", "out", "--model", "scratch", "the box was wet"]);
    assert_eq!(said.stdout.lines().count(), 5, "{}", said.stdout);
}

#[test]
fn threads_do_not_change_a_byte() {
    let here = sentiment();
    let run = |threads: &str, out: &str| {
        here.ok(&["sentiment", "run", "-q", "--recipe", "recipe.toml", "--threads", threads, "-o", out]);
        here.files(out)
    };
    let (one, two) = (run("1", "one"), run("2", "two"));
    for (name, bytes) in &one {
        assert!(two[name] == *bytes, "{name} differs");
    }
}

/// A run that starts from a base with an adapter.
fn from_adapter<'a>(base: &'a str, adapter: &'a str, out: &'a str) -> [&'a str; 10] {
    ["sentiment", "run", "--recipe", "recipe.toml", "-o", out, "--backbone", base, "--adapter", adapter]
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
        let here = sentiment();
        let (base_name, adapter) = (base.display().to_string(), fixture(kind).display().to_string());
        let said = here.ok(&[
            &from_adapter(&base_name, &adapter, "out")[..],
            &["--set", "tune.tunings=[\"lora\"]", "--set", "compare.splits=0", "--set", "compare.budgets=[0]"],
        ]
        .concat());
        assert!(said.stderr.contains("adapter") && said.stderr.contains("folded into the backbone"), "{}", said.stderr);
        for model in ["generalist", "specialist"] {
            let out = |what: &str| format!("{model}-{what}");
            let common = ["sentiment", "export", "--artifact", "out", "--model", model, "-o"];
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

/// A writing model that was tuned leaves as an adapter of its backbone, comes back, is tuned further, and leaves again:
/// each time the backbone with the adapter writes what the model wrote.
#[test]
fn adapters_of_writing_models_go_out_and_come_in() {
    let here = writing();
    here.ok(&["pretrain", "-q", "--recipe", "pretrain.toml", "-o", "general"]);
    here.write(
        "recipe.toml",
        "task = \"translate\"\nbackbone = \"general\"\nlanguages = [\"en\", \"de\"]\n[target]\ndata = [\"pairs.jsonl\"]\n\
         sections = [\"games\"]\n[columns]\ngroup = \"group\"\n[split]\nalike = 1.0\n[tune]\ntunings = [\"lora\"]\n\
         deep_trials = 1\nepochs = 1\nlongest = 32\n[decode]\nlongest = 12\n[compare]\nbootstrap = 200\n",
    );
    let mut adapter: Option<String> = None;
    for step in ["one", "two", "three"] {
        let mut args = vec!["translate", "run", "-q", "--recipe", "recipe.toml", "-o", step];
        args.extend(adapter.iter().flat_map(|a| ["--adapter", a.as_str()]));
        here.ok(&args);
        let model = |folder: &str| T5::read(&here.path(folder), &Device::flex()).unwrap().params;
        let apart = |a: &Params, b: &Params| {
            let pairs = a.iter().zip(b.iter()).flat_map(|((n, a), (m, b))| {
                assert_eq!(n, m);
                a.clone().into_values().into_iter().zip(b.clone().into_values())
            });
            pairs.map(|(a, b)| (a - b).abs()).fold(0f32, f32::max)
        };
        if let Some(before) = &adapter {
            let before = before.trim_end_matches("-adapter");
            let now = model(&format!("{step}/models/generalist"));
            let same = apart(&now, &model(&format!("{before}-whole")));
            let moved = apart(&now, &model(&format!("{before}/models/generalist")));
            assert!(same < 1e-6 && moved > 1e-4, "{step}: {same} {moved}");
        }
        let out = format!("{step}-adapter");
        let export = ["translate", "export", "--artifact", step, "--model", "specialist", "-o"];
        here.ok(&[&export[..], &[&out, "--adapter"]].concat());
        here.ok(&[&export[..], &[&format!("{step}-whole")]].concat());
        let whole = format!("backbone={:?}", format!("{step}-whole"));
        here.ok(&["translate", "check", "--recipe", "recipe.toml", "--set", &whole]);
        let config: serde_json::Value = serde_json::from_slice(&here.files(&out)["adapter_config.json"]).unwrap();
        // Side by side: every round adds its rank.
        assert_eq!(config["r"], 8 * ["one", "two", "three"].iter().position(|s| *s == step).unwrap() + 8);
        assert!(config["base_model_name_or_path"].is_null() && config["task_type"] == "SEQ_2_SEQ_LM");
        adapter = Some(out);
    }
    here.ok(&["translate", "run", "-q", "--recipe", "recipe.toml", "-o", "full", "--set", "tune.tunings=[\"full\"]"]);
    let said =
        here.run(&["translate", "export", "--artifact", "full", "--model", "specialist", "--adapter", "-o", "new"]);
    assert!(said.code == 2 && said.stderr.contains("changed as a whole"), "{}", said.stderr);
}

#[test]
fn adapters_that_do_not_fit_are_refused_by_name() {
    let here = sentiment();
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
        let said = here.run(&from_adapter(&base, &from, "out"));
        assert_eq!(said.code, code, "{adapter}: {}", said.stderr);
        assert!(said.stderr.contains(word) && said.stderr.contains("hint: "), "{adapter}: {}", said.stderr);
        assert!(!here.path("out").exists(), "{adapter}");
    }
    // A number that is none, and weights as Python objects.
    let here = sentiment();
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
        let said = here.run(&from_adapter(&base, name, "new"));
        assert!(said.code == 4 && said.stderr.contains(word) && said.stderr.contains(hint), "{}", said.stderr);
    }
    // Models that are no adapter, and folders that are taken.
    here.ok(&["sentiment", "run", "-q", "--recipe", "recipe.toml", "-o", "out", "--set", "tune.tunings=[\"full\"]"]);
    let refused = |args: &[&str], word: &str| {
        let said = here.run(args);
        assert_eq!(said.code, 2, "{args:?}: {}", said.stderr);
        assert!(said.stderr.contains(word) && said.stderr.contains("hint: "), "{args:?}: {}", said.stderr);
    };
    let export = ["sentiment", "export", "--artifact", "out"];
    refused(&export, "no folder to write to");
    refused(&[&export[..], &["-o", "out"]].concat(), "out");
    refused(&[&export[..], &["--adapter", "--model", "generalist", "-o", "new"]].concat(), "has no adapter");
    refused(&[&export[..], &["--adapter", "--model", "specialist", "-o", "new"]].concat(), "changed as a whole");
    refused(&["translate", "export", "--artifact", "out", "-o", "new"], "of the task sentiment");
    assert!(!here.path("new").exists());
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
        let section = if i % 3 == 0 { "games" } else { "misc" };
        let row = serde_json::json!({"text": text, "label": label, "group": format!("g{}", i / 2), "section": section});
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
    here.ok(&["pretrain", "--recipe", "pretrain.toml", "-o", "whole"]);
    let mut kills = 0;
    for attempt in 0..40 {
        let mut child = here
            .command(&["pretrain", "--recipe", "pretrain.toml", "-o", "killed"])
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
    here.ok(&["pretrain", "--recipe", "pretrain.toml", "-o", "killed"]);
    assert!(here.files("whole") == here.files("killed"), "the bytes differ");
    // A checkpoint of other settings is refused and left alone.
    let mut child =
        here.command(&["pretrain", "--recipe", "pretrain.toml", "-o", "other"]).stderr(Stdio::null()).spawn().unwrap();
    while !here.path("other/checkpoint.safetensors").exists() && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().ok();
    child.wait().unwrap();
    if here.path("other/checkpoint.safetensors").exists() {
        let said = here.run(&["pretrain", "--recipe", "pretrain.toml", "-o", "other", "--set", "rate=0.01"]);
        assert!(said.code == 4 && said.stderr.contains("of another run"), "{}", said.stderr);
    }
}

#[test]
fn translations_and_summaries_are_judged_and_written() {
    let here = writing();
    here.ok(&["pretrain", "--recipe", "pretrain.toml", "-o", "general", "--int8"]);
    for (task, data, languages) in
        [("translate", "pairs.jsonl", r#"languages = ["en", "de"]"#), ("summarize", "summaries.jsonl", "")]
    {
        here.write(
            "recipe.toml",
            format!(
                "task = {task:?}\nbackbone = \"general\"\n{languages}\n[target]\ndata = [{data:?}]\nsections = [\"games\"]\n\
                 [columns]\ngroup = \"group\"\n[split]\nalike = 1.0\n\
                 [tune]\ndeep_trials = 1\nepochs = 1\nlongest = 32\n[decode]\nlongest = 12\nbeams = 2\n[compare]\nbootstrap = 200\n"
            ),
        );
        let said = here.ok(&[task, "run", "--recipe", "recipe.toml", "-o", task]);
        let mut words = vec![
            "generalist",
            "scratch",
            "lora",
            "averaged",
            "mixed",
            "full",
            "specialist",
            "What is forgotten",
            "Not in the source",
            "VERDICT: ",
        ];
        words.extend(if task == "translate" {
            ["copy", "bleu", "chrf++", "ter"]
        } else {
            ["lead-15", "lead-k", "extractive", "rouge-l"]
        });
        for word in words {
            assert!(said.stdout.contains(word), "{task}: no `{word}` in {}", said.stdout);
        }
        let said = here.ok(&[task, "predict", "--artifact", task, "--model", "specialist", "--data", data]);
        assert!(said.stdout.starts_with("line,text,not_in_the_source\n1,") && said.stdout.lines().count() == 361);
    }
}

#[test]
fn bad_input_is_refused_with_a_hint() {
    let here = sentiment();
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
    here.write("empty.csv", "text,label\n,good\nfine,bad\n");
    here.write("latin1.csv", b"text,label\nsch\xf6n,good\nfine,bad\n");
    here.write("label.csv", reviews(40, 3) + "the box was wet,ugly\n");
    here.write("one-label.csv", "text,label\na b,good\nc d,good\n");
    here.write("no-column.csv", "txt,label\na,good\n");
    here.write("semicolons.csv", "text;label\na;good\n");
    here.write("long.csv", reviews(60, 4) + &format!("{},good\n", "paid ".repeat(210_000)));
    let backbone = |name: &str| format!("backbone={}", here.path(name).display());
    let cases: Vec<(Vec<String>, i32, &str, &str)> = vec![
        (vec![backbone("nowhere")], 2, "there is no model", "text fetch --model"),
        (vec!["backbone=minilm".into()], 2, "is not in the cache", "text fetch minilm"),
        (vec![backbone("truncated")], 4, "not a whole safetensors file", "cut short"),
        (vec![backbone("other-config")], 4, "the config says", "different models"),
        (vec![backbone("other-tokenizer")], 4, "tokens and the model embeds", "another model"),
        (vec![backbone("no-weights")], 2, "there is no model.safetensors", "Hugging Face folder"),
        (vec![backbone("not-json")], 4, "not JSON", "fetch the file again"),
        (vec![backbone("gpt")], 4, "of type `gpt2`", "one of these types"),
        (vec![format!("backbone={}", fixture("t5-tiny").display())], 4, "of type `t5`", "one of these types"),
        (
            vec!["target.data=[\"empty.csv\"]".into()],
            3,
            "empty.csv:2, column `text`: the text is empty",
            "leave the row out",
        ),
        (vec!["target.data=[\"latin1.csv\"]".into()], 3, "latin1.csv:2: not valid UTF-8", "iconv"),
        (
            vec!["target.data=[\"label.csv\"]".into(), "columns.labels=[\"bad\",\"good\"]".into()],
            3,
            "label.csv:42: the label is none of bad, good",
            "mend the row",
        ),
        (vec!["target.data=[\"no-column.csv\"]".into()], 3, "there is no column `text`", "--set columns.text=NAME"),
        (
            vec!["target.data=[\"semicolons.csv\"]".into()],
            3,
            "semicolons.csv:1: the cells are parted by semicolons",
            ".tsv",
        ),
        (vec!["target.data=[\"missing.csv\"]".into()], 2, "missing.csv", "check the path"),
        (vec!["tune.tunings=[\"lorra\"]".into()], 2, "there is no tuning `lorra`", "lora"),
        (vec!["tune.trails=3".into()], 2, "unknown field `trails`", "`tune.trials`"),
        (vec!["split.test=2".into()], 2, "`split.test` must be above 0", "--set"),
        (vec!["compare.group=1".into()], 2, "unknown field `group`", ""),
    ];
    for (sets, code, message, hint) in cases {
        let mut args = vec!["sentiment", "run", "--recipe", "recipe.toml", "-o", "bad"];
        sets.iter().for_each(|s| args.extend(["--set", s]));
        let said = here.run(&args);
        assert_eq!(said.code, code, "{sets:?}: {}", said.stderr);
        assert!(said.stderr.contains(message), "{sets:?}: {}", said.stderr);
        let told = said.stderr.lines().find(|l| l.starts_with("hint: ")).unwrap_or_default();
        assert!(told.contains(hint), "{sets:?}: {}", said.stderr);
        assert!(!here.path("bad").exists(), "{sets:?}: something was written");
        assert!(!said.stderr.contains("schön") && !said.stderr.contains("ugly"), "a cell is shown");
    }
    // A text of a megabyte is read as far as it goes.
    here.ok(&["sentiment", "check", "--recipe", "recipe.toml", "--set", "target.data=[\"long.csv\"]"]);
    let said = here.run(&["translate", "run", "--set", "languages=[\"en\",\"xx\"]"]);
    assert!(said.code == 2 && said.stderr.contains("there is no language `xx`"), "{}", said.stderr);
    let said = here.run(&["fetch", "everything"]);
    assert!(said.code == 2 && said.stderr.contains("nothing called `everything`"), "{}", said.stderr);
    let said = here.ok(&["fetch", "--list"]);
    assert!(said.stdout.contains("by hand: pip download") && said.stdout.contains("missing"));
}
