//! The job table: the latest job of each key, and the results of replaced ones while they are kept.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Bound;
use std::time::Duration;

use store_core::backend::JobEnd;
use store_core::{
    DedupeStats, EndOutcome, FencingToken, Heartbeat, JobId, JobInfo, JobState, Key, Page,
    PageRequest, Priority, Selection, Timestamp,
};

#[derive(Debug)]
pub(super) struct JobTable {
    lease: Duration,
    retention: Duration,
    jobs: BTreeMap<Key, Job>,
    /// Jobs that ended and were replaced by a new owner's.
    replaced: HashMap<JobId, (Key, Ended)>,
    /// Every ended job, in the order in which they ended.
    ended: VecDeque<(Key, JobId)>,
    /// The number of jobs that ended so far.
    ended_count: u64,
    /// Of the latest owner of any key.
    last_token: Option<FencingToken>,
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
    end: JobEnd,
    at: Timestamp,
}

/// The result of a registration.
#[derive(Debug)]
pub(super) enum Registered {
    Owner(FencingToken),
    Joined(JobId),
}

/// The state of a job for a caller that joined it.
#[derive(Debug)]
pub(super) enum JoinedState {
    Pending {
        lapses_at: Timestamp,
    },
    Ended(JobEnd),
    /// Replaced, abandoned, lapsed, or ended too long ago.
    Gone,
}

impl Job {
    /// When the lease was last renewed, or the job ended.
    fn updated_at(&self) -> Timestamp {
        match &self.state {
            State::Pending { renewed_at } => *renewed_at,
            State::Ended(ended) => ended.at,
        }
    }

    /// When the lease ends, if the job is in progress.
    ///
    /// A lease renewed in the future means that the clock was set back: it counts from now, so that the
    /// job of a crashed owner does not live until the clock is there again.
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

impl JobTable {
    pub(super) fn new(lease: Duration, retention: Duration) -> Self {
        Self {
            lease,
            retention,
            jobs: BTreeMap::new(),
            replaced: HashMap::new(),
            ended: VecDeque::new(),
            ended_count: 0,
            last_token: None,
        }
    }

