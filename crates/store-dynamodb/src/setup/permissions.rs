//! The API operations that this crate calls: one list for the stores, one for the set-up.
//!
//! IAM policies are derived from these lists, and a test compares the lists with the code.

/// Names of the DynamoDB API operations that the stores call.
pub const STORE_OPERATIONS: &[&str] = &[
    "BatchGetItem",
    "BatchWriteItem",
    "DeleteItem",
    "DescribeTable",
    "DescribeTimeToLive",
    "GetItem",
    "PutItem",
    "Query",
    "TransactWriteItems",
    "UpdateItem",
];

/// Names of the DynamoDB API operations that the set-up calls.
pub const SETUP_OPERATIONS: &[&str] = &[
    "CreateTable",
    "DescribeContinuousBackups",
    "DescribeTable",
    "DescribeTimeToLive",
    "UpdateContinuousBackups",
    "UpdateTable",
    "UpdateTimeToLive",
];

/// IAM actions for `calls`. `TransactWriteItems` has no action of its own: it needs those of its parts, here
/// put, update, delete and condition check.
pub(super) fn permissions(calls: &[&str]) -> Vec<String> {
    let names = calls.iter().map(|call| match *call {
        "TransactWriteItems" => "ConditionCheckItem",
        other => other,
    });
    let mut names: Vec<String> = names.map(|name| format!("dynamodb:{name}")).collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests;
