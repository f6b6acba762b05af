//! Bad input: one clear sentence on stderr, a hint, the right exit code, nothing half-written, and
//! never a cell's content.

use specialist_e2e::{RECIPE, Sandbox, root, sound, table};

/// Stands in broken cells: it must never be shown.
const SECRET: &str = "S3CRET";

/// Runs and expects `code` and every one of `words` on stderr.
fn refused(here: &Sandbox, args: &[&str], code: i32, words: &[&str]) {
    let before = here.files(".");
    let said = here.run("medical", args);
    assert_eq!(said.code, code, "{args:?}\n{}\n{}", said.stdout, said.stderr);
    for word in words.iter().chain(&["error: ", "hint: "]) {
        assert!(said.stderr.contains(word), "no `{word}` in: {}", said.stderr);
    }
    assert!(!said.stderr.contains(SECRET) && !said.stdout.contains(SECRET), "a cell was shown: {}", said.stderr);
    assert!(!said.stderr.contains("bug"), "{}", said.stderr);
    assert_eq!(here.files("."), before, "nothing may be written");
}

const RUN: [&str; 3] = ["run", "--recipe", "recipe.toml"];

/// `run` with the target's file replaced.
fn target(content: impl AsRef<[u8]>, code: i32, words: &[&str]) {
    let here = sound();
    here.write("target.csv", content);
    refused(&here, &RUN, code, words);
}

/// `run` with a change to the recipe.
fn recipe(from: &str, to: &str, code: i32, words: &[&str]) {
    let here = sound();
    assert!(RECIPE.contains(from), "{from}");
    here.write("recipe.toml", RECIPE.replacen(from, to, 1));
    refused(&here, &RUN, code, words);
}

/// The sound target with one change.
fn edited(from: &str, to: &str) -> String {
    let text = table(200, "B", 2);
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1)
}

/// The sound target with the cell in `line` (the header is 1) and `column` replaced.
fn cell(line: usize, column: usize, value: &str) -> String {
    let change = |(i, l): (usize, &str)| {
        let mut cells: Vec<&str> = l.split(',').collect();
        if i + 1 == line {
            cells[column] = value;
        }
        cells.join(",") + "\n"
    };
    table(200, "B", 2).lines().enumerate().map(change).collect()
}

#[test]
fn the_sound_run_is_sound() {
    let here = sound();
    let said = here.ok("medical", &RUN);
    assert!(said.stdout.contains("VERDICT: "));
    assert!(here.path("artifacts/medical-recipe/report.html").exists());
}

#[test]
fn a_byte_order_mark_is_fine() {
    let here = sound();
    here.write("target.csv", format!("\u{feff}{}", table(200, "B", 2)));
    let _ = here.ok("medical", &["check", "--recipe", "recipe.toml"]);
}

#[test]
fn files_that_are_no_tables() {
    let here = sound();
    std::fs::remove_file(here.path("target.csv")).unwrap();
    refused(&here, &RUN, 2, &["target.csv", "no such file"]);
    target("", 3, &["target.csv", "empty"]);
    target("\n\n", 3, &["target.csv", "empty"]);
    target("id,site,age,dose,grade,y\n", 3, &["target.csv", "no row"]);
    target(table(200, "B", 2).replace(',', ";"), 3, &["line 1", "\";\"", "delimiter"]);
    target(table(200, "B", 2).replace(',', "\t"), 3, &["line 1", "\\t", "delimiter"]);
    let wide = |bytes: fn(u16) -> [u8; 2], mark: [u8; 2]| {
        mark.into_iter().chain(table(5, "B", 2).encode_utf16().flat_map(bytes)).collect::<Vec<u8>>()
    };
    target(wide(u16::to_le_bytes, [0xff, 0xfe]), 3, &["UTF-16", "UTF-8"]);
    target(wide(u16::to_be_bytes, [0xfe, 0xff]), 3, &["UTF-16", "UTF-8"]);
    target(b"\x00\x01\x02\x03binary\x00".as_slice(), 3, &["binary"]);
    target(b"\x1f\x8b\x08\x00\x00\x00".as_slice(), 3, &["gzip"]);
    target(b"PAR1\x15\x04\x15\x10".as_slice(), 3, &["Parquet", ".parquet"]);
    let here = sound();
    std::fs::remove_file(here.path("target.csv")).unwrap();
    std::fs::create_dir(here.path("target.csv")).unwrap();
    refused(&here, &RUN, 3, &["target.csv", "folder"]);
}

