//! A loaded artifact that scores record batches.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use specialist_core::{ColumnKind, Dataset, Domain, Estimand, Outputs, Predict, Role};
use specialist_engine::artifact;
use specialist_engine::explain::{Explained, class_called, parts};
use specialist_engine::predict::{Scorer, Steps, Unseen};
use specialist_tabular::read::{Input, InvalidCells};

use crate::batch::{BatchRows, NAME};
use crate::{Error, Tables};

/// What ships, or another model of an artifact: it scores and explains rows. Calls may come from many threads at once.
///
/// The scores are those of the command line's `predict`, to the bit: the recipe in the artifact says what a column is, and
/// cells of a batch are read as the same cells of a file would be.
pub struct Specialist {
    scorer: Scorer,
    domain: Arc<dyn Domain>,
    steps: Mutex<Steps>,
    schema: Arc<Schema>,
}

/// Scores of some rows, and what was found in them.
#[derive(Debug, Clone, Default)]
pub struct Scores {
    /// Rows × outputs: a probability, a number or a risk, or of several classes a probability each.
    pub outputs: Outputs,
    /// Columns with levels that the model never saw; it took them as missing, or for its level `(other)`.
    pub unseen: BTreeMap<String, Unseen>,
    /// Cells outside of their declared range or levels; the model took them as missing.
    pub invalid: Vec<InvalidCells>,
}

impl Specialist {
    /// Opens the artifact in `folder`, checks every file's digest, and takes the model that its verdict ships. This is for
    /// artifacts whose features are columns as they are; where a domain makes them, [`Specialist::load_in`] takes it.
    ///
    /// # Errors
    /// [`Error::Artifact`] when a file is missing or altered; [`Error::Usage`] when a domain makes the features.
    pub fn load(folder: impl AsRef<Path>) -> Result<Self, Error> {
        let folder = folder.as_ref();
        let name = artifact::manifest(folder)?.domain;
        let model = Self::open(folder, Arc::new(Tables::called(&name)), None);
        model.map_err(|e| match e {
            Error::Recipe(_) => Error::Usage {
                what: format!("{}: its features are made by the domain {name}", folder.display()),
                hint: format!("give the domain too: Specialist::load_in(folder, {name}::…)"),
            },
            e => e,
        })
    }

    /// As [`Specialist::load`], with the domain that makes the artifact's features.
    ///
    /// # Errors
    /// As [`Specialist::load`]; [`Error::Usage`] when the artifact is of another domain.
    pub fn load_in(folder: impl AsRef<Path>, domain: impl Domain + 'static) -> Result<Self, Error> {
        Self::open(folder.as_ref(), Arc::new(domain), None)
    }

    /// As [`Specialist::load`], with whichever of `domains` the artifact's manifest names.
    ///
    /// # Errors
    /// As [`Specialist::load`], where it names none of them.
    pub fn load_among(folder: impl AsRef<Path>, domains: &[Arc<dyn Domain>]) -> Result<Self, Error> {
        let name = artifact::manifest(folder.as_ref())?.domain;
        match domains.iter().find(|d| d.name() == name) {
            Some(domain) => Self::open(folder.as_ref(), Arc::clone(domain), None),
            None => Self::load(folder),
        }
    }

    /// Another model of the same artifact: `generalist`, `recalibrated`, `scratch`, `pooled`, `specialist`.
    ///
    /// # Errors
    /// [`Error::Artifact`] when there is none of that name.
    pub fn other(&self, model: &str) -> Result<Self, Error> {
        Self::open(self.scorer.folder(), Arc::clone(&self.domain), Some(model))
    }

    fn open(folder: &Path, domain: Arc<dyn Domain>, model: Option<&str>) -> Result<Self, Error> {
        let scorer = Scorer::open(folder, model, &*domain)?;
        let steps = Mutex::new(scorer.fresh_steps(&*domain)?);
        let schema = Arc::new(schema(&scorer));
        Ok(Self { scorer, domain, steps, schema })
    }

