//! The jobs: for each key the latest one, and results of replaced ones that somebody may still want.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Bound;
use std::time::Duration;

use store_core::{
    DedupeStats, Heartbeat, JobId, JobInfo, JobResult, JobState, Key, Page, PageRequest, Priority,
    Selection, Settlement, Timestamp,
};

#[derive(Debug)]
pub(super) struct Board {
    lease: Duration,
    retention: Duration,
    jobs: BTreeMap<Key, Job>,
    /// Jobs that ended and were replaced by a new owner's.
    replaced: HashMap<JobId, (Key, Ended)>,
    /// Every ended job, in the order of ending.
    endings: VecDeque<(Key, JobId)>,
    /// How many ever ended.
    settled: u64,
}

#[derive(Debug)]
struct Job {
    id: JobId,
    priority: Priority,
    created_at: Timestamp,
    state: State,
}

#[derive(Debug)]
enum State {
    Pending { renewed_at: Timestamp },
    Ended(Ended),
}

#[derive(Clone, Debug)]
struct Ended {
    ending: Ending,
    at: Timestamp,
}

/// How an owner ended its job.
#[derive(Clone, Debug)]
pub(super) enum Ending {
    Completed(JobResult),
    Failed(String),
}

/// What a caller is to do.
#[derive(Debug)]
pub(super) enum Turn {
    Own,
    Join(JobId),
}

/// What a waiter sees of its job.
#[derive(Debug)]
pub(super) enum Sight {
    Pending {
        lapses_at: Timestamp,
    },
    Ended(Ending),
    /// Replaced, abandoned, lapsed, or ended too long ago.
    Gone,
}

impl Job {
    /// When the owner was last heard of, or the job ended.
    fn updated_at(&self) -> Timestamp {
        match &self.state {
            State::Pending { renewed_at } => *renewed_at,
            State::Ended(ended) => ended.at,
        }
    }

    /// When the lease ends, if the job is in progress.
    ///
    /// A lease renewed in the future tells that the clock was set back: it counts from now, so that
    /// a dead owner's job does not live until the clock is there again.
    fn lapses_at(&mut self, lease: Duration, now: Timestamp) -> Option<Timestamp> {
        match &mut self.state {
            State::Pending { renewed_at } => {
                *renewed_at = now.min(*renewed_at);
                Some(*renewed_at + lease).filter(|at| now < *at)
            }
            State::Ended(_) => None,
        }
    }
}

impl Ended {
    fn is_kept(&self, retention: Duration, now: Timestamp) -> bool {
        // The second bound is for a clock that was set back.
        now < self.at + retention && self.at <= now + retention
    }
}

impl Board {
    pub(super) fn new(lease: Duration, retention: Duration) -> Self {
        Self {
            lease,
            retention,
            jobs: BTreeMap::new(),
            replaced: HashMap::new(),
            endings: VecDeque::new(),
            settled: 0,
        }
    }

    pub(super) fn register_or_join(
        &mut self,
        key: &Key,
        fresh: JobId,
        priority: Priority,
        now: Timestamp,
    ) -> Turn {
        self.forget_results(usize::MAX, now);
        if let Some(job) = self.jobs.get_mut(key)
            && job.lapses_at(self.lease, now).is_some()
        {
            job.priority = job.priority.max(priority);
            return Turn::Join(job.id);
        }
        let job = Job {
            id: fresh,
            priority,
            created_at: now,
            state: State::Pending { renewed_at: now },
        };
        if let Some(Job { id, state, .. }) = self.jobs.insert(key.clone(), job)
            && let State::Ended(ended) = state
        {
            self.replaced.insert(id, (key.clone(), ended));
        }
        Turn::Own
    }

    pub(super) fn look_at(&mut self, key: &Key, job: &JobId, now: Timestamp) -> Sight {
        let ended = match self.jobs.get_mut(key).filter(|current| current.id == *job) {
            Some(current) => {
                if let Some(lapses_at) = current.lapses_at(self.lease, now) {
                    return Sight::Pending { lapses_at };
                }
                match &current.state {
                    State::Ended(ended) => Some(ended),
                    State::Pending { .. } => None,
                }
            }
            None => self.replaced.get(job).map(|(_, ended)| ended),
        };
        match ended.filter(|ended| ended.is_kept(self.retention, now)) {
            Some(ended) => Sight::Ended(ended.ending.clone()),
            None => Sight::Gone,
        }
    }

    pub(super) fn heartbeat(&mut self, key: &Key, job: &JobId, now: Timestamp) -> Heartbeat {
        match self.pending(key, job) {
            Some(job) => {
                job.state = State::Pending { renewed_at: now };
                Heartbeat::Renewed(job.priority)
            }
            None => Heartbeat::Fenced,
        }
    }

    pub(super) fn end(
        &mut self,
        key: &Key,
        job: &JobId,
        ending: Ending,
        now: Timestamp,
    ) -> Settlement {
        let Some(pending) = self.pending(key, job) else {
            return Settlement::Fenced;
        };
        pending.state = State::Ended(Ended { ending, at: now });
        self.endings.push_back((key.clone(), *job));
        self.settled += 1;
        Settlement::Settled
    }

