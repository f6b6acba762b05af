//! Scores a file of any length in constant memory.

use std::collections::{BTreeMap, HashSet};
use std::io::Write;
use std::path::{Path, PathBuf};

use specialist_core::discretion::OTHER;
use specialist_core::{
    Column, ColumnKind, Dataset, Domain, Estimand, Feature, FeatureKind, JudgedTables, NumberStyle, OnInvalid, Outputs,
    Predict, Role, Schema, Tables, canonical,
};
use specialist_tabular::Model;
use specialist_tabular::read::{Input, InvalidCells, Options, Reader, Rows};
use specialist_tabular::write::{ScoreColumns, ScoreWriter, ScoredRows};

use crate::Place;
use crate::artifact::Artifact;
pub use crate::load::Steps;
use crate::load::made;
use crate::recipe::{Recipe, dialect, parse};
use crate::{Error, artifact, report};

/// Rows in memory at a time.
const CHUNK: usize = 16_384;

/// What scoring a file came to.
#[derive(Default)]
pub struct Scored {
    /// Rows scored.
    pub rows: usize,
    /// Category columns with levels that the model never saw: it takes them as missing, or as one of [`OTHER`] levels.
    pub unseen: BTreeMap<String, Unseen>,
    /// What is outside of its declared range or levels: it takes these cells as missing.
    pub invalid: Vec<InvalidCells>,
    /// What the features would have remembered of rows before the first, where no history was given.
    pub forgotten: Option<&'static str>,
    /// Rows of history read before the first row.
    pub history: usize,
}

/// Cells of a category column whose level the model never saw, and the others.
#[derive(Debug, Clone, Default)]
pub struct Unseen {
    /// Cells of such levels.
    pub unseen: usize,
    /// Cells of levels that it knows.
    pub known: usize,
    /// Such levels.
    pub levels: usize,
    /// Whether the model has a level for what it never saw, or saw too rarely to name it.
    pub other: bool,
}

/// The column that holds a feature which a domain made.
fn made_column(feature: &Feature) -> Column {
    let (kind, levels) = match &feature.kind {
        FeatureKind::Number => (ColumnKind::Number, Vec::new()),
        FeatureKind::Category { levels } => (ColumnKind::Category, levels.clone()),
    };
    Column { name: feature.name.clone(), kind, levels, on_invalid: OnInvalid::Missing, ..Column::default() }
}

/// So many cells tell that a column is spelled in another way, where one may just be new.
const FEWEST_UNSEEN: usize = 10;

/// A model with what it needs to read rows.
pub struct Scorer {
    /// The model.
    pub model: Model,
    /// Its name in the artifact.
    pub name: String,
    /// The recipe it was made by.
    pub recipe: Recipe,
    /// Between the cells of the file to score, where it is not the recipe's.
    pub delimiter: Option<char>,
    /// Between whole and fraction of its numbers, where it is not the recipe's.
    pub decimal: Option<char>,
    /// The names of the classes that it tells apart, by their codes; none where it gives one number.
    pub classes: Vec<String>,
    /// Files with the rows that came before those to score, in order of time, for features that look back.
    pub history: Vec<Input>,
    folder: PathBuf,
}

impl Scorer {
    /// Opens an artifact; without a `name`, the model that the verdict ships.
    ///
    /// # Errors
    /// [`crate::artifact::ArtifactError`] when it is not whole.
    pub fn open(folder: &Path, name: Option<&str>, domain: &dyn Domain) -> Result<Self, Error> {
        let artifact = Artifact::open(folder)?;
        let manifest = artifact.manifest();
        if manifest.domain != domain.name() {
            return Err(Error::Usage {
                what: format!("{}: the artifact is of the domain {}", folder.display(), manifest.domain),
                hint: format!("use the program {}", manifest.domain),
            });
        }
        // Digests cost as much as reading the model: another processor takes them meanwhile, and nothing is scored before all are right.
        let (whole, read) = std::thread::scope(|scope| {
            let whole = scope.spawn(|| artifact.check(|_| true));
            let read = Self::read(&artifact, name);
            (whole.join().unwrap_or_else(|p| std::panic::resume_unwind(p)), read)
        });
        whole?;
        let (name, model, recipe) = read?;
        let (classes, width) = (recipe.classes(), model.estimand().width());
        let asked = if model.estimand() == Estimand::Text { 0 } else { classes.len().max(1) };
        if asked != width || (asked == 0) != (recipe.asked() == Some(Estimand::Text)) {
            let what = match recipe.asked() {
                Some(Estimand::Text) => "it does not write, and the recipe's label is a text".to_string(),
                _ => format!("it gives {width} numbers a row, and the recipe's label has {} classes", classes.len()),
            };
            return Err(artifact::corrupt(folder, &format!("models/{name}.json"), &what));
        }
        let (delimiter, decimal, history) = (None, None, Vec::new());
        Ok(Self { model, name, recipe, delimiter, decimal, classes, history, folder: folder.into() })
    }

