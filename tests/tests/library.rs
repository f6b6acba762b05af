//! The library against the programs: the same artifact gives the same scores to the bit, whoever asks.

use std::path::Path;
use std::sync::Arc;

use polars::prelude::{ParquetReader, SerReader};
use specialist::arrow_array::{
    ArrayRef, Decimal128Array, DictionaryArray, Float32Array, Int64Array, RecordBatch, StringArray, types::Int32Type,
};
use specialist::{Context, Domain, Estimand, Recipe, Specialist};
use specialist_e2e::{Sandbox, sound, uniforms};

/// A batch of texts: cells are read as those of a CSV file are.
fn texts(csv: &str) -> RecordBatch {
    let mut lines = csv.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let rows: Vec<Vec<&str>> = lines.map(|l| l.split(',').collect()).collect();
    let column = |c: usize| {
        Arc::new(StringArray::from_iter(rows.iter().map(|r| Some(r[c]).filter(|t| !t.is_empty())))) as ArrayRef
    };
    RecordBatch::try_from_iter(header.iter().enumerate().map(|(c, name)| (*name, column(c)))).unwrap()
}

/// The numbers that a program wrote, all but the first column.
fn written(path: &Path) -> Vec<f64> {
    let frame = ParquetReader::new(std::fs::File::open(path).unwrap()).finish().unwrap();
    let columns: Vec<Vec<f64>> =
        frame.columns().iter().filter_map(|c| c.f64().ok().map(|c| c.iter().map(|v| v.unwrap()).collect())).collect();
    (0..frame.height()).flat_map(|r| columns.iter().map(move |c| c[r]).collect::<Vec<_>>()).collect()
}

const FEW: [&str; 4] = ["tune.trials=3", "pretrain.trials=1", "compare.bootstrap=100", "compare.repeats=1"];

fn few(recipe: Recipe) -> Recipe {
    FEW.iter().fold(recipe, |recipe, set| recipe.set(set).unwrap())
}

#[test]
fn the_library_makes_the_same_artifact_and_the_same_scores_as_the_program() {
    let here = sound();
    let sets: Vec<&str> = FEW.iter().flat_map(|s| ["--set", s]).collect();
    let _ = here.ok("medical", &[&["run", "-q", "--recipe", "recipe.toml", "-o", "own"][..], &sets].concat());
    let recipe = few(Recipe::from_file(here.path("recipe.toml")).unwrap().in_domain(medical::Medical));
    let findings = recipe.check(&Context::new(42, 2)).unwrap();
    assert!(findings.iter().all(|f| !f.stops()));
    let run = recipe.run(&Context::new(42, 2)).unwrap();
    run.save(here.path("lib")).unwrap();
    for ((name, a), (_, b)) in here.files("own").iter().zip(here.files("lib")) {
        assert!(*a == b, "{name} differs");
    }

    let batch = texts(&String::from_utf8(here.read("target.csv")).unwrap());
    for name in ["generalist", "scratch", "specialist"] {
        let args = ["predict", "--artifact", "own", "--model", name, "--data", "target.csv", "-o", "scores.parquet"];
        let _ = here.ok("medical", &args);
        let expected = written(&here.path("scores.parquet"));
        // Plain columns need no domain; the program's name in the manifest finds it where there are several.
        let plain = Specialist::load(here.path("lib")).unwrap().other(name).unwrap();
        let domains: [Arc<dyn Domain>; 2] = [Arc::new(fraud::Fraud), Arc::new(medical::Medical)];
        let found = Specialist::load_among(here.path("lib"), &domains).unwrap().other(name).unwrap();
        for model in [plain, found] {
            assert_eq!((model.name(), model.estimand()), (name, Estimand::Probability));
            assert_eq!(model.predict(&batch).unwrap().single(), expected);
            assert_eq!(model.score_file(here.path("target.csv")).unwrap().outputs.single(), expected);
            // One row alone is scored as among others.
            assert_eq!(model.predict(&batch.slice(17, 1)).unwrap().single(), &expected[17..18]);
            assert_eq!(model.predict(&batch.slice(0, 0)).unwrap().rows(), 0);
        }
    }
    let model = Specialist::load(here.path("lib")).unwrap().other("specialist").unwrap();
    let why = model.explain(&batch.slice(3, 2), None).unwrap();
    assert!(why.len() == 2 && why[0].contributions.iter().any(|c| c.0 == "age"));
    assert!(model.explain(&batch, Some("yes")).is_err() && model.warm(&batch).is_err());
}

