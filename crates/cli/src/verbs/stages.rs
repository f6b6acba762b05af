//! `run` and the verbs that stop on the way.

use std::path::Path;

use specialist_core::{Outcome, Panel};
use specialist_engine::{Compared, Error, Job, Prepared, Tuned, artifact};
use specialist_report as view;

use crate::args::Args;
use crate::session::{Session, print};

/// What runs without a verb: the named recipe, or the first ones that ship with the program.
pub fn headlines(session: &Session, args: &Args) -> Result<u8, Error> {
    if args.common.recipe.is_some() || session.domain.headline_runs() == 1 {
        return run(session, args, false);
    }
    for recipe in session.domain.recipes().iter().take(session.domain.headline_runs()) {
        let common = crate::args::Common {
            recipe: Some(recipe.name.into()),
            output: args.common.output.as_ref().map(|o| o.join(recipe.name)),
            ..args.common.clone()
        };
        run(session, &Args { common, ..args.clone() }, false)?;
    }
    Ok(0)
}

/// Everything, up to the verdict.
pub fn run(session: &Session, args: &Args, gate: bool) -> Result<u8, Error> {
    let chosen = session.recipe(args)?;
    let ctx = session.context(chosen.recipe.seed);
    let job = session.job(&chosen, &ctx);
    let folder = session.folder(args, &chosen.name);
    artifact::writable(&folder)?;
    if !chosen.recipe.question.is_empty() {
        session.say(&chosen.recipe.question);
    }
    let prepared = prepare(session, args, &job)?;
    let alone = job.alone(&prepared)?;
    if !alone.is_empty() {
        if gate {
            return Err(Error::Usage {
                what: "the recipe names no source: there is no verdict for --gate to wait for".into(),
                hint: "name a source, or leave --gate out".into(),
            });
        }
        return show_alone(session, args, &alone);
    }
    let tuned = tune_all(session, args, &job, &prepared)?;
    finish(session, args, &job, &prepared, &tuned, &folder, gate)
}

/// What was asked of one population: there is no generalist to beat, so no model is made and nothing is judged.
fn show_alone(session: &Session, args: &Args, panels: &[Panel]) -> Result<u8, Error> {
    if args.common.json {
        print(&serde_json::to_string_pretty(panels).expect("panels are plain data"))?;
        return Ok(0);
    }
    for panel in panels {
        print(&view::panel(panel, session.colour))?;
        if !panel.table.is_empty() {
            print(&format!("{}\n", panel.note))?;
        }
    }
    session.say("the recipe names no source: no generalist, no verdict, and nothing was written");
    Ok(0)
}

/// Load, check, split; tells what it found.
fn prepare(session: &Session, args: &Args, job: &Job<'_>) -> Result<Prepared, Error> {
    let prepared = job.prepare()?;
    session.done("load", "source and target read against the schema");
    if !args.common.json && !args.common.quiet {
        print(&view::data_table(&prepared.loaded.rows(), session.colour))?;
    }
    session.done("check", &format!("{} checks, {}", prepared.findings.len(), sum_up(&prepared)));
    if !args.common.json
        && !args.common.quiet
        && (args.verbose || prepared.findings.iter().any(|f| f.severity > view::Severity::Ok))
    {
        print(&view::check_table(&prepared.findings, args.verbose, session.colour))?;
    }
    let (train, sealed) = (prepared.train.rows(), prepared.sealed.rows());
    let between = prepared.loaded.target.rows() - train - sealed;
    let gap = if between > 0 { format!(", {between} between them left out") } else { String::new() };
    session.done("split", &format!("{train} target rows to train on, {sealed} sealed{gap}"));
    Ok(prepared)
}

fn sum_up(prepared: &Prepared) -> String {
    let count = |keep: &dyn Fn(&view::Finding) -> bool| prepared.findings.iter().filter(|f| keep(f)).count();
    let leaks = count(&|f| f.stops());
    let waived = count(&|f| f.waived);
    let warnings = count(&|f| f.severity == view::Severity::Warning);
    format!("{leaks} leak(s), {waived} waived, {warnings} warning(s)")
}

fn tune_all(session: &Session, args: &Args, job: &Job<'_>, prepared: &Prepared) -> Result<Tuned, Error> {
    let pretrained = job.pretrain(prepared)?;
    session.done("pretrain", &format!("generalist: {}", pretrained.model.describe()));
    let tuned = job.tune(prepared, pretrained)?;
    session.done("tune", &format!("{} trials inside the target's train rows", tuned.plans.trials));
    if !args.common.json && !args.common.quiet {
        print(&view::trial_table(&tuned.plans.summary, session.colour))?;
    }
    Ok(tuned)
}

