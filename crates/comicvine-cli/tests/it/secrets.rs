//! The key is sent to the API and appears in no log, output, error or file.

use std::num::NonZeroU32;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use comicvine_fake::{FakeServer, Fault, Injection};
use futures_util::future::join_all;

use crate::{Home, KEY, RunResult, fake, files, run, some_issue};

#[track_caller]
fn assert_silent(ran: &RunResult, arguments: &[&str]) {
    for text in [&ran.stdout, &ran.stderr] {
        for form in forms() {
            assert!(
                !text.contains(&form),
                "{arguments:?} tells the key:\n{text}"
            );
        }
    }
}

/// The key as text, and as others may write it down: base64 at each of the three places where it may begin,
/// hexadecimal, numbers, and two bytes a character.
fn forms() -> Vec<String> {
    let key = KEY.as_bytes();
    // The last characters of base64 depend on what follows.
    let base64 = (0..3).map(|skipped| STANDARD.encode(&key[skipped..])[..48].to_owned());
    let hex: Vec<_> = key.iter().map(|byte| format!("{byte:02x}")).collect();
    let numbers: Vec<_> = key.iter().map(u8::to_string).collect();
    let wide = KEY
        .chars()
        .flat_map(|character| [character, '\0'])
        .collect();
    let others = [KEY.to_owned(), hex.concat(), numbers.join(", "), wide];
    base64.chain(others).collect()
}

/// Reads every file below `folder`: the database, its log, whatever else there is.
#[track_caller]
fn assert_not_stored(folder: &Path) {
    let files = files(folder);
    assert!(
        files
            .iter()
            .any(|file| file.extension().is_some_and(|ending| ending == "db"))
    );
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        for form in forms() {
            assert!(!text.contains(&form), "{} holds the key", file.display());
        }
    }
}

#[tokio::test]
async fn no_command_prints_or_stores_the_key() {
    let (home, fake) = (Home::new(), fake().await);
    let issue = some_issue(&fake);
    let commands: [&[&str]; 17] = [
        &["get", "issue", &issue],
        &["get", "issue", &issue, "--output", "json"],
        &[
            "list", "volumes", "--limit", "2", "--filter", "name:the", "--output", "jsonl",
        ],
        &["search", "the", "--limit", "2"],
        &["budget"],
        &["budget", "--output", "json"],
        &["get", "issue", "999999999"],
        &["get", "issue", "4050-1"],
        &["get", "issue", &issue, "--offline", "--output", "csv"],
        &["get", "issue", &issue, "--fields", "no_such_field"],
        &["types"],
        &["sync", "powers", "--all", "--out", "powers.jsonl"],
        &["sync", "powers", "--all", "--out", "powers.jsonl"],
        &[
            "sync",
            "issues",
            "--ids",
            "1,999999999",
            "--out",
            "issues.jsonl",
        ],
        &["cache", "list"],
        &["cache", "list", "--output", "json"],
        &["db", "status"],
    ];
    for command in commands {
        let ran = home
            .run(
                &fake,
                &[command, &["--log", "trace", "--spacing", "0s"]].concat(),
            )
            .await;
        assert_silent(&ran, command);
        assert_not_stored(home.0.path());
    }
    assert!(home.path("powers.jsonl").exists());
    let traced = home
        .run(
            &fake,
            &["get", "issue", &issue, "--refresh", "--log", "trace"],
        )
        .await;
    assert!(
        traced.stderr.contains("TRACE"),
        "nothing was traced: {}",
        traced.stderr
    );
    assert_silent(&traced, &["get", "--refresh"]);
    // The server saw it, so the test looks for the right thing.
    assert_eq!(fake.counts().without_key, 0);
    assert!(fake.counts().total().requests() >= 4);
}

#[tokio::test]
async fn no_server_fault_reveals_the_key() {
    // All at once, because a program that meets a broken server tries again before it gives up.
    let faults = [
        Fault::RateLimited,
        Fault::Forbidden,
        Fault::AbnormalTraffic,
        Fault::Unavailable,
        Fault::InternalError,
        Fault::CutOff,
        Fault::Reset,
    ];
    join_all(faults.map(assert_fault_hides_key)).await;
}

