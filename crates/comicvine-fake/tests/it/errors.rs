//! The API's own errors.

use comicvine_fake::{FakeServer, Limits};
use serde_json::json;

use crate::client::{get, request, unlimited};

#[tokio::test]
async fn key_that_is_missing_or_empty_is_401_and_100() {
    let server = unlimited().await;
    for target in [
        "/api/issues/?format=json",
        "/api/issues/?api_key=&format=json",
    ] {
        let response = request(&server, "GET", target, "").await.unwrap();
        assert_eq!(response.status, 401);
        assert_eq!(
            response.json(),
            json!({
                "error": "Invalid API Key",
                "limit": 0,
                "offset": 0,
                "number_of_page_results": 0,
                "number_of_total_results": 0,
                "status_code": 100,
                "results": [],
            })
        );
    }
    assert_eq!(server.counts().without_key, 2);
    assert_eq!(server.counts().total().requests(), 0);
}

#[tokio::test]
async fn only_accepted_keys_are_accepted_if_any_are_set() {
    let server = FakeServer::builder()
        .limits(Limits::unlimited())
        .accept_key("other")
        .start()
        .await
        .unwrap();
    assert_eq!(get(&server, "issues/").await.status, 401);
    let with_other = request(&server, "GET", "/api/issues/?api_key=other", "").await;
    assert_eq!(with_other.unwrap().status, 200);
}

#[tokio::test]
async fn errors_carry_their_codes() {
    let server = unlimited().await;
    for (path, code) in [
        ("issue/4000-4002/", 101),
        ("issue/4050-4001/", 101),
        ("chat/1/", 101),
        ("heroes/", 102),
        ("issue/", 102),
        ("issue/abc/", 102),
        ("issues/4000-1/", 102),
        ("issues/?format=jsonp", 103),
        ("volumes/?filter=name", 104),
        ("volumes/?filter=publisher:", 104),
        ("issues/?filter=cover_date:yesterday", 104),
    ] {
        // The first of two equal parameters counts, so `format` above outranks the client's.
        let response = get(&server, path).await;
        assert_eq!(response.status, 200, "{path}");
        let body = response.json();
        assert_eq!(body["status_code"], code, "{path}");
        assert_eq!(body["results"], json!([]), "{path}");
        assert!(body.get("version").is_none(), "{path}");
    }
}

#[tokio::test]
async fn jsonp_calls_back() {
    let server = unlimited().await;
    let response = get(&server, "origins/?format=jsonp&json_callback=show").await;
    assert!(response.text().starts_with(r#"show({"error":"OK""#));
    assert!(response.text().ends_with("})"));
}

#[tokio::test]
async fn api_is_read_only_and_no_site() {
    let server = unlimited().await;
    let target = "/api/issues/?api_key=secret";
    let head = request(&server, "HEAD", target, "").await.unwrap();
    assert_eq!((head.status, head.body.len()), (200, 0));
    let post = request(&server, "POST", target, "").await.unwrap();
    assert_eq!(post.status, 405);
    let outside = request(&server, "GET", "/heroes/", "").await.unwrap();
    assert_eq!(outside.status, 404);
    assert_eq!(server.counts().total().requests(), 1);
}
