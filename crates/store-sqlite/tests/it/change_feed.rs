//! The feed of changes of the cache.

use std::fs;
use std::path::Path;

use rusqlite::Connection;
use store_core::{
    CacheOptions, CacheStore, ChangeFeed, Changed, Clock, FeedPosition, HOUR, Key, MINUTE,
    ManualClock, NewEntry, Scope, Selection, Tag, Ttl,
};
use store_sqlite::{COMPONENTS, SqliteCacheStore, SqliteDatabase};

use crate::support::{Folder, key, open};

fn cache(database: &SqliteDatabase, clock: &ManualClock) -> SqliteCacheStore {
    let options = CacheOptions::default()
        .with_clock(clock.clone())
        .with_cleanup_interval(None);
    SqliteCacheStore::with_options(database, options)
}

fn entry(name: &str) -> NewEntry {
    NewEntry::unconditional(key(name), "value").with_ttl(Ttl::After(HOUR))
}

fn tag(name: &str) -> Tag {
    Tag::new(name).expect("a tag")
}

/// A reader of the feed, with its position.
struct Reader {
    feed: SqliteCacheStore,
    position: Option<FeedPosition>,
}

impl Reader {
    async fn new(feed: SqliteCacheStore) -> Self {
        let mut reader = Self {
            feed,
            position: None,
        };
        assert_eq!(reader.read().await, Changed::Everything);
        reader
    }

    async fn read(&mut self) -> Changed {
        let changes = self.feed.changes_since(self.position).await;
        let changes = changes.expect("changes");
        self.position = Some(changes.next);
        changes.changed
    }

    /// The keys that have changed.
    async fn keys(&mut self) -> Vec<String> {
        match self.read().await {
            Changed::Keys(keys) => keys.iter().map(Key::to_string).collect(),
            Changed::Everything => panic!("everything may have changed"),
        }
    }
}

async fn count(database: &SqliteDatabase, sql: &'static str) -> i64 {
    let read = database.read(move |db| Ok(db.query_row(sql, [], |row| row.get(0))?));
    read.await.expect("a number")
}

const CHANGES: &str = "SELECT count(*) FROM cache_changes";
const FOLLOWERS: &str = "SELECT count(*) FROM cache_followers";

// covers("D2")
#[tokio::test]
async fn every_kind_of_change_by_another_handle_is_told() {
    let (folder, clock) = (Folder::new(), ManualClock::default());
    let writer = cache(&folder.open().await, &clock);
    let mut reader = Reader::new(cache(&folder.open().await, &clock)).await;
    assert!(reader.keys().await.is_empty());

    writer.set(entry("a:1")).await.expect("stored");
    assert_eq!(reader.keys().await, ["a:1"]);
    assert!(reader.keys().await.is_empty(), "it was told twice");
    writer.set(entry("a:1")).await.expect("replaced");
    let tagged = entry("b:1").with_tags([tag("t")]);
    writer
        .set_many(vec![entry("a:2"), tagged])
        .await
        .expect("stored");
    assert_eq!(reader.keys().await, ["a:1", "a:2", "b:1"]);
    writer.delete(&key("a:1")).await.expect("deleted");
    assert_eq!(reader.keys().await, ["a:1"]);
    let scope = Selection::Scope(Scope::new("a").expect("a scope"));
    writer.clear(&scope).await.expect("cleared");
    assert_eq!(reader.keys().await, ["a:2"]);
    writer
        .invalidate_tags(&[tag("t")])
        .await
        .expect("invalidated");
    assert_eq!(reader.keys().await, ["b:1"]);
    let too_large = NewEntry::unconditional(key("c:1"), vec![0; 6 * 1024 * 1024]);
    writer.set(entry("c:1")).await.expect("stored");
    assert!(writer.set(too_large).await.is_err());
    writer.clear(&Selection::All).await.expect("cleared");
    assert_eq!(reader.keys().await, ["c:1"]);
    writer.set(entry("d:1")).await.expect("stored");
    assert_eq!(reader.keys().await, ["d:1"]);
    // The lease of the reader ends with the value; it is renewed before.
    clock.advance(HOUR);
    reader.read().await;
    writer.cleanup().await.expect("swept");
    assert_eq!(reader.keys().await, ["d:1"]);
}

