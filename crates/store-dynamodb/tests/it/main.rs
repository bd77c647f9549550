//! The stores against a server that speaks DynamoDB.

mod dedupe_conformance;
mod setup;
mod support;
mod table;
