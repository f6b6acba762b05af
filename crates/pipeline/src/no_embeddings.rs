//! What stands in for `embeddings.rs` in a program that was built without encoders.

use std::convert::Infallible;
use std::path::Path;

use specialist_core::{Context, Dataset, Domain};

use crate::artifact::Draft;
use crate::recipe::Recipe;
use crate::{Error, Place};

/// There are none.
pub(crate) struct Embeddings(Infallible);

fn refuse(what: String) -> Error {
    Error::Usage {
        what,
        hint:
            "build the program with `--features text`, or give the column the role \"ignore\" or the kind \"category\""
                .into(),
    }
}

impl Embeddings {
    pub(crate) fn fit(
        recipe: &Recipe,
        _: Option<&Dataset>,
        _: &dyn Domain,
        _: &Place,
        _: &Context,
    ) -> Result<Option<Self>, Error> {
        match recipe.text_columns().first() {
            None => Ok(None),
            Some(c) => Err(refuse(format!("column `{c}` is text, and this program was built without encoders"))),
        }
    }

    pub(crate) fn open(folder: &Path, _: &Context) -> Result<Option<Self>, Error> {
        if folder.join("embeddings.json").is_file() {
            return Err(refuse(format!(
                "{}: the artifact reads texts, and this program was built without encoders",
                folder.display()
            )));
        }
        Ok(None)
    }

    pub(crate) fn add(&self, _: &mut Draft) -> Result<(), Error> {
        match self.0 {}
    }

    pub(crate) fn apply(&mut self, _: &Dataset) -> Result<Dataset, Error> {
        match self.0 {}
    }
}
