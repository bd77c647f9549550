//! What a cached answer is about: told by its tags, else by its body.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use comicvine_client::{FromJson, Id, RawJson, ResourceKind, SearchHit};
use serde_json::value::RawValue;
use store_core::Tag;

use super::entries::StoredValue;

/// The tag with which the client describes the request for a page.
const REQUEST: &str = "request:";

/// What a cached answer is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// One resource.
    Resource(ResourceKind, Id),
    /// Rows of one kind, with the request for them if it is known.
    Rows(ResourceKind, Option<String>),
    /// Rows of several kinds or the API's types: the request for them.
    Other(String),
    Unknown,
}

impl About {
    /// By tags alone; `Unknown` for what another program has stored.
    pub(super) fn of_tags(tags: &[Tag]) -> Self {
        let texts = || tags.iter().map(Tag::as_str);
        let request = texts().find_map(|tag| tag.strip_prefix(REQUEST));
        let request = || request.map(str::to_owned);
        texts()
            .find_map(|tag| {
                if let Some((kind, id)) = tag.split_once(':') {
                    let kind = kind.parse().ok()?;
                    return Some(Self::Resource(kind, Id::new(id.parse().ok()?)));
                }
                match tag {
                    "search" | "types" | "images" => {
                        Some(Self::Other(request().unwrap_or_else(|| tag.to_owned())))
                    }
                    _ => Some(Self::Rows(tag.parse().ok()?, request())),
                }
            })
            .unwrap_or(Self::Unknown)
    }

    /// By the URLs in the body: a response of the API, or its results alone.
    pub(super) fn of_body(value: &Bytes) -> Self {
        let json = StoredValue::decode(value).json;
        let results = json.as_ref().and_then(|json| {
            let envelope: BTreeMap<String, Box<RawValue>> = json.decode().ok()?;
            RawJson::parse(envelope.get("results")?.get()).ok()
        });
        let Some(results) = results.or(json) else {
            return Self::Unknown;
        };
        let identity = |raw: &RawJson| {
            let hit = SearchHit::from_json(raw).ok()?;
            Some((hit.kind?, hit.id))
        };
        let of_rows = || {
            let rows: Vec<Box<RawValue>> = results.decode().ok()?;
            let first = RawJson::parse(rows.first()?.get()).ok()?;
            identity(&first).map(|(kind, _)| Self::Rows(kind, None))
        };
        identity(&results)
            .map(|(kind, id)| Self::Resource(kind, id))
            .or_else(of_rows)
            .unwrap_or(Self::Unknown)
    }

    pub(super) const fn kind(&self) -> Option<ResourceKind> {
        match self {
            Self::Resource(kind, _) | Self::Rows(kind, _) => Some(*kind),
            Self::Other(_) | Self::Unknown => None,
        }
    }

    pub(super) const fn id(&self) -> Option<Id> {
        match self {
            Self::Resource(_, id) => Some(*id),
            Self::Rows(..) | Self::Other(_) | Self::Unknown => None,
        }
    }
}

impl fmt::Display for About {
    /// `issue 4000-44`, `issues?filter=volume:796`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resource(kind, id) => write!(f, "{kind} {}", id.qualified(*kind)),
            Self::Rows(_, Some(request)) | Self::Other(request) => f.write_str(request),
            Self::Rows(kind, None) => f.write_str(kind.list_path()),
            Self::Unknown => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use store_core::{Codec, Json};

    use super::*;

    fn of_tags(tags: &[&str]) -> String {
        let tags: Vec<_> = tags.iter().map(|tag| Tag::new(tag).unwrap()).collect();
        About::of_tags(&tags).to_string()
    }

    #[test]
    fn tags_tell_resource_rows_and_request() {
        assert_eq!(of_tags(&["issue:44"]), "issue 4000-44");
        assert_eq!(of_tags(&["issues"]), "issues");
        let request = "request:issues?filter=volume:796";
        assert_eq!(of_tags(&["issues", request]), "issues?filter=volume:796");
        assert_eq!(
            of_tags(&["request:search?query=a", "search"]),
            "search?query=a"
        );
        assert_eq!(of_tags(&["types"]), "types");
        assert_eq!(of_tags(&["mine", "a:b"]), "");
    }

    #[test]
    fn body_tells_it_by_its_urls() {
        let url = "https://comicvine.gamespot.com/api/writer/4040-7/";
        for (body, about) in [
            (
                format!(r#"{{"status_code":1,"results":{{"id":7,"api_detail_url":"{url}"}}}}"#),
                "person 4040-7",
            ),
            (
                format!(r#"{{"id":7,"api_detail_url":"{url}"}}"#),
                "person 4040-7",
            ),
            (
                format!(r#"{{"results":[{{"id":7,"api_detail_url":"{url}"}}]}}"#),
                "people",
            ),
            (
                format!(r#"[{{"id":7,"api_detail_url":"{url}"}}]"#),
                "people",
            ),
            (r#"{"id":7}"#.to_owned(), ""),
            ("[]".to_owned(), ""),
            ("null".to_owned(), ""),
        ] {
            let value: Value = serde_json::from_str(&body).unwrap();
            // The original packages store JSON in a JSON string.
            let in_a_string = Bytes::from(Value::String(body).to_string());
            for value in [Json.encode(&value).unwrap(), in_a_string] {
                assert_eq!(About::of_body(&value).to_string(), about, "{value:?}");
            }
        }
    }
}
