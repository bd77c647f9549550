//! Targets that are answered by responses of others.

use http::Uri;

use super::Case;
use crate::keys::TargetKey;
use crate::store::{Equivalence, Purge, ResponseStore};

const VARIATION: (&str, &str) = ("no-vary-search", "params=(\"utm\")");
const ONE: Case<'static> = Case {
    url: "http://example.org/a?id=1&utm=1",
    asked: &[],
    status: 200,
    headers: &[("cache-control", "max-age=60"), VARIATION],
    body: b"one",
    at: 1_000,
};
const SAME: &str = "http://example.org/a?utm=2&id=1";

async fn find(store: &dyn ResponseStore, url: &'static str) -> Option<TargetKey> {
    let found = store.find_equivalent(&Uri::from_static(url)).await;
    found.unwrap().map(|(target, _)| target)
}

fn base(store: &dyn ResponseStore) -> TargetKey {
    Equivalence::base(&Uri::from_static(SAME), store.salt())
}

pub(crate) async fn an_equivalent_target_is_found(store: &dyn ResponseStore) {
    assert_eq!(find(store, SAME).await, None);
    let id = ONE.store(store).await;
    let key = ONE.target(store);
    for (url, found) in [
        (SAME, Some(key)),
        (ONE.url, Some(key)),
        ("http://example.org/a?id=1", Some(key)),
        ("http://example.org/a?id=2&utm=1", None),
        ("http://example.org/b?id=1", None),
        ("https://example.org/a?id=1", None),
    ] {
        assert_eq!(find(store, url).await, found, "{url}");
    }
    // The latest response counts, and the latest field.
    let later = Case {
        url: "http://example.org/a?id=1&utm=3",
        ..ONE
    };
    later.store(store).await;
    assert_eq!(find(store, SAME).await, Some(later.target(store)));
    store.remove(id).await.unwrap();
    assert_eq!(find(store, SAME).await, Some(later.target(store)));
    let other_field = Case {
        url: "http://example.org/a?id=7&page=1",
        headers: &[
            ("cache-control", "max-age=60"),
            ("no-vary-search", "except=(\"id\")"),
        ],
        ..ONE
    };
    other_field.store(store).await;
    assert_eq!(find(store, SAME).await, None);
    let found = find(store, "http://example.org/a?id=7").await;
    assert_eq!(found, Some(other_field.target(store)));
    // One that no longer has the field answers its own target alone.
    let without = Case {
        headers: &[("cache-control", "max-age=60")],
        at: 2_000,
        ..other_field
    };
    without.store(store).await;
    assert_eq!(find(store, "http://example.org/a?id=7").await, None);
}

pub(crate) async fn an_invalid_base_has_no_equivalent_targets(store: &dyn ResponseStore) {
    let purge = Purge::url(SAME).unwrap();
    for soft in [false, true] {
        ONE.store(store).await;
        let before = ONE.begin(store).await;
        if soft {
            store.purge(&purge.clone().soft()).await.unwrap();
        } else {
            store.invalidate(base(store)).await.unwrap();
        }
        assert_eq!(find(store, SAME).await, None);
        // It still answers its own target.
        assert_eq!(ONE.bodies(store).await, ["one"]);
        let committed = before.commit(ONE.response(store)).await.unwrap();
        assert_eq!(committed, None);
        store.clear().await.unwrap();
        assert_eq!(find(store, ONE.url).await, None);
    }
}
