//! Activity that a process keeps in memory before it is written.

use store_core::{
    Acquire, AdaptiveConfig, Claim, Decision, HOUR, Limit, ManualClock, Priority, RateLimitStore,
    ResourceConfig, SECOND,
};
use store_sqlite::{
    AccessMode, DatabaseOptions, RateLimitOptions, SqliteDatabase, SqliteRateLimitStore,
};

use crate::support::{Folder, resource};

#[tokio::test]
async fn requests_denied_before_a_limit_was_adaptive_are_no_recent_activity() {
    let database = SqliteDatabase::in_memory().await.expect("a database");
    let clock = ManualClock::default();
    let options = RateLimitOptions::default()
        .with_default_config(Limit::new(1, HOUR))
        .with_clock(clock.clone());
    let limits = SqliteRateLimitStore::with_options(&database, options);
    let issues = resource("issues");
    let acquire = async || limits.try_acquire(Acquire::one(&issues)).await;
    assert!(matches!(acquire().await, Ok(Decision::Granted(_))));
    for _ in 0..20 {
        assert!(matches!(acquire().await, Ok(Decision::Denied { .. })));
    }
    // The store is asked again, which leaves nothing in memory.
    clock.advance(SECOND * 2);
    assert!(matches!(acquire().await, Ok(Decision::Denied { .. })));

    clock.advance(HOUR * 10);
    let adaptive = ResourceConfig::from(Limit::new(100, HOUR)).adaptive(AdaptiveConfig::default());
    let set = limits.set_resource_config(&issues, adaptive).await;
    set.expect("the config is valid");
    let claim = Claim::new(issues.clone());
    let status = limits.status(&claim, Priority::Background).await;
    let adaptive = status.expect("a status").adaptive.expect("it is shared");
    assert_eq!(adaptive.recent_user_activity, 0);
}

#[tokio::test]
async fn a_status_on_a_read_only_handle_includes_unwritten_activity() {
    let folder = Folder::new();
    let database = folder.open().await;
    let shared = ResourceConfig::from(Limit::new(100, HOUR)).adaptive(AdaptiveConfig::default());
    let request = Acquire::of(Claim::new(resource("issues")).with_config(shared));
    let limits = SqliteRateLimitStore::adaptive(&database);
    let acquired = limits.try_acquire(request.clone()).await;
    assert!(matches!(acquired, Ok(Decision::Granted(_))), "{acquired:?}");
    database.close().await.expect("a close");

    let options = DatabaseOptions::default().with_access(AccessMode::ReadOnly);
    let database = SqliteDatabase::open_with(folder.file(), options).await;
    let limits = SqliteRateLimitStore::adaptive(&database.expect("a database"));
    for unwritten in 0..3 {
        let status = limits.status(&request.claims[0], Priority::User).await;
        let adaptive = status.expect("a status").adaptive.expect("it is shared");
        assert_eq!(adaptive.recent_user_activity, 1 + unwritten);
        limits.record_activity(&request);
    }
}

#[tokio::test]
async fn activity_that_a_status_includes_is_written_once_by_the_next_request() {
    let database = SqliteDatabase::in_memory().await.expect("a database");
    let limits = SqliteRateLimitStore::adaptive(&database);
    let claim = Claim::new(resource("issues"));
    let recent = async || {
        // Another store has nothing of the first one's memory.
        let of = async |limits: &SqliteRateLimitStore| {
            let status = limits.status(&claim, Priority::User).await;
            let adaptive = status.expect("a status").adaptive.expect("it is shared");
            adaptive.recent_user_activity
        };
        let other = SqliteRateLimitStore::adaptive(&database);
        (of(&limits).await, of(&other).await)
    };
    let request = Acquire::of(claim.clone());
    limits.record_activity(&request);
    assert_eq!(recent().await, (1, 0));
    limits.record_activity(&request);
    assert_eq!(recent().await, (2, 0));
    let acquired = limits.try_acquire(request.clone()).await;
    assert!(matches!(acquired, Ok(Decision::Granted(_))), "{acquired:?}");
    assert_eq!(recent().await, (3, 3));

    limits.record_activity(&request);
    assert_eq!(recent().await, (4, 3));
    limits.clear().await.expect("a clear");
    assert_eq!(recent().await, (0, 0));
}
