//! Fencing tokens on hosts whose clocks differ, and after the item that held the last one is gone.

use store_core::{
    AdvisoryLock, Clock as _, DedupeStore, FencingToken, HOUR, Key, LockError, ManualClock,
    Priority, Registration, SECOND, Selection,
};
use store_dynamodb::{DedupeOptions, DynamoDbDedupeStore, DynamoDbTable};

use crate::support;

fn key() -> Key {
    Key::new("lock:report").expect("a key")
}

fn store(table: &DynamoDbTable, clock: &ManualClock) -> DynamoDbDedupeStore {
    let options = DedupeOptions::default().with_clock(clock.clone());
    DynamoDbDedupeStore::with_options(table, options)
}

/// Owns the job for a moment.
async fn token(jobs: &DynamoDbDedupeStore) -> FencingToken {
    let registered = jobs.register_or_join(&key(), Priority::User).await;
    match registered.expect("an answer") {
        Registration::Owner(mut owner) => {
            jobs.fail(&mut owner, "no").await.expect("an end");
            owner.token()
        }
        Registration::Joined(job) => panic!("nobody else is there, but joined {job}"),
    }
}

async fn items(table: &DynamoDbTable) -> i32 {
    let scan = table.client().scan().table_name(table.name());
    scan.consistent_read(true)
        .send()
        .await
        .expect("the items")
        .count
}

// covers("F32")
#[tokio::test]
async fn tokens_rise_over_hosts_whose_clocks_differ() {
    let (table, clock) = (support::table().await, ManualClock::default());
    let ahead = ManualClock::at(clock.now() + HOUR);
    let (exact, fast) = (store(&table, &clock), store(&table, &ahead));
    let mut last = token(&exact).await;
    for turn in 0..6 {
        let next = token(if turn % 2 == 0 { &fast } else { &exact }).await;
        assert!(next > last, "{next} follows {last}");
        last = next;
        clock.advance(SECOND);
    }
}

// covers("F32")
#[tokio::test]
async fn an_item_goes_only_when_the_time_alone_gives_a_greater_token() {
    let (table, clock) = (support::table().await, ManualClock::default());
    let (jobs, ahead) = (store(&table, &clock), ManualClock::at(clock.now() + HOUR));
    let fast = token(&store(&table, &ahead)).await;
    clock.advance(HOUR);
    for _ in 0..2 {
        jobs.clear(&Selection::All).await.expect("a count");
        jobs.cleanup().await.expect("a count");
        assert_eq!(items(&table).await, 1, "its token is not in the past");
    }
    let next = token(&jobs).await;
    assert!(next > fast);

    // The next owner's clock may be behind that of the cleanup.
    let behind = ManualClock::at(clock.now());
    clock.advance(SECOND / 50);
    jobs.clear(&Selection::All).await.expect("a count");
    assert_eq!(items(&table).await, 1);
    clock.advance(SECOND / 500);
    behind.advance(SECOND / 500);
    jobs.cleanup().await.expect("a count");
    assert_eq!(items(&table).await, 0);
    assert!(token(&store(&table, &behind)).await > next);
}

// covers("F32")
#[tokio::test]
async fn a_lock_over_a_table_has_one_holder_at_a_time() {
    let table = support::table().await;
    let locks = [0, 1].map(|_host| AdvisoryLock::new(DynamoDbDedupeStore::new(&table), key()));
    let [one, other] = &locks;
    let first = one.with_lock(async |held| {
        let refused = other.try_with_lock(async |_| ()).await;
        assert!(matches!(refused, Err(LockError::Held { lease_left }) if lease_left > SECOND));
        held.token()
    });
    let first = first.await.expect("the lock");
    let second = other.with_lock(async |held| held.token()).await;
    assert!(second.expect("the lock") > first);
}
