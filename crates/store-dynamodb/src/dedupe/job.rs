//! The item of a key: its job, and how the jobs before it ended.
//!
//! An end is kept under its job's name for as long as those who joined may come for it; it outlives the
//! job's being replaced. Whether a lease has lapsed or an end is over is decided by whoever reads.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use store_core::{Error, HOUR, JobId, JobInfo, JobOutcome, JobState, Key, Priority, Timestamp};

use crate::error::corrupt;
use crate::item::{Item, bytes, text, timestamp};
use crate::options::DedupeOptions;

/// Who may still look at an item that nobody renews: hosts whose clocks are far behind.
const GARBAGE_AFTER: Duration = HOUR;

/// What state a job is in, as written.
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
            _ => Err(corrupt("read", "a job is in no state that is known here")),
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

    /// What those who joined hear of it.
    pub(super) fn outcome(self) -> JobOutcome {
        match self {
            Self::Completed(Some(value)) => JobOutcome::Value(value),
            Self::Completed(None) => JobOutcome::NotShared,
            Self::Failed(error) => JobOutcome::OwnerFailed(error),
        }
    }

    const fn len(&self) -> usize {
        match self {
            Self::Completed(Some(value)) => value.len(),
            Self::Completed(None) => 0,
            Self::Failed(error) => error.len(),
        }
    }

    /// The end as an attribute of its item.
    pub(super) fn attribute(&self, at: Timestamp) -> AttributeValue {
        let end = Item::default()
            .with("st", text(self.stage().mark()))
            .with("at", timestamp(at));
        let end = match self {
            Self::Completed(Some(value)) => end.with("result", bytes(value.clone())),
            Self::Completed(None) => end,
            Self::Failed(error) => end.with("err", text(error)),
        };
        AttributeValue::M(end.0)
    }
}

/// How a job ended, and when.
#[derive(Clone, Debug)]
pub(super) struct End {
    /// What the attribute of this end is called.
    pub(super) name: String,
    pub(super) ending: Ending,
    at: Timestamp,
}

/// When something is looked at, and how it is to be judged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) now: Timestamp,
    skew: Duration,
    retention: Duration,
}

impl Terms {
    pub(super) fn now(options: &DedupeOptions) -> Self {
        Self {
            now: options.clock.now(),
            skew: options.max_clock_skew,
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
pub(super) fn garbage_at(until: Timestamp, options: &DedupeOptions) -> Timestamp {
    until + options.result_retention + GARBAGE_AFTER
}

/// What the attribute of a job's end is called: expressions allow no hyphens.
pub(super) fn end_name(job: &JobId) -> String {
    format!("j{}", job.to_string().replace('-', ""))
}

/// The lease of a job in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lease {
    pub(super) until: Timestamp,
    pub(super) length: Duration,
}

/// What a waiter sees of its job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Look {
    Ended(JobOutcome),
    Pending(Lease),
}

/// The item of a key.
#[derive(Clone, Debug)]
pub(super) struct Job {
    /// The current job, as [`JobId`] is written.
    pub(super) id: String,
    pub(super) stage: Stage,
    pub(super) priority: Priority,
    pub(super) lease: Lease,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// Until when ends of this or of former jobs are kept.
    kept_until: Option<Timestamp>,
    /// The latest first.
    pub(super) ends: Vec<End>,
}

impl Job {
    /// Reads what can be read without the ends.
    fn outline(item: &Item) -> Result<Self, Error> {
        let missing = |name| corrupt("read", format!("a job has no {name}"));
        let at = |name| item.timestamp(name)?.ok_or_else(|| missing(name));
        Ok(Self {
            id: item.text("job")?.ok_or_else(|| missing("job"))?.to_owned(),
            stage: Stage::read(item)?,
            priority: item.text("prio")?.unwrap_or_default().parse()?,
            lease: Lease {
                until: at("until")?,
                length: Duration::from_millis(item.count("lease")?),
            },
            created_at: at("created")?,
            updated_at: at("updated")?,
            kept_until: item.timestamp("kept")?,
            ends: Vec::new(),
        })
    }

