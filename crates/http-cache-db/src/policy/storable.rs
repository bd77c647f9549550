//! Whether a response may be stored (RFC 9111, section 3).

#[cfg(test)]
mod tests;

use std::fmt;

use http::{Method, StatusCode};
use store_core::Timestamp;
use url::Url;

use super::freshness::{is_heuristically_cacheable, stated_lifetime};
use super::head::{RequestHead, ResponseHead};
use super::options::Policy;
use crate::fields::{RangeField, Vary, combined_value};

/// Why a response is not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotStorable {
    /// Responses to the method are not stored.
    Method,
    /// The answer to a GET with a body
    Body,
    /// The status is interim, a 304, a 206 without its range, or not understood although it must be.
    Status,
    /// The request asked for several ranges.
    MultipleRanges,
    /// `no-store`
    NoStore,
    /// `private`, in a shared cache
    Private,
    /// The answer to `Authorization`, in a shared cache
    Authorization,
    /// `Vary: *`
    VaryAny,
    /// Neither a lifetime nor a validator
    NoLifetime,
    /// A field repeats a secret of the request.
    Secret,
    /// The origin followed a redirect: the response is of another target.
    Redirected,
    /// The body has a transfer coding besides `chunked`, which nobody has undone.
    TransferCoding,
}

impl fmt::Display for NotStorable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Method => "method",
            Self::Body => "body",
            Self::Status => "status",
            Self::MultipleRanges => "several ranges",
            Self::NoStore => "no-store",
            Self::Private => "private",
            Self::Authorization => "authorization",
            Self::VaryAny => "vary *",
            Self::NoLifetime => "no lifetime",
            Self::Secret => "secret",
            Self::Redirected => "redirected",
            Self::TransferCoding => "transfer coding",
        })
    }
}

/// Whether `response` to `request` may be stored.
///
/// # Errors
/// The first reason against it.
pub fn storable(
    request: &RequestHead,
    response: &ResponseHead,
    policy: &Policy,
) -> Result<(), NotStorable> {
    let control = &response.fields.control;
    if !is_storable_method(request, response, policy) {
        return Err(NotStorable::Method);
    }
    if request.has_body && request.method == Method::GET {
        return Err(NotStorable::Body);
    }
    if !is_storable_status(response) || (control.must_understand && !is_understood(response.status))
    {
        return Err(NotStorable::Status);
    }
    if request.fields.range == RangeField::Multiple {
        return Err(NotStorable::MultipleRanges);
    }
    // Where the status is understood, must-understand takes the place of no-store (section 5.2.2.3).
    if request.fields.control.no_store || (control.no_store && !control.must_understand) {
        return Err(NotStorable::NoStore);
    }
    if policy.is_shared() && control.private {
        return Err(NotStorable::Private);
    }
    // Section 3.5.
    let is_for_everyone = control.public || control.must_revalidate || control.s_maxage.is_some();
    if policy.is_shared() && request.fields.has_authorization && !is_for_everyone {
        return Err(NotStorable::Authorization);
    }
    if response.fields.vary == Vary::Any {
        return Err(NotStorable::VaryAny);
    }
    let has_heuristic = is_heuristically_cacheable(response.status) || control.public;
    let can_be_validated = has_heuristic && response.fields.has_validator();
    let has_default = has_heuristic && (policy.default_ttl.is_some() || policy.min_ttl.is_some());
    if has_stated_lifetime(response, policy) || control.public || can_be_validated || has_default {
        Ok(())
    } else {
        Err(NotStorable::NoLifetime)
    }
}

fn is_storable_method(request: &RequestHead, response: &ResponseHead, policy: &Policy) -> bool {
    match request.method {
        Method::GET => true,
        // With a stated lifetime, and if the response says that it is what a GET of the target would be (RFC
        // 9110, section 9.3.3).
        Method::POST => {
            response.status == StatusCode::OK
                && has_stated_lifetime(response, policy)
                && is_of_target(request, response)
        }
        _ => false,
    }
}

fn is_of_target(request: &RequestHead, response: &ResponseHead) -> bool {
    let target = Url::parse(&request.target.to_string());
    let location = combined_value(&response.headers, "content-location");
    match (target, location) {
        (Ok(target), Some(location)) => target.join(&location) == Ok(target),
        _ => false,
    }
}

fn is_storable_status(response: &ResponseHead) -> bool {
    match response.status {
        // All but the first are about this request or its connection, whatever lifetime they state.
        StatusCode::NOT_MODIFIED
        | StatusCode::PROXY_AUTHENTICATION_REQUIRED
        | StatusCode::REQUEST_TIMEOUT
        | StatusCode::PRECONDITION_FAILED
        | StatusCode::PAYLOAD_TOO_LARGE
        | StatusCode::RANGE_NOT_SATISFIABLE
        | StatusCode::EXPECTATION_FAILED
        | StatusCode::MISDIRECTED_REQUEST
        | StatusCode::UPGRADE_REQUIRED
        | StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => false,
        StatusCode::PARTIAL_CONTENT => response.fields.content_range.is_some(),
        // Beyond 599 no status is valid (RFC 9110, section 15).
        status => (200..600).contains(&status.as_u16()),
    }
}

/// Whether this cache knows what a status means for caching (section 3, `must-understand`).
const fn is_understood(status: StatusCode) -> bool {
    is_heuristically_cacheable(status)
        || matches!(
            status.as_u16(),
            302 | 303 | 307 | 400 | 401 | 403 | 416 | 421 | 451 | 500 | 502 | 503 | 504
        )
}

fn has_stated_lifetime(response: &ResponseHead, policy: &Policy) -> bool {
    // Whether there is one does not depend on the time.
    stated_lifetime(response, Timestamp::default(), policy).is_some()
}
