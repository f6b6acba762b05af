//! What every implementation of a trait must hold to, as functions that a test calls with one of
//! them, and a sink that fails when it is told to.

mod sampler;
mod store;

use std::io::{self, Write};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value as Json;
use specialist_core::ndarray::Array2;
use specialist_core::{
    Context, Dataset, Error, Feature, FeatureKind, FineTune, Key, KeyRole, Labels, Metric, Outputs, Predict, Scored,
    metric,
};

pub use sampler::sampler_contract;
pub use store::store_contract;

/// `rows` rows with two numbers (one with missing values) and a category, which drive the label; with
/// time, amount and a group, so that every metric and feature step finds what it needs.
#[must_use]
pub fn rows(rows: usize, shift: f64, seed: u64) -> Dataset {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut records = Array2::from_elem((rows, 3), f64::NAN);
    let mut labels = vec![false; rows];
    for r in 0..rows {
        let (a, b, c) = (rng.random_range(-2.0..2.0), rng.random_range(0.0..10.0), rng.random_range(0..3u8));
        records[[r, 0]] = a;
        if rng.random_bool(0.9) {
            records[[r, 1]] = b;
        }
        records[[r, 2]] = f64::from(c);
        let margin = 1.5 * a + 0.2 * (b - 5.0) + if c == 2 { 1.0 } else { -0.5 } + shift;
        labels[r] = rng.random::<f64>() < 1.0 / (1.0 + f64::exp(-margin));
    }
    let levels = ["x", "y", "z"].map(String::from).to_vec();
    let category = Feature { name: "c".into(), kind: FeatureKind::Category { levels }, monotone: 0, knots: 0 };
    let features = vec![Feature::number("a"), Feature::number("b"), category];
    let mut data = Dataset::new(features, records, Labels::binary(labels)).expect("the shapes agree");
    data.time = Some((0..rows as i64).map(|r| r * 3600).collect());
    data.amount = Some((0..rows).map(|r| 1.0 + (r % 97) as f64).collect());
    let codes = (0..rows).map(|r| (r % 23) as u32).collect();
    data.keys.push(Key { name: "g".into(), role: KeyRole::Group, codes, levels: Vec::new(), digests: Vec::new() });
    data
}

/// A model scores rows one by one as it scores them together, in any order of rows and of columns,
/// and gives probabilities; a column that is not there is an error, not a guess.
///
/// # Panics
/// When the model does not hold to it.
pub fn predict_contract(model: &dyn Predict, data: &Dataset) {
    let all = model.predict(data).expect("the features fit");
    assert_eq!(all.len(), data.rows());
    assert!(model.estimand().is_number() || all.iter().all(|p| (0.0..=1.0).contains(p)), "probabilities");
    for r in [0, data.rows() / 2, data.rows() - 1] {
        assert_eq!(
            model.predict(&data.select(&[r])).expect("one row fits"),
            [all[r]],
            "one row is scored as in the batch"
        );
    }
    let backwards: Vec<usize> = (0..data.rows()).rev().collect();
    let reversed = model.predict(&data.select(&backwards)).expect("the order is free");
    assert!(reversed.iter().rev().eq(all.iter()), "the order of the rows does not matter");
    let mut turned: Vec<Feature> = data.features.clone();
    turned.rotate_left(1);
    let turned = data.aligned(&turned).expect("all columns are there");
    assert_eq!(model.predict(&turned).expect("by name"), all, "columns are found by name");
    let short = data.aligned(&data.features[1..]).expect("a part of the columns");
    assert!(matches!(model.predict(&short), Err(Error::NoColumn { .. })), "a missing column is an error");
}

/// A tuning leaves the generalist alone, gives the same specialist for the same seed on any number of
/// threads, and stops when it is told to.
///
/// # Panics
/// When the tuning does not hold to it.
pub fn fine_tune_contract<G: Predict, T: FineTune<G>>(tuning: &T, generalist: &G, target: &Dataset) {
    let before = generalist.margin(target).expect("the features fit");
    let tuned = |threads| {
        let model = tuning.fine_tune(generalist, target, &Context::new(3, threads)).expect("it can be tuned");
        model.margin(target).expect("the features fit")
    };
    assert_eq!(tuned(1), tuned(4), "threads do not change the specialist");
    assert_eq!(generalist.margin(target).expect("the features fit"), before, "the generalist is untouched");
    let stop = specialist_core::Cancelled::default();
    stop.cancel();
    let cancelled = tuning.fine_tune(generalist, target, &Context::new(3, 1).with_cancel(stop));
    assert!(matches!(cancelled, Err(Error::Cancelled)), "a cancelled run stops");
}

