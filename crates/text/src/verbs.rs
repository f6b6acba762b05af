//! Every verb.

use std::path::{Path, PathBuf};

use serde_json::Value;
use specialist_cli::{RecipeWhat, Terminal, print};
use specialist_core::Outcome;
use specialist_core::quoting::escape_formula;
use specialist_pipeline::artifact::{self, ArtifactError, Draft};
use specialist_pipeline::ledger;
use specialist_pipeline::report::read_report;
use specialist_report::{self as view, Report};

use crate::args::{Args, LabelVerb, PRETRAIN, RECIPES, TaskVerb, Verb};
use crate::corpus::{self, Document};
use crate::error::{Error, Result};
use crate::export;
use crate::fetch::{self, Cache, ITEMS};
use crate::judge;
use crate::recipe::{self, Columns, Recipe, Task};
use crate::sentiment;
use crate::writing;

/// What a verb needs.
pub struct Session<'a> {
    args: &'a Args,
    terminal: &'a Terminal,
    cache: Cache,
}

/// A recipe that was found and checked.
struct Chosen {
    name: String,
    recipe: Recipe,
    /// Where its paths start.
    place: PathBuf,
}

/// Does what was typed; returns the exit code.
pub fn dispatch(args: &Args, terminal: &Terminal) -> Result<u8> {
    let session = Session { args, terminal, cache: Cache::new(args.cache.as_deref()) };
    let run = TaskVerb::Run { gate: false, adapter: None };
    match args.verb.as_ref() {
        None => session.task(Task::Sentiment, &run),
        Some(Verb::Fetch { names, list, model }) => session.fetch(names, *list, model),
        Some(Verb::Summarize { verb }) => session.task(Task::Summarize, verb.as_ref().unwrap_or(&run)),
        Some(Verb::Translate { verb }) => session.task(Task::Translate, verb.as_ref().unwrap_or(&run)),
        Some(Verb::Pretrain { int8 }) => session.pretrain(*int8),
        Some(Verb::Sentiment { verb: Some(LabelVerb::Explain { artifact, model, text }) }) => {
            session.explain(&session.artifact(artifact.as_deref(), Task::Sentiment), model.as_deref(), text)
        }
        Some(Verb::Sentiment { verb: Some(LabelVerb::Task(verb)) }) => session.task(Task::Sentiment, verb),
        Some(Verb::Sentiment { verb: None }) => session.task(Task::Sentiment, &run),
        Some(Verb::Report { artifact }) => session.report(artifact.as_deref()),
        Some(Verb::Verify { artifact }) => session.verify(artifact.as_deref()),
        Some(Verb::Recipe { what }) => session.recipes(what),
        Some(Verb::Completions { .. }) => Ok(0),
    }
}

