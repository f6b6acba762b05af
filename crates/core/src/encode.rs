//! Cells that are no numbers: a frozen encoder says what numbers they become.

use std::any::Any;
use std::fmt;

use crate::{Context, Error};

/// A frozen encoder of texts: nothing that is fitted changes it, so that what it says of a text does not depend on the fold.
///
/// ```
/// use specialist_core::{Context, Encode, Error};
/// /// A text as the number of its words.
/// #[derive(Debug)]
/// struct Length;
/// impl Encode for Length {
///     fn width(&self) -> usize {
///         1
///     }
///     fn encode(&self, texts: &[&str], _: &Context) -> Result<Vec<f32>, Error> {
///         Ok(texts.iter().map(|t| t.split_whitespace().count() as f32).collect())
///     }
///     fn as_any(&self) -> &dyn std::any::Any {
///         self
///     }
/// }
/// assert_eq!(Length.encode(&["so it is", "no"], &Context::new(1, 1))?, [3.0, 1.0]);
/// # Ok::<(), Error>(())
/// ```
pub trait Encode: Send + Sync + fmt::Debug {
    /// How many numbers a text becomes.
    fn width(&self) -> usize;

    /// The numbers of each text, one text after the other.
    ///
    /// # Errors
    /// When a text cannot be read, or the run is cancelled.
    fn encode(&self, texts: &[&str], ctx: &Context) -> Result<Vec<f32>, Error>;

    /// Itself, for a model that needs more of it than its numbers.
    fn as_any(&self) -> &dyn Any;
}
