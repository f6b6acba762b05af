//! `init` on tables as tools and people in several countries write them: how many columns get the right role, kind and
//! markers for missing. `tests/reference/make_tables.py` made the tables and says what is right in each.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use specialist_core::{ColumnKind, Limits, Role};
use specialist_pipeline::init::{Named, sketch};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/init")
}

fn expected() -> BTreeMap<String, Value> {
    let all: BTreeMap<String, Value> =
        serde_json::from_slice(&std::fs::read(folder().join("expected.json")).unwrap()).unwrap();
    all.into_iter().filter(|(name, _)| !name.starts_with('_')).collect()
}

fn texts(list: &Value) -> Vec<String> {
    let mut out: Vec<String> = list.as_array().into_iter().flatten().map(|v| v.as_str().unwrap().to_string()).collect();
    out.sort();
    out
}

/// Files that are refused, and a word of what is said of each.
const REFUSED: [(&str, &str); 5] = [
    ("excel_unicode_text.txt", "UTF-16"),
    ("windows_1252.csv", "not UTF-8"),
    ("german_totals.csv", "the last line"),
    ("excel_sep_units.csv", "the first line below the header"),
    ("r_write_table_spaces.txt", ""),
];

fn role(word: &str) -> Option<Role> {
    serde_json::from_value(Value::from(word)).ok()
}

#[test]
fn columns_of_twenty_tables_get_their_role_kind_and_markers() {
    let (mut right, mut all, mut wrong) = (0, 0, Vec::new());
    for (file, table) in expected() {
        let label = &table["label"];
        let named = Named {
            label: label["column"].as_str().map(String::from),
            // Where nothing in the file says so, the user does.
            decimal: None,
            positive: (label["sure"] == false).then(|| label["positive"][0].as_str().unwrap().to_string()),
        };
        let found = sketch(&folder().join(&file), None, &named);
        if let Some((_, word)) = REFUSED.iter().find(|r| r.0 == file) {
            let error = found.err().unwrap_or_else(|| panic!("{file} is to be refused"));
            assert!(error.to_string().contains(word) && !error.hint().is_empty(), "{file}: {error}");
            continue;
        }
        let found = found.unwrap_or_else(|e| panic!("{file}: {e}; {}", e.hint()));
        for (name, column) in table["columns"].as_object().unwrap() {
            all += 1;
            let name = if name.is_empty() { "Unnamed: 0" } else { name };
            let Some((_, spec, why)) = found.columns.iter().find(|c| c.0 == name) else {
                wrong.push(format!("{file} {name}: not there"));
                continue;
            };
            let mut faults = Vec::new();
            let roles: Vec<Role> = texts(&column["role"]).iter().filter_map(|r| role(r)).collect();
            // A time that stands in the way of no model is as well ignored.
            if !roles.contains(&spec.role) && !texts(&column["role"]).contains(&"entry".into()) {
                faults.push(format!("role {:?}", spec.role));
            }
            let mut kinds: Vec<String> = texts(&column["kind_also"]);
            kinds.push(column["kind"].as_str().unwrap().to_string());
            let kind = serde_json::to_value(spec.kind).unwrap();
            let plain =
                matches!(spec.role, Role::Ignore | Role::Label | Role::Event | Role::Group | Role::Id | Role::Site);
            if !plain && !kinds.iter().any(|k| *k == kind) {
                faults.push(format!("kind {kind}"));
            }
            if spec.role != Role::Ignore && spec.role != Role::Id {
                let mut missing = spec.missing.clone();
                missing.sort();
                if missing != texts(&column["missing"]) {
                    faults.push(format!("missing {missing:?}"));
                }
                if spec.kind == ColumnKind::Number && spec.strip != texts(&column["strip"]) {
                    faults.push(format!("strip {:?}", spec.strip));
                }
                let limits = !column["limits"].is_null() && column["limits"] != false;
                if spec.kind == ColumnKind::Number && limits != (spec.limits != Limits::Refuse) {
                    faults.push("limits".into());
                }
                let format = column["format"].as_str();
                let optional = column["format_optional"] == true && spec.format.is_none();
                if spec.kind == ColumnKind::Time && spec.format.as_deref() != format && !optional {
                    faults.push(format!("format {:?}", spec.format));
                }
            }
            if faults.is_empty() {
                right += 1;
            } else {
                wrong.push(format!("{file} {name}: {} ({why})", faults.join(", ")));
            }
        }
        if let Some(positive) = label["positive"].as_array() {
            let spec = &found.columns.iter().find(|c| c.0 == label["column"].as_str().unwrap()).unwrap().1;
            assert_eq!(spec.positive, texts(&Value::Array(positive.clone())), "{file}: the label's positive value");
        }
        let dialect = &table["dialect"];
        let one = |key: &str| dialect[key].as_str().and_then(|t| t.chars().next());
        assert_eq!(Some(char::from(found.dialect.delimiter)), one("delimiter"), "{file}");
        // A file without a number that needs it says nothing of its marks.
        if one("thousands").is_some() || one("decimal") == Some(',') {
            assert_eq!(Some(found.dialect.numbers.decimal), one("decimal"), "{file}");
            assert_eq!(found.dialect.numbers.thousands, one("thousands"), "{file}");
        }
        assert_eq!(Some(found.dialect.skip as u64), dialect["skip_before_header"].as_u64(), "{file}");
    }
    println!("{right} of {all} columns are right\n{}", wrong.join("\n"));
    assert!(right * 100 >= all * 97, "{right} of {all}:\n{}", wrong.join("\n"));
}
