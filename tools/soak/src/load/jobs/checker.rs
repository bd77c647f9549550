//! Had a job two owners at once, and did those who joined it get what its owner left, in time?

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::time::Duration;

use crate::load::events::{Ending, JobEvent as Event, Observed};

use super::timing::{LEASE, RETENTION};

/// Deviations that are no violation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tolerance {
    /// How much longer than a lease a wait may take.
    pub(crate) slack: Duration,
    /// Whether a wait may run out of time, because the store could not be reached for long.
    pub(crate) may_time_out: bool,
    /// How many jobs of a key later the end of a job may be forgotten, before its time.
    pub(crate) ends_kept: usize,
    /// By how much the clocks may differ that order the events.
    pub(crate) skew: Duration,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) accepted: usize,
    pub(crate) fenced: usize,
    /// Accepted jobs that began while another accepted job of their key was not over.
    pub(crate) overlapping: usize,
    /// Jobs that were fenced before their lease could lapse.
    pub(crate) preempted: usize,
    pub(crate) waited: usize,
    /// Joiners that observed something that their owner did not leave, or not what it left.
    pub(crate) wrong: usize,
    /// Joiners that waited for longer than a lease and the slack after the last sign of life.
    pub(crate) stuck: usize,
    /// The longest such wait, in milliseconds.
    pub(crate) longest_millis: i64,
    pub(crate) complaints: Vec<String>,
}

/// The end of a job, as its owner wrote it down.
#[derive(Clone, Copy, Debug)]
struct Ended {
    key: usize,
    asked: i64,
    got: i64,
    ending: i64,
    answered: i64,
    is_accepted: bool,
}

impl Ended {
    /// Whether the job ended before its lease could lapse, renewed or not.
    fn is_in_time(&self) -> bool {
        self.answered < self.asked + millis(LEASE)
    }
}

/// The events of owners, by job.
#[derive(Debug, Default)]
struct Owners<'a> {
    beats: HashMap<&'a str, Vec<i64>>,
    endings: HashMap<&'a str, Ending>,
    ended: HashMap<&'a str, Ended>,
    accepted: HashMap<usize, Vec<Ended>>,
}

impl<'a> Owners<'a> {
    fn of(events: &[&'a Event]) -> Self {
        let mut owners = Self::default();
        for event in events {
            match event {
                Event::Beating { job, at } => owners.beats.entry(job).or_default().push(*at),
                Event::Ending { job, ending } => {
                    owners.endings.insert(job, *ending);
                }
                Event::Ended {
                    key,
                    job,
                    asked,
                    got,
                    ending,
                    answered,
                    is_accepted,
                } => {
                    let end = Ended {
                        key: *key,
                        asked: *asked,
                        got: *got,
                        ending: *ending,
                        answered: *answered,
                        is_accepted: *is_accepted,
                    };
                    owners.ended.insert(job, end);
                    if *is_accepted {
                        owners.accepted.entry(*key).or_default().push(end);
                    }
                }
                Event::Waited { .. } => {}
            }
        }
        owners
    }

    /// The last heartbeat of the owner up to `until`, as far as it wrote it down.
    fn last_beat(&self, job: &str, until: i64) -> Option<i64> {
        let beats = self.beats.get(job)?;
        beats.iter().copied().filter(|at| *at <= until).max()
    }

    /// How many jobs of the same key were accepted after this one and could be known of at `until`.
    fn ends_after(&self, job: &str, until: i64, skew: Duration) -> usize {
        let Some(ended) = self.ended.get(job) else {
            return 0;
        };
        let accepted = self.accepted.get(&ended.key).into_iter().flatten();
        let since = ended.ending - millis(skew);
        let after = accepted.filter(|it| it.got >= since && it.ending <= until);
        after.count()
    }

    /// Whether a joiner could get that outcome of `job` at `observed`.
    fn explain(&self, job: &str, observed: i64, outcome: Observed) -> bool {
        let ended = self.ended.get(job);
        match outcome {
            // An owner that died before it wrote down the end may have ended it.
            Observed::Ending(ending) => {
                self.endings.get(job) == Some(&ending) && ended.is_none_or(|it| it.is_accepted)
            }
            Observed::Lapsed => !ended.is_some_and(|it| {
                it.is_accepted && it.is_in_time() && observed < it.ending + millis(RETENTION)
            }),
            Observed::TimedOut | Observed::Unknown => false,
        }
    }
}

/// Checks the events of all workers.
pub(crate) fn check<'a>(
    events: impl IntoIterator<Item = &'a Event>,
    tolerance: Tolerance,
) -> Counters {
    let events: Vec<&Event> = events.into_iter().collect();
    let owners = Owners::of(&events);
    let mut counters = Counters::default();
    counters.accepted = owners.accepted.values().map(Vec::len).sum();
    counters.fenced = owners.ended.len() - counters.accepted;
    for (job, ended) in &owners.ended {
        if ended.is_in_time() && !ended.is_accepted {
            counters.preempted += 1;
            let complaint = format!("job {job}: was fenced within its lease, {ended:?}");
            counters.complaints.push(complaint);
        }
    }
    for (key, jobs) in &owners.accepted {
        let overlapping = overlaps(jobs);
        counters.overlapping += overlapping;
        if overlapping > 0 {
            let complaint =
                format!("jobs:{key}: {overlapping} job(s) began while another was not over");
            counters.complaints.push(complaint);
        }
    }
    for event in events {
        let Event::Waited {
            job,
            asked,
            observed,
            outcome,
        } = event
        else {
            continue;
        };
        counters.waited += 1;
        let is_excused = match outcome {
            Observed::TimedOut => tolerance.may_time_out,
            Observed::Lapsed => {
                owners.ends_after(job, *observed, tolerance.skew) >= tolerance.ends_kept
            }
            Observed::Ending(_) | Observed::Unknown => false,
        };
        if !is_excused && !owners.explain(job, *observed, *outcome) {
            counters.wrong += 1;
            counters.complaints.push(format!(
                "job {job}: observed {outcome:?} at {observed}; its owner left {:?}, {:?}",
                owners.endings.get(job.as_str()),
                owners.ended.get(job.as_str()),
            ));
        }
        // The job was registered before the wait for it began, and the lease with it.
        let alive = owners
            .last_beat(job, *observed)
            .unwrap_or(*asked)
            .max(*asked);
        let waited = observed - alive;
        counters.longest_millis = counters.longest_millis.max(waited);
        if waited > millis(LEASE + tolerance.slack) {
            counters.stuck += 1;
            let complaint = format!("job {job}: waited {waited} ms after the last sign of life");
            counters.complaints.push(complaint);
        }
    }
    counters
}

/// How many of the accepted jobs of one key began before an earlier one was over. An owner surely
/// had the job from when it knew until it began to end it.
fn overlaps(jobs: &[Ended]) -> usize {
    let mut jobs = jobs.to_vec();
    jobs.sort_by_key(|job| (job.got, job.ending));
    let mut busy_until = i64::MIN;
    let mut overlaps = 0;
    for job in jobs {
        overlaps += usize::from(job.got < busy_until);
        busy_until = busy_until.max(job.ending);
    }
    overlaps
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
