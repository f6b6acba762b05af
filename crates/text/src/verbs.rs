//! The verbs that only texts have.

use std::path::{Path, PathBuf};

use clap::{ArgMatches, Args as _, FromArgMatches};
use serde_json::Value;
use specialist_cli::{Common, OwnVerb, Terminal, print};
use specialist_core::Outcome;
use specialist_core::quoting::escape_formula;
use specialist_pipeline::artifact::{self, ArtifactError, Draft};
use specialist_pipeline::ledger;
use specialist_pipeline::predict::Scorer;
use specialist_pipeline::report::add_report;
use specialist_report::{self as view, Report};

use crate::args::{Fetch, Generalist, Save, Words, Writing, WritingVerb};
use crate::corpus::{self, Document};
use crate::domain::{Text, cache};
use crate::error::{Error, Result};
use crate::export;
use crate::fetch::{self, Cache, ITEMS};
use crate::labels;
use crate::recipe::{self, Columns, Recipe, Task};
use crate::writing;

/// The recipes of texts that are written: name, task, text.
const RECIPES: &[(&str, Task, &str)] = &[
    ("summarize", Task::Summarize, include_str!("../../../pipelines/text/summarize.toml")),
    ("translate", Task::Translate, include_str!("../../../pipelines/text/translate.toml")),
];

/// The recipe of the small generalist that writes.
const PRETRAIN: &str = include_str!("../../../pipelines/text/pretrain.toml");

/// All of them.
pub fn own() -> Vec<OwnVerb> {
    let command = |name: &'static str| clap::Command::new(name);
    vec![
        OwnVerb {
            command: Fetch::augment_args(command("fetch")),
            run: |m, c, t| told(c, t, |s| s.fetch(&parsed::<Fetch>(m))),
        },
        OwnVerb {
            command: Words::augment_args(command("words")),
            run: |m, c, t| told(c, t, |s| s.words(&parsed::<Words>(m))),
        },
        OwnVerb {
            command: Save::augment_args(command("save")),
            run: |m, c, t| told(c, t, |s| s.save(&parsed::<Save>(m))),
        },
        OwnVerb {
            command: Writing::augment_args(command("summarize")).about("A shorter text that says the same"),
            run: |m, c, t| told(c, t, |s| s.write(Task::Summarize, &parsed::<Writing>(m))),
        },
        OwnVerb {
            command: Writing::augment_args(command("translate")).about("The same in another language"),
            run: |m, c, t| told(c, t, |s| s.write(Task::Translate, &parsed::<Writing>(m))),
        },
        OwnVerb {
            command: Generalist::augment_args(command("generalist")),
            run: |m, c, t| told(c, t, |s| s.generalist(parsed::<Generalist>(m).int8)),
        },
    ]
}

fn parsed<T: FromArgMatches>(matches: &ArgMatches) -> T {
    T::from_arg_matches(matches).unwrap_or_else(|e| e.exit())
}

