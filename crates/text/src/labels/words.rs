//! What each word of a text does for its label.

use std::path::Path;

use serde::Serialize;
use specialist_core::{ColumnKind, Dataset, Predict, Role};
use specialist_engine::Error;
use specialist_engine::predict::Scorer;
use specialist_tabular::read::Input;

use super::texts::of_classes;
use crate::Text;

/// Why a text has its label.
#[derive(Debug, Serialize)]
pub struct Words {
    /// The likeliest label.
    pub label: String,
    /// Its probability.
    pub probability: f64,
    /// Every word with the label's log-odds in the whole text minus those without the word.
    pub words: Vec<(String, f64)>,
}

/// Texts as the rows of an artifact's model.
///
/// # Errors
/// [`Error::Usage`] when the model reads more than one text.
pub fn rows(scorer: &Scorer, texts: &[String]) -> Result<Dataset, Error> {
    let read: Vec<_> = scorer.recipe.columns.iter().filter(|(_, c)| c.role == Role::Feature).collect();
    let [(name, column)] = read[..] else { return Err(several(scorer)) };
    if column.kind != ColumnKind::Text {
        return Err(several(scorer));
    }
    let mut table = csv::Writer::from_writer(Vec::new());
    let written =
        table.write_record([name.as_str()]).and_then(|()| texts.iter().try_for_each(|t| table.write_record([t])));
    written.expect("memory takes it");
    let bytes = table.into_inner().expect("memory takes it");
    let input = Input::Embedded { name: "the text".into(), text: bytes.into() };
    let mut reader = scorer.reader(&input)?;
    let chunk = reader.next_chunk(texts.len().max(1))?.expect("there is a text");
    scorer.fresh_steps(&Text)?.apply(chunk.data)
}

fn several(scorer: &Scorer) -> Error {
    Error::Usage {
        what: format!("{}: its model reads other columns than one of texts", scorer.folder().display()),
        hint: "`text explain` says what each column of a row does".into(),
    }
}

/// What each word of `text` does for the likeliest label: of the model called `model`, or of the one that the verdict ships.
///
/// # Errors
/// When the artifact cannot be used or the text is empty.
pub fn words(folder: &Path, model: Option<&str>, text: &str) -> Result<Words, Error> {
    if text.trim().is_empty() {
        return Err(Error::Usage { what: "the text is empty".into(), hint: "give a text in quotation marks".into() });
    }
    let scorer = Scorer::open(folder, model, &Text)?;
    if !of_classes(scorer.model.estimand()) {
        return Err(Error::Usage {
            what: format!("{}: its model `{}` gives texts no labels", folder.display(), scorer.name),
            hint: "words are asked what they do for a label; `text predict` writes".into(),
        });
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let without = (0..words.len()).map(|i| {
        let rest: Vec<&str> = words.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, w)| *w).collect();
        rest.join(" ")
    });
    let all: Vec<String> = std::iter::once(text.to_string()).chain(without).collect();
    let said = scorer.model.predictions(&rows(&scorer, &all)?)?;
    // Of two classes the one number is the second's probability.
    let of = |row: &[f64], class: usize| match row {
        [p] => {
            if class == 1 {
                *p
            } else {
                1.0 - p
            }
        }
        row => row[class],
    };
    let first = said.row(0);
    let label = said.predicted_classes().next().expect("there is a row");
    let odds = |row: &[f64]| specialist_core::logit(of(row, label));
    let effects =
        words.iter().zip(said.iter_rows().skip(1)).map(|(w, row)| ((*w).to_string(), odds(first) - odds(row)));
    let names = class_names(&scorer);
    Ok(Words { label: names[label].clone(), probability: of(first, label), words: effects.collect() })
}

/// What the classes are called; of two what the recipe says means no and yes.
pub fn class_names(scorer: &Scorer) -> Vec<String> {
    if !scorer.classes.is_empty() {
        return scorer.classes.clone();
    }
    let label = scorer.recipe.columns.values().find(|c| c.role == Role::Label);
    let first =
        |cells: Option<&Vec<String>>, or: &str| cells.and_then(|c| c.first()).map_or(or.to_string(), Clone::clone);
    vec![first(label.map(|c| &c.negative), "no"), first(label.map(|c| &c.positive), "yes")]
}
