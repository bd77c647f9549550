//! What a load returns, and what it may know of the value before.

use std::time::Duration;

use crate::tag::Tag;
use crate::time::Timestamp;
use crate::ttl::Ttl;

/// The result of a load: a value, the knowledge that there is none, or that the value before is still right; with
/// lifetimes and tags of its own where it has them.
///
/// ```
/// use store_core::layer::read_through::Loaded;
/// use store_core::{HOUR, Tag};
///
/// let issue = Loaded::new("Cry for the Moon").with_ttl(HOUR).with_tags([Tag::new("volume:796")?]);
/// let none: Loaded<&str> = Loaded::absent();
/// let maybe = Loaded::from(Some("Cry for the Moon"));
/// # Ok::<(), store_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Loaded<T> {
    pub(super) content: Content<T>,
    pub(super) ttl: Option<Ttl>,
    pub(super) stale_for: Option<Duration>,
    pub(super) tags: Option<Vec<Tag>>,
}

#[derive(Clone, Debug)]
pub(super) enum Content<T> {
    Value(T),
    Absent,
    NotModified,
}

impl<T> Loaded<T> {
    /// A value.
    #[must_use]
    pub const fn new(value: T) -> Self {
        Self::of(Content::Value(value))
    }

    /// There is no value, and that is known: it is cached, for
    /// [`absent_ttl`](super::ReadThroughOptions::absent_ttl), unlike an error.
    #[must_use]
    pub const fn absent() -> Self {
        Self::of(Content::Absent)
    }

    /// The [`Previous`] value is still right: it is fresh again, and keeps its tags if it gets no others. Without a
    /// previous value this is an error.
    #[must_use]
    pub const fn not_modified() -> Self {
        Self::of(Content::NotModified)
    }

    const fn of(content: Content<T>) -> Self {
        Self {
            content,
            ttl: None,
            stale_for: None,
            tags: None,
        }
    }

    /// Sets how long this value is fresh. Default: that of the options. The value itself may say how long
    /// (adaptive time to live).
    #[must_use]
    pub fn with_ttl(mut self, ttl: impl Into<Ttl>) -> Self {
        self.ttl = Some(ttl.into());
        self
    }

    /// Sets how much longer this value is kept, to be given when it cannot be loaded. Default: that of the
    /// options.
    #[must_use]
    pub const fn with_stale_for(mut self, stale_for: Duration) -> Self {
        self.stale_for = Some(stale_for);
        self
    }

    /// Sets the tags. Default: none.
    #[must_use]
    pub fn with_tags(mut self, tags: impl IntoIterator<Item = Tag>) -> Self {
        self.tags = Some(tags.into_iter().collect());
        self
    }
}

impl<T> From<Option<T>> for Loaded<T> {
    /// `None` is [`Loaded::absent`].
    fn from(value: Option<T>) -> Self {
        value.map_or_else(Self::absent, Self::new)
    }
}

/// The value that a load is to replace: stale, or fresh and about to expire. Where upstream can say that nothing has
/// changed, the load asks it so (a conditional request) and returns [`Loaded::not_modified`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Previous<T> {
    /// The value; `None` if there was known to be none.
    pub value: Option<T>,
    /// When its load began.
    pub loaded_at: Timestamp,
}
