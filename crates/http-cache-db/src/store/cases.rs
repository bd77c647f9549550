//! What every store does, as tests.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use store_core::Timestamp;

use super::{
    ContentHash, Fill, Hit, MAX_VARIANTS, NewResponse, ResponseId, ResponseStore, StoredBody,
};
use crate::engine::StoredResponse;
use crate::events::Event;
use crate::keys::TargetKey;
use crate::policy::{ExchangeTimes, Mode, Policy, RequestHead, ResponseHead};
use crate::test_headers::headers;

/// Makes a test of each case; `$store` makes an empty store that keeps two older versions and a MiB.
#[macro_export]
#[doc(hidden)]
macro_rules! store_cases {
    ($store:expr) => {
        $crate::store_cases!($store;
            a_response_is_found_as_it_was_stored,
            variants_stand_side_by_side,
            a_whole_replaces_its_parts,
            nothing_is_seen_before_the_commit,
            what_was_invalidated_since_a_fill_began_is_not_stored,
            a_late_response_does_not_replace_a_newer_one,
            equal_bodies_are_kept_once,
            a_changed_body_makes_a_version,
            an_unchanged_body_makes_no_version,
            freshening_changes_the_head_alone,
            what_is_gone_or_invalidated_is_not_freshened,
            freshening_may_change_the_variant,
            a_removed_response_is_gone,
            a_released_body_takes_its_responses_along,
            clear_removes_everything,
            eviction_spares_what_was_used,
            older_versions_are_evicted_first,
            a_target_keeps_its_latest_variants,
            a_body_that_is_too_long_is_refused,
            bytes_above_ascii_and_repeated_lines_survive,
            events_tell_what_happened,
            a_closed_store_says_so,
        );
    };
    ($store:expr; $($case:ident,)*) => {
        $(
            #[tokio::test]
            async fn $case() {
                let store = $store;
                $crate::store::cases::$case(&store).await;
                store.close().await.unwrap();
            }
        )*
    };
}

type Lines<'a> = &'a [(&'static str, &'a str)];

/// A response to store.
#[derive(Clone, Copy)]
pub(crate) struct Case<'a> {
    pub(crate) url: &'static str,
    pub(crate) asked: Lines<'a>,
    pub(crate) status: u16,
    pub(crate) headers: Lines<'a>,
    pub(crate) body: &'a [u8],
    /// When it arrived, in milliseconds.
    pub(crate) at: i64,
}

impl Default for Case<'_> {
    fn default() -> Self {
        Self {
            url: "http://example.org/issues?page=1",
            asked: &[],
            status: 200,
            headers: &[("cache-control", "max-age=60"), ("vary", "foo")],
            body: b"body",
            at: 1_000,
        }
    }
}

