//! The item of a key: its job, and how the jobs before it ended.
//!
//! An end is kept under its job's name for as long as those who joined may come for it; it outlives the
//! job's being replaced. Every write is billed for all that the item holds, so what is long is kept in an
//! item of its own. Whether a lease has lapsed or an end is over is decided by whoever reads.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use store_core::{
    DedupeOptions, Error, FencingToken, HOUR, JobId, JobInfo, JobOutcome, JobState, Key, Priority,
    Timestamp,
};

use crate::error::corrupt;
use crate::item::{Item, ItemKey, bytes, number, text, timestamp};
use crate::options::Settings;

/// Who may still look at an item that nobody renews: hosts whose clocks are far behind.
const GARBAGE_AFTER: Duration = HOUR;
/// How many ends of former jobs stay with the job that replaces them.
const FORMER_ENDS: usize = 4;
/// The longest ending that is kept in the job's item: a few of them, and it still costs one unit.
const SHORT_BYTES: usize = 200;

/// The stored state of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Pending,
    Completed,
    Failed,
    /// Its owner let go of it.
    Abandoned,
}

impl Stage {
    pub(super) const fn mark(self) -> &'static str {
        match self {
            Self::Pending => "P",
            Self::Completed => "C",
            Self::Failed => "F",
            Self::Abandoned => "A",
        }
    }

    fn read(item: &Item) -> Result<Self, Error> {
        match item.text("st")? {
            Some("P") => Ok(Self::Pending),
            Some("C") => Ok(Self::Completed),
            Some("F") => Ok(Self::Failed),
            Some("A") => Ok(Self::Abandoned),
            _ => Err(corrupt("read", "a job has an unknown state")),
        }
    }
}

/// How an owner ends its job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// With a result, if it is handed on.
    Completed(Option<Bytes>),
    Failed(String),
}

impl Ending {
    pub(super) const fn stage(&self) -> Stage {
        match self {
            Self::Completed(_) => Stage::Completed,
            Self::Failed(_) => Stage::Failed,
        }
    }

    /// The outcome for callers that joined.
    pub(super) fn outcome(self) -> JobOutcome {
        match self {
            Self::Completed(Some(value)) => JobOutcome::Value(value),
            Self::Completed(None) => JobOutcome::NotShared,
            Self::Failed(error) => JobOutcome::OwnerFailed(error),
        }
    }

    /// Whether it is kept in an item of its own.
    pub(super) const fn is_long(&self) -> bool {
        let bytes = match self {
            Self::Completed(Some(value)) => value.len(),
            Self::Completed(None) => 0,
            Self::Failed(error) => error.len(),
        };
        bytes > SHORT_BYTES
    }

    /// The whole ending.
    pub(super) fn item(&self) -> Item {
        let item = Item::default().with("st", text(self.stage().mark()));
        match self {
            Self::Completed(Some(value)) => item.with("result", bytes(value.clone())),
            Self::Completed(None) => item,
            Self::Failed(error) => item.with("err", text(error)),
        }
    }

    /// What [`item`](Self::item) wrote.
    pub(super) fn read(mut item: Item) -> Result<Self, Error> {
        match Stage::read(&item)? {
            Stage::Completed => Ok(Self::Completed(item.take_bytes("result")?)),
            Stage::Failed => {
                let error = item.text("err")?.unwrap_or_default();
                Ok(Self::Failed(error.to_owned()))
            }
            Stage::Pending | Stage::Abandoned => {
                Err(corrupt("read", "an ended job has no outcome"))
            }
        }
    }

    /// What the job's own item tells of it.
    pub(super) fn attribute(&self, at: Timestamp) -> AttributeValue {
        let end = if self.is_long() {
            Item::default()
                .with("st", text(self.stage().mark()))
                .with("apart", number(1))
        } else {
            self.item()
        };
        AttributeValue::M(end.with("at", timestamp(at)).0)
    }
}

/// How a job ended, and when.
#[derive(Clone, Debug)]
pub(super) struct End {
    /// What the attribute of this end is called.
    pub(super) name: String,
    at: Timestamp,
    stage: Stage,
    /// None if it is kept in an item of its own.
    ending: Option<Ending>,
}