    /// A model of the artifact with its name and the recipe.
    fn read(artifact: &Artifact, name: Option<&str>) -> Result<(String, Model, Recipe), Error> {
        let name = match name {
            Some(name) => name.to_string(),
            None => report::shipped(artifact)?,
        };
        let file = artifact.folder().join("recipe.toml").display().to_string();
        let recipe = parse(&file, &artifact.read_text("recipe.toml")?, &[])?;
        Ok((name.clone(), artifact.model(&name)?, recipe))
    }

    /// Reads `input` as the recipe declares it, without needing what scoring does not need.
    ///
    /// # Errors
    /// As reading does.
    pub fn reader(&self, input: &Input) -> Result<Reader, Error> {
        let table = &self.recipe.target;
        // A file in another dialect shares no mark with the recipe's that was not named.
        let thousands = table.thousands.filter(|_| self.decimal.is_none());
        let decimal = self.decimal.or(table.decimal);
        let dialect = dialect("rows", self.delimiter.or(table.delimiter), decimal, thousands, table.skip)?;
        let options = Options { dialect, labelled: false, ..Options::default() };
        Ok(Reader::open(input, &self.schema(), &options)?)
    }

    /// As [`Scorer::reader`], over rows that somebody else has opened, called `name` in messages.
    ///
    /// # Errors
    /// As reading does.
    pub fn reader_over(&self, rows: Box<dyn Rows>, name: &str) -> Result<Reader, Error> {
        let options = Options { labelled: false, ..Options::default() };
        Ok(Reader::over(rows, name.into(), NumberStyle::default(), &self.schema(), &options)?)
    }

    /// The artifact's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The columns that rows must have to be scored.
    #[must_use]
    pub fn columns(&self) -> Schema {
        self.schema()
    }

    /// What turns rows as they are read into the model's rows, without a history; [`Steps`] keeps what it must remember.
    ///
    /// # Errors
    /// When the domain has no such features.
    pub fn fresh_steps(&self, domain: &dyn Domain) -> Result<Steps, Error> {
        Steps::open(&self.folder, &self.recipe, domain)
    }

    /// What the model predicts of rows as its features have them.
    ///
    /// # Errors
    /// When a feature is not there; [`artifact::ArtifactError`] where the model gives no number.
    pub fn predictions(&self, data: &Dataset, of: &str) -> Result<Outputs, Error> {
        let predicted = self.model.predictions(data)?;
        if let Some(r) = predicted.iter_rows().position(|row| row.iter().any(|p| p.is_nan())) {
            let what = format!("it gives no number for line {} of {of}", data.lines[r]);
            return Err(artifact::corrupt(&self.folder, &format!("models/{}.json", self.name), &what));
        }
        Ok(predicted)
    }

    /// The panels of the artifact's report.
    ///
    /// # Errors
    /// As [`report::read_report`].
    pub fn panels(&self) -> Result<Vec<specialist_core::Panel>, Error> {
        Ok(report::read_report(&Artifact::open(&self.folder)?)?.panels)
    }