#[tokio::test]
async fn a_removal_that_hides_is_a_change_of_everything() {
    let (folder, clock) = (Folder::new(), ManualClock::default());
    let writer = cache(&folder.open().await, &clock);
    let mut reader = Reader::new(cache(&folder.open().await, &clock)).await;
    for _ in 0..2 {
        let many = (0..600).map(|n| entry(&format!("a:{n}")).with_tags([tag("t")]));
        writer.set_many(many.collect()).await.expect("stored");
        reader.read().await;
        let removal = writer.invalidate_tags(&[tag("t")]).await;
        assert_eq!(removal.expect("an answer").count(), None);
        assert_eq!(reader.read().await, Changed::Everything);
        assert!(reader.keys().await.is_empty());
    }
}

#[tokio::test]
async fn a_reader_far_behind_is_told_of_everything_and_then_of_keys() {
    let (folder, clock) = (Folder::new(), ManualClock::default());
    let writer = cache(&folder.open().await, &clock);
    let mut reader = Reader::new(cache(&folder.open().await, &clock)).await;
    let many = (0..5_000).map(|n| entry(&format!("a:{n}")));
    writer.set_many(many.collect()).await.expect("stored");
    assert_eq!(reader.read().await, Changed::Everything);
    writer.set(entry("b:1")).await.expect("stored");
    assert_eq!(reader.keys().await, ["b:1"]);
}

#[tokio::test]
async fn an_answer_that_was_lost_is_given_again() {
    let (folder, clock) = (Folder::new(), ManualClock::default());
    let writer = cache(&folder.open().await, &clock);
    let mut reader = Reader::new(cache(&folder.open().await, &clock)).await;
    writer.set(entry("a:1")).await.expect("stored");
    let before = reader.position;
    assert_eq!(reader.keys().await, ["a:1"]);
    writer.set(entry("a:2")).await.expect("stored");
    reader.position = before;
    assert_eq!(reader.keys().await, ["a:1", "a:2"]);
}

/// The bytes of the write-ahead log after some changes.
async fn logged_bytes(file: &Path, without_triggers: bool) -> u64 {
    let clock = ManualClock::default();
    let database = open(file).await;
    let cache = cache(&database, &clock);
    cache.stats().await.expect("a schema");
    if without_triggers {
        let dropped = database.write(|tx| {
            Ok(tx.execute_batch(
                "DROP TRIGGER cache_insert; DROP TRIGGER cache_update; DROP TRIGGER cache_delete;
                 DROP TRIGGER cache_hide;",
            )?)
        });
        dropped.await.expect("no triggers");
    }
    let log = file.with_extension("db-wal");
    let before = fs::metadata(&log).expect("a log").len();
    for n in 0..20 {
        cache.set(entry(&format!("a:{n}"))).await.expect("stored");
        cache.set(entry(&format!("a:{n}"))).await.expect("replaced");
    }
    cache.delete(&key("a:1")).await.expect("deleted");
    assert_eq!(count(&database, "SELECT count(*) FROM cache").await, 19);
    fs::metadata(&log).expect("a log").len() - before
}

#[tokio::test]
async fn without_followers_a_change_writes_no_further_page() {
    let (with, without) = (Folder::new(), Folder::new());
    let with = logged_bytes(&with.file(), false).await;
    assert!(with > 0);
    assert_eq!(with, logged_bytes(&without.file(), true).await);
}

#[tokio::test]
async fn nothing_is_logged_without_followers() {
    let (folder, clock) = (Folder::new(), ManualClock::default());
    let database = folder.open().await;
    let writer = cache(&database, &clock);
    writer.set(entry("a:1")).await.expect("stored");
    assert_eq!(count(&database, CHANGES).await, 0);
    let reader = Reader::new(cache(&folder.open().await, &clock)).await;
    writer.set(entry("a:1")).await.expect("stored");
    assert_eq!(count(&database, CHANGES).await, 1);

    // The reader is gone: a sweep finds its lease lapsed.
    drop(reader);
    clock.advance(MINUTE);
    writer.cleanup().await.expect("swept");
    assert_eq!(count(&database, FOLLOWERS).await, 0);
    assert_eq!(count(&database, CHANGES).await, 0);
    writer.set(entry("a:1")).await.expect("stored");
    assert_eq!(count(&database, CHANGES).await, 0);
}

