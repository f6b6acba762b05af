//! From a data set's columns to the columns of a linear model. Everything is learned from the rows
//! given to [`Encoder::fit`]: the train rows of a fold, or the source.

use ndarray::{ArrayView1, ArrayView2, ArrayViewMut2, Axis};
use serde::{Deserialize, Serialize};
use specialist_core::discretion::{quantile_of, three_digits};
use specialist_core::{Dataset, Feature, FeatureKind};

/// A level seen in fewer train rows than this is encoded as "rare", together with unseen levels.
const RARE: usize = 10;
/// A non-negative number with a skewness above this enters as `log(1 + x)`.
const SKEWED: f64 = 2.0;
/// Standardised numbers are kept within this many standard deviations.
const FARTHEST: f64 = 8.0;

/// How one feature becomes one or more columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "as", rename_all = "kebab-case")]
enum Part {
    /// Standardised; missing becomes the median, and a second column says so where `indicator`.
    Number { log: bool, median: f64, mean: f64, sd: f64, indicator: bool },
    /// A restricted cubic spline: one column fewer than knots, each standardised.
    Spline { log: bool, median: f64, knots: Vec<f64>, mean: Vec<f64>, sd: Vec<f64>, indicator: bool },
    /// One column per kept level but the most frequent, one for rare and unseen levels, one for
    /// missing; the latter two only where the train rows have them.
    OneHot { kept: Vec<usize>, base: Option<usize>, rare: bool, missing: bool },
}

impl Part {
    fn width(&self) -> usize {
        match self {
            Self::Number { indicator, .. } => 1 + usize::from(*indicator),
            Self::Spline { knots, indicator, .. } => knots.len() - 1 + usize::from(*indicator),
            Self::OneHot { kept, rare, missing, .. } => kept.len() + usize::from(*rare) + usize::from(*missing),
        }
    }

    fn write(&self, x: f64, out: &mut [f64]) {
        match self {
            Self::Number { log, median, mean, sd, indicator } => {
                let v = if x.is_nan() { *median } else { x };
                let v = if *log { v.max(0.0).ln_1p() } else { v };
                out[0] = ((v - mean) / sd).clamp(-FARTHEST, FARTHEST);
                if *indicator {
                    out[1] = f64::from(u8::from(x.is_nan()));
                }
            }
            Self::Spline { log, median, knots, mean, sd, indicator } => {
                let v = if x.is_nan() { *median } else { x };
                spline(if *log { v.max(0.0).ln_1p() } else { v }, knots, out);
                for ((out, mean), sd) in out.iter_mut().zip(mean).zip(sd) {
                    *out = ((*out - mean) / sd).clamp(-FARTHEST, FARTHEST);
                }
                if *indicator {
                    out[knots.len() - 1] = f64::from(u8::from(x.is_nan()));
                }
            }
            Self::OneHot { kept, base, rare, missing } => {
                out.fill(0.0);
                let level = (!x.is_nan()).then_some(x as usize);
                if level.is_none() {
                    if *missing {
                        *out.last_mut().expect("a missing column") = 1.0;
                    }
                } else if let Some(i) = kept.iter().position(|&k| Some(k) == level) {
                    out[i] = 1.0;
                } else if *rare && level != *base {
                    out[kept.len()] = 1.0;
                }
            }
        }
    }
}

/// Imputation, scaling and one-hot encoding, as learned from train rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Encoder {
    /// The features it reads, in the order it reads them.
    pub features: Vec<Feature>,
    parts: Vec<Part>,
}

impl Encoder {
    /// Learns from every row of `data`.
    #[must_use]
    pub fn fit(data: &Dataset) -> Self {
        let part = |(i, f): (usize, &Feature)| {
            let column = data.records().column(i);
            match &f.kind {
                FeatureKind::Number if f.knots >= 3 => splined(column, usize::from(f.knots), data.fewest_rows),
                FeatureKind::Number => number(column, data.fewest_rows),
                FeatureKind::Category { levels } => one_hot(column, levels.len()),
            }
        };
        Self { features: data.features.clone(), parts: data.features.iter().enumerate().map(part).collect() }
    }

