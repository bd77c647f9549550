//! The stores against a server that speaks DynamoDB.

mod cache_conformance;
mod dedupe;
mod dedupe_conformance;
mod faults;
mod setup;
mod support;
mod table;
