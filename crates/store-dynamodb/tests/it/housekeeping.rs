//! Housekeeping beside users: it takes the capacity that they leave, and trips nothing that they wait for.

use std::time::Duration;

use dynamodb_local::{FaultProxy, Faults};
use store_core::{
    Acquire, CacheStore as _, Clock, Decision, Error, ErrorKind, Key, Limit, MINUTE, NewEntry,
    RateLimitStore as _, Resource, SECOND, Selection, Sleep, SystemClock, Timestamp,
};
use store_dynamodb::ops::{CircuitBreakerOptions, CircuitState};
use store_dynamodb::{DynamoDbCacheStore, DynamoDbRateLimitStore, DynamoDbTable, TableOptions};

use crate::support;

const NONE: Faults = Faults::each(0.0);

/// A table, and a handle of it behind a proxy.
async fn setting(faults: Faults) -> (DynamoDbTable, DynamoDbTable, FaultProxy) {
    let direct = support::table().await;
    let upstream = dynamodb_local::endpoint().expect("a server");
    let proxy = FaultProxy::start(&upstream, 5, faults).await;
    let proxy = proxy.expect("a free port");
    let options = TableOptions::default()
        .with_table(direct.name())
        .with_endpoint_url(proxy.url())
        .with_region("us-east-1");
    (direct, DynamoDbTable::from_env(options).await, proxy)
}

fn limiter(table: &DynamoDbTable) -> DynamoDbRateLimitStore {
    DynamoDbRateLimitStore::new(table, Limit::new(100_000, MINUTE))
}

/// Takes a permit of a limit that is never full.
async fn permit(limiter: &DynamoDbRateLimitStore, resource: &Resource) -> Result<(), Error> {
    match limiter.try_acquire(Acquire::one(resource).user()).await? {
        Decision::Granted(permit) => drop(permit),
        Decision::Denied { reason, .. } => panic!("{reason:?}"),
    }
    Ok(())
}

/// The system's clock, a hundred times as fast to whoever sleeps.
#[derive(Clone, Debug)]
struct FastClock(SystemClock);

impl Clock for FastClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn monotonic(&self) -> Duration {
        self.0.monotonic() * 100
    }

    fn sleep_until(&self, at: Timestamp) -> Sleep<'_> {
        let left = at.since(self.now()) / 100;
        self.0.sleep_until(self.now() + left)
    }

    fn sleep(&self, duration: Duration) -> Sleep<'_> {
        self.0.sleep(duration / 100)
    }
}

fn entry(number: usize) -> NewEntry {
    let key = Key::new(format!("entry:{number}")).expect("a key");
    NewEntry::unconditional(key, "v")
}

async fn filled(table: &DynamoDbTable, entries: usize) -> DynamoDbCacheStore {
    let cache = DynamoDbCacheStore::new(table);
    let all: Vec<_> = (0..entries).map(entry).collect();
    for part in all.chunks(500) {
        cache.set_many(part.to_vec()).await.expect("stored");
    }
    cache
}

// covers("B4", "B13")
#[tokio::test(flavor = "multi_thread")]
async fn no_permit_fails_while_a_large_cache_is_cleared_on_a_small_table() {
    let (direct, table, proxy) = setting(NONE).await;
    filled(&direct, 3_000).await;
    proxy.set_faults(NONE.with_write_units(50));
    let cache = DynamoDbCacheStore::new(&table);
    let clearing = tokio::spawn(async move {
        // Hides them at once; cleanups free them.
        cache.clear(&Selection::All).await?;
        let mut freed = 0;
        loop {
            match cache.cleanup().await? {
                0 => return Ok::<_, Error>(freed),
                more => freed += more,
            }
        }
    });
    let (limiter, resource) = (limiter(&table), Resource::new("issues").expect("a name"));
    let clock = SystemClock::new();
    for _ in 0..60 {
        let permit = permit(&limiter, &resource).await;
        permit.expect("a permit while housekeeping is throttled");
        assert_eq!(table.circuit_breaker_status().state, CircuitState::Closed);
        clock.sleep(Duration::from_millis(100)).await;
    }
    let counts = proxy.fault_counts();
    assert!(counts.throughput_exceeded > 0, "nothing was throttled");
    // Its users share 50 units a second with it: what it sends in vain is little beside them.
    assert!(
        counts.throughput_exceeded < counts.requests / 2,
        "{counts:?}"
    );
    assert!(
        !clearing.is_finished(),
        "3,000 units took a minute at least"
    );
    proxy.set_faults(NONE);
    let freed = clearing.await.expect("no panic").expect("cleared");
    assert_eq!(freed, 3_000);
}

#[tokio::test]
async fn housekeeping_that_is_throttled_for_good_ends_and_leaves_the_circuit_closed() {
    let (_, table, proxy) = setting(NONE.with_throttling(1.0)).await;
    let options = table.options().clone();
    let breaker = CircuitBreakerOptions::default().with_failure_threshold(2);
    let clock = FastClock(SystemClock::new());
    let options = options.with_circuit_breaker(breaker).with_clock(clock);
    let table = DynamoDbTable::from_env(options).await;
    let cache = DynamoDbCacheStore::new(&table);
    let failed = cache.stats().await.expect_err("throttled");
    assert_eq!(failed.kind(), ErrorKind::Throttled);
    let sent = proxy.fault_counts().requests;
    assert!(sent > 10, "it was sent {sent} times only");
    assert_eq!(table.circuit_breaker_status().failures, 0);
    // What users ask for counts as ever. By this clock the circuit is half open soon after it has opened.
    let key = Key::new("k").expect("a key");
    for _ in 0..2 {
        cache.get(&key).await.expect_err("throttled");
    }
    let status = table.circuit_breaker_status();
    assert_eq!(status.failures, 2);
    assert_ne!(status.state, CircuitState::Closed);
}

#[tokio::test(flavor = "multi_thread")]
async fn permits_flow_within_two_seconds_of_the_end_of_a_stall() {
    let (_, table, proxy) = setting(NONE).await;
    let (limiter, resource) = (limiter(&table), Resource::new("issues").expect("a name"));
    let clock = SystemClock::new();
    // What the crowd below takes on this machine while all is well.
    let began = clock.monotonic();
    let crowd = (0..40).map(|_| permit(&limiter, &resource));
    for permit in futures_util::future::join_all(crowd).await {
        permit.expect("a permit");
    }
    let usual = clock.monotonic().saturating_sub(began);
    let stall = SECOND * 6;
    let faults = NONE.with_slow(1.0).with_delay(stall);
    proxy.set_faults_for(faults, stall);
    let recovered_at = clock.monotonic() + stall;
    let users = (0..40).map(|_| {
        let (limiter, resource, clock) = (limiter.clone(), resource.clone(), clock);
        tokio::spawn(async move {
            // As a caller does: again as soon as the error allows.
            loop {
                match permit(&limiter, &resource).await {
                    Ok(()) if clock.monotonic() > recovered_at => return clock.monotonic(),
                    Ok(()) => clock.sleep(Duration::from_millis(10)).await,
                    Err(error) => {
                        assert!(error.is_retryable(), "{error}");
                        let wait = error.retry_after().unwrap_or(Duration::from_millis(100));
                        clock.sleep(wait.min(SECOND)).await;
                    }
                }
            }
        })
    });
    for user in users.collect::<Vec<_>>() {
        let got = user.await.expect("no panic");
        let late = got.saturating_sub(recovered_at);
        assert!(
            late < SECOND * 2 + usual * 4,
            "a permit came {late:?} after the recovery; usual are {usual:?}"
        );
    }
}
