//! The jobs in the order of their registration; the last that was not removed is its key's.
//!
//! A store may count a lease from the moment at which it sees that the clock was set back, so the
//! model keeps the earliest and the latest end of each; without such a clock they are the same.

use std::collections::BTreeMap;
use std::time::Duration;

use store_core::{
    DedupeStats, JobId, JobInfo, JobOutcome, JobState, Key, Priority, Selection, Timestamp,
};

#[derive(Debug)]
pub(super) struct Model {
    lease: Duration,
    retention: Duration,
    pub(super) jobs: Vec<Job>,
    /// How many were ended, by handle.
    settled: [u64; 2],
}

#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) key: Key,
    pub(super) id: JobId,
    pub(super) created_at: Timestamp,
    handle: usize,
    /// What all callers raised it to, and what those of the owner's handle did.
    priority: Priority,
    raised_here: Priority,
    state: State,
    /// Whether a later job took its place.
    is_replaced: bool,
}

#[derive(Clone, Debug)]
enum State {
    Pending {
        renewed_at: Timestamp,
        earliest: Timestamp,
        latest: Timestamp,
        /// Whether the clock was set back since.
        is_doubtful: bool,
    },
    Ended {
        at: Timestamp,
        outcome: JobOutcome,
        /// Whether the clock was set back since.
        is_doubtful: bool,
    },
    Removed,
}

/// Whether a job is still to be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    Yes,
    Maybe,
    No,
}

impl Job {
    fn is_pending(&self) -> bool {
        !self.is_replaced && matches!(self.state, State::Pending { .. })
    }

    /// The state of the job if it is still to be found, once there is no doubt about its lease.
    pub(super) fn state(&self, now: Timestamp) -> JobState {
        match &self.state {
            State::Pending { earliest, .. } if now < *earliest => JobState::Pending,
            State::Ended {
                outcome: JobOutcome::OwnerFailed(_),
                ..
            } => JobState::Failed,
            State::Ended { .. } => JobState::Completed,
            State::Pending { .. } | State::Removed => JobState::Lapsed,
        }
    }

    /// When the owner was last heard of. A store may note a later look instead, once the clock was
    /// set back.
    pub(super) fn updated_at(&self) -> Option<Timestamp> {
        match self.state {
            State::Pending {
                renewed_at,
                is_doubtful: false,
                ..
            } => Some(renewed_at),
            State::Ended { at, .. } => Some(at),
            State::Pending { .. } | State::Removed => None,
        }
    }
}

impl Model {
    pub(super) fn new(lease: Duration, retention: Duration) -> Self {
        Self {
            lease,
            retention,
            jobs: Vec::new(),
            settled: [0; 2],
        }
    }

    /// The latest job of each key, if it was not removed.
    pub(super) fn current(&self) -> impl Iterator<Item = &Job> {
        let is_there = |job: &&Job| !job.is_replaced && !matches!(job.state, State::Removed);
        self.jobs.iter().filter(is_there)
    }

    fn pending_mut(&mut self, key: &Key) -> Option<&mut Job> {
        let mut jobs = self.jobs.iter_mut();
        jobs.find(|job| job.key == *key && job.is_pending())
    }

    /// The job of the key that somebody works on.
    pub(super) fn in_progress(&self, key: &Key, now: Timestamp) -> Option<JobId> {
        let mut jobs = self.current().filter(|job| job.key == *key);
        jobs.find(|job| job.state(now) == JobState::Pending)
            .map(|job| job.id)
    }

    pub(super) fn own(
        &mut self,
        key: &Key,
        id: JobId,
        priority: Priority,
        handle: usize,
        now: Timestamp,
    ) {
        for job in self.jobs.iter_mut().filter(|job| job.key == *key) {
            job.is_replaced = true;
        }
        self.jobs.push(Job {
            key: key.clone(),
            id,
            created_at: now,
            handle,
            priority,
            raised_here: priority,
            state: State::Removed,
            is_replaced: false,
        });
        self.prolong(self.jobs.len() - 1, now);
    }

    fn prolong(&mut self, index: usize, now: Timestamp) {
        self.jobs[index].state = State::Pending {
            renewed_at: now,
            earliest: now + self.lease,
            latest: now + self.lease,
            is_doubtful: false,
        };
    }

    pub(super) fn join(&mut self, key: &Key, priority: Priority, handle: usize, now: Timestamp) {
        let most = now + self.lease;
        let Some(job) = self.pending_mut(key) else {
            return;
        };
        job.priority = job.priority.max(priority);
        if job.handle == handle {
            job.raised_here = job.raised_here.max(priority);
        }
        if let State::Pending { latest, .. } = &mut job.state {
            *latest = most.min(*latest);
        }
    }

    /// The least and the most that the owner has heard of what joiners raised its job to.
    pub(super) fn demand(&self, id: &JobId) -> Option<(Priority, Priority)> {
        let mut jobs = self.jobs.iter();
        let job = jobs.find(|job| job.id == *id && job.is_pending())?;
        Some((job.raised_here, job.priority))
    }

    pub(super) fn renew(&mut self, index: usize, now: Timestamp) -> Option<Priority> {
        if !self.jobs[index].is_pending() {
            return None;
        }
        self.prolong(index, now);
        Some(self.jobs[index].priority)
    }

