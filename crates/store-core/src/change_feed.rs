//! The feed of a store's changes, by which copies of its values are kept current.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::error::Result;
use crate::key::Key;

/// What has changed in a cache, whoever changed it: for whoever keeps copies of its values, such as
/// [`layer::Tiered`](crate::layer::Tiered).
///
/// A reader hands in the position that its last call handed out, once it has dropped what that call named. A call that
/// fails or is dropped therefore loses nothing: the next one begins at the same position.
#[async_trait]
pub trait ChangeFeed: Debug + Send + Sync + 'static {
    /// The changes since `position`.
    ///
    /// # Behavior
    /// - every change that was committed before this call, and after the call that handed out `position` began, is in
    ///   the answer: stored, replaced, deleted, cleared, invalidated by a tag, hidden, expired and swept;
    /// - the answer may also name keys that did not change, changes that the reader made itself, and changes during
    ///   this call;
    /// - no position, one that the store does not know any more, or too many changes: [`Changed::Everything`].
    ///
    /// # Errors
    /// The kinds of a backend that does not work, as [`CacheStore`](crate::CacheStore) lists them.
    async fn changes_since(&self, position: Option<FeedPosition>) -> Result<Changes>;
}

/// The answer of a [`ChangeFeed`].
///
/// ```
/// use store_core::backend::FeedMark;
/// use store_core::{Changed, Changes, FeedPosition};
///
/// let next = FeedPosition::from(FeedMark { follower: 1, sequence: 7 });
/// let changes = Changes::new(Changed::Everything, next);
/// assert_eq!(changes.next, next);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Changes {
    /// What may have changed.
    pub changed: Changed,
    /// The position for the next call.
    pub next: FeedPosition,
}

impl Changes {
    /// The changes up to a position.
    #[must_use]
    pub const fn new(changed: Changed, next: FeedPosition) -> Self {
        Self { changed, next }
    }
}

/// What may have changed between two positions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// The values of these keys, and of no others; a key may be named several times.
    Keys(Vec<Key>),
    /// Any value.
    Everything,
}

/// A position in a [`ChangeFeed`], opaque: a call hands it out, the next one hands it in. It means something to the
/// store that it came from, and to nobody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FeedPosition(FeedMark);

/// The content of a [`FeedPosition`], for backends.
///
/// ```
/// use store_core::FeedPosition;
/// use store_core::backend::FeedMark;
///
/// let mark = FeedMark { follower: 3, sequence: 7 };
/// assert_eq!(FeedMark::from(FeedPosition::from(mark)), mark);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FeedMark {
    /// The reader, by a number that the store gave it.
    pub follower: u64,
    /// The number of the last change that it was told.
    pub sequence: u64,
}

impl From<FeedMark> for FeedPosition {
    fn from(mark: FeedMark) -> Self {
        Self(mark)
    }
}

impl From<FeedPosition> for FeedMark {
    fn from(position: FeedPosition) -> Self {
        position.0
    }
}
