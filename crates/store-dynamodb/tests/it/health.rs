//! Health checks of tables that are well, ill, and not there.
//!
//! AWS' own server for tests does not tell the time. Which kind of server this is, the tests find out
//! by themselves, not from the check.

use std::time::Duration;

use aws_sdk_dynamodb::config::interceptors::BeforeDeserializationInterceptorContextMut;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::types::TimeToLiveSpecification;
use dynamodb_local::{FaultProxy, Faults};
use store_core::{Clock as _, ErrorKind, MINUTE, ManualClock, SystemClock};
use store_dynamodb::ops::{HealthOptions, Problem};
use store_dynamodb::{DynamoDbTable, TableOptions};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::support;

/// Whether the server's answers carry the time; the emulator's have to.
async fn is_time_told() -> bool {
    let url = dynamodb_local::endpoint().expect("a server that speaks DynamoDB");
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let request = format!("GET / HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    let sent = stream.write_all(request.as_bytes()).await;
    sent.expect("a request");
    let mut lines = BufReader::new(stream).lines();
    let mut is_told = false;
    while let Some(line) = lines.next_line().await.expect("an answer")
        && !line.is_empty()
    {
        is_told |= line.to_ascii_lowercase().starts_with("date:");
    }
    let is_emulator = std::env::var_os(dynamodb_local::ENDPOINT_VARIABLE).is_none();
    assert!(is_told || !is_emulator, "the emulator tells the time");
    is_told
}

/// Takes the time out of every answer.
#[derive(Debug)]
struct Timeless;

impl Intercept for Timeless {
    fn name(&self) -> &'static str {
        "timeless"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        context.response_mut().headers_mut().remove("date");
        Ok(())
    }
}

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

fn is_only_untold(problems: &[Problem]) -> bool {
    matches!(problems, [Problem::ClockUnknown])
}

/// The skew that a test allows for: server and test have one clock, but the server reports it in seconds.
fn options() -> HealthOptions {
    HealthOptions::default()
}

// covers("B17")
#[tokio::test]
async fn a_table_that_is_well_has_no_problem() {
    let table = with_time_to_live("TTL").await;
    let health = table.health(&options()).await;
    assert!(health.is_healthy());
    assert!(health.latency.is_some_and(|it| it < Duration::from_secs(2)));
    if !is_time_told().await {
        assert!(is_only_untold(&health.problems), "{:?}", health.problems);
        assert_eq!(health.clock_skew, None);
        return;
    }
    assert!(health.problems.is_empty(), "{:?}", health.problems);
    let clock = health.clock_skew.expect("the server tells the time");
    assert!(clock.min_millis <= 0 && clock.max_millis >= 0, "{clock}");
    assert!(clock.max_millis - clock.min_millis >= 1_000, "{clock}");
}

#[tokio::test]
async fn a_time_to_live_that_is_off_or_another_is_told_and_does_no_harm() {
    for (table, ruled_by) in [
        (support::table().await, None),
        (with_time_to_live("expires").await, Some("expires")),
    ] {
        let health = table.health(&options()).await;
        assert!(health.is_healthy());
        let [
            problem @ Problem::TimeToLive { wanted, found, .. },
            rest @ ..,
        ] = &*health.problems
        else {
            unreachable!("{:?}", health.problems);
        };
        assert_eq!(is_only_untold(rest), !is_time_told().await);
        assert!(rest.len() < 2, "{rest:?}");
        assert_eq!((&**wanted, found.as_deref()), ("TTL", ruled_by));
        let command = format!("`comicvine table setup --table {} --repair`", table.name());
        let text = problem.to_string();
        assert!(text.contains(&command), "{text}");
        assert_eq!(text.contains("turn it off"), ruled_by.is_some(), "{text}");
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
async fn a_service_that_does_not_tell_the_time_is_told_and_does_no_harm() {
    let table = with_time_to_live("TTL").await;
    let endpoint = dynamodb_local::endpoint().expect("a server that speaks DynamoDB");
    let config = support::config_of(&endpoint).interceptor(Timeless);
    let client = aws_sdk_dynamodb::Client::from_conf(config.build());
    let options = TableOptions::default().with_table(table.name());
    let health = DynamoDbTable::new(client, options);
    let health = health.health(&self::options()).await;
    assert!(is_only_untold(&health.problems), "{:?}", health.problems);
    assert!(health.problems[0].to_string().contains("not compared"));
    assert!(health.is_healthy());
    assert_eq!(health.clock_skew, None);
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_told() {
    let table = with_time_to_live("TTL").await;
    let is_time_told = is_time_told().await;
    let now = SystemClock::new().now();
    for (clock, is_ahead) in [
        (ManualClock::at(now - Duration::from_secs(30)), true),
        (ManualClock::at(now + Duration::from_secs(30)), false),
    ] {
        let options = TableOptions::default().with_table(table.name());
        let table = DynamoDbTable::new(table.client().clone(), options.with_clock(clock));
        let health = table.health(&self::options()).await;
        if !is_time_told {
            assert!(is_only_untold(&health.problems), "{:?}", health.problems);
            continue;
        }
        assert!(!health.is_healthy());
        let [Problem::ClockSkew { skew, .. }] = &*health.problems else {
            unreachable!("{:?}", health.problems);
        };
        assert_eq!(skew.min_millis > 25_000, is_ahead, "{skew}");
        assert_eq!(skew.max_millis < -25_000, !is_ahead, "{skew}");
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
