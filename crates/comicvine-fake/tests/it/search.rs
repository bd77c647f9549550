//! `search/`.

use serde_json::Value;

use crate::client::{get_json, unlimited};

fn names(body: &Value) -> Vec<String> {
    let rows = body["results"].as_array().unwrap();
    rows.iter()
        .map(|row| row["name"].as_str().unwrap().to_lowercase())
        .collect()
}

#[tokio::test]
async fn words_are_alternatives_and_full_matches_come_first() {
    let server = unlimited().await;
    let found = get_json(
        &server,
        "search/?query=Amber%20Fox&resources=volume&limit=100",
    )
    .await;
    let names = names(&found);
    let both = |name: &String| name.contains("amber") && name.contains("fox");
    let count = names.iter().filter(|name| both(name)).count();
    assert!(
        names
            .iter()
            .all(|name| name.contains("amber") || name.contains("fox"))
    );
    assert!(names.len() > count);
    assert!(names.iter().take(count).all(both));
}

#[tokio::test]
async fn hits_have_their_kind_and_are_of_the_requested_kinds() {
    let server = unlimited().await;
    let found = get_json(&server, "search?query=fox&resources=character,team").await;
    let rows = found["results"].as_array().unwrap();
    assert_eq!(rows.len(), 10);
    for row in rows {
        let kind = row["resource_type"].as_str().unwrap();
        assert!(["character", "team"].contains(&kind), "{kind}");
    }
}

#[tokio::test]
async fn page_and_offset_reach_the_same_rows() {
    let server = unlimited().await;
    let by_page = get_json(&server, "search/?query=fox&limit=4&page=2").await;
    let by_offset = get_json(&server, "search/?query=fox&limit=4&offset=4").await;
    assert_eq!(by_page, by_offset);
    assert_eq!(by_page["offset"], 4);
    let first = get_json(&server, "search/?query=fox&limit=4").await;
    assert_ne!(first["results"], by_page["results"]);
}

#[tokio::test]
async fn more_than_the_documented_10_are_returned_if_requested() {
    let server = unlimited().await;
    let found = get_json(&server, "search/?query=the&limit=500").await;
    assert_eq!(found["limit"], 100);
    assert_eq!(found["number_of_page_results"], 100);
}
