//! Child processes: tests of this binary that are ignored unless a parent starts them.
//!
//! A child says what it has to say in lines that begin with a mark, and hears lines on its input.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use store_dynamodb::{DynamoDbTable, TableOptions};

use crate::support;

const MARK: &str = "@@ ";
const TABLE: &str = "STORE_DYNAMODB_TEST_TABLE";
const ARGUMENT: &str = "STORE_DYNAMODB_TEST_ARGUMENT";

/// A running child; killed when dropped.
pub(crate) struct Process {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Process {
    /// Starts the test with this path, which is ignored otherwise.
    pub(crate) fn start(test: &str, table: &DynamoDbTable, argument: &str) -> Self {
        let program = std::env::current_exe().expect("this binary");
        let endpoint = dynamodb_local::endpoint().expect("a server that speaks DynamoDB");
        let mut child = Command::new(program)
            .args([test, "--exact", "--ignored", "--nocapture"])
            .env(dynamodb_local::ENDPOINT_VARIABLE, endpoint)
            .env(TABLE, table.name())
            .env(ARGUMENT, argument)
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
    pub(crate) fn hear(&mut self) -> String {
        for line in &mut self.output {
            let line = line.expect("text");
            if let Some((_, said)) = line.split_once(MARK) {
                return said.to_owned();
            }
        }
        panic!("the child has ended without a word");
    }

    pub(crate) fn tell(&mut self, line: &str) {
        writeln!(self.input, "{line}").expect("a child that listens");
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("a child that runs");
    }

    /// Waits for the end, which must be a good one.
    pub(crate) fn join(mut self) {
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
pub(crate) fn say(line: impl std::fmt::Display) {
    let mut output = std::io::stdout().lock();
    writeln!(output, "\n{MARK}{line}").expect("a parent");
}

/// In a child: waits for a line of the parent.
pub(crate) fn listen() -> String {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).expect("a parent");
    line.trim_end().to_owned()
}

/// In a child: the parent's table.
pub(crate) fn table() -> DynamoDbTable {
    let name = std::env::var(TABLE).expect("started by a parent");
    DynamoDbTable::new(support::client(), TableOptions::default().with_table(name))
}

/// In a child: what the parent gave along.
pub(crate) fn argument() -> String {
    std::env::var(ARGUMENT).expect("started by a parent")
}
