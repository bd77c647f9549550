//! What is checked of a successful response before it is cached.

use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::value::RawValue;
use store_core::{Tag, Timestamp};

use super::{ApiRequest, Shape};
use crate::body::{Body, parse_part};
use crate::envelope::Envelope;
use crate::error::{Error, Result};
use crate::http_response::HttpResponse;
use crate::id::{Id, id_in};
use crate::kind::ResourceKind;
use crate::model::field::lenient;
use crate::model::{DateTime, Parsed};

/// A response that may be cached.
pub(super) struct Checked {
    pub(super) tags: Vec<Tag>,
    pub(super) seen: Seen,
}

/// What the results tell about themselves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) quality: Quality,
    /// When the resource was last changed, if it is one and tells.
    pub(super) changed_at: Option<Timestamp>,
}

impl From<Quality> for Seen {
    fn from(quality: Quality) -> Self {
        Self {
            quality,
            changed_at: None,
        }
    }
}

/// Whether a response can be read whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quality {
    Sound,
    /// Its text had to be repaired, or one of its rows is no resource.
    Damaged,
}

/// Checks that `results` is what was asked for.
pub(super) fn check_results(response: &HttpResponse, request: &ApiRequest) -> Result<Checked> {
    let subject = &request.subject;
    let read = Body::read(&response.body, |body| {
        let envelope = body.envelope::<&RawValue>()?;
        let mut seen = check_shape(&envelope, request);
        if let Ok(seen) = &mut seen
            && !body.damage.is_empty()
        {
            seen.quality = Quality::Damaged;
        }
        Ok(seen)
    });
    let seen = read.map_err(|error| Error::undecodable(subject, &error))??;
    let tags = request
        .tags
        .iter()
        .map(Tag::new)
        .collect::<store_core::Result<_>>()
        .map_err(|error| Error::store("tag the response", error))?;
    Ok(Checked { tags, seen })
}

fn check_shape(envelope: &Envelope<&RawValue>, request: &ApiRequest) -> Result<Seen> {
    let results = envelope.results.get();
    match request.shape {
        Shape::Resource {
            kind: ResourceKind::Chat,
            ..
        } => Ok(Quality::Sound.into()),
        Shape::Resource { id, .. } => check_resource(results, id, request),
        Shape::Page { offset } => {
            let rows = parse_rows(results, request)?;
            if rows.is_empty() && offset < envelope.number_of_total_results {
                return Err(Error::Incomplete {
                    subject: request.subject.clone(),
                    received: offset,
                    total: envelope.number_of_total_results,
                });
            }
            Ok(quality_of(&rows).into())
        }
        Shape::Rows => parse_rows(results, request).map(|rows| quality_of(&rows).into()),
    }
}

fn check_resource(results: &str, expected: Id, request: &ApiRequest) -> Result<Seen> {
    // The form of "not found" with the status of a success.
    let is_empty_array = results
        .strip_prefix('[')
        .is_some_and(|rest| rest.trim() == "]");
    if is_empty_array {
        return Err(Error::NotFound {
            subject: request.subject.clone(),
        });
    }
    let identity = Identity::of(results);
    let found = identity.as_ref().and_then(Identity::id).ok_or_else(|| {
        Error::undecodable(&request.subject, &"`results` is not an object with an `id`")
    })?;
    if found != expected {
        let message = format!("the response is about the id {found}");
        return Err(Error::undecodable(&request.subject, &message));
    }
    Ok(Seen {
        quality: Quality::Sound,
        changed_at: identity.and_then(|identity| identity.changed_at()),
    })
}

fn parse_rows<'a>(results: &'a str, request: &ApiRequest) -> Result<Vec<&'a RawValue>> {
    serde_json::from_str(results)
        .map_err(|_| Error::undecodable(&request.subject, &"`results` is not an array"))
}

/// Damaged, if a row has no id. An empty row is one that the API does not show.
fn quality_of(rows: &[&RawValue]) -> Quality {
    let is_sound = |row: &&RawValue| row.get() == "[]" || id_of(row.get()).is_some();
    if rows.iter().all(is_sound) {
        Quality::Sound
    } else {
        Quality::Damaged
    }
}

/// The id of a resource, from its `id` or its URL.
pub(crate) fn id_of(resource: &str) -> Option<Id> {
    Identity::of(resource)?.id()
}

/// What identifies a resource, and when it was last changed.
#[derive(Deserialize)]
struct Identity {
    #[serde(default, deserialize_with = "lenient")]
    id: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    api_detail_url: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    date_last_updated: Option<Parsed<DateTime>>,
}

impl Identity {
    fn of(resource: &str) -> Option<Self> {
        parse_part(resource).ok()
    }

    /// The id, from `id` or from the URL.
    fn id(&self) -> Option<Id> {
        let by_id = self.id.filter(|id| *id != 0).map(Id::new);
        by_id.or_else(|| id_in(self.api_detail_url.as_deref()))
    }

    /// The API names no time zone; a few hours more or less make no difference here.
    fn changed_at(&self) -> Option<Timestamp> {
        let changed = self.date_last_updated.as_ref()?.value()?.civil();
        let changed = TimeZone::UTC.to_timestamp(changed).ok()?;
        Some(Timestamp::from_millis(changed.as_millisecond()))
    }
}
