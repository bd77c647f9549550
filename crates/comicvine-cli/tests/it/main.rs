//! The built program, against the API on loopback: what it prints, what it sends, how it ends.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod budget;
mod byte_exact;
mod cache;
#[cfg(feature = "images")]
mod cover;
mod crawl;
mod csv;
mod db;
#[cfg(feature = "dynamodb")]
mod dynamodb;
mod errors;
mod http_cache;
mod inspection;
mod key;
mod maintenance;
mod options;
mod output;
mod pages;
mod secrets;
mod shell;
mod stores;
mod sync;
mod sync_faults;
#[cfg(feature = "dynamodb")]
mod table;
mod times;
mod usage;
mod waits;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use comicvine_fake::{FakeServer, Limits};
use store_conformance::child_process::RunResult;
use tempfile::TempDir;
use tokio::process::Command;

/// A key that is easy to find wherever it should not be.
const KEY: &str = "5ecre7c0ffee5ecre7c0ffee5ecre7c0ffee5ecr";

/// A home of its own, with nothing in the environment but what a test puts there.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The database file if none is named.
    #[cfg(target_os = "linux")]
    fn default_database(&self) -> PathBuf {
        self.path("data/comicvine/comics.db")
    }

    /// The program with a key and these arguments.
    fn program<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut program = Command::new(env!("CARGO_BIN_EXE_comicvine"));
        program
            .args(arguments)
            .current_dir(self.0.path())
            .env_clear()
            .env("HOME", self.0.path())
            .env("XDG_DATA_HOME", self.path("data"))
            .env("COMIC_VINE_API_KEY", KEY)
            // The keyring of whoever runs the tests is theirs.
            .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        program
    }

    /// Runs the program against `fake`, with `comics.db` in this home.
    async fn run(&self, fake: &FakeServer, arguments: &[&str]) -> RunResult {
        run(&mut self.against(fake, arguments)).await
    }

    fn against(&self, fake: &FakeServer, arguments: &[&str]) -> Command {
        let mut program = self.program(arguments);
        program
            .env("COMIC_VINE_BASE_URL", fake.base_url())
            .env("COMIC_VINE_DB_PATH", self.path("comics.db"));
        program
    }

    /// Runs the program without a server, with `comics.db` in this home.
    async fn run_alone(&self, arguments: &[&str]) -> RunResult {
        let mut program = self.program(arguments);
        program
            .env("COMIC_VINE_BASE_URL", "http://127.0.0.1:9/api/")
            .env("COMIC_VINE_DB_PATH", self.path("comics.db"));
        run(&mut program).await
    }
}

/// Runs the program to its end.
async fn run(program: &mut Command) -> RunResult {
    RunResult::from(program.output().await.unwrap())
}

/// The API without limits: those of the program are what counts here.
async fn fake() -> FakeServer {
    let unlimited = FakeServer::builder().limits(Limits::unlimited());
    unlimited.start().await.unwrap()
}

/// An issue that the server has.
fn some_issue(fake: &FakeServer) -> String {
    let details = fake.detail_ids();
    let (_, ids) = details.iter().find(|(path, _)| path == "issue").unwrap();
    format!("4000-{}", ids[0])
}

/// Every file below `folder`.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}
