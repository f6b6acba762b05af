//! Bootstrap replicates as row weights, drawn so that what belongs together stays together.

use std::collections::BTreeMap;

use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::{Context, Dataset, KeyRole, SplitKeys};

/// How replicates are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Rows, with replacement. Not within each label: how frequent events are is as uncertain as anything, and Brier
    /// scores, calibration and net benefit depend on it.
    Rows,
    /// Whole groups, with replacement.
    Cluster,
    /// Circular moving blocks of consecutive days (Künsch 1989; Politis and Romano 1992).
    MovingBlocks,
}

/// A recipe for `replicates` weight vectors. Replicate `b` depends on the seed and `b` only.
pub struct Bootstrap {
    method: Method,
    replicates: usize,
    rows: usize,
    /// Rows that are drawn together; for blocks in order of time.
    units: Vec<Vec<u32>>,
    block: usize,
    ctx: Context,
}

/// Fewer days than this are no basis for blocks of days: equal slices of the time line are used.
const FEWEST_DAYS: usize = 10;
const SECONDS_A_DAY: i64 = 86_400;

impl Bootstrap {
    /// Replicates of `data` that respect the keys its split respected.
    #[must_use]
    pub fn new(data: &Dataset, keys: SplitKeys, replicates: usize, ctx: &Context) -> Self {
        let rows = data.rows();
        let time = data.time.as_ref().filter(|_| keys.time);
        let group = data.key(KeyRole::Group).filter(|_| keys.group);
        let (method, units, block) = if let Some(time) = time {
            let units = time_units(time);
            let block = (units.len() as f64).cbrt().round().max(1.0) as usize;
            (Method::MovingBlocks, units, block)
        } else if let Some(group) = group {
            (Method::Cluster, by_value(&group.codes), 1)
        } else {
            (Method::Rows, (0..rows as u32).map(|r| vec![r]).collect(), 1)
        };
        Self { method, replicates, rows, units, block, ctx: ctx.child("bootstrap").single() }
    }

    /// Replicates that draw whole groups; `groups` has one code a row.
    #[must_use]
    pub fn clusters(groups: &[u32], replicates: usize, ctx: &Context) -> Self {
        let units = by_value(groups);
        let ctx = ctx.child("bootstrap").single();
        Self { method: Method::Cluster, replicates, rows: groups.len(), units, block: 1, ctx }
    }

    /// How replicates are drawn.
    #[must_use]
    pub fn method(&self) -> Method {
        self.method
    }

    /// How many there are.
    #[must_use]
    pub fn replicates(&self) -> usize {
        self.replicates
    }

    /// How many independent units (rows, groups or blocks of time) the data holds.
    #[must_use]
    pub fn units(&self) -> usize {
        self.units.len() / self.block
    }

    /// Writes the row weights of replicate `b` into `weight`.
    pub fn weights(&self, b: usize, weight: &mut Vec<f64>) {
        weight.clear();
        weight.resize(self.rows, 0.0);
        let mut rng = self.ctx.rng(&b.to_string());
        let n = self.units.len();
        let mut drawn = 0;
        while drawn < n {
            let start = rng.random_range(0..n);
            for i in 0..self.block.min(n - drawn) {
                self.units[(start + i) % n].iter().for_each(|&r| weight[r as usize] += 1.0);
            }
            drawn += self.block;
        }
    }

    /// `work(weights)` for every replicate, in order, on the threads of `ctx`.
    pub fn map<T: Send>(&self, ctx: &Context, work: impl Fn(&[f64]) -> T + Sync) -> Vec<T> {
        const CHUNK: usize = 50;
        let chunks = ctx.map(self.replicates.div_ceil(CHUNK), |chunk| {
            let mut weight = Vec::new();
            let from = chunk * CHUNK;
            (from..(from + CHUNK).min(self.replicates))
                .map(|b| {
                    self.weights(b, &mut weight);
                    work(&weight)
                })
                .collect::<Vec<T>>()
        });
        chunks.into_iter().flatten().collect()
    }
}

fn by_value<T: Ord + Copy>(values: &[T]) -> Vec<Vec<u32>> {
    let mut units: BTreeMap<T, Vec<u32>> = BTreeMap::new();
    for (row, &value) in values.iter().enumerate() {
        units.entry(value).or_default().push(row as u32);
    }
    units.into_values().collect()
}

