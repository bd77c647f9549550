//! The parts that the clones of a read-through cache share, and the lookup.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use tracing::warn;

use super::answer::{Answer, StaleCause};
use super::failures::Failures;
use super::flights::Flights;
use super::options::ReadThroughOptions;
use super::stats::Counters;
use super::xfetch;
use crate::cache::{CacheStore, FillToken, Lookup};
use crate::clock::Clock;
use crate::codec::Codec;
use crate::codec::loaded::StoredValue;
use crate::dedupe::DedupeStore;
use crate::error::Result;
use crate::key::Key;
use crate::pipeline::Outcome;
use crate::typed::LoadError;

#[derive(Debug)]
pub(super) struct Inner<C> {
    pub(super) store: Arc<dyn CacheStore>,
    pub(super) dedupe: Option<Arc<dyn DedupeStore>>,
    pub(super) codec: C,
    pub(super) options: ReadThroughOptions,
    pub(super) flights: Flights,
    pub(super) failures: Failures,
    pub(super) counters: Counters,
}

/// The result of a lookup.
pub(super) enum Found<T> {
    Fresh(Read<T>),
    Stale(Read<T>),
    Miss(FillToken),
    /// Something that does not decode.
    Undecodable,
    /// The store failed.
    Failed,
}

/// A record and its decoded value.
pub(super) struct Read<T> {
    pub(super) record: StoredValue,
    pub(super) value: Option<T>,
}

impl<T> Read<T> {
    pub(super) fn into_answer(self, outcome: Outcome) -> Answer<T> {
        Answer {
            value: self.value,
            outcome,
            loaded_at: self.record.loaded_at,
            stale_cause: None,
        }
    }

    pub(super) fn into_stale(self, cause: impl Into<StaleCause>) -> Answer<T> {
        Answer {
            stale_cause: Some(cause.into()),
            ..self.into_answer(Outcome::Stale)
        }
    }
}

impl<C: Codec> Inner<C> {
    pub(super) fn clock(&self) -> &dyn Clock {
        &*self.options.clock
    }

    pub(super) async fn look_up<T: DeserializeOwned>(&self, key: &Key) -> Found<T> {
        match self.store.get(key).await {
            Ok(Lookup::Hit(entry)) => {
                match StoredValue::decode(&entry.value).and_then(|record| self.read(record)) {
                    Ok(read) if read.record.is_fresh(self.clock().now()) => Found::Fresh(read),
                    Ok(read) => Found::Stale(read),
                    Err(error) => {
                        self.counters.decode_failed();
                        warn!(%key, %error, "a stored value does not decode: a miss");
                        Found::Undecodable
                    }
                }
            }
            Ok(Lookup::Miss(token)) => Found::Miss(token),
            Err(error) => {
                warn!(%key, %error, "going on without the cache");
                Found::Failed
            }
        }
    }

    /// Decodes the record's value.
    pub(super) fn read<T: DeserializeOwned>(&self, record: StoredValue) -> Result<Read<T>> {
        let value = record.value.as_deref();
        let value = value.map(|bytes| self.codec.decode(bytes)).transpose()?;
        Ok(Read { record, value })
    }

    /// The failure because of which this record is not loaded again now.
    pub(super) fn failure(&self, key: &Key, record: &StoredValue) -> Option<LoadError> {
        let now = self.clock().monotonic();
        self.failures.find(key, record.loaded_at, now)
    }

    /// Whether the reader of this fresh record is to load it again.
    pub(super) fn is_due_early(&self, key: &Key, record: &StoredValue) -> bool {
        let Some(expires_at) = record.fresh_until else {
            return false;
        };
        let left = expires_at.since(self.clock().now());
        let (beta, random) = (self.options.beta, &*self.options.random);
        xfetch::is_due(record.load_time, left, beta, random) && self.failure(key, record).is_none()
    }
}
