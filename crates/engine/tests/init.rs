//! `init` on tables as tools and people in several countries write them: how many columns get the right role, kind and
//! markers for missing. `tests/reference/make_tables.py` made the tables and says what is right in each.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use specialist_core::{ColumnKind, Limits, Role};
use specialist_engine::init::{Named, Suggestion, sketch};

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
            let Some(Suggestion { spec, why, .. }) = found.columns.iter().find(|c| c.name == name) else {
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
            let spec = &found.columns.iter().find(|c| c.name == label["column"].as_str().unwrap()).unwrap().spec;
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

/// A table of `rows` lines made by `row`, below `header`.
fn table(folder: &Path, name: &str, header: &str, rows: usize, row: impl Fn(usize) -> String) -> PathBuf {
    let path = folder.join(name);
    let lines: Vec<String> = (0..rows).map(row).collect();
    std::fs::write(&path, format!("{header}\n{}\n", lines.join("\n"))).unwrap();
    path
}

fn named(label: Option<&str>, positive: Option<&str>) -> Named {
    Named { label: label.map(String::from), positive: positive.map(String::from), decimal: None }
}

fn of<'a>(found: &'a specialist_engine::init::Sketch, name: &str) -> &'a Suggestion {
    found.columns.iter().find(|c| c.name == name).unwrap_or_else(|| panic!("no column {name}"))
}

/// A number that looks drawn, the same on every run.
fn draw(i: usize, below: usize) -> usize {
    (i.wrapping_mul(2_654_435_761) >> 7) % below
}

#[test]
fn an_event_goes_with_its_own_time() {
    let here = tempfile::tempdir().unwrap();
    // As in Rotterdam's table: the recurrence and its time, then the death and its time.
    let row = |i: usize| {
        let r = 100 + draw(i, 2000);
        format!("{i},{},{r},{},{},{}", 30 + draw(i, 50), i % 3 / 2, r + draw(i + 7, 500), i % 5 / 4)
    };
    let path = table(here.path(), "t.csv", "pid,age,rtime,recur,dtime,death", 200, row);
    let error = sketch(&path, None, &named(None, None)).err().expect("two outcomes").to_string();
    assert!(error.contains("`recur` with `rtime`") && error.contains("`death` with `dtime`"), "{error}");
    for (event, duration, others) in [("death", "dtime", ["recur", "rtime"]), ("recur", "rtime", ["death", "dtime"])] {
        let found = sketch(&path, None, &named(Some(event), None)).unwrap();
        assert_eq!((of(&found, event).spec.role, of(&found, duration).spec.role), (Role::Event, Role::Duration));
        for other in others {
            assert_eq!(of(&found, other).spec.role, Role::Ignore, "{other} is known afterwards only");
        }
    }
    // Whatever the order of the columns.
    let path = table(here.path(), "u.csv", "death,pid,rtime,recur,dtime", 200, |i| {
        format!("{},{i},{},{},{}", i % 5 / 4, 100 + draw(i, 2000), i % 3 / 2, 2200 + draw(i, 300))
    });
    let found = sketch(&path, None, &named(Some("death"), None)).unwrap();
    assert_eq!(of(&found, "dtime").spec.role, Role::Duration);
    let path = table(here.path(), "v.csv", "pid,start,stop,event,age", 200, |i| {
        format!("{i},{},{},{},{}", draw(i, 9), 10 + draw(i, 2000), i % 5 / 4, 30 + draw(i, 50))
    });
    std::fs::write(&path, std::fs::read_to_string(&path).unwrap().replace("start,stop", "tstart,tstop")).unwrap();
    let found = sketch(&path, None, &named(None, None)).unwrap();
    assert_eq!((of(&found, "tstart").spec.role, of(&found, "tstop").spec.role), (Role::Entry, Role::Duration));
}

