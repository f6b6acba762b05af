//! The texts of rows, and labels as networks take them.

use specialist_core::{Context, Dataset, Error, Estimand, Feature, Key, KeyRole};
use specialist_neural::Frozen;

/// The texts of a data set's rows.
pub struct Texts<'d> {
    key: &'d Key,
    /// The encoder that made numbers of them.
    pub encoder: &'d Frozen,
}

/// The text column that the features `COLUMN:1`, `COLUMN:2`, … were made of, where all were made of one.
pub fn column_of(features: &[Feature]) -> Option<&str> {
    let column = features.first()?.name.rsplit_once(':')?.0;
    let is = |(i, f): (usize, &Feature)| f.name.strip_prefix(column).is_some_and(|rest| rest == format!(":{}", i + 1));
    features.iter().enumerate().all(is).then_some(column)
}

/// The text column of rows called `name`, or the first.
///
/// # Errors
/// [`Error::NoColumn`] when there is none.
pub fn text_key<'d>(data: &'d Dataset, name: Option<&str>) -> Result<&'d Key, Error> {
    let is = |k: &&Key| k.role == KeyRole::Text && name.is_none_or(|name| k.name == name);
    let missing = || Error::NoColumn { column: name.unwrap_or("text").into(), nearest: None };
    data.keys.iter().find(is).ok_or_else(missing)
}

impl<'d> Texts<'d> {
    /// Those of the text column `column`.
    ///
    /// # Errors
    /// [`Error::NoColumn`] when the rows came without it.
    pub fn of(data: &'d Dataset, column: &str) -> Result<Self, Error> {
        let missing = || Error::NoColumn { column: column.into(), nearest: None };
        let key = text_key(data, Some(column))?;
        let encoder = data.encoder.as_ref().and_then(|e| e.as_any().downcast_ref()).ok_or_else(missing)?;
        Ok(Self { key, encoder })
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.key.codes.len()
    }

    /// The text of every row.
    pub fn all(&self) -> Vec<&'d str> {
        self.key.texts()
    }

    /// The tokens of every row's text.
    ///
    /// # Errors
    /// When the tokenizer refuses one.
    pub fn tokens(&self) -> Result<Vec<Vec<u32>>, Error> {
        self.encoder.tokens(&self.all()).map_err(specialist_neural::Error::into_core)
    }
}

/// How many classes a network tells apart: both of two, each by a logit of its own.
pub fn classes(estimand: Estimand) -> usize {
    estimand.width().max(2)
}

/// The class of every row, by its code.
pub fn codes(data: &Dataset) -> Vec<usize> {
    data.labels().codes().iter().map(|&c| c as usize).collect()
}

/// Whether labels are classes.
pub fn of_classes(estimand: Estimand) -> bool {
    matches!(estimand, Estimand::Probability | Estimand::Classes(_))
}

/// The rows at `rows` of `data` with other texts in `column`, encoded anew.
///
/// # Errors
/// When the vectors are not all numbers of the features, or a text cannot be encoded.
pub fn with_texts(
    data: &Dataset,
    rows: &[usize],
    column: &str,
    texts: Vec<String>,
    ctx: &Context,
) -> Result<Dataset, Error> {
    let mut out = data.select(rows);
    let encoder = out.encoder.clone().ok_or_else(|| Error::NoColumn { column: column.into(), nearest: None })?;
    let width = encoder.width();
    let told: Vec<&str> = texts.iter().map(String::as_str).collect();
    let vectors = encoder.encode(&told, ctx)?;
    for k in 0..width {
        let at = out.feature(&format!("{column}:{}", k + 1))?;
        let cells = vectors.iter().skip(k).step_by(width).map(|v| f64::from(*v));
        out.base.records.column_mut(at).iter_mut().zip(cells).for_each(|(cell, v)| *cell = v);
    }
    if let Some(key) = out.keys.iter_mut().find(|k| k.role == KeyRole::Text && k.name == column) {
        key.codes = (0..texts.len() as u32).collect();
        key.levels = texts;
    }
    Ok(out)
}
