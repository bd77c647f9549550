//! Child processes that use the parent's table.

pub(crate) use store_conformance::children::{Process, Signal, argument, listen, say};
use store_dynamodb::{DynamoDbTable, TableOptions};

use crate::support;

const TABLE: &str = "STORE_DYNAMODB_TEST_TABLE";

/// Starts the test with this path, which is ignored otherwise.
pub(crate) fn start(test: &str, table: &DynamoDbTable, argument: &str) -> Process {
    let endpoint = dynamodb_local::endpoint().expect("a server that speaks DynamoDB");
    let variables = [
        (dynamodb_local::ENDPOINT_VARIABLE, endpoint.as_str()),
        (TABLE, table.name()),
    ];
    Process::start(test, argument, variables)
}

/// In a child: the parent's table.
pub(crate) fn table() -> DynamoDbTable {
    let name = std::env::var(TABLE).expect("started by a parent");
    DynamoDbTable::new(support::client(), TableOptions::default().with_table(name))
}
