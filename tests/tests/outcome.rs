//! Outcomes that come in time, end to end: the shipped recipe, every estimator, several hospitals' models, and what is
//! refused.

use specialist_e2e::{Said, Sandbox, uniforms};

/// Patients whose risk rises with age and grade; times in `unit` days; who is treated is by chance.
fn patients(rows: usize, seed: u64, unit: f64) -> String {
    let mut uniform = uniforms(seed);
    let mut out = String::from("age,grade,marker,drug,days,event\n");
    for _ in 0..rows {
        let (age, grade, marker) = (30.0 + 50.0 * uniform(), (3.0 * uniform()) as usize, 10.0 * uniform());
        let drug = u8::from(uniform() < 0.5);
        let log = 0.04 * (age - 55.0) + 0.5 * grade as f64 - 0.5 * f64::from(drug) - 0.5;
        let (time, end) = (-uniform().ln() * 900.0 / log.exp(), 200.0 + 1800.0 * uniform());
        let grade = ["low", "mid", "high"][grade];
        let (seen, event) = (time.min(end).max(1.0) / unit, u8::from(time <= end));
        out.push_str(&format!("{age:.1},{grade},{marker:.2},{drug},{seen:.3},{event}\n"));
    }
    out
}

const RECIPE: &str = r#"
question = "Does it come back?"
[source]
data = "source.csv"
[target]
data = "target.csv"
[split]
test = 0.4
stratify_on = "event"
[pretrain]
estimator = "glm"
trials = 2
[tune]
trials = 5
folds = 3
[compare]
bootstrap = 100
repeats = 1
budgets = [0.5, 1.0]
[columns.days]
role = "duration"
unit = "days"
horizon = 1000
[columns.event]
role = "event"
positive = ["1"]
negative = ["0"]
[columns.age]
[columns.grade]
kind = "category"
levels = ["low", "mid", "high"]
[columns.marker]
[columns.drug]
kind = "category"
levels = ["0", "1"]
"#;

fn sound() -> Sandbox {
    let here = Sandbox::default();
    here.write("source.csv", patients(500, 1, 1.0));
    here.write("target.csv", patients(300, 2, 1.0));
    here.write("recipe.toml", RECIPE);
    here
}

const RUN: [&str; 4] = ["run", "--recipe", "recipe.toml", "--output"];

fn run(here: &Sandbox, output: &str, sets: &[&str]) -> Said {
    let mut args = RUN.to_vec();
    args.push(output);
    sets.iter().for_each(|s| args.extend(["--set", s]));
    here.ok("medical", &args)
}

#[test]
fn the_shipped_recipe_ends_in_a_table_of_partings_and_an_effect() {
    let here = Sandbox::default();
    let sets = ["compare.splits=4", "tune.repeats=1", "tune.trials=8", "pretrain.trials=2", "compare.bootstrap=200"];
    let mut args = vec!["run", "--recipe", "recurrence", "--output", "out"];
    sets.iter().for_each(|s| args.extend(["--set", s]));
    let said = here.ok("medical", &args).stdout;
    for word in
        ["4 further partings of the target", "c-index", "integrated-brier", "calibration-slope", "all 411", "VERDICT: "]
    {
        assert!(said.contains(word), "no `{word}` in {said}");
    }
    assert!(said.contains("EFFECT of hormon = 1: time lived without the event, of 1826: "), "{said}");
    assert!(said.contains("WHO BENEFITS: "), "{said}");
    let verified = here.ok("medical", &["verify", "--artifact", "out"]);
    assert!(verified.stdout.starts_with("ok: "), "{}", verified.stdout);
    let page = String::from_utf8(here.read("out/report.html")).unwrap();
    for title in [
        "Overlap and balance in the source",
        "Survival by risk group",
        "Decision curve",
        "Subgroups",
        "Points",
        "Model updating",
    ] {
        assert!(page.contains(title), "no `{title}` on the page");
    }
}

