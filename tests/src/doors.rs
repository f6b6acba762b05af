//! Every reader through which bytes of others come in, as a function of bytes: what fuzzing drives (`fuzz/`) and what the
//! tests replay (`tests/tests/doors.rs`). Whatever the bytes are, it returns; what it accepts is used as a run would.

use std::path::{Path, PathBuf};

use specialist_core::{
    Column, ColumnKind, Dataset, Dialect, Estimand, Feature, FeatureKind, Labels, Predict, Role, Schema,
};
use specialist_tabular::read::{Input, Options, read_all};
use specialist_tabular::{Model, exchange};

/// A reader.
pub struct Door {
    /// Its name, and that of the folder of its inputs.
    pub name: &'static str,
    /// Reads the bytes and uses what they are.
    pub enter: fn(&[u8]),
    /// Whether bytes are accepted: so that a test knows that it tests more than refusals.
    pub accepts: fn(&[u8]) -> bool,
    /// Files of the repository that it reads, to start from: all of a folder with an extension.
    pub seeds: &'static [(&'static str, &'static str)],
}

macro_rules! door {
    ($name:literal, $function:ident, $seeds:expr) => {
        Door {
            name: $name,
            enter: |bytes| _ = $function(bytes),
            accepts: |bytes| $function(bytes).is_some(),
            seeds: &$seeds,
        }
    };
}

/// All of them.
pub const DOORS: [Door; 12] = [
    door!(
        "recipe",
        recipe,
        [("pipelines/medical", "toml"), ("pipelines/fraud", "toml"), ("pipelines/trading", "toml")]
    ),
    door!("csv", csv, [("tests/fixtures/init", "csv"), ("data/gbsg", "csv")]),
    door!("bars", bars, [("tests/fixtures/bars", "csv")]),
    door!("parquet", parquet, [("tests/fixtures/damaged", "parquet"), ("tests/fixtures/parquet", "parquet")]),
    door!("own-model", own_model, []),
    door!("xgboost", xgboost, [("tests/fixtures/trees", "json"), ("tests/fixtures/trees", "ubj")]),
    door!("lightgbm", lightgbm, [("tests/fixtures/trees", "txt")]),
    door!("evidence", evidence, []),
    door!("journal", journal, []),
    door!("sqlite", sqlite, []),
    door!("tokenizer", tokenizer, [("tests/fixtures/damaged", "json")]),
    door!("safetensors", safetensors, []),
];

/// The inputs that are kept for a door: those that once were a fault, then the files it starts from, up to `longest` bytes.
///
/// # Panics
/// When a folder cannot be read.
#[must_use]
pub fn inputs(door: &Door, longest: u64) -> Vec<PathBuf> {
    let root = crate::root();
    let mut out = Vec::new();
    let own = (format!("tests/fixtures/doors/{}", door.name), None);
    let seeds = door.seeds.iter().map(|(folder, kind)| ((*folder).to_string(), Some(*kind)));
    for (folder, kind) in std::iter::once(own).chain(seeds) {
        let Ok(files) = std::fs::read_dir(root.join(folder)) else { continue };
        let mut files: Vec<PathBuf> = files.map(|f| f.expect("a folder of the repository").path()).collect();
        files.retain(|f| kind.is_none_or(|k| f.extension().is_some_and(|e| e == k)));
        files.retain(|f| f.metadata().is_ok_and(|m| m.is_file() && m.len() <= longest));
        files.sort();
        out.extend(files);
    }
    out
}

/// Inputs that this build writes itself: door, name, bytes.
///
/// # Panics
/// When the programs do not do what they are there for.
#[must_use]
pub fn made() -> Vec<(&'static str, String, Vec<u8>)> {
    let mut out = Vec::new();
    let here = crate::sound();
    for (store, door) in [("study.db", "sqlite"), ("journal:study.log", "journal")] {
        let run = ["run", "--recipe", "recipe.toml", "--threads", "1", "--store", store, "--output", "out"];
        _ = here.ok("medical", &run);
        out.push((door, "study".into(), here.read(store.trim_start_matches("journal:"))));
    }
    out.push(("evidence", "evidence.json".into(), here.read("out/evidence.json")));
    out.push(("recipe", "recipe.toml".into(), here.read("out/recipe.toml")));
    out.push(("csv", "target.csv".into(), here.read("target.csv")));
    for (name, bytes) in here.files("out") {
        if let Some(name) = name.strip_prefix("models/") {
            out.push(("own-model", name.to_string(), bytes));
        }
    }
    let ctx = specialist_core::Context::new(1, 1);
    let columns = ["a", "b", "c", "d"].map(|n| feature(n, n == "c"));
    let mut few = rows(&columns, Estimand::Probability);
    few = few.select(&(0..90).map(|i| i % few.rows()).collect::<Vec<_>>());
    few.base.targets = Labels::binary((0..90).map(|i| i % 3 == 0));
    for name in ["boosted-trees", "glm", "linfa-tree", "smartcore-forest"] {
        let mut settings = specialist_tabular::ESTIMATORS.named(name).expect("an estimator").defaults();
        settings.params.0.extend(["rounds", "trees"].map(|count| (count.into(), 3.into())));
        if let Ok(model) = specialist_core::Pretrain::pretrain(&settings, &few, &ctx) {
            let text = model.to_json().expect("a model is JSON");
            out.push(("own-model", format!("{name}.json"), text.into_bytes()));
            if let Ok(document) = model.to_xgboost() {
                out.push(("xgboost", format!("{name}.json"), document.to_string().into_bytes()));
            }
        }
    }
    let device = specialist_neural::Device::flex();
    let mut params = specialist_neural::Params::default();
    params.insert("a.weight", specialist_neural::Param::new(&[3, 2], vec![0.5; 6], &device));
    params.insert("a.bias", specialist_neural::Param::new(&[3], vec![-1.0; 3], &device));
    out.push(("safetensors", "two.safetensors".into(), params.to_safetensors(&Default::default())));
    let words = r#"{"version":"1.0","added_tokens":[{"id":0,"content":"[UNK]","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true}],"normalizer":{"type":"Lowercase"},"pre_tokenizer":{"type":"Whitespace"},"model":{"type":"WordLevel","vocab":{"[UNK]":0,"a":1,"mg":2},"unk_token":"[UNK]"}}"#;
    out.push(("tokenizer", "words.json".into(), words.into()));
    out
}