#[test]
fn what_only_the_user_knows_is_asked() {
    let here = tempfile::tempdir().unwrap();
    let header = "id,bp,age,icd,size,sex,seen,room,nyha,account_days,y";
    let row = |i: usize| {
        let bp = if i.is_multiple_of(18) { "0".into() } else { format!("{}.{}", 75 + draw(i, 90), i % 10) };
        let age = if i == 7 || i == 90 { 65511 + i } else { 1 + draw(i, 94) };
        let sex = ["male", "Male", "female"][i % 3];
        let seen =
            if i.is_multiple_of(30) { String::new() } else { format!("2024-{:02}-{:02}", 1 + i % 12, 1 + i % 28) };
        let nyha = if i.is_multiple_of(25) { 9 } else { 1 + draw(i, 4) };
        format!(
            "{i},{bp},{age},E{:02}.{},{},{sex},{seen},{}E{},{nyha},{},{}",
            draw(i, 40),
            i % 7,
            ["<=20", "20-50", ">50"][i % 3],
            1 + i % 9,
            1 + i % 4,
            1 + draw(i, 220),
            i % 4 / 3
        )
    };
    let path = table(here.path(), "t.csv", header, 400, row);
    let found = sketch(&path, None, &named(Some("y"), None)).unwrap();
    let asked: Vec<&str> = found.columns.iter().filter(|c| c.ask).map(|c| c.name.as_str()).collect();
    assert_eq!(asked, ["bp", "age", "icd", "sex", "seen"], "{:#?}", found.columns);
    assert!(of(&found, "bp").why.contains("missing = [\"0\"]") && of(&found, "age").why.contains("65518"));
    for (name, role, kind) in [
        ("icd", Role::Ignore, ColumnKind::Category),
        ("size", Role::Feature, ColumnKind::Category),
        ("room", Role::Feature, ColumnKind::Category),
        ("account_days", Role::Feature, ColumnKind::Number),
    ] {
        let spec = &of(&found, name).spec;
        assert_eq!((spec.role, spec.kind), (role, kind), "{name}: {}", of(&found, name).why);
    }
    assert_eq!(of(&found, "nyha").spec.missing, ["9"]);

    // Bands in the source, numbers in the target: neither is half of a limit, nor missing.
    let target = table(here.path(), "u.csv", header, 400, |i| {
        row(i).replace("<=20", "12.5").replace("20-50", "33").replace(">50", &format!("{}", 51 + i % 40))
    });
    let both = sketch(&target, Some(&path), &named(Some("y"), None)).unwrap();
    let size = of(&both, "size");
    assert!(size.ask && size.spec.role == Role::Ignore && size.spec.missing.is_empty(), "{size:?}");
}

#[test]
fn rows_are_named_by_their_own_name() {
    let here = tempfile::tempdir().unwrap();
    let path = table(here.path(), "t.csv", "rownames,pid,x,y", 60, |i| {
        format!("{},{},{},{}", i + 1, 132 + draw(i, 7) + 9 * i, draw(i, 40), i % 3 / 2)
    });
    let found = sketch(&path, None, &named(None, None)).unwrap();
    assert_eq!((of(&found, "rownames").spec.role, of(&found, "pid").spec.role), (Role::Ignore, Role::Id));
    // In few rows as well.
    for rows in [12, 30, 45, 60] {
        let path = table(here.path(), "u.csv", "id,x,y", rows, |i| format!("P{i},{},{}", draw(i, 40), i % 3 / 2));
        assert_eq!(of(&sketch(&path, None, &named(None, None)).unwrap(), "id").spec.role, Role::Id, "{rows} rows");
    }
}

