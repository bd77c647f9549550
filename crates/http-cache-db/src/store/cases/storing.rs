//! What is stored, and found again.

use bytes::Bytes;
use http::{HeaderValue, Uri};
use store_core::Timestamp;

use super::Case;
use crate::store::{ContentHash, MAX_VARIANTS, ResponseStore, StoredBody};
use crate::test_headers::headers;

// covers("C1", "C2")
pub(crate) async fn a_response_is_found_as_it_was_stored(store: &dyn ResponseStore) {
    let case = Case {
        headers: &[
            ("date", "Tue, 14 Nov 2023 22:13:20 GMT"),
            ("cache-control", "max-age=60"),
            ("etag", "\"a\""),
            ("vary", "foo, accept-language"),
        ],
        asked: &[("foo", "1"), ("accept-language", "de")],
        ..Case::default()
    };
    let id = case.store(store).await;
    let found = store.variants(case.target(store)).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].id, &found[0].head),
        (id, &case.response(store).head)
    );
    assert_eq!(case.bodies(store).await, ["body"]);
    let other = store
        .salt()
        .target_key(&Uri::from_static("http://example.org/issues"));
    assert!(store.variants(other).await.unwrap().is_empty());
    let counts = store.counts().await.unwrap();
    assert_eq!(
        (
            counts.urls,
            counts.requests,
            counts.responses,
            counts.bodies
        ),
        (1, 1, 1, 1)
    );
    assert_eq!(counts.body_bytes, 4);
    let health = store.health().await.unwrap();
    assert!(health.used_bytes > 0 && health.max_bytes >= health.used_bytes);
}

// covers("C2", "F58", "T4")
pub(crate) async fn variants_stand_side_by_side(store: &dyn ResponseStore) {
    let case = |value: &'static str, body| async move {
        let asked = [("foo", value)];
        let case = Case {
            asked: &asked,
            body,
            ..Case::default()
        };
        case.store(store).await
    };
    let first = case("1", b"1").await;
    let second = case("2", b"2").await;
    assert_eq!(case("1", b"3").await, first);
    assert_ne!(first, second);
    assert_eq!(Case::default().bodies(store).await, ["2", "3"]);
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.urls, counts.requests, counts.responses), (1, 2, 2));
}

pub(crate) async fn a_whole_replaces_its_parts(store: &dyn ResponseStore) {
    let part = |range: &'static str, content_range: &'static str, body| async move {
        let part = Case {
            asked: &[("range", range)],
            status: 206,
            headers: &[("content-range", content_range)],
            body,
            ..Case::default()
        };
        part.store(store).await
    };
    part("bytes=0-1", "bytes 0-1/4", b"bo").await;
    part("bytes=2-3", "bytes 2-3/4", b"dy").await;
    part("bytes=0-1", "bytes 0-1/4", b"Bo").await;
    let whole = Case {
        headers: &[("cache-control", "max-age=60")],
        ..Case::default()
    };
    assert_eq!(whole.bodies(store).await, ["Bo", "dy"]);
    whole.store(store).await;
    assert_eq!(whole.bodies(store).await, ["body"]);
    // A part beside the whole stays.
    part("bytes=0-1", "bytes 0-1/4", b"bo").await;
    assert_eq!(whole.bodies(store).await, ["bo", "body"]);
}

pub(crate) async fn nothing_is_seen_before_the_commit(store: &dyn ResponseStore) {
    let case = Case::default();
    let fill = case.begin(store).await;
    assert!(case.bodies(store).await.is_empty());
    drop(fill);
    assert!(case.bodies(store).await.is_empty());
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.urls, counts.responses, counts.bodies), (0, 0, 0));
}

pub(crate) async fn a_late_response_does_not_replace_a_newer_one(store: &dyn ResponseStore) {
    let late = Case::default();
    let newer = Case {
        at: 1_001,
        body: b"newer",
        ..late
    };
    newer.store(store).await;
    let fill = late.begin(store).await;
    assert_eq!(fill.commit(late.response(store)).await.unwrap(), None);
    assert_eq!(newer.bodies(store).await, ["newer"]);
}

// covers("C2", "C5")
pub(crate) async fn equal_bodies_are_kept_once(store: &dyn ResponseStore) {
    let first = Case::default();
    let second = Case {
        url: "http://example.org/other",
        ..first
    };
    let (id, _) = (first.store(store).await, second.store(store).await);
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.responses, counts.bodies), (2, 1));
    let hash = ContentHash::of(b"body");
    let content = store.find_content(&hash).await.unwrap().unwrap();
    let body = store.body(content).await.unwrap();
    assert_eq!(body, Some(StoredBody::Whole("body".into())));
    assert!(store.remove(id).await.unwrap());
    assert_eq!(second.bodies(store).await, ["body"]);
    store.invalidate(second.target(store)).await.unwrap();
    assert_eq!(store.find_content(&hash).await.unwrap(), None);
    assert_eq!(store.counts().await.unwrap().bodies, 0);
}

