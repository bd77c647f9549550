//! A local DynamoDB server, started with `cargo xtask dynamodb-local`.

use std::io::{self, IsTerminal};
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::error::Error;
use crate::output::print_notice;

/// A running server, without tables. It ends when this is dropped.
pub(super) struct Emulator {
    process: Child,
    url: String,
    /// Kept open: the server fails if it cannot write.
    _output: Lines<BufReader<ChildStdout>>,
}

const COMMAND: [&str; 5] = ["cargo", "xtask", "dynamodb-local", "--port", "0"];

impl Emulator {
    /// Starts it on a free port. Building it first may take minutes.
    pub(super) async fn start() -> Result<Self, Error> {
        if io::stderr().is_terminal() {
            print_notice("building and starting a local DynamoDB server");
        }
        Self::launch().await
    }

    async fn launch() -> Result<Self, Error> {
        let [program, arguments @ ..] = COMMAND;
        let mut process = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| cannot_start(&error.to_string()))?;
        let output = process.stdout.take();
        let output = output.ok_or_else(|| cannot_start("its output cannot be read"))?;
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
        Err(cannot_start(&status.to_string()))
    }

    /// Where it listens.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) async fn stop(mut self) -> Result<(), Error> {
        Ok(self.process.kill().await?)
    }
}

fn cannot_start(why: &str) -> Error {
    Error::usage(&format!(
        "`{}` started no server ({why}); run the demo in a checkout of the project, or name a server with \
         DYNAMODB_ENDPOINT_URL",
        COMMAND.join(" ")
    ))
}
