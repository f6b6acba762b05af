//! What may be written of single rows: where a data set asks for it ([`crate::Dataset::fewest_rows`]), no value that
//! fewer rows share stands in a model or a report.
//!
//! Noise (differential privacy) is not used: it would move every prediction, and its promise needs an accountant over
//! all that is ever fitted on the rows. What is done here moves no train row across any threshold.

use std::collections::HashMap;

use crate::summary::quantile;
use crate::{Dataset, FeatureKind, KeyRole, canonical};

pub use crate::dataset::OTHER;

/// `x` with three digits that count, up or down: a range that is told holds what it is the range of, whatever its unit,
/// and is no row's own value.
#[must_use]
pub fn outwards(x: f64, up: bool) -> f64 {
    if x == 0.0 || !x.is_finite() {
        return x;
    }
    let round = if up { f64::ceil } else { f64::floor };
    on_grid(x, x.abs().log10().floor() as i32 - 2, round)
}

/// `x` with three digits that count: what a mean over few rows that differ says of them is no more than that.
#[must_use]
pub fn three_digits(x: f64) -> f64 {
    if x == 0.0 || !x.is_finite() { x } else { on_grid(x, x.abs().log10().floor() as i32 - 2, f64::round) }
}

/// The number strictly between `low` and `high` that has the fewest digits, and of these the one nearest to their middle.
/// `high` where there is none: the two are the same, or neighbours in double precision.
#[must_use]
pub fn between(low: f64, high: f64) -> f64 {
    // Digits of a double, with some to spare.
    const DIGITS: i32 = 18;
    // Halved before they are added: the sum of two doubles may overflow.
    let middle = low / 2.0 + high / 2.0;
    let size = low.abs().max(high.abs());
    if !(low < high && size.is_finite()) {
        return high;
    }
    let first = size.log10().ceil() as i32;
    let found = (0..=DIGITS).map(|d| on_grid(middle, first - d, f64::round)).find(|x| low < *x && *x < high);
    found.unwrap_or(if low < middle && middle < high { middle } else { high })
}

/// `x` rounded to a multiple of 10 to the `power`. Dividing by a power of ten is exact where multiplying by a fraction is
/// not: 0.3 and no 0.30000000000000004.
fn on_grid(x: f64, power: i32, round: impl Fn(f64) -> f64) -> f64 {
    let unit = 10f64.powi(power.abs());
    let out = if power > 0 { round(x / unit) * unit } else { round(x * unit) / unit };
    if out.is_finite() { out } else { x }
}

/// The quantile of `values` at `level`, or where `fewest` rows must stand behind it a short number among the values of so
/// many rows around it; a value that they share is itself.
#[must_use]
pub fn quantile_of(values: &[f64], level: f64, fewest: usize) -> f64 {
    if fewest == 0 {
        return quantile(values, level);
    }
    let half = fewest as f64 / 2.0 / values.len().max(1) as f64;
    between(quantile(values, (level - half).max(0.0)), quantile(values, (level + half).min(1.0)))
}

/// The levels of fewer than `fewest` rows over all of `tables` become [`OTHER`], in features and in sites; so does
/// nothing that `public` says of a feature's level: declared levels, and those of a model that was brought.
pub fn merge_rare_levels(tables: &mut [&mut Dataset], fewest: usize, public: impl Fn(&str, &str) -> bool) {
    let mut rows: HashMap<(String, String), usize> = HashMap::new();
    for table in tables.iter() {
        for (name, levels, counts) in levels_of(table) {
            for (level, count) in levels.iter().zip(counts) {
                *rows.entry((name.clone(), canonical(level).into_owned())).or_default() += count;
            }
        }
    }
    let rare = |name: &str, level: &str| {
        rows[&(name.to_string(), canonical(level).into_owned())] < fewest && !public(name, level)
    };
    for table in tables {
        for c in 0..table.features.len() {
            let name = table.features[c].name.clone();
            let FeatureKind::Category { levels } = &mut table.features[c].kind else { continue };
            let Some(place) = merge(levels, |l| rare(&name, l)) else { continue };
            table.base.records.column_mut(c).iter_mut().filter(|x| !x.is_nan()).for_each(|x| {
                *x = place[*x as usize] as f64;
            });
        }
        for key in table.keys.iter_mut().filter(|k| k.role == KeyRole::Site) {
            let name = key.name.clone();
            let Some(place) = merge(&mut key.levels, |l| rare(&name, l)) else { continue };
            // Sites that are one now are told apart by nothing.
            let old = std::mem::take(&mut key.digests);
            if !old.is_empty() {
                key.digests = vec![0; key.levels.len()];
                old.iter().zip(&place).for_each(|(digest, p)| key.digests[*p] = *digest);
            }
            key.codes.iter_mut().for_each(|code| *code = place[*code as usize] as u32);
        }
    }
}

/// Name, levels and rows a level of every category and every site.
fn levels_of(table: &Dataset) -> Vec<(String, &[String], Vec<usize>)> {
    let count = |levels: usize, codes: &mut dyn Iterator<Item = usize>| {
        let mut out = vec![0; levels];
        codes.for_each(|c| out[c] += 1);
        out
    };
    let mut out = Vec::new();
    for (c, f) in table.features.iter().enumerate() {
        let FeatureKind::Category { levels } = &f.kind else { continue };
        let seen = table.records().column(c);
        let counts = count(levels.len(), &mut seen.iter().filter(|x| !x.is_nan()).map(|x| *x as usize));
        out.push((f.name.clone(), levels.as_slice(), counts));
    }
    for key in table.keys.iter().filter(|k| k.role == KeyRole::Site && !k.levels.is_empty()) {
        let counts = count(key.levels.len(), &mut key.codes.iter().map(|c| *c as usize));
        out.push((key.name.clone(), key.levels.as_slice(), counts));
    }
    out
}

