//! The cost of denials.

use std::fs;
use std::num::NonZeroU32;

use store_core::{
    Acquire, AdaptiveConfig, Claim, Decision, HOUR, Limit, ManualClock, Priority, RateLimitStore,
    ResourceConfig, SECOND,
};
use store_sqlite::{RateLimitOptions, SqliteDatabase, SqliteRateLimitStore};

use crate::support::{Folder, resource};

const DENIALS: u64 = 20;

/// A limiter whose window is full.
struct Full {
    folder: Folder,
    database: SqliteDatabase,
    limits: SqliteRateLimitStore,
    clock: ManualClock,
    claim: Claim,
}

impl Full {
    async fn of(count: u32, config: impl Fn(ResourceConfig) -> ResourceConfig) -> Self {
        let (folder, clock) = (Folder::new(), ManualClock::default());
        let database = folder.open().await;
        let options = RateLimitOptions::default()
            .with_clock(clock.clone())
            .with_cleanup_interval(None);
        let limits = SqliteRateLimitStore::with_options(&database, options);
        let config = config(ResourceConfig::from(Limit::new(count, HOUR)));
        let claim = Claim::new(resource("issues")).with_config(config);
        let all = NonZeroU32::new(count).expect("a limit");
        let recorded = limits
            .record(Acquire::of(claim.clone()).background().permits(all))
            .await;
        recorded.expect("a log");
        Self {
            folder,
            database,
            limits,
            clock,
            claim,
        }
    }

    async fn is_denied(&self, priority: Priority) {
        let request = Acquire::of(self.claim.clone()).priority(priority);
        let decision = self.limits.try_acquire(request).await.expect("a decision");
        assert!(matches!(decision, Decision::Denied { .. }), "{decision:?}");
    }

    /// The number of rows changed so far, and the size of the write-ahead log.
    async fn written(&self) -> (u64, u64) {
        let changes = self.database.write(|tx| Ok(tx.total_changes())).await;
        let mut log = self.folder.file().into_os_string();
        log.push("-wal");
        let log = fs::metadata(log).expect("a write-ahead log");
        (changes.expect("a number"), log.len())
    }

    /// The number of rows changed by denials of both priorities, none of them from memory.
    async fn changed_by_denials(&self) -> u64 {
        let (before, _) = self.written().await;
        for _ in 0..DENIALS {
            // A denial is cached for a second.
            self.clock.advance(SECOND);
            self.is_denied(Priority::Background).await;
            self.clock.advance(SECOND);
            self.is_denied(Priority::User).await;
        }
        self.written().await.0 - before
    }
}

// covers("F28")
#[tokio::test]
async fn a_denial_writes_nothing() {
    let full = Full::of(50, |config| config).await;
    full.is_denied(Priority::User).await;
    let before = full.written().await;
    assert_eq!(full.changed_by_denials().await, 0);
    assert_eq!(full.written().await, before);
}

// covers("F28")
#[tokio::test]
async fn denied_requests_change_few_rows_however_long_the_log() {
    let adaptive = |config: ResourceConfig| config.adaptive(AdaptiveConfig::default());
    let short = Full::of(10, adaptive).await.changed_by_denials().await;
    let full = Full::of(2_000, adaptive).await;
    let long = full.changed_by_denials().await;
    assert_eq!(short, long);
    // The second's bucket, the last user request, and sometimes the allocation.
    assert!(long <= 2 * DENIALS * 3, "{long}");

    let before = full.written().await;
    for _ in 0..100 {
        full.is_denied(Priority::User).await;
    }
    assert_eq!(
        full.written().await,
        before,
        "denials from memory write nothing"
    );
}
