//! `comicvine table` from a shell, against the emulator or the server that the environment names.

use dynamodb_local::Emulator;
use futures_util::future::join_all;
use serde_json::Value;
use store_core::{Random as _, SystemRandom};
use store_dynamodb::setup::TableSpec;
use store_dynamodb::{DynamoDbTable, TableOptions, setup};

use crate::{Home, RunResult, run};

/// A name that no other test, nor an earlier run on the same server, has used.
fn fresh_name() -> String {
    format!("cli-table-{:016x}", SystemRandom.next_u64())
}

async fn endpoint() -> String {
    // Building it takes a while if it is out of date.
    let endpoint = tokio::task::spawn_blocking(dynamodb_local::endpoint);
    endpoint.await.unwrap().unwrap()
}

async fn table(arguments: &[&str]) -> RunResult {
    let home = Home::new();
    let mut program = home.program(["table"].iter().chain(arguments));
    program
        .env_remove("COMIC_VINE_API_KEY")
        .env("AWS_REGION", "us-east-1");
    run(&mut program).await
}

/// A table that nobody else uses.
struct OwnTable {
    url: String,
    name: String,
}

impl OwnTable {
    async fn named_freshly() -> Self {
        let (url, name) = (endpoint().await, fresh_name());
        Self { url, name }
    }

    async fn run(&self, action: &str, rest: &[&str]) -> RunResult {
        let here = ["--endpoint-url", &self.url, "--table", &self.name];
        table(&[&[action][..], &here, rest].concat()).await
    }
}

async fn planned(url: &str, table: &str) -> setup::Plan {
    let options = TableOptions::default().with_table(table);
    let options = options.with_endpoint_url(url);
    let table = DynamoDbTable::from_env(options.clone()).await;
    let spec = TableSpec::of(&options);
    setup::plan(table.client(), &spec).await.unwrap()
}

#[tokio::test]
async fn a_table_is_made_once_by_command() {
    let own = OwnTable::named_freshly().await;
    let OwnTable { url, name } = &own;
    let dry_run = own.run("setup", &["--dry-run"]).await;
    for dry in [dry_run, own.run("plan", &[]).await] {
        assert!(
            dry.printed().contains("does not exist; set-up would"),
            "{dry:?}"
        );
    }
    assert!(
        !planned(url, name).await.steps.is_empty(),
        "a dry run made it"
    );

    let made = own.run("setup", &[]).await;
    assert!(made.printed().contains("create the table"), "{made:?}");
    assert!(
        made.stdout.contains(&format!("table {name} is ready")),
        "{made:?}"
    );
    assert_eq!(planned(url, name).await.steps, []);

    let again = own.run("setup", &[]).await;
    assert!(again.printed().contains("nothing to do"), "{again:?}");

    let units = [
        "--billing",
        "provisioned",
        "--read-units",
        "1",
        "--write-units",
        "1",
    ];
    let other = own.run("setup", &units).await;
    other.assert_failed(1, &["billing: on demand; should be provisioned"]);
}

#[tokio::test]
async fn store_address_names_the_table() {
    let (url, name) = (endpoint().await, fresh_name());
    let store = format!("dynamodb://{name}?region=us-east-1&endpoint={url}");
    table(&["setup", "--store", &store]).await.printed();
    let home = Home::new();
    let mut plan = home.program(["table", "plan"]);
    plan.env("COMIC_VINE_STORE", &store);
    let plan = run(&mut plan).await;
    assert!(plan.printed().contains(&name), "{plan:?}");
    let file = table(&["plan", "--db", "comics.db"]).await;
    file.assert_failed(2, &["--table", "comicvine db"]);
}

#[tokio::test]
async fn commands_at_once_all_end_well_and_make_one_table() {
    let (url, name) = (endpoint().await, fresh_name());
    let setup = ["setup", "--endpoint-url", &url, "--table", &name];
    let commands = join_all((0..6).map(|_| table(&setup))).await;
    let mut created = 0;
    for command in commands {
        let mut lines = command.printed().lines();
        let report = lines.find(|line| line.contains("is ready")).unwrap();
        created += u32::from(report.contains("create the table"));
    }
    assert_eq!(created, 1);
    assert_eq!(planned(&url, &name).await.steps, []);
}

