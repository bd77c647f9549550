//! Search hits of all kinds.

use serde::Deserialize;

use super::field::lenient;
use super::from_json::FromJson;
use super::image::Image;
use super::json::RawJson;
use super::resource::Resource;
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
    /// The row with every field of its kind, if that is the kind of `T`.
    ///
    /// ```
    /// use comicvine_client::{FromJson, RawJson, SearchHit, VolumeRow};
    ///
    /// let row = r#"{"id": 796, "name": "Batman", "resource_type": "volume", "start_year": "1940"}"#;
    /// let hit = SearchHit::from_json(&RawJson::parse(row)?)?;
    /// let volume: VolumeRow = hit.decode().expect("a volume");
    /// assert_eq!(volume.start_year.expect("a year").text(), "1940");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn decode<T: Resource>(&self) -> Option<T> {
        if self.kind == Some(T::KIND) {
            self.raw.decode().ok()
        } else {
            None
        }
    }
}

#[derive(Deserialize)]
struct Common {
    #[serde(default = "no_id", deserialize_with = "lenient")]
    id: Id,
    #[serde(default, deserialize_with = "lenient")]
    name: String,
    #[serde(default, deserialize_with = "lenient")]
    resource_type: String,
    #[serde(default, deserialize_with = "lenient")]
    deck: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    image: Option<Image>,
    #[serde(default, deserialize_with = "lenient")]
    api_detail_url: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    site_detail_url: Option<String>,
}

const fn no_id() -> Id {
    Id::new(0)
}

impl FromJson for SearchHit {
    const KEEPS_TEXT: bool = true;

    fn from_json(raw: &RawJson) -> Result<Self, serde_json::Error> {
        let common: Common = raw.decode()?;
        let by_url = common.api_detail_url.as_deref().and_then(parse_detail_url);
        let id = match (common.id.number(), by_url) {
            (0, Some((_, id))) => id,
            (0, None) => return Err(serde::de::Error::custom("not an object with an `id`")),
            _ => common.id,
        };
        Ok(Self {
            kind: by_url
                .map(|(kind, _)| kind)
                .or_else(|| common.resource_type.parse().ok()),
            id,
            name: common.name,
            resource_type: common.resource_type,
            deck: common.deck,
            image: common.image,
            api_detail_url: common.api_detail_url,
            site_detail_url: common.site_detail_url,
            raw: raw.clone(),
        })
    }
}
