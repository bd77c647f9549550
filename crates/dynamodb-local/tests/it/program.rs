//! The program that serves in the foreground.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::{add, client, count, create};

/// A server in the foreground, which ends with the test.
struct Foreground(Child);

impl Drop for Foreground {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[tokio::test]
async fn a_server_for_development_starts_and_keeps_its_tables() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("tables.db");
    for round in 1..=2 {
        let server = Command::new(env!("CARGO_BIN_EXE_dynamodb-local"))
            .args(["--port", "0", "--file"])
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
        let more: Vec<String> = lines.by_ref().take(4).collect();
        let set_up = format!("comicvine table setup --endpoint-url {url}");
        assert!(more.iter().any(|line| line.ends_with(&set_up)), "{more:?}");

        let client = client(&url);
        if round == 1 {
            create(&client, "counts").await;
        }
        add(&client, "counts", "a").await.expect("a write");
        assert_eq!(count(&client, "counts", "a").await, round);
    }
}
