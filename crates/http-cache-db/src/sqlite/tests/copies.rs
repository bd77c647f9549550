//! Copies in memory, and changes of the file that they must not outlive.

use std::path::Path;

use super::*;
use crate::sqlite::copies::Lookup;
use crate::store::Evicted;

const MEMORY: u64 = 1 << 20;

fn with_copies() -> SqliteStoreOptions {
    SqliteStoreOptions::default()
        .with_max_bytes(1 << 20)
        .with_max_versions(2)
        .with_memory_bytes(MEMORY)
}

crate::store_cases!(SqliteStore::in_memory(with_copies()).await.unwrap());

/// Two processes on one file, of which the first keeps copies.
async fn pair(path: &Path) -> (SqliteStore, SqliteStore) {
    let open = |options| SqliteStore::open(path, options);
    let copying = open(with_copies()).await.unwrap();
    (copying, open(SqliteStoreOptions::default()).await.unwrap())
}

async fn status(store: &SqliteStore, case: &Case<'_>) -> Option<u16> {
    let variants = store.variants(case.target(store)).await.unwrap();
    variants.first().map(|variant| variant.head.status.as_u16())
}

/// Changes what the file has, but not by a way of the store, so that a copy is told from the file.
async fn tamper(store: &SqliteStore) {
    execute(store, "UPDATE responses SET status_code = 404").await;
}

#[tokio::test]
async fn a_copy_answers_until_its_target_changes() {
    let folder = tempfile::tempdir().unwrap();
    let (store, other) = pair(&folder.path().join("cache.db")).await;
    let (case, else_where) = (
        Case::default(),
        Case {
            url: "http://example.org/other",
            ..Case::default()
        },
    );
    let id = case.store(&other).await;
    assert_eq!(status(&store, &case).await, Some(200));
    tamper(&other).await;
    assert_eq!(status(&store, &case).await, Some(200));
    // Of the uses of it, or another target, it is independent.
    let hit = crate::store::Hit {
        response: Some(id),
        host: "example.org".to_owned(),
        path: "/issues".to_owned(),
        at: Timestamp::default(),
        duration: std::time::Duration::ZERO,
        bytes: 4,
    };
    other.record_hits(vec![hit]).await.unwrap();
    else_where.store(&other).await;
    other.cleanup().await.unwrap();
    other.recompress(store_core::SECOND).await.unwrap();
    assert_eq!(status(&store, &case).await, Some(200));
    // But not of a change of its own.
    other.invalidate(case.target(&other)).await.unwrap();
    assert_eq!(status(&store, &case).await, None);
}

#[tokio::test]
async fn every_way_to_change_a_target_is_seen_by_another_process() {
    for way in [
        "replace",
        "freshen",
        "invalidate",
        "remove",
        "release",
        "clear",
        "evict",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (store, other) = pair(&folder.path().join("cache.db")).await;
        let case = Case::default();
        let id = case.store(&other).await;
        let target = case.target(&store);
        let before = store.variants(target).await.unwrap();
        let later = Case {
            at: 7_000,
            headers: &[("x-change", "2"), ("cache-control", "max-age=60")],
            ..Case::default()
        };
        match way {
            "replace" => {
                later.store(&other).await;
            }
            "freshen" => {
                let fill = other.begin(target).await.unwrap();
                let new = later.response(&other);
                assert!(fill.freshen(id, before[0].content, new).await.unwrap());
            }
            "invalidate" => assert_eq!(other.invalidate(target).await.unwrap(), 1),
            "remove" => assert!(other.remove(id).await.unwrap()),
            "release" => assert_eq!(other.release(before[0].content).await.unwrap(), 1),
            "clear" => assert_eq!(other.clear().await.unwrap(), 1),
            _ => assert_ne!(other.evict(1).await.unwrap(), Evicted::default()),
        }
        let after = store.variants(target).await.unwrap();
        let expected = other.variants(target).await.unwrap();
        assert_eq!(format!("{after:?}"), format!("{expected:?}"), "{way}");
        assert_ne!(format!("{after:?}"), format!("{before:?}"), "{way}");
    }
}

#[tokio::test]
async fn who_is_behind_the_log_drops_everything() {
    let folder = tempfile::tempdir().unwrap();
    let (store, other) = pair(&folder.path().join("cache.db")).await;
    let case = Case::default();
    case.store(&other).await;
    assert_eq!(status(&store, &case).await, Some(200));
    tamper(&other).await;
    let many = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)
        INSERT INTO target_changes (url_key) SELECT randomblob(16) FROM n";
    execute(&other, many).await;
    assert_eq!(status(&store, &case).await, Some(200));
    execute(&other, many).await;
    execute(&other, many).await;
    assert_eq!(status(&store, &case).await, Some(404));
    // The log has an end.
    let rows = number(&other, "SELECT count(*) FROM target_changes").await;
    assert!((4_096..4_096 + 256).contains(&rows), "{rows}");
}

#[tokio::test]
async fn what_was_looked_up_before_a_change_was_read_is_not_kept() {
    let store = SqliteStore::in_memory(with_copies()).await.unwrap();
    let case = Case::default();
    case.store(&store).await;
    let (opened, target) = (store.shared.current(), case.target(&store));
    let copies = opened.copies.as_ref().unwrap();
    let look_up = |target| copies.variants(&opened.database, target).unwrap();
    let Lookup::Missing(position) = look_up(target) else {
        panic!("a copy before the first lookup");
    };
    let late = SqliteStore::variants(&store, target).await.unwrap();
    store.invalidate(target).await.unwrap();
    // Another lookup reads the log.
    let other = store
        .salt()
        .target_key(&"http://example.org/other".parse().unwrap());
    look_up(other);
    copies.keep_variants(target, position, &late);
    assert!(matches!(look_up(target), Lookup::Missing(_)));
}

#[tokio::test]
async fn bodies_of_several_variants_are_copied_too() {
    let store = SqliteStore::in_memory(with_copies()).await.unwrap();
    let cases = ["1", "2"].map(|value| [("foo", value)]);
    for asked in &cases {
        let case = Case {
            asked,
            ..Case::default()
        };
        case.store(&store).await;
    }
    let target = Case::default().target(&store);
    let variants = store.variants(target).await.unwrap();
    assert_eq!(variants.len(), 2);
    let content = variants[0].content;
    let body = store.body(content).await.unwrap();
    assert!(body.is_some());
    execute(&store, "UPDATE body_contents SET body_content = x'00'").await;
    assert_eq!(store.body(content).await.unwrap(), body);
    // They go with their target.
    store.invalidate(target).await.unwrap();
    assert!(store.variants(target).await.unwrap().is_empty());
    assert_eq!(store.body(content).await.unwrap(), None);
}
