//! Search results: rows of many kinds.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::sealed::Sealed;
use super::{FromResult, Image, IssueRow, RawJson, VolumeRow, lenient, read};
use crate::id::{Id, resolve};
use crate::kind::ResourceKind;

/// A row of a search: what rows of every kind have, and the row itself.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SearchHit {
    /// What was found, by the prefix in its `api_detail_url`, else by its `resource_type`.
    pub kind: Option<ResourceKind>,
    /// Its number.
    pub id: Id,
    /// Its name; empty if it has none, as most issues have not.
    pub name: String,
    /// What the API calls its kind.
    pub resource_type: String,
    /// A short summary.
    pub deck: Option<String>,
    /// The main picture.
    pub image: Option<Image>,
    /// Where the API has the whole resource.
    pub api_detail_url: Option<String>,
    /// The page on the site.
    pub site_detail_url: Option<String>,
    /// The row as the API sent it, with every field of its kind.
    pub raw: RawJson,
}

impl SearchHit {
    /// The row of an issue, if this is one.
    #[must_use]
    pub fn as_issue(&self) -> Option<IssueRow> {
        self.read_as(ResourceKind::Issue)
    }

    /// The row of a volume, if this is one.
    #[must_use]
    pub fn as_volume(&self) -> Option<VolumeRow> {
        self.read_as(ResourceKind::Volume)
    }

    fn read_as<T: FromResult>(&self, kind: ResourceKind) -> Option<T> {
        if self.kind == Some(kind) {
            T::from_result(&self.raw).ok()
        } else {
            None
        }
    }
}

#[derive(Deserialize)]
struct Common {
    id: Id,
    #[serde(default, deserialize_with = "lenient::text")]
    name: String,
    #[serde(default, deserialize_with = "lenient::text")]
    resource_type: String,
    #[serde(default, deserialize_with = "lenient::optional_text")]
    deck: Option<String>,
    #[serde(default, deserialize_with = "lenient::object")]
    image: Option<Image>,
    #[serde(default, deserialize_with = "lenient::optional_text")]
    api_detail_url: Option<String>,
    #[serde(default, deserialize_with = "lenient::optional_text")]
    site_detail_url: Option<String>,
}

impl Sealed for SearchHit {}

impl FromResult for SearchHit {
    const NEEDS_ID: bool = true;

    fn from_result(raw: &RawValue) -> Result<Self, String> {
        let common: Common = read(raw, &[])?;
        let by_prefix = common.api_detail_url.as_deref().and_then(resolve);
        Ok(Self {
            kind: by_prefix
                .map(|(kind, _)| kind)
                .or_else(|| common.resource_type.parse().ok()),
            id: common.id,
            name: common.name,
            resource_type: common.resource_type,
            deck: common.deck,
            image: common.image,
            api_detail_url: common.api_detail_url,
            site_detail_url: common.site_detail_url,
            raw: raw.to_owned(),
        })
    }
}