fn time_units(time: &[i64]) -> Vec<Vec<u32>> {
    let days: Vec<i64> = time.iter().map(|t| t.div_euclid(SECONDS_A_DAY)).collect();
    let units = by_value(&days);
    if units.len() >= FEWEST_DAYS {
        return units;
    }
    let mut order: Vec<u32> = (0..time.len() as u32).collect();
    order.sort_by_key(|&r| time[r as usize]);
    order.chunks(order.len().div_ceil(50).max(1)).map(<[u32]>::to_vec).collect()
}

/// The `q`-quantile of `values` by linear interpolation (type 7); `NaN`s are left out first.
#[must_use]
pub fn quantile(values: &[f64], q: f64) -> f64 {
    let mut v: Vec<f64> = values.iter().copied().filter(|x| !x.is_nan()).collect();
    if v.is_empty() {
        return f64::NAN;
    }
    v.sort_by(f64::total_cmp);
    let at = q * (v.len() - 1) as f64;
    let (low, part) = (at.floor() as usize, at.fract());
    let high = (low + 1).min(v.len() - 1);
    v[low] + part * (v[high] - v[low])
}

/// Mean and sample standard deviation; `NaN`s are left out first.
#[must_use]
pub fn mean_sd(values: &[f64]) -> (f64, f64) {
    let v: Vec<f64> = values.iter().copied().filter(|x| !x.is_nan()).collect();
    let n = v.len() as f64;
    let mean = v.iter().sum::<f64>() / n;
    let var = v.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0);
    (mean, if v.len() > 1 { var.sqrt() } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Feature, Key};
    use ndarray::Array2;

    fn data() -> Dataset {
        let labels = (0..100).map(|i| f64::from(u8::from(i < 20))).collect();
        let mut d = Dataset::new(vec![Feature::number("x")], Array2::zeros((100, 1)), labels).unwrap();
        d.time = Some((0..100).map(|i| i * SECONDS_A_DAY / 4).collect());
        let codes = (0..100).map(|i| i / 5).collect();
        d.keys.push(Key { name: "g".into(), role: KeyRole::Group, codes, levels: vec![], digests: Vec::new() });
        d
    }

    #[test]
    fn the_number_of_events_varies_and_groups_move_together() {
        let ctx = Context::new(5, 1);
        let mut w = Vec::new();
        let d = data();
        let rows = Bootstrap::new(&d, SplitKeys::default(), 400, &ctx);
        let events: Vec<f64> = rows.map(&ctx, |w| w[..20].iter().sum());
        let (mean, sd) = mean_sd(&events);
        // Binomial: 100 draws of a share of .2.
        assert!((mean - 20.0).abs() < 0.8 && (sd - 4.0).abs() < 0.5, "{mean} {sd}");
        let cluster = Bootstrap::new(&d, SplitKeys { group: true, ..Default::default() }, 1, &ctx);
        cluster.weights(3, &mut w);
        assert_eq!(cluster.method(), Method::Cluster);
        assert!(w.chunks(5).all(|g| g.iter().all(|&x| x == g[0])));
        assert_eq!(w.iter().sum::<f64>(), 100.0);
    }

    #[test]
    fn blocks_keep_neighbouring_days() {
        let b = Bootstrap::new(&data(), SplitKeys { time: true, ..Default::default() }, 1, &Context::new(5, 1));
        assert_eq!((b.units.len(), b.block), (25, 3));
        let mut w = Vec::new();
        b.weights(0, &mut w);
        assert!(w.chunks(4).all(|day| day.iter().all(|&x| x == day[0])), "a day is never torn");
    }

    #[test]
    fn quantiles_are_numpys() {
        // numpy.quantile([1, 2, 4, 8], [.1, .5, .9]) = 1.3, 3.0, 6.8
        for (q, expected) in [(0.1, 1.3), (0.5, 3.0), (0.9, 6.8)] {
            assert!((quantile(&[8.0, 1.0, f64::NAN, 4.0, 2.0], q) - expected).abs() < 1e-12);
        }
    }
}
