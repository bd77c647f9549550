//! Stands in for the DynamoDB backend in builds without the feature `dynamodb`.

use crate::error::Error;

use super::address::TableAddress;
use super::backend::Backend;

#[expect(clippy::unused_async, reason = "the signature of the real backend")]
pub(super) async fn open(address: TableAddress, _is_tiered: bool) -> Result<Backend, Error> {
    Err(Error::without_dynamodb(&format!(
        "cannot use the table {}",
        address.table
    )))
}
