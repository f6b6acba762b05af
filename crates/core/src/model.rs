//! The three things a model can do: be pre-trained, be fine-tuned, predict.

use crate::survival::Baseline;
use crate::{Context, Dataset, Error, Estimand, Outputs};

/// A fitted model that predicts its [`Estimand`].
///
/// ```
/// use specialist_core::{Dataset, Error, Feature, Labels, Outputs, Predict};
/// /// Its margin is the feature.
/// struct Score;
/// impl Predict for Score {
///     fn margins(&self, data: &Dataset) -> Result<Outputs, Error> {
///         Ok(data.records().column(0).to_vec().into())
///     }
/// }
/// let rows = Dataset::new(vec![Feature::number("x")], ndarray::array![[0.0]], Labels::binary([true]))?;
/// assert_eq!(Score.predict(&rows)?, [0.5]);
/// # Ok::<(), Error>(())
/// ```
pub trait Predict: Send + Sync {
    /// What it predicts; the probability of the positive class unless it says otherwise.
    fn estimand(&self) -> Estimand {
        Estimand::Probability
    }

    /// For times: how risk comes about until the horizon.
    fn baseline(&self) -> Option<&Baseline> {
        None
    }

    /// The margins, rows × [`Estimand::width`]: log-odds of a probability, one log of each of several classes (of which only the
    /// differences count), a log cumulative hazard of a risk, otherwise the number itself; of a model that writes its texts. `data` holds the features that the
    /// model was fitted with, in any order.
    ///
    /// # Errors
    /// [`Error::NoColumn`] or [`Error::Mismatch`] when the features do not fit.
    fn margins(&self, data: &Dataset) -> Result<Outputs, Error>;

    /// The predictions, rows × [`Estimand::width`]: probabilities, or numbers in the label's unit.
    ///
    /// # Errors
    /// As [`Predict::margins`].
    fn predictions(&self, data: &Dataset) -> Result<Outputs, Error> {
        let estimand = self.estimand();
        let mut out = self.margins(data)?;
        out.iter_rows_mut().for_each(|row| estimand.respond(row));
        Ok(out)
    }

    /// The margin of a model with one output, one a row.
    ///
    /// # Errors
    /// As [`Predict::margins`]; [`Error::Mismatch`] for several classes.
    fn margin(&self, data: &Dataset) -> Result<Vec<f64>, Error> {
        self.margins(data)?.into_single()
    }

    /// The prediction of a model with one output, one a row.
    ///
    /// # Errors
    /// As [`Predict::margin`].
    fn predict(&self, data: &Dataset) -> Result<Vec<f64>, Error> {
        self.predictions(data)?.into_single()
    }
}

/// An estimator that can be fitted from nothing: on the source it makes a generalist, on the target
/// the `scratch` candidate.
///
/// ```
/// use specialist_core::{Context, Dataset, Error, Feature, Labels, Outputs, Predict, Pretrain, logit};
///
/// /// Predicts the share of positive labels for every row.
/// struct Prevalence;
/// struct Constant(f64);
///
/// impl Predict for Constant {
///     fn margins(&self, data: &Dataset) -> Result<Outputs, Error> {
///         Ok(vec![self.0; data.rows()].into())
///     }
/// }
///
/// impl Pretrain for Prevalence {
///     type Generalist = Constant;
///     fn pretrain(&self, source: &Dataset, _: &Context) -> Result<Constant, Error> {
///         Ok(Constant(logit(source.prevalence())))
///     }
/// }
///
/// let labels = Labels::binary([false, false, false, true]);
/// let source = Dataset::new(vec![Feature::number("x")], ndarray::Array2::zeros((4, 1)), labels)?;
/// let model = Prevalence.pretrain(&source, &Context::new(1, 1))?;
/// assert!((model.predict(&source)?[0] - 0.25).abs() < 1e-9);
/// # Ok::<(), Error>(())
/// ```
pub trait Pretrain: Send + Sync {
    /// What comes out.
    type Generalist: Predict;

    /// Fits on `source`.
    ///
    /// # Errors
    /// When the rows are too few, settings are out of range, or the run is cancelled.
    fn pretrain(&self, source: &Dataset, ctx: &Context) -> Result<Self::Generalist, Error>;
}

/// A way to adapt a generalist `G` to the target: linfa's `FitWith` with a [`Context`].
///
/// ```
/// use specialist_core::{Context, Dataset, Error, Feature, FineTune, Labels, Outputs, Predict};
/// struct Shift(f64);
/// impl Predict for Shift {
///     fn margins(&self, data: &Dataset) -> Result<Outputs, Error> {
///         Ok(data.records().column(0).iter().map(|x| x + self.0).collect::<Vec<_>>().into())
///     }
/// }
/// /// Moves the prediction one up.
/// struct Up;
/// impl FineTune<Shift> for Up {
///     type Specialist = Shift;
///     fn fine_tune(&self, generalist: &Shift, _: &Dataset, _: &Context) -> Result<Shift, Error> {
///         Ok(Shift(generalist.0 + 1.0))
///     }
/// }
/// let target = Dataset::new(vec![Feature::number("x")], ndarray::array![[2.0]], Labels::binary([true]))?;
/// let specialist = Up.fine_tune(&Shift(0.5), &target, &Context::new(1, 1))?;
/// assert_eq!(specialist.margin(&target)?, [3.5]);
/// # Ok::<(), Error>(())
/// ```
pub trait FineTune<G: Predict>: Send + Sync {
    /// What comes out.
    type Specialist: Predict;

    /// Adapts `generalist` to `target`, which it never changes.
    ///
    /// # Errors
    /// When the rows are too few, the generalist has no such rung, or the run is cancelled.
    fn fine_tune(&self, generalist: &G, target: &Dataset, ctx: &Context) -> Result<Self::Specialist, Error>;
}