/// The time of a read and the options that it is evaluated with.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReadContext {
    pub(super) now: Timestamp,
    skew: Duration,
    retention: Duration,
}

impl ReadContext {
    pub(super) fn now(options: &Settings<DedupeOptions>) -> Self {
        Self {
            now: options.clock.now(),
            skew: options.tuning.max_clock_skew,
            retention: options.result_retention,
        }
    }

    /// A lease that ended no later than this has lapsed, by any clock.
    pub(super) fn lapsed_at(&self) -> Timestamp {
        self.now - self.skew
    }

    /// The latest end that a lease of this length can have. One that reaches further was renewed
    /// before the clock was set back, and its owner may be gone.
    pub(super) fn latest_until(&self, lease: Duration) -> Timestamp {
        self.now + lease + self.skew
    }

    fn keeps(&self, end: &End) -> bool {
        // The second bound is for a clock that was set back.
        self.now < end.at + self.retention && end.at <= self.now + self.retention + self.skew
    }
}

/// When DynamoDB may remove an item that says nothing after `until`.
pub(super) fn garbage_at(until: Timestamp, options: &Settings<DedupeOptions>) -> Timestamp {
    until + options.result_retention + GARBAGE_AFTER
}

/// What the attribute of a job's end is called: expressions allow no hyphens.
pub(super) fn end_name(job: &JobId) -> String {
    format!("j{}", job.to_string().replace('-', ""))
}

/// Where an ending of this name is that is kept in an item of its own.
pub(super) fn apart(name: &str) -> ItemKey {
    ItemKey::new(format!("JOBEND#{name}"), "END")
}

/// The lease of a job in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lease {
    pub(super) until: Timestamp,
    pub(super) length: Duration,
}

/// A waiter's view of its job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum JobView {
    Ended(JobOutcome),
    /// How it ended is kept in an item of its own.
    Apart,
    Pending(Lease),
}

/// The item of a key.
#[derive(Clone, Debug)]
pub(super) struct Job {
    /// The current job, as [`JobId`] is written.
    pub(super) id: String,
    /// Of its owner; none if an earlier version wrote the item.
    token: Option<FencingToken>,
    pub(super) stage: Stage,
    pub(super) priority: Priority,
    pub(super) lease: Lease,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// Until when ends of this or of former jobs are kept.
    kept_until: Option<Timestamp>,
    /// The latest first.
    ends: Vec<End>,
}

impl Job {
    pub(super) fn read(mut item: Item) -> Result<Self, Error> {
        let ends = ends(item.0.remove("ends"))?;
        let missing = |name| corrupt("read", format!("a job has no {name}"));
        let at = |name| item.timestamp(name)?.ok_or_else(|| missing(name));
        Ok(Self {
            id: item.text("job")?.ok_or_else(|| missing("job"))?.to_owned(),
            token: item.number("token")?.map(FencingToken::new),
            stage: Stage::read(&item)?,
            priority: item.text("prio")?.unwrap_or_default().parse()?,
            lease: Lease {
                until: at("until")?,
                length: Duration::from_millis(item.count("lease")?),
            },
            created_at: at("created")?,
            updated_at: at("updated")?,
            kept_until: item.timestamp("kept")?,
            ends,
        })
    }

    /// Whether the job has an unexpired lease.
    pub(super) fn is_in_progress(&self, terms: &ReadContext) -> bool {
        self.stage == Stage::Pending && self.lease.until > terms.lapsed_at()
    }

    /// How long its lease runs, if it is in progress.
    pub(super) fn lease_left(&self, terms: &ReadContext) -> Option<Duration> {
        // A clock that was set back makes it no longer than it was given for.
        let until = self.lease.until.min(terms.latest_until(self.lease.length));
        let left = until.since(terms.lapsed_at());
        self.is_in_progress(terms).then_some(left)
    }

    /// The token of its owner.
    pub(super) fn token(&self) -> Result<FencingToken, Error> {
        self.token
            .ok_or_else(|| corrupt("read", "a job has no token"))
    }

