//! The file: shared, damaged, and without secrets.

use std::path::Path;

use futures_util::StreamExt;
use http::{Method, Uri};
use sqlite_database::SqliteDatabase;

use super::*;
use crate::events::Event;
use crate::policy::{ExchangeTimes, Policy, RequestHead, ResponseHead};
use crate::store::NewResponse;
use crate::test_headers::headers;

async fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path, SqliteStoreOptions::default())
        .await
        .unwrap()
}

fn cache_files(folder: &Path) -> Vec<std::path::PathBuf> {
    let files = std::fs::read_dir(folder).unwrap();
    files.map(|file| file.unwrap().path()).collect()
}

// covers("C20")
#[tokio::test]
async fn what_was_stored_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    let store = open(&path).await;
    let json = b"{\"name\": \"Saga\"}".repeat(20);
    let case = Case {
        headers: &[
            ("content-type", "application/json"),
            ("cache-control", "max-age=60"),
        ],
        body: &json,
        ..Case::default()
    };
    let id = case.store(&store).await;
    store.close().await.unwrap();
    let store = open(&path).await;
    let found = store.variants(case.target(&store)).await.unwrap();
    assert_eq!(
        (found[0].id, &found[0].head),
        (id, &case.response(&store).head)
    );
    assert_eq!(case.bodies(&store).await[0], json);
    let file = store.stored_file(id).await.unwrap().unwrap();
    assert_eq!(file.body, json);
    let compressed = "SELECT compressed_size < original_size FROM body_contents";
    assert_eq!(number(&store, compressed).await, 1);
    assert_sound(&store).await;
    store.close().await.unwrap();
}

// covers("C3")
#[tokio::test]
async fn a_new_file_gets_its_schema_and_a_write_ahead_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    let store = open(&path).await;
    let version = number(&store, "SELECT max(version) FROM schema_version").await;
    assert_eq!(version, HTTP_CACHE.migrations.last().unwrap().version);
    let is_wal = "SELECT journal_mode = 'wal' FROM pragma_journal_mode";
    assert_eq!(number(&store, is_wal).await, 1);
    Case::default().store(&store).await;
    assert!(store.stats(1, 1).await.unwrap().log_bytes > 0);
    store.close().await.unwrap();
}

#[tokio::test]
async fn stores_on_one_file_see_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    let (first, second) = (open(&path).await, open(&path).await);
    let case = Case::default();
    case.store(&first).await;
    assert_eq!(case.bodies(&second).await, ["body"]);
    let fill = first.begin(case.target(&first)).await.unwrap();
    second.invalidate(case.target(&second)).await.unwrap();
    assert_eq!(fill.commit(case.response(&first)).await.unwrap(), None);
    let fill = first.begin(case.target(&first)).await.unwrap();
    second.clear().await.unwrap();
    assert_eq!(fill.commit(case.response(&first)).await.unwrap(), None);
    first.close().await.unwrap();
    second.close().await.unwrap();
}

#[tokio::test]
async fn a_pair_that_another_process_sweeps_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    let (first, second) = (open(&path).await, open(&path).await);
    let case = Case {
        headers: &[("x-a", "1"), ("x-b", "2"), ("vary", "foo")],
        ..Case::default()
    };
    // What comes once has no row.
    case.store(&first).await;
    case.store(&first).await;
    second.invalidate(case.target(&second)).await.unwrap();
    assert_eq!(second.cleanup().await.unwrap().header_pairs, 3);
    assert_eq!(
        number(&second, "SELECT count(*) FROM header_values").await,
        0
    );
    assert_eq!(
        number(&second, "SELECT count(*) FROM header_names").await,
        0
    );
    // Knows the pairs by ids that are gone.
    case.store(&first).await;
    let found = second.variants(case.target(&second)).await.unwrap();
    assert_eq!(found[0].head, case.response(&second).head);
    assert_sound(&second).await;
    first.close().await.unwrap();
    second.close().await.unwrap();
}

