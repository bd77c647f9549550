//! The cache in clients and servers, and what a hostile peer or a damaged file can send to its parsers.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod corpus;
mod dictionary_transport;
mod examples;
mod own_store;
mod parsers;
mod permits;
mod properties;
mod reqwest_client;
mod reqwest_streams;
mod support;
mod tower_client;
mod tower_server;
mod values;
mod work;
