//! Whole runs, and the runs that cannot start.

use std::fs;
#[cfg(feature = "dynamodb")]
use std::time::Duration;

use futures_util::future::join_all;

use crate::{Home, RunResult, run};

const DETAIL: &str = r#"{"error":"OK","limit":1,"offset":0,"number_of_page_results":1,
"number_of_total_results":1,"status_code":1,"results":{"id":7,"name":"Flight",
"api_detail_url":"https://comicvine.gamespot.com/api/power/4035-7/"},"version":"1.0"}"#;

const LIST: &str = r#"{"error":"OK","limit":100,"offset":0,"number_of_page_results":2,
"number_of_total_results":2,"status_code":1,"results":[
{"id":3,"name":"X","api_detail_url":"https://comicvine.gamespot.com/api/team/4060-3/"},
{"id":4,"name":"Y","api_detail_url":"https://comicvine.gamespot.com/api/team/4060-4/"}],
"version":"1.0"}"#;

const REFUSED: &str = r#"{"error":"Invalid API Key","limit":0,"offset":0,
"number_of_page_results":0,"number_of_total_results":0,"status_code":100,"results":[]}"#;

#[track_caller]
fn assert_all_properties_hold(ran: &RunResult) {
    let text = ran.printed();
    for property in [
        "every request was answered: yes",
        "every window kept its limit: yes",
        "nothing was fetched twice while fresh: yes",
        "a process was killed and came back: yes",
    ] {
        assert!(text.contains(property), "`{property}` is not in:\n{text}");
    }
    assert_eq!(ran.stderr, "", "nothing is drawn without a terminal");
}

#[tokio::test]
async fn every_property_holds_without_key_and_network() {
    let home = Home::new();
    let mut demo = home.demo(&["--requests", "40"]);
    let ran = run(&mut demo).await;
    assert_all_properties_hold(&ran);
    assert!(ran.stdout.starts_with("40 different requests"));
    assert_eq!(std::fs::read_dir(home.path(".")).unwrap().count(), 0);
}

#[tokio::test]
async fn every_property_holds_with_copies_in_memory() {
    let home = Home::new();
    let mut demo = home.demo(&["--requests", "40", "--store", "tiered+sqlite"]);
    assert_all_properties_hold(&run(&mut demo).await);
}

#[cfg(feature = "dynamodb")]
#[tokio::test]
async fn every_property_holds_on_a_table_that_is_gone_afterwards() {
    let (home, endpoint) = (
        Home::new(),
        tokio::task::spawn_blocking(dynamodb_local::endpoint),
    );
    let endpoint = endpoint.await.unwrap().unwrap();
    let mut demo = home.demo(&["--requests", "40", "--store", "dynamodb"]);
    demo.env("DYNAMODB_ENDPOINT_URL", &endpoint)
        .env("COMIC_VINE_STORE", "memory://");
    assert_all_properties_hold(&run(&mut demo).await);
    let options = store_dynamodb::TableOptions::default().with_endpoint_url(endpoint);
    let table = store_dynamodb::DynamoDbTable::from_env(options).await;
    let left = table.client().list_tables().send().await.unwrap();
    let is_of_demo = |name: &&String| name.starts_with("comicvine-demo-");
    assert_eq!(left.table_names().iter().find(is_of_demo), None);
}

/// A server that outlived the demo would keep its standard error open.
#[cfg(feature = "dynamodb")]
#[tokio::test]
async fn server_that_the_demo_starts_ends_with_it() {
    let build = tokio::task::spawn_blocking(dynamodb_local::build);
    build.await.unwrap().unwrap();
    let home = Home::new();
    let mut demo = home.demo(&["--requests", "6", "--store", "dynamodb"]);
    for name in ["PATH", "HOME", "CARGO", "CARGO_HOME", "RUSTUP_HOME"] {
        demo.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    let ran = tokio::time::timeout(Duration::from_mins(2), run(&mut demo));
    assert_all_properties_hold(&ran.await.unwrap());
}

#[tokio::test]
async fn demo_creates_its_own_store_and_says_so() {
    let home = Home::new();
    let url = "dynamodb://comics?region=eu-central-1";
    let ran = run(&mut home.demo(&["--store", url])).await;
    ran.assert_failed(2, &["a store of its own", "`sqlite` or `dynamodb`"]);
    #[cfg(feature = "dynamodb")]
    {
        // Nothing is on the path here, no cargo either.
        let mut demo = home.demo(&["--store", "dynamodb"]);
        let ran = run(demo.env("PATH", "")).await;
        ran.assert_failed(2, &["cargo xtask dynamodb-local", "DYNAMODB_ENDPOINT_URL"]);
    }
}

#[tokio::test]
async fn settings_for_the_real_api_have_no_effect() {
    let home = Home::new();
    let mut demo = home.demo(&["--requests", "6"]);
    demo.env("COMIC_VINE_BASE_URL", "http://127.0.0.1:9/api/")
        .env("COMIC_VINE_DB_PATH", home.path("no/such/folder/comics.db"))
        .env("HTTP_PROXY", "http://127.0.0.1:9/")
        .env("http_proxy", "http://127.0.0.1:9/");
    assert_all_properties_hold(&run(&mut demo).await);
}

#[tokio::test]
async fn few_recordings_are_enough() {
    let home = Home::new();
    for (name, recorded) in [
        ("details", &[DETAIL][..]),
        ("lists", &[LIST]),
        ("both", &[DETAIL, LIST, REFUSED]),
    ] {
        let folder = home.path(name);
        fs::create_dir_all(folder.join("deep/er")).unwrap();
        fs::write(folder.join("notes.json"), "no json").unwrap();
        for (number, response) in recorded.iter().enumerate() {
            fs::write(folder.join(format!("deep/er/{number}.json")), response).unwrap();
        }
    }
    // At the same time, because each may have to wait for the lease of its killed process.
    let demos = ["details", "lists", "both"]
        .map(async |name| run(&mut home.demo(&["--responses", name])).await);
    for ran in join_all(demos).await {
        assert_all_properties_hold(&ran);
    }
}

#[tokio::test]
async fn number_of_requests_is_at_least_one() {
    let home = Home::new();
    for number in ["0", "-1", "many"] {
        let ran = run(&mut home.demo(&["--requests", number])).await;
        ran.assert_failed(2, &["--requests", "1 or more"]);
    }
}

#[tokio::test]
async fn folder_without_anything_to_ask_for_is_refused() {
    let home = Home::new();
    fs::create_dir(home.path("empty")).unwrap();
    fs::create_dir(home.path("errors")).unwrap();
    fs::write(home.path("errors/refused.json"), REFUSED).unwrap();
    fs::write(home.path("file"), DETAIL).unwrap();
    for (folder, parts) in [
        (
            "none",
            &["none", "No such file", "--responses names a folder"][..],
        ),
        (
            "file",
            &["file", "Not a directory", "--responses names a folder"],
        ),
        ("empty", &["empty", "no *.json below it"]),
        ("errors", &["--responses", "only errors", "name another"]),
    ] {
        let ran = run(&mut home.demo(&["--responses", folder])).await;
        ran.assert_failed(2, parts);
    }
}
