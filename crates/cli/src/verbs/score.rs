//! Verbs that use a model: `predict`, `explain`, `export`.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use specialist_core::{Estimand, Observer, Predict};
use specialist_engine::explain as explaining;
use specialist_engine::predict::Scorer;
use specialist_engine::{Error, Place, artifact};
use specialist_tabular::ModelError;
use specialist_tabular::read::Input;
use specialist_tabular::write::ScoreWriter;

use super::inspect::folder;
use crate::args::Args;
use crate::session::{Session, print};

fn input(session: &Session, args: &Args, verb: &str) -> Result<Input, Error> {
    let name = session.domain.name();
    let data = args.data.as_ref().ok_or_else(|| Error::Usage {
        what: format!("{verb} needs rows"),
        hint: format!("{name} {verb} --artifact DIR --data rows.csv"),
    })?;
    Place::default().input(data, session.domain)
}

fn scorer(
    session: &Session,
    args: &Args,
    artifact: Option<&Path>,
    model: Option<&str>,
    history: &[String],
) -> Result<Scorer, Error> {
    let mut scorer = Scorer::open(&folder(session, args, artifact)?, model, session.domain)?;
    (scorer.delimiter, scorer.decimal) = (args.delimiter, args.decimal);
    let earlier = |data: &String| Place::default().input(data, session.domain);
    scorer.history = history.iter().map(earlier).collect::<Result<_, _>>()?;
    Ok(scorer)
}

/// Scores must not replace the rows they come from, nor a file of an artifact.
fn refuse_overwriting(output: &Path, data: Option<&str>) -> Result<(), Error> {
    let same = |a: &Path, b: &Path| matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b);
    let in_artifact = output.ancestors().skip(1).take(2).any(|p| p.join("manifest.json").is_file());
    if in_artifact || data.is_some_and(|d| same(output, Path::new(d))) {
        return Err(Error::Usage {
            what: format!("{}: this would replace the rows to score, or a file of an artifact", output.display()),
            hint: "name another file with --output".into(),
        });
    }
    Ok(())
}

/// Scores rows, in constant memory.
pub fn predict(
    session: &Session,
    args: &Args,
    artifact: Option<&Path>,
    model: Option<&str>,
    history: &[String],
) -> Result<u8, Error> {
    let scorer = scorer(session, args, artifact, model, history)?;
    let input = input(session, args, "predict")?;
    if let Some(output) = &args.common.output {
        for data in args.data.iter().chain(history) {
            refuse_overwriting(output, Some(data))?;
        }
    }
    session.progress.begin("predict", 0);
    let tick = |_| session.progress.step(None);
    let rows = match &args.common.output {
        None => {
            scorer.score(&input, session.domain, |columns| ScoreWriter::csv(std::io::stdout().lock(), columns), tick)?
        }
        Some(path) => {
            let wrong = |error| Error::Write { file: path.display().to_string(), error };
            let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
            std::fs::create_dir_all(parent).map_err(wrong)?;
            // The scores take their place when they are all there.
            let file = artifact::fresh_file(parent).map_err(wrong)?;
            let parquet = path.extension().is_some_and(|e| e == "parquet" || e == "pq");
            let sink = BufWriter::new(file.reopen().map_err(wrong)?);
            let make = |columns| {
                if parquet { ScoreWriter::parquet(sink, columns) } else { ScoreWriter::csv(sink, columns) }
            };
            let rows = scorer.score(&input, session.domain, make, tick)?;
            file.as_file().sync_all().map_err(wrong)?;
            file.persist(path).map_err(|e| wrong(e.error))?;
            File::open(parent).and_then(|d| d.sync_all()).map_err(wrong)?;
            rows
        }
    };
    session.progress.end();
    for (column, u) in &rows.unseen {
        let cells = u.unseen;
        let what = if u.other {
            "that the model does not name; it takes them for (other)"
        } else {
            "that the model never saw; it takes them as missing"
        };
        session.say(&format!("warning: {cells} cell(s) of `{column}` have levels {what}"));
    }
    for i in &rows.invalid {
        let lines: Vec<String> = i.lines.iter().take(5).map(ToString::to_string).collect();
        session.say(&format!(
            "warning: {} cell(s) of `{}` are not {} (lines {}); the model takes them as missing",
            i.count,
            i.column,
            i.expected,
            lines.join(", ")
        ));
    }
    if let Some(forgotten) = rows.forgotten {
        session.say(&format!(
            "warning: the first rows are scored without {forgotten}\nhint: give the rows before them with --history FILE"
        ));
    }
    if rows.history > 0 {
        session.say(&format!("{} row(s) of history read before", rows.history));
    }
    session.say(&format!("{} row(s) scored by the {}", rows.rows, scorer.name));
    Ok(0)
}

