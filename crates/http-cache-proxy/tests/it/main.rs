//! The program before a real origin, over loopback.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

mod admin;
mod caching;
mod connection;
mod damage;
mod db;
mod file;
mod forward;
mod http2;
mod idle;
mod max_forwards;
mod origin;
mod program;
mod reload;
mod routing;
mod running;
mod several;
mod tls;
