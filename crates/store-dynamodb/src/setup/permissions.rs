//! The requests that this code makes, in one list for each of its two parts.
//!
//! What permissions they need is read off these lists, and a test holds the lists against the code.

/// The requests that the stores make, by the service's names.
pub const STORE_CALLS: &[&str] = &[
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

/// The requests that the set-up makes, by the service's names.
pub const SETUP_CALLS: &[&str] = &[
    "CreateTable",
    "DescribeContinuousBackups",
    "DescribeTable",
    "DescribeTimeToLive",
    "UpdateContinuousBackups",
    "UpdateTable",
    "UpdateTimeToLive",
];

/// The permissions that `calls` need. A transaction has none of its own: it needs those of what it
/// does, and ours put, update, delete and check.
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
