//! The model of a de-duplication store: all jobs in the order of their registration. The current
//! job of a key is its last one that was not removed.
//!
//! A store may count a lease from the moment at which it sees that the clock was set back, so the
//! model keeps the earliest and the latest end of each; otherwise they are the same.

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
    /// The number of jobs ended by the owners of each handle.
    ended_by_handle: [u64; 2],
}

#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) key: Key,
    pub(super) id: JobId,
    pub(super) created_at: Timestamp,
    handle: usize,
    /// The highest priority of all callers.
    priority: Priority,
    /// The highest priority of the callers on the owner's handle.
    local_priority: Priority,
    state: State,
    /// Whether a later job has replaced it.
    is_replaced: bool,
}

#[derive(Clone, Debug)]
enum State {
    Pending {
        renewed_at: Timestamp,
        earliest: Timestamp,
        latest: Timestamp,
        /// Whether the clock was set back since.
        is_uncertain: bool,
    },
    Ended {
        at: Timestamp,
        outcome: JobOutcome,
        /// Whether the clock was set back since.
        is_uncertain: bool,
    },
    Removed,
}

/// Whether a store still has the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retained {
    Yes,
    Maybe,
    No,
}

impl Job {
    fn is_pending(&self) -> bool {
        !self.is_replaced && matches!(self.state, State::Pending { .. })
    }

    /// The state of the job, if the store still has it and its lease is certain.
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

