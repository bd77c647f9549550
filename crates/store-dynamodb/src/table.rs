//! The table: which one, how it is reached, and the requests that the stores make of it.

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

pub use consumed::Consumed;
pub(crate) use expression::Values;
pub use options::{TableNames, TableOptions};
pub(crate) use read::{Query, Sorted};
pub(crate) use write::{Action, Update, Write};

use self::consumed::Tally;
use self::diagnosis::Diagnosis;
use self::refusals::Refusals;
use crate::breaker::{Breaker, Change, CircuitStatus, Health, Pass};
use crate::delay::spread;
use crate::error::{BACKEND, Failure, failure, health};
use store_core::{Error, ErrorKind};

/// One table and the client to reach it by. Clones share both.
///
/// The table is never created implicitly; see [`TableOptions::table`].
#[derive(Clone, Debug)]
pub struct DynamoDbTable {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    breaker: Breaker,
    client: Client,
    options: TableOptions,
    consumed: Tally,
    diagnosis: Diagnosis,
    refusals: Refusals,
}

impl DynamoDbTable {
    /// A table reached by a client of the application's. Its timeouts and retries are the
    /// application's; [`from_config`](Self::from_config) sets those that suit these stores.
    #[must_use]
    pub fn new(client: Client, options: TableOptions) -> Self {
        let shared = Shared {
            breaker: Breaker::new(options.circuit_breaker),
            client,
            options,
            consumed: Tally::default(),
            diagnosis: Diagnosis::default(),
            refusals: Refusals::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// The table's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.options.table
    }

    /// The options it was opened with.
    #[must_use]
    pub fn options(&self) -> &TableOptions {
        &self.shared.options
    }

    /// The client, for requests of the application's own.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.shared.client
    }

    /// What the service says this handle's requests have consumed so far.
    #[must_use]
    pub fn consumed(&self) -> Consumed {
        self.shared.consumed.read()
    }

    /// How this handle's circuit breaker stands; stores that share the handle share it.
    ///
    /// ```no_run
    /// # fn example(table: &store_dynamodb::DynamoDbTable) {
    /// use store_dynamodb::CircuitState;
    ///
    /// assert_eq!(table.circuit_breaker_status().state, CircuitState::Closed);
    /// # }
    /// ```
    #[must_use]
    pub fn circuit_breaker_status(&self) -> CircuitStatus {
        self.shared.breaker.status(self.options().clock.monotonic())
    }

    /// Closes the circuit breaker, whatever it has seen.
    pub fn reset_circuit_breaker(&self) {
        self.shared.breaker.reset();
        self.monitor().circuit(false);
    }

    fn admitted(&self, operation: &'static str) -> Result<Pass<'_>, Error> {
        let now = self.options().clock.monotonic();
        self.shared.breaker.admit(now).map_err(|wait| {
            Error::new(ErrorKind::CircuitOpen, BACKEND, operation)
                .with_retry_after(wait)
                .with_detail(format!(
                    "table {} has failed too often in a row, so nothing was sent; the next try is in \
                     {} ms",
                    self.name(),
                    wait.as_millis()
                ))
        })
    }

    fn report(&self, pass: Pass<'_>, health: Health) {
        let table = self.name();
        match pass.report(health, self.options().clock.monotonic()) {
            Change::None => {}
            Change::Opened => {
                self.monitor().circuit(true);
                let wait = self.options().circuit_breaker.recovery_timeout;
                tracing::warn!(
                    table,
                    ?wait,
                    "circuit opened: the table fails, nothing is sent"
                );
            }
            Change::Closed => {
                self.monitor().circuit(false);
                tracing::info!(table, "circuit closed: the table answers again");
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
                self.report(pass, Health::Answered);
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
                self.report(pass, health);
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
            let clock = &self.options().clock;
            clock.sleep_until(clock.now() + pause).await;
        }
    }
}