#[test]
fn every_estimator_of_times_predicts_explains_and_is_verified() {
    let here = sound();
    for estimator in ["glm", "cox-elastic-net", "boosted-trees", "boosted-aft"] {
        let said = run(&here, "out", &[&format!("pretrain.estimator={estimator}")]).stdout;
        assert!(said.contains("VERDICT: "), "{estimator}: {said}");
        for model in ["generalist", "specialist", "scratch", "pooled"] {
            let scores =
                here.ok("medical", &["predict", "--artifact", "out", "--model", model, "--data", "target.csv"]).stdout;
            let risks: Vec<f64> =
                scores.lines().skip(1).map(|l| l.split(',').nth(1).unwrap().parse().unwrap()).collect();
            assert!(scores.starts_with("line,risk\n") && risks.len() == 300, "{estimator} {model}");
            assert!(risks.iter().all(|r| (0.0..=1.0).contains(r)), "{estimator} {model}");
            let mean = risks.iter().sum::<f64>() / 300.0;
            assert!((0.4..0.8).contains(&mean), "{estimator} {model}: {mean}");
        }
        let _ = here.ok("medical", &["verify", "--artifact", "out"]);
        let told = here.ok(
            "medical",
            &["explain", "--artifact", "out", "--model", "specialist", "--data", "target.csv", "--row", "3"],
        );
        assert!(
            told.stdout.contains("log cumulative hazard") && told.stdout.contains("patients with a similar risk"),
            "{}",
            told.stdout
        );
    }
}

#[test]
fn threads_change_no_byte_of_times() {
    let here = sound();
    let of = |threads: &str, output: &str| {
        let args = [&RUN[..], &[output, "--threads", threads, "--set", "compare.splits=3"]].concat();
        let _ = here.ok("medical", &args);
        here.files(output)
    };
    let (one, two) = (of("1", "one"), of("2", "two"));
    for (a, b) in one.iter().zip(&two) {
        assert!(a == b, "{} differs", a.0);
    }
}

#[test]
fn models_of_several_hospitals_travel_without_rows_and_a_bad_one_is_left_out() {
    let here = sound();
    for (name, seed) in [("a", 11), ("b", 12), ("bad", 13)] {
        let mut rows = patients(500, seed, 1.0);
        if name == "bad" {
            // The old are called young and the other way round.
            let turned = rows.lines().skip(1).map(|l| {
                let (age, rest) = l.split_once(',').unwrap();
                format!("{:.1},{rest}\n", 110.0 - age.parse::<f64>().unwrap())
            });
            rows = "age,grade,marker,drug,days,event\n".to_string() + &turned.collect::<String>();
        }
        here.write("theirs.csv", rows);
        let args = ["pretrain", "--recipe", "recipe.toml", "--set", "source.data=theirs.csv", "--output", name];
        let _ = here.ok("medical", &args);
        let moments = String::from_utf8(here.read(&format!("{name}/moments.json"))).unwrap();
        assert!(moments.contains("\"prevalence\"") && moments.contains("\"age\""), "{moments}");
    }
    let recipe = RECIPE.replace("data = \"source.csv\"", "models = [\"a\", \"b\", \"bad\"]");
    here.write("recipe.toml", recipe);
    let said = run(&here, "out", &[]).stdout;
    assert!(said.contains("2 of 3 source models are averaged. Left out, being shown worse"), "{said}");
    assert!(said.contains("bad ("), "{said}");
    let _ = here.ok("medical", &["verify", "--artifact", "out"]);
}

#[test]
fn a_predictor_that_only_the_target_has_extends_the_model() {
    let here = sound();
    // The event is all but written in it.
    let told = |(i, l): (usize, &str)| {
        let event = l.rsplit(',').next().unwrap();
        let days: f64 = l.split(',').nth(4).unwrap_or("0").parse().unwrap_or(0.0);
        let value = if event == "1" { 2000.0 - days } else { days / 9.0 } + ((i * 37) % 400) as f64;
        if i == 0 { format!("{l},scan\n") } else { format!("{l},{value:.1}\n") }
    };
    here.write("target.csv", patients(300, 2, 1.0).lines().enumerate().map(told).collect::<String>());
    here.write("recipe.toml", RECIPE.to_string() + "[columns.scan]\nonly_target = true\n");
    let said = run(&here, "out", &["tune.tunings=[\"extension\"]", "check.waive=[\"label-leak\"]"]).stdout;
    assert!(said.contains("chosen: extension") && said.contains("VERDICT: "), "{said}");
    let told = here.ok(
        "medical",
        &["explain", "--artifact", "out", "--model", "specialist", "--data", "target.csv", "--row", "2"],
    );
    assert!(told.stdout.contains("scan = "), "{}", told.stdout);
    let _ = here.ok("medical", &["verify", "--artifact", "out"]);
}

