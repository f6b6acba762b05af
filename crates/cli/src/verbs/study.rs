//! Looks into studies.

use std::path::Path;
use std::sync::Arc;

use specialist_engine::studies::{self, Study, Trial};
use specialist_engine::{Error, artifact};
use specialist_report as view;

use crate::args::{Args, StudyWhat};
use crate::session::{Session, print};

/// `study list|show|best|export|importance`.
pub fn study(
    session: &Session,
    args: &Args,
    what: StudyWhat,
    store: Option<&str>,
    folder: Option<&Path>,
    name: Option<&str>,
) -> Result<u8, Error> {
    let all = match store {
        Some(address) => studies::all(&studies::existing(address)?)?,
        None => {
            let folder = match folder {
                Some(folder) => folder.to_path_buf(),
                None => session.folder(args, &session.recipe(args)?.name),
            };
            artifact::open(&folder)?;
            studies::of_artifact(&folder)?
        }
    };
    if what == StudyWhat::List {
        let rows: Vec<_> = all.iter().map(studies::summary).collect();
        return if args.common.json {
            json(&rows)
        } else {
            print(&view::study_list(&rows, session.colour)).map(|()| 0)
        };
    }
    let chosen: &Arc<Study> = match name {
        Some(name) => all.iter().find(|s| s.name() == name),
        None => all.first(),
    }
    .ok_or_else(|| {
        let known: Vec<&str> = all.iter().map(|s| s.name()).collect();
        let what = name.map_or("the store has no study".to_string(), |n| format!("there is no study `{n}`"));
        let hint = if known.is_empty() {
            "`tune --store STORE` makes one".into()
        } else {
            format!("there are: {}", known.join(", "))
        };
        Error::Usage { what, hint }
    })?;
    if let Some((said, front)) = studies::several_objectives(chosen) {
        return several(session, args, what, chosen, &said, &front);
    }
    let drawn = studies::view_of(chosen, &studies::metric(chosen), 1.0);
    match what {
        StudyWhat::List => {}
        StudyWhat::Show if args.common.json => return json(&drawn),
        StudyWhat::Show => {
            print(&view::study_trials(&drawn, &studies::settings(chosen), session.colour))?;
            let infinite = chosen.trials().iter().filter(|t| t.values.iter().any(|v| v.is_infinite())).count();
            if infinite > 0 {
                session
                    .say(&format!("{infinite} trial(s) have an infinite value, shown as –; `study export` writes it"));
            }
        }
        StudyWhat::Best => match studies::best(chosen) {
            Some(t) if args.common.json => return json(t),
            Some(t) => print(&format!("trial {}: {} ({})", t.number, t.params, studies::values(t)))?,
            None => session.say("no trial is complete"),
        },
        StudyWhat::Export => export(session, args, chosen)?,
        StudyWhat::Importance if args.common.json => return json(&drawn.importance),
        StudyWhat::Importance => print(&view::study_importance(&drawn, session.colour))?,
    }
    Ok(0)
}

/// Prints a study as CSV, or writes it where `--output` says.
fn export(session: &Session, args: &Args, study: &Study) -> Result<(), Error> {
    let text = studies::csv(study);
    match &args.common.output {
        Some(path) => {
            artifact::replace_file(path, text.as_bytes())?;
            session.say(&format!("{} trials: {}", study.trials().len(), path.display()));
            Ok(())
        }
        None => print(text.trim_end()),
    }
}

/// The same verbs for a study of several objectives, which has a front and no best trial.
fn several(
    session: &Session,
    args: &Args,
    what: StudyWhat,
    study: &Arc<Study>,
    said: &str,
    front: &[&Trial],
) -> Result<u8, Error> {
    let line = |t: &Trial| format!("trial {}: {} ({})", t.number, t.params, studies::values(t));
    match what {
        StudyWhat::Best if args.common.json => return json(&front),
        StudyWhat::Show if args.common.json => return json(&study.trials()),
        StudyWhat::Best => {
            session.say(said);
            front.iter().try_for_each(|t| print(&line(t)))?;
        }
        StudyWhat::Show => {
            session.say(said);
            study.trials().iter().try_for_each(|t| print(&line(t)))?;
        }
        StudyWhat::Export => export(session, args, study)?,
        StudyWhat::List => {}
        StudyWhat::Importance => {
            return Err(Error::Usage {
                what: format!("{said}; importance is that of parameters for one value"),
                hint: "`study export` writes every value; take the objective that you ask about from there".into(),
            });
        }
    }
    Ok(0)
}

fn json<T: serde::Serialize>(value: &T) -> Result<u8, Error> {
    print(&serde_json::to_string_pretty(value).expect("plain data")).map(|()| 0)
}
