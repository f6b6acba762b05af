//! A `peft` adapter that comes with a backbone, and models that leave as one.

use std::path::Path;

use specialist_cli::Terminal;
use specialist_neural::encoder::is_head;
use specialist_neural::lora::Naming;
use specialist_neural::{Brought, Device, Lora, Params};
use specialist_pipeline::artifact::Draft;

use crate::error::{Error, Result};
use crate::recipe::Recipe;

/// Where an artifact keeps the adapter that its backbone needs.
pub const FOLDER: &str = "adapter";

/// That of a recipe, folded into the `params` of its backbone.
///
/// # Errors
/// When it cannot be read or does not belong to the model.
pub fn of_recipe(recipe: &Recipe, params: &mut Params, terminal: &Terminal) -> Result<Option<Brought>> {
    let Some(folder) = &recipe.adapter else { return Ok(None) };
    let brought = Brought::read(Path::new(folder), Naming::Plain)?;
    brought.merge(params)?;
    terminal.done("adapter", &brought.about());
    Ok(Some(brought))
}

/// Adds its files to an artifact.
pub fn add(brought: &Brought, draft: &mut Draft) {
    for (name, bytes) in &brought.files {
        draft.add(&format!("{FOLDER}/{name}"), bytes.clone());
    }
}

/// What sentence vectors and generated texts do not go through: the head of a classifier and the layer before it.
fn is_above(name: &str) -> bool {
    is_head(name) || name.starts_with("pooler.")
}

/// The adapter that makes a model out of the backbone as it was published: the one that was brought, the model's own,
/// or both in one.
///
/// # Errors
/// When the model is no low-rank change of its backbone, or is the backbone.
pub fn of_model(brought: Option<&Brought>, own: Option<(Lora, Params)>, name: &str) -> Result<(Lora, Params)> {
    let refuse = |what: String| Err(Error::usage(what, "without --adapter the whole model is exported"));
    let whole = |b: &Brought| b.params.iter().map(|(n, _)| n).find(|n| !Lora::owns(n) && !is_above(n)).cloned();
    if let Some(tensor) = brought.and_then(whole) {
        return refuse(format!(
            "the adapter that was brought replaces `{tensor}` whole, which no low-rank change says"
        ));
    }
    let brought = brought.map(|b| (b.lora.clone(), b.params.only(Lora::owns)));
    match (brought, own) {
        (None, None) => refuse(format!("the model `{name}` has no adapter: it stands on the backbone as it is")),
        (Some(one), None) | (None, Some(one)) => Ok(one),
        (Some((first, a)), Some((second, b))) => Ok(first.stacked(&a, &second, &b, &Device::flex())),
    }
}
