//! One load: its time measured, its value stored, its failure remembered.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::{debug, warn};

use super::failures::Failure;
use super::flights::{LoadResult, Origin};
use super::inner::{Found, Inner, Read};
use super::loaded::{Content, Loaded, Previous};
use super::xfetch;
use crate::cache::{FillToken, NewEntry, SetOutcome};
use crate::codec::Codec;
use crate::codec::loaded::StoredValue;
use crate::error::{BoxError, Error, ErrorKind};
use crate::key::Key;
use crate::layer::within::within;
use crate::time::Timestamp;
use crate::ttl::Ttl;
use crate::typed::LoadError;

pub(super) struct Load<T, C> {
    pub(super) inner: Arc<Inner<C>>,
    pub(super) key: Key,
    pub(super) reason: Reason,
    pub(super) types: PhantomData<fn() -> T>,
}

/// What a caller saw before it began the load.
#[derive(Clone, Debug)]
pub(super) enum Reason {
    /// Nothing.
    Miss,
    /// A stale value, whose own load began then.
    Stale(Timestamp),
    /// This fresh value, which is loaded again early.
    Early(StoredValue),
}

impl Reason {
    /// When the load of the value began that is to be replaced.
    const fn replaces(&self) -> Option<Timestamp> {
        match self {
            Self::Miss => None,
            Self::Stale(loaded_at) => Some(*loaded_at),
            Self::Early(record) => Some(record.loaded_at),
        }
    }
}

/// Where the value of a finished load can be had by other processes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Location {
    Cache,
    Nowhere,
}

