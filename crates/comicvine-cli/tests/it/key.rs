//! `comicvine key` where there is no keyring: an error with the remedy, and the key in no output.

use std::process::Stdio;

use store_conformance::child_process::RunResult;
use tokio::io::AsyncWriteExt;

use crate::{Home, KEY, run};

/// What to do in its place, and the status.
const REMEDIES: [&str; 2] = ["COMIC_VINE_API_KEY", "--api-key-file"];
const STATUS: i32 = if cfg!(feature = "keyring") { 1 } else { 2 };

#[cfg(target_os = "linux")]
#[tokio::test]
async fn missing_keyring_is_an_error_with_the_remedy() {
    let home = Home::new();
    let mut set = home.program(["key", "set", "--log", "trace"]);
    set.stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = set.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    // It may end before it reads.
    let _ = input.write_all(format!("{KEY}\n").as_bytes()).await;
    drop(input);
    let ran = RunResult::from(child.wait_with_output().await.unwrap());
    ran.assert_failed(STATUS, &REMEDIES);
    assert!(!ran.stdout.contains(KEY) && !ran.stderr.contains(KEY));
    let deleted = run(&mut home.program(["key", "delete"])).await;
    deleted.assert_failed(STATUS, &REMEDIES);
}

#[tokio::test]
async fn key_is_no_argument() {
    let home = Home::new();
    let ran = run(&mut home.program(["key", "set", KEY])).await;
    ran.assert_failed(2, &["unexpected argument"]);
}
