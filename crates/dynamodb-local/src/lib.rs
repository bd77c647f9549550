//! A server that speaks DynamoDB, for tests and development.
//!
//! [`endpoint`] is what tests use: one server for the whole test process, started on first use and
//! gone with the process. It is the emulator of `tools/dynamodb-emulator`, which is built first if need
//! be, unless [`ENDPOINT_VARIABLE`] names another server. A [`FaultProxy`] before it does what networks
//! and busy services do.

mod emulator;
mod error;
mod proxy;

use std::sync::OnceLock;

pub use emulator::{Emulator, build};
pub use error::Error;
pub use proxy::{FaultProxy, Faults, Injected};

/// The environment variable that names a server to use instead of starting one.
pub const ENDPOINT_VARIABLE: &str = "DYNAMODB_ENDPOINT_URL";

/// The address of the server that this process' tests share, such as `http://127.0.0.1:8000`.
///
/// # Errors
/// If the emulator cannot be built or does not start.
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