impl<T, C> Load<T, C>
where
    T: Serialize + DeserializeOwned + Send + Sync + 'static,
    C: Codec,
{
    pub(super) async fn run<E, F, R>(self, loader: F) -> LoadResult
    where
        E: Into<BoxError> + Send,
        F: FnOnce(Option<Previous<T>>) -> R + Send,
        R: Future<Output = Result<Loaded<T>, E>> + Send,
    {
        let result = match &self.inner.dedupe {
            Some(dedupe) => self.share(&**dedupe, loader).await,
            None => self.find_or_load(loader).await.0,
        };
        // Where there is nothing to give meanwhile, the next caller tries again.
        if let (Err(error), Some(replaces)) = (&result, self.reason.replaces()) {
            let now = self.inner.clock().monotonic();
            let failure = Failure {
                replaces,
                until: now.saturating_add(self.inner.options.retry_after),
                error: error.clone(),
            };
            self.inner.failures.add(self.key.clone(), failure, now);
        }
        result
    }

    /// The value of the cache, if another flight or process has stored it since the caller looked, or of a load.
    pub(super) async fn find_or_load<E, F, R>(&self, loader: F) -> (LoadResult, Location)
    where
        E: Into<BoxError> + Send,
        F: FnOnce(Option<Previous<T>>) -> R + Send,
        R: Future<Output = Result<Loaded<T>, E>> + Send,
    {
        let store = &self.inner.store;
        // Before the value is read again: one that is removed from here on is not to be confirmed.
        let before = match self.reason {
            Reason::Miss => None,
            Reason::Stale(_) | Reason::Early(_) => store.fill_token().await.ok(),
        };
        let (previous, token) = match self.inner.look_up::<T>(&self.key).await {
            Found::Fresh(read) if !self.has_seen(&read.record) => {
                return (Ok((read.record, Origin::Cache)), Location::Cache);
            }
            Found::Fresh(read) | Found::Stale(read) => match before {
                Some(token) => (Some(read), Some(token)),
                None => (Some(read), store.fill_token().await.ok()),
            },
            Found::Miss(token) => (None, Some(token)),
            Found::Undecodable => (None, store.fill_token().await.ok()),
            Found::Failed => (None, None),
        };
        self.inner.counters.load_began();
        match self.load(previous, token, loader).await {
            Ok((record, location)) => (Ok((record, Origin::Load)), location),
            Err(error) => {
                self.inner.counters.load_failed();
                debug!(key = %self.key, %error, "a load failed");
                (Err(error), Location::Nowhere)
            }
        }
    }

    async fn load<E, F, R>(
        &self,
        previous: Option<Read<T>>,
        token: Option<FillToken>,
        loader: F,
    ) -> Result<(StoredValue, Location), LoadError>
    where
        E: Into<BoxError> + Send,
        F: FnOnce(Option<Previous<T>>) -> R + Send,
        R: Future<Output = Result<Loaded<T>, E>> + Send,
    {
        let options = &self.inner.options;
        let clock = self.inner.clock();
        let (replaced, previous) = match previous {
            Some(Read { record, value }) => {
                let loaded_at = record.loaded_at;
                (Some(record), Some(Previous { value, loaded_at }))
            }
            None => (None, None),
        };
        let (loaded_at, began) = (clock.now(), clock.monotonic());
        let loading = within(clock, options.load_timeout, loader(previous));
        let result = loading.await;
        let load_time = clock.monotonic().saturating_sub(began);
        let Some(result) = result else {
            return Err(self.timed_out("the load took too long"));
        };
        let result = result.map_err(LoadError::new)?;
        let (record, lifetime) = self.record(result, replaced.as_ref(), loaded_at, load_time)?;
        let location = match token {
            // What is not to be kept still removes what it replaces.
            Some(token) if lifetime != Ttl::After(Duration::ZERO) || replaced.is_some() => {
                self.store(&record, lifetime, token).await
            }
            Some(_) | None => Location::Nowhere,
        };
        Ok((record, location))
    }

    /// The record of what was loaded, and how long it is kept.
    fn record(
        &self,
        loaded: Loaded<T>,
        replaced: Option<&StoredValue>,
        loaded_at: Timestamp,
        load_time: Duration,
    ) -> Result<(StoredValue, Ttl), LoadError> {
        let options = &self.inner.options;
        let (value, kept_tags) = match (loaded.content, replaced) {
            (Content::Value(value), _) => {
                let bytes = self.inner.codec.encode(&value).map_err(LoadError::new)?;
                (Some(bytes), Vec::new())
            }
            (Content::Absent, _) => (None, Vec::new()),
            (Content::NotModified, Some(record)) => (record.value.clone(), record.tags.clone()),
            (Content::NotModified, None) => {
                return Err(LoadError::new(
                    "not modified, but there is no previous value",
                ));
            }
        };
        let (default_ttl, default_stale_for) = match value {
            Some(_) => (options.ttl, options.stale_for),
            // That there was nothing says less about now than an old value does.
            None => (options.absent_ttl, Duration::ZERO),
        };
        let (fresh_until, lifetime) = match loaded.ttl.unwrap_or(default_ttl) {
            Ttl::Never => (None, Ttl::Never),
            Ttl::After(ttl) => {
                let ttl = xfetch::shortened(ttl, options.ttl_jitter, &*options.random);
                let kept_for = ttl.saturating_add(loaded.stale_for.unwrap_or(default_stale_for));
                (Some(self.inner.clock().now() + ttl), Ttl::After(kept_for))
            }
        };
        let record = StoredValue {
            loaded_at,
            fresh_until,
            load_time,
            tags: loaded.tags.unwrap_or(kept_tags),
            value,
        };
        Ok((record, lifetime))
    }

    async fn store(&self, record: &StoredValue, lifetime: Ttl, token: FillToken) -> Location {
        let key = &self.key;
        let stored = async {
            let entry = NewEntry::fill(key.clone(), record.encode()?, token)
                .with_ttl(lifetime)
                .with_tags(record.tags.iter().cloned());
            self.inner.store.set(entry).await
        };
        match stored.await {
            // Those who joined use fresh values only.
            Ok(SetOutcome::Stored) if record.is_fresh(self.inner.clock().now()) => Location::Cache,
            Ok(SetOutcome::Stored) => Location::Nowhere,
            Ok(SetOutcome::Outdated) => {
                debug!(%key, "invalidated while it was loaded: not cached");
                Location::Nowhere
            }
            Err(error) => {
                warn!(%key, %error, "a value is not cached");
                Location::Nowhere
            }
        }
    }

    /// Whether the caller saw this record, and wants another.
    pub(super) fn has_seen(&self, record: &StoredValue) -> bool {
        matches!(&self.reason, Reason::Early(seen) if seen == record)
    }

    pub(super) fn timed_out(&self, detail: &'static str) -> LoadError {
        let error = Error::new(ErrorKind::Timeout, "read-through", "load")
            .with_key(self.key.as_str())
            .with_detail(detail);
        LoadError::new(error)
    }
}