    /// What turns rows as they are read into the model's rows, once it has seen the history, and the rows of that.
    pub(crate) fn steps(&self, domain: &dyn Domain) -> Result<(Steps, usize), Error> {
        let mut steps = Steps::open(&self.folder, &self.recipe, domain)?;
        if let (Some(first), None) = (self.history.first(), steps.memory()) {
            return Err(Error::Usage {
                what: format!("{}: this model's features do not look back, a history changes nothing", first.name()),
                hint: "leave out --history".into(),
            });
        }
        let mut rows = 0;
        for input in &self.history {
            let mut reader = self.reader(input)?;
            while let Some(chunk) = reader.next_chunk(CHUNK)? {
                rows += steps.apply(chunk.data)?.rows();
            }
        }
        Ok((steps, rows))
    }

    /// The rows that the domain makes of `input`, if it makes its tables itself; labels that are not known yet are
    /// `NaN`.
    ///
    /// # Errors
    /// As the domain's tables.
    pub fn made(&self, input: &Input, domain: &dyn Domain) -> Result<Option<Dataset>, Error> {
        Ok(self.tables(input, domain)?.map(|(tables, _)| tables.target))
    }

    /// As [`Scorer::made`], all of the tables with how they are judged.
    ///
    /// # Errors
    /// As [`Scorer::made`].
    pub fn tables(&self, input: &Input, domain: &dyn Domain) -> Result<Option<JudgedTables>, Error> {
        if !self.recipe.columns.is_empty() {
            return Ok(None);
        }
        let made = made(&self.recipe, domain, &Place::default(), Some(&input.name()))?;
        if let Some((tables, _)) = &made {
            self.can_read(tables)?;
        }
        Ok(made)
    }

    /// Whether the domain could make every feature that the model reads.
    fn can_read(&self, tables: &Tables) -> Result<(), Error> {
        let has = |name: &String| tables.target.features.iter().any(|f| f.name == *name);
        let features = self.model.features();
        let missing: Vec<&String> = features.iter().map(|f| &f.name).filter(|n| !has(n)).collect();
        let Some(first) = missing.first() else { return Ok(()) };
        let (file, n) = (&tables.origins.1, missing.len());
        Err(Error::Core(specialist_core::Error::Data {
            what: format!("{file} lacks the columns that {n} of the model's features are made of, such as `{first}`"),
            hint: "bring the columns that the model was trained with".into(),
        }))
    }

    fn schema(&self) -> Schema {
        // A domain that makes its tables itself declares no columns: rows then are what it made, feature by feature.
        if self.recipe.columns.is_empty() {
            return Schema { columns: self.model.features().iter().map(made_column).collect() };
        }
        let mut schema = self.recipe.schema();
        if self.recipe.features == "as-is" {
            schema.columns.retain(|c| matches!(c.role, Role::Feature | Role::Entry | Role::Amount | Role::Id));
            // What the model does not read need not be there.
            let features = self.model.features();
            let reads = |c: &Column| c.kind == ColumnKind::Text || features.iter().any(|f| f.name == c.name);
            schema.columns.retain(|c| !matches!(c.role, Role::Feature | Role::Entry) || reads(c));
        }
        schema
    }

    /// Adds to `found` how many cells of each category column of `data` have a level that the model never saw.
    pub fn unseen_levels(&self, data: &Dataset, found: &mut BTreeMap<String, Unseen>) {
        for f in self.model.features().iter() {
            let Some(place) = data.features.iter().position(|d| d.name == f.name) else { continue };
            let (FeatureKind::Category { levels: known }, FeatureKind::Category { levels }) =
                (&f.kind, &data.features[place].kind)
            else {
                continue;
            };
            let other = known.iter().any(|l| l == OTHER);
            let known: HashSet<_> = known.iter().map(|l| canonical(l)).collect();
            let new: Vec<bool> = levels.iter().map(|l| !known.contains(&canonical(l))).collect();
            if !new.contains(&true) {
                // Counted all the same: another chunk may have levels that are new.
                found.entry(f.name.clone()).or_default().known += data.rows();
                continue;
            }
            let column = found.entry(f.name.clone()).or_default();
            column.other = other;
            let mut met = vec![false; levels.len()];
            for code in data.records().column(place).iter().filter(|c| !c.is_nan()) {
                let code = *code as usize;
                met[code] = true;
                if new[code] {
                    column.unseen += 1;
                } else {
                    column.known += 1;
                }
            }
            column.levels = column.levels.max(met.iter().zip(&new).filter(|(m, n)| **m && **n).count());
        }
    }