/// Runs and expects `code` and every one of `words` on stderr or in the table of checks.
fn refused(here: &Sandbox, sets: &[&str], code: i32, words: &[&str]) {
    let before = here.files(".");
    let mut args = vec!["run", "--recipe", "recipe.toml"];
    sets.iter().for_each(|s| args.extend(["--set", s]));
    let said = here.run("medical", &args);
    assert_eq!(said.code, code, "{sets:?}\n{}\n{}", said.stdout, said.stderr);
    // A table breaks its lines.
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let all = flat(&format!("{}\n{}", said.stderr, said.stdout));
    for word in words.iter().chain(&["error: ", "hint: "]) {
        assert!(all.contains(word.trim()), "no `{word}` in: {all}");
    }
    assert!(!said.stderr.contains("bug"), "{}", said.stderr);
    assert_eq!(here.files("."), before, "nothing may be written");
}

/// The sound target with `change` of every line but the header.
fn changed(change: impl Fn(usize, Vec<String>) -> Vec<String>) -> Sandbox {
    let here = sound();
    let line = |(i, l): (usize, &str)| {
        let cells = l.split(',').map(String::from).collect();
        (if i == 0 { cells } else { change(i, cells) }).join(",") + "\n"
    };
    here.write("target.csv", patients(300, 2, 1.0).lines().enumerate().map(line).collect::<String>());
    here
}

fn with(cell: usize, value: &'static str, rows: impl Fn(usize) -> bool) -> Sandbox {
    changed(move |i, mut cells| {
        if rows(i) {
            cells[cell] = value.into();
        }
        cells
    })
}

#[test]
fn times_that_cannot_be_are_refused() {
    refused(&with(4, "-3", |i| i == 6), &[], 3, &["target.csv", "line 7", "`days`", "a time above 0 is expected"]);
    refused(&with(4, "0", |i| i == 6), &[], 3, &["line 7", "a time above 0 is expected"]);
    refused(&with(4, "soon", |i| i == 6), &[], 3, &["line 7", "`days`", "a number is expected"]);
    refused(&with(5, "0", |_| true), &[], 3, &["target.csv: 0 of 300 rows have an event", "positive"]);
    refused(&with(5, "0", |i| i > 1), &[], 3, &["of 300 rows have an event until 1000"]);
    refused(
        &sound(),
        &["columns.days.horizon=5000"],
        3,
        &["rows are followed until the horizon of 5000", "an earlier `horizon`"],
    );
    refused(&sound(), &["columns.days.horizon=0"], 2, &["columns.days.horizon", "a time above 0"]);
    refused(&sound(), &["columns.days.until=10"], 2, &["columns.days.until", "the horizon, or later"]);
    refused(&with(5, "relapse", |i| i == 9), &[], 3, &["line 10", "`event`", "or a competing cause", "`competing`"]);
    // Months beside days.
    let here = sound();
    here.write("target.csv", patients(300, 2, 30.4));
    refused(&here, &["columns.days.horizon=30"], 3, &["time-units", "days beside months"]);
}

#[test]
fn competing_causes_are_shown() {
    let here = with(5, "2", |i| i.is_multiple_of(9));
    here.write("source.csv", patients(500, 1, 1.0));
    let said = run(&here, "out", &["columns.event.competing=[\"2\"]"]).stdout;
    assert!(said.contains("VERDICT: "), "{said}");
    let page = String::from_utf8(here.read("out/report.html")).unwrap();
    assert!(page.contains("Competing causes"));
    let text = RECIPE.to_string()
        + "[domain.effect]\ntreatment = \"drug\"\ntreated = \"1\"\ntarget = \"randomised\"\nnote = \"x\"\n";
    here.write("recipe.toml", text);
    let said = run(&here, "out", &["columns.event.competing=[\"2\"]"]).stdout;
    assert!(said.contains("EFFECT: refused: causes compete"), "{said}");
    refused(&here, &["columns.event.competing=[\"1\"]"], 2, &["columns.event.competing", "other cells than"]);
}

