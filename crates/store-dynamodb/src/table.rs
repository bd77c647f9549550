//! The table handle: name, client, and the requests that the stores send.

mod client;
mod consumed;
mod diagnosis;
mod expression;
mod options;
mod read;
mod refusals;
#[cfg(test)]
mod tests;
mod write;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::{Client, Error as ServiceError};

pub use consumed::ConsumedCapacity;
pub(crate) use expression::Values;
pub use options::{SchemaNames, TableOptions};
pub(crate) use read::{Query, Sorted};
pub(crate) use write::{Action, Update, Write};

use self::consumed::CapacityCounter;
use self::diagnosis::Diagnosis;
use self::refusals::Refusals;
use crate::error::{BACKEND, Failure, failure, health};
use crate::ops::breaker::{Breaker, Change, CircuitStatus, Health, Pass};
use crate::ops::delay::spread;
use store_core::{Error, ErrorKind};

/// A handle of one table: client, options, circuit breaker and counters, shared by its clones.
///
/// Made by [`from_env`](Self::from_env), [`from_config`](Self::from_config) or [`new`](Self::new); none of them
/// sends a request, and none creates the table (see [`setup`](crate::setup)).
#[derive(Clone, Debug)]
pub struct DynamoDbTable {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    breaker: Breaker,
    client: Client,
    options: TableOptions,
    consumed: CapacityCounter,
    diagnosis: Diagnosis,
    refusals: Refusals,
}

impl DynamoDbTable {
    /// A handle with a client of the application, whose region, timeouts and retries apply instead of those in
    /// `options`; [`from_config`](Self::from_config) builds a client with the latter.
    #[must_use]
    pub fn new(client: Client, options: TableOptions) -> Self {
        let shared = Shared {
            breaker: Breaker::new(options.circuit_breaker),
            client,
            options,
            consumed: CapacityCounter::default(),
            diagnosis: Diagnosis::default(),
            refusals: Refusals::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Name of the table.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.options.table
    }

    /// Options of the handle.
    #[must_use]
    pub fn options(&self) -> &TableOptions {
        &self.shared.options
    }

    /// The SDK client, for requests of the application.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.shared.client
    }

    /// Capacity that this handle's requests have consumed so far, as reported by the service.
    #[must_use]
    pub fn consumed_capacity(&self) -> ConsumedCapacity {
        self.shared.consumed.read()
    }

    /// Status of this handle's circuit breaker, which all stores of the handle share.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use store_dynamodb::ops::CircuitState;
    /// use store_dynamodb::{DynamoDbTable, TableOptions};
    ///
    /// let options = TableOptions::default().with_endpoint_url("http://127.0.0.1:8000");
    /// let table = DynamoDbTable::from_env(options).await;
    /// assert_eq!(table.circuit_breaker_status().state, CircuitState::Closed);
    /// # }
    /// ```
    #[must_use]
    pub fn circuit_breaker_status(&self) -> CircuitStatus {
        self.shared.breaker.status(self.options().clock.monotonic())
    }

    /// Closes the circuit breaker and clears its failure count.
    pub fn reset_circuit_breaker(&self) {
        self.shared.breaker.reset();
        self.monitor().circuit(false);
    }

    fn admitted(&self, operation: &'static str) -> Result<Pass<'_>, Error> {
        let now = self.options().clock.monotonic();
        self.shared.breaker.admit(now).map_err(|refusal| {
            Error::new(ErrorKind::CircuitOpen, BACKEND, operation)
                .with_retry_after(refusal.retry_after)
                .with_detail(format!(
                    "the circuit of table {} is open after consecutive failures, nothing was sent; \
                     the next attempt is in {} ms; the last failure: {}",
                    self.name(),
                    refusal.retry_after.as_millis(),
                    refusal.cause,
                ))
        })
    }

    fn report(&self, pass: Pass<'_>, health: Health, failure: Option<&Failure>) {
        let table = self.name();
        let cause = || match failure {
            Some(Failure::Error(error)) => error.to_string(),
            _ => "too many requests".to_owned(),
        };
        match pass.report(health, self.options().clock.monotonic(), cause) {
            Change::None => {}
            Change::Opened(wait) => {
                self.monitor().circuit(true);
                let cause = cause();
                tracing::warn!(
                    table,
                    ?wait,
                    cause,
                    "circuit opened: requests to the table are not sent"
                );
            }
            Change::Closed => {
                self.monitor().circuit(false);
                tracing::info!(table, "circuit closed: the table responds again");
            }
        }
    }

    /// Waits for a request that was made; every request of the stores passes here, and is watched.
    pub(crate) async fn call<T, E>(
        &self,
        operation: &'static str,
        request: impl Future<Output = Result<T, SdkError<E>>>,
    ) -> Result<T, Failure>
    where
        E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
        ServiceError: From<SdkError<E>>,
    {
        let answer = self.answer(operation, request);
        self.monitor().request(operation, answer).await
    }

    async fn answer<T, E>(
        &self,
        operation: &'static str,
        request: impl Future<Output = Result<T, SdkError<E>>>,
    ) -> Result<T, Failure>
    where
        E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
        ServiceError: From<SdkError<E>>,
    {
        let pass = self.admitted(operation)?;
        self.shared.consumed.count_request();
        let failure = match request.await {
            Ok(answer) => {
                self.report(pass, Health::Answered, None);
                return Ok(answer);
            }
            Err(error) => {
                let health = health(&error);
                let failure = failure(error, operation, self.name());
                let health = if failure.is_throttled() {
                    Health::Failing
                } else {
                    health
                };
                self.report(pass, health, Some(&failure));
                failure
            }
        };
        if let Failure::Refused(_) = &failure {
            self.shared.consumed.count_refused();
        }
        Err(self.diagnosed(operation, failure).await)
    }

    /// Waits between half of `longest` and all of it, so that processes do not ask again in step.
    pub(crate) async fn pause(&self, longest: Duration) {
        self.wait(spread(&*self.options().random, longest)).await;
    }

    /// Waits; not at all if `pause` is zero.
    pub(crate) async fn wait(&self, pause: Duration) {
        if !pause.is_zero() {
            self.options().clock.sleep(pause).await;
        }
    }
}