#[test]
fn latin_1_is_not_utf_8() {
    let mut bytes = table(200, "B", 2).into_bytes();
    let place = bytes.iter().position(|&b| b == b'\n').unwrap() + 1;
    bytes[place] = 0xe9;
    target(bytes, 3, &["target.csv, line 2", "UTF-8"]);
}

#[test]
fn headers_and_widths() {
    target(edited("dose", "age"), 3, &["line 1", "`age` twice"]);
    target(edited("dose", ""), 3, &["line 1", "column 4", "no name"]);
    target(edited("dose", "doze"), 3, &["no column `dose`", "did you mean `doze`?"]);
    target(edited("dose", "xyz"), 3, &["no column `dose`"]);
    target(edited("\nB3,", "\nB3,extra,"), 3, &["line 5", "7 cells", "6"]);
    target(edited("\nB3,B,", "\nB3,"), 3, &["line 5", "5 cells", "6"]);
    target(edited("\nB7,", "\n\"B7,"), 3, &["line 9", "never closed"]);
}

#[test]
fn cells_that_are_not_what_they_should_be() {
    target(cell(4, 3, SECRET), 3, &["target.csv, line 4", "column `dose`", "number"]);
    target(cell(4, 3, "NaN"), 3, &["line 4", "`dose`", "finite", "missing"]);
    target(cell(4, 3, "inf"), 3, &["line 4", "`dose`", "finite"]);
    target(cell(4, 3, "1e999"), 3, &["line 4", "`dose`", "finite"]);
    target(cell(9, 5, SECRET), 3, &["line 9", "column `y`", "0 or 1"]);
    target(cell(6, 1, ""), 3, &["line 6", "column `site`", "site"]);
    let here = sound();
    here.write("recipe.toml", RECIPE.replace("[columns.dose]", "[columns.dose]\nrole = \"weight\""));
    here.write("target.csv", cell(6, 3, "-1"));
    refused(&here, &RUN, 3, &["line 6", "`dose`", "weight above 0"]);
    target(cell(6, 2, "400"), 3, &["impossible-values", "0 to 120", "line 6"]);
}

#[test]
fn labels() {
    let one = table(200, "B", 2).lines().map(|l| l[..l.len() - 1].to_string() + "0\n").collect::<String>();
    target(one.replacen("id,site,age,dose,grade,0", "id,site,age,dose,grade,y", 1), 3, &["one label", "0 found"]);
    recipe("role = \"label\"", "role = \"label\"\npositive = [\"1\"]\nnegative = [\"2\"]", 3, &["`y`", "neither"]);
    let here = sound();
    here.write("recipe.toml", RECIPE.replace("role = \"label\"", "role = \"label\"\npositive = [\"1\"]"));
    here.write("target.csv", cell(9, 5, "2").replacen(",0\n", ",x\n", 3));
    refused(&here, &RUN, 3, &["column `y`", "third label"]);
}

#[test]
fn too_few_rows() {
    target(table(3, "B", 2), 3, &["needed"]);
    target(table(12, "B", 2), 3, &["needed"]);
    recipe(
        "data = \"target.csv\"",
        "data = \"target.csv\"\nwhere = { site = [\"C\"] }",
        3,
        &["no row has the cell", "`where`"],
    );
    let both = "data = \"target.csv\"\nwhere = { site = [\"B\"] }\nexcept = { site = [\"B\"] }";
    recipe("data = \"target.csv\"", both, 3, &["none of the 200 rows"]);
}

