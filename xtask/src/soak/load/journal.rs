//! What a worker did, line by line, in a file that outlives it: a line is handed to the system
//! before the worker goes on, so that a killed worker has told all but what it was just doing.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use store_dynamodb::Consumed;

use crate::error::Error;

use super::desk::Call;
use super::{cache, jobs, limits};

/// One thing that happened.
#[derive(Debug, Deserialize, Serialize)]
pub(in crate::soak) enum Entry {
    Limit(limits::Event),
    Cache(cache::Event),
    Job(jobs::Event),
    /// A step that failed or took long.
    Call(Call),
    /// A circuit breaker began to let other things through.
    Circuit {
        is_closed: bool,
    },
    /// What a worker sent in all, at its end.
    Sent(Sent),
}

/// What a worker's requests came to.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub(in crate::soak) struct Sent {
    pub(in crate::soak) requests: u64,
    pub(in crate::soak) write_units: f64,
    pub(in crate::soak) refused_writes: u64,
}

impl From<Consumed> for Sent {
    fn from(consumed: Consumed) -> Self {
        Self {
            requests: consumed.requests,
            write_units: consumed.write_units,
            refused_writes: consumed.refused_writes,
        }
    }
}

/// A worker's file.
#[derive(Debug)]
pub(in crate::soak) struct Journal {
    file: Mutex<File>,
    path: String,
}

impl Journal {
    pub(in crate::soak) fn create(path: &Path) -> Result<Self, Error> {
        let file = File::create(path).map_err(Error::file("create", path))?;
        Ok(Self {
            file: Mutex::new(file),
            path: path.display().to_string(),
        })
    }

    pub(in crate::soak) fn write(&self, entry: &Entry) -> Result<(), Error> {
        let write = || {
            let mut line = serde_json::to_vec(entry)?;
            line.push(b'\n');
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            file.write_all(&line)
        };
        write().map_err(Error::file("write", &self.path))
    }
}

/// What all workers of a run have told, each in its order.
#[derive(Debug, Default)]
pub(in crate::soak) struct Told {
    pub(in crate::soak) limits: Vec<limits::Event>,
    pub(in crate::soak) cache: Vec<cache::Event>,
    pub(in crate::soak) jobs: Vec<jobs::Event>,
    pub(in crate::soak) calls: Vec<Call>,
    /// What became of the circuit breakers, one list per worker.
    pub(in crate::soak) circuits: Vec<Vec<bool>>,
    pub(in crate::soak) sent: Vec<Sent>,
}

impl Told {
    pub(in crate::soak) fn by(journals: impl IntoIterator<Item = PathBuf>) -> Result<Self, Error> {
        let mut told = Self::default();
        for path in journals {
            let mut circuit = Vec::new();
            for entry in read(&path)? {
                match entry {
                    Entry::Limit(event) => told.limits.push(event),
                    Entry::Cache(event) => told.cache.push(event),
                    Entry::Job(event) => told.jobs.push(event),
                    Entry::Call(call) => told.calls.push(call),
                    Entry::Circuit { is_closed } => circuit.push(is_closed),
                    Entry::Sent(sent) => told.sent.push(sent),
                }
            }
            told.circuits.push(circuit);
        }
        Ok(told)
    }
}

/// What a worker has told.
fn read(path: &Path) -> Result<Vec<Entry>, Error> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        // It was killed before it could say anything.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(Error::file("read", path)(source)),
    };
    parse(&text).map_err(|error| Error::file("understand", path)(error.into()))
}

/// A line without an end is one that its writer did not live to finish.
fn parse(text: &str) -> serde_json::Result<Vec<Entry>> {
    let whole = text.split_inclusive('\n').filter(|it| it.ends_with('\n'));
    whole.map(serde_json::from_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_was_cut_off_is_no_line() {
        let whole = serde_json::to_string(&Entry::Cache(cache::Event::Outdated)).unwrap();
        let text = format!("{whole}\n{whole}\n{}", &whole[..4]);
        assert_eq!(parse(&text).unwrap().len(), 2);
        assert!(parse("nonsense\n").is_err());
    }
}