/// Does a verb; what stops it is told here, for it has more to say than the engine's errors.
fn told(
    common: &Common,
    terminal: &Terminal,
    verb: impl FnOnce(&Session<'_>) -> Result<u8> + Send,
) -> std::result::Result<u8, specialist_pipeline::Error> {
    let session = Session { common, terminal, cache: cache() };
    // Work that starts on a thread of the pool shares it out without waking and waiting at every matrix product.
    match rayon::scope(|_| verb(&session)) {
        Ok(code) => Ok(code),
        Err(Error::Pipeline(e)) => Err(e),
        Err(e) => Ok(terminal.fail(&e, &e.hint(), e.exit_code())),
    }
}

/// What a verb needs.
struct Session<'a> {
    common: &'a Common,
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

impl Session<'_> {
    /// The recipe that was named, or the task's own; flags override it.
    fn recipe(&self, task: Task, backbone: Option<&str>, adapter: Option<&Path>) -> Result<Chosen> {
        let mut overrides = self.common.set.clone();
        overrides.extend(self.common.seed.map(|s| format!("seed={s}")));
        // In quotation marks: a folder may be called 7 or true.
        let quoted = |key: &str, value: &str| format!("{key}={}", toml::Value::from(value));
        overrides.extend(backbone.map(|b| quoted("backbone", b)));
        overrides.extend(adapter.map(|a| quoted("adapter", &a.to_string_lossy())));
        let asked = self.common.recipe.as_deref().unwrap_or(task.name());
        let (name, file, text, place) = match RECIPES.iter().find(|r| r.0 == asked) {
            Some((name, _, text)) => ((*name).to_string(), format!("{name}.toml"), (*text).to_string(), PathBuf::new()),
            None => {
                let path = Path::new(asked);
                let known: Vec<&str> = RECIPES.iter().map(|r| r.0).collect();
                let text = std::fs::read_to_string(path).map_err(|_| {
                    let hint = match recipe::nearest(asked, known.iter().copied()) {
                        _ if asked == "pretrain" => "it is the recipe of the verb `text generalist`".into(),
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
        self.common.output.clone().unwrap_or_else(|| Path::new("artifacts").join(format!("text-{name}")))
    }

    /// The artifact that was named, or the one that the recipe called `name` makes.
    fn artifact(&self, named: Option<&Path>, name: &str) -> PathBuf {
        named.map_or_else(|| Path::new("artifacts").join(format!("text-{name}")), Path::to_path_buf)
    }

    fn fetch(&self, asked: &Fetch) -> Result<u8> {
        let (names, models) = (&asked.names, &asked.model);
        if asked.list {
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

    fn words(&self, asked: &Words) -> Result<u8> {
        let folder = self.artifact(asked.artifact.as_deref(), "sentiment");
        let why = labels::words(&folder, asked.model.as_deref(), &asked.text)?;
        if self.common.json {
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

    fn save(&self, asked: &Save) -> Result<u8> {
        let folder = self.artifact(asked.artifact.as_deref(), "sentiment");
        let scorer = Scorer::open(&folder, asked.model.as_deref(), &Text)?;
        self.saved(asked, |wanted| export::classifier(&scorer, wanted))
    }

    fn saved(&self, asked: &Save, write: impl FnOnce(&export::Wanted<'_>) -> Result<&'static str>) -> Result<u8> {
        let Some(out) = self.common.output.as_deref() else {
            return Err(Error::usage("there is no folder to write to", "name one with --output DIR"));
        };
        vacant(out)?;
        let what = write(&export::Wanted { adapter: asked.adapter, base: asked.base.as_deref(), out })?;
        print(&format!("{what}: {}", out.display()))?;
        Ok(0)
    }

    fn write(&self, task: Task, asked: &Writing) -> Result<u8> {
        let backbone = asked.backbone.as_deref();
        match &asked.verb {
            None => self.run(task, backbone, false, None),
            Some(WritingVerb::Run { gate, adapter }) => self.run(task, backbone, *gate, adapter.as_deref()),
            Some(WritingVerb::Check) => self.check(task, backbone),
            Some(WritingVerb::Predict { artifact, model, data, column }) => {
                let folder = self.artifact(artifact.as_deref(), task.name());
                let made = recipe::of_artifact(&folder, task)?;
                let text = column.clone().unwrap_or_else(|| made.columns.text.clone());
                let columns = Columns { text, ..Columns::default() };
                self.rewrite(&folder, model.as_deref(), &corpus::read(data, &columns, false)?)
            }
            Some(WritingVerb::Save(save)) => {
                let folder = self.artifact(save.artifact.as_deref(), task.name());
                recipe::of_artifact(&folder, task)?;
                let opened = writing::open(&folder, save.model.as_deref())?;
                self.saved(save, |wanted| export::writer(opened, &folder, wanted))
            }
            Some(WritingVerb::Recipe { schema: true }) => {
                let schema = schemars::schema_for!(Recipe);
                print(&serde_json::to_string_pretty(&schema).expect("plain data"))?;
                Ok(0)
            }
            Some(WritingVerb::Recipe { schema: false }) => {
                print(self.recipe(task, backbone, None)?.recipe.render().trim_end())?;
                Ok(0)
            }
        }
    }

    fn run(&self, task: Task, backbone: Option<&str>, gate: bool, adapter: Option<&Path>) -> Result<u8> {
        let chosen = self.recipe(task, backbone, adapter)?;
        let folder = self.folder(&chosen.name);
        artifact::writable(&folder)?;
        let ctx = self.terminal.context(chosen.recipe.seed);
        if !chosen.recipe.question.is_empty() {
            self.terminal.say(&chosen.recipe.question);
        }
        let prepared = writing::prepare(&chosen.recipe, &self.cache, &chosen.place, &ctx)?;
        self.prepared(&prepared.data, &prepared.findings)?;
        let (report, draft) = writing::run(&chosen.recipe, &prepared, &self.cache, self.terminal, &ctx)?;
        self.finish(&chosen.recipe, report, draft, &folder, gate)
    }

    fn prepared(&self, data: &[view::DataRow], findings: &[view::Finding]) -> Result<()> {
        self.terminal.done("load", "texts read, checked and parted");
        if !self.common.json && !self.common.quiet {
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
        add_report(&mut draft, &report);
        draft.write(folder)?;
        if self.common.json {
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
        if !self.common.quiet {
            print(&view::comparison(report, self.terminal.colour))?;
            for panel in &report.panels {
                print(&view::panel(panel, self.terminal.colour))?;
            }
        }
        print(&view::verdict(report, self.terminal.colour))?;
        Ok(())
    }

    fn check(&self, task: Task, backbone: Option<&str>) -> Result<u8> {
        let chosen = self.recipe(task, backbone, None)?;
        let ctx = self.terminal.context(chosen.recipe.seed);
        let prepared = writing::prepare(&chosen.recipe, &self.cache, &chosen.place, &ctx)?;
        if self.common.json {
            print(&serde_json::to_string_pretty(&prepared.findings).expect("plain data"))?;
        } else {
            print(&view::data_table(&prepared.data, self.terminal.colour))?;
            print(&view::check_table(&prepared.findings, true, self.terminal.colour))?;
        }
        Ok(0)
    }

    fn generalist(&self, int8: bool) -> Result<u8> {
        let (file, text, place) = match self.common.recipe.as_deref() {
            None | Some("pretrain") => ("pretrain.toml".to_string(), PRETRAIN.to_string(), PathBuf::new()),
            Some(path) => {
                let missing = |_| Error::usage(format!("there is no recipe `{path}`"), "name a file, or `pretrain`");
                let place = Path::new(path).parent().map(Path::to_path_buf).unwrap_or_default();
                (path.to_string(), std::fs::read_to_string(path).map_err(missing)?, place)
            }
        };
        let mut overrides = self.common.set.clone();
        overrides.extend(self.common.seed.map(|s| format!("seed={s}")));
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
        let text = if self.common.json {
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
        match &self.common.output {
            Some(file) => Ok(artifact::replace_file(file, &text)?),
            None => Ok(print(String::from_utf8_lossy(&text).trim_end())?),
        }
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
