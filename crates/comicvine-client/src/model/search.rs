//! Search hits of all kinds.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::from_json::{FromJson, parse, sealed::Sealed};
use super::image::Image;
use super::issue::IssueRow;
use super::json::RawJson;
use super::lenient;
use super::volume::VolumeRow;
use crate::id::{Id, parse_detail_url};
use crate::kind::ResourceKind;

/// A search hit: the fields that all kinds have in common, and the row as JSON.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SearchHit {
    /// Its kind, by the id prefix in `api_detail_url`, else by `resource_type`.
    pub kind: Option<ResourceKind>,
    /// Its id.
    pub id: Id,
    /// Its name; empty if it has none, like most issues.
    pub name: String,
    /// The API's name of its kind.
    pub resource_type: String,
    /// A short summary.
    pub deck: Option<String>,
    /// The main image.
    pub image: Option<Image>,
    /// The URL of the full resource in the API.
    pub api_detail_url: Option<String>,
    /// The URL of its page on the site.
    pub site_detail_url: Option<String>,
    /// The row as the API sent it, with every field of its kind.
    pub raw: RawJson,
}

impl SearchHit {
    /// The row as an issue, if it is one.
    #[must_use]
    pub fn as_issue(&self) -> Option<IssueRow> {
        self.parse_as(ResourceKind::Issue)
    }

    /// The row as a volume, if it is one.
    #[must_use]
    pub fn as_volume(&self) -> Option<VolumeRow> {
        self.parse_as(ResourceKind::Volume)
    }

    fn parse_as<T: FromJson>(&self, kind: ResourceKind) -> Option<T> {
        if self.kind == Some(kind) {
            T::from_json(&self.raw).ok()
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

impl FromJson for SearchHit {
    const NEEDS_ID: bool = true;

    fn from_json(raw: &RawValue) -> Result<Self, String> {
        let common: Common = parse(raw, &[])?;
        let by_prefix = common.api_detail_url.as_deref().and_then(parse_detail_url);
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
