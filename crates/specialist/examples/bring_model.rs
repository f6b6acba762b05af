//! Bring a model that XGBoost wrote, adapt it without its rows, hear whether that was worth doing:
//! `cargo run -p specialist --example bring_model -- model.json`.

use specialist::{Context, Error, Recipe};

fn main() -> Result<(), Error> {
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/thyroid_xgboost.json");
    let model = std::env::args().nth(1).unwrap_or_else(|| shipped.into());
    let recipe = Recipe::shipped(medical::Medical, "thyroid-own-model")?;
    let run = recipe.set(&format!("source.model='{model}'"))?.set("tune.trials=8")?.run(&Context::new(42, 2))?;
    println!("{}", run.report.evidence.verdict.reason);
    run.save("artifacts/example-own-model")
}
