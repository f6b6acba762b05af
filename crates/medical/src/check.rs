//! What a hospital's statistician looks at before anything is fitted: who could be recognised, and whether there are
//! patients enough.

use specialist_core::{Dataset, Estimand, FeatureKind, Finding, Severity};
use specialist_tabular::Encoder;

use crate::sample_size::Outcome;

/// Words in the names of columns that name people.
const NAMES: [&str; 15] = [
    "name",
    "surname",
    "forename",
    "mrn",
    "ssn",
    "nhs",
    "insurance",
    "phone",
    "mobile",
    "email",
    "address",
    "street",
    "postcode",
    "zip",
    "passport",
];
/// Words in the names of columns that date them.
const DATES: [&str; 6] = ["birth", "dob", "born", "birthday", "birthdate", "deathdate"];
/// A category with more levels than this share of its rows names rows.
const DISTINCT: f64 = 0.5;
/// A level of so many words was written freely.
const WORDS: usize = 5;
/// The share of the largest possible R² that is expected where nothing is known (Riley and others 2020).
const EXPECTED: f64 = 0.15;

/// Likely identifiers, and the size of the sample.
pub fn findings(source: Option<&Dataset>, train: &Dataset) -> Vec<Finding> {
    vec![identifiers(source, train), sample_size(train)]
}

fn identifiers(source: Option<&Dataset>, train: &Dataset) -> Finding {
    let name = "identifiers";
    let mut told: Vec<String> = Vec::new();
    for data in source.into_iter().chain([train]) {
        for (c, f) in data.features.iter().enumerate() {
            let why = by_name(&f.name).or_else(|| match &f.kind {
                FeatureKind::Category { .. } => by_levels(&data.observed_levels(c), rows_of_their_own(data, c)),
                FeatureKind::Number => by_numbers(data, c),
            });
            let line = why.map(|why| format!("`{}` ({why})", f.name));
            told.extend(line.filter(|l| !told.contains(l)));
        }
    }
    if told.is_empty() {
        return Finding::new(
            name,
            Severity::Ok,
            "no feature looks like it names, dates or describes a person",
            Vec::new(),
        );
    }
    let message = format!(
        "{} may tell who somebody is, and would travel in the artifact: give them the role ignore, or waive this where they are harmless",
        told.join(", ")
    );
    Finding::new(name, Severity::Leak, message, Vec::new())
}

fn by_name(column: &str) -> Option<&'static str> {
    let lower = column.to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let has = |list: &[&str]| words.iter().any(|w| list.contains(w));
    if has(&DATES) {
        Some("a date of birth or death by its name")
    } else if has(&NAMES) {
        Some("a person by its name")
    } else {
        None
    }
}

/// The share of rows whose level no other row has. (Declared levels, and levels that some rows share, tell nothing of a person.)
fn rows_of_their_own(data: &Dataset, column: usize) -> f64 {
    let mut count: std::collections::HashMap<u64, usize> = std::collections::HashMap::new();
    for v in data.records().column(column).iter().filter(|v| !v.is_nan()) {
        *count.entry(v.to_bits()).or_default() += 1;
    }
    count.values().filter(|n| **n == 1).count() as f64 / data.rows().max(1) as f64
}

fn by_levels(levels: &[&str], own: f64) -> Option<&'static str> {
    let share =
        |wanted: &dyn Fn(&str) -> bool| levels.iter().filter(|l| wanted(l)).count() as f64 / levels.len().max(1) as f64;
    if levels.len() >= 10 && share(&is_date) > 0.5 {
        Some("dates")
    } else if share(&|l| l.contains('@') && l.contains('.')) > 0.5 {
        Some("addresses")
    } else if share(&|l| l.split_whitespace().count() >= WORDS) > 0.5 {
        Some("free text")
    } else if levels.len() >= 50 && own > DISTINCT {
        Some("a level of its own in most rows")
    } else {
        None
    }
}

fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split(['-', '/', '.']).collect();
    parts.len() == 3 && parts.iter().all(|p| (1..=4).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_digit()))
}

/// Whole numbers of eight digits and more, nearly all distinct: numbers of records, of insurance, or dates.
fn by_numbers(data: &Dataset, column: usize) -> Option<&'static str> {
    let mut values: Vec<f64> = data.records().column(column).iter().copied().filter(|v| !v.is_nan()).collect();
    let n = values.len();
    if n < 20 || !values.iter().all(|v| v.fract() == 0.0 && *v >= 1e7) {
        return None;
    }
    values.sort_by(f64::total_cmp);
    values.dedup();
    (values.len() as f64 > DISTINCT * n as f64).then_some("long numbers, nearly all distinct")
}