    pub(super) fn register_or_join(
        &mut self,
        key: &Key,
        fresh: JobId,
        priority: Priority,
        now: Timestamp,
    ) -> Registered {
        self.remove_expired_results(usize::MAX, now);
        if let Some(job) = self.jobs.get_mut(key)
            && job.lapses_at(self.lease, now).is_some()
        {
            job.priority = job.priority.max(priority);
            return Registered::Joined(job.id);
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
        let first = FencingToken::first(now);
        let token = self.last_token.map_or(first, |last| last.next(now));
        self.last_token = Some(token);
        Registered::Owner(token)
    }

    pub(super) fn joined_state(&mut self, key: &Key, job: &JobId, now: Timestamp) -> JoinedState {
        let ended = match self.jobs.get_mut(key).filter(|current| current.id == *job) {
            Some(current) => {
                if let Some(lapses_at) = current.lapses_at(self.lease, now) {
                    return JoinedState::Pending { lapses_at };
                }
                match &current.state {
                    State::Ended(ended) => Some(ended),
                    State::Pending { .. } => None,
                }
            }
            None => self.replaced.get(job).map(|(_, ended)| ended),
        };
        match ended.filter(|ended| ended.is_kept(self.retention, now)) {
            Some(ended) => JoinedState::Ended(ended.end.clone()),
            None => JoinedState::Gone,
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
        end: JobEnd,
        now: Timestamp,
    ) -> EndOutcome {
        let Some(pending) = self.pending(key, job) else {
            return EndOutcome::Fenced;
        };
        pending.state = State::Ended(Ended { end, at: now });
        self.ended.push_back((key.clone(), *job));
        self.ended_count += 1;
        EndOutcome::Ended
    }

    /// Removes the job if it is still in progress; returns whether it was.
    pub(super) fn abandon(&mut self, key: &Key, job: &JobId) -> bool {
        let is_pending = self.pending(key, job).is_some();
        if is_pending {
            self.jobs.remove(key);
        }
        is_pending
    }

    /// How long the lease of the key's job in progress runs.
    pub(super) fn lease_left(&mut self, key: &Key, now: Timestamp) -> Option<Duration> {
        let job = self.jobs.get_mut(key)?;
        Some(job.lapses_at(self.lease, now)?.since(now))
    }

    pub(super) fn list(&mut self, page: &PageRequest, now: Timestamp) -> Page<JobInfo> {
        let after = page.after.as_deref();
        let from = after.and_then(|name| Key::new(name).ok());
        let start = from.map_or(Bound::Unbounded, Bound::Excluded);
        let (lease, retention) = (self.lease, self.retention);
        let jobs = self
            .jobs
            .range_mut((start, Bound::Unbounded))
            .filter_map(|(key, job)| {
                let state = job.state(lease, retention, now)?;
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
        let items = jobs.take(page.limit as usize + 1).collect();
        Page::truncated(items, page.limit, |info| info.key.as_str().to_owned())
    }

    pub(super) fn stats(&mut self, now: Timestamp) -> DedupeStats {
        let (lease, retention) = (self.lease, self.retention);
        let mut stats = DedupeStats::default();
        stats.ended_jobs = self.ended_count;
        for job in self.jobs.values_mut() {
            if let Some(state) = job.state(lease, retention, now) {
                stats.count(state, job.created_at);
            }
        }
        stats
    }

    /// Removes the selected jobs; returns how many, replaced ones not counted.
    pub(super) fn clear(&mut self, selection: &Selection) -> u64 {
        let before = self.jobs.len();
        self.jobs.retain(|key, _| !selection.contains(key));
        self.replaced.retain(|_, (key, _)| !selection.contains(key));
        self.ended.retain(|(key, _)| !selection.contains(key));
        (before - self.jobs.len()) as u64
    }

    /// Removes at most `most` ended and lapsed jobs; returns how many.
    pub(super) fn cleanup(&mut self, most: usize, now: Timestamp) -> u64 {
        let removed = self.remove_expired_results(most, now);
        let lease = self.lease;
        let lapsed: Vec<Key> = self
            .jobs
            .iter_mut()
            .filter_map(|(key, job)| {
                let is_lapsed = job.is_pending() && job.lapses_at(lease, now).is_none();
                is_lapsed.then(|| key.clone())
            })
            .take(most - removed)
            .collect();
        for key in &lapsed {
            self.jobs.remove(key);
        }
        (removed + lapsed.len()) as u64
    }

    /// Removes at most `most` results past their retention; returns how many.
    fn remove_expired_results(&mut self, most: usize, now: Timestamp) -> usize {
        let mut removed = 0;
        while removed < most
            && let Some((key, id)) = self.ended.front()
            && !self.is_kept(key, id, now)
        {
            if self.jobs.get(key).is_some_and(|job| job.id == *id) {
                self.jobs.remove(key);
            }
            self.replaced.remove(id);
            self.ended.pop_front();
            removed += 1;
        }
        removed
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

    /// The job's state in listings; `None` if it is past its retention.
    fn state(&mut self, lease: Duration, retention: Duration, now: Timestamp) -> Option<JobState> {
        let is_alive = self.lapses_at(lease, now).is_some();
        match &self.state {
            State::Pending { .. } if is_alive => Some(JobState::Pending),
            State::Pending { .. } => Some(JobState::Lapsed),
            State::Ended(ended) if !ended.is_kept(retention, now) => None,
            State::Ended(Ended {
                end: JobEnd::Completed(_),
                ..
            }) => Some(JobState::Completed),
            State::Ended(Ended {
                end: JobEnd::Failed(_),
                ..
            }) => Some(JobState::Failed),
        }
    }
}
