//! What a study is to the report, and what the verb `study` says about one.

use std::path::Path;
use std::sync::Arc;

use specialist_core::{Candidate, Metric};
use specialist_report::{ParamView, StudyView, TrialView};
use specialist_search::{Domain, JournalStore, State, Store, importance, read_store};
pub use specialist_search::{Study, Trial, open_store};

use crate::Error;

/// A study as the report draws it.
pub fn view(study: &Study, primary: &dyn Metric) -> StudyView {
    // Goodness back to the metric's own scale; for metrics with an ideal value it stays a distance.
    let sign = primary.goal().goodness(1.0).signum();
    view_of(study, primary.name(), sign)
}

/// A study as the report draws it, its values multiplied by `sign`.
#[must_use]
pub fn view_of(study: &Study, metric: &str, sign: f64) -> StudyView {
    let space = study.space();
    let param = |p: &specialist_search::Param| {
        let levels = match &p.domain {
            Domain::Categorical { levels, .. } => levels.iter().map(ToString::to_string).collect(),
            _ => Vec::new(),
        };
        let end = |code: f64| p.domain.value(code).to_string();
        ParamView { name: p.name.clone(), low: end(0.0), high: end(1.0), levels }
    };
    let trial = |t: &specialist_search::Trial| {
        let codes = space.encode(&t.params).unwrap_or_else(|| vec![f64::NAN; space.params().len()]);
        let place = |(c, p): (&f64, &specialist_search::Param)| match &p.domain {
            _ if c.is_nan() => None,
            Domain::Categorical { levels, ordered: false } => Some((c + 0.5) / levels.len() as f64),
            _ => Some(*c),
        };
        TrialView {
            number: t.number,
            state: format!("{:?}", t.state).to_lowercase(),
            value: t.value().map(|v| v * sign),
            places: codes.iter().zip(space.params()).map(place).collect(),
            steps: t.steps.iter().filter(|(_, v)| v.is_finite()).map(|(s, v)| (*s, v * sign)).collect(),
        }
    };
    let larger = study.directions()[0] == specialist_search::Direction::Maximise;
    StudyView {
        name: study.name().into(),
        metric: metric.into(),
        larger_is_better: larger == (sign > 0.0),
        params: space.params().iter().map(param).collect(),
        trials: study.trials().iter().map(trial).collect(),
        importance: importance(study),
    }
}

/// Opens a store that must be there already, to look at.
///
/// # Errors
/// [`Error::Usage`] when there is none, [`Error::Store`] when it is something else.
pub fn existing(address: &str) -> Result<Arc<dyn Store>, Error> {
    is_there(address)?;
    Ok(read_store(address)?)
}

/// Opens a store that must be there already, to work on.
///
/// # Errors
/// As [`existing`].
pub fn existing_to_join(address: &str) -> Result<Arc<dyn Store>, Error> {
    is_there(address)?;
    Ok(open_store(address)?)
}

fn is_there(address: &str) -> Result<(), Error> {
    let path = address.trim_start_matches("journal:").trim_start_matches("sqlite:///");
    if path.contains("://") || Path::new(path).is_file() {
        return Ok(());
    }
    Err(Error::Usage {
        what: format!("{path}: there is no such store"),
        hint: "check the path; `tune --store FILE` makes one".into(),
    })
}

/// All studies of a store.
///
/// # Errors
/// [`Error::Store`]
pub fn all(store: &Arc<dyn Store>) -> Result<Vec<Arc<Study>>, Error> {
    let open = |r: specialist_search::StudyRecord| Ok(Arc::new(Study::open(Arc::clone(store), &r.name, 0)?));
    store.studies()?.into_iter().map(open).collect()
}

/// The studies of an artifact.
///
/// # Errors
/// [`Error::Store`] when one of its journals is damaged.
pub fn of_artifact(folder: &Path) -> Result<Vec<Arc<Study>>, Error> {
    let mut out = Vec::new();
    for name in [Candidate::Specialist.name(), Candidate::Scratch.name(), "pretrain"] {
        let path = folder.join(format!("study-{name}.log"));
        if path.is_file() {
            let store: Arc<dyn Store> = Arc::new(JournalStore::read_only(&path)?);
            out.extend(all(&store)?);
        }
    }
    Ok(out)
}

