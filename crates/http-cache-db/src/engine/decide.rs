//! What to do with a request.

use http::header::{HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, RANGE};
use http::{HeaderMap, HeaderValue, Method};
use store_core::Timestamp;

use super::cache_status::ForwardReason;
use super::stored::StoredResponse;
use crate::fields::RangeField;
use crate::policy::{
    Part, Policy, RequestHead, Reuse, UnvalidatedPart, end_to_end, is_range_current, reuse,
};

/// What to do with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The stored response at this index answers.
    Serve(usize),
    /// The stored response at this index answers; validate it in the background, forwarding this.
    ServeAndRevalidate(usize, Forward),
    /// Ask the origin.
    Forward(Forward),
    /// Answer with 504: the request, or the policy, allows only what is stored.
    GatewayTimeout,
}

/// How the origin is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forward {
    /// The index of the stored response that the answer may concern.
    pub stored_index: Option<usize>,
    /// What the origin is asked for.
    pub purpose: Purpose,
    /// Why nothing stored answers.
    pub reason: ForwardReason,
}

/// What the origin is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// What the client asks for.
    Fetch,
    /// Whether the stored response is still valid, else a new one.
    Validate,
    /// The rest of a stored beginning.
    Complete,
    /// The whole, although the client asked for less.
    Refetch,
}

/// What to do with `request`; `stored` are the stored responses of its target.
#[must_use]
pub fn decide(
    request: &RequestHead,
    stored: &[&StoredResponse],
    now: Timestamp,
    policy: &Policy,
) -> Decision {
    let is_only_if_cached =
        request.fields.control.only_if_cached || policy.only_if_cached || policy.offline;
    let forward = |stored_index, purpose, reason| {
        if is_only_if_cached {
            Decision::GatewayTimeout
        } else {
            Decision::Forward(Forward {
                stored_index,
                purpose,
                reason,
            })
        }
    };
    if !matches!(request.method, Method::GET | Method::HEAD) {
        return forward(None, Purpose::Fetch, ForwardReason::Method);
    }
    // The body of a GET means whatever the origin takes it for (RFC 9110, section 9.3.1).
    let is_for_origin = request.has_body || request.fields.has_origin_precondition;
    if is_for_origin || request.fields.range == RangeField::Multiple {
        return forward(None, Purpose::Fetch, ForwardReason::Bypass);
    }
    // What one user of the same store got is not there for all.
    let is_of_user =
        |stored: &StoredResponse| stored.is_private || stored.response.fields.control.private;
    let is_there = |stored: &StoredResponse| !(policy.is_shared() && is_of_user(stored));
    let selected = || {
        let all = stored.iter().enumerate();
        let all = all.filter(|(_, stored)| is_there(stored));
        all.filter(|(_, stored)| stored.variant.selects(&stored.response, &request.headers))
    };
    let usable = selected().filter(|(_, stored)| can_answer(request, stored));
    let Some((at, found)) = usable.max_by_key(|(_, stored)| stored.times.received_at) else {
        let beginning = selected().find(|(_, stored)| can_complete(request, stored, policy));
        if let Some((at, _)) = beginning {
            return forward(Some(at), Purpose::Complete, ForwardReason::Partial);
        }
        let reason = if selected().next().is_some() {
            ForwardReason::Partial
        } else if !stored.iter().any(|stored| is_there(stored)) {
            ForwardReason::UriMiss
        } else {
            ForwardReason::VaryMiss
        };
        return forward(None, Purpose::Fetch, reason);
    };
    let lifetime = found.freshness(now, policy);
    let validation = Forward {
        stored_index: Some(at),
        purpose: purpose_of(request, found),
        reason: if lifetime.is_fresh() {
            ForwardReason::Request
        } else {
            ForwardReason::Stale
        },
    };
    match reuse(request, &found.response, lifetime, policy) {
        Reuse::Serve => Decision::Serve(at),
        Reuse::ServeAndRevalidate if is_only_if_cached => Decision::Serve(at),
        Reuse::ServeAndRevalidate => {
            // Nobody waits for an answer to the client's own conditions.
            let purpose = if validation.purpose == Purpose::Validate {
                Purpose::Validate
            } else {
                Purpose::Refetch
            };
            Decision::ServeAndRevalidate(
                at,
                Forward {
                    purpose,
                    ..validation
                },
            )
        }
        Reuse::Revalidate => forward(
            validation.stored_index,
            validation.purpose,
            validation.reason,
        ),
    }
}

/// Whether a stored response has the bytes that are asked for.
fn can_answer(request: &RequestHead, stored: &StoredResponse) -> bool {
    match &stored.part {
        None => true,
        Some(part) => {
            request.method == Method::GET
                && is_range_current(request, &stored.response)
                && part.slice(request, stored.body_len).is_some()
        }
    }
}

/// Whether the rest of a stored beginning may be asked for: only a strong validator shows that both are of the
/// same whole (RFC 9111, section 3.4).
fn can_complete(request: &RequestHead, stored: &StoredResponse, policy: &Policy) -> bool {
    let is_beginning = stored.part.as_ref().is_some_and(Part::is_beginning);
    let may_join =
        strong_etag(stored).is_some() || policy.unvalidated_part == UnvalidatedPart::Complete;
    request.method == Method::GET
        && request.fields.range == RangeField::Whole
        && is_beginning
        && may_join
}

fn purpose_of(request: &RequestHead, stored: &StoredResponse) -> Purpose {
    let can_validate = request.method == Method::GET
        && stored.part.is_none()
        && (stored.response.headers.contains_key("etag")
            || stored.response.headers.contains_key("last-modified"));
    if can_validate {
        Purpose::Validate
    } else {
        Purpose::Fetch
    }
}

pub(super) fn strong_etag(stored: &StoredResponse) -> Option<&HeaderValue> {
    let is_strong = stored.response.fields.etag.as_ref()?.is_strong();
    stored.response.headers.get("etag").filter(|_| is_strong)
}

impl Forward {
    /// The fields of the request to the origin. `stored` is the response at [`stored_index`](Self::stored_index).
    #[must_use]
    pub fn headers(&self, request: &RequestHead, stored: Option<&StoredResponse>) -> HeaderMap {
        let mut headers = end_to_end(request.headers.clone());
        if self.purpose != Purpose::Fetch {
            for name in [IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_RANGE, RANGE] {
                headers.remove(name);
            }
        }
        let Some(stored) = stored else {
            return headers;
        };
        let mut copy = |from: HeaderName, to: HeaderName| {
            if let Some(value) = stored.response.headers.get(from) {
                headers.insert(to, value.clone());
            }
        };
        match self.purpose {
            Purpose::Fetch | Purpose::Refetch => {}
            Purpose::Validate => {
                copy(http::header::ETAG, IF_NONE_MATCH);
                copy(http::header::LAST_MODIFIED, IF_MODIFIED_SINCE);
            }
            Purpose::Complete => {
                let rest = format!("bytes={}-", stored.body_len);
                if let Ok(range) = HeaderValue::try_from(rest) {
                    headers.insert(RANGE, range);
                }
                if let Some(etag) = strong_etag(stored) {
                    headers.insert(IF_RANGE, etag.clone());
                }
            }
        }
        headers
    }
}
