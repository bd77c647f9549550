//! Whether a stored response answers without the origin (RFC 9111, sections 4 and 4.2.4).

use std::time::Duration;

use http::StatusCode;

use super::freshness::Freshness;
use super::head::{RequestHead, ResponseHead};
use super::options::Policy;

/// How a stored response may be used for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reuse {
    /// It answers.
    Serve,
    /// It answers, and is validated in the background (RFC 5861, section 3).
    ServeAndRevalidate,
    /// The origin is asked first.
    Revalidate,
}

/// How `stored`, which is of this age, may be used for `request`.
#[must_use]
pub fn reuse(
    request: &RequestHead,
    stored: &ResponseHead,
    freshness: Freshness,
    policy: &Policy,
) -> Reuse {
    let (asked, control) = (&request.fields.control, &stored.fields.control);
    if asked.no_cache || asked.no_store {
        return Reuse::Revalidate;
    }
    let is_fresh = freshness.is_fresh() && !control.no_cache;
    // A reload of a fresh immutable response needs no validation (RFC 8246, section 2).
    let is_young = asked
        .max_age
        .is_none_or(|most| is_within(freshness.age, most))
        || (is_fresh && control.immutable);
    let stays_fresh = asked
        .min_fresh
        .is_none_or(|least| freshness.remaining() >= least);
    if is_fresh && is_young && stays_fresh {
        return Reuse::Serve;
    }
    if is_stale_use_forbidden(stored, policy) {
        return Reuse::Revalidate;
    }
    let is_accepted = asked
        .max_stale
        .is_some_and(|most| freshness.staleness() <= most);
    if policy.offline || (is_accepted && is_young && asked.min_fresh.is_none()) {
        return Reuse::Serve;
    }
    let may_wait = asked.max_age.is_none() && asked.min_fresh.is_none();
    let is_in_window = control
        .stale_while_revalidate
        .is_some_and(|most| freshness.staleness() <= most);
    if may_wait && is_in_window {
        return Reuse::ServeAndRevalidate;
    }
    Reuse::Revalidate
}

/// A request for the age 0 asks for a validation.
fn is_within(age: Duration, most: Duration) -> bool {
    age <= most && !most.is_zero()
}

/// Whether a stored response answers in place of an error: of the status of the origin, or `None` if it could
/// not be reached (RFC 9111, section 4.2.4; RFC 5861, section 4).
#[must_use]
pub fn may_be_served_on_error(
    request: &RequestHead,
    stored: &ResponseHead,
    freshness: Freshness,
    error: Option<StatusCode>,
    policy: &Policy,
) -> bool {
    let asked = &request.fields.control;
    if asked.no_cache || asked.max_age.is_some() || is_stale_use_forbidden(stored, policy) {
        return false;
    }
    let window = stored
        .fields
        .control
        .stale_if_error
        .or(asked.stale_if_error);
    let is_in_window = window.map(|most| freshness.staleness() <= most);
    match error.map(|status| status.as_u16()) {
        None => is_in_window.unwrap_or(true),
        Some(500 | 502 | 503 | 504) => is_in_window.unwrap_or(policy.stale_on_error),
        Some(_) => false,
    }
}

