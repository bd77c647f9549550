//! What the file holds.

use bytes::Bytes;
use store_core::{CacheStore, HOUR, Key, NewEntry, Result, Scope, Tag, Ttl};

use std::ops::Range;
use std::time::Duration;

/// Bytes of a value.
pub(crate) const VALUE: usize = 400;
/// Entries that are written together.
const BATCH: u64 = 5_000;

/// A part of the entries, by what is done to them. The expired ones come first in the order of keys.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Part {
    Expired,
    Cleared,
    Kept,
    Tagged,
}

/// All parts.
pub(super) const PARTS: [Part; 4] = [Part::Expired, Part::Cleared, Part::Kept, Part::Tagged];

impl Part {
    /// The entries of this part, of so many.
    pub(super) const fn of(self, entries: u64) -> u64 {
        match self {
            Self::Expired | Self::Cleared => entries / 5,
            Self::Kept => entries / 10,
            Self::Tagged => entries / 2,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Expired => "a-expired",
            Self::Cleared => "b-cleared",
            Self::Kept => "c-kept",
            Self::Tagged => "d-tagged",
        }
    }

    pub(super) fn scope(self) -> Result<Scope> {
        Scope::new(self.name())
    }

    pub(super) fn key(self, number: u64) -> Result<Key> {
        Key::new(format!("{}:{number}", self.name()))
    }

    /// An entry as the file holds it.
    pub(super) fn entry(self, number: u64) -> Result<NewEntry> {
        let ttl = match self {
            Self::Expired => Ttl::from(Duration::from_millis(1)),
            Self::Cleared | Self::Kept | Self::Tagged => Ttl::from(HOUR),
        };
        let tags = if self == Self::Tagged {
            vec![tag()?]
        } else {
            Vec::new()
        };
        Ok(entry(self.key(number)?).with_ttl(ttl).with_tags(tags))
    }
}

/// The tag of half of the entries.
pub(super) fn tag() -> Result<Tag> {
    Tag::new("half")
}

/// An entry for an hour.
pub(crate) fn entry(key: Key) -> NewEntry {
    NewEntry::unconditional(key, Bytes::from_static(&[b'x'; VALUE])).with_ttl(HOUR)
}

/// Stores many entries, in large batches.
pub(crate) async fn fill(
    cache: &dyn CacheStore,
    numbers: Range<u64>,
    entry: impl Fn(u64) -> Result<NewEntry>,
) -> Result<()> {
    let mut start = numbers.start;
    while start < numbers.end {
        let end = numbers.end.min(start + BATCH);
        let batch: Result<Vec<NewEntry>> = (start..end).map(&entry).collect();
        cache.set_many(batch?).await?;
        start = end;
    }
    Ok(())
}
