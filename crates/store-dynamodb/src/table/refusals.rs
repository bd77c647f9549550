//! Conditional writes: again while another write is under way, and what a refused one found, also from servers that
//! do not tell.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::error::SdkError;
use store_core::Result;

use super::{Conditional, Requests};
use crate::error::{Failure, RequestError};
use crate::item::ItemKey;

/// How often a write is tried again while another of the item is under way, and how long the first wait is.
const CONFLICT_TRIES: u32 = 6;
const CONFLICT_DELAY: Duration = Duration::from_millis(10);

/// Whether the server has told what a refused write found. AWS does since 2023; the DynamoDB Local of
/// before, and some other servers, leave it out.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    are_told: AtomicBool,
}

impl Requests<'_> {
    /// Waits for a write that may be refused. What refused it is read if the server has not been seen
    /// to tell: there may be no item, or it leaves out what it found.
    pub(super) async fn conditional<T, E: RequestError, F>(
        self,
        key: &ItemKey,
        request: impl Fn() -> F + Send + Sync,
    ) -> Result<Conditional<T>>
    where
        F: Future<Output = Result<T, SdkError<E>>> + Send,
    {
        let are_told = &self.table.shared.refusals.are_told;
        let mut attempt = 0;
        loop {
            match self.call(&request).await {
                Ok(answer) => return Ok(Ok(answer)),
                Err(Failure::Conflict) if attempt < CONFLICT_TRIES => {
                    self.table.pause(CONFLICT_DELAY * 2_u32.pow(attempt)).await;
                    attempt += 1;
                }
                Err(Failure::Refused(Some(found))) => {
                    are_told.store(true, Ordering::Relaxed);
                    return Ok(Err(Some(found)));
                }
                Err(Failure::Refused(None)) if !are_told.load(Ordering::Relaxed) => {
                    return Ok(Err(self.get(key).await?));
                }
                Err(Failure::Refused(None)) => return Ok(Err(None)),
                Err(failure) => return Err(failure.into_error(self.operation)),
            }
        }
    }
}