/// A metric sees a row of weight two as the row twice and a row of weight zero not at all, and does
/// not depend on the order of the rows.
///
/// # Panics
/// When the metric does not hold to it.
pub fn metric_contract(metric: &dyn Metric) {
    let data = rows(240, 0.0, 5);
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    // Whole days share a weight, as in a block bootstrap: metrics per day know nothing smaller.
    let days: Vec<u8> = (0..10).map(|_| rng.random_range(0..3)).collect();
    let of = |r: usize| usize::from(days[r / 24]);
    let p: Vec<f64> = (0..240).map(|_| rng.random_range(0.01..0.99)).collect();
    let weight: Vec<f64> = (0..240).map(|r| of(r) as f64).collect();
    let (order, outputs) = (metric::descending(&p), Outputs::from(p.clone()));
    let weighted = metric.value(&Scored {
        rows: &data,
        outputs: &outputs,
        order: &order,
        weight: &weight,
        baseline: None,
        counts: None,
    });
    // The day's second copy is moved to a day of its own.
    let copies: Vec<(usize, i64)> =
        (0..240).flat_map(|r| (0..of(r)).map(move |c| (r, c as i64 * 86_400 * 100))).collect();
    let mut repeated = data.select(&copies.iter().map(|c| c.0).collect::<Vec<_>>());
    repeated.time.as_mut().expect("there is a time").iter_mut().zip(&copies).for_each(|(t, c)| *t += c.1);
    let repeated_p: Vec<f64> = copies.iter().map(|c| p[c.0]).collect();
    let value = metric::evaluate(metric, &repeated, &repeated_p);
    assert!((weighted - value).abs() < 1e-9, "{}: weighted {weighted}, repeated {value}", metric.name());
    let backwards: Vec<usize> = (0..240).rev().collect();
    let reversed: Vec<f64> = backwards.iter().map(|&r| p[r]).collect();
    let (forth, back) =
        (metric::evaluate(metric, &data, &p), metric::evaluate(metric, &data.select(&backwards), &reversed));
    assert!((forth - back).abs() < 1e-9, "{}: {forth} forth, {back} back", metric.name());
}

/// A sink that takes `left` bytes and then has no room.
pub struct FullDisk {
    /// Bytes it still takes.
    pub left: usize,
}

impl Write for FullDisk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::Error::new(io::ErrorKind::StorageFull, "no space left"));
        }
        let taken = bytes.len().min(self.left);
        self.left -= taken;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// `document` with one place changed, again and again: every key of every object left out, every list cut, emptied and
/// doubled, every value replaced by what no writer writes there. At most `most` of them, spread evenly over the places.
/// What reads the document must refuse it or cope; `visit` hears of the place and gets the changed document.
pub fn damaged(document: &Json, most: usize, mut visit: impl FnMut(&str, Json)) {
    let mut places = Vec::new();
    gather(document, String::new(), &mut places);
    let odd: Vec<Json> = vec![
        Json::Null,
        (-1).into(),
        0.into(),
        u64::MAX.into(),
        1e300.into(),
        "x".into(),
        true.into(),
        Json::Array(Vec::new()),
        Json::Object(serde_json::Map::new()),
    ];
    let changes = odd.len() + 3;
    let step = (places.len() * changes).div_ceil(most).max(1);
    // A step that shares no factor with the number of changes meets all of them.
    let step = (step..).find(|s| s % 2 == 1 && s % 3 == 1 || *s == 1).expect("there is one");
    for turn in (0..places.len() * changes).step_by(step) {
        let (place, change) = (&places[turn / changes], turn % changes);
        let mut changed = document.clone();
        let at = changed.pointer_mut(place).expect("it was gathered");
        match (change, &mut *at) {
            (c, at) if c < odd.len() => *at = odd[c].clone(),
            (9, Json::Array(list)) => list.truncate(list.len() / 2),
            (10, Json::Array(list)) => list.extend(list.clone()),
            (11, Json::Array(list)) => list.reverse(),
            (c, Json::Object(map)) if !map.is_empty() => {
                let key = map.keys().nth((c + turn) % map.len()).expect("it has keys").clone();
                map.remove(&key);
            }
            (10, Json::Number(n)) => *at = (n.as_f64().unwrap_or(0.0) * 1e6).into(),
            (11, Json::Number(n)) => *at = (-n.as_f64().unwrap_or(0.0) - 0.5).into(),
            _ => continue,
        }
        visit(place, changed);
    }
}

fn gather(value: &Json, at: String, out: &mut Vec<String>) {
    match value {
        Json::Array(list) => list.iter().enumerate().for_each(|(i, v)| gather(v, format!("{at}/{i}"), out)),
        Json::Object(map) => {
            map.iter().for_each(|(k, v)| gather(v, format!("{at}/{}", k.replace('~', "~0").replace('/', "~1")), out));
        }
        _ => {}
    }
    out.push(at);
}
