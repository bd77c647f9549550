//! Lists of many pages: all of their rows once, and the end of the program when the pipe is closed.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::process::Stdio;

use comicvine_fake::{Fault, Injection};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};

use crate::{Home, fake};

#[tokio::test]
async fn all_rows_of_all_pages_come_once() {
    let (home, fake) = (Home::new(), fake().await);
    let list = [
        "list", "volumes", "--all", "--fields", "id", "--output", "jsonl",
    ];
    let ran = home.run(&fake, &list).await;
    let id = |line: &str| {
        serde_json::from_str::<Value>(line).unwrap()["id"]
            .as_u64()
            .unwrap()
    };
    let ids: Vec<u64> = ran.printed().lines().map(id).collect();
    assert!(ids.len() > 100, "{}", ids.len());
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    let pages = u64::try_from(ids.len().div_ceil(100)).unwrap();
    assert_eq!(fake.counts().path("volumes").requests(), pages);

    let table = home
        .run(&fake, &["list", "volumes", "--all", "--fields", "id"])
        .await;
    assert_eq!(table.stderr, format!("{0} of {0}\n", ids.len()));
    assert_eq!(fake.counts().path("volumes").requests(), pages);
}

#[tokio::test]
async fn filters_and_order_hold_on_every_row() {
    let (home, fake) = (Home::new(), fake().await);
    let list = [
        "list",
        "issues",
        "--sort",
        "id:desc",
        "--filter",
        "issue_number:1",
        "-o",
        "json",
    ];
    let ran = home.run(&fake, &list).await;
    let rows: Vec<Value> = serde_json::from_str(ran.printed()).unwrap();
    assert!(rows.len() > 1 && rows.iter().all(|row| row["issue_number"] == "1"));
    let ids: Vec<_> = rows.iter().map(|row| row["id"].as_u64().unwrap()).collect();
    assert!(ids.is_sorted_by(|one, next| one > next));
}

#[tokio::test]
async fn closed_pipe_ends_it_without_an_error() {
    let (home, fake) = (Home::new(), fake().await);
    let list = ["list", "issues", "--all", "--output", "jsonl"];
    let mut program = home.against(&fake, &list);
    let mut child = program
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next_line().await.unwrap().unwrap().starts_with('{'));
    drop(lines);
    let ended = child.wait_with_output().await.unwrap();
    assert_eq!(String::from_utf8(ended.stderr).unwrap(), "");
    assert_eq!(ended.status.code(), Some(0));
    // There are dozens of pages; writing the second or third one fails.
    assert!(fake.counts().path("issues").requests() <= 5);
}

#[tokio::test]
async fn interrupt_ends_it_and_fetched_pages_stay_cached() {
    let (home, fake) = (Home::new(), fake().await);
    let list = ["list", "issues", "--all", "--output", "jsonl"];
    let mut program = home.against(&fake, &list);
    let mut child = program
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.next_line().await.unwrap().unwrap();
    let pid = Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    // Empties the pipe, so that the program does not block on it.
    while lines.next_line().await.unwrap().is_some() {}
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .await
        .unwrap();
    assert_eq!(said, "");
    assert_eq!(child.wait().await.unwrap().code(), Some(130));

    fake.reset_counts();
    let again = home
        .run(&fake, &["list", "issues", "--output", "jsonl"])
        .await;
    assert_eq!(again.printed().lines().next(), Some(first.as_str()));
    assert_eq!(fake.counts().path("issues").requests(), 0);
}

#[tokio::test]
async fn incomplete_list_prints_what_came_and_fails() {
    let (home, fake) = (Home::new(), fake().await);
    home.run(&fake, &["list", "issues"]).await.printed();
    fake.inject(Injection::new(Fault::EmptyPage).times(NonZeroU32::MAX));
    let list = ["list", "issues", "--limit", "250", "--output", "json"];
    let ran = home.run(&fake, &list).await;
    assert_eq!(ran.status, 1);
    let said = "issues is incomplete: no further rows after 100 of ";
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
    let rows: Vec<Value> = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(rows.len(), 100);

    fake.clear_injections();
    let whole = home.run(&fake, &list).await;
    let rows: Vec<Value> = serde_json::from_str(whole.printed()).unwrap();
    assert_eq!(rows.len(), 250);
}

#[tokio::test]
async fn parts_of_a_search_are_those_of_the_whole() {
    let (home, fake) = (Home::new(), fake().await);
    let ids = async |arguments: &[&str]| {
        let common = [
            "search",
            "the",
            "of",
            "-o",
            "jsonl",
            "--fields",
            "id,resource_type",
        ];
        let ran = home.run(&fake, &[&common[..], arguments].concat()).await;
        let lines = ran.printed().lines().map(str::to_owned);
        lines.collect::<Vec<_>>()
    };
    let all = ids(&["--all"]).await;
    assert!(all.len() > 250, "{}", all.len());
    for (arguments, from, to) in [
        (&[][..], 0, 10),
        (&["--page", "3"], 20, 30),
        (&["--limit", "7", "--page", "4"], 21, 28),
        (&["--limit", "150", "--page", "2"], 150, 300.min(all.len())),
        (&["--offset", "20"], 20, 30),
        (&["--offset", "95"], 95, 105),
        (&["--offset", "13", "--limit", "1"], 13, 14),
        (&["--offset", "130", "--limit", "120"], 130, 250),
        (&["--offset", "130", "--all"], 130, all.len()),
    ] {
        assert_eq!(ids(arguments).await, all[from..to], "{arguments:?}");
    }
    // The words are one query, in quotes or not; `--all` asks for as many pages as there are.
    fake.reset_counts();
    let table = home.run(&fake, &["search", "the of", "--page", "3"]).await;
    assert!(table.stderr.starts_with("10 of "), "{}", table.stderr);
    assert_eq!(fake.counts().total().requests(), 0);
    let refresh = ["search", "the", "of", "--page", "3", "--refresh"];
    home.run(&fake, &refresh).await.printed();
    assert_eq!(fake.counts().path("search").requests(), 1);
    home.run(&fake, &["search", "the", "--page", "0"])
        .await
        .assert_failed(2, &["--page", "1 or more"]);
}

#[tokio::test]
async fn offset_after_the_end_still_tells_the_total() {
    let (home, fake) = (Home::new(), fake().await);
    let total = home.run(&fake, &["list", "powers", "--limit", "1"]).await;
    let of = total.stderr.split(" of ").nth(1).unwrap().trim().to_owned();
    assert_ne!(of, "0");
    let ran = home
        .run(&fake, &["list", "powers", "--offset", "99999"])
        .await;
    assert!(ran.stderr.contains(&format!("0 of {of}")), "{}", ran.stderr);
}