#[test]
fn recipes_that_cannot_run() {
    recipe("test = 0.4", "tst = 0.4", 2, &["recipe.toml, line 8", "unknown key `split.tst`", "did you mean `test`?"]);
    recipe("[columns.dose]", "[columns.dose]\nmaximum = 3", 2, &["columns.dose.maximum", "did you mean"]);
    recipe("[tune]", "[toon]", 2, &["unknown key `toon`"]);
    recipe("[tune]", "[tune", 2, &["recipe.toml, line"]);
    recipe("trials = 4", "trials = \"many\"", 2, &["recipe.toml, line", "a whole number"]);
    recipe("test = 0.4", "test = 0", 2, &["`split.test`", "between 0 and 1"]);
    recipe("trials = 2", "estimator = \"boosted-tree\"", 2, &["boosted-trees", "did you mean"]);
    recipe("[tune]", "[check]\nwaive = [\"duplicates\"]\n[tune]", 2, &["check.waive", "duplicate-rows"]);
    recipe("[tune]", "[tune]\nsampler = \"bayes\"", 2, &["random, sobol, grid"]);
    recipe("[tune]", "[tune]\ntunings = [\"lora\"]", 2, &["tune.tunings", "leaf-refit"]);
    recipe("role = \"label\"", "", 2, &["label", "there are 0"]);
    recipe("stratify_on = \"y\"", "group_on = \"site\"", 2, &["split.group_on", "group"]);
    recipe("stratify_on = \"y\"", "gap = \"soon\"", 2, &["split.gap", "7d"]);
    recipe("data = \"source.csv\"", "", 2, &["`source`", "model"]);
    recipe("data = \"source.csv\"", "data = \"embedded:nothing\"", 2, &["embedded", "thyroid"]);
    recipe("question", "features = \"points\"\nquestion", 2, &["`features`", "as-is"]);
    let here = sound();
    refused(&here, &["run", "--recipe", "nobody.toml"], 2, &["nobody.toml", "thyroid"]);
    refused(
        &here,
        &["run", "--recipe", "recipe.toml", "--set", "tune.trails=3"],
        2,
        &["tune.trails", "did you mean `trials`?"],
    );
    refused(&here, &["run", "--recipe", "recipe.toml", "--set", "tune"], 2, &["KEY=VALUE"]);
}

#[test]
fn a_source_without_the_columns() {
    let here = sound();
    here.write("source.csv", table(400, "A", 1).replacen("dose", "dosis", 1));
    refused(&here, &RUN, 3, &["source.csv", "no column `dose`", "did you mean `dosis`?"]);
}

/// `run` that must stop at a leak called `name`.
fn leaks(here: &Sandbox, name: &str, words: &[&str]) {
    let mut all = vec![name, "the data leaks"];
    all.extend(words);
    refused(here, &RUN, 3, &all);
}

