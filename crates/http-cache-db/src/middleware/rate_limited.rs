//! An origin that takes a permit for each request.

use http::{Request, Response};
use store_core::{AcquireError, Timestamp};

use super::permits::Permits;
use crate::cache::{Body, Origin, SentAt};

/// Takes a permit before each request that the cache sends to this origin; a stored response takes none.
///
/// A permit that is granted is used, unless the origin knows that nothing [was sent](Origin::was_sent). Without a
/// permit the origin counts as out of reach: a stale response answers, if it may. Validation in the background asks
/// for permits of the background.
///
/// ```
/// use std::sync::Arc;
///
/// use http::{Request, Response};
/// use http_cache_db::cache::{Body, HttpCache};
/// use http_cache_db::MemoryStore;
/// use http_cache_db::middleware::{Permits, RateLimited};
/// use store_memory::{HOUR, Limit, MemoryRateLimitStore, RateLimitStoreExt, RateLimiterOptions, SECOND};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // A request an hour to each host; who gets no permit within a second is told when to try again.
/// let limits = MemoryRateLimitStore::new(Limit::new(1, HOUR));
/// let permits = Permits::new(limits.limiter_with(RateLimiterOptions::default().with_max_wait(SECOND)));
///
/// let cache = HttpCache::new(Arc::new(MemoryStore::new(64 * 1024 * 1024)));
/// let origin = |_request: Request<Body>| async {
///     // Send the request here.
///     let response = Response::builder().header("cache-control", "max-age=60");
///     response.body(Body::full("one"))
/// };
/// let origin = RateLimited::new(origin, permits);
///
/// let ask = |path| Request::get(format!("http://example.org{path}")).body(Body::empty());
/// # let read = async |response: Response<Body>| response.into_body().bytes().await;
/// # read(cache.handle(ask("/1")?, &origin).await?).await.map_err(|error| error.to_string())?;
/// cache.handle(ask("/1")?, &origin).await?; // stored by an earlier request: no permit
/// let denied = cache.handle(ask("/2")?, &origin).await.err();
/// assert!(denied.is_some_and(|error| error.retry_at().is_some()));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RateLimited<O> {
    origin: O,
    permits: Permits,
}

impl<O> RateLimited<O> {
    /// `origin`, with a permit per request.
    #[must_use]
    pub const fn new(origin: O, permits: Permits) -> Self {
        Self { origin, permits }
    }
}

impl<O: Origin> Origin for RateLimited<O> {
    type Error = RateLimitedError<O::Error>;

    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, Self::Error> {
        let (parts, body) = request.into_parts();
        let permit = self.permits.acquire(&parts).await?;
        let sent_at = SentAt(permit.admitted_at());
        match self.origin.send(Request::from_parts(parts, body)).await {
            Ok(mut response) => {
                response.extensions_mut().get_or_insert(sent_at);
                Ok(response)
            }
            Err(error) => {
                if !self.origin.was_sent(&error) {
                    permit.give_back();
                }
                Err(RateLimitedError::Origin(error))
            }
        }
    }

    fn was_sent(&self, error: &Self::Error) -> bool {
        match error {
            RateLimitedError::NoPermit(_) => false,
            RateLimitedError::Origin(error) => self.origin.was_sent(error),
        }
    }

    fn detached(&self) -> Self {
        Self {
            origin: self.origin.detached(),
            permits: self.permits.clone().background(),
        }
    }
}

/// Why a [`RateLimited`] origin gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum RateLimitedError<E> {
    /// There was no permit, and nothing was sent: the limit allows no request within the wait, or its store failed.
    #[error(transparent)]
    NoPermit(#[from] AcquireError),
    /// The error of the origin.
    #[error(transparent)]
    Origin(E),
}

impl<E> RateLimitedError<E> {
    /// When another attempt may get a permit, if the limit allowed none.
    #[must_use]
    pub const fn retry_at(&self) -> Option<Timestamp> {
        match self {
            Self::NoPermit(AcquireError::Denied { retry_at, .. }) => Some(*retry_at),
            Self::NoPermit(_) | Self::Origin(_) => None,
        }
    }
}
