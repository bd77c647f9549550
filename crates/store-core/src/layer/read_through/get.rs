//! One call: the cached value, or the result of a load that is in flight or begins now.

use std::marker::PhantomData;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::debug;

use super::ReadThrough;
use super::answer::{Answer, ReadThroughError, StaleCause};
use super::flights::{LoadResult, Mode, Origin, Participation};
use super::inner::{Found, Read};
use super::load::{Load, Reason};
use super::loaded::{Loaded, Previous};
use crate::codec::Codec;
use crate::codec::loaded::StoredValue;
use crate::error::BoxError;
use crate::key::Key;
use crate::layer::within::within;
use crate::pipeline::Outcome;
use crate::typed::LoadError;

impl<T, C> ReadThrough<T, C>
where
    T: Serialize + DeserializeOwned + Send + Sync + 'static,
    C: Codec,
{
    pub(super) async fn answer<E, F, R>(
        &self,
        key: &Key,
        loader: F,
    ) -> Result<Answer<T>, ReadThroughError>
    where
        E: Into<BoxError> + Send + 'static,
        F: FnOnce(Option<Previous<T>>) -> R + Send + 'static,
        R: Future<Output = Result<Loaded<T>, E>> + Send + 'static,
    {
        let inner = &self.inner;
        let stale = match inner.look_up::<T>(key).await {
            Found::Fresh(read) => {
                if inner.is_due_early(key, &read.record) {
                    self.refresh_early(key, &read.record, loader);
                }
                return Ok(read.into_answer(Outcome::Hit));
            }
            Found::Stale(read) => {
                if let Some(error) = inner.failure(key, &read.record) {
                    return Ok(read.into_stale(StaleCause::Failed(error)));
                }
                Some(read)
            }
            Found::Miss(_) | Found::Undecodable | Found::Failed => None,
        };
        let reason = match &stale {
            Some(read) => Reason::Stale(read.record.loaded_at),
            None => Reason::Miss,
        };
        let error = match self.load(key, reason, loader).await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        match stale {
            Some(read) => {
                debug!(%key, "answered with a stale value: {error}");
                Ok(read.into_stale(error))
            }
            None => Err(error),
        }
    }

    /// Joins the load in flight or begins one, and waits for it within the timeouts.
    async fn load<E, F, R>(
        &self,
        key: &Key,
        reason: Reason,
        loader: F,
    ) -> Result<Answer<T>, ReadThroughError>
    where
        E: Into<BoxError> + Send + 'static,
        F: FnOnce(Option<Previous<T>>) -> R + Send + 'static,
        R: Future<Output = Result<Loaded<T>, E>> + Send + 'static,
    {
        let inner = &self.inner;
        let (clock, options) = (inner.clock(), &inner.options);
        let began = clock.monotonic();
        let soft = match reason {
            Reason::Stale(_) => Some(options.soft_timeout),
            Reason::Miss | Reason::Early(_) => None,
        };
        let mut loader = Some(loader);
        loop {
            let now = clock.monotonic();
            let load = || self.flight(key, reason.clone(), loader.take());
            let (mut participant, is_own) =
                match inner.flights.join_or_start(key, Mode::Awaited, now, load) {
                    Participation::Started(participant) => (participant, true),
                    Participation::Joined(participant) => (participant, false),
                    Participation::Closed => return Err(ReadThroughError::Closed),
                };
            let hard = options
                .hard_timeout
                .saturating_sub(now.saturating_sub(began));
            // From the beginning of the load: who comes while it hangs does not wait as well.
            let soft =
                soft.map(|soft| soft.saturating_sub(now.saturating_sub(participant.started_at)));
            let patience = soft.map_or(hard, |soft| soft.min(hard));
            match within(clock, patience, participant.result()).await {
                Some(Some(result)) => return self.read(result, is_own),
                Some(None) if is_own => {
                    let error = LoadError::new("the load ended without a result");
                    return Err(ReadThroughError::Load(error));
                }
                // Another caller's load is gone, so this one begins its own.
                Some(None) => {}
                None => {
                    participant.leave_to_background();
                    return Err(ReadThroughError::TimedOut);
                }
            }
        }
    }

    /// Begins a load in the background, unless one is in flight.
    fn refresh_early<E, F, R>(&self, key: &Key, seen: &StoredValue, loader: F)
    where
        E: Into<BoxError> + Send + 'static,
        F: FnOnce(Option<Previous<T>>) -> R + Send + 'static,
        R: Future<Output = Result<Loaded<T>, E>> + Send + 'static,
    {
        let inner = &self.inner;
        let load = || {
            inner.counters.refreshed_early();
            self.flight(key, Reason::Early(seen.clone()), Some(loader))
        };
        let now = inner.clock().monotonic();
        match inner
            .flights
            .join_or_start(key, Mode::Background, now, load)
        {
            Participation::Started(_) => debug!(%key, "refreshing early"),
            Participation::Joined(_) | Participation::Closed => {}
        }
    }

    /// The task of a load.
    fn flight<E, F, R>(
        &self,
        key: &Key,
        reason: Reason,
        loader: Option<F>,
    ) -> impl Future<Output = LoadResult> + Send + use<T, C, E, F, R>
    where
        E: Into<BoxError> + Send + 'static,
        F: FnOnce(Option<Previous<T>>) -> R + Send + 'static,
        R: Future<Output = Result<Loaded<T>, E>> + Send + 'static,
    {
        let load = Load {
            inner: Arc::clone(&self.inner),
            key: key.clone(),
            reason,
            types: PhantomData,
        };
        async move {
            match loader {
                Some(loader) => load.run(loader).await,
                None => Err(LoadError::new("a caller loads once")),
            }
        }
    }

    fn read(&self, result: LoadResult, is_own: bool) -> Result<Answer<T>, ReadThroughError> {
        let (record, origin) = result.map_err(ReadThroughError::Load)?;
        let outcome = match origin {
            Origin::Load if is_own => Outcome::Fetched,
            Origin::Cache if is_own => Outcome::Hit,
            Origin::Load | Origin::Cache | Origin::Elsewhere => Outcome::Joined,
        };
        let read = self.inner.read(record);
        let read: Read<T> = read.map_err(|error| ReadThroughError::Load(LoadError::new(error)))?;
        Ok(read.into_answer(outcome))
    }
}
