//! Why single rows are scored as they are.

use std::collections::BTreeSet;

use specialist_core::{Domain, FeatureKind, Predict, same_value};
use specialist_tabular::Estimator;
use specialist_tabular::read::Input;

use crate::Error;
use crate::predict::Scorer;
use crate::recipe::nearest;
use crate::report::by_column;

/// One explained row.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Explained {
    /// Its line in the file.
    pub line: u64,
    /// The class whose probability is explained, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// What is predicted.
    pub predicted: f64,
    /// The margin that no feature explains; of a class less the mean of all classes' margins.
    pub base: f64,
    /// Feature, its value as text, its contribution to the margin; largest first.
    pub contributions: Vec<(String, String, f64)>,
    /// What the domain has to say of rows like it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<String>,
}

/// Explains the rows at `lines` of `input` (the first ones, when none is named): of several classes the probability of
/// `class`, or else of each row's most probable one.
///
/// # Errors
/// As reading does; [`Error::Usage`] when the model cannot tell, a line is not there, or no class is called so.
pub fn explain(
    scorer: &Scorer,
    input: &Input,
    domain: &dyn Domain,
    lines: &[u64],
    first: usize,
    class: Option<&str>,
) -> Result<Vec<Explained>, Error> {
    let class = class.map(|name| class_called(scorer, name)).transpose()?;
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
        return parts(scorer, domain, &data.select(asked), class);
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
            out.extend(parts(scorer, domain, &data.select(&rows), class)?);
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

/// The estimators whose models say what each feature does.
fn explaining() -> Vec<&'static str> {
    <dyn Estimator>::for_recipes().into_iter().filter(|e| e.explains()).map(|e| e.name()).collect()
}

/// The code of the class called `name`.
///
/// # Errors
/// [`Error::Usage`] with the nearest name.
pub fn class_called(scorer: &Scorer, name: &str) -> Result<usize, Error> {
    let known = &scorer.classes;
    known.iter().position(|c| same_value(c, name)).ok_or_else(|| {
        let hint = match nearest(name, known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => "leave out --class".into(),
            None => format!("there are: {}", known.join(", ")),
        };
        let what = if known.is_empty() {
            "the model tells no classes apart".into()
        } else {
            format!("the model knows no class `{name}`")
        };
        Error::Usage { what, hint }
    })
}

/// Explains rows as the model's features have them: of several classes the probability of the one with the code `class`, or
/// else of each row's most probable one.
///
/// # Errors
/// [`Error::Usage`] when the model cannot tell.
pub fn parts(
    scorer: &Scorer,
    domain: &dyn Domain,
    data: &specialist_core::Dataset,
    class: Option<usize>,
) -> Result<Vec<Explained>, Error> {
    // An artifact that was not compared has no panels.
    let panels = scorer.panels().unwrap_or_default();
    let data = data.aligned(&scorer.model.features())?;
    let Some(rows) = scorer.model.contributions(&data)? else {
        return Err(Error::Usage {
            what: format!("a {} cannot say what drives it", scorer.model.describe()),
            hint: format!("models of these can: {}", explaining().join(", ")),
        });
    };
    let columns = by_column(&data, &data.features);
    let value = |r: usize, places: &[usize]| {
        let &[c] = places else { return "a text".into() };
        let x = data.records()[[r, c]];
        match &data.features[c].kind {
            _ if x.is_nan() => "missing".into(),
            FeatureKind::Category { levels } => levels[x as usize].clone(),
            FeatureKind::Number => significant(x),
        }
    };
    let predicted = scorer.model.predictions(&data)?;
    let judgement = domain.judgement(&scorer.recipe.settings())?;
    let explained = predicted.largest().enumerate().map(|(r, largest)| {
        let output = class.unwrap_or(largest);
        let row = rows.parts(r, output);
        let (base, parts) = row.split_last().expect("there is a constant");
        let part = |(name, places): &(String, Vec<usize>)| {
            (name.clone(), value(r, places), places.iter().map(|&c| parts[c]).sum::<f64>())
        };
        let mut contributions: Vec<_> = columns.iter().map(part).collect();
        contributions.sort_by(|a, b| b.2.abs().total_cmp(&a.2.abs()));
        let class = scorer.classes.get(output).cloned();
        // Of one margin the parts are all there is, so that what is told adds up.
        let predicted =
            if class.is_some() { predicted.row(r)[output] } else { scorer.model.estimand().response(row.iter().sum()) };
        let beside = judgement.beside(&panels, &data.select(&[r]), &scorer.name, predicted);
        Explained { line: data.lines[r], class, predicted, base: *base, contributions, beside }
    });
    Ok(explained.collect())
}
