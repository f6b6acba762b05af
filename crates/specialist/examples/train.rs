//! Train and hear the verdict, in fifteen lines: `cargo run -p specialist --example train`.

use specialist::{Context, Recipe};

fn main() -> Result<(), specialist::Error> {
    // A recipe that ships with a domain; `Recipe::from_file("recipe.toml")` for one's own.
    let recipe = Recipe::shipped(medical::Medical, "thyroid")?.set("tune.trials=8")?;
    let run = recipe.run(&Context::new(42, 2))?;

    let evidence = &run.report.evidence;
    println!("{}: {}", evidence.verdict.outcome.word(), evidence.verdict.reason);
    for d in &evidence.differences {
        let i = d.interval;
        println!("{} − {}: {:+.4} ({:+.4} to {:+.4})", d.candidate, d.against, i.estimate, i.low, i.high);
    }
    run.save("artifacts/example-thyroid")
}
