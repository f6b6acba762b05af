//! A program with a metric of its own, which recipes can name: `cargo run -p specialist --example own_metric -- run --recipe thyroid
//! --set compare.metric=hit-rate`.

use specialist::Metric;
use specialist::core::metric::METRICS;
use specialist::core::{Goal, Scored};

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

fn main() -> std::process::ExitCode {
    METRICS.add(&HitRate);
    specialist_cli::run(medical::Medical)
}
