//! Heads: the item of a key, which tells everything about its value and holds it, if it is short.
//!
//! A key that was deleted keeps a head without a value, a tombstone, which fills from before run into.
//! No fill takes longer than [`RETENTION`], so tombstones may go after it, and heads with a value, which
//! may stand where a tombstone stood, stay for as long.

use std::time::Duration;

use store_core::backend::FillMark;
use store_core::{EntryInfo, HOUR, Key, NewEntry, Result, Tag, Timestamp};

use super::body::{Body, Placement};
use super::epoch::Subject;
use crate::error::corrupt;
use crate::item::{Item, ItemKey, number, text, texts, time_to_live, timestamp};
use crate::shards::partition_of;
use crate::table::{SchemaNames, Values};

/// How heads' partitions begin.
pub(super) const PREFIX: &str = "CACHE";
/// The longest that a fill may take; one whose token is older counts as outdated.
pub(super) const RETENTION: Duration = HOUR;
/// How long what voids fills is kept: twice as long as fills may take, for clocks that differ.
const KEPT: Duration = HOUR.saturating_mul(2);

/// Everything about a head but the bytes of its value.
pub(super) const WITHOUT_VALUE: &str = "#PK, #SK, #TTL, #e, #began, #created, #exp, #tags, #size, #stored, #codec, #chunks, #sum, #id, #dead";

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

    /// Whether a fill of `token` began before the one that brought this; it is not known if both began
    /// in one millisecond, or if the clock was set back since.
    pub(super) fn is_later_than(&self, token: FillMark, now: Timestamp) -> bool {
        let began_at = self.began_at.filter(|at| *at <= now);
        self.epoch > token.epoch
            || self.epoch == token.epoch && began_at.is_some_and(|at| at > token.began_at)
    }

    /// The same, or both began at once.
    pub(super) fn is_as_late_as(&self, token: FillMark, now: Timestamp) -> bool {
        let is_tie = self.epoch == token.epoch && self.began_at == Some(token.began_at);
        is_tie || self.is_later_than(token, now)
    }

    pub(super) fn info(&self, size_bytes: u64) -> EntryInfo {
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
    pub(super) tags: Vec<Tag>,
    pub(super) subjects: Vec<Subject>,
    pub(super) expires_at: Option<Timestamp>,
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

    /// When DynamoDB may remove the head, if ever.
    fn collected_at(&self, now: Timestamp) -> Option<Timestamp> {
        let expires_at = self.expires_at?;
        Some(expires_at.max(now) + KEPT)
    }

    /// When it may remove the chunks: later than the head.
    pub(super) fn chunks_collected_at(&self, now: Timestamp) -> Option<Timestamp> {
        Some(self.collected_at(now)? + HOUR)
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
        self.mark()
            .with("dead", timestamp(now))
            .with(&names.time_to_live, time_to_live(now + KEPT))
    }

    fn mark(&self) -> Item {
        Item::default()
            .with("e", number(self.token.epoch))
            .with("began", timestamp(self.token.began_at))
            .with("id", text(&self.id))
    }

    fn tag_set(&self) -> Option<aws_sdk_dynamodb::types::AttributeValue> {
        texts(
            self.tags
                .iter()
                .map(|tag| tag.as_str().to_owned())
                .collect(),
        )
    }

    /// What must hold of the item in its place, by itself: no later fill, no later removal, and no value
    /// that is still visible while the new one may turn out to be hidden.
    ///
    /// The new head is hidden if one of its own subjects was invalidated; then so is a former value of
    /// the same key with the same tags and no later fill. Where the tags differ the writer has to look.
    pub(super) fn condition(&self, now: Timestamp) -> (String, Values) {
        let same_tags = if self.tags.is_empty() {
            "attribute_not_exists(#tags)"
        } else {
            "#tags = :tags"
        };
        let gone = format!("attribute_exists(#dead) OR #exp <= :now OR {same_tags}");
        let order = format!("#exp <= :now OR {NOT_LATER}");
        let condition = format!(
            "attribute_not_exists(#e) \
             OR (#e < :e AND ({gone})) OR (#e = :e AND ({order}) AND ({gone}))"
        );
        let values = self.order_values(now);
        let values = match self.tag_set() {
            Some(tags) => values.with(":tags", tags),
            None => values,
        };
        (condition, values)
    }

    /// What must hold for a tombstone: no later fill and no later removal.
    pub(super) fn tombstone_condition(&self, now: Timestamp) -> (String, Values) {
        let condition =
            format!("attribute_not_exists(#e) OR #e < :e OR (#e = :e AND ({NOT_LATER}))");
        (condition, self.order_values(now))
    }

    fn order_values(&self, now: Timestamp) -> Values {
        Values::default()
            .with(":e", number(self.token.epoch))
            .with(":began", timestamp(self.token.began_at))
            .with(":now", timestamp(now))
    }
}

/// What `Head::is_later_than` asks, of a head of the same epoch.
const NOT_LATER: &str = "attribute_not_exists(#began) OR #began <= :began OR #began > :now";

/// The head of a key that was removed at `epoch`, for fills from before.
pub(super) fn tombstone(epoch: u64, id: &str, names: &SchemaNames, now: Timestamp) -> Item {
    Item::default()
        .with("e", number(epoch))
        .with("id", text(id))
        .with("dead", timestamp(now))
        .with(&names.time_to_live, time_to_live(now + KEPT))
}
