//! A worker process as its parent sees it: its events so far, over its restarts.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use store_core::Priority;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::checks::WorkerSummary;
use crate::error::Error;
use crate::events::{Event, Stats};
use crate::output::bar;
use crate::plan::PlannedRequest;

/// What both workers have in common.
pub(crate) struct WorkerSetup {
    pub(crate) base_url: String,
    /// The arguments that name the shared store.
    pub(crate) store: Vec<OsString>,
    /// The folder of the plan files.
    pub(crate) plans: PathBuf,
}

/// One worker.
pub(crate) struct WorkerProcess {
    priority: Priority,
    plan: Vec<PlannedRequest>,
    plan_path: PathBuf,
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// Indices in the plan of the requests that this run of the process has answered.
    answered: BTreeSet<usize>,
    /// Requests that this run of the process could not answer.
    failed: Vec<String>,
    /// Counters of earlier runs.
    previous: Stats,
    /// Counters of this run.
    current: Stats,
    is_done: bool,
}

impl WorkerProcess {
    pub(crate) fn start(
        setup: &WorkerSetup,
        priority: Priority,
        plan: Vec<PlannedRequest>,
    ) -> Result<Self, Error> {
        let plan_path = setup.plans.join(format!("{priority}.jsonl"));
        let lines: Result<Vec<_>, _> = plan.iter().map(serde_json::to_string).collect();
        fs::write(&plan_path, lines?.join("\n"))?;
        let (process, lines) = spawn(setup, priority, &plan_path)?;
        Ok(Self {
            priority,
            plan,
            plan_path,
            process,
            lines,
            answered: BTreeSet::new(),
            failed: Vec::new(),
            previous: Stats::default(),
            current: Stats::default(),
            is_done: false,
        })
    }

    /// The next event; `None` at the end of the output. Cancel safe.
    pub(crate) async fn next(&mut self) -> Result<Option<Event>, Error> {
        if self.is_done {
            return std::future::pending().await;
        }
        let line = self.lines.next_line().await?;
        Ok(line.map(|line| serde_json::from_str(&line)).transpose()?)
    }

    /// Records an event, or the end of the output.
    pub(crate) fn record(&mut self, event: Option<Event>) {
        match event {
            Some(Event::Answered(index)) => {
                self.answered.insert(index);
            }
            Some(Event::Failed(index, reason)) => {
                self.failed.push(format!("request {index}: {reason}"));
            }
            Some(Event::Stats(stats)) => self.current = stats,
            None => self.is_done = true,
        }
    }

    /// A line for the terminal.
    pub(crate) fn status_line(&self) -> String {
        let (answered, all) = (self.answered.len(), self.plan.len());
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let stats = self.stats();
        format!(
            "{:>10} {} {answered:>4}/{all} {:>5} cached {:>4} joined {:>4} sent",
            self.priority.as_str(),
            bar(count(answered), count(all)),
            stats.hits,
            stats.joined,
            stats.attempts
        )
    }

    pub(crate) const fn is_done(&self) -> bool {
        self.is_done
    }

    pub(crate) fn is_halfway(&self) -> bool {
        self.answered.len() * 2 >= self.plan.len()
    }

    /// Counters over all runs, without what a killed run did after its last report.
    fn stats(&self) -> Stats {
        self.previous + self.current
    }

    pub(crate) fn into_summary(self) -> WorkerSummary {
        WorkerSummary {
            stats: self.stats(),
            planned: self.plan.len(),
            answered: self.answered.len(),
            failed: self.failed,
        }
    }

    /// Ends the process without warning (SIGKILL) and returns the unanswered requests, as the server
    /// counts them.
    pub(crate) async fn kill(&mut self) -> Result<Vec<String>, Error> {
        self.process.start_kill()?;
        self.process.wait().await?;
        // Its last events are still in the pipe.
        while let Ok(Some(line)) = self.lines.next_line().await {
            if let Ok(event) = serde_json::from_str(&line) {
                self.record(Some(event));
            }
        }
        let plan = self.plan.iter().enumerate();
        Ok(plan
            .filter(|(index, _)| !self.answered.contains(index))
            .map(|(_, request)| request.target())
            .collect())
    }

    /// Starts the process again, from the beginning of its plan.
    pub(crate) fn restart(&mut self, setup: &WorkerSetup) -> Result<(), Error> {
        let (process, lines) = spawn(setup, self.priority, &self.plan_path)?;
        self.process = process;
        self.lines = lines;
        self.previous = self.stats();
        self.current = Stats::default();
        self.answered.clear();
        self.failed.clear();
        Ok(())
    }
}

fn spawn(
    setup: &WorkerSetup,
    priority: Priority,
    plan: &Path,
) -> Result<(Child, Lines<BufReader<ChildStdout>>), Error> {
    let mut process = Command::new(std::env::current_exe()?)
        .arg("worker")
        .arg("--plan")
        .arg(plan)
        .args(["--base-url", &setup.base_url])
        .args(["--priority", priority.as_str()])
        .args(&setup.store)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let stdout = process
        .stdout
        .take()
        .ok_or_else(|| Error::failed("cannot read the output of a worker"))?;
    Ok((process, BufReader::new(stdout).lines()))
}
