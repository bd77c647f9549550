//! Syncs: nothing is fetched twice, lost, torn or there twice, however a run ends.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use comicvine_fake::{FakeServer, Fault, Injection, Limits};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use store_conformance::child_process::RunResult;
use tokio::process::Child;

use crate::{Home, KEY, fake, files};

const OUT: &str = "out.jsonl";

/// The resources in the file, in the order of their lines.
fn lines(home: &Home) -> Vec<Value> {
    let text = fs::read_to_string(home.path(OUT)).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "{text}");
    let read = |line| serde_json::from_str(line).unwrap();
    text.lines().map(read).collect()
}

fn ids(home: &Home) -> Vec<u64> {
    lines(home)
        .iter()
        .map(|line| line["id"].as_u64().unwrap())
        .collect()
}

/// How often the server sent each resource of this path.
fn sent(fake: &FakeServer, path: &str) -> BTreeMap<String, u64> {
    let answered = fake.counts().answered;
    let of_path = answered.into_iter().filter(|(request, _)| {
        request
            .trim_start_matches('/')
            .starts_with(&format!("{path}/"))
    });
    of_path.collect()
}

fn details(fake: &FakeServer, path: &str) -> Vec<u64> {
    let details = fake.detail_ids();
    let (_, ids) = details.iter().find(|(known, _)| known == path).unwrap();
    ids.clone()
}

fn joined(ids: &[u64]) -> String {
    let texts: Vec<_> = ids.iter().map(ToString::to_string).collect();
    texts.join(",")
}

async fn sync(home: &Home, fake: &FakeServer, arguments: &[&str]) -> RunResult {
    let arguments = [&["sync"], arguments, &["--out", OUT]].concat();
    home.run(fake, &arguments).await
}

/// Starts a run and waits until the file has so many lines.
async fn started(home: &Home, fake: &FakeServer, arguments: &[&str], lines: usize) -> Child {
    let arguments = [&["sync"], arguments, &["--out", OUT]].concat();
    let mut program = home.against(fake, &arguments);
    let mut child = program
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let has_lines = || {
        let read = fs::read_to_string(home.path(OUT)).unwrap_or_default();
        read.matches('\n').count() >= lines
    };
    while !has_lines() {
        assert!(child.try_wait().unwrap().is_none(), "it ended early");
        tokio::task::yield_now().await;
    }
    child
}

/// A folder of recorded powers, which a server serves.
struct Recorded(tempfile::TempDir);

impl Recorded {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn put(&self, id: u64, name: &str, date: &str) {
        let mut power = row(id, date);
        power["name"] = name.into();
        power["characters"] = json!([]);
        self.write(&id.to_string(), &power);
    }

    /// A list of its own, which is else made from the resources.
    fn put_row(&self, id: u64, date: &str) {
        self.write("rows", &json!([row(id, date)]));
    }

    fn write(&self, name: &str, results: &Value) {
        let envelope = json!({
            "error": "OK", "limit": 1, "offset": 0, "number_of_page_results": 1,
            "number_of_total_results": 1, "status_code": 1, "results": results, "version": "1.0",
        });
        let file = self.0.path().join(format!("{name}.json"));
        fs::write(file, envelope.to_string()).unwrap();
    }

    /// Serves what is in the folder now; at `address`, where another one served it before.
    async fn serve(&self, address: Option<SocketAddr>) -> FakeServer {
        let mut builder = FakeServer::builder()
            .recordings(self.0.path())
            .limits(Limits::unlimited());
        if let Some(address) = address {
            builder = builder.listen(address);
        }
        builder.start().await.unwrap()
    }

    /// Serves the changed folder in place of `fake`.
    async fn serve_again(&self, fake: FakeServer) -> FakeServer {
        let address = fake.address();
        fake.stop().await;
        self.serve(Some(address)).await
    }
}

fn row(id: u64, date: &str) -> Value {
    json!({
        "api_detail_url": format!("https://comicvine.gamespot.com/api/power/4035-{id}/"),
        "id": id,
        "date_added": "2008-06-06 11:28:14",
        "date_last_updated": date,
    })
}

