//! Writes that are gathered until they fill a request.

use aws_sdk_dynamodb::types::{AttributeValue, WriteRequest};
use store_core::{Error, ErrorKind, Result};

use crate::batch_size::{MOST_WRITES, calculate_optimal_batch_size, sent_bytes};
use crate::delay::AdaptiveDelayCalculator;
use crate::error::BACKEND;
use crate::table::DynamoDbTable;

/// How often what a request left out is sent again.
const LEFTOVER_TRIES: u32 = 6;

/// Puts and deletes, sent in as few requests as possible: 25 writes each, or 16 MB.
///
/// What the service leaves out is sent again after a pause that grows while it does so. Writes take
/// effect each on its own and whatever is there; of two writes of one item that wait together, only the
/// later one is sent. What was not sent when the writer is dropped is never sent.
///
/// ```no_run
/// # async fn example(table: store_dynamodb::DynamoDbTable, requests: Vec<aws_sdk_dynamodb::types::WriteRequest>)
/// #     -> Result<(), store_core::Error> {
/// use store_dynamodb::BatchWriter;
///
/// let mut writer = BatchWriter::new(&table);
/// for request in requests {
///     writer.add(request).await?;
/// }
/// writer.flush().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "what is not flushed is not written"]
pub struct BatchWriter {
    table: DynamoDbTable,
    operation: &'static str,
    held: Vec<Held>,
    delay: AdaptiveDelayCalculator,
}

/// A write that waits.
#[derive(Debug)]
struct Held {
    request: WriteRequest,
    sent_bytes: usize,
}

impl From<WriteRequest> for Held {
    fn from(request: WriteRequest) -> Self {
        let sent_bytes = sent_bytes(&request);
        Self {
            request,
            sent_bytes,
        }
    }
}

impl BatchWriter {
    /// A writer to this table.
    pub fn new(table: &DynamoDbTable) -> Self {
        Self::within(table, "batch_write")
    }

    /// A writer whose errors name this operation.
    pub(crate) fn within(table: &DynamoDbTable, operation: &'static str) -> Self {
        Self {
            table: table.clone(),
            operation,
            held: Vec::new(),
            delay: AdaptiveDelayCalculator::shared(&table.options().random),
        }
    }

    /// How many writes wait.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.held.len()
    }

    /// Adds a write to those that wait, and sends them if they fill a request.
    ///
    /// # Errors
    /// As [`flush`](Self::flush).
    pub async fn add(&mut self, request: WriteRequest) -> Result<()> {
        let key = self.key_of(&request);
        let same = |held: &Held| key.is_some() && self.key_of(&held.request) == key;
        if let Some(former) = self.held.iter().position(same) {
            self.held.remove(former);
        }
        self.held.push(request.into());
        let batch = self.batch();
        let is_full = batch == MOST_WRITES || batch < self.held.len();
        if is_full { self.send().await } else { Ok(()) }
    }

    /// Sends what waits.
    ///
    /// # Errors
    /// [`ErrorKind::Throttled`] if the service goes on leaving writes out, and whatever the requests
    /// fail with. What has not been written still waits then, and can be flushed again.
    pub async fn flush(&mut self) -> Result<()> {
        while !self.held.is_empty() {
            self.send().await?;
        }
        Ok(())
    }

    /// Sends one request, and again what it leaves out. Nothing is forgotten before it is written, also
    /// if this is dropped.
    async fn send(&mut self) -> Result<()> {
        let mut batch = self.batch();
        for _ in 0..=LEFTOVER_TRIES {
            self.table.wait(self.delay.next_delay()).await;
            let requests = self.held.iter().take(batch);
            let requests = requests.map(|held| held.request.clone()).collect();
            let left = self.table.batch_write_once(self.operation, requests);
            let left: Vec<Held> = left.await?.into_iter().map(Held::from).collect();
            let written = batch;
            batch = left.len();
            self.held.splice(..written, left);
            if batch == 0 {
                self.delay.succeeded();
                return Ok(());
            }
            self.delay.throttled();
            self.table.monitor().throttled(self.operation);
        }
        Err(Error::new(ErrorKind::Throttled, BACKEND, self.operation)
            .with_detail("the table leaves out part of what is written"))
    }

    /// How many of those that wait go into the next request.
    fn batch(&self) -> usize {
        calculate_optimal_batch_size(self.held.iter().map(|held| held.sent_bytes))
    }

    /// The keys of the item that is written.
    fn key_of<'a>(
        &self,
        request: &'a WriteRequest,
    ) -> Option<(&'a AttributeValue, &'a AttributeValue)> {
        let names = &self.table.options().names;
        let put = request.put_request.as_ref().map(|put| &put.item);
        let delete = request.delete_request.as_ref().map(|delete| &delete.key);
        let map = put.or(delete)?;
        Some((map.get(&names.partition_key)?, map.get(&names.sort_key)?))
    }
}
