//! What a model gives.

use crate::Error;

/// Rows × K numbers, row by row: margins or predictions, one a row for probabilities, numbers and risks, one a class for
/// several classes. Of a model that writes it is a text a row, and no number ([`crate::Estimand::Text`]).
///
/// ```
/// use specialist_core::Outputs;
/// let outputs = Outputs::new(2, vec![0.1, 0.9, 0.4, 0.6])?;
/// assert_eq!((outputs.rows(), outputs.width()), (2, 2));
/// assert_eq!(outputs.row(1), [0.4, 0.6]);
/// assert_eq!(outputs.column(1).collect::<Vec<_>>(), [0.9, 0.6]);
/// assert!(outputs.into_single().is_err());
/// let written = Outputs::of_texts(vec!["ein Buch".into()]);
/// assert_eq!((written.rows(), written.width(), written.texts()), (1, 0, &["ein Buch".to_string()][..]));
/// # Ok::<(), specialist_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Outputs {
    values: Vec<f64>,
    width: usize,
    /// One a row where a model writes; there are no numbers then.
    texts: Vec<String>,
}

/// As [`Outputs::predicted_classes`], of one row.
pub(crate) fn predicted_class(row: &[f64]) -> usize {
    match row {
        [p] => usize::from(*p > 0.5),
        row => place_of_largest(row),
    }
}

/// The place of the largest number, the first of equals.
pub(crate) fn place_of_largest(row: &[f64]) -> usize {
    (1..row.len()).fold(0, |best, k| if row[k] > row[best] { k } else { best })
}

impl Default for Outputs {
    fn default() -> Self {
        Self { values: Vec::new(), width: 1, texts: Vec::new() }
    }
}

impl From<Vec<f64>> for Outputs {
    /// One number a row.
    fn from(values: Vec<f64>) -> Self {
        Self { values, width: 1, texts: Vec::new() }
    }
}

impl Outputs {
    /// `values`, `width` of them a row.
    ///
    /// # Errors
    /// [`Error::Mismatch`] when they are no whole number of rows.
    pub fn new(width: usize, values: Vec<f64>) -> Result<Self, Error> {
        if width == 0 || !values.len().is_multiple_of(width) {
            return Err(Error::Mismatch(format!("{} numbers in rows of {width}", values.len())));
        }
        Ok(Self { values, width, texts: Vec::new() })
    }

    /// A text a row.
    #[must_use]
    pub fn of_texts(texts: Vec<String>) -> Self {
        Self { values: Vec::new(), width: 0, texts }
    }

    /// What was written, a text a row; empty where a model gives numbers.
    #[must_use]
    pub fn texts(&self) -> &[String] {
        &self.texts
    }

    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.values.len().checked_div(self.width).unwrap_or(self.texts.len())
    }

    /// How many numbers a row has; 0 where it is a text.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// One row's numbers.
    #[must_use]
    pub fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.width..(row + 1) * self.width]
    }

    /// Every row's numbers.
    pub fn iter_rows(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks_exact(self.width.max(1))
    }

    /// Every row's numbers, to change.
    pub fn iter_rows_mut(&mut self) -> impl Iterator<Item = &mut [f64]> {
        self.values.chunks_exact_mut(self.width.max(1))
    }

    /// The number at this place of every row.
    pub fn column(&self, column: usize) -> impl Iterator<Item = f64> {
        self.values.iter().skip(column).step_by(self.width).copied()
    }

    /// Adds what `other` gives of the same rows.
    ///
    /// # Panics
    /// Where the two are not of one shape: both are a model's answer to the same rows.
    pub fn add(&mut self, other: &Self) {
        let alike = self.values.len() == other.values.len() && self.width == other.width && self.texts.is_empty();
        assert!(alike, "outputs of different shapes, or texts");
        self.values.iter_mut().zip(&other.values).for_each(|(a, b)| *a += b);
    }

    /// The place of each row's largest number, the first of equals: the class that is predicted.
    pub fn largest(&self) -> impl Iterator<Item = usize> {
        self.iter_rows().map(place_of_largest)
    }

    /// The class that each row's probabilities predict, by its code: the most probable, the first of equals; where a row is the one
    /// probability of the second of two classes, that one if it is more than a half.
    pub fn predicted_classes(&self) -> impl Iterator<Item = usize> {
        self.iter_rows().map(predicted_class)
    }

    /// All numbers, row by row.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The one number of every row.
    ///
    /// # Panics
    /// Where rows have several: who asks has looked at the estimand.
    #[must_use]
    pub fn single(&self) -> &[f64] {
        assert!(self.width == 1, "rows of {} numbers were taken for one", self.width);
        &self.values
    }

    /// As [`Outputs::single`].
    ///
    /// # Errors
    /// [`Error::Mismatch`] where rows have several.
    pub fn into_single(self) -> Result<Vec<f64>, Error> {
        if self.width == 1 {
            return Ok(self.values);
        }
        Err(Error::Mismatch(format!("a model with {} outputs was asked for one", self.width)))
    }
}
