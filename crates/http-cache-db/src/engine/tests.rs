//! Exchanges with an origin, without sockets.

use std::time::Duration;

use http::{HeaderMap, Method, StatusCode, Uri};
use store_core::Timestamp;

use super::*;
use crate::policy::{
    Mode, NotStorable, Policy, RequestHead, ResponseHead, SetCookie, Times, UnvalidatedPart,
};

type Lines<'a> = &'a [(&'static str, &'a str)];

const FRESH: (&str, &str) = ("cache-control", "max-age=60");
const ETAG: (&str, &str) = ("etag", "\"a\"");

fn headers(lines: Lines<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(*name, value.parse().unwrap());
    }
    headers
}

fn start() -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000)
}

fn at(seconds: u64) -> Timestamp {
    start() + Duration::from_secs(seconds)
}

fn times(seconds: u64) -> Times {
    Times {
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
    stored: Vec<Stored>,
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
        let stored = Stored::new(&get(asked), head, times(0), body_len, &self.policy);
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
        let stored = forward.at.map(|at| &self.stored[at]);
        let head = answer.map(|(status, lines)| self.head(status, lines));
        let answer = match &head {
            Some(head) => OriginAnswer::Response(head, times(seconds)),
            None => OriginAnswer::Unreachable,
        };
        resolve(request, forward, stored, answer, at(seconds), &self.policy)
    }

    fn answer(&self, request: &RequestHead, seconds: u64) -> Answer {
        answer(request, &self.stored[0], at(seconds), &self.policy)
    }
}

fn upstream(it: &Fixture, request: &RequestHead, seconds: u64) -> HeaderMap {
    let forward = it.forward(request, seconds);
    forward.headers(request, forward.at.map(|at| &it.stored[at]))
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
    assert_eq!((forward.at, forward.purpose), (None, Purpose::Fetch));
    assert_eq!(forward.reason, ForwardReason::UriMiss);
    assert_eq!(upstream(&it, &get(&asked), 0), headers(&asked[..2]));
}

#[test]
fn a_fresh_response_answers_get_and_head() {
    let mut it = Fixture::new();
    it.store(&[], 200, &[FRESH]);
    assert_eq!(it.decide(&get(&[]), 59), Decision::Serve(0));
    let head = request_of(Method::HEAD, &[]);
    assert_eq!(it.decide(&head, 59), Decision::Serve(0));
    assert_eq!(it.answer(&head, 59).body, BodyPart::Empty);
    let post = it.forward(&request_of(Method::POST, &[]), 0);
    assert_eq!(post.reason, ForwardReason::Method);
}

// covers("T2")
#[test]
fn a_stale_response_is_validated_by_its_own_validators() {
    let mut it = Fixture::new();
    let modified = ("last-modified", "Tue, 14 Nov 2023 22:13:20 GMT");
    it.store(&[], 200, &[FRESH, ETAG, modified]);
    let asked = get(&[("if-none-match", "\"of-client\""), ("range", "bytes=0-1")]);
    let forward = it.forward(&asked, 60);
    assert_eq!(
        (forward.purpose, forward.reason),
        (Purpose::Validate, ForwardReason::Stale)
    );
    let expected = [
        ("if-none-match", "\"a\""),
        ("if-modified-since", modified.1),
    ];
    assert_eq!(upstream(&it, &asked, 60), headers(&expected));
}

// covers("T2")
#[test]
fn a_304_freshens_what_is_stored() {
    let mut it = Fixture::new();
    it.store(
        &[],
        200,
        &[FRESH, ETAG, ("age", "50"), ("content-type", "a/b")],
    );
    let update: Lines<'_> = &[ETAG, ("x-new", "1"), ("content-type", "c/d")];
    let resolution = it.resolve(&get(&[]), 60, Some((304, update)));
    let Outcome::Freshen(fresh) = resolution.outcome else {
        panic!("not freshened: {resolution:?}");
    };
    assert!(fresh.lifetime(at(60), &it.policy).is_fresh());
    assert_eq!(fresh.response.headers["x-new"], "1");
    assert_eq!(fresh.response.headers["content-type"], "a/b");
}

