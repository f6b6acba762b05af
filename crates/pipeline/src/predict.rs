//! Scores a file of any length in constant memory.

use std::io::Write;
use std::path::Path;

use specialist_core::{Domain, Predict, Role, Schema};
use specialist_tabular::Model;
use specialist_tabular::read::{Input, Options, Reader};
use specialist_tabular::write::ScoreWriter;

use crate::load::{byte, step};
use crate::recipe::{Recipe, parse};
use crate::{Error, artifact, report};

/// Rows in memory at a time.
const CHUNK: usize = 16_384;

/// A model with what it needs to read rows.
pub struct Scorer {
    /// The model.
    pub model: Model,
    /// Its name in the artifact.
    pub name: String,
    /// The recipe it was made by.
    pub recipe: Recipe,
}

impl Scorer {
    /// Opens an artifact; without a `name`, the model that the verdict ships.
    ///
    /// # Errors
    /// [`crate::artifact::ArtifactError`] when it is not whole.
    pub fn open(folder: &Path, name: Option<&str>) -> Result<Self, Error> {
        let manifest = artifact::open(folder)?;
        let name = match name {
            Some(name) => name.to_string(),
            None => report::read_report(folder, &manifest)?.shipped().to_string(),
        };
        let model = artifact::load_model(folder, &name)?;
        let text = String::from_utf8_lossy(&artifact::read(folder, "recipe.toml")?).into_owned();
        let recipe = parse(&folder.join("recipe.toml").display().to_string(), &text, &[])?;
        Ok(Self { model, name, recipe })
    }

    /// Reads `input` as the recipe declares it, without needing what scoring does not need.
    ///
    /// # Errors
    /// As reading does.
    pub fn reader(&self, input: &Input) -> Result<Reader, Error> {
        let delimiter = byte(self.recipe.target.delimiter)?;
        let options = Options { delimiter, filter: Default::default(), labelled: false };
        Ok(Reader::open(input, &self.schema(), &options)?)
    }

    fn schema(&self) -> Schema {
        let mut schema = self.recipe.schema();
        if self.recipe.features == "as-is" {
            schema.columns.retain(|c| matches!(c.role, Role::Feature | Role::Amount | Role::Id));
        }
        schema
    }

    /// Scores every row of `input` into `writer`; returns how many there were.
    ///
    /// # Errors
    /// As reading does, or [`Error::Write`] when the sink refuses.
    pub fn score<W: Write>(
        &self,
        input: &Input,
        domain: &dyn Domain,
        make: impl FnOnce(&str, bool) -> std::io::Result<ScoreWriter<W>>,
        mut progress: impl FnMut(usize),
    ) -> Result<usize, Error> {
        let wrong = |error| Error::Write { file: "the scores".into(), error };
        let mut reader = self.reader(input)?;
        let mut step = step(&self.recipe, domain)?;
        let (mut writer, mut make) = (None, Some(make));
        let mut rows = 0;
        while let Some(chunk) = reader.next_chunk(CHUNK)? {
            if writer.is_none() {
                let key = if chunk.ids.is_some() { "id" } else { "line" };
                let make = make.take().expect("the writer is made once");
                writer = Some(make(key, chunk.ids.is_some()).map_err(wrong)?);
            }
            let lines = chunk.data.lines.clone();
            let data = step.apply(chunk.data)?;
            let probability = self.model.probability(&data)?;
            let writer = writer.as_mut().expect("made above");
            writer.write(chunk.ids.as_deref(), &lines, &probability).map_err(wrong)?;
            rows += lines.len();
            progress(lines.len());
        }
        match writer {
            Some(writer) => writer.finish().map_err(wrong)?,
            None => return Err(specialist_tabular::read::ReadError::NoRows { file: input.name() }.into()),
        }
        Ok(rows)
    }
}
