//! The table handle: name, client, and the requests that the stores send.

pub(crate) mod client;
mod consumed;
mod credentials;
mod diagnosis;
mod expression;
mod http;
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
pub(crate) use options::check_name;
pub use options::{SchemaNames, TableOptions};
pub(crate) use read::{Query, QueryStart, Sorted};
pub(crate) use write::{Action, Update, Write};

use self::consumed::CapacityCounter;
use self::credentials::{CredentialsLookup, LOOKUP_TIMEOUT};
use self::diagnosis::Diagnosis;
use self::refusals::Refusals;
use crate::error::{BACKEND, Cause, Failure, failure, health};
use crate::ops::delay::spread;
use crate::ops::housekeeping::{GIVE_UP_AFTER, Pace, class_of};
use store_core::backend::breaker::{Breaker, Change, CircuitStatus, Class, Health, Pass};
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
    /// The client of housekeeping.
    housekeeping: Client,
    /// Where the client's credentials come from; unknown for a client of the application.
    credentials: Option<CredentialsLookup>,
    pace: Pace,
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
        Self::with_credentials(client, options, None)
    }

    fn with_credentials(
        client: Client,
        options: TableOptions,
        credentials: Option<CredentialsLookup>,
    ) -> Self {
        let shared = Shared {
            breaker: Breaker::new(options.circuit_breaker),
            pace: Pace::new(&options.random),
            housekeeping: client::without_retries(&client),
            client,
            credentials,
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

    /// The client for requests of an operation.
    pub(crate) fn client_for(&self, operation: &str) -> &Client {
        match class_of(operation) {
            Class::Foreground => &self.shared.client,
            Class::Housekeeping => &self.shared.housekeeping,
        }
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
        let admitted = self.shared.breaker.admit(class_of(operation), now);
        admitted.map_err(|refusal| {
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

    /// Sends a request; every request of the stores passes here, and is watched.
    pub(crate) async fn call<T, E, F>(
        &self,
        operation: &'static str,
        request: impl Fn() -> F,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, SdkError<E>>>,
        E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
        ServiceError: From<SdkError<E>>,
    {
        // The SDK's futures are large.
        let answer = Box::pin(async {
            self.ready(operation).await?;
            let answer = match class_of(operation) {
                Class::Foreground => self.answer(operation, request()).await,
                Class::Housekeeping => self.paced(operation, request).await,
            };
            match answer {
                Ok(answer) => Ok(answer),
                Err((_, failure)) => Err(self.diagnosed(operation, failure).await),
            }
        });
        self.monitor().request(operation, answer).await
    }

    /// Waits for credentials, which no timeout of a request includes; fails for a name that no table can have.
    async fn ready(&self, operation: &'static str) -> Result<(), Error> {
        check_name("a table", self.name(), operation)?;
        let Some(Err(lookup)) = self
            .shared
            .credentials
            .as_ref()
            .map(CredentialsLookup::find)
        else {
            return Ok(());
        };
        let source = tokio::select! {
            looked_up = lookup => match looked_up {
                Ok(_) => return Ok(()),
                Err(error) => Cause::of_chain(&error),
            },
            () = self.wait(LOOKUP_TIMEOUT) => {
                Cause::said(format!("none within {} s", LOOKUP_TIMEOUT.as_secs()))
            }
        };
        Err(Error::new(ErrorKind::Unavailable, BACKEND, operation)
            .with_detail("there are no credentials; check them with `aws sts get-caller-identity`")
            .with_source(source))
    }

    /// Sends a request of housekeeping at the table's pace, again while it is throttled.
    async fn paced<T, E, F>(
        &self,
        operation: &'static str,
        request: impl Fn() -> F,
    ) -> Result<T, (Health, Failure)>
    where
        F: Future<Output = Result<T, SdkError<E>>>,
        E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
        ServiceError: From<SdkError<E>>,
    {
        let (pace, clock) = (&self.shared.pace, &self.options().clock);
        let (asked, mut failed) = (clock.monotonic(), 0);
        loop {
            pace.turn(&**clock).await;
            let began = clock.monotonic();
            let answer = self.answer(operation, request()).await;
            let now = clock.monotonic();
            match &answer {
                Ok(_) => pace.succeeded(now),
                Err((_, failure)) if failure.is_throttled() => {
                    let since = pace.throttled(began, now).max(asked);
                    if now.saturating_sub(since) < GIVE_UP_AFTER {
                        self.monitor().throttled(operation);
                        continue;
                    }
                }
                Err((Health::Failing, _)) if failed < self.options().max_retries => {
                    failed += 1;
                    let longest = self.options().retry_delay * 2_u32.pow(failed.min(5));
                    self.pause(longest).await;
                    continue;
                }
                Err(_) => {}
            }
            return answer;
        }
    }

    /// What a request comes to, reported to the circuit breaker.
    async fn answer<T, E>(
        &self,
        operation: &'static str,
        request: impl Future<Output = Result<T, SdkError<E>>>,
    ) -> Result<T, (Health, Failure)>
    where
        E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
        ServiceError: From<SdkError<E>>,
    {
        let unsent = |error: Error| (Health::Unknown, error.into());
        let pass = self.admitted(operation).map_err(unsent)?;
        self.shared.consumed.count_request();
        let error = match request.await {
            Ok(answer) => {
                self.report(pass, Health::Answered, None);
                return Ok(answer);
            }
            Err(error) => error,
        };
        let health = health(&error);
        let failure = failure(error, operation, self.name());
        let health = if failure.is_throttled() {
            Health::Failing
        } else {
            health
        };
        self.report(pass, health, Some(&failure));
        if let Failure::Refused(_) = &failure {
            self.shared.consumed.count_refused();
        }
        Err((health, failure))
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
