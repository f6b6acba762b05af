//! A metric of one's own, with its interval and as the one that the verdict rests on:
//! `cargo run -p specialist --example own_metric`.

use specialist::core::{Goal, Scored};
use specialist::{Context, Domain, Error, Metric, Recipe};

/// The share of rows whose probability is on the right side of one half.
struct HitRate;

impl Metric for HitRate {
    fn name(&self) -> &str {
        "hit-rate"
    }

    fn goal(&self) -> Goal {
        Goal::Higher
    }

    fn value(&self, s: &Scored<'_>) -> f64 {
        let hit = |((p, class), w): ((&f64, &u32), &f64)| if (*p >= 0.5) == (*class == 1) { *w } else { 0.0 };
        s.predicted().iter().zip(s.codes()).zip(s.weight).map(hit).sum::<f64>() / s.weight.iter().sum::<f64>()
    }
}

/// Plain tables, judged by it.
struct Wards;

impl Domain for Wards {
    fn name(&self) -> &'static str {
        "wards"
    }

    fn about(&self) -> &'static str {
        "Tables that are judged by hits"
    }

    fn recipes(&self) -> &'static [specialist::core::Recipe] {
        &[]
    }

    fn metrics(&self) -> Vec<Box<dyn Metric>> {
        vec![Box::new(HitRate)]
    }

    // The rows are those that ship with `medical`.
    fn data(&self, name: &str) -> Option<std::borrow::Cow<'static, [u8]>> {
        medical::Medical.data(name)
    }
}

fn main() -> Result<(), Error> {
    let recipe = Recipe::shipped(medical::Medical, "thyroid")?.in_domain(Wards).set("tune.trials=8")?;
    let evidence = recipe.run(&Context::new(42, 2))?.report.evidence;
    println!("{}: {}", evidence.primary, evidence.verdict.reason);
    Ok(())
}
