//! Rows ready for a model: linfa's dataset, and the columns that splits and metrics need beside it.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use linfa::DatasetBase;
use ndarray::{Array1, Array2, ArrayView1, Axis};
use serde::{Deserialize, Serialize};

use crate::{Encode, Error, Estimand, Labels, canonical};

/// The level that stands for all levels of too few rows, and for those that a model never saw.
pub const OTHER: &str = "(other)";

/// How a feature's numbers are to be read.
///
/// ```
/// use specialist_core::{Dataset, Feature, FeatureKind, Labels};
/// let kind = FeatureKind::Category { levels: vec!["ward".into(), "clinic".into()] };
/// let site = Feature { kind, ..Feature::number("site") };
/// let rows = Dataset::new(vec![site], ndarray::array![[1.0], [f64::NAN]], Labels::binary([true, false]))?;
/// assert_eq!(rows.observed_levels(0), ["clinic"]);
/// # Ok::<(), specialist_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum FeatureKind {
    /// A number; `NaN` is missing.
    Number,
    /// The position of the level in `levels`; `NaN` is missing.
    Category {
        /// The levels' names.
        levels: Vec<String>,
    },
}

/// One input of a model.
///
/// ```
/// use specialist_core::{Feature, FeatureKind};
/// let age = Feature { monotone: 1, ..Feature::number("age") };
/// assert_eq!((age.kind, age.knots), (FeatureKind::Number, 0));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Feature {
    /// Its name.
    pub name: String,
    /// How to read its numbers.
    #[serde(flatten)]
    pub kind: FeatureKind,
    /// +1: the prediction may only rise with it, −1: only fall, 0: free.
    #[serde(default)]
    pub monotone: i8,
    /// For a number in a linear model: knots of its restricted cubic spline, from 3 on; below that it enters as a line.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub knots: u8,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(n: &u8) -> bool {
    *n == 0
}

impl Feature {
    /// A numeric feature without constraint.
    #[must_use]
    pub fn number(name: impl Into<String>) -> Self {
        Self { name: name.into(), kind: FeatureKind::Number, monotone: 0, knots: 0 }
    }

    /// Adds the levels that only `other` has, after its own.
    fn learn_levels(&mut self, other: &Self) {
        let (FeatureKind::Category { levels }, FeatureKind::Category { levels: more }) = (&mut self.kind, &other.kind)
        else {
            return;
        };
        let known: HashSet<String> = levels.iter().map(|l| canonical(l).into_owned()).collect();
        levels.extend(more.iter().filter(|l| !known.contains(canonical(l).as_ref())).cloned());
    }
}

/// What a key column is for.
///
/// ```
/// use specialist_core::{Dataset, Feature, Key, KeyRole, Labels};
/// let mut rows = Dataset::new(vec![Feature::number("x")], ndarray::array![[1.0]], Labels::binary([true]))?;
/// let levels = vec!["north".into()];
/// rows.keys.push(Key { name: "site".into(), role: KeyRole::Site, codes: vec![0], levels, digests: vec![] });
/// assert!(rows.key(KeyRole::Site).is_some() && rows.key(KeyRole::Group).is_none());
/// # Ok::<(), specialist_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyRole {
    /// Rows of one group must not be on both sides of a split.
    Group,
    /// Where the row comes from.
    Site,
    /// Names the row.
    Id,
    /// Read by the domain's own features.
    Other,
    /// A text, beside the numbers that it became: for models that read it itself.
    Text,
}

/// A column that names things: every distinct cell is one code.
///
/// ```
/// use specialist_core::{Dataset, Feature, Key, KeyRole, Labels};
/// let labels = Labels::binary([true, false, true]);
/// let mut rows = Dataset::new(vec![Feature::number("x")], ndarray::Array2::zeros((3, 1)), labels)?;
/// let codes = vec![0, 0, 1];
/// rows.keys.push(Key { name: "patient".into(), role: KeyRole::Group, codes, levels: vec![], digests: vec![] });
/// assert_eq!(rows.select(&[2, 0]).key_named("patient")?.codes, [1, 0]);
/// # Ok::<(), specialist_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// The column's name.
    pub name: String,
    /// What it is for.
    pub role: KeyRole,
    /// One code a row.
    pub codes: Vec<u32>,
    /// The cell behind each code, where it may be shown (sites); empty where it may not (ids).
    pub levels: Vec<String>,
    /// A digest of the cell behind each code: equal cells of two tables have equal digests. May be empty.
    pub digests: Vec<u64>,
}