impl Case<'_> {
    pub(crate) fn target(&self, store: &dyn ResponseStore) -> TargetKey {
        store.salt().target_key(&Uri::from_static(self.url))
    }

    pub(crate) fn response(&self, store: &dyn ResponseStore) -> NewResponse {
        self.response_with(store, headers(self.headers))
    }

    fn response_with(&self, store: &dyn ResponseStore, lines: HeaderMap) -> NewResponse {
        let policy = Policy::new(Mode::Private);
        let target = Uri::from_static(self.url);
        let request = RequestHead::new(Method::GET, target, headers(self.asked));
        let status = StatusCode::from_u16(self.status).unwrap();
        let response = ResponseHead::new(status, lines, &policy);
        let received_at = Timestamp::from_millis(self.at);
        let requested_at = Timestamp::from_millis(self.at - 5);
        let times = ExchangeTimes {
            requested_at,
            received_at,
        };
        let len = self.body.len() as u64;
        let stored = StoredResponse::new(&request, response, times, len, store.salt(), &policy);
        NewResponse::new(request, &stored.unwrap(), &policy)
    }

    async fn begin(&self, store: &dyn ResponseStore) -> Box<dyn Fill> {
        let mut fill = store.begin(self.target(store)).await.unwrap();
        fill.describe(&headers(self.headers));
        let (first, second) = self.body.split_at(self.body.len() / 2);
        for bytes in [first, second] {
            let appended = fill.append(Bytes::copy_from_slice(bytes)).await;
            appended.unwrap();
        }
        assert_eq!(fill.body_len(), self.body.len() as u64);
        fill
    }

    pub(crate) async fn store(&self, store: &dyn ResponseStore) -> ResponseId {
        let fill = self.begin(store).await;
        let stored = fill.commit(self.response(store)).await.unwrap();
        stored.expect("stored")
    }

    /// The bodies of the target, if the store can be read.
    pub(crate) async fn bodies_or_none(&self, store: &dyn ResponseStore) -> Option<Vec<Bytes>> {
        let variants = store.variants(self.target(store)).await.ok()?;
        let bodies = variants.into_iter().filter_map(|variant| variant.body);
        Some(bodies.collect())
    }

    /// The bodies of the target, sorted.
    pub(crate) async fn bodies(&self, store: &dyn ResponseStore) -> Vec<Bytes> {
        let mut bodies = Vec::new();
        for variant in store.variants(self.target(store)).await.unwrap() {
            let body = store.body(variant.content).await.unwrap();
            let Some(StoredBody::Whole(body)) = body else {
                panic!("{body:?}");
            };
            assert!(variant.body.is_none_or(|read| read == body));
            assert_eq!(variant.head.body_len, body.len() as u64);
            bodies.push(body);
        }
        bodies.sort();
        bodies
    }
}

fn hit(response: ResponseId) -> Hit {
    Hit {
        response: Some(response),
        host: "example.org".to_owned(),
        path: "/issues".to_owned(),
        at: Timestamp::from_millis(2_000),
        duration: std::time::Duration::from_millis(3),
        bytes: 4,
    }
}

// covers("C1")
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
    assert_eq!((counts.urls, counts.responses, counts.bodies), (1, 1, 1));
    assert_eq!(counts.body_bytes, 4);
    let health = store.health().await.unwrap();
    assert!(health.used_bytes > 0 && health.max_bytes >= health.used_bytes);
}

// covers("F58", "T4")
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

pub(crate) async fn what_was_invalidated_since_a_fill_began_is_not_stored(
    store: &dyn ResponseStore,
) {
    let case = Case::default();
    let (early, other) = (case.begin(store).await, case.begin(store).await);
    assert_eq!(store.invalidate(case.target(store)).await.unwrap(), 0);
    assert_eq!(early.commit(case.response(store)).await.unwrap(), None);
    case.store(store).await;
    assert_eq!(other.commit(case.response(store)).await.unwrap(), None);
    assert_eq!(case.bodies(store).await, ["body"]);
    assert_eq!(store.invalidate(case.target(store)).await.unwrap(), 1);
    assert!(case.bodies(store).await.is_empty());
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

// covers("C5")
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
    assert!(store.find_content(&hash).await.unwrap().is_some());
    assert!(store.remove(id).await.unwrap());
    assert_eq!(second.bodies(store).await, ["body"]);
    store.invalidate(second.target(store)).await.unwrap();
    assert_eq!(store.find_content(&hash).await.unwrap(), None);
    assert_eq!(store.counts().await.unwrap().bodies, 0);
}

// covers("C12", "C22")
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

pub(crate) async fn freshening_changes_the_head_alone(store: &dyn ResponseStore) {
    let case = Case::default();
    let id = case.store(store).await;
    let fresh = Case {
        headers: &[
            ("cache-control", "max-age=60"),
            ("vary", "foo"),
            ("x-new", "1"),
        ],
        at: 2_000,
        ..case
    };
    let fill = store.begin(case.target(store)).await.unwrap();
    assert!(fill.freshen(id, fresh.response(store)).await.unwrap());
    let found = store.variants(case.target(store)).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].id, &found[0].head),
        (id, &fresh.response(store).head)
    );
    assert_eq!(case.bodies(store).await, ["body"]);
}