    /// The token of the owner after its own.
    pub(super) fn next_token(&self, terms: &ReadContext) -> FencingToken {
        let first = FencingToken::first(terms.now);
        self.token.map_or(first, |token| token.next(terms.now))
    }

    /// Whether a first token is greater than its own, by any clock, so that the item can go.
    pub(super) fn token_is_past(&self, terms: &ReadContext) -> bool {
        let first = FencingToken::first(terms.lapsed_at());
        self.token.is_none_or(|token| token < first)
    }

    pub(super) fn is(&self, job: &JobId) -> bool {
        self.id == job.to_string()
    }

    /// Whether `job` has ended in this way, whatever came after it.
    pub(super) fn tells_of(&self, job: &JobId, ending: &Ending) -> bool {
        let name = end_name(job);
        let mut ends = self.ends.iter();
        ends.any(|end| end.name == name && end.stage == ending.stage())
    }

    /// The view of a caller that waits for `job`.
    pub(super) fn look(self, job: &JobId, terms: &ReadContext) -> JobView {
        if self.is(job) && self.is_in_progress(terms) {
            return JobView::Pending(self.lease);
        }
        let name = end_name(job);
        let end = self.ends.into_iter().find(|end| end.name == name);
        match end.filter(|end| terms.keeps(end)) {
            None => JobView::Ended(JobOutcome::Lapsed),
            Some(End { ending: None, .. }) => JobView::Apart,
            Some(End {
                ending: Some(ending),
                ..
            }) => JobView::Ended(ending.outcome()),
        }
    }

    /// The former ends that a new owner removes: those that are over, and all but the latest few.
    pub(super) fn surplus(&self, terms: &ReadContext) -> impl Iterator<Item = &End> {
        let mut kept = 0;
        self.ends.iter().filter(move |end| {
            kept += usize::from(terms.keeps(end));
            kept > FORMER_ENDS || !terms.keeps(end)
        })
    }

    /// Where ends of this and of former jobs are that have items of their own.
    pub(super) fn apart(&self) -> impl Iterator<Item = ItemKey> {
        let apart = self.ends.iter().filter(|end| end.ending.is_none());
        apart.map(|end| self::apart(&end.name))
    }

    /// The job for those who look at it from outside; none if it is only garbage.
    pub(super) fn stands(&self, terms: &ReadContext) -> Option<JobState> {
        match self.stage {
            Stage::Pending if self.is_in_progress(terms) => Some(JobState::Pending),
            Stage::Pending => Some(JobState::Lapsed),
            Stage::Abandoned => None,
            _ if self.kept_until.is_none_or(|until| until <= terms.now) => None,
            Stage::Completed => Some(JobState::Completed),
            Stage::Failed => Some(JobState::Failed),
        }
    }

    /// The listed job.
    pub(super) fn info(self, key: Key, state: JobState) -> JobInfo {
        JobInfo::new(key, self.id, state, self.created_at, self.updated_at)
    }

    pub(super) const fn created_at(&self) -> Timestamp {
        self.created_at
    }
}

fn ends(attribute: Option<AttributeValue>) -> Result<Vec<End>, Error> {
    let ends: HashMap<String, AttributeValue> = match attribute {
        Some(AttributeValue::M(ends)) => ends,
        Some(_) => return Err(corrupt("read", "a job's earlier outcomes are not a map")),
        None => HashMap::new(),
    };
    let ends = ends.into_iter().map(|(name, end)| {
        let AttributeValue::M(end) = end else {
            return Err(corrupt("read", "a job's outcome is not a map"));
        };
        let end = Item(end);
        Ok(End {
            name,
            at: end.timestamp("at")?.unwrap_or_default(),
            stage: Stage::read(&end)?,
            ending: if end.has("apart") {
                None
            } else {
                Some(Ending::read(end)?)
            },
        })
    });
    let mut ends: Vec<End> = ends.collect::<Result<_, _>>()?;
    ends.sort_by(|one, other| (other.at, &other.name).cmp(&(one.at, &one.name)));
    Ok(ends)
}
