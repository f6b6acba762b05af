//! Which rows are trained on and which are judged on.

use std::collections::{BTreeMap, HashSet};

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::{Dataset, Error, KeyRole, Labels};

/// One way to part the rows: positions in the data set, ascending.
///
/// ```
/// use specialist_core::{Context, Dataset, Feature, Labels, SplitKeys};
/// let labels = Labels::binary((0..9).map(|i| i % 3 == 0));
/// let data = Dataset::new(vec![Feature::number("x")], ndarray::Array2::zeros((9, 1)), labels)?;
/// let folds = SplitKeys::default().folds(&data, 3, 1, &mut Context::new(1, 1).rng("folds"))?;
/// assert_eq!(folds.iter().map(|fold| fold.test.len()).sum::<usize>(), 9);
/// assert!(folds[0].test.iter().all(|row| !folds[0].train.contains(row)));
/// # Ok::<(), specialist_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Rows to fit on.
    pub train: Vec<usize>,
    /// Rows to judge on.
    pub test: Vec<usize>,
}

/// What a split must respect. With `group` and `time` both set, the later rows are the test rows
/// and every train row of a group that also has test rows is dropped.
///
/// ```
/// use specialist_core::{Context, Dataset, Feature, Labels, SplitKeys};
/// let records = ndarray::Array2::zeros((10, 1));
/// let labels = Labels::binary((0..10).map(|i| i % 2 == 1));
/// let data = Dataset::new(vec![Feature::number("x")], records, labels)?;
/// let keys = SplitKeys { stratify: true, ..Default::default() };
/// let split = keys.holdout(&data, 0.4, &mut Context::new(1, 1).rng("split"))?;
/// assert_eq!((split.train.len(), split.test.len()), (6, 4));
/// # Ok::<(), specialist_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SplitKeys {
    /// Keep the rows of a group on one side.
    pub group: bool,
    /// Train on the past, test on the future.
    pub time: bool,
    /// Seconds before the first test row that are left out of the train rows.
    pub gap: i64,
    /// Keep the share of each label; nothing where labels are numbers.
    pub stratify: bool,
}

impl SplitKeys {
    /// One split with about `fraction` of the rows in test.
    ///
    /// # Errors
    /// [`Error::NoColumn`] when a key has no column, [`Error::TooFew`] when a side is empty.
    pub fn holdout(&self, data: &Dataset, fraction: f64, rng: &mut ChaCha8Rng) -> Result<Split, Error> {
        let split = if self.time {
            let order = time_order(data)?;
            let cut = order.len() - (order.len() as f64 * fraction).round() as usize;
            self.cut_at(data, &order, cut, order.len())?
        } else {
            let parts = (1.0 / fraction.clamp(1e-6, 0.999)).max(1.0);
            let fold = self.assign(data, parts, rng)?;
            part(&fold, 0)
        };
        checked(split)
    }

    /// `k` folds, `repeats` times over; with `time`, `k` windows that part the later half of the rows,
    /// each judged by what is earlier than it, and no repeats.
    ///
    /// # Errors
    /// As [`SplitKeys::holdout`].
    pub fn folds(&self, data: &Dataset, k: usize, repeats: usize, rng: &mut ChaCha8Rng) -> Result<Vec<Split>, Error> {
        if k < 2 {
            return Err(Error::Setting { setting: "folds".into(), expected: "at least 2".into() });
        }
        if self.time {
            let order = time_order(data)?;
            let n = order.len();
            // The earlier half is always trained on: a short first window would be eaten by the gap.
            let edge = |i: usize| n / 2 + (n - n / 2) * i / k;
            return (0..k).map(|i| checked(self.cut_at(data, &order, edge(i), edge(i + 1))?)).collect();
        }
        let mut out = Vec::with_capacity(k * repeats);
        for _ in 0..repeats.max(1) {
            let fold = self.assign(data, k as f64, rng)?;
            for i in 0..k {
                out.push(checked(part(&fold, i))?);
            }
        }
        Ok(out)
    }

