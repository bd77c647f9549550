//! Files of every released schema, as dumps under `tests/fixtures`: each one loads, is migrated when
//! it is opened, and its rows are served.
//!
//! Dumps are never edited or removed. After a migration was added, the ignored test
//! [`write_a_dump_of_this_schema`] writes the next one.

use std::fs;
use std::mem::forget;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use rusqlite::Connection;
use store_core::backend::{FillMark, SeededRandom};
use store_core::pipeline::StoredAnswer;
use store_core::{
    Acquire, AdaptiveConfig, Bincode, CacheStore, ChangeFeed, Changed, Claim, Codec, Decision,
    DedupeStore, FillToken, HOUR, JobId, JobInfo, JobOutcome, JobResult, JobState, Json, Limit,
    ManualClock, NewEntry, Ownership, PageRequest, Priority, RateLimitStore, Registration,
    ResourceConfig, SECOND, SetOutcome, Tag, Timestamp, Ttl, WriteQueue, WriteQueueOptions,
};
use store_sqlite::{
    COMPONENTS, SqliteCacheStore, SqliteDatabase, SqliteDedupeStore, SqliteRateLimitStore,
    SqliteWriteQueue, StoreOptions,
};

use crate::npm_file::WRITTEN;
use crate::support::{Folder, key, open, resource};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// Every dump, with its name.
fn dumps() -> Vec<(String, String)> {
    let mut dumps = Vec::new();
    for entry in fs::read_dir(folder()).expect("the fixtures") {
        let path = entry.expect("a fixture").path();
        let name = path.file_stem().expect("a name").to_string_lossy();
        let text = fs::read_to_string(&path).expect("a dump");
        dumps.push((name.into_owned(), text));
    }
    assert!(!dumps.is_empty());
    dumps
}

/// A new file with the dump's contents.
fn load(folder: &Folder, dump: &str) {
    let db = Connection::open(folder.file()).expect("a file");
    db.execute_batch(dump).expect("statements");
}

/// The three stores over one file.
struct Opened {
    cache: SqliteCacheStore,
    jobs: SqliteDedupeStore,
    limits: SqliteRateLimitStore,
}

fn stores(database: &SqliteDatabase, clock: &ManualClock) -> Opened {
    let mut options = StoreOptions::default()
        .with_clock(clock.clone())
        .with_random(SeededRandom::new(1))
        .without_cleanup();
    options.dedupe = options.dedupe.with_lease(HOUR).with_result_retention(HOUR);
    Opened {
        cache: SqliteCacheStore::with_options(database, options.cache),
        jobs: SqliteDedupeStore::with_options(database, options.dedupe),
        limits: SqliteRateLimitStore::with_options(database, options.rate_limit),
    }
}

fn tag(name: &str) -> Tag {
    Tag::new(name).expect("a tag")
}

fn shared() -> ResourceConfig {
    ResourceConfig::from(Limit::new(20, HOUR)).adaptive(AdaptiveConfig::default())
}

/// A response as the pipeline stores it: both times and the body, in bincode.
fn record() -> Bytes {
    let fields = (WRITTEN, WRITTEN + 1_800_000, b"{\"id\":4}".to_vec());
    Bincode.encode(&fields).expect("a record")
}

async fn own(jobs: &impl DedupeStore, name: &str) -> Ownership {
    let registration = jobs.register_or_join(&key(name), Priority::User).await;
    match registration.expect("an answer") {
        Registration::Owner(owner) => owner,
        Registration::Joined(job) => panic!("{name} is held by {job}"),
    }
}

