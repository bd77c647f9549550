//! References from one resource to another.

use serde::{Deserialize, Serialize};

use super::json::Extra;
use super::lenient;
use crate::id::{Id, parse_detail_url};
use crate::kind::ResourceKind;

/// A reference to another resource: enough to show it and to fetch it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Reference {
    /// The id; its kind is [`kind`](Self::kind).
    pub id: Id,
    /// The name; empty if it has none, like most issues.
    #[serde(default, deserialize_with = "lenient::text")]
    pub name: String,
    /// The URL of the full resource in the API. The name in its path is not always that of a kind.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub api_detail_url: Option<String>,
    /// The URL of its page on the site.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub site_detail_url: Option<String>,
    /// The issue number, if this is a reference to an issue.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub issue_number: Option<String>,
    /// The roles of a person, separated by commas: `writer, editor`.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub role: Option<String>,
    /// The number of issues of the volume it appears in.
    #[serde(default, deserialize_with = "lenient::optional_number")]
    pub count: Option<u64>,
    /// Other fields.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Reference {
    /// The kind of the resource, by the id prefix in `api_detail_url`.
    #[must_use]
    pub fn kind(&self) -> Option<ResourceKind> {
        parse_detail_url(self.api_detail_url.as_deref()?).map(|(kind, _)| kind)
    }

    /// The roles of a person, one by one.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        self.role
            .iter()
            .flat_map(|role| role.split(','))
            .map(str::trim)
            .filter(|role| !role.is_empty())
    }
}
