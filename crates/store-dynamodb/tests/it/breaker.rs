//! The circuit breaker before a table that is throttled, gone, or merely busy.

use std::time::Duration;

use dynamodb_local::{FaultProxy, Faults};
use store_core::{
    CacheStore as _, CacheStoreExt as _, ErrorKind, Key, ManualClock, NewEntry, Result, SECOND,
    SystemClock,
};
use store_dynamodb::ops::{CircuitBreakerOptions, CircuitState};
use store_dynamodb::setup::{SetupOptions, TableSpec, create_or_verify};
use store_dynamodb::{DynamoDbCacheStore, DynamoDbTable, TableOptions};

use crate::support;

const NONE: Faults = Faults::each(0.0);

/// How long the circuit is open at first.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

struct Setting {
    proxy: FaultProxy,
    clock: ManualClock,
    table: DynamoDbTable,
    cache: DynamoDbCacheStore,
}

impl Setting {
    async fn new() -> Self {
        let upstream = dynamodb_local::endpoint().expect("a server");
        let proxy = FaultProxy::start(&upstream, 3, NONE)
            .await
            .expect("a proxy");
        let clock = ManualClock::default();
        let breaker = CircuitBreakerOptions::default()
            .with_failure_threshold(3)
            .with_recovery_timeout(SECOND * 10);
        let options = TableOptions::default()
            .with_table(support::fresh_name())
            .with_endpoint_url(proxy.url())
            .with_max_retries(1)
            .with_retry_delay(Duration::from_millis(1))
            .with_clock(clock.clone())
            .with_circuit_breaker(breaker);
        let table = DynamoDbTable::from_env(options.clone()).await;
        let spec = TableSpec::of(&options);
        let made = create_or_verify(table.client(), &spec, &SetupOptions::default()).await;
        made.expect("a table");
        Self {
            cache: DynamoDbCacheStore::new(&table),
            proxy,
            clock,
            table,
        }
    }

    async fn get(&self) -> Result<()> {
        let key = Key::new("k").expect("a key");
        self.cache.value(&key).await.map(drop)
    }

    async fn failures(&self, count: usize) -> Vec<ErrorKind> {
        let mut kinds = Vec::new();
        for _ in 0..count {
            kinds.push(self.get().await.expect_err("a failure").kind());
        }
        kinds
    }

    fn state(&self) -> CircuitState {
        self.table.circuit_breaker_status().state
    }
}

// covers("B4", "B10", "B15")
#[tokio::test]
async fn a_throttled_table_is_left_alone_until_it_recovers() {
    let it = Setting::new().await;
    it.get().await.expect("an answer");
    it.proxy.set_faults(NONE.with_throttling(1.0));
    let throttled = vec![ErrorKind::Throttled; 3];
    assert_eq!(it.failures(3).await, throttled);
    assert_eq!(it.state(), CircuitState::Open);

    let sent = it.proxy.fault_counts().requests;
    assert_eq!(it.failures(50).await, vec![ErrorKind::CircuitOpen; 50]);
    assert_eq!(it.proxy.fault_counts().requests, sent, "something was sent");
    it.clock.advance(FIRST_PAUSE / 5);
    let error = it.get().await.expect_err("an open circuit");
    assert_eq!(error.retry_after(), Some(FIRST_PAUSE / 5 * 4));
    assert!(error.is_retryable());
    let message = error.to_string();
    assert!(message.contains("the last failure: "), "{message}");
    assert!(message.contains("throttled"), "{message}");

    // Still throttled: one request tries, and all is quiet for twice as long.
    it.clock.advance(FIRST_PAUSE / 5 * 4);
    let kinds = it.failures(3).await;
    let (first, rest) = kinds.split_first().expect("a try");
    assert_eq!(*first, ErrorKind::Throttled);
    assert_eq!(rest, [ErrorKind::CircuitOpen; 2]);

    it.proxy.set_faults(NONE);
    it.clock.advance(FIRST_PAUSE * 2);
    it.get().await.expect("an answer");
    assert_eq!(it.state(), CircuitState::Closed);
}

#[tokio::test]
async fn server_faults_lost_connections_and_silence_open_it() {
    let faults = [
        NONE.with_server_error(1.0),
        NONE.with_reset(1.0),
        NONE.with_lost_response(1.0),
        NONE.with_throughput_exceeded(1.0),
    ];
    let it = Setting::new().await;
    for faults in faults {
        it.proxy.set_faults(faults);
        it.failures(3).await;
        assert_eq!(it.state(), CircuitState::Open, "{faults:?}");
        it.table.reset_circuit_breaker();
        assert_eq!(it.state(), CircuitState::Closed);
    }
}

#[tokio::test]
async fn silence_is_a_timeout_and_opens_it() {
    let it = Setting::new().await;
    let options = it.table.options().clone();
    let options = options
        .with_attempt_timeout(Duration::from_millis(40))
        .with_max_retries(0);
    let table = DynamoDbTable::from_env(options).await;
    let cache = DynamoDbCacheStore::new(&table);
    it.proxy.set_faults(NONE.with_slow(1.0).with_delay(SECOND));
    let key = Key::new("k").expect("a key");
    for _ in 0..3 {
        let error = cache.value(&key).await.expect_err("silence");
        assert_eq!(error.kind(), ErrorKind::Timeout);
    }
    assert_eq!(table.circuit_breaker_status().state, CircuitState::Open);
    assert_eq!(it.state(), CircuitState::Closed, "another handle's");
}

#[tokio::test]
async fn a_table_that_answers_no_stays_in_use() {
    let it = Setting::new().await;
    let options = it.table.options().clone();
    let table = DynamoDbTable::from_env(options.with_table("nobody-made-this")).await;
    let cache = DynamoDbCacheStore::new(&table);
    let key = Key::new("k").expect("a key");
    for _ in 0..10 {
        let error = cache.value(&key).await.expect_err("no table");
        assert_eq!(error.kind(), ErrorKind::SchemaMissing);
    }
    assert_eq!(table.circuit_breaker_status().state, CircuitState::Closed);
    // Conflicts are others at work. The store pauses between its tries, so here time passes.
    let options = it.table.options().clone();
    let table = DynamoDbTable::from_env(options.with_clock(SystemClock::new())).await;
    let cache = DynamoDbCacheStore::new(&table);
    it.proxy.set_faults(NONE.with_conflict(1.0));
    let failed = cache.set(NewEntry::unconditional(key, "v")).await;
    assert_eq!(failed.expect_err("a conflict").kind(), ErrorKind::Busy);
    assert!(it.proxy.fault_counts().conflicts >= 3);
    assert_eq!(table.circuit_breaker_status().state, CircuitState::Closed);
}
