//! Layers: stores that add one behaviour to another store, and are stores themselves.
//!
//! | to | use |
//! |---|---|
//! | give each tenant or program keys of its own in a shared cache | [`Scoped`] |
//! | keep copies of a shared cache's values in the process, and serve none that is stale beyond a bound | [`Tiered`] |
//! | read from replicas and write to the primary | [`Routed`] |
//! | stop asking a store that is down, or does not answer in time | [`CircuitBreaker`] |
//! | see what takes long or fails, and count and time it all | [`Traced`] |
//! | store values compressed or encrypted | [`Transformed`] |
//! | load values through the cache: once, early, and with a stale one in reserve | [`ReadThrough`] |
//! | accept writes at once, keep them over a crash, and let their source have them later | [`WriteBehind`] |
//! | fill a cache at the start of a program | [`warm()`], with what the last run used most: [`MostUsed`] |
//!
//! [`CacheBuilder`] puts them together in the order in which each keeps its promise.

mod builder;
mod circuit_breaker;
mod most_used;
pub mod read_through;
mod routed;
mod scoped;
mod tiered;
mod traced;
mod transformed;
mod warm;
mod within;
mod write_behind;

pub use self::builder::{CacheBuilder, place};
pub use self::circuit_breaker::CircuitBreaker;
pub use self::most_used::MostUsed;
pub use self::read_through::{ReadThrough, ReadThroughOptions};
pub use self::routed::{Routed, RoutedOptions};
pub use self::scoped::Scoped;
pub use self::tiered::{Tiered, TieredOptions};
pub use self::traced::Traced;
pub use self::transformed::{Transformed, ValueTransform};
pub use self::warm::{WarmOptions, WarmProgress, warm};
pub(crate) use self::within::within;
pub use self::write_behind::{WriteBehind, WriteBehindOptions, WriteBehindStats};
pub use crate::backend::breaker::{CircuitBreakerOptions, CircuitState, CircuitStatus};
