//! What the page on running it says of options and errors is what the code has.

use std::time::Duration;

use store_core::{Error, ErrorKind, SECOND};
use store_dynamodb::ops::CircuitBreakerOptions;
use store_dynamodb::{TableOptions, Tuning};

const PAGE: &str = include_str!("../../../../docs/dynamodb.md");
const SOURCES: [&str; 9] = [
    include_str!("../../src/lib.rs"),
    include_str!("../../src/options.rs"),
    include_str!("../../src/ops.rs"),
    include_str!("../../../store-core/src/backend/breaker.rs"),
    include_str!("../../src/dedupe.rs"),
    include_str!("../../src/ops/health.rs"),
    include_str!("../../src/rate_limit.rs"),
    include_str!("../../src/table/client.rs"),
    include_str!("../../src/table/options.rs"),
];

/// The text under a heading, up to the next of its rank.
fn section(heading: &str) -> &'static str {
    let (_, below) = PAGE.split_once(heading).expect("a heading");
    below.split_once("\n## ").map_or(below, |(text, _)| text)
}

/// The names in code marks in a column of the section's tables.
fn names(section: &str, column: usize) -> Vec<String> {
    let rows = section.lines().filter(|line| line.starts_with("| "));
    let cells = rows.filter_map(|row| row.split(" | ").nth(column));
    let marked = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    let words =
        marked.flat_map(|code| code.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'));
    words
        .filter(|word| word.len() > 1)
        .map(ToOwned::to_owned)
        .collect()
}

// covers("B20")
#[test]
fn the_page_tells_how_the_table_grows_is_kept_and_moves() {
    let sections = [
        (
            "## Capacity and cost",
            ["Tuning::with_permit_batch_size", "register-scalable-target"],
        ),
        (
            "## Backups",
            ["create-backup", "export-table-to-point-in-time"],
        ),
        ("## Several regions", ["global table", "To fail over"]),
    ];
    for (heading, words) in sections {
        for word in words {
            assert!(section(heading).contains(word), "{heading}: {word}");
        }
    }
}

// covers("B21")
#[test]
fn the_page_on_moving_names_what_exists() {
    let named = names(section("## Moving here"), 1);
    assert!(named.len() > 20, "{named:?}");
    for name in named {
        let is_elsewhere = ["try_acquire", "cleanup", "AdaptiveConfig"].contains(&name.as_str());
        let is_here = SOURCES.iter().any(|source| source.contains(&name));
        // What the SDK, the contracts or other crates call so.
        let is_foreign = ["tracing", "SdkConfig", "wait_for"].contains(&name.as_str());
        assert!(is_here || is_elsewhere || is_foreign, "{name}");
    }
}

// covers("B24")
#[test]
fn the_page_on_trouble_names_the_errors_that_there_are() {
    use ErrorKind::{Busy, CircuitOpen, SchemaMissing, Throttled, Timeout, TooLarge, Unavailable};
    let section = section("## When something fails");
    for kind in [
        Busy,
        CircuitOpen,
        SchemaMissing,
        Throttled,
        Timeout,
        TooLarge,
        Unavailable,
    ] {
        let named = format!("`{kind:?}`");
        assert!(section.contains(&named), "{named}");
    }
    let missing = Error::new(SchemaMissing, "dynamodb", "get");
    assert!(!missing.is_retryable());
    for trouble in ["breaker", "slow", "too large", "Expired items"] {
        assert!(section.contains(trouble), "{trouble}");
    }
}

// covers("B3", "B23", "B25")
#[test]
fn options_are_those_of_the_original_and_may_be_more_patient() {
    let options = TableOptions::default();
    assert_eq!(options.table, "comic-vine-store");
    assert_eq!(options.max_retries, 3);
    let production = options
        .with_max_retries(5)
        .with_retry_delay(Duration::from_millis(200))
        .with_region("eu-west-1")
        .with_endpoint_url("http://127.0.0.1:8000");
    assert_eq!(
        (production.max_retries, production.retry_delay.as_millis()),
        (5, 200)
    );
    assert_eq!(production.region.as_deref(), Some("eu-west-1"));
    let breaker = CircuitBreakerOptions::default();
    assert_eq!(breaker.failure_threshold.to_string(), "5");
    assert_eq!(breaker.recovery_timeout, SECOND * 60);
    assert_eq!(Tuning::default().poll_interval.as_millis(), 100);
}
