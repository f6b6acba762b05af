//! A recipe's `[domain]`.

use serde::{Deserialize, Serialize};
use specialist_core::Error;

/// How treatment came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Design {
    /// By chance.
    Randomised,
    /// By judgement: whoever was treated may differ in what matters for the outcome.
    Observational,
}

/// A treatment whose effect is asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EffectSettings {
    /// The feature that says who was treated.
    pub treatment: String,
    /// The level that means treated.
    pub treated: String,
    /// How treatment came about in the target.
    pub target: Design,
    /// How it came about in the source, where an effect model is to start from it.
    #[serde(default)]
    pub source: Option<Design>,
    /// For a randomised population: which trial it was, or where chance is documented.
    #[serde(default)]
    pub note: String,
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// A treatment whose effect is asked for.
    pub effect: Option<EffectSettings>,
}

impl Settings {
    /// Reads and checks `[domain]`.
    ///
    /// # Errors
    /// [`Error::Setting`] with the key.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let wrong = |setting: &str, expected: String| Error::Setting { setting: setting.into(), expected };
        let settings: Self =
            toml::from_str(text).map_err(|e| wrong("domain", format!("as documented ({})", e.message())))?;
        if let Some(effect) = &settings.effect {
            let chance = effect.target == Design::Randomised || effect.source == Some(Design::Randomised);
            if chance && effect.note.trim().is_empty() {
                return Err(wrong(
                    "domain.effect.note",
                    "where randomisation is documented: without it no effect is stated".into(),
                ));
            }
        }
        Ok(settings)
    }
}
