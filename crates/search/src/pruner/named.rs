//! Pruners by the names that recipes have for them.

use specialist_core::Registry;

use super::contract::{Never, Pruner};
use super::halving::{Hyperband, SuccessiveHalving};
use super::median::Median;
use super::patience::Patience;
use super::race::Race;

/// A pruner that a recipe can name: its name, what it is in a line, and how one with its defaults is made.
pub struct NamedPruner {
    /// Its name.
    pub name: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
    /// Makes one for trials of at most so many steps.
    pub make: fn(u64) -> Box<dyn Pruner>,
}

const fn named(name: &'static str, about: &'static str, make: fn(u64) -> Box<dyn Pruner>) -> NamedPruner {
    NamedPruner { name, about, make }
}

/// The pruners that a recipe can name; a program adds its own.
///
/// ```
/// use specialist_search::{PRUNERS, pruner_by_name};
/// assert!(PRUNERS.names().iter().all(|name| pruner_by_name(name, 9).is_some_and(|p| p.name() == *name)));
/// ```
pub static PRUNERS: Registry<NamedPruner> = Registry::new(
    &[
        &named("none", "every trial goes to its end", |_| Box::new(Never)),
        &named("race", "ends a trial whose folds so far cannot win", |_| Box::new(Race::default())),
        &named("median", "ends what is behind the median at the same step", |_| Box::new(Median::default())),
        &named("successive-halving", "keeps the better part at each doubling", |_| {
            Box::new(SuccessiveHalving::default())
        }),
        &named("hyperband", "several halvings that begin at different steps", |steps| {
            Box::new(Hyperband { most: steps, ..Hyperband::default() })
        }),
        &named("patience", "ends a trial that no longer improves", |_| Box::new(Patience::default())),
    ],
    |p| p.name,
);

/// The pruner that a recipe calls `name`, with its defaults, for trials of at most `steps` steps.
///
/// ```
/// use specialist_search::pruner_by_name;
/// assert_eq!(pruner_by_name("median", 9).unwrap().name(), "median");
/// assert!(pruner_by_name("none of them", 9).is_none());
/// ```
#[must_use]
pub fn pruner_by_name(name: &str, steps: u64) -> Option<Box<dyn Pruner>> {
    PRUNERS.named(name).map(|p| (p.make)(steps))
}