    /// The model's name in the artifact: what the verdict ships, unless another was asked for.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.scorer.name
    }

    /// What is predicted of a row.
    #[must_use]
    pub fn estimand(&self) -> Estimand {
        self.scorer.model.estimand()
    }

    /// The names of the classes, in the order of the outputs; none where a row has one output.
    #[must_use]
    pub fn classes(&self) -> &[String] {
        &self.scorer.classes
    }

    /// The columns that a batch must have, in any order, beside whatever else it has. The types are those that hold every
    /// value; others of the same kind (32 bits, dictionaries, text of numbers) are read as well.
    #[must_use]
    pub fn schema(&self) -> Arc<Schema> {
        Arc::clone(&self.schema)
    }

    /// What the model predicts of every row: rows × outputs, in the batch's order.
    ///
    /// # Errors
    /// [`Error::Read`] with row (from 1), column and what was expected.
    pub fn predict(&self, batch: &RecordBatch) -> Result<Outputs, Error> {
        Ok(self.score(batch)?.outputs)
    }

    /// As [`Specialist::predict`], with what was found in the rows: what the command line says on stderr.
    ///
    /// # Errors
    /// As [`Specialist::predict`].
    pub fn score(&self, batch: &RecordBatch) -> Result<Scores, Error> {
        if batch.num_rows() == 0 {
            let outputs = Outputs::new(self.estimand().width(), Vec::new())?;
            return Ok(Scores { outputs, ..Scores::default() });
        }
        let (data, invalid) = self.rows(batch)?;
        let mut unseen = BTreeMap::new();
        self.scorer.unseen_levels(&data, &mut unseen);
        let outputs = self.scorer.predictions(&data, NAME)?;
        self.scorer.refuse_unknown(NAME, &unseen)?;
        unseen.retain(|_, u| u.unseen > 0);
        Ok(Scores { outputs, unseen, invalid })
    }

    /// As [`Specialist::score`], of the rows of a CSV or Parquet file, written as the recipe's target is.
    ///
    /// # Errors
    /// [`Error::Read`] with file, line and column.
    pub fn score_file(&self, path: impl AsRef<Path>) -> Result<Scores, Error> {
        const CHUNK: usize = 16_384;
        let input = Input::File(path.as_ref().into());
        let mut reader = self.scorer.reader(&input)?;
        let (mut values, mut unseen) = (Vec::new(), BTreeMap::new());
        while let Some(chunk) = reader.next_chunk(CHUNK)? {
            let data = self.steps().apply(chunk.data)?;
            self.scorer.unseen_levels(&data, &mut unseen);
            values.extend_from_slice(self.scorer.predictions(&data, &input.name())?.values());
        }
        self.scorer.refuse_unknown(&input.name(), &unseen)?;
        unseen.retain(|_, u| u.unseen > 0);
        let outputs = Outputs::new(self.estimand().width(), values)?;
        Ok(Scores { outputs, unseen, invalid: reader.report().invalid.clone() })
    }

    /// What each feature adds to the prediction of every row; of several classes to that of `class`, or else of each row's
    /// most probable one.
    ///
    /// # Errors
    /// As [`Specialist::predict`]; [`Error::Usage`] when the model cannot tell, or no class is called so.
    pub fn explain(&self, batch: &RecordBatch, class: Option<&str>) -> Result<Vec<Explained>, Error> {
        let class = class.map(|name| class_called(&self.scorer, name)).transpose()?;
        if batch.num_rows() == 0 {
            return Ok(Vec::new());
        }
        parts(&self.scorer, &*self.domain, &self.rows(batch)?.0, class)
    }

    /// Lets features that look back see the rows that came before those to score, in order of time; returns how many. What
    /// is scored afterwards is remembered too.
    ///
    /// # Errors
    /// As [`Specialist::predict`]; [`Error::Usage`] when no feature looks back.
    pub fn warm(&self, history: &RecordBatch) -> Result<usize, Error> {
        if self.steps().memory().is_none() {
            return Err(Error::Usage {
                what: "this model's features do not look back: a history changes nothing".into(),
                hint: "score without one".into(),
            });
        }
        Ok(if history.num_rows() == 0 { 0 } else { self.rows(history)?.0.rows() })
    }

    /// Forgets what features that look back have seen.
    ///
    /// # Errors
    /// As [`Specialist::load`].
    pub fn forget(&self) -> Result<(), Error> {
        *self.steps() = self.scorer.fresh_steps(&*self.domain)?;
        Ok(())
    }

    fn steps(&self) -> MutexGuard<'_, Steps> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The model's rows of a batch.
    fn rows(&self, batch: &RecordBatch) -> Result<(Dataset, Vec<InvalidCells>), Error> {
        let mut reader = self.scorer.reader_over(Box::new(BatchRows::new(batch)), NAME)?;
        let chunk = reader.next_chunk(batch.num_rows())?.expect("a batch with rows has some");
        let invalid = reader.report().invalid.clone();
        Ok((self.steps().apply(chunk.data)?, invalid))
    }
}

/// What a batch must hold.
fn schema(scorer: &Scorer) -> Schema {
    let field = |c: &specialist_core::Column| {
        let names = matches!(c.role, Role::Id | Role::Group | Role::Site | Role::Key);
        let kind = match c.kind {
            _ if names => DataType::Utf8,
            ColumnKind::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            _ if c.role == Role::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            ColumnKind::Category | ColumnKind::Text => DataType::Utf8,
            ColumnKind::Number => DataType::Float64,
        };
        Field::new(&c.name, kind, true)
    };
    // An id is taken where there is one, and nobody needs it here.
    let asked = |c: &&specialist_core::Column| !matches!(c.role, Role::Id | Role::Ignore | Role::Label);
    Schema::new(scorer.columns().columns.iter().filter(asked).map(field).collect::<Vec<_>>())
}
