//! What becomes of the origin's answer.

use http::{HeaderName, Method, StatusCode};
use store_core::Timestamp;

use super::decide::{Forward, Purpose, strong_etag};
use super::outcome::{Keep, Outcome, Resolution};
use super::stored::{StoredResponse, is_private, withheld};
use crate::fields::ContentRange;
use crate::policy::{
    ExchangeTimes, Policy, RequestHead, ResponseHead, invalidated, invalidated_groups,
    is_not_modified, is_safe, may_be_served_on_error, storable,
};
use crate::tags::Tags;

/// The origin's answer to a forwarded request.
#[derive(Clone, Copy, Debug)]
pub enum OriginResponse<'a> {
    /// A response, and when it was asked for and arrived.
    Response(&'a ResponseHead, ExchangeTimes),
    /// None: it could not be reached, or broke off before the head was complete.
    Unreachable,
}

/// What becomes of the answer to `request`, which was sent as `forward` with `stored`, the response at its index.
#[must_use]
pub fn resolve(
    request: &RequestHead,
    forward: Forward,
    stored: Option<&StoredResponse>,
    answer: OriginResponse<'_>,
    now: Timestamp,
    policy: &Policy,
) -> Resolution {
    let error = match answer {
        OriginResponse::Response(response, _) if response.status.is_server_error() => {
            Some(Some(response.status))
        }
        OriginResponse::Response(..) => None,
        OriginResponse::Unreachable => Some(None),
    };
    let stand_in = error.zip(stored).is_some_and(|(error, stored)| {
        let lifetime = stored.freshness(now, policy);
        request.method == Method::GET
            && stored.part.is_none()
            && may_be_served_on_error(request, &stored.response, lifetime, error, policy)
    });
    if stand_in {
        return Resolution {
            outcome: Outcome::ServeStale,
            invalidated: Vec::new(),
            invalidated_groups: Tags::default(),
        };
    }
    match answer {
        OriginResponse::Unreachable => Resolution {
            outcome: Outcome::BadGateway,
            // It may have taken effect.
            invalidated: if is_safe(&request.method) {
                Vec::new()
            } else {
                vec![request.target.clone()]
            },
            invalidated_groups: Tags::default(),
        },
        OriginResponse::Response(response, times) => {
            let mut invalidated = invalidated(request, response);
            let head_differs = request.method == Method::HEAD
                && response.status == StatusCode::OK
                && stored.is_some_and(|stored| differs(&stored.response, response));
            if head_differs {
                invalidated.push(request.target.clone());
            }
            let outcome = outcome(request, forward, stored, response, times, policy);
            // What is stored was asked about, and is not what the origin has now.
            let is_superseded = stored.is_some()
                && request.method == Method::GET
                && !response.status.is_server_error()
                && matches!(outcome, Outcome::Pass(_))
                && response.status != StatusCode::NOT_MODIFIED;
            if is_superseded || outcome.keep() == Some(Keep::Once) {
                invalidated.push(request.target.clone());
            }
            Resolution {
                outcome,
                invalidated,
                invalidated_groups: invalidated_groups(request, response),
            }
        }
    }
}

fn outcome(
    request: &RequestHead,
    forward: Forward,
    stored: Option<&StoredResponse>,
    response: &ResponseHead,
    times: ExchangeTimes,
    policy: &Policy,
) -> Outcome {
    if let Some(stored) = stored {
        match (forward.purpose, response.status) {
            (Purpose::Validate, StatusCode::NOT_MODIFIED) => {
                return freshen(request, stored, response, times, policy);
            }
            (Purpose::Complete, StatusCode::PARTIAL_CONTENT) => {
                return complete(request, stored, response, policy);
            }
            (Purpose::Complete, StatusCode::RANGE_NOT_SATISFIABLE) => return Outcome::Refetch,
            _ => {}
        }
    }
    if let Err(reason) = storable(request, response, policy) {
        return Outcome::Pass(reason);
    }
    let is_validation = forward.purpose == Purpose::Validate;
    let is_ok = response.status == StatusCode::OK;
    if is_validation && is_ok && is_not_modified(request, response, times) {
        Outcome::StoreAndAnswerNotModified
    } else {
        Outcome::Store
    }
}