    /// Whether it could have been learned from rows: what came from a file may be anything.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.parts.len() != self.features.len() {
            return Err(format!("{} features in {} parts", self.features.len(), self.parts.len()));
        }
        let finite = |v: &[f64]| v.iter().all(|x| x.is_finite());
        let positive = |v: &[f64]| v.iter().all(|x| x.is_finite() && *x > 0.0);
        for (f, part) in self.features.iter().zip(&self.parts) {
            let sound = match (part, &f.kind) {
                (Part::Number { median, mean, sd, .. }, FeatureKind::Number) => {
                    finite(&[*median, *mean]) && positive(&[*sd])
                }
                (Part::Spline { median, knots, mean, sd, .. }, FeatureKind::Number) => {
                    let ascending = knots.windows(2).all(|w| w[0] < w[1]);
                    let even = mean.len() + 1 == knots.len() && sd.len() == mean.len();
                    knots.len() >= 3
                        && ascending
                        && even
                        && finite(&[*median])
                        && finite(knots)
                        && finite(mean)
                        && positive(sd)
                }
                (Part::OneHot { kept, base, .. }, FeatureKind::Category { levels }) => {
                    let mut known = vec![false; levels.len()];
                    let once = |k: &usize| known.get_mut(*k).is_some_and(|seen| !std::mem::replace(seen, true));
                    kept.iter().chain(base).all(once)
                }
                _ => false,
            };
            if !sound {
                return Err(format!("column `{}` is encoded by what no rows could have taught", f.name));
            }
        }
        Ok(())
    }

    /// How many columns come out.
    #[must_use]
    pub fn width(&self) -> usize {
        self.parts.iter().map(Part::width).sum()
    }

    /// The features' positions, once per column that comes out.
    #[must_use]
    pub fn origins(&self) -> Vec<usize> {
        self.parts.iter().enumerate().flat_map(|(i, p)| std::iter::repeat_n(i, p.width())).collect()
    }

    /// The names of the columns that come out.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names = Vec::with_capacity(self.width());
        for (f, p) in self.features.iter().zip(&self.parts) {
            match (p, &f.kind) {
                (Part::OneHot { kept, rare, missing, .. }, FeatureKind::Category { levels }) => {
                    names.extend(kept.iter().map(|&k| format!("{}={}", f.name, levels[k])));
                    names.extend(rare.then(|| format!("{}=(rare)", f.name)));
                    names.extend(missing.then(|| format!("{}=(missing)", f.name)));
                }
                (Part::Number { log, indicator, .. }, _) => {
                    names.push(if *log { format!("log {}", f.name) } else { f.name.clone() });
                    names.extend(indicator.then(|| format!("{} missing", f.name)));
                }
                (Part::Spline { log, knots, indicator, .. }, _) => {
                    let name = if *log { format!("log {}", f.name) } else { f.name.clone() };
                    names.extend(
                        (1..knots.len())
                            .map(|i| if i == 1 { name.clone() } else { format!("{name}, curve {}", i - 1) }),
                    );
                    names.extend(indicator.then(|| format!("{} missing", f.name)));
                }
                (Part::OneHot { .. }, FeatureKind::Number) => unreachable!("fit pairs one-hot with categories"),
            }
        }
        names
    }

    /// Writes one row's columns into `out`, which has [`Encoder::width`] places.
    pub fn write_row(&self, row: ArrayView1<'_, f64>, out: &mut [f64]) {
        let mut at = 0;
        for (part, &x) in self.parts.iter().zip(row) {
            let width = part.width();
            part.write(x, &mut out[at..at + width]);
            at += width;
        }
    }

    /// Writes the columns of `rows` into `out`, leaving its first `skip` columns alone.
    pub fn write_rows(&self, rows: ArrayView2<'_, f64>, skip: usize, mut out: ArrayViewMut2<'_, f64>) {
        for (row, mut to) in rows.axis_iter(Axis(0)).zip(out.axis_iter_mut(Axis(0))) {
            let to = to.as_slice_mut().expect("rows are contiguous");
            self.write_row(row, &mut to[skip..]);
        }
    }

    /// The columns of all rows of `data`, whose features must be the encoder's.
    #[must_use]
    pub fn encode(&self, data: &Dataset) -> ndarray::Array2<f64> {
        let mut out = ndarray::Array2::zeros((data.rows(), self.width()));
        self.write_rows(data.records().view(), 0, out.view_mut());
        out
    }
}

