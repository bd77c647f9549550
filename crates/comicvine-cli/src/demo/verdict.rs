//! What the demo promises, and what broke a promise.

use std::collections::BTreeSet;
use std::fmt;

use comicvine_fake::Counts;

use crate::demo::TASKS;
use crate::demo::audit::Worst;
use crate::demo::worker::Stats;

/// What became of a worker's requests, over all runs of its process.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    /// How many it was to make.
    pub(super) planned: usize,
    /// How many its last run answered.
    pub(super) answered: usize,
    /// Those that could not be answered, and why.
    pub(super) lost: Vec<String>,
    pub(super) stats: Stats,
}

/// What a kill explains: requests that the killed process may have sent without telling.
#[derive(Clone, Debug)]
pub(super) struct Kill {
    /// How many requests of its plan it had not answered.
    unanswered: usize,
    /// Those requests, as the server counts them.
    targets: BTreeSet<String>,
}

impl Kill {
    pub(super) fn new(unanswered: Vec<String>) -> Self {
        Self {
            unanswered: unanswered.len(),
            targets: unanswered.into_iter().collect(),
        }
    }
}

/// One promise, and how it was kept.
#[derive(Clone, Debug)]
pub(super) struct Verdict {
    promise: &'static str,
    /// What there is to say if it was kept.
    remark: String,
    /// What broke it.
    pub(super) complaints: Vec<String>,
}

impl fmt::Display for Verdict {
    /// A line in words, and one per complaint.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// As many complaints as can be read; further ones are counted.
        const TOLD: usize = 10;
        let Self {
            promise,
            remark,
            complaints,
        } = self;
        if complaints.is_empty() {
            return write!(f, "{promise}: yes ({remark})");
        }
        write!(f, "{promise}: NO")?;
        for complaint in complaints.iter().take(TOLD) {
            write!(f, "\n  - {complaint}")?;
        }
        match complaints.len().saturating_sub(TOLD) {
            0 => Ok(()),
            more => write!(f, "\n  - and {more} more"),
        }
    }
}

/// No request is lost, whatever happens to the process that made it.
pub(super) fn nothing_is_lost(workers: [(&str, &Tally); 2]) -> Verdict {
    let mut complaints = Vec::new();
    for (name, worker) in workers {
        complaints.extend(worker.lost.iter().map(|why| format!("{name}: {why}")));
        let missing = worker
            .planned
            .saturating_sub(worker.answered + worker.lost.len());
        if missing > 0 {
            complaints.push(format!("{name}: ended with {missing} requests unanswered"));
        }
    }
    let planned: usize = workers.iter().map(|(_, worker)| worker.planned).sum();
    Verdict {
        promise: "every request was answered",
        remark: format!("{planned} of {planned}"),
        complaints,
    }
}

/// No window ever holds more admissions than its limit, over both processes.
pub(super) fn every_window_keeps_its_limit(worst: &Worst) -> Verdict {
    let limit = worst.limit;
    let over = |count: &usize| *count > usize::try_from(limit).unwrap_or(usize::MAX);
    let mut complaints: Vec<String> = worst
        .paths
        .iter()
        .filter(|(_, count)| over(count))
        .map(|(path, count)| format!("{path}: {count} admitted within one window, of {limit}"))
        .collect();
    if worst.spacing > 1 {
        let count = worst.spacing;
        complaints.push(format!(
            "{count} admitted closer together than the spacing allows"
        ));
    }
    let remark = match worst.paths.iter().max_by_key(|(_, count)| **count) {
        Some((path, count)) => format!("at most {count} of {limit}, on {path}"),
        None => "nothing was admitted".to_owned(),
    };
    Verdict {
        promise: "every window kept its limit",
        remark,
        complaints,
    }
}

/// Nothing is fetched twice while it is fresh, but for what a killed process had under way.
pub(super) fn nothing_is_fetched_twice(counts: &Counts, kill: Option<&Kill>) -> Verdict {
    let repeated: Vec<(&String, u64)> = counts
        .answered
        .iter()
        .filter(|(_, times)| **times > 1)
        .map(|(target, times)| (target, *times))
        .collect();
    let is_explained = |target: &String, times: u64| {
        times == 2 && kill.is_some_and(|kill| kill.targets.contains(target))
    };
    let mut complaints: Vec<String> = repeated
        .iter()
        .filter(|(target, times)| !is_explained(target, *times))
        .map(|(target, times)| format!("{target} was fetched {times} times"))
        .collect();
    if repeated.len() > TASKS {
        complaints.push(format!(
            "{} requests were fetched twice, but the killed process had only {TASKS} under way",
            repeated.len()
        ));
    }
    let remark = match repeated.len() {
        0 => "not one".to_owned(),
        count => format!("but for {count} that the killed process had under way"),
    };
    Verdict {
        promise: "nothing was fetched twice while fresh",
        remark,
        complaints,
    }
}

/// One process is killed halfway, or the demo shows less than it says.
pub(super) fn a_process_was_killed(kill: Option<&Kill>) -> Verdict {
    Verdict {
        promise: "a process was killed and came back",
        remark: kill.map_or_else(String::new, |kill| {
            format!("background, with {} requests unanswered", kill.unanswered)
        }),
        complaints: match kill {
            Some(_) => Vec::new(),
            None => vec!["the background process never got halfway".to_owned()],
        },
    }
}

#[cfg(test)]
mod tests;