/// Leaves at least one row in every table.
async fn fill(database: &SqliteDatabase) {
    let clock = ManualClock::at(Timestamp::from_millis(WRITTEN));
    let Opened {
        cache,
        jobs,
        limits,
    } = stores(database, &clock);

    let followed = cache.changes_since(None).await;
    assert_eq!(followed.expect("a feed").changed, Changed::Everything);
    let doomed = NewEntry::unconditional(key("comics:doomed"), "x").with_tags([tag("volume:2")]);
    cache.set(doomed).await.expect("stored");
    let removed = cache.invalidate_tags(&[tag("volume:2")]).await;
    assert_eq!(removed.expect("an answer").count(), Some(1));
    let issue = ("issue", 7_u32);
    let values: [(&str, Bytes); 4] = [
        ("comics:json", Json.encode(&issue).expect("JSON")),
        ("comics:bincode", Bincode.encode(&issue).expect("bincode")),
        ("comics:raw", Bytes::from_static(b"\x00raw\xff")),
        ("comics:answer", record()),
    ];
    for (name, value) in values {
        let entry = NewEntry::unconditional(key(name), value)
            .with_ttl(Ttl::After(HOUR))
            .with_tags([tag("volume:1"), tag(name)]);
        assert_eq!(cache.set(entry).await.expect("stored"), SetOutcome::Stored);
    }
    let unexpiring = NewEntry::unconditional(key("without scope"), "for ever");
    cache.set(unexpiring).await.expect("stored");
    // As after a removal of more values than a fixture should have.
    let pending = database.write(|tx| {
        Ok(tx.execute_batch(
            "INSERT INTO cache_hidden (subject, epoch) VALUES ('scope:gone', 1);
             UPDATE cache_epoch SET newest_hidden = 1;
             DROP VIEW cache_lookup;
             CREATE VIEW cache_lookup AS\n\
             SELECT hash, expires_at, created_at, epoch, value, checksum, 1 AS newest_hidden FROM cache;",
        )?)
    });
    pending.await.expect("a pending removal");

    let value = || JobResult::Value("result".into());
    let mut replaced = own(&jobs, "comics:replaced").await;
    jobs.complete(&mut replaced, value()).await.expect("ended");
    forget(own(&jobs, "comics:replaced").await);
    let mut done = own(&jobs, "comics:done").await;
    jobs.complete(&mut done, value()).await.expect("ended");
    let mut elsewhere = own(&jobs, "comics:elsewhere").await;
    let ended = jobs.complete(&mut elsewhere, JobResult::NotShared).await;
    ended.expect("ended");
    let mut failed = own(&jobs, "comics:failed").await;
    jobs.fail(&mut failed, "boom").await.expect("ended");
    forget(own(&jobs, "comics:pending").await);

    let issues = resource("issues");
    let configured = ResourceConfig::from(Limit::new(3, HOUR)).with_limit(Limit::new(2, SECOND));
    let set = limits.set_resource_config(&issues, configured).await;
    set.expect("configured");
    for priority in [Priority::User, Priority::Background] {
        spend(&limits, Acquire::one(&issues).priority(priority)).await;
    }
    for _ in 0..3 {
        let claim = Claim::new(resource("volumes")).with_config(shared());
        spend(&limits, Acquire::of(claim).user()).await;
    }
    let until = Timestamp::from_millis(WRITTEN) + HOUR;
    let in_force = limits.set_cooldown(&resource("search"), until).await;
    assert_eq!(in_force.expect("a cooldown"), until);

    let queue = queue(database, &clock);
    for value in ["first", "second"] {
        let pushed = queue.push(&key("comics:queued"), value.into()).await;
        pushed.expect("queued");
    }
    let received = queue.receive(NonZeroUsize::MIN).await.expect("an answer");
    assert_eq!(received.deliveries.len(), 1);
}

fn queue(database: &SqliteDatabase, clock: &ManualClock) -> SqliteWriteQueue {
    let options = WriteQueueOptions::default()
        .with_clock(clock.clone())
        .with_random(SeededRandom::new(1));
    SqliteWriteQueue::with_options(database, "comics", options)
}

/// The first of two writes was under delivery.
async fn queued_writes_are_delivered(queue: &impl WriteQueue, clock: &ManualClock) {
    let receive = async || {
        let received = queue.receive(NonZeroUsize::MIN).await;
        received.expect("an answer").deliveries
    };
    assert_eq!(receive().await, []);
    clock.advance(SECOND * 10);
    for (value, attempt) in [("first", 2), ("second", 1)] {
        let delivery = receive().await.remove(0);
        assert_eq!(
            (&delivery.write.value[..], delivery.attempt),
            (value.as_bytes(), attempt)
        );
        queue.acknowledge(&delivery).await.expect("an answer");
    }
    assert_eq!(queue.stats().await.expect("counts").writes, 0);
}

async fn spend(limits: &impl RateLimitStore, request: Acquire) {
    match limits.try_acquire(request).await.expect("a decision") {
        Decision::Granted(permit) => drop(permit),
        Decision::Denied { reason, .. } => panic!("{reason}"),
    }
}

