//! Removals of many values: they hide at once, and are freed in steps.

use store_core::{
    CacheStore, CacheStoreExt, FillToken, HOUR, Key, Lookup, ManualClock, NewEntry, PageRequest,
    Removal, Scope, Selection, SetOutcome, Tag,
};
use store_sqlite::{COMPONENTS, CacheOptions, SqliteCacheStore, SqliteDatabase};

use crate::support::{Folder, key};

/// More than a removal frees itself.
const MANY: u64 = 1_200;

fn cache(database: &SqliteDatabase, clock: &ManualClock) -> SqliteCacheStore {
    let options = CacheOptions::default().with_cleanup_interval(None);
    SqliteCacheStore::with_options(database, options.with_clock(clock.clone()))
}

async fn in_memory() -> (SqliteCacheStore, SqliteDatabase) {
    let database = SqliteDatabase::in_memory().await.expect("a database");
    (cache(&database, &ManualClock::default()), database)
}

fn tag(name: &str) -> Tag {
    Tag::new(name).expect("a tag")
}

fn name(scope: &str, n: u64) -> Key {
    key(&format!("{scope}:{n}"))
}

async fn fill(cache: &SqliteCacheStore, scope: &str, tags: &[&str]) {
    let entries = (0..MANY).map(|n| {
        let entry = NewEntry::unconditional(name(scope, n), "value").with_ttl(HOUR);
        entry.with_tags(tags.iter().map(|name| tag(name)))
    });
    cache.set_many(entries.collect()).await.expect("space");
}

async fn live(cache: &SqliteCacheStore, scope: &str) -> usize {
    let keys: Vec<_> = (0..MANY).map(|n| name(scope, n)).collect();
    let found = cache.get_many(&keys).await.expect("answers");
    found.into_iter().filter_map(Lookup::hit).count()
}

async fn listed(cache: &SqliteCacheStore) -> usize {
    let page = PageRequest::default().with_limit(u32::MAX);
    cache.list(&page).await.expect("a list").items.len()
}

async fn rows(database: &SqliteDatabase, table: &'static str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table}");
    let count = database.read(move |db| Ok(db.query_row(&sql, [], |row| row.get(0))?));
    count.await.expect("a count")
}

async fn free(cache: &SqliteCacheStore) -> u64 {
    let mut sum = 0;
    loop {
        match cache.cleanup().await.expect("a cleanup") {
            0 => return sum,
            freed => sum += freed,
        }
    }
}

#[tokio::test]
async fn a_tag_of_many_values_hides_them_at_once_and_is_freed_in_steps() {
    let (cache, database) = in_memory().await;
    fill(&cache, "comics", &["a", "both"]).await;
    fill(&cache, "others", &["b", "both"]).await;
    let removed = cache.invalidate_tags(&[tag("a")]).await;
    assert_eq!(removed.expect("an answer"), Removal::uncounted());
    assert_eq!(
        rows(&database, "cache").await,
        2_400,
        "nothing is freed yet"
    );
    assert_eq!(
        (live(&cache, "comics").await, live(&cache, "others").await),
        (0, 1_200)
    );
    assert_eq!(listed(&cache).await, 1_200);
    let stats = cache.stats().await.expect("counts");
    assert_eq!(stats.total_items, 2_400, "hidden values are stored still");
    assert!(cache.cleanup().await.expect("a cleanup") <= 500, "a step");
    assert_eq!(
        (live(&cache, "comics").await, live(&cache, "others").await),
        (0, 1_200)
    );
    free(&cache).await;
    assert_eq!(rows(&database, "cache").await, 1_200);
    assert_eq!(rows(&database, "cache_tags").await, 2_400);
    assert_eq!(rows(&database, "cache_hidden").await, 0);
    assert_eq!(live(&cache, "others").await, 1_200);
}