#[tokio::test]
async fn no_secret_reaches_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("cache.db")).await;
    let target = Uri::from_static("http://example.org/issues?api_key=s3cr3tkey&page=2");
    let asked = headers(&[
        ("authorization", "Bearer s3cr3ttoken"),
        ("cookie", "session=s3cr3tcookie"),
        ("x-api-key", "s3cr3theader"),
        ("referer", "http://example.org/?api_key=s3cr3tkey"),
        ("accept", "application/json"),
    ]);
    let policy = Policy::default();
    let request = RequestHead::new(Method::GET, target.clone(), asked);
    let lines = headers(&[("cache-control", "max-age=60, public"), ("vary", "cookie")]);
    let response = ResponseHead::new(http::StatusCode::OK, lines, &policy);
    let now = Timestamp::from_millis(1_000);
    let times = ExchangeTimes {
        requested_at: now,
        received_at: now,
    };
    let salt = store.salt();
    let stored =
        crate::engine::StoredResponse::new(&request, response, times, 4, salt, &policy).unwrap();
    let mut fill = store.begin(salt.target_key(&target)).await.unwrap();
    fill.append("body".into()).await.unwrap();
    let new = NewResponse::new(request, &stored, &policy);
    fill.commit(new).await.unwrap().expect("stored");
    let found = |needle: &str| {
        let contains = |file: &Path| {
            let bytes = std::fs::read(file).unwrap();
            bytes
                .windows(needle.len())
                .any(|window| window == needle.as_bytes())
        };
        cache_files(folder.path()).iter().any(|file| contains(file))
    };
    // In the log, and then in the file.
    for is_closed in [false, true] {
        if is_closed {
            store.close().await.unwrap();
        }
        assert!(!found("s3cr3t"));
        assert!(found("api_key=REDACTED&page=2") || found("api_key=REDACTED"));
        assert!(found("application/json"));
    }
}

#[tokio::test]
async fn a_cache_that_is_no_database_any_more_is_set_aside_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    let store = open(&path).await;
    Case::default().store(&store).await;
    store.close().await.unwrap();
    let mut garbage = std::fs::read(&path).unwrap();
    garbage[..100].fill(7);
    std::fs::write(&path, &garbage).unwrap();
    let opened = tokio::join!(open(&path), open(&path), open(&path));
    let case = Case::default();
    case.store(&opened.0).await;
    assert_eq!(case.bodies(&opened.2).await, ["body"]);
    assert_eq!(
        std::fs::read(folder.path().join("cache.db.damaged-1")).unwrap(),
        garbage
    );
    assert!(!folder.path().join("cache.db.damaged-2").exists());
    for store in [opened.0, opened.1, opened.2] {
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_file_that_was_cut_off_under_another_process_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    let (store, case) = (open(&path).await, Case::default());
    case.store(&store).await;
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.set_len(0).unwrap();
    // The first one has not noticed.
    let other = open(&path).await;
    assert!(folder.path().join("cache.db.damaged-1").exists());
    case.store(&other).await;
    assert_eq!(case.bodies(&other).await, ["body"]);
    assert_sound(&other).await;
    store.close().await.unwrap();
    other.close().await.unwrap();
}

#[tokio::test]
async fn what_is_no_cache_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "notes\n".repeat(1_000)).unwrap();
    let foreign = folder.path().join("foreign.db");
    let database = SqliteDatabase::open(&foreign).await.unwrap();
    let made = database.write(|tx| Ok(tx.execute_batch("CREATE TABLE responses (id INTEGER)")?));
    made.await.unwrap();
    database.close().await.unwrap();
    for (path, reason) in [(text, "no database"), (foreign, "another program")] {
        let before = std::fs::read(&path).unwrap();
        let refused = SqliteStore::open(&path, SqliteStoreOptions::default()).await;
        let error = refused.unwrap_err();
        assert_eq!(error.kind(), store_core::ErrorKind::InvalidInput);
        assert!(error.to_string().contains(reason), "{error}");
        assert!(std::fs::read(&path).unwrap() == before);
    }
    let left = std::fs::read_dir(folder.path()).unwrap();
    assert_eq!(left.count(), 2);
}