#[test]
fn leaks_stop_training() {
    // Wide rows, so that an agreement is beyond coincidence; ten of them stand in the file twice.
    let wide = |rows: usize, seed: u64, copies: usize| {
        let parts: Vec<String> = (0..4).map(|k| table(rows, "B", seed + k)).collect();
        let mut out = String::from("id,site,age,dose,grade,y,a2,d2,a3,d3\n");
        let row = |i: usize, copy: bool| {
            let cells: Vec<Vec<&str>> =
                parts.iter().map(|p| p.lines().nth(i + 1).unwrap().split(',').collect()).collect();
            let id = if copy { format!("copy{i}") } else { cells[0][0].into() };
            format!(
                "{id},{},{},{},{},{}\n",
                cells[0][1..].join(","),
                cells[1][2],
                cells[1][3],
                cells[2][2],
                cells[2][3]
            )
        };
        (0..rows).for_each(|i| out.push_str(&row(i, false)));
        (0..copies).for_each(|i| out.push_str(&row(i, true)));
        out
    };
    let columns = "[columns.dose]\n[columns.a2]\n[columns.d2]\n[columns.a3]\n[columns.d3]";
    let here = sound();
    here.write("recipe.toml", RECIPE.replace("[columns.dose]", columns));
    here.write("source.csv", wide(400, 50, 0));
    here.write("target.csv", wide(200, 90, 30));
    leaks(&here, "duplicate-rows", &["target.csv line", "chance explains"]);
    // The same with one column changed in every copy.
    let text = wide(200, 90, 30);
    let near =
        text.lines().map(|l| if l.starts_with("copy") { format!("{l}1") } else { l.into() } + "\n").collect::<String>();
    here.write("target.csv", near);
    leaks(&here, "near-duplicate-rows", &["target.csv line"]);

    // A source that holds the target's rows, in a table of three features.
    let here = sound();
    let both = table(400, "A", 1) + &table(200, "B", 2).lines().skip(1).map(|l| format!("x{l}\n")).collect::<String>();
    here.write("source.csv", both);
    leaks(&here, "duplicate-rows", &["source.csv line", "chance explains"]);

    // A label in disguise, in a column that is a feature.
    let here = sound();
    here.write("recipe.toml", RECIPE.replace("[columns.dose]", "[columns.dose]\n[columns.after]"));
    for (file, rows, site, seed) in [("source.csv", 400, "A", 1), ("target.csv", 200, "B", 2)] {
        let text = table(rows, site, seed);
        let with = |l: &str| {
            if l.starts_with("id") { format!("{l},after\n") } else { format!("{l},{}.5\n", &l[l.len() - 1..]) }
        };
        here.write(file, text.lines().map(with).collect::<String>());
    }
    leaks(&here, "label-leak", &["`after`"]);

    // A number of its own for every row.
    let here = sound();
    here.write("recipe.toml", RECIPE.replace("[columns.dose]", "[columns.dose]\n[columns.serial]"));
    for (file, rows, site, seed) in [("source.csv", 400, "A", 1), ("target.csv", 200, "B", 2)] {
        let numbered = |(i, l): (usize, &str)| {
            if i == 0 { format!("{l},serial\n") } else { format!("{l},{}\n", (i * 7919) % 100_003) }
        };
        here.write(file, table(rows, site, seed).lines().enumerate().map(numbered).collect::<String>());
    }
    leaks(&here, "id-like-feature", &["`serial`"]);

    // A patient on both sides.
    let here = sound();
    here.write(
        "recipe.toml",
        RECIPE.replace("[columns.dose]", "[columns.dose]\n[columns.patient]\nrole = \"group\"\nkind = \"text\""),
    );
    for (file, rows, site, seed) in [("source.csv", 400, "A", 1), ("target.csv", 200, "B", 2)] {
        let of =
            |(i, l): (usize, &str)| if i == 0 { format!("{l},patient\n") } else { format!("{l},{site}{}\n", i % 40) };
        here.write(file, table(rows, site, seed).lines().enumerate().map(of).collect::<String>());
    }
    leaks(&here, "group-overlap", &["group_on", "target.csv line"]);

    // A patient who is sealed and in the source.
    let theirs = String::from_utf8(here.read("source.csv")).unwrap().replace(",A", ",B");
    here.write("source.csv", theirs);
    let group = "[columns.dose]\n[columns.patient]\nrole = \"group\"\nkind = \"text\"";
    here.write(
        "recipe.toml",
        RECIPE.replace("[columns.dose]", group).replace("stratify_on = \"y\"", "group_on = \"patient\""),
    );
    leaks(&here, "group-overlap", &["source row(s)", "source.csv line"]);

    // A time, and a split that does not look at it.
    let here = sound();
    here.write(
        "recipe.toml",
        RECIPE.replace("[columns.dose]", "[columns.dose]\n[columns.day]\nrole = \"time\"\nkind = \"time\""),
    );
    for (file, rows, site, seed) in [("source.csv", 400, "A", 1), ("target.csv", 200, "B", 2)] {
        let on = |(i, l): (usize, &str)| {
            if i == 0 { format!("{l},day\n") } else { format!("{l},2024-01-{:02}\n", 1 + i % 28) }
        };
        here.write(file, table(rows, site, seed).lines().enumerate().map(on).collect::<String>());
    }
    leaks(&here, "time-order", &["time_on"]);
    // … and a time that is none.
    let text = String::from_utf8(here.read("target.csv")).unwrap().replacen("2024-01-05", SECRET, 1);
    here.write("target.csv", text);
    refused(&here, &RUN, 3, &["target.csv, line 5", "`day`", "a time is expected"]);
}

#[test]
fn a_waived_leak_is_printed_in_the_report() {
    let here = sound();
    let waived = RECIPE
        .replace("[columns.dose]", "[columns.dose]\n[columns.serial]")
        .replace("[tune]", "[check]\nwaive = [\"id-like-feature\"]\n[tune]");
    here.write("recipe.toml", waived);
    for (file, rows, site, seed) in [("source.csv", 400, "A", 1), ("target.csv", 200, "B", 2)] {
        let numbered = |(i, l): (usize, &str)| {
            if i == 0 { format!("{l},serial\n") } else { format!("{l},{}\n", (i * 7919) % 100_003) }
        };
        here.write(file, table(rows, site, seed).lines().enumerate().map(numbered).collect::<String>());
    }
    let said = here.ok("medical", &RUN);
    assert!(said.stdout.contains("waived"));
    let page = String::from_utf8(here.read("artifacts/medical-recipe/report.html")).unwrap();
    assert!(page.contains("waived by the recipe"));
}

/// A recipe that brings `file` instead of source rows.
fn bringing(file: &str, content: impl AsRef<[u8]>, code: i32, words: &[&str]) {
    let here = sound();
    here.write("recipe.toml", RECIPE.replace("data = \"source.csv\"", &format!("model = \"{file}\"")));
    here.write(file, content);
    refused(&here, &RUN, code, words);
}

