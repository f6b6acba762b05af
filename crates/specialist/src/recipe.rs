//! A recipe that runs.

use std::path::Path;
use std::sync::Arc;

use specialist_core::{Context, Domain};
use specialist_engine::recipe::{Recipe as Spec, RecipeError, parse};
use specialist_engine::{Compared, Effort, Job, Place, Prepared, Tuned};
use specialist_report::{Finding, Report};

use crate::{Error, Tables};

/// A recipe with its domain: what `run` on the command line takes.
#[derive(Clone)]
pub struct Recipe {
    file: String,
    text: String,
    overrides: Vec<String>,
    spec: Spec,
    place: Place,
    domain: Arc<dyn Domain>,
    effort: Effort,
}

impl Recipe {
    /// Reads and checks a recipe; its paths start in its folder.
    ///
    /// # Errors
    /// [`Error::Recipe`] with the line and the nearest valid key.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|e| match e.kind() {
            std::io::ErrorKind::InvalidData => {
                RecipeError::Syntax { file: name.clone(), line: None, reason: "the text is not UTF-8".into() }
            }
            _ => RecipeError::Missing { name: name.clone(), known: Vec::new() },
        })?;
        let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
        Self::new(name, text, Place { folder }, Arc::new(Tables::default()))
    }

    /// A recipe of this TOML text, whose paths start in `folder`.
    ///
    /// # Errors
    /// As [`Recipe::from_file`].
    pub fn from_text(text: &str, folder: impl AsRef<Path>) -> Result<Self, Error> {
        let place = Place { folder: folder.as_ref().into() };
        Self::new("recipe".into(), text.into(), place, Arc::new(Tables::default()))
    }

    /// The recipe called `name` that ships with `domain`; of an empty name its first.
    ///
    /// # Errors
    /// [`Error::Recipe`] when there is none of that name.
    pub fn shipped(domain: impl Domain + 'static, name: &str) -> Result<Self, Error> {
        let known = domain.recipes();
        let found = if name.is_empty() { known.first() } else { known.iter().find(|r| r.name == name) };
        let missing =
            || RecipeError::Missing { name: name.into(), known: known.iter().map(|r| r.name.to_string()).collect() };
        let found = found.ok_or_else(missing)?;
        Self::new(format!("{}.toml", found.name), found.text.into(), Place::default(), Arc::new(domain))
    }

    fn new(file: String, text: String, place: Place, domain: Arc<dyn Domain>) -> Result<Self, Error> {
        let spec = parse(&file, &text, &[])?;
        Ok(Self { file, text, overrides: Vec::new(), spec, place, domain, effort: Effort::default() })
    }

    /// With the domain that makes its features, metrics and panels; without one its columns are taken as they are.
    #[must_use]
    pub fn in_domain(self, domain: impl Domain + 'static) -> Self {
        Self { domain: Arc::new(domain), ..self }
    }

    /// With one key changed: `tune.trials=20`, as `--set` takes it.
    ///
    /// # Errors
    /// As [`Recipe::from_file`].
    pub fn set(mut self, pair: &str) -> Result<Self, Error> {
        self.overrides.push(pair.into());
        self.spec = parse(&self.file, &self.text, &self.overrides)?;
        Ok(self)
    }

    /// With studies that are kept in a store, and with so many workers.
    #[must_use]
    pub fn with_effort(self, effort: Effort) -> Self {
        Self { effort, ..self }
    }

    /// What it says.
    #[must_use]
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    fn job<'a>(&'a self, ctx: &'a Context) -> Job<'a> {
        Job {
            recipe: &self.spec,
            domain: &*self.domain,
            place: &self.place,
            ctx,
            effort: Effort {
                name: if self.effort.name.is_empty() { self.file.clone() } else { self.effort.name.clone() },
                ..self.effort.clone()
            },
        }
    }

    /// Looks for leaks and faults, before any training.
    ///
    /// # Errors
    /// When a file cannot be read as declared.
    pub fn check(&self, ctx: &Context) -> Result<Vec<Finding>, Error> {
        Ok(self.job(ctx).prepare()?.findings)
    }

    /// Everything, up to the verdict.
    ///
    /// # Errors
    /// [`Error::Leak`] when a check found one that is not waived; whatever a stage says; cancellation by `ctx`.
    pub fn run(&self, ctx: &Context) -> Result<Run, Error> {
        let job = self.job(ctx);
        let prepared = job.prepare()?;
        let pretrained = job.pretrain(&prepared)?;
        let tuned = job.tune(&prepared, pretrained)?;
        let Compared { report } = job.compare(&prepared, &tuned)?;
        Ok(Run { report, recipe: self.clone(), ctx: ctx.clone(), prepared, tuned })
    }
}

/// A run that reached its verdict.
pub struct Run {
    /// What it says; `report.evidence` is the numbers.
    pub report: Report,
    recipe: Recipe,
    ctx: Context,
    prepared: Prepared,
    tuned: Tuned,
}

impl Run {
    /// Writes the artifact, replacing one that is there: models, evidence, page, card, and every file's digest.
    ///
    /// # Errors
    /// [`Error::Write`], or when the folder holds something else.
    pub fn save(&self, folder: impl AsRef<Path>) -> Result<(), Error> {
        let mut compared = Compared { report: self.report.clone() };
        self.recipe.job(&self.ctx).write(&self.prepared, &self.tuned, &mut compared, folder.as_ref())
    }
}
