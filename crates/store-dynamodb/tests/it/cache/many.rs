//! Removals of many values, and of many tags: what they take, and what is freed later.

use store_core::{CacheStore, ManualClock, PageRequest, Removal, Scope, Selection, Tag, Ttl};

use super::capacity::cost;
use super::{cache, cache_at, entry, items, key, tag};
use crate::support;

/// More than the partitions' share of what a clearing removes itself.
const MANY: usize = 1_200;

fn names(scope: &str, count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{scope}:{n}")).collect()
}

// covers("F51")
#[tokio::test]
async fn large_scope_is_hidden_at_once_and_freed_by_cleanups() {
    let table = support::table().await;
    let clock = ManualClock::default();
    let cache = cache_at(&table, &clock);
    let of_scope = names("comics", MANY);
    let entries = of_scope.iter().map(|name| entry(name, "a", &[]));
    cache
        .set_many(entries.collect())
        .await
        .expect("they are stored");
    cache
        .set(entry("others:1", "a", &[]).with_ttl(Ttl::Never))
        .await
        .expect("it is stored");
    let scope = Selection::Scope(Scope::new("comics").expect("a scope"));
    let cleared = cost(&table, async {
        let removed = cache.clear(&scope).await;
        assert_eq!(removed.expect("an answer"), Removal::uncounted());
    });
    let cleared = cleared.await;
    assert!(cleared.0 < 40 && cleared.2 < 20.0, "{cleared:?}");

    let keys: Vec<_> = of_scope.iter().map(|name| key(name)).collect();
    let found = cache.get_many(&keys).await.expect("answers").into_iter();
    assert_eq!(found.filter_map(store_core::Lookup::hit).count(), 0);
    assert_eq!(cache.stats().await.expect("counts").total_items, 1);
    let listed = cost(&table, async {
        let request = PageRequest::default().with_limit(10);
        let page = cache.list(&request).await.expect("a page");
        assert_eq!(page.items.len(), 1);
    });
    let listed = listed.await;
    assert!(listed.0 < 120, "{listed:?}");

    let mut freed = 0;
    for _ in 0..4 {
        freed += cache.cleanup().await.expect("a count");
    }
    assert_eq!(freed, u64::try_from(MANY).expect("few"));
    // What is left is tombstones, which go by themselves.
    let left = items(&table, "VALUE#").await;
    let lasting = left.iter().filter(|item| !item.contains_key("TTL")).count();
    assert_eq!((left.len(), lasting), (MANY + 1, 1));
}

// covers("F46", "F53")
#[tokio::test]
async fn thousands_of_tags_take_few_requests() {
    let table = support::table().await;
    let cache = cache(&table);
    let tags: Vec<Tag> = names("issue", 2_000).iter().map(|name| tag(name)).collect();
    cache
        .set(entry("comics:1", "a", &["issue:1999"]))
        .await
        .expect("it is stored");
    // Once as nobody marks them, and once in place of a mark that is newer.
    for round in 0..2 {
        let cost = cost(&table, async {
            cache.invalidate_tags(&tags).await.expect("it is done");
        });
        let cost = cost.await;
        assert!(cost.0 < 40, "round {round}: {cost:?}");
        let found = cache.get(&key("comics:1")).await.expect("an answer");
        assert_eq!(found.hit(), None);
        cache
            .set(entry("comics:1", "b", &["issue:1999"]))
            .await
            .expect("it is stored");
    }
}

#[tokio::test]
async fn many_tags_are_invalidated_though_others_invalidate_them_too() {
    let table = support::table().await;
    let cache = cache(&table);
    let tags: Vec<Tag> = names("issue", 150).iter().map(|name| tag(name)).collect();
    for tags in [&["issue:0"][..], &["issue:149"]] {
        let name = tags[0].replace("issue", "comics");
        cache
            .set(entry(&name, "a", tags))
            .await
            .expect("it is stored");
    }
    let work = (0..6).map(|_| cache.invalidate_tags(&tags));
    for done in futures_util::future::join_all(work).await {
        done.expect("it is done");
    }
    for name in ["comics:0", "comics:149"] {
        assert_eq!(super::value(&cache, name).await, None, "{name}");
    }
}
