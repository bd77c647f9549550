//! `ComicTagger` 1.6.0b2 (Python).

use comicvine_fake::{FakeServer, Limits};

use crate::client::unlimited;
use crate::clients::{REQUESTS, answer, ids, json};

const KEY: &str = "api_key=k&format=json";

#[tokio::test]
async fn key_test_looks_for_status_100_and_nothing_else() {
    let server = FakeServer::builder()
        .limits(Limits::unlimited())
        .accept_key("k")
        .start()
        .await
        .unwrap();
    for (key, is_valid) in [("k", true), ("other", false)] {
        let target = format!("/api/team/1/?api_key={key}&format=json&field_list=name");
        let (_, body) = answer(&server, &target, REQUESTS).await;
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["status_code"] != 100, is_valid, "{key}");
    }
}

#[tokio::test]
async fn search_takes_a_limit_and_pages() {
    let server = unlimited().await;
    let target = format!(
        "/api/search?{KEY}&resources=volume&query=the+fox&field_list=volume%2Cname%2Cid&page=1&limit=100"
    );
    let found = json(&server, &target, REQUESTS).await;
    assert_eq!((ids(&found).len(), &found["limit"]), (100, &100.into()));
}

#[tokio::test]
async fn details_have_no_slash() {
    let server = unlimited().await;
    for (path, id) in [("issue/4000-4001", 4001), ("volume/4050-701", 701)] {
        let target = format!("/api/{path}?{KEY}");
        assert_eq!(json(&server, &target, REQUESTS).await["results"]["id"], id);
    }
}

#[tokio::test]
async fn loose_dates_and_lists_of_ids_are_filters() {
    let server = unlimited().await;
    let target = format!("/api/issues/?{KEY}&filter=volume:704|701,issue_number:3");
    let issues = json(&server, &target, REQUESTS).await;
    assert_eq!(ids(&issues).len(), 2);
    let years = |from: &str, to: &str| {
        let range = format!("cover_date:{from}-1-1|{to}-12-31");
        format!("/api/issues/?{KEY}&filter=volume:704|701,issue_number:3,{range}")
    };
    let all = json(&server, &years("1900", "2100"), REQUESTS).await;
    assert_eq!(ids(&all), ids(&issues));
    let none = json(&server, &years("1900", "1930"), REQUESTS).await;
    assert!(ids(&none).is_empty());

    let target = format!("/api/issues/?{KEY}&filter=id:4004|4001");
    assert_eq!(ids(&json(&server, &target, REQUESTS).await), [4001, 4004]);
}

#[tokio::test]
async fn id_that_is_listed_twice_is_found_once() {
    let server = unlimited().await;
    let target = format!("/api/volumes/?{KEY}&filter=id:701|701");
    let found = json(&server, &target, REQUESTS).await;
    assert_eq!(ids(&found), [701]);
    // `ComicTagger` asks for pages until it has as many rows as the total says.
    assert_eq!(found["number_of_total_results"], 1);
}
