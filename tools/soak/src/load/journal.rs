//! The events of a worker, line by line, in a file that outlives it: a line is handed to the system
//! before the worker goes on, so that a killed worker has written down all but what it was just doing.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::error::Error;

use super::events::{CacheEvent, Call, Entry, JobEvent, LimitEvent, Sent};

/// A worker's file.
#[derive(Debug)]
pub(crate) struct Journal {
    file: Mutex<File>,
    path: String,
}

impl Journal {
    pub(crate) fn create(path: &Path) -> Result<Self, Error> {
        let file = File::create(path).map_err(Error::file("create", path))?;
        Ok(Self {
            file: Mutex::new(file),
            path: path.display().to_string(),
        })
    }

    pub(crate) fn write(&self, entry: &Entry) -> Result<(), Error> {
        let write = || {
            let mut line = serde_json::to_vec(entry)?;
            line.push(b'\n');
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            file.write_all(&line)
        };
        write().map_err(Error::file("write", &self.path))
    }
}

/// The events of all workers of a run, each in its order.
#[derive(Debug, Default)]
pub(crate) struct Events {
    pub(crate) limits: Vec<LimitEvent>,
    pub(crate) cache: Vec<CacheEvent>,
    pub(crate) jobs: Vec<JobEvent>,
    pub(crate) calls: Vec<Call>,
    /// The state changes of the circuit breaker, one list per worker.
    pub(crate) circuits: Vec<Vec<bool>>,
    pub(crate) sent: Vec<Sent>,
}

impl Events {
    pub(crate) fn read(journals: impl IntoIterator<Item = PathBuf>) -> Result<Self, Error> {
        let mut events = Self::default();
        for path in journals {
            let mut circuit = Vec::new();
            for entry in read(&path)? {
                match entry {
                    Entry::Limit(event) => events.limits.push(event),
                    Entry::Cache(event) => events.cache.push(event),
                    Entry::Job(event) => events.jobs.push(event),
                    Entry::Call(call) => events.calls.push(call),
                    Entry::Circuit { is_closed } => circuit.push(is_closed),
                    Entry::Sent(sent) => events.sent.push(sent),
                }
            }
            events.circuits.push(circuit);
        }
        Ok(events)
    }
}

/// The entries of one worker.
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
        let whole = serde_json::to_string(&Entry::Cache(CacheEvent::Outdated)).unwrap();
        let text = format!("{whole}\n{whole}\n{}", &whole[..4]);
        assert_eq!(parse(&text).unwrap().len(), 2);
        assert!(parse("nonsense\n").is_err());
    }
}
