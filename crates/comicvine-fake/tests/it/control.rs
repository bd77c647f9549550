//! Control over HTTP.

use serde_json::json;

use crate::client::{get, request, unlimited};

#[tokio::test]
async fn faults_counts_and_reset_over_http() {
    let server = unlimited().await;
    let command = r#"{"fault":"forbidden","times":2,"path":"issues"}"#;
    let done = request(&server, "POST", "/control/inject", command)
        .await
        .unwrap();
    assert_eq!((done.status, done.text()), (200, "{}"));
    assert_eq!(get(&server, "issues/").await.status, 403);

    let counts = request(&server, "GET", "/control/counts", "")
        .await
        .unwrap();
    assert!(!counts.text().contains("secret"));
    let key = comicvine_fake::KeyFingerprint::of("secret").to_string();
    assert_eq!(
        counts.json()["paths"]["issues"][key],
        json!({
            "accepted": 1,
            "refused_window": 0,
            "refused_spacing": 0,
            "injected": 1,
            "worst_window": 1,
        })
    );

    let done = request(&server, "POST", "/control/reset", "")
        .await
        .unwrap();
    assert_eq!(done.status, 200);
    assert_eq!(get(&server, "issues/").await.status, 200);
    assert_eq!(server.counts().total().requests(), 1);
}

#[tokio::test]
async fn large_response_over_http() {
    let server = unlimited().await;
    let command = r#"{"fault":"large","bytes":300000}"#;
    let done = request(&server, "POST", "/control/inject", command)
        .await
        .unwrap();
    assert_eq!(done.status, 200);
    assert_eq!(get(&server, "issues/").await.lengths(), (300_000, 300_000));
}

#[tokio::test]
async fn limits_over_http() {
    let server = unlimited().await;
    let limits = json!({"requests": 1, "window_ms": 60_000, "spacing_ms": 0});
    let target = "/control/limits";
    request(&server, "POST", target, &limits.to_string())
        .await
        .unwrap();
    let shown = request(&server, "GET", target, "").await.unwrap();
    assert_eq!(shown.json(), limits);
    get(&server, "issues/").await;
    assert_eq!(get(&server, "issues/").await.status, 420);
}

#[tokio::test]
async fn invalid_commands_are_explained() {
    let server = unlimited().await;
    let odd = r#"{"fault":"earthquake"}"#;
    let refused = request(&server, "POST", "/control/inject", odd)
        .await
        .unwrap();
    assert_eq!(refused.status, 400);
    let error = refused.json()["error"].as_str().unwrap().to_owned();
    assert!(
        error.contains("earthquake") && error.contains("cut_off"),
        "{error}"
    );
    let unknown = request(&server, "POST", "/control/explode", "")
        .await
        .unwrap();
    assert_eq!(unknown.status, 404);
}