impl Key {
    /// Its texts, then those of the key of that name among `others`; none where it holds no texts, or there is none.
    fn texts_with(&self, others: &[Self]) -> Option<Self> {
        let is = |k: &&Self| k.role == KeyRole::Text && k.name == self.name;
        let other = others.iter().find(is).filter(|_| self.role == KeyRole::Text)?;
        let behind = self.levels.len() as u32;
        Some(Self {
            codes: self.codes.iter().copied().chain(other.codes.iter().map(|c| c + behind)).collect(),
            levels: self.levels.iter().chain(&other.levels).cloned().collect(),
            ..self.clone()
        })
    }

    /// The text of every row, of a key that holds texts.
    #[must_use]
    pub fn texts(&self) -> Vec<&str> {
        self.codes.iter().map(|&c| self.levels[c as usize].as_str()).collect()
    }
}

/// Rows × features with labels, and the columns beside them.
///
/// `base` is linfa's own dataset: `records` is rows × features (`f64`, `NaN` missing, categories as codes),
/// `targets` the labels and `weights` the row weights (all one when none are given).
///
/// ```
/// use specialist_core::{Dataset, Estimand, Feature, Labels};
/// let features = vec![Feature::number("age"), Feature::number("dose")];
/// let records = ndarray::array![[61.0, 2.5], [47.0, f64::NAN], [70.0, 5.0]];
/// let rows = Dataset::new(features, records, Labels::binary([true, false, true]))?;
/// assert_eq!((rows.rows(), rows.events(), rows.estimand), (3, 2, Estimand::Probability));
/// assert_eq!(rows.feature("dose")?, 1);
/// assert_eq!(rows.select(&[2, 0]).lines, [3, 1]);
/// # Ok::<(), specialist_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Dataset {
    /// Records, targets and weights.
    pub base: DatasetBase<Array2<f64>, Labels>,
    /// One per column of `base.records`.
    pub features: Vec<Feature>,
    /// What is to be predicted, and so what the labels are.
    pub estimand: Estimand,
    /// Seconds since 1970-01-01 UTC, one a row.
    pub time: Option<Vec<i64>>,
    /// What each row is worth.
    pub amount: Option<Vec<f64>>,
    /// Columns that name things.
    pub keys: Vec<Key>,
    /// Where each row stands in its file (line of a CSV file, row of a Parquet file), from 1.
    pub lines: Vec<u64>,
    /// Fewest rows that must stand behind a value which a model or a report writes down; 0 where any value may be written.
    /// Whoever learns from the rows keeps to it: see [`crate::discretion`].
    pub fewest_rows: usize,
    /// What its texts (keys with the role [`KeyRole::Text`]) became numbers by.
    pub encoder: Option<Arc<dyn Encode>>,
}

