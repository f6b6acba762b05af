//! Where a recipe's paths start.

use std::path::PathBuf;

use specialist_core::Domain;
use specialist_tabular::read::Input;

use crate::Error;

/// Where a recipe's paths start from.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// The folder of the recipe; empty for a recipe that ships with the program.
    pub folder: PathBuf,
}

impl Place {
    /// `path` as the recipe means it.
    #[must_use]
    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    /// What `data` names.
    ///
    /// # Errors
    /// [`Error::Usage`] when there is no embedded data of that name.
    pub fn input(&self, data: &str, domain: &dyn Domain) -> Result<Input, Error> {
        if let Some(name) = data.strip_prefix("fetched:") {
            let nothing = || Error::Usage {
                what: format!("there is nothing called `{name}` to fetch"),
                hint: format!("`{} fetch --list` says what there is", domain.name()),
            };
            let text = domain.fetched_table(name)?.ok_or_else(nothing)?;
            return Ok(Input::Embedded { name: data.into(), text: text.into() });
        }
        let Some(name) = data.strip_prefix("embedded:") else {
            return Ok(Input::File(self.path(data)));
        };
        let text = domain.data(name).ok_or_else(|| {
            let known: Vec<&str> = domain.data_names().iter().map(|d| d.0).collect();
            Error::Usage {
                what: format!("there is no embedded data set `{name}`"),
                hint: if known.is_empty() {
                    "name a CSV, Parquet or JSON file".into()
                } else {
                    format!("there are: {}", known.join(", "))
                },
            }
        })?;
        Ok(Input::Embedded { name: data.into(), text })
    }
}
