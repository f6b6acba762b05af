//! What each feature adds to a prediction.

use specialist_core::{Error, Feature, Scaling};

/// Each feature's part in each row's margins; what is left is the constant that no feature explains. A margin is the sum of
/// its parts and the constant.
///
/// Of several classes the parts are in the class' margin less the mean over the classes: only differences of margins count, and
/// of all that are equal to a model this one favours no class.
#[derive(Debug, Clone, PartialEq)]
pub struct Contributions {
    /// Outputs of a row.
    outputs: usize,
    /// Parts of an output, the constant last.
    width: usize,
    values: Vec<f64>,
}

impl Contributions {
    /// Rows × outputs × (features + 1) numbers, row by row, then output by output; the constant is an output's last.
    pub(crate) fn new(outputs: usize, width: usize, values: Vec<f64>) -> Self {
        debug_assert!(values.len().is_multiple_of(outputs * width));
        Self { outputs, width, values }
    }

    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.values.len() / (self.outputs * self.width)
    }

    /// How many margins a row has.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// The parts of one margin of a row, in the order of the model's features; the constant is the last.
    #[must_use]
    pub fn parts(&self, row: usize, output: usize) -> &[f64] {
        let from = (row * self.outputs + output) * self.width;
        &self.values[from..from + self.width]
    }

    /// Every margin's parts.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks_exact(self.width)
    }

    /// The same parts, of the features `of`, each at its place among `all`.
    pub(crate) fn spread(self, of: &[Feature], all: &[Feature]) -> Self {
        let place = |f: &Feature| all.iter().position(|a| a.name == f.name).expect("all holds each");
        let places: Vec<usize> = of.iter().map(place).chain([all.len()]).collect();
        let width = all.len() + 1;
        let mut values = vec![0.0; self.rows() * self.outputs * width];
        for (wide, parts) in values.chunks_exact_mut(width).zip(self.iter()) {
            places.iter().zip(parts).for_each(|(&p, v)| wide[p] = *v);
        }
        Self { outputs: self.outputs, width, values }
    }

    /// Adds the parts of `other`, of the same rows and features.
    pub(crate) fn add(&mut self, other: &Self) -> Result<(), Error> {
        if (self.outputs, self.width, self.values.len()) != (other.outputs, other.width, other.values.len()) {
            return Err(Error::Mismatch("parts of models with different outputs".into()));
        }
        self.values.iter_mut().zip(&other.values).for_each(|(a, b)| *a += b);
        Ok(())
    }

    /// Divides every part.
    pub(crate) fn divide(&mut self, by: f64) {
        self.values.iter_mut().for_each(|v| *v /= by);
    }

    /// The parts of the margins that `scaling` makes of these.
    pub(crate) fn scale(&mut self, scaling: &Scaling) {
        for (k, parts) in self.values.chunks_exact_mut(self.width).enumerate() {
            let line = scaling.line(k % self.outputs);
            parts.iter_mut().for_each(|v| *v *= line.slope);
            *parts.last_mut().expect("there is a constant") += line.intercept;
        }
    }

    /// Of several outputs, the parts in each less those in the mean of all.
    pub(crate) fn centre(&mut self) {
        if self.outputs == 1 {
            return;
        }
        let (outputs, width) = (self.outputs, self.width);
        for row in self.values.chunks_exact_mut(outputs * width) {
            for part in 0..width {
                let mean = (0..outputs).map(|k| row[k * width + part]).sum::<f64>() / outputs as f64;
                (0..outputs).for_each(|k| row[k * width + part] -= mean);
            }
        }
    }
}
