//! Every store behind a network and a service that fail, each kind of fault alone and all together: what
//! was answered stands, nothing is admitted or owned twice, and what cannot be answered is an error of a
//! kind that may pass, in time.

mod cache;
mod dedupe;
mod rate_limit;

use std::future::Future;
use std::time::Duration;

use dynamodb_local::{FaultProxy, Faults};
use store_core::backend::SeededRandom;
use store_core::{Clock as _, Result, SECOND, SystemClock};
use store_dynamodb::ops::CircuitBreakerOptions;
use store_dynamodb::{DynamoDbTable, TableOptions};
use tokio::task::JoinSet;

use crate::support;

const NONE: Faults = Faults::each(0.0);
/// How late a slow answer is. The client has given up by then what the server has done.
const DELAY: Duration = Duration::from_millis(120);
/// Longer than any call takes: a few requests, each with all its tries, or housekeeping at the pace of a table that
/// throttles, which gives up after a minute.
const BOUND: Duration = SECOND.saturating_mul(90);

/// How often each kind of fault comes when it comes alone, and how often any of them when all do.
fn kinds() -> [(&'static str, Faults); 10] {
    [
        ("throttling", NONE.with_throttling(0.3)),
        ("exceeded throughput", NONE.with_throughput_exceeded(0.3)),
        ("server errors", NONE.with_server_error(0.3)),
        ("resets", NONE.with_reset(0.3)),
        ("slow answers", NONE.with_slow(0.15)),
        ("lost answers", NONE.with_lost_response(0.3)),
        ("conflicts", NONE.with_conflict(0.3)),
        ("batches left half done", NONE.with_unprocessed(0.6)),
        (
            "lost answers and conflicts",
            NONE.with_lost_response(0.2).with_conflict(0.2),
        ),
        ("everything", Faults::each(0.05)),
    ]
}

/// One table, by way of a proxy and past it.
struct Setting {
    proxy: FaultProxy,
    /// The longest that one try may take.
    patience: Duration,
    direct: DynamoDbTable,
}

impl Setting {
    async fn new(faults: Faults) -> Self {
        let direct = support::table().await;
        let upstream = dynamodb_local::endpoint().expect("a server");
        let proxy = FaultProxy::start(&upstream, 23, faults.with_delay(DELAY)).await;
        Self {
            patience: if faults.slow > 0.0 {
                DELAY * 3 / 4
            } else {
                SECOND
            },
            proxy: proxy.expect("a free port"),
            direct,
        }
    }

    /// A handle of a process of its own behind the proxy.
    async fn spoiled(&self, seed: u64) -> DynamoDbTable {
        let options = TableOptions::default()
            .with_table(self.direct.name())
            .with_endpoint_url(self.proxy.url())
            .with_region("us-east-1")
            .with_retry_delay(Duration::from_millis(2))
            .with_attempt_timeout(self.patience)
            .with_operation_timeout(SECOND * 2)
            // Else most of the test would pass without a request.
            .with_circuit_breaker(CircuitBreakerOptions::disabled())
            .with_random(SeededRandom::new(seed));
        DynamoDbTable::from_env(options).await
    }

    /// The faults end.
    fn heal(&self) {
        self.proxy.set_faults(NONE);
    }
}

/// Plays the same under each kind of fault, all at the same time.
async fn under_each<F>(play: impl Fn(&'static str, Setting) -> F + Send + Sync)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut plays = JoinSet::new();
    for (kind, faults) in kinds() {
        plays.spawn(play(kind, Setting::new(faults).await));
    }
    while let Some(played) = plays.join_next().await {
        played.expect("no complaint");
    }
}

/// The answer, or nothing if it failed in a way that may pass; anything else, and no answer within the
/// bound, fails the test.
async fn answer<T>(kind: &str, call: impl Future<Output = Result<T>>) -> Option<T> {
    let clock = SystemClock::new();
    let answered = tokio::select! {
        answered = call => answered,
        () = clock.sleep_until(clock.now() + BOUND) => panic!("{kind}: no answer in {BOUND:?}"),
    };
    match answered {
        Ok(answer) => Some(answer),
        Err(error) => {
            assert!(error.is_retryable(), "{kind}: {error:?}");
            None
        }
    }
}
