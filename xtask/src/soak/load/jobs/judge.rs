//! Had a job two owners at once, and did those who joined hear what its owner left, in time?

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::time::Duration;

use super::{Ending, Event, Heard, LEASE, RETENTION};

/// What may be expected.
#[derive(Clone, Copy, Debug)]
pub(in crate::soak) struct Terms {
    /// How much longer than a lease a wait may take.
    pub(in crate::soak) slack: Duration,
    /// Whether a wait may run out of time, because the store could not be reached for long.
    pub(in crate::soak) may_time_out: bool,
    /// How many jobs of a key later the end of a job may be forgotten, before its time.
    pub(in crate::soak) ends_kept: usize,
    /// By how much clocks may differ, by which it is told what is later.
    pub(in crate::soak) skew: Duration,
}

#[derive(Debug, Default)]
pub(in crate::soak) struct Tally {
    pub(in crate::soak) settled: usize,
    pub(in crate::soak) fenced: usize,
    /// Settled jobs that began while another settled job of their key was not over.
    pub(in crate::soak) twice: usize,
    /// Jobs that were fenced before their lease could lapse.
    pub(in crate::soak) robbed: usize,
    pub(in crate::soak) waited: usize,
    /// Joiners that heard something that their owner did not leave, or not what it left.
    pub(in crate::soak) wrong: usize,
    /// Joiners that waited for longer than a lease and the slack after the last sign of life.
    pub(in crate::soak) stuck: usize,
    /// The longest such wait, in milliseconds.
    pub(in crate::soak) longest_millis: i64,
    pub(in crate::soak) complaints: Vec<String>,
}

/// What became of a job, by its owner.
#[derive(Clone, Copy, Debug)]
struct Ended {
    key: usize,
    asked: i64,
    got: i64,
    ending: i64,
    answered: i64,
    is_settled: bool,
}

impl Ended {
    /// Whether the job ended before its lease could lapse, renewed or not.
    fn is_in_time(&self) -> bool {
        self.answered < self.asked + millis(LEASE)
    }
}

/// What the owners told of their jobs.
#[derive(Debug, Default)]
struct Owners<'a> {
    beats: HashMap<&'a str, Vec<i64>>,
    endings: HashMap<&'a str, Ending>,
    ended: HashMap<&'a str, Ended>,
    settled: HashMap<usize, Vec<Ended>>,
}

impl<'a> Owners<'a> {
    fn by(events: &[&'a Event]) -> Self {
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
                    is_settled,
                } => {
                    let end = Ended {
                        key: *key,
                        asked: *asked,
                        got: *got,
                        ending: *ending,
                        answered: *answered,
                        is_settled: *is_settled,
                    };
                    owners.ended.insert(job, end);
                    if *is_settled {
                        owners.settled.entry(*key).or_default().push(end);
                    }
                }
                Event::Waited { .. } => {}
            }
        }
        owners
    }

    /// When the owner last made itself heard before `until`, as far as it told.
    fn last_beat(&self, job: &str, until: i64) -> Option<i64> {
        let beats = self.beats.get(job)?;
        beats.iter().copied().filter(|at| *at <= until).max()
    }

    /// How many jobs of the same key settled after this one and could be known of at `until`.
    fn ends_after(&self, job: &str, until: i64, skew: Duration) -> usize {
        let Some(ended) = self.ended.get(job) else {
            return 0;
        };
        let settled = self.settled.get(&ended.key).into_iter().flatten();
        let since = ended.ending - millis(skew);
        let after = settled.filter(|it| it.got >= since && it.ending <= until);
        after.count()
    }

    /// Whether that is what a joiner could hear of `job` at `heard`.
    fn explain(&self, job: &str, heard: i64, outcome: Heard) -> bool {
        let ended = self.ended.get(job);
        match outcome {
            // An owner that died before it told how it went may have settled.
            Heard::Ending(ending) => {
                self.endings.get(job) == Some(&ending) && ended.is_none_or(|it| it.is_settled)
            }
            Heard::Lapsed => !ended.is_some_and(|it| {
                it.is_settled && it.is_in_time() && heard < it.ending + millis(RETENTION)
            }),
            Heard::TimedOut | Heard::Nonsense => false,
        }
    }
}

/// Judges what all workers told; under these terms.
pub(in crate::soak) fn judge<'a>(
    events: impl IntoIterator<Item = &'a Event>,
    terms: Terms,
) -> Tally {
    let events: Vec<&Event> = events.into_iter().collect();
    let owners = Owners::by(&events);
    let mut tally = Tally::default();
    tally.settled = owners.settled.values().map(Vec::len).sum();
    tally.fenced = owners.ended.len() - tally.settled;
    for (job, ended) in &owners.ended {
        if ended.is_in_time() && !ended.is_settled {
            tally.robbed += 1;
            let complaint = format!("job {job}: was fenced within its lease, {ended:?}");
            tally.complaints.push(complaint);
        }
    }
    for (key, jobs) in &owners.settled {
        let twice = overlaps(jobs);
        tally.twice += twice;
        if twice > 0 {
            let complaint = format!("jobs:{key}: {twice} job(s) began while another was settled");
            tally.complaints.push(complaint);
        }
    }
    for event in events {
        let Event::Waited {
            job,
            asked,
            heard,
            outcome,
        } = event
        else {
            continue;
        };
        tally.waited += 1;
        let is_excused = match outcome {
            Heard::TimedOut => terms.may_time_out,
            Heard::Lapsed => owners.ends_after(job, *heard, terms.skew) >= terms.ends_kept,
            Heard::Ending(_) | Heard::Nonsense => false,
        };
        if !is_excused && !owners.explain(job, *heard, *outcome) {
            tally.wrong += 1;
            tally.complaints.push(format!(
                "job {job}: heard {outcome:?} at {heard}; its owner left {:?}, {:?}",
                owners.endings.get(job.as_str()),
                owners.ended.get(job.as_str()),
            ));
        }
        // The job was registered before the wait for it began, and the lease with it.
        let alive = owners.last_beat(job, *heard).unwrap_or(*asked).max(*asked);
        let waited = heard - alive;
        tally.longest_millis = tally.longest_millis.max(waited);
        if waited > millis(LEASE + terms.slack) {
            tally.stuck += 1;
            let complaint = format!("job {job}: waited {waited} ms after the last sign of life");
            tally.complaints.push(complaint);
        }
    }
    tally
}

/// How many of the settled jobs of one key began before an earlier one was over. An owner surely
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
