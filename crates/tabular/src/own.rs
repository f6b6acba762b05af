//! Models of a kind of their own: what an estimator outside this crate makes.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use specialist_core::{Dataset, Error, Feature, Predict};

use crate::Contributions;
use crate::estimator::{Estimator, read_name, write_name};

/// A fitted model that this crate does not know. A [`crate::Model`] holds it and adds what every candidate has: recalibration,
/// an addition, a file.
pub trait OwnModel: Predict + fmt::Debug {
    /// The features it reads.
    fn features(&self) -> &[Feature];

    /// What it is, in a few words.
    fn describe(&self) -> String;

    /// Whether its features are numbers and categories, of which a linear model can be made beside it; not where they are texts.
    fn is_of_numbers(&self) -> bool {
        true
    }

    /// All that it is, for [`Estimator::read`].
    fn document(&self) -> Value;

    /// Each feature's contribution to each row's margins; none for a model that cannot tell.
    ///
    /// # Errors
    /// When the features do not fit.
    fn contributions(&self, _data: &Dataset) -> Result<Option<Contributions>, Error> {
        Ok(None)
    }

    /// Itself, for a rung that needs to know the kind: `model.as_any().downcast_ref::<Mine>()`.
    fn as_any(&self) -> &dyn Any;
}

/// As [`OwnModel`], for a model that is plain data: its document is what serde makes of it.
pub trait PlainModel: Predict + fmt::Debug + Serialize + 'static {
    /// As [`OwnModel::features`].
    fn features(&self) -> &[Feature];

    /// As [`OwnModel::describe`].
    fn describe(&self) -> String;

    /// As [`OwnModel::is_of_numbers`].
    fn is_of_numbers(&self) -> bool {
        true
    }
}

impl<T: PlainModel> OwnModel for T {
    fn features(&self) -> &[Feature] {
        PlainModel::features(self)
    }

    fn describe(&self) -> String {
        PlainModel::describe(self)
    }

    fn is_of_numbers(&self) -> bool {
        PlainModel::is_of_numbers(self)
    }

    fn document(&self) -> Value {
        serde_json::to_value(self).expect("plain data is JSON")
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Reads a [`PlainModel`] back, for [`Estimator::read`].
///
/// # Errors
/// serde's sentence on what is wrong with the document.
pub fn read_plain<T: PlainModel + for<'de> Deserialize<'de>>(document: &Value) -> Result<Arc<dyn OwnModel>, String> {
    Ok(Arc::new(T::deserialize(document).map_err(|e| e.to_string())?))
}

/// A model of its own kind, and the estimator that reads it back from a file.
#[derive(Debug, Clone)]
pub struct Own {
    /// Who made it.
    pub made_by: &'static dyn Estimator,
    /// The model.
    pub model: Arc<dyn OwnModel>,
}

#[derive(Serialize, Deserialize)]
struct File {
    #[serde(serialize_with = "write_name", deserialize_with = "read_name")]
    estimator: &'static dyn Estimator,
    document: Value,
}

impl Serialize for Own {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        File { estimator: self.made_by, document: self.model.document() }.serialize(s)
    }
}

impl<'de> Deserialize<'de> for Own {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let File { estimator, document } = File::deserialize(d)?;
        let model = estimator.read(&document).map_err(serde::de::Error::custom)?;
        Ok(Self { made_by: estimator, model })
    }
}
