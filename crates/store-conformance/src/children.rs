//! Child processes: tests of the same binary that are ignored unless a parent starts them.
//!
//! A child says what it has to say in lines that begin with a mark, and hears lines on its input.

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a failed expectation is how a test fails"
)]

use std::ffi::OsStr;
use std::fmt::Display;
use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

pub use rustix::process::Signal;
use rustix::process::{Pid, kill_process};

const MARK: &str = "@@ ";
const ARGUMENT: &str = "STORE_CONFORMANCE_ARGUMENT";

/// A running child; killed when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Process {
    /// Starts the test with this path, which is ignored otherwise. It finds the argument and these
    /// variables in its environment.
    pub fn start<'a>(
        test: &str,
        argument: &str,
        variables: impl IntoIterator<Item = (&'a str, impl AsRef<OsStr>)>,
    ) -> Self {
        let program = std::env::current_exe().expect("this binary");
        let mut child = Command::new(program)
            .args([test, "--exact", "--ignored", "--nocapture"])
            .env(ARGUMENT, argument)
            .envs(variables)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a child process");
        let input = child.stdin.take().expect("its input");
        let output = BufReader::new(child.stdout.take().expect("its output")).lines();
        Self {
            child,
            input,
            output,
        }
    }

    /// The next line that the child says.
    pub fn hear(&mut self) -> String {
        for line in &mut self.output {
            let line = line.expect("text");
            if let Some((_, said)) = line.split_once(MARK) {
                return said.to_owned();
            }
        }
        panic!("the child has ended without a word");
    }

    /// Says a line to the child.
    pub fn tell(&mut self, line: &str) {
        writeln!(self.input, "{line}").expect("a child that listens");
    }

    /// Sends a signal to the child.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("a child that runs");
    }

    /// Waits for the end, which must be a good one.
    pub fn join(mut self) {
        let status = self.child.wait().expect("an end");
        assert!(status.success(), "{status}");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

/// In a child: says a line to the parent.
pub fn say(line: impl Display) {
    let mut output = std::io::stdout().lock();
    writeln!(output, "\n{MARK}{line}").expect("a parent");
}

/// In a child: waits for a line of the parent.
#[must_use]
pub fn listen() -> String {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).expect("a parent");
    line.trim_end().to_owned()
}

/// In a child: what the parent gave along.
#[must_use]
pub fn argument() -> String {
    std::env::var(ARGUMENT).expect("started by a parent")
}
