//! CSV, as another program reads it.

use csv::{ReaderBuilder, StringRecord};
use serde_json::Value;

use crate::{Home, fake, some_issue};

/// The header and the records of `text`.
fn read(text: &str) -> (StringRecord, Vec<StringRecord>) {
    let mut reader = ReaderBuilder::new().from_reader(text.as_bytes());
    let header = reader.headers().unwrap().clone();
    let records: Result<Vec<_>, _> = reader.records().collect();
    (header, records.unwrap())
}

#[tokio::test]
async fn rows_of_every_page_follow_one_header() {
    let (home, fake) = (Home::new(), fake().await);
    let list = ["list", "issues", "--limit", "150", "--output"];
    let json = home.run(&fake, &[&list[..], &["json"]].concat()).await;
    let json: Vec<Value> = serde_json::from_str(json.printed()).unwrap();
    let ran = home.run(&fake, &[&list[..], &["csv"]].concat()).await;
    let (header, records) = read(ran.printed());
    let columns = [
        "id",
        "volume",
        "issue_number",
        "name",
        "cover_date",
        "store_date",
    ];
    assert_eq!(header, columns[..]);
    assert_eq!((json.len(), records.len()), (150, 150));
    for (row, record) in json.iter().zip(&records) {
        assert_eq!(record[0], row["id"].to_string());
        assert_eq!(&record[1], row["volume"]["name"].as_str().unwrap());
        assert_eq!(&record[2], row["issue_number"].as_str().unwrap());
    }
    assert_eq!(ran.stderr, "");
}

#[tokio::test]
async fn resource_is_a_record_of_all_fields_or_of_those_that_were_asked_for() {
    let (home, fake) = (Home::new(), fake().await);
    let issue = some_issue(&fake);
    let json = home.run(&fake, &["get", &issue, "-o", "json"]).await;
    let json: Value = serde_json::from_str(json.printed()).unwrap();
    let ran = home.run(&fake, &["get", &issue, "-o", "csv"]).await;
    let (header, records) = read(ran.printed());
    assert_eq!(header.len(), json.as_object().unwrap().len());
    assert_eq!(records.len(), 1);
    let at = header.iter().position(|name| name == "description");
    let description = &records[0][at.unwrap()];
    assert_eq!(description, json["description"].as_str().unwrap_or(""));

    let fields = ["get", &issue, "-o", "csv", "--fields", "name,id"];
    let (header, records) = read(home.run(&fake, &fields).await.printed());
    assert_eq!(header, ["name", "id"][..]);
    assert_eq!(records[0][1], json["id"].to_string());
    assert_eq!(fake.counts().path("issue").requests(), 1);
}

#[tokio::test]
async fn search_and_types_are_csv_too_and_nothing_is_a_header() {
    let (home, fake) = (Home::new(), fake().await);
    let search = ["search", "the", "--limit", "4", "-o", "csv"];
    let (header, records) = read(home.run(&fake, &search).await.printed());
    assert_eq!((&header[0], records.len()), ("resource_type", 4));
    let (header, records) = read(home.run(&fake, &["types", "-o", "csv"]).await.printed());
    assert_eq!(&header[1], "detail_resource_name");
    assert!(records.len() > 15, "{}", records.len());
    let none = ["list", "issues", "--filter", "name:qqqqqq", "-o", "csv"];
    let none = home
        .run(&fake, &[&none[..], &["--fields", "id,name"]].concat())
        .await;
    assert_eq!(none.printed(), "id,name\r\n");
}

#[tokio::test]
async fn field_is_found_under_the_name_of_the_documentation() {
    let (home, fake) = (Home::new(), fake().await);
    let details = fake.detail_ids();
    let (_, ids) = details.iter().find(|(path, _)| path == "volume").unwrap();
    let volume = format!("4050-{}", ids[0]);
    let get = ["get", &volume, "-o", "csv", "--fields", "issue_credits"];
    let (header, records) = read(home.run(&fake, &get).await.printed());
    assert_eq!(header, ["issue_credits"][..]);
    let (count, _) = records[0][0].split_once(':').unwrap();
    assert!(count.parse::<u64>().unwrap() > 0);
}

#[tokio::test]
async fn rows_that_are_no_resources_are_told() {
    let (home, fake) = (Home::new(), fake().await);
    let ran = home
        .run(&fake, &["list", "promos", "--output", "csv"])
        .await;
    ran.printed();
    assert!(
        ran.stderr.contains("rows are no resources; --output jsonl"),
        "{ran:?}"
    );
}
