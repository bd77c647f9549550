//! Exchanges with an origin, without sockets.

mod freshening;
mod parts;

use std::time::Duration;

use http::{HeaderMap, Method, StatusCode, Uri};
use store_core::Timestamp;

use super::*;
use crate::keys::Salt;
use crate::policy::{
    ExchangeTimes, Mode, NotStorable, Policy, RequestHead, ResponseHead, SetCookie, UnvalidatedPart,
};
use crate::test_headers::headers;

type Lines<'a> = &'a [(&'static str, &'a str)];

const FRESH: (&str, &str) = ("cache-control", "max-age=60");
const ETAG: (&str, &str) = ("etag", "\"a\"");

fn start() -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000)
}

fn at(seconds: u64) -> Timestamp {
    start() + Duration::from_secs(seconds)
}

fn times(seconds: u64) -> ExchangeTimes {
    ExchangeTimes {
        requested_at: at(seconds),
        received_at: at(seconds),
    }
}

fn request_of(method: Method, lines: Lines<'_>) -> RequestHead {
    let target = Uri::from_static("http://example.org/issues");
    RequestHead::new(method, target, headers(lines))
}

fn get(lines: Lines<'_>) -> RequestHead {
    request_of(Method::GET, lines)
}

/// A cache of one target.
struct Fixture {
    policy: Policy,
    stored: Vec<StoredResponse>,
}

impl Fixture {
    fn new() -> Self {
        Self::with(Policy::new(Mode::Shared))
    }

    fn with(policy: Policy) -> Self {
        Self {
            policy,
            stored: Vec::new(),
        }
    }

    fn head(&self, status: u16, lines: Lines<'_>) -> ResponseHead {
        let status = StatusCode::from_u16(status).unwrap();
        ResponseHead::new(status, headers(lines), &self.policy)
    }

    /// Stores a response of ten bytes that arrived at the start.
    fn store(&mut self, asked: Lines<'_>, status: u16, lines: Lines<'_>) {
        self.store_body(asked, status, lines, 10);
    }

    fn store_body(&mut self, asked: Lines<'_>, status: u16, lines: Lines<'_>, body_len: u64) {
        let head = self.head(status, lines);
        let salt = Salt::from_bytes([0; 16]);
        let stored = StoredResponse::new(&get(asked), head, times(0), body_len, salt, &self.policy);
        self.stored.extend(stored);
    }

    fn decide(&self, request: &RequestHead, seconds: u64) -> Decision {
        let stored: Vec<_> = self.stored.iter().collect();
        decide(request, &stored, at(seconds), &self.policy)
    }

    /// How the origin is asked.
    fn forward(&self, request: &RequestHead, seconds: u64) -> Forward {
        let decision = self.decide(request, seconds);
        let Decision::Forward(forward) = decision else {
            panic!("not forwarded: {decision:?}");
        };
        forward
    }

