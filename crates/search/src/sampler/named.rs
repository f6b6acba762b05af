//! Samplers by the names that recipes have for them.

use super::auto::Auto;
use super::contract::Sampler;
use super::gp::Gp;
use super::grid::Grid;
use super::random::Random;
use super::sobol::Sobol;
use super::tpe::Tpe;

/// The names that [`sampler_by_name`] knows.
///
/// ```
/// use specialist_search::{SAMPLERS, sampler_by_name};
/// assert!(SAMPLERS.iter().all(|name| sampler_by_name(name).is_some_and(|s| s.name() == *name)));
/// ```
pub const SAMPLERS: [&str; 6] = ["auto", "gp", "tpe", "random", "sobol", "grid"];

/// The sampler that a recipe calls `name`; `transfer` needs a study to start from: [`Transfer`](crate::Transfer).
///
/// ```
/// use specialist_search::sampler_by_name;
/// assert_eq!(sampler_by_name("tpe").unwrap().name(), "tpe");
/// assert!(sampler_by_name("none of them").is_none());
/// ```
#[must_use]
pub fn sampler_by_name(name: &str) -> Option<Box<dyn Sampler>> {
    Some(match name {
        "auto" => Box::new(Auto::default()),
        "gp" => Box::new(Gp::default()),
        "tpe" => Box::new(Tpe::default()),
        "random" => Box::new(Random),
        "sobol" => Box::new(Sobol),
        "grid" => Box::new(Grid::default()),
        _ => return None,
    })
}
