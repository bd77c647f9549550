//! Validations, and what they leave stored.

use super::*;

/// What becomes of a 304 with these fields to a client with `asked`.
fn freshen(asked: Lines<'_>, update: Lines<'_>) -> Resolution {
    let mut it = Fixture::new();
    it.store(&[], 200, &[FRESH, ETAG]);
    it.resolve(&get(asked), 60, Some((304, update)))
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
    let Outcome::Freshen {
        stored: fresh,
        keep: Keep::Stored,
        ..
    } = resolution.outcome
    else {
        panic!("not freshened: {resolution:?}");
    };
    assert!(fresh.freshness(at(60), &it.policy).is_fresh());
    assert_eq!(fresh.response.headers["x-new"], "1");
    assert_eq!(fresh.response.headers["content-type"], "a/b");
}

#[test]
fn a_304_that_forbids_storing_answers_once() {
    for (asked, update) in [
        (
            &[("authorization", "a")][..],
            &[("cache-control", "max-age=60")][..],
        ),
        (&[], &[("cache-control", "private, max-age=60")]),
        (&[], &[("cache-control", "no-store")]),
        (&[], &[FRESH, ("vary", "*")]),
    ] {
        let resolution = freshen(asked, update);
        let is_once = matches!(
            resolution.outcome,
            Outcome::Freshen {
                keep: Keep::Once,
                ..
            }
        );
        assert!(is_once, "{resolution:?}");
        assert_eq!(resolution.invalidated, ["http://example.org/issues"]);
    }
}

#[test]
fn a_304_that_varies_selects_by_the_request_that_it_answers() {
    let resolution = freshen(&[("cookie", "a")], &[FRESH, ("vary", "cookie")]);
    let Outcome::Freshen { stored, .. } = resolution.outcome else {
        panic!("{resolution:?}");
    };
    let selects = |cookie| {
        stored
            .variant
            .selects(&stored.response, &headers(&[("cookie", cookie)]))
    };
    assert!(selects("a") && !selects("b"));
}

#[test]
fn fields_for_one_client_are_not_stored() {
    let update = [
        ("cache-control", "max-age=60, private=\"x-user\""),
        ("x-user", "a"),
        ("set-cookie", "b"),
    ];
    let resolution = freshen(&[], &update);
    let Outcome::Freshen { stored, own, .. } = resolution.outcome else {
        panic!("{resolution:?}");
    };
    assert!(!stored.response.headers.contains_key("x-user"));
    assert_eq!(own, headers(&update[1..]));
}

#[test]
fn a_304_about_another_response_does_not_freshen() {
    let outcome = freshen(&[], &[FRESH, ("etag", "\"b\"")]).outcome;
    assert!(matches!(outcome, Outcome::Refetch), "{outcome:?}");
}

#[test]
fn a_304_with_a_validator_that_is_not_stored_does_not_freshen() {
    let modified = ("last-modified", "Tue, 14 Nov 2023 22:13:20 GMT");
    let later = ("last-modified", "Tue, 14 Nov 2023 22:13:21 GMT");
    let weak = ("etag", "W/\"a\"");
    let freshens = |stored: Lines<'_>, update: Lines<'_>| {
        let mut it = Fixture::new();
        it.store(&[], 200, &[&[FRESH], stored].concat());
        let outcome = it.resolve(&get(&[]), 60, Some((304, update))).outcome;
        let is_freshened = matches!(outcome, Outcome::Freshen { .. });
        let is_asked_again = matches!(outcome, Outcome::Refetch);
        assert!(is_freshened || is_asked_again, "{outcome:?}");
        is_freshened
    };
    assert!(!freshens(&[modified], &[ETAG]));
    assert!(!freshens(&[modified], &[ETAG, modified]));
    assert!(!freshens(&[weak], &[ETAG]));
    assert!(!freshens(&[modified], &[later]));
    assert!(!freshens(&[ETAG], &[modified]));
    assert!(!freshens(&[ETAG, modified], &[later]));
    assert!(freshens(&[ETAG], &[weak]) && freshens(&[weak], &[weak]));
    assert!(freshens(&[ETAG, modified], &[ETAG, later]));
    assert!(freshens(&[ETAG, modified], &[modified]));
    assert!(freshens(&[modified], &[modified]) && freshens(&[modified], &[]));
}

#[test]
fn what_the_origin_no_longer_lets_store_is_removed() {
    let mut it = Fixture::new();
    it.store(&[], 200, &[FRESH, ETAG]);
    for (status, lines) in [(404, &[][..]), (200, &[("cache-control", "private")])] {
        let resolution = it.resolve(&get(&[]), 60, Some((status, lines)));
        assert!(matches!(resolution.outcome, Outcome::Pass(_)));
        assert_eq!(resolution.invalidated, ["http://example.org/issues"]);
    }
    assert!(
        it.resolve(&get(&[]), 60, Some((500, &[])))
            .invalidated
            .is_empty()
    );
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