impl Dataset {
    /// A data set of `records` (rows × features) and `labels`, all weights one, lines counted from 1; what is asked of it is
    /// what the labels are the plainest answer to ([`Estimand::of`]).
    ///
    /// # Errors
    /// [`Error::Mismatch`] when the counts of rows or features differ.
    pub fn new(features: Vec<Feature>, records: Array2<f64>, labels: impl Into<Labels>) -> Result<Self, Error> {
        let labels = labels.into();
        if records.nrows() != labels.rows() || records.ncols() != features.len() {
            return Err(Error::Mismatch(format!(
                "{} rows × {} columns, {} labels, {} features",
                records.nrows(),
                records.ncols(),
                labels.rows(),
                features.len()
            )));
        }
        let rows = records.nrows();
        Ok(Self {
            estimand: Estimand::of(&labels),
            base: DatasetBase::new(records, labels).with_weights(Array1::ones(rows)),
            features,
            time: None,
            amount: None,
            keys: Vec::new(),
            lines: (1..=rows as u64).collect(),
            fewest_rows: 0,
            encoder: None,
        })
    }

    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.base.records.nrows()
    }

    /// Rows × features.
    #[must_use]
    pub fn records(&self) -> &Array2<f64> {
        &self.base.records
    }

    /// The labels.
    #[must_use]
    pub fn labels(&self) -> &Labels {
        &self.base.targets
    }

    /// One row's features.
    #[must_use]
    pub fn row(&self, row: usize) -> ArrayView1<'_, f64> {
        self.base.records.row(row)
    }

    /// How many rows had the event: carry the positive label, or a time that is not censored. 0 where labels are
    /// numbers.
    #[must_use]
    pub fn events(&self) -> usize {
        (0..self.rows()).filter(|&r| self.had_event(r)).count()
    }

    /// Whether the row had the event.
    #[must_use]
    pub fn had_event(&self, row: usize) -> bool {
        self.labels().had_event(row)
    }

    /// How many rows the estimate rests on, which is what limits the ladder: those of the rarer label, of several classes all
    /// but those of the most frequent; the events where labels are times; all rows for the mean of a number and for texts; for a quantile the rows expected on its rarer side.
    #[must_use]
    pub fn informative(&self) -> usize {
        self.informative_among(&(0..self.rows()).collect::<Vec<_>>())
    }

    /// As [`Dataset::informative`], of some of the rows.
    #[must_use]
    pub fn informative_among(&self, rows: &[usize]) -> usize {
        let events = rows.iter().filter(|&&r| self.had_event(r)).count();
        let most_frequent = match self.labels() {
            Labels::Classes { codes, levels } => {
                let mut count = vec![0; levels.len()];
                for &r in rows {
                    if let Some(n) = count.get_mut(codes[r] as usize) {
                        *n += 1;
                    }
                }
                count.into_iter().max().unwrap_or(0)
            }
            Labels::Numbers(_) | Labels::Texts(_) | Labels::Times { .. } => 0,
        };
        self.estimand.informative(rows.len(), events, most_frequent)
    }

    /// The share of positive labels.
    #[must_use]
    pub fn prevalence(&self) -> f64 {
        self.events() as f64 / self.rows().max(1) as f64
    }

    /// The key column with `role`.
    #[must_use]
    pub fn key(&self, role: KeyRole) -> Option<&Key> {
        self.keys.iter().find(|k| k.role == role)
    }

    /// The key column called `name`.
    ///
    /// # Errors
    /// [`Error::NoColumn`] when there is none.
    pub fn key_named(&self, name: &str) -> Result<&Key, Error> {
        self.keys.iter().find(|k| k.name == name).ok_or_else(|| Error::NoColumn { column: name.into(), nearest: None })
    }

    /// The position of the feature called `name`.
    ///
    /// # Errors
    /// [`Error::NoColumn`] when there is none.
    pub fn feature(&self, name: &str) -> Result<usize, Error> {
        self.features
            .iter()
            .position(|f| f.name == name)
            .ok_or_else(|| Error::NoColumn { column: name.into(), nearest: None })
    }

    /// The levels of the category at `feature` that occur in a row, in code order; none where it is a number. Declared
    /// levels may be many more.
    #[must_use]
    pub fn observed_levels(&self, feature: usize) -> Vec<&str> {
        let FeatureKind::Category { levels } = &self.features[feature].kind else { return Vec::new() };
        let mut met = vec![false; levels.len()];
        for code in self.records().column(feature).iter().filter(|c| !c.is_nan()) {
            if let Some(met) = met.get_mut(*code as usize) {
                *met = true;
            }
        }
        levels.iter().zip(met).filter(|(_, met)| *met).map(|(l, _)| l.as_str()).collect()
    }

    /// The rows at `rows`, in that order.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        Self {
            base: DatasetBase::new(self.base.records.select(Axis(0), rows), self.base.targets.select(rows))
                .with_weights(self.base.weights.select(Axis(0), rows)),
            features: self.features.clone(),
            estimand: self.estimand,
            time: self.time.as_ref().map(|t| pick(t, rows)),
            amount: self.amount.as_ref().map(|a| pick(a, rows)),
            keys: self.keys.iter().map(|k| Key { codes: pick(&k.codes, rows), ..k.clone() }).collect(),
            lines: pick(&self.lines, rows),
            fewest_rows: self.fewest_rows,
            encoder: self.encoder.clone(),
        }
    }

    /// The rows of `self`, then those of `other`, whose weights are multiplied by `weight`. Levels and features that only
    /// `other` has are kept, missing in `self`: without them a fit on both would know less of `other` than one on it
    /// alone. Only features, texts, labels, weights and lines are kept: other keys of two tables do not mean the same.
    ///
    /// # Errors
    /// [`Error::NoColumn`] when `other` lacks a feature of `self`, [`Error::Mismatch`] when a kind differs.
    pub fn pooled(&self, other: &Self, weight: f32) -> Result<Self, Error> {
        let mut features = self.features.clone();
        for f in &other.features {
            match features.iter_mut().find(|own| own.name == f.name) {
                Some(own) => own.learn_levels(f),
                None => features.push(f.clone()),
            }
        }
        let other = other.aligned(&features)?;
        let own = self.align(&features, true)?;
        let stack = |a: &Array2<f64>, b: &Array2<f64>| {
            ndarray::concatenate(Axis(0), &[a.view(), b.view()]).expect("the columns are equal")
        };
        let weights = self.base.weights.iter().copied();
        let weights: Array1<f32> = weights.chain(other.base.weights.iter().map(|w| w * weight)).collect();
        Ok(Self {
            base: DatasetBase::new(stack(own.records(), other.records()), self.labels().followed_by(other.labels())?)
                .with_weights(weights),
            features,
            estimand: self.estimand,
            time: None,
            amount: None,
            keys: self.keys.iter().filter_map(|k| k.texts_with(&other.keys)).collect(),
            lines: self.lines.iter().chain(&other.lines).copied().collect(),
            fewest_rows: self.fewest_rows.max(other.fewest_rows),
            encoder: self.encoder.clone(),
        })
    }

    /// The same rows with exactly `features`, in that order; category codes are translated by
    /// level name, however it is spelled ([`canonical`]); a level that `features` does not know becomes [`OTHER`] where
    /// there is that, and else missing.
    ///
    /// # Errors
    /// [`Error::NoColumn`] when a feature is missing, [`Error::Mismatch`] when its kind differs.
    pub fn aligned(&self, features: &[Feature]) -> Result<Cow<'_, Self>, Error> {
        self.align(features, false)
    }

    /// As [`Dataset::aligned`]; with `lenient` a feature that is not there is missing in every row.
    fn align(&self, features: &[Feature], lenient: bool) -> Result<Cow<'_, Self>, Error> {
        if self.features == features {
            return Ok(Cow::Borrowed(self));
        }
        let mut records = Array2::from_elem((self.rows(), features.len()), f64::NAN);
        for (to, wanted) in features.iter().enumerate() {
            let from = match self.feature(&wanted.name) {
                Ok(from) => from,
                Err(_) if lenient => continue,
                Err(e) => return Err(e),
            };
            let source = self.records().column(from);
            let mut column = records.column_mut(to);
            match (&self.features[from].kind, &wanted.kind) {
                (FeatureKind::Category { levels: have }, FeatureKind::Category { levels: want }) => {
                    let place: HashMap<Cow<'_, str>, f64> =
                        want.iter().enumerate().map(|(i, l)| (canonical(l), i as f64)).collect();
                    let strange = place.get(OTHER).copied().unwrap_or(f64::NAN);
                    let codes: Vec<f64> =
                        have.iter().map(|l| place.get(&canonical(l)).copied().unwrap_or(strange)).collect();
                    for (cell, &c) in column.iter_mut().zip(source) {
                        if !c.is_nan() {
                            *cell = codes.get(c as usize).copied().unwrap_or(f64::NAN);
                        }
                    }
                }
                (FeatureKind::Number, FeatureKind::Number) => column.assign(&source),
                _ => {
                    return Err(Error::Mismatch(format!(
                        "column `{}` is a number on one side and a category on the other",
                        wanted.name
                    )));
                }
            }
        }
        let mut out = self.clone_without_records();
        out.base.records = records;
        out.features = features.to_vec();
        Ok(Cow::Owned(out))
    }

    /// Everything but the records, which are left with no column.
    #[must_use]
    pub fn clone_without_records(&self) -> Self {
        Self {
            base: DatasetBase::new(Array2::zeros((self.rows(), 0)), self.base.targets.clone())
                .with_weights(self.base.weights.clone()),
            features: Vec::new(),
            estimand: self.estimand,
            time: self.time.clone(),
            amount: self.amount.clone(),
            keys: self.keys.clone(),
            lines: self.lines.clone(),
            fewest_rows: self.fewest_rows,
            encoder: self.encoder.clone(),
        }
    }
}

