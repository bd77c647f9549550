//! What was used most in the last run warms the cache of the next one.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use store_core::layer::{MostUsed, WarmOptions, warm};
use store_memory::{CacheStore, Key, MemoryCacheStore, NewEntry, Result};

fn key(name: &str) -> Key {
    Key::new(format!("issues:{name}")).expect("a key")
}

fn counters(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).expect("a number")
}

fn use_often(used: &MostUsed, counts: &[(&str, u32)]) {
    for (name, count) in counts {
        for _ in 0..*count {
            used.record(&key(name));
        }
    }
}

// covers("D11")
#[tokio::test]
async fn a_cache_is_warmed_with_what_the_last_run_used_most() -> Result<()> {
    let (cache, entry) = (MemoryCacheStore::new(), key("usage"));
    let last = MostUsed::load(&cache, &entry, counters(100)).await?;
    assert_eq!(last.top(9), []);
    use_often(&last, &[("rare", 1), ("often", 9), ("mostly", 20)]);
    last.save(&cache, &entry).await?;

    let next = MostUsed::load(&cache, &entry, counters(100)).await?;
    let warmed = Arc::new(Mutex::new(Vec::new()));
    let work = |key: Key| {
        let warmed = Arc::clone(&warmed);
        async move {
            warmed.lock().expect("no panic").push(key);
            Ok(())
        }
    };
    let options = WarmOptions::default().with_concurrency(NonZeroUsize::MIN);
    assert_eq!(warm(next.top(2), options, work).await.warmed, 2);
    let warmed = warmed.lock().expect("no panic");
    assert_eq!(*warmed, [key("mostly"), key("often")]);
    Ok(())
}

#[tokio::test]
async fn of_equal_counts_those_used_last_are_kept() -> Result<()> {
    let (cache, entry) = (MemoryCacheStore::new(), key("usage"));
    let last = MostUsed::new(counters(3));
    use_often(&last, &[("first", 1), ("second", 1), ("third", 1)]);
    last.save(&cache, &entry).await?;
    let next = MostUsed::load(&cache, &entry, counters(2)).await?;
    assert_eq!(next.top(2), [key("third"), key("second")]);
    Ok(())
}

#[tokio::test]
async fn earlier_runs_count_less_than_the_last_one() -> Result<()> {
    let (cache, entry) = (MemoryCacheStore::new(), key("usage"));
    let run = async |counts: &[(&str, u32)]| {
        let used = MostUsed::load(&cache, &entry, counters(2)).await?;
        use_often(&used, counts);
        used.save(&cache, &entry).await?;
        Ok::<_, store_memory::Error>(used.top(2))
    };
    run(&[("before", 10), ("always", 4)]).await?;
    run(&[("always", 4)]).await?;
    assert_eq!(run(&[("always", 1)]).await?, [key("always"), key("before")]);
    // There are two counters only.
    assert_eq!(run(&[("now", 9)]).await?, [key("now"), key("always")]);
    Ok(())
}

#[tokio::test]
async fn something_else_under_the_entry_counts_for_nothing() -> Result<()> {
    let (cache, entry) = (MemoryCacheStore::new(), key("usage"));
    cache
        .set(NewEntry::unconditional(entry.clone(), "other"))
        .await?;
    let used = MostUsed::load(&cache, &entry, counters(2)).await?;
    assert_eq!(used.top(9), []);
    Ok(())
}