    /// Train before `order[cut]`, test from there up to `end`; rows of one instant stay together.
    fn cut_at(&self, data: &Dataset, order: &[usize], cut: usize, end: usize) -> Result<Split, Error> {
        let time = data.time.as_ref().expect("checked by time_order");
        let Some(&first) = order.get(cut) else {
            return Ok(Split { train: order.to_vec(), test: Vec::new() });
        };
        let start = time[first];
        let until = order.get(end).map_or(i64::MAX, |&r| time[r]);
        let mut train: Vec<usize> = (0..data.rows()).filter(|&r| time[r] < start - self.gap.max(0)).collect();
        let test: Vec<usize> = (0..data.rows()).filter(|&r| time[r] >= start && time[r] < until).collect();
        if self.group {
            let codes = groups(data)?;
            let tested: HashSet<u32> = test.iter().map(|&r| codes[r]).collect();
            train.retain(|&r| !tested.contains(&codes[r]));
        }
        Ok(Split { train, test })
    }

    /// A fold number per row. `parts` may be fractional: fold 0 then holds `1 / parts` of the rows.
    fn assign(&self, data: &Dataset, parts: f64, rng: &mut ChaCha8Rng) -> Result<Vec<usize>, Error> {
        let mut fold = vec![0; data.rows()];
        let mut place = |units: &mut Vec<Vec<usize>>| {
            units.shuffle(rng);
            let total: usize = units.iter().map(Vec::len).sum();
            let mut seen = 0;
            for unit in units.iter() {
                // The middle of the unit decides, so that large groups do not drift to one side.
                let middle = (seen as f64 + unit.len() as f64 / 2.0) / total as f64;
                unit.iter().for_each(|&r| fold[r] = (middle * parts) as usize);
                seen += unit.len();
            }
        };
        if self.group {
            let codes = groups(data)?;
            let mut units: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
            for (row, &code) in codes.iter().enumerate() {
                units.entry(code).or_default().push(row);
            }
            let mut units: Vec<Vec<usize>> = units.into_values().collect();
            match strata(data).filter(|_| self.stratify) {
                // A group goes where its rarest class goes, of two where the positive one goes: the one that a part may lack.
                Some((stratum, by_rarity)) => {
                    for s in by_rarity {
                        let (mut those, rest): (Vec<_>, Vec<_>) =
                            units.into_iter().partition(|u| u.iter().any(|&r| stratum[r] == s));
                        place(&mut those);
                        units = rest;
                    }
                }
                None => place(&mut units),
            }
        } else if let Some((stratum, by_rarity)) = strata(data).filter(|_| self.stratify) {
            // The rarest last, as two classes were always placed: another order would draw other random numbers.
            for s in by_rarity.into_iter().rev() {
                let rows = (0..data.rows()).filter(|&r| stratum[r] == s);
                place(&mut rows.map(|r| vec![r]).collect());
            }
        } else {
            place(&mut (0..data.rows()).map(|r| vec![r]).collect());
        }
        Ok(fold)
    }
}

/// What is to be spread evenly: a stratum a row, and the strata, rarest first; of two the one with the event first. None
/// where labels are numbers or texts.
fn strata(data: &Dataset) -> Option<(Vec<u32>, Vec<u32>)> {
    let stratum: Vec<u32> = match data.labels() {
        Labels::Numbers(_) | Labels::Texts(_) => return None,
        Labels::Classes { codes, levels } if levels.len() > 2 => codes.clone(),
        _ => (0..data.rows()).map(|r| u32::from(data.had_event(r))).collect(),
    };
    let mut rows: BTreeMap<u32, usize> = BTreeMap::new();
    stratum.iter().for_each(|s| *rows.entry(*s).or_default() += 1);
    let mut order: Vec<u32> = rows.keys().rev().copied().collect();
    if data.labels().levels().len() > 2 {
        order.sort_by_key(|s| rows[s]);
    }
    Some((stratum, order))
}

fn part(fold: &[usize], test: usize) -> Split {
    let (test, train) = (0..fold.len()).partition(|&r| fold[r] == test);
    Split { train, test }
}