async fn assert_fault_hides_key(fault: Fault) {
    let (home, fake) = (Home::new(), fake().await);
    fake.inject(Injection::new(fault).times(NonZeroU32::MAX));
    let list = ["list", "powers", "--log", "trace", "--max-wait", "3s"];
    let later = ["list", "powers", "--log", "trace", "--max-wait", "1ms"];
    for arguments in [list, later] {
        let ran = home.run(&fake, &arguments).await;
        assert_eq!(ran.status, 1, "{fault:?}: {ran:?}");
        assert_silent(&ran, &arguments);
        assert_not_stored(home.0.path());
    }
}

#[tokio::test]
async fn refused_key_is_not_repeated() {
    let home = Home::new();
    let fake = FakeServer::builder()
        .accept_key("another")
        .start()
        .await
        .unwrap();
    let list = ["list", "powers", "--log", "trace"];
    let ran = home.run(&fake, &list).await;
    ran.assert_failed(1, &["refuses the api key"]);
    assert_silent(&ran, &list);
    assert_not_stored(home.0.path());
}

#[tokio::test]
async fn unreachable_server_is_reported_without_the_key() {
    let home = Home::new();
    let list = ["list", "powers", "--log", "trace"];
    let ran = home.run_alone(&list).await;
    ran.assert_failed(1, &["cannot reach comic vine"]);
    assert_silent(&ran, &list);
    assert_not_stored(home.0.path());
}

#[tokio::test]
async fn address_that_holds_the_key_by_mistake_is_not_repeated() {
    let home = Home::new();
    for url in [
        format!("https://user:{KEY}@127.0.0.1/api/"),
        format!("http://127.0.0.1:9/api/?api_key={KEY}"),
        format!("http://127.0.0.1:9/api/#{KEY}"),
        format!("127.0.0.1/{KEY}"),
        KEY.to_owned(),
    ] {
        let list = ["list", "powers", "--log", "trace"];
        let mut by_environment = home.program(list);
        by_environment.env("COMIC_VINE_BASE_URL", &url);
        let mut by_argument = home.program(list);
        by_argument.args(["--base-url", &url]);
        for program in [&mut by_environment, &mut by_argument] {
            let ran = run(program).await;
            ran.assert_failed(2, &["base url"]);
            assert_silent(&ran, &list);
        }
        let mut help = home.program(["list", "--help"]);
        help.env("COMIC_VINE_BASE_URL", &url)
            .env("COMIC_VINE_LOG", KEY)
            .env("COMIC_VINE_DB_PATH", KEY);
        let ran = run(&mut help).await;
        assert!(ran.printed().contains("--base-url"));
        assert_silent(&ran, &["list", "--help"]);
    }
}

#[tokio::test]
async fn malformed_key_is_not_repeated() {
    let home = Home::new();
    std::fs::write(home.path("key"), format!("key = {KEY}")).unwrap();
    let budget = ["budget", "--log", "trace"];
    let mut by_environment = home.program(budget);
    by_environment.env("COMIC_VINE_API_KEY", format!("\"{KEY}\""));
    let mut by_file = home.program(budget);
    by_file.args(["--api-key-file", "key"]);
    for program in [&mut by_environment, &mut by_file] {
        let ran = run(program).await;
        ran.assert_failed(2, &["malformed"]);
        assert_silent(&ran, &budget);
    }
}

#[tokio::test]
async fn query_of_a_url_is_not_repeated() {
    let (home, fake) = (Home::new(), fake().await);
    let issue = some_issue(&fake);
    for (url, status) in [
        (
            format!("https://comicvine.gamespot.com/api/issue/{issue}/?api_key={KEY}"),
            0,
        ),
        (
            format!("https://comicvine.gamespot.com/api/issue/4000-x/?api_key={KEY}"),
            2,
        ),
        (
            format!("https://{KEY}@example.com/api/issue/{issue}/?api_key={KEY}"),
            2,
        ),
    ] {
        let get = ["get", &url, "--log", "trace"];
        let ran = home.run(&fake, &get).await;
        assert_eq!(ran.status, status, "{ran:?}");
        assert_silent(&ran, &get);
    }
    assert_not_stored(home.0.path());
}