#[test]
fn labels_of_several_values_and_spellings() {
    let here = tempfile::tempdir().unwrap();
    let path = table(here.path(), "t.csv", "x,target", 90, |i| format!("{},{}", draw(i, 50), ["-", "K", "S"][i % 3]));
    let found = of(&sketch(&path, None, &named(None, None)).unwrap(), "target").clone();
    assert!(found.ask && found.spec.levels == ["-", "K", "S"] && found.spec.missing.is_empty(), "{found:?}");
    // A dash in many rows says that there is no disease, and not that nobody knows.
    let spec = of(&sketch(&path, None, &named(Some("target"), Some("K"))).unwrap(), "target").spec.clone();
    assert!(spec.missing.is_empty() && spec.negative.contains(&"-".to_string()), "{spec:?}");
    let path =
        table(here.path(), "u.csv", "x,label3", 90, |i| format!("{},{}", draw(i, 50), ["low", "mid", "top"][i % 3]));
    let found = of(&sketch(&path, None, &named(None, None)).unwrap(), "label3").clone();
    assert!(found.spec.role == Role::Label && found.spec.levels == ["low", "mid", "top"], "{found:?}");
    assert!(found.why.contains("3 classes") && found.why.contains("`positive`"), "{}", found.why);
    // Codes stand in their own order; a class of a few rows is said, and takes the label from a column that nobody named.
    let grade = |i: usize| if i < 3 { 12 } else { 1 + i % 10 };
    let path = table(here.path(), "g.csv", "x,class", 200, |i| format!("{},{}", draw(i, 50), grade(i)));
    let error = sketch(&path, None, &named(None, None)).err().expect("a class of three rows");
    assert!(error.to_string().contains("`class` is called like a label and has 11 values"), "{error}");
    let found = of(&sketch(&path, None, &named(Some("class"), None)).unwrap(), "class").clone();
    assert_eq!(found.spec.levels, ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "12"]);
    assert!(found.why.contains("a few rows only have 12"), "{}", found.why);
    // Measurements are no classes.
    let path = table(here.path(), "m.csv", "x,target", 90, |i| format!("{},{:.1}", draw(i, 50), (i % 9) as f64 * 1.3));
    assert!(sketch(&path, None, &named(None, None)).is_err());
    let path =
        table(here.path(), "u.csv", "x,label3", 90, |i| format!("{},{}", draw(i, 50), ["low", "mid", "top"][i % 3]));
    let found = sketch(&path, None, &named(Some("label3"), Some("top,mid"))).unwrap();
    let spec = &of(&found, "label3").spec;
    assert_eq!(
        (&spec.positive[..], &spec.negative[..]),
        (&["top".to_string(), "mid".into()][..], &["low".to_string()][..])
    );
    assert!(sketch(&path, None, &named(Some("label3"), Some("top,high"))).is_err());
    let path =
        table(here.path(), "v.csv", "x,y", 90, |i| format!("{},{}", draw(i, 50), ["Yes", "no", "yes", "0"][i % 4]));
    let mut spec = of(&sketch(&path, None, &named(Some("y"), None)).unwrap(), "y").spec.clone();
    spec.negative.sort();
    assert_eq!(
        (&spec.positive[..], &spec.negative[..]),
        (&["Yes".to_string(), "yes".into()][..], &["0".to_string(), "no".into()][..])
    );
}

#[test]
fn a_label_is_not_the_only_column_of_two_values() {
    let here = tempfile::tempdir().unwrap();
    let path = table(here.path(), "t.csv", "smoker,outcome,x", 90, |i| {
        format!("{},{},{}", ["yes", "no"][i % 2], ["alive", "dead", "unknown"][i % 3], draw(i, 50))
    });
    // Who is not known to be alive or dead is not labelled.
    let spec = of(&sketch(&path, None, &named(None, None)).unwrap(), "outcome").spec.clone();
    assert_eq!((&spec.positive[..], &spec.missing[..]), (&["dead".to_string()][..], &["unknown".to_string()][..]));
    // Three ends of a follow-up: the user says which is the event.
    let path = table(here.path(), "pbc.csv", "time,status,age", 90, |i| {
        format!("{},{},{}", 100 + draw(i, 4000), i % 3, 30 + draw(i, 50))
    });
    assert!(sketch(&path, None, &named(None, None)).is_err());
    let found = sketch(&path, None, &named(Some("status"), Some("2"))).unwrap();
    assert_eq!((of(&found, "status").spec.role, of(&found, "time").spec.role), (Role::Event, Role::Duration));
    assert_eq!(of(&found, "status").spec.positive, ["2"]);
    for (entry, exit) in [
        ("start", "stop"),
        ("entry_age", "exit_age"),
        ("begin", "end"),
        ("t0", "t1"),
        ("start_time", "stop_time"),
        ("time1", "time2"),
    ] {
        let path = table(here.path(), "s.csv", &format!("id,{entry},{exit},event"), 90, |i| {
            format!("{i},{},{},{}", draw(i, 9), 10 + draw(i, 200), i % 4 / 3)
        });
        let found = sketch(&path, None, &named(None, None)).unwrap();
        assert_eq!((of(&found, entry).spec.role, of(&found, exit).spec.role), (Role::Entry, Role::Duration));
    }
}

