//! The example of this crate, on a table of the emulator.

use futures_util::future::join_all;

use crate::support;

#[path = "../../examples/dynamodb.rs"]
#[expect(dead_code, reason = "the example's own main is for the command line")]
mod dynamodb;

use dynamodb::Issues;

#[tokio::test]
async fn the_example_caches_shares_and_limits() {
    let issues = Issues::new(&support::table().await).expect("stores");
    for body in join_all((0..10).map(|_| issues.get(1))).await {
        assert_eq!(body.expect("an issue").as_deref(), Some(r#"{"id": 1}"#));
    }
    for id in [2, 3, 1] {
        let body = issues.get(id).await.expect("an answer");
        assert!(body.is_some(), "{id}");
    }
    let fourth = issues.get(4).await.expect("an answer");
    assert_eq!(fourth, None, "three a minute");
}