#[tokio::test]
async fn what_is_printed_asks_no_server() {
    let nowhere = ["--endpoint-url", "http://127.0.0.1:1", "--table", "t-1"];
    let print = async |format: &str| {
        let printed = table(&[&["print", format][..], &nowhere].concat()).await;
        let same = table(&[&["setup", "--print", format][..], &nowhere].concat()).await;
        assert_eq!(printed.printed(), same.printed());
        printed.stdout
    };
    for format in ["cloudformation", "iam", "iam-setup", "dashboard"] {
        let text = print(format).await;
        let value: Value = serde_json::from_str(&text).unwrap();
        assert!(value.to_string().contains("t-1"), "{text}");
    }
    assert!(
        print("terraform")
            .await
            .contains("resource \"aws_dynamodb_table\"")
    );
    assert!(print("cli").await.contains("aws dynamodb create-table"));
}

// covers("B19")
#[tokio::test]
async fn a_dashboard_has_the_region_and_namespace_that_are_given() {
    let print = [
        "print",
        "dashboard",
        "--table",
        "t-1",
        "--region",
        "eu-west-1",
    ];
    let printed = table(&[&print[..], &["--namespace", "Comics"]].concat()).await;
    let input: Value = serde_json::from_str(printed.printed()).unwrap();
    let body = input["DashboardBody"].as_str().unwrap();
    assert!(
        body.contains("\"eu-west-1\"") && body.contains("\"Comics\""),
        "{body}"
    );
    assert!(!body.contains("DynamoDBStore"), "{body}");
}

#[tokio::test]
async fn a_name_that_no_table_can_have_is_refused_by_every_action() {
    for action in [
        &["plan"][..],
        &["setup"],
        &["print", "iam"],
        &["print", "cli"],
        &["print", "dashboard"],
    ] {
        let run = table(&[action, &["--table", "my table"]].concat()).await;
        run.assert_failed(1, &["\"my table\"", "3 to 255 letters"]);
        assert_eq!(run.stdout, "");
    }
}

#[tokio::test]
async fn what_cannot_be_reached_is_named() {
    let nowhere = ["--endpoint-url", "http://127.0.0.1:1", "--table", "t-1"];
    for action in ["plan", "setup"] {
        let run = table(&[&[action][..], &nowhere].concat()).await;
        run.assert_failed(1, &["setup t-1", "sent to http://127.0.0.1:1"]);
    }
}

#[tokio::test]
async fn a_dry_run_of_a_repair_says_what_the_repair_does() {
    let own = OwnTable::named_freshly().await;
    own.run("setup", &[]).await.printed();
    let other = [
        "--pitr",
        "--billing",
        "provisioned",
        "--read-units",
        "1",
        "--write-units",
        "1",
    ];
    // The billing mode cannot be repaired, so recovery is not turned on either.
    let dry = ["--repair", "--dry-run", other[0]];
    let dry = own.run("setup", &dry).await;
    if dry.stdout.contains("point-in-time recovery: off") {
        assert!(
            dry.printed()
                .contains("would\n  enable point-in-time recovery"),
            "{dry:?}"
        );
    }
    let dry = own.run("plan", &other[1..]).await;
    assert!(
        dry.printed().contains("`--repair` would change nothing"),
        "{dry:?}"
    );
    let repair = [&["--repair"][..], &other[1..]].concat();
    let repair = own.run("setup", &repair).await;
    repair.assert_failed(1, &["billing: on demand; should be provisioned"]);
}

#[tokio::test]
async fn a_server_that_keeps_its_tables_has_them_after_a_restart() {
    let home = Home::new();
    let file = home.path("tables.db");
    for round in 0..2 {
        let file = file.clone();
        let start = move || {
            dynamodb_local::build()?;
            Emulator::start_at("127.0.0.1:0", Some(&file))
        };
        let emulator = tokio::task::spawn_blocking(start).await.unwrap().unwrap();
        let setup = table(&["setup", "--endpoint-url", emulator.url()]).await;
        let exists = setup.printed().contains("nothing to do");
        assert_eq!(exists, round == 1, "{setup:?}");
    }
}

// covers("B20")
#[tokio::test]
async fn the_page_on_running_it_names_flags_that_exist() {
    let page = include_str!("../../../../docs/dynamodb.md");
    let helps = [
        table(&["setup", "--help"]).await,
        table(&["print", "--help"]).await,
    ];
    let help = helps.map(|run| run.printed().to_owned()).concat();
    let commands = page.lines().filter(|line| line.contains("comicvine table"));
    let words = commands.flat_map(|line| line.split(|c: char| c.is_whitespace() || c == '`'));
    let flags: Vec<_> = words.filter(|word| word.starts_with("--")).collect();
    assert!(flags.len() > 8, "{flags:?}");
    for flag in flags {
        let flag = flag.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        assert!(help.contains(flag), "{flag}");
    }
    for topic in [
        "Application Auto Scaling",
        "Point-in-time recovery",
        "Export to S3",
        "Several regions",
    ] {
        assert!(page.contains(topic), "{topic}");
    }
}