#[test]
fn how_long_somebody_was_followed_is_no_feature() {
    let copied = |text: String| {
        let line = |(i, l): (usize, &str)| match i {
            0 => format!("{l},last_visit\n"),
            _ => format!("{l},{}\n", l.split(',').nth(4).unwrap()),
        };
        text.lines().enumerate().map(line).collect::<String>()
    };
    let here = sound();
    here.write("source.csv", copied(patients(500, 1, 1.0)));
    here.write("target.csv", copied(patients(300, 2, 1.0)));
    here.write("recipe.toml", RECIPE.to_string() + "[columns.last_visit]\n");
    refused(&here, &[], 3, &["label-leak", "`last_visit`"]);
}

#[test]
fn what_cannot_be_is_scored_as_missing_and_said() {
    let here = sound();
    run(&here, "out", &["columns.age.max=100"]);
    here.write("new.csv", "age,grade,marker,drug\n900,low,1,0\n50,S3CRET,1,1\n50,low,1,1\n");
    let said = here.ok("medical", &["predict", "--artifact", "out", "--model", "generalist", "--data", "new.csv"]);
    assert!(said.stderr.contains("1 cell(s) of `age` are not at most 100 (lines 2)"), "{}", said.stderr);
    assert!(said.stderr.contains("`grade`") && !said.stderr.contains("S3CRET"), "{}", said.stderr);
}

#[test]
fn a_recipe_that_says_too_little_of_times_is_refused() {
    let without = |what: &str| {
        let here = sound();
        assert!(RECIPE.contains(what));
        here.write("recipe.toml", RECIPE.replacen(what, "", 1));
        here
    };
    refused(&without("horizon = 1000\n"), &[], 2, &["columns.days.horizon"]);
    refused(&without("role = \"event\"\n"), &[], 2, &["either one with the role \"label\", or"]);
    refused(
        &sound(),
        &["pretrain.estimator=linfa-logistic"],
        2,
        &["estimator", "one that predicts the risk until 1000: boosted-trees, boosted-aft, glm, cox-elastic-net"],
    );
    let timed = ["columns.age.role=time", "columns.age.kind=time", "split.time_on=age", "compare.splits=3"];
    refused(&sound(), &timed, 2, &["compare.splits", "cannot be drawn anew"]);
    refused(&sound(), &["columns.age.knots=2"], 2, &["columns.age.knots", "from 3 to 7"]);
    refused(&sound(), &["source.models=[\"a\"]"], 2, &["one of `data`, `model` and `models`"]);
}

#[test]
fn an_effect_without_chance_or_overlap_is_refused_with_the_reason() {
    let effect = |design: &str, more: &str| {
        let here = sound();
        here.write(
            "recipe.toml",
            RECIPE.to_string()
                + &format!("[domain.effect]\ntreatment = \"drug\"\ntreated = \"1\"\ntarget = \"{design}\"\n{more}\n"),
        );
        here
    };
    refused(&effect("randomised", ""), &[], 2, &["domain.effect.note", "where randomisation is documented"]);
    refused(&effect("guessed", ""), &[], 2, &["domain", "observational"]);
    refused(&effect("observational", "tratment = 1"), &[], 2, &["domain", "tratment"]);
    let here = effect("randomised", "note = \"a made-up trial\"");
    refused(&here, &["domain.effect.treated=\"9\""], 2, &["domain.effect.treated", "one of the 2 levels"]);
    refused(&here, &["domain.effect.treatment=\"pill\""], 2, &["domain.effect.treatment"]);
    let said = run(&here, "out", &[]).stdout;
    assert!(
        said.contains("EFFECT of drug = 1: ") && said.contains("in the target (randomised, 300 patients)"),
        "{said}"
    );
    // Only the young were treated: nobody to compare with.
    let treated = |i: usize, mut cells: Vec<String>| {
        let young = cells[0].parse::<f64>().unwrap() < 33.0;
        cells[3] = u8::from(young || i.is_multiple_of(97)).to_string();
        cells
    };
    let here = changed(treated);
    let text =
        RECIPE.to_string() + "[domain.effect]\ntreatment = \"drug\"\ntreated = \"1\"\ntarget = \"observational\"\n";
    here.write("recipe.toml", text);
    let said = run(&here, "out", &[]).stdout;
    assert!(said.contains("in the target no effect is stated: of 300 patients"), "{said}");
    // By age, and called chance.
    let text = RECIPE.to_string()
        + "[domain.effect]\ntreatment = \"drug\"\ntreated = \"1\"\ntarget = \"randomised\"\nnote = \"x\"\n";
    here.write("recipe.toml", text);
    let said = run(&here, "out", &[]).stdout;
    assert!(said.contains("it is declared randomised, but covariates tell the arms apart"), "{said}");
    // Who was treated is not always known.
    let here = with(3, "", |i| i.is_multiple_of(40));
    here.write(
        "recipe.toml",
        RECIPE.to_string()
            + "[domain.effect]\ntreatment = \"drug\"\ntreated = \"1\"\ntarget = \"randomised\"\nnote = \"x\"\n",
    );
    refused(&here, &[], 3, &["`drug` is empty, in 7 rows in all"]);
    // An arm that is empty.
    let here = with(3, "1", |_| true);
    here.write(
        "recipe.toml",
        RECIPE.to_string()
            + "[domain.effect]\ntreatment = \"drug\"\ntreated = \"1\"\ntarget = \"randomised\"\nnote = \"x\"\n",
    );
    refused(&here, &[], 3, &["`drug`: no patient is untreated", "two arms"]);
}

