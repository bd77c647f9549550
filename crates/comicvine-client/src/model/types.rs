//! The API's own table of resource types.

use serde::{Deserialize, Serialize};

use super::{Extra, from_result, lenient};

/// One row of `types`: how the API names a kind of resource, and the prefix of its ids.
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
    /// Fields beyond these.
    #[serde(flatten)]
    pub extra: Extra,
}

from_result!(TypeInfo, &[]);
