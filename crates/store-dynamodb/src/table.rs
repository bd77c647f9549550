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

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;

pub use consumed::ConsumedCapacity;
pub(crate) use expression::Values;
pub(crate) use options::check_name;
pub use options::{SchemaNames, TableOptions};
pub(crate) use read::{Query, QueryStart, Sorted};
pub(crate) use write::{Action, Condition, Conditional, Update};

use self::consumed::CapacityCounter;
use self::credentials::{CredentialsLookup, LOOKUP_TIMEOUT};
use self::diagnosis::Diagnosis;
use self::refusals::Refusals;
use crate::error::{BACKEND, Cause, Failure, RequestError, failure, health};
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

    /// The requests of an operation.
    pub(crate) const fn requests(&self, operation: &'static str) -> Requests<'_> {
        Requests {
            table: self,
            operation,
        }
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

/// The requests of one operation of a store, by the name that its errors, spans and metrics carry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Requests<'a> {
    pub(crate) table: &'a DynamoDbTable,
    pub(crate) operation: &'static str,
}

impl<'a> Requests<'a> {
    pub(crate) fn client(self) -> &'a Client {
        match class_of(self.operation) {
            Class::Foreground => &self.table.shared.client,
            Class::Housekeeping => &self.table.shared.housekeeping,
        }
    }

    /// Sends a request without conditions.
    pub(crate) async fn ask<T, E: RequestError, F>(
        self,
        request: impl Fn() -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, SdkError<E>>>,
    {
        let answer = self.call(request).await;
        answer.map_err(|failure| failure.into_error(self.operation))
    }

    /// Sends a request; every request of the stores passes here, and is watched.
    async fn call<T, E: RequestError, F>(self, request: impl Fn() -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, SdkError<E>>>,
    {
        // The SDK's futures are large.
        let answer = Box::pin(async {
            self.ready().await?;
            let answer = match class_of(self.operation) {
                Class::Foreground => self.answer(request()).await,
                Class::Housekeeping => self.paced(request).await,
            };
            match answer {
                Ok(answer) => Ok(answer),
                Err((_, failure)) => Err(self.diagnosed(failure).await),
            }
        });
        self.table.monitor().request(self.operation, answer).await
    }

    /// Waits for credentials, which no timeout of a request includes; fails for a name that no table can have.
    async fn ready(self) -> Result<(), Error> {
        check_name("a table", self.table.name(), self.operation)?;
        let credentials = self.table.shared.credentials.as_ref();
        let Some(Err(lookup)) = credentials.map(CredentialsLookup::find) else {
            return Ok(());
        };
        let source = tokio::select! {
            looked_up = lookup => match looked_up {
                Ok(_) => return Ok(()),
                Err(error) => Cause::of_chain(&error),
            },
            () = self.table.wait(LOOKUP_TIMEOUT) => {
                Cause::said(format!("none within {} s", LOOKUP_TIMEOUT.as_secs()))
            }
        };
        Err(Error::new(ErrorKind::Unavailable, BACKEND, self.operation)
            .with_detail("there are no credentials; check them with `aws sts get-caller-identity`")
            .with_source(source))
    }

    /// Sends a request of housekeeping at the table's pace, again while it is throttled.
    async fn paced<T, E: RequestError, F>(
        self,
        request: impl Fn() -> F,
    ) -> Result<T, (Health, Failure)>
    where
        F: Future<Output = Result<T, SdkError<E>>>,
    {
        let (pace, options) = (&self.table.shared.pace, self.table.options());
        let clock = &options.clock;
        let (asked, mut failed) = (clock.monotonic(), 0);
        loop {
            pace.turn(&**clock).await;
            let began = clock.monotonic();
            let answer = self.answer(request()).await;
            let now = clock.monotonic();
            match &answer {
                Ok(_) => pace.succeeded(now),
                Err((_, failure)) if failure.is_throttled() => {
                    let since = pace.throttled(began, now).max(asked);
                    if now.saturating_sub(since) < GIVE_UP_AFTER {
                        self.table.monitor().throttled(self.operation);
                        continue;
                    }
                }
                Err((Health::Failing, _)) if failed < options.max_retries => {
                    failed += 1;
                    let longest = options.retry_delay * 2_u32.pow(failed.min(5));
                    self.table.pause(longest).await;
                    continue;
                }
                Err(_) => {}
            }
            return answer;
        }
    }

    /// What a request comes to, reported to the circuit breaker.
    async fn answer<T, E: RequestError>(
        self,
        request: impl Future<Output = Result<T, SdkError<E>>>,
    ) -> Result<T, (Health, Failure)> {
        let consumed = &self.table.shared.consumed;
        let unsent = |error: Error| (Health::Unknown, error.into());
        let pass = self.admitted().map_err(unsent)?;
        consumed.count_request();
        let error = match request.await {
            Ok(answer) => {
                self.report(pass, Health::Answered, None);
                return Ok(answer);
            }
            Err(error) => error,
        };
        let health = health(&error);
        let failure = failure(error, self.operation, self.table.name());
        let health = if failure.is_throttled() {
            Health::Failing
        } else {
            health
        };
        self.report(pass, health, Some(&failure));
        if let Failure::Refused(_) = &failure {
            consumed.count_refused();
        }
        Err((health, failure))
    }

    fn admitted(self) -> Result<Pass<'a>, Error> {
        let now = self.table.options().clock.monotonic();
        let breaker = &self.table.shared.breaker;
        let admitted = breaker.admit(class_of(self.operation), now);
        admitted.map_err(|refusal| {
            Error::new(ErrorKind::CircuitOpen, BACKEND, self.operation)
                .with_retry_after(refusal.retry_after)
                .with_detail(format!(
                    "the circuit of table {} is open after consecutive failures, nothing was sent; \
                     the next attempt is in {} ms; the last failure: {}",
                    self.table.name(),
                    refusal.retry_after.as_millis(),
                    refusal.cause,
                ))
        })
    }

    fn report(self, pass: Pass<'_>, health: Health, failure: Option<&Failure>) {
        let (table, monitor) = (self.table.name(), self.table.monitor());
        let cause = || match failure {
            Some(Failure::Error(error)) => error.to_string(),
            _ => "too many requests".to_owned(),
        };
        let now = self.table.options().clock.monotonic();
        match pass.report(health, now, cause) {
            Change::None => {}
            Change::Opened(wait) => {
                monitor.circuit(true);
                let cause = cause();
                tracing::warn!(
                    table,
                    ?wait,
                    cause,
                    "circuit opened: requests to the table are not sent"
                );
            }
            Change::Closed => {
                monitor.circuit(false);
                tracing::info!(table, "circuit closed: the table responds again");
            }
        }
    }
}