fn recipe(bytes: &[u8]) -> Option<()> {
    let recipe = specialist_engine::recipe::parse("fuzz.toml", std::str::from_utf8(bytes).ok()?, &[]).ok()?;
    let again = specialist_engine::recipe::parse("fuzz.toml", &recipe.render(), &[]).expect("what was written is read");
    assert_eq!(again.render(), recipe.render());
    _ = (recipe.schema(), recipe.split_keys(), recipe.estimator(), recipe.rungs(), recipe.portable());
    Some(())
}

/// `bytes` as a file of this ending, for readers of files.
fn in_file<T>(bytes: &[u8], ending: &str, enter: impl FnOnce(&Path) -> Option<T>) -> Option<T> {
    let file = tempfile::Builder::new().suffix(ending).tempfile().expect("a temporary file");
    std::fs::write(file.path(), bytes).expect("it is written");
    enter(file.path())
}

/// Reads the file as every column in turn might be declared.
fn table(path: &Path) -> Option<()> {
    let named = specialist_engine::init::Named::default();
    _ = specialist_engine::init::sketch(path, None, &named);
    let profile = specialist_tabular::read::profile(path).ok()?;
    // Every column as a category, as text, as the kinds in turn, as a number, as a time.
    use ColumnKind::{Category, Number, Text, Time};
    let turns = [[Category; 4], [Text; 4], [Number, Category, Time, Text], [Number; 4], [Time; 4]];
    let mut read = None;
    for (turn, kinds) in turns.iter().enumerate() {
        let column = |(i, c): (usize, &specialist_tabular::read::ColumnProfile)| Column {
            name: c.name.clone(),
            kind: kinds[i % kinds.len()],
            role: if i == 0 && turn == 1 { Role::Group } else { Role::Feature },
            ..Column::default()
        };
        let schema = Schema { columns: profile.columns.iter().take(12).enumerate().map(column).collect() };
        let options = Options { dialect: profile.dialect, labelled: false, ..Options::default() };
        if let Ok((data, report)) = read_all(&Input::File(path.into()), &schema, &options) {
            assert!(data.rows() == report.kept && data.records().ncols() == data.features.len());
            read = Some(());
        }
    }
    read
}

fn csv(bytes: &[u8]) -> Option<()> {
    in_file(bytes, ".csv", table)
}

fn parquet(bytes: &[u8]) -> Option<()> {
    in_file(bytes, ".parquet", table)
}

fn bars(bytes: &[u8]) -> Option<()> {
    let input = Input::Embedded { name: "embedded:fuzz.csv".into(), text: bytes.to_vec().into() };
    let market = trading::bars::read(&input, Dialect::default()).ok()?;
    let dates = market.calendar();
    let last = *dates.last().expect("a market has bars");
    assert!(dates.is_sorted() && market.until(last).assets.len() <= market.assets.len());
    market.each_instant(|_, bars| assert!(!bars.is_empty()));
    _ = market.bars_per_year();
    Some(())
}

/// Rows of every kind of cell for these features.
fn rows(features: &[Feature], estimand: Estimand) -> Dataset {
    const CELLS: [f64; 6] = [0.0, f64::NAN, 1.0, -1e6, 0.3, 1e30];
    let records = specialist_core::ndarray::Array2::from_shape_fn((CELLS.len(), features.len()), |(r, c)| {
        let cell = CELLS[(r + c) % CELLS.len()];
        match &features[c].kind {
            FeatureKind::Category { levels } if cell < 0.0 || cell >= levels.len() as f64 => f64::NAN,
            FeatureKind::Category { .. } => cell.floor(),
            FeatureKind::Number => cell,
        }
    });
    let labels = Labels::unknown(CELLS.len());
    let mut data = Dataset::new(features.to_vec(), records, labels).expect("the shapes agree");
    data.estimand = estimand;
    data
}

