//! Load an artifact of each domain and score a batch: `cargo run -p specialist --example score [-- ARTIFACT…]`. Without
//! arguments small artifacts are made first.

use std::path::PathBuf;
use std::sync::Arc;

use specialist::arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use specialist::arrow_schema::{DataType, Schema};
use specialist::{Context, Domain, Error, Recipe, Specialist};

fn main() -> Result<(), Error> {
    text::register();
    let domains: [Arc<dyn Domain>; 4] =
        [Arc::new(fraud::Fraud), Arc::new(medical::Medical), Arc::new(trading::Trading), Arc::new(text::Text)];
    let given: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    for folder in if given.is_empty() { made()? } else { given } {
        let model = Specialist::load_among(&folder, &domains)?;
        let rows = batch(&model.schema());
        let predicted = model.predict(&rows)?;
        let names = if model.classes().is_empty() { vec!["predicted".to_string()] } else { model.classes().to_vec() };
        println!("{}: the {}, of {} columns", folder.display(), model.name(), rows.num_columns());
        for (r, row) in predicted.iter_rows().enumerate() {
            let told: Vec<String> = names.iter().zip(row).map(|(n, p)| format!("{n} {p:.4}")).collect();
            println!("  row {}: {}", r + 1, told.join(", "));
        }
    }
    Ok(())
}

/// Three rows that have every column that is asked for.
fn batch(schema: &Schema) -> RecordBatch {
    let column = |kind: &DataType| -> ArrayRef {
        match kind {
            DataType::Float64 => Arc::new(Float64Array::from(vec![Some(1.0), Some(40.0), None])),
            // Missing cells: which levels there are is the recipe's to say; names of cards and shops must be there.
            DataType::Utf8 => Arc::new(StringArray::from(vec!["a", "b", "a"])),
            _ => Arc::new(TimestampMicrosecondArray::from(vec![0, 60_000_000, 120_000_000]).with_timezone("UTC")),
        }
    };
    let columns = schema.fields().iter().map(|f| (f.name(), column(f.data_type())));
    RecordBatch::try_from_iter(columns).expect("columns of one length")
}

fn made() -> Result<Vec<PathBuf>, Error> {
    let ctx = Context::new(42, 2);
    let small = |recipe: Recipe| -> Result<Recipe, Error> {
        recipe.set("tune.trials=4")?.set("pretrain.trials=1")?.set("compare.bootstrap=200")?.set("compare.repeats=1")
    };
    let save = |recipe: Recipe, name: &str| {
        let folder = PathBuf::from(format!("artifacts/example-{name}"));
        small(recipe)?.run(&ctx)?.save(&folder)?;
        Ok::<_, Error>(folder)
    };
    Ok(vec![
        save(Recipe::shipped(fraud::Fraud, "simulated")?, "fraud")?,
        save(Recipe::shipped(medical::Medical, "thyroid-classes")?, "thyroid-classes")?,
        save(Recipe::shipped(medical::Medical, "recurrence")?.set("compare.splits=0")?, "recurrence")?,
        save(Recipe::shipped(trading::Trading, "simulated")?, "trading")?,
        save(reviews()?, "text")?,
    ])
}

/// The recipe of sentiment on made-up reviews and an encoder with random weights, so that nothing need be fetched.
fn reviews() -> Result<Recipe, Error> {
    let rows = |n: usize, seed: usize| {
        let of = |i: usize| {
            let word = [["paid", "well", "note"], ["late", "wrong", "wet"]][i % 2][(i / 2) % 3];
            let letter = |k: usize| char::from(b'a' + ((i * 31 + k * 17 + seed) % 26) as u8);
            format!(
                "the box was {word} {} {} {} {},{}\n",
                letter(0),
                letter(i / 5),
                letter(i / 7),
                letter(i / 3),
                i % 2
            )
        };
        (0..n).map(of).fold("text,label,group,section\n".to_string(), |all, row| all + row.trim_end() + ",,\n")
    };
    std::fs::create_dir_all("artifacts").expect("a folder");
    for (name, n, seed) in [("source", 200, 0), ("target", 160, 5)] {
        std::fs::write(format!("artifacts/example-{name}.csv"), rows(n, seed)).expect("a file");
    }
    let encoder = concat!(env!("CARGO_MANIFEST_DIR"), "/../neural/tests/fixtures/bert-encoder-tiny");
    Recipe::shipped(text::Text, "sentiment")?
        .set("source.data=artifacts/example-source.csv")?
        .set("target.data=artifacts/example-target.csv")?
        .set(&format!("text.backbone={encoder:?}"))?
        .set("text.alike=1.0")?
        .set("check.waive=[\"duplicate-rows\", \"near-duplicate-rows\"]")?
        .set("compare.splits=0")
}
