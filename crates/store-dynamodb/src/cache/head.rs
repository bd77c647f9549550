//! Heads: the item of a key, which tells everything about its value and holds it, if it is short.
//!
//! A key that was deleted keeps a head without a value, a tombstone, which fills from before run into.
//! No fill takes longer than [`RETENTION`], so tombstones may go after it, and heads with a value, which
//! may stand where a tombstone stood, stay for as long.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use store_core::backend::FillMark;
use store_core::{EntryInfo, HOUR, Key, NewEntry, Result, Tag, Timestamp};

use super::body::{Body, Placement, chunk_keys};
use super::epoch::Subject;
use super::order::{Precedence, Standing, may_store};
use crate::error::corrupt;
use crate::item::{Item, ItemKey, number, text, texts, time_to_live, timestamp};
use crate::shards::partition_of;
use crate::table::{Condition, SchemaNames};

/// How heads' partitions begin.
pub(super) const PREFIX: &str = "VALUE";
/// The longest that a fill may take; one whose token is older counts as outdated.
pub(super) const RETENTION: Duration = HOUR;
/// How long what voids fills is kept: twice as long as fills may take, for clocks that differ.
const KEPT: Duration = HOUR.saturating_mul(2);

/// Everything about a head but the bytes of its value.
pub(super) const WITHOUT_VALUE: &str =
    "#PK, #SK, #TTL, #e, #began, #created, #exp, #tags, #size, #codec, #chunks, #sum, #id, #dead";

/// Where the head of `key` lives.
pub(super) fn head_key(key: &Key) -> ItemKey {
    ItemKey::new(partition_of(PREFIX, key.as_str()), key.as_str())
}

/// A head as it was read.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) key: Key,
    /// The epoch that its fill began in.
    pub(super) epoch: u64,
    began_at: Option<Timestamp>,
    pub(super) created_at: Timestamp,
    pub(super) expires_at: Option<Timestamp>,
    /// Its scope and tags.
    pub(super) subjects: Vec<Subject>,
    tags: Vec<Tag>,
    /// Which writing of the key this is.
    pub(super) id: String,
    /// Where its bytes are; nowhere if it is a tombstone.
    pub(super) body: Option<Body>,
    /// When DynamoDB may remove it, in Unix seconds.
    collected_at: Option<i64>,
}

impl Head {
    /// `None` if the sort key is not a valid cache key.
    pub(super) fn read(mut item: Item, name: &str, names: &SchemaNames) -> Result<Option<Self>> {
        let Ok(key) = Key::new(name) else {
            return Ok(None);
        };
        let tags = item.texts("tags")?.iter();
        let mut tags: Vec<Tag> = tags.filter_map(|tag| Tag::new(tag).ok()).collect();
        tags.sort();
        let missing = || corrupt("read", "a cached value has no id");
        Ok(Some(Self {
            epoch: item.count("e")?,
            began_at: item.timestamp("began")?,
            created_at: item.timestamp("created")?.unwrap_or_default(),
            expires_at: item.timestamp("exp")?,
            subjects: Subject::of(&key, &tags),
            tags,
            id: item.text("id")?.ok_or_else(missing)?.to_owned(),
            collected_at: item.number(&names.time_to_live)?,
            body: if item.has("dead") {
                None
            } else {
                Some(Body::read(&mut item)?)
            },
            key,
        }))
    }