    /// Removes the job if it is still its owner's; whether it was.
    pub(super) fn abandon(&mut self, key: &Key, job: &JobId) -> bool {
        let is_pending = self.pending(key, job).is_some();
        if is_pending {
            self.jobs.remove(key);
        }
        is_pending
    }

    pub(super) fn is_in_progress(&mut self, key: &Key, now: Timestamp) -> bool {
        let lease = self.lease;
        let job = self.jobs.get_mut(key);
        job.is_some_and(|job| job.lapses_at(lease, now).is_some())
    }

    pub(super) fn list(&mut self, page: &PageRequest, now: Timestamp) -> Page<JobInfo> {
        let after = page.after.as_deref();
        let from = after.and_then(|name| Key::new(name).ok());
        let start = from.map_or(Bound::Unbounded, Bound::Excluded);
        let (lease, retention) = (self.lease, self.retention);
        let known = self
            .jobs
            .range_mut((start, Bound::Unbounded))
            .filter_map(|(key, job)| {
                let state = job.stands(lease, retention, now)?;
                let id = job.id.to_string();
                let updated_at = job.updated_at();
                Some(JobInfo::new(
                    key.clone(),
                    id,
                    state,
                    job.created_at,
                    updated_at,
                ))
            });
        // One more than fits tells whether there is a next page.
        let items = known.take(page.limit as usize + 1).collect();
        Page::cut(items, page.limit, |info| info.key.as_str().to_owned())
    }

    pub(super) fn stats(&mut self, now: Timestamp) -> DedupeStats {
        let (lease, retention) = (self.lease, self.retention);
        let mut stats = DedupeStats::default();
        stats.settled_jobs = self.settled;
        for job in self.jobs.values_mut() {
            if let Some(state) = job.stands(lease, retention, now) {
                stats.count(state, job.created_at);
            }
        }
        stats
    }

    /// Removes the selected jobs; how many it were, replaced ones not counted.
    pub(super) fn clear(&mut self, selection: &Selection) -> u64 {
        let before = self.jobs.len();
        self.jobs.retain(|key, _| !selection.contains(key));
        self.replaced.retain(|_, (key, _)| !selection.contains(key));
        self.endings.retain(|(key, _)| !selection.contains(key));
        (before - self.jobs.len()) as u64
    }

    /// Frees at most `most` jobs that are of no more use; how many it were.
    pub(super) fn sweep(&mut self, most: usize, now: Timestamp) -> u64 {
        let forgotten = self.forget_results(most, now);
        let lease = self.lease;
        let lapsed: Vec<Key> = self
            .jobs
            .iter_mut()
            .filter_map(|(key, job)| {
                let is_lapsed = job.is_pending() && job.lapses_at(lease, now).is_none();
                is_lapsed.then(|| key.clone())
            })
            .take(most - forgotten)
            .collect();
        for key in &lapsed {
            self.jobs.remove(key);
        }
        (forgotten + lapsed.len()) as u64
    }

    /// Removes at most `most` results that nobody may read any more; how many it were.
    fn forget_results(&mut self, most: usize, now: Timestamp) -> usize {
        let mut forgotten = 0;
        while forgotten < most
            && let Some((key, id)) = self.endings.front()
            && !self.is_kept(key, id, now)
        {
            if self.jobs.get(key).is_some_and(|job| job.id == *id) {
                self.jobs.remove(key);
            }
            self.replaced.remove(id);
            self.endings.pop_front();
            forgotten += 1;
        }
        forgotten
    }

    fn is_kept(&self, key: &Key, id: &JobId, now: Timestamp) -> bool {
        let current = self.jobs.get(key).filter(|job| job.id == *id);
        let ended = match current.map(|job| &job.state) {
            Some(State::Ended(ended)) => Some(ended),
            Some(State::Pending { .. }) => None,
            None => self.replaced.get(id).map(|(_, ended)| ended),
        };
        ended.is_some_and(|ended| ended.is_kept(self.retention, now))
    }

    fn pending(&mut self, key: &Key, id: &JobId) -> Option<&mut Job> {
        let job = self.jobs.get_mut(key)?;
        (job.id == *id && job.is_pending()).then_some(job)
    }
}

impl Job {
    const fn is_pending(&self) -> bool {
        matches!(self.state, State::Pending { .. })
    }

    /// The job's state for those who look at it from outside; none if it is only garbage.
    fn stands(&mut self, lease: Duration, retention: Duration, now: Timestamp) -> Option<JobState> {
        let is_alive = self.lapses_at(lease, now).is_some();
        match &self.state {
            State::Pending { .. } if is_alive => Some(JobState::Pending),
            State::Pending { .. } => Some(JobState::Lapsed),
            State::Ended(ended) if !ended.is_kept(retention, now) => None,
            State::Ended(Ended {
                ending: Ending::Completed(_),
                ..
            }) => Some(JobState::Completed),
            State::Ended(Ended {
                ending: Ending::Failed(_),
                ..
            }) => Some(JobState::Failed),
        }
    }
}