#[tokio::test]
async fn bodies_of_two_files_have_different_ids() {
    let folder = tempfile::tempdir().unwrap();
    let mut ids = Vec::new();
    for name in ["one.db", "two.db"] {
        let store = open(&folder.path().join(name)).await;
        let case = Case::default();
        case.store(&store).await;
        let found = store.variants(case.target(&store)).await.unwrap();
        ids.push(found[0].content);
        assert_eq!(store.body(ids[0]).await.unwrap().is_some(), ids.len() == 1);
        store.close().await.unwrap();
    }
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn what_was_invalidated_in_a_file_that_is_gone_is_invalid_in_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    let (store, case) = (open(&path).await, Case::default());
    case.store(&store).await;
    for name in ["cache.db", "cache.db-wal", "cache.db-shm"] {
        std::fs::remove_file(folder.path().join(name)).unwrap();
    }
    // Another process begins a new file.
    let other = open(&path).await;
    case.store(&other).await;
    let _counted = store.invalidate(case.target(&store)).await;
    while store.salt() != other.salt() {
        let _found = store.variants(case.target(&store)).await;
        tokio::task::yield_now().await;
    }
    assert!(case.bodies(&other).await.is_empty());
    case.store(&other).await;
    assert_eq!(case.bodies(&store).await, ["body"]);
    store.close().await.unwrap();
    other.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_gets_damaged_is_replaced_while_it_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    let store = open(&path).await;
    for number in 0..200 {
        let value = number.to_string();
        let asked = [("foo", &*value)];
        let url: &'static str = Box::leak(format!("http://example.org/{number}").into_boxed_str());
        let body = crate::store::cases::noise(number, 5_000);
        let case = Case {
            url,
            asked: &asked,
            body: &body,
            ..Case::default()
        };
        case.store(&store).await;
    }
    let database = store.database().unwrap();
    let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
    let moved = database.long_read(move |db| Ok(db.query_row(checkpoint, [], |_| Ok(()))?));
    // A read-only connection may not; closing does.
    let _refused = moved.await;
    store.close().await.unwrap();
    damage(&path);
    let events = crate::events::Events::default();
    let mut heard = events.stream();
    let options = SqliteStoreOptions::default().with_events(events);
    let store = SqliteStore::open(&path, options).await.unwrap();
    let case = Case::default();
    // Fails until the file is replaced, and harms nobody.
    let mut stored = None;
    while stored.is_none() {
        tokio::task::yield_now().await;
        let Ok(mut fill) = store.begin(case.target(&store)).await else {
            continue;
        };
        if fill.append("body".into()).await.is_err() {
            continue;
        }
        stored = fill.commit(case.response(&store)).await.ok().flatten();
        if !folder.path().join("cache.db.damaged-1").exists() {
            // Nothing damaged was read yet.
            stored = None;
            for number in 0..200 {
                let target: Uri = format!("http://example.org/{number}").parse().unwrap();
                let _damaged = store.variants(store.salt().target_key(&target)).await;
            }
        }
    }
    while case.bodies_or_none(&store).await.as_deref() != Some(&["body".into()]) {
        tokio::task::yield_now().await;
        if let Ok(fill) = store.begin(case.target(&store)).await {
            let mut fill = fill;
            let _maybe = fill.append("body".into()).await;
            let _maybe = fill.commit(case.response(&store)).await;
        }
    }
    let set_aside = async {
        while let Some(event) = heard.next().await {
            if matches!(event, Event::SetAside { .. }) {
                return;
            }
        }
    };
    set_aside.await;
    assert_sound(&store).await;
    store.close().await.unwrap();
}

/// Overwrites everything but the first pages.
fn damage(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let len = bytes.len();
    for byte in &mut bytes[60_000..len] {
        *byte = byte.wrapping_mul(31).wrapping_add(7);
    }
    std::fs::write(path, bytes).unwrap();
}
