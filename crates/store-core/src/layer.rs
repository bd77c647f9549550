//! Layers: stores that add one behaviour to another store, and are stores themselves.
//!
//! | to | use |
//! |---|---|
//! | give each tenant or program keys of its own in a shared cache | [`Scoped`] |
//! | stop asking a store that is down | [`CircuitBreaker`] |
//! | see what takes long or fails | [`Traced`] |
//! | fill a cache at the start of a program | [`warm`] |

mod circuit_breaker;
mod scoped;
mod traced;
mod warm;

pub use self::circuit_breaker::CircuitBreaker;
pub use self::scoped::Scoped;
pub use self::traced::Traced;
pub use self::warm::{WarmOptions, WarmProgress, warm};
pub use crate::backend::breaker::{CircuitBreakerOptions, CircuitState, CircuitStatus};