/// What the values of a study are, as far as it says so.
#[must_use]
pub fn metric(study: &Study) -> String {
    let (store, id) = study.store();
    let record = store.studies().ok().and_then(|all| all.into_iter().find(|s| s.id == id));
    let named = record.as_ref().and_then(|r| r.user.get("metric")).and_then(|m| m.as_str());
    named.map_or_else(|| "value".into(), |m| format!("goodness ({m})"))
}

/// The settings of each trial, in words.
#[must_use]
pub fn settings(study: &Study) -> Vec<String> {
    study.trials().iter().map(|t| t.params.to_string()).collect()
}

/// A line of the list of studies.
#[must_use]
pub fn summary(study: &Arc<Study>) -> specialist_report::StudyRow {
    let count = |s: State| study.trials().iter().filter(|t| t.state == s).count();
    specialist_report::StudyRow {
        name: study.name().into(),
        trials: study.trials().len(),
        complete: count(State::Complete),
        pruned: count(State::Pruned),
        failed: count(State::Failed),
        running: count(State::Running) + count(State::Waiting),
        best: study.best().and_then(specialist_search::Trial::value),
    }
}

/// The names of a study's values: `value`, or one an objective.
fn value_names(study: &Study) -> Vec<String> {
    match study.directions().len() {
        0 | 1 => vec!["value".into()],
        n => (0..n).map(|i| format!("value-{i}")).collect(),
    }
}

/// What a study of several objectives has instead of one best trial: those that no other beats in every objective, and
/// which way each objective is better.
#[must_use]
pub fn several_objectives(study: &Study) -> Option<(String, Vec<&specialist_search::Trial>)> {
    let n = study.directions().len();
    if n < 2 {
        return None;
    }
    let way = |d: &specialist_search::Direction| match d {
        specialist_search::Direction::Maximise => "larger is better",
        specialist_search::Direction::Minimise => "smaller is better",
    };
    let ways: Vec<String> =
        study.directions().iter().enumerate().map(|(i, d)| format!("value-{i}: {}", way(d))).collect();
    let front = study.pareto_front();
    let what = format!(
        "`{}` has {n} objectives ({}): no trial is the best, and {} of them are beaten by none in all",
        study.name(),
        ways.join(", "),
        front.len()
    );
    Some((what, front))
}

/// The best complete trial of one objective, as Optuna counts: an infinite value is a value. (A search of ours leaves such
/// trials aside.)
#[must_use]
pub fn best(study: &Study) -> Option<&specialist_search::Trial> {
    let direction = study.directions()[0];
    let loss = |t: &specialist_search::Trial| direction.loss(t.values[0]);
    let complete =
        |t: &&specialist_search::Trial| t.state == State::Complete && t.values.len() == 1 && !t.values[0].is_nan();
    study.trials().iter().filter(complete).min_by(|a, b| loss(a).total_cmp(&loss(b)))
}

/// The values of a trial, in words.
#[must_use]
pub fn values(trial: &specialist_search::Trial) -> String {
    let values: Vec<String> = trial.values.iter().map(|v| format!("{v:.6}")).collect();
    if values.is_empty() { "–".into() } else { values.join(", ") }
}

/// All trials as CSV: number, state, the value of each objective, a column for each parameter.
#[must_use]
pub fn csv(study: &Study) -> String {
    let params = study.space().params();
    let quoted = |s: String| if s.contains([',', '"', '\n']) { format!("\"{}\"", s.replace('"', "\"\"")) } else { s };
    let exact = |v: &specialist_search::Value| match v {
        specialist_search::Value::Float(f) => f.to_string(),
        other => other.to_string(),
    };
    let names = value_names(study);
    let mut out: Vec<String> = vec![
        ["number", "state"]
            .map(String::from)
            .into_iter()
            .chain(names.clone())
            .chain(params.iter().map(|p| quoted(p.name.clone())))
            .collect::<Vec<_>>()
            .join(","),
    ];
    for t in study.trials() {
        // An infinite value is one; it is only never the best.
        let value = |i: usize| t.values.get(i).map_or_else(String::new, ToString::to_string);
        let fixed = [t.number.to_string(), format!("{:?}", t.state).to_lowercase()];
        let fixed = fixed.into_iter().chain((0..names.len()).map(value));
        let cells = params.iter().map(|p| quoted(t.params.get(&p.name).map_or_else(String::new, exact)));
        out.push(fixed.chain(cells).collect::<Vec<_>>().join(","));
    }
    out.join("\n") + "\n"
}