fn finish(
    session: &Session,
    args: &Args,
    job: &Job<'_>,
    prepared: &Prepared,
    tuned: &Tuned,
    folder: &Path,
    gate: bool,
) -> Result<u8, Error> {
    let mut compared: Compared = job.compare(prepared, tuned)?;
    job.write(prepared, tuned, &mut compared, folder)?;
    let report = &compared.report;
    session.done(
        "compare",
        &format!("{} candidates on {} sealed rows", report.evidence.candidates.len(), report.evidence.rows),
    );
    if args.common.json {
        print(&serde_json::to_string_pretty(report).expect("a report is plain data"))?;
    } else {
        if !args.common.quiet {
            print(&view::comparison(report, session.colour))?;
        }
        if report.simulated {
            print("the data is SIMULATED: these figures say nothing about any real population")?;
        }
        print(&view::verdict(report, session.colour))?;
        print(&format!("artifact: {}\nreport:   {}", folder.display(), folder.join("report.html").display()))?;
    }
    session.done("report", "written");
    if report.evidence.opened_before > 0 {
        session.say(&format!(
            "warning: these sealed rows had been opened {} time(s) before under another recipe; the figures are no longer blind",
            report.evidence.opened_before
        ));
    }
    Ok(u8::from(gate && report.evidence.verdict.outcome != Outcome::Adopt))
}

/// Looks for leaks; exit code 3 when there is one that is not waived.
pub fn check(session: &Session, args: &Args) -> Result<u8, Error> {
    let chosen = session.recipe(args)?;
    let ctx = session.context(chosen.recipe.seed);
    let prepared = session.job(&chosen, &ctx).prepare()?;
    if args.common.json {
        print(&serde_json::to_string_pretty(&prepared.findings).expect("findings are plain data"))?;
    } else {
        print(&view::data_table(&prepared.loaded.rows(), session.colour))?;
        print(&view::check_table(&prepared.findings, true, session.colour))?;
    }
    let leaks: Vec<_> = specialist_engine::report::leaks(&prepared.findings);
    if leaks.is_empty() {
        session.say("no leak that is not waived");
        return Ok(0);
    }
    let error = Error::Leak(leaks);
    session.say(&format!("error: {error}\nhint: {}", error.hint()));
    Ok(error.exit_code())
}

/// Makes the generalist and writes it.
pub fn pretrain(session: &Session, args: &Args) -> Result<u8, Error> {
    let chosen = session.recipe(args)?;
    let ctx = session.context(chosen.recipe.seed);
    let job = session.job(&chosen, &ctx);
    let folder = session.folder(args, &chosen.name);
    artifact::writable(&folder)?;
    let prepared = prepare(session, args, &job)?;
    let pretrained = job.pretrain(&prepared)?;
    job.write_pretrained(&prepared, &pretrained, &folder)?;
    session.done("pretrain", &format!("generalist: {}", pretrained.model.describe()));
    print(&format!("generalist: {}", folder.join("models/generalist.json").display()))?;
    session.say("next: name this folder as `model` under [source], or `tune` with the same recipe");
    Ok(0)
}

/// Searches and writes every candidate; the sealed rows stay sealed.
pub fn tune(session: &Session, args: &Args) -> Result<u8, Error> {
    let chosen = session.recipe(args)?;
    let ctx = session.context(chosen.recipe.seed);
    let job = session.job(&chosen, &ctx);
    if args.search().is_some_and(|s| s.join.is_some()) {
        return join(session, args, &job);
    }
    let folder = session.folder(args, &chosen.name);
    artifact::writable(&folder)?;
    let prepared = prepare(session, args, &job)?;
    let tuned = tune_all(session, args, &job, &prepared)?;
    job.write_tuned(&prepared, &tuned, &folder)?;
    print(&format!("tuned: {}", folder.display()))?;
    session.say(&format!("next: {} compare --artifact {}", session.domain.name(), folder.display()));
    Ok(0)
}

/// Works on the studies of another process.
fn join(session: &Session, args: &Args, job: &Job<'_>) -> Result<u8, Error> {
    let prepared = prepare(session, args, job)?;
    let pretrained = job.pretrain(&prepared)?;
    session.done("pretrain", &format!("generalist: {}", pretrained.model.describe()));
    let trials = job.join(&prepared, &pretrained)?;
    print(&format!("joined: {trials} trials evaluated here; the studies have all of theirs"))?;
    Ok(0)
}

/// Judges the candidates of a tuned artifact.
pub fn compare(session: &Session, args: &Args, artifact: Option<&Path>, gate: bool) -> Result<u8, Error> {
    let mut chosen = session.recipe(args)?;
    let folder = artifact.map_or_else(|| session.folder(args, &chosen.name), Path::to_path_buf);
    if args.common.recipe.is_none() {
        // The artifact knows its recipe; its paths start where the recipe lay, which is not known.
        artifact::manifest(&folder)?;
        let text = String::from_utf8_lossy(&artifact::read(&folder, "recipe.toml")?).into_owned();
        let overrides = Session::overrides(args, Path::new(""))?;
        chosen.recipe =
            specialist_engine::recipe::parse(&folder.join("recipe.toml").display().to_string(), &text, &overrides)?;
    }
    let ctx = session.context(chosen.recipe.seed);
    let job = session.job(&chosen, &ctx);
    let prepared = prepare(session, args, &job)?;
    let tuned = job.resume(&prepared, &folder)?;
    finish(session, args, &job, &prepared, &tuned, &folder, gate)
}
