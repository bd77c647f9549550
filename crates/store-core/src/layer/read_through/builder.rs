//! How a read-through cache is made.

use std::marker::PhantomData;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::inner::Inner;
use super::{ReadThrough, ReadThroughOptions};
use crate::cache::CacheStore;
use crate::codec::{Codec, Json};
use crate::dedupe::DedupeStore;

/// A builder of a [`ReadThrough`].
///
/// ```
/// use store_core::layer::{ReadThrough, ReadThroughOptions};
/// use store_core::{Bincode, HOUR};
/// use store_memory::{MemoryCacheStore, MemoryDedupeStore};
///
/// let titles: ReadThrough<String, Bincode> = ReadThrough::<String>::builder(MemoryCacheStore::new())
///     .with_dedupe(MemoryDedupeStore::new())
///     .with_codec(Bincode)
///     .with_options(ReadThroughOptions::default().with_ttl(HOUR))
///     .build();
/// assert_eq!(titles.stats().requests, 0);
/// ```
#[derive(Debug)]
pub struct ReadThroughBuilder<T, C = Json> {
    store: Arc<dyn CacheStore>,
    dedupe: Option<Arc<dyn DedupeStore>>,
    codec: C,
    options: ReadThroughOptions,
    values: PhantomData<fn() -> T>,
}

impl<T> ReadThroughBuilder<T> {
    pub(super) fn new(store: impl CacheStore) -> Self {
        Self {
            store: Arc::new(store),
            dedupe: None,
            codec: Json,
            options: ReadThroughOptions::default(),
            values: PhantomData,
        }
    }
}

impl<T, C> ReadThroughBuilder<T, C> {
    /// Sets the de-duplication, by which a value is loaded once over all processes that share both stores. Default:
    /// none, each process loads it once.
    #[must_use]
    pub fn with_dedupe(mut self, store: impl DedupeStore) -> Self {
        self.dedupe = Some(Arc::new(store));
        self
    }

    /// Sets the codec. Default: [`Json`].
    #[must_use]
    pub fn with_codec<D: Codec>(self, codec: D) -> ReadThroughBuilder<T, D> {
        ReadThroughBuilder {
            store: self.store,
            dedupe: self.dedupe,
            codec,
            options: self.options,
            values: PhantomData,
        }
    }

    /// Sets the options.
    #[must_use]
    pub fn with_options(mut self, options: ReadThroughOptions) -> Self {
        self.options = options;
        self
    }
}

impl<T, C: Codec> ReadThroughBuilder<T, C>
where
    T: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    /// The read-through cache.
    #[must_use]
    pub fn build(self) -> ReadThrough<T, C> {
        let inner = Inner {
            store: self.store,
            dedupe: self.dedupe,
            codec: self.codec,
            options: self.options,
            flights: super::flights::Flights::default(),
            failures: super::failures::Failures::default(),
            counters: super::stats::Counters::default(),
        };
        ReadThrough {
            inner: Arc::new(inner),
            values: PhantomData,
        }
    }
}
