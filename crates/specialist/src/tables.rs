//! Plain tables: the domain of a recipe that no domain's program was written for.

use specialist_core::{Domain, Recipe};

/// Takes columns as they are and judges by the usual metrics of what is predicted.
///
/// ```
/// use specialist::{Domain, Estimand, Tables};
/// let plain = Tables::default();
/// let judgement = plain.judgement("")?;
/// assert_eq!((plain.name(), judgement.metrics(Estimand::Probability)[0].name()), ("tables", "roc-auc"));
/// assert_eq!(judgement.metrics(Estimand::Classes(3))[0].name(), "log-loss");
/// # Ok::<(), specialist::core::Error>(())
/// ```
pub struct Tables {
    name: &'static str,
}

impl Default for Tables {
    fn default() -> Self {
        Self { name: "tables" }
    }
}

impl Tables {
    /// Under the name that an artifact's domain has, to load it where its features need none of that domain's code.
    pub(crate) fn called(name: &str) -> Self {
        // One a loaded artifact, and for as long as the program: a domain's name is static.
        Self { name: Box::leak(name.to_string().into_boxed_str()) }
    }
}

impl Domain for Tables {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        "Tables of any field, their columns as they are"
    }

    fn recipes(&self) -> &'static [Recipe] {
        &[]
    }
}
