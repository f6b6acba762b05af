//! How classifiers bear typing errors and negation.

use rand::Rng;
use specialist_core::metric::{MacroF1, evaluate_model};
use specialist_core::{Context, Error, Outputs, Panel, PanelInput};

use super::texts::{Texts, column_of, with_texts};

/// `text` with two neighbouring letters exchanged in this share of its longer words.
pub fn typos(text: &str, share: f64, rng: &mut impl Rng) -> String {
    let word = |w: &str| {
        let mut letters: Vec<char> = w.chars().collect();
        if letters.len() < 4 || rng.random::<f64>() >= share {
            return w.to_string();
        }
        let at = rng.random_range(1..letters.len() - 2);
        letters.swap(at, at + 1);
        letters.into_iter().collect()
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// Forms of "to be" and "to do" that a negation follows or is taken from.
const VERBS: [&str; 10] = ["is", "was", "are", "were", "am", "will", "would", "could", "should", "did"];

/// `text` with its first such verb negated, or the negation taken away; none where there is no such verb. A short
/// English sentence mostly says the opposite then.
pub fn negated(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split(' ').collect();
    let verb = words.iter().position(|w| VERBS.contains(&w.to_lowercase().as_str()))?;
    let mut out: Vec<&str> = words[..=verb].to_vec();
    let rest = &words[verb + 1..];
    if rest.first().is_some_and(|w| w.eq_ignore_ascii_case("not")) {
        out.extend(&rest[1..]);
    } else {
        out.push("not");
        out.extend(rest);
    }
    Some(out.join(" "))
}

/// Texts of at most this many words are negated: longer ones hold more than one judgement.
const LONGEST: usize = 12;

/// The stress tests on `texts`: name, what is measured, the texts, and which of the originals they come from.
pub fn tests(texts: &[&str], ctx: &Context) -> Vec<(&'static str, Vec<String>, Vec<usize>)> {
    let all: Vec<usize> = (0..texts.len()).collect();
    let mut out = Vec::new();
    for (name, share) in [("typing errors in 10 % of words", 0.1), ("typing errors in 30 % of words", 0.3)] {
        let mut rng = ctx.rng(name);
        out.push((name, texts.iter().map(|t| typos(t, share, &mut rng)).collect(), all.clone()));
    }
    let short = |t: &str| t.split_whitespace().count() <= LONGEST;
    let flipped: Vec<(String, usize)> =
        texts.iter().enumerate().filter(|(_, t)| short(t)).filter_map(|(i, t)| Some((negated(t)?, i))).collect();
    let (texts, from) = flipped.into_iter().unzip();
    out.push(("negated", texts, from));
    out
}

/// How many texts carry another label than the ones they come from, by their places among those of `plain`.
fn turned(plain: &Outputs, changed: &Outputs, from: &[usize]) -> usize {
    let plain: Vec<usize> = plain.predicted_classes().collect();
    changed.predicted_classes().zip(from).filter(|(label, i)| *label != plain[**i]).count()
}

/// How every candidate bears them; none where texts are not all there is, or became fewer numbers than their vectors.
///
/// # Errors
/// When a text cannot be encoded, or the run is cancelled.
pub fn panel(input: &PanelInput<'_>) -> Result<Option<Panel>, Error> {
    let rows = input.rows;
    let Some(column) = column_of(&rows.features) else { return Ok(None) };
    let known = Texts::of(rows, column)?;
    if known.encoder.encoder.config.vector() != rows.features.len() {
        return Ok(None);
    }
    let ctx = &input.ctx.child("stress");
    let mut changed = Vec::new();
    for (_, texts, from) in tests(&known.all(), ctx) {
        changed.push((with_texts(rows, &from, column, texts, ctx)?, from));
    }
    let mut table = Vec::new();
    for (name, model) in input.models {
        let plain = model.predictions(rows)?;
        let mut row = vec![name.to_string(), format!("{:.4}", evaluate_model(&MacroF1, rows, *model)?)];
        for (other, from) in &changed {
            ctx.check()?;
            row.push(if from.len() == rows.rows() {
                format!("{:.4}", evaluate_model(&MacroF1, other, *model)?)
            } else {
                let turned = turned(&plain, &model.predictions(other)?, from);
                format!("{:.0} % of {}", 100.0 * turned as f64 / from.len().max(1) as f64, from.len())
            });
        }
        table.push(row);
    }
    Ok(Some(Panel {
        title: "Under stress".into(),
        note: "Macro-F1 on the sealed texts as they are and with letters exchanged in some words; and how many short sentences change their label when their first verb is negated (or the negation taken away), which should be nearly all.".into(),
        header: ["Candidate", "as they are", "typing errors, 10 % of words", "30 % of words", "label turned by a negation"].map(String::from).to_vec(),
        table,
        ..Panel::default()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negation_comes_and_goes() {
        assert_eq!(negated("The food was good.").as_deref(), Some("The food was not good."));
        assert_eq!(negated("The food is not good.").as_deref(), Some("The food is good."));
        assert_eq!(negated("Loved it."), None);
    }

    #[test]
    fn labels_turn_of_two_classes_and_of_three() {
        let (plain, changed) = (Outputs::from(vec![0.9, 0.2, 0.7]), Outputs::from(vec![0.1, 0.8]));
        assert_eq!(turned(&plain, &changed, &[0, 2]), 1);
        let three = |rows: &[[f64; 3]]| Outputs::new(3, rows.concat()).unwrap();
        let plain = three(&[[0.5, 0.3, 0.2], [0.1, 0.8, 0.1]]);
        assert_eq!(turned(&plain, &three(&[[0.2, 0.7, 0.1], [0.1, 0.7, 0.2]]), &[0, 1]), 1);
    }

    #[test]
    fn typos_keep_the_letters() {
        let text = "wonderful service everywhere";
        let typed = typos(text, 1.0, &mut Context::new(1, 1).rng("t"));
        assert_ne!(typed, text);
        let sorted = |t: &str| {
            let mut c: Vec<char> = t.chars().collect();
            c.sort_unstable();
            c
        };
        assert_eq!(sorted(&typed), sorted(text));
    }
}
