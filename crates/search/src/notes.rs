//! The names of our own notes on studies and trials: what Optuna has no word for.

/// The system attribute of a study that holds its space.
pub(crate) const SPACE: &str = "specialist:space";
/// The system attribute of a trial that says which process works on it.
pub(crate) const WORKER: &str = "specialist:worker";
/// The system attribute of a trial that goes on where a pruned one was stopped.
pub(crate) const RESUMED: &str = "specialist:resumed";
/// The system attribute of a trial whose worker died: how often.
pub(crate) const DIED: &str = "specialist:died";
/// The system attribute that stands for a heartbeat: Optuna's journal has none, and an operation that
/// it does not know would make the file unreadable for it.
pub(crate) const BEAT: &str = "specialist:heartbeat";
/// The user attribute of a trial, and the system attribute of a study, with the checksum.
pub(crate) const SEAL: &str = "specialist:checksum";
