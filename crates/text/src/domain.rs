//! Texts as a domain of the engine.

use std::path::PathBuf;
use std::sync::OnceLock;

use specialist_core::evidence::Prediction;
use specialist_core::metric::{Accuracy, Brier, LogLoss, MacroF1, RocAuc};
use specialist_core::{Dataset, Domain, Error, Metric, Outputs, Panel, PanelInput, Recipe};

use crate::corpus;
use crate::fetch::{Cache, ITEMS};
use crate::labels::{stress, tf_idf_baseline};

/// Which label does a text carry?
#[derive(Debug, Clone, Copy, Default)]
pub struct Text;

/// The folder of fetched weights and corpora, where the command line names one.
static CACHE: OnceLock<PathBuf> = OnceLock::new();

/// Sets the folder of fetched weights and corpora, once for the process.
pub fn set_cache(folder: PathBuf) {
    let _ = CACHE.set(folder);
}

/// What was fetched.
pub fn cache() -> Cache {
    Cache::new(CACHE.get().map(PathBuf::as_path))
}

const RECIPES: &[Recipe] =
    &[Recipe { name: "sentiment", text: include_str!("../../../pipelines/text/sentiment.toml") }];

impl Domain for Text {
    fn name(&self) -> &'static str {
        "text"
    }

    fn about(&self) -> &'static str {
        "Text: is a specialised transformer better than the general one?"
    }

    fn recipes(&self) -> &'static [Recipe] {
        RECIPES
    }

    /// Log loss decides: it tells candidates apart with fewer texts than a count of right labels.
    fn metrics(&self) -> Vec<Box<dyn Metric>> {
        vec![Box::new(LogLoss), Box::new(MacroF1), Box::new(Accuracy), Box::new(RocAuc), Box::new(Brier)]
    }

    fn reads_texts(&self) -> bool {
        true
    }

    fn fetched(&self, name: &str) -> Result<Option<PathBuf>, Error> {
        let hub = cache().root.join("hub").join(name.replace('/', "--"));
        if hub.is_dir() {
            return Ok(Some(hub));
        }
        match ITEMS.iter().find(|i| i.name == name) {
            Some(item) => Ok(Some(cache().folder(item).map_err(crate::error::Error::into_core)?)),
            None => Ok(None),
        }
    }

    fn fetched_table(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        corpus::as_csv(&cache(), name).map_err(crate::error::Error::into_core)
    }

    fn baselines(&self, train: &Dataset, sealed: &Dataset) -> Result<Vec<Prediction>, Error> {
        let mut counts = vec![0.0; train.estimand.width().max(2)];
        train.labels().codes().iter().for_each(|&c| counts[c as usize] += 1.0 / train.rows() as f64);
        let row = if train.estimand.width() == 1 { vec![counts[1]] } else { counts };
        let majority = Prediction {
            name: "majority".into(),
            what: "the shares of the target's labels".into(),
            outputs: Outputs::new(row.len(), row.repeat(sealed.rows()))?,
            baseline: None,
        };
        Ok(vec![majority, tf_idf_baseline(train, sealed)?])
    }

    fn panels(&self, input: &PanelInput<'_>) -> Result<Vec<Panel>, Error> {
        Ok(stress::panel(input)?.into_iter().collect())
    }
}
