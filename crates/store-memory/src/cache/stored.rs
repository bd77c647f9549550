//! What is stored under a key.

use bytes::Bytes;
use store_core::{Entry, Key, Tag, Timestamp};

use crate::moment::{DRIFT, Moment};

#[derive(Debug)]
pub(super) struct Stored {
    pub(super) value: Bytes,
    pub(super) created_at: Timestamp,
    /// `NEVER` if it does not expire. An `Option` would take twice the space.
    expires_at: Timestamp,
    /// When it expires by the monotonic clock, in milliseconds.
    lapses_at: u64,
    /// When the fill that stored it began.
    pub(super) began_at: Timestamp,
    /// Most values have none, and take no space for them.
    tags: Option<Box<Tags>>,
}

/// Sorted, each once.
#[derive(Debug)]
struct Tags(Box<[Tag]>);

/// Earlier than any moment at which something expires.
const NEVER: Timestamp = Timestamp::MIN;

impl Stored {
    /// A value that is stored now by a fill that began now, and does not expire.
    pub(super) fn new(value: Bytes, now: Timestamp) -> Self {
        Self {
            value,
            created_at: now,
            expires_at: NEVER,
            lapses_at: u64::MAX,
            began_at: now,
            tags: None,
        }
    }

    /// Sets when it expires, by the wall clock and by the monotonic one, in milliseconds.
    pub(super) fn expiring(mut self, expires_at: Timestamp, lapses_at: u64) -> Self {
        (self.expires_at, self.lapses_at) = (expires_at, lapses_at);
        self
    }

    pub(super) fn began(mut self, at: Timestamp) -> Self {
        self.began_at = at;
        self
    }

    pub(super) fn tagged(mut self, mut tags: Vec<Tag>) -> Self {
        tags.sort_unstable();
        tags.dedup();
        self.tags = (!tags.is_empty()).then(|| Box::new(Tags(tags.into_boxed_slice())));
        self
    }

    pub(super) fn expires_at(&self) -> Option<Timestamp> {
        (self.expires_at != NEVER).then_some(self.expires_at)
    }

    pub(super) fn tags(&self) -> &[Tag] {
        self.tags.as_deref().map_or(&[], |tags| &tags.0)
    }

    pub(super) fn is_live(&self, at: Moment) -> bool {
        self.is_live_by(|| at.now, || at.monotonic.as_millis())
    }

    /// Whether it has not expired, by clocks that are read only if that depends on them: the wall clock, and
    /// the milliseconds of the monotonic one.
    pub(super) fn is_live_by(
        &self,
        now: impl FnOnce() -> Timestamp,
        monotonic_ms: impl FnOnce() -> u128,
    ) -> bool {
        self.expires_at().is_none_or(|expires_at| {
            let now = now();
            let is_near = || expires_at.since(now) <= DRIFT;
            now < expires_at && (is_near() || monotonic_ms() < u128::from(self.lapses_at))
        })
    }

    /// The bytes that count against the cache's bound.
    pub(super) fn weight(&self, key: &Key) -> usize {
        let tags: usize = self.tags().iter().map(|tag| tag.as_str().len()).sum();
        key.as_str().len() + self.value.len() + tags
    }

    /// The value as a caller gets it.
    pub(super) fn entry(&self) -> Entry {
        Entry::new(self.value.clone(), self.created_at, self.expires_at())
    }
}