#[test]
fn models_that_cannot_be_adapted() {
    let fixture = |name: &str| std::fs::read(root().join("tests/fixtures").join(name)).unwrap();
    let json = fixture("thyroid_xgboost.json");
    let text = String::from_utf8(json.clone()).unwrap();
    bringing("m.json", &json, 4, &["m.json"]);
    bringing("m.json", &json[..json.len() / 2], 4, &["m.json"]);
    bringing("m.json", b"not a model", 4, &["m.json", "XGBoost"]);
    bringing("m.json", b"{}", 4, &["m.json"]);
    bringing("m.json", text.replace("binary:logistic", "reg:squarederror"), 4, &["binary:logistic"]);
    let ubj = fixture("thyroid_xgboost.ubj");
    bringing("m.ubj", &ubj[..ubj.len() - 100], 4, &["m.ubj"]);
    bringing("m.ubj", &ubj, 4, &["m.ubj"]);
    let lightgbm = fixture("thyroid_lightgbm.txt");
    bringing("m.txt", &lightgbm[..lightgbm.len() / 3], 4, &["m.txt"]);
    bringing("m.txt", &lightgbm, 4, &["m.txt", "does not declare"]);
    // A category is known to a brought model by its codes: their order must be declared.
    let here = Sandbox::default();
    let model = format!(
        "source.model={}",
        root().join("tests/fixtures/thyroid_xgboost.json").canonicalize().unwrap().display()
    );
    let args = ["run", "--recipe", "thyroid-own-model", "--set", &model, "--set", "columns.sex.levels=[]"];
    refused(&here, &args, 2, &["columns.sex.levels", "order"]);
    let here = sound();
    here.write("recipe.toml", RECIPE.replace("data = \"source.csv\"", "model = \"nothing.json\""));
    refused(&here, &RUN, 2, &["nothing.json", "no such model"]);
}

#[test]
fn artifacts_that_are_not_whole() {
    let here = sound();
    let _ = here.ok("medical", &["run", "-q", "--recipe", "recipe.toml", "--output", "art"]);
    let verify = ["verify", "--artifact", "art"];
    let predict = ["predict", "--artifact", "art", "--data", "target.csv", "--output", "scores.csv"];
    let _ = here.ok("medical", &verify);
    for file in ["models/specialist.json", "recipe.toml", "evidence.json", "probes.json", "report.html"] {
        let whole = here.read(&format!("art/{file}"));
        let mut altered = whole.clone();
        let middle = altered.len() / 2;
        altered[middle] = if altered[middle] == b'7' { b'8' } else { b'7' };
        for broken in [altered, whole[..middle].to_vec()] {
            here.write(&format!("art/{file}"), broken);
            refused(&here, &verify, 4, &[file, "digest"]);
            refused(&here, &predict, 4, &[file]);
        }
        std::fs::remove_file(here.path(&format!("art/{file}"))).unwrap();
        refused(&here, &verify, 4, &[file, "missing"]);
        here.write(&format!("art/{file}"), whole);
    }
    here.write("art/models/extra.json", "{}");
    refused(&here, &verify, 4, &["models/extra.json", "does not list"]);
    std::fs::remove_file(here.path("art/models/extra.json")).unwrap();
    let manifest = here.read("art/manifest.json");
    here.write("art/manifest.json", &manifest[..40]);
    refused(&here, &verify, 4, &["manifest.json"]);
    let outside = String::from_utf8(manifest).unwrap().replace("\"models/scratch.json\"", "\"../outside.json\"");
    here.write("art/manifest.json", outside);
    refused(&here, &verify, 4, &["outside"]);
    refused(&here, &["verify", "--artifact", "nowhere"], 2, &["nowhere", "no artifact"]);
    refused(&here, &["predict", "--artifact", "nowhere", "--data", "target.csv"], 2, &["no artifact"]);
}