    fn resolve(
        &self,
        request: &RequestHead,
        seconds: u64,
        answer: Option<(u16, Lines<'_>)>,
    ) -> Resolution {
        let forward = self.forward(request, seconds);
        let stored = forward.stored_index.map(|at| &self.stored[at]);
        let head = answer.map(|(status, lines)| self.head(status, lines));
        let answer = match &head {
            Some(head) => OriginResponse::Response(head, times(seconds)),
            None => OriginResponse::Unreachable,
        };
        resolve(request, forward, stored, answer, at(seconds), &self.policy)
    }

    fn answer(&self, request: &RequestHead, seconds: u64) -> Answer {
        answer(request, &self.stored[0], at(seconds), &self.policy)
    }
}

fn upstream(it: &Fixture, request: &RequestHead, seconds: u64) -> HeaderMap {
    let forward = it.forward(request, seconds);
    forward.headers(request, forward.stored_index.map(|at| &it.stored[at]))
}

#[test]
fn a_miss_is_forwarded_as_it_is() {
    let it = Fixture::new();
    let asked = [
        ("if-none-match", "\"b\""),
        ("range", "bytes=0-1"),
        ("te", "trailers"),
    ];
    let forward = it.forward(&get(&asked), 0);
    assert_eq!(
        (forward.stored_index, forward.purpose),
        (None, Purpose::Fetch)
    );
    assert_eq!(forward.reason, ForwardReason::UriMiss);
    assert_eq!(upstream(&it, &get(&asked), 0), headers(&asked[..2]));
}

#[test]
fn a_change_without_an_answer_invalidates() {
    let it = Fixture::new();
    let lost = it.resolve(&request_of(Method::POST, &[]), 0, None);
    assert_eq!(lost.invalidated, ["http://example.org/issues"]);
    assert!(it.resolve(&get(&[]), 0, None).invalidated.is_empty());
}

#[test]
fn a_stale_response_stands_in_for_an_origin_that_is_gone() {
    let mut it = Fixture::new();
    it.store(
        &[],
        200,
        &[("cache-control", "max-age=60, stale-if-error=60"), ETAG],
    );
    let outcome = |answer| it.resolve(&get(&[]), 90, answer).outcome;
    assert!(matches!(outcome(None), Outcome::ServeStale));
    assert!(matches!(outcome(Some((503, &[]))), Outcome::ServeStale));
    assert!(matches!(
        outcome(Some((404, &[]))),
        Outcome::Pass(NotStorable::NoLifetime)
    ));
    let outcome = it.resolve(&get(&[]), 121, None).outcome;
    assert!(matches!(outcome, Outcome::BadGateway));
}

#[test]
fn a_window_for_revalidation_serves_first() {
    let mut it = Fixture::new();
    it.store(
        &[],
        200,
        &[
            ("cache-control", "max-age=60, stale-while-revalidate=60"),
            ETAG,
        ],
    );
    let decision = it.decide(&get(&[]), 90);
    let Decision::ServeAndRevalidate(0, forward) = decision else {
        panic!("{decision:?}");
    };
    assert_eq!(forward.purpose, Purpose::Validate);
}

#[test]
fn only_if_cached_never_asks_the_origin() {
    let mut it = Fixture::new();
    let asked = get(&[("cache-control", "only-if-cached")]);
    assert_eq!(it.decide(&asked, 0), Decision::GatewayTimeout);
    it.store(&[], 200, &[FRESH]);
    assert_eq!(it.decide(&asked, 59), Decision::Serve(0));
    assert_eq!(it.decide(&asked, 60), Decision::GatewayTimeout);
    it.policy.only_if_cached = true;
    assert_eq!(it.decide(&get(&[]), 60), Decision::GatewayTimeout);
}

#[test]
fn the_latest_selected_variant_answers() {
    let mut it = Fixture::new();
    let varies: Lines<'_> = &[FRESH, ("vary", "foo")];
    it.store(&[("foo", "1")], 200, varies);
    it.store(&[("foo", "2")], 200, varies);
    assert_eq!(it.decide(&get(&[("foo", "2")]), 1), Decision::Serve(1));
    let miss = it.forward(&get(&[("foo", "3")]), 1);
    assert_eq!(miss.reason, ForwardReason::VaryMiss);
    it.stored[0].times = times(1);
    it.stored[1].variant = it.stored[0].variant;
    assert_eq!(it.decide(&get(&[("foo", "1")]), 1), Decision::Serve(0));
}

#[test]
fn a_hit_has_its_age_and_nothing_that_must_not_be_reused() {
    let mut it = Fixture::new();
    let control = (
        "cache-control",
        "max-age=60, no-cache=\"x-a\", private=\"x-b\"",
    );
    it.store(
        &[],
        200,
        &[
            control,
            ("set-cookie", "a=1"),
            ("x-a", "1"),
            ("x-b", "1"),
            ("x-c", "1"),
        ],
    );
    let answer = it.answer(&get(&[]), 7);
    assert_eq!(answer.headers["age"], "7");
    for gone in ["set-cookie", "x-a", "x-b"] {
        assert!(!answer.headers.contains_key(gone), "{gone}");
    }
    assert!(answer.headers.contains_key("x-c"));
    assert!(!it.stored[0].response.headers.contains_key("x-b"));
    it.policy.set_cookie = SetCookie::Replay;
    assert!(it.answer(&get(&[]), 7).headers.contains_key("set-cookie"));
}

#[test]
fn a_private_cache_replays_cookies_and_keeps_private_fields() {
    let mut it = Fixture::with(Policy::new(Mode::Private));
    let control = ("cache-control", "max-age=60, private=\"x-b\"");
    it.store(&[], 200, &[control, ("set-cookie", "a=1"), ("x-b", "1")]);
    let answer = it.answer(&get(&[]), 1);
    assert!(answer.headers.contains_key("set-cookie") && answer.headers.contains_key("x-b"));
}

#[test]
fn a_change_invalidates_before_its_answer_is_stored() {
    let it = Fixture::new();
    let post = request_of(Method::POST, &[]);
    let resolution = it.resolve(
        &post,
        0,
        Some((200, &[FRESH, ("content-location", "/issues")])),
    );
    assert!(matches!(resolution.outcome, Outcome::Store));
    assert_eq!(resolution.invalidated, ["http://example.org/issues"]);
    let resolution = it.resolve(&post, 0, Some((500, &[])));
    assert!(resolution.invalidated.is_empty());
}

#[test]
fn conditions_that_only_the_origin_evaluates_are_forwarded() {
    let mut it = Fixture::new();
    it.store(&[], 200, &[FRESH]);
    let asked = get(&[("if-match", "\"a\"")]);
    assert_eq!(it.forward(&asked, 1).reason, ForwardReason::Bypass);
    assert!(upstream(&it, &asked, 1).contains_key("if-match"));
}

#[test]
fn a_get_with_a_body_is_for_the_origin() {
    let mut it = Fixture::new();
    it.store(&[], 200, &[FRESH, ETAG]);
    let asked = get(&[]).with_body(true);
    let forward = it.forward(&asked, 1);
    assert_eq!(
        (forward.stored_index, forward.reason),
        (None, ForwardReason::Bypass)
    );
    let outcome = it.resolve(&asked, 1, Some((200, &[FRESH]))).outcome;
    assert!(
        matches!(outcome, Outcome::Pass(NotStorable::Body)),
        "{outcome:?}"
    );
}
