//! What is removed, counted and told.

use std::sync::{Arc, Mutex};

use super::{Case, hit, noise};
use crate::events::Event;
use crate::store::{ContentHash, ResponseStore};

// covers("C1")
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

// covers("C2")
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

// covers("C1")
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
    assert_eq!(
        (
            counts.urls,
            counts.requests,
            counts.responses,
            counts.bodies
        ),
        (0, 0, 0, 0)
    );
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

// covers("C1", "C4")
pub(crate) async fn events_tell_what_happened(store: &dyn ResponseStore) {
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

// covers("C4")
pub(crate) async fn a_version_is_told_if_the_body_is_another(store: &dyn ResponseStore) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&told);
    let _listener = store.events().listen(move |event| {
        if let Event::VersionCreated { version, .. } = event {
            kept.lock().unwrap().push(*version);
        }
    });
    let other = Case {
        url: "http://example.org/other",
        body: b"stored already",
        ..Case::default()
    };
    other.store(store).await;
    // The third has the body of the second, which has that of another response.
    for (at, body, versions) in [
        (1_000, &b"first"[..], &[][..]),
        (2_000, other.body, &[2]),
        (3_000, other.body, &[2]),
    ] {
        let case = Case {
            body,
            at,
            ..Case::default()
        };
        case.store(store).await;
        assert_eq!(*told.lock().unwrap(), versions);
    }
}

// covers("C1")
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
