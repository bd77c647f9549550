//! The limits on the wire, with a manual clock.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use comicvine_fake::{FakeServer, KeyFingerprint, Limits};
use store_core::ManualClock;

use crate::client::{get, request};

const SECOND: Duration = Duration::from_secs(1);

async fn limited(limits: Limits) -> (ManualClock, FakeServer) {
    let clock = ManualClock::default();
    let server = FakeServer::builder()
        .limits(limits)
        .clock(Arc::new(clock.clone()))
        .start()
        .await
        .unwrap();
    (clock, server)
}

fn at_most(requests: u32) -> Limits {
    Limits::unlimited().with_requests(NonZeroU32::new(requests).unwrap())
}

#[tokio::test]
async fn request_over_the_limit_is_420_and_107_until_the_window_slides() {
    let (clock, server) = limited(at_most(2).with_window(10 * SECOND)).await;
    assert_eq!(get(&server, "issues/?limit=1").await.status, 200);
    assert_eq!(get(&server, "issues/?limit=1").await.status, 200);
    let refused = get(&server, "issues/?limit=1").await;
    assert_eq!(refused.status, 420);
    assert_eq!(refused.json()["status_code"], 107);
    assert_eq!(
        refused.json()["error"],
        "Rate limit exceeded.  Slow down cowboy."
    );
    clock.advance(10 * SECOND);
    assert_eq!(get(&server, "issues/?limit=1").await.status, 200);
}

#[tokio::test]
async fn singular_and_plural_have_separate_limits_and_errors_count() {
    let (_clock, server) = limited(at_most(1)).await;
    assert_eq!(
        get(&server, "issue/4000-1/").await.json()["status_code"],
        101
    );
    assert_eq!(get(&server, "issue/4000-4001/").await.status, 420);
    assert_eq!(get(&server, "issues/?limit=1").await.status, 200);
}

#[tokio::test]
async fn spacing_applies_to_all_paths_of_a_key() {
    let (clock, server) = limited(Limits::unlimited().with_spacing(SECOND)).await;
    assert_eq!(get(&server, "issues/?limit=1").await.status, 200);
    assert_eq!(get(&server, "volumes/?limit=1").await.status, 420);
    clock.advance(SECOND);
    assert_eq!(get(&server, "volumes/?limit=1").await.status, 200);
}

#[tokio::test]
async fn counts_are_by_path_and_key_and_do_not_contain_the_key() {
    let (_clock, server) = limited(at_most(2)).await;
    for _ in 0..3 {
        get(&server, "issues/?limit=1").await;
    }
    let other = "/api/issues/?api_key=other&limit=1";
    request(&server, "GET", other, "").await.unwrap();
    let counts = server.counts();
    let issues = counts.path("issues");
    assert_eq!((issues.accepted, issues.refused_window), (3, 1));
    assert_eq!(issues.worst_window, 2);
    let of_key = counts.paths["issues"][&KeyFingerprint::of("secret")];
    assert_eq!((of_key.requests(), of_key.refused()), (3, 1));
    assert!(!format!("{counts:?} {server:?}").contains("secret"));
}

#[tokio::test]
async fn refused_request_has_retry_after_if_configured() {
    let server = FakeServer::builder()
        .limits(at_most(1))
        .retry_after(Duration::from_millis(1_500))
        .start()
        .await
        .unwrap();
    assert_eq!(
        get(&server, "issues/?limit=1").await.header("retry-after"),
        None
    );
    let refused = get(&server, "issues/?limit=1").await;
    assert_eq!(
        (refused.status, refused.header("retry-after")),
        (420, Some("2"))
    );
}

#[tokio::test]
async fn limits_change_while_serving() {
    let (_clock, server) = limited(at_most(1)).await;
    assert_eq!(get(&server, "issues/?limit=1").await.status, 200);
    assert_eq!(get(&server, "issues/?limit=1").await.status, 420);
    server.set_limits(at_most(2));
    assert_eq!(get(&server, "issues/?limit=1").await.status, 200);
    server.reset_counts();
    assert_eq!(server.counts().total().requests(), 0);
    assert_eq!(get(&server, "issues/?limit=1").await.status, 420);
    server.reset();
    assert_eq!(get(&server, "issues/?limit=1").await.status, 200);
}

#[tokio::test]
async fn responses_are_counted_by_path_and_parameters_without_key_and_format() {
    let server = FakeServer::builder()
        .limits(Limits::unlimited())
        .start()
        .await
        .unwrap();
    let (kind, ids) = server.detail_ids().swap_remove(0);
    let path = format!("{kind}/{}/", ids[0]);
    for query in [
        "api_key=one&field_list=id",
        "field_list=id&api_key=two&format=json",
    ] {
        let target = format!("/api/{path}?{query}");
        request(&server, "GET", &target, "").await.unwrap();
    }
    let answered = server.counts().answered;
    assert_eq!(answered.values().copied().collect::<Vec<_>>(), [2]);
    assert!(answered.keys().all(|name| name.ends_with("?field_list=id")));
}
