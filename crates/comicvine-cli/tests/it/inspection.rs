//! Commands that only look: they write nothing, and no other program is in their way.

use rusqlite::Connection;
use serde_json::Value;

use crate::{Home, fake, files, some_issue};

/// What version 0.2.0 of the npm package creates and writes.
pub(crate) const NPM_FILE: &str = r#"
    CREATE TABLE cache (
      hash TEXT PRIMARY KEY, value BLOB NOT NULL, expires_at INTEGER NOT NULL, created_at INTEGER NOT NULL
    );
    CREATE INDEX idx_cache_expires_at ON cache(expires_at);
    CREATE TABLE dedupe_jobs (
      hash TEXT PRIMARY KEY, job_id TEXT NOT NULL, status TEXT NOT NULL, result BLOB, error TEXT,
      created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
    );
    CREATE INDEX idx_dedupe_status ON dedupe_jobs(status);
    CREATE TABLE rate_limits (
      id INTEGER PRIMARY KEY AUTOINCREMENT, resource TEXT NOT NULL, timestamp INTEGER NOT NULL
    );
    CREATE INDEX idx_rate_limit_resource ON rate_limits(resource);
    CREATE INDEX idx_rate_limit_timestamp ON rate_limits(timestamp);
    INSERT INTO cache VALUES ('k0001', '"{\"id\":1,\"name\":\"Issue 1\"}"', 0, 1700000000000);
    INSERT INTO rate_limits (resource, timestamp) VALUES ('issues', 1700000000000);"#;

#[tokio::test]
async fn commands_that_look_answer_while_another_program_writes() {
    let (home, fake) = (Home::new(), fake().await);
    let issue = some_issue(&fake);
    home.run(&fake, &["get", &issue]).await.printed();
    let other = Connection::open(home.path("comics.db")).unwrap();
    other
        .execute_batch("BEGIN IMMEDIATE; DELETE FROM cache;")
        .unwrap();

    let listed = home.run_alone(&["cache", "list", "-o", "jsonl"]).await;
    let entry: Value = serde_json::from_str(listed.printed().trim()).unwrap();
    let key = entry["key"].as_str().unwrap();
    for arguments in [
        &["cache", "stats"][..],
        &["cache", "show", key],
        &["budget"],
        &["budget", "-o", "json"],
    ] {
        let ran = home.run(&fake, arguments).await;
        assert!(!ran.printed().is_empty());
        assert!(!ran.stderr.contains("error"), "{}", ran.stderr);
    }
    other.execute_batch("ROLLBACK").unwrap();
}

#[tokio::test]
async fn file_of_the_npm_package_is_not_changed_by_a_look() {
    let home = Home::new();
    let path = home.path("comics.db");
    let npm = Connection::open(&path).unwrap();
    npm.execute_batch(NPM_FILE).unwrap();
    npm.close().unwrap();
    let state = || {
        let bytes = std::fs::read(&path).unwrap();
        (bytes, files(home.0.path()))
    };
    let before = state();
    for command in [&["stats"][..], &["list"], &["show", "k0001"], &["check"]] {
        let ran = home.run_alone(&[&["cache"], command].concat()).await;
        ran.assert_failed(2, &["another program's", "comicvine db up"]);
        assert!(state() == before, "{command:?}");
    }
}

#[tokio::test]
async fn file_of_a_program_without_a_queue_of_writes_is_shown() {
    let (home, fake) = (Home::new(), fake().await);
    home.run(&fake, &["get", &some_issue(&fake)])
        .await
        .printed();
    let reverted = ["db", "down", "1", "--component", "write_queue"];
    home.run_alone(&reverted).await.printed();
    let listed = home.run_alone(&["cache", "list", "-o", "jsonl"]).await;
    assert!(!listed.printed().is_empty());
}

#[tokio::test]
async fn looking_leaves_nothing_behind() {
    let (home, fake) = (Home::new(), fake().await);
    home.run(&fake, &["list", "powers", "--limit", "1"])
        .await
        .printed();
    let state = || {
        let bytes = std::fs::read(home.path("comics.db")).unwrap();
        (bytes, files(home.0.path()))
    };
    let before = state();
    for arguments in [&["cache", "stats"][..], &["cache", "list"], &["budget"]] {
        home.run(&fake, arguments).await.printed();
        assert!(state() == before, "{arguments:?}");
    }
}
