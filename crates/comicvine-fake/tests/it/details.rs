//! Detail requests.

use crate::client::{get, get_json, request, unlimited};

#[tokio::test]
async fn detail_is_one_object_in_an_envelope() {
    let server = unlimited().await;
    let response = get(&server, "volume/4050-701/").await;
    assert_eq!(response.status, 200);
    assert_eq!(
        response.header("content-type"),
        Some("application/json; charset=utf-8")
    );
    let start = r#"{"error":"OK","limit":1,"offset":0,"number_of_page_results":1,"number_of_total_results":1,"status_code":1,"results":{"#;
    assert!(response.text().starts_with(start), "{}", response.text());
    assert!(response.text().ends_with(r#"},"version":"1.0"}"#));
    assert_eq!(response.json()["results"]["id"], 701);
}

#[tokio::test]
async fn slash_prefix_and_path_before_api_make_no_difference() {
    let server = unlimited().await;
    let plain = get_json(&server, "volume/4050-701/").await;
    for path in [
        "volume/4050-701",
        "volume/701/",
        "volume/701",
        "../x/api/volume/701",
    ] {
        assert_eq!(get_json(&server, path).await, plain, "{path}");
    }
    let at_root = "/volume/4050-701?api_key=secret&format=json";
    let response = request(&server, "GET", at_root, "").await.unwrap();
    assert_eq!(response.json(), plain);
    assert_eq!(server.counts().path("volume").accepted, 6);
}

#[tokio::test]
async fn field_list_selects_in_the_order_of_the_record() {
    let server = unlimited().await;
    let response = get(&server, "volume/4050-701/?field_list=name,id").await;
    let volume = response.json()["results"].clone();
    assert_eq!(volume.as_object().unwrap().len(), 2);
    assert_eq!(volume["id"], 701);
}

#[tokio::test]
async fn every_resource_answers_with_its_credits() {
    let server = unlimited().await;
    for (path, field) in [
        ("character/4005-1251/", "issue_credits"),
        ("concept/4015-40001/", "issue_credits"),
        ("episode/4070-1/", "character_credits"),
        ("issue/4000-4001/", "person_credits"),
        ("location/4020-40001/", "volume_credits"),
        ("movie/4025-1/", "characters"),
        ("object/4055-40001/", "movies"),
        ("origin/4030-1/", "characters"),
        ("person/4040-1201/", "created_characters"),
        ("power/4035-1/", "characters"),
        ("promo/1700-1701/", "link"),
        ("publisher/4010-1/", "volumes"),
        ("series/4075-1/", "episodes"),
        ("story_arc/4045-40001/", "issues"),
        ("team/4060-3001/", "characters"),
        ("video/2300-1701/", "video_categories"),
        ("video_category/2320-1/", "image"),
        ("video_type/1/", "deck"),
        ("volume/4050-701/", "people"),
    ] {
        let body = get_json(&server, path).await;
        assert_eq!(body["status_code"], 1, "{path}");
        assert!(body["results"].get(field).is_some(), "{path} lacks {field}");
    }
}
