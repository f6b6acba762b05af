//! The same row, or nearly the same, on both sides of the split.
//!
//! Two patients may well share a record of few findings; they do not share eight laboratory values.
//! Coincidences are told from copies by counting: the surprisal of a row (the sum over its columns of
//! −log₂ of the value's frequency) says how many agreements chance would bring. Rows of which chance
//! would seldom bring one are counted, and more agreements than chance explains are copies.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use ndarray::ArrayView1;
use specialist_core::Dataset;
use specialist_report::{Finding, Severity};

use super::input::{Input, NAMED, finding, ok, place};

/// Columns depend on each other, so the sum overstates the surprise: this share of it is believed.
const BELIEVED: f64 = 0.8;
/// Rows that chance would pair more often than this tell nothing.
const SELDOM: f64 = 0.1;
/// So many times more pairs than chance explains, and so many at least, are no chance.
const TIMES: f64 = 10.0;
const FEWEST: f64 = 3.0;

/// Hashes and surprisal of every row of a table.
struct Rows<'a> {
    data: &'a Dataset,
    rows: Vec<usize>,
}

struct Frequencies(Vec<HashMap<u64, f64>>);

fn key(x: f64) -> u64 {
    if x.is_nan() { u64::MAX } else { (x + 0.0).to_bits() }
}

fn cell_hash(column: usize, x: f64) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one((column as u64, key(x)))
}

impl Frequencies {
    fn count(tables: &[&Rows<'_>]) -> Self {
        let width = tables[0].data.features.len();
        let total: usize = tables.iter().map(|t| t.rows.len()).sum();
        let column = |c: usize| {
            let mut count: HashMap<u64, f64> = HashMap::new();
            for t in tables {
                for &r in &t.rows {
                    *count.entry(key(t.data.records()[[r, c]])).or_default() += 1.0;
                }
            }
            count.values_mut().for_each(|n| *n = (total as f64 / *n).log2());
            count
        };
        Self((0..width).map(column).collect())
    }

    /// Bits of surprise in each cell of a row. A missing cell has none: missing cells come together.
    fn bits(&self, row: ArrayView1<'_, f64>) -> Vec<f64> {
        let bits =
            |(f, &x): (&HashMap<u64, f64>, &f64)| if x.is_nan() { 0.0 } else { f.get(&key(x)).copied().unwrap_or(0.0) };
        self.0.iter().zip(row).map(bits).collect()
    }
}

pub(super) fn find(input: &Input<'_>) -> Vec<Finding> {
    // What only the target has cannot be compared with the source.
    let shared = input.source.and_then(|s| input.target.aligned(&s.features).ok());
    let target = shared.as_deref().unwrap_or(input.target);
    let aligned = input.source.and_then(|s| s.aligned(&target.features).ok());
    let test = Rows { data: target, rows: input.split.test.clone() };
    let train = Rows { data: target, rows: input.split.train.clone() };
    let source = aligned.as_deref().map(|s| Rows { data: s, rows: (0..s.rows()).collect() });
    let mut tables = vec![&test, &train];
    tables.extend(source.as_ref());
    let frequencies = Frequencies::count(&tables);

    let trained: usize = tables[1..].iter().map(|t| t.rows.len()).sum();
    // How many trained rows chance would make equal to a row of so many bits.
    let chance = |bits: f64| trained as f64 * (-bits * BELIEVED).exp2();
    // Every sealed row under its whole hash and under its hash without each column in turn.
    let mut whole: HashMap<u64, usize> = HashMap::new();
    let mut part: HashMap<u64, usize> = HashMap::new();
    let (mut chance_exact, mut chance_near) = (0.0, 0.0);
    for &r in &test.rows {
        let bits = frequencies.bits(target.row(r));
        let sum: f64 = bits.iter().sum();
        if chance(sum) > SELDOM {
            continue;
        }
        chance_exact += chance(sum);
        let hashes: Vec<u64> = target.row(r).iter().enumerate().map(|(c, &x)| cell_hash(c, x)).collect();
        let total = hashes.iter().fold(0u64, |a, h| a.wrapping_add(*h));
        whole.insert(total, r);
        for ((c, h), b) in hashes.iter().enumerate().zip(&bits) {
            if chance(sum - b) <= SELDOM {
                chance_near += chance(sum - b);
                part.insert(total.wrapping_sub(*h) ^ c as u64, r);
            }
        }
    }
    let mut exact: Vec<(bool, u64, u64)> = Vec::new();
    let mut near = exact.clone();
    for (of_source, table) in [(false, Some(&train)), (true, source.as_ref())] {
        let Some(table) = table else { continue };
        for &r in &table.rows {
            let hashes: Vec<u64> = table.data.row(r).iter().enumerate().map(|(c, &x)| cell_hash(c, x)).collect();
            let total = hashes.iter().fold(0u64, |a, h| a.wrapping_add(*h));
            let pair = |test: usize| (of_source, table.data.lines[r], target.lines[test]);
            if let Some(&test) = whole.get(&total) {
                exact.push(pair(test));
            } else if let Some(&test) =
                hashes.iter().enumerate().find_map(|(c, h)| part.get(&(total.wrapping_sub(*h) ^ c as u64)))
            {
                near.push(pair(test));
            }
        }
    }
    vec![
        told(input, "duplicate-rows", "equal", &exact, chance_exact),
        told(input, "near-duplicate-rows", "equal in all columns but one to", &near, chance_near),
    ]
}

fn told(input: &Input<'_>, name: &str, how: &str, pairs: &[(bool, u64, u64)], chance: f64) -> Finding {
    if (pairs.len() as f64) < FEWEST.max(TIMES * chance) {
        let message = match pairs.len() {
            0 => "no row that is trained on is a copy of a sealed row".into(),
            n => format!("{n} row(s) that are trained on {how} sealed rows, no more than chance explains"),
        };
        return ok(name, &message);
    }
    let place =
        |&(s, trained, sealed): &(bool, u64, u64)| format!("{} and sealed line {sealed}", place(input, s, trained));
    let message =
        format!("{} row(s) that are trained on {how} sealed rows, where chance explains {chance:.1}", pairs.len());
    finding(name, Severity::Leak, message, pairs.iter().take(NAMED).map(place).collect())
}
