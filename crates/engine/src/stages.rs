//! The states of a run, from one stage to the next.

use serde::{Deserialize, Serialize};
use specialist_core::Dataset;
use specialist_report::{Finding, Report, Tuning};
use specialist_search::Params;
use specialist_tabular::EstimatorSettings;

use crate::compare::Candidates;
use crate::load::Loaded;

/// Rows that were read, checked and parted.
pub struct Prepared {
    /// The rows.
    pub loaded: Loaded,
    /// What the checks found.
    pub findings: Vec<Finding>,
    /// The target's train rows.
    pub train: Dataset,
    /// The sealed rows: nothing before [`Job::compare`] may look at their labels.
    pub sealed: Dataset,
    /// Source rows to pre-train on.
    pub source_train: Option<Dataset>,
    /// Source rows that nothing is trained on.
    pub source_test: Option<Dataset>,
}

/// What is needed to make the candidates again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plans {
    /// The specialist's tuning and settings.
    pub specialist: Params,
    /// The best recalibration.
    pub recalibration: Params,
    /// Scratch's settings.
    pub scratch: EstimatorSettings,
    /// The weight of a target row in `pooled`.
    pub pooled_weight: Option<f64>,
    /// The settings that the generalist was fitted with.
    pub pretrain: Option<EstimatorSettings>,
    /// The best tuning of every rung.
    pub rungs: Vec<Params>,
    /// The best few settings of scratch.
    pub scratches: Vec<EstimatorSettings>,
    /// Trials looked at, over all searches.
    pub trials: usize,
    /// For the report.
    pub summary: Tuning,
}

/// The candidates, and how they came about.
pub struct Tuned {
    /// The models.
    pub candidates: Candidates,
    /// What is needed to make them again.
    pub plans: Plans,
    /// The studies' journals, by name.
    pub journals: Vec<(String, String)>,
}

/// A run that reached its end.
pub struct Compared {
    /// What it says.
    pub report: Report,
}
