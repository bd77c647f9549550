//! The fake server over real HTTP on loopback.

#![expect(
    clippy::unwrap_used,
    reason = "what the tests build on fails them where it breaks"
)]

mod client;
mod clients;
mod control;
mod details;
mod errors;
mod faults;
mod gzip;
mod images;
mod limits;
mod lists;
mod program;
mod recorded;
mod search;
mod xml;