fn checked(split: Split) -> Result<Split, Error> {
    for (what, rows) in [("train rows", &split.train), ("test rows", &split.test)] {
        if rows.is_empty() {
            return Err(Error::TooFew { what: what.into(), found: 0, needed: 1 });
        }
    }
    Ok(split)
}

fn groups(data: &Dataset) -> Result<&[u32], Error> {
    data.key(KeyRole::Group)
        .map(|k| k.codes.as_slice())
        .ok_or_else(|| Error::NoColumn { column: "a column with the role group".into(), nearest: None })
}

fn time_order(data: &Dataset) -> Result<Vec<usize>, Error> {
    let time = data
        .time
        .as_ref()
        .ok_or_else(|| Error::NoColumn { column: "a column with the role time".into(), nearest: None })?;
    let mut order: Vec<usize> = (0..data.rows()).collect();
    order.sort_by_key(|&r| time[r]);
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Context, Feature, Key};
    use ndarray::Array2;
    use proptest::prelude::*;

    fn data(n: usize, groups: u32) -> Dataset {
        let labels = Labels::binary((0..n).map(|i| i % 5 == 0));
        let mut d = Dataset::new(vec![Feature::number("x")], Array2::zeros((n, 1)), labels).unwrap();
        d.time = Some((0..n).map(|i| (i as i64 * 7919) % 1000).collect());
        let codes = (0..n).map(|i| (i as u32 * 31) % groups).collect();
        d.keys.push(Key { name: "g".into(), role: KeyRole::Group, codes, levels: vec![], digests: Vec::new() });
        d
    }

    proptest! {
        #[test]
        fn folds_part_the_rows(n in 20usize..200, k in 2usize..6, seed in 0u64..50, group: bool, stratify: bool) {
            let d = data(n, 15);
            let keys = SplitKeys { group, stratify, ..Default::default() };
            let folds = keys.folds(&d, k, 1, &mut Context::new(seed, 1).rng("f"));
            // Few groups can leave a fold empty: that is refused, never silently accepted.
            if let Ok(folds) = folds {
                let mut seen = vec![0; n];
                for f in &folds {
                    f.test.iter().for_each(|&r| seen[r] += 1);
                    prop_assert_eq!(f.train.len() + f.test.len(), n);
                    if group {
                        let g = &d.keys[0].codes;
                        let test: HashSet<u32> = f.test.iter().map(|&r| g[r]).collect();
                        prop_assert!(f.train.iter().all(|&r| !test.contains(&g[r])));
                    }
                }
                prop_assert!(seen.iter().all(|&s| s == 1));
            }
        }

        #[test]
        fn time_splits_leave_the_gap(n in 30usize..200, gap in 0i64..100, fraction in 0.1f64..0.5, group: bool) {
            let d = data(n, 40);
            let keys = SplitKeys { time: true, gap, group, ..Default::default() };
            if let Ok(s) = keys.holdout(&d, fraction, &mut Context::new(1, 1).rng("f")) {
                let t = d.time.as_ref().unwrap();
                let last = s.train.iter().map(|&r| t[r]).max().unwrap();
                let first = s.test.iter().map(|&r| t[r]).min().unwrap();
                prop_assert!(last + gap < first || (gap == 0 && last < first));
            }
        }
    }

    #[test]
    fn stratified_holdout_keeps_the_share() {
        let d = data(500, 10);
        let keys = SplitKeys { stratify: true, ..Default::default() };
        let s = keys.holdout(&d, 0.4, &mut Context::new(3, 1).rng("f")).unwrap();
        let events = |rows: &[usize]| rows.iter().filter(|&&r| d.had_event(r)).count();
        assert_eq!((s.test.len(), events(&s.test), events(&s.train)), (200, 40, 60));
    }

    #[test]
    fn a_missing_key_is_an_error() {
        let mut d = data(50, 3);
        d.keys.clear();
        let keys = SplitKeys { group: true, ..Default::default() };
        assert!(matches!(keys.holdout(&d, 0.4, &mut Context::new(3, 1).rng("f")), Err(Error::NoColumn { .. })));
    }
}
