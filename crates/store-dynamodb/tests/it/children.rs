//! Child processes that use the parent's table.

use store_conformance::child_process;
pub(crate) use store_conformance::child_process::{
    ChildProcess, Signal, receive_from_parent, send_to_parent,
};
use store_dynamodb::{DynamoDbTable, TableOptions};

use crate::support;

const TABLE: &str = "STORE_DYNAMODB_TEST_TABLE";
const ARGUMENT: &str = "STORE_DYNAMODB_TEST_ARGUMENT";

/// Starts an ignored test, by its path, that uses `table`.
pub(crate) fn start(test: &str, table: &DynamoDbTable, argument: &str) -> ChildProcess {
    let endpoint = dynamodb_local::endpoint().expect("a server that speaks DynamoDB");
    let mut command = child_process::command(test);
    command
        .env(dynamodb_local::ENDPOINT_VARIABLE, endpoint)
        .env(TABLE, table.name())
        .env(ARGUMENT, argument);
    ChildProcess::spawn(command)
}

/// In a child: the parent's table.
pub(crate) fn table() -> DynamoDbTable {
    let name = std::env::var(TABLE).expect("started by a parent");
    DynamoDbTable::new(support::client(), TableOptions::default().with_table(name))
}

/// In a child: the argument that the parent started it with.
pub(crate) fn argument() -> String {
    std::env::var(ARGUMENT).expect("started by a parent")
}
