//! The built program, against the API on loopback: what it prints, what it sends, how it ends.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod budget;
mod cache;
mod db;
#[cfg(feature = "dynamodb")]
mod dynamodb;
mod errors;
mod maintenance;
mod output;
mod pages;
mod secrets;
mod stores;
#[cfg(feature = "dynamodb")]
mod table;
mod usage;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use comicvine_fake::{FakeServer, Limits};
use tempfile::TempDir;
use tokio::process::Command;

/// A key that is easy to find wherever it should not be.
const KEY: &str = "5ecre7c0ffee5ecre7c0ffee5ecre7c0ffee5ecr";

/// A home of its own, with nothing in the environment but what a test puts there.
struct Home(TempDir);

/// How a run of the program ended.
#[derive(Debug)]
struct RunResult {
    status: i32,
    stdout: String,
    stderr: String,
}

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
            .stdin(Stdio::null())
            .kill_on_drop(true);
        program
    }

    /// Runs the program against `fake`, with `comics.db` in this home.
    async fn run(&self, fake: &FakeServer, arguments: &[&str]) -> RunResult {
        RunResult::of(&mut self.against(fake, arguments)).await
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
        RunResult::of(&mut program).await
    }
}

impl RunResult {
    async fn of(program: &mut Command) -> Self {
        Self::from(program.output().await.unwrap())
    }

    /// Panics unless it ended with `status` and every one of `parts` is in its error output.
    #[track_caller]
    fn assert_failed(&self, status: i32, parts: &[&str]) {
        assert_eq!(self.status, status, "{self:#?}");
        for part in parts {
            assert!(
                self.stderr.contains(part),
                "`{part}` is not in:\n{}",
                self.stderr
            );
        }
        assert!(!self.stderr.contains("panicked"), "{self:#?}");
        assert_eq!(self.stdout, "");
    }

    /// Its output, if it ended well.
    #[track_caller]
    fn printed(&self) -> &str {
        assert_eq!(self.status, 0, "{self:#?}");
        &self.stdout
    }
}

impl From<Output> for RunResult {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
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
