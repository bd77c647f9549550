//! Heads that change, and what an invalidation outdates.

use super::Case;
use crate::store::{ContentId, ResponseStore};

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
    let content = content_of(store, &case).await;
    let fill = store.begin(case.target(store)).await.unwrap();
    assert!(
        fill.freshen(id, content, fresh.response(store))
            .await
            .unwrap()
    );
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
    let content = content_of(store, &case).await;
    let fill = store.begin(case.target(store)).await.unwrap();
    store.remove(id).await.unwrap();
    assert!(
        !fill
            .freshen(id, content, case.response(store))
            .await
            .unwrap()
    );
    let fill = store.begin(case.target(store)).await.unwrap();
    store.invalidate(case.target(store)).await.unwrap();
    let id = case.store(store).await;
    let content = content_of(store, &case).await;
    assert!(
        !fill
            .freshen(id, content, case.response(store))
            .await
            .unwrap()
    );
    let other = Case {
        url: "http://example.org/other",
        ..case
    };
    let fill = store.begin(other.target(store)).await.unwrap();
    assert!(
        !fill
            .freshen(id, content, other.response(store))
            .await
            .unwrap()
    );
}

pub(crate) async fn a_replaced_body_keeps_its_head(store: &dyn ResponseStore) {
    let case = Case::default();
    let id = case.store(store).await;
    let content = content_of(store, &case).await;
    // One request validates the first body while another one gets the second.
    let fill = store.begin(case.target(store)).await.unwrap();
    let second = Case {
        headers: &[
            ("cache-control", "max-age=60"),
            ("vary", "foo"),
            ("etag", "\"b\""),
        ],
        body: b"second",
        at: 2_000,
        ..case
    };
    assert_eq!(second.store(store).await, id);
    let late = Case { at: 3_000, ..case };
    assert!(
        !fill
            .freshen(id, content, late.response(store))
            .await
            .unwrap()
    );
    let found = store.variants(case.target(store)).await.unwrap();
    assert_eq!(found[0].head, second.response(store).head);
    assert_eq!(case.bodies(store).await, ["second"]);
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
    let id = first.store(store).await;
    let content = content_of(store, &first).await;
    second.store(store).await;
    let fresh = Case {
        asked: second.asked,
        ..first
    };
    let fill = store.begin(first.target(store)).await.unwrap();
    assert!(
        fill.freshen(id, content, fresh.response(store))
            .await
            .unwrap()
    );
    assert_eq!(first.bodies(store).await, ["body"]);
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

/// The body of the only response of a target.
async fn content_of(store: &dyn ResponseStore, case: &Case<'_>) -> ContentId {
    let found = store.variants(case.target(store)).await.unwrap();
    assert_eq!(found.len(), 1);
    found[0].content
}