impl Session<'_> {
    /// The recipe that was named, or the task's own; flags override it.
    fn recipe(&self, task: Task, adapter: Option<&Path>) -> Result<Chosen> {
        self.named(self.args.common.recipe.as_deref(), task, adapter)
    }

    fn named(&self, asked: Option<&str>, task: Task, adapter: Option<&Path>) -> Result<Chosen> {
        let mut overrides = self.args.common.set.clone();
        overrides.extend(self.args.common.seed.map(|s| format!("seed={s}")));
        // In quotation marks: a folder may be called 7 or true.
        let quoted = |key: &str, value: &str| format!("{key}={}", toml::Value::from(value));
        overrides.extend(self.args.backbone.as_ref().map(|b| quoted("backbone", b)));
        overrides.extend(adapter.map(|a| quoted("adapter", &a.to_string_lossy())));
        let asked = asked.unwrap_or(task.name());
        let (name, file, text, place) = match RECIPES.iter().find(|r| r.0 == asked) {
            Some((name, _, text)) => ((*name).to_string(), format!("{name}.toml"), (*text).to_string(), PathBuf::new()),
            None => {
                let path = Path::new(asked);
                let known: Vec<&str> = RECIPES.iter().map(|r| r.0).collect();
                let text = std::fs::read_to_string(path).map_err(|_| {
                    let hint = match recipe::nearest(asked, known.iter().copied()) {
                        _ if asked == "pretrain" => "it is the recipe of the verb `text pretrain`".into(),
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("name a file, or one of {}", known.join(", ")),
                    };
                    Error::usage(format!("there is no recipe `{asked}`"), hint)
                })?;
                let stem = path.file_stem().map_or("recipe".into(), |s| s.to_string_lossy().into_owned());
                (stem, asked.to_string(), text, path.parent().map(Path::to_path_buf).unwrap_or_default())
            }
        };
        let recipe = recipe::parse(&file, &text, &overrides)?;
        if recipe.task != task {
            return Err(Error::usage(
                format!("{file}: the recipe's task is {}", recipe.task.name()),
                format!("use `text {} …`", recipe.task.name()),
            ));
        }
        Ok(Chosen { name, recipe, place })
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.args.common.output.clone().unwrap_or_else(|| Path::new("artifacts").join(format!("text-{name}")))
    }

    /// The artifact that was named, or the one that the task's own recipe makes.
    fn artifact(&self, named: Option<&Path>, task: Task) -> PathBuf {
        named.map_or_else(|| Path::new("artifacts").join(format!("text-{}", task.name())), Path::to_path_buf)
    }

    fn fetch(&self, names: &[String], list: bool, models: &[String]) -> Result<u8> {
        if list {
            let all: Vec<String> = ITEMS.iter().map(|i| fetch::state(&self.cache, i)).collect();
            print(&all.join("\n"))?;
            return Ok(0);
        }
        let known: Vec<&str> = ITEMS.iter().map(|i| i.name).collect();
        for name in names {
            if !known.contains(&name.as_str()) {
                let hint = format!("there are: {}; a model of the hub is fetched with --model", known.join(", "));
                return Err(Error::usage(format!("there is nothing called `{name}` to fetch"), hint));
            }
        }
        for name in models {
            let (folder, digests) = fetch::model(&self.cache, name)?;
            let sha = digests.get("model.safetensors").cloned().unwrap_or_default();
            print(&format!(
                "{name}: {} (model.safetensors SHA-256 {sha}); its licence is on its page",
                folder.display()
            ))?;
        }
        let everything = names.is_empty() && models.is_empty();
        for item in ITEMS.iter().filter(|i| everything || names.iter().any(|n| n == i.name)) {
            let had = self.cache.folder(item).is_ok();
            let folder = if had { self.cache.folder(item)? } else { fetch::fetch(&self.cache, item)? };
            self.terminal.done(if had { "there" } else { "fetched" }, item.name);
            print(&format!(
                "{}: {}\n  licence: {}\n  folder:  {}",
                item.name,
                item.what,
                item.licence,
                folder.display()
            ))?;
        }
        Ok(0)
    }

    fn task(&self, task: Task, verb: &TaskVerb) -> Result<u8> {
        match verb {
            TaskVerb::Run { gate, adapter } => self.run(task, *gate, adapter.as_deref()),
            TaskVerb::Check => self.check(task),
            TaskVerb::Predict { artifact, model, data, column } => {
                let folder = self.artifact(artifact.as_deref(), task);
                let made = recipe::of_artifact(&folder, task)?;
                let text = column.clone().unwrap_or_else(|| made.columns.text.clone());
                let columns = Columns { text, ..Columns::default() };
                let documents = corpus::read(data, &columns, false)?;
                if task == Task::Sentiment {
                    self.predict(&folder, model.as_deref(), &documents)
                } else {
                    self.rewrite(&folder, model.as_deref(), &documents)
                }
            }
            TaskVerb::Export { artifact, model, adapter, base } => {
                let folder = self.artifact(artifact.as_deref(), task);
                recipe::of_artifact(&folder, task)?;
                let Some(out) = self.args.common.output.as_deref() else {
                    return Err(Error::usage("there is no folder to write to", "name one with --output DIR"));
                };
                vacant(out)?;
                let (backbone, name) = (self.args.backbone.as_deref(), model.as_deref());
                let wanted = export::Wanted { adapter: *adapter, base: base.as_deref(), out };
                let what = if task == Task::Sentiment {
                    export::classifier(sentiment::Scorer::open(&folder, name, backbone, &self.cache)?, &wanted)?
                } else {
                    export::writer(writing::open(&folder, name)?, &folder, &wanted)?
                };
                print(&format!("{what}: {}", out.display()))?;
                Ok(0)
            }
        }
    }

    fn run(&self, task: Task, gate: bool, adapter: Option<&Path>) -> Result<u8> {
        let chosen = self.recipe(task, adapter)?;
        let folder = self.folder(&chosen.name);
        artifact::writable(&folder)?;
        let ctx = self.terminal.context(chosen.recipe.seed);
        if !chosen.recipe.question.is_empty() {
            self.terminal.say(&chosen.recipe.question);
        }
        let (report, draft) = if task == Task::Sentiment {
            let prepared = sentiment::prepare(&chosen.recipe, &self.cache, &chosen.place, &ctx)?;
            self.prepared(&prepared.data, &prepared.findings)?;
            sentiment::run(&chosen.recipe, &prepared, self.terminal, &ctx)?
        } else {
            let prepared = writing::prepare(&chosen.recipe, &self.cache, &chosen.place, &ctx)?;
            self.prepared(&prepared.data, &prepared.findings)?;
            writing::run(&chosen.recipe, &prepared, &self.cache, self.terminal, &ctx)?
        };
        self.finish(&chosen.recipe, report, draft, &folder, gate)
    }

    fn prepared(&self, data: &[view::DataRow], findings: &[view::Finding]) -> Result<()> {
        self.terminal.done("load", "texts read, checked and parted");
        if !self.args.common.json && !self.args.common.quiet {
            print(&view::data_table(data, self.terminal.colour))?;
            if findings.iter().any(|f| f.severity > view::Severity::Ok) {
                print(&view::check_table(findings, false, self.terminal.colour))?;
            }
        }
        Ok(())
    }

    fn finish(&self, recipe: &Recipe, mut report: Report, mut draft: Draft, folder: &Path, gate: bool) -> Result<u8> {
        let (sealed, text) = (draft.manifest.sealed.clone(), recipe.render());
        report.evidence.opened_before = ledger::opened_before(folder, &sealed, &text);
        draft.manifest.opened_before = report.evidence.opened_before;
        ledger::record(folder, &sealed, &text)?;
        judge::add_report(&mut draft, &report);
        draft.write(folder)?;
        if self.args.common.json {
            print(&serde_json::to_string_pretty(&report).expect("a report is plain data"))?;
        } else {
            self.show(&report)?;
            print(&format!("artifact: {}\nreport:   {}", folder.display(), folder.join("report.html").display()))?;
        }
        if report.evidence.opened_before > 0 {
            let n = report.evidence.opened_before;
            self.terminal.say(&format!("warning: these sealed texts had been opened {n} time(s) before under another recipe; the figures are no longer blind"));
        }
        Ok(u8::from(gate && report.evidence.verdict.outcome != Outcome::Adopt))
    }

    fn show(&self, report: &Report) -> Result<()> {
        if !self.args.common.quiet {
            print(&view::comparison(report, self.terminal.colour))?;
            for panel in &report.panels {
                print(&view::panel(panel, self.terminal.colour))?;
            }
        }
        print(&view::verdict(report, self.terminal.colour))?;
        Ok(())
    }

    fn check(&self, task: Task) -> Result<u8> {
        let chosen = self.recipe(task, None)?;
        let ctx = self.terminal.context(chosen.recipe.seed);
        let (data, findings) = if task == Task::Sentiment {
            let p = sentiment::prepare(&chosen.recipe, &self.cache, &chosen.place, &ctx)?;
            (p.data, p.findings)
        } else {
            let p = writing::prepare(&chosen.recipe, &self.cache, &chosen.place, &ctx)?;
            (p.data, p.findings)
        };
        if self.args.common.json {
            print(&serde_json::to_string_pretty(&findings).expect("plain data"))?;
        } else {
            print(&view::data_table(&data, self.terminal.colour))?;
            print(&view::check_table(&findings, true, self.terminal.colour))?;
        }
        Ok(0)
    }

    fn pretrain(&self, int8: bool) -> Result<u8> {
        let (file, text, place) = match self.args.common.recipe.as_deref() {
            None | Some("pretrain") => ("pretrain.toml".to_string(), PRETRAIN.to_string(), PathBuf::new()),
            Some(path) => {
                let missing = |_| Error::usage(format!("there is no recipe `{path}`"), "name a file, or `pretrain`");
                let place = Path::new(path).parent().map(Path::to_path_buf).unwrap_or_default();
                (path.to_string(), std::fs::read_to_string(path).map_err(missing)?, place)
            }
        };
        let mut overrides = self.args.common.set.clone();
        overrides.extend(self.args.common.seed.map(|s| format!("seed={s}")));
        let recipe: writing::pretrain::Recipe = recipe::read(&file, &text, &overrides)?;
        recipe.check()?;
        let folder = self.folder("generalist");
        // Its own model or checkpoint may be there, and nothing else.
        let own = ["pretrain.json", "checkpoint.safetensors"].iter().any(|f| folder.join(f).is_file());
        if !own {
            vacant(&folder)?;
        }
        writing::pretrain::run(&recipe, &self.cache, &place, &folder, int8, self.terminal)?;
        print(&format!("generalist: {}", folder.display()))?;
        Ok(0)
    }

    fn rewrite(&self, folder: &Path, model: Option<&str>, documents: &[Document]) -> Result<u8> {
        let texts: Vec<&str> = documents.iter().map(|d| d.text.as_str()).collect();
        let opened = writing::open(folder, model)?;
        let written = opened.write(&texts, &self.terminal.context(0))?;
        let rows = documents
            .iter()
            .zip(&written)
            .map(|(d, w)| vec![d.place.1.into(), w.as_str().into(), writing::to_check(w, &d.text).into()]);
        self.table(&["line", "text", "not_in_the_source"].map(String::from), rows)?;
        self.terminal.done("predict", &format!("{} texts by the {}", documents.len(), opened.name));
        Ok(0)
    }

    /// Rows as CSV, or as a JSON list of objects, to where the user wants them.
    fn table(&self, header: &[String], rows: impl Iterator<Item = Vec<Value>>) -> Result<()> {
        let text = if self.args.common.json {
            let object = |row: Vec<Value>| header.iter().cloned().zip(row).collect();
            let all: Vec<serde_json::Map<String, Value>> = rows.map(object).collect();
            serde_json::to_vec_pretty(&all).expect("plain data")
        } else {
            let mut out = csv::Writer::from_writer(Vec::new());
            let cell = |value: &Value| match value {
                Value::String(text) => escape_formula(text).into_owned(),
                number => number.to_string(),
            };
            out.write_record(header).expect("memory takes it");
            rows.for_each(|row| out.write_record(row.iter().map(cell)).expect("memory takes it"));
            out.into_inner().expect("memory takes it")
        };
        match &self.args.common.output {
            Some(file) => Ok(artifact::replace_file(file, &text)?),
            None => Ok(print(String::from_utf8_lossy(&text).trim_end())?),
        }
    }

    fn predict(&self, folder: &Path, model: Option<&str>, documents: &[Document]) -> Result<u8> {
        let scorer = sentiment::Scorer::open(folder, model, self.args.backbone.as_deref(), &self.cache)?;
        let ctx = self.terminal.context(0);
        let texts: Vec<&str> = documents.iter().map(|d| d.text.as_str()).collect();
        let mut header = vec!["line".to_string(), "label".into()];
        header.extend(scorer.labels.iter().map(|l| format!("probability_{l}")));
        let probabilities = scorer.probabilities(&texts, &ctx)?;
        let rows = documents.iter().zip(probabilities).map(|(d, p)| {
            let best = sentiment::likeliest(&p);
            let mut row: Vec<Value> = vec![d.place.1.into(), scorer.labels[best].as_str().into()];
            row.extend(p.iter().map(|p| Value::from((p * 1e6).round() / 1e6)));
            row
        });
        self.table(&header, rows)?;
        self.terminal.done("predict", &format!("{} texts by the {}", documents.len(), scorer.name));
        Ok(0)
    }

    fn explain(&self, folder: &Path, model: Option<&str>, text: &str) -> Result<u8> {
        if text.trim().is_empty() {
            return Err(Error::usage("the text is empty", "give a text in quotation marks"));
        }
        recipe::of_artifact(folder, Task::Sentiment)?;
        let scorer = sentiment::Scorer::open(folder, model, self.args.backbone.as_deref(), &self.cache)?;
        let why = scorer.explain(text, &self.terminal.context(0))?;
        if self.args.common.json {
            print(&serde_json::to_string_pretty(&why).expect("plain data"))?;
            return Ok(0);
        }
        print(&format!(
            "{} with probability {:.3}; how much its log-odds fall without each single word (words work together: these do not add up):",
            why.label, why.probability
        ))?;
        for (word, effect) in why.words {
            print(&format!("{effect:+8.3}  {word}"))?;
        }
        Ok(0)
    }

    fn report(&self, named: Option<&Path>) -> Result<u8> {
        let folder = self.artifact(named, Task::Sentiment);
        let report = read_report(&folder, &artifact::open(&folder)?)?;
        if self.args.common.json {
            print(&serde_json::to_string_pretty(&report).expect("plain data"))?;
        } else {
            self.show(&report)?;
        }
        Ok(0)
    }

    fn verify(&self, named: Option<&Path>) -> Result<u8> {
        let folder = self.artifact(named, Task::Sentiment);
        let manifest = artifact::open(&folder)?;
        if self.args.common.json {
            print(&serde_json::to_string_pretty(&manifest).expect("plain data"))?;
        } else {
            print(&format!("{}: {} files are as the manifest says", folder.display(), manifest.files.len()))?;
        }
        Ok(0)
    }

    fn recipes(&self, what: &RecipeWhat) -> Result<u8> {
        let asked = match what {
            RecipeWhat::Named(name) => Some(name.as_str()),
            _ => self.args.common.recipe.as_deref(),
        };
        match what {
            RecipeWhat::List => {
                for (name, _, _) in RECIPES {
                    print(name)?;
                }
                print("pretrain")?;
            }
            RecipeWhat::Schema => {
                let schema = match asked {
                    Some("pretrain") => schemars::schema_for!(writing::pretrain::Recipe),
                    _ => schemars::schema_for!(Recipe),
                };
                print(&serde_json::to_string_pretty(&schema).expect("plain data"))?;
            }
            RecipeWhat::Show | RecipeWhat::Named(_) if asked == Some("pretrain") => print(PRETRAIN.trim_end())?,
            RecipeWhat::Show | RecipeWhat::Named(_) => {
                let task = asked.and_then(|n| RECIPES.iter().find(|r| r.0 == n)).map_or(Task::Sentiment, |r| r.1);
                print(self.named(asked, task, None)?.recipe.render().trim_end())?;
            }
        }
        Ok(0)
    }
}

/// A folder that is not there, or empty.
fn vacant(folder: &Path) -> Result<()> {
    let empty = || std::fs::read_dir(folder).map_or(true, |mut d| d.next().is_none());
    if folder.exists() && !empty() {
        let folder = folder.display().to_string();
        return Err(specialist_pipeline::Error::from(ArtifactError::Occupied { folder }).into());
    }
    Ok(())
}
