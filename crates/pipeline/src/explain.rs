//! Why single rows are scored as they are.

use std::collections::BTreeSet;

use specialist_core::{Domain, FeatureKind, Predict};
use specialist_tabular::read::Input;

use crate::Error;
use crate::predict::Scorer;

/// One explained row.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Explained {
    /// Its line in the file.
    pub line: u64,
    /// What is predicted.
    pub predicted: f64,
    /// The margin that no feature explains.
    pub base: f64,
    /// Feature, its value as text, its contribution to the log-odds; largest first.
    pub contributions: Vec<(String, String, f64)>,
    /// What the domain has to say of rows like it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<String>,
}

/// Explains the rows at `lines` of `input` (the first ones, when none is named).
///
/// # Errors
/// As reading does; [`Error::Usage`] when the model cannot tell or a line is not there.
pub fn explain(
    scorer: &Scorer,
    input: &Input,
    domain: &dyn Domain,
    lines: &[u64],
    first: usize,
) -> Result<Vec<Explained>, Error> {
    let mut out = Vec::new();
    // A line that is asked for twice is told once.
    let lines: Vec<u64> = lines.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
    let wanted = |line: u64, taken: usize| if lines.is_empty() { taken < first } else { lines.contains(&line) };
    if let Some(data) = scorer.made(input, domain)? {
        let rows: Vec<usize> = (0..data.rows()).filter(|&r| lines.contains(&data.lines[r])).collect();
        // The latest rows are the ones that somebody will ask about.
        let latest: Vec<usize> = (data.rows().saturating_sub(first)..data.rows()).collect();
        let asked = if lines.is_empty() { &latest } else { &rows };
        if asked.is_empty() {
            return Err(Error::Usage {
                what: format!("{}: no row of the model was made of these lines", input.name()),
                hint: "name lines of the target that have enough history before them".into(),
            });
        }
        return parts(scorer, domain, &data.select(asked));
    }
    let mut reader = scorer.reader(input)?;
    let (mut steps, _) = scorer.steps(domain)?;
    while let Some(chunk) = reader.next_chunk(4096)? {
        let data = steps.apply(chunk.data)?;
        let mut rows: Vec<usize> = Vec::new();
        for r in 0..data.rows() {
            if wanted(data.lines[r], out.len() + rows.len()) {
                rows.push(r);
            }
        }
        if !rows.is_empty() {
            out.extend(parts(scorer, domain, &data.select(&rows))?);
        }
        let enough = if lines.is_empty() { first } else { lines.len() };
        if out.len() >= enough {
            return Ok(out);
        }
    }
    if lines.is_empty() && !out.is_empty() {
        return Ok(out);
    }
    Err(Error::Usage {
        what: format!("{}: {} of the {} asked rows are there", input.name(), out.len(), lines.len()),
        hint: "--row takes line numbers of the file; the header is line 1".into(),
    })
}

/// Six digits that count: what is small is told like what is large.
fn significant(x: f64) -> String {
    format!("{x:.5e}").parse::<f64>().unwrap_or(x).to_string()
}

fn parts(scorer: &Scorer, domain: &dyn Domain, data: &specialist_core::Dataset) -> Result<Vec<Explained>, Error> {
    // An artifact that was not compared has no panels.
    let panels = scorer.panels().unwrap_or_default();
    let data = data.aligned(&scorer.model.features())?;
    let Some(rows) = scorer.model.contributions(&data)? else {
        return Err(Error::Usage {
            what: format!("a {} cannot say what drives it", scorer.model.describe()),
            hint: "boosted-trees and glm can".into(),
        });
    };
    let value = |r: usize, c: usize| {
        let x = data.records()[[r, c]];
        match &data.features[c].kind {
            _ if x.is_nan() => "missing".into(),
            FeatureKind::Category { levels } => levels[x as usize].clone(),
            FeatureKind::Number => significant(x),
        }
    };
    let explained = rows.iter().enumerate().map(|(r, row)| {
        let (base, parts) = row.split_last().expect("there is a constant");
        let name = |c: usize| data.features[c].name.clone();
        let mut contributions: Vec<_> = parts.iter().enumerate().map(|(c, v)| (name(c), value(r, c), *v)).collect();
        contributions.sort_by(|a, b| b.2.abs().total_cmp(&a.2.abs()));
        let predicted = scorer.model.estimand().response(row.iter().sum());
        let beside = domain.beside(&panels, &data.select(&[r]), &scorer.name, predicted);
        Explained { line: data.lines[r], predicted, base: *base, contributions, beside }
    });
    Ok(explained.collect())
}
