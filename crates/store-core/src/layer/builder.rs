//! Layers in their one right order.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use super::{
    CircuitBreaker, CircuitBreakerOptions, Routed, RoutedOptions, Scoped, Tiered, TieredOptions,
    Traced, Transformed, ValueTransform,
};
use crate::cache::CacheStore;
use crate::clock::SystemClock;
use crate::key::Scope;

/// Where in the order of the layers a [`CacheBuilder`] stands. A layer can be added outside of those of a lower or
/// the same place, and of no other.
pub mod place {
    /// The store itself.
    #[derive(Debug)]
    pub enum Backend {}
    /// Circuit breaker.
    #[derive(Debug)]
    pub enum Guarded {}
    /// Primary and replicas.
    #[derive(Debug)]
    pub enum Routed {}
    /// Values in another form.
    #[derive(Debug)]
    pub enum Transformed {}
    /// Copies in a nearer store.
    #[derive(Debug)]
    pub enum Tiered {}
    /// A part of the keys.
    #[derive(Debug)]
    pub enum Scoped {}

    /// A place that is not outside of `Other`.
    pub trait WithinOrAt<Other> {}

    macro_rules! order {
        ($($inner:ident)* ; $outer:ident $($rest:ident)*) => {
            $(impl WithinOrAt<$outer> for $inner {})*
            impl WithinOrAt<$outer> for $outer {}
            order!($($inner)* $outer ; $($rest)*);
        };
        ($($inner:ident)* ;) => {};
    }

    order!(; Backend Guarded Routed Transformed Tiered Scoped);
}

/// Builds a cache from a store and layers, from the inside to the outside. The types hold the order in which each layer
/// keeps its promise: a layer in a wrong place does not compile. What is asked of a feed of changes they do not see: see
/// [`tiered`](Self::tiered).
///
/// | place | layer | why there |
/// |---|---|---|
/// | innermost | [`circuit_breaker`](Self::circuit_breaker) | it is about one connection |
/// | | [`routed`](Self::routed) | the primary may have failed while a replica answers |
/// | | [`transformed`](Self::transformed) | primary and replicas hold the same bytes; copies further out are ready for use |
/// | | [`tiered`](Self::tiered) | a copy saves all of the above |
/// | outermost | [`scoped`](Self::scoped) | all others see the keys of the whole store |
///
/// [`traced`](Self::traced) fits everywhere. What loads values, [`ReadThrough`](super::ReadThrough) or a
/// [`TypedCache`](crate::TypedCache), goes over the whole.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use store_core::layer::{CacheBuilder, CircuitBreakerOptions, TieredOptions};
/// use store_core::{CacheStore, CacheStoreExt, Key, NewEntry, Scope};
/// use store_memory::MemoryCacheStore;
///
/// let table = MemoryCacheStore::new(); // stands for a table that hosts share
/// let cache = CacheBuilder::new(table.clone())
///     .traced("table")
///     .circuit_breaker(CircuitBreakerOptions::default())
///     .tiered(MemoryCacheStore::new(), TieredOptions::default())
///     .scoped(Scope::new("acme")?)
///     .build();
/// let key = Key::new("issue:1")?;
/// cache.set(NewEntry::unconditional(key.clone(), "Saga")).await?;
/// assert!(table.value(&Key::new("acme:issue:1")?).await?.is_some());
/// # Ok(())
/// # }
/// ```
///
/// Copies that a circuit breaker stands before would be refused while the store is down:
///
/// ```compile_fail
/// use store_core::layer::{CacheBuilder, CircuitBreakerOptions, TieredOptions};
/// use store_memory::MemoryCacheStore;
///
/// let cache = CacheBuilder::new(MemoryCacheStore::new())
///     .tiered(MemoryCacheStore::new(), TieredOptions::default())
///     .circuit_breaker(CircuitBreakerOptions::default());
/// ```
#[derive(Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct CacheBuilder<S, P = place::Backend> {
    store: S,
    place: PhantomData<P>,
}

impl<S: CacheStore> CacheBuilder<S> {
    /// Begins with a store.
    pub fn new(store: S) -> Self {
        Self::at(store)
    }
}

impl<S: CacheStore, P> CacheBuilder<S, P> {
    fn at(store: S) -> Self {
        Self {
            store,
            place: PhantomData,
        }
    }

    /// Adds spans and a log of slow operations: [`Traced`].
    pub fn traced(self, label: impl Into<Cow<'static, str>>) -> CacheBuilder<Traced<S>, P> {
        CacheBuilder::at(Traced::new(label, self.store))
    }

    /// Adds a circuit breaker: [`CircuitBreaker`].
    pub fn circuit_breaker(
        self,
        options: CircuitBreakerOptions,
    ) -> CacheBuilder<CircuitBreaker<S>, place::Guarded>
    where
        P: place::WithinOrAt<place::Guarded>,
    {
        let clock = SystemClock::new();
        CacheBuilder::at(CircuitBreaker::with_options(self.store, options, clock))
    }

    /// Adds a circuit breaker, for which a call that takes longer than `timeout` is a failure:
    /// [`CircuitBreaker::with_timeout`].
    pub fn circuit_breaker_with_timeout(
        self,
        options: CircuitBreakerOptions,
        timeout: Duration,
    ) -> CacheBuilder<CircuitBreaker<S>, place::Guarded>
    where
        P: place::WithinOrAt<place::Guarded>,
    {
        let guarded = self.circuit_breaker(options);
        CacheBuilder::at(guarded.store.with_timeout(timeout))
    }

    /// Makes this the primary of `replicas`: [`Routed`].
    pub fn routed<R: CacheStore>(
        self,
        replicas: Vec<R>,
        options: RoutedOptions,
    ) -> CacheBuilder<Routed<S, R>, place::Routed>
    where
        P: place::WithinOrAt<place::Routed>,
    {
        CacheBuilder::at(Routed::with_options(self.store, replicas, options))
    }

    /// Stores values in another form: [`Transformed`]. Of two, the one that is added first is the inner one: encryption
    /// before compression.
    pub fn transformed<T: ValueTransform>(
        self,
        transform: T,
    ) -> CacheBuilder<Transformed<S, T>, place::Transformed>
    where
        P: place::WithinOrAt<place::Transformed>,
    {
        CacheBuilder::at(Transformed::new(self.store, transform))
    }

    /// Keeps copies in `inner`: [`Tiered`]. With a feed only directly over the store that tells of its changes, or over
    /// its breaker and its form: over replicas, or over other copies, without one.
    pub fn tiered<I: CacheStore>(
        self,
        inner: I,
        options: TieredOptions,
    ) -> CacheBuilder<Tiered<I, S>, place::Tiered>
    where
        P: place::WithinOrAt<place::Tiered>,
    {
        CacheBuilder::at(Tiered::with_options(inner, self.store, options))
    }

    /// Restricts the cache to the keys of a scope: [`Scoped`].
    pub fn scoped(self, scope: Scope) -> CacheBuilder<Scoped<S>, place::Scoped>
    where
        P: place::WithinOrAt<place::Scoped>,
    {
        CacheBuilder::at(Scoped::new(self.store, scope))
    }

    /// Forgets which layers there are, but not the place: for those that depend on a setting.
    pub fn boxed(self) -> CacheBuilder<Arc<dyn CacheStore>, P> {
        CacheBuilder::at(Arc::new(self.store))
    }

    /// The cache.
    #[must_use]
    pub fn build(self) -> S {
        self.store
    }
}