fn number(column: ArrayView1<'_, f64>, fewest: usize) -> Part {
    let mut seen: Vec<f64> = column.iter().copied().filter(|x| !x.is_nan()).collect();
    let indicator = seen.len() < column.len() && !seen.is_empty();
    // So few cells would stand in their mean as they are.
    if seen.is_empty() || seen.len() < fewest {
        return Part::Number { log: false, median: 0.0, mean: 0.0, sd: 1.0, indicator: false };
    }
    let middle = seen.len() / 2;
    let median = if fewest > 0 {
        quantile_of(&seen, 0.5, fewest)
    } else {
        *seen.select_nth_unstable_by(middle, f64::total_cmp).1
    };
    let log = seen.iter().all(|&x| x >= 0.0) && skewness(&seen) > SKEWED;
    let value = |x: f64| if log { x.ln_1p() } else { x };
    let filled = || column.iter().map(|&x| value(if x.is_nan() { median } else { x }));
    let n = column.len() as f64;
    let mean = filled().sum::<f64>() / n;
    let sd = (filled().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n).sqrt();
    let sd = if sd > 1e-12 { sd } else { 1.0 };
    // Where all but a few rows are alike, mean and spread together would be those few rows.
    let (mean, sd) = if fewest > 0 { (three_digits(mean), three_digits(sd)) } else { (mean, sd) };
    Part::Number { log, median, mean, sd, indicator }
}

/// The restricted cubic spline of `x`: the number itself, and one curve fewer than there are knots behind the first,
/// which are lines beyond the outer knots (Harrell 2015, 2.4.5).
fn spline(x: f64, knots: &[f64], out: &mut [f64]) {
    let cube = |t: f64| (x - t).max(0.0).powi(3);
    let k = knots.len();
    let (first, before, last) = (knots[0], knots[k - 2], knots[k - 1]);
    out[0] = x;
    for (out, &t) in out[1..].iter_mut().zip(&knots[..k - 2]) {
        let ends = (cube(before) * (last - t) - cube(last) * (before - t)) / (last - before);
        *out = (cube(t) - ends) / (last - first).powi(2);
    }
}

/// Where Harrell (2015, table 2.3) places so many knots: quantiles.
fn places(knots: usize) -> &'static [f64] {
    match knots {
        3 => &[0.1, 0.5, 0.9],
        4 => &[0.05, 0.35, 0.65, 0.95],
        5 => &[0.05, 0.275, 0.5, 0.725, 0.95],
        6 => &[0.05, 0.23, 0.41, 0.59, 0.77, 0.95],
        _ => &[0.025, 0.1833, 0.3417, 0.5, 0.6583, 0.8167, 0.975],
    }
}

fn splined(column: ArrayView1<'_, f64>, knots: usize, fewest: usize) -> Part {
    let Part::Number { log, median, mean, sd, indicator } = number(column, fewest) else {
        unreachable!("a number is one")
    };
    let value = |x: f64| if log { x.ln_1p() } else { x };
    let filled: Vec<f64> = column.iter().map(|&x| value(if x.is_nan() { median } else { x })).collect();
    let mut at: Vec<f64> = places(knots).iter().map(|q| quantile_of(&filled, *q, fewest)).collect();
    at.dedup();
    // So many equal values leave nothing to bend.
    if at.len() < 3 {
        return Part::Number { log, median, mean, sd, indicator };
    }
    let mut columns = vec![Vec::with_capacity(filled.len()); at.len() - 1];
    let mut row = vec![0.0; at.len() - 1];
    for x in filled {
        spline(x, &at, &mut row);
        columns.iter_mut().zip(&row).for_each(|(c, v)| c.push(*v));
    }
    let n = column.len() as f64;
    let mean: Vec<f64> = columns.iter().map(|c| c.iter().sum::<f64>() / n).collect();
    let spread = |(c, m): (&Vec<f64>, &f64)| (c.iter().map(|v| (v - m) * (v - m)).sum::<f64>() / n).sqrt();
    let sd = columns.iter().zip(&mean).map(spread).map(|s| if s > 1e-12 { s } else { 1.0 }).collect();
    Part::Spline { log, median, knots: at, mean, sd, indicator }
}

fn skewness(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let moment = |k: i32| values.iter().map(|x| (x - mean).powi(k)).sum::<f64>() / n;
    let variance = moment(2);
    if variance > 1e-300 { moment(3) / variance.powf(1.5) } else { 0.0 }
}

