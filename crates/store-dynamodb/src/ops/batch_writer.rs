//! A buffered writer of batches.

use aws_sdk_dynamodb::types::{AttributeValue, WriteRequest};
use store_core::{Error, ErrorKind, Result};

use crate::error::BACKEND;
use crate::ops::batch_size::{MOST_WRITES, calculate_optimal_batch_size, sent_bytes};
use crate::ops::delay::AdaptiveDelayCalculator;
use crate::ops::housekeeping::leftover_tries;
use crate::table::DynamoDbTable;

/// A buffered writer of puts and deletes, in requests of up to 25 writes or 16 MB.
///
/// Unprocessed writes are retried with growing backoff. Writes are unconditional and not atomic together; of two
/// buffered writes of one item only the later one is sent. Writes still buffered when the writer is dropped are
/// lost: call [`flush`](Self::flush).
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/doctest_table.rs.inc"));
/// # fn main() -> Result<(), Box<dyn std::error::Error>> { on_emulator(async |table| {
/// use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
/// use store_dynamodb::ops::BatchWriter;
///
/// let text = |value: String| AttributeValue::S(value);
/// let mut writer = BatchWriter::new(&table);
/// for issue in 0..60 {
///     let put = PutRequest::builder()
///         .item("PK", text("issues".to_owned()))
///         .item("SK", text(issue.to_string()))
///         .build()?;
///     writer.add(WriteRequest::builder().put_request(put).build()).await?;
/// }
/// assert_eq!(writer.pending(), 10); // two requests of 25 were sent
/// writer.flush().await?;
/// assert_eq!(writer.pending(), 0);
/// # Ok(())
/// # }) }
/// ```
#[derive(Debug)]
#[must_use = "buffered writes are lost unless flushed"]
pub struct BatchWriter {
    table: DynamoDbTable,
    operation: &'static str,
    held: Vec<Held>,
    delay: AdaptiveDelayCalculator,
}

/// A buffered write.
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
    /// A writer to `table`.
    pub fn new(table: &DynamoDbTable) -> Self {
        Self::within(table, "batch_write")
    }

    /// A writer whose errors name `operation`.
    pub(crate) fn within(table: &DynamoDbTable, operation: &'static str) -> Self {
        Self {
            table: table.clone(),
            operation,
            held: Vec::new(),
            delay: AdaptiveDelayCalculator::shared(&table.options().random),
        }
    }

    /// Number of buffered writes.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.held.len()
    }

    /// Buffers a write, and sends a request if the buffer fills one.
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

    /// Sends all buffered writes.
    ///
    /// # Errors
    /// Writes that were not processed stay buffered, so `flush` can be called again after:
    /// - [`ErrorKind::Throttled`]: the service throttles or keeps returning unprocessed writes.
    /// - [`ErrorKind::Timeout`], [`ErrorKind::Unavailable`], [`ErrorKind::CircuitOpen`]: no usable response.
    /// - [`ErrorKind::InvalidInput`]: the service rejects a write, such as an item over 400 KB.
    /// - [`ErrorKind::SchemaMissing`]: the table does not exist or has other keys.
    /// - [`ErrorKind::StorageFull`]: an item collection is full.
    pub async fn flush(&mut self) -> Result<()> {
        while !self.held.is_empty() {
            self.send().await?;
        }
        Ok(())
    }

    /// Sends one request and retries its unprocessed writes. Cancel safe: a write leaves the buffer only once it
    /// was processed.
    async fn send(&mut self) -> Result<()> {
        let mut batch = self.batch();
        for _ in 0..=leftover_tries(self.operation) {
            self.table.wait(self.delay.next_delay()).await;
            let requests = self.held.iter().take(batch);
            let requests = requests.map(|held| held.request.clone()).collect();
            let table = self.table.requests(self.operation);
            let left = table.batch_write_once(requests).await?;
            let left: Vec<Held> = left.into_iter().map(Held::from).collect();
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
            .with_detail(
                "the service keeps returning unprocessed writes; raise the table's capacity, or flush \
                 again later",
            ))
    }

    /// Number of buffered writes in the next request.
    fn batch(&self) -> usize {
        calculate_optimal_batch_size(self.held.iter().map(|held| held.sent_bytes))
    }

    /// The keys of the written item.
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