#[test]
fn columns_of_any_type_say_the_same_and_what_cannot_be_read_is_named() {
    let here = sound();
    few(Recipe::from_file(here.path("recipe.toml")).unwrap())
        .run(&Context::new(42, 2))
        .unwrap()
        .save(here.path("a"))
        .unwrap();
    let model = Specialist::load(here.path("a")).unwrap();
    let schema = model.schema();
    let asked: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
    assert_eq!(asked, ["age", "dose", "grade"]);
    let grades = ["low", "high", "mid"];
    let of = |age: ArrayRef, grade: ArrayRef| {
        let dose = Arc::new(Float32Array::from(vec![0.5, 2.25, 8.0])) as ArrayRef;
        let more = Arc::new(Int64Array::from(vec![1, 2, 3])) as ArrayRef;
        RecordBatch::try_from_iter([("grade", grade), ("unasked", more), ("dose", dose), ("age", age)]).unwrap()
    };
    let plain = || Arc::new(StringArray::from(grades.to_vec())) as ArrayRef;
    let whole = of(Arc::new(Int64Array::from(vec![30, 45, 70])), plain());
    let expected = model.predict(&whole).unwrap();
    let dictionary: DictionaryArray<Int32Type> = grades.into_iter().collect();
    for other in [
        of(Arc::new(StringArray::from(vec!["30", "45.0", "70"])), plain()),
        of(Arc::new(Float32Array::from(vec![30.0, 45.0, 70.0])), Arc::new(dictionary)),
    ] {
        assert_eq!(model.predict(&other).unwrap(), expected);
    }
    // A slice of a dictionary keeps its values; one without values is all missing, as an empty column is.
    let empty: DictionaryArray<Int32Type> = std::iter::repeat_n(None::<&str>, 3).collect();
    let of_nothing = model.predict(&of(whole.column(3).clone(), Arc::new(empty))).unwrap();
    let missing: ArrayRef = Arc::new(StringArray::from(vec![None::<&str>; 3]));
    assert_eq!(of_nothing, model.predict(&of(whole.column(3).clone(), missing)).unwrap());
    let dictionary: DictionaryArray<Int32Type> = grades.into_iter().collect();
    let decimal = Decimal128Array::from(vec![3000, 4500, 7000]).with_precision_and_scale(10, 2).unwrap();
    let turned = of(Arc::new(decimal), Arc::new(dictionary)).slice(1, 2);
    assert_eq!(model.predict(&turned).unwrap().single(), &expected.single()[1..]);
    // What is out of range, or of a level that the model never saw, is taken as missing, and that is said.
    let odd = of(Arc::new(Int64Array::from(vec![30, 450, 70])), Arc::new(StringArray::from(vec!["low", "top", "mid"])));
    let scores = model.score(&odd).unwrap();
    assert_eq!((scores.invalid[0].count, scores.invalid[0].lines[0]), (1, 2));
    assert_eq!(scores.unseen["grade"].unseen, 1);
    // What is no number, not there, or of a type that is no plain value is refused with its place.
    let text = of(Arc::new(StringArray::from(vec!["30", "old", "70"])), plain());
    let said = model.predict(&text).unwrap_err().to_string();
    assert!(
        said.contains("record batch") && said.contains("2") && said.contains("age") && !said.contains("old"),
        "{said}"
    );
    let short = whole.project(&[0, 2]).unwrap();
    assert!(model.predict(&short).unwrap_err().to_string().contains("`age`"));
    let list = specialist::arrow_array::ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1)]); 3]);
    let said = model.predict(&of(Arc::new(list), plain())).unwrap_err().to_string();
    assert!(said.contains("list") && said.contains("age"), "{said}");
}

