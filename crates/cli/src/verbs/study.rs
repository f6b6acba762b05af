//! Looks into studies.

use std::path::Path;
use std::sync::Arc;

use specialist_pipeline::studies::{self, Study};
use specialist_pipeline::{Error, artifact};
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
    let drawn = studies::view_of(chosen, &studies::metric(chosen), 1.0);
    match what {
        StudyWhat::List => {}
        StudyWhat::Show if args.common.json => return json(&drawn),
        StudyWhat::Show => print(&view::study_trials(&drawn, &studies::settings(chosen), session.colour))?,
        StudyWhat::Best => match chosen.best() {
            Some(t) if args.common.json => return json(t),
            Some(t) => print(&format!(
                "trial {}: {} ({})",
                t.number,
                t.params,
                t.value().map_or("–".into(), |v| format!("{v:.6}"))
            ))?,
            None => session.say("no trial is complete"),
        },
        StudyWhat::Export => print(studies::csv(chosen).trim_end())?,
        StudyWhat::Importance if args.common.json => return json(&drawn.importance),
        StudyWhat::Importance => print(&view::study_importance(&drawn, session.colour))?,
    }
    Ok(0)
}

fn json<T: serde::Serialize>(value: &T) -> Result<u8, Error> {
    print(&serde_json::to_string_pretty(value).expect("plain data")).map(|()| 0)
}
