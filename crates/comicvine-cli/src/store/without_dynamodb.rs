//! In the place of DynamoDB, in a program that was built without it.

use super::Backend;
use super::address::TableAddress;
use crate::failure::Failure;

#[expect(clippy::unused_async, reason = "as it is with DynamoDB")]
pub(super) async fn open(address: TableAddress) -> Result<Backend, Failure> {
    let TableAddress { table, .. } = address;
    Err(Failure::usage(format!(
        "this program was built without DynamoDB and cannot reach the table {table}; build it with the \
         feature `dynamodb`, which is on by default"
    )))
}