#[test]
fn several_classes_and_features_that_look_back_are_those_of_the_program() {
    let here = Sandbox::default();
    let recipe = few(Recipe::shipped(medical::Medical, "thyroid-classes").unwrap());
    recipe.run(&Context::new(42, 2)).unwrap().save(here.path("classes")).unwrap();
    here.write("rows.csv", here.ok("medical", &["embedded", "thyroid"]).stdout);
    let _ = here.ok("medical", &["predict", "--artifact", "classes", "--data", "rows.csv", "-o", "scores.parquet"]);
    let model = Specialist::load(here.path("classes")).unwrap();
    assert_eq!(model.classes(), ["none", "dysfunction", "other"]);
    let rows = texts(&String::from_utf8(here.read("rows.csv")).unwrap());
    assert_eq!(model.predict(&rows).unwrap().values(), written(&here.path("scores.parquet")));
    let why = model.explain(&rows.slice(0, 1), Some("other")).unwrap();
    assert_eq!(why[0].class.as_deref(), Some("other"));

    let recipe = few(Recipe::shipped(fraud::Fraud, "simulated").unwrap());
    recipe.run(&Context::new(42, 2)).unwrap().save(here.path("fraud")).unwrap();
    let said = Specialist::load(here.path("fraud")).err().expect("its features are the domain's").to_string();
    assert!(said.contains("made by the domain fraud"), "{said}");
    assert!(Specialist::load_in(here.path("fraud"), medical::Medical).is_err());
    let all = here.ok("fraud", &["embedded", "simulated-bank"]).stdout;
    let lines: Vec<&str> = all.lines().collect();
    let part = |from: usize, to: usize| {
        std::iter::once(lines[0]).chain(lines[from..to].iter().copied()).collect::<Vec<_>>().join("\n")
    };
    let (before, now) = (part(1, 4001), part(4001, 4301));
    here.write("before.csv", &before);
    here.write("now.csv", &now);
    let args = ["predict", "--artifact", "fraud", "--data", "now.csv", "--history", "before.csv", "-o", "f.parquet"];
    let _ = here.ok("fraud", &args);
    let expected = written(&here.path("f.parquet"));
    let model = Specialist::load_in(here.path("fraud"), fraud::Fraud).unwrap();
    assert_eq!(model.warm(&texts(&before)).unwrap(), 4000);
    // Batch after batch: what was scored is remembered.
    let now = texts(&now);
    let mut found = model.predict(&now.slice(0, 120)).unwrap().into_single().unwrap();
    found.extend_from_slice(model.predict(&now.slice(120, 180)).unwrap().single());
    assert_eq!(found, expected);
    model.forget().unwrap();
    assert_ne!(model.predict(&now).unwrap().single(), expected, "without what came before");
}

#[test]
fn rows_of_a_domain_that_makes_its_tables_are_its_features() {
    let here = Sandbox::default();
    let recipe = few(Recipe::shipped(trading::Trading, "simulated").unwrap());
    recipe.run(&Context::new(42, 2)).unwrap().save(here.path("bars")).unwrap();
    let model = Specialist::load_in(here.path("bars"), trading::Trading).unwrap();
    let schema = model.schema();
    let mut uniform = uniforms(3);
    let numbers =
        |u: &mut dyn FnMut() -> f64| Arc::new(Float32Array::from_iter((0..5).map(|_| Some(u() as f32)))) as ArrayRef;
    let columns: Vec<(String, ArrayRef)> =
        schema.fields().iter().map(|f| (f.name().clone(), numbers(&mut uniform))).collect();
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    assert_eq!(model.predict(&rows).unwrap().rows(), 5);
}
