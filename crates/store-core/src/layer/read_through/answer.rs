//! What callers get: a value and its origin, or an error.

use std::error::Error as StdError;
use std::fmt;

use crate::pipeline::Outcome;
use crate::time::Timestamp;
use crate::typed::LoadError;

/// A value and its origin.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use store_core::layer::read_through::{Loaded, ReadThrough};
/// use store_core::{Key, Outcome};
/// use store_memory::MemoryCacheStore;
///
/// let titles: ReadThrough<String> = ReadThrough::new(MemoryCacheStore::new());
/// let key = Key::new("comics:issue/4000-0")?;
/// let ask = async |_| Ok::<_, std::io::Error>(Loaded::absent()); // upstream: not found
/// assert_eq!(titles.get(&key, ask).await?.outcome, Outcome::Fetched);
///
/// let known = titles.get(&key, ask).await?;
/// assert_eq!((known.value, known.outcome), (None, Outcome::Hit));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Answer<T> {
    /// The value; `None` if there is known to be none.
    pub value: Option<T>,
    /// Where it comes from: the cache, fresh (`Hit`) or not (`Stale`), a load for this caller (`Fetched`), or the
    /// load of another caller or process (`Joined`).
    pub outcome: Outcome,
    /// When its load began, here or elsewhere.
    pub loaded_at: Timestamp,
    /// Why a stale value is given; `None` if it is fresh.
    pub stale_cause: Option<StaleCause>,
}

/// Why a stale value is given.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use store_core::layer::read_through::{Loaded, ReadThrough, ReadThroughOptions, StaleCause};
/// use store_core::{DAY, Key};
/// use store_memory::MemoryCacheStore;
/// use std::time::Duration;
///
/// let titles: ReadThrough<String> = ReadThrough::builder(MemoryCacheStore::new())
///     .with_options(ReadThroughOptions::default().with_ttl(Duration::ZERO).with_stale_for(DAY))
///     .build();
/// let key = Key::new("comics:issue/4000-1")?;
/// let works = async |_| Ok::<_, std::io::Error>(Loaded::new("Cry for the Moon".to_owned()));
/// titles.get(&key, works).await?;
///
/// let fails = async |_| Err(std::io::Error::other("down"));
/// let answer = titles.get(&key, fails).await?;
/// assert_eq!(answer.value.as_deref(), Some("Cry for the Moon"));
/// assert!(matches!(answer.stale_cause, Some(StaleCause::Failed(error)) if error.to_string() == "down"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum StaleCause {
    /// The last load failed, now or less than [`retry_after`](super::ReadThroughOptions::retry_after) ago.
    Failed(LoadError),
    /// The load takes longer than the [soft timeout](super::ReadThroughOptions::soft_timeout), and goes on.
    TimedOut,
    /// The cache is [closed](super::ReadThrough::close).
    Closed,
}

impl fmt::Display for StaleCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => error.fmt(f),
            Self::TimedOut => f.write_str("the load is still in progress"),
            Self::Closed => f.write_str("the cache is closed"),
        }
    }
}

/// The error of a caller for whom there is neither a fresh value nor a stale one.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use store_core::layer::read_through::{ReadThrough, ReadThroughError, ReadThroughOptions};
/// use store_core::{Key, SECOND};
/// use store_memory::MemoryCacheStore;
///
/// let titles: ReadThrough<String> = ReadThrough::builder(MemoryCacheStore::new())
///     .with_options(ReadThroughOptions::default().with_hard_timeout(SECOND / 100))
///     .build();
/// let hangs = async |_| std::future::pending::<Result<_, std::io::Error>>().await;
/// let error = titles.get(&Key::new("comics:issue/4000-1")?, hangs).await.unwrap_err();
/// assert!(matches!(error, ReadThroughError::TimedOut));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ReadThroughError {
    /// The load failed, here or in the caller or process that was joined. It is not cached.
    Load(LoadError),
    /// The load takes longer than the [hard timeout](super::ReadThroughOptions::hard_timeout), and goes on.
    TimedOut,
    /// The cache is [closed](super::ReadThrough::close): it begins no load.
    Closed,
}

impl From<ReadThroughError> for StaleCause {
    fn from(error: ReadThroughError) -> Self {
        match error {
            ReadThroughError::Load(error) => Self::Failed(error),
            ReadThroughError::TimedOut => Self::TimedOut,
            ReadThroughError::Closed => Self::Closed,
        }
    }
}

impl fmt::Display for ReadThroughError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Load(error) => error.fmt(f),
            Self::TimedOut => f.write_str("the load is still in progress"),
            Self::Closed => f.write_str("the cache is closed"),
        }
    }
}

impl StdError for ReadThroughError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            // The error is displayed in place of this one, so its cause is this one's.
            Self::Load(error) => error.source(),
            Self::TimedOut | Self::Closed => None,
        }
    }
}
