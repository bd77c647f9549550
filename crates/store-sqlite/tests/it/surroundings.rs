//! A wait without a runtime, and stores on a disk that is almost full.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use store_core::{
    Acquire, CacheStore, Decision, DedupeStore, Error, ErrorKind, HOUR, JobOutcome, JobResult,
    Limit, NewEntry, Priority, RateLimitStore, Registration, SECOND, Selection,
};
use store_sqlite::{
    DatabaseOptions, SqliteCacheStore, SqliteDatabase, SqliteDedupeStore, SqliteRateLimitStore,
};

use crate::support::{Folder, key, resource};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime")
}

#[test]
fn a_wait_outside_a_runtime_is_refused_and_the_next_one_is_woken() {
    let (folder, runtime) = (Folder::new(), runtime());
    let key = key("comics:1");
    let (jobs, mut owner) = runtime.block_on(async {
        let jobs = SqliteDedupeStore::new(&folder.open().await);
        let registered = jobs.register_or_join(&key, Priority::User).await;
        match registered.expect("a registration") {
            Registration::Owner(owner) => (jobs, owner),
            Registration::Joined(_) => panic!("nobody else is there"),
        }
    });
    let job = *owner.job();
    {
        let mut wait = pin!(jobs.wait_for(&key, &job, SECOND));
        let polled = wait.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let Poll::Ready(Err(error)) = polled else {
            panic!("there is no runtime");
        };
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert!(error.to_string().contains("tokio runtime"), "{error}");
    }
    let outcome = runtime.block_on(async {
        // By another handle, as of another process: only the watcher reports it.
        let other = SqliteDedupeStore::new(&folder.open().await);
        let waiter = {
            let (jobs, key) = (jobs.clone(), key.clone());
            tokio::spawn(async move { jobs.wait_for(&key, &job, HOUR).await })
        };
        let result = JobResult::Value(Bytes::from_static(b"Saga"));
        other.complete(&mut owner, result).await.expect("a commit");
        waiter.await.expect("no panic")
    });
    assert!(matches!(outcome, Ok(JobOutcome::Value(_))), "{outcome:?}");
}

async fn set(cache: &SqliteCacheStore, number: u32) -> Result<(), Error> {
    let name = key(&format!("comics:{number}"));
    let entry = NewEntry::unconditional(name, vec![7; 4_000]).with_ttl(HOUR);
    cache.set(entry).await.map(drop)
}

/// Adds values until there is no space for another; returns how many there are.
async fn fill_up(cache: &SqliteCacheStore, from: u32) -> u32 {
    for number in from.. {
        if let Err(error) = set(cache, number).await {
            assert_eq!(error.kind(), ErrorKind::StorageFull, "{error}");
            return number;
        }
    }
    unreachable!("the numbers do not end");
}

#[tokio::test]
async fn on_a_full_disk_the_stores_go_on_with_the_space_they_have() {
    let folder = Folder::new();
    let database = folder.open().await;
    store_sqlite::migrate(&database).await.expect("a schema");
    let cache = SqliteCacheStore::new(&database);
    for number in 0..300 {
        set(&cache, number).await.expect("space");
    }
    database.close().await.expect("a close");
    let full = DatabaseOptions::default().with_min_free_bytes(u64::MAX);
    let database = SqliteDatabase::open_with(folder.file(), full).await;
    let database = database.expect("a database");
    let cache = SqliteCacheStore::new(&database);
    let limits = SqliteRateLimitStore::new(&database, Limit::new(1_000, HOUR));
    let values = fill_up(&cache, 300).await;
    let read = cache.get(&key("comics:0")).await.expect("a read");
    assert!(read.hit().is_some(), "what is kept is read");
    for number in 0..50 {
        let removed = cache.delete(&key(&format!("comics:{number}"))).await;
        removed.expect("a deletion");
    }
    for _ in 0..100 {
        let asked = limits.try_acquire(Acquire::one(&resource("issues"))).await;
        let granted = matches!(asked.expect("a decision"), Decision::Granted(_));
        assert!(granted, "a permit takes the space of a deleted value");
    }
    fill_up(&cache, values).await;
    cache.clear(&Selection::All).await.expect("a clearing");
    database.vacuum().await.expect("a vacuum");
    assert!(database.check().await.expect("a check").is_ok());
}
