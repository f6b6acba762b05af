//! Columns that know too much, or nothing. Only rows that are trained on are looked at.

use std::collections::HashSet;

use ndarray::{ArrayView1, Axis};
use specialist_core::metric::{CIndex, R2, RocAuc, descending, evaluate};
use specialist_core::survival::{harrell, ranks};
use specialist_core::{Dataset, Estimand, FeatureKind, Followed, Labels, Metric, Role};
use specialist_report::{Finding, Severity};

use super::input::{Input, finding, ok};
use crate::init::names::is_identifier;

/// One column alone does not tell the label this well unless it was written after the label.
const GIVES_AWAY: f64 = 0.99;
/// More distinct whole numbers than this share of the rows look like names of rows.
const DISTINCT: f64 = 0.98;
/// Fewer rows than this prove nothing about a column.
const FEWEST: usize = 50;
/// Nor do fewer of one of several classes.
const FEWEST_OF_CLASS: usize = 10;

pub(super) fn find(input: &Input<'_>) -> Vec<Finding> {
    let train = input.target.select(&input.split.train);
    vec![label_leak(input, &train), id_like(input, &train), constant(&train)]
}

fn names(columns: &[String]) -> String {
    columns.iter().map(|c| format!("`{c}`")).collect::<Vec<_>>().join(", ")
}

fn label_leak(input: &Input<'_>, train: &Dataset) -> Finding {
    let name = "label-leak";
    // Columns that tell the label, and those that tell some of its classes.
    let (mut whole, mut partly) = (Vec::new(), Vec::new());
    for data in [Some(train), input.source].into_iter().flatten().filter(|d| d.rows() >= FEWEST) {
        for (c, feature) in data.features.iter().enumerate() {
            let (told, all) = classes_told(data, c);
            if all {
                whole.push(feature.name.clone());
            } else if !told.is_empty() {
                let classes: Vec<&str> = told.iter().map(|&k| data.labels().levels()[k].as_str()).collect();
                partly.push(format!("`{}` ({})", feature.name, classes.join(", ")));
            }
        }
    }
    whole.sort_unstable();
    whole.dedup();
    partly.sort_unstable();
    partly.dedup();
    if !whole.is_empty() {
        let message = format!(
            "{} alone tells the label apart (ROC-AUC or R² at least {GIVES_AWAY}): was it written after the fact? Give it the role ignore",
            names(&whole)
        );
        return finding(name, Severity::Leak, message, Vec::new());
    }
    if !partly.is_empty() {
        // Petals tell one kind of iris from the others and are no leak; the bill for its treatment is one.
        let message = format!(
            "one column alone tells a class from all others (ROC-AUC at least {GIVES_AWAY}): {}. A measurement may well; what was written after the fact must have the role ignore",
            partly.join(", ")
        );
        return finding(name, Severity::Warning, message, Vec::new());
    }
    ok(name, "no single column gives the label away")
}

/// The classes that one column by itself tells from the rest, and whether these are all; where there are not several, the
/// first stands for the label.
fn classes_told(data: &Dataset, column: usize) -> (Vec<usize>, bool) {
    let Estimand::Classes(classes) = data.estimand else {
        let told = alone(data, column) >= GIVES_AWAY;
        return (if told { vec![0] } else { Vec::new() }, told);
    };
    let codes = data.labels().codes();
    let is = |class: usize| codes.iter().map(move |c| *c as usize == class);
    // A few rows have a value in common by chance: nothing is told of so rare a class, and it excuses no column.
    let common = (0..classes).filter(|k| is(*k).filter(|own| *own).count() >= FEWEST_OF_CLASS);
    let told = |class: &usize| {
        let records = data.records().column(column).insert_axis(Axis(1)).to_owned();
        let against_the_rest = Dataset::new(vec![data.features[column].clone()], records, Labels::binary(is(*class)));
        against_the_rest.is_ok_and(|d| alone(&d, 0) >= GIVES_AWAY)
    };
    let common: Vec<usize> = common.collect();
    let found: Vec<usize> = common.iter().copied().filter(told).collect();
    let all = !found.is_empty() && found.len() == common.len();
    (found, all)
}

