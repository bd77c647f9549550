//! Health checks of tables that are well, ill, and not there.

use std::time::Duration;

use aws_sdk_dynamodb::types::TimeToLiveSpecification;
use dynamodb_local::{FaultProxy, Faults};
use store_core::{Clock as _, ErrorKind, MINUTE, ManualClock, SystemClock};
use store_dynamodb::{DynamoDbTable, HealthOptions, Problem, TableOptions};

use crate::support;

async fn with_time_to_live(attribute: &str) -> DynamoDbTable {
    let table = support::table().await;
    let ruled = TimeToLiveSpecification::builder().enabled(true);
    let ruled = ruled.attribute_name(attribute).build();
    let update = table.client().update_time_to_live();
    let update = update.table_name(table.name());
    let update = update.time_to_live_specification(ruled.expect("a specification"));
    update.send().await.expect("turned on");
    table
}

/// The skew that a test allows for: server and test have one clock, but it is told in seconds.
fn options() -> HealthOptions {
    HealthOptions::default()
}

// covers("B17")
#[tokio::test]
async fn a_table_that_is_well_has_no_problem() {
    let table = with_time_to_live("TTL").await;
    let health = table.health(&options()).await;
    assert!(health.problems.is_empty(), "{:?}", health.problems);
    assert!(health.is_healthy());
    assert!(health.latency.is_some_and(|it| it < Duration::from_secs(2)));
    let clock = health.clock.expect("the server tells the time");
    assert!(clock.least_millis <= 0 && clock.most_millis >= 0, "{clock}");
    assert!(clock.most_millis - clock.least_millis >= 1_000, "{clock}");
}

#[tokio::test]
async fn a_time_to_live_that_is_off_or_another_is_told_and_does_no_harm() {
    for (table, ruled_by) in [
        (support::table().await, None),
        (with_time_to_live("expires").await, Some("expires")),
    ] {
        let health = table.health(&options()).await;
        assert!(health.is_healthy());
        let [Problem::TimeToLive { wanted, found }] = &*health.problems else {
            unreachable!("{:?}", health.problems);
        };
        assert_eq!((&**wanted, found.as_deref()), ("TTL", ruled_by));
        assert!(health.problems[0].to_string().contains("setup-dynamo"));
    }
}

// covers("B17")
#[tokio::test]
async fn a_table_that_is_not_there_is_told_with_its_remedy() {
    let options = TableOptions::default().with_table(support::fresh_name());
    let table = DynamoDbTable::new(support::client(), options);
    let health = table.health(&self::options()).await;
    assert!(!health.is_healthy());
    let [Problem::Unreadable(error)] = &*health.problems else {
        unreachable!("{:?}", health.problems);
    };
    assert_eq!(error.kind(), ErrorKind::SchemaMissing);
    assert!(health.problems[0].to_string().contains(table.name()));
    assert_eq!(health.latency, None);
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_told() {
    let table = with_time_to_live("TTL").await;
    let now = SystemClock::new().now();
    for (clock, is_ahead) in [
        (ManualClock::at(now - Duration::from_secs(30)), true),
        (ManualClock::at(now + Duration::from_secs(30)), false),
    ] {
        let options = TableOptions::default().with_table(table.name());
        let table = DynamoDbTable::new(table.client().clone(), options.with_clock(clock));
        let health = table.health(&self::options()).await;
        assert!(!health.is_healthy());
        let [Problem::Clock { difference, .. }] = &*health.problems else {
            unreachable!("{:?}", health.problems);
        };
        assert_eq!(difference.least_millis > 25_000, is_ahead, "{difference}");
        assert_eq!(difference.most_millis < -25_000, !is_ahead, "{difference}");
        let lenient = self::options().with_max_clock_skew(MINUTE);
        assert!(table.health(&lenient).await.is_healthy());
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_told_in_time() {
    let direct = support::table().await;
    let upstream = dynamodb_local::endpoint().expect("a server that speaks DynamoDB");
    let slow = Faults::default().with_slow(1.0);
    let slow = slow.with_delay(MINUTE);
    let proxy = FaultProxy::start(&upstream, 5, slow).await;
    let proxy = proxy.expect("a free port");
    let options = TableOptions::default().with_table(direct.name());
    let table = DynamoDbTable::new(support::client_of(proxy.url()), options);
    let began = SystemClock::new();
    let timeout = Duration::from_millis(300);
    let health = table.health(&self::options().with_timeout(timeout)).await;
    assert!(began.monotonic() < Duration::from_secs(10));
    let [Problem::Unreadable(error)] = &*health.problems else {
        unreachable!("{:?}", health.problems);
    };
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(!health.is_healthy());
}