#[test]
fn what_names_people_is_refused_until_it_is_ignored() {
    let here = changed(|i, mut cells| {
        cells.push(format!("19{}-0{}-1{}", 30 + i % 60, 1 + i % 9, i % 10));
        cells
    });
    let dated = |text: String| {
        let line = |(i, l): (usize, &str)| {
            if i == 0 {
                format!("{l},birth_date\n")
            } else if l.matches(',').count() == 5 {
                format!("{l},1950-01-01\n")
            } else {
                format!("{l}\n")
            }
        };
        text.lines().enumerate().map(line).collect::<String>()
    };
    here.write("target.csv", dated(String::from_utf8(here.read("target.csv")).unwrap()));
    here.write("source.csv", dated(patients(500, 1, 1.0)));
    here.write("recipe.toml", RECIPE.to_string() + "[columns.birth_date]\nkind = \"time\"\n");
    refused(&here, &[], 3, &["identifiers", "`birth_date` (a date of birth or death by its name)"]);
    let said = run(&here, "out", &["columns.birth_date.role=ignore"]).stdout;
    assert!(said.contains("VERDICT: "), "{said}");
}

/// The same patients, followed from a day of their own on: those who had the event before it are not in the table.
fn late(rows: usize, seed: u64) -> String {
    let mut uniform = uniforms(seed);
    let mut out = String::from("age,grade,marker,drug,entry,days,event\n");
    let mut kept = 0;
    while kept < rows {
        let (age, drug, entry) = (30.0 + 50.0 * uniform(), u8::from(uniform() < 0.5), (600.0 * uniform()).floor());
        let log = 0.04 * (age - 55.0) - 0.5 * f64::from(drug);
        let (time, end) = (-uniform().ln() * 900.0 / log.exp(), entry + 200.0 + 1800.0 * uniform());
        if time <= entry {
            continue;
        }
        kept += 1;
        let (seen, event) = (time.min(end).max(entry + 1.0), u8::from(time <= end));
        out.push_str(&format!("{age:.1},mid,5.0,{drug},{entry},{seen:.3},{event}\n"));
    }
    out
}

