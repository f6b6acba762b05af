//! What every task's comparison has in common: the findings on the texts, the evidence, the artifact.

use std::collections::HashMap;

use specialist_core::bootstrap::Bootstrap;
use specialist_core::evidence::{Candidate, Difference, Evidence, LabelCurve, differences, judge_values};
use specialist_core::metric::Goal;
use specialist_core::{Context, Verdict, VerdictRule, decide};
use specialist_pipeline::compare::pairs;
use specialist_report::{DataRow, Finding, Severity};

use specialist_pipeline::check::copies::near;

use crate::corpus::Document;
use crate::recipe::Recipe;

/// A name, decimals, and which way is better.
pub type FigureSpec = (&'static str, usize, Goal);

/// A group's code for every document.
pub fn groups(documents: &[Document]) -> Vec<u32> {
    let mut codes: HashMap<&str, u32> = HashMap::new();
    documents
        .iter()
        .map(|d| {
            let next = codes.len() as u32;
            *codes.entry(&d.group).or_insert(next)
        })
        .collect()
}

/// What is judged on the sealed texts.
pub struct Trial<'a> {
    /// The candidates' names and what they are.
    pub names: Vec<(String, String)>,
    /// The figures, the primary first.
    pub figures: &'a [FigureSpec],
    /// The sealed documents.
    pub sealed: &'a [Document],
    /// How many of them carry the rarest label; all of them where there are no labels.
    pub rarest: usize,
    /// The smallest gain worth a change.
    pub worthwhile: f64,
}

/// What the comparison says.
pub struct Judged {
    /// The candidates with their figures.
    pub candidates: Vec<Candidate>,
    /// Who beats whom.
    pub differences: Vec<Difference>,
    /// What to do.
    pub verdict: Verdict,
    /// How many groups the sealed texts are of.
    pub units: usize,
}

/// Judges the candidates by `values(weights)`: every figure of one candidate after the other.
pub fn judge(recipe: &Recipe, trial: &Trial<'_>, values: impl Fn(&[f64]) -> Vec<f64> + Sync, ctx: &Context) -> Judged {
    let ctx = &ctx.child("compare");
    let bootstrap = Bootstrap::clusters(&groups(trial.sealed), recipe.compare.bootstrap, ctx);
    let names: Vec<(&str, &str)> = trial.names.iter().map(|(n, w)| (n.as_str(), w.as_str())).collect();
    let confidence = recipe.compare.confidence;
    let (candidates, primary) =
        judge_values(&names, trial.figures, values, trial.sealed.len(), &bootstrap, confidence, ctx);
    let only: Vec<&str> = names.iter().map(|n| n.0).collect();
    let others: Vec<&str> =
        only.iter().copied().filter(|n| !["specialist", "generalist", "scratch"].contains(n)).collect();
    let pairs = pairs(&only, &others);
    let differences = differences(&only, &pairs, &primary, confidence);
    let rule = VerdictRule { worthwhile: trial.worthwhile, fewest_events: 10 };
    let baselines: Vec<&str> = only.iter().copied().filter(|n| is_baseline(n)).collect();
    let verdict = decide(&rule, trial.rarest, trial.figures[0].0, &differences, &baselines);
    Judged { candidates, differences, verdict, units: bootstrap.units() }
}

/// Whether a candidate takes no model.
fn is_baseline(name: &str) -> bool {
    ["majority", "tf-idf", "copy", "extractive"].contains(&name) || name.starts_with("lead-")
}

/// Evidence with the parts that a task adds.
pub fn evidence(recipe: &Recipe, trial: &Trial<'_>, judged: Judged, train: (usize, usize), trials: usize) -> Evidence {
    Evidence {
        primary: trial.figures[0].0.into(),
        rows: trial.sealed.len(),
        events: if trial.rarest < trial.sealed.len() { trial.rarest } else { 0 },
        train,
        bootstrap: (specialist_core::bootstrap::Method::Cluster, recipe.compare.bootstrap, judged.units),
        confidence: recipe.compare.confidence,
        trials,
        opened_before: 0,
        candidates: judged.candidates,
        differences: judged.differences,
        label_curve: LabelCurve::default(),
        source: Vec::new(),
        verdict: judged.verdict,
    }
}

/// Leaves out of `train` what is nearly a sealed text; says how many there were.
pub fn without_copies(
    train: Vec<usize>,
    sealed: &[usize],
    documents: &[Document],
    alike: f64,
) -> (Vec<usize>, Finding) {
    let of = |rows: &[usize]| rows.iter().map(|&r| documents[r].text.as_str()).collect::<Vec<_>>();
    let copies = near(&of(&train), &of(sealed), alike);
    let found: Vec<usize> = train.iter().zip(&copies).filter(|(_, c)| c.is_some()).map(|(&r, _)| r).collect();
    let rows = found.iter().take(5).map(|&r| format!("{}:{}", documents[r].place.0, documents[r].place.1)).collect();
    let finding = finding(
        "copies",
        &format!(
            "left out of the train texts, nearly equal to a sealed one (similarity {alike} or more): {}",
            found.len()
        ),
        found.len(),
        rows,
    );
    (train.into_iter().zip(copies).filter(|(_, c)| c.is_none()).map(|(r, _)| r).collect(), finding)
}

/// Leaves out of the source what is nearly a sealed target text.
pub fn source_without_copies(source: &mut Vec<Document>, sealed: &[&str], alike: f64) -> Finding {
    let copies = near(&source.iter().map(|d| d.text.as_str()).collect::<Vec<_>>(), sealed, alike);
    let n = copies.iter().filter(|c| c.is_some()).count();
    let mut keep = copies.iter().map(Option::is_none);
    source.retain(|_| keep.next().unwrap_or(true));
    finding(
        "copies in the source",
        &format!("left out of the source, nearly equal to a sealed target text: {n}"),
        n,
        Vec::new(),
    )
}

/// A finding that stops nothing.
pub fn finding(name: &str, message: &str, count: usize, rows: Vec<String>) -> Finding {
    let severity = if count == 0 { Severity::Ok } else { Severity::Warning };
    Finding { name: name.into(), severity, waived: false, message: message.into(), rows }
}

/// A line of the data table.
pub fn data_row(name: &str, origin: &str, rows: usize, events: usize) -> DataRow {
    DataRow { name: name.into(), origin: origin.into(), rows, events, features: 0 }
}
