//! Output: tables, and JSON that equals the API's.

use serde_json::Value;
use serde_json::value::RawValue;

use crate::{Home, fake, run, some_issue};

/// A page's width in characters; the tests' output is no terminal.
const WIDTH: usize = 100;

/// An answer whose numbers, order and spelling a careless program would change.
const ODD: &str = r#"{"error":"OK","limit":1,"offset":0,"number_of_page_results":1,
"number_of_total_results":1,"status_code":1,"version":"1.0","results":{
 "zeta" : 1.50, "id":7,"big":12345678901234567890123,"name":"Caf\u00e9 \/ \"Noir\"",
 "description":"<p>One &amp; <b>two</b></p>","aliases":"A\r\nB","empty":[],"nothing":null,
 "api_detail_url":"https://comicvine.gamespot.com/api/issue/4000-7/",
 "character_credits":[{"id":1,"name":"P1"},{"id":2,"name":"P2"}],"exponent":1e3}}"#;

/// A folder of one recorded response.
fn odd_recording(home: &Home) -> std::path::PathBuf {
    let folder = home.path("recorded");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("odd.json"), ODD).unwrap();
    folder
}

fn without_white_space(json: &str) -> String {
    json.chars().filter(|c| !c.is_ascii_whitespace()).collect()
}

#[tokio::test]
async fn json_is_what_the_api_sent_to_the_digit() {
    let home = Home::new();
    let fake = comicvine_fake::FakeServer::builder()
        .recordings(odd_recording(&home))
        .start()
        .await
        .unwrap();
    let start = ODD.find("\"results\":").unwrap() + "\"results\":".len();
    let sent: &RawValue = serde_json::from_str(&ODD[start..ODD.len() - 1]).unwrap();
    for form in ["json", "jsonl"] {
        let ran = home
            .run(&fake, &["get", "issue", "7", "--output", form])
            .await;
        assert_eq!(
            without_white_space(ran.printed()),
            without_white_space(sent.get())
        );
        assert_eq!(ran.stderr, "");
        if form == "jsonl" {
            assert_eq!(ran.stdout.lines().count(), 1);
        }
    }
}

#[tokio::test]
async fn table_of_one_is_made_for_reading() {
    let home = Home::new();
    let fake = comicvine_fake::FakeServer::builder()
        .recordings(odd_recording(&home))
        .start()
        .await
        .unwrap();
    let ran = home.run(&fake, &["get", "issue", "7"]).await;
    let table = ran.printed();
    for part in [
        "Café / \"Noir\"",
        "One & two",
        "A, B",
        "2: P1, P2",
        "character credits",
    ] {
        assert!(table.contains(part), "`{part}` is not in:\n{table}");
    }
    for part in ["<p>", "&amp;", "nothing", "empty", "api detail url"] {
        assert!(!table.contains(part), "`{part}` is in:\n{table}");
    }
}

#[tokio::test]
async fn lists_are_an_array_or_a_value_per_line_of_the_same_rows() {
    let (home, fake) = (Home::new(), fake().await);
    let list = ["list", "volumes", "--limit", "3", "--output"];
    let array = home.run(&fake, &[&list[..], &["json"]].concat()).await;
    let lines = home.run(&fake, &[&list[..], &["jsonl"]].concat()).await;
    let array: Vec<Value> = serde_json::from_str(array.printed()).unwrap();
    let lines: Vec<Value> = lines
        .printed()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(array.len(), 3);
    assert_eq!(array, lines);
    assert!(array[0]["date_last_updated"].is_string());
}

#[tokio::test]
async fn table_of_rows_has_the_columns_that_were_asked_for() {
    let (home, fake) = (Home::new(), fake().await);
    let list = [
        "list",
        "volumes",
        "--limit",
        "2",
        "--fields",
        "name,date_added",
    ];
    let ran = home.run(&fake, &list).await;
    let header = ran.printed().lines().nth(1).unwrap();
    let titles: Vec<&str> = header.split(['│', '┆']).map(str::trim).collect();
    assert_eq!(titles, ["", "name", "date added", ""]);
    assert!(ran.stderr.starts_with("2 of "), "{}", ran.stderr);
}

#[tokio::test]
async fn tables_in_a_pipe_are_no_wider_than_a_page() {
    let (home, fake) = (Home::new(), fake().await);
    let issue = some_issue(&fake);
    for arguments in [
        &["get", "issue", &issue][..],
        &["list", "characters", "--limit", "20"],
        &["search", "the", "--limit", "20"],
        &["budget"],
    ] {
        let ran = home.run(&fake, arguments).await;
        for line in ran.printed().lines() {
            assert!(line.chars().count() <= WIDTH, "{line}");
        }
        assert!(ran.stdout.lines().count() > 4, "{}", ran.stdout);
        assert!(!ran.stdout.contains('\u{1b}') && !ran.stderr.contains('\u{1b}'));
    }
}

