//! What became of a network that rows bring with them: what differs from it as it is, and how that is kept in a file.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use specialist_neural::lora::Naming;
use specialist_neural::{Device, Lora, Params};

/// What became of its parameters.
#[derive(Clone)]
pub enum Body {
    /// Nothing.
    AsItIs,
    /// They have an adapter.
    Adapted(Lora, Params),
    /// They are others.
    Changed(Params),
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if let Self::AsItIs = self { "as it is" } else { "trained" })
    }
}

const WEIGHTS: &str = "model.safetensors";
const ADAPTER: [&str; 2] = ["adapter_config.json", "adapter_model.safetensors"];

impl Body {
    /// All parameters, where those of the network as it is are `base`: an adapter's matrices stand among them.
    pub fn params(&self, base: &Params) -> Params {
        match self {
            Self::Changed(changed) => changed.clone(),
            Self::AsItIs => base.clone(),
            Self::Adapted(_, matrices) => {
                let mut params = base.clone();
                params.extend(matrices.clone());
                params
            }
        }
    }

    /// As [`Body::params`], with an adapter folded into what it adapts.
    pub fn folded(&self, base: &Params) -> Params {
        let mut params = self.params(base);
        if let Some(lora) = self.lora() {
            lora.merge(&mut params, &Device::flex());
        }
        params
    }

    /// The adapter's settings.
    pub fn lora(&self) -> Option<&Lora> {
        if let Self::Adapted(lora, _) = self { Some(lora) } else { None }
    }

    /// The adapter, with its matrices alone.
    pub fn adapter(&self) -> Option<(Lora, Params)> {
        if let Self::Adapted(lora, params) = self { Some((lora.clone(), params.only(Lora::owns))) } else { None }
    }

    /// The files that say it, in base64: the two of an adapter, the weights of a whole network, or none.
    pub fn files(&self) -> BTreeMap<String, String> {
        match self {
            Self::AsItIs => BTreeMap::new(),
            Self::Changed(params) => {
                [(WEIGHTS.to_string(), STANDARD.encode(params.to_safetensors(&BTreeMap::new())))].into()
            }
            Self::Adapted(lora, params) => {
                let temp = tempfile::tempdir().expect("a temporary folder");
                lora.save(params, Naming::Plain, "", temp.path()).expect("a temporary folder takes an adapter");
                let read = |name: &str| std::fs::read(temp.path().join(name)).expect("what was just written");
                ADAPTER.iter().map(|name| ((*name).to_string(), STANDARD.encode(read(name)))).collect()
            }
        }
    }

    /// Reads [`Body::files`] back.
    ///
    /// # Errors
    /// A sentence on what is wrong with them.
    pub fn read(files: &BTreeMap<String, String>) -> Result<Self, String> {
        if files.is_empty() {
            return Ok(Self::AsItIs);
        }
        let temp = tempfile::tempdir().map_err(|e| e.to_string())?;
        for (name, content) in files {
            if name != WEIGHTS && !ADAPTER.contains(&name.as_str()) {
                return Err(format!("it holds a file `{name}`, which is none of a network"));
            }
            let bytes = STANDARD.decode(content).map_err(|e| format!("{name}: {e}"))?;
            std::fs::write(temp.path().join(name), bytes).map_err(|e| e.to_string())?;
        }
        // A temporary folder's name is nobody's business.
        let at = temp.path();
        let told = |e: specialist_neural::Error| e.to_string().replace(&at.display().to_string(), "its files");
        if files.contains_key(WEIGHTS) {
            return Params::read(at, WEIGHTS, &Device::flex()).map(Self::Changed).map_err(told);
        }
        Lora::read(at, Naming::Plain, &Device::flex()).map(|(lora, params)| Self::Adapted(lora, params)).map_err(told)
    }
}