    pub(super) fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }

    /// Whether there is a value that has not expired; it may be hidden by an invalidation.
    pub(super) fn is_live(&self, now: Timestamp) -> bool {
        self.body.is_some() && !self.is_expired(now)
    }

    /// Whether neither readers nor fills in progress need it any more.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        let seconds = now.as_millis().div_euclid(1_000);
        self.collected_at.is_some_and(|at| at <= seconds)
    }

    /// Whether its fill began before or after that of `new`.
    pub(super) fn precedence(&self, new: FillMark, now: Timestamp) -> Precedence {
        let standing = Standing {
            epoch: self.epoch,
            began_at: self.began_at,
            expires_at: self.expires_at,
        };
        standing.precedence(new, now)
    }

    /// Where the chunks of its value are, if it has any.
    pub(super) fn chunk_keys(&self) -> Vec<ItemKey> {
        let chunks = self.body.as_ref().map_or(0, |body| body.chunks);
        chunk_keys(&self.id, chunks)
    }

    pub(super) fn info(&self) -> EntryInfo {
        let size_bytes = self.body.as_ref().map_or(0, |body| body.size);
        EntryInfo::new(self.key.clone(), size_bytes, self.created_at)
            .with_expires_at(self.expires_at)
            .with_tags(self.tags.clone())
    }
}

/// A value to store, as its head tells of it.
#[derive(Clone, Debug)]
pub(super) struct NewHead {
    pub(super) key: Key,
    pub(super) token: FillMark,
    tags: Vec<Tag>,
    pub(super) subjects: Vec<Subject>,
    expires_at: Option<Timestamp>,
    pub(super) id: String,
}

impl NewHead {
    pub(super) fn new(entry: &NewEntry, token: FillMark, id: String, now: Timestamp) -> Self {
        let mut tags = entry.tags.clone();
        tags.sort();
        tags.dedup();
        Self {
            key: entry.key.clone(),
            // A fill cannot have begun in the future: the clock was set back since.
            token: FillMark {
                began_at: token.began_at.min(now),
                ..token
            },
            subjects: Subject::of(&entry.key, &tags),
            tags,
            expires_at: entry.ttl.expires_at(now),
            id,
        }
    }

    pub(super) fn never_expires(&self) -> bool {
        self.expires_at.is_none()
    }

    /// When DynamoDB may remove the head, if ever.
    fn collected_at(&self, now: Timestamp) -> Option<Timestamp> {
        let expires_at = self.expires_at?;
        Some(expires_at.max(now) + KEPT)
    }

    /// When it may remove the chunks: later than the head. Those of a value that never expires may go as
    /// well until the head is there: whoever writes them may die before.
    pub(super) fn chunks_collected_at(&self, now: Timestamp) -> Timestamp {
        self.collected_at(now).unwrap_or(now + KEPT) + HOUR
    }

    /// The item, with the value in it or a note of where it is.
    pub(super) fn item(&self, place: &Placement, names: &SchemaNames, now: Timestamp) -> Item {
        let collected_at = self.collected_at(now).map(time_to_live);
        let item = self
            .mark()
            .with("created", timestamp(now))
            .with_some("exp", self.expires_at.map(timestamp))
            .with_some("tags", self.tag_set())
            .with_some(&names.time_to_live, collected_at);
        place.written(item)
    }

    /// A tombstone in its place, which older fills run into as they would have run into it.
    pub(super) fn tombstone(&self, names: &SchemaNames, now: Timestamp) -> Item {
        dead(self.mark(), names, now)
    }

    fn mark(&self) -> Item {
        mark(self.token.epoch, &self.id).with("began", timestamp(self.token.began_at))
    }

    fn tag_set(&self) -> Option<AttributeValue> {
        let tags = self.tags.iter().map(|tag| tag.as_str().to_owned());
        texts(tags.collect())
    }

    /// What must hold of the item in its place, by itself.
    pub(super) fn may_store(&self, now: Timestamp) -> Condition {
        may_store(self.token, self.tag_set(), now)
    }
}

/// The head of a key that was removed at `epoch`, for fills from before.
pub(super) fn tombstone(epoch: u64, id: &str, names: &SchemaNames, now: Timestamp) -> Item {
    dead(mark(epoch, id), names, now)
}

fn mark(epoch: u64, id: &str) -> Item {
    Item::default()
        .with("e", number(epoch))
        .with("id", text(id))
}

fn dead(mark: Item, names: &SchemaNames, now: Timestamp) -> Item {
    mark.with("dead", timestamp(now))
        .with(&names.time_to_live, time_to_live(now + KEPT))
}
