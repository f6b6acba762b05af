//! Whole runs of texts that are written, over the binary, on tiny models and made-up texts: nothing is fetched.

mod sandbox;

use std::process::Stdio;
use std::time::Duration;

use sandbox::{Sandbox, dice};
use specialist_neural::{Device, Params, T5};

/// A writing model that was tuned leaves as an adapter of its backbone, comes back, is tuned further, and leaves again:
/// each time the backbone with the adapter writes what the model wrote.
#[test]
fn adapters_of_writing_models_go_out_and_come_in() {
    let here = writing();
    here.ok(&["generalist", "-q", "--recipe", "pretrain.toml", "-o", "general"]);
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
        let export = ["translate", "save", "--artifact", step, "--model", "specialist", "-o"];
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
        here.run(&["translate", "save", "--artifact", "full", "--model", "specialist", "--adapter", "-o", "new"]);
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
    let here = writing();
    let said = here.run(&["translate", "run", "--set", "languages=[\"en\",\"xx\"]"]);
    assert!(said.code == 2 && said.stderr.contains("there is no language `xx`"), "{}", said.stderr);
    for (set, message, hint) in [
        ("tune.epoch=3", "unknown key `tune.epoch`", "did you mean `epochs`"),
        ("split.test=2", "`split.test` must be above 0", "--set"),
        ("backbone=nowhere", "there is no model `nowhere`", "text fetch --model"),
        ("tune.tunings=[\"lorra\"]", "there is no tuning `lorra`", "lora"),
        ("target.data=[\"missing.jsonl\"]", "missing.jsonl", "check the path"),
    ] {
        let (source, target) = ("source.data=[\"pairs.jsonl\"]", "target.data=[\"pairs.jsonl\"]");
        let said = here.run(&["translate", "run", "--set", source, "--set", target, "--set", set]);
        assert_eq!(said.code, 2, "{set}: {}", said.stderr);
        assert!(said.stderr.contains(message) && said.stderr.contains(hint), "{set}: {}", said.stderr);
    }
    let said = here.run(&["fetch", "everything"]);
    assert!(said.code == 2 && said.stderr.contains("nothing called `everything`"), "{}", said.stderr);
    let said = here.ok(&["fetch", "--list"]);
    assert!(said.stdout.contains("by hand: pip download") && said.stdout.contains("missing"));
}
