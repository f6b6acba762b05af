//! Who stops a trial before its end.

pub(crate) mod contract;
#[cfg(test)]
mod fixtures;
pub(crate) mod halving;
pub(crate) mod median;
pub(crate) mod named;
pub(crate) mod patience;
pub(crate) mod race;
