//! What a column seems to be.

use std::path::Path;

use specialist_core::Role;
use specialist_tabular::read::{ColumnProfile, Profile, ReadError};

use crate::Error;
use crate::recipe::ColumnSpec;

/// What a column seems to be.
#[derive(Debug, Clone)]
pub struct Suggestion {
    /// Its name.
    pub name: String,
    /// What is to be declared.
    pub spec: ColumnSpec,
    /// The reason.
    pub why: String,
    /// Whether the reason is a question that only the user can answer.
    pub ask: bool,
}

impl Suggestion {
    pub(crate) fn new(name: &str, spec: ColumnSpec, why: String) -> Self {
        Self { name: name.into(), spec, why, ask: false }
    }
}

/// Leaves at most one column with each role that only one can have; the others become what `or` says.
pub(crate) fn one_of_each(columns: &mut [Suggestion]) {
    for (role, or) in [
        (Role::Id, Role::Ignore),
        (Role::Group, Role::Ignore),
        (Role::Time, Role::Ignore),
        (Role::Site, Role::Feature),
        (Role::Amount, Role::Feature),
        (Role::Weight, Role::Ignore),
    ] {
        let mut first: Option<String> = None;
        for column in columns.iter_mut().filter(|c| c.spec.role == role) {
            match &first {
                None => first = Some(column.name.clone()),
                Some(first) => {
                    column.spec.role = or;
                    column.why.push_str(&format!("; only one column can have that role, and `{first}` has it"));
                }
            }
        }
    }
}

/// The column called `name`.
pub(crate) fn find<'a>(file: &'a Profile, name: &str, path: &Path) -> Result<&'a ColumnProfile, Error> {
    file.columns.iter().find(|c| c.name == name).ok_or_else(|| {
        let nearest = crate::recipe::nearest(name, file.columns.iter().map(|c| c.name.as_str()));
        ReadError::NoColumn { file: path.display().to_string(), column: name.into(), nearest }.into()
    })
}
