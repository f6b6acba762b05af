//! What a sampler is.

use rand_chacha::ChaCha8Rng;

use crate::history::History;
use crate::params::Params;

/// Suggests values from the whole space and the whole history, waiting and running trials included.
///
/// ```
/// use rand_chacha::ChaCha8Rng;
/// use specialist_search::{History, Params, Sampler, Space, Study};
/// struct Middle;
/// impl Sampler for Middle {
///     fn name(&self) -> &'static str { "middle" }
///     fn suggest(&self, history: &History<'_>, _: &mut ChaCha8Rng) -> Option<Params> {
///         Some(history.space.decode(&vec![0.5; history.space.params().len()]))
///     }
/// }
/// let study = Study::minimise("s", Space::new().float("x", 0.0, 1.0), 0);
/// assert_eq!(study.suggest(&Middle).unwrap().float("x"), 0.5);
/// ```
pub trait Sampler: Send + Sync {
    /// Its name in recipes.
    fn name(&self) -> &'static str;

    /// The next values, or `None` when there is nothing left to try. The same history and the same
    /// state of `rng` give the same values.
    fn suggest(&self, history: &History<'_>, rng: &mut ChaCha8Rng) -> Option<Params>;

    /// Whether the study should look for another point when one comes that was tried before.
    fn avoids_duplicates(&self) -> bool {
        true
    }
}
