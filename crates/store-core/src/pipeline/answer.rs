//! What comes back: from upstream to the pipeline, and from the pipeline to the caller.

use std::time::Duration;

use bytes::Bytes;

use crate::codec::record::StoredAnswer;
use crate::tag::Tag;
use crate::time::Timestamp;

/// An answer and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// The answer's bytes.
    pub body: Bytes,
    /// Where it comes from.
    pub outcome: Outcome,
    /// When it was fetched, here or elsewhere.
    pub fetched_at: Timestamp,
}

/// Where an answer comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// From the cache, fresh.
    Hit,
    /// From the same request of another caller, which was in flight.
    Joined,
    /// From upstream.
    Fetched,
    /// From the cache, past its freshness: there was no better answer in time.
    Stale,
}

impl Outcome {
    /// The outcome as one lower-case word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Joined => "joined",
            Self::Fetched => "fetched",
            Self::Stale => "stale",
        }
    }
}

/// An answer of upstream, and how long it may be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fetched {
    /// The answer's bytes.
    pub body: Bytes,
    /// How long it may be kept. Default: not at all.
    pub keep: Keep,
    /// Labels to invalidate it by. Default: none.
    pub tags: Vec<Tag>,
}

/// How long an answer may be kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// It is for those who wait for it now. The default.
    #[default]
    No,
    /// It may be kept.
    For {
        /// So long it is as good as new.
        fresh: Duration,
        /// So much longer it is better than nothing.
        stale: Duration,
    },
}

impl Fetched {
    /// An answer for those who wait for it now.
    #[must_use]
    pub fn new(body: impl Into<Bytes>) -> Self {
        Self {
            body: body.into(),
            keep: Keep::No,
            tags: Vec::new(),
        }
    }

    /// Keeps the answer, fresh for this long.
    #[must_use]
    pub const fn fresh_for(mut self, fresh: Duration) -> Self {
        let stale = match self.keep {
            Keep::For { stale, .. } => stale,
            Keep::No => Duration::ZERO,
        };
        self.keep = Keep::For { fresh, stale };
        self
    }

    /// Keeps the answer this much longer, for when there is nothing better.
    #[must_use]
    pub const fn stale_for(mut self, stale: Duration) -> Self {
        let fresh = match self.keep {
            Keep::For { fresh, .. } => fresh,
            Keep::No => Duration::ZERO,
        };
        self.keep = Keep::For { fresh, stale };
        self
    }

    /// Labels the answer.
    #[must_use]
    pub fn with_tags(mut self, tags: impl IntoIterator<Item = Tag>) -> Self {
        self.tags = tags.into_iter().collect();
        self
    }
}

impl StoredAnswer {
    pub(super) fn into_answer(self, outcome: Outcome) -> Answer {
        Answer {
            body: self.body,
            outcome,
            fetched_at: self.fetched_at,
        }
    }
}
