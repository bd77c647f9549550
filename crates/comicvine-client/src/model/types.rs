//! The API's table of resource types.

use serde::{Deserialize, Serialize};

use super::from_json::impl_from_json;
use super::json::Extra;
use super::lenient;

/// A row of `types`: the API's names for a kind of resource, and the prefix of its ids.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TypeInfo {
    /// The prefix of ids: 4000 for issues.
    pub id: u64,
    /// The path of one resource.
    #[serde(default, deserialize_with = "lenient::text")]
    pub detail_resource_name: String,
    /// The path of the list.
    #[serde(default, deserialize_with = "lenient::text")]
    pub list_resource_name: String,
    /// Other fields.
    #[serde(flatten)]
    pub extra: Extra,
}

impl_from_json!(TypeInfo, &[]);
