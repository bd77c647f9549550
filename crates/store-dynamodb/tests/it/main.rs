//! The stores against a server that speaks DynamoDB.

mod support;
mod table;