    /// Whether the job was its owner's to end.
    pub(super) fn end(&mut self, id: &JobId, outcome: JobOutcome, now: Timestamp) -> bool {
        let ended = State::Ended {
            at: now,
            outcome,
            is_doubtful: false,
        };
        let handle = self.leave(id, ended);
        if let Some(handle) = handle {
            self.settled[handle] += 1;
        }
        handle.is_some()
    }

    /// Whether the job was its owner's to give up.
    pub(super) fn abandon(&mut self, id: &JobId) -> bool {
        self.leave(id, State::Removed).is_some()
    }

    fn leave(&mut self, id: &JobId, state: State) -> Option<usize> {
        let mut jobs = self.jobs.iter_mut();
        let job = jobs.find(|job| job.id == *id && job.is_pending())?;
        job.state = state;
        Some(job.handle)
    }

    /// What a waiter who does not wait may hear.
    pub(super) fn outcomes(&self, index: usize, now: Timestamp) -> Vec<JobOutcome> {
        let job = &self.jobs[index];
        match &job.state {
            State::Pending { .. } if job.is_pending() && job.state(now) == JobState::Pending => {
                vec![JobOutcome::TimedOut]
            }
            State::Pending { .. } | State::Removed => vec![JobOutcome::Lapsed],
            State::Ended { outcome, .. } => match self.kept(job, now) {
                Kept::Yes => vec![outcome.clone()],
                Kept::Maybe => vec![outcome.clone(), JobOutcome::Lapsed],
                Kept::No => vec![JobOutcome::Lapsed],
            },
        }
    }

    pub(super) fn kept(&self, job: &Job, now: Timestamp) -> Kept {
        match &job.state {
            State::Ended { at, .. } if *at + self.retention <= now => Kept::No,
            State::Ended {
                is_doubtful: true, ..
            } => Kept::Maybe,
            State::Pending { .. } | State::Ended { .. } => Kept::Yes,
            State::Removed => Kept::No,
        }
    }

    /// The clock was set back: leases may count from now, and results may seem to be of the future.
    pub(super) fn set_back(&mut self, now: Timestamp) {
        let least = now + self.lease;
        for job in &mut self.jobs {
            match &mut job.state {
                State::Pending {
                    earliest,
                    is_doubtful,
                    ..
                } => {
                    *earliest = least.min(*earliest);
                    *is_doubtful = true;
                }
                State::Ended { is_doubtful, .. } => *is_doubtful = true,
                State::Removed => {}
            }
        }
    }

    pub(super) fn has_doubts(&self, now: Timestamp) -> bool {
        let mut jobs = self.current();
        jobs.any(|job| match job.state {
            State::Pending {
                earliest, latest, ..
            } => earliest <= now && now < latest,
            State::Ended { .. } | State::Removed => false,
        })
    }

    /// Believes what the store says of leases that may have ended.
    pub(super) fn believe(&mut self, listed: &BTreeMap<Key, JobInfo>, now: Timestamp) {
        for job in self.jobs.iter_mut().filter(|job| job.is_pending()) {
            if let State::Pending {
                earliest, latest, ..
            } = &mut job.state
                && *earliest <= now
                && now < *latest
            {
                let info = listed.get(&job.key);
                if info.is_some_and(|info| info.state == JobState::Pending) {
                    *earliest = now + Duration::from_millis(1);
                } else {
                    *latest = now;
                }
            }
        }
    }

    /// Removes the selected jobs; how many it must be at least, and may be at most.
    pub(super) fn clear(&mut self, selection: &Selection, now: Timestamp) -> (u64, u64) {
        let selected = |job: &&Job| selection.contains(&job.key);
        let current = self.current().filter(selected);
        let certain = current.filter(|job| self.kept(job, now) == Kept::Yes);
        let certain = certain.count();
        let is_there = |job: &&Job| job.is_pending() || matches!(job.state, State::Ended { .. });
        let all = self.jobs.iter().filter(selected).filter(is_there).count();
        for job in &mut self.jobs {
            if selection.contains(&job.key) {
                job.state = State::Removed;
            }
        }
        (certain as u64, all as u64)
    }

    /// Removes what has lapsed; how many that must be at least, and may be at most with results
    /// that are no longer kept.
    pub(super) fn clean_up(&mut self, now: Timestamp) -> (u64, u64) {
        let mut lapsed = 0;
        for index in 0..self.jobs.len() {
            let job = &self.jobs[index];
            if job.is_pending() && job.state(now) == JobState::Lapsed {
                self.jobs[index].state = State::Removed;
                lapsed += 1;
            }
        }
        let ended = self.jobs.iter().filter(|job| {
            matches!(job.state, State::Ended { .. }) && self.kept(job, now) != Kept::Yes
        });
        (lapsed, lapsed + ended.count() as u64)
    }

    /// The least and the most that the counts may be.
    pub(super) fn stats(&self, handle: usize, now: Timestamp) -> (DedupeStats, DedupeStats) {
        let (mut least, mut most) = (DedupeStats::default(), DedupeStats::default());
        for job in self.current() {
            most.count(job.state(now), job.created_at);
            if self.kept(job, now) == Kept::Yes {
                least.count(job.state(now), job.created_at);
            }
        }
        least.settled_jobs = self.settled[handle];
        most.settled_jobs = self.settled.iter().sum();
        (least, most)
    }
}