fn names(home: &Home) -> Vec<String> {
    lines(home)
        .iter()
        .map(|line| line["name"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn killed_run_goes_on_and_fetches_nothing_twice() {
    let (home, fake) = (Home::new(), fake().await);
    let wanted = &details(&fake, "issue")[..6];
    let arguments = ["issues", "--ids", &joined(wanted)];
    for killed_at in [1, 3] {
        let mut child = started(&home, &fake, &arguments, killed_at).await;
        child.kill().await.unwrap();
    }
    let ran = sync(&home, &fake, &arguments).await;
    assert_eq!(ran.status, 0, "{ran:?}");
    assert_eq!(ids(&home), wanted);
    // What was in flight was asked for again, unless its answer was stored in time.
    let requests = fake.counts().path("issue").requests();
    assert!((6..=8).contains(&requests), "{requests}");
    let sent = sent(&fake, "issue");
    assert!(
        sent.values().filter(|times| **times > 1).count() <= 2,
        "{sent:?}"
    );
}

#[tokio::test]
async fn request_in_flight_at_a_kill_is_all_that_is_sent_again() {
    let (home, fake) = (Home::new(), fake().await);
    let wanted = &details(&fake, "power")[..3];
    let arguments = ["powers", "--ids", &joined(wanted)];
    let mut child = started(&home, &fake, &arguments, 1).await;
    fake.set_latency(Duration::from_hours(1));
    while fake.counts().path("power").requests() < 2 {
        tokio::task::yield_now().await;
    }
    child.kill().await.unwrap();
    fake.set_latency(Duration::ZERO);
    sync(&home, &fake, &arguments).await.printed();
    assert_eq!(ids(&home), wanted);
    assert_eq!(fake.counts().path("power").requests(), 4);
    assert!(sent(&fake, "power").values().all(|times| *times == 1));
}

#[tokio::test]
async fn run_after_the_clock_was_set_back_says_so() {
    let (home, fake) = (Home::new(), fake().await);
    let future = json!({
        "version": 1, "kind": "power", "filter": [], "bytes": 0,
        "updated_through": "2999-01-01 00:00:00", "missing": [], "again": [],
    });
    fs::write(home.path("out.jsonl.state"), future.to_string()).unwrap();
    let ran = sync(&home, &fake, &["powers", "--all"]).await;
    ran.assert_failed(1, &["the clock of this computer"]);
    assert_eq!(fake.counts().total().requests(), 0);
}

#[tokio::test]
async fn killed_run_over_a_filter_goes_on_as_well() {
    let home = Home::new();
    let recorded = Recorded::new();
    for id in 1..=5 {
        recorded.put(id, "a power", &format!("2020-01-0{id} 00:00:00"));
    }
    let fake = recorded.serve(None).await;
    let arguments = ["powers", "--filter", "name:power"];
    let mut child = started(&home, &fake, &arguments, 2).await;
    child.kill().await.unwrap();
    let ran = sync(&home, &fake, &arguments).await;
    assert_eq!(ran.status, 0, "{ran:?}");
    assert_eq!(ids(&home), [1, 2, 3, 4, 5]);
    let requests = fake.counts().path("power").requests();
    assert!((5..=6).contains(&requests), "{requests}");
}

#[tokio::test]
async fn lines_are_exactly_what_the_api_sent() {
    let (home, fake) = (Home::new(), fake().await);
    let id = details(&fake, "power")[0].to_string();
    let ran = sync(&home, &fake, &["power", "--ids", &id]).await;
    assert_eq!(ran.status, 0, "{ran:?}");
    assert_eq!(ran.stdout, "");
    let shown = home.run(&fake, &["get", "power", &id, "-o", "jsonl"]).await;
    assert_eq!(fs::read_to_string(home.path(OUT)).unwrap(), shown.printed());
}

#[tokio::test]
async fn second_run_fetches_what_has_changed_and_what_is_new() {
    let home = Home::new();
    let recorded = Recorded::new();
    recorded.put(1, "one", "2020-01-01 00:00:00");
    recorded.put(2, "two", "2020-01-02 00:00:00");
    recorded.put(3, "three", "2020-01-03 00:00:00");
    let fake = recorded.serve(None).await;
    let all = ["powers", "--all"];
    sync(&home, &fake, &all).await.printed();
    assert_eq!(names(&home), ["one", "two", "three"]);

    // Nothing has changed: one page, and the resource of its moment is compared.
    fake.reset_counts();
    sync(&home, &fake, &all).await.printed();
    assert_eq!(names(&home), ["one", "two", "three"]);
    assert_eq!(fake.counts().total().requests(), 1);

    // The cache still has the old version.
    recorded.put(1, "one, changed", "2020-01-04 00:00:00");
    recorded.put(4, "four", "2020-01-03 00:00:00");
    recorded.put(5, "five", "2020-01-02 23:55:00");
    let fake = recorded.serve_again(fake).await;
    let ran = sync(&home, &fake, &all).await;
    assert_eq!(ran.status, 0, "{ran:?}");
    assert!(
        ran.stderr.contains("resources 5, new 2, changed 1"),
        "{ran:?}"
    );
    assert_eq!(
        names(&home),
        ["one", "two", "three", "five", "four", "one, changed"]
    );
    let sent = sent(&fake, "power");
    assert_eq!(sent.len(), 3, "{sent:?}");
    assert_eq!(fake.counts().path("power").requests(), 3);
}

#[tokio::test]
async fn given_ids_are_compared_with_their_rows() {
    let home = Home::new();
    let recorded = Recorded::new();
    for id in [1, 2, 3] {
        recorded.put(id, "old", "2020-01-01 00:00:00");
    }
    let fake = recorded.serve(None).await;
    fs::write(home.path("ids"), "1\n4035-2, 9\n\n").unwrap();
    let from_file = ["powers", "--ids-from", "ids"];
    let ran = sync(&home, &fake, &from_file).await;
    assert_eq!(ran.status, 0, "{ran:?}");
    assert!(
        ran.stderr.contains("power 4035-9 does not exist"),
        "{ran:?}"
    );
    assert!(
        ran.stderr.contains("new 2, changed 0, missing 1"),
        "{ran:?}"
    );
    assert_eq!(ids(&home), [1, 2]);

    // The missing one comes to be, another changes, and the list of ids is longer.
    recorded.put(2, "new", "2020-01-02 00:00:00");
    recorded.put(9, "new", "2020-01-02 00:00:00");
    let fake = recorded.serve_again(fake).await;
    fs::write(home.path("ids"), "1 2 9 3").unwrap();
    sync(&home, &fake, &from_file).await.printed();
    assert_eq!(ids(&home), [1, 2, 3, 2, 9]);
    assert_eq!(fake.counts().path("power").requests(), 3);
    assert_eq!(fake.counts().path("powers").requests(), 1);
}

#[tokio::test]
async fn missing_id_is_not_asked_for_by_each_run() {
    let (home, fake) = (Home::new(), fake().await);
    let missing = ["powers", "--ids", "999999999"];
    for _ in 0..2 {
        sync(&home, &fake, &missing).await.printed();
    }
    assert_eq!(fake.counts().path("power").requests(), 1);
    assert!(ids(&home).is_empty());
}

#[tokio::test]
async fn line_that_was_cut_off_is_removed() {
    let (home, fake) = (Home::new(), fake().await);
    let wanted = &details(&fake, "power")[..2];
    let one = wanted[0].to_string();
    sync(&home, &fake, &["powers", "--ids", &one])
        .await
        .printed();
    let whole = fs::read(home.path(OUT)).unwrap();
    let mut file = fs::OpenOptions::new()
        .append(true)
        .open(home.path(OUT))
        .unwrap();
    write!(file, r#"{{"id":{},"name":"Fli"#, wanted[1]).unwrap();
    sync(&home, &fake, &["powers", "--ids", &joined(wanted)])
        .await
        .printed();
    let now = fs::read(home.path(OUT)).unwrap();
    assert!(now.starts_with(&whole));
    assert_eq!(ids(&home), wanted);
}

#[tokio::test]
async fn many_resources_of_one_moment_are_all_found() {
    let home = Home::new();
    let recorded = Recorded::new();
    let moment = "2020-01-01 00:00:00";
    for id in 1..=250 {
        recorded.put(id, "same", moment);
    }
    let fake = recorded.serve(None).await;
    // All but the last one are there already.
    let all = ["powers", "--all"];
    started(&home, &fake, &all, 1).await.kill().await.unwrap();
    let mut text = fs::read_to_string(home.path(OUT)).unwrap();
    let there: BTreeSet<u64> = ids(&home).into_iter().collect();
    for id in (2..250).filter(|id| !there.contains(id)) {
        text.push_str(&row(id, moment).to_string());
        text.push('\n');
    }
    fs::write(home.path(OUT), text).unwrap();
    fake.reset_counts();
    sync(&home, &fake, &all).await.printed();
    let found: BTreeSet<u64> = ids(&home).into_iter().collect();
    assert_eq!(found, (1..=250).collect());
    assert_eq!(ids(&home).len(), 250);
    // The first page again, once it is known at which moment it ends.
    assert_eq!(fake.counts().path("powers").requests(), 4);
}

#[tokio::test]
async fn kind_without_dates_gets_new_resources() {
    let (home, fake) = (Home::new(), fake().await);
    let all = details(&fake, "video_type").len();
    sync(&home, &fake, &["video_types", "--all"])
        .await
        .printed();
    assert_eq!(ids(&home).len(), all);
    fake.reset_counts();
    sync(&home, &fake, &["video_types", "--all"])
        .await
        .printed();
    assert_eq!(ids(&home).len(), all);
    assert_eq!(fake.counts().path("video_type").requests(), 0);
}

#[tokio::test]
async fn second_process_on_a_file_refuses() {
    let (home, fake) = (Home::new(), fake().await);
    let wanted = joined(&details(&fake, "power")[..3]);
    let arguments = ["powers", "--ids", &wanted];
    let mut child = started(&home, &fake, &arguments, 1).await;
    let second = sync(&home, &fake, &arguments).await;
    second.assert_failed(1, &["another `comicvine sync` writes out.jsonl", "--out"]);
    assert!(child.wait().await.unwrap().success());
    assert_eq!(ids(&home).len(), 3);
}

#[tokio::test]
async fn signal_ends_it_and_it_says_how_to_go_on() {
    for (signal, status) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let (home, fake) = (Home::new(), fake().await);
        let wanted = &details(&fake, "power")[..3];
        let arguments = ["powers", "--ids", &joined(wanted)];
        let child = started(&home, &fake, &arguments, 1).await;
        let pid = Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
        let ended = RunResult::from(child.wait_with_output().await.unwrap());
        assert_eq!(ended.status, status);
        assert!(
            ended.stderr.contains("out.jsonl: resources 1 so far")
                && ended.stderr.contains("give the same command again"),
            "{ended:?}"
        );
        sync(&home, &fake, &arguments).await.printed();
        assert_eq!(ids(&home), wanted);
    }
}

#[tokio::test]
async fn resource_that_cannot_be_had_is_left_out_and_tried_again() {
    let home = Home::new();
    let recorded = Recorded::new();
    for id in [1, 2, 3] {
        recorded.put(id, "a power", &format!("2020-01-0{id} 00:00:00"));
    }
    let fake = recorded.serve(None).await;
    let too_large = Injection::new(Fault::Large { bytes: 17 << 20 }).on_path("power");
    fake.inject(too_large.clone());
    let all = ["powers", "--all"];
    let ran = sync(&home, &fake, &all).await;
    let said = "could not be fetched: 1; the same command tries them again";
    ran.assert_failed(1, &["larger than", said]);
    assert_eq!(ids(&home), [2, 3]);

    sync(&home, &fake, &all).await.printed();
    assert_eq!(ids(&home), [2, 3, 1]);
    fake.reset_counts();
    sync(&home, &fake, &all).await.printed();
    assert_eq!(fake.counts().path("power").requests(), 0);

    // If none can be had, it does not go through all of them.
    for id in 4..=9 {
        recorded.put(id, "a power", &format!("2020-01-0{id} 00:00:00"));
    }
    let fake = recorded.serve_again(fake).await;
    fake.inject(too_large.times(NonZeroU32::MAX));
    let ran = sync(&home, &fake, &all).await;
    ran.assert_failed(1, &["larger than", "give the same command again"]);
    assert_eq!(fake.counts().path("power").requests(), 3);
    fake.clear_injections();
    sync(&home, &fake, &all).await.printed();
    let found: BTreeSet<u64> = ids(&home).into_iter().collect();
    assert_eq!((found, ids(&home).len()), ((1..=9).collect(), 9));
}

#[tokio::test]
async fn resource_that_lags_behind_its_row_is_fetched_again() {
    let home = Home::new();
    let recorded = Recorded::new();
    recorded.put(1, "old", "2020-01-01 00:00:00");
    recorded.put_row(1, "2020-01-02 00:00:00");
    let fake = recorded.serve(None).await;
    let all = ["powers", "--all"];
    sync(&home, &fake, &all).await.printed();
    recorded.put(1, "new", "2020-01-02 00:00:00");
    let fake = recorded.serve_again(fake).await;
    sync(&home, &fake, &all).await.printed();
    assert_eq!(names(&home), ["old", "new"]);
    sync(&home, &fake, &all).await.printed();
    assert_eq!(fake.counts().path("power").requests(), 1);
}

#[tokio::test]
async fn files_that_do_not_fit_are_left_as_they_are() {
    let (home, fake) = (Home::new(), fake().await);
    let id = details(&fake, "power")[0].to_string();
    let ids = ["powers", "--ids", &id];
    let refused = async |arguments: &[&str], status, parts: &[&str]| {
        let before = fs::read(home.path(OUT)).unwrap();
        sync(&home, &fake, arguments)
            .await
            .assert_failed(status, parts);
        assert_eq!(fs::read(home.path(OUT)).unwrap(), before);
    };
    fs::write(home.path(OUT), "my notes, without a line ending").unwrap();
    refused(&ids, 1, &["cannot read out.jsonl.state", "--out"]).await;
    assert_eq!(fake.counts().total().requests(), 0);
    fs::remove_file(home.path(OUT)).unwrap();

    sync(&home, &fake, &ids).await.printed();
    refused(
        &["issues", "--ids", "1"],
        2,
        &["power resources of given ids"],
    )
    .await;
    refused(&["powers", "--all"], 2, &["power resources of given ids"]).await;
    fs::write(home.path(OUT), "").unwrap();
    refused(&ids, 1, &["lost lines", "begin anew"]).await;
    fs::write(home.path(OUT), "[]\n".repeat(10_000)).unwrap();
    refused(&ids, 1, &["line 1 of out.jsonl is no resource"]).await;
    fs::write(home.path("out.jsonl.state"), "{").unwrap();
    refused(&ids, 1, &["not the state of this version"]).await;
}

#[tokio::test]
async fn wrong_selections_are_reported_before_anything_is_written() {
    let home = Home::new();
    fs::write(home.path("ids"), " \n").unwrap();
    let cases: [(&[&str], &[&str]); 6] = [
        (&[], &["--ids", "--filter", "--all"]),
        (&["--ids", "1", "--all"], &["cannot be used with"]),
        (&["--ids", "4050-1"], &["4050-1 is a volume id"]),
        (&["--ids-from", "ids"], &["no ids are given"]),
        (
            &["--filter", "date_last_updated:2020-01-01"],
            &["leave that filter out"],
        ),
        (
            &["--filter", "nothing:1"],
            &["cannot be filtered by `nothing`"],
        ),
    ];
    for (selection, parts) in cases {
        let arguments = [&["sync", "issues", "--out", OUT], selection].concat();
        home.run_alone(&arguments).await.assert_failed(2, parts);
    }
    let unread = ["sync", "issues", "--out", OUT, "--ids-from", "nowhere"];
    let ran = home.run_alone(&unread).await;
    ran.assert_failed(1, &["cannot read the ids in nowhere"]);
    assert!(!Path::exists(&home.path(OUT)));
}

#[tokio::test]
async fn key_is_in_no_file_and_no_output() {
    let (home, fake) = (Home::new(), fake().await);
    let id = details(&fake, "power")[0].to_string();
    let arguments = ["powers", "--ids", &id, "--log", "trace"];
    let ran = sync(&home, &fake, &arguments).await;
    assert_eq!(ran.status, 0, "{ran:?}");
    assert!(ran.stderr.contains("TRACE") && !ran.stderr.contains(KEY));
    let written = files(home.0.path());
    assert!(written.iter().any(|file| file.ends_with("out.jsonl.state")));
    for file in written {
        let bytes = fs::read(&file).unwrap();
        let found = bytes.windows(KEY.len()).any(|part| part == KEY.as_bytes());
        assert!(!found, "{} holds the key", file.display());
    }
}
