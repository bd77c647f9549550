//! Health check of a table, and the clock skew between this host and the service.

mod clock;

use std::fmt;
use std::time::Duration;

use aws_sdk_dynamodb::types::TableStatus;
use futures_util::future::join3;
use store_core::{Error, ErrorKind, SECOND};

pub use self::clock::ClockSkew;
use self::clock::Dates;
use crate::error::BACKEND;
use crate::item::ItemKey;
use crate::options::MAX_CLOCK_SKEW;
use crate::setters::setters;
use crate::setup::time_to_live_of;
use crate::table::DynamoDbTable;

const OPERATION: &str = "health";

/// Options of [`DynamoDbTable::health`].
///
/// ```
/// use store_dynamodb::ops::HealthOptions;
///
/// assert_eq!(HealthOptions::default().timeout.as_secs(), 2);
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct HealthOptions {
    /// Timeout of the check. Default: 2 s.
    pub timeout: Duration,
    /// Maximum difference between this host's clock and the service's; use the value of the stores' options.
    /// Default: 20 ms, as there.
    pub max_clock_skew: Duration,
}

impl Default for HealthOptions {
    fn default() -> Self {
        Self {
            timeout: SECOND * 2,
            max_clock_skew: MAX_CLOCK_SKEW,
        }
    }
}

impl HealthOptions {
    setters! {
        constant:
        with_timeout timeout: Duration,
        with_max_clock_skew max_clock_skew: Duration,
    }
}

/// Result of a health check.
#[derive(Debug)]
#[non_exhaustive]
pub struct Health {
    /// Duration of a strongly consistent read; `None` if it failed.
    pub latency: Option<Duration>,
    /// Skew of the service's clock against this host's; `None` if the response had no `Date` header.
    pub clock_skew: Option<ClockSkew>,
    /// Problems found, in no order.
    pub problems: Vec<Problem>,
}

impl Health {
    /// Whether the stores can work, that is, no problem [is serious](Problem::is_serious).
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        !self.problems.iter().any(Problem::is_serious)
    }
}

/// A problem found by a health check; its `Display` names the remedy.
#[derive(Debug)]
#[non_exhaustive]
pub enum Problem {
    /// The table cannot be read: unreachable, missing, other keys, or an open circuit.
    Unreadable(Error),
    /// The table is neither `ACTIVE` nor `UPDATING`.
    NotActive {
        /// Its status, such as `CREATING`.
        status: String,
    },
    /// Time to live is off or uses another attribute, so DynamoDB does not remove expired items.
    TimeToLive {
        /// Name of the table.
        table: String,
        /// Required attribute.
        wanted: String,
        /// Actual attribute; `None` if time to live is off.
        found: Option<String>,
    },
    /// The clock skew certainly exceeds what the stores allow for: leases and windows of different hosts could
    /// overlap.
    ClockSkew {
        /// Measured skew.
        skew: ClockSkew,
        /// Maximum allowed.
        allowed: Duration,
    },
    /// The response had no `Date` header, as with some test servers, so the clock skew is unknown.
    ClockUnknown,
}

impl Problem {
    /// Whether it prevents the stores from working correctly.
    #[must_use]
    pub const fn is_serious(&self) -> bool {
        match self {
            Self::TimeToLive { .. } | Self::ClockUnknown => false,
            Self::Unreadable(_) | Self::NotActive { .. } | Self::ClockSkew { .. } => true,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => error.fmt(f),
            Self::NotActive { status } => write!(f, "the table is {status}"),
            Self::TimeToLive {
                table,
                wanted,
                found,
            } => {
                let (state, first) = match found {
                    Some(found) => (
                        format!("uses the attribute {found}"),
                        "turn it off; an hour later ",
                    ),
                    None => ("is off".to_owned(), ""),
                };
                write!(
                    f,
                    "time to live {state}, so expired items stay and cost storage; {first}`comicvine table \
                     setup --table {table} --repair` enables it for {wanted}"
                )
            }
            Self::ClockSkew { skew, allowed } => write!(
                f,
                "the service's clock is {skew} ahead of this host's, more than the {} ms allowed; \
                 synchronise this host's clock by NTP",
                allowed.as_millis()
            ),
            Self::ClockUnknown => f.write_str(
                "the service sends no date, so this host's clock was not compared; synchronise it by NTP",
            ),
        }
    }
}

