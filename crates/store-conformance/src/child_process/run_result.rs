//! The result of a program that a test has run to its end.

use std::process::Output;

/// The exit status and the output of a program, such as `Command::output` of the standard library or of
/// tokio collects it.
///
/// ```
/// use std::process::Command;
/// use store_conformance::child_process::RunResult;
///
/// let result = RunResult::from(Command::new("echo").arg("hello").output()?);
/// assert_eq!(result.printed(), "hello\n");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct RunResult {
    /// The exit status; -1 if a signal ended the program.
    pub status: i32,
    /// The standard output.
    pub stdout: String,
    /// The error output.
    pub stderr: String,
}

impl RunResult {
    /// Fails the test unless the program ended with `status`, printed nothing, did not panic, and every
    /// one of `parts` is in its error output.
    #[track_caller]
    pub fn assert_failed(&self, status: i32, parts: &[&str]) {
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

    /// The standard output; fails the test unless the program ended with success.
    #[expect(
        clippy::must_use_candidate,
        reason = "a test may only want the program to end well"
    )]
    #[track_caller]
    pub fn printed(&self) -> &str {
        assert_eq!(self.status, 0, "{self:#?}");
        &self.stdout
    }
}

impl From<Output> for RunResult {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("output in UTF-8");
        Self {
            status: output.status.code().unwrap_or(-1),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}