async fn each_value_is_served(cache: &impl CacheStore) {
    let bytes = async |name: &str| {
        let found = cache.get(&key(name)).await.expect("an answer");
        found.hit().expect("a value").value
    };
    let issue = ("issue".to_owned(), 7_u32);
    let json: (String, u32) = Json.decode(&bytes("comics:json").await).expect("JSON");
    let bincode: (String, u32) = Bincode
        .decode(&bytes("comics:bincode").await)
        .expect("bincode");
    assert_eq!((&json, &bincode), (&issue, &issue));
    assert_eq!(bytes("comics:raw").await, &b"\x00raw\xff"[..]);
    assert_eq!(bytes("without scope").await, "for ever");
    let answer = StoredAnswer::decode(&bytes("comics:answer").await).expect("a record");
    assert_eq!(answer.body, "{\"id\":4}");
    assert_eq!(answer.fetched_at, Timestamp::from_millis(WRITTEN));

    let listed = cache.list(&PageRequest::default()).await.expect("a list");
    let first = listed.items.first().expect("an entry");
    assert_eq!(first.key, key("comics:answer"));
    assert_eq!(first.tags, [tag("comics:answer"), tag("volume:1")]);
    assert_eq!(
        first.expires_at,
        Some(Timestamp::from_millis(WRITTEN) + HOUR)
    );
}

/// Tags still select their values, and a fill from before an invalidation is still outdated.
async fn invalidations_hold(cache: &impl CacheStore) {
    let token = cache.fill_token().await.expect("a token");
    let mark = FillMark::from(token);
    assert_eq!(mark.epoch, 1, "the file has seen one invalidation");
    let before = FillToken::from(FillMark {
        epoch: 0,
        began_at: Timestamp::from_millis(WRITTEN),
    });
    let late = NewEntry::unconditional(key("comics:doomed"), "late").with_token(before);
    let outcome = cache.set(late).await.expect("an answer");
    assert_eq!(outcome, SetOutcome::Outdated);

    let one = cache.invalidate_tags(&[tag("comics:raw")]).await;
    assert_eq!(one.expect("an answer").count(), Some(1));
    let rest = cache.invalidate_tags(&[tag("volume:1")]).await;
    assert_eq!(rest.expect("an answer").count(), Some(3));
    assert_eq!(cache.stats().await.expect("counts").total_items, 1);
}

/// The job that was replaced: only its result is left.
async fn replaced_job(database: &SqliteDatabase) -> JobId {
    let sql = "SELECT job_id FROM dedupe_results";
    let id = database.read(move |db| Ok(db.query_row(sql, [], |row| row.get::<_, String>(0))?));
    id.await.expect("a row").parse().expect("an id")
}

async fn jobs_stand_as_they_were_left(jobs: &impl DedupeStore, replaced: JobId) {
    let listed = jobs.list(&PageRequest::default()).await.expect("a list");
    let states: Vec<_> = listed
        .items
        .iter()
        .map(|job| (job.key.as_str(), job.state))
        .collect();
    let expected = [
        ("comics:done", JobState::Completed),
        ("comics:elsewhere", JobState::Completed),
        ("comics:failed", JobState::Failed),
        ("comics:pending", JobState::Pending),
        ("comics:replaced", JobState::Pending),
    ];
    assert_eq!(states, expected);
    let value = || JobOutcome::Value("result".into());
    let outcomes = [
        value(),
        JobOutcome::NotShared,
        JobOutcome::OwnerFailed("boom".to_owned()),
        JobOutcome::TimedOut,
        JobOutcome::TimedOut,
    ];
    for (JobInfo { key, job, .. }, expected) in listed.items.iter().zip(outcomes) {
        let job = job.parse().expect("an id");
        let outcome = jobs.wait_for(key, &job, Duration::ZERO).await;
        assert_eq!(outcome.expect("an outcome"), expected, "{key}");
    }
    let outcome = jobs
        .wait_for(&key("comics:replaced"), &replaced, SECOND)
        .await;
    assert_eq!(outcome.expect("an outcome"), value());

    let pending = key("comics:pending");
    let joined = jobs.register_or_join(&pending, Priority::User).await;
    let joined = joined.expect("an answer");
    assert!(matches!(joined, Registration::Joined(job) if job.to_string() == listed.items[3].job));
    drop(own(jobs, "comics:done").await);
}

async fn limits_are_as_they_were_left(limits: &impl RateLimitStore, clock: &ManualClock) {
    let until = Timestamp::from_millis(WRITTEN) + HOUR;
    let issues = resource("issues");
    let configured = limits.resource_config(&issues).await.expect("an answer");
    let limit = configured.expect("it was configured").limits()[0];
    assert_eq!(limit, Limit::new(3, HOUR));
    let status = limits
        .status(&Claim::new(issues.clone()), Priority::User)
        .await;
    let status = status.expect("a status");
    assert_eq!((status.used, status.remaining), (2, 1));
    spend(limits, Acquire::one(&issues).background()).await;
    let decision = limits.try_acquire(Acquire::one(&issues).user()).await;
    match decision.expect("a decision") {
        Decision::Denied { retry_at, .. } => assert_eq!(retry_at, until),
        Decision::Granted(permit) => panic!("one too many: {permit:?}"),
    }

    let volumes = Claim::new(resource("volumes")).with_config(shared());
    let status = limits.status(&volumes, Priority::Background).await;
    let status = status.expect("a status");
    assert_eq!(status.used, 3);
    let split = status.adaptive.expect("it is shared");
    assert_eq!(split.recent_user_activity, 3);

    let search = resource("search");
    let cooldown = limits.cooldown(&search).await.expect("an answer");
    assert_eq!(cooldown, Some(until));
    let decision = limits.try_acquire(Acquire::one(&search).user()).await;
    assert!(matches!(decision, Ok(Decision::Denied { retry_at, .. }) if retry_at == until));

    clock.set_wall(until);
    assert_eq!(limits.cleanup().await.expect("a cleanup"), 5);
}

