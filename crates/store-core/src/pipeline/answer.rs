//! Answers: from upstream to the pipeline, and from the pipeline to the caller.

use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;

use crate::codec::record::StoredAnswer;
use crate::error::{Error, ErrorKind, Result};
use crate::tag::Tag;
use crate::time::Timestamp;

/// An answer and its origin.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer<T = Bytes> {
    /// The answer's bytes, or the value that they were decoded to.
    pub body: T,
    /// Where the answer comes from.
    pub outcome: Outcome,
    /// When the attempt that fetched it began, here or elsewhere.
    pub fetched_at: Timestamp,
}

impl<T> Answer<T> {
    pub(super) fn with_body<U>(&self, body: U) -> Answer<U> {
        Answer {
            body,
            outcome: self.outcome,
            fetched_at: self.fetched_at,
        }
    }
}

/// Where an answer comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// From the cache, fresh.
    Hit,
    /// From the same request of another caller, which was in flight.
    Joined,
    /// From upstream.
    Fetched,
    /// From the cache, past its freshness: no better answer could be had in time.
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

/// An answer of upstream, and how it may be cached.
///
/// ```
/// use store_core::pipeline::{CachePolicy, Fetched};
/// use store_core::{DAY, HOUR};
///
/// let fetched = Fetched::new("{}").fresh_for(HOUR).stale_for(DAY);
/// assert_eq!(fetched.cache, CachePolicy::Store { fresh_for: HOUR, stale_for: DAY });
/// assert_eq!(Fetched::new("{}").cache, CachePolicy::NoStore);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fetched {
    /// The answer's bytes.
    pub body: Bytes,
    /// How the answer may be cached. Default: not at all.
    pub cache: CachePolicy,
    /// The tags of the cached answer. Default: none.
    pub tags: Vec<Tag>,
}

/// How an answer may be cached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CachePolicy {
    /// It is only for those who wait for it now. The default.
    #[default]
    NoStore,
    /// It may be cached.
    Store {
        /// How long it is fresh: given without asking upstream.
        fresh_for: Duration,
        /// How much longer it may be given when upstream cannot be asked.
        stale_for: Duration,
    },
}

impl Fetched {
    /// An answer that is not cached.
    #[must_use]
    pub fn new(body: impl Into<Bytes>) -> Self {
        Self {
            body: body.into(),
            cache: CachePolicy::NoStore,
            tags: Vec::new(),
        }
    }

    /// `value` as a JSON answer that is not cached; [`Pipeline::run_json`](super::Pipeline::run_json)
    /// decodes it.
    ///
    /// # Errors
    /// `Codec` if JSON cannot hold the value.
    pub fn json(value: &impl Serialize) -> Result<Self> {
        let body = serde_json::to_vec(value).map_err(|source| {
            Error::new(ErrorKind::Codec, "json", "encode")
                .with_detail("JSON cannot hold the value")
                .with_source(source)
        })?;
        Ok(Self::new(body))
    }

    /// Sets how long the answer is fresh.
    #[must_use]
    pub const fn fresh_for(mut self, fresh_for: Duration) -> Self {
        let stale_for = match self.cache {
            CachePolicy::Store { stale_for, .. } => stale_for,
            CachePolicy::NoStore => Duration::ZERO,
        };
        self.cache = CachePolicy::Store {
            fresh_for,
            stale_for,
        };
        self
    }

    /// Sets how much longer the answer may be given when upstream cannot be asked.
    #[must_use]
    pub const fn stale_for(mut self, stale_for: Duration) -> Self {
        let fresh_for = match self.cache {
            CachePolicy::Store { fresh_for, .. } => fresh_for,
            CachePolicy::NoStore => Duration::ZERO,
        };
        self.cache = CachePolicy::Store {
            fresh_for,
            stale_for,
        };
        self
    }

    /// Sets the tags of the cached answer.
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
