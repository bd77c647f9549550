//! Responses from a folder of recorded responses.

use std::fs;
use std::path::Path;

use comicvine_fake::{Error, FakeServer, Limits};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{get, get_json};

/// Writes a recording; its file name and folder are arbitrary.
fn record(dir: &Path, path: &str, body: &str) {
    let path = dir.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, body).unwrap();
}

fn envelope(total: usize, results: &str) -> String {
    format!(
        r#"{{"error":"OK","limit":100,"offset":0,"number_of_page_results":1,"number_of_total_results":{total},"status_code":1,"results":{results},"version":"1.0"}}"#
    )
}

fn volume(id: u32, more: &str) -> String {
    format!(
        r#"{{"name":"Volume {id}","id":{id},"api_detail_url":"https://comicvine.gamespot.com/api/volume/4050-{id}/","start_year":"1996-2000"{more}}}"#
    )
}

async fn serve(dir: &Path) -> FakeServer {
    FakeServer::builder()
        .recordings(dir)
        .limits(Limits::unlimited())
        .start()
        .await
        .unwrap()
}

#[tokio::test]
async fn detail_is_served_verbatim_whatever_its_file_name() {
    let dir = TempDir::new().unwrap();
    let detail = volume(5, r#","count":1.50,"characters":[{"z":1,"a":"\u00e9"}]"#);
    record(dir.path(), "a/b/issue-4000-9.json", &envelope(1, &detail));
    let server = serve(dir.path()).await;
    let response = get(&server, "volume/4050-5/").await;
    assert!(response.text().contains(&format!(r#""results":{detail},"#)));
    let missing = get_json(&server, "issue/4000-9/").await;
    assert_eq!(missing["status_code"], 101);
}

#[tokio::test]
async fn list_serves_the_recorded_rows_only() {
    let dir = TempDir::new().unwrap();
    let rows = [volume(1, ""), volume(2, ""), volume(3, "")].join(",");
    record(
        dir.path(),
        "x.json",
        &envelope(128_992, &format!("[{rows}]")),
    );
    record(dir.path(), "y/z.json", &envelope(1, &volume(9, "")));
    let server = serve(dir.path()).await;
    let page = get(&server, "volumes/").await;
    assert!(page.text().contains(&format!(r#""results":[{rows}],"#)));
    assert_eq!(page.json()["number_of_total_results"], 3);
    let last = get_json(&server, "volumes/?sort=id:desc&limit=1&filter=name:volume").await;
    assert_eq!(last["results"][0]["id"], 3);
    assert_eq!(last["number_of_total_results"], 3);
    // A row of a list is no detail.
    assert_eq!(
        get_json(&server, "volume/4050-1/").await["status_code"],
        101
    );
    assert_eq!(get_json(&server, "volume/4050-9/").await["status_code"], 1);
}

#[tokio::test]
async fn rows_serve_as_details_when_no_detail_was_recorded() {
    let dir = TempDir::new().unwrap();
    let rows = format!("[{}]", volume(1, ""));
    record(dir.path(), "x.json", &envelope(1, &rows));
    let server = serve(dir.path()).await;
    assert_eq!(get_json(&server, "volume/1/").await["results"]["id"], 1);
}

#[tokio::test]
async fn details_make_a_list_without_credits_when_none_was_recorded() {
    let dir = TempDir::new().unwrap();
    for id in [8, 7] {
        let detail = volume(id, r#","characters":[]"#);
        record(dir.path(), &format!("{id}.json"), &envelope(1, &detail));
    }
    let server = serve(dir.path()).await;
    let page = get_json(&server, "volumes/").await;
    let ids: Vec<&Value> = page["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["id"])
        .collect();
    assert_eq!(ids, [7, 8]);
    assert!(page["results"][0].get("characters").is_none());
    let none = get_json(&server, "issues/").await;
    assert_eq!(
        (&none["results"], &none["status_code"]),
        (&json!([]), &json!(1))
    );
}

#[tokio::test]
async fn video_types_and_categories_share_a_prefix_and_are_told_apart() {
    let dir = TempDir::new().unwrap();
    for name in ["video_type", "video_category"] {
        let url = format!("https://comicvine.gamespot.com/api/{name}/3/");
        let detail = json!({"api_detail_url": url, "id": 3, "name": name}).to_string();
        record(dir.path(), &format!("{name}.json"), &envelope(1, &detail));
    }
    let server = serve(dir.path()).await;
    for (path, name) in [
        ("video_type/3/", "video_type"),
        ("video_type/2320-3/", "video_type"),
        ("video_category/2320-3/", "video_category"),
        ("video_category/3", "video_category"),
    ] {
        assert_eq!(
            get_json(&server, path).await["results"]["name"],
            name,
            "{path}"
        );
    }
}

#[tokio::test]
async fn recorded_errors_are_the_bodies_of_their_status_and_rubbish_is_skipped() {
    let dir = TempDir::new().unwrap();
    let error = r#"{ "error": "Object Not Found", "status_code": 101, "results": [] }"#;
    record(dir.path(), "e.json", error);
    record(dir.path(), "rubbish.json", "<html>");
    record(dir.path(), "notes.txt", "not a recording");
    record(dir.path(), "empty.json", &envelope(0, "[]"));
    let server = serve(dir.path()).await;
    assert_eq!(get(&server, "issue/4000-1/").await.text(), error);
}

#[tokio::test]
async fn rows_that_are_no_object_stay_in_their_list() {
    let dir = TempDir::new().unwrap();
    let promo = json!({"api_detail_url": "https://h/api/promo/1700-4/", "id": 4}).to_string();
    record(
        dir.path(),
        "p.json",
        &envelope(3, &format!("[[],{promo},[]]")),
    );
    let server = serve(dir.path()).await;
    let page = get_json(&server, "promos/?field_list=id").await;
    assert_eq!(page["results"], json!([[], {"id": 4}, []]));
}

#[tokio::test]
async fn folder_without_recordings_is_refused_with_its_name() {
    let dir = TempDir::new().unwrap();
    let error = FakeServer::builder()
        .recordings(dir.path())
        .start()
        .await
        .unwrap_err();
    assert!(matches!(error, Error::NoRecordings { .. }));
    assert!(error.to_string().contains(dir.path().to_str().unwrap()));
}