fn one_hot(column: ArrayView1<'_, f64>, levels: usize) -> Part {
    let mut count = vec![0usize; levels];
    let mut missing = false;
    for &x in column {
        if x.is_nan() {
            missing = true;
        } else {
            count[x as usize] += 1;
        }
    }
    // `max_by_key` returns the last of equals; reversing makes it the first level.
    let base = (0..levels).rev().filter(|&l| count[l] > 0).max_by_key(|&l| count[l]);
    let kept: Vec<usize> = (0..levels).filter(|&l| Some(l) != base && count[l] >= RARE).collect();
    let rare = (0..levels).any(|l| count[l] > 0 && count[l] < RARE && Some(l) != base);
    Part::OneHot { kept, base, rare, missing }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    #[test]
    fn splines_are_those_of_rms() {
        // Harrell's formula at knots 1, 2, 4, 7 (rms::rcspline.eval, norm = 2), worked out by hand at x = 5:
        // ((4³) − 1³ · 6/3) / 36 and ((3³) − 1³ · 5/3) / 36; beyond the last knot the curve is a line.
        let mut out = [0.0; 3];
        spline(5.0, &[1.0, 2.0, 4.0, 7.0], &mut out);
        assert!((out[1] - 62.0 / 36.0).abs() < 1e-12 && (out[2] - (27.0 - 5.0 / 3.0) / 36.0).abs() < 1e-12, "{out:?}");
        let at = |x: f64| {
            let mut out = [0.0; 3];
            spline(x, &[1.0, 2.0, 4.0, 7.0], &mut out);
            out[2]
        };
        assert!((at(9.0) - 2.0 * at(8.0) + at(7.0)).abs() < 1e-9);
        let records = Array2::from_shape_fn((200, 1), |(i, _)| if i == 3 { f64::NAN } else { (i * 7 % 200) as f64 });
        let age = Feature { knots: 4, ..Feature::number("age") };
        let data = Dataset::new(vec![age], records, vec![0.0; 200]).unwrap();
        let e = Encoder::fit(&data);
        assert_eq!(e.names(), ["age", "age, curve 1", "age, curve 2", "age missing"]);
        let rows = e.encode(&data);
        for c in 0..3 {
            assert!(rows.column(c).mean().unwrap().abs() < 1e-9, "standardised");
        }
        assert_eq!((rows[[3, 3]], rows[[4, 3]]), (1.0, 0.0));
    }

    #[test]
    fn numbers_are_imputed_and_levels_counted() {
        let level = |i: usize| match i {
            0..20 => 0.0,
            20..35 => 1.0,
            35..38 => 2.0,
            _ => f64::NAN,
        };
        let records = Array2::from_shape_fn((40, 2), |(i, j)| match j {
            0 if i == 7 => f64::NAN,
            0 => i as f64,
            _ => level(i),
        });
        let levels = ["a", "b", "c", "d"].map(String::from).to_vec();
        let site = Feature { name: "site".into(), kind: FeatureKind::Category { levels }, monotone: 0, knots: 0 };
        let data = Dataset::new(vec![Feature::number("x"), site], records, vec![0.0; 40]).unwrap();
        let e = Encoder::fit(&data);
        assert_eq!(e.names(), ["x", "x missing", "site=b", "site=(rare)", "site=(missing)"]);
        let rows = e.encode(&data);
        assert_eq!(rows.row(7)[1], 1.0);
        assert!(rows.column(0).mean().unwrap().abs() < 1e-12, "standardised");
        assert_eq!(rows.row(0).to_vec()[2..], [0.0, 0.0, 0.0], "the most frequent level is the base");
        assert_eq!(rows.row(25).to_vec()[2..], [1.0, 0.0, 0.0]);
        assert_eq!(rows.row(36).to_vec()[2..], [0.0, 1.0, 0.0]);
        assert_eq!(rows.row(39).to_vec()[2..], [0.0, 0.0, 1.0]);
        let mut unseen = vec![0.0; 5];
        e.write_row(ndarray::array![0.0, 3.0].view(), &mut unseen);
        assert_eq!(unseen[2..], [0.0, 1.0, 0.0], "an unseen level is rare");
    }
}
