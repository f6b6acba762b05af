//! Immortal time (Suissa 2008): a column that was written after the rows began to be followed. Whoever has a value in it
//! has lived until it was written, and a model takes that for protection.

use ndarray::ArrayView1;
use specialist_core::{Dataset, Estimand, FeatureKind, Followed, Role};
use specialist_report::{Finding, Severity};

use super::input::{Input, finding, ok};

/// Fewer rows than this prove nothing.
const FEWEST: usize = 20;
/// Chance makes a column look so with less than this probability; columns and levels are many.
const CHANCE: f64 = 1e-6;
/// The share of its events that the strongest factor leaves.
const PROTECTED: f64 = 0.1;

pub(super) fn find(input: &Input<'_>) -> Option<Finding> {
    let name = "immortal-time";
    if !matches!(input.target.estimand, Estimand::Survival { .. }) {
        return None;
    }
    let train = input.target.select(&input.split.train);
    let (mut waits, mut lived) = (Vec::new(), Vec::new());
    for data in [Some(&train), input.source].into_iter().flatten() {
        for (c, feature) in data.features.iter().enumerate() {
            let entry = input.recipe.columns.get(&feature.name).is_some_and(|c| c.role == Role::Entry);
            let x = data.records().column(c);
            if entry || waits.contains(&feature.name) || lived.contains(&feature.name) {
                continue;
            }
            match &feature.kind {
                FeatureKind::Number if is_wait(x, data.labels().times()) => waits.push(feature.name.clone()),
                _ if has_survivors(x, data) => lived.push(feature.name.clone()),
                _ => {}
            }
        }
    }
    let names = |of: &[String]| of.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ");
    Some(match (waits.is_empty(), lived.is_empty()) {
        (true, true) => ok(name, "nothing shows that a column was written after the rows began to be followed"),
        (false, _) => finding(
            name,
            Severity::Leak,
            format!(
                "{} is hardly ever beyond the row's own time: it was written on the way, and whoever has it lived until then. Let rows count from it with the role entry, or give it the role ignore",
                names(&waits)
            ),
            Vec::new(),
        ),
        (true, false) => finding(
            name,
            Severity::Warning,
            format!(
                "{}: rows with one of its values are neither lost nor have the event early, as all others are; was it written after they began to be followed?",
                names(&lived)
            ),
            Vec::new(),
        ),
    })
}

/// Whether a number lies between 0 and its own row's time in nearly every row, where it would lie beyond other rows' times
/// far more often.
fn is_wait(x: ArrayView1<'_, f64>, label: &[Followed]) -> bool {
    // Times are cut where nobody looks any further: of who lived so long it is not known how long.
    let end = label.iter().map(|l| l.time).fold(0.0, f64::max);
    let cut = |l: &Followed| l.time >= end && !l.had_event();
    let known: Vec<(f64, f64)> =
        x.iter().zip(label).filter(|(x, l)| !x.is_nan() && !cut(l)).map(|(x, l)| (*x, l.time)).collect();
    if known.len() < FEWEST || known.iter().any(|(x, _)| *x < 0.0) {
        return false;
    }
    // Against the times of all rows: those without a value are the ones that did not live to get it.
    let mut times: Vec<f64> = label.iter().map(|l| l.time).collect();
    times.sort_by(f64::total_cmp);
    let ended = |x: &f64| times.partition_point(|t| t < x) as f64 / times.len() as f64;
    let expected: f64 = known.iter().map(|(x, _)| ended(x)).sum();
    // Rounding may put a few beyond their own time.
    let beyond = known.iter().filter(|(x, t)| x > t).count() as f64;
    // Chernoff's bound on so few where `expected` are.
    let chance = if beyond == 0.0 { -expected } else { beyond - expected + beyond * (expected / beyond).ln() };
    beyond < expected && beyond * 50.0 <= known.len() as f64 && chance < CHANCE.ln()
}

