//! List requests: paging, filters, sorting, field selection.

use serde_json::Value;

use crate::client::{get_json, unlimited};

fn rows(body: &Value) -> &Vec<Value> {
    body["results"].as_array().unwrap()
}

fn ids(body: &Value) -> Vec<u64> {
    rows(body)
        .iter()
        .map(|row| row["id"].as_u64().unwrap())
        .collect()
}

#[tokio::test]
async fn page_has_100_rows_unless_fewer_are_requested() {
    let server = unlimited().await;
    let page = get_json(&server, "issues/").await;
    assert_eq!(
        (&page["limit"], rows(&page).len()),
        (&Value::from(100), 100)
    );
    let page = get_json(&server, "issues/?limit=1000").await;
    assert_eq!(
        (&page["limit"], rows(&page).len()),
        (&Value::from(100), 100)
    );
    let page = get_json(&server, "issues/?limit=3&offset=2").await;
    assert_eq!(page["number_of_page_results"], 3);
    assert_eq!(ids(&page), [4007, 4010, 4013]);
}

#[tokio::test]
async fn pages_cover_a_list_once_and_end() {
    let server = unlimited().await;
    let mut seen = Vec::new();
    loop {
        let page = get_json(&server, &format!("characters/?offset={}", seen.len())).await;
        if rows(&page).is_empty() {
            assert_eq!(page["number_of_total_results"], seen.len());
            break;
        }
        seen.extend(ids(&page));
    }
    let all = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), all);
}

#[tokio::test]
async fn rows_carry_no_credits() {
    let server = unlimited().await;
    let page = get_json(&server, "issues/?limit=1").await;
    let row = rows(&page)[0].as_object().unwrap();
    assert!(row.contains_key("volume"));
    assert!(!row.contains_key("person_credits"));
}

#[tokio::test]
async fn filters_and_sort_work_together() {
    let server = unlimited().await;
    let path = "issues/?filter=volume:701%7C704&sort=id:desc&field_list=id,volume";
    let page = get_json(&server, path).await;
    let volumes: Vec<u64> = rows(&page)
        .iter()
        .map(|row| row["volume"]["id"].as_u64().unwrap())
        .collect();
    assert!(volumes.contains(&701) && volumes.contains(&704));
    assert!(volumes.iter().all(|volume| [701, 704].contains(volume)));
    assert_eq!(page["number_of_total_results"], volumes.len());
    assert!(ids(&page).is_sorted_by(|left, right| left > right));
    assert_eq!(rows(&page)[0].as_object().unwrap().len(), 2);
}

#[tokio::test]
async fn id_filter_leaves_out_missing_ids_and_repeated_ones() {
    let server = unlimited().await;
    let page = get_json(&server, "volumes/?filter=id:701|702|704|701").await;
    assert_eq!(ids(&page), [701, 704]);
}

#[tokio::test]
async fn unknown_parameters_are_ignored() {
    let server = unlimited().await;
    let plain = get_json(&server, "volumes/").await;
    let path = "volumes/?client=cvscraper&refresh_cache=true&sort=publisher:asc";
    assert_eq!(get_json(&server, path).await, plain);
}

#[tokio::test]
async fn every_list_has_rows() {
    let server = unlimited().await;
    for list in [
        "characters",
        "concepts",
        "episodes",
        "issues",
        "locations",
        "movies",
        "objects",
        "origins",
        "people",
        "powers",
        "promos",
        "publishers",
        "series_list",
        "story_arcs",
        "teams",
        "videos",
        "video_categories",
        "video_types",
        "volumes",
    ] {
        let page = get_json(&server, &format!("{list}/?limit=5")).await;
        assert_eq!(page["number_of_page_results"], 5, "{list}");
    }
}

#[tokio::test]
async fn types_name_every_resource_and_prefix() {
    let server = unlimited().await;
    let types = get_json(&server, "types/").await;
    assert_eq!(rows(&types).len(), 19);
    let people = rows(&types)
        .iter()
        .find(|row| row["list_resource_name"] == "people")
        .unwrap();
    assert_eq!(people["detail_resource_name"], "person");
    assert_eq!(people["id"], 4040);
}
