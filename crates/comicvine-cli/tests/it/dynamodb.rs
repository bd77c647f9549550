//! The program on a DynamoDB table that hosts share.

use futures_util::future::join_all;
use serde_json::Value;
use store_core::{Random, SystemRandom};
use store_dynamodb::setup::{SetupOptions, TableSpec, create_or_verify};
use store_dynamodb::{DynamoDbTable, TableOptions};

use crate::{Home, KEY, RunResult, fake, run, some_issue};

/// A table of a test's own.
struct Table {
    table: DynamoDbTable,
    url: String,
}

impl Table {
    async fn new() -> Self {
        let table = Self::named(&format!("cli-{:016x}", SystemRandom.next_u64())).await;
        let spec = TableSpec::of(table.table.options());
        let options = SetupOptions::default();
        let created = create_or_verify(table.table.client(), &spec, &options);
        created.await.unwrap();
        table
    }

    /// Its address, without the table.
    async fn named(name: &str) -> Self {
        // Building it takes a while if it is out of date.
        let endpoint = tokio::task::spawn_blocking(dynamodb_local::endpoint);
        let endpoint = endpoint.await.unwrap().unwrap();
        let url = format!("dynamodb://{name}?region=us-east-1&endpoint={endpoint}");
        let options = TableOptions::default()
            .with_table(name)
            .with_region("us-east-1")
            .with_endpoint_url(endpoint);
        let table = DynamoDbTable::from_env(options).await;
        Self { table, url }
    }

    /// Runs the program on a host of its own, without a key and without a server.
    async fn cache(&self, arguments: &[&str]) -> RunResult {
        let home = Home::new();
        let mut program = home.program(["cache"].iter().chain(arguments));
        program
            .args(["--store", &self.url])
            .env_remove("COMIC_VINE_API_KEY");
        run(&mut program).await
    }

    async fn entries(&self) -> Vec<Value> {
        let listed = self.cache(&["list", "--output", "json"]).await;
        let mut page: Value = serde_json::from_str(listed.printed()).unwrap();
        page["entries"].as_array_mut().map(std::mem::take).unwrap()
    }
}

#[tokio::test]
async fn answer_is_fetched_once_for_all_hosts_and_counted_for_all() {
    let (table, fake) = (Table::new().await, fake().await);
    let issue = some_issue(&fake);
    let get = ["get", "issue", &issue, "--store", &table.url];
    let first = Home::new().run(&fake, &get).await;
    let again = Home::new().run(&fake, &get).await;
    assert_eq!(first.printed(), again.printed());
    assert_eq!(first.stderr, "fetched now\n");
    assert!(again.stderr.starts_with("from the cache"), "{again:?}");
    assert_eq!(fake.counts().path("issue").requests(), 1);

    let budget = ["budget", "--output", "json", "--store", &table.url];
    let budget = Home::new().run(&fake, &budget).await;
    let budget: Value = serde_json::from_str(budget.printed()).unwrap();
    let path = &budget["paths"][0];
    assert_eq!(path["path"], "issue");
    assert_eq!(
        (&path["used"], &path["remaining"]),
        (&1.into(), &199.into())
    );
}

#[tokio::test]
async fn processes_that_ask_at_once_send_one_request() {
    let (table, fake) = (Table::new().await, fake().await);
    fake.set_latency(std::time::Duration::from_millis(300));
    let issue = some_issue(&fake);
    let get = ["get", "issue", &issue, "--store", &table.url];
    let homes: Vec<_> = (0..4).map(|_| Home::new()).collect();
    let ran = join_all(homes.iter().map(|home| home.run(&fake, &get))).await;
    for other in &ran {
        assert_eq!(other.printed(), ran[0].printed());
    }
    assert_eq!(fake.counts().path("issue").requests(), 1);
}

#[tokio::test]
async fn cached_answers_are_listed_shown_and_deleted() {
    let (table, fake) = (Table::new().await, fake().await);
    let home = Home::new();
    let store = ["--store", table.url.as_str()];
    for command in [
        &["get", "issue", &some_issue(&fake)][..],
        &["list", "volumes", "--limit", "3"],
        &["search", "the", "--limit", "2"],
    ] {
        home.run(&fake, &[command, &store].concat()).await.printed();
    }
    let entries = table.entries().await;
    assert_eq!(entries.len(), 3);
    let stats = table.cache(&["stats", "--output", "json"]).await;
    let stats: Value = serde_json::from_str(stats.printed()).unwrap();
    assert_eq!(stats["answers"]["total"], 3);
    assert_eq!(stats["table"]["name"], table.table.name());
    assert!(stats["limits"]["admissions"].as_u64() >= Some(3), "{stats}");

    let is_page = |entry: &&Value| {
        let tags = entry["tags"].as_array().unwrap();
        tags.contains(&"volumes".into())
    };
    let entry = entries.iter().find(|entry| !is_page(entry)).unwrap();
    let key = entry["key"].as_str().unwrap();
    let shown = table.cache(&["show", key, "--output", "json"]).await;
    let answer: Value = serde_json::from_str(shown.printed()).unwrap();
    assert_eq!(answer["status_code"], 1);
    let deleted = table.cache(&["delete", key]).await;
    assert_eq!(deleted.printed(), "deleted 1 answer\n");
    table
        .cache(&["show", key])
        .await
        .assert_failed(1, &["has no entry"]);
    table.cache(&["cleanup"]).await.printed();
    assert_eq!(table.entries().await.len(), 2);
    table.cache(&["invalidate", "volumes"]).await.printed();
    assert_eq!(table.entries().await.iter().find(is_page), None);
    table.cache(&["clear", "--all"]).await.printed();
    assert!(table.entries().await.is_empty());
}