impl DynamoDbTable {
    /// Health check of the table: a strongly consistent read of an item that does not exist (one read unit),
    /// the table's status and its time to live. Checks that the credentials do not permit are skipped.
    ///
    /// Ends within [`HealthOptions::timeout`] and returns failures as [`Problem`]s.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/doctest_table.rs.inc"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { on_emulator(async |table| {
    /// let health = table.health(&store_dynamodb::ops::HealthOptions::default()).await;
    /// for problem in &health.problems {
    ///     println!("{problem}");
    /// }
    /// assert!(health.is_healthy());
    /// # Ok(())
    /// # }) }
    /// ```
    pub async fn health(&self, options: &HealthOptions) -> Health {
        let clock = &self.options().clock;
        let dates = Dates::new(clock);
        let began = clock.monotonic();
        let read = async {
            let read = self
                .within(options.timeout, Box::pin(self.read_nothing(&dates)))
                .await;
            read.map(|()| clock.monotonic().saturating_sub(began))
        };
        let (read, status, time_to_live) = join3(
            read,
            self.within(options.timeout, self.status()),
            self.within(options.timeout, self.time_to_live()),
        )
        .await;
        let mut problems = Vec::new();
        let latency = read.map_err(|error| problems.push(Problem::Unreadable(error)));
        if let Ok(Some(status)) = status
            && !matches!(status, TableStatus::Active | TableStatus::Updating)
        {
            let status = status.as_str().to_owned();
            problems.push(Problem::NotActive { status });
        }
        let wanted = &self.options().names.time_to_live;
        if let Ok(Some(found)) = time_to_live
            && found.as_ref() != Some(wanted)
        {
            problems.push(Problem::TimeToLive {
                table: self.name().to_owned(),
                wanted: wanted.clone(),
                found,
            });
        }
        let difference = dates.difference();
        match difference {
            Some(difference) if difference.exceeds(options.max_clock_skew) => {
                problems.push(Problem::ClockSkew {
                    skew: difference,
                    allowed: options.max_clock_skew,
                });
            }
            None if latency.is_ok() => problems.push(Problem::ClockUnknown),
            Some(_) | None => {}
        }
        Health {
            latency: latency.ok(),
            clock_skew: difference,
            problems,
        }
    }

    /// A read like those of the stores: it fails if the table is missing or has other keys.
    async fn read_nothing(&self, dates: &Dates) -> Result<(), Error> {
        let requests = self.requests(OPERATION);
        let request = requests
            .client()
            .get_item()
            .table_name(self.name())
            .set_key(Some(self.key(&ItemKey::new("HEALTH", "HEALTH"))))
            .consistent_read(true);
        let request = || request.clone().customize().interceptor(dates.clone());
        requests.ask(|| request().send()).await?;
        Ok(())
    }

    /// The table's status; `None` without permission.
    async fn status(&self) -> Result<Option<TableStatus>, Error> {
        let request = self.client().describe_table().table_name(self.name());
        let answer = Box::pin(request.send()).await;
        let described = answer.ok().and_then(|answer| answer.table);
        Ok(described.and_then(|table| table.table_status))
    }

    /// The time-to-live attribute, `Some(None)` if it is off; `None` without permission.
    async fn time_to_live(&self) -> Result<Option<Option<String>>, Error> {
        let request = self.client().describe_time_to_live();
        let answer = Box::pin(request.table_name(self.name()).send()).await;
        let described = answer
            .ok()
            .and_then(|answer| answer.time_to_live_description);
        Ok(described.map(time_to_live_of))
    }

    /// The result of `work`, or a timeout.
    async fn within<T>(
        &self,
        timeout: Duration,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        tokio::select! {
            done = work => done,
            () = self.wait(timeout) => Err(Error::new(ErrorKind::Timeout, BACKEND, OPERATION)),
        }
    }
}