// covers("D13")
#[tokio::test]
async fn a_file_of_every_schema_is_brought_up_to_date_and_serves() {
    for (name, dump) in dumps() {
        println!("{name}");
        let folder = Folder::new();
        load(&folder, &dump);
        let database = folder.open().await;
        let clock = ManualClock::at(Timestamp::from_millis(WRITTEN) + SECOND);
        let queue = queue(&database, &clock);
        if name.contains("write_queue") {
            let clock = ManualClock::at(Timestamp::from_millis(WRITTEN) + SECOND);
            queued_writes_are_delivered(&self::queue(&database, &clock), &clock).await;
        }
        assert_eq!(queue.stats().await.expect("counts").writes, 0);
        let stores = stores(&database, &clock);
        each_value_is_served(&stores.cache).await;
        invalidations_hold(&stores.cache).await;
        let replaced = replaced_job(&database).await;
        jobs_stand_as_they_were_left(&stores.jobs, replaced).await;
        limits_are_as_they_were_left(&stores.limits, &clock).await;
    }
}

#[tokio::test]
async fn no_table_of_a_dump_is_empty() {
    for (name, dump) in dumps() {
        let folder = Folder::new();
        load(&folder, &dump);
        let db = Connection::open(folder.file()).expect("a file");
        for table in tables(&db) {
            let sql = format!("SELECT EXISTS (SELECT 1 FROM {table})");
            let is_filled: bool = db.query_row(&sql, [], |row| row.get(0)).expect("an answer");
            assert!(is_filled, "{table} of {name}");
        }
    }
}

fn texts(db: &Connection, sql: &str) -> Vec<String> {
    let mut statement = db.prepare(sql).expect("a statement");
    let rows = statement.query_map([], |row| row.get(0)).expect("rows");
    rows.map(|row| row.expect("text")).collect()
}

fn tables(db: &Connection) -> Vec<String> {
    let tables = "SELECT name FROM sqlite_schema
         WHERE type = 'table' AND name NOT GLOB 'sqlite_*' ORDER BY name";
    texts(db, tables)
}

/// The whole file as SQL statements, including the applied migrations.
fn dump(file: &Path) -> String {
    let db = Connection::open(file).expect("a file");
    let mut lines = texts(
        &db,
        "SELECT sql || ';' FROM sqlite_schema
         WHERE sql IS NOT NULL AND name NOT GLOB 'sqlite_*' AND type <> 'trigger'
         ORDER BY type DESC, name",
    );
    for table in tables(&db) {
        let columns = format!("SELECT name FROM pragma_table_info('{table}')");
        let values: Vec<_> = texts(&db, &columns)
            .iter()
            .map(|column| format!("quote({column})"))
            .collect();
        let rows = format!(
            "SELECT 'INSERT INTO {table} VALUES (' || concat_ws(', ', {}) || ');' FROM {table}",
            values.join(", ")
        );
        lines.extend(texts(&db, &rows));
    }
    // After the rows, which no trigger is to see.
    let triggers = "SELECT sql || ';' FROM sqlite_schema WHERE type = 'trigger' ORDER BY name";
    lines.extend(texts(&db, triggers));
    lines.join("\n") + "\n"
}

/// Run it once after a migration was added, and commit the file:
/// `cargo test -p store-sqlite --test it write_a_dump -- --ignored`.
#[tokio::test]
#[ignore = "writes a fixture"]
async fn write_a_dump_of_this_schema() {
    let versions = COMPONENTS.map(|component| {
        let last = component.migrations.last().expect("a migration");
        format!("{}-{}", component.name, last.version)
    });
    let path = folder().join(format!("{}.sql", versions.join("_")));
    assert!(!path.exists(), "a fixture is never written again");
    let folder = Folder::new();
    let database = open(&folder.file()).await;
    fill(&database).await;
    fs::write(path, dump(&folder.file())).expect("a fixture");
}