#[test]
fn uses_that_make_no_sense() {
    let here = sound();
    let _ = here.ok("medical", &["run", "-q", "--recipe", "recipe.toml", "--output", "art"]);
    refused(&here, &["predict", "--artifact", "art"], 2, &["predict needs rows"]);
    refused(
        &here,
        &["predict", "--artifact", "art", "--model", "best", "--data", "target.csv"],
        2,
        &["no model `best`", "scratch"],
    );
    refused(
        &here,
        &["explain", "--artifact", "art", "--model", "specialist", "--data", "target.csv", "--row", "9999"],
        2,
        &["0 of the 1"],
    );
    refused(
        &here,
        &["predict", "--artifact", "art", "--data", "target.csv", "--output", "target.csv"],
        2,
        &["would replace"],
    );
    refused(
        &here,
        &["predict", "--artifact", "art", "--data", "target.csv", "--output", "art/manifest.json"],
        2,
        &["would replace"],
    );
    let said = here.run("fraud", &["predict", "--artifact", "art", "--data", "target.csv"]);
    assert!(said.code == 2 && said.stderr.contains("of the domain medical"), "{}", said.stderr);
    here.write("short.csv", "id,site,age\n1,B,3\n");
    refused(
        &here,
        &["predict", "--artifact", "art", "--data", "short.csv", "--output", "s.csv"],
        3,
        &["no column `dose`"],
    );
    here.write("broken.parquet", b"PAR1 cut short");
    refused(
        &here,
        &["predict", "--artifact", "art", "--data", "broken.parquet", "--output", "s.csv"],
        3,
        &["broken.parquet", "Parquet"],
    );
    refused(&here, &["init"], 2, &["init needs a file"]);
    refused(&here, &["init", "--data", "target.csv"], 2, &["recipe.toml", "already"]);
    refused(&here, &["init", "--data", "target.csv", "--label", "dosage", "--output", "new.toml"], 3, &["dosage"]);
    here.write("same.csv", "a,b\n1,2\n1,3\n1,4\n");
    refused(&here, &["init", "--data", "same.csv", "--output", "new.toml"], 2, &["--label"]);
    here.write("taken/file.txt", "mine");
    refused(&here, &["run", "--recipe", "recipe.toml", "--output", "taken"], 2, &["taken", "not an artifact"]);
    refused(&here, &["compare", "--recipe", "recipe.toml", "--artifact", "nowhere"], 2, &["no artifact"]);
    for args in [&["explode"][..], &["run", "--sed", "3"], &["recipe", "nothing"]] {
        let said = here.run("medical", args);
        assert_eq!(said.code, 2, "{args:?} {}", said.stderr);
    }
}

#[test]
fn transactions_out_of_order() {
    let here = Sandbox::default();
    let all = here.ok("fraud", &["embedded", "simulated-bank"]).stdout;
    let head: Vec<&str> = all.lines().take(4000).collect();
    let mut swapped = head.clone();
    swapped.swap(1000, 2000);
    here.write("swapped.csv", swapped.join("\n") + "\n");
    let quick = [
        "--set",
        "tune.trials=2",
        "--set",
        "pretrain.trials=0",
        "--set",
        "compare.bootstrap=100",
        "--set",
        "compare.repeats=1",
    ];
    let mut args = vec!["run", "-q", "--output", "art"];
    args.extend(quick);
    let _ = here.ok("fraud", &args);
    let said = here.run("fraud", &["predict", "--artifact", "art", "--data", "swapped.csv", "--output", "scores.csv"]);
    assert_eq!(said.code, 3, "{}", said.stderr);
    assert!(
        said.stderr.contains("earlier than what was read before it") && said.stderr.contains("hint: "),
        "{}",
        said.stderr
    );
    assert!(!here.path("scores.csv").exists(), "nothing half-written");
}

#[test]
fn stores_that_are_something_else() {
    let here = sound();
    here.write("text.db", format!("{SECRET} is no database, and long enough to be looked at as one"));
    here.write("text.log", format!("{SECRET}\n"));
    let tune = |store: &str| ["tune", "--recipe", "recipe.toml", "--store", store].map(String::from);
    let with = |store: &str, code, words: &[&str]| {
        let args = tune(store);
        refused(&here, &args.each_ref().map(String::as_str), code, words);
    };
    with("text.db", 4, &["text.db", "no SQLite database", "nothing in it was changed"]);
    with("journal:text.log", 4, &["text.log", "first line"]);
    with("mysql://host/db", 4, &["SQLite files, journals and PostgreSQL"]);
    with("no/such/folder/study.db", 2, &["study.db", "unable to open"]);
    with("postgresql://me:S3CRET@127.0.0.1:1/x", 2, &["postgresql://me@127.0.0.1:1/x", "connect"]);
    refused(&here, &["study", "list", "--store", "none.db"], 2, &["none.db", "no such store"]);
    refused(&here, &["tune", "--recipe", "recipe.toml", "--pruner", "raze"], 2, &["tune.pruner", "race, median"]);
    refused(
        &here,
        &["tune", "--recipe", "recipe.toml", "--sampler", "transfer", "--set", "tune.transfer=none.db"],
        2,
        &["none.db"],
    );
}
