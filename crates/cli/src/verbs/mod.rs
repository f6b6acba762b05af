//! One file per group of verbs.

mod inspect;
mod score;
mod stages;
mod study;

use specialist_engine::Error;
use specialist_engine::init::Named;

use crate::args::{Args, Verb};
use crate::session::Session;

/// Does what was asked; the value is the exit code.
pub fn dispatch(session: &Session, args: &Args) -> Result<u8, Error> {
    match &args.verb {
        None => stages::headlines(session, args),
        Some(Verb::Run { gate, .. }) => stages::run(session, args, *gate),
        Some(Verb::Check) => stages::check(session, args),
        Some(Verb::Pretrain) => stages::pretrain(session, args),
        Some(Verb::Tune { .. }) => stages::tune(session, args),
        Some(Verb::Study { what, store, artifact, study }) => {
            study::study(session, args, *what, store.as_deref(), artifact.as_deref(), study.as_deref())
        }
        Some(Verb::Compare { artifact, gate }) => stages::compare(session, args, artifact.as_deref(), *gate),
        Some(Verb::Report { artifact }) => inspect::report(session, args, artifact.as_deref()),
        Some(Verb::Verify { artifact }) => inspect::verify(session, args, artifact.as_deref()),
        Some(Verb::Init { source, label, positive }) => {
            let named = Named { label: label.clone(), positive: positive.clone(), decimal: args.decimal };
            inspect::init(session, args, source.as_deref(), &named)
        }
        Some(Verb::Recipe { what }) => inspect::recipe(session, args, what),
        Some(Verb::Embedded { name }) => inspect::embedded(session, name.as_deref()),
        Some(Verb::Predict { artifact, model, history }) => {
            score::predict(session, args, artifact.as_deref(), model.as_deref(), history)
        }
        Some(Verb::Explain { artifact, model, history, row, class }) => {
            let asked = score::Asked { lines: row, class: class.as_deref() };
            score::explain(session, args, artifact.as_deref(), model.as_deref(), history, &asked)
        }
        Some(Verb::Export { artifact, model }) => score::export(session, args, artifact.as_deref(), model.as_deref()),
        Some(Verb::Completions { .. }) => Ok(0),
    }
}