/// Scores and explains a few rows, and writes the model in every form that it has.
fn used(model: &Model) {
    let data = rows(&model.features(), model.estimand());
    if let Ok(margin) = model.margin(&data) {
        assert_eq!(margin.len(), data.rows());
    }
    _ = model.contributions(&data);
    _ = model.to_xgboost();
    let again = model.to_json().map_err(|e| e.to_string()).map(|text| Model::from_json(&text));
    if let Ok(Err(e)) = again {
        panic!("what is written is not read: {e}");
    }
}

fn own_model(bytes: &[u8]) -> Option<()> {
    let model = Model::from_json(std::str::from_utf8(bytes).ok()?).ok()?;
    used(&model);
    Some(())
}

fn imported(bytes: &[u8], features: &[Feature]) -> Option<()> {
    let mut read = None;
    for estimand in [Estimand::Probability, Estimand::Mean, Estimand::Quantile(0.5)] {
        if let Ok(imported) = exchange::import(bytes, estimand, features) {
            used(&Model::new(specialist_tabular::Base::Trees(imported.forest)));
            read = Some(());
        }
    }
    read
}

fn feature(name: &str, is_category: bool) -> Feature {
    let levels = (0..12).map(|i| i.to_string()).collect();
    let kind = if is_category { FeatureKind::Category { levels } } else { FeatureKind::Number };
    Feature { kind, ..Feature::number(name) }
}

/// With the columns that the file itself names.
fn xgboost(bytes: &[u8]) -> Option<()> {
    let document: serde_json::Value = serde_json::from_slice(bytes).unwrap_or_default();
    let texts = |key: &str| -> Vec<String> {
        let list = document["learner"][key].as_array();
        list.into_iter().flatten().map(|v| v.as_str().unwrap_or_default().to_string()).collect()
    };
    let (names, kinds) = (texts("feature_names"), texts("feature_types"));
    let of = |(i, name): (usize, &String)| feature(name, kinds.get(i).is_some_and(|k| k == "c"));
    let mut features: Vec<Feature> = names.iter().enumerate().map(of).collect();
    if features.is_empty() {
        features = ["a", "b", "c", "d"].map(|n| feature(n, n == "c")).to_vec();
    }
    imported(bytes, &features)
}

/// With the columns that the file itself names.
fn lightgbm(bytes: &[u8]) -> Option<()> {
    let text = String::from_utf8_lossy(bytes);
    let words = |key: &str| -> Vec<String> {
        let line = text.lines().find_map(|l| l.strip_prefix(key));
        line.into_iter().flat_map(str::split_whitespace).map(String::from).collect()
    };
    let (names, ranges) = (words("feature_names="), words("feature_infos="));
    let is_category = |i: usize| ranges.get(i).is_some_and(|r: &String| !r.starts_with('[') && r.contains(':'));
    let features: Vec<Feature> = names.iter().enumerate().map(|(i, name)| feature(name, is_category(i))).collect();
    imported(bytes, &features)
}

fn evidence(bytes: &[u8]) -> Option<()> {
    let report: specialist_report::Report = serde_json::from_slice(bytes).ok()?;
    report.check().ok()?;
    _ = (specialist_report::html(&report), specialist_report::card(&report));
    _ = (specialist_report::comparison(&report, false), specialist_report::verdict(&report, true));
    report.panels.iter().for_each(|p| _ = specialist_report::panel(p, false));
    Some(())
}

/// What `study list`, `show`, `best`, `export` and `importance` ask of a store.
fn looked_at(address: &str) -> Option<()> {
    use specialist_engine::studies;
    let store = studies::existing(address).ok()?;
    for study in studies::all(&store).ok()? {
        _ = (studies::summary(&study), studies::csv(&study), studies::view_of(&study, "goodness", 1.0));
        _ = (studies::best(&study), studies::several_objectives(&study), studies::settings(&study));
    }
    Some(())
}

fn journal(bytes: &[u8]) -> Option<()> {
    in_file(bytes, ".log", |path| looked_at(&format!("journal:{}", path.display())))
}

fn sqlite(bytes: &[u8]) -> Option<()> {
    in_file(bytes, ".db", |path| looked_at(&path.display().to_string()))
}

fn tokenizer(bytes: &[u8]) -> Option<()> {
    let tokenizer = specialist_neural::Tokenizer::parse(bytes.to_vec(), Path::new("tokenizer.json")).ok()?;
    for text in ["", "a", "Der Bär, 3.5 mg\u{301}!", "\u{0}\u{1f600}"] {
        if let Ok(ids) = tokenizer.encode(text, 16) {
            assert!(ids.len() <= 16);
            _ = (tokenizer.decode(&ids), tokenizer.tokens(&ids));
        }
    }
    Some(())
}

fn safetensors(bytes: &[u8]) -> Option<()> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("model.safetensors"), bytes).expect("it is written");
    let device = specialist_neural::Device::flex();
    specialist_neural::Params::read(folder.path(), "model.safetensors", &device).ok().map(|_| ())
}