#[tokio::test]
async fn a_scope_and_everything_hide_at_once() {
    let (cache, database) = in_memory().await;
    fill(&cache, "comics", &["t"]).await;
    fill(&cache, "others", &[]).await;
    let scope = Selection::Scope(Scope::new("comics").expect("a scope"));
    let removed = cache.clear(&scope).await;
    assert_eq!(removed.expect("an answer"), Removal::uncounted());
    assert_eq!(
        (live(&cache, "comics").await, live(&cache, "others").await),
        (0, 1_200)
    );
    let removed = cache.clear(&Selection::All).await;
    assert_eq!(removed.expect("an answer"), Removal::uncounted());
    assert_eq!((live(&cache, "others").await, listed(&cache).await), (0, 0));
    assert_eq!(free(&cache).await, 2_400);
    for table in ["cache", "cache_tags", "cache_hidden"] {
        assert_eq!(rows(&database, table).await, 0, "{table}");
    }
}

#[tokio::test]
async fn what_is_stored_after_a_removal_is_seen_and_stays() {
    let (cache, database) = in_memory().await;
    fill(&cache, "comics", &["t"]).await;
    for removal in 0..3 {
        let selection = Selection::Scope(Scope::new("comics").expect("a scope"));
        let removed = match removal {
            0 => cache.invalidate_tags(&[tag("t")]).await,
            1 => cache.clear(&selection).await,
            _ => cache.clear(&Selection::All).await,
        };
        assert_eq!(removed.expect("an answer"), Removal::uncounted());
        fill(&cache, "comics", &["t"]).await;
        assert_eq!(live(&cache, "comics").await, 1_200);
        free(&cache).await;
        assert_eq!(live(&cache, "comics").await, 1_200);
        assert_eq!(rows(&database, "cache").await, 1_200);
    }
}

#[tokio::test]
async fn a_hidden_value_is_absent_to_every_method() {
    let (cache, _database) = in_memory().await;
    fill(&cache, "comics", &["t", "u"]).await;
    cache.invalidate_tags(&[tag("t")]).await.expect("an answer");
    let deleted = cache.delete(&name("comics", 1)).await;
    assert_eq!(deleted.expect("an answer"), Removal::none());
    let one = NewEntry::unconditional(name("comics", 2), "new").with_tags([tag("w")]);
    cache.set(one).await.expect("space");
    let removed = cache.invalidate_tags(&[tag("w")]).await;
    assert_eq!(removed.expect("an answer"), Removal::exactly(1));
    assert_eq!(
        cache.value(&name("comics", 2)).await.expect("an answer"),
        None
    );
}

/// The outcome of a fill with a token from before a removal.
async fn late(cache: &SqliteCacheStore, n: u64, token: FillToken) -> SetOutcome {
    let fill = NewEntry::fill(name("comics", n), "late", token);
    cache.set(fill).await.expect("an answer")
}

#[tokio::test]
async fn a_late_fill_of_a_hidden_value_is_dropped_before_and_after_it_was_freed() {
    let (cache, _database) = in_memory().await;
    fill(&cache, "comics", &["t"]).await;
    let token = cache.fill_token().await.expect("a token");
    cache.invalidate_tags(&[tag("t")]).await.expect("an answer");
    // Without the tag: only the value tells that the tag was its own.
    assert_eq!(late(&cache, 1, token).await, SetOutcome::Outdated);
    assert_eq!(late(&cache, 1, token).await, SetOutcome::Outdated);
    let fresh = NewEntry::unconditional(name("comics", 2), "fresh");
    cache.set(fresh).await.expect("space");
    assert_eq!(late(&cache, 2, token).await, SetOutcome::Outdated);
    free(&cache).await;
    assert_eq!(late(&cache, 3, token).await, SetOutcome::Outdated);
    let new = cache.fill_token().await.expect("a token");
    assert_eq!(late(&cache, 3, new).await, SetOutcome::Stored);
}

#[tokio::test]
async fn expired_values_are_freed_after_hidden_ones() {
    let clock = ManualClock::default();
    let database = SqliteDatabase::in_memory().await.expect("a database");
    let cache = cache(&database, &clock);
    fill(&cache, "comics", &["t"]).await;
    let token = cache.fill_token().await.expect("a token");
    cache.invalidate_tags(&[tag("t")]).await.expect("an answer");
    clock.advance(HOUR);
    cache.cleanup().await.expect("a cleanup");
    assert_eq!(late(&cache, 1_199, token).await, SetOutcome::Outdated);
    free(&cache).await;
    assert_eq!(rows(&database, "cache").await, 0);
}