// covers("C2", "C12", "C22")
pub(crate) async fn a_changed_body_makes_a_version(store: &dyn ResponseStore) {
    for (at, body) in [(1, b"a"), (2, b"b"), (3, b"c"), (4, b"d")] {
        let case = Case {
            at,
            body,
            headers: &[("content-type", "text/plain")],
            ..Case::default()
        };
        case.store(store).await;
    }
    let case = Case::default();
    assert_eq!(case.bodies(store).await, ["d"]);
    let history = store.history(case.target(store)).await.unwrap();
    let told = history.iter().map(|version| {
        let times = (version.created_at, version.replaced_at);
        (version.version, times, version.hash)
    });
    let at = Timestamp::from_millis;
    let expected = [
        (4, (at(4), None), ContentHash::of(b"d")),
        (3, (at(3), Some(at(4))), ContentHash::of(b"c")),
        (2, (at(2), Some(at(3))), ContentHash::of(b"b")),
    ];
    assert_eq!(told.collect::<Vec<_>>(), expected);
    assert_eq!(history[2].content_type.as_deref(), Some("text/plain"));
    let older = store.body(history[2].content).await.unwrap();
    assert_eq!(older, Some(StoredBody::Whole("b".into())));
    assert_eq!(
        store.find_content(&ContentHash::of(b"a")).await.unwrap(),
        None
    );
    assert_eq!(store.counts().await.unwrap().bodies, 3);
}

pub(crate) async fn an_unchanged_body_makes_no_version(store: &dyn ResponseStore) {
    let case = Case::default();
    case.store(store).await;
    let again = Case { at: 2_000, ..case };
    again.store(store).await;
    let history = store.history(case.target(store)).await.unwrap();
    assert_eq!((history.len(), history[0].version), (1, 1));
    let found = store.variants(case.target(store)).await.unwrap();
    assert_eq!(found[0].head.times.received_at.as_millis(), 2_000);
    store.invalidate(case.target(store)).await.unwrap();
    assert_eq!(store.counts().await.unwrap().bodies, 0);
}

pub(crate) async fn a_target_keeps_its_latest_variants(store: &dyn ResponseStore) {
    let mut latest = Vec::new();
    for number in 0..MAX_VARIANTS + 3 {
        let value = number.to_string();
        let asked = [("foo", &*value)];
        let case = Case {
            asked: &asked,
            at: i64::try_from(number).unwrap(),
            ..Case::default()
        };
        latest.push(case.store(store).await);
    }
    let found = store.variants(Case::default().target(store)).await.unwrap();
    let mut ids: Vec<_> = found.iter().map(|variant| variant.id).collect();
    ids.sort();
    assert_eq!(ids, latest[3..]);
}

pub(crate) async fn a_body_that_is_too_long_is_refused(store: &dyn ResponseStore) {
    let case = Case::default();
    let mut fill = store.begin(case.target(store)).await.unwrap();
    let longest = usize::try_from(store.max_body_bytes()).unwrap();
    fill.append(vec![0; longest].into()).await.unwrap();
    let refused = fill.append(Bytes::from_static(b"1")).await.unwrap_err();
    assert_eq!(refused.kind(), store_core::ErrorKind::TooLarge);
    drop(fill);
    assert_eq!(store.counts().await.unwrap().bodies, 0);
}

pub(crate) async fn bytes_above_ascii_and_repeated_lines_survive(store: &dyn ResponseStore) {
    let case = Case::default();
    let mut lines = headers(&[
        ("vary", "foo"),
        ("x-a", "1"),
        ("etag", "\"1\""),
        ("x-a", "2"),
        ("x-a", "1"),
        ("x-empty", ""),
    ]);
    let every: Vec<u8> = (b' '..=255).filter(|byte| *byte != 127).collect();
    for name in ["x-a", "set-cookie", "etag"] {
        lines.append(name, HeaderValue::from_bytes(&every[1..]).unwrap());
    }
    let response = case.response_with(store, lines.clone());
    let fill = case.begin(store).await;
    fill.commit(response).await.unwrap();
    let found = store.variants(case.target(store)).await.unwrap();
    assert_eq!(found[0].head.headers, lines);
    let values = found[0].head.headers.get_all("x-a").iter();
    let values: Vec<_> = values.map(HeaderValue::as_bytes).collect();
    assert_eq!(values, [&b"1"[..], b"2", b"1", &every[1..]]);
}
