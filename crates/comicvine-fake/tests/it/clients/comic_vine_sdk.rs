//! comic-vine-sdk 1.2.2 (npm), which asks for no compression.

use crate::client::unlimited;
use crate::clients::{answer, ids, json};

const HEADERS: &str = "accept: application/json, text/plain, */*\r\nuser-agent: axios/0.27.2";

#[tokio::test]
async fn base_url_with_and_without_a_last_slash_is_the_api() {
    let server = unlimited().await;
    // Without the slash, the SDK resolves paths against the root.
    for base in ["/api", ""] {
        let target = format!("{base}/issue/4000-4001?format=json&api_key=k");
        assert_eq!(json(&server, &target, HEADERS).await["results"]["id"], 4001);
        let target = format!("{base}/people?format=json&api_key=k&limit=100&offset=100");
        assert_eq!(ids(&json(&server, &target, HEADERS).await).len(), 100);
    }
}

#[tokio::test]
async fn sort_by_a_name_in_camel_case_sorts_nothing() {
    let server = unlimited().await;
    let list = "/api/issues?format=json&api_key=k&limit=7&offset=1";
    let rest = "&field_list=id%2Cname&filter=volume%3A701";
    let sorted = format!("{list}&sort=coverDate%3Adesc{rest}");
    let page = json(&server, &sorted, HEADERS).await;
    assert_eq!((ids(&page).len(), &page["limit"]), (7, &7.into()));
    assert_eq!(page, json(&server, &format!("{list}{rest}"), HEADERS).await);
}

#[tokio::test]
async fn answer_is_not_compressed() {
    let server = unlimited().await;
    let target = "/api/volumes?format=json&api_key=k";
    let response = crate::client::get_with_header(&server, target, HEADERS).await;
    assert_eq!(response.header("content-encoding"), None);
}

#[tokio::test]
async fn video_category_is_a_video_type() {
    let server = unlimited().await;
    let target = "/api/video_type/2320-1?format=json&api_key=k";
    assert_eq!(json(&server, target, HEADERS).await["results"]["id"], 1);
}

#[tokio::test]
async fn missing_key_is_401() {
    let server = unlimited().await;
    let target = "/api/issues?format=json&api_key=";
    assert_eq!(answer(&server, target, HEADERS).await.0, 401);
}