/// Whether the rows with one value of a column have neither an event nor an end of follow-up as early as other rows have.
/// A factor that protects keeps events away and not losses: both must be missing.
fn has_survivors(x: ArrayView1<'_, f64>, data: &Dataset) -> bool {
    let label = data.labels().times();
    let mut values: Vec<u64> = x.iter().map(|v| v.to_bits()).collect();
    values.sort_unstable();
    values.dedup();
    const MOST: usize = 12;
    if values.len() < 2 || values.len() > MOST {
        return false;
    }
    values.into_iter().any(|value| {
        let inside = |r: usize| x[r].to_bits() == value;
        let earliest = (0..x.len()).filter(|&r| inside(r)).map(|r| label[r].time).fold(f64::INFINITY, f64::min);
        // The logarithm of the probability that none of the rows inside ends so early by chance.
        let chance = |event: bool| {
            let of = |within: bool| (0..x.len()).filter(move |&r| inside(r) == within && label[r].had_event() == event);
            let (n, others) = (of(true).count(), of(false).count());
            if n < FEWEST / 2 || others < FEWEST / 2 {
                // Too few ends of this kind to say anything.
                return 0.0;
            }
            let early = of(false).filter(|&r| label[r].time < earliest).count() as f64 / others as f64;
            n as f64 * (1.0 - early).max(1e-3).ln()
        };
        let (events, losses) = (chance(true), chance(false));
        let half = CHANCE.ln() / 2.0;
        // Or events alone, where no factor protects so well: not even one that takes nine in ten of them away.
        (events < half && losses < half) || PROTECTED * (events + losses) < CHANCE.ln()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use rand::Rng;
    use specialist_core::{Context, Feature};

    /// Rows with a constant hazard and losses; the first column is a wait for a treatment that only those have who live to
    /// get it and that does nothing, the second whether they got it, the third a factor that halves the hazard, the fourth
    /// a measurement with gaps.
    fn rows(n: usize, seed: u64) -> Dataset {
        let mut rng = Context::new(seed, 1).rng("rows");
        let mut draw = |mean: f64| -mean * (1.0 - rng.random::<f64>()).ln();
        let mut records = Vec::new();
        let mut labels = Vec::new();
        for i in 0..n {
            let factor = (i % 2) as f64;
            let (event, loss, wait) = (draw(100.0 * (1.0 + factor)), draw(150.0), 20.0 + draw(60.0));
            let t = event.min(loss);
            let treated = wait < t;
            let measured = if i % 3 == 0 { f64::NAN } else { draw(10.0) };
            records.extend([if treated { wait } else { f64::NAN }, f64::from(u8::from(treated)), factor, measured]);
            labels.push(Followed::new(t, event < loss));
        }
        let features = ["wait", "treated", "factor", "measured"].map(Feature::number).to_vec();
        let records = ndarray::Array2::from_shape_vec((n, 4), records).unwrap();
        let mut data = Dataset::new(features, records, labels).unwrap();
        data.estimand = Estimand::Survival { horizon: 100.0 };
        data
    }

    #[test]
    fn what_was_written_on_the_way_is_told_from_what_protects() {
        let mut found = [0; 4];
        for seed in 0..100 {
            let data = rows(300, seed);
            let column = |c: usize| data.records().column(c).to_owned();
            found[0] += usize::from(is_wait(column(0).view(), data.labels().times()));
            found[1] += usize::from(has_survivors(column(1).view(), &data));
            found[2] += usize::from(has_survivors(column(2).view(), &data));
            found[3] += usize::from(is_wait(column(3).view(), data.labels().times()));
        }
        assert_eq!((found[0], found[2], found[3]), (100, 0, 0), "{found:?}");
        assert!(found[1] >= 95, "{found:?}");
    }

    #[test]
    fn few_rows_prove_nothing() {
        assert!(!is_wait(
            array![1.0, f64::NAN, 2.0].view(),
            &[Followed::event(3.0), Followed::censored(1.0), Followed::event(4.0)]
        ));
    }
}