pub(crate) async fn what_is_gone_or_invalidated_is_not_freshened(store: &dyn ResponseStore) {
    let case = Case::default();
    let id = case.store(store).await;
    let fill = store.begin(case.target(store)).await.unwrap();
    store.remove(id).await.unwrap();
    assert!(!fill.freshen(id, case.response(store)).await.unwrap());
    let fill = store.begin(case.target(store)).await.unwrap();
    store.invalidate(case.target(store)).await.unwrap();
    let id = case.store(store).await;
    assert!(!fill.freshen(id, case.response(store)).await.unwrap());
    let other = Case {
        url: "http://example.org/other",
        ..case
    };
    let fill = store.begin(other.target(store)).await.unwrap();
    assert!(!fill.freshen(id, other.response(store)).await.unwrap());
}

pub(crate) async fn freshening_may_change_the_variant(store: &dyn ResponseStore) {
    let first = Case {
        asked: &[("foo", "1"), ("bar", "1")],
        ..Case::default()
    };
    let second = Case {
        asked: &[("foo", "2"), ("bar", "1")],
        body: b"other",
        ..first
    };
    let (id, _) = (first.store(store).await, second.store(store).await);
    let fresh = Case {
        asked: second.asked,
        ..first
    };
    let fill = store.begin(first.target(store)).await.unwrap();
    assert!(fill.freshen(id, fresh.response(store)).await.unwrap());
    assert_eq!(first.bodies(store).await, ["body"]);
}

pub(crate) async fn a_removed_response_is_gone(store: &dyn ResponseStore) {
    let case = Case::default();
    let id = case.store(store).await;
    let content = store.variants(case.target(store)).await.unwrap()[0].content;
    assert!(store.remove(id).await.unwrap());
    assert!(!store.remove(id).await.unwrap());
    assert!(case.bodies(store).await.is_empty());
    assert_eq!(store.body(content).await.unwrap(), None);
    assert_ne!(case.store(store).await, id);
    assert_ne!(
        store.variants(case.target(store)).await.unwrap()[0].content,
        content
    );
}

pub(crate) async fn a_released_body_takes_its_responses_along(store: &dyn ResponseStore) {
    let (first, second) = (
        Case::default(),
        Case {
            url: "http://example.org/other",
            ..Case::default()
        },
    );
    let third = Case {
        asked: &[("foo", "1")],
        body: b"other",
        ..first
    };
    for case in [first, second, third] {
        case.store(store).await;
    }
    let hash = ContentHash::of(b"body");
    let content = store.find_content(&hash).await.unwrap().unwrap();
    assert_eq!(store.release(content).await.unwrap(), 2);
    assert_eq!(first.bodies(store).await, ["other"]);
    assert!(second.bodies(store).await.is_empty());
    assert_eq!(store.find_content(&hash).await.unwrap(), None);
}

pub(crate) async fn clear_removes_everything(store: &dyn ResponseStore) {
    let case = Case::default();
    let other = Case {
        url: "http://example.org/other",
        ..case
    };
    case.store(store).await;
    other.store(store).await;
    let fill = case.begin(store).await;
    assert_eq!(store.clear().await.unwrap(), 2);
    assert_eq!(fill.commit(case.response(store)).await.unwrap(), None);
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.urls, counts.responses, counts.bodies), (0, 0, 0));
    case.store(store).await;
    assert_eq!(case.bodies(store).await, ["body"]);
}

