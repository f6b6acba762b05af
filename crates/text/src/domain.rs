//! Texts as a domain of the engine.

use std::any::Any;
use std::path::PathBuf;
use std::sync::OnceLock;

use specialist_core::evidence::Prediction;
use specialist_core::metric::{Accuracy, Brier, LogLoss, MacroF1, RocAuc};
use specialist_core::{
    Dataset, Domain, Error, Estimand, Finding, Judgement, Metric, Outputs, Panel, PanelInput, Recipe, metric,
};
use specialist_engine::waivers::FINDINGS;
use specialist_tabular::RUNGS;

use crate::fetch::{Cache, ITEMS};
use crate::labels::{self, stress, tf_idf_baseline};
use crate::writing::{Settings, Task};
use crate::{corpus, rungs, writing};

/// Which label does a text carry, and what is to be written of it?
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

/// Makes what texts add to recipes known: estimators, rungs, an encoder.
pub fn register() {
    labels::register();
    writing::register();
    rungs::ALL.iter().for_each(|rung| RUNGS.add(rung));
    writing::FINDS.iter().for_each(|found| FINDINGS.add(found));
}

const RECIPES: &[Recipe] = &[
    Recipe { name: "sentiment", text: include_str!("../../../pipelines/text/sentiment.toml") },
    Recipe { name: "translate", text: include_str!("../../../pipelines/text/translate.toml") },
    Recipe { name: "summarize", text: include_str!("../../../pipelines/text/summarize.toml") },
];

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

    fn judgement(&self, settings: &str) -> Result<Box<dyn Judgement>, Error> {
        Ok(Box::new(Reader { written: Settings::parse(settings)?.map(|told| told.task) }))
    }

    fn settings_schema(&self) -> Option<String> {
        Some(serde_json::to_string(&schemars::schema_for!(Settings)).expect("plain data"))
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
}

/// What a reader asks of labels, and of texts that were written.
struct Reader {
    /// What is written; none where texts carry labels.
    written: Option<Task>,
}

impl Judgement for Reader {
    fn metrics(&self, estimand: Estimand) -> Vec<Box<dyn Metric>> {
        match (estimand, self.written) {
            // Log loss decides: it tells candidates apart with fewer texts than a count of right labels.
            (Estimand::Probability, _) => {
                vec![Box::new(LogLoss), Box::new(MacroF1), Box::new(Accuracy), Box::new(RocAuc), Box::new(Brier)]
            }
            (Estimand::Text, Some(task)) => {
                writing::figures(task).into_iter().map(|m| Box::new(m) as Box<dyn Metric>).collect()
            }
            _ => metric::usual(estimand),
        }
    }

    fn findings(&self, _: Option<&Dataset>, train: &Dataset) -> Result<Vec<Finding>, Error> {
        if train.estimand != Estimand::Text {
            return Ok(Vec::new());
        }
        Ok(vec![writing::script(train)?, writing::empty(train)?])
    }

    fn notes(&self, rows: &Dataset, written: &[String]) -> Option<(&'static str, Vec<String>)> {
        Some(("not_in_the_source", writing::notes(rows, written).ok()?))
    }

    fn baselines(&self, train: &Dataset, sealed: &Dataset) -> Result<Vec<Prediction>, Error> {
        if train.estimand == Estimand::Text {
            return writing::baselines(train, sealed, &cache());
        }
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
        if input.rows.estimand == Estimand::Text {
            return writing::panels(input);
        }
        Ok(stress::panel(input)?.into_iter().collect())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
