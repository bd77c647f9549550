//! The properties that the demo checks at the end.

use std::collections::BTreeSet;
use std::fmt;

use comicvine_fake::Counts;

use crate::admissions::FullestWindows;
use crate::events::Stats;
use crate::settings::TASKS;

/// The results of a worker, over all runs of its process.
#[derive(Clone, Debug, Default)]
pub(crate) struct WorkerSummary {
    /// The number of requests in its plan.
    pub(crate) planned: usize,
    /// The number of requests that its last run answered.
    pub(crate) answered: usize,
    /// The requests that failed, with the reason.
    pub(crate) failed: Vec<String>,
    pub(crate) stats: Stats,
}

/// The kill of a worker: which requests it may have sent without an answer.
#[derive(Clone, Debug)]
pub(crate) struct Kill {
    /// How many requests of its plan were unanswered.
    unanswered: usize,
    /// Those requests, as the server counts them.
    targets: BTreeSet<String>,
}

impl Kill {
    pub(crate) fn new(unanswered: Vec<String>) -> Self {
        Self {
            unanswered: unanswered.len(),
            targets: unanswered.into_iter().collect(),
        }
    }
}

/// One property and whether it held.
#[derive(Clone, Debug)]
pub(crate) struct Check {
    property: &'static str,
    /// A number to show if it held.
    detail: String,
    /// How it was violated; empty if it held.
    pub(crate) violations: Vec<String>,
}

impl fmt::Display for Check {
    /// A line for the property, and one per violation.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// How many violations are shown; further ones are counted.
        const SHOWN: usize = 10;
        let Self {
            property,
            detail,
            violations,
        } = self;
        if violations.is_empty() {
            return write!(f, "{property}: yes ({detail})");
        }
        write!(f, "{property}: NO")?;
        for violation in violations.iter().take(SHOWN) {
            write!(f, "\n  - {violation}")?;
        }
        match violations.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "\n  - and {more} more"),
        }
    }
}

/// Every request is answered, although a process was killed.
pub(crate) fn every_request_is_answered(workers: [(&str, &WorkerSummary); 2]) -> Check {
    let mut violations = Vec::new();
    for (name, worker) in workers {
        violations.extend(worker.failed.iter().map(|why| format!("{name}: {why}")));
        let missing = worker
            .planned
            .saturating_sub(worker.answered + worker.failed.len());
        if missing > 0 {
            violations.push(format!("{name}: ended with {missing} requests unanswered"));
        }
    }
    let planned: usize = workers.iter().map(|(_, worker)| worker.planned).sum();
    Check {
        property: "every request was answered",
        detail: format!("{planned} of {planned}"),
        violations,
    }
}

/// No window holds more admissions than its limit, over both processes.
pub(crate) fn every_window_keeps_its_limit(windows: &FullestWindows) -> Check {
    let limit = windows.limit;
    let over = |count: &usize| *count > usize::try_from(limit).unwrap_or(usize::MAX);
    let mut violations: Vec<String> = windows
        .paths
        .iter()
        .filter(|(_, count)| over(count))
        .map(|(path, count)| format!("{path}: {count} admitted within one window, of {limit}"))
        .collect();
    if windows.spacing > 1 {
        let count = windows.spacing;
        violations.push(format!(
            "{count} admitted closer together than the spacing allows"
        ));
    }
    let detail = match windows.paths.iter().max_by_key(|(_, count)| **count) {
        Some((path, count)) => format!("at most {count} of {limit}, on {path}"),
        None => "nothing was admitted".to_owned(),
    };
    Check {
        property: "every window kept its limit",
        detail,
        violations,
    }
}

/// Nothing is fetched twice while it is fresh, except what the killed process had in flight.
pub(crate) fn nothing_is_fetched_twice(counts: &Counts, kill: Option<&Kill>) -> Check {
    let repeated: Vec<(&String, u64)> = counts
        .answered
        .iter()
        .filter(|(_, times)| **times > 1)
        .map(|(target, times)| (target, *times))
        .collect();
    let is_explained = |target: &String, times: u64| {
        times == 2 && kill.is_some_and(|kill| kill.targets.contains(target))
    };
    let mut violations: Vec<String> = repeated
        .iter()
        .filter(|(target, times)| !is_explained(target, *times))
        .map(|(target, times)| format!("{target} was fetched {times} times"))
        .collect();
    if repeated.len() > TASKS {
        violations.push(format!(
            "{} requests were fetched twice, but the killed process had only {TASKS} in flight",
            repeated.len()
        ));
    }
    let detail = match repeated.len() {
        0 => "none".to_owned(),
        count => format!("except {count} that the killed process had in flight"),
    };
    Check {
        property: "nothing was fetched twice while fresh",
        detail,
        violations,
    }
}

/// One process was killed halfway.
pub(crate) fn a_process_was_killed(kill: Option<&Kill>) -> Check {
    Check {
        property: "a process was killed and came back",
        detail: kill.map_or_else(String::new, |kill| {
            format!("background, with {} requests unanswered", kill.unanswered)
        }),
        violations: match kill {
            Some(_) => Vec::new(),
            None => vec!["the background process did not reach the half of its plan".to_owned()],
        },
    }
}

#[cfg(test)]
mod tests;