#[test]
fn an_open_quotation_mark_is_no_third_label() {
    let here = tempfile::tempdir().unwrap();
    let path = table(here.path(), "t.csv", "x,y", 90, |i| {
        format!("{},{}{}", draw(i, 50), if i == 40 { "\"" } else { "" }, i % 2)
    });
    for label in [None, Some("y")] {
        let error = sketch(&path, None, &named(label, None)).err().expect("half of the file is in one cell");
        assert!(error.to_string().contains("never closed"), "{error}");
    }
}

#[test]
fn several_outcomes_in_time_are_asked_about() {
    let here = tempfile::tempdir().unwrap();
    for [first, second] in [
        [("os_months", "os_event"), ("pfs_months", "pfs_event")],
        [("death_days", "death"), ("relapse_days", "relapse")],
        [("time_death", "death"), ("time_relapse", "relapse")],
        [("days_to_death", "died"), ("days_to_recurrence", "recurrence")],
        [("OS", "OS.event"), ("DFS", "DFS.event")],
        [("time", "status"), ("time2", "status2")],
    ] {
        let header = format!("id,age,{},{},{},{}", first.0, first.1, second.0, second.1);
        let path = table(here.path(), "t.csv", &header, 120, |i| {
            format!(
                "{i},{},{},{},{},{}",
                30 + draw(i, 50),
                9 + draw(i, 900),
                i % 4 / 3,
                5 + draw(i + 3, 800),
                i % 3 / 2
            )
        });
        let error =
            sketch(&path, None, &named(None, None)).err().unwrap_or_else(|| panic!("{header} is to be asked about"));
        assert!(error.to_string().contains("several outcomes in time"), "{header}: {error}");
        let found = sketch(&path, None, &named(Some(second.1), None)).unwrap();
        let roles = [first.0, first.1, second.0, second.1].map(|n| of(&found, n).spec.role);
        assert_eq!(roles, [Role::Ignore, Role::Ignore, Role::Duration, Role::Event], "{header}");
    }
}

#[test]
fn the_source_is_looked_at_too() {
    let here = tempfile::tempdir().unwrap();
    let target = table(here.path(), "t.csv", "id,day,x,lab,y", 80, |i| {
        format!("{i},2024-{:02}-{:02},{},{}.5,{}", 1 + i % 12, 1 + i % 28, draw(i, 50), draw(i, 9), i % 3 / 2)
    });
    let source = table(here.path(), "s.csv", "id,day,x,old,y", 80, |i| {
        format!("{i},2023-{:02}-{:02},{},{}.5,{}", 1 + i % 12, 1 + i % 28, draw(i, 50), draw(i, 9), i % 3 / 2)
    });
    let found = sketch(&target, Some(&source), &named(None, None)).unwrap();
    assert!(of(&found, "lab").spec.only_target && !of(&found, "x").spec.only_target);
    assert_eq!(found.only_source, ["old"]);
    let text = specialist_engine::recipe::template("t.csv", Some("s.csv"), &found);
    assert!(
        text.contains("cut_source = true") && text.contains("only_target = true") && text.contains("old"),
        "{text}"
    );
    let other =
        table(here.path(), "o.csv", "id,day,x,outcome", 80, |i| format!("{i},2023-01-02,{},{}", draw(i, 50), i % 2));
    let error = sketch(&target, Some(&other), &named(None, None)).err().expect("no outcome");
    assert!(error.to_string().contains("the source has no column `y`"), "{error}");
}
