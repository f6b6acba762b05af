//! Models that eight versions of XGBoost and four of LightGBM wrote, scored as those versions themselves score them, or
//! refused by name. `tests/reference/make_tree_models.py` made them and their scores.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use specialist_core::{Affine, Column, ColumnKind, Dataset, Estimand, FeatureKind, Predict, Schema};
use specialist_tabular::exchange::import;
use specialist_tabular::read::{Input, Options, read_all};
use specialist_tabular::{Base, Forest, Model};
use specialist_testing::damaged;

/// The largest difference from the library's own scores; relative where they are larger than 1.
const CLOSE: f64 = 1e-6;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/trees")
}

fn matrix() -> Vec<Value> {
    serde_json::from_slice(&std::fs::read(folder().join("matrix.json")).unwrap()).unwrap()
}

fn text<'a>(entry: &'a Value, key: &str) -> &'a str {
    entry[key].as_str().unwrap_or_default()
}

fn texts(list: &Value) -> Vec<String> {
    let text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), String::from);
    list.as_array().into_iter().flatten().map(text).collect()
}

/// What cannot be used, and a word of the reason that must be given.
const REFUSED: [(&str, &str); 16] = [
    ("collision", "two columns"),
    ("zero-as-missing", "zero_as_missing"),
    ("aft", "baseline"),
    ("cox", "baseline"),
    ("gblinear", "gblinear"),
    ("hinge", "binary:hinge"),
    ("logitraw", "binary:logitraw"),
    ("poisson", "poisson"),
    ("multiclassova", "multiclassova"),
    ("vector-leaf", "vector leaves"),
    ("linear-tree", "linear_tree"),
    ("sqrt", "sqrt"),
    ("l1", "regression_l1"),
    ("huber", "huber"),
    ("binary-format", "old binary"),
    ("lambdarank", "lambdarank"),
];

fn estimand(entry: &Value) -> Estimand {
    match text(entry, "objective") {
        "survival:cox" | "survival:aft" => Estimand::Survival { horizon: 1.0 },
        o if o.starts_with("reg:squared") || o.starts_with("regression") => Estimand::Mean,
        o if o.starts_with("multi") => Estimand::Classes(3),
        o if o.starts_with("quantile") => Estimand::Quantile(0.5),
        _ => Estimand::Probability,
    }
}

/// The entry's rows, whose columns stand in the order of the file, or of the model where that names none.
fn rows(entry: &Value, declare: bool) -> Dataset {
    let path = folder().join(text(entry, "rows"));
    let content = std::fs::read_to_string(&path).unwrap();
    let mut names: Vec<String> = csv_header(&content);
    let features = texts(&entry["features"]);
    names.retain(|n| features.contains(n));
    if entry["features_in_file"].is_null() {
        names = features;
    }
    let column = |name: &String| {
        let levels = &entry["categories"][name];
        let is_category = !levels.is_null();
        Column {
            name: name.clone(),
            kind: if is_category { ColumnKind::Category } else { ColumnKind::Number },
            levels: if declare { texts(levels) } else { Vec::new() },
            ..Column::default()
        }
    };
    let schema = Schema { columns: names.iter().map(column).collect() };
    let options = Options { labelled: false, ..Options::default() };
    read_all(&Input::File(path), &schema, &options).unwrap_or_else(|e| panic!("{}: {e}", text(entry, "file"))).0
}

fn csv_header(content: &str) -> Vec<String> {
    let mut reader = csv::Reader::from_reader(content.as_bytes());
    reader.headers().unwrap().iter().map(String::from).collect()
}

