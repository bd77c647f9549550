//! A resource named inside another.

use serde::{Deserialize, Serialize};

use super::{Extra, lenient};
use crate::id::{Id, resolve};
use crate::kind::ResourceKind;

/// What a resource says about another it refers to: enough to show and to fetch it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Reference {
    /// The number; [`kind`](Self::kind) says of what.
    pub id: Id,
    /// The name; empty if it has none, as most issues have not.
    #[serde(default, deserialize_with = "lenient::text")]
    pub name: String,
    /// Where the API has the whole resource. The name in its path is not always a kind's.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub api_detail_url: Option<String>,
    /// The page on the site.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub site_detail_url: Option<String>,
    /// The number of the issue, where the reference is to one.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub issue_number: Option<String>,
    /// What a person did, separated by commas: `writer, editor`.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub role: Option<String>,
    /// In how many issues of the volume it appears.
    #[serde(default, deserialize_with = "lenient::optional_number")]
    pub count: Option<u64>,
    /// Fields beyond these.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Reference {
    /// What the reference leads to, by the prefix in its `api_detail_url`.
    #[must_use]
    pub fn kind(&self) -> Option<ResourceKind> {
        resolve(self.api_detail_url.as_deref()?).map(|(kind, _)| kind)
    }

    /// What a person did, one by one.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        self.role
            .iter()
            .flat_map(|role| role.split(','))
            .map(str::trim)
            .filter(|role| !role.is_empty())
    }
}
