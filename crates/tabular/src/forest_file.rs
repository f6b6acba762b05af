//! How a forest is kept in a file: its features, XGBoost's document, which any program of the field reads, and the trees in the engine's
//! own form, which is what is read where it is there: an artifact is opened for one row as well.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;
use specialist_core::{Affine, Feature};

use crate::Forest;

impl Serialize for Forest {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let document = self.to_xgboost(Affine::IDENTITY).map_err(S::Error::custom)?;
        match self.to_binary().map_err(S::Error::custom)? {
            Some(binary) => (&self.features, document, STANDARD.encode(binary)).serialize(to),
            None => (&self.features, document).serialize(to),
        }
    }
}

/// With the engine's own form behind the document, or, as earlier versions wrote it, without.
struct File {
    features: Vec<Feature>,
    document: Box<RawValue>,
    binary: Option<String>,
}

impl<'de> Deserialize<'de> for File {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Parts;
        impl<'de> serde::de::Visitor<'de> for Parts {
            type Value = File;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a forest: its features and its document")
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut parts: A) -> Result<File, A::Error> {
                let missing = |n| A::Error::invalid_length(n, &"features and a document");
                let features = parts.next_element()?.ok_or_else(|| missing(0))?;
                let document = parts.next_element()?.ok_or_else(|| missing(1))?;
                Ok(File { features, document, binary: parts.next_element()? })
            }
        }
        from.deserialize_seq(Parts)
    }
}

impl<'de> Deserialize<'de> for Forest {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let File { features, document, binary } = File::deserialize(from)?;
        let forest = match binary {
            Some(text) => Self::from_binary(&STANDARD.decode(text).map_err(D::Error::custom)?, features),
            None => Self::from_text(document.get(), features),
        };
        forest.map_err(D::Error::custom)
    }
}

/// Takes the engine's own forms out of a model's file: what is left is read from documents alone.
pub(crate) fn documents_alone(file: &mut Value) {
    match file {
        Value::Object(object) => {
            let is_forest = object.get("model").is_some_and(|m| m == "trees");
            if let (true, Some(Value::Array(parts))) = (is_forest, object.get_mut("value")) {
                parts.truncate(2);
                return;
            }
            object.values_mut().for_each(documents_alone);
        }
        Value::Array(parts) => parts.iter_mut().for_each(documents_alone),
        _ => {}
    }
}
