//! A worker process and what it has told so far, over its restarts.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use comicvine_client::API_KEY_VARIABLE;
use indicatif::{MultiProgress, ProgressBar};
use store_core::Priority;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{ChildStdout, Command};

use crate::demo::plan::Ask;
use crate::demo::verdict::Tally;
use crate::demo::worker::{Event, Stats};
use crate::demo::{KEY, PATH_LIMIT, SPACING, TASKS, WINDOW};
use crate::failure::Failure;
use crate::progress;

/// What both workers have in common.
pub(super) struct Setting {
    pub(super) base_url: String,
    /// How they are told what they share.
    pub(super) store: Vec<OsString>,
    pub(super) plans: PathBuf,
    /// What the workers log.
    pub(super) log: String,
}

/// One worker.
pub(super) struct Child {
    priority: Priority,
    plan: Vec<Ask>,
    plan_path: PathBuf,
    process: tokio::process::Child,
    lines: Lines<BufReader<ChildStdout>>,
    bar: ProgressBar,
    /// Places of the plan that this run of the process has answered.
    answered: BTreeSet<usize>,
    /// Requests of the plan that no run of the process could answer.
    lost: Vec<String>,
    /// Figures of earlier runs, and of this one.
    before: Stats,
    current: Stats,
    done: bool,
}

impl Child {
    pub(super) fn start(
        setting: &Setting,
        priority: Priority,
        plan: Vec<Ask>,
        bars: &MultiProgress,
    ) -> Result<Self, Failure> {
        let plan_path = setting.plans.join(format!("{priority}.jsonl"));
        let lines: Result<Vec<_>, _> = plan.iter().map(serde_json::to_string).collect();
        fs::write(&plan_path, lines.map_err(Failure::failed)?.join("\n"))?;
        let total = u64::try_from(plan.len()).unwrap_or(u64::MAX);
        let bar = bars.add(progress::steps_bar(total, priority.as_str()));
        let (process, lines) = spawn(setting, priority, &plan_path)?;
        Ok(Self {
            priority,
            plan,
            plan_path,
            process,
            lines,
            bar,
            answered: BTreeSet::new(),
            lost: Vec::new(),
            before: Stats::default(),
            current: Stats::default(),
            done: false,
        })
    }

    /// The next event; `None` once the process has said everything. Cancel safe.
    pub(super) async fn next(&mut self) -> Result<Option<Event>, Failure> {
        if self.done {
            return std::future::pending().await;
        }
        match self.lines.next_line().await? {
            Some(line) => serde_json::from_str(&line)
                .map(Some)
                .map_err(Failure::failed),
            None => Ok(None),
        }
    }

    /// Takes note of an event.
    pub(super) fn take(&mut self, event: Option<Event>) {
        match event {
            Some(Event::Answered(place, _)) => {
                self.answered.insert(place);
                self.bar
                    .set_position(u64::try_from(self.answered.len()).unwrap_or(u64::MAX));
                let stats = self.stats();
                self.bar.set_message(format!(
                    "{:>4} cached {:>4} joined {:>4} sent",
                    stats.hits, stats.joined, stats.attempts
                ));
            }
            Some(Event::Lost(place, why)) => self.lost.push(format!("request {place}: {why}")),
            Some(Event::Stats(stats)) => self.current = stats,
            None => {
                self.done = true;
                self.bar.finish();
            }
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.done
    }

    pub(super) fn is_halfway(&self) -> bool {
        self.answered.len() * 2 >= self.plan.len()
    }

    /// Figures over all runs. What a killed run did after it last told its figures is missing.
    fn stats(&self) -> Stats {
        self.before + self.current
    }

    /// What became of its requests.
    pub(super) fn into_tally(self) -> Tally {
        Tally {
            stats: self.stats(),
            planned: self.plan.len(),
            answered: self.answered.len(),
            lost: self.lost,
        }
    }

    /// Ends the process without warning (SIGKILL) and returns the requests it had not answered, as
    /// the server counts them.
    pub(super) async fn kill(&mut self) -> Result<Vec<String>, Failure> {
        self.process.start_kill()?;
        self.process.wait().await?;
        // What it told before it died is still in the pipe.
        while let Ok(Some(line)) = self.lines.next_line().await {
            if let Ok(event) = serde_json::from_str(&line) {
                self.take(Some(event));
            }
        }
        let plan = self.plan.iter().enumerate();
        Ok(plan
            .filter(|(place, _)| !self.answered.contains(place))
            .filter_map(|(_, ask)| ask.target())
            .collect())
    }

    /// Starts the process again, from the beginning of its plan.
    pub(super) fn restart(&mut self, setting: &Setting) -> Result<(), Failure> {
        let (process, lines) = spawn(setting, self.priority, &self.plan_path)?;
        self.process = process;
        self.lines = lines;
        self.before = self.stats();
        self.current = Stats::default();
        self.answered.clear();
        self.lost.clear();
        self.bar.set_position(0);
        Ok(())
    }
}

fn spawn(
    setting: &Setting,
    priority: Priority,
    plan: &PathBuf,
) -> Result<(tokio::process::Child, Lines<BufReader<ChildStdout>>), Failure> {
    let milliseconds = |duration: std::time::Duration| format!("{}ms", duration.as_millis());
    let mut process = Command::new(std::env::current_exe()?)
        .arg("demo-worker")
        .arg("--plan")
        .arg(plan)
        .args(["--limit", &PATH_LIMIT.to_string()])
        .args(["--window", &milliseconds(WINDOW)])
        .args(["--spacing", &milliseconds(SPACING)])
        .args(["--tasks", &TASKS.to_string()])
        .args(["--base-url", &setting.base_url])
        .args(["--priority", priority.as_str()])
        .args(["--max-wait", "2m"])
        .args(["--log", &setting.log])
        .args(&setting.store)
        .env(API_KEY_VARIABLE, KEY)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let stdout = process
        .stdout
        .take()
        .ok_or_else(|| Failure::Unmet("a worker's output cannot be read".to_owned()))?;
    Ok((process, BufReader::new(stdout).lines()))
}

impl std::ops::Add for Stats {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            asked: self.asked + other.asked,
            hits: self.hits + other.hits,
            joined: self.joined + other.joined,
            fetched: self.fetched + other.fetched,
            stale: self.stale + other.stale,
            attempts: self.attempts + other.attempts,
            waits: self.waits + other.waits,
            denied: self.denied + other.denied,
            failed: self.failed + other.failed,
            cooldowns: self.cooldowns + other.cooldowns,
        }
    }
}
