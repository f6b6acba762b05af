//! linfa's decision tree.

use specialist_core::{Context, Dataset, Error};
use specialist_search::{Params, Space, Value};

use super::{Estimator, setting};
use crate::baseline::ClassificationTree;
use crate::{Base, Model};

const DEPTH: usize = 6;
const LEAF: f64 = 5.0;

/// linfa's decision tree.
///
/// Of two classes only: it gives the class and no probability, which we read from the leaves.
pub struct LinfaTree;

impl Estimator for LinfaTree {
    fn name(&self) -> &'static str {
        "linfa-tree"
    }

    fn about(&self) -> &'static str {
        "linfa's decision tree, of two classes"
    }

    fn space(&self) -> Space {
        Space::new().int("max-depth", 2, 10).log_int("min-leaf", 2, 50)
    }

    fn default_params(&self) -> Params {
        self.space().choose(|p| Value::Int(if p.name == "max-depth" { DEPTH as i64 } else { LEAF as i64 }))
    }

    fn fit(&self, params: &Params, rows: &Dataset, _: &Context) -> Result<Model, Error> {
        let depth = setting(params, "max-depth", DEPTH as f64) as usize;
        let tree = ClassificationTree::fit(rows, depth, setting(params, "min-leaf", LEAF))?;
        Ok(Model::new(Base::ClassificationTree(tree)))
    }
}