    /// The last update by the owner; `None` after the clock was set back, when a store may report
    /// a later time.
    pub(super) fn updated_at(&self) -> Option<Timestamp> {
        match self.state {
            State::Pending {
                renewed_at,
                is_uncertain: false,
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
            ended_by_handle: [0; 2],
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

    /// The job of the key that is in progress.
    pub(super) fn in_progress(&self, key: &Key, now: Timestamp) -> Option<JobId> {
        let mut jobs = self.current().filter(|job| job.key == *key);
        jobs.find(|job| job.state(now) == JobState::Pending)
            .map(|job| job.id)
    }

    pub(super) fn register(
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
            local_priority: priority,
            state: State::Removed,
            is_replaced: false,
        });
        self.renew_lease(self.jobs.len() - 1, now);
    }

    fn renew_lease(&mut self, index: usize, now: Timestamp) {
        self.jobs[index].state = State::Pending {
            renewed_at: now,
            earliest: now + self.lease,
            latest: now + self.lease,
            is_uncertain: false,
        };
    }

    pub(super) fn join(&mut self, key: &Key, priority: Priority, handle: usize, now: Timestamp) {
        let most = now + self.lease;
        let Some(job) = self.pending_mut(key) else {
            return;
        };
        job.priority = job.priority.max(priority);
        if job.handle == handle {
            job.local_priority = job.local_priority.max(priority);
        }
        if let State::Pending { latest, .. } = &mut job.state {
            *latest = most.min(*latest);
        }
    }

    /// The lowest and the highest priority that the owner may see.
    pub(super) fn owner_priority(&self, id: &JobId) -> Option<(Priority, Priority)> {
        let mut jobs = self.jobs.iter();
        let job = jobs.find(|job| job.id == *id && job.is_pending())?;
        Some((job.local_priority, job.priority))
    }

    pub(super) fn renew(&mut self, index: usize, now: Timestamp) -> Option<Priority> {
        if !self.jobs[index].is_pending() {
            return None;
        }
        self.renew_lease(index, now);
        Some(self.jobs[index].priority)
    }

    /// Ends the job; `false` if its owner is fenced.
    pub(super) fn end(&mut self, id: &JobId, outcome: JobOutcome, now: Timestamp) -> bool {
        let ended = State::Ended {
            at: now,
            outcome,
            is_uncertain: false,
        };
        let handle = self.finish(id, ended);
        if let Some(handle) = handle {
            self.ended_by_handle[handle] += 1;
        }
        handle.is_some()
    }

    /// Removes the job of a dropped owner; `false` if the owner is fenced.
    pub(super) fn abandon(&mut self, id: &JobId) -> bool {
        self.finish(id, State::Removed).is_some()
    }

    fn finish(&mut self, id: &JobId, state: State) -> Option<usize> {
        let mut jobs = self.jobs.iter_mut();
        let job = jobs.find(|job| job.id == *id && job.is_pending())?;
        job.state = state;
        Some(job.handle)
    }

    /// The outcomes that a waiter with a timeout of zero may get.
    pub(super) fn outcomes(&self, index: usize, now: Timestamp) -> Vec<JobOutcome> {
        let job = &self.jobs[index];
        match &job.state {
            State::Pending { .. } if job.is_pending() && job.state(now) == JobState::Pending => {
                vec![JobOutcome::TimedOut]
            }
            State::Pending { .. } | State::Removed => vec![JobOutcome::Lapsed],
            State::Ended { outcome, .. } => match self.retained(job, now) {
                Retained::Yes => vec![outcome.clone()],
                Retained::Maybe => vec![outcome.clone(), JobOutcome::Lapsed],
                Retained::No => vec![JobOutcome::Lapsed],
            },
        }
    }

    pub(super) fn retained(&self, job: &Job, now: Timestamp) -> Retained {
        match &job.state {
            State::Ended { at, .. } if *at + self.retention <= now => Retained::No,
            State::Ended {
                is_uncertain: true, ..
            } => Retained::Maybe,
            State::Pending { .. } | State::Ended { .. } => Retained::Yes,
            State::Removed => Retained::No,
        }
    }

    /// Notes that the clock was set back: leases may count from now, and results may be in the future.
    pub(super) fn set_back(&mut self, now: Timestamp) {
        let least = now + self.lease;
        for job in &mut self.jobs {
            match &mut job.state {
                State::Pending {
                    earliest,
                    is_uncertain,
                    ..
                } => {
                    *earliest = least.min(*earliest);
                    *is_uncertain = true;
                }
                State::Ended { is_uncertain, .. } => *is_uncertain = true,
                State::Removed => {}
            }
        }
    }

    pub(super) fn has_uncertain_leases(&self, now: Timestamp) -> bool {
        let mut jobs = self.current();
        jobs.any(|job| match job.state {
            State::Pending {
                earliest, latest, ..
            } => earliest <= now && now < latest,
            State::Ended { .. } | State::Removed => false,
        })
    }

    /// Adopts the listed states of jobs whose leases may have ended.
    pub(super) fn adopt(&mut self, listed: &BTreeMap<Key, JobInfo>, now: Timestamp) {
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

    /// Removes the selected jobs; the least and the greatest number that a store may report.
    pub(super) fn clear(&mut self, selection: &Selection, now: Timestamp) -> (u64, u64) {
        let selected = |job: &&Job| selection.contains(&job.key);
        let current = self.current().filter(selected);
        let certain = current.filter(|job| self.retained(job, now) == Retained::Yes);
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

    /// Removes lapsed jobs; the least number that a store may report, and the greatest, which includes
    /// expired results.
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
            matches!(job.state, State::Ended { .. }) && self.retained(job, now) != Retained::Yes
        });
        (lapsed, lapsed + ended.count() as u64)
    }

    /// The least and the greatest counts.
    pub(super) fn stats(&self, handle: usize, now: Timestamp) -> (DedupeStats, DedupeStats) {
        let (mut least, mut most) = (DedupeStats::default(), DedupeStats::default());
        for job in self.current() {
            most.count(job.state(now), job.created_at);
            if self.retained(job, now) == Retained::Yes {
                least.count(job.state(now), job.created_at);
            }
        }
        least.ended_jobs = self.ended_by_handle[handle];
        most.ended_jobs = self.ended_by_handle.iter().sum();
        (least, most)
    }
}