#[tokio::test]
async fn a_reader_whose_lease_has_lapsed_is_told_of_everything() {
    let (folder, clock) = (Folder::new(), ManualClock::default());
    let writer = cache(&folder.open().await, &clock);
    let mut reader = Reader::new(cache(&folder.open().await, &clock)).await;
    clock.advance(MINUTE);
    writer.cleanup().await.expect("swept");
    writer.set(entry("a:1")).await.expect("stored");
    assert_eq!(reader.read().await, Changed::Everything);
    writer.set(entry("a:2")).await.expect("stored");
    assert_eq!(reader.keys().await, ["a:2"]);
}

#[tokio::test]
async fn a_reader_that_reads_stays_a_follower() {
    let (folder, clock) = (Folder::new(), ManualClock::default());
    let writer = cache(&folder.open().await, &clock);
    let mut reader = Reader::new(cache(&folder.open().await, &clock)).await;
    for n in 0..20 {
        clock.advance(MINUTE / 2);
        assert!(reader.keys().await.is_empty(), "after {n} half minutes");
        writer.cleanup().await.expect("swept");
        writer.set(entry("a:1")).await.expect("stored");
        assert_eq!(reader.keys().await, ["a:1"]);
    }
}

#[tokio::test]
async fn what_all_have_read_is_removed_and_no_number_is_given_twice() {
    let (folder, clock) = (Folder::new(), ManualClock::default());
    let database = folder.open().await;
    let writer = cache(&database, &clock);
    let mut reader = Reader::new(cache(&folder.open().await, &clock)).await;
    let mut slow = Reader::new(cache(&folder.open().await, &clock)).await;
    for _ in 0..3 {
        for n in 0..10 {
            writer.set(entry(&format!("a:{n}"))).await.expect("stored");
        }
        assert_eq!(reader.keys().await.len(), 10);
        // Renews the lease, and so tells what was read.
        clock.advance(MINUTE / 2);
        reader.read().await;
        writer.cleanup().await.expect("swept");
        assert!(
            count(&database, CHANGES).await >= 10,
            "one has not read them"
        );
        assert_eq!(slow.keys().await.len(), 10);
        clock.advance(MINUTE / 2);
        for reader in [&mut reader, &mut slow] {
            assert!(reader.keys().await.is_empty());
        }
        writer.cleanup().await.expect("swept");
        assert_eq!(
            count(&database, CHANGES).await,
            1,
            "only the newest is kept"
        );
    }
}

#[tokio::test]
async fn a_reader_behind_what_was_removed_is_told_of_everything() {
    let (folder, clock) = (Folder::new(), ManualClock::default());
    let database = folder.open().await;
    let writer = cache(&database, &clock);
    let mut reader = Reader::new(cache(&folder.open().await, &clock)).await;
    for n in 0..5 {
        writer.set(entry(&format!("a:{n}"))).await.expect("stored");
    }
    let removed =
        database.write(|tx| Ok(tx.execute("DELETE FROM cache_changes WHERE sequence <= 2", [])?));
    removed.await.expect("removed");
    assert_eq!(reader.read().await, Changed::Everything);
    writer.set(entry("b:1")).await.expect("stored");
    assert_eq!(reader.keys().await, ["b:1"]);
}

#[tokio::test]
async fn the_log_has_a_bound_whatever_its_readers_do() {
    let (folder, clock) = (Folder::new(), ManualClock::default());
    let database = folder.open().await;
    let writer = cache(&database, &clock);
    let mut reader = Reader::new(cache(&folder.open().await, &clock)).await;
    let filled = database.write(|tx| {
        Ok(tx.execute_batch(
            "INSERT INTO cache_changes (hash)
             WITH RECURSIVE number (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM number WHERE n < 70000)
             SELECT 'a:' || n FROM number",
        )?)
    });
    filled.await.expect("many changes");
    writer.cleanup().await.expect("swept");
    assert_eq!(count(&database, CHANGES).await, 65_536);
    assert_eq!(reader.read().await, Changed::Everything);
    assert!(reader.keys().await.is_empty());
}