/// ROC-AUC (R² where labels are numbers) of one column by itself: the mean label of its bin, learned on the other
/// half of the rows.
fn alone(data: &Dataset, column: usize) -> f64 {
    const BINS: usize = 32;
    let x = data.records().column(column);
    let timed = matches!(data.estimand, Estimand::Survival { .. });
    // How long a row was followed is no more to be known beforehand than whether the event came.
    if timed && matches!(data.features[column].kind, FeatureKind::Number) && follows(x, data) >= GIVES_AWAY {
        return 1.0;
    }
    let cut = match &data.features[column].kind {
        FeatureKind::Number => edges(x, BINS),
        FeatureKind::Category { .. } => Vec::new(),
    };
    let bin = |v: f64| match &data.features[column].kind {
        _ if v.is_nan() => 0,
        FeatureKind::Number => 1 + cut.partition_point(|&e| e < v),
        FeatureKind::Category { .. } => 1 + v as usize,
    };
    let places = x.iter().map(|&v| bin(v)).collect::<Vec<_>>();
    let size = places.iter().max().map_or(1, |m| m + 1);
    // Where labels are times, events per time followed.
    let exposure = |r: usize| if timed { data.labels().times()[r].time } else { 1.0 };
    let responses = data.labels().responses();
    let outcome = |r: usize| if timed { f64::from(u8::from(data.had_event(r))) } else { responses[r] };
    // Exposure and sum of outcomes per bin and half.
    let mut sums = vec![[[0.0f64; 2]; 2]; size];
    for (r, &p) in places.iter().enumerate() {
        sums[p][r % 2][0] += exposure(r);
        sums[p][r % 2][1] += outcome(r);
    }
    let (all, outcomes) = (0..data.rows()).fold((0.0, 0.0), |(e, o), r| (e + exposure(r), o + outcome(r)));
    let (unit, mean) = (all / data.rows() as f64, outcomes / data.rows() as f64);
    let score: Vec<f64> = places
        .iter()
        .enumerate()
        .map(|(r, &p)| {
            let [rows, sum] = sums[p][1 - r % 2];
            (sum + mean) / (rows + unit)
        })
        .collect();
    let metric: &dyn Metric = match data.estimand {
        // Of several classes each is looked at against the rest.
        Estimand::Probability | Estimand::Classes(_) => &RocAuc,
        Estimand::Survival { .. } => &CIndex,
        Estimand::Mean | Estimand::Quantile(_) => &R2,
        // One column is read, and it is a text.
        Estimand::Text => return 0.0,
    };
    evaluate(metric, data, &score)
}

/// How well a number orders the rows by how long they were followed, either way: concordance.
fn follows(x: ArrayView1<'_, f64>, data: &Dataset) -> f64 {
    let known: Vec<usize> = (0..x.len()).filter(|&r| !x[r].is_nan()).collect();
    let value: Vec<f64> = known.iter().map(|&r| x[r]).collect();
    let time: Vec<Followed> = known.iter().map(|&r| Followed::event(data.labels().times()[r].time)).collect();
    let c = harrell(&time, &ranks(&value, &descending(&value)), &vec![1.0; time.len()]);
    if known.len() < FEWEST { 0.0 } else { c.max(1.0 - c) }
}

fn edges(x: ArrayView1<'_, f64>, bins: usize) -> Vec<f64> {
    let mut seen: Vec<f64> = x.iter().copied().filter(|v| !v.is_nan()).collect();
    seen.sort_by(f64::total_cmp);
    let mut cut: Vec<f64> = (1..bins).filter_map(|i| seen.get(seen.len() * i / bins).copied()).collect();
    cut.dedup();
    cut
}

/// Whether whole numbers, nearly every one different, are names of rows and no measurements: incomes differ from row to row
/// as well. A count without gaps names, and so do long numbers of one length.
pub(crate) fn names_rows(values: impl Iterator<Item = f64>, different: usize) -> bool {
    const LONG: f64 = 1e7;
    let (low, high) = values.fold((f64::MAX, f64::MIN), |(a, b), v| (a.min(v), b.max(v)));
    let counted = high - low < 1.5 * different as f64;
    counted || (low >= LONG && low.log10().floor() == high.log10().floor())
}

fn id_like(input: &Input<'_>, train: &Dataset) -> Finding {
    let name = "id-like-feature";
    let declared = |f: &str| input.recipe.columns.get(f).is_some_and(|c| c.role == Role::Feature);
    let (mut named, mut unsure) = (Vec::new(), Vec::new());
    for (c, feature) in train.features.iter().enumerate().filter(|(_, f)| declared(&f.name)) {
        let x: Vec<f64> = train.records().column(c).iter().copied().filter(|v| !v.is_nan()).collect();
        let different = x.iter().map(|v| v.to_bits()).collect::<HashSet<u64>>().len();
        let own = different as f64 > DISTINCT * x.len() as f64;
        if x.len() < FEWEST || !own || x.iter().any(|v| v.fract() != 0.0) {
            continue;
        }
        // Incomes differ from row to row as well: a name is told by its form, or by what the column is called.
        let is_name = names_rows(x.iter().copied(), different) || is_identifier(&feature.name);
        if is_name { named.push(feature.name.clone()) } else { unsure.push(feature.name.clone()) }
    }
    if named.is_empty() && unsure.is_empty() {
        return ok(name, "no feature looks like the name of a row");
    }
    if named.is_empty() {
        let message = format!(
            "{} is a whole number of its own in nearly every row: a measurement? If it names the row, give it the role id",
            names(&unsure)
        );
        return finding(name, Severity::Warning, message, Vec::new());
    }
    let message =
        format!("{} has a value of its own in nearly every row: give it the role id or ignore", names(&named));
    finding(name, Severity::Leak, message, Vec::new())
}

fn constant(train: &Dataset) -> Finding {
    let name = "constant-column";
    let flat = |c: &usize| {
        let mut values = train.records().column(*c).into_iter().filter(|v| !v.is_nan());
        let first = values.next();
        values.all(|v| Some(v) == first)
    };
    let missing = |c: &usize| train.records().column(*c).iter().all(|v| v.is_nan());
    let named = |c: usize| format!("`{}`{}", train.features[c].name, if missing(&c) { " (all missing)" } else { "" });
    let told: Vec<String> = (0..train.features.len()).filter(flat).map(named).collect();
    if told.is_empty() {
        return ok(name, "every feature varies in the target's train rows");
    }
    finding(name, Severity::Warning, format!("the same in every target train row: {}", told.join(", ")), Vec::new())
}
