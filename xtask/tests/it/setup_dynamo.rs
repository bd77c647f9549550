//! `cargo xtask setup-dynamo` from a shell, against the emulator or whatever server is named.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use store_core::{Random as _, SystemRandom};
use store_dynamodb::setup::TableSpec;
use store_dynamodb::{DynamoDbTable, TableOptions, setup};
use tempfile::TempDir;

use crate::{complaint, printed, xtask};

/// A name that no other test, nor an earlier run on the same server, has used.
fn fresh_name() -> String {
    format!("xtask-{:016x}", SystemRandom.next_u64())
}

fn planned(url: &str, table: &str) -> setup::Plan {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let options = TableOptions::default().with_table(table);
    let options = options.with_endpoint_url(url);
    runtime.block_on(async {
        let table = DynamoDbTable::from_env(options.clone()).await;
        let spec = TableSpec::of(&options);
        setup::plan(table.client(), &spec).await.expect("a plan")
    })
}

#[test]
fn a_table_is_made_once_by_command() {
    let url = dynamodb_local::endpoint().expect("a server that speaks DynamoDB");
    let name = fresh_name();
    let setup = |rest: &[&str]| {
        let begin = ["setup-dynamo", "--endpoint-url", &url, "--table", &name];
        xtask(&[&begin[..], rest].concat())
    };
    let dry = setup(&["--dry-run"]);
    assert!(dry.status.success());
    assert!(
        printed(&dry).contains("does not exist; would"),
        "{}",
        printed(&dry)
    );
    assert!(!planned(&url, &name).steps.is_empty(), "a dry run made it");

    let made = setup(&[]);
    let told = printed(&made);
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    assert!(told.contains("create the table"), "{told}");
    assert!(told.contains(&format!("table {name} is ready")), "{told}");
    assert_eq!(planned(&url, &name).steps, []);

    let again = setup(&[]);
    assert!(
        printed(&again).contains("nothing to do"),
        "{}",
        printed(&again)
    );

    let units = [
        "--billing",
        "provisioned",
        "--read-units",
        "1",
        "--write-units",
        "1",
    ];
    let other = complaint(&setup(&units));
    assert!(
        other.contains("billing: on demand; should be provisioned"),
        "{other}"
    );
}

#[test]
fn commands_at_once_all_end_well_and_make_one_table() {
    let url = dynamodb_local::endpoint().expect("a server that speaks DynamoDB");
    let name = fresh_name();
    let commands: Vec<Child> = (0..6)
        .map(|_| {
            Command::new(env!("CARGO_BIN_EXE_xtask"))
                .args(["setup-dynamo", "--endpoint-url", &url, "--table", &name])
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .expect("the program runs")
        })
        .collect();
    let mut created = 0;
    for command in commands {
        let output = command.wait_with_output().expect("its output");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{complaint}");
        let told = printed(&output);
        let report = told.lines().find(|line| line.contains("is ready"));
        let report = report.expect("a report");
        created += u32::from(report.contains("create the table"));
    }
    assert_eq!(created, 1);
    assert_eq!(planned(&url, &name).steps, []);
}

#[test]
fn what_is_printed_asks_no_server() {
    let nowhere = [
        "setup-dynamo",
        "--endpoint-url",
        "http://127.0.0.1:1",
        "--table",
        "t-1",
    ];
    let print = |format| printed(&xtask(&[&nowhere[..], &["--print", format]].concat()));
    for format in ["cloudformation", "iam", "iam-setup"] {
        let text = print(format);
        let value: Value = serde_json::from_str(&text).expect("JSON");
        assert!(value.to_string().contains("t-1"), "{text}");
    }
    assert!(print("terraform").contains("resource \"aws_dynamodb_table\""));
    assert!(print("cli").contains("aws dynamodb create-table --table-name t-1"));
}

/// A server in the foreground, which ends with the test.
struct Foreground(Child);

impl Drop for Foreground {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
fn a_server_for_development_starts_and_keeps_its_tables() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("tables.db");
    for round in 0..2 {
        let server = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args(["dynamodb-local", "--port", "0", "--file"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let mut server = Foreground(server);
        let output = server.0.stdout.take().expect("its output");
        let lines = BufReader::new(output).lines();
        let mut lines = lines.map(|line| line.expect("a line"));
        let url = lines.find_map(|line| line.strip_prefix("listening on ").map(ToOwned::to_owned));
        let url = url.expect("its address");
        let told: Vec<String> = lines.by_ref().take(4).collect();
        assert!(
            told.iter().any(|line| line.contains("setup-dynamo")),
            "{told:?}"
        );
        let setup = xtask(&["setup-dynamo", "--endpoint-url", &url]);
        assert!(
            setup.status.success(),
            "{}",
            String::from_utf8_lossy(&setup.stderr)
        );
        let found_it = printed(&setup).contains("nothing to do");
        assert_eq!(found_it, round == 1, "{}", printed(&setup));
    }
}

// covers("B20")
#[test]
fn the_page_on_running_it_names_flags_that_exist() {
    let page = include_str!("../../../docs/dynamodb.md");
    let help = printed(&xtask(&["setup-dynamo", "--help"]));
    let commands = page
        .lines()
        .filter(|line| line.contains("xtask setup-dynamo"));
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