/// What is to be explained.
pub struct Asked<'a> {
    /// Lines of the file; none: the first rows.
    pub lines: &'a [u64],
    /// Of several classes the one, where not each row's most probable.
    pub class: Option<&'a str>,
}

/// Says what drives single rows.
pub fn explain(
    session: &Session,
    args: &Args,
    artifact: Option<&Path>,
    model: Option<&str>,
    history: &[String],
    asked: &Asked<'_>,
) -> Result<u8, Error> {
    const FIRST: usize = 3;
    const SHOWN: usize = 8;
    let scorer = scorer(session, args, artifact, model, history)?;
    let input = input(session, args, "explain")?;
    let explained = explaining::explain(&scorer, &input, session.domain, asked.lines, FIRST, asked.class)?;
    if args.common.json {
        print(&serde_json::to_string_pretty(&explained).expect("plain data"))?;
        return Ok(0);
    }
    let estimand = scorer.model.estimand();
    let scale = match estimand {
        Estimand::Probability => "log-odds",
        Estimand::Survival { .. } => "log cumulative hazard",
        Estimand::Classes(_) => "log-odds against the mean class",
        _ => estimand.word(),
    };
    for e in &explained {
        let mut text = format!(
            "line {}: {}{} {:.4} by the {}; {} {:+.3} before any feature",
            e.line,
            estimand.word(),
            e.class.as_ref().map_or(String::new(), |c| format!(" of {c}")),
            e.predicted,
            scorer.name,
            scale,
            e.base
        );
        for (name, value, part) in e.contributions.iter().take(SHOWN) {
            text.push_str(&format!("\n  {part:+8.3}  {name} = {value}"));
        }
        let rest: f64 = e.contributions.iter().skip(SHOWN).map(|c| c.2).sum();
        text.push_str(&format!("\n  {rest:+8.3}  all other features"));
        e.beside.iter().for_each(|line| text.push_str(&format!("\n  {line}")));
        print(&text)?;
    }
    Ok(0)
}

/// Writes a model as XGBoost JSON.
pub fn export(session: &Session, args: &Args, artifact: Option<&Path>, model: Option<&str>) -> Result<u8, Error> {
    let folder = folder(session, args, artifact)?;
    let scorer = Scorer::open(&folder, model, session.domain)?;
    let refused = |e: ModelError| match e {
        ModelError::Unsupported { what, hint } => Error::Usage { what, hint },
        other => Error::Usage { what: other.to_string(), hint: "export another model with --model".into() },
    };
    let text = serde_json::to_string(&scorer.model.to_xgboost().map_err(refused)?).expect("JSON");
    if scorer.model.has_doubles() {
        session.say(
            "warning: the model compares in double precision, as LightGBM does, and XGBoost in single: a value within rounding of a threshold may reach another leaf there",
        );
    }
    match &args.common.output {
        Some(path) => {
            artifact::replace_file(path, text.as_bytes())?;
            session.say(&format!("the {} as XGBoost JSON: {}", scorer.name, path.display()));
        }
        None => {
            let mut out = std::io::stdout().lock();
            writeln!(out, "{text}").map_err(|error| Error::Write { file: "stdout".into(), error })?;
        }
    }
    Ok(0)
}
