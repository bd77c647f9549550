//! The cache in clients and servers.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod examples;
mod permits;
mod reqwest_client;
mod reqwest_streams;
mod support;
mod tower_client;
mod tower_server;