pub(crate) async fn eviction_spares_what_was_used(store: &dyn ResponseStore) {
    let bodies: Vec<Vec<u8>> = (0..8).map(|at| noise(at, 20_000)).collect();
    let mut ids = Vec::new();
    for body in &bodies {
        let value = ids.len().to_string();
        let asked = [("foo", &*value)];
        let case = Case {
            asked: &asked,
            body,
            ..Case::default()
        };
        ids.push(case.store(store).await);
    }
    let used = vec![hit(ids[0]), hit(ids[3])];
    store.record_hits(used).await.unwrap();
    let evicted = store.evict(50_000).await.unwrap();
    assert_eq!(evicted.responses, 3);
    assert!(evicted.bytes >= 50_000);
    let left = store.variants(Case::default().target(store)).await.unwrap();
    let mut left: Vec<_> = left.iter().map(|variant| variant.id).collect();
    left.sort();
    assert_eq!(left, [ids[0], ids[3], ids[5], ids[6], ids[7]]);
    // The hand goes on where it stopped; what it spared once has to be used again.
    store.evict(90_000).await.unwrap();
    let left = store.counts().await.unwrap();
    assert!(left.responses <= 1, "{left:?}");
}

pub(crate) async fn older_versions_are_evicted_first(store: &dyn ResponseStore) {
    for (at, seed) in [(1, 1), (2, 2)] {
        let body = noise(seed, 20_000);
        let case = Case {
            at,
            body: &body,
            ..Case::default()
        };
        case.store(store).await;
    }
    let evicted = store.evict(1).await.unwrap();
    assert_eq!((evicted.versions, evicted.responses), (1, 0));
    let history = store.history(Case::default().target(store)).await.unwrap();
    assert_eq!(history.len(), 1);
    assert_eq!(history[0].version, 2);
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

// covers("C4")
pub(crate) async fn events_tell_what_happened(store: &dyn ResponseStore) {
    use std::sync::{Arc, Mutex};
    let heard = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&heard);
    let _listener = store
        .events()
        .listen(move |event| kept.lock().unwrap().push(event.clone()));
    let first = Case {
        url: "http://example.org/issues?api_key=s3cret",
        ..Case::default()
    };
    let id = first.store(store).await;
    let second = Case {
        at: 2_000,
        body: b"other",
        ..first
    };
    second.store(store).await;
    store.record_hits(vec![hit(id), hit(id)]).await.unwrap();
    store.remove(id).await.unwrap();
    store.clear().await.unwrap();
    let heard = heard.lock().unwrap();
    let has = |wanted: &dyn Fn(&Event) -> bool| {
        assert!(heard.iter().any(wanted), "{heard:#?}");
    };
    has(&|event| {
        let Event::StoreSuccess {
            url,
            response,
            bytes,
            ..
        } = event
        else {
            return false;
        };
        !url.contains("s3cret") && (*response, *bytes) == (id, 4)
    });
    has(&|event| {
        *event
            == Event::VersionCreated {
                response: id,
                version: 2,
            }
    });
    has(&|event| {
        *event
            == Event::Accessed {
                response: id,
                hits: 2,
            }
    });
    has(&|event| *event == Event::DeleteSuccess { responses: 1 });
    has(&|event| *event == Event::Destroyed { responses: 0 });
    has(&|event| {
        matches!(
            event,
            Event::ReferenceCountChanged {
                reference_count: 1,
                ..
            }
        )
    });
}

pub(crate) async fn a_closed_store_says_so(store: &dyn ResponseStore) {
    let case = Case::default();
    case.store(store).await;
    assert!(store.is_open());
    store.close().await.unwrap();
    assert!(!store.is_open());
    let error = store.variants(case.target(store)).await.unwrap_err();
    assert_eq!(error.kind(), store_core::ErrorKind::Closed);
    let error = store.begin(case.target(store)).await.unwrap_err();
    assert_eq!(error.kind(), store_core::ErrorKind::Closed);
}

/// Bytes that no codec makes shorter.
pub(crate) fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    std::iter::repeat_with(next).take(len).collect()
}
