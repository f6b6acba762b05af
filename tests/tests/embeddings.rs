//! Text columns of a table: a sentence encoder makes features of them, and the artifact scores without the original
//! encoder. The encoder is tiny and random: its vectors still tell one word from another.

use specialist_core::metric::{Brier, RocAuc};
use specialist_core::{Context, Domain, Error, JudgedBy, Judgement, Recipe};
use specialist_e2e::{RECIPE, Sandbox, root, table};
use specialist_engine::predict::Scorer;
use specialist_engine::{Effort, Job, Place, recipe, verify};
use specialist_tabular::read::Input;
use specialist_tabular::write::ScoreWriter;

struct Claims;

impl Domain for Claims {
    fn name(&self) -> &'static str {
        "claims"
    }
    fn about(&self) -> &'static str {
        "Claims with notes"
    }
    fn recipes(&self) -> &'static [Recipe] {
        &[]
    }
    fn judgement(&self, _: &str) -> Result<Box<dyn Judgement>, Error> {
        Ok(Box::new(JudgedBy(|| vec![Box::new(RocAuc), Box::new(Brier)])))
    }
}

/// The labels of the other tests' table, each with a note: six words, of which one tells the label six times out of
/// seven, and a number. The first note is missing.
fn notes(rows: usize, site: &str, seed: u64) -> String {
    const WORDS: [&str; 12] =
        ["bank", "box", "card", "door", "note", "patient", "slept", "wet", "doctor", "fever", "parcel", "minutes"];
    let mut out = String::from("id,y,note\n");
    for (i, line) in table(rows, site, seed).lines().skip(1).enumerate() {
        let cells: Vec<&str> = line.split(',').collect();
        let (id, age, dose, label) = (cells[0], cells[2], cells[3], cells[5]);
        let tells = if (label == "1") == (i % 7 != 0) { "late" } else { "paid" };
        let words: Vec<&str> = age.bytes().chain(dose.bytes()).map(|b| WORDS[usize::from(b) % 12]).collect();
        let note = if i == 0 { String::new() } else { format!("\"{tells}, {} {i}\"", words.join(" ")) };
        out.push_str(&format!("{id},{label},{note}\n"));
    }
    out
}

const COLUMNS: &str = r#"
[columns.id]
role = "id"
kind = "text"
[columns.y]
role = "label"
kind = "category"
[columns.note]
kind = "text"
[text]
components = 6
"#;

fn scores(folder: &std::path::Path, file: &std::path::Path) -> String {
    let scorer = Scorer::open(folder, Some("specialist"), &Claims).unwrap();
    let mut out = Vec::new();
    scorer.score(&Input::File(file.into()), &Claims, |columns| ScoreWriter::csv(&mut out, columns), |_| {}).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn text_columns_become_features() {
    let here = Sandbox::default();
    here.write("source.csv", notes(300, "A", 1));
    here.write("target.csv", notes(200, "B", 2));
    let fixture = root().join("crates/neural/tests/fixtures/bert-tiny");
    for file in ["config.json", "tokenizer.json", "model.safetensors"] {
        here.write(&format!("encoder/{file}"), std::fs::read(fixture.join(file)).unwrap());
    }
    let settings = RECIPE.split("[columns").next().unwrap();
    let text = format!("{settings}{COLUMNS}");
    let place = Place { folder: here.path("") };
    let ctx = Context::new(42, 2);
    let job = |backbone: &str| recipe::parse("r.toml", &text, &[format!("text.backbone={backbone}")]).unwrap();
    let effort = Effort { store: None, name: "claims".into(), workers: None };

    let missing = job("nowhere");
    let wrong = Job { recipe: &missing, domain: &Claims, place: &place, ctx: &ctx, effort: effort.clone() };
    let refused = wrong.prepare().err().expect("there is no such encoder");
    assert_eq!(refused.exit_code(), 2, "{refused}");

    let recipe = job("encoder");
    let job = Job { recipe: &recipe, domain: &Claims, place: &place, ctx: &ctx, effort };
    let prepared = job.prepare().unwrap();
    let names: Vec<&str> = prepared.train.features.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names, ["note:1", "note:2", "note:3", "note:4", "note:5", "note:6"]);
    let target = &prepared.loaded.target;
    assert!(target.row(0).iter().all(|v| v.is_nan()), "a missing note has missing numbers");
    assert!(target.row(1).iter().all(|v| v.is_finite()));
    // What is held out of the source has no part in what texts become.
    let held = &prepared.source_test.as_ref().unwrap().lines;
    assert!(held.len() > 30);
    let other = |(i, line): (usize, &str)| match held.contains(&(i as u64 + 1)) {
        true => {
            format!("{},quite another word, fever", line.rsplit_once(",\"").map_or(line, |c| c.0))
                .replace(",quite", ",\"quite")
                + "\""
        }
        false => line.to_string(),
    };
    let changed: Vec<String> = notes(300, "A", 1).lines().enumerate().map(other).collect();
    here.write("source.csv", changed.join("\n") + "\n");
    let again = job.prepare().unwrap();
    assert_eq!(again.source_test.as_ref().unwrap().lines, *held);
    let far = again.loaded.target.records() - target.records();
    let far = far.iter().filter(|d| !d.is_nan()).fold(0.0f64, |m, d| m.max(d.abs()));
    assert!(far < 1e-9, "{far}");
    here.write("source.csv", notes(300, "A", 1));

    let pretrained = job.pretrain(&prepared).unwrap();
    let tuned = job.tune(&prepared, pretrained).unwrap();
    let mut compared = job.compare(&prepared, &tuned).unwrap();
    let auc = compared.report.evidence.candidates[0].figures[0].interval.estimate;
    assert!(auc > 0.6, "the notes tell the labels apart: {auc}");
    job.write(&prepared, &tuned, &mut compared, &here.path("artifact")).unwrap();

    // Nothing of the texts is in the artifact, and it needs the original encoder no more.
    for (name, bytes) in here.files("artifact") {
        assert!(name.starts_with("encoder/") || !String::from_utf8_lossy(&bytes).contains("slept"), "{name}");
    }
    std::fs::remove_dir_all(here.path("encoder")).unwrap();
    verify::verify(&here.path("artifact")).unwrap();
    let scored = scores(&here.path("artifact"), &here.path("target.csv"));
    assert_eq!(scored.lines().count(), 201);
    let text = String::from_utf8(here.read("target.csv")).unwrap();
    let mean = |word: &str| {
        let rows = text.lines().zip(scored.lines()).filter(|(note, _)| note.contains(word));
        let p: Vec<f64> = rows.map(|(_, score)| score.split(',').nth(1).unwrap().parse().unwrap()).collect();
        p.iter().sum::<f64>() / p.len() as f64
    };
    assert!(mean("late") > mean("paid") + 0.1, "{} {}", mean("late"), mean("paid"));
}
