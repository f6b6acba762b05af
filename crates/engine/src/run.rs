//! The stages in order.

use std::path::Path;

use specialist_core::discretion::merge_rare_levels;
use specialist_core::{
    Candidate, Context, Dataset, Domain, Estimand, FineTune, Metric, Panel, Pretrain, Split, metric, same_value,
};
use specialist_search::journal_text;
use specialist_tabular::{TuningPlan, plan};

use crate::artifact::{self, Artifact, Draft};
use crate::check::copies::without_copies;
use crate::compare::{Candidates, Remake, Rows, compare as judge, describe};
use crate::folds::Start;
use crate::load::load;
use crate::pretrain::{Pretrained, bring};
use crate::recipe::{Recipe, RecipeError};
use crate::sources::Moments;
use crate::stages::{Compared, Plans, Prepared, Tuned};
use crate::tune::Effort;
use crate::{Error, Loaded, Place, check, pretrain, report, split, splits, tune};

/// A recipe with what it needs to run.
pub struct Job<'a> {
    /// The checked recipe.
    pub recipe: &'a Recipe,
    /// The domain.
    pub domain: &'a dyn Domain,
    /// Where the recipe's paths start.
    pub place: &'a Place,
    /// Threads, seed, progress, cancellation.
    pub ctx: &'a Context,
    /// Where the studies are kept, and how many work on them.
    pub effort: Effort,
}