// covers("D13")
#[tokio::test]
async fn an_earlier_schema_does_not_bring_hidden_values_back() {
    let folder = Folder::new();
    let database = folder.open().await;
    let clock = ManualClock::default();
    let values = cache(&database, &clock);
    fill(&values, "comics", &["t"]).await;
    fill(&values, "others", &[]).await;
    values
        .invalidate_tags(&[tag("t")])
        .await
        .expect("an answer");
    let again = NewEntry::unconditional(name("comics", 1), "new").with_tags([tag("t")]);
    values.set(again).await.expect("space");
    let [component, ..] = COMPONENTS;
    database
        .migrate_to(component, 3)
        .await
        .expect("a step down");
    assert_eq!(rows(&database, "cache").await, 1_201);
    assert_eq!(rows(&database, "cache_tags").await, 1);
}

/// The statement of the view that lookups read.
async fn view(database: &SqliteDatabase) -> String {
    let sql = "SELECT sql FROM sqlite_schema WHERE name = 'cache_lookup'";
    let view = database.read(move |db| Ok(db.query_row(sql, [], |row| row.get(0))?));
    view.await.expect("a view")
}

#[tokio::test]
async fn connections_that_have_looked_up_before_see_a_removal_and_its_end() {
    let folder = Folder::new();
    let [writer, reader] = [folder.open().await, folder.open().await];
    let clock = ManualClock::default();
    let (cache, elsewhere) = (cache(&writer, &clock), self::cache(&reader, &clock));
    fill(&cache, "comics", &["t"]).await;
    fill(&cache, "others", &[]).await;
    let before = view(&writer).await;
    for _ in 0..2 {
        assert_eq!(live(&elsewhere, "comics").await, 1_200);
        cache.invalidate_tags(&[tag("t")]).await.expect("an answer");
        assert_ne!(view(&reader).await, before, "pending");
        assert_eq!(
            (
                live(&elsewhere, "comics").await,
                live(&elsewhere, "others").await
            ),
            (0, 1_200)
        );
        free(&cache).await;
        assert_eq!(view(&reader).await, before);
        fill(&cache, "comics", &["t"]).await;
    }
    cache.clear(&Selection::All).await.expect("an answer");
    assert_eq!(
        (live(&elsewhere, "others").await, free(&cache).await),
        (0, 2_400)
    );
    assert_eq!(view(&reader).await, before);
}

// covers("D13")
#[tokio::test]
async fn what_an_earlier_program_hid_does_not_come_back() {
    let folder = Folder::new();
    let database = folder.open().await;
    let [component, ..] = COMPONENTS;
    let earlier = database.migrate_to(component, 4).await;
    earlier.expect("the form before");
    let written = database.write(|tx| {
        Ok(tx.execute_batch(
            "INSERT INTO cache (hash, expires_at, created_at, fill_began_at, value, epoch) VALUES
               ('comics:1', 0, 0, 0, x'01', 0), ('comics:2', 0, 0, 0, x'02', 1),
               ('others:1', 0, 0, 0, x'03', 0);
             INSERT INTO cache_tags VALUES ('t', 'comics:1'), ('t', 'others:1');
             INSERT INTO cache_hidden (subject, epoch) VALUES ('scope:comics', 1);
             UPDATE cache_epoch SET epoch = 1, hidden = 1;",
        )?)
    });
    written.await.expect("rows");
    let cache = cache(&database, &ManualClock::default());
    let keys = [name("comics", 1), name("comics", 2), name("others", 1)];
    let found = cache.get_many(&keys).await.expect("answers");
    let hits: Vec<_> = found
        .into_iter()
        .map(|found| found.hit().is_some())
        .collect();
    assert_eq!(hits, [false, true, true]);
    for (table, count) in [("cache", 2), ("cache_tags", 1), ("cache_hidden", 0)] {
        assert_eq!(rows(&database, table).await, count, "{table}");
    }
}