    /// A column of which the model knows no level at all is spelled in another way, or another column.
    ///
    /// # Errors
    /// [`specialist_tabular::read::ReadError::Column`] with the first.
    pub fn refuse_unknown(&self, file: &str, found: &BTreeMap<String, Unseen>) -> Result<(), Error> {
        // A model that has a level for what it does not name may meet nothing else.
        let strange =
            |u: &Unseen| !u.other && u.known == 0 && u.unseen > 0 && (u.levels > 1 || u.unseen >= FEWEST_UNSEEN);
        let Some((column, u)) = found.iter().find(|(_, u)| strange(u)) else { return Ok(()) };
        Err(specialist_tabular::read::ReadError::Column {
            file: file.into(),
            column: column.clone(),
            expected: format!("the model knows none of the levels of its {} cells", u.unseen),
            hint: "spell the levels as the rows did that the model learned from; where they are new, leave the cells empty, which means missing".into(),
        }
        .into())
    }

    /// Scores every row of `input` into the writer that `make` makes.
    ///
    /// # Errors
    /// As reading does, or [`Error::Write`] when the sink refuses.
    pub fn score<W: Write>(
        &self,
        input: &Input,
        domain: &dyn Domain,
        make: impl FnOnce(ScoreColumns) -> std::io::Result<ScoreWriter<W>>,
        mut progress: impl FnMut(usize),
    ) -> Result<Scored, Error> {
        let wrong = |error| Error::Write { file: "the scores".into(), error };
        let is_text = self.model.estimand() == Estimand::Text;
        let columns = |key: &str, texts: bool, notes: Option<&str>| ScoreColumns {
            key: key.into(),
            texts,
            value: self.model.estimand().word().into(),
            classes: self.classes.clone(),
            notes: notes.map(String::from),
        };
        if let Some(data) = self.made(input, domain)? {
            let names = domain.names(&data);
            let key = if names.is_some() { "id" } else { "line" };
            let mut writer = make(columns(key, names.is_some(), None)).map_err(wrong)?;
            let predicted = self.model.predictions(&data)?;
            let rows = ScoredRows { ids: names.as_deref(), lines: &data.lines, predicted: &predicted, notes: None };
            writer.write(&rows).map_err(wrong)?;
            writer.finish().map_err(wrong)?;
            progress(data.rows());
            return Ok(Scored { rows: data.rows(), ..Scored::default() });
        }
        let mut reader = self.reader(input)?;
        let judgement = domain.judgement(&self.recipe.settings())?;
        let (mut steps, history) = self.steps(domain)?;
        let (mut writer, mut make) = (None, Some(make));
        let forgotten = steps.memory().filter(|_| history == 0);
        let mut scored = Scored { history, forgotten, ..Scored::default() };
        while let Some(chunk) = reader.next_chunk(CHUNK)? {
            let lines = chunk.data.lines.clone();
            let data = steps.apply(chunk.data)?;
            self.unseen_levels(&data, &mut scored.unseen);
            let predicted = self.predictions(&data, &input.name())?;
            let notes = judgement.notes(&data, predicted.texts()).filter(|_| is_text);
            if let Some(make) = make.take() {
                let key = if chunk.ids.is_some() { "id" } else { "line" };
                writer = Some(make(columns(key, chunk.ids.is_some(), notes.as_ref().map(|n| n.0))).map_err(wrong)?);
            }
            let notes = notes.as_ref().map(|n| n.1.as_slice());
            let rows = ScoredRows { ids: chunk.ids.as_deref(), lines: &lines, predicted: &predicted, notes };
            writer.as_mut().expect("made with the first rows").write(&rows).map_err(wrong)?;
            scored.rows += lines.len();
            progress(lines.len());
        }
        self.refuse_unknown(&input.name(), &scored.unseen)?;
        scored.unseen.retain(|_, u| u.unseen > 0);
        scored.invalid.clone_from(&reader.report().invalid);
        match writer {
            Some(writer) => writer.finish().map_err(wrong)?,
            None => return Err(specialist_tabular::read::ReadError::NoRows { file: input.name() }.into()),
        }
        Ok(scored)
    }
}
