//! Child processes of a test: ignored tests of the same binary, which a parent test starts.
//!
//! Parent and child exchange messages of one line over the child's standard input and output. All
//! other output of the child is captured, and printed if the parent fails.
//!
//! ```
//! use store_conformance::child_process::{self, ChildProcess};
//!
//! // A `#[test]`.
//! fn a_killed_process_leaves_the_file_intact() {
//!     let mut command = child_process::command("child_that_writes");
//!     command.env("TEST_FILE", "comics.db");
//!     let mut child = ChildProcess::spawn(command);
//!     assert_eq!(child.receive(), "ready");
//!     child.send("go");
//!     child.kill();
//! }
//!
//! // A `#[test]` with `#[ignore = "child process of a_killed_process_leaves_the_file_intact"]`.
//! fn child_that_writes() {
//!     child_process::send_to_parent("ready");
//!     assert_eq!(child_process::receive_from_parent(), "go");
//! }
//! ```

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a failed expectation is how a test fails"
)]

mod run_result;
#[cfg(test)]
mod tests;

use std::fmt::Display;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

pub use run_result::RunResult;
pub use rustix::process::Signal;
use rustix::process::{Pid, kill_process};

/// Before each message on the standard output, where the test runner prints as well.
const MARK: &str = "@@ ";

/// Longer than any child takes on a busy machine.
const DEADLINE: Duration = Duration::from_mins(1);

/// The command that runs an ignored test of this binary, by its path, as in
/// `module::name_of_the_test`.
#[must_use]
pub fn command(test: &str) -> Command {
    command_of(&std::env::current_exe().expect("this binary"), test)
}

/// The command that runs an ignored test of another binary, such as a copy of this one.
#[must_use]
pub fn command_of(program: &Path, test: &str) -> Command {
    let mut command = Command::new(program);
    command.args([
        test,
        "--exact",
        "--ignored",
        "--nocapture",
        "--test-threads=1",
    ]);
    command
}

/// A running child process, killed when dropped.
#[derive(Debug)]
pub struct ChildProcess {
    child: Child,
    input: ChildStdin,
    messages: Receiver<String>,
    /// What the child printed that is no message.
    output: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
    deadline: Duration,
}

impl ChildProcess {
    /// Starts the child, with its standard input and output connected to this process.
    #[must_use]
    pub fn spawn(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a child process");
        let input = child.stdin.take().expect("its input");
        let stdout = child.stdout.take().expect("its output");
        let stderr = child.stderr.take().expect("its errors");
        let (sender, messages) = mpsc::channel();
        let output = Arc::default();
        let readers = vec![
            read(stdout, Some(sender), &output),
            read(stderr, None, &output),
        ];
        Self {
            child,
            input,
            messages,
            output,
            readers,
            deadline: DEADLINE,
        }
    }

    /// Sets how long to wait for a message, or for the end of the child. Default: one minute.
    #[must_use]
    pub const fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// The next message of the child. Fails the test if there is none before the deadline.
    #[track_caller]
    pub fn receive(&mut self) -> String {
        let Some(message) = self.next_message() else {
            panic!("the child process has ended without a message");
        };
        message
    }

    /// Sends a message, which must be one line, to the child.
    #[track_caller]
    pub fn send(&mut self, message: &str) {
        writeln!(self.input, "{message}").expect("a child process that reads its input");
    }

    /// Sends a signal to the child.
    #[track_caller]
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("a child process that runs");
    }

    /// Kills the child and returns its exit status once it has ended.
    #[track_caller]
    pub fn kill(&mut self) -> ExitStatus {
        self.child.kill().expect("a child process");
        self.child.wait().expect("an exit status")
    }

    /// Waits for the end of the child. Fails the test if the child has failed, or has not ended before
    /// the deadline.
    #[track_caller]
    pub fn wait(mut self) {
        // Its output is closed when it ends.
        while self.next_message().is_some() {}
        let status = self.child.wait().expect("an exit status");
        assert!(status.success(), "the child process has failed: {status}");
    }

    /// The next message, or `None` once the child has closed its output.
    #[track_caller]
    fn next_message(&self) -> Option<String> {
        match self.messages.recv_timeout(self.deadline) {
            Ok(message) => Some(message),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => {
                panic!("no message and no end after {:?}", self.deadline)
            }
        }
    }
}

impl Drop for ChildProcess {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _killed = self.child.kill();
        let _status = self.child.wait();
        for reader in self.readers.drain(..) {
            let _read = reader.join();
        }
        if thread::panicking() {
            print(&self.output.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}

#[expect(clippy::print_stderr, reason = "the test runner captures it")]
fn print(output: &str) {
    eprintln!("--- output of the child process ---\n{output}---");
}

/// Reads a stream of the child to its end, in a thread: messages are sent on, the rest is captured.
fn read(
    stream: impl Read + Send + 'static,
    messages: Option<Sender<String>>,
    output: &Arc<Mutex<String>>,
) -> JoinHandle<()> {
    let output = Arc::clone(output);
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if let (Some(messages), Some((_, message))) = (&messages, line.split_once(MARK)) {
                // An error means that the parent no longer waits for messages.
                let _received = messages.send(message.to_owned());
            } else {
                let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
                output.push_str(&line);
                output.push('\n');
            }
        }
    })
}

/// In a child: sends a message, which must be one line, to the parent.
pub fn send_to_parent(message: impl Display) {
    let mut output = std::io::stdout().lock();
    // The test runner may have printed part of a line.
    writeln!(output, "\n{MARK}{message}").expect("a parent");
}

/// In a child: waits for the next message of the parent; empty if the parent has ended.
#[must_use]
pub fn receive_from_parent() -> String {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).expect("a parent");
    line.trim_end().to_owned()
}