#[tokio::test]
async fn search_shows_kinds_and_the_total() {
    let (home, fake) = (Home::new(), fake().await);
    let search = [
        "search",
        "the",
        "--resources",
        "volume,team",
        "--limit",
        "4",
    ];
    let table = home.run(&fake, &search).await;
    assert!(table.printed().contains("resource type"));
    assert!(table.stderr.starts_with("4 of "), "{}", table.stderr);
    let rows = home
        .run(&fake, &[&search[..], &["-o", "jsonl"]].concat())
        .await;
    for row in rows.printed().lines() {
        let row: Value = serde_json::from_str(row).unwrap();
        assert!(["volume", "team"].contains(&row["resource_type"].as_str().unwrap()));
    }
    assert_eq!(fake.counts().path("search").requests(), 1);
}

#[tokio::test]
async fn empty_result_is_reported_and_is_no_failure() {
    let (home, fake) = (Home::new(), fake().await);
    let filter = ["list", "issues", "--filter", "name:qqqqqq"];
    let table = home.run(&fake, &filter).await;
    assert_eq!(table.printed(), "Nothing found.\n");
    assert_eq!(table.stderr, "0 of 0\n");
    let json = home
        .run(&fake, &[&filter[..], &["--output", "json"]].concat())
        .await;
    assert_eq!(json.printed(), "[]\n");
}

#[tokio::test]
async fn program_without_arguments_shows_help() {
    let home = Home::new();
    for arguments in [&[][..], &["--db", "x.db"]] {
        let ran = run(&mut home.program(arguments)).await;
        ran.assert_failed(2, &["Usage: comicvine", "comicvine get issue 4000-319366"]);
        assert!(!ran.stderr.contains("demo-worker"));
    }
}

#[tokio::test]
async fn types_are_listed_as_the_api_has_them() {
    let (home, fake) = (Home::new(), fake().await);
    let table = home.run(&fake, &["types"]).await;
    for part in ["detail resource name", "story_arcs", "4045"] {
        assert!(table.printed().contains(part), "{}", table.stdout);
    }
    let array = home.run(&fake, &["types", "-o", "json"]).await;
    let array: Vec<Value> = serde_json::from_str(array.printed()).unwrap();
    let lines = home.run(&fake, &["types", "-o", "jsonl"]).await;
    let lines: Vec<Value> = lines
        .printed()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(array, lines);
    let issue = array.iter().find(|row| row["id"] == 4000).unwrap();
    assert_eq!(issue["list_resource_name"], "issues");
    assert_eq!(fake.counts().path("types").requests(), 1);
    home.run(&fake, &["types", "--refresh"]).await.printed();
    assert_eq!(fake.counts().path("types").requests(), 2);
}

#[tokio::test]
async fn tables_fit_narrow_and_wide_terminals_and_urls_stay_whole() {
    let (home, fake) = (Home::new(), fake().await);
    let issue = some_issue(&fake);
    let json = home.run(&fake, &["get", &issue, "-o", "json"]).await;
    let json: Value = serde_json::from_str(json.printed()).unwrap();
    for width in [60, 120] {
        for arguments in [
            &["get", &issue][..],
            &["list", "issues", "--limit", "20"],
            &["list", "volumes", "--limit", "20"],
            &["list", "characters", "--limit", "20"],
            &["search", "the", "--limit", "20"],
            &["types"],
            &["budget"],
            &["cache", "list"],
            &["cache", "stats"],
        ] {
            let mut program = home.against(&fake, arguments);
            program.env("COLUMNS", width.to_string());
            let ran = run(&mut program).await;
            let is_table = |line: &&str| !line.contains("https://");
            for line in ran.printed().lines().filter(is_table) {
                let length = line.chars().count();
                assert!(length <= width, "{length} of {width}:\n{}", ran.stdout);
            }
            if arguments == ["cache", "list"] {
                // A key can be copied.
                let keys = ran.stdout.matches("comicvine:").count();
                let whole = ran.stdout.split_whitespace();
                let whole = whole.filter(|word| word.len() == "comicvine:".len() + 12);
                assert_eq!(
                    whole.filter(|word| word.starts_with("comicvine:")).count(),
                    keys
                );
            }
            if arguments[0] == "get" {
                let url = json["site_detail_url"].as_str().unwrap();
                let image = json["image"]["original_url"].as_str().unwrap();
                let lines: Vec<_> = ran.stdout.lines().collect();
                assert!(lines.contains(&&*format!("site detail url: {url}")));
                assert!(lines.contains(&&*format!("image: {image}")));
            }
        }
    }
}
