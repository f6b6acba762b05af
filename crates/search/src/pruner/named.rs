//! Pruners by the names that recipes have for them.

use super::contract::{Never, Pruner};
use super::halving::{Hyperband, SuccessiveHalving};
use super::median::Median;
use super::patience::Patience;
use super::race::Race;

/// The names that [`pruner_by_name`] knows.
///
/// ```
/// use specialist_search::{PRUNERS, pruner_by_name};
/// assert!(PRUNERS.iter().all(|name| pruner_by_name(name, 9).is_some_and(|p| p.name() == *name)));
/// ```
pub const PRUNERS: [&str; 6] = ["none", "race", "median", "successive-halving", "hyperband", "patience"];

/// The pruner that a recipe calls `name`, with its defaults, for trials of at most `steps` steps.
///
/// ```
/// use specialist_search::pruner_by_name;
/// assert_eq!(pruner_by_name("median", 9).unwrap().name(), "median");
/// assert!(pruner_by_name("none of them", 9).is_none());
/// ```
#[must_use]
pub fn pruner_by_name(name: &str, steps: u64) -> Option<Box<dyn Pruner>> {
    Some(match name {
        "none" => Box::new(Never),
        "race" => Box::new(Race::default()),
        "median" => Box::new(Median::default()),
        "successive-halving" => Box::new(SuccessiveHalving::default()),
        "hyperband" => Box::new(Hyperband { most: steps, ..Hyperband::default() }),
        "patience" => Box::new(Patience::default()),
        _ => return None,
    })
}
