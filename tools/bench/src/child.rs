//! One child process, one job or task, one line of JSON.

use std::env;
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::counting;
use crate::error::Error;
use crate::job::Job;
use crate::task::Task;

/// The two sides of a comparison.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Side<'a> {
    Ours,
    /// The driver in this folder.
    Peer(&'a Path),
}

impl Side<'_> {
    fn name(self) -> &'static str {
        match self {
            Self::Ours => "our side",
            Self::Peer(_) => "the peer",
        }
    }

    /// Runs a job to its end.
    pub(crate) fn run<T: DeserializeOwned>(self, job: &Job) -> Result<T, Error> {
        self.start(job)?.finish()
    }

    /// Starts a job beside others.
    pub(crate) fn start(self, job: &Job) -> Result<Started, Error> {
        let command = match self {
            Self::Ours => ours("ours")?,
            Self::Peer(folder) => {
                let mut command = Command::new("node");
                command.arg("driver.mjs").current_dir(folder);
                command
            }
        };
        spawn(command, self.name(), format!("{:?}", job.work), job)
    }
}

/// Starts a task beside others.
pub(crate) fn start(task: &Task) -> Result<Started, Error> {
    spawn(
        ours("task")?,
        "a process of this program",
        task.to_string(),
        task,
    )
}

/// Runs a task to its end.
pub(crate) fn run<T: DeserializeOwned>(task: &Task) -> Result<T, Error> {
    start(task)?.finish()
}

/// Runs a task to its end in the program whose allocator counts.
pub(crate) fn run_counting<T: DeserializeOwned>(task: &Task) -> Result<T, Error> {
    let mut command = Command::new(counting::program()?);
    command.arg("task");
    spawn(command, "the program that counts", task.to_string(), task)?.finish()
}

fn ours(subcommand: &str) -> Result<Command, Error> {
    let program = env::current_exe().map_err(not_started("this program"))?;
    let mut command = Command::new(program);
    command.arg(subcommand);
    Ok(command)
}

fn spawn(
    mut command: Command,
    who: &'static str,
    work: String,
    job: &impl Serialize,
) -> Result<Started, Error> {
    let text = serde_json::to_string(job).map_err(|error| not_started(who)(error.into()))?;
    let process = command
        .arg(text)
        // Its end tells a process that goes on until then to stop.
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(not_started(who))?;
    Ok(Started {
        who,
        work,
        process: Some(process),
    })
}

fn not_started(who: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Process {
        process: who.to_owned(),
        source,
    }
}

/// A process that works; killed if it is given up before its end.
#[derive(Debug)]
pub(crate) struct Started {
    who: &'static str,
    work: String,
    process: Option<Child>,
}

impl Started {
    /// Ends its standard input, waits for its end and reads the answer.
    pub(crate) fn finish<T: DeserializeOwned>(mut self) -> Result<T, Error> {
        let (who, work) = (self.who, self.work.clone());
        let output = match self.process.take() {
            Some(process) => process.wait_with_output(),
            None => Err(io::ErrorKind::NotFound.into()),
        };
        let output = output.map_err(not_started(who))?;
        if !output.status.success() {
            return Err(Error::Broken { who, work });
        }
        serde_json::from_slice(&output.stdout).map_err(|source| Error::Unreadable {
            who,
            work,
            source,
        })
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            // One that has ended cannot be killed, and that is all that can go wrong here.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