#[test]
fn a_new_response_that_the_client_has_is_stored_and_answered_with_304() {
    let mut it = Fixture::new();
    it.store(&[], 200, &[FRESH, ETAG]);
    let asked = get(&[("if-none-match", "\"b\"")]);
    let new: Lines<'_> = &[FRESH, ("etag", "\"b\"")];
    let outcome = it.resolve(&asked, 60, Some((200, new))).outcome;
    assert!(
        matches!(outcome, Outcome::StoreAndAnswerNotModified),
        "{outcome:?}"
    );
    let outcome = it.resolve(&get(&[]), 60, Some((200, new))).outcome;
    assert!(matches!(outcome, Outcome::Store), "{outcome:?}");
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
    it.stored[1].variant = it.stored[0].variant.clone();
    assert_eq!(it.decide(&get(&[("foo", "1")]), 1), Decision::Serve(0));
}

#[test]
fn a_range_is_cut_from_the_whole() {
    let mut it = Fixture::new();
    it.store(&[], 200, &[FRESH, ETAG, ("content-length", "10")]);
    let answer = |range, more: Lines<'_>| {
        let lines = [&[("range", range)], more].concat();
        it.answer(&get(&lines), 1)
    };
    let part = answer("bytes=2-3", &[]);
    assert_eq!(
        (part.status.as_u16(), part.body),
        (206, BodyPart::Slice(2..4))
    );
    assert_eq!(part.headers["content-range"], "bytes 2-3/10");
    assert!(!part.headers.contains_key("content-length"));
    assert_eq!(answer("bytes=-4", &[]).body, BodyPart::Slice(6..10));
    assert_eq!(
        answer("bytes=2-3", &[("if-range", "\"b\"")]).body,
        BodyPart::Whole
    );
    let outside = answer("bytes=10-", &[]);
    assert_eq!(outside.status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(outside.headers["content-range"], "bytes */10");
}

#[test]
fn several_ranges_go_to_the_origin_and_are_not_stored() {
    let mut it = Fixture::new();
    it.store(&[], 200, &[FRESH]);
    let several = get(&[("range", "bytes=0-1, 4-5")]);
    assert_eq!(it.forward(&several, 1).reason, ForwardReason::Bypass);
    let outcome = it.resolve(&several, 1, Some((200, &[FRESH]))).outcome;
    assert!(matches!(outcome, Outcome::Pass(NotStorable::SeveralRanges)));
}

#[test]
fn a_beginning_is_completed_over_a_strong_validator() {
    let mut it = Fixture::new();
    let first = ("content-range", "bytes 0-4/10");
    it.store_body(&[("range", "bytes=0-4")], 206, &[FRESH, ETAG, first], 5);
    let forward = it.forward(&get(&[]), 1);
    assert_eq!(
        (forward.purpose, forward.reason),
        (Purpose::Complete, ForwardReason::Partial)
    );
    let expected = [("range", "bytes=5-"), ("if-range", "\"a\"")];
    assert_eq!(upstream(&it, &get(&[]), 1), headers(&expected));

    let rest = ("content-range", "bytes 5-9/10");
    let outcome = it
        .resolve(&get(&[]), 1, Some((206, &[FRESH, ETAG, rest])))
        .outcome;
    let Outcome::Complete(whole) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(
        (whole.response.status, whole.body_len),
        (StatusCode::OK, 10)
    );
    assert!(whole.part.is_none() && !whole.response.headers.contains_key("content-range"));
}

