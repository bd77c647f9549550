//! Parsing of `results` into a model.

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use super::json::RawJson;
use super::lenient;

pub(super) mod sealed {
    pub trait Sealed {}
}

/// A type that a request can return: a model, or [`RawJson`]. Sealed.
pub trait FromJson: sealed::Sealed + Clone + Send + 'static {
    /// Whether the type needs an `id` among the selected fields.
    #[doc(hidden)]
    const NEEDS_ID: bool;

    /// Parses one resource; the error says what is wrong with it.
    #[doc(hidden)]
    fn from_json(raw: &RawValue) -> Result<Self, String>;
}

impl sealed::Sealed for RawJson {}

impl FromJson for RawJson {
    const NEEDS_ID: bool = false;

    fn from_json(raw: &RawValue) -> Result<Self, String> {
        Ok(raw.to_owned())
    }
}

/// Parses a resource some of whose fields have several names. `renamed` has pairs of a name that
/// occurs and the name in the model, which wins if both are present.
pub(super) fn parse<T: DeserializeOwned>(
    raw: &RawValue,
    renamed: &[(&str, &str)],
) -> Result<T, String> {
    let value: Value = serde_json::from_str(raw.get()).map_err(|error| error.to_string())?;
    let Value::Object(mut object) = value else {
        return Err("not an object".to_owned());
    };
    for (alias, name) in renamed {
        if !object.contains_key(*name)
            && let Some(value) = object.remove(*alias)
        {
            object.insert((*name).to_owned(), value);
        }
    }
    lenient::complete_id(&mut object);
    serde_json::from_value(Value::Object(object)).map_err(|error| error.to_string())
}

/// Implements [`FromJson`] for a model.
macro_rules! impl_from_json {
    ($model:ty, $renamed:expr) => {
        impl $crate::model::from_json::sealed::Sealed for $model {}

        impl $crate::model::from_json::FromJson for $model {
            const NEEDS_ID: bool = true;

            fn from_json(raw: &serde_json::value::RawValue) -> Result<Self, String> {
                $crate::model::from_json::parse(raw, $renamed)
            }
        }
    };
}
pub(super) use impl_from_json;
