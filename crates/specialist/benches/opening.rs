//! How long it takes until an artifact of 200 trees has scored one row, beside reading its model's file and nothing else, in one run:
//! `cargo bench -p specialist --bench opening`. What counts is the ratio; the milliseconds are this machine's.

use std::sync::Arc;
use std::time::Instant;

use arrow_array::{ArrayRef, Float64Array, RecordBatch};
use specialist::core::{Dataset, Feature, Labels, Pretrain};
use specialist::tabular::Estimator;
use specialist::tabular::estimator::BoostedTrees;
use specialist::{Context, Recipe, Specialist};

const TREES: i64 = 200;
const REPEATS: usize = 101;

/// Rows whose label two of the numbers decide.
fn rows(n: usize, shift: f64) -> Vec<[f64; 9]> {
    let mut state = 7_u64;
    let mut draw = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let row = |_| {
        let mut row = [0.0; 9];
        row[..8].iter_mut().for_each(|x| *x = draw());
        row[8] = f64::from(u8::from(row[0] + shift * row[1] + 0.5 * draw() > 0.8));
        row
    };
    (0..n).map(row).collect()
}

/// The middle of some repeats, in milliseconds.
fn median(mut work: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = Vec::new();
    for _ in 0..REPEATS {
        let start = Instant::now();
        work();
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    times[REPEATS / 2]
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let at = |name: &str| folder.path().join(name);
    let names: Vec<String> = (0..8).map(|k| format!("x{k}")).collect();
    let source = rows(4000, 0.2);
    let features = names.iter().map(Feature::number).collect();
    let records = ndarray::Array2::from_shape_fn((source.len(), 8), |(r, c)| source[r][c]);
    let data = Dataset::new(features, records, Labels::binary(source.iter().map(|r| r[8] > 0.5)))?;
    let estimator: &'static dyn Estimator = &BoostedTrees;
    let mut settings = estimator.defaults();
    settings.params.0.insert("rounds".into(), TREES.into());
    let model = settings.pretrain(&data, &Context::new(1, 2))?;
    std::fs::write(at("model.json"), model.to_xgboost()?.to_string())?;
    let mut table = names.join(",") + ",y\n";
    for row in rows(600, 0.4) {
        table += &(row.map(|v| v.to_string()).join(",") + "\n");
    }
    std::fs::write(at("own.csv"), table)?;
    let columns: String = names.iter().map(|n| format!("[columns.{n}]\n")).collect();
    let recipe = format!(
        "[source]\nmodel = \"model.json\"\n[target]\ndata = \"own.csv\"\n{columns}[columns.y]\nrole = \"label\"\n\
         [tune]\ntunings = [\"continue\"]\ntrials = 2\nfolds = 2\n[compare]\nbootstrap = 200\nrepeats = 1\n"
    );
    std::fs::write(at("recipe.toml"), recipe)?;
    let artifact = at("artifact");
    Recipe::from_file(at("recipe.toml"))?.run(&Context::new(42, 2))?.save(&artifact)?;
    let column = |v: f64| Arc::new(Float64Array::from(vec![v])) as ArrayRef;
    let one = RecordBatch::try_from_iter(names.iter().map(|n| (n.as_str(), column(0.5))))?;

    let opened = Specialist::load(&artifact)?;
    let file = artifact.join(format!("models/{}.json", opened.name()));
    let size = std::fs::metadata(&file)?.len();
    let read = median(|| assert_eq!(std::fs::read(&file).expect("it is there").len() as u64, size));
    let score = median(|| assert_eq!(opened.predict(&one).expect("it scores").rows(), 1));
    let all = median(|| {
        let model = Specialist::load(&artifact).expect("it opens");
        assert_eq!(model.predict(&one).expect("it scores").rows(), 1);
    });
    println!(
        "{} of {TREES} trees and more, {size} bytes: opened and one row scored in {all:.2} ms, of which scoring {score:.3} ms; its file read in {read:.3} ms: {:.0} times that",
        opened.name(),
        all / read
    );
    Ok(())
}
