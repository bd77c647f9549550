//! Numbers about a store, for and from it.

use std::borrow::Cow;
use std::time::Duration;

use store_core::Timestamp;

use super::response::{ContentId, ResponseId};
use crate::record::ContentHash;

/// Longer hosts and paths are cut.
const MAX_NAME_BYTES: usize = 255;

/// A request that was answered from the store, or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The response that answered; `None` for a miss.
    pub response: Option<ResponseId>,
    /// The host of the target, with its port if that is not the one of its scheme. A store may cut it after 255 bytes.
    pub host: String,
    /// The path of the target, without its query. A store may cut it as well.
    pub path: String,
    /// When.
    pub at: Timestamp,
    /// How long the answer took.
    pub duration: Duration,
    /// The length of the body that was sent from the store, in bytes.
    pub bytes: u64,
}

/// A host or path as it is counted: cut if it is long, as a path may have 64 KiB.
pub(crate) fn shortened(text: &str) -> Cow<'_, str> {
    if text.len() <= MAX_NAME_BYTES {
        return text.into();
    }
    let (beginning, _) = text.split_at(text.floor_char_boundary(MAX_NAME_BYTES));
    format!("{beginning}…").into()
}

/// How much is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Distinct URLs.
    pub urls: u64,
    /// Requests.
    pub requests: u64,
    /// Responses.
    pub responses: u64,
    /// Distinct bodies, those of older versions included.
    pub bodies: u64,
    /// The bytes of all bodies, before compression.
    pub body_bytes: u64,
    /// The bytes that they take.
    pub stored_bytes: u64,
}

/// A body that a target has, or had.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Version {
    /// The response that has it, or that had it before.
    pub response: ResponseId,
    /// The body.
    pub content: ContentId,
    /// Its hash.
    pub hash: ContentHash,
    /// 1 for the first.
    pub version: u64,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when; `None` if the target still has it.
    pub replaced_at: Option<Timestamp>,
    /// Its media type.
    pub content_type: Option<String>,
    /// Its length, in bytes.
    pub body_len: u64,
}

impl Version {
    /// Whether the target had it at this time.
    #[must_use]
    pub fn was_current_at(&self, at: Timestamp) -> bool {
        self.created_at <= at && self.replaced_at.is_none_or(|replaced_at| at < replaced_at)
    }

    /// A first version that the target still has, of an empty body without a media type; set what differs.
    ///
    /// ```
    /// use http_cache_db::Timestamp;
    /// use http_cache_db::store::{ContentHash, ContentId, ResponseId, Version};
    ///
    /// let hash = ContentHash::of(b"one");
    /// let mut version = Version::new(ResponseId(1), ContentId(1), hash, Timestamp::default());
    /// version.body_len = 3;
    /// assert_eq!((version.version, version.replaced_at), (1, None));
    /// ```
    #[must_use]
    pub const fn new(
        response: ResponseId,
        content: ContentId,
        hash: ContentHash,
        created_at: Timestamp,
    ) -> Self {
        Self {
            response,
            content,
            hash,
            version: 1,
            created_at,
            replaced_at: None,
            content_type: None,
            body_len: 0,
        }
    }
}

/// What was evicted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Evicted {
    /// Responses.
    pub responses: u64,
    /// Older versions of bodies.
    pub versions: u64,
    /// The bytes that they took.
    pub bytes: u64,
}

/// The state of a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// The bytes in use.
    pub used_bytes: u64,
    /// The bytes that it may use.
    pub max_bytes: u64,
    /// How long the question took.
    pub latency: Duration,
}