#[test]
fn what_is_no_rest_of_the_beginning_is_fetched_whole() {
    let mut it = Fixture::new();
    let first = ("content-range", "bytes 0-4/10");
    it.store_body(&[("range", "bytes=0-4")], 206, &[FRESH, ETAG, first], 5);
    let other = ("etag", "\"b\"");
    for (etag, range) in [
        (other, "bytes 5-9/10"),
        (ETAG, "bytes 4-9/10"),
        (ETAG, "bytes 5-8/10"),
        (ETAG, "bytes 5-9/*"),
    ] {
        let lines = [FRESH, etag, ("content-range", range)];
        let outcome = it.resolve(&get(&[]), 1, Some((206, &lines))).outcome;
        assert!(matches!(outcome, Outcome::Refetch), "{range}: {outcome:?}");
    }
    let outcome = it.resolve(&get(&[]), 1, Some((416, &[]))).outcome;
    assert!(matches!(outcome, Outcome::Refetch));
    let outcome = it.resolve(&get(&[]), 1, Some((200, &[FRESH]))).outcome;
    assert!(matches!(outcome, Outcome::Store));
}

#[test]
fn a_beginning_without_a_strong_validator_is_completed_only_by_choice() {
    let first = ("content-range", "bytes 0-4/10");
    let policy = Policy::new(Mode::Shared);
    for (part, purpose) in [
        (UnvalidatedPart::Refetch, Purpose::Fetch),
        (UnvalidatedPart::Complete, Purpose::Complete),
    ] {
        let mut it = Fixture::with(policy.clone().with_unvalidated_part(part));
        it.store_body(&[("range", "bytes=0-4")], 206, &[FRESH, first], 5);
        assert_eq!(it.forward(&get(&[]), 1).purpose, purpose);
        let rest: Lines<'_> = &[FRESH, ("content-range", "bytes 5-9/10")];
        let outcome = it.resolve(&get(&[]), 1, Some((206, rest))).outcome;
        assert!(!matches!(outcome, Outcome::Complete(_)), "{outcome:?}");
    }
}

#[test]
fn a_part_answers_its_bytes() {
    let mut it = Fixture::new();
    let range = ("content-range", "bytes 2-7/10");
    it.store_body(&[("range", "bytes=2-7")], 206, &[FRESH, range], 6);
    let asked = get(&[("range", "bytes=3-4")]);
    assert_eq!(it.decide(&asked, 1), Decision::Serve(0));
    let answer = it.answer(&asked, 1);
    assert_eq!(
        (answer.status.as_u16(), answer.body),
        (206, BodyPart::Slice(1..3))
    );
    assert_eq!(answer.headers["content-range"], "bytes 3-4/10");
    assert_eq!(it.forward(&get(&[]), 1).reason, ForwardReason::Partial);
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
fn a_client_that_has_the_response_gets_a_304() {
    let mut it = Fixture::new();
    it.store(&[], 200, &[FRESH, ETAG, ("content-length", "10")]);
    let answer = it.answer(&get(&[("if-none-match", "W/\"a\"")]), 1);
    assert_eq!(
        (answer.status.as_u16(), answer.body),
        (304, BodyPart::Empty)
    );
    assert!(answer.headers.contains_key("etag") && !answer.headers.contains_key("content-length"));
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
fn a_head_that_differs_invalidates_the_stored_response() {
    let mut it = Fixture::new();
    it.store(&[], 200, &[FRESH, ETAG]);
    let head = request_of(Method::HEAD, &[]);
    let of = |etag| {
        it.resolve(&head, 60, Some((200, &[FRESH, ("etag", etag)])))
            .invalidated
    };
    assert!(of("\"a\"").is_empty());
    assert_eq!(of("\"b\""), ["http://example.org/issues"]);
}

#[test]
fn conditions_that_only_the_origin_evaluates_are_forwarded() {
    let mut it = Fixture::new();
    it.store(&[], 200, &[FRESH]);
    let asked = get(&[("if-match", "\"a\"")]);
    assert_eq!(it.forward(&asked, 1).reason, ForwardReason::Bypass);
    assert!(upstream(&it, &asked, 1).contains_key("if-match"));
}
