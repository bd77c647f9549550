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
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use store_core::layer::read_through::{Loaded, Previous, ReadThrough};
/// use store_core::{HOUR, Key, Outcome};
/// use store_memory::MemoryCacheStore;
/// use std::time::Duration;
///
/// // A title and its entity tag.
/// type Title = (String, String);
///
/// async fn ask(previous: Option<Previous<Title>>) -> Result<Loaded<Title>, std::io::Error> {
///     let tag = previous.and_then(|previous| previous.value).map(|(_, tag)| tag);
///     Ok(match tag.as_deref() {
///         // Upstream answers 304 to a request with this tag in `If-None-Match`.
///         Some("v1") => Loaded::not_modified().with_ttl(HOUR),
///         _ => Loaded::new(("Cry for the Moon".to_owned(), "v1".to_owned()))
///             .with_ttl(Duration::ZERO)
///             .with_stale_for(HOUR),
///     })
/// }
///
/// let titles: ReadThrough<Title> = ReadThrough::new(MemoryCacheStore::new());
/// let key = Key::new("comics:issue/4000-1")?;
/// titles.get(&key, ask).await?;
/// let answer = titles.get(&key, ask).await?; // stale, and not modified
/// assert_eq!(answer.outcome, Outcome::Fetched);
/// assert_eq!(titles.get(&key, ask).await?.outcome, Outcome::Hit);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Previous<T> {
    /// The value; `None` if there was known to be none.
    pub value: Option<T>,
    /// When its load began.
    pub loaded_at: Timestamp,
}
