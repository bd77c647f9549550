//! A local DynamoDB server for tests and development, and a proxy that injects faults.
//!
//! | for | use |
//! |---|---|
//! | one server for all tests of a process | [`endpoint`] |
//! | a server of its own: on a file, killed, restarted | [`Emulator`] |
//! | throttling, errors, lost responses, latency | [`FaultProxy`], [`Faults`], [`FaultCounts`] |
//!
//! The server is the emulator of `tools/dynamodb-emulator`, which is built on first use, unless
//! [`ENDPOINT_VARIABLE`] names another one.
//!
//! ```
//! let emulator = dynamodb_local::Emulator::start()?;
//! assert!(emulator.url().starts_with("http://127.0.0.1:"));
//! # Ok::<(), dynamodb_local::Error>(())
//! ```

mod emulator;
mod error;
mod proxy;

use std::sync::OnceLock;

pub use emulator::{Emulator, build};
pub use error::Error;
pub use proxy::{FaultCounts, FaultProxy, Faults};

/// Environment variable with the URL of a server to use instead of starting one.
pub const ENDPOINT_VARIABLE: &str = "DYNAMODB_ENDPOINT_URL";

/// URL of the server that this process shares, such as `http://127.0.0.1:8000`; started on the first call, ended
/// with the process.
///
/// Blocks while the emulator is built and started.
///
/// # Errors
/// [`Error::Shared`] if the emulator cannot be built or does not start; later calls return the same error.
pub fn endpoint() -> Result<String, Error> {
    static SHARED: OnceLock<Result<Emulator, String>> = OnceLock::new();
    if let Ok(url) = std::env::var(ENDPOINT_VARIABLE) {
        return Ok(url);
    }
    let start = || Emulator::start().map_err(|error| error.to_string());
    match SHARED.get_or_init(start) {
        Ok(emulator) => Ok(emulator.url().to_owned()),
        Err(error) => Err(Error::Shared(error.clone())),
    }
}
