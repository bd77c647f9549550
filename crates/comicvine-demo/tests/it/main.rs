//! The built demo: two real processes, a real kill, and a report that can be trusted.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod demo;

use std::path::PathBuf;
use std::process::{Output, Stdio};

use tempfile::TempDir;
use tokio::process::Command;

/// A folder of its own, with nothing in the environment but what a test puts there.
struct Home(TempDir);

/// How a run of the demo ended.
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