/// The largest difference between `margins` and the entry's own scores.
fn difference(entry: &Value, forest: &Forest, data: &Dataset) -> f64 {
    let estimand = estimand(entry);
    let mut found = forest.margins(data).unwrap();
    found.iter_rows_mut().for_each(|row| estimand.respond(row));
    // Of classes rows of lists; `multi:softmax` gives the class alone, and its margins say more.
    let of_margins = text(entry, "objective") == "multi:softmax";
    let list = entry[if of_margins { "expected_margin" } else { "expected" }].as_array().unwrap();
    let mut expected: Vec<f64> = list
        .iter()
        .flat_map(|v| v.as_array().cloned().unwrap_or_else(|| vec![v.clone()]))
        .map(|v| v.as_f64().unwrap())
        .collect();
    if of_margins {
        expected.chunks_exact_mut(estimand.width()).for_each(|row| estimand.respond(row));
    }
    let found = found.values();
    assert_eq!(found.len(), expected.len(), "{}", text(entry, "file"));
    found.iter().zip(&expected).map(|(a, b)| (a - b).abs() / b.abs().max(1.0)).fold(0.0, f64::max)
}

#[test]
fn models_of_twelve_versions_score_as_their_own_library_or_are_refused_by_name() {
    let mut wrong = Vec::new();
    let mut table: BTreeMap<(String, String), (usize, f64, usize)> = BTreeMap::new();
    for entry in matrix() {
        let (file, variant) = (text(&entry, "file"), text(&entry, "variant"));
        let bytes = std::fs::read(folder().join(file)).unwrap();
        // Levels that the file does not hold must be declared.
        let data = rows(&entry, true);
        let place =
            (format!("{} {}", text(&entry, "library"), text(&entry, "version")), text(&entry, "format").to_string());
        let cell = table.entry(place).or_default();
        let refusal = match text(&entry, "format") {
            "binary" | "model" | "deprecated" => Some("old binary"),
            _ => REFUSED.iter().find(|r| r.0 == variant).map(|r| r.1),
        };
        match (import(&bytes, estimand(&entry), &data.features), refusal) {
            (Err(e), Some(word)) if e.to_string().contains(word) => cell.2 += 1,
            (Err(e), _) => wrong.push(format!("{file}: refused: {e}")),
            (Ok(_), Some(word)) => wrong.push(format!("{file}: read, and `{word}` is to be refused")),
            (Ok(imported), None) => {
                let d = difference(&entry, &imported.forest, &data);
                *cell = (cell.0 + 1, cell.1.max(d), cell.2);
                if d.is_nan() || d > CLOSE {
                    wrong.push(format!("{file}: off by {d:e}"));
                }
            }
        }
    }
    for ((version, format), (equal, worst, refused)) in &table {
        println!("{version:<16} {format:<8} equal {equal:>3} (to {worst:.1e})  refused by name {refused:>2}");
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), matrix().len(), wrong.join("\n"));
}

#[test]
fn stored_levels_need_no_declaration_whatever_order_the_rows_have_them_in() {
    let mut seen = 0;
    for entry in matrix().iter().filter(|e| !e["categories"].is_null()) {
        let bytes = std::fs::read(folder().join(text(entry, "file"))).unwrap();
        let data = rows(entry, false);
        let Ok(imported) = import(&bytes, estimand(entry), &data.features) else { continue };
        if imported.without_levels.is_empty() {
            let d = difference(entry, &imported.forest, &data);
            assert!(d <= CLOSE, "{}: {d:e}", text(entry, "file"));
            seen += 1;
        }
    }
    assert!(seen >= 6, "{seen} files store levels");
}

