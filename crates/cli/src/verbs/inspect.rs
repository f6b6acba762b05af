//! Verbs that look at artifacts, recipes and files.

use std::path::{Path, PathBuf};

use specialist_core::Role;
use specialist_engine::init::{self as sketching, Named};
use specialist_engine::recipe::template;
use specialist_engine::{Error, artifact, reference, report as reporting, verify as verifying};
use specialist_report as view;

use crate::args::{Args, RecipeWhat};
use crate::session::{Session, print};

/// The artifact that is meant: named, or the default recipe's.
pub fn folder(session: &Session, args: &Args, artifact: Option<&Path>) -> Result<PathBuf, Error> {
    if let Some(folder) = artifact {
        return Ok(folder.to_path_buf());
    }
    let name = match &args.common.recipe {
        Some(r) => Path::new(r).file_stem().map_or(r.clone(), |s| s.to_string_lossy().into_owned()),
        None => session.domain.recipes().first().map_or("recipe", |r| r.name).to_string(),
    };
    Ok(Path::new("artifacts").join(format!("{}-{name}", session.domain.name())))
}

/// Prints an artifact's report and draws its page again.
pub fn report(session: &Session, args: &Args, artifact: Option<&Path>) -> Result<u8, Error> {
    let folder = folder(session, args, artifact)?;
    let report = reporting::redraw(&folder)?;
    if args.common.json {
        print(&serde_json::to_string_pretty(&report).expect("a report is plain data"))?;
        return Ok(0);
    }
    print(&view::data_table(&report.data, session.colour))?;
    print(&view::check_table(&report.findings, args.verbose, session.colour))?;
    print(&view::trial_table(&report.tuning, session.colour))?;
    print(&view::comparison(&report, session.colour))?;
    print(&view::verdict(&report, session.colour))?;
    print(&format!("report: {}", folder.join("report.html").display()))?;
    Ok(0)
}

/// Checks an artifact.
pub fn verify(session: &Session, args: &Args, artifact: Option<&Path>) -> Result<u8, Error> {
    let folder = folder(session, args, artifact)?;
    let v = verifying::verify(&folder)?;
    if args.common.json {
        print(&serde_json::to_string_pretty(&v.manifest).expect("a manifest is plain data"))?;
    } else {
        let files = v.manifest.files.len();
        // No text is made up: models that read some are opened, and their digests say the rest.
        let of_texts = match v.of_texts {
            0 => String::new(),
            n => format!("; {n} that read texts were opened, and score none"),
        };
        print(&format!(
            "ok: {files} files have their digests; {} models score {} probe rows as before{of_texts}",
            v.models, v.probes
        ))?;
    }
    Ok(0)
}

/// Prints recipes.
pub fn recipe(session: &Session, args: &Args, what: &RecipeWhat) -> Result<u8, Error> {
    match what {
        RecipeWhat::Schema => {
            let schema = reference::schema(session.domain);
            print(&serde_json::to_string_pretty(&schema).expect("a schema is JSON"))?;
        }
        RecipeWhat::Reference => print(reference::page(session.domain).trim_end())?,
        RecipeWhat::List => {
            for r in session.domain.recipes() {
                let first = r.text.lines().find_map(|l| l.strip_prefix('#')).unwrap_or("").trim();
                print(&format!("{:<24} {first}", r.name))?;
            }
        }
        RecipeWhat::Show => print(session.recipe(args)?.recipe.render().trim_end())?,
        RecipeWhat::Named(name) => {
            let mut named = args.clone();
            named.common.recipe = Some(name.clone());
            print(session.recipe(&named)?.recipe.render().trim_end())?;
        }
    }
    Ok(0)
}

/// Prints embedded data.
pub fn embedded(session: &Session, name: Option<&str>) -> Result<u8, Error> {
    let Some(name) = name else {
        for (name, what) in session.domain.data_names() {
            print(&format!("embedded:{name:<24} {what}"))?;
        }
        return Ok(0);
    };
    let known: Vec<&str> = session.domain.data_names().iter().map(|d| d.0).collect();
    let text = session.domain.data(name).ok_or_else(|| Error::Usage {
        what: format!("there is no embedded data set `{name}`"),
        hint: format!("there are: {}", known.join(", ")),
    })?;
    use std::io::Write;
    std::io::stdout().lock().write_all(&text).map_err(|error| Error::Write { file: "stdout".into(), error })?;
    Ok(0)
}

/// Writes a recipe for a file.
pub fn init(session: &Session, args: &Args, source: Option<&Path>, named: &Named) -> Result<u8, Error> {
    let Some(data) = &args.data else {
        return Err(Error::Usage {
            what: "init needs a file to look at".into(),
            hint: format!("{} init --data mine.csv", session.domain.name()),
        });
    };
    let path = args.common.output.clone().unwrap_or_else(|| "recipe.toml".into());
    if path.exists() {
        return Err(Error::Usage {
            what: format!("{} is there already", path.display()),
            hint: "name another file with --output".into(),
        });
    }
    // The recipe's paths start at its own folder.
    let beside = |file: &Path| -> Result<String, Error> {
        let here = path.parent().is_none_or(|p| p.as_os_str().is_empty());
        let file = if here {
            file.to_path_buf()
        } else {
            std::path::absolute(file).map_err(|error| Error::Write { file: file.display().to_string(), error })?
        };
        Ok(file.display().to_string())
    };
    if let Some(mut text) = session.domain.recipe_for(Path::new(data), &beside(Path::new(data))?)? {
        if let Some(source) = source {
            const UNNAMED: &str = "data = \"others.csv\"";
            if !text.contains(UNNAMED) {
                return Err(Error::Usage {
                    what: format!("{data}: the source is the other assets of this file, and --source names another"),
                    hint: "leave --source out, and name another source under [source] of the recipe".into(),
                });
            }
            text = text.replace(UNNAMED, &format!("data = {:?}", beside(source)?));
        }
        artifact::replace_file(&path, text.as_bytes())?;
        print(&format!("recipe: {}", path.display()))?;
        for line in text.lines().filter_map(|l| l.strip_prefix("# TO DECIDE: ")) {
            session.say(&format!("? {line}"));
        }
        session.say(&format!("next: look at it, then {} check --recipe {}", session.domain.name(), path.display()));
        return Ok(0);
    }
    let mut sketch = sketching::sketch(Path::new(data), source, named)?;
    if session.domain.reads_texts() {
        sketch.read_texts();
    }
    let of_source = source.map(beside).transpose()?;
    let text = template(&beside(Path::new(data))?, of_source.as_deref(), &sketch);
    artifact::replace_file(&path, text.as_bytes())?;
    print(&format!("recipe: {}", path.display()))?;
    session.say(&format!("{} rows looked at, all there are", sketch.rows));
    for c in &sketch.columns {
        let role = format!("{:?}", c.spec.role).to_lowercase();
        session.say(&format!("{} {:<28} {role:<9} {}", if c.ask { "?" } else { " " }, c.name, c.why));
    }
    if !sketch.only_source.is_empty() {
        session.say(&format!("  only the source has, and nothing reads: {}", sketch.only_source.join(", ")));
    }
    if !sketch.columns.iter().any(|c| c.spec.role == Role::Feature) {
        session.say("? no column is a feature: give one the role feature; texts are read with kind = \"text\", or by the program `text`");
    }
    let name_it = if source.is_some() { "" } else { ", name the source" };
    let (program, path) = (session.domain.name(), path.display());
    session.say(&format!("next: look at the label and the roles{name_it}, then {program} check --recipe {path}"));
    Ok(0)
}
