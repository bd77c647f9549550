//! What becomes of the origin's answer.

use http::{Method, StatusCode, Uri};
use store_core::Timestamp;

use super::decide::{Forward, Purpose, strong_etag};
use super::stored::Stored;
use crate::policy::{
    NotStorable, Policy, RequestHead, ResponseHead, Times, invalidated, is_not_modified,
    may_be_served_on_error, storable,
};

/// The origin's answer to a forwarded request.
#[derive(Clone, Copy, Debug)]
pub enum OriginAnswer<'a> {
    /// A response, and when it was asked for and arrived.
    Response(&'a ResponseHead, Times),
    /// None: it could not be reached, or broke off before the head was complete.
    Unreachable,
}

/// What becomes of an answer.
#[derive(Clone, Debug)]
pub struct Resolution {
    /// What the client gets, and what is stored.
    pub outcome: Outcome,
    /// The targets whose stored responses are invalid now: remove them before anything is stored.
    pub invalidated: Vec<Uri>,
}

/// What the client gets, and what is stored.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The client gets the response; it is not stored, for this reason.
    Pass(NotStorable),
    /// The client gets the response, and it is stored.
    Store,
    /// The response is stored; the client has it already and gets a 304.
    StoreAndAnswerNotModified,
    /// This, with the stored body, takes the place of the stored response and answers.
    Freshen(Box<Stored>),
    /// This, with the stored body and then that of the response, takes the place of the stored part and
    /// answers.
    Complete(Box<Stored>),
    /// The stored response answers.
    ServeStale,
    /// The response does not help: ask again for the whole, with [`Purpose::Refetch`].
    Refetch,
    /// The client gets a 502.
    BadGateway,
}

/// What becomes of the answer to `request`, which was sent as `forward` with `stored`, the response at its index.
#[must_use]
pub fn resolve(
    request: &RequestHead,
    forward: Forward,
    stored: Option<&Stored>,
    answer: OriginAnswer<'_>,
    now: Timestamp,
    policy: &Policy,
) -> Resolution {
    let error = match answer {
        OriginAnswer::Response(response, _) if response.status.is_server_error() => {
            Some(Some(response.status))
        }
        OriginAnswer::Response(..) => None,
        OriginAnswer::Unreachable => Some(None),
    };
    let stand_in = error.zip(stored).is_some_and(|(error, stored)| {
        let lifetime = stored.lifetime(now, policy);
        request.method == Method::GET
            && stored.part.is_none()
            && may_be_served_on_error(request, &stored.response, lifetime, error, policy)
    });
    if stand_in {
        return Resolution {
            outcome: Outcome::ServeStale,
            invalidated: Vec::new(),
        };
    }
    match answer {
        OriginAnswer::Unreachable => Resolution {
            outcome: Outcome::BadGateway,
            invalidated: Vec::new(),
        },
        OriginAnswer::Response(response, times) => {
            let mut invalidated = invalidated(request, response);
            let head_differs = request.method == Method::HEAD
                && response.status == StatusCode::OK
                && stored.is_some_and(|stored| differs(&stored.response, response));
            if head_differs {
                invalidated.push(request.target.clone());
            }
            Resolution {
                outcome: outcome(request, forward, stored, response, times, policy),
                invalidated,
            }
        }
    }
}

fn outcome(
    request: &RequestHead,
    forward: Forward,
    stored: Option<&Stored>,
    response: &ResponseHead,
    times: Times,
    policy: &Policy,
) -> Outcome {
    if let Some(stored) = stored {
        match (forward.purpose, response.status) {
            (Purpose::Validate, StatusCode::NOT_MODIFIED) => {
                let fresh = stored.freshened(&response.headers, times, policy);
                return Outcome::Freshen(Box::new(fresh));
            }
            (Purpose::Complete, StatusCode::PARTIAL_CONTENT) => {
                return if continues(stored, response) {
                    Outcome::Complete(Box::new(stored.completed(response, times, policy)))
                } else {
                    Outcome::Refetch
                };
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

/// Whether a part has the rest of the whole that begins with the stored part (RFC 9111, section 3.4).
fn continues(stored: &Stored, rest: &ResponseHead) -> bool {
    let Some(range) = rest.fields.content_range else {
        return false;
    };
    let is_end = range.total.is_some_and(|total| range.last + 1 == total);
    let is_same = strong_etag(stored).is_some_and(|etag| rest.headers.get("etag") == Some(etag));
    range.first == stored.body_len && is_end && is_same
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
