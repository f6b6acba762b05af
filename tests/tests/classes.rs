//! A label of several classes from `init` to `export`, over the binaries.

use specialist_e2e::{Sandbox, uniforms};

/// Rows of three species by two lengths and a colour; in the target the lengths are longer, and one species is rarer.
fn table(rows: usize, shift: f64, seed: u64) -> String {
    let mut next = uniforms(seed);
    let mut out = String::from("flower,length,width,colour,species\n");
    for i in 0..rows {
        let kind = (next() * if shift > 0.0 { 2.5 } else { 3.0 }) as usize;
        let noise = |next: &mut dyn FnMut() -> f64| next() + next() + next() - 1.5;
        let length = [1.5, 4.2, 5.5][kind] + shift + 1.6 * noise(&mut next);
        let width = [0.3, 1.3, 2.0][kind] + 0.9 * noise(&mut next);
        let colour = ["white", "blue", "violet"][((kind as f64 + 2.0 * next()) as usize) % 3];
        let species = ["setosa", "versicolor", "virginica"][kind];
        out.push_str(&format!("f{i},{length:.2},{width:.2},{colour},{species}\n"));
    }
    out
}

fn started() -> Sandbox {
    let here = Sandbox::default();
    here.write("source.csv", table(600, 0.0, 3));
    here.write("target.csv", table(360, 0.7, 5));
    let said = here.ok(
        "medical",
        &["init", "--data", "target.csv", "--source", "source.csv", "--label", "species", "-o", "r.toml"],
    );
    assert!(said.stderr.contains("species") || said.stdout.contains("species"), "{}{}", said.stdout, said.stderr);
    here
}

/// The cells of a CSV file but for its header.
fn cells(text: &str) -> Vec<Vec<String>> {
    text.lines().skip(1).map(|l| l.split(',').map(String::from).collect()).collect()
}

#[test]
fn a_label_of_three_classes_goes_from_init_to_export() {
    let here = started();
    let recipe = String::from_utf8(here.read("r.toml")).unwrap();
    assert!(recipe.contains("levels = [\"setosa\", \"versicolor\", \"virginica\"]"), "{recipe}");
    let few = ["--set", "tune.trials=8", "--set", "compare.bootstrap=200", "--set", "compare.repeats=2"];
    let said = here.ok("medical", &[&["run", "--recipe", "r.toml", "-o", "art"], &few[..]].concat());
    for word in ["VERDICT: ", "log-loss", "macro-f1", "takes for what", "in truth"] {
        assert!(said.stdout.contains(word), "no `{word}` in {}", said.stdout);
    }
    assert!(here.ok("medical", &["verify", "--artifact", "art"]).stdout.starts_with("ok: "));
    let page = String::from_utf8(here.read("art/report.html")).unwrap();
    for word in ["Calibration, class by class", "Class by class", "Do the probabilities add up?", "Sets of diagnoses"] {
        assert!(page.contains(word), "no `{word}` on the page");
    }

    // A column a class, and the most probable one.
    for model in ["generalist", "recalibrated", "scratch", "pooled", "specialist"] {
        let scored =
            here.ok("medical", &["predict", "--artifact", "art", "--model", model, "--data", "target.csv"]).stdout;
        let header = "id,class,probability_setosa,probability_versicolor,probability_virginica\n";
        assert!(scored.starts_with(header), "{scored:.200}");
        let rows = cells(&scored);
        assert_eq!(rows.len(), 360);
        let truth = cells(&String::from_utf8(here.read("target.csv")).unwrap());
        let mut right = 0;
        for (row, truth) in rows.iter().zip(&truth) {
            let p: Vec<f64> = row[2..].iter().map(|p| p.parse().unwrap()).collect();
            assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-6, "{row:?}");
            let best = (0..3).max_by(|a, b| p[*a].total_cmp(&p[*b])).unwrap();
            assert_eq!(row[1], ["setosa", "versicolor", "virginica"][best]);
            right += usize::from(row[1] == *truth.last().unwrap());
        }
        assert!(right > 250, "{model}: {right} of 360 right");
    }
    let _ = here.ok("medical", &["predict", "--artifact", "art", "--data", "target.csv", "-o", "scores.parquet"]);
    assert!(here.read("scores.parquet").starts_with(b"PAR1"));

    // Why a class, and why not another.
    let rows = ["explain", "--artifact", "art", "--model", "specialist", "--data", "target.csv", "--row", "2"];
    assert!(here.ok("medical", &rows).stdout.contains("line 2: probability of "));
    let total = |class: &str| {
        let said = here.ok("medical", &[&rows[..], &["--class", class, "--json"]].concat());
        let told: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
        let parts: f64 = told[0]["contributions"].as_array().unwrap().iter().map(|c| c[2].as_f64().unwrap()).sum();
        (told[0]["predicted"].as_f64().unwrap(), parts + told[0]["base"].as_f64().unwrap())
    };
    let told = ["setosa", "versicolor", "virginica"].map(total);
    let exponentials: f64 = told.iter().map(|t| t.1.exp()).sum();
    for (predicted, margin) in told {
        assert!(
            (predicted - margin.exp() / exponentials).abs() < 1e-4,
            "the parts of all classes give its probability"
        );
    }
    let said = here.run("medical", &[&rows[..], &["--class", "virginia"]].concat());
    assert_eq!(said.code, 2);
    assert!(said.stderr.contains("did you mean `virginica`?"), "{}", said.stderr);
    let exported = here.ok("medical", &["export", "--artifact", "art", "--model", "generalist"]).stdout;
    let exported: serde_json::Value = serde_json::from_str(&exported).unwrap();
    assert_eq!(exported["learner"]["learner_model_param"]["num_class"], "3");

    // The exported model, brought to the same target, is the same generalist; in another order of the classes it is not,
    // which a file cannot say and the artifact can.
    here.write("brought.json", exported.to_string());
    let brought = recipe.replace("data = \"source.csv\"", "model = \"brought.json\"");
    here.write("brought.toml", &brought);
    let _ = here.ok("medical", &[&["run", "-q", "--recipe", "brought.toml", "-o", "again"], &few[..]].concat());
    let of = |artifact: &str| {
        let args = ["predict", "--artifact", artifact, "--model", "generalist", "--data", "target.csv"];
        cells(&here.ok("medical", &args).stdout)
    };
    for (a, b) in of("art").iter().zip(of("again")) {
        assert!((a[2].parse::<f64>().unwrap() - b[2].parse::<f64>().unwrap()).abs() < 1e-6, "{a:?} {b:?}");
    }
    let turned =
        brought.replace("brought.json", "art").replace("[\"setosa\", \"versicolor\"", "[\"versicolor\", \"setosa\"");
    here.write("turned.toml", turned);
    let said = here.run("medical", &["run", "--recipe", "turned.toml", "-o", "x"]);
    assert_eq!(said.code, 2, "{}", said.stderr);
    assert!(said.stderr.contains("it tells apart setosa, versicolor, virginica, the label versicolor, setosa"));
}

