//! Activity that a process keeps in memory before it is written.

use store_core::{
    Acquire, AdaptiveConfig, Claim, Decision, HOUR, Limit, ManualClock, Priority, RateLimitStore,
    ResourceConfig, SECOND,
};
use store_sqlite::{RateLimitOptions, SqliteDatabase, SqliteRateLimitStore};

use crate::support::resource;

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
