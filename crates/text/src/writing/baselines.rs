//! What takes no training of a model.

use specialist_core::evidence::Prediction;
use specialist_core::metric::text::ROUGE_L;
use specialist_core::{Context, Dataset, Error, Metric, Outputs, Scored};
use specialist_neural::{Device, Encoder};

use super::backbone::Backbone;
use super::extract::{Extractive, Parted, lead, part};
use super::settings::Task;
use crate::fetch::{Cache, ITEMS};
use crate::labels::text_key;

/// Words of the fixed lead.
pub const LEAD: usize = 15;

/// Of a translation the source text as it is; of a summary the first words, and the most central sentences.
///
/// # Errors
/// When an encoder that is there cannot be read.
pub fn baselines(train: &Dataset, sealed: &Dataset, cache: &Cache) -> Result<Vec<Prediction>, Error> {
    let texts = text_key(sealed, None)?.texts();
    let of = |name: String, what: String, written: Vec<String>| Prediction {
        name,
        what,
        outputs: Outputs::of_texts(written),
        baseline: None,
    };
    if Backbone::of(train)?.settings.task == Task::Translate {
        let copies = texts.iter().map(ToString::to_string).collect();
        return Ok(vec![of("copy".into(), "the source text as it is".into(), copies)]);
    }
    let own = text_key(train, None)?.texts();
    let weight = vec![1.0; train.rows()];
    let judge = |written: Vec<String>| {
        let outputs = &Outputs::of_texts(written);
        ROUGE_L.value(&Scored { rows: train, outputs, order: &[], weight: &weight, baseline: None, counts: None })
    };
    let leads = |texts: &[&str], k: usize| texts.iter().map(|t| lead(t, k)).collect::<Vec<String>>();
    let best = best_of(4..=25, |k| judge(leads(&own, *k))).unwrap_or(LEAD);
    let minilm = ITEMS.iter().find(|i| i.name == "minilm").and_then(|item| cache.folder(item).ok());
    let parts = || -> specialist_neural::Result<(bool, Vec<Parted>, Vec<Parted>)> {
        let encoder = minilm.map(|folder| Encoder::read(&folder, &Device::flex())).transpose()?;
        let ctx = &Context::new(0, 1);
        Ok((encoder.is_some(), part(&own, encoder.as_ref(), ctx)?, part(&texts, encoder.as_ref(), ctx)?))
    };
    let (encoded, parted, parted_sealed) = parts().map_err(specialist_neural::Error::into_core)?;
    let extract = |parted: &[Parted], how: &Extractive| parted.iter().map(|p| p.summary(how)).collect::<Vec<String>>();
    let how = best_of(Extractive::grid(), |how| judge(extract(&parted, how))).unwrap_or(Extractive::grid()[0]);
    let by = if encoded { "sentence vectors" } else { "word frequencies (minilm is not fetched)" };
    Ok(vec![
        of(format!("lead-{LEAD}"), format!("the first {LEAD} words"), leads(&texts, LEAD)),
        of("lead-k".into(), format!("the first {best} words, the best number on the train texts"), leads(&texts, best)),
        of(
            "extractive".into(),
            format!("central sentences by {by}, {} words", how.words),
            extract(&parted_sealed, &how),
        ),
    ])
}

/// The first of those with the largest value.
fn best_of<T>(all: impl IntoIterator<Item = T>, value: impl Fn(&T) -> f64) -> Option<T> {
    let judged = all.into_iter().map(|one| (value(&one), one));
    judged.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|best| best.1)
}
