//! One child process, one job, one line of JSON.

use std::env;
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::job::{Job, Work};

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
        let started = |source| Error::Process {
            process: format!("a process for {}", self.name()),
            source,
        };
        let job_text = serde_json::to_string(job).map_err(|error| started(error.into()))?;
        let mut command = match self {
            Self::Ours => {
                let mut command = Command::new(env::current_exe().map_err(started)?);
                command.args(["ours"]);
                command
            }
            Self::Peer(folder) => {
                let mut command = Command::new("node");
                command.arg("driver.mjs").current_dir(folder);
                command
            }
        };
        let process = command
            .arg(job_text)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(started)?;
        Ok(Started {
            who: self.name(),
            work: job.work,
            process: Some(process),
        })
    }
}

/// A process that works; killed if it is given up before its end.
#[derive(Debug)]
pub(crate) struct Started {
    who: &'static str,
    work: Work,
    process: Option<Child>,
}

impl Started {
    /// Waits for the end and reads the answer.
    pub(crate) fn finish<T: DeserializeOwned>(mut self) -> Result<T, Error> {
        let (who, work) = (self.who, format!("{:?}", self.work));
        let output = match self.process.take() {
            Some(process) => process.wait_with_output(),
            None => Err(io::ErrorKind::NotFound.into()),
        };
        let output = output.map_err(|source| Error::Process {
            process: who.to_owned(),
            source,
        })?;
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