/// Takes the rare levels out of `levels`, puts [`OTHER`] behind the rest, and tells where each level went; `None` where
/// none is rare.
fn merge(levels: &mut Vec<String>, rare: impl Fn(&str) -> bool) -> Option<Vec<usize>> {
    let out: Vec<bool> = levels.iter().map(|l| rare(l)).collect();
    if !out.contains(&true) {
        return None;
    }
    let mut kept: Vec<String> = levels.iter().zip(&out).filter(|(_, out)| !**out).map(|(l, _)| l.clone()).collect();
    // A cell may say so itself.
    let other = kept.iter().position(|l| l == OTHER).unwrap_or(kept.len());
    let mut next = 0;
    let mut place = Vec::with_capacity(levels.len());
    for out in out {
        place.push(if out { other } else { next });
        next += usize::from(!out);
    }
    if other == kept.len() {
        kept.push(OTHER.into());
    }
    *levels = kept;
    Some(place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Feature, Key};
    use ndarray::Array2;

    #[test]
    fn a_number_between_is_short_and_neither() {
        for (low, high, expected) in [
            (46.0, 47.3, 47.0),
            (46.0, 47.0, 46.5),
            (0.0, 1.0, 0.5),
            (-3.0, 7.0, 0.0),
            (40.0, 112.0, 100.0),
            (0.123_4, 0.123_5, 0.123_45),
            (1e-9, 2e-9, 1.5e-9),
            (5.0, 5.0, 5.0),
        ] {
            assert_eq!(between(low, high), expected, "{low} {high}");
        }
        // Whatever the two are, as long as a double lies between them.
        let mut x = 0.618_033_988_749_894_9_f64;
        for i in 0..2000 {
            x = (x * 997.0).fract();
            let low = (x - 0.5) * 10f64.powi(i % 61 - 30);
            let high = low + low.abs() * 10f64.powi(-(i % 13));
            let found = between(low, high);
            assert!(low < found && found < high, "{low:e} {high:e} {found:e}");
        }
        let low = 1.0f64;
        assert_eq!(between(low, low.next_up()), low.next_up());
    }

    #[test]
    fn a_discreet_quantile_is_near_and_no_row_of_its_own() {
        let values: Vec<f64> = (0..500).map(|i| f64::from(i * 7919 % 500).sqrt() * 3.7).collect();
        for level in [0.05, 0.25, 0.5, 0.9, 0.99] {
            let found = quantile_of(&values, level, 10);
            assert!(!values.contains(&found), "{found}");
            let below = values.iter().filter(|v| **v < found).count() as f64 / 500.0;
            assert!((below - level).abs() <= 0.012, "{level}: {below}");
        }
        assert_eq!(quantile_of(&values, 0.5, 0), quantile(&values, 0.5));
        assert_eq!(quantile_of(&[3.0; 40], 0.5, 10), 3.0, "a value of many rows is nobody's");
    }

    fn table(rows: &[(&str, usize)], levels: &[&str]) -> Dataset {
        let codes: Vec<usize> = rows
            .iter()
            .flat_map(|(l, n)| std::iter::repeat_n(levels.iter().position(|x| x == l).unwrap(), *n))
            .collect();
        let kind = FeatureKind::Category { levels: levels.iter().map(ToString::to_string).collect() };
        let records =
            Array2::from_shape_fn((codes.len() + 1, 1), |(r, _)| codes.get(r).map_or(f64::NAN, |c| *c as f64));
        let ward = Feature { kind, ..Feature::number("ward") };
        let mut out = Dataset::new(vec![ward], records, vec![0.0; codes.len() + 1]).unwrap();
        out.keys.push(Key {
            name: "site".into(),
            role: KeyRole::Site,
            codes: codes.iter().map(|c| *c as u32).chain([0]).collect(),
            levels: levels.iter().map(ToString::to_string).collect(),
            digests: (1..=levels.len() as u64).collect(),
        });
        out
    }

    #[test]
    fn levels_of_few_rows_are_one() {
        let mut source = table(&[("a", 30), ("7", 6), ("c", 2), ("d", 3)], &["a", "7", "c", "d"]);
        let mut target = table(&[("d", 1), ("7.0", 1), ("7", 5), ("a", 11)], &["d", "7", "7.0", "a"]);
        // `7` has 12 rows over both tables, however it is spelled; `d` has four, and is public as a feature's level only.
        merge_rare_levels(&mut [&mut source, &mut target], 10, |name, level| name == "ward" && level == "d");
        let levels = |d: &Dataset| match &d.features[0].kind {
            FeatureKind::Category { levels } => levels.join(" "),
            FeatureKind::Number => unreachable!(),
        };
        assert_eq!(levels(&source), "a 7 d (other)");
        assert_eq!(levels(&target), "d 7 7.0 a");
        assert_eq!(source.keys[0].levels, ["a", "7", "(other)"]);
        let count = |d: &Dataset, code: f64| d.records().iter().filter(|x| **x == code).count();
        assert_eq!([0.0, 1.0, 2.0, 3.0].map(|c| count(&source, c)), [30, 6, 3, 2]);
        assert_eq!([0.0, 1.0, 2.0, 3.0].map(|c| count(&target, c)), [1, 5, 1, 11]);
        assert_eq!(source.keys[0].codes.iter().filter(|c| **c == 2).count(), 5);
        assert!(source.records()[[41, 0]].is_nan(), "what is missing stays so");
        // What a model learned as "other" takes what it never saw.
        let strange = table(&[("z", 2)], &["z"]);
        assert_eq!(strange.aligned(&source.features).unwrap().records()[[0, 0]], 3.0);
    }
}