#[tokio::test]
async fn followers_of_before_a_clock_was_set_back_are_removed() {
    let (folder, clock) = (Folder::new(), ManualClock::default());
    let database = folder.open().await;
    let writer = cache(&database, &clock);
    let mut reader = Reader::new(cache(&folder.open().await, &clock)).await;
    clock.set_wall(clock.now() - HOUR);
    writer.cleanup().await.expect("swept");
    assert_eq!(count(&database, FOLLOWERS).await, 0);
    writer.set(entry("a:1")).await.expect("stored");
    assert_eq!(reader.read().await, Changed::Everything);
}

#[tokio::test]
async fn a_position_of_another_file_is_told_of_everything() {
    let (one, other, clock) = (Folder::new(), Folder::new(), ManualClock::default());
    let mut reader = Reader::new(cache(&one.open().await, &clock)).await;
    reader.feed = cache(&other.open().await, &clock);
    assert_eq!(reader.read().await, Changed::Everything);
}

// covers("D13")
#[tokio::test]
async fn writers_of_the_earlier_schemas_statements_take_part() {
    let (folder, clock) = (Folder::new(), ManualClock::default());
    let mut reader = Reader::new(cache(&folder.open().await, &clock)).await;
    let earlier = rusqlite::Connection::open(folder.file()).expect("another program");
    earlier
        .execute_batch(
            "INSERT INTO cache (hash, expires_at, created_at, fill_began_at, value)
             VALUES ('a:1', 0, 0, 0, x'00'), ('a:2', 0, 0, 0, x'00');
             UPDATE cache SET value = x'01' WHERE hash = 'a:1';
             DELETE FROM cache WHERE hash = 'a:2';",
        )
        .expect("statements");
    assert_eq!(reader.keys().await, ["a:1", "a:2"]);
}

#[tokio::test]
async fn the_log_is_bounded_where_no_sweep_runs() {
    let (folder, clock) = (Folder::new(), ManualClock::default());
    let database = folder.open().await;
    let mut reader = Reader::new(cache(&database, &clock)).await;
    let many =
        "WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 70000)
                INSERT INTO cache_changes (hash) SELECT 'comics:' || n FROM number";
    let written = database.write(move |tx| Ok(tx.execute_batch(many)?));
    written.await.expect("a long log");
    assert!(count(&database, CHANGES).await <= 65_536 + 1_024);
    assert_eq!(reader.read().await, Changed::Everything);
}

// covers("D13")
#[tokio::test]
async fn a_running_program_of_the_schema_before_goes_on_and_is_followed() {
    let (folder, clock) = (Folder::new(), ManualClock::default());
    let cache_tables = COMPONENTS
        .into_iter()
        .find(|component| component.name == "cache");
    let cache_tables = cache_tables.expect("the cache's migrations");
    let before = folder.open().await;
    store_sqlite::migrate(&before).await.expect("a schema");
    before
        .migrate_to(cache_tables, 5)
        .await
        .expect("without the log of changes");
    before.close().await.expect("closed");
    let earlier = Connection::open(folder.file()).expect("a file");
    let mut set = earlier
        .prepare(
            "INSERT INTO cache (hash, expires_at, created_at, fill_began_at, value)
             VALUES (?1, 0, 0, 0, ?2) ON CONFLICT DO UPDATE SET value = excluded.value",
        )
        .expect("a statement of the schema before");
    let mut get = earlier
        .prepare("SELECT value FROM cache_lookup WHERE hash = ?1")
        .expect("a statement of the schema before");
    set.execute(("a:1", b"before".as_slice())).expect("stored");

    let newer = cache(&folder.open().await, &clock);
    let mut reader = Reader::new(newer.clone()).await;
    let found = newer.get(&key("a:1")).await.expect("an answer").hit();
    assert_eq!(found.expect("a value").value, "before");

    set.execute(("a:1", b"meanwhile".as_slice()))
        .expect("stored");
    assert_eq!(reader.keys().await, ["a:1"]);
    let found = newer.get(&key("a:1")).await.expect("an answer").hit();
    assert_eq!(found.expect("a value").value, "meanwhile");
    newer.set(entry("a:1")).await.expect("stored");
    let read: Vec<u8> = get.query_row(["a:1"], |row| row.get(0)).expect("a value");
    assert_eq!(read, b"value");
}