/// Whether the origin forbids the use without validation once the response is stale (section 4.2.4).
fn is_stale_use_forbidden(stored: &ResponseHead, policy: &Policy) -> bool {
    let control = &stored.fields.control;
    let of_shared = control.proxy_revalidate || control.s_maxage.is_some();
    control.no_cache || control.must_revalidate || (policy.is_shared() && of_shared)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Method, Uri};

    use super::*;
    use crate::policy::Mode;

    fn head(lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in lines {
            headers.append("cache-control", value.parse().unwrap());
        }
        headers
    }

    fn request(control: &str) -> RequestHead {
        let target = Uri::from_static("http://example.org/");
        RequestHead::new(Method::GET, target, head(&[control]))
    }

    fn stored(control: &str) -> ResponseHead {
        ResponseHead::new(StatusCode::OK, head(&[control]), &Policy::default())
    }

    fn aged(age: u64) -> Freshness {
        Freshness {
            age: Duration::from_secs(age),
            lifetime: Duration::from_mins(1),
            is_explicit: true,
        }
    }

    fn reuse_of(asked: &str, control: &str, age: u64) -> Reuse {
        reuse(
            &request(asked),
            &stored(control),
            aged(age),
            &Policy::default(),
        )
    }

    #[test]
    fn a_response_is_fresh_until_its_lifetime_is_over() {
        assert_eq!(reuse_of("", "", 59), Reuse::Serve);
        assert_eq!(reuse_of("", "", 60), Reuse::Revalidate);
        assert_eq!(reuse_of("", "no-cache", 5), Reuse::Revalidate);
    }

    #[test]
    fn a_request_may_ask_for_more() {
        assert_eq!(reuse_of("no-cache", "", 5), Reuse::Revalidate);
        assert_eq!(reuse_of("max-age=0", "", 0), Reuse::Revalidate);
        assert_eq!(reuse_of("max-age=5", "", 5), Reuse::Serve);
        assert_eq!(reuse_of("max-age=5", "", 6), Reuse::Revalidate);
        assert_eq!(reuse_of("min-fresh=50", "", 10), Reuse::Serve);
        assert_eq!(reuse_of("min-fresh=51", "", 10), Reuse::Revalidate);
    }

    #[test]
    fn an_immutable_response_is_not_validated_by_a_reload() {
        assert_eq!(reuse_of("max-age=0", "immutable", 5), Reuse::Serve);
        assert_eq!(reuse_of("no-cache", "immutable", 5), Reuse::Revalidate);
        assert_eq!(reuse_of("max-age=0", "immutable", 60), Reuse::Revalidate);
    }

    #[test]
    fn a_request_may_accept_staleness() {
        assert_eq!(reuse_of("max-stale=10", "", 70), Reuse::Serve);
        assert_eq!(reuse_of("max-stale=10", "", 71), Reuse::Revalidate);
        assert_eq!(reuse_of("max-stale", "", 7_000), Reuse::Serve);
        for control in [
            "must-revalidate",
            "proxy-revalidate",
            "s-maxage=60",
            "no-cache",
        ] {
            assert_eq!(
                reuse_of("max-stale", control, 61),
                Reuse::Revalidate,
                "{control}"
            );
        }
    }

    // covers("T3")
    #[test]
    fn stale_while_revalidate_serves_within_its_window() {
        let control = "stale-while-revalidate=10";
        assert_eq!(reuse_of("", control, 70), Reuse::ServeAndRevalidate);
        assert_eq!(reuse_of("", control, 71), Reuse::Revalidate);
        let forbidden = "stale-while-revalidate=10, must-revalidate";
        assert_eq!(reuse_of("", forbidden, 61), Reuse::Revalidate);
    }

    #[test]
    fn an_unreachable_origin_is_stood_in_for_unless_that_is_forbidden() {
        let serves = |control: &str, error: Option<u16>| {
            let error = error.map(|status| StatusCode::from_u16(status).unwrap());
            let policy = Policy::default();
            may_be_served_on_error(&request(""), &stored(control), aged(100), error, &policy)
        };
        assert!(serves("", None));
        assert!(!serves("", Some(503)));
        assert!(serves("stale-if-error=40", Some(503)));
        assert!(!serves("stale-if-error=40", Some(404)));
        assert!(!serves("stale-if-error=39", Some(503)) && !serves("stale-if-error=39", None));
        for control in [
            "must-revalidate",
            "proxy-revalidate",
            "s-maxage=60",
            "no-cache",
        ] {
            assert!(!serves(control, None), "{control}");
        }
    }

    #[test]
    fn a_private_cache_obeys_only_what_is_said_to_it() {
        let policy = Policy::new(Mode::Private);
        let stored = stored("proxy-revalidate, s-maxage=5");
        assert_eq!(
            reuse(&request("max-stale"), &stored, aged(61), &policy),
            Reuse::Serve
        );
    }

    #[test]
    fn offline_serves_what_is_stale_and_may_be() {
        let policy = Policy::default().offline();
        let of = |control| reuse(&request(""), &stored(control), aged(6_000), &policy);
        assert_eq!(of(""), Reuse::Serve);
        assert_eq!(of("must-revalidate"), Reuse::Revalidate);
    }
}
