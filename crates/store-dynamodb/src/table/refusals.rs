//! What a refused write found, also from servers that do not tell.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_sdk_dynamodb::Error as ServiceError;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

use super::DynamoDbTable;
use crate::error::Failure;
use crate::item::ItemKey;

/// Whether the server has told what a refused write found. AWS does since 2023; the DynamoDB Local of
/// before, and some other servers, leave it out.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    are_told: AtomicBool,
}

impl DynamoDbTable {
    /// Waits for a write that may be refused. What refused it is read if the server has not been seen
    /// to tell: there may be no item, or it leaves out what it found.
    pub(super) async fn conditional<T, E, F>(
        &self,
        operation: &'static str,
        key: &ItemKey,
        request: impl Fn() -> F,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, SdkError<E>>>,
        E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
        ServiceError: From<SdkError<E>>,
    {
        let are_told = &self.shared.refusals.are_told;
        let answer = self.call(operation, request).await;
        match &answer {
            Err(Failure::Refused(Some(_))) => are_told.store(true, Ordering::Relaxed),
            Err(Failure::Refused(None)) if !are_told.load(Ordering::Relaxed) => {
                return Err(Failure::Refused(self.get(operation, key).await?));
            }
            _ => {}
        }
        answer
    }
}
