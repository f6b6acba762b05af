//! Who suggests the next values.

pub(crate) mod auto;
pub(crate) mod contract;
pub(crate) mod gp;
pub(crate) mod grid;
pub(crate) mod named;
pub(crate) mod random;
pub(crate) mod sobol;
pub(crate) mod tpe;
pub(crate) mod wrapped;