/// The stored response, updated by a 304 (RFC 9111, section 4.3.4).
fn freshen(
    request: &RequestHead,
    stored: &StoredResponse,
    response: &ResponseHead,
    times: ExchangeTimes,
    policy: &Policy,
) -> Outcome {
    if !is_about(&stored.response, response) {
        return Outcome::Refetch;
    }
    let head = stored.freshened(&response.headers, policy);
    let own = withheld(&head, policy).flat_map(|name| {
        let lines = response.headers.get_all(name).iter();
        let name = name.parse::<HeaderName>().ok();
        lines.filter_map(move |value| Some((name.clone()?, value.clone())))
    });
    let own = own.collect();
    let is_storable = storable(request, &head, policy).is_ok();
    let (kept, keep) = match stored.with_head(request, head.clone(), times, policy) {
        Some(kept) if is_storable => (kept, Keep::Stored),
        Some(kept) => (kept, Keep::Once),
        None => (
            StoredResponse {
                response: head,
                times,
                stale_since: None,
                ..stored.clone()
            },
            Keep::Once,
        ),
    };
    Outcome::Freshen {
        stored: Box::new(kept),
        own,
        keep,
    }
}

/// Whether the validators of a 304 are those of the stored response: its entity tag, or its date of modification if
/// it has no tag (RFC 9111, section 4.3.4). One without validators is about what was asked for.
fn is_about(stored: &ResponseHead, update: &ResponseHead) -> bool {
    if let Some(validated) = &update.fields.etag {
        let etag = stored.fields.etag.as_ref();
        return etag.is_some_and(|etag| {
            if validated.is_strong() {
                etag.matches_strongly(validated)
            } else {
                etag.matches_weakly(validated)
            }
        });
    }
    let modified = |head: &ResponseHead| head.headers.get("last-modified").cloned();
    let is_same_date = update.fields.last_modified.is_some()
        && update.fields.last_modified == stored.fields.last_modified;
    is_same_date || modified(update).is_none_or(|date| modified(stored) == Some(date))
}

/// The whole of a stored beginning and the rest.
fn complete(
    request: &RequestHead,
    stored: &StoredResponse,
    rest: &ResponseHead,
    policy: &Policy,
) -> Outcome {
    if !continues(stored, rest) {
        return Outcome::Refetch;
    }
    let added = rest.fields.content_range.map_or(0, ContentRange::len);
    let head = stored.completed(rest, policy);
    // The beginning may be for one user, although nothing of this exchange says so.
    let is_marked = !stored.is_private || is_private(request, &head, policy);
    let keep = match storable(request, &head, policy) {
        Ok(()) if is_marked => Keep::Stored,
        Ok(()) | Err(_) => Keep::Once,
    };
    Outcome::Complete {
        head: Box::new(head),
        body_len: stored.body_len + added,
        keep,
    }
}

/// Whether a part has the rest of the whole that begins with the stored part (RFC 9111, section 3.4).
fn continues(stored: &StoredResponse, rest: &ResponseHead) -> bool {
    let Some(range) = rest.fields.content_range else {
        return false;
    };
    let is_end = range.total.is_some_and(|total| range.last + 1 == total);
    let is_same = strong_etag(stored).is_some_and(|etag| rest.headers.get("etag") == Some(etag));
    let length = rest.headers.get("content-length");
    let is_of_length = length.is_none_or(|length| *length == range.len().to_string());
    range.first == stored.body_len && is_end && is_same && is_of_length
}

/// Whether the head of the current response shows that the stored one is another (RFC 9111, section 4.3.5).
fn differs(stored: &ResponseHead, current: &ResponseHead) -> bool {
    ["etag", "last-modified", "content-length"]
        .into_iter()
        .any(|name| {
            let (stored, current) = (stored.headers.get(name), current.headers.get(name));
            stored.is_some() && current.is_some() && stored != current
        })
}