fn pick<T: Copy>(values: &[T], rows: &[usize]) -> Vec<T> {
    rows.iter().map(|&r| values[r]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn category(levels: &[&str]) -> Feature {
        Feature {
            name: "site".into(),
            kind: FeatureKind::Category { levels: levels.iter().map(ToString::to_string).collect() },
            monotone: 0,
            knots: 0,
        }
    }

    #[test]
    fn pooling_keeps_what_only_one_side_has() {
        let row = |features: Vec<Feature>, cells: Vec<f64>| {
            Dataset::new(features, Array2::from_shape_vec((1, cells.len()), cells).unwrap(), Labels::binary([true]))
                .unwrap()
        };
        let source = row(vec![category(&["a", "2"]), Feature::number("x")], vec![1.0, 2.0]);
        let target =
            row(vec![Feature::number("new"), Feature::number("x"), category(&["c", "2.0"])], vec![5.0, 3.0, 0.0]);
        let both = source.pooled(&target, 4.0).unwrap();
        assert_eq!(both.features, vec![category(&["a", "2", "c"]), Feature::number("x"), Feature::number("new")]);
        assert_eq!(both.row(0).to_vec()[..2], [1.0, 2.0]);
        assert!(both.row(0)[2].is_nan());
        assert_eq!(both.row(1).to_vec(), [2.0, 3.0, 5.0]);
        assert!(target.pooled(&source, 1.0).is_err(), "what the first has the second must have");
    }

    #[test]
    fn alignment_translates_levels_and_keeps_order() {
        let features = vec![Feature::number("x"), category(&["a", "b", "c"])];
        let data = Dataset::new(
            features,
            array![[1.0, 0.0], [2.0, 2.0], [3.0, f64::NAN]],
            Labels::binary([false, true, true]),
        )
        .unwrap();
        let out = data.aligned(&[category(&["b", "a"]), Feature::number("x")]).unwrap();
        assert_eq!(out.records()[[0, 0]], 1.0);
        assert!(out.records()[[1, 0]].is_nan(), "an unknown level is missing");
        assert!(out.records()[[2, 0]].is_nan());
        assert_eq!(out.records().column(1).to_vec(), [1.0, 2.0, 3.0]);
        assert!(matches!(data.aligned(&[Feature::number("y")]), Err(Error::NoColumn { .. })));
    }

    #[test]
    fn select_keeps_everything_in_step() {
        let mut data =
            Dataset::new(vec![Feature::number("x")], array![[1.0], [2.0], [3.0]], Labels::binary([false, true, false]))
                .unwrap();
        data.time = Some(vec![10, 20, 30]);
        data.keys.push(Key {
            name: "g".into(),
            role: KeyRole::Group,
            codes: vec![7, 8, 9],
            levels: vec![],
            digests: vec![],
        });
        let out = data.select(&[2, 0]);
        assert_eq!(out.time, Some(vec![30, 10]));
        assert_eq!(out.keys[0].codes, [9, 7]);
        assert_eq!(out.lines, [3, 1]);
        assert_eq!(out.records().column(0).to_vec(), [3.0, 1.0]);
    }
}
