//! JSON as it is.

use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// A JSON value exactly as the API sent it.
pub type RawJson = Box<RawValue>;

/// Fields that the model does not have, by name.
pub type Extra = Map<String, Value>;
