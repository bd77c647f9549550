//! The built demo: two real processes, a real kill, and a report that can be trusted.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod demo;

use std::path::PathBuf;
use std::process::Stdio;

use store_conformance::child_process::RunResult;
use tempfile::TempDir;
use tokio::process::Command;

/// A folder of its own, with nothing in the environment but what a test puts there.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The demo with these arguments.
    fn demo(&self, arguments: &[&str]) -> Command {
        let mut program = Command::new(env!("CARGO_BIN_EXE_comicvine-demo"));
        program
            .args(arguments)
            .current_dir(self.0.path())
            .env_clear()
            .env("HOME", self.0.path())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        program
    }
}

/// Runs the program to its end.
async fn run(program: &mut Command) -> RunResult {
    RunResult::from(program.output().await.unwrap())
}
