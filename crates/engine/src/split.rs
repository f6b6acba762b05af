//! Parts the target's rows into train rows and sealed test rows, and the source's into rows to
//! pre-train on and rows to measure forgetting on.

use specialist_core::{Context, Dataset, Estimand, Split};

use crate::Error;
use crate::recipe::Recipe;

/// Fewest target train rows of the rarer label for any tuning to be searched.
const FEWEST_TRAIN_EVENTS: usize = 5;

/// The target's split.
///
/// # Errors
/// [`specialist_core::Error::TooFew`] when a side has too few rows of the rarer label.
pub fn target(recipe: &Recipe, target: &Dataset, ctx: &Context) -> Result<Split, Error> {
    let mut rng = ctx.rng("split");
    let split = recipe.split_keys()?.holdout(target, recipe.split.test, &mut rng)?;
    for (what, rows, needed) in
        [("target train rows", &split.train, FEWEST_TRAIN_EVENTS), ("sealed test rows", &split.test, 1)]
    {
        // Not rows but what they rest on: a thousand rows with three events are three.
        let rarer = target.informative_among(rows);
        if rarer < needed {
            let what = match target.estimand {
                Estimand::Survival { horizon } => {
                    format!("{what} with an event (is the horizon of {horizon} in the unit of the times?)")
                }
                Estimand::Text => what.into(),
                _ => format!("{what} of the rarer label"),
            };
            return Err(specialist_core::Error::TooFew { what, found: rarer, needed }.into());
        }
    }
    Ok(split)
}

/// The source rows that may be trained on: all, or with `cut_source` those that are earlier than the target's train rows
/// must be.
///
/// # Errors
/// [`specialist_core::Error::TooFew`] when none is left.
pub fn cut_source(recipe: &Recipe, source: &Dataset, of: &Dataset, target: &Split) -> Result<Vec<usize>, Error> {
    let all = || (0..source.rows()).collect();
    if !recipe.split.cut_source {
        return Ok(all());
    }
    let (Some(of_source), Some(of_target)) = (&source.time, &of.time) else { return Ok(all()) };
    // Before the first sealed row by as much as labels take to be known: a source row in between tells of the sealed rows' time.
    let border = target.test.iter().map(|&r| of_target[r]).min().unwrap_or(i64::MAX) - recipe.gap()?;
    let rows: Vec<usize> = (0..source.rows()).filter(|&r| of_source[r] < border).collect();
    if rows.is_empty() {
        let what = "source rows earlier than the sealed rows".into();
        return Err(specialist_core::Error::TooFew { what, found: 0, needed: 1 }.into());
    }
    Ok(rows)
}

/// The source rows that a generalist is fitted on, of tables as they were read.
///
/// # Errors
/// As those of the parts.
pub fn source_train(recipe: &Recipe, from: &Dataset, of: &Dataset, ctx: &Context) -> Result<Vec<usize>, Error> {
    let may = cut_source(recipe, from, of, &target(recipe, of, ctx)?)?;
    let parts = source(recipe, &from.select(&may), ctx)?;
    Ok(parts.train.into_iter().map(|r| may[r]).collect())
}

/// The source's split; its test rows may be empty.
///
/// # Errors
/// As the keys' own.
pub fn source(recipe: &Recipe, source: &Dataset, ctx: &Context) -> Result<Split, Error> {
    let all = || Split { train: (0..source.rows()).collect(), test: Vec::new() };
    if recipe.pretrain.holdout == 0.0 {
        return Ok(all());
    }
    // By the target's keys: with a group on both sides what is forgotten of it would look remembered.
    let mut rng = ctx.rng("source split");
    Ok(recipe.split_keys()?.holdout(source, recipe.pretrain.holdout, &mut rng)?)
}