#[test]
fn what_was_read_is_written_and_read_back_to_the_same_scores() {
    for entry in matrix() {
        let bytes = std::fs::read(folder().join(text(&entry, "file"))).unwrap();
        let data = rows(&entry, true);
        let Ok(imported) = import(&bytes, estimand(&entry), &data.features) else { continue };
        let before = imported.forest.margins(&data).unwrap();
        let document = imported.forest.to_xgboost(Affine::IDENTITY).unwrap();
        let base =
            |document: &Value| document["learner"]["learner_model_param"]["base_score"].as_str().unwrap().to_string();
        if imported.forest.estimand().width() == 1 {
            // XGBoost 1.7 and 2.0 misread a number of more digits than a single has.
            let line = Affine { slope: 0.731, intercept: -0.123_456_789_012_345 };
            let digits = base(&imported.forest.to_xgboost(line).unwrap());
            assert!(digits.bytes().filter(u8::is_ascii_digit).count() <= 11, "{digits}");
        }
        let again = Forest::from_xgboost(&document, imported.forest.features.clone()).unwrap();
        assert_eq!(again.margins(&data).unwrap(), before, "{}", text(&entry, "file"));
        // A list of base scores, as classes have, becomes leaves before another program sees it.
        if let Ok(whole) = Model::new(Base::Trees(imported.forest.clone())).to_xgboost() {
            assert!(
                base(&whole).parse::<f64>().is_ok(),
                "every version reads a plain number, this is {}",
                base(&whole)
            );
            if imported.forest.estimand().width() > 1 && !imported.forest.has_doubles() {
                let again = import(&serde_json::to_vec(&whole).unwrap(), estimand(&entry), &data.features).unwrap();
                let margins = again.forest.margins(&data).unwrap();
                assert!(margins.values().iter().zip(before.values()).all(|(a, b)| (a - b).abs() < 1e-5));
            }
        }
        if !imported.forest.has_doubles() {
            // As any other program would read it.
            let bytes = serde_json::to_vec(&document).unwrap();
            let other = import(&bytes, estimand(&entry), &data.features).unwrap();
            assert_eq!(other.forest.margins(&data).unwrap(), before, "{}", text(&entry, "file"));
        }
    }
}

#[test]
fn a_cut_or_altered_file_is_refused_and_never_panics() {
    for entry in matrix().iter().filter(|e| text(e, "variant") == "plain" || text(e, "variant") == "categories") {
        let bytes = std::fs::read(folder().join(text(entry, "file"))).unwrap();
        let data = rows(entry, true);
        for cut in [1, 7, bytes.len() / 3, bytes.len() / 2, bytes.len() - bytes.len() / 50] {
            let found = import(&bytes[..cut], estimand(entry), &data.features);
            assert!(found.is_err(), "{} cut at {cut}", text(entry, "file"));
        }
    }
}

#[test]
fn a_number_where_the_model_has_a_category_is_refused() {
    let entry =
        matrix().into_iter().find(|e| text(e, "version") == "3.2.0" && text(e, "variant") == "categories").unwrap();
    let bytes = std::fs::read(folder().join(text(&entry, "file"))).unwrap();
    let mut features = rows(&entry, true).features;
    features.iter_mut().for_each(|f| f.kind = FeatureKind::Number);
    let error = import(&bytes, Estimand::Probability, &features).unwrap_err().to_string();
    assert!(error.contains("is a category to the model"), "{error}");
}

/// A model of somebody else's may say anything: it is refused, or its scores are as many as the rows.
#[test]
fn whatever_a_brought_model_says_it_is_refused_or_scored() {
    let mut seen = Vec::new();
    for entry in matrix() {
        let (file, variant) = (text(&entry, "file"), text(&entry, "variant").to_string());
        let bytes = std::fs::read(folder().join(file)).unwrap();
        let Ok(document) = serde_json::from_slice::<Value>(&bytes) else { continue };
        let data = rows(&entry, true);
        // One of each kind, the youngest first in the table or not: versions differ in small things.
        if seen.contains(&variant) || import(&bytes, estimand(&entry), &data.features).is_err() {
            continue;
        }
        let (mut read, mut refused) = (0, 0);
        damaged(&document, 400, |place, changed| {
            match import(changed.to_string().as_bytes(), estimand(&entry), &data.features) {
                Err(_) => refused += 1,
                Ok(imported) => {
                    read += 1;
                    if let Ok(margin) = imported.forest.margins(&data) {
                        assert_eq!(margin.rows(), data.rows(), "{file} {place}");
                    }
                }
            }
        });
        assert!(read > 0 && refused > 20, "{file}: {read} read, {refused} refused");
        seen.push(variant);
    }
    assert!(seen.len() > 5, "{seen:?}");
}
