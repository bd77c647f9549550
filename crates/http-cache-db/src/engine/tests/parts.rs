//! Ranges, and stored parts.

use super::*;

#[test]
fn a_rest_that_is_private_completes_for_one_client_only() {
    let mut it = Fixture::new();
    let first = [
        FRESH,
        ETAG,
        ("content-range", "bytes 0-4/10"),
        ("set-cookie", "a"),
    ];
    it.store_body(&[("range", "bytes=0-4")], 206, &first, 5);
    let rest = [
        ("cache-control", "private, max-age=60"),
        ETAG,
        ("content-range", "bytes 5-9/10"),
    ];
    let resolution = it.resolve(&get(&[]), 1, Some((206, &rest)));
    let Outcome::Complete {
        head,
        keep: Keep::Once,
        ..
    } = resolution.outcome
    else {
        panic!("{resolution:?}");
    };
    assert!(!head.headers.contains_key("set-cookie"));
}

#[test]
fn a_part_of_another_version_does_not_answer() {
    let mut it = Fixture::new();
    let lines = [FRESH, ETAG, ("content-range", "bytes 0-4/10")];
    it.store_body(&[("range", "bytes=0-4")], 206, &lines, 5);
    let asked = |tag| get(&[("range", "bytes=0-4"), ("if-range", tag)]);
    assert_eq!(it.decide(&asked("\"a\""), 1), Decision::Serve(0));
    assert_eq!(
        it.forward(&asked("\"new\""), 1).reason,
        ForwardReason::Partial
    );
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
    assert!(matches!(
        outcome,
        Outcome::Pass(NotStorable::MultipleRanges)
    ));
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
    let Outcome::Complete {
        head,
        body_len,
        keep: Keep::Stored,
    } = outcome
    else {
        panic!("{outcome:?}");
    };
    assert_eq!((head.status, body_len), (StatusCode::OK, 10));
    assert!(!head.headers.contains_key("content-range"));
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
    let (range, length) = (("content-range", "bytes 5-9/10"), ("content-length", "4"));
    let lines = [FRESH, ETAG, range, length];
    let outcome = it.resolve(&get(&[]), 1, Some((206, &lines))).outcome;
    assert!(matches!(outcome, Outcome::Refetch), "{outcome:?}");
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
        assert!(!matches!(outcome, Outcome::Complete { .. }), "{outcome:?}");
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
