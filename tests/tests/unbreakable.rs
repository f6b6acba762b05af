//! What went wrong under attack, by its kind: closed outputs, replaced and damaged artifacts, strange paths and numbers.

use std::io::Read;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use specialist_e2e::{RECIPE, Sandbox, binary, sound, table};

const RUN: [&str; 7] = ["run", "--recipe", "recipe.toml", "--threads", "1", "--output", "out"];

fn command(here: &Sandbox, args: &[&str]) -> Command {
    let mut command = Command::new(binary("medical"));
    command.args(args).current_dir(here.path("")).env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

/// `… | head -1` says nothing about the verdict, and neither does a log that cannot be written.
#[test]
fn a_closed_output_is_no_success() {
    let here = sound();
    let gated = [&RUN[..], &["--gate"]].concat();
    let whole = here.run("medical", &gated);
    assert_eq!(whole.code, 1, "the gate holds: {}", whole.stdout);
    let mut child =
        command(&here, &gated).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the binary starts");
    // One byte, then nobody reads any more.
    let mut out = child.stdout.take().expect("it is piped");
    out.read_exact(&mut [0]).expect("it prints");
    drop(out);
    assert_eq!(child.wait().expect("it ends").code(), Some(1), "the verdict decides");
    assert!(here.path("out/evidence.json").exists(), "the work was done");

    let full = || Stdio::from(std::fs::File::options().write(true).open("/dev/full").expect("Linux has one"));
    let code = |stdout: Stdio, stderr: Stdio, args: &[&str]| {
        command(&here, args).stdout(stdout).stderr(stderr).status().expect("the binary starts").code()
    };
    assert_eq!(code(Stdio::null(), full(), &RUN), Some(0), "remarks are no reason to stop");
    assert_eq!(code(Stdio::null(), full(), &["run", "--recipe", "nowhere.toml"]), Some(2));
    assert_eq!(code(full(), Stdio::null(), &RUN), Some(2), "a full disk is");
    // Data that nobody takes: no success either.
    let mut child = command(&here, &["predict", "-q", "--artifact", "out", "--data", "target.csv"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    drop(child.stdout.take());
    assert_ne!(child.wait().expect("it ends").code(), Some(0));
}

/// Artifacts beside each other are replaced at the same time; what a killed run left stands in nobody's way.
#[test]
fn artifacts_of_one_folder_are_replaced_side_by_side() {
    let here = sound();
    std::fs::create_dir_all(here.path("art/.artifact.old/left")).unwrap();
    std::fs::create_dir_all(here.path("art/.artifact.tmp-1/left")).unwrap();
    let pretrain = |out: &'static str| {
        command(&here, &["pretrain", "-q", "--recipe", "recipe.toml", "--output", out])
            .stdout(Stdio::null())
            .spawn()
            .expect("the binary starts")
    };
    for _ in 0..6 {
        let mut both = [pretrain("art/a"), pretrain("art/b")];
        for child in &mut both {
            assert_eq!(child.wait().expect("it ends").code(), Some(0));
        }
    }
    let _ = here.ok("medical", &["verify", "--artifact", "art/a"]);
    let _ = here.ok("medical", &["verify", "--artifact", "art/b"]);
    let left: Vec<String> = std::fs::read_dir(here.path("art"))
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .filter(|n| n.starts_with(".artifact.tmp-") && n != ".artifact.tmp-1")
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn an_artifact_is_made_of_plain_files_and_scores_what_it_says() {
    let here = sound();
    let _ = here.ok("medical", &RUN);
    let tampered = |what: &dyn Fn(&Sandbox), word: &str| {
        let _ = here.ok("medical", &RUN);
        what(&here);
        for verb in ["verify", "report"] {
            let said = here.run("medical", &[verb, "--artifact", "out"]);
            assert_eq!(said.code, 4, "{verb}: {}{}", said.stdout, said.stderr);
            assert!(said.stderr.contains(word), "{verb}: {}", said.stderr);
        }
        std::fs::remove_dir_all(here.path("out")).unwrap();
    };
    tampered(
        &|h| {
            std::fs::remove_file(h.path("out/evidence.json")).unwrap();
            let made = Command::new("mkfifo").arg(h.path("out/evidence.json")).status().unwrap();
            assert!(made.success());
        },
        "no plain file",
    );
    tampered(
        &|h| {
            std::fs::rename(h.path("out/evidence.json"), h.path("elsewhere.json")).unwrap();
            symlink(h.path("elsewhere.json"), h.path("out/evidence.json")).unwrap();
        },
        "no plain file",
    );
    tampered(&|h| symlink(".", h.path("out/again")).unwrap(), "does not list");
    tampered(&|h| symlink("/", h.path("out/root")).unwrap(), "does not list");
    tampered(&|h| std::fs::write(h.path("out/models\\generalist.json"), "{}").unwrap(), "does not list");
    // Whoever writes a manifest anew may forget a model, its rows, or its numbers.
    let resealed = |change: &dyn Fn(&mut serde_json::Value)| {
        let _ = here.ok("medical", &RUN);
        let mut probes: serde_json::Value = serde_json::from_slice(&here.read("out/probes.json")).unwrap();
        change(&mut probes);
        let text = serde_json::to_vec(&probes).unwrap();
        let digest = {
            use sha2::Digest;
            sha2::Sha256::digest(&text).iter().map(|b| format!("{b:02x}")).collect::<String>()
        };
        here.write("out/probes.json", text);
        let mut manifest: serde_json::Value = serde_json::from_slice(&here.read("out/manifest.json")).unwrap();
        manifest["files"]["probes.json"] = digest.into();
        here.write("out/manifest.json", serde_json::to_vec(&manifest).unwrap());
        let said = here.run("medical", &["verify", "--artifact", "out"]);
        assert_eq!(said.code, 4, "{}{}", said.stdout, said.stderr);
        assert!(said.stderr.contains("probes.json"), "{}", said.stderr);
    };
    resealed(&|p| p["scores"] = serde_json::json!({}));
    resealed(&|p| _ = p["scores"].as_object_mut().unwrap().remove("scratch"));
    resealed(&|p| p["scores"]["nobody"] = p["scores"]["scratch"].clone());
    resealed(&|p| {
        p["rows"] = serde_json::json!([]);
        for scores in p["scores"].as_object_mut().unwrap().values_mut() {
            *scores = serde_json::json!([]);
        }
    });
}

#[test]
fn strange_paths_marks_and_numbers() {
    let here = sound();
    let target = here.read("target.csv");
    for name in ["o'brien.csv", "two \"quotes\".csv", "back\\slash.csv", "späte Fälle.csv"] {
        here.write(name, &target);
        let _ = here.ok("medical", &["check", "--recipe", "recipe.toml", "--data", name]);
    }
    let hive = |text: &[u8]| text.iter().map(|b| if *b == b',' { 1 } else { *b }).collect::<Vec<u8>>();
    here.write("hive.csv", hive(&target));
    here.write("source.csv", hive(&here.read("source.csv")));
    let _ = here.ok("medical", &["check", "--recipe", "recipe.toml", "--data", "hive.csv", "--delimiter", "\x01"]);
    let here = sound();
    for gap in ["9000000000000000d", "9223372036854775807w", "1001y", "-1d"] {
        let set = format!("split.gap={gap:?}");
        let said = here.run("medical", &["check", "--recipe", "recipe.toml", "--set", &set]);
        assert_eq!(said.code, 2, "{gap}: {}", said.stderr);
        assert!(said.stderr.contains("split.gap"), "{gap}: {}", said.stderr);
    }
}

/// A budget that is too small for a fit is left out of the curve; the verdict was reached before it.
#[test]
fn thirty_rows_end_in_a_verdict() {
    let here = sound();
    here.write("target.csv", table(30, "B", 2));
    here.write("recipe.toml", RECIPE.replace("budgets = [0.5, 1.0]\n", ""));
    let said = here.ok("medical", &RUN);
    assert!(said.stdout.contains("VERDICT: not-enough-data"), "{}", said.stdout);
}

/// The levels of a label may be declared in any order.
#[test]
fn declared_levels_of_a_label_are_no_third_label() {
    let here = sound();
    for file in ["source.csv", "target.csv"] {
        let text = String::from_utf8(here.read(file)).unwrap();
        let spelled = text.replace(",1\n", ",yes\n").replace(",0\n", ",no\n");
        here.write(file, spelled);
    }
    for levels in ["[\"yes\", \"no\"]", "[\"no\", \"yes\"]"] {
        let label = format!("role = \"label\"\nkind = \"category\"\nlevels = {levels}\npositive = [\"yes\"]\n");
        here.write("recipe.toml", RECIPE.replace("role = \"label\"\n", &label));
        let said = here.ok("medical", &["check", "--recipe", "recipe.toml"]);
        assert!(said.stdout.contains("source.csv"), "{}", said.stdout);
    }
    here.write("target.csv", String::from_utf8(here.read("target.csv")).unwrap().replacen(",no\n", ",perhaps\n", 1));
    let said = here.run("medical", &["check", "--recipe", "recipe.toml"]);
    assert!(said.code == 3 && said.stderr.contains("third label"), "{}", said.stderr);
}

/// One quotation mark that is never closed made one cell of the rest of the file, and a level of the model.
#[test]
fn a_stray_quotation_mark_loses_no_row() {
    let here = sound();
    let text = String::from_utf8(here.read("target.csv")).unwrap();
    let mut lines: Vec<String> = text.lines().map(String::from).collect();
    let at = lines[100].rfind(',').unwrap() + 1;
    lines[100].insert(at, '"');
    here.write("target.csv", lines.join("\n") + "\n");
    for verb in ["check", "run"] {
        let said = here.run("medical", &[verb, "--recipe", "recipe.toml"]);
        assert_eq!(said.code, 3, "{}", said.stderr);
        assert!(said.stderr.contains("target.csv, line 101: a cell begins with a quotation mark"), "{}", said.stderr);
        assert!(said.stderr.contains("hint: a cell that holds a quotation mark"), "{}", said.stderr);
    }
    assert!(here.files("artifacts").is_empty());
}

/// What a card did before the file began counts, once the file that tells it is given.
#[test]
fn a_batch_is_scored_as_the_stream_it_is_a_part_of() {
    let here = Sandbox::default();
    let _ =
        here.ok("fraud", &["run", "-q", "--output", "out", "--set", "tune.trials=2", "--set", "compare.budgets=[1.0]"]);
    let all = here.ok("fraud", &["embedded", "simulated-bank"]).stdout;
    let lines: Vec<&str> = all.lines().collect();
    let (header, cut) = (lines[0], lines.len() - 2000);
    let part = |from: usize, to: usize| format!("{header}\n{}\n", lines[from..to].join("\n"));
    here.write("all.csv", &all);
    here.write("before.csv", part(1, 5000));
    here.write("then.csv", part(5000, cut));
    here.write("new.csv", part(cut, lines.len()));
    let scores = |data: &str, more: &[&str]| {
        let said = here.ok("fraud", &[&["predict", "--artifact", "out", "--data", data][..], more].concat());
        let scores: Vec<String> =
            said.stdout.lines().skip(1).map(|l| l.rsplit(',').next().unwrap().to_string()).collect();
        (scores, said.stderr)
    };
    let (whole, _) = scores("all.csv", &[]);
    let (with, told) = scores("new.csv", &["--history", "before.csv", "--history", "then.csv"]);
    assert_eq!(with, whole[cut - 1..], "to the last digit");
    assert!(told.contains(&format!("{} row(s) of history read before", cut - 1)), "{told}");
    let (without, told) = scores("new.csv", &[]);
    assert_ne!(with, without);
    assert!(told.contains("warning: the first rows are scored without what each card did"), "{told}");
    let late = here.run("fraud", &["predict", "--artifact", "out", "--data", "then.csv", "--history", "new.csv"]);
    assert_eq!(late.code, 3);
    assert!(late.stderr.contains("end a history before they begin"), "{}", late.stderr);
    let there = sound();
    let _ = there.ok("medical", &RUN);
    let none =
        there.run("medical", &["predict", "--artifact", "out", "--data", "target.csv", "--history", "source.csv"]);
    assert_eq!(none.code, 2, "{}", none.stderr);
}

/// Who asks for a row twice hears of it once; who compares an artifact does not name other data in vain.
#[test]
fn a_row_that_is_asked_for_twice_is_there() {
    let here = sound();
    let _ = here.ok("medical", &RUN);
    let said =
        here.ok("medical", &["explain", "--artifact", "out", "--data", "target.csv", "--row", "2", "--row", "2"]);
    assert_eq!(said.stdout.matches("line 2:").count(), 1, "{}", said.stdout);
}

/// evidence.json may say anything: it is refused with a sentence, or drawn.
#[test]
fn whatever_the_evidence_says_it_is_refused_or_drawn() {
    let here = sound();
    let _ = here.ok("medical", &RUN);
    let document: serde_json::Value = serde_json::from_slice(&here.read("out/evidence.json")).unwrap();
    let (mut drawn, mut refused) = (0, 0);
    specialist_testing::damaged(&document, 4000, |place, changed| {
        let Ok(report) = serde_json::from_value::<specialist_report::Report>(changed) else {
            refused += 1;
            return;
        };
        if report.check().is_err() {
            refused += 1;
            return;
        }
        drawn += 1;
        let page = specialist_report::html(&report).len() + specialist_report::card(&report).len();
        let told =
            specialist_report::comparison(&report, false).len() + specialist_report::verdict(&report, true).len();
        assert!(page > 1000 && told > 50, "{place}");
        report.panels.iter().for_each(|p| _ = specialist_report::panel(p, false));
    });
    assert!(drawn > 100 && refused > 100, "{drawn} {refused}");
}

/// Neither the page nor the terminal does what a name in the data says.
#[test]
fn names_do_nothing() {
    let here = sound();
    let evil = "\u{1b}]0;OWNED\u{7}<script>alert(1)</script>";
    for file in ["source.csv", "target.csv"] {
        let text = String::from_utf8(here.read(file)).unwrap();
        here.write(file, text.replacen("dose", evil, 1));
    }
    let recipe = String::from_utf8(here.read("recipe.toml")).unwrap();
    let name = r#""\u001b]0;OWNED\u0007<script>alert(1)</script>""#;
    let asked = "question = \"*Does* <script>it</script>?\"\n";
    let first = recipe.lines().find(|l| l.starts_with("question")).map(|l| format!("{l}\n")).unwrap_or_default();
    here.write("recipe.toml", recipe.replace(&first, asked).replace("[columns.dose]", &format!("[columns.{name}]")));
    let said = here.ok("medical", &RUN);
    let explained = here.ok("medical", &["explain", "--artifact", "out", "--data", "target.csv", "--row", "2"]);
    for text in [&said.stdout, &said.stderr, &explained.stdout] {
        assert!(!text.contains('\u{7}') && !text.contains("\u{1b}]"), "{text}");
    }
    for file in ["out/README.md", "out/report.html"] {
        let text = String::from_utf8(here.read(file)).unwrap();
        assert!(!text.contains("<script>alert") && !text.contains("<script>it"), "{file}");
    }
}

/// Where it was run is in no artifact.
#[test]
fn an_artifact_does_not_know_the_machine() {
    let here = sound();
    let data = here.path("target.csv").display().to_string();
    let _ = here.ok("medical", &[&RUN[..], &["--data", &data]].concat());
    let root = here.path("").display().to_string();
    let root = root.trim_end_matches('/');
    for (file, bytes) in here.files("out") {
        assert!(!String::from_utf8_lossy(&bytes).contains(root), "{file}");
    }
    // And it is compared again without a word on where its data lies, or with one.
    let _ = here.ok("medical", &["tune", "--recipe", "recipe.toml", "--data", &data, "--output", "tuned"]);
    let _ = here.ok("medical", &["compare", "--artifact", "tuned"]);
    let gone = here.run("medical", &["compare", "--artifact", "tuned", "--data", "nosuch.csv"]);
    assert_eq!(gone.code, 2, "{}", gone.stderr);
    let other = here.run("medical", &["compare", "--artifact", "tuned", "--seed", "99"]);
    assert_eq!(other.code, 2, "another seed seals other rows: {}", other.stderr);
}

/// The sealed rows were opened, whatever folder the next artifact goes to and whatever was tuned in between.
#[test]
fn opened_rows_stay_opened() {
    let here = sound();
    let opened = |folder: &str| {
        let evidence: serde_json::Value =
            serde_json::from_slice(&here.read(&format!("{folder}/evidence.json"))).unwrap();
        evidence["evidence"]["opened_before"].as_u64().unwrap()
    };
    let run = |verb: &str, more: &[&str]| {
        let _ = here.ok("medical", &[&[verb, "-q", "--recipe", "recipe.toml"][..], more].concat());
    };
    run("run", &["--output", "a"]);
    run("run", &["--output", "b"]);
    assert_eq!((opened("a"), opened("b")), (0, 0), "the same recipe sees the same");
    for _ in 0..2 {
        run("tune", &["--output", "a", "--set", "tune.folds=4"]);
    }
    run("compare", &["--artifact", "a", "--set", "tune.folds=4"]);
    assert_eq!(opened("a"), 1, "two tunings in between forget nothing");
    run("run", &["--output", "c", "--set", "tune.folds=5"]);
    assert_eq!(opened("c"), 2, "nor does another folder");
}

/// What lies beyond single precision has a line.
#[test]
fn a_number_that_is_none_has_a_line() {
    let here = sound();
    let _ = here.ok("medical", &RUN);
    let text = String::from_utf8(here.read("target.csv")).unwrap();
    let mut lines: Vec<String> = text.lines().map(String::from).collect();
    let place = lines[0].split(',').position(|h| h == "dose").unwrap();
    let mut cells: Vec<&str> = lines[5].split(',').collect();
    cells[place] = "1e39";
    lines[5] = cells.join(",");
    here.write("huge.csv", lines.join("\n") + "\n");
    let said = here.run("medical", &["predict", "--artifact", "out", "--data", "huge.csv"]);
    assert_eq!(said.code, 3, "{}", said.stderr);
    assert!(said.stderr.contains("huge.csv, line 6, column `dose`"), "{}", said.stderr);
}

/// What is no folder of its own is refused before the work, and nothing is left there.
#[test]
fn an_output_that_cannot_be_is_refused_early() {
    let here = sound();
    std::fs::create_dir(here.path("dot")).unwrap();
    symlink("nowhere", here.path("dangling")).unwrap();
    symlink("dot", here.path("link")).unwrap();
    for (output, folder) in [(".", "dot"), ("dangling", "."), ("link", ".")] {
        let mut command = command(&here, &["run", "--threads", "1", "--output", output]);
        let recipe = here.path("recipe.toml");
        let out = command.arg("--recipe").arg(recipe).current_dir(here.path(folder)).output().expect("it starts");
        let told = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.code(), Some(2), "{told}");
        assert!(told.contains("hint: name a folder") && !told.contains("tune"), "{told}");
    }
    assert!(here.files("dot").is_empty());
}

/// A file without a header: its first row is no list of names, and none of it is shown.
#[test]
fn a_first_row_is_not_shown_as_a_header() {
    let here = sound();
    let _ = here.ok("medical", &RUN);
    let text = String::from_utf8(here.read("target.csv")).unwrap();
    let rows: Vec<String> = text.lines().skip(1).map(|l| l.replacen("B0,", "age JANE DOE,", 1)).collect();
    here.write("nohead.csv", rows.join("\n") + "\n");
    let said = here.run("medical", &["predict", "--artifact", "out", "--data", "nohead.csv"]);
    assert_eq!(said.code, 3, "{}", said.stderr);
    assert!(!said.stderr.contains("JANE") && said.stderr.contains("first line must name"), "{}", said.stderr);
}

/// Canaries in every column that no model reads, in names of files and in bad cells: none is in any output, but an id in the
/// scores, which is there to be.
#[test]
fn canaries_stay_where_they_are() {
    let here = sound();
    for file in ["source.csv", "target.csv"] {
        let text = String::from_utf8(here.read(file)).unwrap();
        let row = |(i, line): (usize, &str)| match i {
            0 => format!("{line},note,when,undeclared"),
            i => format!("{},CANARY-NOTE-{i},2024-01-01,CANARY-UNDECLARED-{i}", line.replacen('B', "CANARY-ID-B", 1)),
        };
        here.write(file, text.lines().enumerate().map(row).collect::<Vec<_>>().join("\n") + "\n");
    }
    let recipe = String::from_utf8(here.read("recipe.toml")).unwrap();
    here.write("recipe.toml", recipe + "\n[columns.note]\nrole = \"ignore\"\n\n[columns.when]\nrole = \"ignore\"\n");
    let told = |args: &[&str]| {
        let said = here.run("medical", args);
        assert_eq!(said.code, 0, "{args:?}: {}", said.stderr);
        format!("{}\n{}", said.stdout, said.stderr)
    };
    let artifact = ["--artifact", "out"];
    let mut out =
        vec![told(&["check", "--recipe", "recipe.toml"]), told(&[&RUN[..], &["--store", "study.db"]].concat())];
    out.push(told(&[&["explain", "--data", "target.csv"][..], &artifact].concat()));
    out.push(told(&[&["explain", "--data", "target.csv", "--json"][..], &artifact].concat()));
    for verb in ["report", "verify"] {
        out.push(told(&[&[verb][..], &artifact].concat()));
    }
    for what in ["list", "show", "best", "export"] {
        out.push(here.run("medical", &["study", what, "--store", "study.db"]).stdout);
    }
    let scores = told(&[&["predict", "--data", "target.csv"][..], &artifact].concat());
    assert!(scores.contains("CANARY-ID"), "an id names its score");
    out.push(scores.replace("CANARY-ID", ""));
    for (i, text) in out.iter().enumerate() {
        assert!(!text.contains("CANARY"), "output {i}: {text}");
    }
    for (file, bytes) in here.files("out").into_iter().chain([("study.db".into(), here.read("study.db"))]) {
        assert!(!String::from_utf8_lossy(&bytes).contains("CANARY"), "{file}");
    }
}

/// A level and a site that few patients have, and cells that one has, are in no file that leaves the house; whoever is
/// scored with such a level is scored as `(other)`, and that is said.
#[test]
fn what_few_rows_say_is_not_written() {
    let here = sound();
    for file in ["source.csv", "target.csv"] {
        let text = String::from_utf8(here.read(file)).unwrap();
        let row = |(i, line): (usize, &str)| match i {
            0 => format!("{line},ward"),
            i if i % 40 == 7 => format!("{},RARE-WARD-{}", line.replacen(",B,", ",RARE-SITE,", 1), i / 80),
            i => format!("{line},{}", ["north", "south"][i % 2]),
        };
        here.write(file, text.lines().enumerate().map(row).collect::<Vec<_>>().join("\n") + "\n");
    }
    let recipe = String::from_utf8(here.read("recipe.toml")).unwrap() + "\n[columns.ward]\nkind = \"category\"\n";
    here.write("recipe.toml", &recipe);
    let said = here.run("medical", &RUN);
    assert_eq!(said.code, 0, "{}", said.stderr);
    let mut named = false;
    for (file, bytes) in here.files("out") {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("RARE"), "{file}");
        named |= file.starts_with("models/") && text.contains("(other)");
    }
    assert!(named, "the level that stands for them is learned");
    let card = String::from_utf8(here.read("out/README.md")).unwrap();
    assert!(card.contains("of fewer than 10 rows"), "{card}");
    let said = here.run("medical", &["predict", "--data", "target.csv", "--artifact", "out"]);
    assert!(
        said.code == 0 && said.stderr.contains("of `ward` have levels that the model does not name"),
        "{}",
        said.stderr
    );

    // Not asked for, they stand there; and a level that the recipe declares is no secret of the rows.
    here.write("recipe.toml", recipe.clone() + "\n[privacy]\nfewest_rows = 0\n");
    assert_eq!(here.run("medical", &RUN).code, 0);
    let told = |name: &str| here.files("out").iter().any(|(_, b)| String::from_utf8_lossy(b).contains(name));
    assert!(told("RARE-WARD"));
    here.write(
        "recipe.toml",
        recipe.replace(
            "[columns.ward]",
            "[columns.ward]\nlevels = [\"north\", \"south\", \"RARE-WARD-0\"]\non_invalid = \"missing\"",
        ),
    );
    assert_eq!(here.run("medical", &RUN).code, 0);
    assert!(told("RARE-WARD-0") && !told("RARE-WARD-1"));
}