#[test]
fn rows_that_are_followed_late_are_not_taken_as_followed_from_the_start() {
    let here = sound();
    here.write("source.csv", late(800, 1));
    here.write("target.csv", late(500, 2));
    here.write("recipe.toml", format!("{RECIPE}[columns.entry]\nrole = \"entry\"\n"));
    here.write("naive.toml", format!("{RECIPE}[columns.entry]\nrole = \"ignore\"\n"));
    let said = here.ok("medical", &["check", "--recipe", "recipe.toml"]).stdout;
    assert!(said.contains("late-entry") && said.contains("are followed from later than 0"), "{said}");
    let observed = |recipe: &str, out: &str| {
        let _ = here.ok("medical", &["run", "--recipe", recipe, "--output", out]);
        let _ = here.ok(
            "medical",
            &["predict", "-q", "--artifact", out, "--model", "generalist", "--data", "target.csv", "-o", "s.csv"],
        );
        let text = String::from_utf8(here.read("s.csv")).unwrap();
        std::fs::remove_file(here.path("s.csv")).unwrap();
        let header = text.lines().next().unwrap().to_string();
        let at = header.split(',').position(|c| c.starts_with("risk")).unwrap_or_else(|| panic!("{header}"));
        let all: Vec<f64> = text.lines().skip(1).map(|l| l.split(',').nth(at).unwrap().parse().unwrap()).collect();
        all.iter().sum::<f64>() / all.len() as f64
    };
    // The hazard is constant: the risk of the next 1,000 days is that of the first 1,000, whenever a row entered.
    let truth = {
        let (mut sum, mut n) = (0.0, 0.0);
        for line in String::from_utf8(here.read("target.csv")).unwrap().lines().skip(1) {
            let cells: Vec<f64> = line.split(',').filter_map(|c| c.parse().ok()).collect();
            let log = 0.04 * (cells[0] - 55.0) - 0.5 * cells[2];
            sum += 1.0 - (-1000.0 / 900.0 * f64::exp(log)).exp();
            n += 1.0;
        }
        sum / n
    };
    let (right, naive) = (observed("recipe.toml", "out"), observed("naive.toml", "naive"));
    assert!((right - truth).abs() < 0.04, "{right} where {truth} is true");
    assert!(truth - naive > 0.06, "taken as followed from 0 the risk is too small: {naive} where {truth} is true");

    // A start–stop table says the same as one row a patient: stretches are joined.
    let split = |text: String| {
        let mut out = String::from("patient,age,grade,marker,drug,entry,days,event\n");
        for (i, line) in text.lines().skip(1).enumerate() {
            let c: Vec<&str> = line.split(',').collect();
            let (entry, days): (f64, f64) = (c[4].parse().unwrap(), c[5].parse().unwrap());
            let before = c[..4].join(",");
            if days > entry + 400.0 {
                let cut = entry + 400.0;
                out.push_str(&format!("{i},{before},{entry},{cut},0\n{i},{before},{cut},{},{}\n", c[5], c[6]));
            } else {
                out.push_str(&format!("{i},{before},{}\n", c[4..].join(",")));
            }
        }
        out
    };
    here.write("source.csv", split(late(800, 1)));
    here.write("target.csv", split(late(500, 2)));
    let group = "[columns.entry]\nrole = \"entry\"\n[columns.patient]\nrole = \"group\"\nkind = \"text\"\n";
    let text = RECIPE.replace("stratify_on = \"event\"", "group_on = \"patient\"");
    // The patients of the two files are numbered alike.
    let text = text.replace("[pretrain]", "[check]\nwaive = [\"group-overlap\"]\n[pretrain]");
    here.write("split.toml", format!("{text}{group}"));
    let said = here.ok("medical", &["check", "--recipe", "split.toml"]).stdout;
    assert!(said.contains("go on in another row of their group"), "{said}");
    let joined = observed("split.toml", "split");
    assert!((joined - truth).abs() < 0.04, "{joined} where {truth} is true");

    here.write("target.csv", late(300, 2).replacen(",1\n", ",1\n50.0,mid,5.0,1,700,650,1\n", 1));
    let said = here.run("medical", &["check", "--recipe", "recipe.toml"]);
    assert_eq!(said.code, 3, "{}", said.stderr);
    assert!(said.stderr.contains("a time after that of `entry` is expected"), "{}", said.stderr);
}

#[test]
fn what_was_written_on_the_way_is_a_leak() {
    let here = sound();
    // A transplant that does nothing: whoever waited for it and lived has it.
    let waited = |rows, seed| {
        let mut uniform = uniforms(seed + 100);
        let text = patients(rows, seed, 1.0);
        let mut lines = text.lines().map(|line| {
            let days: f64 = line.split(',').nth(4).and_then(|d| d.parse().ok()).unwrap_or(0.0);
            let wait = 30.0 - 300.0 * uniform().ln();
            if days == 0.0 {
                format!("{line},wait")
            } else if wait < days {
                format!("{line},{wait:.0}")
            } else {
                format!("{line},")
            }
        });
        let header = lines.next().unwrap();
        std::iter::once(header).chain(lines).collect::<Vec<_>>().join("\n") + "\n"
    };
    here.write("source.csv", waited(500, 1));
    here.write("target.csv", waited(300, 2));
    here.write("recipe.toml", format!("{RECIPE}[columns.wait]\n"));
    let said = here.run("medical", &["run", "--recipe", "recipe.toml", "--output", "out"]);
    assert_eq!(said.code, 3, "{}", said.stderr);
    let all = said.stdout + &said.stderr;
    assert!(all.contains("immortal-time") && all.contains("`wait`"), "{all}");
}