#[tokio::test]
async fn missing_table_is_reported_with_the_command_that_creates_it() {
    let (table, fake) = (Table::named("cli-no-such-table").await, fake().await);
    let home = Home::new();
    let create =
        "`comicvine table setup --table cli-no-such-table --region us-east-1 --endpoint-url http";
    for command in [&["list", "powers"][..], &["budget"], &["cache", "stats"]] {
        let arguments = [command, &["--store", &table.url]].concat();
        let ran = home.run(&fake, &arguments).await;
        ran.assert_failed(2, &["cannot use the DynamoDB table", create]);
    }
    assert_eq!(fake.counts().total().requests(), 0);
}

#[tokio::test]
async fn alternatives_of_a_table_are_named() {
    let table = Table::new().await;
    let name = table.table.name();
    let checked = table.cache(&["check"]).await;
    assert!(checked.printed().contains(name), "{checked:?}");
    table
        .cache(&["vacuum"])
        .await
        .assert_failed(2, &["by itself", "comicvine cache cleanup"]);
    let pitr = format!("comicvine table setup --table {name} --region us-east-1 ");
    let demand = format!("aws dynamodb create-backup --table-name {name}");
    table
        .cache(&["backup", "copy.db"])
        .await
        .assert_failed(2, &[&pitr, " --repair --pitr`", &demand]);
}

#[tokio::test]
async fn unreachable_server_is_reported_and_nothing_is_sent() {
    let (home, fake) = (Home::new(), fake().await);
    let away = "dynamodb://comics?region=us-east-1&endpoint=http://127.0.0.1:9";
    let ran = home.run(&fake, &["list", "powers", "--store", away]).await;
    ran.assert_failed(1, &["cannot use the DynamoDB table comics", "--store"]);
    // In words, not as the structure of a failed request.
    assert!(!ran.stderr.contains("DispatchFailure"), "{}", ran.stderr);
    assert_eq!(fake.counts().total().requests(), 0);
}

#[tokio::test]
async fn missing_region_is_reported_with_where_to_name_it() {
    let home = Home::new();
    let mut program = home.program(["budget", "--store", "dynamodb://comics"]);
    program
        .env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .env("AWS_EC2_METADATA_DISABLED", "true");
    let remedies = ["dynamodb://comics?region=", "AWS_REGION"];
    run(&mut program).await.assert_failed(2, &remedies);
}

#[tokio::test]
async fn no_key_and_no_credentials_are_printed_or_stored() {
    const SECRET: &str = "5ecretA11ace55Key0fAWS5ecretA11ace55Key0";
    const TOKEN: &str = "5e55i0nT0ken5e55i0nT0ken";
    let (table, fake) = (Table::new().await, fake().await);
    let home = Home::new();
    for command in [
        &["list", "volumes", "--limit", "2"][..],
        &["list", "powers"],
        &["cache", "list"],
        &["cache", "check"],
    ] {
        let arguments = [command, &["--log", "trace", "--store", &table.url]].concat();
        let mut program = home.against(&fake, &arguments);
        program
            .env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", SECRET)
            .env("AWS_SESSION_TOKEN", TOKEN);
        let ran = run(&mut program).await;
        ran.printed();
        assert!(ran.stderr.contains("TRACE"), "nothing was traced: {ran:?}");
        for secret in [KEY, SECRET, TOKEN] {
            for text in [&ran.stdout, &ran.stderr] {
                let line = text.lines().find(|line| line.contains(secret));
                assert_eq!(line, None, "{command:?}");
            }
        }
    }
    let kept = table.table.client().scan().table_name(table.table.name());
    let kept = kept.send().await.unwrap();
    assert!(kept.count() > 0);
    for attribute in kept.items().iter().flat_map(|item| item.values()) {
        let bytes = attribute.as_b().map(|blob| blob.as_ref().to_vec());
        let text = bytes.map_or_else(
            |other| format!("{other:?}"),
            |bytes| String::from_utf8_lossy(&bytes).into_owned(),
        );
        assert!(!text.contains(KEY), "{text}");
    }
}
