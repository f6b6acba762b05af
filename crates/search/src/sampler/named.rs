//! Samplers by the names that recipes have for them.

use specialist_core::Registry;

use super::auto::Auto;
use super::contract::Sampler;
use super::gp::Gp;
use super::grid::Grid;
use super::random::Random;
use super::sobol::Sobol;
use super::tpe::Tpe;

/// A sampler that a recipe can name: its name, what it is in a line, and how one with its defaults is made.
pub struct NamedSampler {
    /// Its name.
    pub name: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
    /// Makes one.
    pub make: fn() -> Box<dyn Sampler>,
}

const fn named(name: &'static str, about: &'static str, make: fn() -> Box<dyn Sampler>) -> NamedSampler {
    NamedSampler { name, about, make }
}

/// The samplers that a recipe can name; a program adds its own.
///
/// ```
/// use specialist_search::{NamedSampler, Random, SAMPLERS, sampler_by_name};
/// static MINE: NamedSampler = NamedSampler { name: "mine", about: "by chance", make: || Box::new(Random) };
/// SAMPLERS.add(&MINE);
/// assert!(sampler_by_name("mine").is_some());
/// ```
pub static SAMPLERS: Registry<NamedSampler> = Registry::new(
    &[
        &named("auto", "a Gaussian process and a density by turns, whichever suits the space", || {
            Box::new(Auto::default())
        }),
        &named("gp", "a Gaussian process and the expected improvement (Bayesian)", || Box::new(Gp::default())),
        &named("tpe", "densities of good and bad trials (tree-structured Parzen)", || Box::new(Tpe::default())),
        &named("random", "independent draws", || Box::new(Random)),
        &named("sobol", "a scrambled sequence that fills the space evenly", || Box::new(Sobol)),
        &named("grid", "every combination in turn", || Box::new(Grid::default())),
    ],
    |s| s.name,
);

/// The sampler that a recipe calls `name`; `transfer` needs a study to start from: [`Transfer`](crate::Transfer).
///
/// ```
/// use specialist_search::sampler_by_name;
/// assert_eq!(sampler_by_name("tpe").unwrap().name(), "tpe");
/// assert!(sampler_by_name("none of them").is_none());
/// ```
#[must_use]
pub fn sampler_by_name(name: &str) -> Option<Box<dyn Sampler>> {
    SAMPLERS.named(name).map(|s| (s.make)())
}
