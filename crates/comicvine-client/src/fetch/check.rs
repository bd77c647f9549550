//! What is checked of a successful response before it is cached.

use serde::Deserialize;
use serde_json::value::RawValue;
use store_core::Tag;

use super::{ApiRequest, Shape};
use crate::body::Body;
use crate::envelope::Envelope;
use crate::error::{Error, Result};
use crate::http_response::HttpResponse;
use crate::id::{Id, id_in};
use crate::model::field::lenient;

/// A response that may be cached.
pub(super) struct Checked {
    pub(super) tags: Vec<Tag>,
    pub(super) quality: Quality,
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
        Ok(
            check_shape(&envelope, request).map(|quality| match body.damage.as_slice() {
                [] => quality,
                _ => Quality::Damaged,
            }),
        )
    });
    let quality = read.map_err(|error| Error::undecodable(subject, &error))??;
    let tags = request
        .tags
        .iter()
        .map(Tag::new)
        .collect::<store_core::Result<_>>()
        .map_err(|error| Error::store("tag the response", error))?;
    Ok(Checked { tags, quality })
}

fn check_shape(envelope: &Envelope<&RawValue>, request: &ApiRequest) -> Result<Quality> {
    let results = envelope.results.get();
    match request.shape {
        Shape::Resource(id) => check_resource(results, id, request),
        Shape::Page { offset } => {
            let rows = parse_rows(results, request)?;
            if rows.is_empty() && offset < envelope.number_of_total_results {
                return Err(Error::Incomplete {
                    subject: request.subject.clone(),
                    received: offset,
                    total: envelope.number_of_total_results,
                });
            }
            Ok(quality_of(&rows))
        }
        Shape::Rows => parse_rows(results, request).map(|rows| quality_of(&rows)),
    }
}

fn check_resource(results: &str, expected: Id, request: &ApiRequest) -> Result<Quality> {
    // The form of "not found" with the status of a success.
    let is_empty_array = results
        .strip_prefix('[')
        .is_some_and(|rest| rest.trim() == "]");
    if is_empty_array {
        return Err(Error::NotFound {
            subject: request.subject.clone(),
        });
    }
    let found = id_of(results).ok_or_else(|| {
        Error::undecodable(&request.subject, &"`results` is not an object with an `id`")
    })?;
    if found != expected {
        let message = format!("the response is about the id {found}");
        return Err(Error::undecodable(&request.subject, &message));
    }
    Ok(Quality::Sound)
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
fn id_of(resource: &str) -> Option<Id> {
    #[derive(Deserialize)]
    struct Identity {
        #[serde(default, deserialize_with = "lenient")]
        id: Option<u64>,
        #[serde(default, deserialize_with = "lenient")]
        api_detail_url: Option<String>,
    }
    let identity: Identity = serde_json::from_str(resource).ok()?;
    let by_id = identity.id.filter(|id| *id != 0).map(Id::new);
    by_id.or_else(|| id_in(identity.api_detail_url.as_deref()))
}