    pub(super) fn read(mut item: Item) -> Result<Self, Error> {
        let mut job = Self::outline(&item)?;
        job.ends = ends(item.0.remove("ends"))?;
        Ok(job)
    }

    /// Whether somebody holds an unlapsed lease.
    pub(super) fn is_in_progress(&self, terms: &Terms) -> bool {
        self.stage == Stage::Pending && self.lease.until > terms.lapsed_at()
    }

    pub(super) fn is(&self, job: &JobId) -> bool {
        self.id == job.to_string()
    }

    /// Whether `job` has ended in this way, whatever came after it.
    pub(super) fn tells_of(&self, job: &JobId, ending: &Ending) -> bool {
        let name = end_name(job);
        let mut ends = self.ends.iter();
        ends.any(|end| end.name == name && end.ending.stage() == ending.stage())
    }

    /// What somebody sees who waits for `job`.
    pub(super) fn look(self, job: &JobId, terms: &Terms) -> Look {
        if self.is(job) && self.is_in_progress(terms) {
            return Look::Pending(self.lease);
        }
        let name = end_name(job);
        let end = self.ends.into_iter().find(|end| end.name == name);
        let outcome = end
            .filter(|end| terms.keeps(end))
            .map_or(JobOutcome::Lapsed, |end| end.ending.outcome());
        Look::Ended(outcome)
    }

    /// What of the former ends a new owner removes: `most` of the latest stay, and results together
    /// no longer than `most_bytes`, as every write is billed for all that the item holds.
    pub(super) fn surplus(&self, terms: &Terms, most: usize, most_bytes: usize) -> Vec<String> {
        let (mut kept, mut kept_bytes, mut surplus) = (0, 0, Vec::new());
        for end in &self.ends {
            if kept == most || !terms.keeps(end) {
                surplus.push(format!("#ends.#{}", end.name));
                continue;
            }
            kept += 1;
            if kept_bytes + end.ending.len() <= most_bytes {
                kept_bytes += end.ending.len();
            } else if let Ending::Completed(Some(_)) = end.ending {
                // Those who joined hear that the value is not here.
                surplus.push(format!("#ends.#{}.#result", end.name));
            }
        }
        surplus
    }

    /// The job for those who look at it from outside; none if it is only garbage.
    pub(super) fn stands(&self, terms: &Terms) -> Option<JobState> {
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

/// The attributes that [`Job::read`] needs to tell how a job stands, without any result.
pub(super) const OUTLINE: &str =
    "#PK, #SK, #job, #st, #prio, #until, #lease, #created, #updated, #kept";

fn ends(attribute: Option<AttributeValue>) -> Result<Vec<End>, Error> {
    let ends: HashMap<String, AttributeValue> = match attribute {
        Some(AttributeValue::M(ends)) => ends,
        Some(_) => return Err(corrupt("read", "a job's former ends are no map")),
        None => HashMap::new(),
    };
    let ends = ends.into_iter().map(|(name, end)| {
        let AttributeValue::M(end) = end else {
            return Err(corrupt("read", "a job's end is no map"));
        };
        let mut end = Item(end);
        let ending = match Stage::read(&end)? {
            Stage::Completed => Ending::Completed(end.take_bytes("result")?),
            Stage::Failed => Ending::Failed(end.text("err")?.unwrap_or_default().to_owned()),
            Stage::Pending | Stage::Abandoned => {
                return Err(corrupt("read", "a job's end is none"));
            }
        };
        let at = end.timestamp("at")?.unwrap_or_default();
        Ok(End { name, ending, at })
    });
    let mut ends: Vec<End> = ends.collect::<Result<_, _>>()?;
    ends.sort_by(|one, other| (other.at, &other.name).cmp(&(one.at, &one.name)));
    Ok(ends)
}
