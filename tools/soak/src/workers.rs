//! Worker processes: this program again, with a job each, started together and collected to the end.
//!
//! The protocol is lines. A worker reads its job, says that it is ready, reads the moment at which
//! all begin, and writes one line for each thing it has to report. Everything else that it has to
//! say goes to standard error, which is shared.

use std::env;
use std::io::{self, BufRead as _, BufReader, ErrorKind, Write as _};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use store_core::{Clock as _, SystemClock, Timestamp};

use crate::error::Error;
use crate::kind::Kind;

const READY: &str = "ready";

/// How long after the last worker is ready all begin: time for the moment to reach every one.
const HEAD_START: Duration = Duration::from_millis(100);

/// The reports of the workers, each in its own order, and the moment they began.
#[derive(Debug)]
pub(crate) struct Reports<R> {
    pub(crate) began_at: Timestamp,
    pub(crate) workers: Vec<Vec<R>>,
}

/// Runs one worker process per job.
pub(crate) fn run<J: Serialize, R: DeserializeOwned>(
    kind: Kind,
    jobs: &[J],
) -> Result<Reports<R>, Error> {
    let mut workers = Vec::new();
    for (number, job) in (1..).zip(jobs) {
        workers.push(Worker::start(number, kind, job)?);
    }
    for worker in &mut workers {
        worker.wait_until_ready()?;
    }
    let began_at = SystemClock::new().now() + HEAD_START;
    for worker in &mut workers {
        worker.begin_at(began_at)?;
    }
    let reports = workers.into_iter().map(Worker::collect);
    Ok(Reports {
        began_at,
        workers: reports.collect::<Result<_, _>>()?,
    })
}

/// A worker process; killed if it is given up before its end.
#[derive(Debug)]
pub(crate) struct Worker {
    number: usize,
    process: Child,
    output: BufReader<ChildStdout>,
}

impl Worker {
    pub(crate) fn start(number: usize, kind: Kind, job: &impl Serialize) -> Result<Self, Error> {
        let failed = |source| Error::Worker {
            number,
            what: "start",
            source,
        };
        let mut process = Command::new(env::current_exe().map_err(failed)?)
            .args(["worker", &kind.name()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let output = process.stdout.take();
        let output = output.ok_or_else(|| failed(ErrorKind::BrokenPipe.into()))?;
        let mut worker = Self {
            number,
            process,
            output: BufReader::new(output),
        };
        worker.send(job)?;
        Ok(worker)
    }

    fn send(&mut self, what: &impl Serialize) -> Result<(), Error> {
        let sent = match &mut self.process.stdin {
            Some(input) => write_line(input, what),
            None => Err(ErrorKind::BrokenPipe.into()),
        };
        sent.map_err(|source| self.failed("send it its job", source))
    }

    /// Sends it the moment to begin at, before it is ready or after.
    pub(crate) fn begin_at(&mut self, moment: Timestamp) -> Result<(), Error> {
        self.send(&moment.as_millis())
    }

    pub(crate) fn wait_until_ready(&mut self) -> Result<(), Error> {
        let mut line = String::new();
        let read = self.output.read_line(&mut line);
        read.map_err(|source| self.failed("wait until it is ready", source))?;
        if line.trim_end() == READY {
            return Ok(());
        }
        let source = io::Error::new(ErrorKind::UnexpectedEof, "it ended first");
        Err(self.failed("wait until it is ready", source))
    }

    fn collect<R: DeserializeOwned>(mut self) -> Result<Vec<R>, Error> {
        let mut reports = Vec::new();
        let mut line = String::new();
        loop {
            line.clear();
            let read = self.output.read_line(&mut line);
            if read.map_err(|source| self.failed("read its output", source))? == 0 {
                break;
            }
            let report = serde_json::from_str(&line);
            reports.push(report.map_err(|source| self.failed("parse its output", source.into()))?);
        }
        let status = self.process.wait();
        let status = status.map_err(|source| self.failed("wait for its end", source))?;
        self.ended(status)?;
        Ok(reports)
    }

    /// Kills it, without warning; one that has failed before is an error.
    pub(crate) fn kill(&mut self) -> Result<(), Error> {
        let status = self.process.try_wait();
        if let Some(status) =
            status.map_err(|source| self.failed("ask whether it has ended", source))?
        {
            self.ended(status)?;
        }
        let killed = self.process.kill().and_then(|()| self.process.wait());
        killed.map_err(|source| self.failed("kill it", source))?;
        Ok(())
    }

    /// Waits for its end; false if it does not come in time.
    pub(crate) fn ends_within(mut self, patience: Duration) -> Result<bool, Error> {
        const LOOK_EVERY: Duration = Duration::from_millis(10);
        let clock = SystemClock::new();
        loop {
            let status = self.process.try_wait();
            if let Some(status) =
                status.map_err(|source| self.failed("ask whether it has ended", source))?
            {
                self.ended(status)?;
                return Ok(true);
            }
            if clock.monotonic() >= patience {
                return Ok(false);
            }
            thread::sleep(LOOK_EVERY);
        }
    }

    fn ended(&self, status: ExitStatus) -> Result<(), Error> {
        if status.success() {
            return Ok(());
        }
        Err(Error::WorkerEnded {
            number: self.number,
            status,
        })
    }

    fn failed(&self, what: &'static str, source: io::Error) -> Error {
        Error::Worker {
            number: self.number,
            what,
            source,
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // One that has ended cannot be killed, and that is all that can go wrong here.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// In a worker: the job it was started for.
pub(crate) fn job<J: DeserializeOwned>() -> Result<J, Error> {
    receive().map_err(|source| Error::NoParent { source })
}

/// In a worker: says that it is ready and returns the moment at which all begin.
pub(crate) fn ready() -> Result<Timestamp, Error> {
    let begin = || {
        writeln!(io::stdout(), "{READY}")?;
        receive()
    };
    begin()
        .map(Timestamp::from_millis)
        .map_err(|source| Error::NoParent { source })
}

/// In a worker: reports one thing.
pub(crate) fn report(what: &impl Serialize) -> Result<(), Error> {
    write_line(&mut io::stdout(), what).map_err(|source| Error::NoParent { source })
}

fn receive<T: DeserializeOwned>() -> io::Result<T> {
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    Ok(serde_json::from_str(&line)?)
}

fn write_line(to: &mut impl io::Write, what: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    to.write_all(&line)?;
    to.flush()
}