#[test]
fn another_unit_in_one_of_two_files_stops_the_run() {
    let here = sound();
    // Glucose: the source's in mg/dl, the target's in mmol/l.
    let glucose = |text: String, factor: f64| {
        let lines = text.lines().enumerate().map(|(i, line)| {
            let mut cells: Vec<String> = line.split(',').map(String::from).collect();
            if i > 0 {
                cells[2] = format!("{:.1}", factor * (4.0 + 0.6 * cells[2].parse::<f64>().unwrap()));
            }
            cells.join(",")
        });
        lines.collect::<Vec<_>>().join("\n") + "\n"
    };
    here.write("source.csv", glucose(patients(500, 1, 1.0), 18.0));
    here.write("target.csv", glucose(patients(300, 2, 1.0), 1.0));
    let said = here.run("medical", &["check", "--recipe", "recipe.toml"]);
    assert_eq!(said.code, 3, "{}{}", said.stdout, said.stderr);
    assert!(said.stdout.contains("unlike-ranges") && said.stdout.contains("`marker`"), "{}", said.stdout);
    here.write("target.csv", patients(300, 2, 1.0));
    let text = patients(500, 1, 1.0);
    // Ages of children and of grown-ups are two populations: said, and no reason to stop.
    let young = text.lines().enumerate().map(|(i, line)| {
        let mut cells: Vec<String> = line.split(',').map(String::from).collect();
        if i > 0 {
            cells[0] = format!("{:.1}", cells[0].parse::<f64>().unwrap() / 4.0);
        }
        cells.join(",")
    });
    here.write("source.csv", young.collect::<Vec<_>>().join("\n") + "\n");
    let said = here.ok("medical", &["check", "--recipe", "recipe.toml"]);
    assert!(said.stdout.contains("two populations?"), "{}", said.stdout);
}

#[test]
fn an_effect_in_one_trial_needs_no_source() {
    let here = sound();
    let text = RECIPE.replace("[source]\ndata = \"source.csv\"\n", "");
    let effect =
        "[domain.effect]\ntreatment = \"drug\"\ntreated = \"1\"\ntarget = \"randomised\"\nnote = \"made so\"\n";
    here.write("recipe.toml", format!("{text}{effect}"));
    let said = here.ok("medical", &["run", "--recipe", "recipe.toml", "--output", "out"]);
    assert!(said.stdout.contains("time lived without the event") || said.stdout.contains("Effect"), "{}", said.stdout);
    assert!(said.stderr.contains("names no source"), "{}", said.stderr);
    assert!(!here.path("out").exists());
    // The figures are those of a run with a source: it speaks of all of the target's rows as well.
    here.write("both.toml", format!("{RECIPE}{effect}"));
    let whole = here.ok("medical", &["run", "--json", "-q", "--recipe", "both.toml", "--output", "both"]).stdout;
    let whole: serde_json::Value = serde_json::from_str(&whole).unwrap();
    let alone = here.ok("medical", &["run", "--json", "-q", "--recipe", "recipe.toml", "--output", "out"]).stdout;
    let alone: serde_json::Value = serde_json::from_str(&alone).unwrap();
    let of = |panels: &serde_json::Value| {
        let first = alone[0]["title"].clone();
        panels.as_array().unwrap().iter().find(|p| p["title"] == first).unwrap()["table"].clone()
    };
    let row = |table: &serde_json::Value| table.as_array().unwrap().len();
    assert_eq!(row(&of(&whole["panels"])), row(&of(&alone)));
    // Without the question a source is needed, and that is said.
    here.write("recipe.toml", text);
    let said = here.run("medical", &["run", "--recipe", "recipe.toml", "--output", "out"]);
    assert!(said.code == 2 && said.stderr.contains("hint: "), "{}", said.stderr);
}
