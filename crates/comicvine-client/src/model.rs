//! What the API's results mean.
//!
//! The data is old, edited by hand and wider than its documentation, so reading is tolerant: a
//! missing field, `null`, an empty array in place of an object, a number written as text are all
//! understood, and fields nobody listed stay in `extra`. Only a resource without an id is refused.
//! The raw results are always at hand beside the model, byte for byte.

mod image;
mod issue;
pub(crate) mod lenient;
mod reference;
mod search;
mod types;
mod volume;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

pub use self::image::{AssociatedImage, Image};
pub use self::issue::{Issue, IssueRow};
pub use self::reference::Reference;
pub use self::search::SearchHit;
pub use self::types::TypeInfo;
pub use self::volume::{Volume, VolumeRow};

/// A JSON value exactly as the API sent it.
pub type RawJson = Box<RawValue>;

/// Fields beyond the documented ones, by name.
pub type Extra = Map<String, Value>;

mod sealed {
    pub trait Sealed {}
}

/// The result of a request, in the form the caller wants it: a model, or [`RawJson`].
pub trait FromResult: sealed::Sealed + Clone + Send + 'static {
    /// Whether this form needs an `id` among the selected fields.
    #[doc(hidden)]
    const NEEDS_ID: bool;

    /// Reads one resource; on failure, says what is wrong with it.
    #[doc(hidden)]
    fn from_result(raw: &RawValue) -> Result<Self, String>;
}

impl sealed::Sealed for RawJson {}

impl FromResult for RawJson {
    const NEEDS_ID: bool = false;

    fn from_result(raw: &RawValue) -> Result<Self, String> {
        Ok(raw.to_owned())
    }
}

/// Reads a resource whose fields have several names. `renamed` lists pairs of a name that occurs
/// and the name the model uses, which wins if both are there.
fn read<T: DeserializeOwned>(raw: &RawValue, renamed: &[(&str, &str)]) -> Result<T, String> {
    let value: Value = serde_json::from_str(raw.get()).map_err(|error| error.to_string())?;
    let Value::Object(mut object) = value else {
        return Err("is no object".to_owned());
    };
    for (found, wanted) in renamed {
        if !object.contains_key(*wanted)
            && let Some(value) = object.remove(*found)
        {
            object.insert((*wanted).to_owned(), value);
        }
    }
    lenient::complete_id(&mut object);
    serde_json::from_value(Value::Object(object)).map_err(|error| error.to_string())
}

/// Makes a model a [`FromResult`].
macro_rules! from_result {
    ($model:ty, $renamed:expr) => {
        impl $crate::model::sealed::Sealed for $model {}

        impl $crate::model::FromResult for $model {
            const NEEDS_ID: bool = true;

            fn from_result(raw: &serde_json::value::RawValue) -> Result<Self, String> {
                $crate::model::read(raw, $renamed)
            }
        }
    };
}
use from_result;

#[cfg(test)]
mod tests;