#[test]
fn threads_do_not_change_a_byte_of_classes_and_every_estimator_runs() {
    let here = started();
    let few = ["--set", "tune.trials=6", "--set", "compare.bootstrap=100", "--set", "compare.repeats=1"];
    for estimator in ["glm", "linfa-logistic", "smartcore-logistic"] {
        let set = format!("pretrain.estimator={estimator}");
        let run = |threads: &str, output: &str| {
            let args = ["run", "-q", "--recipe", "r.toml", "--threads", threads, "-o", output, "--set", &set];
            let _ = here.ok("medical", &[&args[..], &few].concat());
            here.files(output)
        };
        let (one, two) = (run("1", &format!("{estimator}-1")), run("2", &format!("{estimator}-2")));
        assert!(one.iter().zip(&two).all(|(a, b)| a == b), "{estimator}");
    }
    let said = here.run("medical", &["run", "--recipe", "r.toml", "--set", "pretrain.estimator=linfa-tree"]);
    assert_eq!(said.code, 2);
    assert!(
        said.stderr.contains("`pretrain.estimator` must be one that predicts the probabilities of 3 classes"),
        "{}",
        said.stderr
    );
}

#[test]
fn what_is_wrong_with_a_label_of_classes_is_said_before_work_starts() {
    let here = started();
    let recipe = String::from_utf8(here.read("r.toml")).unwrap();
    let levels = "levels = [\"setosa\", \"versicolor\", \"virginica\"]";
    for (label, code, words) in [
        // A cell that is no class, a class that no row of the source has, and classes of several cells.
        ("levels = [\"setosa\", \"versicolor\", \"other\"]", 3, "one of the 3 declared classes is expected"),
        ("levels = [\"setosa\", \"versicolor\", \"virginica\", \"iris\"]", 3, "no row of the class iris"),
        ("classes = { small = [\"setosa\"], large = [\"versicolor\", \"virginica\"] }", 2, "three or more"),
        ("classes = { a = [\"setosa\"], b = [\"versicolor\"], c = [\"virginica\", \"setosa\"] }", 2, "twice"),
        ("levels = [\"setosa\", \"versicolor\", \"virginica\"]\ncompare = 1", 2, "unknown key"),
    ] {
        here.write("bad.toml", recipe.replace(levels, label));
        let said = here.run("medical", &["check", "--recipe", "bad.toml"]);
        assert_eq!(said.code, code, "{label}: {}", said.stderr);
        assert!(said.stderr.contains(words) && said.stderr.contains("hint: "), "{label}: {}", said.stderr);
    }
    // Rows of a class that is not asked about are left out, and that is said.
    let three = "levels = [\"setosa\", \"versicolor\", \"other\"]\non_invalid = \"missing\"";
    here.write("few.toml", recipe.replace(levels, three));
    let said = here.run("medical", &["check", "--recipe", "few.toml"]);
    assert!(said.stderr.contains("no row of the class other"), "{}", said.stderr);
    // In two spellings a class is one.
    let target = String::from_utf8(here.read("target.csv")).unwrap();
    let mut turn = 0;
    let mixed: Vec<String> = target
        .lines()
        .map(|l| {
            turn += 1;
            if turn % 9 == 0 { l.replace("setosa", "1.0") } else { l.replace("setosa", "1") }
        })
        .collect();
    here.write("target.csv", mixed.join("\n"));
    here.write("source.csv", String::from_utf8(here.read("source.csv")).unwrap().replace("setosa", "TRUE"));
    here.write("mixed.toml", recipe.replace(levels, "levels = [\"1\", \"versicolor\", \"virginica\"]"));
    let said = here.ok("medical", &["check", "--recipe", "mixed.toml"]);
    assert!(said.stdout.contains("spellings"), "{}", said.stdout);
}
