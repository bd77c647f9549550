//! A server that speaks DynamoDB, started by the checkout's own command: this program carries none.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::failure::Failure;
use crate::progress::spinner;

/// A running server, without tables. It ends with this.
pub(super) struct Emulator {
    process: Child,
    url: String,
    /// It would fail to write if nobody could read.
    _output: Lines<BufReader<ChildStdout>>,
}

const COMMAND: [&str; 5] = ["cargo", "xtask", "dynamodb-local", "--port", "0"];

impl Emulator {
    /// Starts it on a free port. Building it first may take minutes.
    pub(super) async fn start() -> Result<Self, Failure> {
        let starting = spinner("building and starting a server that speaks DynamoDB");
        let started = Self::launch().await;
        starting.finish_and_clear();
        started
    }

    async fn launch() -> Result<Self, Failure> {
        let [program, arguments @ ..] = COMMAND;
        let mut process = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| nothing_started(&error.to_string()))?;
        let output = process.stdout.take();
        let output = output.ok_or_else(|| nothing_started("its output cannot be read"))?;
        let mut output = BufReader::new(output).lines();
        while let Some(line) = output.next_line().await? {
            if let Some(url) = line.strip_prefix("listening on ") {
                return Ok(Self {
                    process,
                    url: url.trim().to_owned(),
                    _output: output,
                });
            }
        }
        let status = process.wait().await?;
        Err(nothing_started(&status.to_string()))
    }

    /// Where it listens.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) async fn stop(mut self) -> Result<(), Failure> {
        Ok(self.process.kill().await?)
    }
}

fn nothing_started(why: &str) -> Failure {
    Failure::usage(format!(
        "`{}` started no server ({why}); run the demo inside a checkout of the project, or name a server \
         with DYNAMODB_ENDPOINT_URL",
        COMMAND.join(" ")
    ))
}
