//! Layers: stores that add one behaviour to another store, and are stores themselves.
//!
//! | to | use |
//! |---|---|
//! | give each tenant or program keys of its own in a shared cache | [`Scoped`] |
//! | stop asking a store that is down | [`CircuitBreaker`] |
//! | see what takes long or fails | [`Traced`] |

mod circuit_breaker;
mod scoped;
mod traced;

pub use self::circuit_breaker::CircuitBreaker;
pub use self::scoped::Scoped;
pub use self::traced::Traced;
pub use crate::backend::breaker::{CircuitBreakerOptions, CircuitState, CircuitStatus};
