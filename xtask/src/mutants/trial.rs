//! Tests of the copy: built by cargo, then run by themselves, so that what does not compile is told
//! from what fails, and what hangs can be ended.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use serde::Deserialize;
use store_core::{Clock as _, SystemClock};

use crate::cargo::Cargo;
use crate::error::Error;
use crate::repository::Repository;

use super::entry::{Mutation, Target};
use super::scratch::Scratch;

/// How often a test that runs is looked at.
const GLANCE: Duration = Duration::from_millis(20);

/// One test program.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Program {
    package: String,
    target: Target,
}

/// How a test ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Ending {
    Passed,
    Failed,
    /// It was still running when patience ended.
    Hung,
    /// There is no such test, or it is ignored.
    NotRun,
}

impl Program {
    /// The program that holds the mutation's test.
    pub(super) fn of(mutation: &Mutation) -> Self {
        Self {
            package: mutation.package.clone(),
            target: mutation.target,
        }
    }

    /// As cargo is told.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.package, self.target.arguments().join(" "))
    }

    /// Builds the program; none if the code does not compile.
    pub(super) fn build(
        &self,
        repository: &Repository,
        scratch: &Scratch,
    ) -> Result<Option<PathBuf>, Error> {
        let manifest = scratch.root().join("Cargo.toml");
        let (manifest, target) = (manifest.to_string_lossy(), scratch.target());
        let target = target.to_string_lossy();
        let mut arguments = vec!["test", "--quiet", "--no-run"];
        arguments.extend(["--message-format", "json-render-diagnostics"]);
        arguments.extend(["--manifest-path", &manifest, "--target-dir", &target]);
        arguments.extend(["--package", &self.package]);
        arguments.extend(self.target.arguments());
        // A mistake leaves things unused; that it compiles at all is what counts.
        let cargo = Cargo::new(repository, &arguments).env("RUSTFLAGS", "-A warnings");
        match cargo.output() {
            Ok(messages) => Ok(executable(&messages)),
            Err(Error::Failed { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Runs just this test of the program.
    pub(super) fn run(
        &self,
        scratch: &Scratch,
        executable: &Path,
        test: &str,
        patience: Duration,
    ) -> Result<Ending, Error> {
        let failed = |source| Error::Start {
            command: executable.display().to_string(),
            source,
        };
        let output = scratch.output();
        let file = File::create(&output).map_err(failed)?;
        let mut command = Command::new(executable);
        command
            .args(["--exact", test])
            .current_dir(scratch.root().join("crates").join(&self.package))
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null())
            .stdout(file.try_clone().map_err(failed)?)
            .stderr(file);
        let status = wait(&mut command, patience).map_err(failed)?;
        let printed = fs::read(&output).map_err(failed)?;
        Ok(Ending::of(status, &String::from_utf8_lossy(&printed)))
    }
}

impl Ending {
    /// Reads the ending of one test off what libtest printed; no status is that of a hang.
    fn of(status: Option<ExitStatus>, printed: &str) -> Self {
        let Some(status) = status else {
            return Self::Hung;
        };
        // A test that is ignored is announced like any other.
        let has_begun = printed.lines().any(|line| line == "running 1 test");
        let has_passed = printed.contains("test result: ok. 1 passed;");
        match (has_begun, status.success()) {
            (true, false) => Self::Failed,
            (true, true) if has_passed => Self::Passed,
            (true, true) | (false, _) => Self::NotRun,
        }
    }
}

/// Runs the command to its end, or ends it when patience does.
fn wait(command: &mut Command, patience: Duration) -> io::Result<Option<ExitStatus>> {
    let clock = SystemClock::new();
    let mut child = command.spawn()?;
    let began = clock.monotonic();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if clock.monotonic().saturating_sub(began) >= patience {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(GLANCE);
    }
}

/// What cargo says about one artifact.
#[derive(Deserialize)]
struct Message {
    executable: PathBuf,
    profile: Profile,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

/// The test program among what cargo built.
fn executable(messages: &[u8]) -> Option<PathBuf> {
    let messages = messages.split(|byte| *byte == b'\n');
    messages
        .filter_map(|line| serde_json::from_slice::<Message>(line).ok())
        .find_map(|message| message.profile.test.then_some(message.executable))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ending of a real program, had it printed this.
    fn ended(arguments: &[&str], printed: &str) -> Ending {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(arguments);
        cargo.stdout(Stdio::null()).stderr(Stdio::null());
        let status = wait(&mut cargo, Duration::from_mins(1)).unwrap();
        Ending::of(status, printed)
    }

    const SUCCESS: &[&str] = &["--version"];
    const FAILURE: &[&str] = &["no-such-command"];

    #[test]
    fn a_test_that_passes_is_told_from_one_that_fails() {
        let passed = "\nrunning 1 test\n.\ntest result: ok. 1 passed; 0 failed; 0 ignored\n";
        assert_eq!(ended(SUCCESS, passed), Ending::Passed);
        let failed = "\nrunning 1 test\nF\ntest result: FAILED. 0 passed; 1 failed\n";
        assert_eq!(ended(FAILURE, failed), Ending::Failed);
        // It took the whole program with it.
        assert_eq!(ended(FAILURE, "\nrunning 1 test\n"), Ending::Failed);
    }

    #[test]
    fn a_test_that_is_not_there_or_ignored_has_not_run() {
        let nothing = "\nrunning 0 tests\n\ntest result: ok. 0 passed; 0 failed\n";
        assert_eq!(ended(SUCCESS, nothing), Ending::NotRun);
        assert_eq!(ended(FAILURE, "no such option"), Ending::NotRun);
        let ignored = "running 1 test\ni\ntest result: ok. 0 passed; 0 failed; 1 ignored\n";
        assert_eq!(ended(SUCCESS, ignored), Ending::NotRun);
    }

    #[test]
    fn a_test_that_hangs_is_ended() {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.arg("--version").stdout(Stdio::null());
        let status = wait(&mut cargo, Duration::ZERO).unwrap();
        // Either it was quicker than the first look, or it was ended.
        let hung = Ending::of(status, "") == Ending::Hung;
        assert!(hung || status.is_some_and(|status| status.success()));
        assert_eq!(Ending::of(None, "running 1 test\n"), Ending::Hung);
    }

    #[test]
    fn the_test_program_is_found_among_what_cargo_built() {
        let messages =
            br#"{"reason":"compiler-artifact","profile":{"test":false},"executable":null}
{"reason":"compiler-artifact","profile":{"test":false},"executable":"/t/program"}
{"reason":"compiler-artifact","profile":{"test":true},"executable":"/t/it-1"}
{"reason":"build-finished","success":true}
"#;
        assert_eq!(executable(messages), Some(PathBuf::from("/t/it-1")));
        assert_eq!(executable(b"{\"reason\":\"build-finished\"}\n"), None);
    }
}
