//! The stores against a server that speaks DynamoDB.

mod cache_conformance;
mod dedupe_conformance;
mod setup;
mod support;
mod table;