fn sample_size(train: &Dataset) -> Finding {
    let name = "sample-size";
    let (n, events) = (train.rows(), train.events());
    let outcome = match train.estimand {
        Estimand::Probability => Outcome::Binary { prevalence: train.prevalence() },
        Estimand::Survival { .. } => {
            let followed: f64 = train.labels().times().iter().map(|l| l.time).sum();
            Outcome::Survival { rate: events as f64 / followed, followed: followed / n.max(1) as f64 }
        }
        Estimand::Classes(k) => return sample_size_of_classes(train, k),
        Estimand::Mean | Estimand::Quantile(_) | Estimand::Text => {
            return Finding::new(name, Severity::Ok, "the outcome is no event", Vec::new());
        }
    };
    let parameters = Encoder::fit(train).width();
    let needed = outcome.needed(EXPECTED * outcome.largest_r2(), parameters);
    let enough = n >= needed.all();
    let message = format!(
        "{n} patients to train on, {events} events, {parameters} parameters: {:.1} events a parameter. A model of the target's own {} {} patients (Riley's criteria, with {:.0} % of the largest R²: {} for a shrinkage of .9, {} for an optimism of .05, {} for the overall risk)",
        events as f64 / parameters.max(1) as f64,
        if enough { "has the" } else { "would need" },
        needed.all(),
        100.0 * EXPECTED,
        needed.shrinkage,
        needed.optimism,
        needed.overall
    );
    Finding::new(name, if enough { Severity::Ok } else { Severity::Warning }, message, Vec::new())
}

/// Every pair of classes by itself: the distinct logistic regressions by which Pate and others (2023) size a multinomial one.
fn sample_size_of_classes(train: &Dataset, classes: usize) -> Finding {
    let n = train.rows();
    let mut rows = vec![0usize; classes];
    train.labels().codes().iter().for_each(|&c| rows[c as usize] += 1);
    let parameters = Encoder::fit(train).width();
    let levels = train.labels().levels();
    let pairs = (0..classes).flat_map(|a| (a + 1..classes).map(move |b| (a, b)));
    let needed = |(a, b): (usize, usize)| {
        let both = rows[a] + rows[b];
        if rows[a].min(rows[b]) == 0 {
            return (usize::MAX, a, b);
        }
        let pair = Outcome::Binary { prevalence: rows[a] as f64 / both as f64 };
        let of_pair = pair.needed(EXPECTED * pair.largest_r2(), parameters).shrinkage;
        // So many of the two classes come in so many rows of all.
        ((of_pair as f64 * n as f64 / both as f64).ceil() as usize, a, b)
    };
    let (most, a, b) = pairs.map(needed).max().unwrap_or((0, 0, 0));
    let rarest = rows.iter().min().copied().unwrap_or(0);
    let counts = format!(
        "{n} patients to train on, {rarest} of the rarest of {classes} classes, {parameters} parameters a class"
    );
    if most == usize::MAX {
        let absent: Vec<&str> = (0..classes).filter(|&k| rows[k] == 0).map(|k| levels[k].as_str()).collect();
        let message = format!("{counts}: the target has none of {} to train on", absent.join(", "));
        return Finding::new("sample-size", Severity::Warning, message, Vec::new());
    }
    let enough = n >= most;
    let message = format!(
        "{counts}. A model of the target's own {} {most} patients, for a shrinkage of .9 in telling {} from {} (Riley's criterion for every pair of classes, with {:.0} % of the largest R²)",
        if enough { "has the" } else { "would need" },
        levels[a],
        levels[b],
        100.0 * EXPECTED
    );
    Finding::new("sample-size", if enough { Severity::Ok } else { Severity::Warning }, message, Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;
    use specialist_core::{Feature, Labels};

    fn with(name: &str, kind: FeatureKind, value: impl Fn(usize) -> f64) -> Finding {
        let x = Array2::from_shape_fn((200, 1), |(i, _)| value(i));
        let feature = Feature { kind, ..Feature::number(name) };
        let y = Labels::binary((0..200).map(|i| i % 4 == 0));
        identifiers(None, &Dataset::new(vec![feature], x, y).unwrap())
    }

    #[test]
    fn what_names_people_is_found_and_what_does_not_is_left() {
        let levels = |f: &dyn Fn(usize) -> String| FeatureKind::Category { levels: (0..200).map(f).collect() };
        let few = FeatureKind::Category { levels: vec!["a".into(), "b".into()] };
        let leak = |f: Finding| f.severity == Severity::Leak;
        assert!(leak(with("patient_name", few.clone(), |i| (i % 2) as f64)));
        assert!(leak(with("date of birth", FeatureKind::Number, |i| i as f64)));
        assert!(leak(with("x", levels(&|i| format!("{}.0{}.19{}", i % 28, i % 9 + 1, 20 + i % 70)), |i| i as f64)));
        assert!(leak(with("note", levels(&|i| format!("comes with pain since day {i}")), |i| i as f64)));
        assert!(leak(with("case", FeatureKind::Number, |i| 12_345_678.0 + (i * 977) as f64)));
        assert!(!leak(with("age", FeatureKind::Number, |i| 20.0 + (i % 60) as f64)));
        assert!(!leak(with("nodes", few, |i| (i % 2) as f64)), "`nodes` is no `name`");
        assert!(!leak(with("pgr", FeatureKind::Number, |i| (i * i) as f64)));
    }

    #[test]
    fn the_size_is_said() {
        let x = Array2::from_shape_fn((200, 2), |(i, j)| ((i * 7 + j) % 31) as f64);
        let y = Labels::binary((0..200).map(|i| i % 4 == 0));
        let data = Dataset::new(["a", "b"].map(Feature::number).to_vec(), x, y).unwrap();
        let found = sample_size(&data);
        assert!(
            found.message.starts_with("200 patients to train on, 50 events, 2 parameters: 25.0 events"),
            "{found:?}"
        );
        // The overall risk alone asks for (1.96 / .05)² × .25 × .75.
        assert!(found.message.contains("289 for the overall risk") && found.severity == Severity::Warning, "{found:?}");
    }
}