impl Job<'_> {
    /// The metrics of what is predicted of the rows, with the recipe's choice of a primary one in front.
    #[must_use]
    pub fn metrics(&self, loaded: &Loaded) -> Vec<Box<dyn Metric>> {
        let estimand = loaded.target.estimand;
        let mut metrics = loaded.judgement.metrics(estimand);
        if let Some(name) = &self.recipe.compare.metric {
            match metrics.iter().position(|m| m.name() == name) {
                Some(place) => metrics[..=place].rotate_right(1),
                None => metrics.splice(0..0, metric::by_name_of(name, estimand)).for_each(drop),
            }
        }
        metrics
    }

    /// Whether the recipe's metric judges what the labels ask for.
    fn judges(&self, loaded: &Loaded) -> Result<(), Error> {
        let Some(name) = &self.recipe.compare.metric else { return Ok(()) };
        if self.metrics(loaded)[0].judges(loaded.target.estimand) {
            return Ok(());
        }
        let usual = loaded.judgement.metrics(loaded.target.estimand);
        let known: Vec<&str> = usual.iter().map(|m| m.name()).collect();
        Err(RecipeError::choice("compare.metric", name, &known).into())
    }

    /// Load, check, split. A leak is among the findings; it does not stop here.
    ///
    /// # Errors
    /// When a file cannot be read as declared, or the rows are too few to be parted.
    pub fn prepare(&self) -> Result<Prepared, Error> {
        let Self { recipe, domain, place, ctx, .. } = self;
        ctx.observer().begin("load", 0);
        let loaded = load(recipe, *domain, place, ctx)?;
        ctx.observer().end();
        self.judges(&loaded)?;
        let mut target: Split = split::target(recipe, &loaded.target, ctx)?;
        ctx.observer().begin("check", 0);
        let mut loaded = loaded;
        let (alike, mut copies) = (recipe.text.alike, Vec::new());
        let sealed = (&loaded.target, target.test.as_slice());
        let (kept, found) = without_copies((&loaded.target, target.train), sealed, alike, "target");
        target.train = kept;
        copies.extend(found);
        if let Some(source) = loaded.source.take() {
            let rows = split::cut_source(recipe, &source, &loaded.target, &target)?;
            let (rows, found) = without_copies((&source, rows), (&loaded.target, &target.test), alike, "source");
            copies.extend(found);
            loaded.source = Some(if rows.len() == source.rows() { source } else { source.select(&rows) });
        }
        let mut train = loaded.target.select(&target.train);
        loaded.own.extend(loaded.judgement.findings(loaded.source.as_ref(), &train)?);
        let findings = check::check(&check::Input {
            recipe,
            source: loaded.source.as_ref(),
            target: &loaded.target,
            split: &target,
            reports: &loaded.reports,
            own: &loaded.own,
        });
        ctx.observer().end();
        let findings = findings.into_iter().chain(copies).collect();
        if self.keep_few_unnamed(&mut loaded) {
            train = loaded.target.select(&target.train);
        }
        let sealed = loaded.target.select(&target.test);
        let (mut source_train, mut source_test) = (None, None);
        if let Some(source) = &loaded.source {
            let parts = split::source(recipe, source, ctx)?;
            source_train = Some(source.select(&parts.train));
            source_test = (!parts.test.is_empty()).then(|| source.select(&parts.test));
        }
        Ok(Prepared { loaded, findings, train, sealed, source_train, source_test })
    }

    /// Sets how many rows must stand behind what is written of them, and merges the levels of fewer. Behind the checks: a
    /// column that names every row would look like a constant. Whether the rows are others now.
    fn keep_few_unnamed(&self, loaded: &mut Loaded) -> bool {
        let fewest = self.recipe.privacy.fewest_rows.unwrap_or_else(|| self.domain.fewest_rows());
        if fewest == 0 {
            return false;
        }
        let brought = pretrain::levels_brought(self.recipe, &loaded.target, self.place);
        let public = |column: &str, level: &str| {
            let is = |l: &String| same_value(l, level);
            self.recipe.columns.get(column).is_some_and(|c| c.levels.iter().any(is))
                || brought.get(column).is_some_and(|levels| levels.iter().any(is))
        };
        let mut tables: Vec<&mut Dataset> = loaded.source.iter_mut().chain([&mut loaded.target]).collect();
        tables.iter_mut().for_each(|t| t.fewest_rows = fewest);
        merge_rare_levels(&mut tables, fewest, public);
        true
    }

    /// What the domain says of the target's rows by themselves, where the recipe names no source; none where it needs one.
    ///
    /// # Errors
    /// [`Error::Leak`] when a check found one that is not waived; the domain's own.
    pub fn alone(&self, prepared: &Prepared) -> Result<Vec<Panel>, Error> {
        let source = &self.recipe.source;
        if source.data.is_some() || source.model.is_some() || !source.models.is_empty() {
            return Ok(Vec::new());
        }
        let leaks = report::leaks(&prepared.findings);
        if !leaks.is_empty() {
            return Err(Error::Leak(leaks));
        }
        Ok(prepared.loaded.judgement.alone(&prepared.loaded.target, self.ctx)?)
    }

    /// Makes the generalist.
    ///
    /// # Errors
    /// [`Error::Leak`] when a check found one that is not waived; the estimator's own.
    pub fn pretrain(&self, prepared: &Prepared) -> Result<Pretrained, Error> {
        let leaks = report::leaks(&prepared.findings);
        if !leaks.is_empty() {
            return Err(Error::Leak(leaks));
        }
        let metrics = self.metrics(&prepared.loaded);
        match (&prepared.source_train, &self.recipe.source.model) {
            (Some(source), _) => pretrain::pretrain(self.recipe, source, metrics[0].as_ref(), self.ctx),
            (None, None) if !self.recipe.source.models.is_empty() => {
                let primary = metrics.into_iter().next().expect("a domain has a metric");
                pretrain::bring_several(self.recipe, &prepared.train, primary, self.place, self.ctx)
            }
            (None, Some(model)) => bring(model, self.recipe, &prepared.train, self.place),
            (None, None) => Err(Error::Usage {
                what: "the recipe names neither source rows nor a model".into(),
                hint: "set `data` or `model` under [source]".into(),
            }),
        }
    }

    /// Searches the ladder and fits every candidate on the target's train rows.
    ///
    /// # Errors
    /// When no fold can be made, or a fit fails.
    pub fn tune(&self, prepared: &Prepared, pretrained: Pretrained) -> Result<Tuned, Error> {
        let (recipe, ctx, train) = (self.recipe, self.ctx, &prepared.train);
        let metrics = self.metrics(&prepared.loaded);
        let pooled = prepared.source_train.as_ref().zip(pretrained.settings.as_ref());
        let start = Start { generalist: &pretrained.model, pooled, study: pretrained.study.as_ref(), train };
        let found = tune::tune(recipe, &start, metrics[0].as_ref(), &self.effort, self.place, ctx)?;
        let mut found = found;
        if !pretrained.note.is_empty() {
            found.summary.reason.push_str(&format!(" {}", pretrained.note));
        }
        let generalist = pretrained.model;
        let fit = ctx.child("fit");
        let specialist = found.specialist.fine_tune(&generalist, train, &fit)?;
        let recalibrated = found.recalibration.fine_tune(&generalist, train, &fit)?;
        let scratch = found.scratch.pretrain(train, &fit)?;
        let pooled = match (pooled, found.pooled_weight) {
            (Some((source, settings)), Some(weight)) => {
                Some((settings.pretrain(&source.pooled(train, weight as f32)?, &fit)?, weight))
            }
            _ => None,
        };
        let ensemble = if found.ensemble.is_empty() {
            None
        } else {
            let rungs: Vec<&str> = found.ensemble.iter().map(|p| p.rung.name()).collect();
            let what = format!("mean of {}", rungs.join(", "));
            let tune = |p: &TuningPlan| p.fine_tune(&generalist, train, &fit);
            let parts = found.ensemble.iter().map(tune).collect::<Result<_, specialist_core::Error>>()?;
            Some((Candidate::Ensemble, what, crate::sources::average(parts)))
        };
        let mut models = vec![(Candidate::Generalist, generalist.describe(), generalist)];
        // A text has no scale to move.
        if train.estimand != Estimand::Text {
            models.push((Candidate::Recalibrated, describe(&found.recalibration), recalibrated));
        }
        models.push((Candidate::Scratch, format!("{} on the target alone", found.scratch.estimator.name()), scratch));
        if let Some((model, weight)) = pooled {
            let counted = if pretrained.settings.as_ref().is_some_and(|s| s.estimator.takes_weights()) {
                format!("a target row counted {weight} times")
            } else {
                "each counted once, for the estimator takes no weights".into()
            };
            models.push((Candidate::Pooled, format!("source and target rows, {counted}"), model));
        }
        models.extend(ensemble);
        models.push((Candidate::Specialist, describe(&found.specialist), specialist));
        let trials = pretrained.trials + found.studies.iter().map(|s| s.trials().len()).sum::<usize>();
        let journal = |s: &specialist_search::Study| {
            (s.name().rsplit('/').next().unwrap_or("study").to_string(), journal_text(s))
        };
        Ok(Tuned {
            candidates: Candidates { models },
            journals: found.studies.iter().chain(&pretrained.study).map(journal).collect(),
            plans: Plans {
                specialist: found.specialist.params,
                recalibration: found.recalibration.params,
                scratch: found.scratch,
                pooled_weight: found.pooled_weight,
                pretrain: pretrained.settings,
                rungs: found.rungs.into_iter().map(|p| p.params).collect(),
                scratches: found.scratches,
                trials,
                summary: found.summary,
            },
        })
    }

    /// Works on the studies that another process keeps in the store, and writes nothing else; returns how
    /// many trials this process evaluated.
    ///
    /// # Errors
    /// As [`Job::tune`].
    pub fn join(&self, prepared: &Prepared, pretrained: &Pretrained) -> Result<usize, Error> {
        let start = Start {
            generalist: &pretrained.model,
            pooled: prepared.source_train.as_ref().zip(pretrained.settings.as_ref()),
            study: pretrained.study.as_ref(),
            train: &prepared.train,
        };
        tune::join(self.recipe, &start, self.metrics(&prepared.loaded)[0].as_ref(), &self.effort, self.place, self.ctx)
    }

    /// Opens the sealed rows and judges the candidates.
    ///
    /// # Errors
    /// When a model does not fit the rows, or the run is cancelled.
    pub fn compare(&self, prepared: &Prepared, tuned: &Tuned) -> Result<Compared, Error> {
        let plans = &tuned.plans;
        let (specialist, recalibration) = (plan(&plans.specialist), plan(&plans.recalibration));
        let remake = Remake {
            generalist: tuned.candidates.get(Candidate::Generalist).expect("tune makes a generalist"),
            specialist: &specialist,
            recalibration: &recalibration,
            scratch: &plans.scratch,
        };
        let baselines = prepared.loaded.judgement.baselines(&prepared.train, &prepared.sealed)?;
        let (train, sealed, source) = (&prepared.train, &prepared.sealed, prepared.source_test.as_ref());
        let rows = Rows { train, sealed, source, baselines: &baselines };
        let judged = judge(
            self.recipe,
            &tuned.candidates,
            &remake,
            &rows,
            &self.metrics(&prepared.loaded),
            plans.trials,
            self.ctx,
        )?;
        let mut report = report::report(self.recipe, self.domain, prepared, tuned, judged, self.ctx)?;
        let metrics = self.metrics(&prepared.loaded);
        report.panels.splice(0..0, splits::panel(self.recipe, prepared, tuned, &metrics, self.ctx)?);
        Ok(Compared { report })
    }

    /// Writes the artifact of a compared run.
    ///
    /// # Errors
    /// [`Error::Write`], or when the folder holds something else.
    pub fn write(
        &self,
        prepared: &Prepared,
        tuned: &Tuned,
        compared: &mut Compared,
        folder: &Path,
    ) -> Result<(), Error> {
        report::write(self.recipe, self.domain, prepared, tuned, Some(&mut compared.report), folder, self.ctx)
    }

    /// Writes the artifact of a run that was tuned and not compared.
    ///
    /// # Errors
    /// As [`Job::write`].
    pub fn write_tuned(&self, prepared: &Prepared, tuned: &Tuned, folder: &Path) -> Result<(), Error> {
        report::write(self.recipe, self.domain, prepared, tuned, None, folder, self.ctx)
    }

    /// Writes the artifact of a run that stopped after pre-training.
    ///
    /// # Errors
    /// As [`Job::write`].
    pub fn write_pretrained(&self, prepared: &Prepared, pretrained: &Pretrained, folder: &Path) -> Result<(), Error> {
        let models = [(Candidate::Generalist, pretrained.model.describe(), pretrained.model.clone())];
        let mut draft =
            Draft::new(self.domain.name(), "pretrained", self.recipe.seed, &prepared.loaded.target, &prepared.sealed);
        draft.add("recipe.toml", self.recipe.portable());
        if let Some(embeddings) = &prepared.loaded.embeddings {
            embeddings.add(&mut draft)?;
        }
        draft.add("checks.json", report::json(&prepared.findings));
        draft.add("moments.json", report::json(&prepared.source_train.as_ref().and_then(Moments::of)));
        draft.add("probes.json", report::json(&report::probes(&models, &prepared.train, self.ctx)?));
        report::add_models(&mut draft, &models)?;
        draft.write(folder)
    }

    /// Takes up a tuned artifact: its models, plans and journals.
    ///
    /// # Errors
    /// [`artifact::ArtifactError`] when it is not whole, [`Error::Usage`] when it was not tuned or
    /// the data has changed since.
    pub fn resume(&self, prepared: &Prepared, folder: &Path) -> Result<Tuned, Error> {
        let artifact = Artifact::open(folder)?;
        artifact.check(|_| true)?;
        let manifest = artifact.manifest();
        if manifest.stage == "pretrained" {
            return Err(Error::Usage {
                what: format!("{}: the artifact is not tuned", folder.display()),
                hint: "`tune` first".into(),
            });
        }
        if manifest.sealed != artifact::fingerprint(&prepared.sealed)
            || manifest.data != artifact::fingerprint(&prepared.loaded.target)
        {
            return Err(Error::Usage {
                what: format!("{}: the data has changed since the candidates were tuned", folder.display()),
                hint: "`tune` again: a comparison on other rows would not be blind".into(),
            });
        }
        let plans: Plans = artifact.read_json("plans.json")?;
        plans.summary.check().map_err(|what| artifact::corrupt(folder, "plans.json", &what))?;
        let mut models = Vec::new();
        for candidate in Candidate::ALL {
            if manifest.files.contains_key(&format!("models/{candidate}.json")) {
                let model = artifact.model(candidate.name())?;
                models.push((candidate, model.describe(), model));
            }
        }
        let journals =
            [Candidate::Specialist.name(), Candidate::Scratch.name(), "pretrain"].into_iter().filter_map(|name| {
                let text = artifact::read(folder, &format!("study-{name}.log")).ok()?;
                Some((name.to_string(), String::from_utf8_lossy(&text).into_owned()))
            });
        Ok(Tuned { candidates: Candidates { models }, plans, journals: journals.collect() })
    }
}
